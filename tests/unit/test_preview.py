"""The preview of a backfill: what the lake holds of the range, and how far its rows reach."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.pipeline.preview import next_start, preview_periods, preview_streams, previous_start
from tests.unit.test_landing import DAY, NEXT, item, order


def test_rows_and_dates_of_the_range(company) -> None:  # type: ignore[no-untyped-def]
    moved = order("o", "2026-03-02 10:00:00") | {"ordered_at": "2026-03-01 23:30:00"}
    company.business |= {"reporting_zone": "Europe/Berlin"}
    company.write("orders", [moved, order("p", "2026-03-03 10:00:00")], "updated_at")
    company.write("order_items", [item("1", 1)], "updated_at")
    company.land("orders", [DAY])
    company.land("order_items", [DAY])
    settings = company.settings()
    orders, items = preview_streams(settings, ["orders", "order_items"], [DAY, NEXT])
    assert (orders.days, orders.landed_days, orders.rows, orders.dates) == (2, 1, 1, {DAY, NEXT}), "00:30 in Berlin"
    assert items.dates == {date(2026, 3, 1), DAY, NEXT}, "a line has no date of its own: its order's may be any"
    assert preview_periods(settings, [orders]) == [], "nothing is published yet"


def test_nothing_landed(company) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    (found,) = preview_streams(company.settings(), ["orders"], [DAY])
    assert (found.landed_days, found.rows, found.dates) == (0, 0, {DAY})


@pytest.mark.parametrize(
    ("grain", "start", "after"),
    [
        ("day", date(2026, 2, 28), date(2026, 3, 1)),
        ("week", date(2026, 2, 23), date(2026, 3, 2)),
        ("month", date(2026, 2, 1), date(2026, 3, 1)),
        ("month", date(2026, 12, 1), date(2027, 1, 1)),
        ("quarter", date(2026, 1, 1), date(2026, 4, 1)),
        ("quarter", date(2026, 7, 1), date(2026, 10, 1)),
    ],
)
def test_the_period_after(grain: str, start: date, after: date) -> None:
    assert next_start(grain, start) == after


@pytest.mark.parametrize(
    ("grain", "start", "before"),
    [
        ("day", date(2026, 3, 1), date(2026, 2, 28)),
        ("week", date(2026, 3, 2), date(2026, 2, 23)),
        ("month", date(2026, 1, 1), date(2025, 12, 1)),
        *(("quarter", date(2026, month, 1), date(2026, month - 3, 1)) for month in (4, 7, 10)),
        ("quarter", date(2026, 1, 1), date(2025, 10, 1)),
    ],
)
def test_the_period_before_begins(grain: str, start: date, before: date) -> None:
    assert previous_start(grain, start) == before
    assert next_start(grain, before) == start
