"""The table is large enough, and leaves out no connector and no gate."""

from __future__ import annotations

from sources.connectors import CONNECTORS
from tests.faults.bad_inputs.table import CASES, OWN, by_place, count

PLACES = {
    "files": ("csv", "jsonl", "parquet"),
    "sql": ("sqlite", "postgresql"),
    "zendesk": ("zendesk",),
    "shopify": ("shopify",),
    "dlt": ("dlt",),
    "gate 1": ("gate 1, rows", "gate 1, batches"),
    "before anything runs": ("profiles", "seeds", "commands", "replay"),
}


def test_at_least_eight_per_connector_and_gate_and_a_hundred_in_all() -> None:
    assert count() >= 100 and len(OWN) >= 100
    assert PLACES.keys() >= set(CONNECTORS)
    counted = by_place()
    assert set(counted) == {place for places in PLACES.values() for place in places}
    assert not {place: n for place, n in counted.items() if n < 8}


def test_every_case_says_what_is_answered_and_no_two_are_one() -> None:
    assert len({(case.where, case.name) for case in CASES}) == len(CASES)
    assert all(case.says or case.landed is not None for case in CASES)
