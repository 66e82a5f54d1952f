"""How the living sources grow: at any instant they show what was true then, and at the end what the files hold."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sources.sample_company import FIRST_DAY, write
from sources.sample_company.living import world_of
from sources.sample_company.living_desk import LivingDesk
from sources.sample_company.living_files import LivingFiles
from sources.sample_company.living_shop import Change, changes
from sources.sample_company.shop_db import TABLES
from sources.sample_company.world import DAY, sql_text
from sources.sample_company.zendesk_desk import Desk, unix
from tests.sample_files import Company

AHEAD = ("promised_at", "new_promise_at")  # what lies in the future without having happened


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company") / "sources"
    write(folder, 7, 0.3, FIRST_DAY, FIRST_DAY + timedelta(days=27))
    return folder


@pytest.fixture(scope="module")
def company(files: Path) -> Company:
    return Company(files)


@pytest.fixture(scope="module")
def shop(files: Path) -> list[Change]:
    return changes(files)


def _states(shop: list[Change], table: str, key: str) -> Iterator[list[dict[str, Any]]]:
    """The states of each row of a table, oldest first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, name, row in shop:
        if name == table:
            found[row[key]].append(row)
    yield from found.values()


class TestShop:
    def test_no_row_knows_what_comes_later(self, shop: list[Change]) -> None:
        for at, _, row in shop:
            assert row["updated_at"] == at
            later = [name for name, value in row.items() if name.endswith("_at") and (value or "") > at]
            assert set(later) <= set(AHEAD), (at, row)

    def test_the_last_states_are_the_rows_of_the_files(self, shop: list[Change], company: Company) -> None:
        for table in TABLES:
            held = [tuple(row) for row in company.rows(f"select * from {table}")]
            key = {"customers": "valid_from", "shipment_items": "item_id"}.get(table, "id")
            last = {tuple(row.values()) for states in _states(shop, table, key) for row in states}
            assert set(held) <= last, table

    def test_an_order_moves_on_stage_by_stage(self, shop: list[Change]) -> None:
        lives = {tuple(row["status"] for row in states) for states in _states(shop, "orders", "id")}
        assert ("placed", "approved", "picked", "shipped", "delivered") in lives
        assert any(life[-1] == "cancelled" and life[0] == "placed" for life in lives)
        assert {life[0] for life in lives} <= {"placed", "delivered", "active"}  # downloads arrive as they are paid

    def test_lines_are_touched_with_their_order(self, shop: list[Change]) -> None:
        orders, items = defaultdict(set), defaultdict(set)
        for at, table, row in shop:
            if table == "orders":
                orders[row["id"]].add(at)
            elif table == "order_items":
                items[row["order_id"]].add(at)
        assert len(orders) > 100 and orders == items

    def test_goods_come_back_after_the_money(self, shop: list[Change]) -> None:
        later = [states for states in _states(shop, "refunds", "id") if len(states) > 1]
        for first, last in later:
            assert (first["returned_at"], first["returned_quantity"]) == (None, None)
            assert last["returned_at"] == last["updated_at"] > first["updated_at"]


class TestDesk:
    def test_the_end_is_the_whole_desk(self, files: Path) -> None:
        whole, living = Desk.of(files / "support"), LivingDesk(Desk.of(files / "support"))
        living.advance(world_of(files).end)
        assert len(whole.tickets) > 50
        assert (living.desk.tickets, living.desk.ratings, living.desk.events) == (
            whole.tickets, whole.ratings, whole.events,
        )  # fmt: skip

    def test_a_ticket_is_what_its_updates_made_of_it(self, files: Path) -> None:
        """Its last state is kept back, so that what is seen was rebuilt from the audits."""
        whole, kept_back = Desk.of(files / "support"), Desk.of(files / "support")
        for ticket in kept_back.tickets.values():
            ticket["updated_at"] = "2099-01-01T00:00:00Z"
        living = LivingDesk(kept_back)
        living.advance(world_of(files).end)
        names = ("updated_at", "generated_timestamp", "status", "priority", "group_id", "custom_fields", "tags")
        rebuilt = {number: [ticket[name] for name in names] for number, ticket in living.desk.tickets.items()}
        assert rebuilt == {number: [ticket[name] for name in names] for number, ticket in whole.tickets.items()}

    def test_a_rating_is_offered_before_it_is_given(self, files: Path) -> None:
        whole = Desk.of(files / "support")
        answered = [r for r in whole.ratings.values() if r["answered_at"] and r["answered_at"] > r["offered_at"]]
        assert answered
        for rating in answered[:5]:
            living = LivingDesk(whole)
            living.advance(unix(rating["answered_at"]) * 1000 - 1)
            asked = living.desk.ratings[rating["id"]]
            assert (asked["score"], asked["rating"], asked["updated_at"]) == ("offered", None, rating["offered_at"])


class TestFiles:
    def test_logs_come_as_hours_pass_and_are_whole_in_the_end(self, files: Path, tmp_path: Path) -> None:
        world = world_of(files)
        living = LivingFiles(world, files, tmp_path)
        living.advance(world.start + DAY // 2)
        received = [line.split(b'"receivedAt":"')[1][:24].decode() for line in _lines(tmp_path)]
        assert received and max(received) < "2025-09-29T10:00:00.000Z"
        assert len((tmp_path / "fx" / "rates.csv").read_text().splitlines()) == 11  # of the week before, and no more
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.gz")}
        again = LivingFiles(world, files, tmp_path)  # the company goes on after a stop
        again.advance(world.end)
        assert _lines(tmp_path) == _lines(files)
        assert {path: path.stat().st_mtime_ns for path in before} == before
        assert (tmp_path / "fx" / "rates.csv").read_bytes() == (files / "fx" / "rates.csv").read_bytes()


def _lines(folder: Path) -> list[bytes]:
    return sorted(
        line for path in folder.glob("usage/*/*.gz") for line in gzip.decompress(path.read_bytes()).splitlines()
    )


def test_nothing_has_happened_before_the_first_day(shop: list[Change], files: Path) -> None:
    assert shop[0][0] >= str(sql_text(world_of(files).start))
