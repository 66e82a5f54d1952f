"""Publishing: nothing unchecked, never half, the old one untouched by whatever goes wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.pipeline import checks, mart_checks, publication
from orchestration.pipeline.publication import current, publish
from orchestration.pipeline.refusals import PublicationRefused
from orchestration.pipeline.verdicts import Verdict
from orchestration.settings import Settings

PASSED = Verdict("gate_2", "fct_kpi", "adds_up", "error", "passed", "finance", "adds up")
WARNED = Verdict("gate_2", "fct_kpi", "looks_usual", "warning", "failed", "finance", "unusual")
FAILED = Verdict(
    "gate_2",
    "fct_kpi",
    "adds_up",
    "error",
    "failed",
    "finance",
    "2 rows: segments do not add up",
    2,
    [{"kpi_id": "orders"}],
    "Look at the segments.",
)
NOT_EVALUATED = Verdict("gate_2", "fct_kpi", "adds_up", "error", "error", "finance", "was not evaluated")

WAREHOUSE = """
create schema marts; create schema plan; create schema intermediate; create schema seeds;
create table intermediate.int_lake__conservation as select 'orders' as stream, 2 as duplicate;
create table plan.lake_plan as select 'orders' as stream, date '2026-03-01' as landed_date, true as is_landed, 3 as row_count,
    4 as pulled_count, 1 as rejected_count, '{"currency_pattern":1}' as findings, '3:a:a' as day_version;
create table plan.profile_settings (section varchar, key varchar, value varchar);
insert into plan.profile_settings values ('business', 'reporting_zone', 'UTC'), ('stream', 'orders', '2'),
    ('contract_version', 'orders', '1.0.0'), ('passive_event', 'identify', '');
create table plan.profile_dimensions (dimension varchar, kpi_id varchar, stream varchar, field varchar);
create table plan.profile_holidays (holiday_date date, name varchar, schedule varchar);
create table intermediate.int_kpi__needs as select 'orders' as kpi_id, 'orders' as stream, 'period' as lookback;
create table seeds.kpi_catalogue as select 'orders' as kpi_id, 'orders' as domain, 'count' as kind, 'Orders' as name,
    'Orders placed.' as sentence, 'count' as formula, 'finance' as owner, 'up' as direction, 0 as precision, '' as source_marts;
create table marts.dim_kpi as select 'orders' as kpi_id, 'up' as direction, 'A' as additivity, 'count' as unit,
    true as is_available, 'refunds' as waits_for_streams, date '2026-03-31' as published_to_date,
    cast(null as varchar) as unavailable_reason, 'orders' as domain, 5.0::double as target,
    '' as current_dimensions;
comment on table marts.dim_kpi is 'one row per KPI';
create table marts.fct_kpi as select 'orders' as kpi_id, 'day' as grain, date '2026-03-01' as period_start, 'all' as dimension,
    'all' as segment, 3.0::decimal(28,6) as numerator, cast(null as decimal(28,6)) as denominator, 3.0::double as value,
    3::bigint as n, true as is_complete, true as is_mature;
create table marts.fct_coverage as select 'orders' as stream, date '2026-03-01' as landed_date, 'landed' as state,
    3 as row_count, 1 as rejected_count, cast(null as varchar) as reason, timestamp '2026-03-02' as pulled_at;
