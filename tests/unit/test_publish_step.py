"""The publish step reads the verdicts again by itself: what dbt left is refused there, though no step before it is red."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.published import KEY, publication_asset
from orchestration.checks import acceptance_of, acceptance_tags
from orchestration.pipeline import dbt_results, mart_checks, refusals
from orchestration.pipeline.checks import summed_up
from orchestration.pipeline.publication import current
from orchestration.pipeline.verdicts import NOTHING_ACCEPTED, Acceptance, Verdict, accept, worst_first
from orchestration.settings import Settings
from tests.unit.test_publication import (
    FAILED,
    NOT_EVALUATED,
    PASSED,
    WARNED,
    fingerprint,
    write_manifest,
    write_warehouse,
)

TEST = "test.opsmart.fct_kpi_adds_up"
MANIFEST: dict[str, Any] = {
    "sources": {},
    "macros": {},
    "nodes": {
        "model.opsmart.fct_kpi": {
            "name": "fct_kpi",
            "resource_type": "model",
            "package_name": "opsmart",
            "fqn": ["opsmart", "marts", "kpi", "fct_kpi"],
            "raw_code": "select 1",
            "config": {},
            "original_file_path": "models/marts/kpi/fct_kpi.sql",
            "depends_on": {"nodes": [], "macros": []},
        },
        TEST: {
            "name": "fct_kpi_adds_up",
            "resource_type": "test",
            "config": {"severity": "error", "meta": {"owner": "finance", "fix": "Look at the segments."}},
            "original_file_path": "tests/kpi/fct_kpi_adds_up.sql",
            "depends_on": {"nodes": ["model.opsmart.fct_kpi"]},
        },
    },
}
LEFT: dict[
    str, tuple[str, dict[str, str] | None]
] = {  # what dbt may leave, and which of the publish step's checks sees it
    "failed": ("tests_pass", {TEST: "fail", "model.opsmart.fct_kpi": "success"}),
    "raised": ("tests_pass", {TEST: "error", "model.opsmart.fct_kpi": "success"}),
    "skipped": ("tests_pass", {TEST: "skipped", "model.opsmart.fct_kpi": "success"}),
    "not evaluated": ("tests_pass", {"model.opsmart.fct_kpi": "success"}),
    "not built": ("models_are_built", {TEST: "pass", "model.opsmart.fct_kpi": "error"}),
    "no results": ("build_has_results", None),
}


@pytest.fixture
def settings(company) -> Settings:  # type: ignore[no-untyped-def]
    row = {"order_id": "o", "ordered_at": "2026-03-01", "updated_at": "2026-03-01", "currency": "EUR"}
    company.write("orders", [row], "updated_at")
    ready: Settings = company.settings()
    write_warehouse(ready)
    write_manifest(ready, MANIFEST)
    return ready


def leave(settings: Settings, results: dict[str, str] | None) -> None:
    path = settings.home.runs / "target" / "run_results.json"
    path.unlink(missing_ok=True)
    if results is not None:
        rows = [{"unique_id": u, "status": s, "failures": int(s == "fail")} for u, s in results.items()]
        path.write_text(json.dumps({"results": rows}), encoding="utf-8")


@pytest.mark.parametrize("left", LEFT)
def test_what_dbt_left_blocks(settings: Settings, left: str) -> None:
    check, results = LEFT[left]
    leave(settings, results)
    verdicts = dbt_results.read_verdicts(settings.home)
    assert [v.name for v in summed_up(verdicts) if v.blocks] == [check]
    assert [v.name for v in mart_checks.judge_marts(settings.home) if v.blocks] == [], "no other check sees it"
    may_pass = accept(verdicts, Acceptance(("fct_kpi_adds_up", "fct_kpi_builds", "build_has_results"), "because"))
    assert any(v.blocks for v in may_pass) == (left != "failed"), "what was not evaluated cannot be accepted"


def test_the_publish_step_alone_refuses_what_a_step_before_let_pass(settings: Settings) -> None:
    """The asset runs by itself, as after a warehouse step that ended green in spite of a failed test."""
    leave(settings, {TEST: "pass", "model.opsmart.fct_kpi": "success"})
    assert dg.materialize([publication_asset(settings, [])]).success
    before = fingerprint(settings.home.published)
    leave(settings, {TEST: "fail", "model.opsmart.fct_kpi": "success"})
    done = dg.materialize([publication_asset(settings, [])], raise_on_error=False)
    assert not done.success and fingerprint(settings.home.published) == before
    first, *others = done.get_asset_check_evaluations()
    assert (first.asset_key, first.check_name, first.passed) == (KEY, "tests_pass", False)
    assert first.metadata["samples"].value == ["fct_kpi_adds_up"]
    assert others and all(check.passed for check in others)
    failed = next(e for e in done.all_events if e.event_type == dg.DagsterEventType.STEP_FAILURE)
    told = failed.step_failure_data.user_failure_data.description
    assert "fct_kpi_adds_up [failed] 1 rows" in told and "owner finance, failing since" in told
    accepted = acceptance_tags(["fct_kpi_adds_up"], "the rates come on Monday")
    assert dg.materialize([publication_asset(settings, [])], tags=accepted).success
    standing = current(settings)
    assert standing is not None and standing.manifest["accepted"] == {"fct_kpi_adds_up": "the rates come on Monday"}


def test_a_run_accepts_nothing_without_a_reason() -> None:
    assert acceptance_of({}) == NOTHING_ACCEPTED
    assert acceptance_of(acceptance_tags(["a", "b"], " ")) == NOTHING_ACCEPTED
    assert acceptance_of(acceptance_tags(["a", "b"], "x")) == Acceptance(("a", "b"), "x")


def test_only_what_failed_and_blocks_is_accepted() -> None:
    every = [PASSED, WARNED, FAILED, NOT_EVALUATED]
    accepted = accept(every, Acceptance(tuple(v.name for v in every), "because"))
    assert [(v.accepted, v.blocks) for v in accepted] == [("", False), ("", False), ("because", False), ("", True)]
    assert worst_first(every) == [FAILED, NOT_EVALUATED, WARNED, PASSED]


def test_since_when_a_check_fails(settings: Settings) -> None:
    """The first of the attempts in a row that it did not pass: an earlier failure that was mended does not count."""
    nights = [datetime(2026, 3, day, 4, tzinfo=UTC) for day in range(1, 6)]
    other = Verdict("gate_2", "x", "y", "error", "failed", "finance", "no")
    for night, found in zip(nights, ([FAILED], [PASSED], [FAILED, other], [FAILED], [FAILED]), strict=True):
        refusals.record_verdicts(settings.home, refusals.new_attempt(night), found, "run")
    assert refusals.failing_since(settings.home, [FAILED, other]) == {FAILED.name: nights[2]}
    assert refusals.last_refusal(settings.home) == (nights[-1], [FAILED.name])


def test_an_age_is_one_number() -> None:
    ages = [timedelta(minutes=5), timedelta(hours=3, minutes=59), timedelta(days=9, hours=5)]
    assert [refusals.told_age(age) for age in ages] == ["5 minutes", "3 hours", "9 days"]
