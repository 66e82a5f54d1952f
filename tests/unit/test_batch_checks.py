"""Gate 1, batch by batch: each check of a day as a whole is made to fail, and says what it found."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from orchestration.pipeline import batch_checks, expectations
from orchestration.pipeline import usual as usual_days
from orchestration.pipeline.landing import StreamLanding
from orchestration.pipeline.verdicts import Verdict
from sources.contract import load_contracts
from tests.integration.histories.checks import judge_in_pandas

STREAM = "usage_events"
FIRST = date(2026, 3, 1)
ORDER = {"order_id": 1, "ordered_at": FIRST, "updated_at": FIRST, "currency": "EUR"}
TICKET = {"ticket_id": 1, "created_at": FIRST, "updated_at": FIRST}
DAY = FIRST + timedelta(weeks=usual_days.MINIMUM_WEEKS)
USUAL = 70  # rows of a day: half of them is more than chance
DAYS = [FIRST + timedelta(days=n) for n in range((DAY - FIRST).days + 1)]


def event(day: date, number: int, **values: object) -> dict[str, Any]:
    at = f"{day}T{number % 24:02}:00:00Z"
    row = {"event_id": f"{day}-{number}", "event_name": "opened", "occurred_at": at, "received_at": at, "user_id": "u"}
    return row | {"use_count": 1, "error_count": 0} | values


def usual(day: date, count: int = USUAL) -> list[dict[str, Any]]:
    return [event(day, number) for number in range(count)]


# The rows of the last day; all days before it have a usual one.
SPOILED: dict[str, list[dict[str, Any]]] = {
    "reject_share": [*usual(DAY), event(DAY, 99, occurred_at="soon")],
    "undated_share": [*usual(DAY), *(event(DAY, 100 + n, received_at="soon") for n in range(50))],
    "undated_rows": [*usual(DAY), event(DAY, 99, received_at="soon")],
    "empty_days": [],
    "unique_keys": [*usual(DAY), event(DAY, 0)],
    "errors_within_uses": [*usual(DAY), event(DAY, 99, error_count=7)],
    "usual_volume": usual(DAY, USUAL // 2),
    "fresh_rows": [event(DAY, number % 14 + 24 * number) for number in range(USUAL)],
    "recent_events": [*usual(DAY), event(DAY, 99, occurred_at="2020-02-02T10:00:00Z")],
}


def land(company: Any, rows: list[dict[str, Any]], more: str = "") -> tuple[StreamLanding, dict[str, Verdict]]:
    before = [row for day in DAYS[:-1] for row in usual(day)]
    company.write("usage_events", [*before, *rows], "received_at", more)
    outcome = company.land("usage_events", DAYS)
    return outcome, {verdict.rule: verdict for verdict in outcome.verdicts}


def test_a_usual_day_passes_all(company) -> None:  # type: ignore[no-untyped-def]
    outcome, verdicts = land(company, usual(DAY))
    assert {verdict.status for verdict in verdicts.values()} == {"passed"} and not outcome.failed


def test_every_check_is_spoiled_here(company) -> None:  # type: ignore[no-untyped-def]
    """Those of a source that cannot be read are in test_landing."""
    land(company, usual(DAY))
    named = {asked.rule for asked in batch_checks.checks(company.settings().profile, "usage_events")}
    assert named == {*SPOILED, batch_checks.SOURCE_READABLE}


def _both_judges(*given: Any) -> list[Verdict]:
    """The library's word, and that the judge of the random histories says the same."""
    said = expectations.validate(*given)
    assert judge_in_pandas(*given) == said
    return said


@pytest.mark.parametrize("rule", SPOILED)
def test_a_spoiled_day_is_found(company, monkeypatch, rule: str) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(batch_checks, "validate", _both_judges)
    outcome, verdicts = land(company, SPOILED[rule])
    assert verdicts[rule].status == "failed"
    assert verdicts[rule].count >= 1 and verdicts[rule].message
    failed = [landing.landed_date for landing in outcome.failed]
    assert failed == {"reject_share": [DAY], "undated_share": DAYS}.get(rule, [])


