"""The main job on the sample company, from the command line: what it prints, publishes and leaves alone."""

from __future__ import annotations

import io
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from orchestration import cli, console
from orchestration.pipeline import dbt_results, mart_checks, runner
from orchestration.pipeline.publication import publish
from orchestration.schedules import needed_range_tags
from orchestration.settings import load_settings
from sources.profile import PROFILES_DIR, load_profile
from tests.integration.mutations import MUTATIONS
from tests.integration.support_oracle import Promises, check_tickets
from tests.lint import check_docs

ROOT = Path(__file__).parent.parent.parent

DIMENSIONS = {  # as the catalogue of definitions says
    kpi: tuple(dimensions.split())
    for dimensions, kpis in (
        (
            "platform country plan",
            "dau active_users users_7d users_28d stickiness sessions events_per_active_day error_rate "
            "lifecycle_new lifecycle_returning lifecycle_resurrected lifecycle_dormant",
        ),
        ("platform country plan feature", "feature_adoption"),
        (
            "platform acquisition_channel country",
            "visitor_conversion activation time_to_convert_p50 time_to_convert_p90 checkout_abandonment",
        ),
        ("platform acquisition_channel country step", "funnel_conversion"),
        ("country", "revenue_per_active_user unlinked_ticket_share"),
        ("channel country", "active_subscriptions logo_churn contact_rate late_delivery_contact_lift"),
        ("channel country cancelled_by", "cancellation_rate"),
        (
            "channel country category",
            "orders gmv net_sales net_sales_cohort_90d aov mrr return_rate refund_rate revenue_churn",
        ),
        (
            "acquisition_channel plan country",
            "repeat_purchase_90d retention_d1 retention_d7 retention_d14 retention_d28 "
            "retention_w1 retention_w4 retention_w12 inactivity_rate",
        ),
        ("", "revenue_at_risk"),
        ("feature", "feature_demand"),
        (
            "carrier warehouse country",
            "on_time_delivery on_time_shipment otif cycle_time_p50 cycle_time_p90 open_orders open_orders_age_p50",
        ),
        ("carrier warehouse country stage", "stage_time_p50 stage_time_p90"),
        (
            "channel priority group reason",
            "tickets_created tickets_solved first_reply_p50 first_reply_p90 first_reply_business_p50 "
            "first_reply_business_p90 resolution_p50 resolution_p90 full_resolution_p50 full_resolution_p90 "
            "escalation_rate reopen_rate first_contact_resolution backlog backlog_age_p50",
        ),
        ("channel priority group reason sla_target", "sla_attainment"),
        ("channel country plan", "csat csat_mean csat_response_rate nps"),
    )
    for kpi in kpis.split()
}
KPIS = list(DIMENSIONS)
OWN = tomllib.loads((PROFILES_DIR / "sample.toml").read_text(encoding="utf-8"))["dimensions"]  # as the profile says
PAIRS = [(kpi, dimension) for kpi, dimensions in DIMENSIONS.items() for dimension in dimensions]
PAIRS += [(kpi, dimension) for dimension, own in OWN.items() for kpi in own["kpis"]]


def query(home: Path, sql: str, *parameters: Any) -> list[Any]:
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as con:
        return con.execute(sql, list(parameters)).fetchall()


def test_every_kpi_is_published_complete(ran: tuple[Path, str]) -> None:
    home, printed = ran
    assert sorted(row[0] for row in query(home, "select kpi_id from dim_kpi where is_available")) == sorted(KPIS)
    for kpi in KPIS:
        assert kpi in printed
        (values,) = query(
            home,
            """select count(distinct value) from fct_kpi
               where kpi_id = ? and dimension = 'all' and grain in ('day', 'week') and is_complete and is_mature""",
            kpi,
        )
        assert values[0] >= 3, f"{kpi} does not vary"


def test_every_whole_quarter_has_a_value(ran: tuple[Path, str]) -> None:
    """What is counted from the first ever, or against the quarter before, has one from the second on."""
    needs_history = {kpi for kpi in KPIS if kpi.startswith(("lifecycle_", "retention_d"))}
    needs_history |= {"inactivity_rate", "repeat_purchase_90d", "visitor_conversion"}
    found = query(
        ran[0],
        """select kpi_id, period_start, is_complete and value is not null from fct_kpi
           where grain = 'quarter' and dimension = 'all'""",
    )
    first, second = date(2025, 10, 1), date(2026, 1, 1)
    assert {start for _, start, _ in found} == {first, second}
    assert {kpi for kpi, start, has_value in found if start == second and not has_value} == set()
    assert {kpi for kpi, start, has_value in found if start == first and not has_value} == needs_history


