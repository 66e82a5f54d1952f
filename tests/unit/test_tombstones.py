"""Tombstones: a deleted key is a version without content, and a row that comes back stands again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from orchestration.pipeline import lake
from orchestration.pipeline.tombstones import land_tombstones
from tests.unit.test_landing import DAY, NEXT, event, item, order, version


def content(settings: Any, lake_rows: Any, stream: str) -> list[tuple[Any, ...]]:
    """(key, has content) of every version in the order of the pulls."""
    rows = sorted(lake_rows(settings, stream), key=lambda row: row["pulled_at"])
    return [(row["order_id"], row["content_hash"] is not None) for row in rows]


def test_a_tombstone_lands_beside_the_version_that_it_revokes(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order("o", "2026-03-02 10:00:00"), order("p", "2026-03-03 11:00:00")], "updated_at")
    company.land("orders", [DAY, NEXT])
    settings = company.settings()
    assert land_tombstones(settings, "orders", [{"order_id": "p"}, {"order_id": "unknown"}]) == {NEXT: 1}
    assert content(settings, lake_rows, "orders")[-1] == ("p", False)
    (gone,) = [row for row in lake_rows(settings, "orders") if row["content_hash"] is None]
    (revoked,) = [row for row in lake_rows(settings, "orders") if row["order_id"] == "p" and row["content_hash"]]
    assert (gone["updated_at"], gone["status"], gone["customer_id"]) == (revoked["updated_at"], None, None)


def test_the_same_tombstone_is_no_commit(company) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    company.land("orders", [DAY])
    settings = company.settings()
    land_tombstones(settings, "orders", [{"order_id": "o"}])
    before = version(settings, "orders")
    assert land_tombstones(settings, "orders", [{"order_id": "o"}]) == {}
    assert version(settings, "orders") == before


def test_a_row_that_comes_back_unchanged_stands_again(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    company.land("orders", [DAY])
    settings = company.settings()
    land_tombstones(settings, "orders", [{"order_id": "o"}])
    assert company.land("orders", [DAY]).landings[0].written == 1
    assert content(settings, lake_rows, "orders") == [("o", True), ("o", False), ("o", True)]
    assert company.land("orders", [DAY]).landings[0].written == 0


def test_a_row_that_stays_away_stays_gone(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order("o", "2026-03-02 10:00:00"), order("p", "2026-03-02 11:00:00")], "updated_at")
    company.land("orders", [DAY])
    settings = company.settings()
    land_tombstones(settings, "orders", [{"order_id": "o"}])
    company.write("orders", [order("p", "2026-03-02 11:00:00")], "updated_at")
    company.land("orders", [DAY])
    assert content(settings, lake_rows, "orders")[-1] == ("o", False)


def test_lines_go_as_a_whole_set(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("order_items", [item("1", 1), item("2", 1)], "updated_at")
    company.land("order_items", [DAY])
    settings = company.settings()
    assert land_tombstones(settings, "order_items", [{"order_id": "o"}]) == {DAY: 1}
    assert content(settings, lake_rows, "order_items") == [("o", True), ("o", True), ("o", False)]


def test_what_cannot_be_a_tombstone_is_told(company) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event("a")], "received_at")
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    settings = company.settings()
    with pytest.raises(ValueError, match="pull the day again"):
        land_tombstones(settings, "usage_events", [{"event_id": "a"}])
    with pytest.raises(ValueError, match="order_id"):
        land_tombstones(settings, "orders", [{"id": "o"}])
    assert land_tombstones(settings, "orders", [{"order_id": "o"}]) == {}, "nothing has landed yet"
    assert lake.held_days(lake.stream_table(settings.home, "orders")) == {}


def test_tombstones_leave_other_days_as_they_are(company) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order("o", "2026-03-02 10:00:00"), order("p", "2026-03-03 11:00:00")], "updated_at")
    company.land("orders", [DAY, NEXT])
    settings = company.settings()
    before = lake.day_versions(settings.home, "orders", [DAY, NEXT, date(2026, 3, 9)])
    land_tombstones(settings, "orders", [{"order_id": "p"}])
    after = lake.day_versions(settings.home, "orders", [DAY, NEXT, date(2026, 3, 9)])
    assert {day for day in before if before[day] != after[day]} == {NEXT}
