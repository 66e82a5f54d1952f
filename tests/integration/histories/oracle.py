"""The KPIs once more, in plain Python from the rows of the lake: written from the catalogue, sharing no code with the marts.

It reads the lake's Delta tables itself. Instants are UTC, days are days of the reporting zone unless said otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from deltalake import DeltaTable

Row = dict[str, Any]
Cell = tuple[str, str, date, str, str]  # KPI, grain, first day of the period, dimension, segment

NEEDS = {
    "dau": ("usage_events",),
    "active_users": ("usage_events",),
    "sessions": ("usage_events",),
    "orders": ("orders", "order_items"),
    "net_sales": ("orders", "order_items", "refunds"),
    "backlog": ("support_tickets", "ticket_events"),
}
MOVING = ("orders", "order_items", "refunds", "support_tickets")  # a changed row leaves its landing day
GRAINS = ("day", "week", "month", "quarter")
TRANSPORT = {"received_at", "pulled_at", "landed_date", "content_hash", "extra"}
SESSION_GAP, SESSION_CUT = timedelta(minutes=30), timedelta(hours=24)


def read_table(path: Path) -> list[Row]:
    return DeltaTable(str(path)).to_pyarrow_table().to_pylist() if DeltaTable.is_deltatable(str(path)) else []


def day_start(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def period_of(day: date, grain: str) -> tuple[date, date]:
    """First day of the period and first day after it."""
    if grain == "day":
        return day, day + timedelta(days=1)
    if grain == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    months = 1 if grain == "month" else 3
    first = (day.month - 1) // months * months
    until = day.year * 12 + first + months
    return date(day.year, first + 1, 1), date(until // 12, until % 12 + 1, 1)


@dataclass
class Oracle:
    """What the marts must say of a lake. `home` holds it; the profile's settings are given."""

    home: Path
    landing_zone: ZoneInfo
    reporting_zone: ZoneInfo
    first_day: date
    last_day: date
    passive_events: frozenset[str]

    @cached_property
    def landed(self) -> dict[str, set[date]]:
        """Landing days of each stream that have landed at least once."""
        days: dict[str, set[date]] = defaultdict(set)
        for row in read_table(self.home / "landings"):
            if row["state"] == "landed":
                days[row["stream"]].add(row["landed_date"])
        return days

    @cached_property
    def lake(self) -> dict[str, list[Row]]:
        """The rows of each stream on landed days."""
        return {
            stream: [
                row for row in read_table(self.home / "lake" / stream) if row["landed_date"] in self.landed[stream]
            ]
            for stream in ("usage_events", "orders", "order_items", "refunds", "support_tickets", "ticket_events")
        }

    # ---- time ----------------------------------------------------------------------------------------------------

    def local_day(self, at: datetime) -> date:
        return at.astimezone(self.reporting_zone).date()

    def _end_of_landing(self, days: Iterable[date]) -> datetime:
        return day_start(max(days) + timedelta(days=1), self.landing_zone)

    def closed_days(self, until: datetime) -> list[date]:
        days = [self.first_day + timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]
        return [day for day in days if day_start(day + timedelta(days=1), self.reporting_zone) <= until]

    @cached_property
    def watermark(self) -> datetime:
        """The end of the newest closed day: states are judged here."""
        days = self.closed_days(self._end_of_landing(day for landed in self.landed.values() for day in landed))
        return day_start(
            (max(days) if days else self.first_day - timedelta(days=1)) + timedelta(days=1), self.reporting_zone
        )

    def periods(self, kpi: str) -> list[tuple[str, date, list[date]]]:
        """The whole periods that the KPI is published for: grain, first day, days."""
        if not all(self.landed[stream] for stream in NEEDS[kpi]):
            return []
        closed = self.closed_days(min(self._end_of_landing(self.landed[stream]) for stream in NEEDS[kpi]))
        found = []
        for grain in ("day",) if kpi == "dau" else GRAINS:
            for first, until in sorted({period_of(day, grain) for day in closed}):
                days = [day for day in closed if first <= day < until]
                if len(days) == (until - first).days:
                    found.append((grain, first, days))
        return found

    def is_complete(self, kpi: str, days: Sequence[date]) -> bool:
        """Whether every landing day that a period needs is there, and no row of theirs can be in a hole.

        All days are pulled long after they are over, so a row that moves may be on any later day that has landed.
        """
        start = day_start(days[0], self.reporting_zone)
        end = day_start(days[-1] + timedelta(days=1), self.reporting_zone)
        first = self.first_day if kpi == "backlog" else start.astimezone(self.landing_zone).date()
        last = (end - timedelta(microseconds=1)).astimezone(self.landing_zone).date()
        return all(
            self._has_all(stream, first, max(self.landed[stream]) if stream in MOVING else last)
            for stream in NEEDS[kpi]
        )

    def _has_all(self, stream: str, first: date, last: date) -> bool:
        wanted = {first + timedelta(days=n) for n in range((last - first).days + 1)}
        return wanted <= self.landed[stream]

    # ---- which rows count ----------------------------------------------------------------------------------------

    @cached_property
    def deliveries(self) -> list[Row]:
        """Usage events, each once: the earliest received of equal rows."""
        first: dict[tuple[Any, ...], Row] = {}
        for row in self.lake["usage_events"]:
            content = tuple(value for name, value in sorted(row.items()) if name not in TRANSPORT)
            held = first.get(content)
            if held is None or self._delivered(row) < self._delivered(held):
                first[content] = row
        return list(first.values())

    @staticmethod
    def _delivered(row: Row) -> tuple[Any, ...]:
        return row["received_at"], row["landed_date"], row["pulled_at"]

    def _newest(self, stream: str, key: str) -> dict[str, list[Row]]:
        """Per key the rows of its newest version: one row, or a whole set of lines."""
        newest: dict[str, list[Row]] = {}
        for row in self.lake[stream]:
            held = newest.get(row[key])
            if held is None or self._version(row) > self._version(held[0]):
                newest[row[key]] = [row]
            elif self._version(row) == self._version(held[0]):
                held.append(row)
        return newest

    @staticmethod
    def _version(row: Row) -> tuple[Any, ...]:
        if "updated_at" not in row:
            return (row["landed_date"],)
        return row["updated_at"], row["pulled_at"], row["landed_date"]

    @cached_property
    def standing(self) -> dict[str, list[Row]]:
        """The newest rows per stream, those included that say that their key is gone."""
        keys = {"orders": "order_id", "order_items": "order_id", "refunds": "refund_id",
                "support_tickets": "ticket_id", "ticket_events": "event_id"}  # fmt: skip
        standing = {s: [row for rows in self._newest(s, key).values() for row in rows] for s, key in keys.items()}
        return standing | {"usage_events": self.deliveries}

    @cached_property
    def current(self) -> dict[str, list[Row]]:
        """The rows that count, per stream."""
        return {stream: [row for row in rows if row["content_hash"]] for stream, rows in self.standing.items()}

    # ---- people --------------------------------------------------------------------------------------------------

    @cached_property
    def _identifies(self) -> dict[str, list[tuple[datetime, str]]]:
        """Per device, the instants at which it was seen with a user, one user each."""
        seen: dict[str, dict[datetime, str]] = defaultdict(dict)
        for row in self.deliveries:
            if row["anonymous_id"] and row["user_id"]:
                device, at = seen[row["anonymous_id"]], row["occurred_at"]
                device[at] = min(device.get(at, row["user_id"]), row["user_id"])
        return {device: sorted(instants.items()) for device, instants in seen.items()}

    def person(self, row: Row) -> str:
        """The user; of a device the user that it is next seen with, after the last one that one, else the device."""
        if row["user_id"]:
            return str(row["user_id"])
        instants = self._identifies.get(row["anonymous_id"])
        if not instants:
            return str(row["anonymous_id"])
        position = bisect_left(instants, row["occurred_at"], key=lambda seen: seen[0])
        return instants[min(position, len(instants) - 1)][1]

    @cached_property
    def internal(self) -> set[str]:
        return {self.person(row) for row in self.deliveries if row["is_internal"]}

    @cached_property
    def visits(self) -> list[tuple[str, Row]]:
        """(person, event) of everyone who counts."""
        return [(person, row) for row in self.deliveries if (person := self.person(row)) not in self.internal]

    # ---- the KPIs ------------------------------------------------------------------------------------------------

    def facts(self) -> Iterator[tuple[str, date, str, str, Decimal]]:
        """KPI, day, dimension, segment, amount: what adds up over days."""
        for start in self._session_starts():
            yield "sessions", self.local_day(start), "all", "all", Decimal(1)
        for order in self._orders.values():
            for dimension, segment in (("all", "all"), ("channel", order["channel"] or "unknown")):
                yield "orders", self.local_day(order["ordered_at"]), dimension, segment, Decimal(1)
        for order_id, at, amount in self._sales():
            channel = self._orders.get(order_id, {}).get("channel") or "unknown"
            for dimension, segment in (("all", "all"), ("channel", channel)):
                yield "net_sales", self.local_day(at), dimension, segment, amount

    def _session_starts(self) -> Iterator[datetime]:
        """A clock that is years behind starts nothing: what lies before the first day is not in the data."""
        streaks: dict[tuple[str, str | None], list[datetime]] = defaultdict(list)
        for person, row in self.visits:
            if self.local_day(row["occurred_at"]) >= self.first_day:
                streaks[person, row["session_id"]].append(row["occurred_at"])
        for (_, session), instants in streaks.items():
            instants.sort()
            start = last = instants[0]
            for at in [*instants[1:], None]:
                if at is not None and (session is not None or at - last <= SESSION_GAP):
                    last = at
                    continue
                part = start
                yield part
                while (part := part + SESSION_CUT) < last:
                    yield part
                if at is not None:
                    start = last = at

    @cached_property
    def _orders(self) -> dict[str, Row]:
        """Orders that count."""
        return {
            row["order_id"]: row
            for row in self.current["orders"]
            if not row["is_test"] and row["customer_id"] not in self.internal
        }

    def _sales(self) -> Iterator[tuple[str, datetime, Decimal]]:
        """Every movement of net sales: the order, when it counts, the signed amount."""
        known = {row["order_id"] for row in self.current["orders"]}
        worth: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.current["order_items"]:
            worth[line["order_id"]] += line["quantity"] * line["unit_price_amount"] - line["discount_amount"]
        refunded: dict[str, Decimal] = defaultdict(Decimal)
        for refund in self.current["refunds"]:
            order = refund["order_id"]
            if (order in self._orders or order not in known) and refund["refunded_at"] < self.watermark:
                refunded[order] += refund["refund_amount"]
                yield order, refund["refunded_at"], -refund["refund_amount"]
        for order, row in self._orders.items():
            value = worth[order] - row["discount_amount"]
            yield order, row["ordered_at"], value
            unrefunded = value - refunded[order]  # nothing, where discounts exceed the goods or all is refunded
            if row["cancelled_at"] and row["cancelled_at"] < self.watermark and unrefunded > 0:
                yield order, row["cancelled_at"], -unrefunded

    @cached_property
    def _open_spans(self) -> list[tuple[str, datetime, datetime | None]]:
        """(priority, from, to): when tickets that count were open."""
        events: dict[str, list[Row]] = defaultdict(list)
        for event in self.current["ticket_events"]:
            events[event["ticket_id"]].append(event)
        spans = []
        for ticket in self.current["support_tickets"]:
            if ticket["status"] in ("spam", "deleted") or ticket["is_test"] or ticket["customer_id"] in self.internal:
                continue
            for start, end in self._open(ticket, sorted(events[ticket["ticket_id"]], key=lambda e: e["occurred_at"])):
                spans.append((ticket["priority"] or "unknown", start, end))
        return spans

    def _open(self, ticket: Row, events: Sequence[Row]) -> Iterator[tuple[datetime, datetime | None]]:
        """When a ticket was open: by its events if it has any, else by its own columns."""
        merges = [event["occurred_at"] for event in events if event["event_type"] == "merged"]
        merged_at = min(merges) if merges else ticket["updated_at"] if ticket["merged_into_ticket_id"] else None
        is_done = lambda status: status in ("solved", "closed")  # noqa: E731
        if events:
            states = [e for e in events if e["event_type"] in ("created", "status_changed") and e["status_to"]]
            turns = [(event["occurred_at"], is_done(event["status_to"])) for event in states]
            if states and is_done(states[0]["status_from"]):
                turns.insert(0, (ticket["created_at"], True))  # it was brought in as solved
        else:
            turns = [(ticket["updated_at"], True)] if is_done(ticket["status"]) else []
        turns = [turn for turn in turns if turn[0] < self.watermark and (merged_at is None or turn[0] < merged_at)]
        if merged_at is not None and merged_at < self.watermark:
            turns.append((merged_at, True))
        since: datetime | None = ticket["created_at"]
        for at, done in turns:
            if done and since is not None:
                yield since, max(at, since)
                since = None
            elif not done and since is None:
                since = at
        if since is not None:
            yield since, None

    def values(self) -> dict[Cell, Decimal]:
        """Every value in which something happened, by KPI, grain, period, dimension and segment."""
        sums: dict[tuple[str, date, str, str], Decimal] = defaultdict(Decimal)
        for kpi, day, dimension, segment, amount in self.facts():
            sums[kpi, day, dimension, segment] += amount
        cells: dict[Cell, Decimal] = defaultdict(Decimal)
        people: dict[Cell, set[str]] = defaultdict(set)
        for kpi in NEEDS:
            for grain, first, days in self.periods(kpi):
                if kpi == "backlog":
                    end = day_start(days[-1] + timedelta(days=1), self.reporting_zone)
                    for priority, since, until in self._open_spans:
                        if since < end and (until is None or until >= end):
                            for dimension, segment in (("all", "all"), ("priority", priority)):
                                cells[kpi, grain, first, dimension, segment] += 1
                elif kpi in ("dau", "active_users"):
                    for person, row in self.visits:
                        if self.local_day(row["occurred_at"]) in days and row["event_name"] not in self.passive_events:
                            for dimension, segment in (("all", "all"), ("platform", row["platform"] or "unknown")):
                                people[kpi, grain, first, dimension, segment].add(person)
                else:
                    for (name, day, dimension, segment), amount in sums.items():
                        if name == kpi and day in days:
                            cells[kpi, grain, first, dimension, segment] += amount
        return {**cells, **{cell: Decimal(len(found)) for cell, found in people.items()}}
