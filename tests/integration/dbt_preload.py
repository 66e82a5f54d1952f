"""What a fork server imports once: dbt, the modules of its Python models and of the pipeline, and the parsed project.

Importing this parses the project, so only builds that run in a process of their own import it. No database is opened
here: its threads would not survive the fork.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import dbt_common.clients.agate_helper  # noqa: F401
import dlt.sources.filesystem
import dlt.sources.sql_database  # noqa: F401
import pandas  # noqa: F401  (DuckDB imports it at its first prepared statement)
from dbt.cli.main import dbtRunner
from dbt_common.clients.jinja import template_cache
from filelock import FileLock

import orchestration.pipeline.landing
import orchestration.pipeline.plan
import orchestration.pipeline.publication  # noqa: F401
from sources.contract import load_contracts

ROOT = Path(__file__).parents[2]
PROJECT = ["--project-dir", str(ROOT / "dbt_project"), "--profiles-dir", str(ROOT / "dbt_project")]
QUIET = ["--quiet", "--log-level", "none", "--log-level-file", "none"]
PARSED = ROOT / ".pytest_cache" / "dbt"  # each server after the first one parses only what changed
LOCK = PARSED / "parse.lock"  # each process takes it with a FileLock of its own


def _parse() -> Any:
    PARSED.mkdir(parents=True, exist_ok=True)
    os.environ.update(OPSMART_HOME=str(PARSED), OPSMART_ROOT=str(ROOT), DBT_SEND_ANONYMOUS_USAGE_STATS="false")
    with FileLock(LOCK):
        parsed = dbtRunner().invoke(
            ["parse", *PROJECT, *QUIET, "--target-path", str(PARSED), "--log-path", str(PARSED)]
        )
    if not parsed.success:
        raise RuntimeError(f"the dbt project cannot be parsed: {parsed.exception}")
    return parsed.result


def copy_manifest(target: Path) -> None:
    """Put the project's manifest.json into a target folder; another server may be about to write it."""
    target.mkdir(parents=True, exist_ok=True)
    with FileLock(LOCK):
        shutil.copyfile(PARSED / "manifest.json", target / "manifest.json")


MANIFEST = _parse()
load_contracts()  # it remembers them
for _macro in MANIFEST.macros.values():
    template_cache.get_node_template(_macro)  # dbt compiles each at its first use, and keeps it
