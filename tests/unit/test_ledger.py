"""The ledger: what readers were shown is kept, what changed is told with its cause, once, whatever dies in between."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from orchestration.pipeline import ledger, publication
from orchestration.pipeline.publication import Publication, publish
from orchestration.pipeline.summary import restated
from orchestration.settings import Settings
from tests.unit.small_warehouse import change, edited, land, two_kpis
from tests.unit.test_publication import PASSED, write_manifest

PAGE = Path(__file__).parents[2] / "docs" / "restatements.md"
KEYS = "kpi_id, grain, period_start, dimension, segment"


@pytest.fixture
def settings(company) -> Settings:  # type: ignore[no-untyped-def]
    return two_kpis(company)


def shows(
    settings: Settings,
    value: float | None,
    kpi: str = "orders",
    day: int = 1,
    of: str = "all all",
    mature: bool = True,
    grain: str = "day",
    period: date | None = None,
) -> None:
    """fct_kpi shows this value; None is an incomplete one."""
    dimension, segment = of.split()
    start, number = period or date(2026, 3, day), "null" if value is None else value
    change(
        settings,
        f"""delete from marts.fct_kpi where (kpi_id, grain, period_start, dimension, segment)
            = ('{kpi}', '{grain}', date '{start}', '{dimension}', '{segment}')""",
        f"""insert into marts.fct_kpi values ('{kpi}', '{grain}', date '{start}', '{dimension}', '{segment}',
            {number}, null, {number}, {number}, {value is not None}, {mature})""",
    )


def night(settings: Settings, day: int, hour: int = 3) -> Publication:
    return publish(settings, [PASSED], "run", datetime(2026, 4, day, hour, tzinfo=UTC))


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.home.current / "marts.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def logged(settings: Settings) -> list[tuple[str, str, bool]]:
    """(publication, change, is_restatement) of every row of the Delta table, ordered."""
    rows = DeltaTable(str(settings.home.ledger)).to_pyarrow_table().to_pylist()
    return sorted((row["publication_id"], row["change"], row["is_restatement"]) for row in rows)


RESTATED = "select change, value_before, value, causes from fct_kpi_restatements order by kpi_id, period_start"


def test_the_first_publication_shows_everything_for_the_first_time(settings: Settings) -> None:
    shows(settings, 3)
    shows(settings, 1, day=2, mature=False)
    done = night(settings, 1)
    assert logged(settings) == [(done.id, "published", False)] * 2
    assert ask(settings, "select count(*) from fct_kpi_restatements") == [(0,)]
    assert ask(
        settings, "select value, published_at, replaced_at, change from fct_kpi_history order by period_start"
    ) == [
        (3, datetime(2026, 4, 1, 3), None, "published"),
        (1, datetime(2026, 4, 1, 3), None, "published"),
    ]
    assert done.manifest["restatements"] == {"since": None, "values": 0, "kpis": {}}


@pytest.mark.parametrize("table", ledger.TABLES, ids=lambda table: table.name)
def test_the_tables_are_marts_like_the_others(settings: Settings, table: ledger.Table) -> None:
    shows(settings, 3)
    done = night(settings, 1)
    name = table.name
    assert ask(settings, f"select comment from duckdb_tables() where table_name = '{name}'") == [(table.description,)]
    columns = ask(settings, f"select column_name, data_type, comment from duckdb_columns() where table_name = '{name}'")
    assert [(n, t.lower(), c) for n, t, c in columns] == [(c.name, c.type, c.description) for c in table.columns]
    types = {n: t for n, t, _ in columns}
    assert (types["numerator"], types["value"], types["published_at"]) == ("DECIMAL(28,6)", "DOUBLE", "TIMESTAMP")
    assert done.manifest["row_counts"][name] == ask(settings, f"select count(*) from {name}")[0][0]
    with duckdb.connect() as con:
        parquet = con.execute(f"select * from read_parquet('{done.folder / name}.parquet')").fetchall()
    assert parquet == ask(settings, f"select * from {name}")


def test_what_did_not_change_adds_nothing(settings: Settings) -> None:
    shows(settings, 3)
    shows(settings, None, day=2)
    first = night(settings, 1)
    second = night(settings, 2)
    assert logged(settings) == [(first.id, "published", False)] * 2
    assert second.manifest["restatements"] == {"since": first.id, "values": 0, "kpis": {}}
    assert restated(second.manifest) == [f"Nothing restated since {first.id}"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"value": 3, "mature": False}, {"value": 4, "mature": False}),
        ({"value": 3, "mature": False}, {"value": 4}),
        ({"value": 3, "mature": False}, {"value": 3}),
        ({"value": 3}, {"value": 3, "mature": False}),
        ({"value": None}, {"value": 4}),
    ],
    ids=["immature", "immature and then mature", "matured", "mature no longer", "incomplete"],
)
def test_what_was_not_to_stay_is_updated(settings: Settings, before: dict[str, Any], after: dict[str, Any]) -> None:
    shows(settings, **before)
    first = night(settings, 1)
    shows(settings, **after)
    second = night(settings, 2)
    assert logged(settings) == [(first.id, "published", False), (second.id, "updated", False)]
    assert ask(settings, RESTATED) == []
    assert ask(settings, "select value, replaced_at from fct_kpi_history order by published_at") == [
        (before["value"], datetime(2026, 4, 2, 3)),
        (after["value"], None),
    ]


def test_a_restatement_names_both_values_both_publications_and_its_days(settings: Settings) -> None:
    shows(settings, 3)
    shows(settings, 5, kpi="csat")
    first = night(settings, 1)
    land(settings, "orders", 2, 3, 5, 6)
    land(settings, "survey_responses", 4)
    land(settings, "customers", 1)
    change(settings, "delete from plan.lake_plan where landed_date = '2026-03-01' and stream = 'orders'")
    shows(settings, 4)
    second = night(settings, 2)
    causes = "orders landed 2026-03-01 to 2026-03-03, 2026-03-05 to 2026-03-06"
    assert ask(settings, RESTATED) == [("restated", 3, 4, causes)]
    assert ask(
        settings,
        """select publication_id, published_at, previous_publication_id, previous_published_at, changed_days,
           changed_definitions, numerator_before, numerator from fct_kpi_restatements""",
    ) == [
        (
            second.id,
            datetime(2026, 4, 2, 3),
            first.id,
            datetime(2026, 4, 1, 3),
            '{"orders":["2026-03-01/2026-03-03","2026-03-05/2026-03-06"]}',
            "[]",
            3,
            4,
        )
    ]
    assert second.manifest["restatements"] == {
        "since": first.id,
        "values": 1,
        "kpis": {"orders": {"values": 1, "causes": causes}},
    }
    assert restated(second.manifest) == [
        f"1 values restated since {first.id}; see fct_kpi_restatements:",
        f"  orders (1): {causes}",
    ]


def test_a_mature_value_that_is_blanked_by_a_hole_is_restated(settings: Settings) -> None:
    shows(settings, 3)
    night(settings, 1)
    shows(settings, None)
    night(settings, 2)
    assert [row[:3] for row in ask(settings, RESTATED)] == [("restated", 3, None)]


def test_a_changed_definition_is_the_cause_of_a_restatement(settings: Settings) -> None:
    shows(settings, 3)
    night(settings, 1)
    write_manifest(settings, edited("ratio", "/", "* 1.0 /"))
    shows(settings, 4)
    night(settings, 2)
    assert ask(settings, RESTATED) == [("restated", 3, 4, "macro ratio changed")]
    assert ask(settings, "select changed_definitions from fct_kpi_restatements") == [('["macro ratio"]',)]


def test_a_withdrawn_value_is_a_restatement_if_it_was_to_stay(settings: Settings) -> None:
    shows(settings, 3)
    shows(settings, 7, day=2, mature=False)
    shows(settings, 8, day=3)
    first = night(settings, 1)
    change(settings, "delete from marts.fct_kpi where period_start < date '2026-03-03'")
    second = night(settings, 2)
    published = (first.id, "published", False)
    assert logged(settings) == [published] * 3 + [(second.id, "withdrawn", False), (second.id, "withdrawn", True)]
    assert [row[:3] for row in ask(settings, RESTATED)] == [("withdrawn", 3, None)]
    shows(settings, 3)
    third = night(settings, 3)
    assert logged(settings)[-1] == (third.id, "published", False)


def test_segments_of_todays_attributes_are_never_restated(settings: Settings) -> None:
    for of in ("all all", "plan pro", "channel web"):
        shows(settings, 3, kpi="csat", of=of)
    shows(settings, 3, kpi="csat", of="plan basic")
    night(settings, 1)
    for of in ("all all", "plan pro", "channel web"):
        shows(settings, 4, kpi="csat", of=of)
    change(settings, "delete from marts.fct_kpi where segment = 'basic'")
    second = night(settings, 2)
    assert [row for row in logged(settings) if row[0] == second.id] == [
        (second.id, "restated", True),
        (second.id, "restated", True),
        (second.id, "updated", False),
        (second.id, "withdrawn", False),
    ]
    assert ask(settings, "select dimension from fct_kpi_restatements order by 1") == [("all",), ("channel",)]


@pytest.mark.parametrize("changes", [True, False], ids=["with changes", "without changes"])
def test_killed_between_link_and_ledger(settings: Settings, monkeypatch: pytest.MonkeyPatch, changes: bool) -> None:
    """Readers see the publication, the ledger does not have it yet: the next one appends it first, and once."""
    shows(settings, 3)
    first = night(settings, 1)
    shows(settings, 4 if changes else 3)
    with monkeypatch.context() as dying:
        dying.setattr(ledger, "record", killed_after_linking(settings, first.id, ledger.record))
        with pytest.raises(KeyboardInterrupt):
            night(settings, 2)
    killed = settings.home.current.resolve().name
    assert killed != first.id
    assert logged(settings) == [(first.id, "published", False)]
    for day in (3, 4):
        night(settings, day)
        assert logged(settings) == [(first.id, "published", False)] + [(killed, "restated", True)] * changes
        assert [row[:3] for row in ask(settings, RESTATED)] == [("restated", 3, 4)] * changes
    assert DeltaTable(str(settings.home.ledger)).transaction_version(killed) is not None


def killed_after_linking(settings: Settings, first: str, real: Any) -> Any:
    def record(home: Any, snapshot: ledger.Snapshot) -> bool:
        if settings.home.current.resolve().name != first:
            raise KeyboardInterrupt
        return bool(real(home, snapshot))

    return record


def test_killed_after_the_ledger(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    shows(settings, 3)
    with monkeypatch.context() as dying:
        dying.setattr(publication.snapshots, "retire", interrupted)
        with pytest.raises(KeyboardInterrupt):
            night(settings, 1)
    first = settings.home.current.resolve().name
    night(settings, 2)
    assert logged(settings) == [(first, "published", False)]


def test_killed_before_the_link(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody saw it: the ledger never hears of it, and the next is compared with what readers see."""
    shows(settings, 3)
    first = night(settings, 1)
    shows(settings, 4)
    with monkeypatch.context() as dying:
        dying.setattr(publication.snapshots, "link", interrupted)
        with pytest.raises(KeyboardInterrupt):
            night(settings, 2)
    shows(settings, 5)
    third = night(settings, 3)
    assert logged(settings) == [(first.id, "published", False), (third.id, "restated", True)]
    assert [row[:3] for row in ask(settings, RESTATED)] == [("restated", 3, 5)]


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def test_removing_old_snapshots_leaves_the_ledger(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSMART_KEEP_PUBLICATIONS", "1")
    for day in range(1, 5):
        shows(settings, day)
        done = night(settings, day)
    assert sorted(path.name for path in settings.home.published.iterdir()) == sorted([done.id, "current", "ledger"])
    assert len(logged(settings)) == 4
    assert [row[:3] for row in ask(settings, RESTATED + ", published_at")] == [
        ("restated", 1, 2),
        ("restated", 2, 3),
        ("restated", 3, 4),
    ]


def test_the_history_gives_back_every_publication(settings: Settings) -> None:
    """Random days of showing, changing, maturing and withdrawing: each past fct_kpi comes out of the history, row for row."""
    dice = random.Random(7)
    done = []
    for day in range(1, 9):
        for _ in range(6):
            cell = {
                "kpi": dice.choice(["orders", "csat"]),
                "day": dice.randint(1, 4),
                "of": dice.choice(["all all", "plan pro"]),
            }
            shows(settings, dice.choice([None, 1, 2]), mature=dice.random() < 0.5, **cell)  # type: ignore[arg-type]
        change(settings, f"delete from marts.fct_kpi where period_start = date '2026-03-{dice.randint(1, 4):02}'")
        done.append(night(settings, day))
    columns = f"{KEYS}, numerator, denominator, value, n, is_complete, is_mature"
    for past in done:
        with duckdb.connect() as con:
            shown = con.execute(f"select {columns} from '{past.folder}/fct_kpi.parquet' order by all").fetchall()
        at = f"timestamptz '{past.manifest['published_at']}' at time zone 'UTC'"
        assert shown == ask(
            settings,
            f"""select {columns} from fct_kpi_history where published_at <= {at} and change <> 'withdrawn'
                and (replaced_at is null or replaced_at > {at}) order by all""",
        )
    changes = {change for _, change, _ in logged(settings)}
    assert changes == {"published", "updated", "restated", "withdrawn"}
    assert ask(settings, f"select 1 from fct_kpi_history group by {KEYS}, publication_id having count(*) > 1") == []


def test_a_publication_from_before_the_ledger_begins_it_anew(settings: Settings) -> None:
    shows(settings, 3)
    old = night(settings, 1)
    for path in (old.folder / "record").iterdir():
        path.unlink()
    shows(settings, 4)
    second = night(settings, 2)
    assert second.manifest["restatements"]["since"] is None
    assert logged(settings)[-1][:2] == (second.id, "published")


def documented() -> Iterator[str]:
    yield from re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_the_documented_queries_answer(settings: Settings) -> None:
    week, month = {"grain": "week", "period": date(2026, 3, 23)}, {"grain": "month", "period": date(2026, 3, 1)}
    shows(settings, 780, kpi="active_users", mature=False, **week)  # type: ignore[arg-type]
    shows(settings, 0.02, kpi="logo_churn", **month)  # type: ignore[arg-type]
    monday = night(settings, 6)
    shows(settings, 790, kpi="active_users", **week)  # type: ignore[arg-type]
    shows(settings, 0.03, kpi="logo_churn", **month)  # type: ignore[arg-type]
    tuesday = night(settings, 7)
    said, changed, restating, course = (ask(settings, query) for query in documented())
    at = [datetime(2026, 4, day, 3) for day in (6, 7)]
    assert said == [(date(2026, 3, 23), "all", 780, monday.id)]
    assert changed == [(at[1], "all", 0.02, 0.03, "restated", None)]
    assert restating == [(tuesday.id, at[1], "logo_churn", 1, None)]
    assert [(row[0], row[1], row[5]) for row in course] == [(at[0], at[1], 0.02), (at[1], None, 0.03)]
