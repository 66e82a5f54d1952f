"""Schema drift: what is reported once, and what stops a pull, with the field's name, before and after."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from orchestration.pipeline import lake, schema_drift, summary
from orchestration.pipeline.landing import StreamLanding
from tests.conftest import Company
from tests.unit.test_reconciliation import Shop, shop  # noqa: F401 (a fixture)

DAYS = [date(2026, 3, day) for day in (1, 2, 3)]


def orders(company: Company, more: str = "tolerance = 0.1", count: int = 60, **values: object) -> None:
    rows = [
        {
            "order_id": f"o{n}", "ordered_at": "2026-03-01 10:00:00", "updated_at": f"2026-03-0{1 + n % 3} 10:00:00",
            "currency": "EUR", "status": "new", "cancelled_by": "merchant",
        } | {name: value for name, value in values.items() if value is not None}
        for n in range(count)
    ]  # fmt: skip
    for row in rows:
        for name in [name for name, value in values.items() if value is None]:
            del row[name]
    company.write("orders", rows, "updated_at", more)


def reason(outcome: StreamLanding) -> str:
    assert outcome.failed and not outcome.landed
    return outcome.failed[0].reason or ""


def keep_mapping(company: Company, column: str) -> None:
    """The profile still maps a column that the file no longer has."""
    company.streams["orders"] += f'{column} = "{column}"\n'


def test_a_vanished_optional_column_is_reported_once_and_lands_empty(company: Company, lake_rows: Any) -> None:
    orders(company)
    company.land("orders", DAYS[:1])
    orders(company, status=None)
    keep_mapping(company, "status")
    outcome = company.land("orders", DAYS[1:2])
    assert [str(found) for found in outcome.drift] == [
        "field status has vanished: before VARCHAR, now no such column (20 rows)"
    ]
    assert json.loads(outcome.landings[0].drift)[0]["column"] == "status"
    assert {(row["landed_date"].day, row["status"]) for row in lake_rows(company.settings(), "orders")} == {
        (1, "new"), (2, None),
    }  # fmt: skip


def test_the_pulls_after_it_do_not_report_it_again(company: Company) -> None:
    orders(company)
    company.land("orders", DAYS[:1])
    orders(company, status=None)
    keep_mapping(company, "status")
    assert len(company.land("orders", DAYS[1:2]).drift) == 1
    landed = [company.land("orders", days) for days in (DAYS[1:2], DAYS[2:])]
    assert [(outcome.drift, len(outcome.landed)) for outcome in landed] == [([], 1), ([], 1)]
    orders(company)
    assert company.land("orders", DAYS[2:]).drift == []
    orders(company, status=None)
    keep_mapping(company, "status")
    assert len(company.land("orders", DAYS[2:]).drift) == 1  # it came back, and went again


def test_a_column_that_never_was_there_is_a_wrong_mapping(company: Company) -> None:
    orders(company, status=None)
    keep_mapping(company, "status")
    assert "streams.orders.fields.status cannot be evaluated" in reason(company.land("orders", DAYS))


def test_a_vanished_required_column_stops_the_pull(company: Company, lake_rows: Any) -> None:
    orders(company)
    company.land("orders", DAYS[:1])
    orders(company, currency=None)
    keep_mapping(company, "currency")
    assert reason(company.land("orders", DAYS)) == (
        "orders: the required field currency has vanished: before VARCHAR, now no such column. The source orders_file has: "
        "order_id, ordered_at, updated_at, status, cancelled_by. Mend the source, or streams.orders.fields.currency"
    )
    assert len(lake_rows(company.settings(), "orders")) == 20


def test_unknown_enum_values_past_tolerance_are_named(company: Company) -> None:
    orders(company)
    company.land("orders", DAYS[:1])
    orders(company, cancelled_by="robot")
    told = reason(company.land("orders", DAYS[1:2]))
    assert "orders 2026-03-02: refused by reject_share: 20 of 20 rows rejected" in told
    assert told.endswith("field cancelled_by: before one of customer, merchant, carrier, system, now robot (20 rows)")


def test_texts_that_are_no_longer_of_the_type_are_named(company: Company) -> None:
    orders(company)
    company.land("orders", DAYS[:1])
    orders(company, ordered_at="soon")
    told = reason(company.land("orders", DAYS[1:2]))
    assert told.endswith("field ordered_at: before timestamptz in 100% of the rows, now soon (20 rows)")


def test_personal_values_are_not_named(company: Company) -> None:
    rows: list[dict[str, object]] = [
        {"event_id": f"e{n}", "event_name": "x", "occurred_at": "2026-03-01", "user_id": f"u{n}", "use_count": f"u{n}"}
        for n in range(3)
    ]
    company.write("usage_events", rows, "occurred_at", "tolerance = 0.1")
    told = reason(company.land("usage_events", DAYS[:1]))
    assert "field use_count: before bigint, now u0 (1 rows), u1 (1 rows), u2 (1 rows)" in told


def test_a_changed_type_stops_the_pull_until_the_profile_agrees(shop: Shop) -> None:  # noqa: F811
    settings = shop.settings()
    shop.land(settings, DAYS[:1])
    shop.say(
        "alter table orders rename to older",
        "create table orders (id text, customer_id text, cents integer, status integer, updated_at text)",
        "insert into orders select id, customer_id, cents, 1, updated_at from older",
    )
    outcome = shop.company.land("orders", DAYS[1:])
    assert [landing.state for landing in outcome.landings] == ["failed", "failed"]
    assert reason(outcome) == (
        'orders: a changed type at the source: field status: before VARCHAR, now BIGINT (from "status"). '
        "If it shall be so, say it in streams.orders.fields (a cast will do) and run again; else mend the source"
    )
    mapping = shop.company.streams["orders"]
    shop.company.streams["orders"] = mapping.replace('status = "status"', 'status = "cast(status as varchar)"')
    assert len(shop.company.land("orders", DAYS[1:]).landed) == 2


def test_a_field_of_an_open_schema_vanishes_when_rows_enough_lack_it(company: Company) -> None:
    """JSON lines leave out what is empty: a few rows without a key say nothing, a day of them does."""
    path = company.root / "orders.jsonl"
    company.streams["orders"] = (
        f'[sources.log]\nconnector = "files"\npath = "{path}"\nformat = "jsonl"\n[streams.orders]\nfrom = "log"\n'
        'cursor = "at"\n[streams.orders.fields]\norder_id = "id"\nordered_at = "at"\nupdated_at = "at"\n'
        "currency = \"'EUR'\"\nstatus = \"lower(state)\"\n"
    )  # fmt: skip

    def write(count: int, day: int, **more: str) -> None:
        lines = [json.dumps({"id": f"{day}-{n}", "at": f"2026-03-0{day} 10:00:00"} | more) for n in range(count)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    write(60, 1, state="new")
    assert company.land("orders", DAYS[:1]).drift == []
    write(10, 2)
    assert company.land("orders", DAYS[1:2]).drift == []
    write(60, 1)
    found = company.land("orders", DAYS[:1]).drift
    assert [(drift.column, drift.change, drift.count) for drift in found] == [("status", "vanished", 60)]
    assert company.land("orders", DAYS[:1]).drift == []


def test_what_is_new_is_reported_in_the_summary_once(company: Company) -> None:
    orders(company, x_new="1")
    company.land("orders", DAYS)
    settings = company.settings()
    landings = lake.read_landings(settings.home)
    reported = schema_drift.reported_since(landings, None)
    assert reported == ["orders: unknown field x_new (VARCHAR, 60 rows)"]
    assert schema_drift.reported_since(landings, datetime.now(UTC)) == []
    lines = summary.findings({"findings": {}, "verdicts": [], "schema_drift": reported})
    assert lines == ["orders: unknown field x_new (VARCHAR, 60 rows) (schema drift)"]


def test_a_column_that_the_profile_keeps_is_no_drift_and_lands_in_extra(company: Company, lake_rows: Any) -> None:
    orders(company, 'extra = ["x_new"]', x_new="1")
    assert company.land("orders", DAYS[:1]).drift == []
    assert {row["extra"] for row in lake_rows(company.settings(), "orders")} == {'{"x_new":"1"}'}


@pytest.mark.parametrize("days", [DAYS[:1], DAYS])
def test_what_landed_later_is_not_the_before_of_older_days(company: Company, days: list[date]) -> None:
    orders(company, status=None)
    company.land("orders", DAYS[2:])
    orders(company)
    assert schema_drift.fields_before(lake.read_landings(company.settings().home), "orders", days[0]) == {}
    assert company.land("orders", days).drift == []
    before = schema_drift.fields_before(lake.read_landings(company.settings().home), "orders", days[0])
    assert before["status"] == {"type": "VARCHAR", "share": 1.0, "sql": '"status"'}
