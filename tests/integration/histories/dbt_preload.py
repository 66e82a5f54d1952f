"""What the fork server of builds.py imports once: dbt, the modules of its Python models, and the parsed project.

Importing this parses the project, so only builds that run in a process of their own import it. No database is opened
here: its threads would not survive the fork.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import dbt_common.clients.agate_helper  # noqa: F401
import pandas  # noqa: F401  (DuckDB imports it at its first prepared statement)
from dbt.cli.main import dbtRunner
from dbt_common.clients.jinja import template_cache

import orchestration.pipeline.plan  # noqa: F401
from sources.contract import load_contracts

ROOT = Path(__file__).parents[3]
PROJECT = ["--project-dir", str(ROOT / "dbt_project"), "--profiles-dir", str(ROOT / "dbt_project")]
QUIET = ["--quiet", "--log-level", "none", "--log-level-file", "none", "--no-write-json"]


def _parse() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(OPSMART_HOME=folder, OPSMART_ROOT=str(ROOT), DBT_SEND_ANONYMOUS_USAGE_STATS="false")
        parsed = dbtRunner().invoke(["parse", *PROJECT, *QUIET, "--target-path", folder, "--log-path", folder])
    if not parsed.success:
        raise RuntimeError(f"the dbt project cannot be parsed: {parsed.exception}")
    return parsed.result


MANIFEST = _parse()
load_contracts()  # it remembers them
for _macro in MANIFEST.macros.values():
    template_cache.get_node_template(_macro)  # dbt compiles each at its first use, and keeps it
