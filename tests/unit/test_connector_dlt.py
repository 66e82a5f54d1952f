"""The dlt connector: resources of dlt's own library and of one's own, the window, chunks, and every way to be wrong."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlparse

import dlt
import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from sources.connectors import CONNECTORS, SourceError, Window, dlt_resource
from sources.connectors.base import EnvironmentText
from sources.profile import ProfileError, load_profile

WINDOW = Window(date(2026, 3, 2), date(2026, 3, 2), "Europe/Berlin")  # [2026-03-01 23:00, 2026-03-02 23:00) UTC
EDGES = [datetime(2026, 3, 1, 22, 59, 59, tzinfo=UTC), WINDOW.start, WINDOW.end - timedelta(microseconds=1), WINDOW.end]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An importable module of a company's own sources."""
    module = ModuleType("company_source")
    monkeypatch.setitem(sys.modules, "company_source", module)

    @dlt.resource
    def events(count: int, token: str = "", updated: Any = dlt.sources.incremental("at")) -> Iterator[Any]:  # noqa: B008
        yield [{"id": n, "at": at, "tags": ["x"], "amount": Decimal("1.10")} for n, at in enumerate(EDGES[:count])]

    @dlt.resource
    def tables(kind: str) -> Iterator[Any]:
        for first in (0, 2):
            frame = pd.DataFrame({"id": [first, first + 1], "at": EDGES[first : first + 2]})
            yield frame if kind == "pandas" else pa.Table.from_pandas(frame)
        if kind == "mixed":
            yield {"id": 9}

    @dlt.resource
    def broken(url: str) -> Iterator[Any]:
        yield {"id": 1}
        raise RuntimeError(f"404 for {url}\nTraceback of somebody else")

    @dlt.source
    def several() -> Any:
        return events(1), tables("arrow")

    def plain() -> list[int]:
        return [1]

    for function in (events, tables, broken, several, plain):
        name = getattr(function, "__name__", None) or function.name  # type: ignore[union-attr]
        setattr(module, name, function)
    return module


def load(con: duckdb.DuckDBPyConnection, window: Window | None = WINDOW, **given: Any) -> list[dict[str, Any]]:
    dlt_resource.load(con, "t", dlt_resource.Options(**given), window, "UTC")
    return con.sql("select * from t order by id").to_arrow_table().to_pylist()


def complaint(con: duckdb.DuckDBPyConnection, **given: Any) -> str:
    with pytest.raises(SourceError) as caught:
        load(con, **given)
    message = str(caught.value)
    assert "\n" not in message
    assert con.execute("select count(*) from duckdb_tables()").fetchone() == (0,)
    return message


def test_rows_read_like_json_lines(con: duckdb.DuckDBPyConnection, own: ModuleType) -> None:
    rows = load(con, resource="company_source:events", arguments={"count": 2})
    assert [(row["id"], row["amount"], row["tags"]) for row in rows] == [("0", "1.10", '["x"]'), ("1", "1.10", '["x"]')]
    assert rows[0]["_source_file"] == "company_source:events"
    at = con.execute('select cast("at" as timestamptz) from t order by id').fetchall()
    assert [value.astimezone(UTC) for (value,) in at] == EDGES[:2]


def test_the_window_is_handed_over_half_open(con: duckdb.DuckDBPyConnection, own: ModuleType) -> None:
    rows = load(con, resource="company_source:events", arguments={"count": 4}, incremental="updated", cursor="at")
    assert [row["id"] for row in rows] == ["1", "2"]


@pytest.mark.parametrize(
    ("cursor_type", "start"),
    [("text", "2026-03-01T23:00:00Z"), ("date", "2026-03-01"), ("epoch", 1772406000), ("epoch_ms", 1772406000000)],
)
def test_the_window_may_stand_in_the_arguments(
    con: duckdb.DuckDBPyConnection, own: ModuleType, cursor_type: str, start: Any
) -> None:
    @dlt.resource
    def asked(params: dict[str, Any]) -> Iterator[Any]:
        yield {"id": 1, **params}

    own.asked = asked  # type: ignore[attr-defined]
    (row,) = load(
        con,
        resource="company_source:asked",
        arguments={"params": {"since": "{window_start}", "query": "at>={window_start}"}},
        cursor_type=cursor_type,
    )
    assert (row["since"], row["query"]) == (str(start), f"at>={start}")


