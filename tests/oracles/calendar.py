"""Days, periods and instants of the reporting zone (rule 1). What counts on a day does not belong here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """The half-open interval [start, end) of whole local days."""

    grain: str
    start: date
    end: date

    @property
    def last_day(self) -> date:
        return self.end - ONE_DAY


@cache
def start_of(grain: str, day: date) -> date:
    """The first day of the period that a day lies in; weeks are ISO weeks."""
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1, month=day.month if grain == "month" else (day.month - 1) // 3 * 3 + 1)


def _after(grain: str, start: date) -> date:
    if grain in ("day", "week"):
        return start + timedelta(days=1 if grain == "day" else 7)
    return (start + timedelta(days=31 if grain == "month" else 93)).replace(day=1)


@dataclass(frozen=True, eq=False)
class Calendar:
    """The reporting zone, and the closed days [first, last] of the profile; the watermark is the end of the last one."""

    zone: ZoneInfo
    first: date
    last: date
    settle_days: int

    def day(self, instant: datetime) -> date:
        """The local day of an instant."""
        return instant.astimezone(self.zone).date()

    @cache  # noqa: B019 - one calendar lives as long as the comparison
    def midnight(self, day: date) -> datetime:
        """The instant at which a local day begins; local days have 23, 24 or 25 hours."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    @property
    def watermark(self) -> datetime:
        """All states are judged here, never at the wall clock."""
        return self.midnight(self.last + ONE_DAY)

    @cached_property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @cache  # noqa: B019
    def periods(self, grain: str) -> dict[date, Period]:
        """The whole periods of a grain by their start (rule 4): all of their days lie between the first and the last day."""
        starts = sorted({start_of(grain, day) for day in self.days})
        whole = [Period(grain, s, _after(grain, s)) for s in starts if s >= self.first]
        return {p.start: p for p in whole if p.last_day <= self.last}

    @cache  # noqa: B019
    def is_mature(self, period: Period, window_days: int) -> bool:
        """Whether the window of N x 24 hours has passed for the last that can enter, and the settling days after it."""
        window_end = self.midnight(period.end) + window_days * timedelta(hours=24)
        last_day_of_window = self.day(window_end - timedelta(microseconds=1))
        return last_day_of_window + timedelta(days=self.settle_days) <= self.last
