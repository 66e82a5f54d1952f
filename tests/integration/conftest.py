"""The sample company, landed and published once by the main job for the tests of one file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.pipeline import build
from tests.integration.dbt_fork import run_dbt

ROOT = Path(__file__).parent.parent.parent


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the Makefile on the sample profile."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "--profile", "sample", *arguments],
        cwd=ROOT,
        env={**os.environ, "OPSMART_HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(home, what `run` printed)"""
    home = tmp_path_factory.mktemp("sample") / "data"
    done = command(home, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return home, done.stdout


@pytest.fixture(scope="module")
def forked_dbt() -> Iterator[None]:
    """The pipeline's builds run by forks."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(build, "run_dbt", run_dbt)
        yield
