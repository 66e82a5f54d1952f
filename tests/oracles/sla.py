"""SLA attainment: whether the help-desk keeps what it promises to a priority."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from tests.oracles.business_time import Schedule, read_schedules
from tests.oracles.figures import NOTHING_BY_NOTHING, Cell, Fact, Kpi, grouped, ratio
from tests.oracles.raw import Company
from tests.oracles.support import Ticket, read_tickets, schedule_of


@dataclass(frozen=True)
class Clock:
    """A promise to a ticket: from when, until when it runs, and when it was kept if it was."""

    target: str
    starts_at: datetime
    kept_at: datetime | None
    stopped_at: datetime | None


def clocks(ticket: Ticket) -> Iterator[Clock]:
    """The clock of the first reply and that of the resolution.

    A ticket that is solved before anybody replied (by a bot, say) needs no reply any more: a later one kept nothing.
    """
    solved_at, replied_at = ticket.first_solve_at, ticket.first_reply_at
    is_in_time = replied_at is not None and (solved_at is None or replied_at <= solved_at)
    yield Clock("first_reply", ticket.reply_clock_starts_at, replied_at if is_in_time else None, solved_at)
    yield Clock("resolution", ticket.created_at, solved_at, None)


def due_at(company: Company, schedule: Schedule, clock: Clock, priority: str | None) -> datetime | None:
    """When the promise ends that holds for the priority on the local day on which the clock starts; None without one."""
    day = company.calendar.day(clock.starts_at)
    for policy in company.seeds["sla_policies"]:
        since = date.fromisoformat(policy["valid_from"]) if policy["valid_from"] else date.min
        until = date.fromisoformat(policy["valid_to"]) if policy["valid_to"] else date.max
        if (policy["priority"], policy["target"]) == (priority, clock.target) and since <= day < until:
            length = timedelta(minutes=int(policy["minutes"]))
            if policy["clock"] == "business":
                return schedule.after(clock.starts_at, length)
            return clock.starts_at + length
    return None


@dataclass(frozen=True)
class Verdict:
    """A promise that was kept or broken on a day."""

    ticket: Ticket
    day: date
    segments: dict[str, str | None]
    is_met: bool


@cache
def verdicts(company: Company) -> list[Verdict]:
    """Targets met and breached, dated by the earlier of the two instants; the loser of a merge is in neither.

    A running clock past its target is breached; other running clocks, and those that were stopped before, are in neither.
    """
    if not company.seeds:
        return []
    calendar, schedules, found = company.calendar, read_schedules(company), []
    for ticket in (ticket for ticket in read_tickets(company) if not ticket.is_merged):
        for clock in clocks(ticket):
            priority = ticket.priority_at(clock.starts_at)
            due = due_at(company, schedule_of(ticket, schedules), clock, priority)
            if due is None:
                continue
            segments = ticket.segments | {"sla_target": clock.target, "priority": priority}
            if clock.kept_at is not None and clock.kept_at <= due:
                found.append(Verdict(ticket, calendar.day(clock.kept_at), segments, True))
            elif due < min((at for at in (clock.kept_at, clock.stopped_at) if at), default=calendar.watermark):
                found.append(Verdict(ticket, calendar.day(due), segments, False))
    return found


def kpis(company: Company) -> list[Kpi]:
    """sla_attainment: targets met / (met + breached)."""

    def attained(what: list[bool]) -> Cell:
        return ratio(sum(what), len(what), len(what))

    facts = [Fact(verdict.day, verdict.segments, verdict.is_met) for verdict in verdicts(company)]
    return [Kpi("sla_attainment", grouped(company.calendar, facts, attained), NOTHING_BY_NOTHING)]
