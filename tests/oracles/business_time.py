"""Business minutes: the schedule's wall clock in its own time zone, with its holidays, never a fixed offset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.oracles.raw import Company

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Schedule:
    """When the help-desk is open: (opens, closes) per ISO weekday, local days on which it is closed."""

    zone: ZoneInfo
    hours: dict[int, list[tuple[str, str]]]
    holidays: frozenset[date]

    @cache  # noqa: B019 - a handful of schedules
    def open_on(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The half-open intervals in which it is open on a local day."""
        if day in self.holidays:
            return ()
        return tuple((self._at(day, o), self._at(day, c)) for o, c in sorted(self.hours.get(day.isoweekday(), ())))

    def _at(self, day: date, clock: str) -> datetime:
        if clock == "24:00":
            return self._at(day + ONE_DAY, "00:00")
        return datetime.combine(day, time.fromisoformat(clock), self.zone).astimezone(UTC)

    def _intervals(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """What is open from an instant on."""
        day = start.astimezone(self.zone).date()
        while True:
            for opens, closes in self.open_on(day):
                if closes > start:
                    yield max(opens, start), closes
            day += ONE_DAY

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How long it is open from `start` to `end`."""
        total = timedelta(0)
        for opens, closes in self._intervals(start):
            if opens >= end:
                return total
            total += min(closes, end) - opens
        raise AssertionError("a schedule opens again and again")

    def after(self, start: datetime, length: timedelta) -> datetime:
        """Until when it has not been open for longer since `start`: what ends at closing time ends when it opens again."""
        for opens, closes in self._intervals(start):
            if opens + length < closes:
                return opens + length
            length -= closes - opens
        raise AssertionError("a schedule opens again and again")


def read_schedules(company: Company) -> dict[str, Schedule]:
    """The schedules by name; `default` stands for every group without one of its own."""
    rows = company.seeds["business_schedules"]
    found = {}
    for name in {row["schedule"] for row in rows}:
        own = [row for row in rows if row["schedule"] == name]
        hours: dict[int, list[tuple[str, str]]] = {}
        for row in own:
            hours.setdefault(int(row["weekday"]), []).append((row["opens_at"], row["closes_at"]))
        found[name] = Schedule(
            ZoneInfo(own[0]["time_zone"] or company.business["reporting_zone"]),
            hours,
            frozenset(
                date.fromisoformat(row["holiday_date"])
                for row in company.seeds["holidays"]
                if row["schedule"] in ("", name)
            ),
        )
    return found
