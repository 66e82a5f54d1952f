"""A build that hangs is ended: it must not hold the warehouse until somebody looks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.pipeline import build
from orchestration.settings import Home

HANGS = [sys.executable, "-c", "import time; print('at work', flush=True); time.sleep(600)"]


def test_a_build_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "BUILD_SECONDS", 1.0)
    monkeypatch.setattr(build, "dbt_command", lambda home, arguments: HANGS)
    monkeypatch.setattr(build, "dbt_environment", lambda home: None)
    heard: list[str] = []
    with pytest.raises(build.BuildError) as told:
        build.run_dbt(Home(tmp_path), ["build"], heard.append)
    assert heard == ["at work"]
    assert str(told.value).startswith("dbt was stopped after 1 s, nothing was published; see ")
    assert "OPSMART_BUILD_SECONDS" in str(told.value) and "\n" not in str(told.value)


def test_what_is_done_in_time_says_what_it_has_to_say(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        with build.in_time(Home(tmp_path), process):
            assert process.wait() == 3
        with pytest.raises(KeyError), build.in_time(Home(tmp_path), process):
            raise KeyError("its own")


def test_who_reads_of_a_stopped_process_is_told_that_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dagster-dbt may stumble over lines that end in the middle."""
    monkeypatch.setattr(build, "BUILD_SECONDS", 0.2)
    with subprocess.Popen(HANGS) as process, pytest.raises(build.BuildError), build.in_time(Home(tmp_path), process):
        process.wait()
        raise ValueError("half a line")
