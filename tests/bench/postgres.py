"""`make bench-postgres`: what landing one day of order rows from a PostgreSQL costs, beside the least it could cost.

The landing is all of it: connector, gate, quarantine, lake. The reference reads the same rows by ADBC and lets DuckDB
write them as Parquet. Both are processes of their own; CPU seconds and peak memory are what the operating system
accounts for each, the server's own work not counted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import adbc_driver_postgresql.dbapi
import duckdb

from orchestration.pipeline.landing import land_stream
from orchestration.settings import load_settings
from sources.sample_company.postgres_server import running_postgres

DAY = date(2026, 3, 10)
TABLE = """create unlogged table orders as select n::bigint as id, 'C' || n % 700000 as customer_id,
    timestamptz '2026-03-09 20:00+00' + n * interval '10 ms' as created_at,
    timestamptz '2026-03-10' + n * (interval '24 hours' / {rows}) - interval '1 us' as updated_at, 'EUR' as currency,
    (n % 30000 * 0.01)::numeric(12, 2) as total, 'DE' as country, (array['paid', 'shipped', 'delivered'])[n % 3 + 1] as status
    from generate_series(1, {rows}) as n"""
PROFILE = """
name = "bench-postgres"
[business]
currency = "EUR"
first_day = 2026-03-01
last_day = 2026-03-31
[sources.shop]
connector = "sql"
url = "{url}"
table = "orders"
cursor = "updated_at"
[streams.orders]
from = "shop"
cursor = "updated_at"
ignore = ["total", "status"]
[streams.orders.fields]
order_id = "id"
ordered_at = "created_at"
updated_at = "updated_at"
currency = "currency"
customer_id = "customer_id"
country = "country"
"""


def land() -> None:
    """Land the day of the profile in OPSMART_PROFILE."""
    (landing,) = land_stream(load_settings(), "orders", [DAY], "bench").landings
    if landing.state != "landed":
        raise SystemExit(f"not landed: {landing.reason}")
    print(f"{landing.landed:,} rows landed", flush=True)


def reference(url: str, file: Path) -> None:
    """Read the same columns and write them as Parquet."""
    with (
        adbc_driver_postgresql.dbapi.connect(url) as connection,
        connection.cursor() as cursor,
        duckdb.connect() as con,
    ):
        cursor.execute(
            "select id, customer_id, created_at, updated_at, currency, total::text, country, status from orders"
        )
        con.register("rows", cursor.fetch_record_batch())
        con.execute(f"copy (select * from rows) to '{file}' (format parquet, compression zstd)")


def _measure(name: str, arguments: list[str]) -> tuple[float, float]:
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.postgres", *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{name} failed")
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024 / 1024
    print(f"{name:12} {cpu:9.1f} CPU s {time.monotonic() - started:9.1f} wall s {peak:9.2f} GB at the peak", flush=True)
    return cpu, peak


def main() -> None:
    """`--rows`: how many; `land` and `reference URL FILE` are the two processes that are measured."""
    parser = argparse.ArgumentParser(prog="bench-postgres", description=__doc__)
    parser.add_argument("--rows", type=int, default=int(os.environ.get("ROWS") or 5_000_000))
    parser.add_argument("part", nargs="*")
    options = parser.parse_args()
    if options.part[:1] == ["land"]:
        land()
        return
    if options.part[:1] == ["reference"]:
        reference(options.part[1], Path(options.part[2]))
        return
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as folder, running_postgres() as server:
        server.execute(TABLE.format(rows=options.rows), "create index on orders (updated_at)", "analyze orders")
        profile = Path(folder) / "profile.toml"
        profile.write_text(PROFILE.format(url=server.url()), encoding="utf-8")
        os.environ.update(OPSMART_PROFILE=str(profile), OPSMART_HOME=f"{folder}/home")
        cheapest, _ = _measure("reference", ["reference", server.url(), f"{folder}/orders.parquet"])
        cost, _ = _measure("landing", ["land"])
        print(f"{options.rows:,} rows: landing costs {cost / cheapest:.1f} times the CPU of the reference")


if __name__ == "__main__":
    main()