@pytest.mark.parametrize("kind", ["arrow", "pandas"])
def test_tables_keep_their_types(con: duckdb.DuckDBPyConnection, own: ModuleType, kind: str) -> None:
    rows = load(con, resource="company_source:tables", arguments={"kind": kind})
    assert [row["id"] for row in rows] == [0, 1, 2, 3]
    assert [row["at"] for row in rows] == EDGES


def test_no_rows_are_a_table_without_rows(con: duckdb.DuckDBPyConnection, own: ModuleType) -> None:
    dlt_resource.load(
        con, "t", dlt_resource.Options(resource="company_source:events", arguments={"count": 0}), None, "UTC"
    )
    assert con.execute("select count(*) from t").fetchone() == (0,)


def test_many_rows_take_little_memory(con: duckdb.DuckDBPyConnection, own: ModuleType) -> None:
    """Twenty thousand rows of 1 kB each never stand in memory together."""
    import tracemalloc

    @dlt.resource
    def many() -> Iterator[Any]:
        for page in range(20):
            yield [{"id": page * 1000 + n, "text": "x" * 1000} for n in range(1000)]

    own.many = many  # type: ignore[attr-defined]
    options = dlt_resource.Options(resource="company_source:many")
    tracemalloc.start()
    dlt_resource.load(con, "t", options, None, "UTC")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert con.execute("select count(*) from t").fetchone() == (20_000,)
    assert peak < 6_000_000


def test_one_resource_of_a_source_is_selected(con: duckdb.DuckDBPyConnection, own: ModuleType) -> None:
    assert len(load(con, resource="company_source:several", select="tables")) == 4
    con.execute("drop table t")
    assert "select = None: company_source:several is a source of several resources; allowed: events, tables" in (
        complaint(con, resource="company_source:several")
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"resource": "no_such_module:x"},
            "no_such_module:x cannot be imported: ModuleNotFoundError: No module named 'no_such_module'; "
            "install its package, or put its folder on PYTHONPATH",
        ),
        ({"resource": "company_source:evts"}, "company_source has no evts; it has: events, tables, broken"),
        (
            {"resource": "company_source:plain"},
            "company_source:plain is no dlt resource, it gives a list; decorate it with @dlt.resource",
        ),
        (
            {"resource": "company_source:events", "arguments": {"count": 1, "page": 2}},
            "company_source:events does not take these arguments: got an unexpected keyword argument 'page'; "
            "allowed: count, token, updated",
        ),
        (
            {"resource": "company_source:tables", "arguments": {"kind": "mixed"}},
            "company_source:tables gives rows and tables; have it give one kind",
        ),
    ],
)
def test_a_mistake_is_one_line(
    con: duckdb.DuckDBPyConnection, own: ModuleType, given: dict[str, Any], said: str
) -> None:
    message = complaint(con, **given)
    assert message.startswith(f"{given['resource']}, landing day 2026-03-02: ")
    assert said in message
    if "mixed" not in str(given):
        assert said in (dlt_resource.check(dlt_resource.Options(**given)) or "")


