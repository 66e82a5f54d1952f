"""Engagement: who did something, how often, with what, and how it went."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from tests.oracles.calendar import Calendar, Period
from tests.oracles.figures import (
    GRAINS,
    NOTHING_BY_NOTHING,
    ZERO,
    Cell,
    Fact,
    Key,
    Kpi,
    grouped,
    number,
    ratio,
)
from tests.oracles.raw import Company, Event, own_segments

GAP = timedelta(minutes=30)
LONGEST = timedelta(hours=24)
NEW_AFTER_DAYS = 28  # before, everybody would be new
PersonsByDay = dict[date, set[str]]


@dataclass(frozen=True)
class Act:
    """An event with the person who did it (rule 7) and the segments that it counts in (rule 8)."""

    event: Event
    person: str
    day: date
    is_qualifying: bool
    segments: dict[str, str]


@cache
def acts(company: Company) -> list[Act]:
    """The events of everybody who counts, in order of time; what lies before the first day of the data is none."""
    passive = set(company.business["passive_events"])
    found = []
    for event, person in zip(company.events, company.persons, strict=True):
        day = company.calendar.day(event.at)
        if person not in company.internal_people and day >= company.calendar.first:
            segments = {
                "platform": event.platform or "unknown",
                "country": company.attribute("country", event.country, person, day) or "unknown",
                "plan": company.attribute("plan", event.plan, person, day) or "unknown",
            }
            own = own_segments(company, "customers", {}, person, day)
            segments |= {name: segment or "unknown" for name, segment in own.items()}
            found.append(Act(event, person, day, event.name not in passive, segments))
    return found


@cache
def active_days(company: Company) -> dict[tuple[str, str], PersonsByDay]:
    """Per dimension and segment: who did something that qualifies, by day."""
    persons: dict[tuple[str, str], PersonsByDay] = defaultdict(lambda: defaultdict(set))
    for act in acts(company):
        if act.is_qualifying:
            for segment in (("all", "all"), *act.segments.items()):
                persons[segment][act.day].add(act.person)
    return persons


def features(company: Company) -> dict[tuple[str, str], PersonsByDay]:
    """Per dimension and segment, the feature itself among them: who used a feature, by day."""
    persons: dict[tuple[str, str], PersonsByDay] = defaultdict(lambda: defaultdict(set))
    for act in acts(company):
        if act.is_qualifying and act.event.feature:
            for segment in (("all", "all"), ("feature", act.event.feature), *act.segments.items()):
                persons[segment][act.day].add(act.person)
    return persons


def distinct(by_day: PersonsByDay, start: date, end: date) -> int:
    """Distinct persons of the days [start, end)."""
    days = ((start + timedelta(days=n)) for n in range((end - start).days))
    return len(set().union(*(by_day.get(day, ()) for day in days)))


def person_days(by_day: PersonsByDay, start: date, end: date) -> int:
    """The sum of the days' distinct persons."""
    return sum(len(by_day.get(start + timedelta(days=n), ())) for n in range((end - start).days))


