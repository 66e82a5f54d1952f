"""Maintenance: fewer files, the same content under the same name, and nothing taken from under a build."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orchestration.pipeline import lake, maintenance, plan
from orchestration.pipeline.build import warehouse_lock
from orchestration.settings import Home, SettingsError
from tests.unit.test_landing import DAY, NEXT, event, order


def files(home: Home) -> list[Path]:
    return [Path(path) for day in lake.held_days(lake.stream_table(home, "orders")).values() for path in day.files]


def grown(company) -> Home:  # type: ignore[no-untyped-def]
    """A landing day that three pulls have added versions to."""
    for status in ("new", "paid", "sent"):
        rows = [order("o", "2026-03-02 10:00:00", status=status), order("p", "2026-03-03 10:00:00")]
        company.write("orders", rows, "updated_at")
        company.land("orders", [DAY, NEXT])
    return company.settings().home


def test_compaction_keeps_the_content_under_its_name(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    home = grown(company)
    before, rows = plan.freeze(home), lake_rows(company.settings(), "orders")
    assert len(files(home)) == 4
    done = {found.table: found for found in maintenance.maintain(home)}
    assert (done["lake/orders"].merged, done["lake/orders"].into) == (3, 1)
    assert len(files(home)) == 2
    after = plan.freeze(home)
    assert after.drop_columns(["files"]) == before.drop_columns(["files"])
    key = ("pulled_at", "order_id")
    assert sorted(lake_rows(company.settings(), "orders"), key=lambda r: [r[k] for k in key]) == sorted(
        rows, key=lambda r: [r[k] for k in key]
    )


def test_replaced_files_stay_for_a_while_and_then_go(company, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    home = grown(company)
    before = files(home)
    maintenance.maintain(home)
    assert all(path.is_file() for path in before)
    monkeypatch.setenv(maintenance.SETTING, "0")
    maintenance.maintain(home)
    assert [path.is_file() for path in before].count(True) == 1, "the file of the day that has one is the same"
    assert all(path.is_file() for path in files(home))


def test_it_waits_for_a_running_build(company, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """The plan of a build names files: none goes while the build holds the warehouse."""
    monkeypatch.setenv(maintenance.SETTING, "0")
    home = grown(company)
    with warehouse_lock(home):
        frozen = files(home)
        company.write("usage_events", [event("a")], "received_at")
        running = threading.Thread(target=maintenance.maintain, args=(home,))
        running.start()
        running.join(timeout=2)
        assert running.is_alive()
        assert all(path.is_file() for path in frozen)
    running.join(timeout=60)
    assert not running.is_alive() and len(files(home)) == 2


def test_an_empty_home_has_nothing_to_maintain(tmp_path: Path) -> None:
    assert maintenance.maintain(Home(tmp_path / "home")) == []


def test_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(maintenance.SETTING, "soon")
    with pytest.raises(SettingsError, match="OPSMART_KEEP_FILES_DAYS=soon"):
        maintenance.keep_days()
