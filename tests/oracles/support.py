"""Support: what customers ask, how soon they are answered, and what stays open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

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
from tests.oracles.raw import Company, Record, instant

REASON, ORDER, FEATURE, MERGED_INTO = 360001, 360002, 360003, 360004
SOLVED = frozenset({"solved", "closed"})
HALF = Fraction(1, 2)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Ticket:
    """A ticket that is neither spam, deleted nor of an internal person, with what happened to it in order of time."""

    ticket_id: str
    raw: Record
    created_at: datetime
    segments: Mapping[str, str | None]
    is_merged: bool
    merged_at: datetime | None
    agent_replies: tuple[datetime, ...]
    bot_handoffs: tuple[datetime, ...]
    solves: tuple[datetime, ...]
    reopens: tuple[datetime, ...]
    escalated_at: datetime | None

    @property
    def first_reply_at(self) -> datetime | None:
        """The first public reply by a person; a bot's does not count."""
        return self.agent_replies[0] if self.agent_replies else None

    @property
    def reply_clock_starts_at(self) -> datetime:
        """At the creation; after a bot's handoff at the handoff."""
        handoffs = [at for at in self.bot_handoffs if self.first_reply_at is None or at <= self.first_reply_at]
        return handoffs[0] if handoffs else self.created_at

    def is_open_at(self, end: datetime) -> bool:
        """Created, not solved and not merged away before the instant."""
        if self.created_at >= end or (self.merged_at is not None and self.merged_at < end):
            return False
        solved = sum(at < end for at in self.solves)
        reopened = sum(at < end for at in self.reopens)
        return solved == reopened


def read_tickets(company: Company) -> list[Ticket]:
    """The tickets with their audits."""
    found = []
    for ticket_id, raw in company.tickets.items():
        replies, handoffs, solves, reopens, escalations, merges = [], [], [], [], [], []
        is_solved = False
        changes = [
            (instant(audit["created_at"]), event["id"], audit["author"]["type"], event)
            for audit in company.audits.get(ticket_id, [])
            for event in audit["events"]
            if not any(e["type"] == "Create" for e in audit["events"])
        ]
        for at, _, author, event in sorted(changes, key=lambda change: change[:2]):
            changed, value = event.get("field_name"), event.get("value")
            if event["type"] == "Comment" and event["public"] and author == "agent":
                replies.append(at)
            elif changed == "group" and author == "bot":
                handoffs.append(at)
            elif changed == "escalated" and value == "true":
                escalations.append(at)
            elif changed == "merged_into":
                merges.append(at)
            elif changed == "status" and (value in SOLVED) != is_solved:
                is_solved = not is_solved
                (solves if is_solved else reopens).append(at)
        merged_into = raw["fields"][MERGED_INTO]
        assert bool(merged_into) == bool(merges), ticket_id
        segments = {
            "channel": raw["via"]["channel"],
            "priority": raw["priority"],
            "group": (raw["group"] or {}).get("name"),
            "reason": raw["fields"][REASON],
        }
        found.append(
            Ticket(
                ticket_id,
                raw,
                instant(raw["created_at"]),
                segments,
                bool(merged_into),
                merges[0] if merges else None,
                tuple(replies),
                tuple(handoffs),
                tuple(solves),
                tuple(reopens),
                escalations[0] if escalations else None,
            )
        )
    return found


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Support."""
    calendar = company.calendar
    tickets = read_tickets(company)
    own = [t for t in tickets if not t.is_merged]  # the loser of a merge counts as created and in the backlog only

    def dated(
        of: list[Ticket], at: Callable[[Ticket], datetime | None], what: Callable[[Ticket], object]
    ) -> list[Fact]:
        return [Fact(calendar.day(at(t)), t.segments, what(t)) for t in of if at(t) is not None]

    def count(what: list) -> Cell:
        return number(len(what), len(what))

    def share(what: list[bool]) -> Cell:
        return ratio(sum(what), len(what), len(what))

    created = dated(tickets, lambda t: t.created_at, lambda t: 1)
    solved = [Fact(calendar.day(at), t.segments, 1) for t in own for at in t.solves]
    replies = dated(own, lambda t: t.first_reply_at, lambda t: t.first_reply_at - t.reply_clock_starts_at)
    resolutions = dated(own, lambda t: t.solves[0] if t.solves else None, lambda t: t.solves[0] - t.created_at)
    escalations = dated(
        own,
        lambda t: t.created_at,
        lambda t: t.escalated_at is not None and t.escalated_at < t.created_at + timedelta(days=30),
    )
    return [
        Kpi("tickets_created", grouped(calendar, created, count), ZERO),
        Kpi("tickets_solved", grouped(calendar, solved, count), ZERO),
        Kpi("first_reply_p50", grouped(calendar, replies, lambda w: percentile(w, HALF, MINUTE)), NO_ROWS),
        Kpi("resolution_p50", grouped(calendar, resolutions, lambda w: percentile(w, HALF, HOUR)), NO_ROWS),
        Kpi("escalation_rate", grouped(calendar, escalations, share), NOTHING_BY_NOTHING, window_days=30),
        Kpi("backlog", backlog(company, tickets), ZERO),
    ]


def backlog(company: Company, tickets: list[Ticket]) -> dict[Key, Cell]:
    """Unsolved at the end of the period's last local day; a segment appears with its first ticket."""
    calendar = company.calendar
    by_day: dict[date, dict[tuple[str, str], int]] = {day: defaultdict(int) for day in calendar.days}
    for ticket in tickets:
        places = [("all", "all"), *((name, segment or "unknown") for name, segment in ticket.segments.items())]
        for day in calendar.days:
            end = calendar.midnight(day + ONE_DAY)
            if ticket.created_at < end:
                is_open = ticket.is_open_at(end)
                for place in places:
                    by_day[day][place] += is_open
    return {
        Key(grain, period.start, dimension, segment): number(n, n)
        for grain in GRAINS
        for period in calendar.periods(grain).values()
        for (dimension, segment), n in by_day[period.last_day].items()
    }
