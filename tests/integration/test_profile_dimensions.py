"""Dimensions of a profile come and go by configuration alone, and nothing else moves.

Their numbers are recomputed in plain Python with all others (tests/oracles). Here: taken out of the sample's profile, the
marts are the same but for their rows; put back, a standing home has the marts of the one that was built with them.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import Home
from sources.profile import PROFILES_DIR
from tests.integration.dbt_fork import run_dbt

FROM_HERE = ("run", "--select", "profile_dimensions+")


@pytest.fixture(scope="module")
def built(ran: tuple[Path, str]) -> Path:
    """dbt's warehouse as the main job left it, with the dimensions from the first build on."""
    return ran[0].parent / "as_built" / "warehouse.duckdb"


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sample's profile beside its seeds, where it can be changed."""
    folder = tmp_path_factory.mktemp("profile")
    shutil.copytree(PROFILES_DIR / "sample", folder / "sample")
    shutil.copyfile(PROFILES_DIR / "sample.toml", folder / "sample.toml")
    yield folder / "sample.toml"


@pytest.fixture(scope="module")
def home(built: Path, profile: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with a copy of that warehouse. Its plan names the files of the lake that it was built from."""
    copy = Home(tmp_path_factory.mktemp("standing") / "data")
    copy.warehouse.parent.mkdir(parents=True)
    shutil.copyfile(built, copy.warehouse)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OPSMART_HOME", str(copy.path))
        patched.setenv("OPSMART_PROFILE", str(profile))
        yield copy


def without_dimensions(text: str) -> str:
    """The profile without its tables [dimensions.…], which stand between two comments over sections."""
    before, _, rest = text.partition("[dimensions.")
    return before + "[sample_company]" + rest.partition("[sample_company]")[2]


def build(home: Home) -> None:
    lines: list[str] = []
    assert run_dbt(home, FROM_HERE, lines.append) == 0, "\n".join(lines[-30:])


def marts(con: duckdb.DuckDBPyConnection, catalog: str) -> set[str]:
    return {
        name
        for (name,) in con.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts'", [catalog]
        ).fetchall()
    }


def moved(home: Home, built: Path, own: tuple[str, ...]) -> dict[str, int]:
    """Per mart that differs from the one that was built first, the rows on one side alone; rows of `own` dimensions aside."""
    found = {}
    with duckdb.connect() as con:
        con.execute(f"attach '{built}' as built (read_only); attach '{home.warehouse}' as now (read_only)")
        assert marts(con, "now") == marts(con, "built")
        for name in sorted(marts(con, "built")):
            columns = [column[0] for column in con.execute(f"describe built.marts.{name}").fetchall()]
            aside = f"where not list_contains({list(own)}::varchar[], dimension)" if "dimension" in columns else ""
            told = "* exclude (dimensions, attribution, current_dimensions)" if own and name == "dim_kpi" else "*"
            one, other = (f"select {told} from {catalog}.marts.{name} {aside}" for catalog in ("built", "now"))
            counts = con.execute(
                f"select (select count(*) from ({one} except all {other})), (select count(*) from ({other} except all {one}))"
            ).fetchone()
            if counts != (0, 0):
                found[name] = sum(counts or ())
    return found


def segments(home: Home) -> dict[str, int]:
    """Rows of fct_kpi per dimension of the sample's profile."""
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        rows = con.execute(
            "select dimension, count(*) from marts.fct_kpi where dimension in ('industry', 'payment_method') group by 1"
        ).fetchall()
    return dict(rows)


def test_dimensions_come_and_go_and_nothing_else_moves(built: Path, profile: Path, home: Home) -> None:
    text = profile.read_text(encoding="utf-8")
    own = tuple(tomllib.loads(text)["dimensions"])
    assert segments(home).keys() == {*own}

    profile.write_text(without_dimensions(text), encoding="utf-8")
    assert "dimensions" not in tomllib.loads(profile.read_text(encoding="utf-8"))
    build(home)
    assert segments(home) == {}
    assert moved(home, built, own) == {}
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        told = "select count(*) from marts.dim_kpi where dimensions like '%industry%' or current_dimensions like '%industry%'"
        assert con.execute(told).fetchone() == (0,)

    profile.write_text(text, encoding="utf-8")
    build(home)
    assert moved(home, built, ()) == {}
