"""Support: what customers ask, how soon they are answered, and what stays open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache

from tests.oracles.business_time import Schedule, read_schedules
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

REASON, ORDER, FEATURE, MERGED_INTO = 360001, 360002, 360003, 360004
SOLVED = frozenset({"solved", "closed"})
HALF, NINE_TENTHS = Fraction(1, 2), Fraction(9, 10)
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
    priorities: tuple[tuple[datetime, str | None], ...]
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

    @property
    def first_solve_at(self) -> datetime | None:
        return self.solves[0] if self.solves else None

    @property
    def full_solve_at(self) -> datetime | None:
        """The last solve, if it is solved now."""
        return self.solves[-1] if len(self.solves) > len(self.reopens) else None

    def priority_at(self, at: datetime) -> str | None:
        """The priority at an instant."""
        return [priority for since, priority in self.priorities if since <= at][-1]

    def is_open_at(self, end: datetime) -> bool:
        """Created, not solved and not merged away before the instant."""
        if self.created_at >= end or (self.merged_at is not None and self.merged_at < end):
            return False
        solved = sum(at < end for at in self.solves)
        reopened = sum(at < end for at in self.reopens)
        return solved == reopened


@cache
def read_tickets(company: Company) -> list[Ticket]:
    """The tickets with their audits."""
    found = []
    for ticket_id, raw in company.tickets.items():
        replies, handoffs, solves, reopens, escalations, merges = [], [], [], [], [], []
        created_at = instant(raw["created_at"])
        priorities: list[tuple[datetime, str | None]] = []
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
            elif changed == "priority":
                priorities.append((at, value))
            elif changed == "escalated" and value == "true":
                escalations.append(at)
            elif changed == "merged_into":
                merges.append(at)
            elif changed == "status" and (value in SOLVED) != is_solved:
                is_solved = not is_solved
                (solves if is_solved else reopens).append(at)
        opened_with = next(
            (
                event["value"]
                for audit in company.audits.get(ticket_id, [])
                for event in audit["events"]
                if event["type"] == "Create" and event["field_name"] == "priority"
            ),
            raw["priority"],
        )
        merged_into = raw["fields"][MERGED_INTO]
        assert bool(merged_into) == bool(merges), ticket_id
        segments = {
            "channel": raw["via"]["channel"],
            "priority": raw["priority"],
            "group": (raw["group"] or {}).get("name"),
            "reason": raw["fields"][REASON],
        } | own_segments(company, "support_tickets", raw, raw["customer_id"], company.calendar.day(created_at))
        found.append(
            Ticket(
                ticket_id,
                raw,
                created_at,
                segments,
                bool(merged_into),
                merges[0] if merges else None,
                tuple(replies),
                tuple(handoffs),
                ((created_at, opened_with), *priorities),
                tuple(solves),
                tuple(reopens),
                escalations[0] if escalations else None,
            )
        )
    return found


def schedule_of(ticket: Ticket, schedules: dict[str, Schedule]) -> Schedule:
    """The schedule of the ticket's group, else the default one."""
    return schedules.get(ticket.segments["group"] or "default", schedules["default"])


def solved_at_first_contact(tickets: list[Ticket]) -> Callable[[Ticket], bool]:
    """Solved with one public agent reply, no reopen within 7 days, and no other ticket of the same person and reason
    from this one's creation until 7 days after its solve."""
    contacts: dict[tuple[str, str], list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        if ticket.segments["reason"]:  # an unknown one is never the same
            contacts[ticket.raw["customer_id"], ticket.segments["reason"]].append(ticket)

    def judged(ticket: Ticket) -> bool:
        until = ticket.solves[0] + timedelta(days=7)
        others = contacts[ticket.raw["customer_id"], ticket.segments["reason"]]
        return (
            sum(at <= ticket.solves[0] for at in ticket.agent_replies) == 1
            and not any(at < until for at in ticket.reopens)
            and not any(o is not ticket and ticket.created_at <= o.created_at < until for o in others)
        )

    return judged


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Support, sla_attainment aside."""
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
    escalated = dated(
        own,
        lambda t: t.created_at,
        lambda t: t.escalated_at is not None and t.escalated_at < t.created_at + timedelta(days=30),
    )
    reopened = dated(
        own, lambda t: t.first_solve_at, lambda t: any(at < t.solves[0] + timedelta(days=30) for at in t.reopens)
    )
    at_first_contact = dated(own, lambda t: t.first_solve_at, solved_at_first_contact(own))
    times = {
        "first_reply": dated(own, lambda t: t.first_reply_at, lambda t: t.first_reply_at - t.reply_clock_starts_at),
        "resolution": dated(own, lambda t: t.first_solve_at, lambda t: t.solves[0] - t.created_at),
        "full_resolution": dated(own, lambda t: t.full_solve_at, lambda t: t.solves[-1] - t.created_at),
    }
    if company.seeds:
        schedules = read_schedules(company)
        times["first_reply_business"] = dated(
            own,
            lambda t: t.first_reply_at,
            lambda t: schedule_of(t, schedules).between(t.reply_clock_starts_at, t.first_reply_at),
        )
    open_ages = backlog(company, tickets)
    found = [
        Kpi("tickets_created", grouped(calendar, created, count), ZERO),
        Kpi("tickets_solved", grouped(calendar, solved, count), ZERO),
        Kpi("escalation_rate", grouped(calendar, escalated, share), NOTHING_BY_NOTHING, window_days=30),
        Kpi("reopen_rate", grouped(calendar, reopened, share), NOTHING_BY_NOTHING, window_days=30),
        Kpi("first_contact_resolution", grouped(calendar, at_first_contact, share), NOTHING_BY_NOTHING, window_days=7),
        Kpi("backlog", {key: number(len(ages), len(ages)) for key, ages in open_ages.items()}, ZERO),
        Kpi("backlog_age_p50", {key: percentile(ages, HALF, ONE_DAY) for key, ages in open_ages.items()}, NO_ROWS),
    ]
    for name, facts in times.items():
        unit = HOUR if "resolution" in name else MINUTE
        for suffix, part in (("p50", HALF), ("p90", NINE_TENTHS)):
            cells = grouped(calendar, facts, lambda what, part=part, unit=unit: percentile(what, part, unit))
            found.append(Kpi(f"{name}_{suffix}", cells, NO_ROWS))
    return found


def backlog(company: Company, tickets: list[Ticket]) -> dict[Key, list[timedelta]]:
    """The ages of what is unsolved at the end of the period's last local day; a segment appears with its first ticket."""
    calendar = company.calendar
    by_day: dict[date, dict[tuple[str, str], list[timedelta]]] = {day: defaultdict(list) for day in calendar.days}
    for ticket in tickets:
        places = [("all", "all"), *((name, segment or "unknown") for name, segment in ticket.segments.items())]
        for day in calendar.days:
            end = calendar.midnight(day + ONE_DAY)
            if ticket.created_at < end:
                is_open = ticket.is_open_at(end)
                for place in places:
                    ages = by_day[day][place]
                    if is_open:
                        ages.append(end - ticket.created_at)
    return {
        Key(grain, period.start, dimension, segment): ages
        for grain in GRAINS
        for period in calendar.periods(grain).values()
        for (dimension, segment), ages in by_day[period.last_day].items()
    }
