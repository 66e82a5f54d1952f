"""docs/drill_through.md on the sample company: the rows of every query add up to the KPI that it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.integration.test_main_job import KPIS, ROOT

PAGE = (ROOT / "docs" / "drill_through.md").read_text(encoding="utf-8")
QUERIES = {
    kpi: query
    for headline, query in re.findall(r"^### ([^\n]+)\n(?:(?!^#).)*?^```sql\n(.*?)^```", PAGE, re.M | re.S)
    for kpi in headline.split(", ")
}
VALUES = {
    "count": "sum({kpi})",
    "amount": "sum({kpi})",
    "ratio": "sum({kpi}) / nullif(sum(denominator), 0)",
    "p50": "quantile_cont(duration, 0.5)",
    "p90": "quantile_cont(duration, 0.9)",
}


@pytest.fixture(scope="module")
def readers(ran: tuple[Path, str]) -> Iterator[tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]]:
    """The publication, and the warehouse as the run left it."""
    home, _ = ran
    files = home / "published" / "current" / "marts.duckdb", home.parent / "as_built" / "warehouse.duckdb"
    with ExitStack() as stack:
        marts, warehouse = (stack.enter_context(duckdb.connect(str(file), read_only=True)) for file in files)
        yield marts, warehouse


def test_every_kpi_has_rows_or_a_reason() -> None:
    without = set(re.findall(r"`(\w+)`", PAGE.split("## Without a query here")[1])) & set(KPIS)
    assert set(QUERIES) | without == set(KPIS)
    assert len(QUERIES) > 50


def period_end(grain: str, start: date) -> date:
    if grain in ("month", "quarter"):
        return (start + timedelta(days=31 if grain == "month" else 93)).replace(day=1)
    return start + timedelta(days=7 if grain == "week" else 1)


@pytest.mark.parametrize("kpi", QUERIES)
def test_the_rows_add_up_to_the_kpi(
    readers: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection], kpi: str
) -> None:
    marts, warehouse = readers
    ((kind,),) = marts.execute("select kind from dim_kpi where kpi_id = ?", [kpi]).fetchall()
    published = marts.execute(
        """select grain, period_start, value from fct_kpi
           where kpi_id = ? and dimension = 'all' and is_complete
               and (grain <> 'day' or day(period_start) in (5, 20))""",
        [kpi],
    ).fetchall()
    value = VALUES[kpi[-3:] if kind == "percentile" else kind].format(kpi=kpi)
    reader = warehouse if "intermediate." in QUERIES[kpi] else marts
    added = {}
    for grain, start, _ in published:
        given = {"first_day": start, "end_day": period_end(grain, start), "kpi_id": kpi}
        used = {name: said for name, said in given.items() if f"${name}" in QUERIES[kpi]}
        ((found,),) = reader.execute(f"select cast({value} as double) from ({QUERIES[kpi]})", used).fetchall()
        added[grain, start] = 0.0 if found is None and kind in ("count", "amount") else found
    shown = {
        (grain, start): None if said is None else pytest.approx(said, rel=1e-9, abs=1e-6)
        for grain, start, said in published
    }
    assert added == shown
    assert len({round(said, 6) for _, _, said in published if said is not None}) > 1
