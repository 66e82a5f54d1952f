"""What every connector shares: the window it is asked for, the error it raises, names and quoting.

How a particular kind of source is read does not belong here.
"""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus
from zoneinfo import ZoneInfo

import duckdb

SYSTEM_COLUMNS = ("_source_file", "_file_day", "_malformed")
"""Columns that connectors add to the source's own. `_malformed` says what is wrong with a row that cannot be read."""

RETRY_PAUSES = (0.5, 2.0)
"""Seconds to wait before each further attempt at a source that did not answer."""

T = TypeVar("T")


class SourceError(Exception):
    """A source could not be read. One line: source, window, what happened, what to do; never a password."""


class EnvironmentText(str):
    """A profile's text with values of the environment in it: they may be secrets, so that no message may show them."""

    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, values: Iterable[str]) -> EnvironmentText:
        made = cls(text)
        made.values = tuple(values)
        return made


_SECRET_NAME = re.compile(
    r"secret|password|passwd|token|credential|connection_string|(^|_)(key|sas|auth)", re.IGNORECASE
)
_SHORTEST_SECRET = 4  # shorter texts stand in any message by chance


def secrets_in(value: Any, name: str = "") -> list[str]:
    """The texts in a profile's options that no message may show: from the environment, or named like a secret."""
    if isinstance(value, dict):
        return [secret for key, inner in value.items() for secret in secrets_in(inner, str(key))]
    if isinstance(value, list | tuple):
        return [secret for inner in value for secret in secrets_in(inner, name)]
    found = [*value.values] if isinstance(value, EnvironmentText) else []
    if isinstance(value, str) and _SECRET_NAME.search(name):
        found.append(str(value))
    return [secret for secret in found if len(secret) >= _SHORTEST_SECRET]


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret replaced by `***`: as it is, quoted for an address, and in base64."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        encoded = base64.b64encode(secret.encode()).decode()
        for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), encoded, encoded.rstrip("=")):
            text = text.replace(form, "***")
    return text


def day_start(day: date, zone: str) -> datetime:
    """The instant (UTC) at which a calendar day begins in a zone: the one place where windows get their bounds.

    Where a clock change skips midnight, the day begins at the change; where it repeats midnight, at the first one.
    """
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True)
class Window:
    """Landing days `first_day` to `last_day`, both included, in a zone; as instants the half-open [start, end)."""

    first_day: date
    last_day: date
    zone: str

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError(f"a window cannot end ({self.last_day}) before it begins ({self.first_day})")

    @property
    def start(self) -> datetime:
        return day_start(self.first_day, self.zone)

    @property
    def end(self) -> datetime:
        return day_start(self.last_day + timedelta(days=1), self.zone)

    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=n) for n in range((self.last_day - self.first_day).days + 1)]

    def __str__(self) -> str:
        if self.first_day == self.last_day:
            return f"landing day {self.first_day}"
        return f"landing days {self.first_day} to {self.last_day}"


@dataclass(frozen=True)
class Pull:
    """What is wanted of one source: the rows of `window` (None: all of them) as the temporary table `table`."""

    table: str
    options: Any
    window: Window | None
    zone: str


def source_error(source: str, window: Window | None, happened: str, advice: str) -> SourceError:
    return SourceError(one_line(f"{source}, {window or 'all days'}: {happened}; {advice}"))


def one_line(text: object) -> str:
    """The text without line breaks and without anything else that a terminal would obey instead of showing."""
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in str(text))).strip()


def root_cause(error: BaseException) -> BaseException:
    """dlt wraps what a resource raises; the message that helps is the innermost one."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def with_retries(action: Callable[[], T], is_transient: Callable[[Exception], bool]) -> T:
    """Run `action`; where the source seems to be away for a moment, wait and run it again."""
    for pause in RETRY_PAUSES:
        try:
            return action()
        except Exception as error:
            if not is_transient(error):
                raise
            time.sleep(pause)
    return action()


def scratch_folder(con: duckdb.DuckDBPyConnection) -> Path | None:
    """The folder of a connection's database, where what is fetched for it may lie; None for one in memory."""
    found = con.execute("select path from duckdb_databases() where database_name = current_database()").fetchone()
    return Path(found[0]).parent if found and found[0] else None


def silence_dlt() -> None:
    """Called before dlt is imported: it sends no usage data. (It is imported late because that takes a second.)"""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"


def unique_names(names: Iterable[str]) -> list[str]:
    """Column names for DuckDB, which takes `userId` and `userid` for one: repeated and reserved ones get a number."""
    taken = set(SYSTEM_COLUMNS)
    result: list[str] = []
    for position, name in enumerate(names, start=1):
        wanted = candidate = name or f"column{position}"
        number = 0
        while candidate.lower() in taken:
            number += 1
            candidate = f"{wanted}_{number}"
        taken.add(candidate.lower())
        result.append(candidate)
    return result
