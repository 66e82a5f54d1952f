"""Fulfilment: whether what was ordered arrives, when, and what is still on its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache

from tests.oracles.calendar import ONE_DAY
from tests.oracles.figures import (
    GRAINS,
    NO_ROWS,
    NOTHING_BY_NOTHING,
    ZERO,
    Cell,
    Fact,
    Key,
    Kpi,
    grouped,
    number,
    percentile,
    ratio,
)
from tests.oracles.raw import Company, Record, instant, own_segments

HOUR = timedelta(hours=1)
FAR = datetime.max.replace(tzinfo=UTC)
SHARES = {"p50": Fraction(1, 2), "p90": Fraction(9, 10)}


@dataclass(frozen=True)
class Parcel:
    """A shipment with the units of each line in it."""

    shipment_id: str
    carrier: str | None
    warehouse: str | None
    country: str | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    units: Mapping[str, int]


@dataclass(frozen=True)
class Delivery:
    """An order that has something to ship, with its parcels."""

    order_id: str
    raw: Record
    placed_at: datetime
    cancelled_at: datetime | None
    promise_date: date | None
    promise_ends_at: datetime | None
    ordered: Mapping[str, int]
    warehouse: str | None
    country: str | None
    parcels: tuple[Parcel, ...]
    own_segments: Mapping[str, str | None]

    def sent_first(self, before: datetime | None = None) -> dict[str, str | None]:
        """The segments of an order that leaves: its warehouse, the carrier of the parcel that left or leaves first.

        With `before`: as far as it was scanned by then.
        """
        left = [p for p in self.parcels if before is None or (p.shipped_at and p.shipped_at < before)]
        first = min(left, key=lambda p: (p.shipped_at or FAR, p.shipment_id), default=None)
        return self.waits() | {"carrier": first.carrier if first else None}

    def waits(self) -> dict[str, str | None]:
        """The segments of an order that no carrier has yet."""
        return {"carrier": None, "warehouse": self.warehouse, "country": self.country, **self.own_segments}

    def arrived_last(self) -> dict[str, str | None]:
        """The segments of an order that arrives: those of the parcel that came last, or that is awaited still."""
        awaited = [p for p in self.parcels if not p.delivered_at]
        last = awaited[:1] or sorted(self.parcels, key=lambda p: p.delivered_at)[-1:]
        carrier, warehouse = (last[0].carrier, last[0].warehouse) if last else (None, None)
        return self.waits() | {"carrier": carrier, "warehouse": warehouse or self.raw["warehouse"]}

    @property
    def is_out_before_scan(self) -> bool:
        """Whether it was cancelled before a carrier had it; what is cancelled later was due to ship all the same."""
        scan = self.first_scan_at
        return self.cancelled_at is not None and (scan is None or scan > self.cancelled_at)

    @property
    def first_scan_at(self) -> datetime | None:
        return min((p.shipped_at for p in self.parcels if p.shipped_at), default=None)

    @property
    def last_delivered_at(self) -> datetime | None:
        """When the last unit arrived; an order of which units are missing is not delivered, nor one of unknown units as
        long as a parcel is awaited."""
        arrived = sorted((p for p in self.parcels if p.delivered_at), key=lambda p: p.delivered_at)
        if not self.ordered:
            return arrived[-1].delivered_at if arrived and len(arrived) == len(self.parcels) else None
        completed = (n for n in range(1, len(arrived) + 1) if self._is_complete(arrived[:n]))
        return next((arrived[n - 1].delivered_at for n in completed), None)

    @property
    def is_complete_at_first(self) -> bool:
        """Whether every line was complete in the first delivery."""
        first_at = min((p.delivered_at for p in self.parcels if p.delivered_at), default=None)
        if first_at is None or not self.ordered:
            return False
        return self._is_complete([p for p in self.parcels if p.delivered_at == first_at])

    @property
    def is_on_time(self) -> bool:
        """The last delivery at or before the first promise; overdue and undelivered is late."""
        return self.last_delivered_at is not None and self.last_delivered_at <= self.promise_ends_at

    def _is_complete(self, parcels: list[Parcel]) -> bool:
        return all(sum(p.units.get(line, 0) for p in parcels) >= n for line, n in self.ordered.items())


@cache
def read_deliveries(company: Company) -> list[Delivery]:
    """The orders of goods; memberships and downloads are not shipped. Warehouse and country are the order's
    own, else those of the parcel that left or leaves first; the country is else the customer's."""
    contents: dict[str, dict[str, int]] = defaultdict(dict)
    for row in company.tables.get("shipment_items", []):
        contents[row["shipment_id"]][row["item_id"]] = row["quantity"]
    parcels: dict[str, list[Parcel]] = defaultdict(list)
    for row in company.tables.get("shipments", []):
        parcels[row["order_id"]].append(
            Parcel(
                row["id"],
                row["carrier"],
                row["warehouse"],
                row["country"],
                company.happened(row["shipped_at"]),
                company.happened(row["delivered_at"]),
                contents[row["id"]],
            )
        )
    found = []
    for order_id, raw in company.orders.items():
        lines = company.items.get(order_id, [])
        ordered = {i["id"]: i["quantity"] for i in lines if i.get("requires_shipping")}
        if not (ordered if lines else raw["billing_interval"] is None):
            continue
        of_order = sorted(parcels[order_id], key=lambda p: p.shipment_id)
        first = min(of_order, key=lambda p: (p.shipped_at or FAR, p.shipment_id), default=None)
        placed_at, who = instant(raw["placed_at"]), raw["customer_id"]
        day = company.calendar.day(placed_at)
        promised_date = date.fromisoformat(raw["promised_date"]) if raw["promised_date"] else None
        promised_at = instant(raw["promised_at"])
        if promised_at:
            ends_at, promise_date = promised_at, company.calendar.day(promised_at)
        elif promised_date:
            # "At or before": the local day ends just before the next midnight.
            ends_at = company.calendar.midnight(promised_date + ONE_DAY) - timedelta(microseconds=1)
            promise_date = promised_date
        else:
            ends_at = promise_date = None
        found.append(
            Delivery(
                order_id,
                raw,
                placed_at,
                company.happened(raw["cancelled_at"]),
                promise_date,
                ends_at,
                ordered,
                raw["warehouse"] or (first and first.warehouse),
                company.attribute("country", raw["country"] or (first and first.country), who, day),
                tuple(of_order),
                own_segments(company, "orders", raw, who, day),
            )
        )
    return found


