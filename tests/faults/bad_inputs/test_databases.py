"""Bad databases through the sql connector and gate 1: SQLite files, and a real PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from sources.sample_company.postgres_server import Postgres
from tests.conftest import Company
from tests.faults.bad_inputs.case import Case, land_and_compare
from tests.faults.bad_inputs.databases import FIELDS, POSTGRESQL, SQLITE


def _land(company: Company, case: Case, url: str) -> None:
    given = {"url": url, "table": "o", "cursor": "at", **case.more.get("source", {})}
    options = {name: value for name, value in given.items() if value is not None and name not in ("user", "database")}
    options["url"] = str(options["url"]).replace("{folder}", str(company.root))
    source = "\n".join(['connector = "sql"', *(f"{name} = {json.dumps(value)}" for name, value in options.items())])
    land_and_compare(company, Case(**{**case.__dict__, "more": {"stream": {"cursor": "at"}}}), "orders", source, FIELDS)


@pytest.mark.parametrize("case", SQLITE, ids=str)
def test_a_bad_sqlite_database(company: Company, case: Case) -> None:
    path = company.root / "shop.db"
    if isinstance(case.given, bytes):
        path.write_bytes(case.given)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(";\n".join(case.given))
    _land(company, case, f"sqlite:///{path}")
    if not isinstance(case.given, bytes) and case.given:
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("select count(*) from sqlite_master where name = 'o'").fetchone() == (1,)


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[Postgres]:
    postgres.execute("create database badinput", "create role stranger login password 's3cret'")
    yield postgres
    postgres.execute("drop database badinput with (force)", "drop role stranger")


@pytest.mark.parametrize("case", POSTGRESQL, ids=str)
def test_a_bad_postgresql_database(company: Company, database: Postgres, case: Case) -> None:
    import psycopg

    source: dict[str, Any] = case.more.get("source", {})
    with psycopg.connect(database.url(database="badinput"), autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
        connection.execute("grant usage on schema public to stranger")
        for statement in case.given:
            connection.execute(statement.encode())
        _land(company, case, database.url(source.get("user", "postgres"), source.get("database", "badinput")))
        if _has_table(case):
            assert connection.execute("select count(*) from o").fetchone(), "the table is still there"


def _has_table(case: Case) -> bool:
    return any(statement.startswith("create table o ") for statement in case.given)
