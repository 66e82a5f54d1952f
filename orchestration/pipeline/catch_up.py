"""Catching up: which landing days a stream still needs, read from `landings`. Pulling them is landing.py's work."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from orchestration.pipeline import lake
from orchestration.settings import Settings
from sources.connectors import CONNECTORS
from sources.connectors.base import SourceError, Window
from sources.profile import Profile

CLOCKS_DIFFER = timedelta(hours=1)  # from machine to machine, at most


def today(profile: Profile, now: datetime | None = None) -> date:
    """Today's date in the landing zone."""
    return (now or datetime.now(UTC)).astimezone(profile.landing_zone()).date()


def all_days(profile: Profile, now: datetime | None = None) -> list[date]:
    """Every landing day from the first day to the last closed one."""
    first, last = profile.business.first_day, profile.last_closed_day(today(profile, now))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def days_to_land(
    settings: Settings, stream: str, landings: pa.Table | None = None, now: datetime | None = None
) -> list[date]:
    """The days that a stream needs, oldest first: missing ones, unsettled ones, and those whose files changed.

    A day is settled once it was pulled after `settle_days` had passed since its end; a pull in the future was one of a clock
    that was ahead, and proves nothing. The business setting `max_days_per_run` bounds how many are asked for; the rest
    follows in the next run.
    """
    profile = settings.profile
    good = {
        day: row
        for (name, day), row in lake.last_good(
            lake.read_landings(settings.home) if landings is None else landings
        ).items()
        if name == stream
    }
    days = all_days(profile, now)
    settle = timedelta(days=profile.settle_days(stream))
    changed = _days_with_other_files(profile, stream, days, good)
    future = datetime.now(UTC) + CLOCKS_DIFFER
    wanted = [
        day
        for day in days
        if day not in good or day in changed or not _end_of(profile, day) + settle <= good[day]["pulled_at"] <= future
    ]
    return wanted[: profile.business.max_days_per_run]


def _end_of(profile: Profile, day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), profile.landing_zone()).astimezone(UTC)


def _files(listing: list[dict[str, Any]], day: date | None) -> list[tuple[str, ...]]:
    kept = [file for file in listing if day is None or file.get("day") in (None, day.isoformat())]
    return sorted(tuple(str(file.get(key)) for key in ("path", "size", "etag", "modified")) for file in kept)


def _days_with_other_files(profile: Profile, stream: str, days: list[date], good: dict[date, Any]) -> set[date]:
    """Landed days whose files at the source are no longer those that were read."""
    mapping = profile.streams[stream]
    names = [mapping.source] + [
        n for n in profile.sources if mapping.query and n in mapping.query and n != mapping.source
    ]
    by_day = profile.is_by_day(stream)
    if not days or not good:
        return set()
    now: list[dict[str, Any]] = []
    for name in names:
        source = profile.sources[name]
        window = Window(days[0], days[-1], profile.business.landing_zone) if name == mapping.source else None
        try:
            now += CONNECTORS[source.connector].listing(source.options, window)
        except SourceError:
            return set()  # nothing can be said; a pull of the missing days meets the same fault and tells it
    whole = None if by_day else _files(now, None)
    return {
        day
        for day, row in good.items()
        if (_files(now, day) if whole is None else whole) != _files(json.loads(row["listing"]), day if by_day else None)
    }
