"""Control totals of a database: rows and sums per landing day, in one grouped query.

A row is counted on the day that its cursor seems to fall on. Where the database cannot tell exactly (texts with offsets,
an hour that comes twice), a row may be counted on the day beside it: whoever compares looks at the rows before he speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from sources.connectors.base import Window, day_start
from sources.connectors.sql_columns import CursorType, SourceColumn


@dataclass(frozen=True)
class DayTotals:
    """What a source says about one day: its rows, and the sum per column that was asked for and holds numbers."""

    rows: int
    sums: dict[str, float] = field(default_factory=dict)


def summable(columns: Sequence[SourceColumn], wanted: Sequence[str]) -> list[SourceColumn]:
    """Those of the wanted columns that the database declares as numbers."""
    numbers = [c for c in columns if c.kind in ("bigint", "double") or c.kind.startswith("decimal")]
    return [column for column in numbers if column.name in wanted]


def totals_select(
    origin: Any,
    cursor: SourceColumn,
    cursor_type: CursorType,
    sums: Sequence[SourceColumn],
    window: Window,
    zone: str,
    is_sqlite: bool,
) -> Any:
    """The grouped query: day (number of the day in the window), rows, and one sum per column of `sums`."""
    value, bounds = _comparable(cursor, cursor_type, window, zone, is_sqlite)
    day = sa.case(*[(value < bound, number) for number, bound in enumerate(bounds[1:])]).label("landing_day")
    rows = (
        sa.select(day, *[sa.column(c.name).label(f"sum_{n}") for n, c in enumerate(sums)])
        .select_from(origin)
        .where(value >= bounds[0], value < bounds[-1])
        .subquery("rows_of_days")
    )
    measures = [sa.func.sum(rows.c[f"sum_{n}"]) for n in range(len(sums))]
    return sa.select(rows.c.landing_day, sa.func.count(), *measures).group_by(rows.c.landing_day)


def read_totals(rows: Sequence[Any], sums: Sequence[SourceColumn], window: Window) -> dict[date, DayTotals]:
    """The answer by day; a day without rows has none, and sums of nothing."""
    names = [column.name for column in sums]
    answer = {day: DayTotals(0, dict.fromkeys(names, 0.0)) for day in window.days()}
    for number, count, *values in rows:
        answer[window.first_day + timedelta(days=int(number))] = DayTotals(
            int(count), {name: float(value or 0) for name, value in zip(names, values, strict=True)}
        )
    return answer


def _comparable(
    cursor: SourceColumn, cursor_type: CursorType, window: Window, zone: str, is_sqlite: bool
) -> tuple[Any, list[Any]]:
    """The cursor as a value that can be compared, and the bound of every day in the same type, one more than days."""
    raw: Any = sa.column(cursor.name)
    days = [*window.days(), window.last_day + timedelta(days=1)]
    instants = [day_start(day, window.zone) for day in days]
    if cursor_type in ("epoch", "epoch_ms"):
        factor = 1000 if cursor_type == "epoch_ms" else 1
        if cursor.kind == "varchar" and cursor.declared not in ("", "no type"):
            raw = sa.cast(raw, sa.Numeric)
        return raw, [sa.literal(int(instant.timestamp()) * factor, sa.BigInteger()) for instant in instants]
    local = [instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant in instants]
    if cursor_type == "text" or (cursor.kind == "varchar" and cursor.declared) or is_sqlite:
        # a text that only names a day is its midnight, and stands before every text with a time of that day
        texts = [_text(bound) for bound in local]
        return sa.func.replace(sa.cast(raw, sa.Text()), "T", " "), [sa.literal(text, sa.Text()) for text in texts]
    if cursor_type == "date":
        return raw, [sa.literal(_first_date(bound), sa.Date()) for bound in local]
    if cursor.kind == "timestamp with time zone" or not cursor.declared:
        return raw, [sa.literal(instant, sa.DateTime(timezone=True)) for instant in instants]
    return raw, [sa.literal(bound, sa.DateTime()) for bound in local]


def _text(bound: datetime) -> str:
    return bound.date().isoformat() if bound.time() == datetime.min.time() else bound.isoformat(" ", "minutes")


def _first_date(bound: datetime) -> date:
    """The first date whose midnight is not before the bound."""
    return bound.date() if bound.time() == datetime.min.time() else bound.date() + timedelta(days=1)
