"""A warehouse of two KPIs, written by hand as a build would leave it, and what can happen to it between two publications."""

from __future__ import annotations

import copy
from typing import Any

import duckdb

from orchestration.settings import Settings
from tests.conftest import Company
from tests.unit.test_publication import MANIFEST, write_warehouse


def two_kpis(company: Company) -> Settings:
    """A warehouse with two KPIs, `orders` that needs the stream orders and `csat` that needs survey_responses."""
    order = {"order_id": "o", "ordered_at": "2026-03-01", "updated_at": "2026-03-01", "currency": "EUR"}
    company.write("orders", [order], "updated_at")
    ready: Settings = company.settings()
    write_warehouse(ready)
    change(
        ready,
        "insert into marts.dim_kpi by name select 'csat' as kpi_id, true as is_available, 'plan' as current_dimensions",
        "insert into intermediate.int_kpi__needs values ('csat', 'survey_responses', 'period')",
        "insert into seeds.kpi_catalogue by name select 'csat' as kpi_id, 'support' as domain",
        "delete from plan.lake_plan",
        "delete from marts.fct_kpi",
        *(landed(stream, day) for stream in ("orders", "survey_responses", "customers") for day in range(1, 6)),
    )
    return ready


def change(settings: Settings, *statements: str) -> None:
    with duckdb.connect(str(settings.home.warehouse)) as con:
        for statement in statements:
            con.execute(statement)


def landed(stream: str, day: int, version: str = "1") -> str:
    return f"""
        delete from plan.lake_plan where (stream, landed_date) = ('{stream}', date '2026-03-{day:02}');
        insert into plan.lake_plan by name select '{stream}' as stream, date '2026-03-{day:02}' as landed_date,
            true as is_landed, 1 as row_count, 1 as pulled_count, 0 as rejected_count, '{{}}' as findings,
            '{version}' as day_version"""


def land(settings: Settings, stream: str, *days: int) -> None:
    """These days of March have another content now."""
    change(settings, *(landed(stream, day, "2") for day in days))


def edited(name: str, old: str, new: str) -> dict[str, Any]:
    """dbt's manifest with one model or macro edited."""
    manifest = copy.deepcopy(MANIFEST)
    node = manifest["nodes"].get(f"model.opsmart.{name}") or manifest["macros"][f"macro.opsmart.{name}"]
    code = "raw_code" if "raw_code" in node else "macro_sql"
    node[code] = node[code].replace(old, new)
    return manifest
