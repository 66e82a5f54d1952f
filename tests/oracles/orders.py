"""Orders and revenue: what was bought, what remains of it, and what runs."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

from tests.oracles.calendar import ONE_DAY
from tests.oracles.figures import (
    GRAINS,
    NO_AMOUNT,
    NOTHING_BY_NOTHING,
    ZERO,
    Cell,
    Fact,
    Key,
    Kpi,
    grouped,
    number,
    ratio,
    rounded,
)
from tests.oracles.raw import CENT, Company, Record, instant, own_segments

OLDEST_RATE = timedelta(days=7)
Charge = tuple[str, Fraction, int]  # (currency, amount, lines that it is the sum of)
A_MONTH = {"week": Fraction(52, 12), "month": Fraction(1), "quarter": Fraction(1, 3), "year": Fraction(1, 12)}


@dataclass(frozen=True)
class Refund:
    """What went back, or the share of a line in it. It may be in another currency than the order."""

    at: datetime
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Line:
    """A line of an order in the order's currency, with its share of what was given for the whole order."""

    line_id: str
    category: str
    gross: Decimal
    discount: Decimal
    refunds: tuple[Refund, ...]


@dataclass(frozen=True)
class Order:
    """An order that counts, with its lines."""

    order_id: str
    at: datetime
    currency: str
    segments: Mapping[str, str | None]
    lines: tuple[Line, ...]
    refunds: tuple[Refund, ...]
    cancelled_at: datetime | None
    raw: Record

    def time(self, column: str) -> datetime | None:
        return instant(self.raw[column])


