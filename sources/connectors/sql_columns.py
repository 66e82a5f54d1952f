"""What a database's columns are, how they are sent, what they become in DuckDB; the condition that asks for a window.

Connecting, streaming and messages do not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from sources.connectors.base import Window, unique_names
from sources.sql_text import identifier

CursorType = Literal["timestamp", "date", "text", "epoch", "epoch_ms"]
CURSOR_TYPES: tuple[CursorType, ...] = ("timestamp", "date", "text", "epoch", "epoch_ms")
_OPEN_DECIMAL = "decimal(38,12)"
_CALENDAR = ("timestamp", "timestamp with time zone", "date")
_NUMBER = r"^[+-]?[0-9]{1,18}(\.[0-9]+)?$"
_LOCAL_SLACK = timedelta(hours=3)


@dataclass(frozen=True)
class SourceColumn:
    """A column of a table or query.

    `label` is its name in DuckDB, `kind` its type there, `declared` its type in the database ("" if that is unknown).
    `by_text` columns are sent as text and converted by DuckDB, value by value, so that a wrong value spoils one row
    and no digit is lost.
    """

    name: str
    label: str
    kind: str
    by_text: bool
    type: Any
    declared: str

    @property
    def cursor_type(self) -> CursorType | None:
        """How a window is asked for on this column, unless the profile says otherwise; None: the profile must."""
        if not self.declared:
            return None
        if self.kind == "varchar":
            return "text"
        if self.kind in ("timestamp", "timestamp with time zone"):
            return "timestamp"
        return "date" if self.kind == "date" else None


def sqlite_columns(connection: sa.Connection, table: str | None, query: str | None) -> list[SourceColumn]:
    """In SQLite every value has a type of its own: only the declaration can be relied on, and all travels as text."""
    if query is not None:
        connection.exec_driver_sql("drop view if exists temp.opsmart_query")
        connection.exec_driver_sql(f"create temp view opsmart_query as {query}\n")
        table = "opsmart_query"
    found = connection.execute(sa.text("select name, type from pragma_table_xinfo(:t)"), {"t": table}).fetchall()
    rows = [(str(name), str(declared or "")) for name, declared in found]
    if query is not None:
        connection.exec_driver_sql("drop view temp.opsmart_query")
    labels = unique_names(name for name, _ in rows)
    return [
        SourceColumn(name, label, _sqlite_kind(declared), True, sa.Text(), declared or "no type")
        for (name, declared), label in zip(rows, labels, strict=True)
    ]


def _sqlite_kind(declared: str) -> str:
    wanted = declared.lower()
    if "int" in wanted and "point" not in wanted:
        return "bigint"
    if "bool" in wanted:
        return "boolean"
    if any(word in wanted for word in ("real", "floa", "doub")):
        return "double"
    if "numeric" in wanted or "decimal" in wanted:
        scale = re.search(r"\(\s*\d+\s*,\s*(\d+)\s*\)", wanted)
        # SQLite does not hold anybody to the declared scale, and keeps numbers without one as doubles
        return f"decimal(38,{min(max(int(scale[1]), 9), 18)})" if scale else "double"
    return "json" if wanted == "json" else "varchar"


def reflected_columns(columns: Sequence[Any]) -> list[SourceColumn]:
    """From what SQLAlchemy's inspector says about a table."""
    labels = unique_names(column["name"] for column in columns)
    return [_reflected(column, label) for column, label in zip(columns, labels, strict=True)]


def _reflected(column: Any, label: str) -> SourceColumn:
    declared = column["type"]
    kind, by_text = _kind_of(declared)
    sent = sa.Text() if by_text else declared
    return SourceColumn(column["name"], label, kind, by_text, sent, str(declared.__visit_name__).lower() or "other")


def _kind_of(declared: Any) -> tuple[str, bool]:
    if isinstance(declared, sa.Boolean):
        return "boolean", False
    if isinstance(declared, sa.DateTime):
        has_zone = declared.timezone or declared.__visit_name__ == "DATETIMEOFFSET"
        return ("timestamp with time zone" if has_zone else "timestamp"), False
    if isinstance(declared, sa.Date):
        return "date", False
    if isinstance(declared, (sa.Float, sa.Double)) or (isinstance(declared, sa.Numeric) and not declared.asdecimal):
        return "double", False
    if isinstance(declared, sa.Numeric):
        if declared.precision and declared.precision <= 38 and declared.scale is not None:
            return f"decimal({declared.precision},{declared.scale})", False
        return _OPEN_DECIMAL, True
    if isinstance(declared, sa.Integer):
        return ("decimal(38,0)", True) if getattr(declared, "unsigned", False) else ("bigint", False)
    if isinstance(declared, sa.JSON):
        return "json", True
    if isinstance(declared, sa.String):
        return "varchar", False
    return "varchar", True


def query_columns(connection: sa.Connection, query: str) -> list[SourceColumn]:
    """A query's columns by name. Every driver reports their types in its own way, so they are all sent as text."""
    result = connection.execute(sa.select(sa.text("*")).select_from(subquery(query)).where(sa.false()))
    names = list(result.keys())
    result.close()
    labels = unique_names(names)
    return [
        SourceColumn(name, label, "varchar", True, sa.Text(), "") for name, label in zip(names, labels, strict=True)
    ]


def subquery(query: str) -> Any:
    # a colon would begin a parameter
    return sa.text(query.replace("\\", "\\\\").replace(":", "\\:") + "\n").columns().subquery("source_query")


