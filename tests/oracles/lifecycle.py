"""The lifecycle of users: by the use in a segment alone, like every count of people in a segment."""

from __future__ import annotations

from datetime import date

from tests.oracles.calendar import ONE_DAY, start_of
from tests.oracles.engagement import NEW_AFTER_DAYS, PersonsByDay, active_days
from tests.oracles.figures import GRAINS, ZERO, Cell, Key, Kpi, number
from tests.oracles.raw import Company

STATES = ("new", "returning", "resurrected", "dormant")


def _by_period(grain: str, by_day: PersonsByDay) -> dict[date, set[str]]:
    found: dict[date, set[str]] = {}
    for day, persons in by_day.items():
        found.setdefault(start_of(grain, day), set()).update(persons)
    return found


def kpis(company: Company) -> list[Kpi]:
    """Per period, of persons: first active ever / active in the one before / active earlier but not in the one before /
    active in the one before and not now."""
    calendar = company.calendar
    cells: dict[str, dict[Key, Cell]] = {state: {} for state in STATES}
    for (dimension, segment), by_day in active_days(company).items():
        for grain in GRAINS:
            active, known = _by_period(grain, by_day), set()
            for start in sorted({*active, *calendar.periods(grain)}):
                now = active.get(start, set())
                before = active.get(start_of(grain, start - ONE_DAY), set())
                key = Key(grain, start, dimension, segment)
                if start in calendar.periods(grain):
                    groups = (now - known, now & before, (now & known) - before, before - now)
                    for state, persons in zip(STATES, groups, strict=True):
                        # Where somebody was there before, it is said that nobody has left.
                        if persons or (state == "dormant" and before):
                            cells[state][key] = number(len(persons), len(persons))
                known |= now
    found = []
    for state in STATES:
        is_ever = state in ("new", "resurrected")
        history = NEW_AFTER_DAYS if is_ever else 0
        found.append(
            Kpi(f"lifecycle_{state}", cells[state], ZERO, unknown_first_days=history, needs_previous=not is_ever)
        )
    return found
