"""A small company in memory, and the source files that its systems would give: the world that a history happens in.

Events are gzipped JSON lines per received day, everything else lies in one SQLite database; both are written anew after
each change. Days are landing days of ZONE, instants are UTC. Landing and judging any of it does not belong here.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

ZONE = "Europe/Berlin"
FIRST_DAY = date(2026, 3, 23)  # a Monday; the clocks of Berlin change on the Sunday after it
LAST_DAY = FIRST_DAY + timedelta(days=11)
REPORTING_ZONES = ("Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "UTC")
STREAMS = ("usage_events", "orders", "order_items", "refunds", "support_tickets", "ticket_events")
PASSIVE_EVENT = "email_delivered"
USERS = tuple(f"user{n}" for n in range(9))
DEVICES = tuple(f"device{n}" for n in range(6))
MAXIMUM_HOURS_AHEAD = 1  # of a sender's clock; the contract says so

COLUMNS = {
    "orders": "id customer placed updated channel currency discount cancelled test",
    "order_items": "order_id line quantity price discount updated",
    "refunds": "id order_id refunded amount currency updated",
    "support_tickets": "id customer created updated status priority merged_into",
    "ticket_events": "id ticket_id at kind actor status_from status_to",
}
CURSORS = {"ticket_events": "at"} | dict.fromkeys(("orders", "order_items", "refunds", "support_tickets"), "updated")
FIELDS = {
    "usage_events": "event_id=id event_name=name occurred_at=at received_at=received anonymous_id=device user_id=user"
    " session_id=session platform=platform is_internal=internal",
    "orders": "order_id=id customer_id=customer ordered_at=placed updated_at=updated channel=channel currency=currency"
    " discount_amount=discount cancelled_at=cancelled is_test=test",
    "order_items": "order_id=order_id line_id=line quantity=quantity unit_price_amount=price discount_amount=discount"
    " updated_at=updated",
    "refunds": "refund_id=id order_id=order_id refunded_at=refunded refund_amount=amount currency=currency updated_at=updated",
    "support_tickets": "ticket_id=id customer_id=customer created_at=created updated_at=updated status=status"
    " priority=priority merged_into_ticket_id=merged_into",
    "ticket_events": "event_id=id ticket_id=ticket_id occurred_at=at event_type=kind actor_type=actor"
    " status_from=status_from status_to=status_to",
}
SPOILED = {"usage_events": "at", "orders": "currency", "order_items": "quantity", "refunds": "amount",
           "support_tickets": "status", "ticket_events": "kind"}  # fmt: skip


def day_start(day: date) -> datetime:
    """The instant at which a landing day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def profile_text(root: Path, reporting_zone: str) -> str:
    """The profile that reads this world."""
    parts = [
        f'name = "world"\n[business]\nlanding_zone = "{ZONE}"\nreporting_zone = "{reporting_zone}"\ncurrency = "EUR"\n'
        f'first_day = {FIRST_DAY}\nlast_day = {LAST_DAY}\npassive_events = ["{PASSIVE_EVENT}"]\n'
        f'[sources.events]\nconnector = "files"\npath = "{root}/events/{{day}}/*.jsonl.gz"\nformat = "jsonl"\n'
    ]
    for stream in STREAMS:
        source, cursor = "events", ""
        if stream in CURSORS:
            source, cursor = f"{stream}_table", f'cursor = "{CURSORS[stream]}"\n'
            parts.append(
                f'[sources.{source}]\nconnector = "sql"\nurl = "sqlite:///{root}/systems.db"\ntable = "{stream}"\n'
                f'{cursor}cursor_type = "text"\n'
            )
        fields = "\n".join('{} = "{}"'.format(*field.split("=")) for field in FIELDS[stream].split())
        parts.append(
            f'[streams.{stream}]\nfrom = "{source}"\n{cursor}tolerance = 0.3\n[streams.{stream}.fields]\n{fields}\n'
        )
    return "\n".join(parts)


