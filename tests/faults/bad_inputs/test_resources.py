"""Bad rows through the dlt connector and gate 1."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import dlt
import pytest

from tests.conftest import Company
from tests.faults.bad_inputs.case import Case, land_and_compare
from tests.faults.bad_inputs.files import FIELDS
from tests.faults.bad_inputs.resources import DLT


@pytest.mark.parametrize("case", DLT, ids=str)
def test_a_bad_resource(company: Company, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    @dlt.resource
    def rows() -> Iterator[Any]:
        if isinstance(case.given, Exception):
            raise case.given
        yield from case.given

    module = ModuleType("bad_rows")
    module.rows = rows  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bad_rows", module)
    options = {"resource": "bad_rows:rows", **case.more["source"]}
    arguments = options.pop("arguments", None)
    source = "\n".join(['connector = "dlt"', *(f"{name} = {json.dumps(value)}" for name, value in options.items())])
    if arguments:
        source += (
            "\narguments = {" + ", ".join(f"{name} = {json.dumps(value)}" for name, value in arguments.items()) + "}"
        )
    land_and_compare(
        company, Case(**{**case.__dict__, "more": {"stream": {"cursor": "at"}}}), "usage_events", source, FIELDS
    )
