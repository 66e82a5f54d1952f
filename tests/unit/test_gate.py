"""Gate 1, row by row: types, rules, privacy, landing days and drift."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, date, datetime

import duckdb
import pytest
from deltalake import DeltaTable

from orchestration.pipeline.keyed_hash import keyed_hash_sql

DAY = date(2026, 3, 2)


def event(**values: object) -> dict[str, object]:
    return {
        "event_id": "e1",
        "event_name": "opened",
        "occurred_at": "2026-03-02T10:00:00Z",
        "received_at": "2026-03-02T10:00:01Z",
        "user_id": "u1",
    } | values


def order(**values: object) -> dict[str, object]:
    return {
        "order_id": "o1",
        "customer_id": "c1",
        "ordered_at": "2026-03-02 10:00:00",
        "updated_at": "2026-03-02 10:00:00",
        "currency": "EUR",
        "discount_amount": "0",
    } | values


def reasons(company, stream: str) -> list[list[str]]:  # type: ignore[no-untyped-def]
    table = DeltaTable(str(company.settings().home.quarantine / stream)).to_pyarrow_table().to_pylist()
    return [json.loads(row["reasons"]) for row in table]


@pytest.mark.parametrize("value", ["Ann@Example.com", "  ann@example.COM ", "ß", ""])
@pytest.mark.parametrize("key", [b"k", b"0" * 64, b"1" * 100])
def test_the_hash_in_sql_is_hmac_sha256(value: str, key: bytes) -> None:
    found = duckdb.execute(f"select {keyed_hash_sql('$v', key)}", {"v": value}).fetchone()
    assert found == (hmac.new(key, value.strip(" ").lower().encode(), hashlib.sha256).hexdigest()[:32],)


def test_identifiers_join_across_streams_and_are_not_the_plain_hash(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event(user_id=" C1 ")], "received_at")
    company.write("orders", [order()], "updated_at")
    company.land("usage_events", [DAY])
    company.land("orders", [DAY])
    settings = company.settings()
    user = lake_rows(settings, "usage_events")[0]["user_id"]
    assert user == lake_rows(settings, "orders")[0]["customer_id"]
    assert user not in ("c1", hashlib.sha256(b"c1").hexdigest()[:32])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"discount_amount": "ten"}, "discount_amount_type"),
        ({"discount_amount": "-1"}, "discount_amount_range"),
        ({"currency": "euro"}, "currency_pattern"),
        ({"currency": None}, "currency_required"),
        ({"ordered_at": "yesterday"}, "ordered_at_type"),
        ({"order_id": "  "}, "order_id_required"),
        ({"updated_at": "never"}, "cursor_required"),
    ],
)
def test_a_bad_row_is_quarantined_with_the_rule(company, values: dict[str, object], reason: str) -> None:  # type: ignore[no-untyped-def]
    company.write(
        "orders", [order(order_id=f"o{n}") for n in range(9)] + [order(**values)], "updated_at", "tolerance = 1.0"
    )
    first = company.settings().profile.business.first_day
    outcome = company.land("orders", [first, DAY])
    assert sum(x.rejected for x in outcome.landings) == 1
    assert sum(x.pulled for x in outcome.landings) == 10
    assert [reason in found for found in reasons(company, "orders")] == [True]


def test_an_integer_with_a_fraction_is_not_rounded(company) -> None:  # type: ignore[no-untyped-def]
    rows = [event(event_id=str(n), use_count=value) for n, value in enumerate(["3", "3.0", "1.7"])]
    company.write("usage_events", rows, "received_at", "tolerance = 0.5")
    outcome = company.land("usage_events", [DAY])
    assert (outcome.landings[0].landed, outcome.landings[0].rejected) == (2, 1)
    assert reasons(company, "usage_events") == [["use_count_type"]]


def test_an_event_from_the_future_is_quarantined(company) -> None:  # type: ignore[no-untyped-def]
    rows = [event(event_id="a"), event(event_id="b", occurred_at="2026-03-02T12:00:00Z")]
    company.write("usage_events", rows, "received_at", "tolerance = 0.5")
    company.land("usage_events", [DAY])
    assert reasons(company, "usage_events") == [["not_from_the_future"]]


def test_boundary_instants_fall_on_the_day_of_the_landing_zone(company) -> None:  # type: ignore[no-untyped-def]
    """29 March 2026 has 23 hours in Berlin: from 28 March 23:00 UTC to 29 March 22:00 UTC."""
    company.business |= {"landing_zone": "Europe/Berlin"}
    instants = ["2026-03-28 22:59:59", "2026-03-28 23:00:00", "2026-03-29 21:59:59.999999", "2026-03-29 22:00:00"]
    company.write("orders", [order(order_id=str(n), updated_at=at) for n, at in enumerate(instants)], "updated_at")
    days = [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]
    outcome = company.land("orders", days)
    assert {x.landed_date: x.landed for x in outcome.landings} == dict(zip(days, [1, 2, 1], strict=True))


def test_a_time_without_zone_is_of_the_source_zone(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.business |= {"source_zone": "America/New_York"}
    company.write("orders", [order(ordered_at="2026-03-02", updated_at="2026-03-02 10:00:00+00:00")], "updated_at")
    company.land("orders", [DAY])
    row = lake_rows(company.settings(), "orders")[0]
    assert row["ordered_at"] == datetime(2026, 3, 2, 5, tzinfo=UTC)
    assert row["updated_at"] == datetime(2026, 3, 2, 10, tzinfo=UTC)


def internal_accounts(company, *rows: str) -> str:  # type: ignore[no-untyped-def]
    """Write the seed of the profile, and say what the profile says of it."""
    (company.root / "internal.csv").write_text("\n".join(["kind,value,note", *rows]) + "\n")
    return '\n[seeds]\ninternal_accounts = "internal.csv"\n'


def test_internal_people_are_marked_by_domain_person_and_account(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    known = [
        ("u1", "a@Corp.example", None),
        ("BOSS", None, None),
        ("u2", "a@corp.example.org", None),
        ("u3", None, "Testers"),
        ("u4", None, "boss"),
    ]
    rows = [event(event_id=str(n), user_id=u, email=e, account_id=a) for n, (u, e, a) in enumerate(known)]
    company.write("usage_events", rows, "received_at")
    extra = internal_accounts(company, "email_domain,corp.example,", "person,boss,", "account,testers,all of them")
    company.land("usage_events", [DAY], extra)
    found = {row["event_id"]: row["is_internal"] for row in lake_rows(company.settings(extra), "usage_events")}
    assert found == {"0": True, "1": True, "2": False, "3": True, "4": False}


def test_a_ticket_of_a_colleague_is_a_test_ticket(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    at = "2026-03-02 10:00:00"
    rows = [
        {"ticket_id": n, "created_at": at, "updated_at": at, "requester_email": email}
        for n, email in enumerate(["me@corp.example", "you@shop.example"])
    ]
    company.write("support_tickets", rows, "updated_at")
    extra = internal_accounts(company, "email_domain,corp.example,")
    company.land("support_tickets", [DAY], extra)
    found = {row["ticket_id"]: row["is_test"] for row in lake_rows(company.settings(extra), "support_tickets")}
    assert found == {"0": True, "1": False}


def test_an_unknown_column_is_reported_and_extra_is_kept(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order(x_note="hello", x_campaign="spring")], "updated_at", 'extra = ["x_campaign"]')
    outcome = company.land("orders", [DAY])
    assert [(d.column, d.type, d.count) for d in outcome.drift] == [("x_note", "VARCHAR", 1)]
    assert json.loads(lake_rows(company.settings(), "orders")[0]["extra"]) == {"x_campaign": "spring"}


def test_a_missing_column_fails_the_gate_by_name(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order()], "updated_at")
    company.land("orders", [DAY])
    text = (company.root / "orders.csv").read_text()
    (company.root / "orders.csv").write_text(text.replace("order_id,", "id,"))
    outcome = company.land("orders", [DAY])
    assert [x.state for x in outcome.landings] == ["failed"]
    reason = outcome.landings[0].reason or ""
    assert (
        reason.startswith("orders: the required field order_id has vanished: before VARCHAR, now no such column")
        and "The source orders_file has: id," in reason
    )
    assert len(lake_rows(company.settings(), "orders")) == 1


def test_too_many_bad_rows_fail_the_day_and_leave_what_was_there(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event(event_id="kept")], "received_at")
    company.land("usage_events", [DAY])
    company.write("usage_events", [event(event_id="new"), event(event_id="bad", occurred_at="?")], "received_at")
    outcome = company.land("usage_events", [DAY])
    assert [row["event_id"] for row in lake_rows(company.settings(), "usage_events")] == ["kept"]
    reason = outcome.landings[0].reason or ""
    assert "usage_events 2026-03-02: refused by reject_share: 1 of 2 rows rejected (50.0%, tolerance 1.0%)" in reason
    assert "occurred_at_type 1" in reason and "occurred_at=?" in reason


def test_a_message_about_an_expression_quotes_no_value(company) -> None:  # type: ignore[no-untyped-def]
    """A failing cast names the field, never the value: reasons reach landings, logs and the published coverage."""
    company.write("orders", [order(x_mail="ann@person.example")], "updated_at")
    company.streams["orders"] = company.streams["orders"].replace(
        'customer_id = "customer_id"', 'customer_id = "cast(x_mail as integer)"'
    )
    outcome = company.land("orders", [DAY])
    reason = outcome.landings[0].reason or ""
    assert "streams.orders.fields.customer_id cannot be evaluated" in reason and "***" in reason
    for path in company.settings().home.path.rglob("*"):
        assert not path.is_file() or b"ann@person" not in path.read_bytes()


def test_rows_without_a_readable_cursor_are_told_and_fail_no_day(company) -> None:  # type: ignore[no-untyped-def]
    """They belong to no day: the first day quarantines them, and every pull that meets them says so."""
    first = date(2026, 3, 1)
    good = [order(order_id=f"o{n}") for n in range(200)]
    company.write("orders", [*good, order(order_id="lost", updated_at="never")], "updated_at")
    outcome = company.land("orders", [first, DAY])
    assert [x.state for x in outcome.landings] == ["landed", "landed"]
    assert ["cursor_required" in found for found in reasons(company, "orders")] == [True]
    later = {v.rule: v for v in company.land("orders", [DAY]).verdicts}
    assert later["undated_rows"].status == "failed" and later["undated_rows"].count == 1
    assert later["undated_share"].status == "passed"


def test_sql_in_a_profile_cannot_reach_files(company) -> None:  # type: ignore[no-untyped-def]
    company.write("orders", [order()], "updated_at")
    company.streams["orders"] = company.streams["orders"].replace(
        'currency = "currency"', "currency = \"(select content from read_text('/etc/hostname'))\""
    )
    outcome = company.land("orders", [DAY])
    assert outcome.landings[0].state == "failed"
    assert "streams.orders.fields.currency cannot be evaluated" in (outcome.landings[0].reason or "")
