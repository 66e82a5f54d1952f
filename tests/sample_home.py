"""The sample company, landed and published by the main job: once per session, however many workers ask for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parent.parent


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


def run_once(folder: Path) -> tuple[Path, str]:
    """(home, what `run` printed) in a folder that all workers of a session share; who comes later waits.

    Beside the home lies `as_built`, dbt's warehouse as the run left it: the home's own is used by tests of dbt by hand.
    """
    folder.mkdir(exist_ok=True)
    home, printed = folder / "data", folder / "printed.txt"
    with FileLock(folder / "lock"):
        if not printed.exists():
            done = command(home, "run")
            assert done.returncode == 0, done.stdout + done.stderr
            shutil.copytree(home / "warehouse", folder / "as_built")
            printed.write_text(done.stdout, encoding="utf-8")
    return home, printed.read_text(encoding="utf-8")
