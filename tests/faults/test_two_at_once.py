"""Two runs at the same time: one stands still at a seam while the other comes by; the result is that of one after the other.

docs/operations.md says which pairs there are and where each is tested.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from pathlib import Path

import pytest

from orchestration.pipeline import build, dbt_results, lake
from orchestration.settings import Home
from tests.faults.figures import record
from tests.faults.nights import Installation, Run
from tests.faults.seams import said_by
from tests.faults.test_kills import see_rows, strays


def is_waiting_for_a_lock(run: Run, seconds: float = 0.5) -> bool:
    """Whether nothing more happens in it."""
    before: list[str] = []
    while said_by(run.log) != before or not before:
        before = said_by(run.log)
        time.sleep(seconds)
    return run.process.is_alive()


@pytest.mark.parametrize(
    "seam",
    [
        "write to lake/usage_events #1",
        "rows of lake/usage_events are read, nothing is committed #1",
        "write to landings #1",
    ],
)
def test_two_pulls_of_the_same_days(moments: dict[str, Installation], tmp_path: Path, seam: str) -> None:
    """A schedule and a backfill, or two backfills: the second waits for the stream and decides from what the first wrote."""
    home = moments["land"].copied_to(tmp_path)
    first = home.begin("first", ("land",), stop_at=seam)
    second = home.begin("second", ("land",))
    assert is_waiting_for_a_lock(second)
    assert not [seen for seen in said_by(second.log) if seen.startswith("write to")]
    first.go_on()
    first.end()
    second.end()
    see_rows(home, moments["end"])
    assert strays_of_scratch(home) == []
    record("two at once")


def strays_of_scratch(home: Installation) -> list[str]:
    return [path for path in strays(Home(home.home)) if "/tmp/" in path.removeprefix(str(home.root))]


def test_what_was_pulled_before_does_not_land_over_what_was_pulled_later(
    moments: dict[str, Installation], tmp_path: Path
) -> None:
    """The first has read its source and is slow; a backfill after a correction of the source lands meanwhile."""
    home = moments["land"].copied_to(tmp_path)
    (day, *_) = sorted((home.root / "events").iterdir())
    kept = (day / "events.jsonl.gz").read_bytes()
    shutil.copyfile(sorted((home.root / "events").iterdir())[-1] / "events.jsonl.gz", day / "events.jsonl.gz")
    first = home.begin("first", ("land",), stop_at="pull.duckdb: create or replace temp table judged #1")
    (day / "events.jsonl.gz").write_bytes(kept)
    home.begin("second", ("land",)).end()
    see_rows(home, moments["end"])
    first.go_on()
    first.end()
    see_rows(home, moments["end"])
    record("two at once")


def test_two_first_starts_have_one_key(moments: dict[str, Installation], tmp_path: Path) -> None:
    home = moments["land"].copied_to(tmp_path)
    shutil.rmtree(home.home)
    first = home.begin("first", (), stop_at="rename keys/hash.key #1")
    second = home.begin("second", ())
    time.sleep(0.3)
    assert second.process.is_alive()
    first.go_on()
    first.end()
    second.end()
    record("two at once")


def test_a_second_build_waits_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`make run` beside the daemon's run, `make dbt` beside either."""
    home = Home(tmp_path)
    done: list[str] = []

    def build_too() -> None:
        with build.warehouse_lock(home):
            done.append("second")

    with caplog.at_level(logging.INFO, "opsmart"):
        with build.warehouse_lock(home):
            other = threading.Thread(target=build_too)
            other.start()
            while not caplog.messages:
                time.sleep(0.01)
            done.append("first")
        other.join()
    assert done == ["first", "second"]
    assert caplog.messages == [f"{home.warehouse} is held by another run; this one goes on after it"]
    record("two at once")


def test_who_waits_too_long_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with (
        build.warehouse_lock(home),
        pytest.raises(dbt_results.BuildError, match="was held by another run for 0 s; wait for that run, or stop it"),
        build.warehouse_lock(home, 0.1),
    ):
        pass
    with (
        lake.stream_lock(home, "orders"),
        pytest.raises(TimeoutError, match="orders: its table was held by another run for 0 s; wait for that run"),
        lake.stream_lock(home, "orders", 0.1),
    ):
        pass
    record("two at once")
