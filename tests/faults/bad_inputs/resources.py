"""Bad rows and bad names of dlt resources: `given` is what the resource yields, or raises."""

# ruff: noqa: E501 – a table: one case, one line

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tests.faults.bad_inputs.case import Case
from tests.faults.bad_inputs.files import LINE


def _yields(name: str, given: Any, says: str = "", landed: int | None = None, rejected: int = 0, **source: Any) -> Case:
    return Case(name, "dlt", given, says, landed, rejected, more={"source": source})


def _row(name: str, says: str, **values: Any) -> Case:
    """A good row and one with these values."""
    return _yields(name, [[LINE, LINE | {"id": "x"} | values]], says, 1, 1)


DLT = [
    # dlt's JSON has no word for these: they are missing values, for which the contract has a default
    Case("NaN for a count", "dlt", [[LINE | {"uses": float("nan")}]], "", 1, 0, {"use_count": [1]}, {"source": {}}),
    Case("an infinite count", "dlt", [[LINE | {"uses": float("inf")}]], "", 1, 0, {"use_count": [1]}, {"source": {}}),
    _yields("a count of 100 digits", [LINE | {"uses": 10**100}], "64-bit range"),
    _row("an object for a time", "occurred_at_type", at={"seconds": 5}),
    _row("a time of the year 20000", "cursor_required.*occurred_at_type", at="20000-01-01T00:00:00Z"),
    _row("no id", "event_id_required", id=None),
    _row("spaces for an id", "event_id_required", id="  "),
    _yields("no row", [], landed=0),
    _yields("text in place of rows", ["<html>Sign in</html>"], "gives a str; have it give dicts"),
    _yields("a number in place of rows", [7], "gives a int; have it give dicts"),
    _yields("tables and rows mixed", [pa.Table.from_pylist([LINE]), LINE], "gives rows and tables; have it give one kind"),
    _yields("an error of many lines", RuntimeError("500\n" + "Traceback of it\n".replace("Traceback", "trace") * 99), "500 trace of it"),
    _yields("an error with commands to a terminal", RuntimeError("\x1b[2J\x07 gone"), "gone"),
    _yields("a module that is not there", [], "cannot be imported", resource="no_such_module_here:x"),
    _yields("a function that is not there", [], "has no nothing; it has: rows", resource="bad_rows:nothing"),
    _yields("an argument that it does not take", [], "page", arguments={"page": 1}),
]  # fmt: skip
