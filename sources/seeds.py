"""Seeds that a profile may replace: small tables of what the business promises, which no system keeps.

The project's own are CSV files in dbt_project/seeds; a profile names its own CSV files in its table `[seeds]`. This
module reads and checks them before anything runs. Whether a KPI that they name exists is for orchestration/settings.py;
what models make of them does not belong here either.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar
from zoneinfo import available_timezones

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sources.contract import load_contracts

Ordered = TypeVar("Ordered", date, str)


class SeedError(ValueError):
    """A seed cannot be used; the message is one line: which line, which column, what is allowed."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlaPolicy(_Row):
    """A promise per priority; it holds for clocks that start in [valid_from, valid_to), empty for without an end."""

    priority: str
    target: Literal["first_reply", "resolution"]
    minutes: int = Field(gt=0)
    valid_from: date | None
    valid_to: date | None
    clock: Literal["calendar", "business"]

    @field_validator("priority")
    @classmethod
    def _known_priority(cls, value: str) -> str:
        fields = {field.name: field for field in load_contracts()["support_tickets"].fields}
        if value not in fields["priority"].enum:
            raise ValueError(f"no such priority; allowed: {', '.join(fields['priority'].enum)}")
        return value

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> SlaPolicy:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is the first day without the policy: it has to be after valid_from")
        return self


class BusinessHours(_Row):
    """When a schedule is open on an ISO weekday (Monday 1); an empty zone is the profile's reporting zone."""

    schedule: str
    weekday: int = Field(ge=1, le=7)
    opens_at: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    closes_at: str = Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
    time_zone: str | None

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError("not an IANA time zone, such as Europe/Berlin or UTC")
        return value

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> BusinessHours:
        if self.closes_at <= self.opens_at:
            raise ValueError("closes_at has to be after opens_at; a night is two rows, up to 24:00 and from 00:00")
        return self


class Holiday(_Row):
    """A local date on which a schedule is closed; an empty schedule is all of them."""

    holiday_date: date
    name: str
    schedule: str | None


class Target(_Row):
    """What a KPI should reach in periods of a grain that begin in [valid_from, valid_to); the total alone has targets."""

    kpi_id: str
    grain: Literal["day", "week", "month", "quarter"]
    target_value: float = Field(allow_inf_nan=False)
    valid_from: date | None
    valid_to: date | None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Target:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to is the first day without the target: it has to be after valid_from")
        return self


class Annotation(_Row):
    """Something that happened and may have moved numbers: of one KPI, of one domain, or (both empty) of any."""

    annotation_date: date
    end_date: date | None
    kind: Literal["release", "incident", "campaign", "process", "data", "other"]
    title: str
    domain: str | None
    kpi_id: str | None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Annotation:
        if self.end_date and self.end_date < self.annotation_date:
            raise ValueError("end_date is the last day of it: it cannot be before annotation_date")
        return self


class InternalAccount(_Row):
    """People of the company itself, and those who test: they count nowhere."""

    kind: Literal["email_domain", "person", "account"]
    value: str
    note: str | None


class FeatureName(_Row):
    """A name that a system gives a feature, and the name that the KPIs give it."""

    source_name: str
    feature: str


@dataclass(frozen=True)
class Seed:
    """The columns of a seed: `row` checks them, `schema` types them; `check` sees all rows and may raise SeedError.

    What names people is for the gate alone: it never reaches the warehouse.
    """

    row: type[_Row]
    schema: pa.Schema
    check: Callable[[Sequence[Any]], None]
    is_for_the_gate: bool = False


def _apart(what: str, spans: Iterable[tuple[Ordered, Ordered]]) -> None:
    """Raises SeedError where two half-open spans overlap."""
    end: Ordered | None = None
    for start, until in sorted(spans):
        if end is not None and start < end:
            raise SeedError(f"{what}: two rows overlap at {start}")
        end = until


def _once(keys: Iterable[str]) -> None:
    """Raises SeedError where one of the keys is there twice."""
    for key, count in Counter(keys).items():
        if count > 1:
            raise SeedError(f"{key}: there is more than one row of it")


def _check_targets(rows: Sequence[Target]) -> None:
    for key in sorted({(row.kpi_id, row.grain) for row in rows}):
        own = [row for row in rows if (row.kpi_id, row.grain) == key]
        _apart(" per ".join(key), [(row.valid_from or date.min, row.valid_to or date.max) for row in own])


