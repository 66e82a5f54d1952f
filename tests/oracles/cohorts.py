"""Orders watched after the order date: what is cancelled, returned, given back, kept, and bought again."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from tests.oracles import engagement
from tests.oracles.figures import (
    NO_AMOUNT,
    NO_AMOUNTS,
    NOTHING_BY_NOTHING,
    ZERO,
    Cell,
    Fact,
    Key,
    Kpi,
    grouped,
    measured_over_total,
    number,
    ratio,
    rounded,
)
from tests.oracles.orders import (
    Movement,
    Order,
    category_and_order_segments,
    lines_of,
    movements,
    rate,
    read_orders,
    spread,
    unrefunded,
)
from tests.oracles.raw import Company, own_segments

DAYS_30, DAYS_90 = timedelta(days=30), timedelta(days=90)


def cohort_movements(company: Company, orders: list[Order]) -> list[Movement]:
    """Net sales on the order date, at its rate: what happens within 90 x 24 hours of the order, refunds and cancellations."""
    found = []
    for order in orders:
        day, until = company.calendar.day(order.at), order.at + DAYS_90
        is_gone = order.cancelled_at is not None and order.cancelled_at < until
        left = unrefunded(company, order, day, until) if is_gone else Decimal(0)
        kept = spread(left, lines_of(company, order.order_id))
        for line in order.lines:
            for kind, amount, currency in (
                ("gross", line.gross, order.currency),
                ("discount", -line.discount, order.currency),
                *(("refund", -refund.amount, refund.currency) for refund in line.refunds if refund.at < until),
                ("cancelled", -kept[line.line_id], order.currency),
            ):
                converted = rounded(amount * rate(company, currency, day))
                found.append(Movement(kind, order, day, line.category, converted))
    return found


def cancellation_rate(company: Company, orders: list[Order]) -> dict[Key, Cell]:
    """Orders cancelled before shipment within 30 days / orders, by order date; by who cancelled: of all orders."""
    scans: dict[str, datetime] = {}
    for parcel in company.tables.get("shipments", []):
        if scanned := company.happened(parcel["shipped_at"]):
            scans[parcel["order_id"]] = min(scanned, scans.get(parcel["order_id"], scanned))
    facts, by_whom = [], []
    for order in orders:
        day, cancelled_at, scan = company.calendar.day(order.at), order.cancelled_at, scans.get(order.order_id)
        is_cancelled = (
            cancelled_at is not None and cancelled_at < order.at + DAYS_30 and (scan is None or cancelled_at < scan)
        )
        facts.append(Fact(day, order.segments, is_cancelled))
        if is_cancelled:
            by_whom.append(Fact(day, {"cancelled_by": order.raw["cancelled_by"]}, True))

    def share(what: list[bool]) -> Cell:
        return ratio(sum(what), len(what), len(what))

    cells = grouped(company.calendar, facts, share)
    return cells | measured_over_total(company.calendar, by_whom, cells)


def return_rate(company: Company, orders: list[Order]) -> dict[Key, Cell]:
    """Units returned within 30 days of delivery / units delivered, by delivery date.

    Of a line that came in several parcels the units that came first go back first. What names no line that was delivered
    is taken from what is left of the order, likewise.
    """
    at = {row["id"]: company.happened(row["delivered_at"]) for row in company.tables.get("shipments", [])}
    arrived: dict[str, list[tuple[datetime, str, str]]] = defaultdict(
        list
    )  # of an order: (when, parcel, line) per unit
    for row in company.tables.get("shipment_items", []):
        if delivered := at[row["shipment_id"]]:
            arrived[row["order_id"]] += [(delivered, row["shipment_id"], row["item_id"])] * row["quantity"]
    went_back: dict[str, list[tuple[datetime, str | None]]] = defaultdict(list)
    for refund in company.refunds:
        returned = company.happened(refund["returned_at"] or refund["created_at"])
        if returned and refund["returned_quantity"]:
            went_back[refund["order_id"]] += [(returned, refund["item_id"])] * refund["returned_quantity"]
    of_orders, of_categories = [], []
    for order in orders:
        category = {line.line_id: line.category for line in order.lines}
        units = sorted(arrived[order.order_id])
        back = sorted(went_back[order.order_id], key=lambda r: r[0])
        lines = {line_id for _, _, line_id in units}
        matched: list[tuple[datetime, str, datetime | None]] = []
        left: list[tuple[datetime, str]] = []
        for line_id in lines:
            of_line = [when for when, _, line in units if line == line_id]
            named = [when for when, line in back if line == line_id]
            matched += [(d, line_id, r) for d, r in zip(of_line, named, strict=False)]
            left += [(d, line_id) for d in of_line[len(named) :]]
        unnamed = [when for when, line in back if line not in lines]
        order_of_arrival = {(d, line_id): n for n, (d, _, line_id) in enumerate(units)}
        for n, (delivered, line_id) in enumerate(sorted(left, key=lambda unit: order_of_arrival[unit])):
            matched.append((delivered, line_id, unnamed[n] if n < len(unnamed) else None))
        for delivered, line_id, returned in matched:
            is_back = returned is not None and returned < delivered + DAYS_30
            day = company.calendar.day(delivered)
            of_orders.append(Fact(day, order.segments, is_back))
            of_categories.append(Fact(day, {"category": category.get(line_id)}, is_back))

    def share(what: list[bool]) -> Cell:
        return ratio(sum(what), len(what))

    whole = grouped(company.calendar, of_orders, share)
    return whole | grouped(company.calendar, of_categories, share, total=False)


def refund_rate(company: Company, moved: list[Movement]) -> dict[Key, Cell]:
    """Refunds issued / gmv of the same period."""

    def share(what: list[Movement]) -> Cell:
        refunds = sum((-m.amount for m in what if m.kind == "refund"), Decimal(0))
        return ratio(refunds, sum((m.amount for m in what if m.kind == "gross"), Decimal(0)))

    return category_and_order_segments(company, [m for m in moved if m.kind in ("refund", "gross")], share)


def repeat_purchases(company: Company, orders: list[Order]) -> dict[Key, Cell]:
    """First-time buyers with a second kept order within 90 days / first-time buyers, by the date of the first kept order.

    Kept is not cancelled. A buyer whom nobody knows is none.
    """
    bought: dict[str, list[Order]] = defaultdict(list)
    for order in sorted(orders, key=lambda o: (o.at, o.order_id)):
        if order.raw["customer_id"] and order.cancelled_at is None:
            bought[order.raw["customer_id"]].append(order)
    facts = []
    for kept in bought.values():
        first = kept[0]
        day, who = company.calendar.day(first.at), first.raw["customer_id"]
        names = ("acquisition_channel", "plan", "country")
        segments = {name: company.attribute(name, first.raw[name], who, day) for name in names}
        segments |= own_segments(company, "orders", first.raw, who, day)
        came_back = any(order.at < first.at + DAYS_90 for order in kept[1:])
        facts.append(Fact(day, segments, came_back))

    def share(what: list[bool]) -> Cell:
        return ratio(sum(what), len(what), len(what))

    return grouped(company.calendar, facts, share)


def revenue_per_active_user(company: Company, moved: list[Movement]) -> dict[Key, Cell]:
    """Net sales / active users of the same period; in total and by country, the dimension that both know."""

    def total(what: list[Movement]) -> Cell:
        return number(sum((m.amount for m in what), Decimal(0)))

    facts = [Fact(m.day, {"country": m.order.segments["country"]}, m) for m in moved]
    sales = grouped(company.calendar, facts, total)
    users = engagement.active_users(company)
    places = {key for key in {*sales, *users} if key.dimension in ("all", "country")}
    return {key: ratio(sales.get(key, ZERO).numerator, users.get(key, ZERO).numerator) for key in places}


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of orders that need a window or another domain."""
    orders = read_orders(company)
    moved = movements(company)

    def total(what: list[Movement]) -> Cell:
        return number(sum((m.amount for m in what), Decimal(0)))

    in_90_days = category_and_order_segments(company, cohort_movements(company, orders), total)
    return [
        Kpi("net_sales_cohort_90d", in_90_days, NO_AMOUNT, window_days=90),
        Kpi("cancellation_rate", cancellation_rate(company, orders), NOTHING_BY_NOTHING, window_days=30),
        Kpi("return_rate", return_rate(company, orders), NO_AMOUNTS, window_days=30),
        Kpi("refund_rate", refund_rate(company, moved), NO_AMOUNTS),
        Kpi("revenue_per_active_user", revenue_per_active_user(company, moved), NO_AMOUNTS),
        Kpi(
            "repeat_purchase_90d",
            repeat_purchases(company, orders),
            NOTHING_BY_NOTHING,
            window_days=90,
            unknown_first_days=engagement.NEW_AFTER_DAYS,
        ),
    ]
