"""The one table of bad input: every case names its connector or gate, its input and its answer.

What other tests keep as a table of mistakes is counted from there, not copied.
"""

from __future__ import annotations

from collections import Counter

from tests.faults.bad_inputs.arguments import COMMANDS, REPLAYS
from tests.faults.bad_inputs.case import Case
from tests.faults.bad_inputs.databases import POSTGRESQL, SQLITE
from tests.faults.bad_inputs.desks import ZENDESK
from tests.faults.bad_inputs.files import CSV, JSONL, PARQUET
from tests.faults.bad_inputs.resources import DLT
from tests.faults.bad_inputs.rows import ROWS
from tests.faults.bad_inputs.shops import SHOPIFY
from tests.unit import test_batch_checks, test_profiles, test_seeds, test_zendesk_faults

OWN: list[Case] = [*CSV, *JSONL, *PARQUET, *SQLITE, *POSTGRESQL, *SHOPIFY, *ZENDESK, *DLT, *ROWS, *COMMANDS, *REPLAYS]
OTHERS: list[Case] = [
    *(Case(name, "zendesk", fault, says) for name, (fault, says) in test_zendesk_faults.FAULTS.items()),
    *(Case(rule, "gate 1, batches", rows, rule) for rule, rows in test_batch_checks.SPOILED.items()),
    *(Case(f"{old} → {new}", "profiles", (old, new), says) for old, new, says in test_profiles.MISTAKES),
    *(Case(f"{name}: {text}", "seeds", text, says) for name, text, says in test_seeds.MISTAKES),
]
CASES = [*OWN, *OTHERS]


def count() -> int:
    """How many bad inputs have an answer."""
    return len(CASES)


def by_place() -> Counter[str]:
    """How many there are per connector and gate."""
    return Counter(case.where for case in CASES)
