"""What the file of a profile may say, key by key. Reading it and checking one key against another is `profile.py`."""

from __future__ import annotations

import functools
import re
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sources.dimensions import Dimension


def column_or_expression(sql: str) -> str:
    """A bare name is a column, whatever SQL's keywords are (`order`, `group`, `at`); anything else is an expression."""
    is_name = re.fullmatch(r"[A-Za-z_]\w*", sql) and sql.lower() not in ("null", "true", "false")
    return f'"{sql}"' if is_name else sql


known_zones = functools.cache(available_timezones)  # each call walks through the folder of zones


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Business(Strict):
    """What the business decided. Days are calendar days of the landing zone, both ends included."""

    landing_zone: str = "UTC"
    reporting_zone: str = "UTC"
    source_zone: str = "UTC"
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    first_day: date
    last_day: date | None = None
    settle_days: int = Field(default=2, ge=0, le=60)
    reconcile_days: int = Field(default=35, ge=1, le=400)
    max_days_per_run: int = Field(default=400, ge=1)
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    refunds: Literal["stream", "none"] = "stream"
    passive_events: tuple[str, ...] = ()
    key_action: str = ""
    checkout: str = ""
    funnel: tuple[str, ...] = Field(default=(), max_length=8)  # as many as int_conversion__funnel_entries follows
    funnel_window_days: int = Field(default=7, ge=1)

    @field_validator("landing_zone", "reporting_zone", "source_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in known_zones():
            raise ValueError("not an IANA time zone, such as Europe/Berlin or UTC")
        return value


class SampleCompany(Strict):
    """Asks for the sample company to be written into `folder` on first use."""

    seed: int = 7
    scale: float = Field(default=1.0, gt=0)
    folder: Path


class ProfileRule(Strict):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    check: str
    severity: Literal["error", "warning"] = "warning"
    description: str = ""


class StreamMapping(Strict):
    """What feeds one stream: a source, how its rows fall on landing days, and an expression per contract field."""

    source: str = Field(alias="from")
    query: str | None = None
    cursor: str | None = None
    settle_days: int | None = Field(default=None, ge=0, le=60)
    tolerance: float | None = Field(default=None, ge=0, le=1)
    empty_days: Literal["warn", "expected", "fail"] = "warn"
    reconcile: Literal["warn", "block", "off"] = "warn"
    reconcile_by: Literal["totals", "content"] = "totals"
    extra: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fields: dict[str, str]
    rules: tuple[ProfileRule, ...] = ()

    @field_validator("fields")
    @classmethod
    def _columns_by_name(cls, value: dict[str, str]) -> dict[str, str]:
        return {field: column_or_expression(sql) for field, sql in value.items()}

    @field_validator("cursor")
    @classmethod
    def _cursor_by_name(cls, value: str | None) -> str | None:
        return None if value is None else column_or_expression(value)


class ProfileFile(Strict):
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    title: str = ""
    business: Business
    seeds: dict[str, str] = {}
    dimensions: dict[str, Dimension] = {}
    sample_company: SampleCompany | None = None
    sources: dict[str, dict[str, Any]]
    streams: dict[str, StreamMapping]