def test_the_grains_are_those_of_the_catalogue(ran: tuple[Path, str]) -> None:
    grains = dict(
        query(ran[0], "select kpi_id, string_agg(distinct grain, ' ' order by grain) from fct_kpi group by 1")
    )
    assert grains.pop("dau") == "day"
    assert {grains.pop(f"retention_w{weeks}") for weeks in (1, 4, 12)} == {"week"}
    assert set(grains.values()) == {"day month quarter week"}


@pytest.mark.parametrize(("kpi", "dimension"), PAIRS)
def test_a_dimension_has_two_known_segments(ran: tuple[Path, str], kpi: str, dimension: str) -> None:
    (found,) = query(
        ran[0],
        """select count(distinct segment) from fct_kpi
           where kpi_id = ? and dimension = ? and segment not in ('unknown', 'all') and value is not null""",
        kpi,
        dimension,
    )
    assert found[0] >= 2


def test_no_dimension_is_there_that_neither_catalogue_nor_profile_names(ran: tuple[Path, str]) -> None:
    found = set(query(ran[0], "select distinct kpi_id, dimension from fct_kpi where dimension <> 'all'"))
    assert found == set(PAIRS)


def test_only_whole_periods_are_published(ran: tuple[Path, str]) -> None:
    found = query(ran[0], "select grain, min(period_start), max(period_start) from fct_kpi group by 1 order by 1")
    assert found == [
        ("day", date(2025, 9, 29), date(2026, 3, 31)),
        ("month", date(2025, 10, 1), date(2026, 3, 1)),
        ("quarter", date(2025, 10, 1), date(2026, 1, 1)),
        ("week", date(2025, 9, 29), date(2026, 3, 23)),
    ]


def test_the_rows_of_the_lake_are_accounted_for(ran: tuple[Path, str]) -> None:
    home, _ = ran
    said = json.loads((home / "published" / "current" / "publication.json").read_text())
    assert {w["landed_days"] for w in said["windows"].values()} == {184}
    assert all(w["missing_days"] == w["failed_days"] == 0 for w in said["windows"].values())
    assert said["findings"]["usage_events"]["rejected"] == sum(
        said["findings"]["usage_events"]["rules"].get(rule, 0) for rule in ("actor_present", "not_from_the_future")
    )
    names = {v["name"] for v in said["verdicts"]}
    assert any(name.startswith("fct_kpi_") for name in names) and len(names) > 100


def test_business_minutes_and_promises_are_those_of_plain_python(ran: tuple[Path, str]) -> None:
    marts = str(ran[0] / "published" / "current" / "marts.duckdb")
    with duckdb.connect(marts, read_only=True) as con:
        tickets = con.execute("select * from fct_support__tickets").to_arrow_table().to_pylist()
    states = check_tickets(tickets, Promises(PROFILES_DIR / "sample"), datetime(2026, 3, 31, 22))
    assert min(states[state] for state in ("met", "breached", "running", "ended")) > 10
    assert sum(bool(t["is_reopened_in_30_days"]) and not t["is_solved"] for t in tickets) > 10, "back, and still open"


