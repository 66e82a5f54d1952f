"""The sample company, landed and published once by the main job for the tests of one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.dbt_fork import forked_dbt  # noqa: F401  (a fixture)

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
