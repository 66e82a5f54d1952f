"""MetricFlow on the sample company: its own SQL over the rows finds the numbers of fct_kpi."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.pipeline import build, semantic_models
from orchestration.settings import Home, kpi_catalogue
from tests.sample_home import ROOT, command

# What is not complete has no value in fct_kpi. A segment without rows is nothing: 0 of a count or an amount. Percentiles
# are rounded to the sixth place there, and the amounts of subscriptions too.
COMPARED = """
    select kpi_id, grain, dimension, period_start, segment, shown.value as shown, answers.value as answered
    from (from fct_kpi where is_complete) as shown
    full join answers using (kpi_id, grain, dimension, period_start, segment)
    semi join (select distinct kpi_id, grain, dimension from answers) as asked using (kpi_id, grain, dimension)
    semi join (from fct_kpi where is_complete) as periods using (kpi_id, grain, dimension, period_start)
"""
DIFFERENT = f"""
    select kpi_id, grain, dimension, period_start, segment, shown, answered
    from ({COMPARED}) as compared
    inner join dim_kpi using (kpi_id)
    where case
        when kind in ('count', 'amount') or shown is null and answered = 0
            then abs(coalesce(shown, 0) - coalesce(answered, 0)) > 1e-9 * abs(coalesce(shown, 0)) + 1e-6
        else coalesce(abs(shown - answered) > 1e-9 * abs(shown) + 1e-6, shown is distinct from answered)
    end
    order by all
"""


@pytest.fixture(scope="module")
def home(ran: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample's publication beside the warehouse as the run left it."""
    sample, _ = ran
    made = tmp_path_factory.mktemp("metricflow")
    (made / "published").symlink_to(sample / "published")
    (made / "warehouse").symlink_to(sample.parent / "as_built")
    return Home(made)


