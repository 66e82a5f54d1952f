"""The frame of the simulation: its days, its scale, its randomness and how instants are written.

Instants are integers: milliseconds since 1970 in UTC. Days are indexes from the first day, cut at local midnight.
What happens in the company does not belong here.
"""

import math
import random
from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Key = TypeVar("Key")

# People look back and plan ahead of the simulated days: a promise may lie past the last one.
MARGIN_DAYS = 90

# How busy a weekday is, Monday first.
APP_WEEKDAYS = (1.08, 1.10, 1.06, 1.04, 0.96, 0.84, 0.92)
SHOP_WEEKDAYS = (1.10, 1.02, 0.98, 0.98, 0.94, 0.96, 1.02)
OFFICE_WEEKDAYS = (1.30, 1.18, 1.12, 1.08, 1.02, 0.68, 0.62)

OFFICE_OPENS_HOUR = 8
OFFICE_CLOSES_HOUR = 20

# Nobody works on these; the profile's holidays.csv says the same.
HOLIDAYS = frozenset(
    date(year, month, day)
    for year, days in (
        (2025, ((10, 3), (12, 25), (12, 26))),
        (2026, ((1, 1), (4, 3), (4, 6), (5, 1), (5, 14), (5, 25), (10, 3), (12, 25), (12, 26))),
    )
    for month, day in days
)


class World:
    """The days, the scale and the sub-generators of one simulation."""

    def __init__(self, seed: int, scale: float, first_day: date, last_day: date, zone: str = "Europe/Berlin") -> None:
        self.seed = seed
        self.scale = scale
        self.first_day = first_day
        self.last_day = last_day
        self.zone = ZoneInfo(zone)
        self.day_count = (last_day - first_day).days + 1
        self.midnights = [
            self.midnight(first_day + timedelta(days=i)) for i in range(-MARGIN_DAYS, self.day_count + MARGIN_DAYS)
        ]
        self.start = self.midnight(first_day)
        self.end = self.midnight(last_day + timedelta(days=1))

    def generator(self, concern: str) -> random.Random:
        """A stream of randomness of its own, so that a change of one concern leaves the others as they were."""
        return random.Random(f"{self.seed}/{concern}")

    def midnight(self, day: date) -> int:
        """The instant at which a local day begins."""
        return int(datetime.combine(day, time(), self.zone).timestamp()) * SECOND

    def day(self, index: int) -> date:
        return self.first_day + timedelta(days=index)

    def day_start(self, index: int) -> int:
        return self.midnights[index + MARGIN_DAYS]

    def index_of(self, at: int) -> int:
        """The index of the local day that holds the instant."""
        return bisect_right(self.midnights, at) - 1 - MARGIN_DAYS

    def index_of_day(self, day: date) -> int:
        return (day - self.first_day).days

    def holds(self, at: int) -> bool:
        return self.start <= at < self.end

    def weekday(self, index: int) -> int:
        return (self.first_day.weekday() + index) % 7

    def growth(self, index: int) -> float:
        """How much larger the business is than on the first day: three fifths more after six months."""
        return 1.0 + index / 300

    def at_hour(self, index: int, hour: int) -> int:
        """Wall-clock hour of a local day; right on the days on which the clock changes too."""
        return int(datetime.combine(self.day(index), time(hour), self.zone).timestamp()) * SECOND

    def in_office(self, at: int) -> int:
        """The instant itself if the office is open, else the next opening."""
        index = self.index_of(at)
        while True:
            opens = self.at_hour(index, OFFICE_OPENS_HOUR)
            works = self.weekday(index) < 5 and self.day(index) not in HOLIDAYS
            if works and at < opens + (OFFICE_CLOSES_HOUR - OFFICE_OPENS_HOUR) * HOUR:
                return max(at, opens)
            index += 1

    def after_office_time(self, at: int, duration: int) -> int:
        """The instant at which so much office time has passed."""
        at = self.in_office(at)
        while True:
            closes = self.at_hour(self.index_of(at), OFFICE_CLOSES_HOUR)
            if at + duration <= closes:
                return at + duration
            duration -= closes - at
            at = self.in_office(closes)


def whole_second(at: float) -> int:
    return int(at) // SECOND * SECOND


def poisson(rng: random.Random, mean: float) -> int:
    """A count with the given mean; a normal draw where the mean is large."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def scaled(number: int, scale: float) -> int:
    """A planted number at this scale, and never none of it."""
    return max(1, round(number * scale))


_CLOCK = tuple(f"T{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60))


@lru_cache(maxsize=512)
def _date_text(epoch_day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=epoch_day)).isoformat()


def iso_millis(at: int) -> str:
    """`2026-03-29T01:00:00.000Z`, as event platforms write it."""
    epoch_day, rest = divmod(at, DAY)
    minute, rest = divmod(rest, MINUTE)
    return f"{_date_text(epoch_day)}{_CLOCK[minute]}{rest // SECOND:02d}.{rest % SECOND:03d}Z"


def iso_seconds(at: int) -> str:
    """`2026-03-29T01:00:00Z`, as help-desks write it."""
    return iso_millis(at)[:19] + "Z"


def sql_text(at: int | None) -> str | None:
    """`2026-03-29 01:00:00` in UTC, as the shop's database keeps it."""
    return None if at is None else iso_millis(at)[:19].replace("T", " ")


def pick(rng: random.Random, weights: dict[Key, float]) -> Key:
    """One of the keys, by weight."""
    keys = tuple(weights)
    point = rng.random() * sum(weights.values())
    for key in keys:
        point -= weights[key]
        if point < 0:
            return key
    return keys[-1]  # the sum was a rounding error too large
