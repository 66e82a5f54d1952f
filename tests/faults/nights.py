"""A night of the histories' world, in a process of its own that may be killed: land, build, publish.

What is real: connectors, gate 1, the lake, dbt's frontier, the publication and the ledger. What follows the frontier is
the SQL that dbt compiled (see histories/builds.py), and the verdicts of gate 2 are given: they are other tests' subject.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import traceback
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import duckdb

from orchestration.pipeline.verdicts import Verdict
from tests.faults import seams
from tests.integration.dbt_fork import FORKS
from tests.integration.histories.builds import FRONTIER, UNUSED, Template, Warehouse
from tests.integration.histories.world import REPORTING_ZONES, STREAMS, World, profile_text

PARTS = ("land", "build", "publish")
PASSED = Verdict("gate_2", "fct_kpi", "adds_up", "error", "passed", "finance", "adds up")
STAMPED = {"fct_kpi_history", "fct_kpi_restatements", "dim_publication"}  # they say how it came about
STAMPS = {"fct_coverage": "pulled_at"}


@dataclass(frozen=True)
class Run:
    """A night that goes on in a process of its own."""

    process: Any
    log: Path

    def stands_still(self) -> bool:
        state = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return state == "T"

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> list[str]:
        """Wait for its end. Returns the seams that it came to."""
        self.process.join()
        assert self.process.exitcode == 0, self.log.with_suffix(".error").read_text(encoding="utf-8")
        return seams.said_by(self.log)


@dataclass(frozen=True)
class Installation:
    """The world's sources below `root`, and a home that is fed from them."""

    root: Path
    template: Template

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def profile(self) -> Path:
        return self.root / "world.toml"

    @property
    def log(self) -> Path:
        return self.root / "seams.txt"

    def copied_to(self, root: Path) -> Installation:
        """Another one in the same state; its sources and its home are its own."""
        shutil.copytree(self.root, root, symlinks=True, dirs_exist_ok=True)
        other = Installation(root, self.template)
        other.profile.write_text(profile_text(root, REPORTING_ZONES[0]), encoding="utf-8")
        return other

    def night(self, parts: Sequence[str] = PARTS, kill_at: str | None = None) -> list[str]:
        """Live through a night. Returns the seams that it came to; with `kill_at`, that one is the last."""
        child = FORKS.Process(target=_night, args=(self, tuple(parts), self.log, kill_at, signal.SIGKILL))
        child.start()
        child.join()
        reached = seams.said_by(self.log)
        if kill_at:
            assert child.exitcode == -signal.SIGKILL, ("the night did not come to", kill_at)
            assert reached[-1] == kill_at
        else:
            assert child.exitcode == 0, self.log.with_suffix(".error").read_text(encoding="utf-8")
        return reached

    def begin(self, name: str, parts: Sequence[str], stop_at: str | None = None) -> Run:
        """Begin a night beside others; with `stop_at`, it has come to that seam and stands still there."""
        log = self.root / f"{name}.txt"
        child = FORKS.Process(target=_night, args=(self, tuple(parts), log, stop_at, signal.SIGSTOP))
        child.start()
        run = Run(child, log)
        while stop_at and not run.stands_still():
            assert child.is_alive(), ("the night did not come to", stop_at)
            sleep(0.01)
        return run

    def lake(self) -> dict[str, Counter[tuple[Any, ...]]]:
        """The rows of every stream, of its quarantine and the good days of `landings`, without stamps of pulls."""
        from orchestration.pipeline import lake
        from orchestration.settings import Home

        home = Home(self.home)
        held: dict[str, Counter[tuple[Any, ...]]] = {}
        for path in (*home.lake.glob("*"), *home.quarantine.glob("*")):
            if table := lake._open(path):
                rows = table.to_pyarrow_table()
                kept = rows.select([n for n in rows.column_names if n not in ("pulled_at", "run_id")]).to_pylist()
                held[str(path.relative_to(self.home))] = Counter(
                    tuple(re.sub(r"/\S*(?=/events/)", "", str(value)) for value in row.values()) for row in kept
                )
        good = lake.last_good(lake.read_landings(home))
        held["landings"] = Counter(
            (stream, str(day), row["landed"], row["rejected"], row["content_hash"])
            for (stream, day), row in good.items()
        )
        return held

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """The tables that readers see, row for row, without stamps."""
        with duckdb.connect(str(self.home / "published" / "current" / "marts.duckdb"), read_only=True) as con:
            names = [n for (n,) in con.execute("select table_name from duckdb_tables()").fetchall() if n not in STAMPED]
            return {
                name: con.execute(
                    f"select * {f'exclude ({STAMPS[name]})' if name in STAMPS else ''} from {name} order by all"
                ).fetchall()
                for name in names
            }


