"""A frontier model is rebuilt when the macros that write it change: `frontier_version()` stands for them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"
WRITERS = (
    "frontier_control.sql", "frontier_counts.sql", "frontier_days.sql", "frontier_keys.sql", "identity.sql", "kpi.sql",
    "lake.sql", "portable.sql", "usage_events.sql",
)  # fmt: skip


def macros_hash() -> str:
    """Hash of the macros, without their comments and whitespace: neither changes a row."""
    text = "".join((MACROS / name).read_text(encoding="utf-8") for name in WRITERS)
    return hashlib.sha256(re.sub(r"\{#.*?#\}|\s", "", text, flags=re.S).encode()).hexdigest()[:12]


def test_frontier_version_stands_for_its_macros() -> None:
    written = re.search(r"return\('([0-9a-f]+)'\)", (MACROS / "frontier_version.sql").read_text(encoding="utf-8"))
    assert written is not None
    assert written[1] == macros_hash(), f"write {macros_hash()!r} into macros/frontier_version.sql: its macros changed"
