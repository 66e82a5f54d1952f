"""Retention: who comes back, and who stays away. A person stays in the segments of its first visit."""

from __future__ import annotations

from datetime import date, timedelta

from tests.oracles.calendar import ONE_DAY, start_of
from tests.oracles.conversion import first_visits, share
from tests.oracles.engagement import NEW_AFTER_DAYS, acts
from tests.oracles.engagement import active_days as active_by_place
from tests.oracles.figures import GRAINS, NOTHING_BY_NOTHING, Cell, Fact, Key, Kpi, grouped, ratio
from tests.oracles.raw import Company, own_segments

AFTER_DAYS, AFTER_WEEKS = (1, 7, 14, 28), (1, 4, 12)
Segments = dict[str, str | None]


def segments(company: Company, person: str) -> Segments:
    """Channel of acquisition, plan and country of a person's first visit."""
    visit = first_visits(company)[person]
    channel = company.attribute("acquisition_channel", visit.event.acquisition_channel, person, visit.day)
    here = {"acquisition_channel": channel, "plan": visit.segments["plan"], "country": visit.segments["country"]}
    return here | own_segments(company, "customers", {}, person, visit.day)


def active_days(company: Company) -> dict[str, set[date]]:
    """The days on which each person did something that qualifies."""
    days: dict[str, set[date]] = {}
    for act in acts(company):
        if act.is_qualifying:
            days.setdefault(act.person, set()).add(act.day)
    return days


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Retention, repeat purchases aside: of those first active on day d, or in ISO week w, the
    share active on calendar day d + n, or in week w + n; and of those active in the period before, the share not active
    in this one."""
    calendar, found = company.calendar, []
    days = active_days(company)
    places = {person: segments(company, person) for person in days}
    for n in AFTER_DAYS:
        facts = [Fact(min(own), places[person], min(own) + timedelta(days=n) in own) for person, own in days.items()]
        cells = grouped(calendar, facts, share)
        found.append(
            Kpi(f"retention_d{n}", cells, NOTHING_BY_NOTHING, window_days=n, unknown_first_days=NEW_AFTER_DAYS)
        )
    weeks = {person: {start_of("week", day) for day in own} for person, own in days.items()}
    for n in AFTER_WEEKS:
        facts = [Fact(min(own), places[person], min(own) + timedelta(weeks=n) in own) for person, own in weeks.items()]
        cells = {key: cell for key, cell in grouped(calendar, facts, share).items() if key.grain == "week"}
        found.append(
            Kpi(
                f"retention_w{n}",
                cells,
                NOTHING_BY_NOTHING,
                grains=("week",),
                window_days=7 * n,
                unknown_first_days=NEW_AFTER_DAYS,
            )
        )
    return [*found, Kpi("inactivity_rate", inactivity(company, places), NOTHING_BY_NOTHING, needs_previous=True)]


def inactivity(company: Company, places: dict[str, Segments]) -> dict[Key, Cell]:
    """Active in the period before and not in this one / active in the one before.

    Plan and country, and what the profile adds, are those of the use, like in the lifecycle: who changes the plan has left
    the old one. The channel of acquisition is the person's.
    """
    used: dict[tuple[str, str], dict[str, set[date]]] = {}
    for place, by_day in active_by_place(company).items():
        if place[0] != "platform":
            for day, persons in by_day.items():
                for person in persons:
                    used.setdefault(place, {}).setdefault(person, set()).add(day)
    for person, days in used.get(("all", "all"), {}).items():
        place = ("acquisition_channel", places[person]["acquisition_channel"] or "unknown")
        used.setdefault(place, {})[person] = days
    stayed_away: dict[Key, list[bool]] = {}
    for (dimension, segment), persons in used.items():
        for days in persons.values():
            for grain in GRAINS:
                periods = {start_of(grain, day) for day in days}
                for start in company.calendar.periods(grain):
                    if start_of(grain, start - ONE_DAY) in periods:
                        key = Key(grain, start, dimension, segment)
                        stayed_away.setdefault(key, []).append(start not in periods)
    return {key: ratio(sum(away), len(away), len(away)) for key, away in stayed_away.items()}