def opened(root: Path, template: Template) -> Installation:
    """Three days that have landed, are built and published, and a fourth that has happened since."""
    installation = Installation(root, template)
    world = World(root)
    root.mkdir(exist_ok=True)
    installation.profile.write_text(profile_text(root, REPORTING_ZONES[0]), encoding="utf-8")
    Warehouse(installation.home, installation.profile, template).begin()
    rng = Random(20260329)
    for _ in range(3):
        world.live(rng)
    world.write()
    installation.night()
    world.live(rng)
    world.correct(rng)
    world.late(rng)
    world.write()
    return installation


def _night(
    installation: Installation, parts: Sequence[str], log: Path, end_at: str | None, how: signal.Signals
) -> None:
    """The child: it ends here, whatever happens."""
    os.environ.update(OPSMART_HOME=str(installation.home), OPSMART_PROFILE=str(installation.profile))
    try:
        live(installation, parts, log, end_at, how)
    except BaseException:
        log.with_suffix(".error").write_text(traceback.format_exc(), encoding="utf-8")
        sys.exit(1)


def live(installation: Installation, parts: Sequence[str], log: Path, end_at: str | None, how: signal.Signals) -> None:
    """The settings, and then the parts of a night, in this process, which will end with it."""
    from orchestration.pipeline import batch_checks, catch_up, landing, publication
    from orchestration.settings import load_settings
    from tests.integration import dbt_preload
    from tests.integration.histories.checks import judge_in_pandas
    from tests.integration.histories.world import FIRST_DAY

    os.environ["OPSMART_ROOT"] = str(dbt_preload.ROOT)
    seams.watch(installation.home, log, end_at, how)
    batch_checks.validate = judge_in_pandas
    settings = load_settings()
    if "land" in parts:
        newest = max(day.name for day in (installation.root / "events").iterdir())
        tonight = datetime.combine(datetime.fromisoformat(newest) + timedelta(days=1), time(12), UTC)
        for stream in STREAMS:
            days = catch_up.days_to_land(settings, stream, now=tonight)
            recent = [tonight.date() - timedelta(days=n) for n in (2, 1)]  # they are not settled yet, that night
            days = sorted({*days, *(day for day in recent if day >= FIRST_DAY)})
            landing.land_stream(settings, stream, days, str(uuid.uuid4()))
    if "build" in parts:
        _build(installation)
    if "publish" in parts:
        publication.publish(settings, [PASSED], str(uuid.uuid4()))


def _build(installation: Installation) -> None:
    from dbt.adapters.duckdb import connections

    from tests.integration import dbt_preload

    folder = installation.home / "warehouse" / "dbt"
    dbt_preload.copy_manifest(folder / "target")
    done = dbt_preload.dbtRunner(manifest=dbt_preload.MANIFEST).invoke(
        ["run", "--select", *FRONTIER, "--exclude", *UNUSED, "--threads", "1", *dbt_preload.PROJECT, *dbt_preload.QUIET,
         "--no-write-json", "--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    )  # fmt: skip
    assert done.success, done.exception or [f"{r.node.name}: {r.message}" for r in done.result.results if r.message]
    connections.DuckDBConnectionManager.close_all_connections()
    Warehouse(installation.home, installation.profile, installation.template).build_pure()