def sessions(calendar: Calendar, doings: list[Act]) -> list[Fact]:
    """By the source's session id, else a gap of 30 minutes; dated by the start; may cross midnight; cut after 24 h: one
    that lasts longer counts again. The segments are those of the first event.
    """
    streams: dict[tuple[str, str | None], list[Act]] = defaultdict(list)
    for act in doings:
        streams[act.person, act.event.session_id].append(act)
    cut: list[list[Act]] = []
    for (_, session_id), stream in streams.items():
        current: list[Act] = []
        for act in stream:
            if current and session_id is None and act.event.at - current[-1].event.at > GAP:
                cut.append(current)
                current = []
            current.append(act)
        cut.append(current)
    found: list[Fact] = []
    for session in cut:
        first, length = session[0], session[-1].event.at - session[0].event.at
        for n in range(max(-(-length // LONGEST), 1)):
            found.append(Fact(calendar.day(first.event.at + n * LONGEST), first.segments, 1))
    return found


def _windows(
    calendar: Calendar,
    by_segment: dict[tuple[str, str], PersonsByDay],
    trailing_days: int,
    measure,
) -> dict[Key, Cell]:
    """Each segment's cell for each whole period: over its own days, or over the trailing days at its last one."""
    cells = {}
    for (dimension, segment), by_day in by_segment.items():
        for grain in GRAINS:
            for period in calendar.periods(grain).values():
                start = period.end - timedelta(days=trailing_days) if trailing_days else period.start
                cell = measure(dimension, segment, by_day, start, period)
                if cell is not None:
                    cells[Key(grain, period.start, dimension, segment)] = cell
    return cells


def persons(dimension: str, segment: str, by_day: PersonsByDay, start: date, period: Period) -> Cell | None:
    """Distinct persons with a qualifying event in the period, or in the trailing days at its last day."""
    count = distinct(by_day, start, period.end)
    return number(count, count) if count else None


@cache
def active_users(company: Company) -> dict[Key, Cell]:
    """Distinct persons with a qualifying event in the period."""
    return _windows(company.calendar, active_days(company), 0, persons)


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Engagement."""
    calendar, doings = company.calendar, acts(company)
    active, users = active_days(company), features(company)

    @cache
    def everybody(place: tuple[str, str], start: date, end: date) -> int:
        return distinct(active[place], start, end)

    def stickiness(dimension: str, segment: str, by_day: PersonsByDay, start: date, period: Period) -> Cell | None:
        """Mean DAU of the trailing 28 days / users_28d; stored as person-days / (28 x users_28d)."""
        count = everybody((dimension, segment), start, period.end)
        return ratio(person_days(by_day, start, period.end), 28 * count, count) if count else None

    def adoption(dimension: str, segment: str, by_day: PersonsByDay, start: date, period: Period) -> Cell | None:
        """Persons who used the feature in the trailing 28 days / users_28d; in total any feature."""
        count = everybody(("all", "all") if dimension == "feature" else (dimension, segment), start, period.end)
        used = distinct(by_day, start, period.end)
        is_there = dimension != "feature" or first_adoption(segment, period.grain) <= period.start
        return ratio(used, count, count) if is_there and count else None

    @cache
    def first_adoption(feature: str, grain: str) -> date:
        """The first period with a whole window in which somebody used the feature; nobody has ever heard of it before."""
        by_day, windows = adopted["feature", feature], calendar.periods(grain).values()
        whole = [(p, p.end - timedelta(days=28)) for p in windows if p.end - timedelta(days=28) >= calendar.first]
        return min((p.start for p, start in whole if distinct(by_day, start, p.end)), default=date.max)

    def events_per_active_day(
        dimension: str, segment: str, by_day: PersonsByDay, start: date, period: Period
    ) -> Cell | None:
        """Qualifying events / the sum of DAU over the period's days."""
        person_days_ = person_days(by_day, start, period.end)
        days = (start + timedelta(days=n) for n in range((period.end - start).days))
        return ratio(sum(did[dimension, segment, day] for day in days), person_days_) if person_days_ else None

    did: Counter[tuple[str, str, date]] = Counter()
    for act in doings:
        if act.is_qualifying:
            did.update((*place, act.day) for place in (("all", "all"), *act.segments.items()))
    errors = [Fact(a.day, a.segments, (a.event.error_count, 1)) for a in doings if a.event.error_count is not None]

    def error_rate(what: list[tuple[int, int]]) -> Cell:
        """Sum of errors / sum of uses over the events whose source reports errors."""
        return ratio(sum(e for e, _ in what), sum(u for _, u in what), sum(u for _, u in what))

    by_period = active_users(company)
    adopted = {segment: users.get(segment, {}) for segment in {*active, *users}}
    return [
        Kpi("dau", {k: c for k, c in by_period.items() if k.grain == "day"}, ZERO, grains=("day",)),
        Kpi("active_users", by_period, ZERO),
        Kpi("users_7d", _windows(calendar, active, 7, persons), ZERO, trailing_days=7),
        Kpi("users_28d", _windows(calendar, active, 28, persons), ZERO, trailing_days=28),
        Kpi("stickiness", _windows(calendar, active, 28, stickiness), NOTHING_BY_NOTHING, trailing_days=28),
        Kpi("events_per_active_day", _windows(calendar, active, 0, events_per_active_day), NOTHING_BY_NOTHING),
        Kpi("sessions", grouped(calendar, sessions(calendar, doings), lambda what: number(len(what), len(what))), ZERO),
        Kpi("feature_adoption", _windows(calendar, adopted, 28, adoption), NOTHING_BY_NOTHING, trailing_days=28),
        Kpi("error_rate", grouped(calendar, errors, error_rate), NOTHING_BY_NOTHING),
    ]
