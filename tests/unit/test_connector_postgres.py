"""The sql connector over a real PostgreSQL: windows, values, one snapshot, what the server answers instead of rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import psycopg
import pytest

from orchestration.pipeline.landing import land_stream
from orchestration.settings import Settings, load_settings
from sources.connectors import Pull, SourceError, Window, base, load_all, sql, sql_postgres
from sources.sample_company.postgres_server import Postgres
from tests.conftest import Company

READER = "analyst:s3cret%2Fword"
NOSY = "nosy:s3cret%2Fword"
ACCESS = "set the right user, password and database in `url`"
TLS = "set `sslmode`, `sslrootcert`, `sslcert` and `sslkey` in `url` as the server needs them"
CORRECT = "correct `table`, `query` or `cursor`"
STEP = timedelta(microseconds=1)
DAYS = {  # a day of 23 hours, one of 25, and one whose midnight the clock change skips
    "spring": Window(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin"),
    "autumn": Window(date(2026, 11, 1), date(2026, 11, 1), "America/New_York"),
    "no midnight": Window(date(2026, 4, 24), date(2026, 4, 24), "Africa/Cairo"),
}
WANTED = {"at the start", "inside", "just inside"}


def instants(window: Window, step: timedelta = STEP) -> dict[str, datetime]:
    return {
        "long before": window.start - timedelta(days=9),
        "just before": window.start - step,
        "at the start": window.start,
        "inside": window.start + timedelta(hours=3),
        "just inside": window.end - step,
        "at the end": window.end,
        "long after": window.end + timedelta(days=9),
    }


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Iterator[Postgres]:
    """A database and two users of this module."""
    postgres.execute(
        "create database shop",
        "create user analyst password 's3cret/word'",
        "create user nosy password 's3cret/word'",
    )
    yield postgres
    postgres.execute("drop database shop with (force)", "drop user analyst", "drop user nosy")


@pytest.fixture
def run(server: Postgres) -> Iterator[Callable[..., None]]:
    """Run statements in the database; its tables are gone after the test."""

    def execute(*statements: str, rows: Any = None) -> None:
        with psycopg.connect(server.url(database="shop"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
            if rows is not None:
                with connection.cursor().copy("copy o from stdin") as copy:
                    for row in rows:
                        copy.write_row(row)

    yield execute
    execute("drop schema public cascade; create schema public; grant usage on schema public to analyst, nosy")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def options(server: Postgres, user: str = "postgres", parameters: str = "", **more: Any) -> sql.Options:
    return sql.Options(url=server.url(user, "shop", parameters), **more)


def load(
    con: duckdb.DuckDBPyConnection, chosen: sql.Options, window: Window | None = None, zone: str = "UTC"
) -> list[dict[str, Any]]:
    sql.load(con, "t", chosen, window, zone)
    return con.sql("select * from t order by rowid").to_arrow_table().to_pylist()


def refusal(con: duckdb.DuckDBPyConnection, chosen: sql.Options, window: Window | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        load(con, chosen, window)
    message = str(caught.value)
    assert "\n" not in message
    assert "s3cret" not in message + repr(chosen)
    assert caught.value.__cause__ is None
    return message


class TestWindows:
    @pytest.mark.parametrize("window", DAYS.values(), ids=DAYS.keys())
    @pytest.mark.parametrize("origin", [{"table": "o"}, {"query": "select name, c from o where name like '%'"}])
    def test_timestamptz_is_exact(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection, window: Window, origin: dict[str, str]
    ) -> None:
        rows = [*instants(window).items(), ("none", None)]
        run("create table o (name text, c timestamptz)", rows=rows)
        found = load(con, options(server, **origin, cursor="c"), window)
        assert {row["name"]: row["c"] for row in found} == {
            **{name: instants(window)[name] for name in WANTED},
            "none": None,
        }

    @pytest.mark.parametrize("window", DAYS.values(), ids=DAYS.keys())
    @pytest.mark.parametrize("zone", ["UTC", "the window's own"])
    @pytest.mark.parametrize("declared", ["timestamp", "text", "varchar(40)"])
    def test_local_times_miss_nothing(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection, window: Window, zone: str, declared: str
    ) -> None:
        """In UTC a timestamp is exact; elsewhere, and as text, a little more comes, and the exact cut is the gate's."""
        zone = window.zone if zone != "UTC" else zone
        local = [
            (name, at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S.%f"))
            for name, at in instants(window).items()
        ]
        run(f"create table o (name text, c {declared})", rows=local)
        names = {row["name"] for row in load(con, options(server, table="o", cursor="c"), window, zone)}
        assert names >= WANTED
        assert not names & {"long before", "long after"}
        if (zone, declared) == ("UTC", "timestamp"):
            assert names == WANTED
        cut = con.execute(
            "select name from t where timezone(?, c::timestamp) >= ? and timezone(?, c::timestamp) < ?",
            [zone, window.start, zone, window.end],
        )
        assert {name for (name,) in cut.fetchall()} == WANTED

    def test_a_date_lies_in_its_own_day(self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection) -> None:
        day = DAYS["spring"].first_day
        run("create table o (c date)", rows=[(day + timedelta(days=n),) for n in (-9, -1, 0, 1, 9)])
        found = {row["c"] for row in load(con, options(server, table="o", cursor="c"), DAYS["spring"])}
        assert day in found
        assert found <= {day + timedelta(days=n) for n in (-2, -1, 0, 1, 2)}

    @pytest.mark.parametrize(("cursor_type", "factor"), [("epoch", 1), ("epoch_ms", 1000)])
    @pytest.mark.parametrize("declared", ["bigint", "double precision", "numeric(20,3)", "text"])
    def test_epochs_are_exact_and_a_word_among_them_stops_nothing(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection, cursor_type: Any, factor: int, declared: str
    ) -> None:
        window = DAYS["spring"]
        start, end = (int(at.timestamp() * factor) for at in (window.start, window.end))
        rows: list[tuple[str, Any]] = [
            ("before", start - 1),
            ("in", start),
            ("last", end - 1),
            ("end", end),
            ("none", None),
        ]
        wanted = {"in", "last", "none"}
        if declared == "text":
            rows.append(("word", "soon"))
            wanted.add("word")
        run(f"create table o (name text, c {declared})", rows=rows)
        found = load(con, options(server, table="o", cursor="c", cursor_type=cursor_type), window)
        assert {row["name"] for row in found} == wanted

    @pytest.mark.parametrize("declared", ["timestamptz", "timestamp", "date"])
    def test_what_no_calendar_holds_is_malformed_and_does_not_vanish(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection, declared: str
    ) -> None:
        odd = ["infinity", "-infinity", "0044-03-15 BC", "12026-03-29"]
        rows = [("good", "2026-03-29"), ("forever", "9999-12-31"), *[(value, value) for value in odd]]
        run(f"create table o (name text, c {declared})", rows=rows)
        found = {
            row["name"]: (row["c"] is None, row["_malformed"])
            for row in load(con, options(server, table="o", cursor="c"), DAYS["spring"])
        }
        kind = {"timestamptz": "timestamp with time zone"}.get(declared, declared)
        assert found.pop("good") == (False, None)
        assert found == dict.fromkeys(odd, (True, f"column c holds no {kind}"))


class TestValues:
    @pytest.mark.parametrize("origin", [{"table": "o"}, {"query": "select * from o"}])
    def test_types_and_digits(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection, origin: dict[str, str]
    ) -> None:
        run(
            """create type mood as enum ('fine');
            create table o (small smallint, whole int, big bigint, price numeric(12,2), rate numeric, ratio real, wide float8,
                ok boolean, word varchar(9), fixed char(3), doc jsonb, id uuid, list int[], how mood, day date,
                at timestamptz, local timestamp, span interval, raw bytea, "We Ird:%s" text, nothing text);
            insert into o values (1, 2, 9007199254740993, 1234567890.12, 1.234567890123, 0.5, 0.1, true, 'Ü🚲', 'EUR',
                '{"a": [1]}', '00000000-0000-0000-0000-000000000007', '{1,2}', 'fine', '2026-03-29',
                '2026-03-29 01:02:03.000004+02', '2026-03-29 01:02:03.000004', '1 day', '\\x00ff', 'x:y 100%', null)"""
        )
        (row,) = load(con, options(server, **origin))
        price = row.pop("price")
        assert price == Decimal("1234567890.12")
        assert row == {
            "small": 1, "whole": 2, "big": 9007199254740993, "rate": Decimal("1.234567890123"), "ratio": 0.5,
            "wide": 0.1, "ok": True, "word": "Ü🚲", "fixed": "EUR", "doc": '{"a": [1]}',
            "id": "00000000-0000-0000-0000-000000000007", "list": "{1,2}", "how": "fine", "day": date(2026, 3, 29),
            "at": datetime(2026, 3, 28, 23, 2, 3, 4, tzinfo=UTC), "local": datetime(2026, 3, 29, 1, 2, 3, 4),
            "span": "1 day", "raw": "\\x00ff", "We Ird:%s": "x:y 100%", "nothing": None, "_malformed": None,
        }  # fmt: skip

    def test_a_number_that_is_none_spoils_its_row_alone(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection
    ) -> None:
        run(
            "create table o (id int, price numeric(12,2), rate numeric)",
            rows=[(1, "NaN", 1), (2, 3, "Infinity"), (3, 4, 5)],
        )
        assert [row["_malformed"] for row in load(con, options(server, table="o"))] == [
            "column price holds no decimal(12,2)", "column rate holds no decimal(38,12)", None,
        ]  # fmt: skip

    def test_a_type_that_changes_is_seen_by_the_next_pull(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection
    ) -> None:
        run("create table o (id int, price int)", rows=[(1, 5)])
        assert load(con, options(server, table="o"))[0]["price"] == 5
        run("alter table o alter price type text using price || ' EUR'", "alter table o add note text")
        assert load(con, options(server, table="o")) == [{"id": 1, "price": "5 EUR", "note": None, "_malformed": None}]


def writer(server: Postgres, *statements: str) -> Callable[[], None]:
    def write() -> None:
        with psycopg.connect(server.url(database="shop")) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    return write


def once_between(monkeypatch: pytest.MonkeyPatch, name: str, action: Callable[[], Any], call: int = 1) -> list[int]:
    """Let `action` run once, right after the given call of `sql.<name>`; the list counts the calls."""
    real, calls = getattr(sql, name), []

    def wrapped(*given: Any) -> Any:
        result = real(*given)
        calls.append(1)
        if len(calls) == call:
            action()
        return result

    monkeypatch.setattr(sql, name, wrapped)
    return calls


class TestOneSnapshot:
    SCHEMA = (
        "create table orders (id int primary key, updated_at timestamptz, lines int)",
        "create table items (order_id int, line int)",
        "insert into orders select n, '2026-03-10', 2 from generate_series(1, 50) n",
        "insert into items select n, l from generate_series(1, 50) n, generate_series(1, 2) l",
    )
    CHANGE = (
        "insert into items values (1, 3)",
        "update orders set lines = 3, updated_at = now() where id = 1",
        "delete from items where order_id = 2",
        "delete from orders where id = 2",
    )

    def test_tables_read_together_match_while_somebody_writes(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(*self.SCHEMA)
        once_between(monkeypatch, "_insert", writer(server, *self.CHANGE))
        window = Window(date(2026, 3, 10), date(2026, 3, 10), "UTC")
        load_all(
            con,
            [
                ("sql", Pull("orders", options(server, table="orders", cursor="updated_at"), window, "UTC")),
                ("sql", Pull("items", options(server, table="items"), None, "UTC")),
            ],
        )
        unlike = con.sql(
            "select id from orders full join items on id = order_id group by id, lines having count(line) <> lines or id is null"
        )
        assert unlike.fetchall() == []
        assert con.sql("select count(*) from orders").fetchall() == [(50,)]
        # the change was there, and belongs to the next pull
        load(con, options(server, table="items"))
        assert con.sql("select count(*) from t where order_id <= 2").fetchall() == [(3,)]

    def test_a_changed_order_lands_with_its_whole_item_set(
        self,
        server: Postgres,
        run: Any,
        company: Company,
        monkeypatch: pytest.MonkeyPatch,
        lake_rows: Callable[[Settings, str], list[dict[str, object]]],
    ) -> None:
        """The items of the orders of a window, by a stream's query over both tables, while a writer commits between."""
        run(*self.SCHEMA, "update orders set updated_at = '2026-03-11' where id = 3")
        url = server.url(database="shop")
        company.streams["order_items"] = f"""
[sources.shop_orders]
connector = "sql"
url = "{url}"
table = "orders"
cursor = "updated_at"
[sources.shop_items]
connector = "sql"
url = "{url}"
table = "items"
[streams.order_items]
from = "shop_orders"
query = "select i.*, o.updated_at from shop_orders o join shop_items i on i.order_id = o.id"
cursor = "updated_at"
[streams.order_items.fields]
order_id = "order_id"
line_id = "line"
updated_at = "updated_at"
product_id = "'P' || line"
quantity = "1"
unit_price_amount = "1"
"""
        change = ("insert into items values (3, 3)", "update orders set lines = 3, updated_at = now() where id = 3")
        once_between(monkeypatch, "_insert", writer(server, *change))
        company.settings()
        landed = company.land("order_items", [date(2026, 3, 11)])
        assert [(day.state, day.landed, day.reason) for day in landed.landings] == [("landed", 2, None)]

    def test_nothing_can_be_written(self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection) -> None:
        run(
            "create table o (id int)",
            "create function sly() returns int language sql as 'insert into o values (1) returning id'",
        )
        assert "cannot execute INSERT in a read-only transaction" in refusal(
            con, options(server, query="select sly() as id")
        )


class TestAnswersInsteadOfRows:
    WINDOW = Window(date(2026, 3, 29), date(2026, 3, 29), "UTC")

    @pytest.fixture(autouse=True)
    def no_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base, "RETRY_PAUSES", (0.0, 0.0))

    @pytest.mark.parametrize(
        ("user", "parameters", "origin", "complaint"),
        [
            (READER + "ive", "", {"table": "o"}, f'password authentication failed for user "analyst"; {ACCESS}'),
            ("nobody:s3cret", "", {"table": "o"}, f'password authentication failed for user "nobody"; {ACCESS}'),
            (NOSY, "", {"table": "o"}, "permission denied for table o; let this user read it"),
            (READER, "?sslmode=require", {"table": "o"}, f"server does not support SSL, but SSL was required; {TLS}"),
            (READER, "?sslmode=verify-full&sslrootcert=/nowhere.pem", {"table": "o"}, TLS),
            (READER, "", {"table": "p"}, "table = 'p': no such table; allowed: o"),
            (READER, "", {"table": "o", "cursor": "at"}, "cursor = 'at': no such column in table o; allowed: id, c"),
            (READER, "", {"table": "o", "cursor": "id"}, "cursor_type: missing; it does not follow from id (integer); allo"),
            (READER, "", {"query": "select nope from o"}, f'column "nope" does not exist; {CORRECT}'),
            (READER, "", {"query": "select id frm o where"}, f'syntax error at or near "o"; {CORRECT}'),
            (READER, "", {"query": "select 1 / (id - id) as x from o"}, "division by zero"),
        ],
    )  # fmt: skip
    def test_the_message_is_one_line_that_helps(
        self,
        server: Postgres,
        run: Any,
        con: duckdb.DuckDBPyConnection,
        user: str,
        parameters: str,
        origin: dict[str, str],
        complaint: str,
    ) -> None:
        run("create table o (id int, c timestamptz)", "insert into o values (1, now())", "grant select on o to analyst")
        chosen = options(server, user, parameters, **origin)
        message = refusal(con, chosen, self.WINDOW)
        assert complaint in message
        assert ", landing day 2026-03-29: " in message
        said = sql.check(chosen) or ""
        assert "\n" not in said + message
        assert "s3cret" not in said
        good = options(server, READER, table="o", cursor="c")
        assert sql.check(good) is None

    def test_a_database_or_host_that_is_not_there(self, server: Postgres, con: duckdb.DuckDBPyConnection) -> None:
        nowhere = options(server, table="o").model_copy(update={"url": server.url(database="shops")})
        assert 'database "shops" does not exist; set the right user, password and database in `url`' in refusal(
            con, nowhere
        )
        nobody = nowhere.model_copy(update={"url": "postgresql://me:s3cret@nowhere.invalid/shop"})
        assert "nowhere.invalid" in refusal(con, nobody)
        closed = nowhere.model_copy(update={"url": "postgresql://me:s3cret@127.0.0.1:1/shop"})
        assert "Connection refused" in refusal(con, closed)
        assert refusal(con, closed).endswith("; see that the database is up and can be reached, then run again")

    def test_a_statement_that_takes_too_long(self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection) -> None:
        run("create table o (id int)", rows=[(1,)])
        slow = options(server, query="select id, pg_sleep(20)::text as nap from o", statement_timeout=1)
        assert (
            "canceling statement due to statement timeout; index the column of `cursor`, or raise `statement_timeout`"
            in (refusal(con, slow))
        )
        other = sql.Options(url="sqlite:////nowhere.db", table="o", statement_timeout=1)
        assert sql.check(other)

    def test_a_server_that_falls_over_in_the_middle(
        self, server: Postgres, run: Any, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("create table o as select n as id, repeat('x', 100) as word from generate_series(1, 100000) n")
        monkeypatch.setattr(sql_postgres, "BATCH_BYTES", 1 << 20)

        def fall_and_rise() -> None:
            server.kill()
            server.start()

        with monkeypatch.context() as patch:
            calls = once_between(patch, "_insert", fall_and_rise, call=2)
            load(con, options(server, table="o"))
            assert len(calls) > 12, "it was read twice"
        assert con.sql("select count(*), count(distinct id) from t").fetchall() == [(100000, 100000)]
        once_between(monkeypatch, "_insert", server.kill, call=2)
        try:
            message = refusal(con, options(server, table="o"))
        finally:
            server.start()
        assert message.endswith("; see that the database is up and can be reached, then run again")

    def test_a_landing_says_why_and_never_the_password(self, server: Postgres, run: Any, company: Company) -> None:
        run("create table o (id int, c timestamptz)")
        url = server.url(NOSY, "shop")
        company.streams["orders"] = f"""
[sources.o]
connector = "sql"
url = "{url}"
table = "o"
cursor = "c"
[streams.orders]
from = "o"
cursor = "c"
[streams.orders.fields]
order_id = "id"
ordered_at = "c"
updated_at = "c"
currency = "'EUR'"
customer_id = "id"
"""
        run("grant select on o to nosy")
        company.settings()
        run("revoke select on o from nosy")
        landed = land_stream(load_settings(check_sources=False), "orders", [date(2026, 3, 11)], "test-run")
        assert [day.state for day in landed.landings] == ["failed"]
        assert "permission denied for table o; let this user read it" in str(landed.landings[0].reason)
        home = Path(company.root / "home")
        held = [path for path in home.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]
        assert not held
        assert "s3cret" not in str(landed)


MEMORY = """
import resource, sys, duckdb
from sources.connectors import sql
con = duckdb.connect(sys.argv[2]); con.execute("set memory_limit = '60MB'")
sql.load(con, "t", sql.Options(url=sys.argv[1], table="few"), None, "UTC")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sql.load(con, "t", sql.Options(url=sys.argv[1], table="o"), None, "UTC")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, con.sql("select count(*) from t").fetchone()[0])
"""


def test_rows_stream_in_bounded_memory(server: Postgres, run: Any, tmp_path: Path) -> None:
    """150 MB go through a process whose memory grows by less than two thirds of it."""
    run(
        "create table few as select 1 as id",
        "create view o as select n as id, repeat(md5(n::text), 64) as word from generate_series(1, 75000) n",
    )
    url = server.url(database="shop")
    answer = subprocess.run(
        [sys.executable, "-c", MEMORY, url, str(tmp_path / "t.duckdb")], capture_output=True, text=True, check=True
    )
    grown, rows = map(int, answer.stdout.split())
    assert rows == 75000
    assert grown < 100