"""

MANIFEST: dict[str, Any] = {
    "sources": {
        "source.opsmart.lake.customers": {"name": "customers", "resource_type": "source", "package_name": "opsmart"},
    },
    "macros": {
        "macro.opsmart.ratio": {
            "name": "ratio",
            "resource_type": "macro",
            "package_name": "opsmart",
            "macro_sql": "{% macro ratio(n, d) %}{{ n }} / {{ d }}{% endmacro %}",
            "depends_on": {"macros": []},
        },
    },
    "nodes": {
        f"model.opsmart.{name}": {
            "name": name,
            "resource_type": "model",
            "package_name": "opsmart",
            "fqn": ["opsmart", *folder.split("/"), name],
            "raw_code": f"select * from {', '.join(above)}",
            "depends_on": {"nodes": above, "macros": ["macro.opsmart.ratio"]},
        }
        for folder, name, above in (
            (
                "staging/customers",
                "stg_customers__customers",
                ["source.opsmart.lake.customers", "seed.opsmart.holidays"],
            ),
            ("intermediate/orders", "int_orders__kpi_values", ["model.opsmart.stg_customers__customers"]),
            ("intermediate/support", "int_support__kpi_values", []),
            ("marts/kpi", "fct_kpi", ["model.opsmart.int_orders__kpi_values", "model.opsmart.int_support__kpi_values"]),
        )
    }
    | {"seed.opsmart.holidays": {"name": "holidays", "resource_type": "seed", "package_name": "opsmart"}},
}


def write_warehouse(settings: Settings) -> None:
    """A warehouse of one order count, as a build would leave it with dbt's manifest."""
    settings.home.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.home.warehouse)) as con:
        con.execute(WAREHOUSE)
    write_manifest(settings, MANIFEST)


def write_manifest(settings: Settings, manifest: dict[str, Any]) -> None:
    path = settings.home.runs / "target" / "manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.fixture
def settings(company) -> Settings:  # type: ignore[no-untyped-def]
    company.write(
        "orders",
        [{"order_id": "o", "ordered_at": "2026-03-01", "updated_at": "2026-03-01", "currency": "EUR"}],
        "updated_at",
    )
    ready: Settings = company.settings()
    write_warehouse(ready)
    return ready


def fingerprint(published: Path) -> dict[str, str]:
    """Every file below `published` with its hash, and every link with its target."""
    found = {}
    for path in sorted(published.rglob("*")):
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        elif path.is_file():
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def test_a_publication_holds_marts_parquet_and_verdicts(settings: Settings) -> None:
    done = publish(settings, [PASSED, WARNED], "run-1")
    marts = settings.home.published / "current" / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as con:
        assert con.execute("select kpi_id, numerator from fct_kpi").fetchall() == [("orders", 3)]
        assert con.execute("select publication_id, currency from dim_publication").fetchall() == [(done.id, "EUR")]
        assert con.execute("select comment from duckdb_tables() where table_name = 'dim_kpi'").fetchone() == (
            "one row per KPI",
        )
        parquet = str(marts.parent / "fct_kpi.parquet")
        assert con.execute("select count(*) from read_parquet(?)", [parquet]).fetchone() == (1,)
    said = json.loads((marts.parent / "publication.json").read_text())
    assert said["row_counts"]["fct_kpi"] == 1
    assert [v["name"] for v in said["verdicts"]] == ["fct_kpi_looks_usual", "fct_kpi_adds_up"], "worst first"
    assert said["windows"]["orders"]["landed_days"] == 1
    assert said["findings"]["orders"] == {
        "landed": 3,
        "rejected": 1,
        "empty_days": 0,
        "duplicates": 2,
        "rules": {"currency_pattern": 1},
    }
    assert said["versions"]["duckdb"] == duckdb.__version__
    assert current(settings) is not None


@pytest.mark.parametrize(
    "verdicts", [[FAILED], [PASSED, NOT_EVALUATED], []], ids=["failed", "not evaluated", "no verdict"]
)
def test_a_refused_publication_leaves_the_last_one_untouched(settings: Settings, verdicts: list[Verdict]) -> None:
    publish(settings, [PASSED], "run-1")
    before = fingerprint(settings.home.published)
    with pytest.raises(PublicationRefused) as refused:
        publish(settings, verdicts, "run-2")
    assert fingerprint(settings.home.published) == before
    assert "nothing was published" in str(refused.value)
    record = json.loads(refused.value.record.read_text())
    assert record["run_id"] == "run-2" and len(record["verdicts"]) == len(verdicts)


def test_the_refusal_names_check_owner_rows_and_what_to_do(settings: Settings) -> None:
    with pytest.raises(PublicationRefused) as refused:
        publish(settings, [FAILED], "run")
    for part in ("fct_kpi_adds_up", "2 rows", "owner finance", "Look at the segments.", '"kpi_id": "orders"'):
        assert part in str(refused.value)


