"""What must hold after a build: the marts say what the oracle says, no row is lost, and a rebuild gives the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd

from orchestration.pipeline.expectations import Expectation
from orchestration.pipeline.verdicts import Verdict
from tests.integration.histories import world
from tests.integration.histories.builds import Warehouse
from tests.integration.histories.oracle import NEEDS, Oracle, read_table

SEGMENTED = {
    "dau": "platform",
    "active_users": "platform",
    "orders": "channel",
    "net_sales": "channel",
    "backlog": "priority",
}


def oracle_of(home: Path, reporting_zone: str) -> Oracle:
    return Oracle(
        home,
        ZoneInfo(world.ZONE),
        ZoneInfo(reporting_zone),
        world.FIRST_DAY,
        world.LAST_DAY,
        frozenset([world.PASSIVE_EVENT]),
    )


def check_values(warehouse: Warehouse, oracle: Oracle) -> int:
    """fct_kpi against the oracle; returns how many values were compared."""
    said = {
        (row["kpi_id"], row["grain"], row["period_start"], row["dimension"], row["segment"]): row
        for row in warehouse.rows("marts.fct_kpi")
        if row["kpi_id"] in NEEDS and row["dimension"] in ("all", SEGMENTED.get(row["kpi_id"]))
    }
    expected = oracle.values()
    periods = {(kpi, grain, first): days for kpi in NEEDS for grain, first, days in oracle.periods(kpi)}
    published = {cell[:3] for cell in said if cell[3] == "all"}
    assert published == set(periods), ("the published periods", published ^ set(periods))
    complete = {period: oracle.is_complete(period[0], days) for period, days in periods.items()}
    for cell, row in said.items():
        sure = complete[cell[:3]]
        assert row["is_complete"] == sure, ("completeness", cell, sure)
        value = expected.get(cell, Decimal(0)) if row["is_complete"] else None
        assert row["numerator"] == value, ("value", cell, row["numerator"], value)
        assert row["value"] == (None if value is None else float(value)), ("value", cell, row["value"], value)
    unsaid = [cell for cell in expected if cell not in said]
    assert not unsaid, ("a segment has no row", unsaid)
    return sum(row["is_complete"] for row in said.values())


def check_conservation(warehouse: Warehouse, oracle: Oracle, half_landed: set[tuple[str, date]]) -> None:
    """pulled = landed + quarantined; landed = current + superseded + duplicate + tombstone, by the rows themselves.

    `half_landed` are days whose rows were written and whose landing row was not: until they are pulled again, what
    their last landing row counted is not what the lake holds.
    """
    rows = {stream: Counter(row["landed_date"] for row in oracle.lake[stream]) for stream in world.STREAMS}
    current = {stream: Counter(row["landed_date"] for row in oracle.current[stream]) for stream in world.STREAMS}
    standing = {stream: Counter(row["landed_date"] for row in oracle.standing[stream]) for stream in world.STREAMS}
    quarantined = {
        stream: Counter(row["landed_date"] for row in read_table(oracle.home / "quarantine" / stream))
        for stream in world.STREAMS
    }
    days = {(stream, day) for stream in world.STREAMS for day in oracle.landed[stream]}
    for row in warehouse.rows("plan.lake_plan"):
        stream, day = row["stream"], row["landed_date"]
        if (stream, day) not in days or (stream, day) in half_landed:
            continue
        where = (stream, day, row)
        assert row["pulled_count"] == row["landed_count"] + row["rejected_count"], where
        assert row["rejected_count"] == quarantined[stream][day], where
        held = rows[stream][day]
        assert row["row_count"] == held, where
        is_immutable = stream in ("usage_events", "ticket_events")
        assert held == row["landed_count"] if is_immutable else held >= row["landed_count"], where
    conserved = {
        (row["stream"], row["landed_date"]): row for row in warehouse.rows("intermediate.int_lake__conservation")
    }
    assert set(conserved) == days, "a landed day is missing, or one that has not landed is there"
    for (stream, day), row in conserved.items():
        rest = row["duplicate"] if stream in ("usage_events", "ticket_events") else row["superseded"]
        where = (stream, day, row)
        assert row["landed"] == rows[stream][day] == row["current"] + rest + row["tombstone"], where
        assert row["current"] == current[stream][day], (*where, current[stream][day])
        assert row["tombstone"] == standing[stream][day] - current[stream][day], (*where, standing[stream][day])


def check_same(incremental: Warehouse, rebuilt: Warehouse) -> None:
    """Two warehouses of one lake, table for table and row for row."""
    left, right = incremental.content(), rebuilt.content()
    assert set(left) == set(right), "the tables"
    for table, found in left.items():
        expected = right[table]
        differing = [row for row in found if row not in expected][:3], [row for row in expected if row not in found][:3]
        assert found == expected, (table, "only incremental", differing[0], "only rebuilt", differing[1])


def judge_in_pandas(
    gate: Literal["gate_1", "gate_2"],
    subject: str,
    owner: str,
    frame: pd.DataFrame,
    index: Sequence[str],
    expectations: Sequence[Expectation],
) -> list[Verdict]:
    """What Great Expectations says of a frame of days, for a twentieth of its price: the suite asks for ranges only.

    tests/unit/test_batch_checks.py holds it against the library itself.
    """
    verdicts = []
    for wanted in expectations:
        assert wanted.type == "expect_column_values_to_be_between", wanted.type
        column = frame[wanted.arguments["column"]]
        lowest, highest = wanted.arguments["min_value"], wanted.arguments["max_value"]
        bad = pd.Series(False, index=frame.index)
        if lowest is not None:
            bad |= column < lowest
        if highest is not None:
            bad |= column > highest
        rows = [
            {**{name: frame.at[row, name] for name in index}, wanted.arguments["column"]: column[row]}
            for row in frame.index[bad]
        ]
        count = (wanted.count or len(rows)) if rows else 0
        status: Literal["failed", "passed"] = "failed" if rows else "passed"
        verdicts.append(
            Verdict(gate, subject, wanted.rule, wanted.severity, status, owner, wanted.message, count, rows, wanted.fix)
        )
    return verdicts
