"""The terms of a subscription: which plan, how often it is paid, when it starts and when it ends."""

import random
from dataclasses import dataclass

from sources.sample_company.catalogue import Product, subscription_product
from sources.sample_company.people import Person
from sources.sample_company.world import DAY, HOUR, World, whole_second

YEARLY_SHARE = 0.22
ENDS_AFTER_A_MONTH = 0.1
MONTHS_LOOKED_AHEAD = 6


@dataclass(frozen=True)
class Terms:
    plan: str
    interval: str
    product: Product
    seats: int
    discount_cents: int
    recurring_cents: int | None
    started_at: int
    noticed_at: int | None
    ended_at: int | None


def agree_terms(world: World, rng: random.Random, at: int, buyer: Person) -> Terms:
    plan = "studio" if rng.random() < (0.15 if buyer.industry == "hobby" else 0.5) else "maker"
    interval = "year" if rng.random() < YEARLY_SHARE else "month"
    product = subscription_product(plan, interval)
    seats = rng.randint(1, 4) if plan == "studio" else 1
    full_price = seats * product.price_cents
    # A fifth off the first interval for some: what recurs is the full price, and only then it is written down.
    is_promoted = rng.random() < 0.25
    started_at = world.day_start(world.index_of(at) + 1) if rng.random() < 0.1 else at
    noticed_at, ended_at = _plan_end(world, rng, started_at, interval)
    return Terms(
        plan=plan,
        interval=interval,
        product=product,
        seats=seats,
        discount_cents=full_price // 5 if is_promoted else 0,
        recurring_cents=full_price if is_promoted else None,
        started_at=started_at,
        noticed_at=noticed_at,
        ended_at=ended_at,
    )


def _plan_end(world: World, rng: random.Random, started_at: int, interval: str) -> tuple[int | None, int | None]:
    """When notice is given and when the subscription ends; nothing of it if that is not known by the last day."""
    if interval == "year" and rng.random() > 0.06:
        return None, None
    months = next((m for m in range(1, MONTHS_LOOKED_AHEAD) if rng.random() < ENDS_AFTER_A_MONTH), None)
    if months is None:
        return None, None
    ended_at = started_at + months * 30 * DAY + rng.randint(0, 20) * HOUR
    first_of_month = world.midnight(world.day(world.index_of(ended_at)).replace(day=1))
    if rng.random() < 0.2 and first_of_month > started_at + DAY:
        ended_at = first_of_month  # to the end of the calendar month: exactly at local midnight
    noticed_at = max(started_at + HOUR, whole_second(ended_at - rng.uniform(0.2, 9) * DAY))
    return (noticed_at, ended_at) if noticed_at < world.end else (None, None)
