"""The figures: what tests record is added up over processes, and only names that the page knows are taken."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from tests.faults.__main__ import page
from tests.faults.figures import RECORD, added_up, record


def test_records_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RECORD, str(tmp_path / "figures"))
    record("kill points", 2)
    record("kill points")
    record("lost", 0)
    record("faults", of="a full disk")
    record("faults", of="a full disk")
    record("faults", of="a read-only folder")
    assert added_up(tmp_path / "figures") == {"kill points": 3, "lost": 0, "faults": 2}
    with pytest.raises(KeyError, match="bad inputs"):
        record("bad weather")


def test_the_page_has_what_was_recorded_and_nothing_else() -> None:
    text = page(Counter({"kill points": 1234, "lost": 0}), date(2026, 3, 1), "make reliability", 120)
    assert (
        "| kill points | 1,234 |" in text
        and "| lost | 0 |" in text
        and "make reliability` did on 01 March 2026" in text
    )
    assert "| reads |" not in text