class World:
    """What the company's systems hold now. `newest` is the last day that is over; `spoiled` and `down` name streams."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.newest = FIRST_DAY - timedelta(days=1)
        self.events: dict[date, list[dict[str, Any]]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, list[dict[str, Any]]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.tickets: dict[str, dict[str, Any]] = {}
        self.ticket_events: list[dict[str, Any]] = []
        self.spoiled: set[str] = set()
        self.down: set[str] = set()
        self._number = self._ticks = 0

    def days(self) -> list[date]:
        return [FIRST_DAY + timedelta(days=n) for n in range((self.newest - FIRST_DAY).days + 1)]

    def name(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def now(self) -> datetime:
        """An instant of the newest day, later than all before it; the first one is the day's midnight."""
        self._ticks += 1
        return day_start(self.newest) + timedelta(seconds=97 * (self._ticks - 1))

    def live(self, rng: Random) -> None:
        """One day of everything; nothing once the last day is over."""
        if self.newest >= LAST_DAY:
            return
        self.newest += timedelta(days=1)
        self._ticks = 0
        self.events[self.newest] = [self._event(rng, self.newest) for _ in range(rng.randrange(4, 14))]
        self._repeat(rng)
        for _ in range(rng.randrange(3)):
            self._order(rng)
        for _ in range(rng.randrange(3)):
            self._ticket(rng)
        if rng.random() < 0.7:
            self.correct(rng)

    def _event(self, rng: Random, received_on: date, days_late: int = 0) -> dict[str, Any]:
        start, end = day_start(received_on), day_start(received_on + timedelta(days=1))
        received = start + timedelta(seconds=rng.randrange(int((end - start).total_seconds())))
        occurred = received - timedelta(days=days_late, seconds=rng.choice((0, 1, 600, 7200)))
        if rng.random() < 0.08:
            occurred = start - timedelta(days=days_late)  # exactly midnight
        clock = rng.random()
        if clock < 0.03:
            occurred = datetime(2011, 6, 1, 12, tzinfo=UTC) + timedelta(minutes=rng.randrange(9000))
        elif clock < 0.06:
            occurred = received + timedelta(days=400 * rng.randrange(2), minutes=rng.randrange(1, 90))
        user = rng.choice(USERS) if rng.random() < 0.35 else None
        device = rng.choice(DEVICES) if user is None or rng.random() < 0.6 else None
        return {
            "id": self.name("e"),
            "name": PASSIVE_EVENT if rng.random() < 0.15 else "opened",
            "at": occurred,
            "received": received,
            "device": device,
            "user": user,
            "session": f"s{rng.randrange(4)}" if rng.random() < 0.2 else None,
            "platform": rng.choice(("web", "ios", "")),
            "internal": rng.random() < 0.01 or user == USERS[0],
        }

    def _repeat(self, rng: Random) -> None:
        """Deliver rows again on the newest day: the same ones, some with other content under the same id.

        Most are of that day itself: where every night touches an old day, nothing that is kept is ever relied on.
        """
        days = list(self.events.values()) if rng.random() < 0.3 else [self.events[self.newest]]
        known = [row for rows in days for row in rows]
        for row in rng.sample(known, min(len(known), rng.randrange(4))):
            again = row | {"received": self.now()}
            if rng.random() < 0.4:
                again |= {"platform": "android", "user": rng.choice(USERS)}
            self.events[self.newest].append(again)

    def late(self, rng: Random) -> None:
        """More rows on the newest day, of things that happened days before."""
        self.events[self.newest] += [
            self._event(rng, self.newest, rng.randrange(1, 6)) for _ in range(rng.randrange(1, 5))
        ]
        self._repeat(rng)

    def shrink(self, rng: Random, is_emptied: bool) -> tuple[str, date]:
        """Take rows out of a day of an immutable stream at the source. Returns the stream and the day."""
        stream, day = rng.choice(("usage_events", "ticket_events")), rng.choice(self.days())
        keep = 0.0 if is_emptied else 0.6
        if stream == "usage_events":
            self.events[day] = [row for row in self.events[day] if rng.random() < keep]
        else:
            until = day_start(day + timedelta(days=1))
            self.ticket_events = [
                e for e in self.ticket_events if not day_start(day) <= e["at"] < until or rng.random() < keep
            ]
        return stream, day

    def _order(self, rng: Random) -> None:
        order, at = self.name("o"), self.now()
        self.orders[order] = {
            "id": order, "customer": rng.choice(USERS), "placed": at, "updated": at, "channel": rng.choice(("web", "shop")),
            "currency": "EUR", "discount": f"{rng.choice((0, 0, 1.5, 3.33)):.2f}", "cancelled": None,
            "test": rng.random() < 0.1,
        }  # fmt: skip
        self._set_lines(rng, order)

    def _set_lines(self, rng: Random, order: str) -> None:
        """A new set of lines, as new as the order is."""
        self.lines[order] = [
            {"order_id": order, "line": f"l{n}", "quantity": rng.randrange(1, 4), "price": f"{rng.randrange(1, 4000) / 100}",
             "discount": rng.choice(("0", "0.25")), "updated": self.orders[order]["updated"]}
            for n in range(rng.randrange(4))
        ]  # fmt: skip

    def _ticket(self, rng: Random) -> None:
        ticket, at = self.name("t"), self.now()
        self.tickets[ticket] = {
            "id": ticket, "customer": rng.choice((*USERS, None)), "created": at, "updated": at, "status": "new",
            "priority": rng.choice(("low", "high", None)), "merged_into": None,
        }  # fmt: skip
        self._happens(ticket, at, "created", None, "new")

    def _happens(self, ticket: str, at: datetime, kind: str, before: str | None, after: str | None) -> None:
        self.ticket_events.append(
            {"id": self.name("x"), "ticket_id": ticket, "at": at, "kind": kind, "actor": "agent",
             "status_from": before, "status_to": after}
        )  # fmt: skip

    def correct(self, rng: Random) -> None:
        """Orders, refunds and tickets change: their `updated` moves to now, as a rule."""
        for order in rng.sample(sorted(self.orders), min(len(self.orders), rng.randrange(1, 4))):
            self._change_order(rng, self.orders[order])
        for ticket in rng.sample(sorted(self.tickets), min(len(self.tickets), rng.randrange(1, 4))):
            self._change_ticket(rng, self.tickets[ticket])

    def _change_order(self, rng: Random, order: dict[str, Any]) -> None:
        now = self.now()
        if rng.random() < 0.75:  # else the system forgets to say that the row changed
            order["updated"] = now
        for line in self.lines[order["id"]]:
            line["updated"] = order["updated"]
        change = rng.choice(("refund", "refund", "lines", "cancel", "restore", "channel", "test"))
        if change == "refund":
            refund = rng.choice(
                [self.name("r"), *(r for r, row in self.refunds.items() if row["order_id"] == order["id"])]
            )
            self.refunds[refund] = {
                "id": refund, "order_id": order["id"] if rng.random() < 0.9 else "nowhere", "refunded": now,
                "amount": f"{rng.randrange(1, 2000) / 100}", "currency": "EUR", "updated": now,
            }  # fmt: skip
        elif change == "lines":
            self._set_lines(rng, order["id"])
        elif change in ("cancel", "restore"):
            order["cancelled"] = now if change == "cancel" else None
        elif change == "channel":
            order |= {"channel": rng.choice(("web", "shop", None)), "discount": "0.50"}
        else:
            order["test"] = not order["test"]

    def _change_ticket(self, rng: Random, ticket: dict[str, Any]) -> None:
        ticket["updated"] = now = self.now()
        if ticket["merged_into"] is None and rng.random() < 0.15:
            ticket["merged_into"] = rng.choice(sorted(self.tickets))
            self._happens(ticket["id"], now, "merged", None, None)
            return
        status = rng.choice(("open", "solved", "solved", "closed", "deleted", "spam"))
        if status not in ("deleted", "spam"):
            self._happens(ticket["id"], now, "status_changed", ticket["status"], status)
        ticket |= {"status": status, "priority": rng.choice(("low", "high", None))}

    def delete(self, rng: Random) -> dict[str, list[dict[str, str]]]:
        """Orders with their lines and refunds, and tickets, go without a trace. Returns the keys that are gone, by stream."""
        gone: dict[str, list[dict[str, str]]] = {
            stream: [] for stream in ("orders", "order_items", "refunds", "support_tickets")
        }
        for order in rng.sample(sorted(self.orders), min(len(self.orders), 2)):
            del self.orders[order], self.lines[order]
            gone["orders"].append({"order_id": order})
            gone["order_items"].append({"order_id": order})
            for refund in [name for name, row in self.refunds.items() if row["order_id"] == order]:
                del self.refunds[refund]
                gone["refunds"].append({"refund_id": refund})
        for ticket in rng.sample(sorted(self.tickets), min(len(self.tickets), 1)):
            del self.tickets[ticket]
            gone["support_tickets"].append({"ticket_id": ticket})
        return gone

    def write(self) -> None:
        """Write all sources as they are now; those that are down cannot be read."""
        for day, rows in self.events.items():
            path = self.root / "events" / day.isoformat() / "events.jsonl.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = "".join(json.dumps(row) + "\n" for row in self._rendered("usage_events", rows))
            content = gzip.compress(text.encode(), mtime=0)
            content = content[:-9] if "usage_events" in self.down else content  # cut off while it was written
            if not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)
        tables = {
            "orders": list(self.orders.values()),
            "order_items": [line for lines in self.lines.values() for line in lines],
            "refunds": list(self.refunds.values()),
            "support_tickets": list(self.tickets.values()),
            "ticket_events": self.ticket_events,
        }
        with sqlite3.connect(self.root / "systems.db") as database:
            for stream, rows in tables.items():
                columns = COLUMNS[stream].split()
                database.execute(f"drop table if exists {stream}")
                if stream in self.down:
                    continue
                database.execute(f"create table {stream} ({', '.join(f'{c} text' for c in columns)})")
                values = [[row[c] for c in columns] for row in self._rendered(stream, rows)]
                database.executemany(f"insert into {stream} values ({', '.join('?' * len(columns))})", values)
        database.close()

    def _rendered(self, stream: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            shown = {
                name: value.strftime(
                    "%Y-%m-%d %H:%M:%S.%f+00:00" if stream == "usage_events" else "%Y-%m-%d %H:%M:%S.%f"
                )
                if isinstance(value, datetime)
                else value
                for name, value in row.items()
            }
            yield shown | ({SPOILED[stream]: "spoiled"} if stream in self.spoiled else {})
