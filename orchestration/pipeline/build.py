"""The build: dbt as a subprocess over the frozen plan. What it said is `dbt_results.py`.

Nobody else may open the warehouse meanwhile: a file lock guards it. Publishing does not belong here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
from filelock import BaseFileLock, FileLock, Timeout

from orchestration.pipeline import lake
from orchestration.pipeline.dbt_results import BUILD_RESULTS, BuildError, forget_results, read_verdicts, results_file
from orchestration.pipeline.storage import told
from orchestration.pipeline.verdicts import NOTHING_ACCEPTED, Acceptance, Verdict
from orchestration.settings import ROOT, Home, dbt_environment

LOG = logging.getLogger("opsmart")
DBT_PROJECT = ROOT / "dbt_project"
LOCK_SECONDS = 3600.0
BUILD_SECONDS = float(os.environ.get("OPSMART_BUILD_SECONDS", "21600"))  # for one command of dbt
RUN_ARGUMENTS = ("build", "--exclude-resource-type", "unit_test")  # unit tests judge the code, not the night's data


@contextlib.contextmanager
def warehouse_lock(home: Home, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the warehouse: one build and publication at a time per home. Raises BuildError when others hold it too long,
    StorageError when the lock cannot be written.
    """
    with told(f"{home.warehouse}: nothing was built", "mend the disk, then run again"):
        home.warehouse.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home.warehouse.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            LOG.info(f"{home.warehouse} is held by another run; this one goes on after it")
            _wait(lock, home, seconds)
    try:
        yield
    finally:
        lock.release()


def _wait(lock: BaseFileLock, home: Home, seconds: float) -> None:
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise BuildError(
            f"{home.warehouse} was held by another run for {seconds:.0f} s; wait for that run, or stop it, and run again"
        ) from None


def make_ready(home: Home, full_refresh: bool = False) -> None:
    """Before a build, with the warehouse held: the lake can be opened, and so can the warehouse.

    A warehouse that is damaged is put aside, and everything is built from the lake anew; a full refresh begins with a new
    one whatever it looks like. Raises StorageError where the lake is damaged, BuildError where a process that does not
    know the lock has the warehouse open.
    """
    lake.open_all(home)
    forget_results(home)
    if full_refresh:
        _put_aside(home, keep=False)
    if not home.warehouse.is_file():
        return
    try:
        with duckdb.connect(str(home.warehouse), read_only=True) as con:
            con.execute("select count(*) from duckdb_tables()")
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        if "Conflicting lock" in said or isinstance(error, duckdb.ConnectionException):  # the latter: in this process
            raise BuildError(
                f"{home.warehouse} is open elsewhere, nothing was built: {said}; close it there, then run again"
            ) from None
        if "Permission denied" in said:
            raise BuildError(f"{home.warehouse}: {said}; make it readable, then run again") from None
        LOG.warning(f"{home.warehouse} is damaged and was put aside ({said}); everything is built from the lake anew")
        _put_aside(home, keep=True)


def _put_aside(home: Home, keep: bool) -> None:
    """Take the warehouse away; one damaged one is kept to look at, as `warehouse.damaged`."""
    home.warehouse.with_name(home.warehouse.name + ".wal").unlink(missing_ok=True)
    if keep:
        os.replace(home.warehouse, home.warehouse.with_suffix(".damaged"))
    else:
        home.warehouse.unlink(missing_ok=True)


def dbt_command(home: Home, arguments: Sequence[str]) -> list[str]:
    """The command line of dbt for this home; its target folder and logs lie in the home, not in the project."""
    return [
        str(Path(sys.executable).parent / "dbt"),
        *arguments,
        "--project-dir",
        str(DBT_PROJECT),
        "--profiles-dir",
        str(DBT_PROJECT),
        "--target-path",
        str(home.runs / "target"),
        "--log-path",
        str(home.runs / "logs"),
    ]


@contextlib.contextmanager
def in_time(home: Home, process: subprocess.Popen[Any]) -> Iterator[None]:
    """Until this block is left, dbt has BUILD_SECONDS: a model or test that hangs must not hold the warehouse for ever.

    Raises BuildError where it took longer and was stopped.
    """
    is_late = threading.Event()

    def stop() -> None:
        is_late.set()
        process.kill()

    timer = threading.Timer(BUILD_SECONDS, stop)
    timer.start()
    try:
        yield
    except Exception:
        if not is_late.is_set():
            raise
    finally:
        timer.cancel()
    if is_late.is_set():
        raise BuildError(
            f"dbt was stopped after {BUILD_SECONDS:,.0f} s, nothing was published; see {home.runs / 'logs' / 'dbt.log'} for the "
            "model or test that it was at, mend that or set OPSMART_BUILD_SECONDS higher, then run again"
        )


