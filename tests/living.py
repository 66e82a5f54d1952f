"""The living sample company in tests: its sources really served, a night's landing as the runner does it, its marts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from orchestration.pipeline import runner
from orchestration.pipeline.landing import StreamLanding
from orchestration.settings import Home, Settings, load_settings
from sources.profile import PROFILES_DIR
from sources.sample_company.living import LivingCompany
from sources.sample_company.postgres_server import Postgres
from sources.sample_company.serve_zendesk import ADMIN, ZendeskServer
from tests.integration.dbt_fork import run_dbt

PASSWORD, TOKEN = "pa55 of the reader", "t0ken-of-the-demo"
OF_FILES = """
extends = "{sample}"
name = "sample"
[business]
last_day = {last}
"""


@dataclass
class Served:
    """The company, what serves it, and the home of a warehouse that pulls from it."""

    company: LivingCompany
    desk: ZendeskServer
    postgres: Postgres
    database: str
    home: Path

    def night(self, day: date, pull: Callable[[Settings], list[StreamLanding]] = runner.land) -> list[StreamLanding]:
        """Let the day pass, then land what is needed."""
        self.company.close(day)
        return pull(self.settings(day))

    def settings(self, last: date) -> Settings:
        os.environ |= {
            "DEMO_LAST_DAY": last.isoformat(),
            "OPSMART_PROFILE": "demo-live",
            "OPSMART_HOME": str(self.home),
        }
        return load_settings(check_sources=False)


@contextmanager
def living(
    files: Path, root: Path, postgres: Postgres, database: str, shop_port: int | None = None
) -> Iterator[Served]:
    """Serve the generated company in `files`, in a database of its own of that server. The profile is told where.

    `shop_port` is another way to PostgreSQL, where there is one.
    """
    postgres.execute(f"create database {database}")
    company = LivingCompany(files, root / "files", postgres.url(database=database), PASSWORD)
    with (
        ZendeskServer(company.desk, ADMIN["email"], TOKEN, clock=company.clock, page_size=100) as desk,
        pytest.MonkeyPatch.context() as patched,
    ):
        told = {
            "DEMO_FILES": str(root / "files"), "DEMO_SHOP_PORT": str(shop_port or postgres.port),
            "DEMO_SHOP_PASSWORD": PASSWORD.replace(" ", "%20"), "DEMO_SHOP_NAME": database,
            "DEMO_DESK_URL": desk.url, "DEMO_DESK_EMAIL": ADMIN["email"], "DEMO_DESK_TOKEN": TOKEN,
            "OPSMART_PROFILE": "", "OPSMART_HOME": "", "DEMO_LAST_DAY": "", "OPSMART_HASH_KEY": "1" * 64,
        }  # fmt: skip
        for name, value in told.items():
            patched.setenv(name, value)
        yield Served(company, desk, postgres, database, root / "live")


def land_files(files: Path, root: Path, last: date) -> Settings:
    """The settings of a home that has landed the company's files, as the sample's profile reads them."""
    home, profile = root / "of_files", root / "of_files.toml"
    home.mkdir()
    shutil.copytree(files, home / "sources")
    profile.write_text(OF_FILES.format(sample=PROFILES_DIR / "sample.toml", last=last), encoding="utf-8")
    os.environ |= {"OPSMART_PROFILE": str(profile), "OPSMART_HOME": str(home)}
    settings = load_settings()
    assert failures(runner.land(settings)) == []
    return settings


def failures(outcomes: list[StreamLanding]) -> list[str]:
    return [f"{found.stream} {found.landed_date}: {found.reason}" for outcome in outcomes for found in outcome.failed]


def marts(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every mart, built anew by dbt with the environment as it is."""
    said: list[str] = []
    for arguments in (["seed"], ["run"]):
        assert run_dbt(home, arguments, said.append) == 0, "\n".join(said)
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        names = con.execute("select table_name from information_schema.tables where table_schema = 'marts'").fetchall()
        return {name: con.execute(f"select * from marts.{name} order by all").fetchall() for (name,) in sorted(names)}


def rows(served: Served, query: str) -> list[tuple[Any, ...]]:
    """What a query of the shop's database gives."""
    with psycopg.connect(served.postgres.url(database=served.database), options="-c timezone=UTC") as connection:
        return connection.execute(query.encode()).fetchall()


def marts_but_for_the_nights(found: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """The marts, of the coverage only which days are there: how many rows came in which night is of the night."""
    return found | {"fct_coverage": [row[:3] for row in found["fct_coverage"]]}
