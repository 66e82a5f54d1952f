"""A small company's files through landing, dbt's frontier and the models after it, up to `fct_kpi`.

The warehouse begins as a copy of the one that the sample company's run left. dbt builds plan, staging and frontier anew in
a fork; what follows is the SQL that dbt compiled in that run, for it looks neither at the lake nor at the profile.
"""

from __future__ import annotations

import shutil
import uuid
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.pipeline import batch_checks
from orchestration.pipeline.landing import land_stream
from orchestration.settings import load_settings
from tests.integration.histories.builds import FRONTIER, dbt
from tests.integration.histories.checks import judge_in_pandas
from tests.oracles.companies.files import profile_text, write
from tests.oracles.companies.stories import Plan, happened
from tests.oracles.mutated import Warehouse

PLAN_MODELS = "path:models/plan"


def land(plan: Plan, root: Path) -> tuple[Path, Path]:
    """(home, profile) of the company, with every day of every stream landed."""
    home, profile = root / "home", root / "company.toml"
    profile.write_text(profile_text(plan), encoding="utf-8")
    write(happened(plan), home / "sources")
    land_all(home, profile)
    return home, profile


def land_all(home: Path, profile: Path) -> None:
    """Land every day of every stream of a profile."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch_checks, "validate", judge_in_pandas)
        patched.setenv("OPSMART_PROFILE", str(profile))
        patched.setenv("OPSMART_HOME", str(home))
        settings = load_settings()
        first, last = settings.profile.business.first_day, settings.profile.business.last_day
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        for stream in settings.profile.streams:
            outcome = land_stream(settings, stream, days, str(uuid.uuid4()))
            assert not outcome.failed, outcome.failed[0]


def build(
    home: Path, profile: Path, as_built: Path, up_to: tuple[str, ...] = ("fct_kpi",)
) -> duckdb.DuckDBPyConnection:
    """The home's warehouse, open for reading and writing, with these marts."""
    file = home / "warehouse" / "warehouse.duckdb"
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(as_built / file.name, file)
    said = dbt(home, profile, ["run", "--full-refresh", "--select", PLAN_MODELS, *FRONTIER])
    assert said is not None
    con = duckdb.connect(str(file))
    con.execute("set TimeZone = 'UTC'; set default_null_order = 'nulls_last'; set threads = 1")
    Warehouse(con, as_built / "dbt").build_after({relation for relation, _, _ in said["models"]}, up_to)
    return con
