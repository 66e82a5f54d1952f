"""What is usual for a stream: a day against the same weekdays of the weeks before it, by median and MAD.

Both bear an odd day among them, so that a feed that died last week does not make this week's silence usual. A day is
compared with days that were pulled about as long after they ended: rows of mutable streams move on to later days, and
late rows are still on their way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

WEEKS = 8
MINIMUM_WEEKS = 4  # same weekdays known before a day can be called unusual
LIMIT = 4.0  # robust standard deviations
MAD_TO_DEVIATION = 1.4826  # of a normal distribution
HOUR = 1.0


@dataclass(frozen=True)
class Day:
    """What one pull found on a landing day: its good rows, and hours from the newest of all its rows to the day's end."""

    rows: int
    quiet_hours: float | None


Lags = Mapping[int, Mapping[date, Day]]


def lag_of(day: date, pulled_at: datetime, settle_days: int) -> int:
    """Days from a landing day to its pull; all pulls of settled days are alike."""
    return max(0, min((pulled_at.astimezone(UTC).date() - day).days, settle_days + 1))


def quiet_hours(day: date, newest_at: datetime | None, landing_zone: str) -> float | None:
    """Hours from the newest row to the end of the landing day; None without rows, and 0 for rows that are ahead of it."""
    if newest_at is None:
        return None
    end = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(landing_zone))
    return max(0.0, (end - newest_at).total_seconds() / 3600)


def history(landings: Iterable[Mapping[str, Any]], settle_days: int, landing_zone: str) -> Lags:
    """The good ones of a stream's landings, by lag and day; they come in the order in which they were written down."""
    found: dict[int, dict[date, Day]] = {}
    for row in landings:
        if row["state"] == "landed":
            day = row["landed_date"]
            quiet = quiet_hours(day, row.get("newest_at"), landing_zone)
            found.setdefault(lag_of(day, row["pulled_at"], settle_days), {})[day] = Day(row["landed"], quiet)
    return found


def volume_spread(middle: float) -> float:
    """The least that counts vary by: as chance has it, or a tenth."""
    return max(math.sqrt(middle), middle / 10)


def quiet_spread(middle: float) -> float:
    """The least that waiting times vary by: by themselves, or an hour."""
    return max(1.5 * middle, HOUR)


def deviation(
    day: date, value: float | None, known: Mapping[date, float | None], least: Callable[[float], float]
) -> float | None:
    """How many robust standard deviations `value` is from the median of the same weekdays of the 8 weeks before; None
    when there is no value, or fewer than 4 of these days are known."""
    same = [known.get(day - timedelta(weeks=n)) for n in range(1, WEEKS + 1)]
    values = [found for found in same if found is not None]
    if value is None or len(values) < MINIMUM_WEEKS:
        return None
    middle = median(values)
    spread = max(MAD_TO_DEVIATION * median(abs(found - middle) for found in values), least(middle), 1e-9)
    return (value - middle) / spread
