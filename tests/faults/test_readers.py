"""Readers while publications happen: no error, no torn set, who connects afresh sees the new set, nobody waits for anybody."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.pipeline.publication import publish
from orchestration.settings import Settings
from tests.conftest import Company
from tests.faults.figures import record
from tests.unit.small_warehouse import change, two_kpis
from tests.unit.test_ledger import shows
from tests.unit.test_publication import PASSED

HERE = Path(__file__).parent
STAMPED = ("stamped_first", "stamped_second", "stamped_third")
# What every mart of a set says of the publication's number: the marts of the warehouse, and those that publishing adds.
STATEMENTS = [
    *(f"select distinct stamp from {name}" for name in STAMPED),
    "select cast(row_count as integer) from fct_coverage",
    "select cast(target as integer) from dim_kpi where kpi_id = 'orders'",
    "select cast(value as integer) from fct_kpi",
    "select cast(value as integer) from fct_kpi_history where replaced_at is null",
    "select cast(max(value) as integer) from fct_kpi_restatements",
    "select cast(value as integer) from fct_kpi_history join dim_publication using (publication_id)",
]


class Publisher:
    """Publishes one set after the other; every mart of a set carries its number, as all marts of one build belong together."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.current, self.number = settings, settings.home.current, 0

    def build(self) -> None:
        """What dbt would leave: the next number in every mart of the warehouse."""
        self.number += 1
        tables = [
            f"create or replace table marts.{name} as select {self.number} as stamp, range as id from range(500)"
            for name in STAMPED
        ]
        counted = f"update marts.fct_coverage set row_count = {self.number}"
        change(self.settings, *tables, counted, f"update marts.dim_kpi set target = {self.number}")
        shows(self.settings, self.number)

    def publish(self) -> None:
        publish(self.settings, [PASSED], "run")

    def next(self) -> None:
        self.build()
        self.publish()


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    """Two publications are there, so that there are restatements."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPSMART_PROFILE", "")
        environment.setenv("OPSMART_HOME", "")
        ready = Publisher(two_kpis(Company(tmp_path_factory.mktemp("readers"))))
        ready.next()
        ready.next()
        yield ready


def stamps(folder: Path) -> set[int]:
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        return {said for statement in STATEMENTS for (said,) in con.execute(statement).fetchall()}


class Readers:
    """Reader processes over one folder of publications; `stopped` ones hold what they hold, and do nothing."""

    def __init__(self, published: Path, stop: Path, commands: Sequence[Sequence[str]]) -> None:
        self._stop = stop
        stop.parent.mkdir(exist_ok=True)
        last = [str(published), str(stop), json.dumps(STATEMENTS)]
        self._running = [
            subprocess.Popen([*command, *last, kind], stdout=subprocess.PIPE, text=True) for *command, kind in commands
        ]

    def wait(self) -> None:
        """Until each of them has read a set."""
        while len(list(self._stop.parent.glob("reads-*"))) < len(self._running):
            ended = [process.args for process in self._running if process.poll() is not None]
            assert not ended, f"ended early: {ended}"
            time.sleep(0.1)

    def signal(self, number: signal.Signals) -> None:
        for process in self._running:
            process.send_signal(number)

    def end(self) -> list[dict[str, Any]]:
        self._stop.touch()
        self.signal(signal.SIGCONT)
        return [json.loads(process.communicate(timeout=600)[0]) for process in self._running]


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fails where a step waits for something that does not come."""

    def too_long(*_: object) -> None:
        raise AssertionError(f"not done within {seconds} s: what does it wait for?")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def cpu_of(step: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    step()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def serve(
    publisher: Publisher, root: Path, commands: Sequence[Sequence[str]], publications: int, stopped_every: int
) -> tuple[list[dict[str, Any]], list[float], list[float]]:
    """Publish while they read; every so often, all readers are stopped with whatever they hold: publishing waits for none.

    While they are stopped, as many others read a copy elsewhere: the machine is as busy, and nobody reads what is published.
    Returns what the readers say, and the CPU seconds of every publication: while they read, and while they were stopped.
    """
    shutil.copytree(publisher.current.resolve(), root / "copy" / "current")
    readers = Readers(publisher.settings.home.published, root / "readers" / "stop", commands)
    elsewhere = Readers(root / "copy", root / "elsewhere" / "stop", commands)
    reading: list[float] = []
    stopped: list[float] = []
    try:
        with within(600):
            readers.wait()
            elsewhere.wait()
        for turn in range(1, sys.maxsize):
            if len(reading) == publications:
                break
            publisher.build()
            is_stopped = turn % stopped_every == 0
            readers.signal(signal.SIGSTOP if is_stopped else signal.SIGCONT)
            elsewhere.signal(signal.SIGCONT if is_stopped else signal.SIGSTOP)
            with within(600):
                (stopped if is_stopped else reading).append(cpu_of(publisher.publish))
            assert stamps(publisher.current) == {
                publisher.number
            }  # the first connection after it, with nothing to wait for
    finally:
        others = elsewhere.end()
        said = readers.end()
    record("reads", sum(one["served"] for one in said) * len(STATEMENTS))
    record("torn", sum(one["torn"] for one in said))
    assert [(one["kind"], one["torn"], one["errors"]) for one in said] == [(one["kind"], 0, []) for one in said]
    assert [(one["torn"], one["errors"]) for one in others] == [(0, [])] * len(commands), "the control reads too"
    assert all(len(one["seen"]) > 1 and publisher.number in one["seen"] for one in said)
    return said, reading, stopped


def python(*kinds: str) -> list[list[str]]:
    return [[sys.executable, str(HERE / "reader.py"), kind] for kind in kinds]


def test_readers_see_whole_sets_while_publications_happen(publisher: Publisher, tmp_path: Path) -> None:
    commands = python("fresh", "long", "sqlalchemy", "parquet")
    said, reading, stopped = serve(publisher, tmp_path, commands, publications=3, stopped_every=3)
    assert (len(said), len(reading), len(stopped)) == (4, 3, 1)


@pytest.mark.soak
def test_eight_readers_and_fifty_publications(publisher: Publisher, tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node and shutil.which("npm"), "this test needs node and npm"
    shutil.copy(HERE / "reader.mjs", tmp_path)
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "@duckdb/node-api"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"npm cannot install @duckdb/node-api: {(done.stdout + done.stderr)[-500:]}"
    commands = python("fresh", "fresh", "long", "long", "sqlalchemy", "parquet")
    commands += [[node, str(tmp_path / "reader.mjs"), "node"]] * 2
    said, reading, stopped = serve(publisher, tmp_path, commands, publications=50, stopped_every=3)
    ratio = statistics.median(reading) / statistics.median(stopped)
    counts = [(one["kind"], one["served"], len(one["seen"])) for one in said]
    print(
        f"CPU {ratio:.3f} times that of {statistics.median(stopped):.3f} s with readers elsewhere; "
        f"(kind, sets read, publications seen): {counts}"
    )
    assert len(said) == 8
    assert ratio <= 1.1, (sorted(reading), sorted(stopped))


def test_an_open_transaction_holds_up_nothing_and_keeps_its_set(publisher: Publisher) -> None:
    path, number = str(publisher.current / "marts.duckdb"), publisher.number
    with duckdb.connect(path, read_only=True) as open_one:
        open_one.execute("begin; from fct_kpi")
        publisher.next()
        with duckdb.connect(path, read_only=True) as fresh:  # in the same process: DuckDB tells the two files apart
            assert fresh.execute(STATEMENTS[0]).fetchall() == [(number + 1,)]
        assert {said for s in STATEMENTS for (said,) in open_one.execute(s).fetchall()} == {number}


def test_who_reads_parquet_resolves_the_link_once(publisher: Publisher) -> None:
    link, folder, number = publisher.current, Path(os.path.realpath(publisher.current)), publisher.number
    query = "select distinct stamp from read_parquet('{}/{}.parquet')"
    before = duckdb.sql(query.format(link, STAMPED[0])).fetchall()
    publisher.next()
    after = [duckdb.sql(query.format(where, STAMPED[1])).fetchall() for where in (link, folder)]
    assert (before, after) == ([(number,)], [[(number + 1,)], [(number,)]])  # by the link: files of two sets


def test_the_stamps_tell_a_torn_set(publisher: Publisher, tmp_path: Path) -> None:
    """As if marts were written into the current folder one after the other."""
    shutil.copytree(publisher.current.resolve(), tmp_path / "current")
    assert stamps(tmp_path / "current") == {publisher.number}
    with duckdb.connect(str(tmp_path / "current" / "marts.duckdb")) as con:
        con.execute(f"update {STAMPED[0]} set stamp = stamp + 1")
    assert stamps(tmp_path / "current") == {publisher.number, publisher.number + 1}
