"""Databases as a source: a table or query of anything that SQLAlchemy can reach, windows asked for on a cursor column.

dlt (for PostgreSQL: ADBC) streams Arrow tables, DuckDB takes them in chunk by chunk. Types and conditions are
`sql_columns`, errors `sql_errors`, control totals `sql_counts`, what only PostgreSQL has `sql_postgres`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import sqlalchemy as sa

from sources.connectors import sql_postgres
from sources.connectors.base import (
    Pull,
    SourceError,
    Window,
    silence_dlt,
    source_error,
    with_retries,
)
from sources.connectors.sql_columns import (
    SourceColumn,
    condition,
    malformed,
    query_columns,
    received,
    reflected_columns,
    sent,
    sqlite_columns,
    subquery,
)
from sources.connectors.sql_counts import DayTotals, read_totals, summable, totals_select
from sources.connectors.sql_errors import Complaint, describe, explain, is_transient, origin_of
from sources.connectors.sql_options import Options
from sources.sql_text import identifier

_CHUNK = "_opsmart_chunk"
_CONNECT_TIMEOUT = 10  # seconds
_TIMEOUTS = {
    "postgresql": {"connect_timeout": _CONNECT_TIMEOUT},
    "mysql": {"connect_timeout": _CONNECT_TIMEOUT},
    "mariadb": {"connect_timeout": _CONNECT_TIMEOUT},
}


@dataclass(frozen=True)
class _Plan:
    """What is asked of the database: from where, which columns, and the condition of the window if there is one."""

    columns: Sequence[SourceColumn]
    origin: Any
    condition: Any
    is_sqlite: bool
    limit: int | None = None

    def select(self) -> Any:
        statement = sa.select(*[sent(column, self.is_sqlite) for column in self.columns]).select_from(self.origin)
        statement = statement if self.limit is None else statement.limit(self.limit)
        return statement if self.condition is None else statement.where(self.condition)


def check(options: Options) -> str | None:
    """Say in one line what is missing before anything runs, or None."""
    try:
        with _engine(options) as engine:
            # a window, although no row is fetched: so that a cursor of another type than said is found out now
            plan = _plan(engine, options, Window(date(2000, 1, 1), date(2000, 1, 1), "UTC"), "UTC")
            with engine.connect() as connection:
                connection.execute(plan.select().limit(0)).close()
    except SourceError as error:
        return str(error)
    except Exception as error:
        return "; ".join(explain(options, error))
    return None


def listing(options: Options, window: Window | None) -> list[dict[str, Any]]:
    """A database has no files."""
    return []


def resource(options: Options, window: Window | None, source_zone: str) -> Any:
    """The dlt resource: Arrow tables with the rows of the window. Columns that travel as text are texts in it."""
    silence_dlt()
    import dlt

    def rows() -> Iterator[Any]:
        with _engine(options) as engine:
            plan = _plan(engine, options, window, source_zone)
            with _snapshot(engine, [options]) as cursor:
                yield from _tables(engine, options, plan, cursor)

    return dlt.resource(rows, name=options.table or "query")


def load(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, window: Window | None, source_zone: str
) -> list[dict[str, Any]]:
    """Create the temporary table `table` with the rows of the window, or a few more. Returns no listing."""
    load_together(con, [Pull(table, options, window, source_zone)])
    return []


def load_together(con: duckdb.DuckDBPyConnection, pulls: Sequence[Pull]) -> None:
    """Create the temporary table of each pull. What lies in one PostgreSQL database is read in one snapshot, so that
    rows of several tables match; other databases are read table by table.
    """
    for url in dict.fromkeys(pull.options.url for pull in pulls):
        _load_database(con, [pull for pull in pulls if pull.options.url == url])


def sample(con: duckdb.DuckDBPyConnection, table: str, options: Options, source_zone: str, rows: int) -> None:
    """Create the temporary table `table` with a handful of rows, of any days."""
    _load_database(con, [Pull(table, options, None, source_zone)], rows)


def _load_database(con: duckdb.DuckDBPyConnection, pulls: Sequence[Pull], limit: int | None = None) -> None:
    reading = pulls[0]  # whose turn it is: an error names it

    def attempt() -> None:
        nonlocal reading
        with _engine(pulls[0].options) as engine:
            plans = []
            for reading in pulls:
                plan = _plan(engine, reading.options, reading.window, reading.zone)
                plans.append(replace(plan, limit=limit))
                _create(con, reading.table, plans[-1].columns)
            with _snapshot(engine, [pull.options for pull in pulls]) as cursor:
                for reading, plan in zip(pulls, plans, strict=True):
                    for chunk in _tables(engine, reading.options, plan, cursor):
                        _insert(con, reading.table, plan.columns, chunk)

    try:
        with_retries(attempt, is_transient)
    except SourceError:
        raise
    except Exception as error:
        happened, advice = explain(reading.options, error)
        raise source_error(describe(reading.options), reading.window, happened, advice) from None


def totals(options: Options, window: Window, source_zone: str, columns: Sequence[str]) -> dict[date, DayTotals]:
    """Rows per day of the window by the source's own cursor, and the sums of those columns that hold numbers.

    Raises SourceError; also where the source has no cursor.
    """

    def attempt() -> dict[date, DayTotals]:
        with _engine(options) as engine:
            plan = _plan(engine, options, window, source_zone)
            cursor = next((column for column in plan.columns if column.name == options.cursor), None)
            if cursor is None:
                raise Complaint("no rows can be counted per day without a cursor", "name the column in `cursor`")
            cursor_type = options.cursor_type or cursor.cursor_type or "text"
            sums = summable(plan.columns, columns)
            statement = totals_select(plan.origin, cursor, cursor_type, sums, window, source_zone, plan.is_sqlite)
            with engine.connect() as connection:
                return read_totals(connection.execute(statement).fetchall(), sums, window)

    try:
        return with_retries(attempt, is_transient)
    except SourceError:
        raise
    except Exception as error:
        happened, advice = explain(options, error)
        raise source_error(describe(options), window, happened, advice) from None


@contextmanager
def _snapshot(engine: sa.Engine, options: Sequence[Options]) -> Iterator[Any]:
    """PostgreSQL's cursor for all that is read together; None for other databases."""
    timeouts = [one.statement_timeout for one in options if one.statement_timeout is not None]
    if engine.dialect.name != "postgresql":
        if timeouts:
            raise Complaint(f"statement_timeout = {timeouts[0]}: only PostgreSQL has it here", "leave it out")
        yield None
        return
    with sql_postgres.snapshot(engine.url, max(timeouts, default=None), _CONNECT_TIMEOUT) as cursor:
        yield cursor


