"""`make bench`: write a synthetic lake, build it, and tell what each kind of build costs the machine.

CPU seconds are user + system of the whole dbt process; the peak is its resident memory. Both are what the operating
system accounts, for everything that a night's transform does: parsing, models and tests.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from orchestration.pipeline import build, lake
from orchestration.settings import Home, dbt_environment, load_settings
from tests.bench.world import OLD_DAYS, World, write_customers, write_day, write_empty_day

FRONTIER = ("config.meta.frontier:days", "config.meta.frontier:keys")  # the counts are kept after it
DEAREST = 12


@dataclass(frozen=True)
class Cost:
    """What one dbt process cost."""

    name: str
    cpu_seconds: float
    wall_seconds: float
    peak_gb: float
    dearest: list[tuple[str, float]]


def measure(home: Home, name: str, arguments: Sequence[str]) -> Cost:
    """Run dbt and account for its process. Raises RuntimeError when it fails."""
    home.runs.mkdir(parents=True, exist_ok=True)
    log = home.runs / "bench.log"
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            build.dbt_command(home, arguments),
            cwd=build.DBT_PROJECT,
            env=dbt_environment(home),
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{name}: dbt failed:\n" + "\n".join(log.read_text().splitlines()[-30:]))
    results = json.loads((home.runs / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    times = sorted(((r["unique_id"].split(".")[2], r["execution_time"]) for r in results), key=lambda t: -t[1])
    cpu = usage.ru_utime + usage.ru_stime
    cost = Cost(name, cpu, time.monotonic() - started, usage.ru_maxrss / 1024 / 1024, times[:DEAREST])
    print(f"{name:34} {cost.cpu_seconds:9.1f} {cost.wall_seconds:9.1f} {cost.peak_gb:9.2f}", flush=True)
    return cost


def _night(home: Home, world: World, day: date, late_days: Sequence[int] = ()) -> None:
    write_day(home, world, day, late_days)
    write_empty_day(home, "customers", day)


def run(home: Home, world: World, rewrite: bool) -> None:
    """Write the lake (unless it stands already), then measure each kind of build."""
    if rewrite or not home.lake.is_dir():
        shutil.rmtree(home.path, ignore_errors=True)
        load_settings(check_sources=False)
        started = time.monotonic()
        rows = 0
        for day in world.landing_days:
            rows += write_day(home, world, day)
            if day != world.landing_days[0]:
                write_empty_day(home, "customers", day)
        write_customers(home, world)
        print(f"{rows:,} rows of {world.people:,} people on {world.days} days in {time.monotonic() - started:.0f} s")
    print(f"\n{'build':34} {'CPU s':>9} {'wall s':>9} {'peak GB':>9}")
    costs = [measure(home, "first build", build.RUN_ARGUMENTS)]
    last = max(lake.held_days(lake.stream_table(home, "usage_events")))  # a kept lake has had its nights
    _night(home, world, last + timedelta(days=1))
    costs.append(measure(home, "a night: one new landing day", build.RUN_ARGUMENTS))
    _night(home, world, last + timedelta(days=2), OLD_DAYS)
    costs.append(measure(home, f"a late night: {len(OLD_DAYS)} older days", build.RUN_ARGUMENTS))
    pure = ["run", "--select", "path:models/intermediate", "path:models/marts", "--exclude", *FRONTIER]
    costs.append(measure(home, "the pure models alone", pure))
    costs.append(measure(home, "nothing new", build.RUN_ARGUMENTS))
    size = home.warehouse.stat().st_size / 1024**3
    print(f"\nwarehouse {size:.2f} GB")
    for cost in costs:
        print(f"\n{cost.name}: seconds by dbt's clock, two at a time")
        for node, seconds in cost.dearest:
            print(f"  {seconds:7.1f}  {node}")


def main() -> None:
    """Arguments: how many events, how many days, and where the home of the bench lies."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--events", type=int, default=int(os.environ.get("EVENTS") or 20_000_000))
    parser.add_argument("--days", type=int, default=int(os.environ.get("DAYS") or 60))
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("BENCH_HOME") or "data-bench"))
    parser.add_argument("--keep-lake", action="store_true", help="build anew over the lake that stands in the home")
    options = parser.parse_args()
    home = Home(options.home.resolve())
    os.environ["OPSMART_HOME"] = str(home.path)
    os.environ["OPSMART_PROFILE"] = str(Path(__file__).parent / "profile.toml")
    if options.keep_lake:
        shutil.rmtree(home.path / "warehouse", ignore_errors=True)
    run(home, World(options.events, options.days), not options.keep_lake)


if __name__ == "__main__":
    main()
