"""Rollback and retention: readers go back at once, the ledger says so, the next run goes on, nobody is cut off."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from orchestration.pipeline import ledger, snapshots
from orchestration.pipeline.snapshots import RollbackError, list_publications, roll_back
from orchestration.settings import Settings, SettingsError
from tests.unit.small_warehouse import two_kpis
from tests.unit.test_ledger import RESTATED, ask, logged, night, shows

HISTORY = "select value, change from fct_kpi_history order by published_at"


@pytest.fixture
def settings(company) -> Settings:  # type: ignore[no-untyped-def]
    return two_kpis(company)


def published(settings: Settings) -> tuple[str, str]:
    """Two publications: 3, then 4."""
    shows(settings, 3)
    first = night(settings, 1)
    shows(settings, 4)
    return first.id, night(settings, 2).id


def test_readers_go_back_and_the_ledger_tells_what_they_saw(settings: Settings) -> None:
    first, second = published(settings)
    roll_back(settings.home, first, datetime(2026, 4, 2, 9, tzinfo=UTC))
    assert ask(settings, "select value from fct_kpi") == [(3,)]
    listed = list_publications(settings.home)
    assert [(one.id, one.is_current) for one in listed] == [(second, False), (first, True)]
    assert (listed[1].rolled_back_at, listed[0].left_at) == (datetime(2026, 4, 2, 9, tzinfo=UTC),) * 2
    shows(settings, 5)
    third = night(settings, 3)  # from the warehouse; its differences are against what readers see
    assert third.manifest["restatements"] == third.manifest["restatements"] | {"since": first, "values": 1}
    assert ask(settings, RESTATED + ", published_at") and ask(settings, HISTORY) == [
        (3, "published"),
        (4, "restated"),
        (3, "restated"),
        (5, "restated"),
    ]
    assert ask(settings, "select value_before, value from fct_kpi_restatements order by published_at") == [
        (3, 4),
        (4, 3),
        (3, 5),
    ]


@pytest.mark.parametrize("dies", ["before the link", "after the link"])
def test_a_killed_rollback_is_finished_or_never_was(settings: Settings, monkeypatch: Any, dies: str) -> None:
    first, second = published(settings)
    link = snapshots.link

    def killed(*arguments: Any) -> None:
        if dies == "after the link":
            link(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(snapshots, "link", killed)
        roll_back(settings.home, first, datetime(2026, 4, 2, 9, tzinfo=UTC))
    third = night(settings, 3)
    done = dies == "after the link"
    assert third.manifest["restatements"]["since"] == (first if done else second)
    assert len(snapshots.rollbacks(settings.home)) == done
    assert sum("rollback" in who for who, _, _ in logged(settings)) == done


@pytest.mark.parametrize("to", ["nowhere", "../lake", "ledger", ".", ""])
def test_what_is_no_publication_is_refused(settings: Settings, to: str) -> None:
    published(settings)
    with pytest.raises(RollbackError, match="no such publication"):
        roll_back(settings.home, to)
    assert ask(settings, "select value from fct_kpi") == [(4,)]


def test_a_damaged_snapshot_is_refused(settings: Settings) -> None:
    first, second = published(settings)
    (settings.home.published / first / "marts.duckdb").write_bytes(b"broken")
    with pytest.raises(RollbackError, match="damaged"):
        roll_back(settings.home, first)
    with pytest.raises(RollbackError, match="already"):
        roll_back(settings.home, second)


def test_retention_by_count_and_age_spares_the_current_one(settings: Settings, monkeypatch: Any) -> None:
    first, second = published(settings)
    roll_back(settings.home, first, datetime(2026, 4, 2, 9, tzinfo=UTC))
    monkeypatch.setenv(snapshots.KEEP_DAYS, "7")
    assert snapshots.retire(settings.home.published, datetime(2026, 4, 9, 1, tzinfo=UTC)) == []
    monkeypatch.setenv(snapshots.KEEP, "1")
    later = datetime(2026, 4, 2, 3, tzinfo=UTC) + timedelta(days=30)
    assert snapshots.retire(settings.home.published, later) == [second]
    assert [one.id for one in list_publications(settings.home)] == [first]
    monkeypatch.setenv(snapshots.KEEP, "few")
    with pytest.raises(SettingsError, match="OPSMART_KEEP_PUBLICATIONS=few"):
        snapshots.retention()


def test_a_reader_of_a_removed_snapshot_reads_on(settings: Settings, monkeypatch: Any) -> None:
    first, _ = published(settings)
    with duckdb.connect(str(settings.home.published / first / "marts.duckdb"), read_only=True) as con:
        con.execute("select 1 from dim_publication").fetchall()
        monkeypatch.setenv(snapshots.KEEP, "1")
        night(settings, 3)
        assert not (settings.home.published / first).exists()
        assert con.execute("select value from fct_kpi").fetchall() == [(3,)]
        assert con.execute("select publication_id from dim_publication").fetchall() == [(first,)]


def test_a_record_that_was_not_finished_goes(settings: Settings) -> None:
    published(settings)
    stray = settings.home.published / "rollbacks" / "x" / ledger.CHANGES
    stray.parent.mkdir(parents=True)
    snapshots.settle(settings.home)
    assert list((settings.home.published / "rollbacks").iterdir()) == []
    shutil.rmtree(settings.home.published / "rollbacks")