def run_dbt(home: Home, arguments: Sequence[str], on_line: Callable[[str], None] = lambda line: None) -> int:
    """Run dbt and hand on its lines as they come. Returns its exit code: 0 good, 1 something failed, 2 unusable.

    Raises BuildError where it takes longer than BUILD_SECONDS.
    """
    home.runs.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        dbt_command(home, arguments),
        cwd=DBT_PROJECT,
        env=dbt_environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        with in_time(home, process):
            for line in process.stdout:
                on_line(line.rstrip())
            return process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def manifest_of(home: Home) -> Path:
    """The manifest of the dbt project, parsed anew when a file of the project changed. Raises BuildError and StorageError.

    Dagster's web server and daemon ask at the same moment: the second waits for what the first parses.
    """
    manifest = home.runs / "target" / "manifest.json"
    with told(f"{home.runs}: the dbt project was not parsed", "mend the disk, then run again"):
        manifest.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(home.runs / "parse.lock"):
            _parse_if_changed(home, manifest)
    return manifest


def _parse_if_changed(home: Home, manifest: Path) -> None:
    stamp, digest = manifest.with_name("project.md5"), _project_digest()
    if _is_whole(manifest) and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return
    lines: list[str] = []
    if run_dbt(home, ["parse"], lines.append) != 0:
        raise BuildError("the dbt project cannot be parsed:\n" + "\n".join(lines[-20:]))
    stamp.write_text(digest, encoding="utf-8")


def _is_whole(manifest: Path) -> bool:
    """Whether dbt wrote it to its end: every build writes it anew, and may be killed meanwhile."""
    try:
        return isinstance(json.loads(manifest.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


def _project_digest() -> str:
    """A hash of every file that dbt reads when it parses."""
    files = sorted(
        path
        for pattern in ("*.yml", "models/**/*", "macros/**/*", "seeds/**/*", "tests/**/*")
        for path in DBT_PROJECT.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    )
    digest = hashlib.md5()
    for path in files:
        digest.update(str(path.relative_to(DBT_PROJECT)).encode() + path.read_bytes())
    return digest.hexdigest()


def run_arguments(full_refresh: bool, accepted_tests: Sequence[str] = ()) -> list[str]:
    """What dbt is asked to build. It skips whatever comes after a failed test, so accepted tests are left for afterwards."""
    return [
        *RUN_ARGUMENTS,
        *(["--full-refresh"] if full_refresh else []),
        *(["--exclude", *accepted_tests] if accepted_tests else []),
    ]


def accepted_tests(home: Home, acceptance: Acceptance) -> list[str]:
    """Those of the accepted checks that are tests of dbt."""
    tests = {node["name"] for node in read_manifest(home)["nodes"].values() if node["resource_type"] == "test"}
    return [name for name in acceptance.checks if name in tests]


def run_accepted_tests(home: Home, tests: Sequence[str], on_line: Callable[[str], None] = lambda line: None) -> None:
    """Evaluate, after the build, the tests that it left out; their results stand beside its own."""
    if not tests or not results_file(home).is_file():
        return
    results_file(home).replace(results_file(home).with_name(BUILD_RESULTS))
    run_dbt(home, ["test", "--select", *tests], on_line)


def build(
    home: Home,
    full_refresh: bool = False,
    on_line: Callable[[str], None] = lambda line: None,
    acceptance: Acceptance = NOTHING_ACCEPTED,
) -> list[Verdict]:
    """Build all models and run all data tests. Returns the verdicts; raises BuildError when dbt did not come to an end."""
    last: list[str] = []

    def hear(line: str) -> None:
        last.append(line)
        del last[:-40]
        on_line(line)

    home.warehouse.parent.mkdir(parents=True, exist_ok=True)
    make_ready(home, full_refresh)
    left_out = accepted_tests(home, acceptance) if acceptance.checks else []
    code = run_dbt(home, run_arguments(full_refresh, left_out), hear)
    if not results_file(home).is_file():
        words = [line for line in last if line.strip()]
        said = next((line for line in reversed(words) if "rror" in line), (words or ["it said nothing"])[-1])
        raise BuildError(
            f"dbt came to no result (exit code {code}), nothing was published: {' '.join(said.split())}; "
            f"all that it said: {home.runs / 'logs' / 'dbt.log'}"
        )
    run_accepted_tests(home, left_out, hear)
    return read_verdicts(home)


def read_manifest(home: Home) -> dict[str, Any]:
    """What dbt knows of the project: nodes, sources, macros. It is parsed first where it has changed."""
    found: dict[str, Any] = json.loads(manifest_of(home).read_text(encoding="utf-8"))
    return found
