"""The sql connector: windows by every kind of cursor, what values become, what a database answers instead of rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects import mysql, postgresql

from sources.connectors import CONNECTORS, SourceError, Window, base, sql
from sources.connectors.sql_columns import condition, malformed, received, reflected_columns, sent

BERLIN = Window(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")  # a day of 23 hours
STEP = timedelta(microseconds=1)
INSTANTS = {
    "long before": BERLIN.start - timedelta(days=9),
    "just before": BERLIN.start - STEP,
    "at the start": BERLIN.start,
    "inside": BERLIN.start + timedelta(hours=3),
    "just inside": BERLIN.end - STEP,
    "at the end": BERLIN.end,
    "long after": BERLIN.end + timedelta(days=9),
}
WANTED = {"at the start", "inside", "just inside"}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


def fill(path: Path, script: str, rows: list[tuple[Any, ...]] | None = None, insert: str = "") -> Path:
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
        connection.executemany(insert, rows or []) if insert else None
    connection.close()
    return path


def options(path: Path | str, **more: Any) -> sql.Options:
    url = path if isinstance(path, str) else f"sqlite:///{path}"
    return sql.Options(url=url, **more)


def load(
    con: duckdb.DuckDBPyConnection, chosen: sql.Options, window: Window | None = None, zone: str = "UTC"
) -> list[dict[str, Any]]:
    assert sql.load(con, "t", chosen, window, zone) == []
    return con.sql("select * from t order by rowid").to_arrow_table().to_pylist()


def types(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute("describe t").fetchall()}


def texts(write: Callable[[datetime], str]) -> list[tuple[str, str]]:
    return [(name, write(instant)) for name, instant in INSTANTS.items()]


def local_text(zone: str) -> Callable[[datetime], str]:
    return lambda instant: instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S.%f")


class TestWindows:
    @pytest.mark.parametrize(
        ("write", "zone", "exact"),
        [
            (lambda i: i.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "UTC", "c::timestamptz"),
            (lambda i: i.astimezone(ZoneInfo("Pacific/Kiritimati")).isoformat(), "UTC", "c::timestamptz"),
            (lambda i: i.astimezone(ZoneInfo("Pacific/Pago_Pago")).isoformat(sep=" "), "UTC", "c::timestamptz"),
            (local_text("UTC"), "UTC", "timezone('UTC', c::timestamp)"),
            (local_text("America/New_York"), "America/New_York", "timezone('America/New_York', c::timestamp)"),
        ],
        ids=["ISO with Z", "far east offset", "far west offset", "local in UTC", "local in New York"],
    )
    @pytest.mark.parametrize(("declared", "kind"), [("text", "table"), ("timestamp", "table"), ("datetime", "query")])
    def test_text_is_asked_for_by_whole_days(
        self, con: duckdb.DuckDBPyConnection, shop: Path, write: Any, zone: str, exact: str, declared: str, kind: str
    ) -> None:
        """The database gives a little more than the window, never less; the exact cut takes start and leaves end."""
        fill(shop, f"create table o (name text, c {declared})", texts(write), "insert into o values (?, ?)")
        origin = {"table": "o"} if kind == "table" else {"query": "select name, c from o where 1 = 1;"}
        rows = load(con, options(shop, **origin, cursor="c"), BERLIN, zone)
        names = {row["name"] for row in rows}
        assert names >= WANTED
        assert not names & {"long before", "long after"}
        cut = con.execute(f"select name from t where {exact} >= ? and {exact} < ?", [BERLIN.start, BERLIN.end])
        assert {name for (name,) in cut.fetchall()} == WANTED

    def test_a_day_as_text_lies_in_its_window(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        days = [("before", "2026-03-28"), ("in", "2026-03-29"), ("after", "2026-03-30")]
        fill(shop, "create table o (name text, c date)", days, "insert into o values (?, ?)")
        assert "in" in {row["name"] for row in load(con, options(shop, table="o", cursor="c"), BERLIN)}

    @pytest.mark.parametrize(("cursor_type", "unit"), [("epoch", 1_000_000), ("epoch_ms", 1000)])
    @pytest.mark.parametrize("declared", ["integer", "real", "text"])
    def test_epochs_are_exact(
        self, con: duckdb.DuckDBPyConnection, shop: Path, cursor_type: str, unit: int, declared: str
    ) -> None:
        start, end = (int(i.timestamp() * 1_000_000) // unit for i in (BERLIN.start, BERLIN.end))
        rows = [
            ("before", start - 1),
            ("at the start", start),
            ("inside", end - 1),
            ("at the end", end),
            ("none", None),
        ]
        fill(shop, f"create table o (name text, c {declared})", rows, "insert into o values (?, ?)")
        found = load(con, options(shop, table="o", cursor="c", cursor_type=cursor_type), BERLIN)
        assert [row["name"] for row in found] == ["at the start", "inside", "none"]

    def test_without_a_cursor_or_a_window_everything_comes(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        rows = [*texts(local_text("UTC")), ("none", None)]
        fill(shop, "create table o (name text, c text)", rows, "insert into o values (?, ?)")
        assert len(load(con, options(shop, table="o"), BERLIN)) == len(rows)
        assert len(load(con, options(shop, table="o", cursor="c"))) == len(rows)

    def test_a_window_without_rows_keeps_columns_and_types(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        fill(shop, "create table o (id integer, amount decimal(10,2), c text)")
        assert load(con, options(shop, table="o", cursor="c"), BERLIN) == []
        assert types(con) == {"id": "BIGINT", "amount": "DECIMAL(38,9)", "c": "VARCHAR", "_malformed": "VARCHAR"}


class TestOtherDatabases:
    """Conditions and columns for databases with real types, by what their dialect is asked."""

    @staticmethod
    def where(declared: Any, cursor_type: Any, zone: str, window: Window = BERLIN) -> list[Any]:
        (column,) = reflected_columns([{"name": "c", "type": declared}])
        asked = condition(column, cursor_type or column.cursor_type, window, zone, False)
        compiled = asked.compile(dialect=postgresql.dialect())
        assert ">=" in str(compiled)
        assert "<" in str(compiled).replace(">=", "")
        return list(compiled.params.values())

    def test_instants_are_exact(self) -> None:
        assert self.where(sa.DateTime(timezone=True), None, "America/New_York") == [BERLIN.start, BERLIN.end]
        assert BERLIN.start == datetime(2026, 3, 28, 23, tzinfo=UTC)
        assert BERLIN.end == datetime(2026, 3, 29, 22, tzinfo=UTC)

    def test_local_times_are_exact_in_utc_and_a_little_wider_elsewhere(self) -> None:
        assert self.where(sa.DateTime(), None, "UTC") == [datetime(2026, 3, 28, 23), datetime(2026, 3, 29, 22)]
        lower, upper = self.where(sa.DateTime(), "timestamp", "Europe/Berlin")
        assert datetime(2026, 3, 28, 18) < lower < datetime(2026, 3, 29)
        assert datetime(2026, 3, 30) < upper < datetime(2026, 3, 30, 6)

    def test_an_hour_that_comes_twice_is_inside(self) -> None:
        """02:10 local after the clock was put back is later than the window's start at 02:30 before it."""
        window = Window(date(2026, 10, 25), date(2026, 10, 25), "Asia/Kolkata")
        lower, _ = self.where(sa.DateTime(), None, "Europe/Berlin", window)
        assert lower <= datetime(2026, 10, 24, 20, 30) - timedelta(hours=1)

    def test_dates_are_days_around_the_window(self) -> None:
        lower, upper = self.where(sa.Date(), None, "UTC")
        assert lower <= date(2026, 3, 28)
        assert upper > date(2026, 3, 30)

    def test_text_and_numbers(self) -> None:
        assert self.where(sa.String(), "timestamp", "UTC") == ["2026-03-27", "2026-03-31", "____-__-__%"]
        assert self.where(sa.BigInteger(), "epoch", "UTC") == [1774738800, 1774821600]
        assert self.where(sa.BigInteger(), "epoch_ms", "UTC") == [1774738800000, 1774821600000]

    def test_types(self) -> None:
        declared: list[Any] = [
            sa.Integer(), mysql.BIGINT(unsigned=True), sa.Numeric(12, 2), sa.Numeric(), sa.Double(), sa.Boolean(),
            sa.DateTime(), sa.DateTime(timezone=True), sa.Date(), sa.String(5), sa.Uuid(), sa.Time(), postgresql.JSONB(),
            postgresql.ARRAY(sa.Integer), postgresql.INTERVAL(),
        ]  # fmt: skip
        columns = reflected_columns([{"name": f"c{n}", "type": t} for n, t in enumerate(declared)])
        assert [(column.kind, column.by_text) for column in columns] == [
            ("bigint", False), ("decimal(38,0)", True), ("decimal(12,2)", False), ("decimal(38,12)", True),
            ("double", False), ("boolean", False), ("timestamp", False), ("timestamp with time zone", False),
            ("date", False), ("varchar", False), ("varchar", True), ("varchar", True), ("json", True),
            ("varchar", True), ("varchar", True),
        ]  # fmt: skip
        assert "CAST(c3 AS TEXT)" in str(sa.select(sent(columns[3], is_sqlite=False)))
        assert [column.cursor_type for column in columns[:2]] == [None, None]

    def test_typed_rows_stream_through_dlt(
        self, con: duckdb.DuckDBPyConnection, shop: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The path of databases with real types, driven by SQLAlchemy's own typed reading of SQLite."""
        fill(
            shop,
            """create table o (id integer, amount decimal(20,4), at datetime, day date, ok boolean);
            insert into o values (1, 1234567.8901, '2026-03-29 00:00:00.123456', '2026-03-29', 1), (2, null, null, null, 0);
            insert into o values (3, 2, '2026-04-09 00:00:00.000000', '2026-04-09', 0)""",
        )
        monkeypatch.setattr(sql, "_is_sqlite", lambda connection: False)
        for cursor in ("at", "day"):
            rows = load(con, options(shop, table="o", cursor=cursor, chunk_size=1), BERLIN, "Europe/Berlin")
            assert [row["id"] for row in rows] == [1, 2], "the second has no cursor, and must not vanish"
        rows = load(con, options(shop, table="o", chunk_size=1))
        assert rows[0] == {
            "id": 1, "amount": Decimal("1234567.8901"), "at": datetime(2026, 3, 29, 0, 0, 0, 123456),
            "day": date(2026, 3, 29), "ok": True, "_malformed": None,
        }  # fmt: skip
        assert [row["id"] for row in rows] == [1, 2, 3]
        rows = load(con, options(shop, query="select id, amount from o order by id", chunk_size=2))
        assert [(row["id"], row["amount"]) for row in rows][1:] == [("2", None), ("3", "2")]


class TestValues:
    def test_declared_types_hold_and_digits_stay(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        fill(
            shop,
            """create table o (id integer primary key, big bigint, price numeric(10,2), rate numeric, ratio real, word text,
                at datetime, flag boolean, doc json, odd string, raw blob, "We Ird" text, MIXED int, mixed_1 int);
            insert into o values (1, 9007199254740993, 123456789.1, 1.23456789012, 0.1, 'Ü🚲''', '2026-03-29T00:00:00.123456Z',
                1, '{"a": [1]}', 'abc', x'00ff', 'x', 3, 4)""",
        )
        (row,) = load(con, options(shop, table="o"))
        assert row == {
            "id": 1, "big": 9007199254740993, "price": Decimal("123456789.1"), "rate": 1.23456789012, "ratio": 0.1,
            "word": "Ü🚲'", "at": "2026-03-29T00:00:00.123456Z", "flag": True, "doc": '{"a": [1]}', "odd": "abc",
            "raw": "00FF", "We Ird": "x", "MIXED": 3, "mixed_1": 4, "_malformed": None,
        }  # fmt: skip
        assert types(con)["price"] == "DECIMAL(38,9)"

    def test_values_against_their_declaration_spoil_their_row_alone(
        self, con: duckdb.DuckDBPyConnection, shop: Path
    ) -> None:
        fill(
            shop,
            """create table o (id integer, price decimal(10,2), doc json);
            insert into o values (1, 2.5, '{}'), ('x', 'dear', '{'), (1.5, null, null), (4, 4, null)""",
        )
        rows = load(con, options(shop, table="o"))
        assert [row["id"] for row in rows] == [1, None, None, 4]
        assert [row["_malformed"] for row in rows] == [
            None,
            "column id holds no bigint; column price holds no decimal(38,9); column doc holds no json",
            "column id holds no bigint",
            None,
        ]
        assert "dear" not in str(rows)

    def test_a_query_keeps_what_is_declared_and_gives_text_for_what_it_computes(
        self, con: duckdb.DuckDBPyConnection, shop: Path
    ) -> None:
        fill(shop, "create table o (id integer, at datetime); insert into o values (7, '2026-03-29 00:00:00')")
        query = "select id, at, id * 2 as twice, 'a:b ' || ':x 100%' as odd from o -- that is all"
        (row,) = load(con, options(shop, query=query))
        assert row == {"id": 7, "at": "2026-03-29 00:00:00", "twice": "14", "odd": "a:b :x 100%", "_malformed": None}

    def test_views_and_names_that_need_quotes(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        fill(
            shop,
            """create table "my ""table" ("select" integer, "é;" text, "_malformed" text);
            insert into "my ""table" values (1, 'x', 'own'); create view v as select * from "my ""table" """,
        )
        for table in ('my "table', "v"):
            (row,) = load(con, options(shop, table=table))
            assert row == {"select": 1, "é;": "x", "_malformed_1": "own", "_malformed": None}

    def test_bytes_that_are_no_utf8_do_not_stop_the_pull(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        fill(shop, "create table o (word text); insert into o values (cast(x'61ff' as text))")
        assert load(con, options(shop, table="o"))[0]["word"] == "a\\xff"

    def test_many_chunks_into_a_database_on_disk(self, shop: Path) -> None:
        rows = [(n, None if n < 4000 else f"late {n}") for n in range(10_000)]
        fill(shop, "create table o (id integer, word text)", rows, "insert into o values (?, ?)")
        with duckdb.connect(str(shop.with_suffix(".duckdb"))) as con:
            load(con, options(shop, table="o", chunk_size=1000))
            counted = con.execute("select count(*), sum(id), count(word), count(_malformed) from t").fetchone()
            assert counted == (10_000, 49_995_000, 6000, 0)
            assert con.execute("select table_name from duckdb_tables()").fetchall() == [("t",)]

    def test_the_resource_yields_arrow_tables(self, shop: Path) -> None:
        fill(shop, "create table o (id integer); insert into o values (1), (2), (3)")
        from dlt.sources import DltResource

        resource = sql.resource(options(shop, table="o", chunk_size=2), None, "UTC")
        assert isinstance(resource, DltResource)
        assert [chunk.num_rows for chunk in resource if hasattr(chunk, "num_rows")] == [2, 1]
        assert sql.listing(options(shop, table="o"), None) == []

    def test_text_that_becomes_a_type_in_duckdb(self, con: duckdb.DuckDBPyConnection) -> None:
        columns = reflected_columns([{"name": "n'", "type": sa.Numeric()}, {"name": "s", "type": sa.String()}])
        row = con.execute(
            f"select {received(columns[0])}, {malformed(columns)} from (values ('1e99', 'x'), ('1.5', 'y')) as v(\"n'\", s)"
        ).fetchall()
        assert row == [(None, "column n holds no decimal(38,12)"), (Decimal("1.5"), None)]


class TestWhatIsNotThere:
    def test_a_missing_sqlite_file_is_said_and_not_created(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        chosen = options(shop, table="o")
        assert sql.check(chosen) == f"there is no SQLite file {shop}; set the right path in `url`"
        with pytest.raises(SourceError, match="landing day 2026-03-29: there is no SQLite file"):
            load(con, chosen, BERLIN)
        assert not shop.exists()

    def test_reading_writes_nothing(self, con: duckdb.DuckDBPyConnection, shop: Path) -> None:
        fill(shop, "create table o (id integer); insert into o values (1)")
        before = shop.read_bytes()
        load(con, options(shop, query="select id from o"))
        assert shop.read_bytes() == before
        assert [path.name for path in shop.parent.glob("shop*")] == ["shop.db"]

    @pytest.mark.parametrize(
        ("given", "complaint"),
        [
            ({"table": "p"}, "table = 'p': no such table; allowed: o, v"),
            ({"table": "o", "cursor": "c"}, "cursor = 'c': no such column in table o; allowed: id, at"),
            (
                {"table": "o", "cursor": "id"},
                "cursor_type: missing; it does not follow from id (INTEGER); allowed: timest",
            ),
            ({"query": "selec 1"}, 'near "selec": syntax error; correct `table`, `query` or `cursor`'),
            ({"query": "select nope from o"}, "no such column: nope; correct `table`, `query` or `cursor`"),
            ({"query": "select id from o", "cursor": "at"}, "no such column in the query; allowed: id"),
        ],
    )
    def test_a_table_or_column_that_is_not_there(
        self, con: duckdb.DuckDBPyConnection, shop: Path, given: dict[str, Any], complaint: str
    ) -> None:
        fill(shop, "create table o (id integer, at text); create view v as select 1 as id")
        chosen = options(shop, **given)
        assert complaint in (sql.check(chosen) or "")
        with pytest.raises(SourceError) as caught:
            load(con, chosen, BERLIN)
        assert complaint.partition(";")[0] in str(caught.value)
        assert "\n" not in str(caught.value)
        assert sql.check(options(shop, table="o", cursor="at")) is None
        assert sql.check(options(shop, query="select id, at from o", cursor="at")) is None

    def test_a_file_that_is_no_database(self, shop: Path) -> None:
        shop.write_bytes(b"id,name\n" * 1000)
        assert sql.check(options(shop, table="o")) == "file is not a database; name a SQLite file in `url`"

    @pytest.mark.parametrize(
        ("url", "complaint"),
        [
            ("nonsense", "url: not a database URL; write dialect://user:password@host/database"),
            ("sqlite://", "url: names no SQLite file"),
            ("foodb://me:s3cret%2Fword@host/db", "url: SQLAlchemy knows no such database"),
            ("mysql+pymysql://me:s3cret%2Fword@host/db", "the driver pymysql is not installed; install it"),
        ],
    )
    def test_a_url_that_leads_nowhere(self, con: duckdb.DuckDBPyConnection, url: str, complaint: str) -> None:
        chosen = options(url, table="o")
        assert complaint in (sql.check(chosen) or "")
        with pytest.raises(SourceError) as caught:
            load(con, chosen)
        assert complaint in str(caught.value)
        assert "s3cret" not in f"{caught.value} {sql.check(chosen)} {chosen!r}"

    @pytest.mark.parametrize(
        ("answer", "complaint", "attempts"),
        [
            (
                "FATAL: password authentication failed, tried s3cret/word",
                "set the right user and password|user, password",
                1,
            ),
            (
                "Access denied for user 'me' using s3cret%2Fword and t0ken",
                "set the right user, password and database",
                1,
            ),
            ("could not connect to server: Connection refused", "see that the database is up and can be reached", 3),
            ("server closed the connection unexpectedly", "see that the database is up and can be reached", 3),
        ],
    )
    def test_a_database_that_refuses_or_is_down(
        self,
        con: duckdb.DuckDBPyConnection,
        monkeypatch: pytest.MonkeyPatch,
        answer: str,
        complaint: str,
        attempts: int,
    ) -> None:
        """The message helps and holds no secret, neither as written in the URL nor as sent; what may pass is tried again."""
        made = []

        def refuse() -> Any:
            made.append(1)
            raise sqlite3.OperationalError(answer)

        real = sa.create_engine
        monkeypatch.setattr(sa, "create_engine", lambda *_, **__: real("sqlite://", creator=refuse))
        monkeypatch.setattr(base, "RETRY_PAUSES", (0.0, 0.0))
        chosen = options("postgresql+psycopg://me:s3cret%2Fword@host/db?sslpassword=t0ken", table="o")
        with pytest.raises(SourceError, match=complaint) as caught:
            load(con, chosen, BERLIN)
        assert len(made) == attempts
        message = str(caught.value)
        assert message.startswith("table o of postgresql+psycopg://me:***@host/db, landing day 2026-03-29: ")
        assert not [secret for secret in ("s3cret", "t0ken") if secret in message + (sql.check(chosen) or "")]
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_a_pull_that_breaks_off_is_begun_again(
        self, con: duckdb.DuckDBPyConnection, shop: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Rows that came before the break are not there twice."""
        fill(shop, "create table o (id integer); insert into o values (1), (2), (3), (4)")
        real, calls = sql._insert, []

        def breaking(*given: Any) -> None:
            real(*given)
            calls.append(1)
            if len(calls) == 3:
                raise sa.exc.OperationalError("fetch", None, sqlite3.OperationalError("connection lost"))

        monkeypatch.setattr(sql, "_insert", breaking)
        monkeypatch.setattr(base, "RETRY_PAUSES", (0.0, 0.0))
        assert [row["id"] for row in load(con, options(shop, table="o", chunk_size=1))] == [1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("given", "complaint"),
        [
            ({}, "either `table` or `query` has to be given"),
            ({"table": "o", "query": "select 1"}, "either `table` or `query` has to be given, and not both"),
            ({"query": "select 1", "schema": "s"}, "`schema` goes with `table` only"),
            ({"table": "o", "cursor_type": "text"}, "says the type of `cursor`, which is missing"),
            (
                {"table": "o", "cursor": "c", "cursor_type": "time"},
                "'timestamp', 'date', 'text', 'epoch' or 'epoch_ms'",
            ),
            ({"table": "o", "chunk_size": 0}, "greater than or equal to 1"),
            ({"table": "o", "cursr": "c"}, "Extra inputs are not permitted"),
        ],
    )
    def test_a_wrong_option_says_what_is_allowed_and_no_password(self, given: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ValidationError) as caught:
            CONNECTORS["sql"].Options(url="postgresql://me:s3cret@host/db", **given)
        assert complaint in str(caught.value)
        assert "s3cret" not in str(caught.value.errors(include_url=False))


@pytest.mark.parametrize("value", [None, "garbage"])
def test_a_row_whose_cursor_says_nothing_is_in_every_window(tmp_path: Path, value: str | None) -> None:
    """No window would hold it: it is left to whoever judges rows, and does not vanish."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute("create table orders (id integer, updated_at text)")
        database.executemany(
            "insert into orders values (?, ?)", [(1, "2026-01-02 10:00:00"), (2, value), (3, "2025-01-01")]
        )
    options = sql.Options(url=f"sqlite:///{path}", table="orders", cursor="updated_at")
    with duckdb.connect() as con:
        sql.load(con, "orders", options, Window(date(2026, 1, 2), date(2026, 1, 2), "UTC"), "UTC")
        assert sorted(row[0] for row in con.execute("select id from orders").fetchall()) == [1, 2]
