"""PostgreSQL: one read-only snapshot for everything that is read together, streamed as Arrow by its COPY protocol.

SQLAlchemy plans the statements (`sql`); ADBC runs them, at a seventh of the CPU that rows as Python objects cost. What
is asked of other databases does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_manager import Error as DriverError
from adbc_driver_manager import OperationalError, ProgrammingError
from sqlalchemy.dialects import postgresql

from sources.connectors.sql_columns import SourceColumn, reflected_columns, subquery

BATCH_BYTES = 8 * 1024 * 1024  # of rows that are held at once, as the wire has them
_BY_OID: dict[int, Any] = {
    16: sa.Boolean(), 20: sa.BigInteger(), 21: sa.SmallInteger(), 23: sa.Integer(), 25: sa.Text(), 114: sa.JSON(),
    700: sa.Float(), 701: sa.Double(), 1043: sa.String(), 1082: sa.Date(), 1114: sa.DateTime(),
    1184: sa.DateTime(timezone=True), 1700: sa.Numeric(), 3802: sa.JSON(),
}  # fmt: skip

__all__ = [
    "DriverError",
    "OperationalError",
    "ProgrammingError",
    "batches",
    "beyond_calendar",
    "query_columns",
    "snapshot",
    "table_columns",
]


def query_columns(connection: sa.Connection, query: str) -> list[SourceColumn]:
    """A query's columns with the types that the server says; what is of no common type travels as text."""
    result = connection.execute(sa.select(sa.text("*")).select_from(subquery(query)).where(sa.false()))
    described = result.cursor.description if result.cursor is not None else ()
    columns = [
        {"name": str(column[0]), "type": _BY_OID.get(int(str(column[1])), sa.types.NullType())} for column in described
    ]
    result.close()
    return table_columns(columns)


def table_columns(columns: Sequence[Any]) -> list[SourceColumn]:
    """A table's columns. Numbers with a fixed point travel as text, as they do anyway: they may be NaN or infinite."""
    return [
        replace(column, by_text=True, type=sa.Text()) if column.kind.startswith("decimal") else column
        for column in reflected_columns(columns)
    ]


def beyond_calendar(column: SourceColumn) -> Any:
    """The condition that finds cursors which no window holds (infinity, years before 1 or after 9999), or false."""
    bounds: dict[str, tuple[Any, Any, Any]] = {
        "timestamp": (sa.DateTime(), datetime(1, 1, 1), datetime(9999, 12, 31)),
        "timestamp with time zone": (
            sa.DateTime(timezone=True),
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, tzinfo=UTC),
        ),
        "date": (sa.Date(), date(1, 1, 1), date(9999, 12, 31)),
    }
    if column.kind not in bounds:
        return sa.false()
    kind, first, last = bounds[column.kind]
    raw: Any = sa.column(column.name)
    return sa.or_(raw < sa.literal(first, kind), raw > sa.literal(last, kind))


@contextmanager
def snapshot(url: sa.URL, statement_timeout: int | None, connect_timeout: int) -> Iterator[Any]:
    """A cursor whose statements all see the database as it was at one moment, and cannot write.

    `statement_timeout` is in seconds (None: the server's own setting).
    """
    from adbc_driver_postgresql import StatementOptions, dbapi

    plain = url.set(drivername="postgresql")
    if "connect_timeout" not in plain.query:
        plain = plain.update_query_dict({"connect_timeout": str(connect_timeout)})
    # SQLAlchemy leaves spaces of a password as they are, which libpq refuses
    address = plain.render_as_string(hide_password=False).replace(" ", "%20")
    # without autocommit the driver would begin a transaction itself, of the weaker kind
    with (
        dbapi.connect(address, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("begin isolation level repeatable read read only")
        if statement_timeout is not None:
            cursor.execute(f"set local statement_timeout = '{statement_timeout}s'")
        cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)})
        yield cursor


def batches(cursor: Any, statement: Any) -> Iterator[pa.Table]:
    """Run a statement and give its rows in Arrow tables of about BATCH_BYTES."""
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]  # the others double each %
    cursor.execute(str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})))
    for batch in cursor.fetch_record_batch():
        yield pa.Table.from_batches([batch])
