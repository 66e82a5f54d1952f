"""The published `fct_kpi` against the recomputation."""

from __future__ import annotations

import gc
import math
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.oracles import (
    across,
    cohorts,
    conversion,
    engagement,
    feedback,
    fulfilment,
    lifecycle,
    orders,
    retention,
    sla,
    support,
)
from tests.oracles.figures import Row, RowKey, published
from tests.oracles.raw import PROFILE, read_company

DOMAINS = (engagement, lifecycle, conversion, retention, orders, cohorts, fulfilment, support, sla, feedback, across)


def expected(home: Path, profile: Path = PROFILE) -> dict[RowKey, Row]:
    """Every row that the oracle covers."""
    gc.disable()  # millions of small objects, and nothing to collect
    try:
        company = read_company(home, profile)
        rows: dict[RowKey, Row] = {}
        for domain in DOMAINS:
            for kpi in domain.kpis(company):
                rows |= published(company.calendar, kpi)
        own = company.dimensions
        return {
            key: row
            for key, row in rows.items()
            if key.kpi_id in own.get(key.dimension, {"kpis": [key.kpi_id]})["kpis"]
        }
    finally:
        gc.enable()


def found(con: duckdb.DuckDBPyConnection, table: str = "fct_kpi", kpi_id: str | None = None) -> dict[RowKey, Row]:
    """Every row of `fct_kpi`, or those of one KPI."""
    rows = con.execute(
        f"""select kpi_id, grain, period_start, dimension, segment, numerator, denominator, value, n,
                   is_complete, is_mature from {table} where kpi_id = $kpi_id or $kpi_id is null""",
        {"kpi_id": kpi_id},
    ).fetchall()
    return {RowKey(*row[:5]): Row(*row[5:]) for row in rows}


def differences(
    expected_: dict[RowKey, Row], found_: dict[RowKey, Row], may_appear_early: bool = False
) -> dict[str, list[str]]:
    """Per KPI one line per row that is missing, unexpected or different.

    A segment without a value, in a period that is not complete, may have a row or none. With `may_appear_early` it may
    also have rows of nothing where it has no value yet (gmv, say, in the month of its first refund).
    """
    told: dict[str, list[str]] = {}
    for key in sorted({*expected_, *found_}, key=str):
        want, got = expected_.get(key), found_.get(key)
        is_one_sided = want is None or got is None
        is_free = is_one_sided and key.dimension != "all" and _says_nothing(want or got)
        is_free |= may_appear_early and want is None and key.dimension != "all" and _is_zero(got)
        if not is_free and (is_one_sided or not same(want, got)):
            told.setdefault(key.kpi_id, []).append(f"{' '.join(map(str, key[1:]))}: expected {want}, found {got}")
    return told


def _says_nothing(row: Row) -> bool:
    return not row.is_complete and row[:4] == (None, None, None, None)


def _is_zero(row: Row) -> bool:
    return not any(row[:3])


def same(want: Row, got: Row) -> bool:
    """Decimals and flags are equal, doubles within 1e-9; `n` where the oracle says what it counts."""
    return (
        _near(want.numerator, got.numerator, want.slack)
        and _near(want.denominator, got.denominator, want.slack)
        and (want.value is None) == (got.value is None)
        and (want.value is None or math.isclose(want.value, got.value, rel_tol=1e-9, abs_tol=_value_slack(want)))
        and (want.is_complete, want.is_mature) == (got.is_complete, got.is_mature)
        and want.n in (None, got.n)
    )


def _value_slack(want: Row) -> float:
    return max(1e-12, float(want.slack / want.denominator if want.denominator else want.slack))


def _near(want: Decimal | None, got: Decimal | None, slack: Decimal) -> bool:
    return want == got if want is None or got is None else abs(want - got) <= slack
