"""The raw files of the sample company, as the systems wrote them, in the words of the contracts.

Who counts (rule 5) is decided here, and which rows do not land. KPIs do not belong here.
"""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracles.calendar import Calendar

PROFILE = Path(__file__).parent.parent.parent / "sources" / "profiles" / "sample.toml"
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Event:
    """A usage event. `received_at` is transport: it does not make two events different."""

    event_id: str
    name: str
    at: datetime
    anonymous_id: str | None
    user_id: str | None
    session_id: str | None
    platform: str | None
    country: str | None
    plan: str | None
    acquisition_channel: str | None
    feature: str | None
    error_count: int | None
    is_internal: bool


Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Company:
    """Everything that was read; what follows from it is cached by it.

    Orders, tickets and surveys of internal people and tests are gone already.
    """

    business: Record
    calendar: Calendar
    events: list[Event]
    persons: list[str]  # of each event
    customers: dict[str, list[Record]]  # what was true of each, oldest first
    internal_people: set[str]
    orders: dict[str, Record]
    items: dict[str, list[Record]]
    refunds: list[Record]
    rates: dict[str, list[tuple[date, Decimal]]]
    tickets: dict[str, Record]
    uncounted_tickets: set[str]
    audits: dict[str, list[Record]]
    surveys: list[Record]
    seeds: dict[str, list[dict[str, str]]]
    dimensions: dict[str, Record]
    tables: dict[str, list[Record]]

    def happened(self, text: str | None) -> datetime | None:
        """A time of a source, if it had come by the end of the last closed day."""
        at = instant(text)
        return at if at is not None and at < self.calendar.watermark else None

    def attribute(self, name: str, own: str | None, customer: str | None, day: date) -> str | None:
        """An attribute of a person (rule 8): what the fact's own row says, else what is known of the customer for the day."""
        return own or known(self, customer, day).get(name)


def instant(text: str | None) -> datetime | None:
    """A time of a source; without an offset it is UTC (`source_zone`)."""
    if not text:
        return None
    read = datetime.fromisoformat(text)
    return read if read.tzinfo is UTC else read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def person(identifier: object) -> str | None:
    """An identifier of a person, trimmed and in lower case, so that spellings meet."""
    text = str(identifier).strip().lower() if identifier is not None else ""
    return text or None


def read_company(home: Path, path: Path = PROFILE) -> Company:
    """Read all files below `home/sources`, as the profile of the sample, or another one of its shape, says where they lie."""
    profile = tomllib.loads(path.read_text(encoding="utf-8"))
    business = profile["business"]
    assert business["source_zone"] == "UTC"
    assert business["landing_zone"] == business["reporting_zone"], "landing days are read as local days here"
    calendar = Calendar(
        ZoneInfo(business["reporting_zone"]), business["first_day"], business["last_day"], business["settle_days"]
    )
    folder = home / "sources"
    tables = {name: [r for r in rows if _landed(calendar, r["updated_at"])] for name, rows in _shop(folder)}
    seeds = {name: _csv(path.parent / file) for name, file in profile.get("seeds", {}).items()}
    internal = [(row["kind"], person(row["value"])) for row in seeds["internal_accounts"]]
    domains = {value for kind, value in internal if kind == "email_domain"}
    staff = {value for kind, value in internal if kind == "person"}
    feature_names = {row["source_name"]: row["feature"] for row in seeds["feature_map"]}

    def is_internal(identifier: str | None, email: str | None) -> bool:
        return identifier in staff or (email or "").strip().lower().partition("@")[2] in domains

    customers: dict[str, list[Record]] = {}
    for row in sorted(tables["customers"], key=lambda r: instant(r["valid_from"])):
        customers.setdefault(person(row["customer_id"]), []).append(row)
    events = _distinct([_event(at, raw, is_internal, feature_names) for at, raw in _usage(folder, calendar)])
    persons = persons_of(events)
    flagged = {i for i, rows in customers.items() for r in rows if r["is_test"] or is_internal(i, r["email"])}
    flagged |= {who for who, event in zip(persons, events, strict=True) if event.is_internal}
    orders = {
        r["id"]: r | {"customer_id": person(r["customer_id"])}
        for r in tables["orders"]
        if not r["is_test"] and person(r["customer_id"]) not in flagged | staff
    }
    uncounted_orders = {r["id"] for r in tables["orders"]} - orders.keys()
    items: dict[str, list[Record]] = {}
    for line in sorted(tables["order_items"], key=lambda r: r["id"]):
        items.setdefault(line["order_id"], []).append(line)
    tickets, uncounted = {}, set()
    for ticket in _json_lines(folder / "support" / "tickets.jsonl"):
        requester = ticket["requester"]
        customer = _requester(ticket)
        fields = {f["id"]: feature_names.get(f["value"], f["value"]) for f in ticket["custom_fields"]}
        if not _landed(calendar, ticket["updated_at"]):
            continue
        is_spam = ticket["status"] == "deleted" or bool({"spam", "test"} & set(ticket["tags"]))
        if is_spam or customer in flagged or is_internal(customer, requester["email"]):
            uncounted.add(str(ticket["id"]))
        else:
            tickets[str(ticket["id"])] = ticket | {"customer_id": customer, "fields": fields}
    audits: dict[str, list[Record]] = {}
    for audit in _json_lines(folder / "support" / "audits.jsonl"):
        if _landed(calendar, audit["created_at"]):
            audits.setdefault(str(audit["ticket_id"]), []).append(audit)
    surveys = [
        r | {"customer_id": _requester(r)}
        for r in _json_lines(folder / "support" / "surveys.jsonl")
        if _landed(calendar, r["updated_at"]) and _requester(r) not in flagged | staff
    ]
    return Company(
        business,
        calendar,
        events,
        persons,
        customers,
        flagged | staff,
        orders,
        items,
        [r for r in tables["refunds"] if r["order_id"] not in uncounted_orders],
        _rates(folder),
        tickets,
        uncounted,
        audits,
        surveys,
        seeds,
        profile.get("dimensions", {}),
        tables,
    )


