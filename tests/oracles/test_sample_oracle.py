"""Every published row of the sample company is what its raw files and the KPI catalogue say."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from tests.oracles.compare import differences, expected, found
from tests.oracles.figures import Row, RowKey

CATALOGUE = Path(__file__).parent.parent.parent / "dbt_project" / "seeds" / "kpi_catalogue.csv"
KPIS = [row["kpi_id"] for row in csv.DictReader(CATALOGUE.open(encoding="utf-8"))]

# KPIs of the registry that the oracle leaves out, and why.
NOT_COVERED: dict[str, str] = {}


@pytest.fixture(scope="module")
def rows(ran: tuple[Path, str]) -> tuple[dict[RowKey, Row], dict[RowKey, Row]]:
    """(expected, found)"""
    home, _ = ran
    return expected(home), found(home / "published" / "current" / "marts.duckdb")


def test_the_oracle_covers_the_registry(
    ran: tuple[Path, str], rows: tuple[dict[RowKey, Row], dict[RowKey, Row]]
) -> None:
    """A KPI that the sample feeds and the oracle does not know is named here."""
    with duckdb.connect(str(ran[0] / "published" / "current" / "marts.duckdb"), read_only=True) as con:
        published = {kpi_id for (kpi_id,) in con.execute("select kpi_id from dim_kpi where is_available").fetchall()}
    covered = {key.kpi_id for key in rows[0]}
    assert published - covered == NOT_COVERED.keys() & published
    assert not covered & NOT_COVERED.keys(), "a reason that is none any more"


@pytest.mark.parametrize("kpi_id", [kpi_id for kpi_id in KPIS if kpi_id not in NOT_COVERED])
def test_a_kpi_is_what_the_catalogue_says(rows: tuple[dict[RowKey, Row], dict[RowKey, Row]], kpi_id: str) -> None:
    """The same rows, with the same numerator, denominator, value and flags."""
    want, got = ({k: r for k, r in side.items() if k.kpi_id == kpi_id} for side in rows)
    told = differences(want, got).get(kpi_id, [])
    assert want and not told, f"{len(told)} of {len(got)} rows of {kpi_id} differ:\n" + "\n".join(told[:10])
