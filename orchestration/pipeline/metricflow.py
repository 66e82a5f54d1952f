"""Asks MetricFlow about a home: its views over the publication and the warehouse, and the command `mf`.

The semantic project is copied into the home, because dbt and MetricFlow write beside what they read. Its database holds
views alone; publication and warehouse are attached and cannot be written to. What a KPI's rows are does not belong here
(see semantic_project/kpi_rows.yml).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock

from orchestration.pipeline.build import DBT_PROJECT, warehouse_lock
from orchestration.pipeline.dbt_results import BuildError
from orchestration.pipeline.semantic_models import PROJECT
from orchestration.settings import Home

MACROS = ("portable.sql", "kpi.sql")  # those of the pipeline that the views use
NO_WAREHOUSE = ":memory:"


class MetricFlowError(RuntimeError):
    """MetricFlow cannot be asked; the message says what to do."""


def run_metricflow(home: Home, arguments: Sequence[str]) -> int:
    """Run `mf` over what the home has published. Returns its exit code; raises MetricFlowError."""
    with opened(home):
        return _mf(arguments)


@contextlib.contextmanager
def opened(home: Home) -> Iterator[Path]:
    """The home's semantic project, ready to be asked by this process and by nobody else. Raises MetricFlowError."""
    marts = home.current / "marts.duckdb"
    if not marts.is_file():
        raise MetricFlowError("there is no publication yet: `make run` makes the first")
    folder = home.path / "semantic"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"), _warehouse(home) as warehouse:
        _prepare(folder, marts, warehouse)
        yield folder


@contextlib.contextmanager
def _warehouse(home: Home) -> Iterator[Path | None]:
    """The warehouse, held so that no build begins meanwhile; None while a build holds it."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(warehouse_lock(home, seconds=0))
        except BuildError:
            print(
                "The warehouse is being built: KPIs over rows that are not published answer again when it is done.",
                file=sys.stderr,
            )
            yield None
        else:
            yield home.warehouse if home.warehouse.is_file() else None


def _prepare(folder: Path, marts: Path, warehouse: Path | None) -> None:
    """Make the project and its views ready in a folder, and point this process at it.

    Without a warehouse the views over it are left out. Views that are as they should be are not made again: that takes
    longer than most answers.
    """
    views, stamp = folder / "views.duckdb", folder / "views.md5"
    os.environ.update(
        OPSMART_VIEWS=str(views),
        OPSMART_MARTS=str(marts.resolve()),
        OPSMART_WAREHOUSE=str(warehouse or NO_WAREHOUSE),
        DBT_PROJECT_DIR=str(folder),
        DBT_PROFILES_DIR=str(folder),
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        DO_NOT_TRACK="1",
    )
    found = sorted(path for pattern in ("*.yml", "models/**/*") for path in PROJECT.glob(pattern) if path.is_file())
    files = {path.relative_to(PROJECT): path for path in found}
    files |= {Path("macros", name): DBT_PROJECT / "macros" / name for name in MACROS}
    built = warehouse.stat().st_mtime_ns if warehouse else 0
    digest = hashlib.md5(f"{os.environ['OPSMART_MARTS']}\n{os.environ['OPSMART_WAREHOUSE']}\n{built}".encode())
    for name, path in files.items():
        digest.update(str(name).encode() + path.read_bytes())
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest.hexdigest():
        return
    for old in (stamp, views):
        old.unlink(missing_ok=True)
    shutil.rmtree(folder / "models", ignore_errors=True)
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
    from dbt.cli.main import dbtRunner

    done = dbtRunner().invoke(["run", "--quiet", *([] if warehouse else ["--exclude", "tag:warehouse"])])
    if not done.success:
        raise MetricFlowError(f"the views of {PROJECT.name} could not be made; read {folder / 'logs' / 'dbt.log'}")
    stamp.write_text(digest.hexdigest(), encoding="utf-8")


def _mf(arguments: Sequence[str]) -> int:
    """One command of `mf`, called past its main entry, which would look on PyPI for a newer version."""
    from dbt_metricflow.cli.main import cli

    command = cli.commands.get(arguments[0]) if arguments else None
    if command is None:
        command, arguments, name = cli, ["--help"], "mf"
    else:
        name, arguments = f"mf {arguments[0]}", arguments[1:]
    try:
        command.main(args=list(arguments), prog_name=name)
    except SystemExit as done:
        return int(done.code or 0)
    return 0
