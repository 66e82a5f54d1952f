"""Through Dagster: single nights, one range, reverse, a source down for three days. The marts do not tell them apart."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration import cli
from orchestration.definitions import build_definitions
from orchestration.schedules import needed_range_tags, range_tags
from orchestration.settings import Settings, load_settings

pytestmark = pytest.mark.soak
SAMPLE = Path(__file__).parents[2] / "sources" / "profiles" / "sample.toml"
FIRST, LAST = date(2026, 3, 24), date(2026, 4, 4)  # the clocks of Berlin change on the 29th
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
DOWN = DAYS[4:7]
STAMPED = {"fct_kpi_history", "fct_kpi_restatements", "dim_publication"}  # they say how it came about


@dataclass
class Installation:
    """One home with Dagster's definitions and storage, over the sources that all homes of a test share."""

    settings: Settings
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def land(self, tags: dict[str, str], *streams: str) -> bool:
        job = self.definitions.resolve_job_def("land")
        chosen = [dg.AssetKey(["raw", stream]) for stream in streams] or None
        return job.execute_in_process(
            instance=self.instance, tags=tags, raise_on_error=False, asset_selection=chosen
        ).success

    def publish(self) -> None:
        job = self.definitions.resolve_job_def("publish")
        assert job.execute_in_process(instance=self.instance, raise_on_error=False).success

    def query(self, sql: str) -> list[Any]:
        with duckdb.connect(str(self.settings.home.current / "marts.duckdb"), read_only=True) as con:
            return con.execute(sql).fetchall()

    def marts(self) -> dict[str, list[Any]]:
        tables = [name for (name,) in self.query("select table_name from duckdb_tables()") if name not in STAMPED]
        columns = {"fct_coverage": "* exclude (pulled_at)"}
        return {name: self.query(f"select {columns.get(name, '*')} from {name} order by all") for name in tables}

    def partition_bar_tells_the_coverage(self) -> None:
        """What Dagster shows as materialized is what has landed, and what it shows as failed is not there."""
        for stream in self.settings.profile.streams:
            landed = {
                str(day)
                for (day,) in self.query(
                    f"select landed_date from fct_coverage where stream = '{stream}' and is_landed"
                )
            }
            assert self.instance.get_materialized_partitions(dg.AssetKey(["raw", stream])) == landed, stream


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small sample company, written once, and its profile."""
    root = tmp_path_factory.mktemp("shared")
    shutil.copytree(SAMPLE.with_suffix(""), root / "sample")  # its seeds
    text = SAMPLE.read_text(encoding="utf-8").replace("${OPSMART_HOME}/sources", str(root / "sources"))
    for setting, value in (("first_day", FIRST), ("last_day", LAST), ("scale", 0.2)):
        text, found = re.subn(rf"^{setting} = \S+$", f"{setting} = {value}", text, flags=re.MULTILINE)
        assert found == 1, setting
    (root / "sample.toml").write_text(text, encoding="utf-8")
    before = dict(os.environ)
    os.environ |= {"OPSMART_PROFILE": str(root / "sample.toml"), "OPSMART_HASH_KEY": "one key for all homes"}
    yield root
    os.environ.clear()
    os.environ.update(before)


@contextmanager
def installation(sources: Path, home: Path) -> Iterator[Installation]:
    os.environ["OPSMART_HOME"] = str(home)
    settings = load_settings(check_sources=False)
    parsed = sources / "dbt"
    if parsed.is_dir():  # the project is parsed once for all homes
        shutil.copytree(parsed, settings.home.runs)
    cli.prepare()
    instance = cli.dagster_instance(settings.home)
    definitions = build_definitions(settings)
    if not parsed.is_dir():
        shutil.copytree(settings.home.runs, parsed)
    yield Installation(settings, definitions, instance)
    instance.dispose()


def day_by_day(installation: Installation, days: list[date]) -> None:
    for day in days:
        assert installation.land(range_tags(day.isoformat(), day.isoformat()))


def one_range(installation: Installation, sources: Path) -> None:
    assert installation.land(range_tags(FIRST.isoformat(), LAST.isoformat()))
    installation.publish()


def single_nights(installation: Installation, sources: Path) -> None:
    day_by_day(installation, DAYS[:6])
    installation.publish()
    day_by_day(installation, DAYS[6:])
    installation.publish()


def reverse(installation: Installation, sources: Path) -> None:
    # A missing rate blocks (rule 9 of the catalogue), so the rates land first.
    assert installation.land(range_tags(FIRST.isoformat(), LAST.isoformat()), "fx_rates")
    day_by_day(installation, DAYS[:5:-1])
    installation.publish()
    incomplete = installation.query(
        """select distinct is_complete, value is null from fct_kpi
           where grain = 'day' and kpi_id in ('dau', 'backlog') and period_start < '2026-03-30'"""
    )
    assert incomplete == [(False, True)], "holes have no value, and no KPI stumbles over them"
    day_by_day(installation, DAYS[5::-1])
    installation.publish()


def a_source_down_for_three_days(installation: Installation, sources: Path) -> None:
    day_by_day(installation, DAYS[:4])
    shop = sources / "sources" / "shop.db"
    away = shop.with_name("away")
    shop.rename(away)
    try:
        for day in DOWN:
            assert not installation.land(range_tags(day.isoformat(), day.isoformat())), "red, because the shop is down"
        installation.publish()
    finally:
        away.rename(shop)
    installation.partition_bar_tells_the_coverage()
    failed = installation.query(
        "select distinct stream, landed_date from fct_coverage where state = 'failed' order by all"
    )
    shop_streams = {stream for stream, _ in failed}
    assert failed == [(stream, day) for stream in sorted(shop_streams) for day in DOWN] and "orders" in shop_streams
    assert "usage_events" not in shop_streams
    newest = dict(
        installation.query(
            "select kpi_id, max(period_start) from fct_kpi where grain = 'day' and value is not null group by 1"
        )
    )
    assert newest["orders"] < DOWN[0] and newest["dau"] == DOWN[-1], "it costs the KPIs that need it, and no other"
    (waiting,) = installation.query("select waits_for_streams from dim_kpi where kpi_id = 'orders'")
    assert waiting[0] == "order_items, orders"
    tags = needed_range_tags(installation.settings)
    assert installation.land(tags), "the next tick lands what is missing"
    installation.publish()


def test_the_marts_do_not_tell_how_they_came_about(sources: Path, tmp_path: Path) -> None:
    expected: dict[str, list[Any]] = {}
    for way in (one_range, single_nights, reverse, a_source_down_for_three_days):
        with installation(sources, tmp_path / way.__name__) as home:
            way(home, sources)
            home.partition_bar_tells_the_coverage()
            assert all(landed for (landed,) in home.query("select is_landed from fct_coverage"))
            marts = home.marts()
        assert marts["fct_kpi"], way.__name__
        for name, rows in (expected or marts).items():
            assert marts[name] == rows, (way.__name__, name)
        expected = marts
