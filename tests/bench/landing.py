"""`make bench-landing`: what landing a day of JSON-line events costs, beside DuckDB alone over the same files.

Both write the same Parquet: DuckDB alone reads the files, computes the same columns (hashes included) and writes them;
landing also finds the files' keys, judges every row, quarantines, counts, compares and commits. Each runs in a process
of its own; CPU seconds (user + system) and the peak of resident memory are what the operating system accounts for it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

DAY = date(2026, 3, 2)
FILES = 48  # a collector that writes every half hour
FILE_ROWS = 20_000  # rows that are generated at once
MOST_TIMES = 3.0
MOST_GB = 1.5

PROFILE = """
name = "bench-landing"

[business]
currency = "EUR"
first_day = {day}
last_day = {day}

[sources.events]
connector = "files"
path = "{folder}/{{day}}/*.json.gz"
format = "jsonl"

[streams.usage_events]
from = "events"
ignore = ["sentAt"]

[streams.usage_events.fields]
event_id = "messageId"
event_name = "coalesce(event, type)"
occurred_at = "timestamp"
received_at = "receivedAt"
anonymous_id = "anonymousId"
user_id = "userId"
session_id = "properties->>'session_id'"
platform = "properties->>'platform'"
country = "properties->>'country'"
plan = "properties->>'plan'"
acquisition_channel = "context->'campaign'->>'source'"
feature = "properties->>'feature'"
is_internal = "coalesce(context->>'userAgent', '') ilike '%bot%'"
email = "context->'traits'->>'email'"
ip_address = "context->>'ip'"
"""


def write_events(folder: Path, events: int) -> None:
    """Write the day: gzipped JSON lines in Segment's shape, about 480 bytes each before compression."""
    day_folder = folder / DAY.isoformat()
    day_folder.mkdir(parents=True)
    per_file = -(-events // FILES)
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'; set memory_limit = '1GB'; set preserve_insertion_order = true")
        for number in range(FILES):
            first, last = number * per_file, min((number + 1) * per_file, events)
            con.execute(
                f"""copy (
                    select md5('e' || n) as "messageId", 'track' as type,
                        ['page_viewed', 'report_opened', 'board_edited', 'file_shared', 'search_done'][1 + h % 5] as event,
                        strftime(happened, '%Y-%m-%dT%H:%M:%S.%gZ') as "timestamp",
                        strftime(happened + interval 2 second, '%Y-%m-%dT%H:%M:%S.%gZ') as "sentAt",
                        strftime(happened + interval 3 second, '%Y-%m-%dT%H:%M:%S.%gZ') as "receivedAt",
                        uuid_of as "anonymousId", case when h % 3 > 0 then 'user_' || h % 900000 end as "userId",
                        {{session_id: md5('s' || h % 1500000), platform: ['web', 'ios', 'android'][1 + h % 3],
                          country: ['DE', 'FR', 'US', 'GB', 'PL'][1 + h % 5], plan: ['free', 'pro', 'team'][1 + h % 3],
                          feature: ['search', 'board', 'report', 'share'][1 + h % 4]}} as properties,
                        {{ip: '10.0.' || h % 256 || '.' || n % 256, locale: 'de-DE',
                          campaign: {{source: ['google', 'mail', 'direct'][1 + h % 3]}},
                          "userAgent": 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.' || h % 90}} as context
                    from (
                        select n, cast(hash(n) % 1000000007 as bigint) as h,
                            timestamp '{DAY}' + to_microseconds(cast(n * (86000e6 / {events}) as bigint)) as happened,
                            md5('a' || hash(n) % 1200000) as uuid_of
                        from (select unnest(range({first}, {last})) as n)
                    )
                ) to '{day_folder}/events-{number:02}.json.gz' (format json, compression gzip)"""
            )


def reference(folder: Path) -> None:
    """DuckDB alone: the same columns of the same rows into one Parquet file."""
    from orchestration.pipeline.keyed_hash import keyed_hash_sql
    from sources.contract import load_contracts

    hashed = {"anonymous_id": '"anonymousId"', "user_id": '"userId"', "customer_id": "null", "account_id": "null"}
    has = {name: keyed_hash_sql(column, b"k" * 32) for name, column in hashed.items()} | {
        "event_id": '"messageId"',
        "event_name": "coalesce(event, type)",
        "occurred_at": "timestamp",
        "received_at": '"receivedAt"',
        "acquisition_channel": "context->'campaign'->>'source'",
        "use_count": "1",
        "is_internal": "coalesce(context->>'userAgent', '') ilike '%bot%'",
    }
    has |= {n: f"properties->>'{n}'" for n in ("session_id", "platform", "country", "plan", "feature")}
    fields = load_contracts()["usage_events"].landed_fields()
    columns = ", ".join(f"cast({has.get(f.name, 'null')} as {f.type}) as {f.name}" for f in fields)
    content = ", ".join(f"cast({f.name} as varchar)" for f in fields if not f.is_transport)
    texts = ("messageId", "type", "event", "timestamp", "receivedAt", "anonymousId", "userId")
    kinds = {**dict.fromkeys(texts, "VARCHAR"), "properties": "JSON", "context": "JSON"}
    with duckdb.connect() as con:
        con.execute(f"set timezone = 'UTC'; set memory_limit = '1GB'; set temp_directory = '{folder}/spill'")
        con.execute("set enable_progress_bar = false")
        con.execute(
            f"""copy (
                select *, cast(null as varchar) as extra, md5(concat_ws(chr(31), {content})) as content_hash,
                    timestamptz '2026-03-03 02:00:00+00' as pulled_at, date '{DAY}' as landed_date
                from (select {columns} from read_json('{folder}/{DAY}/*.json.gz', format = 'newline_delimited',
                                                      columns = {kinds}))
            ) to '{folder}/reference.parquet' (format parquet, compression snappy)"""
        )


def land(folder: Path) -> None:
    """The day through the gate into the lake of `folder`, as the nightly job does it."""
    from orchestration.pipeline import lake
    from orchestration.pipeline.landing import land_stream
    from orchestration.settings import load_settings

    settings = load_settings()
    outcome = land_stream(settings, "usage_events", [DAY], "bench")
    (landing,) = outcome.landings
    if landing.state != "landed":
        raise SystemExit(f"the day did not land: {landing.reason}")
    held = lake.held_days(lake.stream_table(settings.home, "usage_events"))
    print(f"{held[DAY].rows:,} rows landed, {landing.rejected} rejected", flush=True)


@dataclass(frozen=True)
class Cost:
    """What one process cost."""

    cpu_seconds: float
    wall_seconds: float
    peak_gb: float


def measure(step: str, folder: Path) -> Cost:
    """Run one step of this module in a process of its own. Raises RuntimeError when it fails."""
    environment = os.environ | {"OPSMART_HOME": str(folder / "home"), "OPSMART_PROFILE": str(folder / "bench.toml")}
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.bench.landing", "--folder", str(folder), "--step", step]
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{step} failed")
    cpu = usage.ru_utime + usage.ru_stime
    cost = Cost(cpu, time.monotonic() - started, usage.ru_maxrss / 1024 / 1024)
    print(f"{step:12} {cost.cpu_seconds:9.1f} {cost.wall_seconds:9.1f} {cost.peak_gb:9.2f}", flush=True)
    return cost


def main() -> None:
    """Arguments: how many events, and the folder in which everything is written."""
    parser = argparse.ArgumentParser(prog="bench-landing", description=__doc__)
    parser.add_argument("--events", type=int, default=int(os.environ.get("EVENTS") or 5_000_000))
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("BENCH_HOME") or "data-bench-landing"))
    parser.add_argument("--keep-files", action="store_true", help="land the files that are in the folder already")
    parser.add_argument("--step", choices=["reference", "land"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()
    if options.step:
        (reference if options.step == "reference" else land)(folder)
        return
    if not options.keep_files:
        shutil.rmtree(folder, ignore_errors=True)
        write_events(folder, options.events)
    shutil.rmtree(folder / "home", ignore_errors=True)
    (folder / "bench.toml").write_text(PROFILE.format(day=DAY, folder=folder), encoding="utf-8")
    size = sum(file.stat().st_size for file in (folder / DAY.isoformat()).iterdir())
    print(f"{FILES} files, {size / 1024**2:,.0f} MB\n\n{'':12} {'CPU s':>9} {'wall s':>9} {'peak GB':>9}", flush=True)
    alone, landed = measure("reference", folder), measure("land", folder)
    times = landed.cpu_seconds / alone.cpu_seconds
    print(
        f"\nlanding costs {times:.2f} times the CPU (at most {MOST_TIMES}), {landed.peak_gb:.2f} GB (at most {MOST_GB})"
    )
    if times > MOST_TIMES or landed.peak_gb > MOST_GB:
        raise SystemExit("more than was promised")


if __name__ == "__main__":
    main()