def test_what_fails_midway_leaves_nothing_and_shows_no_secret(con: duckdb.DuckDBPyConnection, own: ModuleType) -> None:
    url = EnvironmentText.of("https://api.example/v1?t=hush/hush", ["hush/hush"])
    message = complaint(con, resource="company_source:broken", arguments={"url": url})
    assert message == (
        "company_source:broken, landing day 2026-03-02: failed: RuntimeError: 404 for https://api.example/v1?t=*** "
        "Traceback of somebody else; mend the source or its arguments; its rows are pulled again by the next run"
    )
    named = complaint(con, resource="company_source:broken", arguments={"url": "x hush", "auth": {"token": "hush"}})
    assert "hush" not in named


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"resource": "module.function"}, "not of the form module:function"),
        ({"resource": "a:b", "incremental": "updated"}, "`incremental` (the argument that takes the window) and"),
        ({"resource": "a:b", "cursor": "at"}, "go together"),
        ({"resource": "a:b", "cursor_type": "x"}, "'timestamp', 'text', 'date', 'epoch' or 'epoch_ms'"),
    ],
)
def test_a_wrong_option_says_what_is_allowed(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CONNECTORS["dlt"].Options(**given)
    assert said in str(caught.value)


class TestOfDltsOwnLibrary:
    def test_sql_table(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/shop.db"
        with sa.create_engine(url).begin() as connection:
            connection.execute(sa.text("create table visits (id integer primary key, moment timestamp)"))
            for number, moment in enumerate(EDGES):
                connection.execute(
                    sa.text("insert into visits values (:n, :m)"), {"n": number, "m": f"{moment:%Y-%m-%d %H:%M:%S.%f}"}
                )
        rows = load(
            con,
            resource="dlt.sources.sql_database:sql_table",
            arguments={"credentials": url, "table": "visits", "chunk_size": 1},
            incremental="incremental",
            cursor="moment",
        )
        assert [row["id"] for row in rows] == ["1", "2"]

    def test_files(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"id": 1, "deep": {"a": [1]}}\n{"id": 2}\n')
        rows = load(
            con,
            resource="dlt.sources.filesystem:readers",
            arguments={"bucket_url": str(tmp_path), "file_glob": "*.jsonl"},
            select="read_jsonl",
        )
        assert [(row["id"], row["deep"]) for row in rows] == [("1", '{"a":[1]}'), ("2", None)]

    def test_rest_api_pages_and_gets_the_window(self, con: duckdb.DuckDBPyConnection, api: _Api) -> None:
        rows = load(con, **_rest(api.url))
        assert [row["id"] for row in rows] == ["1", "2", "3"]
        assert api.seen[0] == ("/events", {"since": ["1772406000"], "until": ["1772492400"]}, "Bearer hush-hush")
        assert len(api.seen) == 3

    def test_rest_api_with_a_wrong_token(self, con: duckdb.DuckDBPyConnection, api: _Api) -> None:
        api.status = 401
        message = complaint(con, **_rest(api.url))
        assert "401" in message
        assert "hush" not in message


class _Api:
    """A paging API on loopback; what it was asked is in `seen`."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, list[str]], str | None]] = []
        self.status = 200
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parsed = urlparse(self.path)
                query = parse_qs(parsed.query)
                api.seen.append((parsed.path, query, self.headers["Authorization"]))
                page = int(query.get("page", ["1"])[0])
                body = {"data": [{"id": page}], "next": f"{api.url}/events?page={page + 1}" if page < 3 else None}
                content = json.dumps(body).encode()
                self.send_response(api.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def api() -> Iterator[_Api]:
    served = _Api()
    yield served
    served.server.shutdown()
    served.server.server_close()


def _rest(url: str) -> dict[str, Any]:
    endpoint = {
        "path": "events",
        "params": {"since": "{window_start}", "until": "{window_end}"},
        "data_selector": "data",
        "paginator": {"type": "json_link", "next_url_path": "next"},
    }
    client = {"base_url": url, "auth": {"type": "bearer", "token": EnvironmentText.of("hush-hush", ["hush-hush"])}}
    return {
        "resource": "dlt.sources.rest_api:rest_api_resources",
        "arguments": {"config": {"client": client, "resources": [{"name": "events", "endpoint": endpoint}]}},
        "cursor_type": "epoch",
    }


def test_a_profile_lands_from_a_dlt_resource(company, own: ModuleType, lake_rows, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """The whole way: the profile, the window, the gate's own cut, the lake."""
    monkeypatch.setenv("COUNT_OF", "hush-hush")
    company.streams["usage_events"] = """
[sources.own]
connector = "dlt"
resource = "company_source:events"
arguments = {count = 4, token = "${COUNT_OF}"}
[streams.usage_events]
from = "own"
cursor = "at"
ignore = ["tags", "amount"]
[streams.usage_events.fields]
event_id = "id"
event_name = "'seen'"
occurred_at = "at"
user_id = "id"
country = "not_given_today"
"""
    outcome = company.land("usage_events", [date(2026, 3, 1), date(2026, 3, 2)])
    assert [(x.state, x.landed, x.rejected) for x in outcome.landings] == [("landed", 2, 0), ("landed", 2, 0)]
    assert sorted(row["event_id"] for row in lake_rows(company.settings(), "usage_events")) == ["0", "1", "2", "3"]
    company.streams["usage_events"] = company.streams["usage_events"].replace("count = 4", "kount = 4")
    with pytest.raises(ProfileError, match=r"sources.own: company_source:events does not take these arguments"):
        load_profile(str(company.profile()))
