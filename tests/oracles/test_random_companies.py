"""Small companies at random: `fct_kpi` is what their raw files and the KPI catalogue say, in every row; a wrong line is seen."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given

from tests.oracles.companies.built import build, land
from tests.oracles.companies.stories import KINDS, Plan
from tests.oracles.companies.strategy import COMPANIES, chosen
from tests.oracles.compare import differences, expected, found
from tests.oracles.figures import Row, RowKey
from tests.oracles.mutated import Warehouse
from tests.oracles.mutations import MUTATIONS, Mutation

PARTS, EXAMPLES = 4, 100
Rows = dict[RowKey, Row]

EVERYTHING = [chosen(seed, "Europe/Berlin", 130, 60, 300) for seed in (69, 70, 75)]  # each KPI has a value in each
CHOSEN = {
    "midnight_that_is_not_there": chosen(2, "America/Santiago", 75, 8),
    "nothing_but_tickets": chosen(3, "UTC", 40, 3, 25, ("ticket",)),
}
# csat by what was true of the customer on the day of the answer: the sample shows it, a dozen of these companies did not
NOT_SEEN_HERE = ("latest.answer_date >= spans.valid_from_date",)
SEEN_HERE = ("users_7d", "net_sales", "tickets_solved", "sla_attainment")  # `make soak` tries all mutations


@pytest.fixture(scope="module")
def as_built(ran: tuple[Path, str]) -> Path:
    return ran[0].parent / "as_built"


def compared(plan: Plan, root: Path, as_built: Path) -> tuple[duckdb.DuckDBPyConnection, Rows]:
    """The company's warehouse, and what is expected of it; raises AssertionError where they differ."""
    home, profile = land(plan, root)
    want = expected(home, profile)
    con = build(home, profile, as_built)
    told = differences(want, found(con, "marts.fct_kpi"), may_appear_early=True)
    assert not told, "\n".join(f"{kpi_id}: {len(lines)} rows, such as {lines[0]}" for kpi_id, lines in told.items())
    return con, want


@pytest.mark.parametrize("plan", [pytest.param(plan, id=name) for name, plan in CHOSEN.items()])
def test_a_small_company(plan: Plan, tmp_path: Path, as_built: Path) -> None:
    con, _ = compared(plan, tmp_path, as_built)
    con.close()


@pytest.fixture(scope="module")
def company(
    as_built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Rows]]:
    """A company in which everything happens, green."""
    con, want = compared(EVERYTHING[0], tmp_path_factory.mktemp("company"), as_built)
    yield con, want
    con.close()


def is_seen(con: duckdb.DuckDBPyConnection, want: Rows, as_built: Path, mutation: Mutation) -> bool:
    """Whether the KPI's comparison turns red where its model has the mistake."""
    con.begin()
    try:
        Warehouse(con, as_built / "dbt").build_with(mutation)
        got = found(con, "marts.fct_kpi", mutation.kpi_id)
    finally:
        con.rollback()
    wanted = {key: row for key, row in want.items() if key.kpi_id == mutation.kpi_id}
    return bool(differences(wanted, got, may_appear_early=True))


def test_every_kpi_has_a_value(company: tuple[duckdb.DuckDBPyConnection, Rows]) -> None:
    """A company in which a KPI is nothing but empty would compare nothing with nothing."""
    valued = Counter(key.kpi_id for key, row in company[1].items() if row.value)
    assert {key.kpi_id for key in company[1]} - valued.keys() == set()


@pytest.mark.parametrize("mutation", [m for m in MUTATIONS if m.kpi_id in SEEN_HERE], ids=lambda m: m.kpi_id)
def test_a_wrong_line_is_seen(
    company: tuple[duckdb.DuckDBPyConnection, Rows], as_built: Path, mutation: Mutation
) -> None:
    assert is_seen(*company, as_built, mutation), (
        f"{mutation.old!r} -> {mutation.new!r} in {mutation.model} is not seen"
    )


@pytest.mark.soak
def test_every_wrong_line_is_seen(
    company: tuple[duckdb.DuckDBPyConnection, Rows], as_built: Path, tmp_path: Path
) -> None:
    """All mutations of mutations.py, but the one that is named above, each in one of three companies."""
    here = [m for m in MUTATIONS if not m.old.startswith(NOT_SEEN_HERE)]
    unseen = [m for m in here if not is_seen(*company, as_built, m)]
    for n, plan in enumerate(EVERYTHING[1:]):
        (tmp_path / str(n)).mkdir()
        con, want = compared(plan, tmp_path / str(n), as_built)
        unseen = [m for m in unseen if not is_seen(con, want, as_built, m)]
        con.close()
    assert not unseen


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_many_small_companies(as_built: Path, capsys: pytest.CaptureFixture[str], part: int) -> None:
    """In parts, so that they spread over workers. OPSMART_SOAK_SEED repeats a run."""
    seed = int(os.environ.get("OPSMART_SOAK_SEED") or random.SystemRandom().randrange(2**32))
    counts: Counter[str] = Counter()

    @hypothesis.settings(
        max_examples=EXAMPLES // PARTS,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(COMPANIES)
    def run(plan: Plan) -> None:
        with TemporaryDirectory(prefix="company-") as folder:
            con, want = compared(plan, Path(folder), as_built)
            con.close()
        counts.update(story.kind for story in plan.stories)
        counts.update(company=1, rows=len(want), values=sum(row.value not in (None, 0) for row in want.values()))

    with capsys.disabled():
        print(f"\nOPSMART_SOAK_SEED={seed}, part {part + 1} of {PARTS}", file=sys.stderr, flush=True)
        hypothesis.seed(seed + part)(run)()
        print(", ".join(f"{name} {counts[name]}" for name in ("company", "rows", "values", *KINDS)), file=sys.stderr)
    assert counts["company"] >= EXAMPLES // PARTS