def _tables(engine: sa.Engine, options: Options, plan: _Plan, cursor: Any) -> Iterator[Any]:
    if cursor is not None:
        yield from sql_postgres.batches(cursor, plan.select())
        return
    silence_dlt()
    from dlt.sources.sql_database import sql_table

    name = options.table or "query"
    metadata = sa.MetaData()
    # dlt takes the columns from here instead of looking at the database once more
    sa.Table(name, metadata, *[sa.Column(column.label, column.type) for column in plan.columns])
    yield from sql_table(
        engine,
        table=name,
        metadata=metadata,
        backend="pyarrow",
        chunk_size=options.chunk_size,
        reflection_level="full_with_precision",
        query_adapter_callback=lambda _, __: plan.select(),
    )


def _plan(engine: sa.Engine, options: Options, window: Window | None, zone: str) -> _Plan:
    with engine.connect() as connection:
        columns = _columns(connection, options)
        is_sqlite = _is_sqlite(connection)
    cursor = None
    if options.cursor is not None:
        cursor = next((column for column in columns if column.name == options.cursor), None)
        if cursor is None:
            allowed = ", ".join(column.name for column in columns)
            raise Complaint(
                f"cursor = {options.cursor!r}: no such column in {origin_of(options)}", f"allowed: {allowed}"
            )
        if options.cursor_type is None and cursor.cursor_type is None:
            raise Complaint(
                f"cursor_type: missing; it does not follow from {options.cursor} ({cursor.declared or 'unknown type'})",
                "allowed: timestamp, date, text, epoch, epoch_ms",
            )
    origin = (
        subquery(options.query) if options.query is not None else sa.table(options.table or "", schema=options.schema_)
    )
    if cursor is None or window is None:
        return _Plan(columns, origin, None, is_sqlite)
    cursor_type = options.cursor_type or cursor.cursor_type or "text"
    where = condition(cursor, cursor_type, window, zone, is_sqlite)
    if engine.dialect.name == "postgresql":
        where = sa.or_(where, sql_postgres.beyond_calendar(cursor))
    return _Plan(columns, origin, where, is_sqlite)