def sent(column: SourceColumn, is_sqlite: bool) -> Any:
    """The expression that the database is asked for."""
    raw: Any = sa.column(column.name, column.type)
    if not column.by_text:
        return raw.label(column.label)
    if not is_sqlite:
        return sa.cast(sa.column(column.name), sa.Text).label(column.label)
    name = identifier(column.name)
    # a double needs 17 digits to survive as text; a decimal shall not get the noise of the last two
    real = f"printf('%!.17g', {name})" if column.kind == "double" else f"cast({name} as text)"
    return sa.literal_column(
        f"case typeof({name}) when 'blob' then hex({name}) when 'real' then {real} else cast({name} as text) end",
        sa.Text(),
    ).label(column.label)


def received(column: SourceColumn) -> str:
    """The DuckDB expression that makes the column's value out of what was sent."""
    name = identifier(column.label)
    if column.kind == "varchar":
        return name
    if not column.by_text:
        value = f"cast({name} as {column.kind})"
        if column.kind in _CALENDAR:  # PostgreSQL has infinity, years before Christ and after 9999
            return f"case when {name} >= date '0001-01-01' and {name} < date '10000-01-01' then {value} end"
        return value
    if column.kind == "bigint":
        return f"case when regexp_full_match({name}, '[+-]?[0-9]+') then try_cast({name} as bigint) end"
    wide = f"try_cast({name} as {column.kind})"
    if scale := re.fullmatch(r"decimal\(38,(\d+)\)", column.kind):
        # fifty times as fast for all numbers that fit into 64 bits
        return f"coalesce(try_cast({name} as decimal(18,{scale[1]})), {wide})"
    return wide


def malformed(columns: Sequence[SourceColumn]) -> str:
    """The DuckDB expression that names the columns whose value is not of the declared type, or NULL."""
    parts = [
        f"case when {identifier(c.label)} is not null and {received(c)} is null "
        f"then 'column {c.name.replace(chr(39), '')} holds no {c.kind}' end"
        for c in columns
        if (c.by_text and c.kind != "varchar") or c.kind in _CALENDAR
    ]
    return f"nullif(concat_ws('; ', {', '.join(parts)}), '')" if parts else "null::varchar"


def condition(column: SourceColumn, cursor_type: CursorType, window: Window, zone: str, is_sqlite: bool) -> Any:
    """Rows of the window, and those whose cursor says nothing: no window holds them, and they must not vanish."""
    raw: Any = sa.column(column.name)
    unreadable = raw.is_(None)
    is_text = cursor_type not in ("epoch", "epoch_ms") and (
        cursor_type == "text" or (column.kind == "varchar" and bool(column.declared)) or is_sqlite
    )
    if is_text:
        unreadable = sa.or_(unreadable, sa.not_(sa.cast(raw, sa.Text()).like("____-__-__%")))
    elif _is_text_number(column) and not is_sqlite:
        unreadable = sa.or_(unreadable, sa.not_(raw.regexp_match(_NUMBER)))
    return sa.or_(_in_window(column, cursor_type, window, zone, is_sqlite), unreadable)


def _in_window(column: SourceColumn, cursor_type: CursorType, window: Window, zone: str, is_sqlite: bool) -> Any:
    """Rows of the half-open window, with bound values in the database's own type.

    Where those cannot be compared exactly (texts, local times, dates), the condition takes in more than the window,
    never less; what is too much is left to whoever knows the exact instant of a row.
    """
    if cursor_type in ("epoch", "epoch_ms"):
        factor = 1000 if cursor_type == "epoch_ms" else 1
        raw: Any = sa.column(column.name)
        if _is_text_number(column):
            number = sa.cast(raw, sa.Numeric)
            # a text that is no number fails the whole statement, except in SQLite
            raw = number if is_sqlite else sa.case((raw.regexp_match(_NUMBER), number))
        seconds = (int(window.start.timestamp()) * factor, int(window.end.timestamp()) * factor)
        return sa.and_(raw >= sa.literal(seconds[0], sa.BigInteger()), raw < sa.literal(seconds[1], sa.BigInteger()))
    if cursor_type == "text" or (column.kind == "varchar" and column.declared) or is_sqlite:
        lower, upper = _wide_days(window)
        raw = sa.column(column.name)
        return sa.and_(raw >= sa.literal(lower.isoformat(), sa.Text()), raw < sa.literal(upper.isoformat(), sa.Text()))
    if cursor_type == "date":
        lower, upper = _wide_days(window)
        raw = sa.column(column.name)
        return sa.and_(raw >= sa.literal(lower, sa.Date()), raw < sa.literal(upper, sa.Date()))
    return _between_instants(column, window, zone)


def _is_text_number(column: SourceColumn) -> bool:
    return column.kind == "varchar" and column.declared not in ("", "no type")


def _between_instants(column: SourceColumn, window: Window, zone: str) -> Any:
    raw: Any = sa.column(column.name)
    if column.kind == "timestamp with time zone":
        bound_type: Any = sa.DateTime(timezone=True)
        return sa.and_(raw >= sa.literal(window.start, bound_type), raw < sa.literal(window.end, bound_type))
    bound_type = sa.DateTime()
    if not column.declared:  # it may bear a zone or none
        day = timedelta(days=1)
        lower, upper = _local(window.start, "UTC") - day, _local(window.end, "UTC") + day
        return sa.and_(raw >= sa.literal(lower, bound_type), raw < sa.literal(upper, bound_type))
    slack = timedelta(0) if zone == "UTC" else _LOCAL_SLACK  # a local hour may come twice
    lower, upper = _local(window.start, zone) - slack, _local(window.end, zone) + slack
    return sa.and_(raw >= sa.literal(lower, bound_type), raw < sa.literal(upper, bound_type))


def _local(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _wide_days(window: Window) -> tuple[date, date]:
    """Whole days around the window, as far as any offset of a local time can reach; the second is excluded."""
    day = timedelta(days=1)
    return window.start.astimezone(UTC).date() - day, window.end.astimezone(UTC).date() + 2 * day
