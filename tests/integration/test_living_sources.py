"""Living sources end as the files do: the same marts, night by night from PostgreSQL, an API and a folder that fills."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from orchestration.settings import ROOT
from sources.sample_company import FIRST_DAY, write
from sources.sample_company.postgres_server import Postgres
from tests.living import Served, failures, land_files, living, marts, marts_but_for_the_nights

LAST_DAY = FIRST_DAY + timedelta(days=24)
NIGHTS = [FIRST_DAY + timedelta(days=n) for n in (9, 16, 24)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company") / "sources"
    write(folder, 7, 0.2, FIRST_DAY, LAST_DAY)
    return folder


@pytest.fixture
def served(files: Path, tmp_path: Path, postgres: Postgres) -> Iterator[Served]:
    with living(files, tmp_path, postgres, "nights") as ready:
        yield ready


def test_marts_of_living_sources_equal_those_of_the_files(served: Served, files: Path, tmp_path: Path) -> None:
    for day in NIGHTS:
        assert failures(served.night(day)) == []
    live = marts(served.settings(LAST_DAY).home)
    of_files = marts(land_files(files, tmp_path, LAST_DAY).home)
    assert len(live["fct_kpi"]) > 10_000 and len(live["fct_orders__orders"]) > 100
    assert marts_but_for_the_nights(live) == marts_but_for_the_nights(of_files)


def _places(folder: Path) -> dict[str, str]:
    lines = (folder / "environment").read_text(encoding="utf-8").splitlines()
    return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}


def _wait(process: subprocess.Popen[str], until: str) -> list[str]:
    """What the process prints up to a line that holds that text."""
    assert process.stdout is not None
    printed: list[str] = []
    for line in process.stdout:
        printed.append(line)
        if until in line:
            return printed
    raise AssertionError("".join(printed))


def _make(folder: Path, *arguments: str) -> list[str]:
    """A command of the Makefile, without its setup: the tests run in an environment that is set up."""
    return [
        "make",
        "-o",
        "setup",
        "--no-print-directory",
        *arguments,
        f"DEMO={folder}",
        f"BIN={Path(sys.executable).parent}",
    ]


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_demo_sources_live_until_they_are_stopped_and_go_on_from_there(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    start = _make(folder, "demo-sources", "SPEED=86400", "SCALE=0.1")
    with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            _wait(process, "2025-10-26 is over")
            _wait(process, "2025-10-27 is over")
            places = _places(folder)
            _reads_and_writes_nothing(places)
            environment = {**os.environ, "OPSMART_HOME": str(tmp_path / "home"), "OPSMART_PROFILE": ""}
            checked = subprocess.run(
                _make(folder, "source-check", "PROFILE=demo-live"),
                cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert checked.returncode == 0, checked.stdout + checked.stderr
            assert list((folder / "files" / "usage").glob("2025-10-2*/*.jsonl.gz"))
        finally:
            os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert "stopped; the company goes on from here" in said
    ports = [int(places["DEMO_SHOP_PORT"]), int(places["DEMO_DESK_URL"].rpartition(":")[2])]
    assert [port for port in ports if _is_open(port)] == []
    reached = date.fromisoformat(_places(folder)["DEMO_LAST_DAY"])
    start = _make(folder, "demo-sources", "SPEED=0")
    with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert f"{reached} is over" in "".join(_wait(process, "is over"))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
    assert not _is_open(int(_places(folder)["DEMO_SHOP_PORT"]))


def _reads_and_writes_nothing(places: dict[str, str]) -> None:
    """The profile's user of the database sees orders move on, and may change nothing."""
    url = f"postgresql://reader:{places['DEMO_SHOP_PASSWORD']}@127.0.0.1:{places['DEMO_SHOP_PORT']}/shop"
    with psycopg.connect(url, autocommit=True) as connection:
        newest = connection.execute("select max(updated_at) from orders").fetchone()
        until = time.monotonic() + 30
        while connection.execute("select max(updated_at) from orders").fetchone() == newest:
            assert time.monotonic() < until, "no order has moved on"
            time.sleep(0.1)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from orders")