def compare(home: Home, *wanted: str) -> duckdb.DuckDBPyConnection:
    """The publication with a table `answers`: what MetricFlow says to `wanted`, in one process."""
    answers = home.path / "answers.csv"
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.metricflow_answers", str(home.path), str(answers), *wanted],
        cwd=ROOT,
        env={**os.environ, "OPSMART_HOME": str(home.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    con = duckdb.connect()
    con.execute(f"attach '{home.current / 'marts.duckdb'}' as marts (read_only)")
    con.execute("use marts")
    types = {"kpi_id": "text", "grain": "text", "dimension": "text", "period_start": "date", "segment": "text"}
    con.execute(
        f"create table memory.answers as from read_csv('{answers}', header = false, columns = {types | {'value': 'double'}})"
    )
    con.execute("set search_path = 'marts.main,memory.main'")
    return con


def expected(*wanted: str) -> set[tuple[str, str, str]]:
    """The KPIs, grains and dimensions of the registry that have to be compared, but for what kpi_rows.yml leaves out."""
    declared = semantic_models.read_declared()
    found = set()
    for row in kpi_catalogue():
        if row["kpi_id"] not in declared.kpis:
            continue
        left_out = declared.kpis[row["kpi_id"]].get("except", {})
        for grain, what in (each.split(":") for each in wanted):
            cuts = ["all"] if what == "all" else [name for name in row["dimensions"].split() if name not in left_out]
            found |= {(row["kpi_id"], grain, cut) for cut in cuts if grain in row["grains"].split()}
    return found


def agree(home: Home, *wanted: str, at_least: int) -> None:
    with compare(home, *wanted) as con:
        assert con.sql(DIFFERENT).fetchmany(20) == []
        compared = con.sql(f"from ({COMPARED})")
        complete = con.sql("select distinct kpi_id, grain, dimension from fct_kpi where is_complete").fetchall()
        assert expected(*wanted) <= set(complete)
        assert set(compared.aggregate("kpi_id, grain, dimension").fetchall()) == expected(*wanted)
        values = compared.filter("shown is not null")
        assert len(values) >= at_least
        same = values.filter("grain in ('day', 'week')").aggregate("kpi_id, count(distinct shown) as found")
        assert same.filter("found < 3").fetchall() == []


def test_the_numbers_are_those_of_fct_kpi(home: Home) -> None:
    agree(home, "day:all", "week:all", "week:cut", "month:all", "quarter:all", at_least=15_000)


@pytest.mark.soak
def test_the_numbers_are_those_of_fct_kpi_in_every_cut(home: Home) -> None:
    agree(home, "day:cut", "month:cut", "quarter:cut", at_least=80_000)


def test_the_command_answers_while_a_build_holds_the_warehouse(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "answer.csv"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with build.warehouse_lock(home):
        done = command(
            home.path,
            "mf",
            "query",
            "--metrics",
            "net_sales,otif",
            "--group-by",
            "metric_time__month",
            "--csv",
            str(out),
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KPIs over rows that are not published answer again when it is done" in done.stderr
    assert not (tmp_path / "update_checker_cache.pkl").exists()  # where mf notes what it asked PyPI
    with out.open(encoding="utf-8", newline="") as file:
        said = {row["metric_time__month"][:10]: row for row in csv.DictReader(file)}
    with duckdb.connect(str(home.current / "marts.duckdb"), read_only=True) as con:
        shown = con.sql(
            """select kpi_id, cast(period_start as text), value from fct_kpi
               where kpi_id in ('net_sales', 'otif') and grain = 'month' and dimension = 'all' and is_complete"""
        ).fetchall()
    assert len(shown) >= 6
    assert [float(said[month][kpi]) for kpi, month, _ in shown] == pytest.approx([value for *_, value in shown])


def test_every_kpi_is_answered_or_told_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    declared = semantic_models.read_declared()
    assert len(declared.kpis) >= 66
    used = {why for kpi in declared.kpis.values() for why in kpi.get("except", {}).values()}
    assert used | set(declared.not_expressed.values()) == set(declared.reasons)
    dimensions = {row["kpi_id"]: row["dimensions"].split() for row in kpi_catalogue()}
    assert [kpi for kpi, said in declared.kpis.items() if not {*said.get("except", {})} <= {*dimensions[kpi]}] == []

    text = semantic_models.KPI_ROWS.read_text(encoding="utf-8")
    monkeypatch.setattr(semantic_models, "KPI_ROWS", tmp_path / "kpi_rows.yml")
    for mistake, said in (
        (text.replace("  sessions: no_sessions\n", ""), "sessions stands 1 times in the registry and 0 times"),
        (text.replace("  sessions:", "  nps: no_sessions\n  sessions:"), "nps stands 1 times .* and 2 times"),
        (text.replace("  sessions:", "  visits: no_sessions\n  sessions:"), "visits stands 0 times .* and 1 times"),
    ):
        semantic_models.KPI_ROWS.write_text(mistake, encoding="utf-8")
        with pytest.raises(semantic_models.CatalogueError, match=said):
            semantic_models.read_declared()


def test_the_written_files_are_those_of_the_registry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert semantic_models.main(["--check"]) == 0
    changed = tmp_path / "kpi_rows.yml"
    changed.write_text(semantic_models.KPI_ROWS.read_text(encoding="utf-8").replace("sum: net_amount", "sum: 0", 1))
    monkeypatch.setattr(semantic_models, "KPI_ROWS", changed)
    assert semantic_models.main(["--check"]) == 1
    assert "semantic_models.yml is not what the registry says" in capsys.readouterr().err


def test_no_row_set_reads_what_was_summed() -> None:
    """MetricFlow's numbers are worth something because they come from rows."""
    read = set()
    for path in (semantic_models.PROJECT / "models").rglob("*.sql"):
        read |= set(re.findall(r"source\('\w+', '(\w+)'\)", path.read_text(encoding="utf-8")))
    assert len(read) > 15
    assert [name for name in read if re.search(r"fct_kpi|_values|_daily|__daily|_counts|_trailing", name)] == []
