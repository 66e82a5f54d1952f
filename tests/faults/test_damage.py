"""Damaged files: each is told in one line that says which file and what to do, and doing that brings everything back."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.pipeline import build, dbt_results, lake, plan
from orchestration.pipeline.publication import publish
from orchestration.pipeline.storage import StorageError
from orchestration.settings import Settings, SettingsError
from sources.profile import ProfileError, load_profile
from tests.conftest import Company
from tests.faults.figures import record
from tests.unit.test_publication import MANIFEST, PASSED, write_manifest, write_warehouse

DAYS = [date(2026, 3, 2), date(2026, 3, 3)]
STREAMS = {"orders": "order_id", "usage_events": "event_id"}
Damage = Callable[[Path], Any]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def bad_block(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(64) + content[4160:])


def is_one_line(message: str, *parts: str) -> None:
    assert "\n" not in message and all(part in message for part in parts), message
    record("faults")


def write(company: Company, stream: str, last: str = "EUR") -> None:
    """Two rows on each day; the last one of the second day may change."""
    rows: list[dict[str, object]] = []
    for number in range(4):
        at = f"{DAYS[number % 2]} 10:00:00"
        if stream == "orders":
            currency = last if number == 3 else "EUR"
            rows.append({"order_id": f"o{number}", "ordered_at": at, "updated_at": at, "currency": currency})
        else:
            rows.append({"event_id": f"e{number}", "event_name": last if number == 3 else "x", "occurred_at": at,
                         "received_at": at, "user_id": "u"})  # fmt: skip
    company.write(stream, rows, "updated_at" if stream == "orders" else "received_at")


@pytest.fixture
def landed(company: Company) -> Settings:
    for stream in STREAMS:
        write(company, stream)
    settings = company.settings()
    for stream in STREAMS:
        company.land(stream, DAYS)
    return settings


def keys(settings: Settings, stream: str) -> list[str]:
    table = lake.stream_table(settings.home, stream)
    assert table is not None
    return sorted(table.to_pyarrow_table().column(STREAMS[stream]).to_pylist())


def newest_log(table: Path) -> Path:
    return max((table / "_delta_log").glob("*.json"))


@pytest.mark.parametrize("damage", [cut, noise, empty])
def test_a_damaged_file_of_the_lake(company: Company, landed: Settings, damage: Damage) -> None:
    """A pull that has to read it says so; without it, what it held is pulled again."""
    (path,) = map(Path, lake.held_days(lake.stream_table(landed.home, "orders"))[DAYS[1]].files)
    before = keys(landed, "orders")
    damage(path)
    write(company, "orders", last="USD")
    with pytest.raises(StorageError) as told:
        company.land("orders", DAYS)
    is_one_line(str(told.value), path.name, "move it away", "make backfill STREAM=orders FROM=2026-03-03 TO=2026-03-03")
    path.rename(path.with_suffix(".damaged"))
    assert [x.state for x in company.land("orders", DAYS).landings] == ["landed", "landed"]
    assert keys(landed, "orders") == before


@pytest.mark.parametrize("stream", STREAMS)
def test_a_build_names_the_damaged_file_and_the_command(company: Company, landed: Settings, stream: str) -> None:
    """By what DuckDB says when it reads the file; after that command the lake is whole, though the source is as it was."""
    (path,) = map(Path, lake.held_days(lake.stream_table(landed.home, stream))[DAYS[0]].files)
    before, frozen = keys(landed, stream), plan.freeze(landed.home).column("row_count").to_pylist()
    cut(path)
    with pytest.raises(duckdb.Error) as read:
        duckdb.execute("from read_parquet(?)", [str(path)]).fetchall()
    node = {"resource_type": "model", "name": f"stg_{stream}", "config": {}, "original_file_path": "x.sql"}
    write_manifest(landed, MANIFEST | {"nodes": {"model.opsmart.stg": node}})
    result = {"unique_id": "model.opsmart.stg", "status": "error", "message": f"Runtime Error\n  {read.value}"}
    (landed.home.runs / "target" / "run_results.json").write_text(json.dumps({"results": [result]}))
    (verdict,) = (v for v in dbt_results.read_verdicts(landed.home) if v.rule == "files_are_readable")
    is_one_line(
        verdict.message + verdict.fix, str(path), f"make backfill STREAM={stream} FROM=2026-03-02 TO=2026-03-02"
    )
    assert verdict.blocks
    path.unlink()
    company.land(stream, DAYS[:1])
    assert keys(landed, stream) == before
    assert plan.freeze(landed.home).column("row_count").to_pylist() == frozen


@pytest.mark.parametrize("damage", [cut, noise])
def test_a_damaged_log_of_a_stream(company: Company, landed: Settings, damage: Damage) -> None:
    before = keys(landed, "orders")
    damage(newest_log(landed.home.lake / "orders"))
    for asked in (lambda: company.land("orders", DAYS), lambda: build.make_ready(landed.home)):
        with pytest.raises(StorageError) as told:
            asked()
        is_one_line(str(told.value), "lake/orders", "move it away", "make backfill STREAM=orders")
    company.land("usage_events", DAYS)  # no other stream is hindered
    (landed.home.lake / "orders").rename(landed.home.path / "damaged")
    company.land("orders", DAYS)
    assert keys(landed, "orders") == before


@pytest.mark.parametrize("damage", [cut, noise])
def test_a_damaged_log_of_the_landings(company: Company, landed: Settings, damage: Damage) -> None:
    before = {stream: keys(landed, stream) for stream in STREAMS}
    damage(newest_log(landed.home.landings))
    with pytest.raises(StorageError) as told:
        company.land("orders", DAYS)
    is_one_line(str(told.value), "home/landings", "move it away", "every day is pulled again")
    landed.home.landings.rename(landed.home.path / "damaged")
    for stream in STREAMS:
        company.land(stream, DAYS)
    assert {stream: keys(landed, stream) for stream in STREAMS} == before
    assert plan.freeze(landed.home).column("row_count").to_pylist() == [2, 2, 2, 2]


@pytest.mark.parametrize("damage", [cut, noise, empty])
def test_a_damaged_ledger(landed: Settings, damage: Damage) -> None:
    write_warehouse(landed)
    first = publish(landed, [PASSED], "run")
    damage(newest_log(landed.home.ledger))
    with pytest.raises(StorageError) as told:
        publish(landed, [PASSED], "run")
    is_one_line(str(told.value), "published/ledger", "backup", "move it away")
    assert landed.home.current.resolve() == first.folder
    landed.home.ledger.rename(landed.home.path / "damaged")
    assert publish(landed, [PASSED], "run").folder == landed.home.current.resolve()


@pytest.mark.parametrize("damage", [noise, empty, bad_block])
def test_a_damaged_warehouse_is_put_aside(landed: Settings, damage: Damage, caplog: pytest.LogCaptureFixture) -> None:
    write_warehouse(landed)
    damage(landed.home.warehouse)
    with caplog.at_level(logging.WARNING, "opsmart"):
        build.make_ready(landed.home)
    (told,) = caplog.messages
    is_one_line(told, str(landed.home.warehouse), "damaged", "built from the lake anew")
    left = {path.name for path in landed.home.warehouse.parent.glob("warehouse.*")}
    assert left == {"warehouse.damaged"}


def test_a_sound_warehouse_stays(landed: Settings) -> None:
    write_warehouse(landed)
    before = landed.home.warehouse.read_bytes()
    build.make_ready(landed.home)
    assert landed.home.warehouse.read_bytes() == before
    build.make_ready(landed.home, full_refresh=True)
    assert not landed.home.warehouse.exists()


def test_a_warehouse_that_another_process_has_open_is_not_damaged(landed: Settings) -> None:
    """dbt or DuckDB by hand, past `make dbt`, knows nothing of the lock."""
    write_warehouse(landed)
    script = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(landed.home.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"open\n"
        with pytest.raises(dbt_results.BuildError) as told:
            build.make_ready(landed.home)
        other.communicate()
    is_one_line(str(told.value), "is open elsewhere, nothing was built", f"PID {other.pid}", "run again")
    record("two at once")
    with duckdb.connect(str(landed.home.warehouse)), pytest.raises(dbt_results.BuildError, match="is open elsewhere"):
        build.make_ready(landed.home)
    build.make_ready(landed.home)
    assert landed.home.warehouse.is_file()


@pytest.mark.parametrize(
    "content", [b"", b'name = "x', b"\xff\xfe\x00\x01", b"\x00" * 512, os.urandom(300), b"name = 1\n", None],
    ids=["empty", "cut", "utf-16", "zeros", "noise", "type", "a folder"],
)  # fmt: skip
def test_a_damaged_profile(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "shop.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ProfileError) as told:
        load_profile(str(path))
    is_one_line(str(told.value), "shop.toml")


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("home.json", "{", "home.json is damaged"),
        ("home.json", "[]", "home.json is damaged"),
        ("home.json", "", "home.json is damaged"),
        ("keys/hash.key", "", "hash.key is not the key"),
        ("keys/fingerprint", "", "hash.key is not the key"),
        ("keys/hash.key", None, "hash.key is gone"),
    ],
)
def test_a_damaged_home(company: Company, landed: Settings, file: str, content: str | None, says: str) -> None:
    path = landed.home.path / file
    kept = path.read_text()
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(SettingsError) as told:
        company.settings()
    is_one_line(str(told.value), says, "restore")
    path.write_text(kept)
    assert company.settings() == landed
