"""Conversion and activation: what comes of visits, sign-ups and checkouts."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache

from tests.oracles.calendar import start_of
from tests.oracles.engagement import NEW_AFTER_DAYS, Act, acts
from tests.oracles.figures import (
    GRAINS,
    NO_ROWS,
    NOTHING_BY_NOTHING,
    Cell,
    Fact,
    Key,
    Kpi,
    grouped,
    percentile,
    ratio,
)
from tests.oracles.orders import read_orders
from tests.oracles.raw import Company, instant, known, own_segments

HOUR, ONE_DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def segments(company: Company, act: Act) -> dict[str, str | None]:
    """Platform, channel of acquisition and country where they were used: of the event, else of the customer that day."""
    channel = company.attribute("acquisition_channel", act.event.acquisition_channel, act.person, act.day)
    here = {"platform": act.segments["platform"], "acquisition_channel": channel, "country": act.segments["country"]}
    return here | own_segments(company, "customers", {}, act.person, act.day)


@cache
def first_visits(company: Company) -> dict[str, Act]:
    """The first event of each person, which begins its first session."""
    found: dict[str, Act] = {}
    for act in acts(company):
        found.setdefault(act.person, act)
    return found


@cache
def order_times(company: Company) -> dict[str, list[datetime]]:
    """When each person ordered, cancelled or not."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for order in read_orders(company):
        if order.raw["customer_id"]:
            times[order.raw["customer_id"]].append(order.at)
    return {person: sorted(at) for person, at in times.items()}


def happens(times: list[datetime], start: datetime, length: timedelta) -> bool:
    """Whether one of the instants lies in [start, start + length)."""
    position = bisect_left(times, start)
    return position < len(times) and times[position] < start + length


def share(what: list[bool]) -> Cell:
    """How many of them did."""
    return ratio(sum(what), len(what), len(what))


def visitor_conversion(company: Company) -> dict[Key, Cell]:
    """Persons who order within 7 days of their first visit / persons with a first visit in the period."""
    ordered = order_times(company)
    facts = [
        Fact(act.day, segments(company, act), happens(ordered.get(person, []), act.event.at, WEEK))
        for person, act in first_visits(company).items()
    ]
    return grouped(company.calendar, facts, share)


def activation(company: Company) -> dict[Key, Cell]:
    """Sign-ups that do the profile's key action within 7 days / sign-ups; the platform is that of the first visit."""
    done, facts = times_of(company, company.business["key_action"]), []
    for person, rows in company.customers.items():
        if person in company.internal_people:
            continue
        signed_up_at, visit = instant(rows[0]["created_at"]), first_visits(company).get(person)
        customer = known(company, person, company.calendar.day(signed_up_at))
        places = {
            "platform": visit.segments["platform"] if visit else None,
            "acquisition_channel": customer["acquisition_channel"],
            "country": customer["country"],
        } | own_segments(company, "customers", {}, person, company.calendar.day(signed_up_at))
        is_active = happens(done.get(person, []), signed_up_at, WEEK)
        facts.append(Fact(company.calendar.day(signed_up_at), places, is_active))
    return grouped(company.calendar, facts, share)


@cache
def times_of(company: Company, name: str) -> dict[str, list[datetime]]:
    """When each person did something, in order."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for act in acts(company):
        if act.event.name == name:
            times[act.person].append(act.event.at)
    return times


@dataclass(frozen=True)
class Entry:
    """A step 1 of the funnel: how many steps were reached from it, and how long the whole way took if it was gone."""

    person: str
    at: datetime
    reached: int
    took: timedelta | None


def entries(company: Company) -> Iterable[tuple[Act, Entry]]:
    """Every step 1, with the earliest next steps in order, within the profile's window after it."""
    names = company.business["funnel"]
    window = timedelta(days=company.business["funnel_window_days"])
    for act in acts(company):
        if act.event.name != names[0]:
            continue
        at, reached = act.event.at, 1
        for name in names[1:]:
            times = times_of(company, name).get(act.person, [])
            position = bisect_left(times, at)
            if position == len(times) or times[position] >= act.event.at + window:
                break
            at, reached = times[position], reached + 1
        took = at - act.event.at if reached == len(names) else None
        yield act, Entry(act.person, act.event.at, reached, took)


def by_person(company: Company, facts: list[Fact]) -> dict[Key, dict[str, list]]:
    """Facts of (person, ...) per place and person: a person counts once per period and segment."""
    places: dict[Key, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for fact in facts:
        for grain in GRAINS:
            start = start_of(grain, fact.day)
            if start in company.calendar.periods(grain):
                for dimension, segment in (("all", "all"), *fact.segments.items()):
                    places[Key(grain, start, dimension, segment or "unknown")][fact.what[0]].append(fact.what[1])
    return places


def funnel(company: Company) -> dict[str, dict[Key, Cell]]:
    """funnel_conversion: persons who reach the step in order / persons at step 1, each by its best entry in the period
    and segment; in total the last step. time_to_convert: that of the first entry that led to the last step."""
    names = company.business["funnel"]
    facts = [Fact(act.day, segments(company, act), (act.person, entry)) for act, entry in entries(company)]
    found: dict[str, dict[Key, Cell]] = {"funnel_conversion": {}, "p50": {}, "p90": {}}
    for key, persons in by_person(company, facts).items():
        best = [max(entry.reached for entry in own) for own in persons.values()]
        found["funnel_conversion"][key] = share([reached == len(names) for reached in best])
        took = [
            next((entry.took for entry in sorted(own, key=lambda e: e.at) if entry.took is not None), None)
            for own in persons.values()
        ]
        converters = [length for length in took if length is not None]
        found["p50"][key] = percentile(converters, Fraction(1, 2), HOUR)
        found["p90"][key] = percentile(converters, Fraction(9, 10), HOUR)
        if key.dimension == "all":
            for number_, name in enumerate(names, 1):
                step = share([reached >= number_ for reached in best])
                found["funnel_conversion"][key._replace(dimension="step", segment=f"{number_} {name}")] = step
    return found


def checkout_abandonment(company: Company) -> dict[Key, Cell]:
    """Persons with a checkout and no order within 24 h of any of them in the period / persons with a checkout."""
    ordered = order_times(company)
    facts = [
        Fact(
            act.day,
            segments(company, act),
            (act.person, happens(ordered.get(act.person, []), act.event.at, ONE_DAY)),
        )
        for act in acts(company)
        if act.event.name == company.business["checkout"]
    ]
    return {
        key: share([not any(paid) for paid in persons.values()]) for key, persons in by_person(company, facts).items()
    }


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Conversion and activation."""
    through, window = funnel(company), company.business["funnel_window_days"]
    return [
        Kpi(
            "visitor_conversion",
            visitor_conversion(company),
            NOTHING_BY_NOTHING,
            window_days=7,
            unknown_first_days=NEW_AFTER_DAYS,
        ),
        Kpi("activation", activation(company), NOTHING_BY_NOTHING, window_days=7),
        Kpi("funnel_conversion", through["funnel_conversion"], NOTHING_BY_NOTHING, window_days=window),
        Kpi("time_to_convert_p50", through["p50"], NO_ROWS, window_days=window),
        Kpi("time_to_convert_p90", through["p90"], NO_ROWS, window_days=window),
        Kpi("checkout_abandonment", checkout_abandonment(company), NOTHING_BY_NOTHING, window_days=1),
    ]