@cache
def known(company: Company, customer: str | None, day: date) -> Record:
    """What the dated history says of a customer for a day (rule 8): the last entry that begins on it or before; before
    the first one what is true today, and of a stranger nothing."""
    rows = company.customers.get(customer, [])
    begun = [row for row in rows if company.calendar.day(instant(row["valid_from"])) <= day]
    return (begun or rows or [{}])[-1]


def own_segments(company: Company, stream: str, row: Record, customer: str | None, day: date) -> dict[str, str | None]:
    """Where a row of a stream, and whoever is behind it, stands on a day in the dimensions that the profile defines.

    The profile feeds these fields by the columns of their names.
    """
    rows = {stream: row, "customers": known(company, customer, day)}
    return {
        name: rows[own["stream"]].get(own["field"].removeprefix("extra."))
        for name, own in company.dimensions.items()
        if own["stream"] in rows
    }


def _landed(calendar: Calendar, cursor: str) -> bool:
    return calendar.first <= calendar.day(instant(cursor)) <= calendar.last


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _json_lines(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _shop(folder: Path) -> Iterator[tuple[str, list[Record]]]:
    """Every table of the shop's database."""
    with sqlite3.connect(f"file:{folder / 'shop.db'}?mode=ro", uri=True) as shop:
        shop.row_factory = sqlite3.Row
        for (name,) in shop.execute("select name from sqlite_master where type = 'table'").fetchall():
            yield name, [dict(row) for row in shop.execute(f"select * from {name}")]


def _usage(folder: Path, calendar: Calendar) -> Iterator[tuple[datetime, Record]]:
    """The lines of the usage log that land, with their time: somebody did it, at most an hour after it was received."""
    for day in calendar.days:
        for path in sorted((folder / "usage" / day.isoformat()).glob("*.jsonl.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    event = json.loads(line)
                    at = instant(event["timestamp"])
                    in_time = at <= instant(event["receivedAt"]) + timedelta(hours=1)
                    if in_time and (event["anonymousId"] or event["userId"]):
                        yield at, event


def _event(at: datetime, raw: Record, is_internal: Any, feature_names: dict[str, str]) -> Event:
    properties, context = raw["properties"], raw["context"]
    user = person(raw["userId"])
    errors = properties.get("error_count")
    email = (context.get("traits") or {}).get("email")
    return Event(
        raw["messageId"],
        raw["event"] or raw["type"],
        at,
        person(raw["anonymousId"]),
        user,
        properties.get("session_id") or None,
        properties.get("platform") or None,
        properties.get("country") or None,
        properties.get("plan") or None,
        (context.get("campaign") or {}).get("source") or None,
        feature_names.get(properties.get("feature"), properties.get("feature")) or None,
        None if errors is None else int(errors),
        "bot" in (context.get("userAgent") or "").lower() or is_internal(user, email),
    )


def _distinct(events: list[Event]) -> list[Event]:
    """The same id with the same content is one event, delivered twice; with other content both count."""
    return sorted(set(events), key=lambda e: (e.at, e.event_id))


def persons_of(events: list[Event]) -> list[str]:
    """The person of each event, of internal people too (rule 7).

    A person is the user_id; an anonymous_id counts as the user_id that it is next seen with: events between two
    identifies belong to the next, trailing ones to the last. Until then it is a person of its own.
    """
    seen: dict[str, list[tuple[datetime, str]]] = {}
    for event in events:
        if event.anonymous_id and event.user_id:
            seen.setdefault(event.anonymous_id, []).append((event.at, event.user_id))

    def person_of(event: Event) -> str:
        if event.user_id:
            return event.user_id
        sightings = seen.get(event.anonymous_id)
        if not sightings:
            return f"anonymous {event.anonymous_id}"
        following = bisect_left(sightings, event.at, key=lambda sighting: sighting[0])
        return sightings[min(following, len(sightings) - 1)][1]

    return [person_of(event) for event in events]


def _requester(record: Record) -> str | None:
    return person(record["requester"]["external_id"] or f"zd_{record['requester_id']}")


def _rates(folder: Path) -> dict[str, list[tuple[date, Decimal]]]:
    """Per currency, (day, what one unit is worth in the reporting currency), oldest first."""
    rates: dict[str, list[tuple[date, Decimal]]] = {}
    header, *lines = (folder / "fx" / "rates.csv").read_text(encoding="utf-8").splitlines()
    assert header == "rate_date,base,quote,rate,published_at"
    for line in lines:
        day, base, _quote, rate, _published = line.split(",")
        rates.setdefault(base, []).append((date.fromisoformat(day), Decimal(rate)))
    return {base: sorted(found) for base, found in rates.items()}