def spread(amount: Decimal, lines: list[Record]) -> dict[str, Decimal]:
    """An amount of the whole order over its lines by value, largest remainder: the shares sum to it.

    Cents are spread; what is less than one (of an amount that was converted) lies on the first line that gets one more.
    """
    amount_cents = int(amount / CENT)
    weights = {line["id"]: line["unit_price_cents"] * line["quantity"] for line in lines}
    total = sum(weights.values())
    if not total:
        weights, total = dict.fromkeys(weights, 1), len(weights)
    shares = {i: amount_cents * weight // total for i, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda i: (-(amount_cents * weights[i] % total), i))
    for i in by_remainder[: amount_cents - sum(shares.values())]:
        shares[i] += 1
    rest = dict.fromkeys(by_remainder[:1], amount - amount_cents * CENT)
    return {i: cents * CENT + rest.get(i, 0) for i, cents in shares.items()}


def lines_of(company: Company, order_id: str) -> list[Record]:
    """The lines of an order; one without lines has one of nothing, so that what is said of the order has a place."""
    nothing = {"id": "-", "category": None, "unit_price_cents": 0, "quantity": 0, "discount_cents": 0}
    return company.items.get(order_id) or [nothing]


@cache
def read_orders(company: Company) -> list[Order]:
    """All orders that count."""
    refunds: dict[str, list[Record]] = defaultdict(list)
    for refund in company.refunds:
        if company.happened(refund["created_at"]):
            refunds[refund["order_id"]].append(refund)
    found = []
    for order_id, raw in company.orders.items():
        items = lines_of(company, order_id)
        discounts = spread(raw["discount_cents"] * CENT, items)
        whole = []
        given: dict[str, list[Refund]] = defaultdict(list)
        for refund in refunds[order_id]:
            back = Refund(instant(refund["created_at"]), refund["currency"], refund["amount_cents"] * CENT)
            whole.append(back)
            shares = {refund["item_id"]: back.amount} if refund["item_id"] else spread(back.amount, items)
            for line_id, share in shares.items():
                given[line_id].append(replace(back, amount=share))
        lines = tuple(
            Line(
                item["id"],
                item["category"] or "unknown",
                item["unit_price_cents"] * item["quantity"] * CENT,
                item["discount_cents"] * CENT + discounts[item["id"]],
                tuple(given[item["id"]]),
            )
            for item in items
        )
        at, who = instant(raw["placed_at"]), raw["customer_id"]
        day = company.calendar.day(at)
        segments = {"channel": raw["channel"], "country": company.attribute("country", raw["country"], who, day)}
        segments |= own_segments(company, "orders", raw, who, day)
        cancelled_at = company.happened(raw["cancelled_at"])
        found.append(Order(order_id, at, raw["currency"], segments, lines, tuple(whole), cancelled_at, raw))
    return found


def rate(company: Company, currency: str, day: date) -> Decimal:
    """The last rate on or before the day and at most 7 days old; a missing one blocks. The reporting currency needs none."""
    if currency == company.business["currency"]:
        return Decimal(1)
    published = company.rates[currency]
    known = bisect_right(published, day, key=lambda entry: entry[0])
    assert known and day - published[known - 1][0] <= OLDEST_RATE, f"no rate of {currency} on {day}"
    return published[known - 1][1]


def unrefunded(company: Company, order: Order, day: date, until: datetime | None = None) -> Decimal:
    """What is left of an order's worth, in its currency, to the ten-thousandth that contracts keep: a refund in another
    one at the rates of the day on which that counts."""
    left = sum((line.gross - line.discount for line in order.lines), Decimal(0))
    for refund in order.refunds:
        if until is None or refund.at < until:
            factor = Fraction(rate(company, refund.currency, day)) / Fraction(rate(company, order.currency, day))
            left -= rounded(Fraction(refund.amount) * factor, Decimal("0.0001"))
    return max(left, Decimal(0))


@dataclass(frozen=True)
class Movement:
    """An amount of a line on a day, in the reporting currency."""

    kind: str
    order: Order
    day: date
    category: str
    amount: Decimal


@cache
def movements(company: Company) -> list[Movement]:
    """Gross value and discounts on the order date, refunds on the refund date, what was cancelled and never refunded on
    the cancel date."""
    found = []

    def add(kind: str, order: Order, line: Line, at: datetime, amount: Decimal, currency: str = "") -> None:
        day = company.calendar.day(at)
        converted = rounded(amount * rate(company, currency or order.currency, day))
        found.append(Movement(kind, order, day, line.category, converted))

    for order in read_orders(company):
        cancelled_at = order.cancelled_at
        left = unrefunded(company, order, company.calendar.day(cancelled_at)) if cancelled_at else Decimal(0)
        kept = spread(left, lines_of(company, order.order_id))
        for line in order.lines:
            add("gross", order, line, order.at, line.gross)
            add("discount", order, line, order.at, -line.discount)
            for refund in line.refunds:
                add("refund", order, line, refund.at, -refund.amount, refund.currency)
            if cancelled_at and kept[line.line_id]:
                add("cancelled", order, line, cancelled_at, -kept[line.line_id])
    # what is given back for an order that nobody knows is given back all the same
    for refund in company.refunds:
        if refund["order_id"] not in company.orders and company.happened(refund["created_at"]):
            at, raw = instant(refund["created_at"]), {"customer_id": None, "account_id": None}
            nothing = {"channel": None, "country": None}
            nothing |= own_segments(company, "orders", {}, None, company.calendar.day(at))
            order = Order(refund["order_id"], at, refund["currency"], nothing, (), (), None, raw)
            add("refund", order, Line("-", "unknown", Decimal(0), Decimal(0), ()), at, -refund["amount_cents"] * CENT)
    return found


def category_and_order_segments(company: Company, moved: list[Movement], measure) -> dict[Key, Cell]:
    """Movements measured in total, by channel and country of the order and by category of the line."""
    whole = grouped(company.calendar, [Fact(m.day, m.order.segments, m) for m in moved], measure)
    by_category = [Fact(m.day, {"category": m.category}, m) for m in moved]
    return whole | grouped(company.calendar, by_category, measure, total=False)


def amount(moved: list[Movement]) -> Cell:
    """The sum of the movements."""
    return number(sum((m.amount for m in moved), Decimal(0)))


def mean_order_value(moved: list[Movement]) -> Cell:
    """(gmv - discounts) / orders; an order counts in each category that it has a line in."""
    count = len({m.order.order_id for m in moved})
    return ratio(sum((m.amount for m in moved), Decimal(0)), count, count)


@dataclass(frozen=True)
class Subscription:
    """An order with a recurring interval, and what it brings in a month, in its own currency, per place of a segment."""

    order: Order
    started_at: datetime
    ended_at: datetime | None
    cancelled_at: datetime | None
    charges: tuple[tuple[tuple[str, str], Charge], ...]

    def runs_at(self, instant_: datetime) -> bool:
        """started_at < T and (ended_at is null or ended_at >= T); a cancelled one runs until its cancellation."""
        return self.started_at < instant_ and all(
            end is None or end >= instant_ for end in (self.ended_at, self.cancelled_at)
        )


def subscriptions(orders: list[Order]) -> list[Subscription]:
    """The subscriptions; without an amount of its own the sum of the lines after discount recurs."""
    found = []
    for order in orders:
        interval = order.raw["billing_interval"]
        if interval is None:
            continue
        net = {line.line_id: line.gross - line.discount for line in order.lines}
        recurring = order.raw["recurring_cents"]
        amount_ = sum(net.values(), Decimal(0)) if recurring is None else recurring * CENT
        by_category: dict[str, list[Fraction]] = defaultdict(list)
        for line in order.lines:
            assert len(order.lines) == 1 or recurring is None, "an amount over several lines would have to be spread"
            share = amount_ if len(order.lines) == 1 else net[line.line_id]
            by_category[line.category].append(Fraction(share) * A_MONTH[interval])
        monthly = (order.currency, Fraction(amount_) * A_MONTH[interval], len(order.lines))
        places = [(("all", "all"), monthly)]
        places += [((name, segment or "unknown"), monthly) for name, segment in order.segments.items()]
        places += [
            (("category", category), (order.currency, sum(shares, Fraction(0)), len(shares)))
            for category, shares in by_category.items()
        ]
        found.append(
            Subscription(
                order,
                order.time("subscription_start") or order.at,
                order.time("subscription_end"),
                order.cancelled_at,
                tuple(places),
            )
        )
    return found


def converted(company: Company, charges: list[Charge], day: date) -> Decimal:
    """The sum of amounts in their currencies at the rates of a day, rounded once."""
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for currency, amount_, _ in charges:
        sums[currency] += amount_
    return rounded(sum((s * Fraction(rate(company, c, day)) for c, s in sums.items()), Fraction(0)))


def running(company: Company, subs: list[Subscription]) -> tuple[dict[Key, Cell], dict[Key, Cell], dict[Key, int]]:
    """mrr and active_subscriptions: the monthly amount and the number of those running at the period's end T; and how many
    lines there are.

    The amount is exact here, at the rate of the period's last day.
    """
    calendar = company.calendar
    by_day: dict[date, dict[tuple[str, str], list[Charge]]] = {}
    for day in calendar.days:
        end = calendar.midnight(day + ONE_DAY)
        by_day[day] = defaultdict(list)
        for sub in subs:
            if sub.runs_at(end):
                for place, monthly in sub.charges:
                    by_day[day][place].append(monthly)
    mrr, active, rows = {}, {}, {}
    for grain in GRAINS:
        for period in calendar.periods(grain).values():
            for (dimension, segment), values in by_day[period.last_day].items():
                key = Key(grain, period.start, dimension, segment)
                mrr[key] = number(converted(company, values, period.last_day), len(values))
                rows[key] = sum(lines for _, _, lines in values)
                if dimension != "category":
                    active[key] = number(len(values), len(values))
    return mrr, active, rows


def churn(company: Company, subs: list[Subscription]) -> tuple[dict[Key, Cell], dict[Key, Cell], dict[Key, int]]:
    """Of the subscriptions running at the period's start, the share that ended in it: by number, and by mrr; and how many
    lines there are.

    The mrr is that of the start, so at the rate of the day before.
    """
    calendar = company.calendar
    logos, revenue, rows = {}, {}, {}
    for grain in GRAINS:
        for period in calendar.periods(grain).values():
            start, end = calendar.midnight(period.start), calendar.midnight(period.end)
            before = period.start - ONE_DAY
            ran: dict[tuple[str, str], list[Charge]] = defaultdict(list)
            gone: dict[tuple[str, str], list[Charge]] = defaultdict(list)
            for sub in subs:
                if sub.runs_at(start):
                    for place, monthly in sub.charges:
                        ran[place].append(monthly)
                        if sub.ended_at is not None and sub.ended_at < end:
                            gone[place].append(ran[place][-1])
            for (dimension, segment), charges in ran.items():
                key, lost = Key(grain, period.start, dimension, segment), gone[dimension, segment]
                of = converted(company, charges, before)
                revenue[key] = ratio(converted(company, lost, before), of, len(charges))
                rows[key] = sum(lines for _, _, lines in charges)
                if dimension != "category":
                    logos[key] = ratio(len(lost), len(charges), len(charges))
    return logos, revenue, rows


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Orders and revenue."""
    orders = read_orders(company)
    moved = movements(company)
    gross = [m for m in moved if m.kind == "gross"]
    ordered = [m for m in moved if m.kind in ("gross", "discount")]
    subs = subscriptions(orders)
    mrr, active, running_rows = running(company, subs)
    logos, revenue, churned_rows = churn(company, subs)

    def count(lines: list[Movement]) -> Cell:
        """Orders placed; by category the orders with a line in it."""
        placed = len({m.order.order_id for m in lines})
        return number(placed, placed)

    return [
        Kpi("orders", category_and_order_segments(company, gross, count), ZERO),
        Kpi("gmv", category_and_order_segments(company, gross, amount), NO_AMOUNT),
        Kpi("net_sales", category_and_order_segments(company, moved, amount), NO_AMOUNT),
        Kpi("aov", category_and_order_segments(company, ordered, mean_order_value), NOTHING_BY_NOTHING),
        Kpi("mrr", mrr, ZERO, rounded_rows=running_rows),
        Kpi("active_subscriptions", active, ZERO),
        Kpi("logo_churn", logos, NOTHING_BY_NOTHING),
        Kpi("revenue_churn", revenue, NOTHING_BY_NOTHING, rounded_rows=churned_rows),
    ]
