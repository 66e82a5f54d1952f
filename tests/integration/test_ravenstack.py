"""Real input that others made: the published figures come out, and one changed source row has its own effect."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable
from rich.console import Console

from orchestration.pipeline import runner
from orchestration.pipeline.summary import show
from orchestration.settings import Home, load_settings
from tests.integration.test_metricflow import DIFFERENT, compare

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("RAVENSTACK_DIR") or ROOT.parent / "shared" / "data" / "ravenstack")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the third-party data set is not at {DATA}; set RAVENSTACK_DIR"
)

UNAVAILABLE = [
    "activation",
    "checkout_abandonment",
    "csat_response_rate",
    "feature_demand",
    "first_contact_resolution",
    "funnel_conversion",
    "late_delivery_contact_lift",
    "net_sales",
    "net_sales_cohort_90d",
    "nps",
    "refund_rate",
    "reopen_rate",
    "return_rate",
    "revenue_at_risk",
    "revenue_per_active_user",
    "time_to_convert_p50",
    "time_to_convert_p90",
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, forked_dbt: None) -> Iterator[tuple[Path, Path, str]]:
    """(source folder, home, the summary): the main job without Dagster, whose own part test_main_job has."""
    folder = tmp_path_factory.mktemp("source")
    for path in DATA.glob("*.csv"):
        shutil.copyfile(path, folder / path.name)
    home = tmp_path_factory.mktemp("home") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPSMART_HOME", str(home))
        patch.setenv("OPSMART_PROFILE", "ravenstack")
        patch.setenv("RAVENSTACK_DIR", str(folder))
        settings = load_settings()
        assert not any(outcome.failed for outcome in runner.land(settings))
        printed = io.StringIO()
        show(runner.build_and_publish(settings), Console(file=printed, width=200))
        yield folder, home, printed.getvalue()


def over_all_days(home: Path, kpi: str, dimension: str = "all", segment: str = "all") -> tuple[Decimal, Decimal | None]:
    """Σ numerators and Σ denominators of the day grain."""
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as con:
        found = con.execute(
            """select sum(numerator), sum(denominator) from fct_kpi
               where kpi_id = ? and grain = 'day' and dimension = ? and segment = ?""",
            [kpi, dimension, segment],
        ).fetchone()
    assert found is not None
    return found


def ratio(home: Path, kpi: str) -> float:
    numerator, denominator = over_all_days(home, kpi)
    assert denominator
    return float(numerator / denominator)


def test_the_published_figures_come_out(ran: tuple[Path, Path, str]) -> None:
    _, home, _ = ran
    assert over_all_days(home, "orders")[0] == 5_000
    assert over_all_days(home, "gmv")[0] == 11_338_747
    by_plan = {plan: over_all_days(home, "gmv", "category", plan)[0] for plan in ("Enterprise", "Pro", "Basic")}
    assert by_plan == {"Enterprise": 8_473_221, "Pro": 2_105_089, "Basic": 760_437}
    assert over_all_days(home, "tickets_created")[0] == 2_000
    assert round(ratio(home, "csat_mean"), 2) == 3.98
    assert round(100 * ratio(home, "escalation_rate"), 2) == 4.75
    assert round(100 * ratio(home, "error_rate"), 2) == 5.63


def test_no_row_is_lost(ran: tuple[Path, Path, str]) -> None:
    _, home, _ = ran
    rows = {
        s: DeltaTable(str(home / "lake" / s)).to_pyarrow_table().num_rows
        for s in ("usage_events", "orders", "support_tickets")
    }
    assert rows == {"usage_events": 25_000, "orders": 5_000, "support_tickets": 2_000}
    assert not (home / "quarantine").exists()


@pytest.mark.parametrize(
    "found",
    [
        "usage_events: 21 repeated ids (42 rows)",
        "support_tickets: 36 rows: reply_before_solve",
        "support_tickets: 1,077 rows: Tickets that were opened before their customer signed up",
        "usage_events: 19,142 rows: used_after_start",
        "usage_events: 17 rows: errors_within_uses",
        "orders: 106 days without rows",
        "support_tickets: 60 days without rows",
    ],
)
def test_the_summary_names_the_dirt(ran: tuple[Path, Path, str], found: str) -> None:
    assert found in ran[2]


def test_what_cannot_be_known_is_not_available_by_name(ran: tuple[Path, Path, str]) -> None:
    _, home, printed = ran
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as con:
        unavailable = dict(
            con.execute("select kpi_id, unavailable_reason from dim_kpi where not is_available").fetchall()
        )
        fulfilment = {
            kpi for (kpi,) in con.execute("select kpi_id from dim_kpi where domain = 'fulfilment'").fetchall()
        }
        assert sorted(unavailable.keys() - fulfilment) == UNAVAILABLE and fulfilment <= unavailable.keys()
        assert all("shipments" in unavailable[kpi] for kpi in fulfilment)
        assert unavailable["net_sales"] == "the profile has no refunds"
        assert unavailable["activation"] == "the profile sets no key_action"
        assert unavailable["reopen_rate"] == "the profile has no ticket_events"
        assert con.execute(
            "select count(*) from fct_kpi where kpi_id in (select unnest(?))", [sorted(unavailable)]
        ).fetchone() == (0,)
    assert "net_sales" in printed


def test_times_on_the_ticket_are_enough_for_percentiles_and_promises(ran: tuple[Path, Path, str]) -> None:
    """The project's own policies hold; by the profile's own hours the help-desk is always open."""
    _, home, _ = ran
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as con:
        months = con.execute(
            """select kpi_id, count(value) from fct_kpi where grain = 'month' and dimension = 'all' and kpi_id in
                   ('first_reply_p90', 'first_reply_business_p50', 'resolution_p90', 'full_resolution_p50',
                    'sla_attainment', 'backlog_age_p50')
               group by 1"""
        ).fetchall()
        assert len(months) == 6 and min(dict(months).values()) >= 21, "at the end of three months nothing was open"
        replies = con.execute(
            "select * from fct_support__tickets where first_reply_minutes <> first_reply_business_minutes"
        )
        assert replies.fetchall() == []
        rows = con.execute(
            """select count(*), count(*) filter (is_solved and full_resolution_hours = resolution_hours),
                      count(*) filter (is_solved), count(is_first_contact) from fct_support__tickets"""
        ).fetchone()
    assert rows is not None and rows[0] == 2_000
    assert rows[1] == rows[2] > 1_900 and rows[3] == 0


@pytest.mark.soak
def test_metricflow_finds_the_same_numbers_in_quarters(ran: tuple[Path, Path, str]) -> None:
    """The sample company has none that is whole."""
    _, home, _ = ran
    with compare(Home(home), "quarter:all", "quarter:cut") as con:
        assert con.sql(DIFFERENT).fetchmany(20) == []
        assert con.sql(
            "select count(*) >= 2000, count(distinct kpi_id) > 30 from answers where value <> 0"
        ).fetchall() == [(True, True)]


def test_one_changed_row_has_its_own_effect(ran: tuple[Path, Path, str]) -> None:
    """A subscription's price is raised at the source: gmv of its day, month and category move by just that."""
    folder, home, _ = ran
    path = folder / "ravenstack_subscriptions.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    changed = next(row for row in rows if row["plan_tier"] == "Pro" and float(row["mrr_amount"]) > 0)
    day, raised = changed["start_date"], 1_000

    def gmv(grain: str, period: str, dimension: str, segment: str) -> Decimal:
        with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as con:
            found = con.execute(
                """select numerator from fct_kpi where kpi_id = 'gmv' and grain = ? and period_start = cast(? as date)
                   and dimension = ? and segment = ?""",
                [grain, period, dimension, segment],
            ).fetchone()
        assert found is not None
        return Decimal(found[0])

    cells = [("day", day, "all", "all"), ("month", day[:8] + "01", "all", "all"), ("day", day, "category", "Pro")]
    before = [gmv(*cell) for cell in cells]
    untouched = over_all_days(home, "gmv", "category", "Enterprise")
    changed["mrr_amount"] = str(int(float(changed["mrr_amount"])) + raised)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    settings = load_settings()
    changed_streams = {outcome.stream for outcome in runner.land(settings) if any(x.written for x in outcome.landings)}
    assert changed_streams == {"orders", "order_items"}
    done = runner.build_and_publish(settings)
    assert [gmv(*cell) for cell in cells] == [value + raised for value in before]
    assert over_all_days(home, "gmv")[0] == 11_338_747 + raised
    assert over_all_days(home, "gmv", "category", "Enterprise") == untouched
    with duckdb.connect(str(done.folder / "marts.duckdb"), read_only=True) as con:
        restated = con.execute(
            """select grain, cast(period_start as varchar), dimension, segment, numerator - numerator_before, changed_days
               from fct_kpi_restatements where kpi_id = 'gmv'"""
        ).fetchall()
        kpis = con.execute("select distinct kpi_id from fct_kpi_restatements order by 1").fetchall()
        still = con.execute("select count(*) from fct_kpi_history where replaced_at is null").fetchone()
        assert still == con.execute("select count(*) from fct_kpi").fetchone()
    assert {row[:4] for row in restated} >= set(cells)
    assert {row[4:] for row in restated} == {(raised, f'{{"order_items":["{day}"],"orders":["{day}"]}}')}
    assert kpis == [("aov",), ("gmv",), ("mrr",), ("revenue_churn",)]
    assert {kpi for (kpi,) in kpis} == set(done.manifest["restatements"]["kpis"])
