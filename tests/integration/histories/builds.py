"""A build for a fraction of its price: by forks of a dbt that has parsed the project, and of it only what can differ.

dbt itself builds the plan, the staging views, the frontier and the counts that are kept, with what they need, in a process
of its own that ends, or is killed, with its database closed. What comes after them is compiled without a look at the lake,
so its SQL is the same in every build: it is taken from one real run and executed as it is. Builds by hand go through dbt
from end to end, which proves that the shortcut changes nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock

from tests.integration.dbt_fork import FORKS

FRONTIER = ("+config.meta.frontier:days", "+config.meta.frontier:keys", "+config.meta.frontier:counts")
UNUSED = ("*__shipments", "*__shipment_items", "*__fx_rates", "*__survey_responses")  # the world has none of these

PAUSED = "paused"  # a file that says that dbt waits


@dataclass(frozen=True)
class Template:
    """A warehouse that was built over an empty lake, and what was learnt from that run."""

    warehouse: Path
    pure: tuple[tuple[str, str], ...]  # (relation, SQL) of the models after the frontier, in an order that works
    frontier: tuple[str, ...]  # names of the frontier models
    statements: int  # that dbt executes to build the frontier


def _is_staging(statement: str) -> bool:
    """Whether a statement creates a staging view: by then the plan is frozen, and nothing has read it."""
    return re.search(r"create\s+(or replace\s+)?view\s+\S*stg_", statement) is not None


def _child(home: str, profile: str, arguments: Sequence[str], kill_at: int, pause: bool) -> None:
    """Run dbt in this process. With `kill_at`, the process is killed before the statement of that number; with `pause`, it
    waits between the plan and what reads it until the parent has done something."""
    from tests.integration import dbt_preload

    os.environ.update(OPSMART_HOME=home, OPSMART_PROFILE=profile, OPSMART_ROOT=str(dbt_preload.ROOT))
    from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

    folder = Path(home, "warehouse", "dbt")
    executed, execute = 0, DuckDBCursorWrapper.execute

    def counted(self: Any, *given: Any, **named: Any) -> Any:
        nonlocal executed
        executed += 1
        if executed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if pause and not (folder / PAUSED).exists() and _is_staging(str(given[0])):
            (folder / PAUSED).touch()
            while (folder / PAUSED).read_text() != "go on":
                time.sleep(0.01)
        return execute(self, *given, **named)

    DuckDBCursorWrapper.execute = counted
    folders = ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    command = [*arguments, "--threads", "1", *dbt_preload.PROJECT, *dbt_preload.QUIET, "--no-write-json", *folders]
    done = dbt_preload.dbtRunner(manifest=dbt_preload.MANIFEST).invoke(command)
    results = list(getattr(done.result, "results", []))
    problems = [f"{r.node.name}: {r.message}" for r in results if str(r.status) not in ("success", "pass")]
    said = {
        "problems": [str(done.exception)] if done.exception else problems,
        "statements": executed,
        "models": [
            (f"{r.node.schema}.{r.node.name}", r.node.compiled_code, bool(r.node.config.meta.get("frontier")))
            for r in results
            if r.node.resource_type == "model" and r.node.language == "sql" and r.node.config.materialized != "view"
        ],
    }
    (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")
    sys.exit(0 if done.success else 1)


def dbt(
    home: Path,
    profile: Path,
    arguments: Sequence[str],
    kill_at: int = 0,
    meanwhile: Callable[[], None] | None = None,
) -> dict[str, Any] | None:
    """Run dbt on a home. Returns what it said, or None when it was killed; raises AssertionError when it failed.

    `meanwhile` happens while dbt waits, after the plan is frozen.
    """
    said = home / "warehouse" / "dbt" / "said.json"
    said.parent.mkdir(parents=True, exist_ok=True)
    said.unlink(missing_ok=True)
    (paused := said.with_name(PAUSED)).unlink(missing_ok=True)
    child = FORKS.Process(
        target=_child, args=(str(home), str(profile), tuple(arguments), kill_at, meanwhile is not None)
    )
    child.start()
    if meanwhile:
        while not paused.exists() and child.is_alive():
            time.sleep(0.01)
        assert paused.exists(), "dbt created no staging view"
        meanwhile()
        paused.write_text("go on")
    child.join()
    if child.exitcode == -signal.SIGKILL and kill_at:
        return None
    answer: dict[str, Any] = (
        json.loads(said.read_text(encoding="utf-8")) if said.is_file() else {"problems": ["no word"]}
    )
    assert child.exitcode == 0, answer["problems"]
    return answer


def make_template(home: Path, profile: Path) -> Template:
    """Build everything once over an empty lake."""
    dbt(home, profile, ["seed"])
    run = dbt(home, profile, ["run"])
    frontier = dbt(home, profile, ["run", "--select", *FRONTIER, "--exclude", *UNUSED])
    assert run is not None and frontier is not None
    built = {relation for relation, _, _ in frontier["models"]}
    pure = tuple(
        (relation, sql) for relation, sql, is_frontier in run["models"] if not is_frontier and relation not in built
    )
    names = tuple(relation.split(".")[1] for relation, _, is_frontier in frontier["models"] if is_frontier)
    warehouse = home / "warehouse" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        con.execute("checkpoint")  # copies of the file alone are whole then
    return Template(warehouse, pure, names, frontier["statements"])


def shared_template(folder: Path, profile_text: str) -> Template:
    """The template in a folder that all workers of a session share; the first who asks makes it, the others wait."""
    folder.mkdir(exist_ok=True)
    profile, said = folder / "world.toml", folder / "template.json"
    with FileLock(folder / "lock"), pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPSMART_PROFILE", "")
        environment.setenv("OPSMART_HOME", "")
        if not said.exists():
            profile.write_text(profile_text, encoding="utf-8")
            made = make_template(folder / "home", profile)
            said.write_text(json.dumps([made.pure, made.frontier, made.statements]), encoding="utf-8")
    pure, frontier, statements = json.loads(said.read_text(encoding="utf-8"))
    warehouse = folder / "home" / "warehouse" / "warehouse.duckdb"
    return Template(warehouse, tuple((relation, sql) for relation, sql in pure), tuple(frontier), statements)


@dataclass(frozen=True)
class Warehouse:
    """The warehouse of one home, begun as a copy of the template's."""

    home: Path
    profile: Path
    template: Template

    @property
    def file(self) -> Path:
        return self.home / "warehouse" / "warehouse.duckdb"

    def begin(self) -> Warehouse:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.template.warehouse, self.file)
        return self

    def build(self, *flags: str, kill_at: int = 0, meanwhile: Callable[[], None] | None = None) -> bool:
        """Build frontier and marts. False when the build was killed. `meanwhile` happens after the plan is frozen."""
        command = ["run", "--select", *FRONTIER, "--exclude", *UNUSED, *flags]
        if dbt(self.home, self.profile, command, kill_at, meanwhile) is None:
            return False
        self.build_pure()
        return True

    def build_pure(self) -> None:
        """Build what comes after the frontier."""
        with duckdb.connect(str(self.file)) as con:
            con.execute("set TimeZone = 'UTC'; set default_null_order = 'nulls_last'; set threads = 1")
            con.begin()
            for relation, sql in self.template.pure:
                con.execute(f"create or replace table {relation} as {sql}")
            con.commit()

    def rows(self, relation: str) -> list[dict[str, Any]]:
        """All rows of a relation, in a fixed order."""
        with duckdb.connect(str(self.file), read_only=True) as con:
            con.execute("set TimeZone = 'UTC'")
            return list(con.execute(f"select * from {relation} order by all").to_arrow_table().to_pylist())

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table of the frontier and of the marts, row for row in a fixed order."""
        with duckdb.connect(str(self.file), read_only=True) as con:
            con.execute("set TimeZone = 'UTC'")
            names = [
                f"intermediate.{name}"
                for name in ("int_lake__conservation", "int_identity__anonymous_spans", "int_engagement__first_visits")
            ]
            for schema, table in con.execute(
                "select table_schema, table_name from information_schema.tables where table_schema = 'marts' order by 2"
            ).fetchall():
                names.append(f"{schema}.{table}")
            frontier = con.execute("select distinct model from intermediate.applied_partitions order by 1").fetchall()
            names += [f"intermediate.{name}" for (name,) in frontier]
            return {name: con.execute(f"select * from {name} order by all").fetchall() for name in names}