def test_a_failure_while_writing_leaves_the_last_one_untouched(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, [PASSED], "run-1")
    before = fingerprint(settings.home.published)

    def broken(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publication, "_check", broken)
    with pytest.raises(OSError, match="No space left"):
        publish(settings, [PASSED], "run-2")
    assert fingerprint(settings.home.published) == before


def test_a_reader_that_connects_again_sees_the_new_set(settings: Settings) -> None:
    """The link of the folder is replaced: a connection that stays open reads the old set, a fresh one the new."""
    first = publish(settings, [PASSED], "run-1")
    marts = str(settings.home.current / "marts.duckdb")
    old = duckdb.connect(marts, read_only=True)
    with duckdb.connect(str(settings.home.warehouse)) as con:
        con.execute("update marts.fct_kpi set numerator = 4, value = 4")
    second = publish(settings, [PASSED], "run-2")
    query = "select publication_id, numerator from dim_publication, fct_kpi"
    assert old.execute(query).fetchall() == [(first.id, 3)]
    with duckdb.connect(marts, read_only=True) as fresh:
        assert fresh.execute(query).fetchall() == [(second.id, 4)]
    old.close()


def test_old_snapshots_go_and_strays_are_cleared(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSMART_KEEP_PUBLICATIONS", "2")
    stray = settings.home.published / ".unfinished-x"
    stray.mkdir(parents=True)
    ids = []
    for second in range(4):
        from datetime import UTC, datetime

        ids.append(publish(settings, [PASSED], "r", datetime(2026, 4, 1, 0, 0, second, tzinfo=UTC)).id)
    left = sorted(p.name for p in settings.home.published.iterdir())
    assert left == sorted([*ids[-2:], "current", "ledger"])


def test_great_expectations_passes_good_marts(settings: Settings) -> None:
    verdicts = mart_checks.judge_marts(settings.home)
    assert {f"{v.subject}_{v.rule}" for v in verdicts} == {check.name for check in checks.of_marts()}
    assert [v.name for v in verdicts if v.status != "passed"] == []


SPOILED = {  # what each check of the marts is made to find
    "dim_kpi_ids_are_unique": "insert into marts.dim_kpi select * from marts.dim_kpi",
    "dim_kpi_directions_are_known": "update marts.dim_kpi set direction = 'left'",
    "dim_kpi_additivities_are_known": "update marts.dim_kpi set additivity = 'X'",
    "fct_kpi_rows_are_unique": "insert into marts.fct_kpi select * from marts.fct_kpi",
    "fct_kpi_grains_are_known": "update marts.fct_kpi set grain = 'year'",
    "fct_kpi_kpis_are_known": "update marts.fct_kpi set kpi_id = 'x'",
    "fct_kpi_counts_are_not_negative": "update marts.fct_kpi set n = -1",
    "fct_kpi_incomplete_is_empty": "update marts.fct_kpi set is_complete = false",
    "fct_kpi_ratios_are_of_their_parts": "update marts.fct_kpi set denominator = 2, value = 3",
    "fct_kpi_shares_are_shares": "update marts.dim_kpi set unit = 'share'",
    "fct_coverage_states_are_known": "update marts.fct_coverage set state = 'perhaps'",
    "fct_coverage_days_are_unique": "insert into marts.fct_coverage select * from marts.fct_coverage",
}


@pytest.mark.parametrize("rule", SPOILED)
def test_each_check_of_the_marts_can_fail(settings: Settings, rule: str) -> None:
    with duckdb.connect(str(settings.home.warehouse)) as con:
        con.execute(SPOILED[rule])
    verdicts = mart_checks.judge_marts(settings.home)
    assert rule in {v.name for v in verdicts if v.blocks}


def test_a_mart_that_is_not_there_is_not_evaluated(settings: Settings) -> None:
    with duckdb.connect(str(settings.home.warehouse)) as con:
        con.execute("drop table marts.fct_kpi")
    verdicts = mart_checks.judge_marts(settings.home)
    assert verdicts and all(v.blocks and v.status == "error" for v in verdicts)
