"""Gate 2 by Great Expectations: the published tables as frames, judged on what a reader relies on.

What SQL says better (keys, references, the identities of the catalogue) is a dbt test; here are shapes and ranges.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from orchestration.pipeline.expectations import Expectation, validate
from orchestration.pipeline.verdicts import Verdict
from orchestration.settings import Home

OWNER = "data-platform"
FIX = "The rows come from the model of that name: look at what it was built from, and at its dbt tests."
KEY = ["kpi_id", "grain", "period_start", "dimension", "segment"]

# Two shares may exceed 1: a source may report more errors than uses, and a quiet day may refund more than it sells.
FRAMES = {
    "dim_kpi": "select kpi_id, direction, additivity from marts.dim_kpi",
    "fct_kpi": """
        select f.kpi_id, f.grain, cast(f.period_start as varchar) as period_start, f.dimension, f.segment,
               cast(f.n as double) as n,
               f.is_complete or f.value is null as is_empty_where_incomplete,
               f.denominator is null or f.value is null
                   or abs(f.value * cast(f.denominator as double) - cast(f.numerator as double))
                      <= 1e-6 * greatest(1, abs(cast(f.numerator as double))) as is_ratio_of_its_parts,
               case when k.unit = 'share' and k.kpi_id not in ('error_rate', 'refund_rate')
                    then cast(f.value as double) end as share
        from marts.fct_kpi as f left join marts.dim_kpi as k using (kpi_id)""",
    "fct_coverage": "select stream, cast(landed_date as varchar) as landed_date, state from marts.fct_coverage",
}
INDEX = {"dim_kpi": ["kpi_id"], "fct_kpi": KEY, "fct_coverage": ["stream", "landed_date"]}


def _expect(rule: str, type: str, message: str, **arguments: object) -> Expectation:
    return Expectation(rule, type, arguments, "error", message, None, FIX)


def suites(kpi_ids: list[str]) -> dict[str, list[Expectation]]:
    """The expectations per mart. All of them block."""
    in_set, between = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"
    unique, together = "expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"
    return {
        "dim_kpi": [
            _expect("ids_are_unique", unique, "a KPI has one id", column="kpi_id"),
            _expect(
                "directions_are_known",
                in_set,
                "direction is up, down or none",
                column="direction",
                value_set=["up", "down", "none"],
            ),
            _expect(
                "additivities_are_known",
                in_set,
                "additivity is A, S or N",
                column="additivity",
                value_set=["A", "S", "N"],
            ),
        ],
        "fct_kpi": [
            _expect("rows_are_unique", together, "one row per KPI, period and segment", column_list=KEY),
            _expect(
                "grains_are_known",
                in_set,
                "grain is day, week, month or quarter",
                column="grain",
                value_set=["day", "week", "month", "quarter"],
            ),
            _expect("kpis_are_known", in_set, "every KPI stands in dim_kpi", column="kpi_id", value_set=kpi_ids),
            _expect("counts_are_not_negative", between, "n is not negative", column="n", min_value=0),
            _expect(
                "incomplete_is_empty",
                in_set,
                "an incomplete period has no value",
                column="is_empty_where_incomplete",
                value_set=[True],
            ),
            _expect(
                "ratios_are_of_their_parts",
                in_set,
                "a ratio is numerator over denominator",
                column="is_ratio_of_its_parts",
                value_set=[True],
            ),
            _expect(
                "shares_are_shares", between, "a share lies between 0 and 1", column="share", min_value=0, max_value=1
            ),
        ],
        "fct_coverage": [
            _expect(
                "states_are_known",
                in_set,
                "state is landed, failed or missing",
                column="state",
                value_set=["landed", "failed", "missing"],
            ),
            _expect("days_are_unique", together, "one row per stream and day", column_list=["stream", "landed_date"]),
        ],
    }


def judge_marts(home: Home) -> list[Verdict]:
    """Read the marts of the warehouse and judge them. The caller holds the warehouse lock.

    A mart that cannot be read gives one verdict per expectation that was not evaluated, and each of them blocks.
    """
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        try:
            frames = {mart: con.execute(query).df() for mart, query in FRAMES.items()}
        except duckdb.Error as error:
            said = f"was not evaluated: {str(error).splitlines()[0]}"
            return [
                Verdict("gate_2", mart, wanted.rule, "error", "error", OWNER, said, fix="Build the marts first.")
                for mart, suite in suites([]).items()
                for wanted in suite
            ]
    known = suites(frames["dim_kpi"]["kpi_id"].tolist())
    return [
        replace(verdict, look=_look(mart, verdict))
        for mart, frame in frames.items()
        for verdict in validate("gate_2", mart, OWNER, frame, INDEX[mart], known[mart])
    ]


def _look(mart: str, verdict: Verdict) -> str:
    """A query on the warehouse for the first of the rows that failed."""
    if verdict.status == "passed" or not verdict.samples:
        return ""
    row = " and ".join(f"{name} = '{verdict.samples[0][name]}'" for name in INDEX[mart])
    return f"on warehouse/warehouse.duckdb: select * from marts.{mart} where {row}"
