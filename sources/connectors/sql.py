"""Databases as a source: a table or query of anything that SQLAlchemy can reach, windows asked for on a cursor column.

dlt (for PostgreSQL: ADBC) streams Arrow tables, DuckDB takes them in chunk by chunk. Types and conditions are
`sql_columns`, what only PostgreSQL has is `sql_postgres`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import duckdb
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from sources.connectors import sql_postgres
from sources.connectors.base import (
    Pull,
    SourceError,
    Window,
    one_line,
    root_cause,
    silence_dlt,
    source_error,
    with_retries,
)
from sources.connectors.sql_columns import (
    CursorType,
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
from sources.sql_text import identifier

_CHUNK = "_opsmart_chunk"
_CONNECT_TIMEOUT = 10  # seconds
_TIMEOUTS = {
    "postgresql": {"connect_timeout": _CONNECT_TIMEOUT},
    "mysql": {"connect_timeout": _CONNECT_TIMEOUT},
    "mariadb": {"connect_timeout": _CONNECT_TIMEOUT},
}
_LASTING = re.compile(
    r"password|authenti|access denied|permission|no such|not exist|unknown|unable to open|syntax|not a database|readonly"
    r"|statement timeout|pg_hba|SSL was required|certificate",
    re.IGNORECASE,
)
# what drivers put around the server's words: where they stood in their own code, and the statement
_NOISE = re.compile(
    r"^[A-Z_]+: |\[libpq\] [^:]*: |Execution error \[\w+\]: |\s+(LINE \d+:|Query was:|CONTEXT:).*", re.DOTALL
)
_ADVICE = (
    (r"password|authenti|access denied|unknown database|(role|database) \S+ does not exist",
     "set the right user, password and database in `url`"),
    (r"permission denied", "let this user read it"),
    (r"statement timeout", "index the column of `cursor`, or raise `statement_timeout`"),
    (r"SSL was required|certificate", "set `sslmode`, `sslrootcert`, `sslcert` and `sslkey` in `url` as the server needs them"),
    (r"pg_hba", "let the server accept this user from here, or set another user or `sslmode` in `url`"),
    (r"no such|syntax|not exist|ambiguous", "correct `table`, `query` or `cursor`"),
    (r"not a database", "name a SQLite file in `url`"),
)  # fmt: skip


class Options(BaseModel):
    """What `[sources.<name>]` may say beside `connector = "sql"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    url: str = Field(min_length=1, repr=False)
    table: str | None = None
    schema_: str | None = Field(default=None, alias="schema")
    query: str | None = Field(default=None, validate_default=True)
    cursor: str | None = None
    cursor_type: CursorType | None = None
    chunk_size: int = Field(default=50_000, ge=1, le=1_000_000)
    statement_timeout: int | None = Field(default=None, ge=1)  # seconds; of PostgreSQL

    # said by field, not for the model as a whole: pydantic's errors show their input, and that has the password
    @field_validator("query")
    @classmethod
    def _table_or_query(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "table" not in info.data or "schema_" not in info.data:
            return value
        if (value is None) == (info.data["table"] is None):
            raise ValueError("either `table` or `query` has to be given, and not both")
        if value is not None and info.data["schema_"] is not None:
            raise ValueError("`schema` goes with `table` only; write it into the query")
        return value.strip().rstrip(";") if value else value

    @field_validator("cursor_type")
    @classmethod
    def _type_of_a_cursor(cls, value: CursorType | None, info: ValidationInfo) -> CursorType | None:
        if value is not None and info.data.get("cursor") is None:
            raise ValueError("says the type of `cursor`, which is missing")
        return value


@dataclass(frozen=True)
class _Plan:
    """What is asked of the database: from where, which columns, and the condition of the window if there is one."""

    columns: Sequence[SourceColumn]
    origin: Any
    condition: Any
    is_sqlite: bool

    def select(self) -> Any:
        statement = sa.select(*[sent(column, self.is_sqlite) for column in self.columns]).select_from(self.origin)
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
        return "; ".join(_explain(options, error))
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


def _load_database(con: duckdb.DuckDBPyConnection, pulls: Sequence[Pull]) -> None:
    reading = pulls[0]  # whose turn it is: an error names it

    def attempt() -> None:
        nonlocal reading
        with _engine(pulls[0].options) as engine:
            plans = []
            for reading in pulls:
                plans.append(_plan(engine, reading.options, reading.window, reading.zone))
                _create(con, reading.table, plans[-1].columns)
            with _snapshot(engine, [pull.options for pull in pulls]) as cursor:
                for reading, plan in zip(pulls, plans, strict=True):
                    for chunk in _tables(engine, reading.options, plan, cursor):
                        _insert(con, reading.table, plan.columns, chunk)

    try:
        with_retries(attempt, _is_transient)
    except SourceError:
        raise
    except Exception as error:
        happened, advice = _explain(reading.options, error)
        raise source_error(_describe(reading.options), reading.window, happened, advice) from None


@contextmanager
def _snapshot(engine: sa.Engine, options: Sequence[Options]) -> Iterator[Any]:
    """PostgreSQL's cursor for all that is read together; None for other databases."""
    timeouts = [one.statement_timeout for one in options if one.statement_timeout is not None]
    if engine.dialect.name != "postgresql":
        if timeouts:
            raise _Complaint(f"statement_timeout = {timeouts[0]}: only PostgreSQL has it here", "leave it out")
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
            raise _Complaint(
                f"cursor = {options.cursor!r}: no such column in {_origin(options)}", f"allowed: {allowed}"
            )
        if options.cursor_type is None and cursor.cursor_type is None:
            raise _Complaint(
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
        raise _Complaint(f"table = {options.table!r}: no such table", f"allowed: {known or 'there is none'}")
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


class _Complaint(Exception):
    """Something in the options does not fit the database."""

    def __init__(self, happened: str, advice: str) -> None:
        super().__init__(happened)
        self.advice = advice


@contextmanager
def _engine(options: Options) -> Iterator[sa.Engine]:
    try:
        url = sa.make_url(options.url)
    except (sa.exc.ArgumentError, ValueError):
        raise _Complaint(
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
        raise _Complaint("url: names no SQLite file", "write sqlite:////path/of/the/file.db")
    if not Path(path).is_file():
        raise _Complaint(f"there is no SQLite file {path}", "set the right path in `url`")

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(Path(path).absolute()))}?mode=ro", uri=True, check_same_thread=False, timeout=30
        )
        connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)


def _is_transient(error: Exception) -> bool:
    cause = root_cause(error)
    original = getattr(cause, "orig", cause)
    is_driver_error = isinstance(
        cause,
        (sa.exc.OperationalError, sa.exc.InterfaceError, sqlite3.OperationalError, sql_postgres.OperationalError),
    )
    return (is_driver_error or isinstance(original, OSError)) and not _LASTING.search(str(original))


def _explain(options: Options, error: Exception) -> tuple[str, str]:
    """What happened and what to do, without anything secret."""
    chain: list[BaseException] = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    for cause in chain:
        if isinstance(cause, _Complaint):
            return _masked(options, str(cause)), cause.advice
        if isinstance(cause, sa.exc.NoSuchModuleError):
            return (
                _masked(options, f"url: SQLAlchemy knows no such database: {cause}"),
                "write for example postgresql+psycopg://, mysql+pymysql:// or sqlite:///",
            )
        if isinstance(cause, ModuleNotFoundError):
            return f"the driver {cause.name} is not installed", "install it, or name another driver in `url`"
        # the stream of a statement that runs already gives OSErrors
        if isinstance(cause, (sa.exc.DBAPIError, sql_postgres.DriverError, OSError)):
            text = _NOISE.sub("", str(getattr(cause, "orig", None) or cause))
            return _masked(options, text), next(
                (advice for pattern, advice in _ADVICE if re.search(pattern, text, re.IGNORECASE)),
                "correct `table`, `query` or `cursor`"
                if isinstance(cause, (sa.exc.ProgrammingError, sql_postgres.ProgrammingError))
                else "see that the database is up and can be reached, then run again",
            )
    return _masked(
        options, f"{type(chain[-1]).__name__}: {chain[-1]}"
    ), "see that the database is whole, then run again"


def _describe(options: Options) -> str:
    try:
        url = sa.make_url(options.url)
        return f"{_origin(options)} of {_masked(options, url.set(query={}).render_as_string(hide_password=True))}"
    except (sa.exc.ArgumentError, ValueError):
        return _origin(options)


def _origin(options: Options) -> str:
    if options.query is not None:
        return "the query"
    return f"table {options.schema_}.{options.table}" if options.schema_ else f"table {options.table}"


def _masked(options: Options, text: str) -> str:
    """The text without the URL's password and without secrets among its parameters."""
    secrets: list[str] = []
    try:
        url = sa.make_url(options.url)
        secrets.append(str(url.password or ""))
        for name, value in url.query.items():
            if re.search(r"pass|pwd|secret|token|key", name, re.IGNORECASE):
                secrets.extend([value] if isinstance(value, str) else value)
    except (sa.exc.ArgumentError, ValueError):
        text = text.replace(options.url, "***")
    for secret in filter(None, secrets):
        for form in {secret, quote(secret), quote_plus(secret)}:
            text = text.replace(form, "***")
    return one_line(text)
