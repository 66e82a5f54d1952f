"""Landing: versions, replaced days, the same content, whole sets, failed days, and what is asked for next."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from orchestration.pipeline import catch_up, lake, plan
from orchestration.pipeline.landing import land_stream
from sources.contract import Contract, load_contracts
from sources.profile import Profile

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)


def order(number: str, at: str, **values: object) -> dict[str, object]:
    return {"order_id": number, "customer_id": "c", "ordered_at": at, "updated_at": at, "currency": "EUR"} | values


def item(line: str, quantity: int, at: str = "2026-03-02 10:00:00") -> dict[str, object]:
    return {"order_id": "o", "line_id": line, "quantity": quantity, "unit_price_amount": 5, "updated_at": at}


def event(number: str, at: str = "2026-03-02 10:00:00") -> dict[str, object]:
    return {"event_id": number, "event_name": "x", "occurred_at": at, "received_at": at, "user_id": "u"}


def version(settings: Any, stream: str) -> int:
    table = lake.stream_table(settings.home, stream)
    return -1 if table is None else table.version()


def test_the_same_content_is_no_commit(company) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event("a"), event("b")], "received_at")
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    for stream in ("usage_events", "orders"):
        company.land(stream, [DAY, NEXT])
        settings = company.settings()
        before = version(settings, stream)
        again = company.land(stream, [DAY, NEXT])
        assert version(settings, stream) == before
        assert [x.written for x in again.landings] == [0, 0]


def test_a_repulled_day_of_events_is_replaced(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event("a"), event("b"), event("c", "2026-03-03 10:00:00")], "received_at")
    company.land("usage_events", [DAY, NEXT])
    company.write("usage_events", [event("b"), event("d")], "received_at")
    company.land("usage_events", [DAY])
    assert sorted(row["event_id"] for row in lake_rows(company.settings(), "usage_events")) == ["b", "c", "d"]


def test_a_day_can_become_empty(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event("a"), event("b", "2026-03-03 10:00:00")], "received_at")
    company.land("usage_events", [DAY, NEXT])
    company.write("usage_events", [event("b", "2026-03-03 10:00:00")], "received_at")
    outcome = company.land("usage_events", [DAY])
    assert outcome.landings[0].state == "landed"
    assert [row["event_id"] for row in lake_rows(company.settings(), "usage_events")] == ["b"]


class _Crash(BaseException):
    """The process ends here; nothing may catch it."""


@pytest.mark.parametrize("was", [["a"], []])
@pytest.mark.parametrize("died_with", [["a", "b"], []])
def test_rows_without_a_landing_row_do_not_stay(company, lake_rows, monkeypatch, was, died_with) -> None:  # type: ignore[no-untyped-def]
    """A pull dies after its rows, and the source is back at what was recorded before: the lake is brought back too."""
    other_day = event("z", "2026-03-03 10:00:00")

    def say(ids: list[str]) -> None:
        company.write("usage_events", [other_day, *(event(number) for number in ids)], "received_at")

    say(was)
    company.land("usage_events", [DAY, NEXT])
    say(died_with)
    with monkeypatch.context() as patched, pytest.raises(_Crash):
        patched.setattr(lake, "append_landings", _die)
        company.land("usage_events", [DAY])
    say(was)
    outcome = company.land("usage_events", [DAY])
    assert outcome.landings[0].landed == len(was)
    assert sorted(row["event_id"] for row in lake_rows(company.settings(), "usage_events")) == [*was, "z"]


def test_a_changed_order_adds_a_version(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write(
        "orders",
        [order("o", "2026-03-02 10:00:00", status="new"), order("p", "2026-03-02 11:00:00", status="new")],
        "updated_at",
    )
    company.land("orders", [DAY])
    company.write(
        "orders",
        [order("o", "2026-03-02 10:00:00", status="paid"), order("p", "2026-03-02 11:00:00", status="new")],
        "updated_at",
    )
    outcome = company.land("orders", [DAY])
    assert outcome.landings[0].written == 1
    found = sorted((row["order_id"], row["status"]) for row in lake_rows(company.settings(), "orders"))
    assert found == [("o", "new"), ("o", "paid"), ("p", "new")]


def test_a_value_that_went_and_came_back_is_a_new_version(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    for status in ("new", "paid", "new"):
        company.write("orders", [order("o", "2026-03-02 10:00:00", status=status)], "updated_at")
        company.land("orders", [DAY])
    rows = sorted(lake_rows(company.settings(), "orders"), key=lambda row: row["pulled_at"])
    assert [row["status"] for row in rows] == ["new", "paid", "new"]


def test_items_come_as_whole_sets(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("order_items", [item("1", 1), item("2", 1)], "updated_at")
    company.land("order_items", [DAY])
    company.write("order_items", [item("1", 1), item("2", 9)], "updated_at")
    outcome = company.land("order_items", [DAY])
    assert outcome.landings[0].written == 2
    newest = max(row["pulled_at"] for row in lake_rows(company.settings(), "order_items"))
    newest_set = [row for row in lake_rows(company.settings(), "order_items") if row["pulled_at"] == newest]
    assert sorted((row["line_id"], row["quantity"]) for row in newest_set) == [("1", 1), ("2", 9)]


def test_a_source_that_is_gone_fails_its_days_and_keeps_the_lake(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    company.land("orders", [DAY])
    settings = company.settings()
    (company.root / "orders.csv").unlink()
    outcome = land_stream(settings, "orders", [DAY, NEXT], "second")
    assert [x.state for x in outcome.landings] == ["failed", "failed"]
    assert "orders.csv" in (outcome.landings[0].reason or "")
    assert len(lake_rows(settings, "orders")) == 1
    states = {row["landed_date"]: (row["state"], row["is_landed"]) for row in plan.freeze(settings.home).to_pylist()}
    assert states == {DAY: ("failed", True), NEXT: ("failed", False)}


def test_conservation_per_day(company) -> None:  # type: ignore[no-untyped-def]
    rows = [event(str(n), f"2026-03-0{2 + n % 2} 10:00:00") for n in range(10)]
    rows += [event("bad") | {"occurred_at": "?", "received_at": f"2026-03-0{2 + n % 2} 11:00:00"} for n in range(3)]
    company.write("usage_events", rows, "received_at", "tolerance = 0.5")
    company.land("usage_events", [DAY, NEXT])
    for row in plan.freeze(company.settings().home).to_pylist():
        assert row["pulled_count"] == row["landed_count"] + row["rejected_count"] > 0
        assert row["row_count"] == row["landed_count"]


def test_repeated_ids_of_a_pull_are_counted_over_its_days(company) -> None:  # type: ignore[no-untyped-def]
    """`a` stands twice on a day and once on the next, `b` once on either; `c` is single. Versions of orders repeat nothing."""
    rows = [event("a"), event("a"), event("b"), event("c")]
    company.write("usage_events", rows + [event(n, "2026-03-03 10:00:00") for n in "ab"], "received_at")
    company.write("orders", [order("o", f"2026-03-0{n} 10:00:00") for n in (2, 3)], "updated_at")
    landed = company.land("usage_events", [DAY, NEXT]).landings + company.land("orders", [DAY, NEXT]).landings
    found = [json.loads(landing.findings) for landing in landed]
    assert found == [{"repeated_ids": 2, "repeated_rows": 3}, {"repeated_rows": 2}, {}, {}]


def test_missing_unsettled_and_changed_days_are_asked_for(company) -> None:  # type: ignore[no-untyped-def]
    company.business |= {"last_day": date(2026, 3, 10)}
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    settings = company.settings()
    first, last = date(2026, 3, 1), date(2026, 3, 10)
    every = [first + timedelta(days=n) for n in range(10)]
    assert catch_up.days_to_land(settings, "orders") == every
    land_stream(settings, "orders", every[:4] + every[5:], "r")
    assert catch_up.days_to_land(settings, "orders") == [every[4]]
    land_stream(settings, "orders", [every[4]], "r")
    assert catch_up.days_to_land(settings, "orders") == []
    company.write("orders", [order("o", "2026-03-02 10:00:00", status="paid")], "updated_at")
    assert catch_up.days_to_land(company.settings(), "orders") == every
    assert last in every


def test_a_live_source_is_pulled_again_until_it_is_settled(company) -> None:  # type: ignore[no-untyped-def]
    now = datetime.now(UTC)
    company.business |= {"first_day": now.date() - timedelta(days=5), "last_day": now.date() + timedelta(days=5)}
    company.write("orders", [order("o", f"{now:%Y-%m-%d} 00:00:00")], "updated_at")
    settings = company.settings()
    days = catch_up.days_to_land(settings, "orders", now=now)
    assert days[-1] == now.date() - timedelta(days=1)
    land_stream(settings, "orders", days, "r")
    assert catch_up.days_to_land(settings, "orders", now=now) == days[-2:]
    assert catch_up.days_to_land(settings, "orders", now=now + timedelta(days=3))[0] == days[-2]


def test_a_bound_on_days_per_run_starts_with_the_oldest(company) -> None:  # type: ignore[no-untyped-def]
    company.business |= {"max_days_per_run": 3}
    company.write("orders", [order("o", "2026-03-02 10:00:00")], "updated_at")
    assert catch_up.days_to_land(company.settings(), "orders") == [date(2026, 3, d) for d in (1, 2, 3)]


def test_data_of_a_killed_first_landing_goes_when_the_day_is_empty(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event("a"), event("b", "2026-03-05 10:00:00")], "received_at")
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(lake, "append_landings", _die)
        with pytest.raises(_Crash):
            company.land("usage_events", [DAY])
    company.write("usage_events", [event("b", "2026-03-05 10:00:00")], "received_at")
    company.land("usage_events", [DAY])
    assert lake_rows(company.settings(), "usage_events") == []


def _die(*_: object) -> None:
    raise _Crash


def test_an_unknown_column_is_reported_once(company) -> None:  # type: ignore[no-untyped-def]
    rows = [event("a") | {"x_new": 1}, event("b", "2026-03-03 10:00:00") | {"x_new": 2}]
    company.write("usage_events", rows, "received_at")
    first = company.land("usage_events", [DAY])
    assert [(found.column, found.count) for found in first.drift] == [("x_new", 2)]
    assert company.land("usage_events", [DAY, NEXT]).drift == []
    company.write("usage_events", [row | {"x_newer": 1} for row in rows], "received_at")
    assert [found.column for found in company.land("usage_events", [DAY, NEXT]).drift] == ["x_newer"]


def test_a_field_that_is_new_in_the_contract_becomes_a_column(company, lake_rows, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def before(_: Profile, stream: str) -> Contract:
        contract = load_contracts()[stream]
        return replace(contract, fields=tuple(f for f in contract.fields if f.name != "requires_shipping"))

    company.write("order_items", [item("1", 2)], "updated_at")
    with monkeypatch.context() as patch:
        patch.setattr(Profile, "contract", before)
        company.land("order_items", [DAY])
    company.write("order_items", [item("2", 1, "2026-03-03 10:00:00") | {"requires_shipping": "false"}], "updated_at")
    assert [x.state for x in company.land("order_items", [NEXT]).landings] == ["landed"]
    rows = lake_rows(company.settings(), "order_items")
    assert {row["line_id"]: row["requires_shipping"] for row in rows} == {"1": None, "2": False}
