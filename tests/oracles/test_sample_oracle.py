"""Every published row of the sample company is what its raw files and the KPI catalogue say; a wrong line is seen."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.oracles.compare import differences, expected, found
from tests.oracles.figures import Row, RowKey
from tests.oracles.mutated import Warehouse
from tests.oracles.mutations import MUTATIONS, Mutation

PROJECT = Path(__file__).parent.parent.parent / "dbt_project"
KPIS = [row["kpi_id"] for row in csv.DictReader((PROJECT / "seeds" / "kpi_catalogue.csv").open(encoding="utf-8"))]
Rows = dict[RowKey, Row]

# KPIs of the registry that the oracle leaves out, and why.
NOT_COVERED: dict[str, str] = {}

# These mutations run with every test: one for each way through the models. `make soak` runs all.
ALWAYS = {"users_7d", "net_sales", "tickets_solved"}


@pytest.fixture(scope="module")
def recomputed(ran: tuple[Path, str]) -> Rows:
    return expected(ran[0])


@pytest.fixture(scope="module")
def marts(ran: tuple[Path, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(ran[0] / "published" / "current" / "marts.duckdb"), read_only=True) as con:
        yield con


def of(kpi_id: str, rows: Rows) -> Rows:
    return {key: row for key, row in rows.items() if key.kpi_id == kpi_id}


def test_the_oracle_covers_the_registry(marts: duckdb.DuckDBPyConnection, recomputed: Rows) -> None:
    """A KPI that the sample feeds and the oracle does not know is named here."""
    published = {kpi_id for (kpi_id,) in marts.execute("select kpi_id from dim_kpi where is_available").fetchall()}
    covered = {key.kpi_id for key in recomputed}
    assert published - covered == NOT_COVERED.keys() & published
    assert not covered & NOT_COVERED.keys(), "a reason that is none any more"


@pytest.mark.parametrize("kpi_id", [kpi_id for kpi_id in KPIS if kpi_id not in NOT_COVERED])
def test_a_kpi_is_what_the_catalogue_says(marts: duckdb.DuckDBPyConnection, recomputed: Rows, kpi_id: str) -> None:
    """The same rows, with the same numerator, denominator, value and flags."""
    want, got = of(kpi_id, recomputed), found(marts, kpi_id=kpi_id)
    told = differences(want, got).get(kpi_id, [])
    assert want and not told, f"{len(told)} of {len(got)} rows of {kpi_id} differ:\n" + "\n".join(told[:10])


def test_every_kpi_has_a_mutation() -> None:
    """The comparison of a KPI that no mistake was tried on could be blind."""
    assert set(KPIS) - {mutation.kpi_id for mutation in MUTATIONS} - NOT_COVERED.keys() == set()


@pytest.fixture(scope="module")
def warehouse(ran: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A copy of dbt's warehouse as the main job left it."""
    as_built = ran[0].parent / "as_built"
    copy = tmp_path_factory.mktemp("mutated") / "warehouse.duckdb"  # its models name the database by the file
    shutil.copyfile(as_built / copy.name, copy)
    with duckdb.connect(str(copy)) as con:
        con.execute("set TimeZone = 'UTC'; set default_null_order = 'nulls_last'")
        yield Warehouse(con, as_built / "dbt")


def mutations() -> Iterator[object]:
    for mutation in MUTATIONS:
        marks = () if mutation.kpi_id in ALWAYS else (pytest.mark.soak,)
        yield pytest.param(mutation, marks=marks, id=f"{mutation.kpi_id}-{mutation.model}")


@pytest.mark.parametrize("mutation", list(mutations()))
def test_a_wrong_line_is_seen(warehouse: Warehouse, recomputed: Rows, mutation: Mutation) -> None:
    """The comparison of the KPI turns red where its model has the mistake, and it was green before."""
    want, kpi_id = of(mutation.kpi_id, recomputed), mutation.kpi_id
    assert not differences(want, found(warehouse.con, "marts.fct_kpi", kpi_id))
    warehouse.con.begin()
    try:
        warehouse.build_with(mutation)
        got = found(warehouse.con, "marts.fct_kpi", kpi_id)
    finally:
        warehouse.con.rollback()
    assert differences(want, got).get(kpi_id), f"{mutation.old!r} -> {mutation.new!r} in {mutation.model} is not seen"