@cache
def promises(company: Company) -> list[Delivery]:
    """The orders of which it can be said whether they are on time: promised by the watermark or there, not cancelled."""
    return [
        d
        for d in read_deliveries(company)
        if d.cancelled_at is None
        and d.promise_ends_at is not None
        and (d.last_delivered_at is not None or d.promise_ends_at < company.calendar.watermark)
    ]


def stages(company: Company, delivery: Delivery) -> dict[str, tuple[datetime | None, datetime | None]]:
    """(begin, end) of each stage: approve, pick, ship, transit."""
    approved, picked = (company.happened(delivery.raw[name]) for name in ("approved_at", "picked_at"))
    return {
        "approve": (delivery.placed_at, approved),
        "pick": (approved, picked),
        "ship": (picked, delivery.first_scan_at),
        "transit": (delivery.first_scan_at, delivery.last_delivered_at),
    }


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Fulfilment."""
    calendar = company.calendar
    deliveries = read_deliveries(company)
    promised = promises(company)

    def share(what: list[bool]) -> Cell:
        return ratio(sum(what), len(what), len(what))

    on_time = [Fact(d.promise_date, d.arrived_last(), d.is_on_time) for d in promised]
    in_full = [Fact(d.promise_date, d.arrived_last(), d.is_on_time and d.is_complete_at_first) for d in promised]
    due = [(d, instant(d.raw["ship_by"])) for d in deliveries if d.raw["ship_by"] and not d.is_out_before_scan]
    shipped = [
        Fact(calendar.day(by), d.sent_first(), d.first_scan_at is not None and d.first_scan_at <= by) for d, by in due
    ]
    cycle = [
        Fact(calendar.day(d.last_delivered_at), d.arrived_last(), d.last_delivered_at - d.placed_at)
        for d in deliveries
        if d.last_delivered_at
    ]
    staged = [
        Fact(
            calendar.day(end),
            {"transit": d.arrived_last, "ship": d.sent_first}.get(stage, d.waits)() | {"stage": stage},
            end - begin,
        )
        for d in deliveries
        for stage, (begin, end) in stages(company, d).items()
        if begin is not None and end is not None
    ]
    open_ages = open_orders(company, deliveries)
    found = [
        Kpi("on_time_delivery", grouped(calendar, on_time, share), NOTHING_BY_NOTHING),
        Kpi("on_time_shipment", grouped(calendar, shipped, share), NOTHING_BY_NOTHING),
        Kpi("otif", grouped(calendar, in_full, share), NOTHING_BY_NOTHING),
        Kpi("open_orders", {key: number(len(ages), len(ages)) for key, ages in open_ages.items()}, ZERO),
        Kpi(
            "open_orders_age_p50",
            {key: percentile(ages, SHARES["p50"], HOUR) for key, ages in open_ages.items()},
            NO_ROWS,
        ),
    ]
    for name, part in SHARES.items():
        found.append(Kpi(f"cycle_time_{name}", grouped(calendar, cycle, _percentile(part)), NO_ROWS))
        found.append(Kpi(f"stage_time_{name}", grouped(calendar, staged, _percentile(part)), NO_ROWS))
    return found


def _percentile(part: Fraction) -> Callable[[list[timedelta]], Cell]:
    return lambda values: percentile(values, part, HOUR)


def open_orders(company: Company, deliveries: list[Delivery]) -> dict[Key, list[timedelta]]:
    """Neither delivered nor cancelled at the period's end, and their age; who carries one is known once it was scanned."""
    calendar = company.calendar
    by_day: dict[date, dict[tuple[str, str], list[timedelta]]] = {day: defaultdict(list) for day in calendar.days}
    for delivery in deliveries:
        ends = [at for at in (delivery.last_delivered_at, delivery.cancelled_at) if at]
        for day in calendar.days:
            end = calendar.midnight(day + ONE_DAY)
            if delivery.placed_at < end and all(at >= end for at in ends):
                for place in (("all", "all"), *delivery.sent_first(before=end).items()):
                    by_day[day][place[0], place[1] or "unknown"].append(end - delivery.placed_at)
    return {
        Key(grain, period.start, dimension, segment): ages
        for grain in GRAINS
        for period in calendar.periods(grain).values()
        for (dimension, segment), ages in by_day[period.last_day].items()
    }
