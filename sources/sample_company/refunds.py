"""Money that goes back: for cancelled orders, for units that were sent back, or as a gesture."""

import random

from sources.sample_company.fulfilment import Journey
from sources.sample_company.shop_db import ItemRow, OrderRow, RefundRow
from sources.sample_company.world import DAY, HOUR, World, pick, sql_text, whole_second

RETURN_REASONS = {"damaged": 0.28, "wrong_size": 0.30, "not_as_expected": 0.30, "too_late": 0.12}
# A quarter of those who cancel never see their money again.
REFUNDED_CANCELLATIONS = 0.75
RETURNED_ORDERS = 0.075
GESTURES = 0.02
GESTURES_WHEN_LATE = 0.2
# Some money goes to a card in pounds or dollars that is not the order's currency, at the rate of the card's bank.
OTHER_CARDS = 0.05
CARD_RATES = {"EUR": 1.0, "USD": 0.91, "GBP": 1.15}


def paid_cents(order: OrderRow, items: list[ItemRow]) -> int:
    return sum(i.quantity * i.unit_price_cents - i.discount_cents for i in items) - order.discount_cents


def plan_refund(
    world: World, rng: random.Random, order: OrderRow, items: list[ItemRow], journey: Journey
) -> tuple[int, RefundRow] | None:
    """The refund of an order and when it was issued; None if there is none by the last day. Its id is the shop's."""
    paid = paid_cents(order, items)
    chance = rng.random()
    if journey.cancelled_at is not None:
        at = journey.cancelled_at + rng.randint(0, 5 * 24) * HOUR
        reason, amount = "cancelled", paid if chance < REFUNDED_CANCELLATIONS else 0
        return _issue(world, order, at, amount, reason)
    at = whole_second(journey.delivered_at + rng.uniform(2, 24) * DAY)
    if chance < RETURNED_ORDERS:
        item = rng.choice(items)
        units = rng.randint(1, item.quantity)
        line = item.quantity * item.unit_price_cents - item.discount_cents
        amount = line * units * paid // (item.quantity * max(1, paid + order.discount_cents))
        reason = "too_late" if journey.is_late and rng.random() < 0.6 else pick(rng, RETURN_REASONS)
        # Some money goes out before the parcel is back.
        back_at = whole_second(max(journey.delivered_at + HOUR, at + rng.uniform(-3, 6) * DAY))
        return _issue(world, order, at, amount, reason, item, units, back_at)
    if chance < RETURNED_ORDERS + (GESTURES_WHEN_LATE if journey.is_late else GESTURES):
        return _issue(world, order, at, paid // 10, "goodwill")
    return None


def _issue(
    world: World,
    order: OrderRow,
    at: int,
    amount_cents: int,
    reason: str,
    item: ItemRow | None = None,
    units: int | None = None,
    back_at: int | None = None,
) -> tuple[int, RefundRow] | None:
    if at >= world.end or amount_cents <= 0:
        return None
    is_back = back_at is not None and back_at < world.end
    refund = RefundRow(
        id="",
        order_id=order.id,
        item_id=item.id if item else None,
        currency=order.currency,
        amount_cents=amount_cents,
        reason=reason,
        returned_quantity=units if is_back else None,
        returned_at=sql_text(back_at) if is_back else None,
        created_at=str(sql_text(at)),
        updated_at=str(sql_text(max(at, back_at) if is_back and back_at is not None else at)),
    )
    return at, refund


def pay_to_another_card(rng: random.Random, refund: RefundRow) -> None:
    """Turn the refund into another currency, which is neither the order's nor euros."""
    currency = rng.choice([c for c in CARD_RATES if c not in ("EUR", refund.currency)])
    refund.amount_cents = max(1, int(refund.amount_cents * CARD_RATES[refund.currency] / CARD_RATES[currency]))
    refund.currency = currency