def test_a_second_run_pulls_nothing_and_publishes_the_same(
    ran: tuple[Path, str], forked_dbt: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """dbt by hand on the home builds the same marts and passes its unit tests; they are published like any others."""
    home, _ = ran
    before = query(home, "select * from fct_kpi order by all")
    stamp = query(home, "select publication_id from dim_publication")
    monkeypatch.setenv("OPSMART_HOME", str(home))
    monkeypatch.setenv("OPSMART_PROFILE", "sample")
    settings = load_settings()
    assert not needed_range_tags(settings) and runner.land(settings) == []
    code = cli.main(["--profile", "sample", "dbt", "build"])
    printed = capsys.readouterr().out
    assert code == 0, printed[-4000:]
    assert "unit_test" in printed and "ERROR=0 SKIP=0" in printed
    done = publish(
        settings, [*dbt_results.read_verdicts(settings.home), *mart_checks.judge_marts(settings.home)], "by-hand"
    )
    assert query(home, "select * from fct_kpi order by all") == before
    assert query(home, "select publication_id from dim_publication") != stamp
    assert done.manifest["restatements"] == {"since": stamp[0][0], "values": 0, "kpis": {}}
    shown = "select kpi_id, grain, period_start, dimension, segment, numerator, denominator, value, n, is_complete, is_mature"
    assert query(home, f"{shown} from fct_kpi_history order by all") == query(
        home, f"{shown} from fct_kpi order by all"
    )
    assert query(home, "select distinct publication_id from fct_kpi_history") == stamp
    page = (ROOT / "docs" / "restatements.md").read_text(encoding="utf-8")
    documented = re.findall(r"```sql\n(.*?)```", page, re.S)
    assert [len(query(home, asked)) for asked in documented] == [0, 0, 0, 1], "only March's churn has a past so far"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("backfill", "--from", "2026-03-05", "--to", "2026-03-01"), "FROM must not be after TO"),
        (("backfill", "--from", "2020-03-05", "--to", "2026-03-06"), "allowed: 2025-09-29 to 2026-03-31"),
        (
            ("backfill", "--from", "2026-03-05", "--to", "2026-03-06", "--stream", "cars"),
            "STREAM=cars: not configured; allowed",
        ),
    ],
)
def test_a_wrong_backfill_is_one_line(
    ran: tuple[Path, str], arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSMART_HOME", str(ran[0]))
    printed = io.StringIO()
    monkeypatch.setattr(console, "OUT", Console(file=printed, width=200))
    assert cli.main(["--profile", "sample", *arguments]) == 2
    assert said in printed.getvalue() and printed.getvalue().count("\n") == 1


@pytest.fixture
def warehouse(ran: tuple[Path, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(ran[0] / "warehouse" / "warehouse.duckdb")) as con:
        con.execute("set TimeZone = 'UTC'; set default_null_order = 'nulls_last'")
        yield con


def manifest(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "warehouse" / "dbt" / "target" / "manifest.json").read_text("utf-8"))
    return found


def test_every_check_is_listed_with_the_test_that_makes_it_fail(ran: tuple[Path, str]) -> None:
    profile = load_profile("sample", {"OPSMART_HOME": "."}, check_sources=False)
    every = check_docs.every_check(profile, manifest(ran[0]))
    assert [check.name for check in every if check_docs.spoiled_by(check, profile) is None] == []
    assert len({check.name for check in every}) == len(every) > 250
    written = check_docs.PAGE.read_text(encoding="utf-8")
    assert written == check_docs.page(profile, manifest(ran[0])), "run `make docs`"


SPOILED_MODELS = {  # a row twice; where there is none, two rows of nothing
    "unique_combination": (
        "(select one.* from (select * from {model} limit 1) as one cross join (values (1), (2)) as two)",
        "(select nothing.* from (values (1), (2)) as two left join (select * from {model}) as nothing on false)",
    ),
    "accepted_values": ("(select * replace ('x' as {column}) from {model})",),
}


@pytest.mark.parametrize("kind", SPOILED_MODELS)
def test_a_generic_check_finds_what_is_spoiled(
    ran: tuple[Path, str], warehouse: duckdb.DuckDBPyConnection, kind: str
) -> None:
    """Each test of the kind, as dbt compiled it, asked of a spoiled model."""
    nodes = manifest(ran[0])["nodes"]
    tests = [node for node in nodes.values() if (node.get("test_metadata") or {}).get("name") == kind]
    compiled = ran[0] / "warehouse" / "dbt" / "target" / "compiled" / "opsmart"
    unseen = []
    for node in tests:
        model = nodes[node["attached_node"]]["relation_name"]
        path = compiled / node["original_file_path"] / node["path"]
        query = path.read_text(encoding="utf-8")
        assert f"from {model}" in query
        spoiled = [how.format(model=model, column=node["column_name"]) for how in SPOILED_MODELS[kind]]
        if not any(warehouse.execute(query.replace(f"from {model}", f"from {rows}")).fetchall() for rows in spoiled):
            unseen.append(node["name"])
    assert tests and unseen == []


def test_every_check_has_a_mutation() -> None:
    tests = ROOT / "dbt_project" / "tests"
    assert sorted(MUTATIONS) == sorted(str(p.relative_to(tests).with_suffix("")) for p in tests.glob("**/*.sql"))


@pytest.mark.parametrize("check", MUTATIONS)
def test_a_check_finds_what_is_spoiled(ran: tuple[Path, str], warehouse: duckdb.DuckDBPyConnection, check: str) -> None:
    compiled = ran[0] / "warehouse" / "dbt" / "target" / "compiled" / "opsmart" / "tests" / f"{check}.sql"
    query = compiled.read_text(encoding="utf-8")
    before = warehouse.execute(query).fetchall()
    warehouse.begin()
    try:
        warehouse.execute(MUTATIONS[check])
        found = warehouse.execute(query).fetchall()
    finally:
        warehouse.rollback()
    assert len(found) > len(before)
