"""From placed to delivered: what happens to the goods of one order, and when.

Times are planned without regard to the last simulated day; `shop.py` writes only what has happened by then. Which
goods share a parcel draws from a generator of its own.
"""

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sources.sample_company.catalogue import CARRIERS, HELPING_WAREHOUSE, PROMISE_DAYS, TRANSIT_DAYS, WAREHOUSE
from sources.sample_company.incidents import LATE_CARRIER
from sources.sample_company.world import DAY, HOLIDAYS, HOUR, MINUTE, World, pick, whole_second

CANCELLED_SHARE = 0.055
CANCELLED_BY = {"customer": 0.46, "merchant": 0.26, "system": 0.18, "carrier": 0.10}
OUT_OF_STOCK_SHARE = 0.012
LOST_SHARE = 0.004
# Of the orders of several units: in two parcels, and of those the ones that are handed over together.
SPLIT_SHARE = 0.14
TOGETHER_SHARE = 0.25
# Channels whose promise is a day, not an instant.
DATE_PROMISES = ("marketplace", "phone")


@dataclass(slots=True)
class Journey:
    warehouse: str
    carrier: str
    approved_at: int
    picked_at: int
    shipped_at: int
    delivered_at: int
    promised_at: int | None
    promised_date: date | None
    promise_ends_at: int
    ship_by: int
    cancelled_at: int | None = None
    cancelled_by: str | None = None
    hit_by_incident: bool = False

    @property
    def is_late(self) -> bool:
        return self.cancelled_at is None and self.delivered_at > self.promise_ends_at

    def happened(self, at: int, end: int) -> int | None:
        """The instant of a stage, if it came to it."""
        return None if at >= end or (self.cancelled_at is not None and at > self.cancelled_at) else at


@dataclass(slots=True)
class Parcel:
    """Units of an order that travel together: (position of the line, units)."""

    warehouse: str
    carrier: str
    packed_at: int
    shipped_at: int
    delivered_at: int
    units: list[tuple[int, int]]


def plan_journey(
    world: World, rng: random.Random, parcel_rng: random.Random, placed_at: int, country: str, channel: str
) -> Journey:
    approved = placed_at + (rng.randint(2, 45) * MINUTE if rng.random() < 0.94 else rng.randint(8, 30) * HOUR)
    picked = world.after_office_time(approved, int(rng.lognormvariate(1.3, 0.6) * HOUR))
    if parcel_rng.random() < OUT_OF_STOCK_SHARE:
        picked += parcel_rng.choice((7, 14)) * DAY
    shipped = world.after_office_time(picked, rng.randint(1, 7) * HOUR)
    carrier = pick(rng, CARRIERS[country])
    delivered, hit = _arrival(world, rng, shipped, carrier, country)
    placed_day = world.index_of(placed_at)
    promised_day = placed_day + PROMISE_DAYS[country] + (1 if world.weekday(placed_day) > 3 else 0)
    promised_day += sum(world.day(day) in HOLIDAYS for day in range(placed_day, promised_day))
    by_date = channel in DATE_PROMISES
    journey = Journey(
        warehouse=WAREHOUSE[country],
        carrier=carrier,
        approved_at=whole_second(approved),
        picked_at=whole_second(picked),
        shipped_at=whole_second(shipped),
        delivered_at=whole_second(delivered),
        promised_at=None if by_date else world.at_hour(promised_day, 18),
        promised_date=world.first_day + timedelta(days=promised_day) if by_date else None,
        promise_ends_at=world.day_start(promised_day + 1) if by_date else world.at_hour(promised_day, 18),
        ship_by=world.at_hour(world.index_of(world.after_office_time(placed_at, 16 * HOUR)), 18),
        hit_by_incident=hit,
    )
    if rng.random() < CANCELLED_SHARE:
        _cancel(rng, journey, placed_at)
    return journey


def _arrival(world: World, rng: random.Random, shipped: int, carrier: str, country: str) -> tuple[int, bool]:
    """When a parcel is handed over, and whether the planted incident delayed it."""
    delivered = shipped + int(max(0.6, rng.gauss(TRANSIT_DAYS[country], 0.7)) * DAY)
    if rng.random() < 0.04:
        delivered += rng.randint(2, 6) * DAY
    extra_days = rng.uniform(
        LATE_CARRIER.effect["extra_transit_days_min"], LATE_CARRIER.effect["extra_transit_days_max"]
    )
    hit = (
        country == LATE_CARRIER.segment["country"]
        and carrier == LATE_CARRIER.segment["carrier"]
        and LATE_CARRIER.is_on(world, shipped)
    )
    if hit:
        delivered += int(extra_days * DAY)
    # Parcels are handed over by day: what arrives in the evening or at night waits for the morning.
    delivered = max(delivered, world.at_hour(world.index_of(delivered + 5 * HOUR), 9) + rng.randrange(9 * HOUR))
    return delivered, hit


def pack(world: World, rng: random.Random, journey: Journey, country: str, quantities: list[int]) -> list[Parcel]:
    """Put the lines of an order into parcels, and let the journey end with the last of them."""
    first = Parcel(
        journey.warehouse,
        journey.carrier,
        journey.picked_at,
        journey.shipped_at,
        journey.delivered_at,
        list(enumerate(quantities)),
    )
    parcels = [first]
    if journey.cancelled_at is None:
        if sum(quantities) > 1 and rng.random() < SPLIT_SHARE:
            parcels.append(_second_parcel(world, rng, first, country, quantities))
        if rng.random() < LOST_SHARE:  # and nobody tells the shop
            parcels[-1].delivered_at = world.end + DAY
        journey.delivered_at = max(parcel.delivered_at for parcel in parcels)
    return parcels


def _second_parcel(world: World, rng: random.Random, first: Parcel, country: str, quantities: list[int]) -> Parcel:
    """Take a whole line, or some units of one, out of the first parcel."""
    line = rng.randrange(len(quantities))
    units = rng.randint(1, quantities[line] - (len(quantities) == 1))
    kept = quantities[line] - units
    first.units = [(n, kept if n == line else q) for n, q in enumerate(quantities) if n != line or kept]
    if rng.random() < TOGETHER_SHARE:  # too much for one box
        return replace(first, units=[(line, units)])
    packed = world.after_office_time(first.shipped_at, rng.randint(4, 30) * HOUR)
    shipped = world.after_office_time(packed, rng.randint(1, 7) * HOUR)
    carrier = pick(rng, CARRIERS[country])
    delivered, _ = _arrival(world, rng, shipped, carrier, country)
    return Parcel(
        HELPING_WAREHOUSE[first.warehouse],
        carrier,
        whole_second(packed),
        whole_second(shipped),
        whole_second(delivered),
        [(line, units)],
    )


def _cancel(rng: random.Random, journey: Journey, placed_at: int) -> None:
    journey.cancelled_by = pick(rng, CANCELLED_BY)
    if journey.cancelled_by == "carrier":  # lost on its way
        journey.cancelled_at = whole_second(journey.shipped_at + rng.uniform(5, 10) * DAY)
        journey.delivered_at = max(journey.delivered_at, journey.cancelled_at + DAY)
    elif journey.cancelled_by == "system":  # the payment never came
        journey.cancelled_at = placed_at + 3 * DAY
        journey.approved_at = max(journey.approved_at, journey.cancelled_at + DAY)
        journey.picked_at = journey.shipped_at = journey.delivered_at = journey.approved_at
    else:
        share = rng.uniform(0.05, 0.95)
        journey.cancelled_at = whole_second(placed_at + share * (journey.shipped_at - placed_at))
