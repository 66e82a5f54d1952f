"""Readers while publications happen: no error, no torn set, and who connects afresh sees the new set at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.pipeline.publication import publish
from orchestration.settings import Settings
from tests.unit.small_warehouse import change, two_kpis
from tests.unit.test_publication import PASSED

READER = Path(__file__).with_name("reader.py")
STAMPED = ("stamped_first", "stamped_second", "stamped_third")


def stamp(settings: Settings, number: int) -> None:
    """Every stamped mart of the warehouse carries this number, as all marts of one build belong together."""
    change(
        settings,
        *(
            f"create or replace table marts.{name} as select {number} as stamp, range as id from range(500)"
            for name in STAMPED
        ),
        f"update marts.fct_kpi set value = {number}, numerator = {number}",
    )


@pytest.mark.parametrize(
    ("publications", "readers"), [(4, 4), pytest.param(50, 8, marks=pytest.mark.soak)], ids=["few", "fifty"]
)
def test_readers_see_whole_sets_while_publications_happen(company, tmp_path, publications: int, readers: int) -> None:  # type: ignore[no-untyped-def]
    settings = two_kpis(company)
    stamp(settings, 0)
    publish(settings, [PASSED], "run")
    stop = tmp_path / "stop"
    kinds = ["fresh", "long"] * (readers // 2)
    command = [sys.executable, str(READER), str(settings.home.published), str(stop)]
    processes = [subprocess.Popen([*command, kind], stdout=subprocess.PIPE, text=True) for kind in kinds]
    try:
        for number in range(1, publications + 1):
            stamp(settings, number)
            publish(settings, [PASSED], "run")
            linked = time.monotonic()
            with duckdb.connect(str(settings.home.current / "marts.duckdb"), read_only=True) as con:
                assert con.execute("select distinct stamp from stamped_second").fetchall() == [(number,)]
            assert time.monotonic() - linked < 1
    finally:
        stop.touch()
        said = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [(one["torn"], one["errors"]) for one in said] == [(0, [])] * readers
    assert all(one["served"] for one in said) and max(one["seen"] for one in said) > 1
