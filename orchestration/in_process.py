"""Dagster in this process: its storage in the home, its definitions, and one job at a time, told in the words of the steps."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from orchestration import console
from orchestration.console import CommandError
from orchestration.settings import ROOT, Home

if TYPE_CHECKING:
    import dagster as dg

LOG = logging.getLogger("opsmart")

_PARSING: list[threading.Thread] = []


def parse_early(home: Home) -> None:
    """Let dbt parse its project beside what comes before it is needed: it takes as long as all of that."""
    from orchestration.pipeline import build, dbt_results

    def parse() -> None:
        with contextlib.suppress(
            dbt_results.BuildError, OSError
        ):  # told when the definitions are loaded, which parse again
            build.manifest_of(home)

    _PARSING.append(threading.Thread(target=parse, daemon=True))
    _PARSING[-1].start()


def dagster_instance(home: Home) -> dg.DagsterInstance:
    """Dagster's own storage lies in the home, so that the UI shows what ran from the command line."""
    import dagster as dg

    with _dagsters_storage(home):
        dagster_home(home)
        return dg.DagsterInstance.get()


@contextlib.contextmanager
def _dagsters_storage(home: Home) -> Iterator[None]:
    """Raises CommandError, in one line, when Dagster's own storage cannot be read or written."""
    from sqlalchemy.exc import DatabaseError

    try:
        yield
    except (DatabaseError, sqlite3.Error, OSError) as error:
        said = str(getattr(error, "orig", error)).splitlines()[0]
        raise CommandError(
            f"{home.path / 'dagster'}: Dagster's storage failed: {said}; what has landed and what is published stands; mend the "
            "disk, then run again (a damaged storage may be moved away: it holds the runs and events, nothing else)"
        ) from None


def dagster_home(home: Home) -> Path:
    """Make DAGSTER_HOME ready inside the home and point this process, and what it starts, at it."""
    folder = home.path / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    template = (ROOT / "orchestration" / "dagster.yaml").read_text(encoding="utf-8")
    (folder / "dagster.yaml").write_text(template.replace("@HOME@", str(folder)), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["OPSMART_HOME"] = str(home.path)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    return folder


def run_job(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    job: str,
    tags: dict[str, str],
    selection: list[dg.AssetKey] | None = None,
    ops: dict[str, Any] | None = None,
) -> bool:
    """Run a job in this process, quietly; its failures are told in the words of the steps. Returns whether it is green."""
    import dagster as dg

    home = Home(Path(os.environ["OPSMART_HOME"]))
    with (
        console.OUT.status(job) as status,
        contextlib.redirect_stdout(console.Progress(status, job)),
        _dagsters_storage(home),
    ):
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            tags=tags,
            raise_on_error=False,
            asset_selection=selection,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, "ops": ops or {}},
        )
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            failure = event.step_failure_data
            said = failure.user_failure_data.description if failure.user_failure_data else None
            console.say(f"[bold red]{event.step_key} failed:[/] {escape(said or _cause(failure.error))}")
    return bool(result.success)


def _cause(error: object) -> str:
    while getattr(error, "cause", None) is not None:
        error = error.cause  # type: ignore[attr-defined]
    return str(getattr(error, "message", error)).strip()


def load_definitions() -> dg.Definitions:
    """Dagster's definitions for this process's environment; the dbt project is parsed when it changed."""
    LOG.info("loading the definitions")
    importlib.import_module("dagster_dbt")  # seconds of import, while dbt parses
    while _PARSING:
        _PARSING.pop().join()
    from orchestration.definitions import defs

    return defs
