"""Bad files through the files connector and gate 1: refused in one line, or quarantined row by row."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import Company
from tests.faults.bad_inputs.case import Case, land_and_compare
from tests.faults.bad_inputs.files import CSV, FIELDS, JSONL, PARQUET


@pytest.mark.parametrize("case", [*CSV, *JSONL, *PARQUET], ids=lambda case: f"{case.where}: {case}")
def test_a_bad_file(company: Company, case: Case) -> None:
    folder = company.root / "in"
    folder.mkdir()
    path = Path(case.more.get("path", folder / case.more.get("file", f"in.{case.where}")))
    if case.given is not None:
        path.write_bytes(case.given)
    elif "link" in case.more:
        os.symlink(case.more["link"], path)
    elif "mkdir" in case.more:
        path.mkdir()
    source = f'connector = "files"\npath = {json.dumps(str(path))}\nformat = "{case.where}"'
    more = {"stream": {"cursor": "at"}, **case.more}
    land_and_compare(company, Case(**{**case.__dict__, "more": more}), "usage_events", source, FIELDS)