def _columns(connection: sa.Connection, options: Options) -> list[SourceColumn]:
    if options.query is not None:
        if _is_sqlite(connection):
            return sqlite_columns(connection, None, options.query)
        if connection.dialect.name == "postgresql":
            return sql_postgres.query_columns(connection, options.query)
        return query_columns(connection, options.query)
    inspector = sa.inspect(connection)
    try:
        reflected = inspector.get_columns(options.table or "", schema=options.schema_)
    except sa.exc.NoSuchTableError:
        reflected = []
    if not reflected:
        tables = sorted([*inspector.get_table_names(options.schema_), *inspector.get_view_names(options.schema_)])
        known = ", ".join(tables[:30]) + (", …" if len(tables) > 30 else "")
        raise Complaint(f"table = {options.table!r}: no such table", f"allowed: {known or 'there is none'}")
    if _is_sqlite(connection):
        return sqlite_columns(connection, options.table, None)
    if connection.dialect.name == "postgresql":
        return sql_postgres.table_columns(reflected)
    return reflected_columns(reflected)


def _is_sqlite(connection: sa.Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _create(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[SourceColumn]) -> None:
    kinds = ", ".join(f"{identifier(column.label)} {column.kind}" for column in columns)
    con.execute(f"create or replace temp table {identifier(table)} ({kinds}, _malformed varchar)")


def _insert(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[SourceColumn], chunk: Any) -> None:
    if not hasattr(chunk, "num_rows"):  # dlt may begin with an empty list that carries its own hints
        return
    con.register(_CHUNK, chunk)
    try:
        values = ", ".join(received(column) for column in columns)
        con.execute(f"insert into {identifier(table)} select {values}, {malformed(columns)} from {_CHUNK}")
    finally:
        con.unregister(_CHUNK)


@contextmanager
def _engine(options: Options) -> Iterator[sa.Engine]:
    try:
        url = sa.make_url(options.url)
    except (sa.exc.ArgumentError, ValueError):
        raise Complaint(
            "url: not a database URL", "write dialect://user:password@host/database, or sqlite:////a/file.db"
        ) from None
    if url.get_backend_name() == "sqlite":
        engine = _sqlite_engine(url)
    else:
        engine = sa.create_engine(
            url, poolclass=sa.NullPool, connect_args=_TIMEOUTS.get(url.get_backend_name(), {}), hide_parameters=True
        )
    try:
        yield engine
    finally:
        engine.dispose()


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    """Read-only: connecting to a file that is not there must not create it."""
    path = url.database or ""
    if path in ("", ":memory:"):
        raise Complaint("url: names no SQLite file", "write sqlite:////path/of/the/file.db")
    if not Path(path).is_file():
        raise Complaint(f"there is no SQLite file {path}", "set the right path in `url`")

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(Path(path).absolute()))}?mode=ro", uri=True, check_same_thread=False, timeout=30
        )
        connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)
