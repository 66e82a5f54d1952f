"""Bad values through the row rules of gate 1: every one is quarantined by its own rule alone, or stands as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from orchestration.pipeline import lake
from orchestration.pipeline.landing import land_stream
from orchestration.settings import load_settings
from tests.conftest import Company
from tests.faults.bad_inputs.case import Case, one_line
from tests.faults.bad_inputs.rows import DAY, FIELDS, GOOD, ROWS
from tests.faults.figures import record


def _land(company: Company, cases: list[Case], tolerance: float) -> Any:
    rows = [{"id": str(case), **GOOD, **case.given, "name": str(case)} for case in cases]
    company.business |= {
        "first_day": DAY,
        "last_day": DAY,
        "landing_zone": "Europe/Berlin",
        "source_zone": "Europe/Berlin",
    }
    company.write("orders", rows, "at", f"tolerance = {tolerance}")
    text = company.streams["orders"].split("[streams.orders.fields]")[0]
    mapped = "\n".join(f'{name} = "{column}"' for name, column in FIELDS.items())
    company.streams["orders"] = f"{text}[streams.orders.fields]\n{mapped}\n"
    os.environ |= {"OPSMART_PROFILE": str(company.profile()), "OPSMART_HOME": str(company.root / "home")}
    settings = load_settings()
    (landing,) = land_stream(settings, "orders", [DAY], "test-run").landings
    return settings, landing


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """What stands in the lake and in quarantine after one landing of all rows, by the name of the case."""
    kept = {name: os.environ.get(name) for name in ("OPSMART_HOME", "OPSMART_PROFILE")}
    settings, landing = _land(Company(Path(tmp_path_factory.mktemp("rows"))), ROWS, 1.0)
    for name, value in kept.items():
        os.environ.pop(name, None)
        os.environ |= {} if value is None else {name: value}
    table, quarantine = lake.stream_table(settings.home, "orders"), lake.read_quarantine(settings.home, "orders")
    assert table is not None and quarantine is not None
    good = {row["status"]: row for row in table.to_pyarrow_table().to_pylist()}
    bad = {json.loads(row["record"])["status"]: row for row in quarantine.to_pylist()}
    return good, bad, landing


def test_every_row_is_somewhere_once(landed: Any) -> None:
    good, bad, landing = landed
    assert landing.state == "landed", landing.reason
    assert (landing.pulled, landing.landed, landing.rejected) == (len(ROWS), len(good), len(bad))
    assert good.keys() | bad.keys() == {str(case) for case in ROWS} and not good.keys() & bad.keys()


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_a_bad_value(landed: Any, case: Case) -> None:
    record("bad inputs")
    good, bad, _ = landed
    assert (str(case) in good, str(case) in bad) == (case.landed == 1, case.rejected == 1), good.get(str(case))
    if case.rejected:
        assert bad[str(case)]["reasons"] == f"[{case.says}]"
    for column, (value,) in case.holds.items():
        assert good[str(case)][column] == value


@pytest.mark.parametrize("case", [c for c in ROWS if c.rejected and "at" not in c.given], ids=str)
@pytest.mark.soak
def test_a_bad_value_beyond_the_tolerance(company: Company, case: Case) -> None:
    settings, landing = _land(company, [case], 0.0)
    one_line(landing.reason)
    assert case.says.replace('","', ", ").strip('"') in landing.reason
    assert lake.stream_table(settings.home, "orders") is None


def test_a_refusal_shows_values_in_one_line(company: Company) -> None:
    """Values come from strangers: neither a line break nor a command to a terminal reaches whoever reads the message."""
    case = Case("x", "gate 1, rows", {"amount": "1\n2\x1b[2J\x07" + "9" * 10_000, "by": "a\r\nb"})
    _, landing = _land(company, [case], 0.0)
    one_line(landing.reason)
    assert landing.state == "failed" and "discount_amount_type" in landing.reason