def test_a_day_that_must_not_be_empty_is_refused(company) -> None:  # type: ignore[no-untyped-def]
    outcome, verdicts = land(company, [], 'empty_days = "fail"')
    assert verdicts["empty_days"].blocks
    assert [(x.landed_date, x.reason) for x in outcome.failed] == [
        (
            DAY,
            f"usage_events {DAY}: refused by empty_days: the source had no rows, and the profile says that it must",
        )
    ]


def test_a_day_that_may_be_empty_is_not_told(company) -> None:  # type: ignore[no-untyped-def]
    _, verdicts = land(company, [], 'empty_days = "expected"')
    assert "empty_days" not in verdicts


def test_a_doubled_volume_is_unusual_too(company) -> None:  # type: ignore[no-untyped-def]
    _, verdicts = land(company, usual(DAY, 2 * USUAL))
    assert verdicts["usual_volume"].status == "failed" and verdicts["fresh_rows"].status == "passed"
    assert verdicts["usual_volume"].message.endswith("; 28 of 29 days have no history of 4 weeks yet")


def test_a_feed_that_died_is_unusual(company) -> None:  # type: ignore[no-untyped-def]
    _, verdicts = land(company, [], 'empty_days = "expected"')
    assert verdicts["usual_volume"].status == "failed"


def test_what_landed_before_is_the_history(company) -> None:  # type: ignore[no-untyped-def]
    """The last day comes alone, in a pull of its own; a repeated pull of it is not compared with itself."""
    company.write(
        "usage_events", [row for day in DAYS for row in usual(day, USUAL // (2 - (day < DAY)))], "received_at"
    )
    company.land("usage_events", DAYS[:-1])
    for _ in range(2):
        (verdict,) = [v for v in company.land("usage_events", [DAY]).verdicts if v.rule == "usual_volume"]
        assert verdict.status == "failed" and verdict.samples[0]["landed_date"] == DAY.isoformat()
        assert "no history" not in verdict.message


WARNED: dict[str, tuple[dict[str, Any], str]] = {
    "orders_subscription_ends_after_start": (
        ORDER | {"started_at": "2026-03-02", "ended_at": "2026-03-01"},
        "updated_at",
    ),
    "orders_cancelled_after_placed": (ORDER | {"cancelled_at": "2026-02-01"}, "updated_at"),
    "shipments_delivered_after_shipped": (
        {
            "shipment_id": 1,
            "order_id": 1,
            "updated_at": FIRST,
            "shipped_at": "2026-03-02",
            "delivered_at": "2026-03-01",
        },
        "updated_at",
    ),
    "support_tickets_reply_before_solve": (
        TICKET | {"first_replied_at": "2026-03-03", "first_solved_at": "2026-03-02"},
        "updated_at",
    ),
    "support_tickets_reply_after_created": (TICKET | {"first_replied_at": "2026-02-01"}, "updated_at"),
    "support_tickets_solved_after_created": (TICKET | {"first_solved_at": "2026-02-01"}, "updated_at"),
}


@pytest.mark.parametrize("check", WARNED)
def test_a_row_that_breaks_a_warning_rule_is_told_and_lands(company, check: str) -> None:  # type: ignore[no-untyped-def]
    row, cursor = WARNED[check]
    stream = next(name for name in load_contracts() if check.startswith(f"{name}_"))
    company.write(stream, [row], cursor)
    outcome = company.land(stream, [FIRST])
    assert [(v.severity, v.status, v.count) for v in outcome.verdicts if v.name == check] == [("warning", "failed", 1)]
    assert [landing.landed for landing in outcome.landed] == [1]


def test_a_check_that_takes_too_long_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectations, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(expectations.threading.Thread, "start", lambda judge: None)  # one that never comes to an end
    wanted = expectations.Expectation("r", "expect_column_values_to_be_unique", {"column": "a"}, "error", "unique")
    (verdict,) = expectations.validate("gate_1", "s", "o", pd.DataFrame({"a": [1]}), ["a"], [wanted])
    assert verdict.blocks and verdict.status == "error" and "took longer than 0 s" in verdict.message
