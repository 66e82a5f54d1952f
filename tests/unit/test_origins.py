"""What a publication was built from: any change of it is told, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.pipeline import build, origins
from orchestration.settings import Settings, kpi_catalogue
from tests.unit.small_warehouse import change, edited, land, two_kpis
from tests.unit.test_publication import MANIFEST, write_manifest


@pytest.fixture
def settings(company) -> Settings:  # type: ignore[no-untyped-def]
    return two_kpis(company)


def rewrite(settings: Settings, name: str, old: str, new: str) -> None:
    write_manifest(settings, edited(name, old, new))


EDITS: dict[str, tuple[Callable[[Settings], None], str]] = {
    "macro": (lambda s: rewrite(s, "ratio", "/", "* 1.0 /"), "macro ratio changed"),
    "model": (lambda s: rewrite(s, "int_orders__kpi_values", "*", "1"), "model int_orders__kpi_values changed"),
    "model upstream": (
        lambda s: rewrite(s, "stg_customers__customers", "*", "1"),
        "model stg_customers__customers changed",
    ),
    "shared model": (lambda s: rewrite(s, "fct_kpi", "*", "1"), "model fct_kpi changed"),
    "another domain's model": (lambda s: rewrite(s, "int_support__kpi_values", "*", "1"), origins.UNEXPLAINED),
    "comment": (lambda s: rewrite(s, "fct_kpi", "select", "-- why\n{# and\nhow #} select"), origins.UNEXPLAINED),
    "catalogue": (lambda s: change(s, "update seeds.kpi_catalogue set kind = 'amount'"), "catalogue row changed"),
    "words": (lambda s: change(s, "update seeds.kpi_catalogue set sentence = 'Other words.'"), origins.UNEXPLAINED),
    "setting": (
        lambda s: change(s, "update plan.profile_settings set value = 'Asia/Tokyo' where key = 'reporting_zone'"),
        "setting reporting_zone changed",
    ),
    "seed": (
        lambda s: change(s, "insert into plan.profile_holidays values ('2026-05-01', 'Labour Day', null)"),
        "seed holidays changed",
    ),
    "dimension": (
        lambda s: change(
            s, "insert into plan.profile_dimensions values ('device', 'orders', 'orders', 'extra.device')"
        ),
        "dimension device changed",
    ),
    "another KPI's dimension": (
        lambda s: change(s, "insert into plan.profile_dimensions values ('device', 'csat', 'customers', 'industry')"),
        origins.UNEXPLAINED,
    ),
    "contract": (
        lambda s: change(s, "update plan.profile_settings set value = '2.0.0' where section = 'contract_version'"),
        "contract orders changed",
    ),
    "setting of usage": (
        lambda s: change(s, "insert into plan.profile_settings values ('passive_event', 'open', '')"),
        origins.UNEXPLAINED,
    ),
    "stream": (
        lambda s: change(s, "insert into intermediate.int_kpi__needs values ('orders', 'refunds', 'period')"),
        "stream refunds changed",
    ),
    "a stream that is read besides": (lambda s: land(s, "customers", 2), "customers landed 2026-03-02"),
    "a stream of another KPI": (lambda s: land(s, "survey_responses", 2), origins.UNEXPLAINED),
}


def test_a_cause_is_what_differs_in_what_the_kpi_is_made_of(settings: Settings, tmp_path: Path) -> None:
    for name, (edit, cause) in EDITS.items():
        before, after = tmp_path / f"{name}, before", tmp_path / f"{name}, after"
        write_manifest(settings, MANIFEST)
        before.mkdir()
        origins.write(settings.home, before)
        edit(settings)
        after.mkdir()
        origins.write(settings.home, after)
        assert (name, origins.differences(before, after)["orders"].text) == (name, cause)


def test_many_ranges_are_cut_short_in_words() -> None:
    days = [(date(2026, 3, 1) + timedelta(days=2 * n)).isoformat() for n in range(9)]
    assert origins.Causes({"orders": days}).text.endswith(", 2026-03-11 and 3 more ranges")


def test_every_domain_ends_in_one_model() -> None:
    """The parts of a KPI's definition are what stands above it: values that come in beside it would have no cause."""
    roof = build.DBT_PROJECT / "models" / "intermediate" / "kpi" / "int_kpi__values.sql"
    named = re.findall(r"ref\('(\w+)'\)", roof.read_text(encoding="utf-8"))
    domains = {row["domain"] for row in kpi_catalogue()}
    assert sorted({*named} - {"profile_dimensions"}) == sorted(f"int_{domain}__kpi_values" for domain in domains)
