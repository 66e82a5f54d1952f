"""Gate 1, batch by batch: each check of a day as a whole is made to fail, and says what it found."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from orchestration.pipeline import batch_checks, expectations
from orchestration.pipeline.landing import StreamLanding
from orchestration.pipeline.verdicts import Verdict
from tests.integration.histories.checks import judge_in_pandas

FIRST = date(2026, 3, 1)
DAY = FIRST + timedelta(days=batch_checks.MINIMUM_HISTORY)
USUAL = batch_checks.MINIMUM_VOLUME
DAYS = [FIRST + timedelta(days=n) for n in range(batch_checks.MINIMUM_HISTORY + 1)]


def event(day: date, number: int, **values: object) -> dict[str, Any]:
    at = f"{day}T10:00:00Z"
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
    "usual_volume": usual(DAY, 4),
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
    _, verdicts = land(company, usual(DAY, 5 * USUAL))
    assert verdicts["usual_volume"].status == "failed"
