"""A range backfill as the UI starts it: through GraphQL, against a running `dagster dev`, ending in a publication."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.cli import dagster_home
from orchestration.settings import Home

ROOT = Path(__file__).parent.parent.parent
DAYS = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]


BACKFILL = """
mutation Backfill($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
STATS = """
query Stats($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode { partitionStats { numMaterialized numFailed } } }
}
"""
RUNS = "{ runsOrError { ... on Runs { results { jobName status assetSelection { path } } } } }"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, probe: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


@pytest.fixture
def server(company, tmp_path: Path) -> Iterator[tuple[Callable[..., Any], Path]]:  # type: ignore[no-untyped-def]
    """(a function that asks GraphQL, the home) of a running `dagster dev` over a small company with a bad third day."""
    company.business |= {"last_day": date(2026, 3, 4)}
    orders = [
        {"order_id": f"{day}-{n}", "customer_id": f"c{n}", "ordered_at": f"{day} 10:00:00", "updated_at": f"{day} 10:00:00",
         "currency": "nonsense" if day == DAYS[2] else "EUR"}
        for day in DAYS for n in range(3)
    ]  # fmt: skip
    items = [
        {"order_id": o["order_id"], "line_id": 1, "quantity": 1, "unit_price_amount": 10, "updated_at": o["updated_at"]}
        for o in orders
    ]
    company.write("orders", orders, "updated_at")
    company.write("order_items", items, "updated_at")
    home = Home(company.settings().home.path)
    dagster_home(home)
    port = free_port()
    log = (tmp_path / "dagster.log").open("w")
    process = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "dagster"),
            "dev",
            "-m",
            "orchestration.definitions",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
        ],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "OPSMART_HOME": str(home.path)},
    )

    def ask(query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())["data"]

    def is_up() -> bool:
        assert process.poll() is None, (tmp_path / "dagster.log").read_text()
        try:
            return bool(ask("{ version }")["version"])
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    try:
        wait_for("the web server", is_up, 180)
        yield ask, home.path
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def test_a_range_backfill_with_a_bad_day_ends_in_a_publication(server: tuple[Callable[..., Any], Path]) -> None:
    ask, home = server
    keys = [{"path": ["raw", "orders"]}, {"path": ["raw", "order_items"]}]
    started = ask(BACKFILL, params={"assetSelection": keys, "partitionNames": DAYS, "fromFailure": False})
    assert started["launchPartitionBackfill"]["__typename"] == "LaunchBackfillSuccess", started
    current = home / "published" / "current" / "publication.json"
    wait_for("a publication", current.is_file, 400)

    stats = ask(STATS, key=keys[0])["assetNodeOrError"]["partitionStats"]
    assert stats == {"numMaterialized": 3, "numFailed": 1}
    assert ask(STATS, key=keys[1])["assetNodeOrError"]["partitionStats"] == {"numMaterialized": 4, "numFailed": 0}
    runs = ask(RUNS)["runsOrError"]["results"]
    assert [run["jobName"] for run in runs if run["assetSelection"] and run["jobName"] != "publish"] == ["__ASSET_JOB"]
    with duckdb.connect(str(current.parent / "marts.duckdb"), read_only=True) as con:
        coverage = con.execute(
            "select cast(landed_date as varchar), state from fct_coverage where stream = 'orders' order by 1"
        ).fetchall()
        assert coverage == list(zip(DAYS, ["landed", "landed", "failed", "landed"], strict=True))
        values = con.execute(
            """select value, is_complete from fct_kpi where kpi_id = 'orders' and grain = 'day' and dimension = 'all'
               order by period_start"""
        ).fetchall()
        # Pulled at once, long after: an order of the first days may have moved into the day that failed.
        assert values == [(None, False), (None, False), (None, False), (3.0, True)]
