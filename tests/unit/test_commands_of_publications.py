"""`publications`, `rollback` and `replay` as commands and as Dagster's jobs: what they say, and that they do it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

import dagster as dg
import duckdb
import pytest
from rich.console import Console

from orchestration import cli, console
from orchestration.jobs import replay_job, rollback_job
from orchestration.settings import ROOT, Settings
from tests.unit.small_warehouse import two_kpis
from tests.unit.test_ledger import ask, night, shows
from tests.unit.test_replay import DAY, LOOSE, NEXT, counts, event, forbid


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command in this process; returns its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        printed = io.StringIO()
        monkeypatch.setattr(console, "OUT", Console(file=printed, width=300, highlight=False))
        return cli.main(arguments), printed.getvalue()

    return run


@pytest.fixture
def published(company) -> tuple[Settings, str, str]:  # type: ignore[no-untyped-def]
    """(settings, first, second): publications that show 3, then 4."""
    settings = two_kpis(company)
    shows(settings, 3)
    first = night(settings, 1)
    shows(settings, 4)
    return settings, first.id, night(settings, 2).id


def test_the_commands_list_and_go_back(published, command) -> None:  # type: ignore[no-untyped-def]
    settings, first, second = published
    code, said = command("rollback", "--to", first)
    assert code == 0 and f"Readers see {first}" in said and ask(settings, "select value from fct_kpi") == [(3,)]
    code, said = command("publications")
    lines = [line for line in said.splitlines() if "passed" in line]
    assert code == 0 and [second in lines[0], first in lines[1]] == [True, True]
    assert "rolled back from" in lines[0] and "current; rolled back to" in lines[1]
    code, said = command("rollback", "--to", "nowhere")
    assert code == 2 and said.count("\n") == 1 and f"no such publication; there are: {second}, {first}" in said


def test_the_first_home_has_none(company, command) -> None:  # type: ignore[no-untyped-def]
    two_kpis(company)
    code, said = command("publications")
    assert code == 0 and "There is no publication yet" in said


def test_the_job_goes_back_or_says_why_not(published) -> None:  # type: ignore[no-untyped-def]
    settings, first, _ = published
    done = rollback_job.execute_in_process(run_config={"ops": {"roll_back_readers": {"config": {"to": first}}}})
    assert done.success and ask(settings, "select value from fct_kpi") == [(3,)]
    again = rollback_job.execute_in_process(
        run_config={"ops": {"roll_back_readers": {"config": {"to": first}}}}, raise_on_error=False
    )
    (failed,) = [e for e in again.all_events if e.event_type == dg.DagsterEventType.STEP_FAILURE]
    assert "readers see it already" in failed.step_failure_data.user_failure_data.description


@pytest.fixture
def quarantined(company) -> Any:  # type: ignore[no-untyped-def]
    """A day with a row that a rule refused, and a profile without that rule."""
    rows = [event("1"), event("2", "bad")]
    company.business |= {"first_day": DAY, "last_day": NEXT}
    company.write("usage_events", rows, "received_at", forbid("bad"))
    company.land("usage_events", [DAY])
    company.write("usage_events", rows, "received_at", LOOSE)
    return company.settings()


def test_the_job_replays(quarantined: Settings) -> None:
    config = {"stream": "usage_events", "first": str(DAY), "last": str(NEXT)}
    done = replay_job.execute_in_process(run_config={"ops": {"replay_quarantine": {"config": config}}})
    assert done.success and counts(quarantined, "usage_events") == (2, 2, 0, 2, 0)


@pytest.mark.parametrize(
    ("stream", "first", "last", "code", "told"),
    [
        ("usage_events", DAY, NEXT, 0, "usage_events 2026-03-02: 1 of 1 quarantined rows pass"),
        ("usage_events", NEXT, NEXT, 0, "nothing is in quarantine of these days"),
        ("usage_events", NEXT, DAY, 2, "FROM must not be after TO"),
        ("usage_events", DAY, "soon", 2, "TO=soon: not a day; write YYYY-MM-DD"),
        ("orders", DAY, NEXT, 2, "STREAM=orders: not configured; allowed: usage_events"),
    ],
)
def test_a_dry_run_only_tells(quarantined: Settings, command, stream, first, last, code, told) -> None:  # type: ignore[no-untyped-def]
    before = counts(quarantined, "usage_events")
    said = command("replay", "--stream", stream, "--from", str(first), "--to", str(last), "--dry-run")
    assert said[0] == code and told in said[1]
    assert counts(quarantined, "usage_events") == before == (2, 1, 1, 1, 1)


@pytest.mark.soak
def test_the_command_replays_and_publishes(quarantined: Settings) -> None:
    """With dbt and the gates, as `make replay` runs it."""
    arguments = ["replay", "--stream", "usage_events", "--from", str(DAY), "--to", str(NEXT)]
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "OPSMART_PROFILE": os.environ["OPSMART_PROFILE"], "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 quarantined rows pass" in done.stdout
    assert counts(quarantined, "usage_events") == (2, 2, 0, 2, 0)
    with duckdb.connect(str(quarantined.home.current / "marts.duckdb"), read_only=True) as con:
        landed = con.execute("select row_count from fct_coverage where state = 'landed'").fetchall()
    assert landed == [(2,)]
