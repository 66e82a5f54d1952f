"""dbt for half of its price: a server imports it and parses the project once, and each run is a fork of that.

It is dbt itself that runs, in a process of its own, with the command line and the environment that the pipeline gives
it. The main job and the UI start it the usual way; test_main_job and test_ui_backfill are there for them.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestration.pipeline import build
from orchestration.settings import Home, dbt_environment

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([f"{__package__}.dbt_preload"])


def _child(arguments: Sequence[str], environment: dict[str, str], printed: str) -> None:
    from tests.integration import dbt_preload

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(build.DBT_PROJECT)
    dbt_preload.copy_manifest(Path(arguments[arguments.index("--target-path") + 1]))
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    done = dbt_preload.dbtRunner(manifest=dbt_preload.MANIFEST).invoke(list(arguments))
    sys.exit(0 if done.success else 2 if done.exception else 1)


def run_dbt(home: Home, arguments: Sequence[str], on_line: Callable[[str], None] = lambda line: None) -> int:
    """What `orchestration.pipeline.build.run_dbt` does, by a fork."""
    home.runs.mkdir(parents=True, exist_ok=True)
    printed = home.runs / "printed.txt"
    child = FORKS.Process(
        target=_child, args=(build.dbt_command(home, arguments)[1:], dbt_environment(home), str(printed))
    )
    child.start()
    child.join()
    for line in printed.read_text(encoding="utf-8").splitlines() if printed.is_file() else []:
        on_line(line)
    assert child.exitcode is not None
    return child.exitcode