def _check_policies(rows: Sequence[SlaPolicy]) -> None:
    for key in sorted({(row.priority, row.target) for row in rows}):
        own = [row for row in rows if (row.priority, row.target) == key]
        _apart(" ".join(key), [(row.valid_from or date.min, row.valid_to or date.max) for row in own])


def _check_schedules(rows: Sequence[BusinessHours]) -> None:
    names = sorted({row.schedule for row in rows})
    if "default" not in names:
        raise SeedError("no schedule `default`, which stands for every group without one of its own")
    for name in names:
        own = [row for row in rows if row.schedule == name]
        if len({row.time_zone for row in own}) > 1:
            raise SeedError(f"schedule {name}: one schedule has one time_zone")
        for day in range(1, 8):
            _apart(f"schedule {name}, weekday {day}", [(r.opens_at, r.closes_at) for r in own if r.weekday == day])


def _check_holidays(rows: Sequence[Holiday]) -> None:
    _once(f"{row.holiday_date} for {row.schedule or 'all schedules'}" for row in rows)


def _check_annotations(rows: Sequence[Annotation]) -> None:
    _once(f"{row.annotation_date} {row.title}" for row in rows)


def _check_internal_accounts(rows: Sequence[InternalAccount]) -> None:
    _once(f"{row.kind} {row.value.lower()}" for row in rows)


def _check_feature_names(rows: Sequence[FeatureName]) -> None:
    _once(row.source_name for row in rows)
    sources = {row.source_name for row in rows}
    for row in rows:
        if row.feature in sources and row.feature != row.source_name:
            raise SeedError(f"{row.source_name} is called {row.feature}, which has another name itself")


SEEDS = {
    "sla_policies": Seed(
        SlaPolicy,
        pa.schema(
            [
                ("priority", pa.string()),
                ("target", pa.string()),
                ("minutes", pa.int64()),
                ("valid_from", pa.date32()),
                ("valid_to", pa.date32()),
                ("clock", pa.string()),
            ]
        ),
        _check_policies,
    ),
    "business_schedules": Seed(
        BusinessHours,
        pa.schema(
            [
                ("schedule", pa.string()),
                ("weekday", pa.int64()),
                ("opens_at", pa.string()),
                ("closes_at", pa.string()),
                ("time_zone", pa.string()),
            ]
        ),
        _check_schedules,
    ),
    "holidays": Seed(
        Holiday,
        pa.schema([("holiday_date", pa.date32()), ("name", pa.string()), ("schedule", pa.string())]),
        _check_holidays,
    ),
    "targets": Seed(
        Target,
        pa.schema(
            [
                ("kpi_id", pa.string()),
                ("grain", pa.string()),
                ("target_value", pa.float64()),
                ("valid_from", pa.date32()),
                ("valid_to", pa.date32()),
            ]
        ),
        _check_targets,
    ),
    "annotations": Seed(
        Annotation,
        pa.schema(
            [
                ("annotation_date", pa.date32()),
                ("end_date", pa.date32()),
                ("kind", pa.string()),
                ("title", pa.string()),
                ("domain", pa.string()),
                ("kpi_id", pa.string()),
            ]
        ),
        _check_annotations,
    ),
    "internal_accounts": Seed(
        InternalAccount,
        pa.schema([("kind", pa.string()), ("value", pa.string()), ("note", pa.string())]),
        _check_internal_accounts,
        is_for_the_gate=True,
    ),
    "feature_map": Seed(
        FeatureName, pa.schema([("source_name", pa.string()), ("feature", pa.string())]), _check_feature_names
    ),
}


def read_seed(name: str, path: Path) -> pa.Table:
    """The rows of a CSV file as the seed of that name. Raises SeedError with one line; no rows are good rows."""
    seed = SEEDS[name]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="")
            if set(reader.fieldnames or ()) != set(seed.schema.names):
                raise SeedError(f"its columns have to be {', '.join(seed.schema.names)}")
            rows = [_row(seed, reader.line_num, values) for values in reader]
    except OSError as error:
        raise SeedError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SeedError("is not UTF-8") from None
    seed.check(rows)
    return pa.Table.from_pylist([row.model_dump() for row in rows], schema=seed.schema)


def _row(seed: Seed, line: int, values: dict[str, Any]) -> _Row:
    if "" in values or None in values.values():
        raise SeedError(f"line {line}: it has not as many cells as there are columns")
    try:
        return seed.row(**{column: text.strip() or None for column, text in values.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        where = f"{first['loc'][0]} = {values[str(first['loc'][0])]!r}: " if first["loc"] else ""
        raise SeedError(f"line {line}: {where}{message}") from None
