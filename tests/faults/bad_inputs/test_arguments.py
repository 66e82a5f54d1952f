"""Bad arguments through the command line: exit code 2 and one line, before anything is asked or written."""

from __future__ import annotations

import os
import re

import pytest

from orchestration import cli, console
from tests.conftest import Company
from tests.faults.bad_inputs.arguments import COMMANDS, REPLAYS
from tests.faults.bad_inputs.case import Case
from tests.faults.figures import record


@pytest.mark.parametrize("case", [*COMMANDS, *REPLAYS], ids=lambda case: f"{case.where}: {case}")
def test_a_bad_argument(
    company: Company, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    record("bad inputs")
    at = "2026-03-02 10:00:00"
    company.write("orders", [{"order_id": 1, "ordered_at": at, "updated_at": at, "currency": "EUR"}], "updated_at")
    os.environ |= {"OPSMART_PROFILE": str(company.profile()), "OPSMART_HOME": str(company.root / "home")}
    said: list[str] = []
    monkeypatch.setattr(console.OUT, "print", lambda text, **_: said.append(str(text)))
    assert cli.main(case.given) == 2
    (line,) = said
    assert re.search(case.says, line.replace("\\[", "[")), line
    assert "Traceback" not in line and len(line.splitlines()) == 1
    assert not list((company.root / "home").glob("la*")), "something was landed"
    assert capsys.readouterr().out == ""
