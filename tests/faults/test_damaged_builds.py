"""Damage and a full disk under whole builds by dbt: readers keep what they see, one line says why, and the way on is whole."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.pipeline import build, dbt_results, lake, runner
from orchestration.pipeline.publication import PublicationRefused, current
from orchestration.settings import Settings, load_settings
from tests.faults.disks import full_disk
from tests.faults.figures import record
from tests.integration.dbt_fork import run_dbt
from tests.integration.test_bad_input import DAYS, Shop

pytestmark = pytest.mark.soak
FAILURES = (PublicationRefused, dbt_results.BuildError, OSError)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A shop that was published once."""
    root = tmp_path_factory.mktemp("shop")
    Shop(root)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(build, "run_dbt", run_dbt)
        patched.setenv("OPSMART_HOME", str(root / "home"))
        patched.setenv("OPSMART_PROFILE", str(root / "shop.toml"))
        ready = load_settings()
        runner.land(ready)
        runner.build_and_publish(ready)
        yield ready


def marts(settings: Settings) -> dict[str, list[Any]]:
    with duckdb.connect(str(settings.home.current / "marts.duckdb"), read_only=True) as con:
        names = [name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()]
        stamped = {"fct_kpi_history", "fct_kpi_restatements", "dim_publication"}
        columns = {"fct_coverage": "* exclude (pulled_at)"}
        return {
            name: con.execute(f"select {columns.get(name, '*')} from {name} order by all").fetchall()
            for name in names
            if name not in stamped
        }


def refused(settings: Settings, run: Callable[[], Any], *parts: str) -> None:
    """The run fails, says so with these words and no traceback, and readers see what they saw."""
    standing = current(settings)
    with pytest.raises(FAILURES) as told:
        run()
    message = str(told.value)
    assert all(part in message for part in parts), message
    assert "Traceback" not in message
    after = current(settings)
    assert standing is not None and after is not None and after.id == standing.id
    record("faults")


def test_a_warehouse_of_noise_is_built_anew(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    before = marts(settings)
    settings.home.warehouse.write_bytes(os.urandom(100_000))
    with caplog.at_level(logging.WARNING, "opsmart"):
        runner.build_and_publish(settings)
    assert "everything is built from the lake anew" in caplog.text
    assert marts(settings) == before
    record("faults")


def test_a_warehouse_with_a_bad_block_is_rebuilt(settings: Settings) -> None:
    before, content = marts(settings), settings.home.warehouse.read_bytes()
    middle = len(content) // 8
    settings.home.warehouse.write_bytes(content[:middle] + os.urandom(6 * middle) + content[7 * middle :])
    try:
        refused(settings, lambda: runner.build_and_publish(settings), "make rebuild")
        runner.build_and_publish(settings, full_refresh=True)
    except pytest.fail.Exception:  # opened, and put aside at once
        assert settings.home.warehouse.with_suffix(".damaged").exists()
    assert marts(settings) == before


def test_a_damaged_file_of_the_lake_is_named(settings: Settings) -> None:
    before = marts(settings)
    (path,) = map(Path, lake.held_days(lake.stream_table(settings.home, "orders"))[DAYS[1]].files)
    path.write_bytes(path.read_bytes()[:200])
    command = f"make backfill STREAM=orders FROM={DAYS[1]} TO={DAYS[1]}"
    refused(settings, lambda: runner.build_and_publish(settings, full_refresh=True), path.name, command, "move it away")
    path.unlink()
    runner.land(settings, [DAYS[1]])
    runner.build_and_publish(settings)
    assert marts(settings) == before


def test_a_damaged_log_stops_before_dbt(settings: Settings) -> None:
    before = marts(settings)
    log = max((settings.home.lake / "orders" / "_delta_log").glob("*.json"))
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])
    refused(settings, lambda: runner.build_and_publish(settings), "lake/orders", "backup", "move it away")
    log.write_bytes(content)
    runner.build_and_publish(settings)
    assert marts(settings) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root; test_disk.py covers the other disks for everybody")
def test_a_full_disk_under_the_warehouse(settings: Settings) -> None:
    """A rebuild, and not even the room of the old warehouse is free."""
    before = marts(settings)
    for path in settings.home.warehouse.parent.glob("warehouse.duckdb*"):
        path.unlink()
    with full_disk(settings.home.warehouse.parent, 96) as free:
        refused(settings, lambda: runner.build_and_publish(settings, full_refresh=True), "space")
        free()
        runner.build_and_publish(settings)
    assert marts(settings) == before


def test_a_manifest_of_dbt_that_is_cut_off_is_written_again(settings: Settings) -> None:
    manifest = build.manifest_of(settings.home)
    whole = manifest.stat().st_size
    manifest.write_bytes(manifest.read_bytes()[: whole // 2])
    assert build.manifest_of(settings.home).stat().st_size >= whole // 2 + 1
    assert b'"nodes"' in manifest.read_bytes()
    record("faults")
