"""The marts beside the KPIs, on the sample company: they agree with fct_kpi and with one another."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from sources.profile import PROFILES_DIR
from tests.integration.test_main_job import query


def test_dim_date_holds_every_published_day(ran: tuple[Path, str]) -> None:
    home, _ = ran
    days = [row[0] for row in query(home, "select calendar_date from dim_date order by 1")]
    assert (days[0], days[-1], len(days)) == (date(2025, 9, 29), date(2026, 3, 31), 184)
    hours = dict(query(home, "select calendar_date, date_diff('hour', started_at, ended_at) from dim_date"))
    assert hours.pop(date(2025, 10, 26)) == 25, "the clock goes back"
    assert hours.pop(date(2026, 3, 29)) == 23, "the clock goes forward"
    assert set(hours.values()) == {24}
    for grain in ("week", "month", "quarter"):
        whole = f"select distinct {grain}_start_date from dim_date where is_in_whole_{grain} order by 1"
        published = f"select distinct period_start from fct_kpi where grain = '{grain}' order by 1"
        assert query(home, whole) == query(home, published)


@pytest.mark.parametrize(
    ("mart", "dimension", "key"),
    [
        ("fct_orders__orders", "dim_customer", "customer_id"),
        ("fct_support__tickets", "dim_customer", "customer_id"),
        ("dim_customer", "dim_account", "account_id"),
        ("fct_orders__orders", "dim_account", "account_id"),
        ("fct_support__tickets", "dim_account", "account_id"),
        ("fct_support__tickets", "dim_feature", "feature"),
    ],
)
def test_every_key_is_in_its_dimension(ran: tuple[Path, str], mart: str, dimension: str, key: str) -> None:
    home, _ = ran
    assert query(home, f"select {key} from {mart} where {key} <> '' limit 1")
    assert not query(home, f"select {key} from {mart} where {key} <> '' except select {key} from {dimension}")


def test_dimensions_hold_the_known_segments_and_all_sales(ran: tuple[Path, str]) -> None:
    home, _ = ran
    segments = "select distinct segment from fct_kpi where kpi_id = 'feature_adoption' and dimension = 'feature'"
    used = "select feature from dim_feature where first_used_date is not null order by 1"
    assert query(home, used) == query(home, f"{segments} and segment <> 'unknown' order by 1")
    (total,) = query(
        home, "select sum(numerator) from fct_kpi where kpi_id = 'net_sales' and grain = 'day' and segment = 'all'"
    )
    assert query(home, "select sum(net_amount) from fct_orders__orders") == [total]
    of_customers = query(home, "select sum(net_amount) from fct_orders__orders where customer_id <> ''")
    assert query(home, "select sum(net_amount) from dim_customer") == of_customers
    assert query(home, "select sum(net_amount) from dim_account") == of_customers, (
        "in the sample an account is a customer's"
    )


def test_the_open_week_is_so_far_the_sum_of_its_days_and_in_no_closed_mart(ran: tuple[Path, str]) -> None:
    """The sample ends on a Tuesday that ends a quarter: the week alone is open."""
    home, _ = ran
    periods = "select distinct grain, period_start, through_date from fct_kpi_so_far"
    assert query(home, periods) == [("week", date(2026, 3, 30), date(2026, 3, 31))]
    assert not query(home, "select 1 from fct_kpi where grain = 'week' and period_start = '2026-03-30'")
    key = "kpi_id, dimension, segment"
    days = "from fct_kpi as days inner join dim_kpi using (kpi_id) where grain = 'day' and unit <> 'days'"
    sums = f"select {key}, sum(numerator) {days} and additivity = 'A' and period_start >= '2026-03-30' group by all"
    stocks = (
        f"select {key}, numerator {days} and additivity = 'S' and period_start = '2026-03-31' and numerator is not null"
    )
    expected = {tuple(row[:3]): row[3] for row in query(home, f"{sums} union all {stocks}")}
    found = {
        tuple(row[:3]): row[3]
        for row in query(home, f"select {key}, value_so_far from fct_kpi_so_far where is_complete")
    }
    assert len({kpi for kpi, *_ in found}) >= 10
    assert found == expected


def neighbours(grain: str, start: date) -> tuple[date, date]:
    """The period before, and the one of a year ago."""
    if grain in ("day", "week"):
        return start - timedelta(days=1 if grain == "day" else 7), start - timedelta(days=364)
    months = start.year * 12 + start.month - 1
    before, year_ago = (divmod(months - back, 12) for back in (1 if grain == "month" else 3, 12))
    return date(before[0], before[1] + 1, 1), date(year_ago[0], year_ago[1] + 1, 1)


def test_every_value_stands_beside_its_neighbours_and_its_target(ran: tuple[Path, str]) -> None:
    """Computed again from fct_kpi and from the profile's targets, by no SQL."""
    home, _ = ran
    key = "kpi_id, grain, period_start, dimension, segment"
    held = {row[:5]: row[5:] for row in query(home, f"select {key}, value, is_complete and is_mature from fct_kpi")}
    directions = dict(query(home, "select kpi_id, direction from dim_kpi"))
    targets = list(csv.DictReader((PROFILES_DIR / "sample" / "targets.csv").open(encoding="utf-8")))
    rows = query(
        home,
        f"""select {key}, value, previous_value, previous_change, previous_change_share, previous_movement,
            is_previous_comparable, year_ago_value, target_value, is_on_target from fct_kpi_compare""",
    )
    assert len(rows) == len(held) > 100_000
    seen = Counter[str]()
    for kpi, grain, start, dimension, segment, value, previous, change, share, movement, comparable, *others in rows:
        year_ago, target, on_target = others
        before, a_year_before = neighbours(grain, start)
        nothing = (None, False)
        was = held.get((kpi, grain, before, dimension, segment), nothing)
        now = held[kpi, grain, start, dimension, segment]
        assert (value, previous) == (now[0], was[0])
        assert comparable == (now[1] and was[1])
        assert year_ago == held.get((kpi, grain, a_year_before, dimension, segment), nothing)[0]
        sign = {"up": 1, "down": -1, "none": 0}[directions[kpi]]
        if value is None or previous is None:
            assert (change, share, movement) == (None, None, None)
        else:
            assert change == value - previous
            assert share == (None if previous == 0 else pytest.approx((value - previous) / abs(previous)))
            better = (value - previous) * sign
            assert movement == (None if not sign else "same" if not better else "better" if better > 0 else "worse")
            seen[str(movement)] += 1
        wanted = [
            float(t["target_value"])
            for t in targets
            if (t["kpi_id"], t["grain"], dimension) == (kpi, grain, "all")
            and (t["valid_from"] or "0") <= start.isoformat() < (t["valid_to"] or "9")
        ]
        assert [target] == (wanted or [None])
        if target is not None and value is not None and sign:
            assert on_target == ((value - target) * sign >= 0)
            seen["on target" if on_target else "off target"] += 1
        else:
            assert on_target is None
    assert min(seen[name] for name in ("better", "worse", "same", "on target", "off target")) > 100
    sla = (
        "select distinct target_value from fct_kpi_compare where kpi_id = 'sla_attainment' and target_value is not null"
    )
    assert sorted(query(home, sla)) == [(0.85,), (0.9,)], "the target changed with the year"
    assert query(home, "select target_value, target_grain from dim_kpi where kpi_id = 'sla_attainment'") == [
        (0.9, "week")
    ]


def test_what_happened_is_published_beside_the_numbers(ran: tuple[Path, str]) -> None:
    home, _ = ran
    rows = query(home, "select annotation_date, end_date, kind, title, domain, kpi_id from dim_annotation order by 1")
    assert (date(2026, 2, 16), date(2026, 2, 16), "release", "auto_layout", "engagement", "feature_adoption") in rows
    assert [row[1] for row in rows if row[2] == "data"] == [date(2026, 3, 11)]


def test_features_have_one_name_whatever_the_help_desk_calls_them(ran: tuple[Path, str]) -> None:
    home, _ = ran
    names = {row[0] for row in query(home, "select feature from dim_feature")}
    assert {"cut_list", "sharing"} <= names and not {"cutting_lists", "share_dialog"} & names
    assert query(home, "select count(*) > 10 from fct_support__tickets where feature = 'cut_list'") == [(True,)]


def test_cohorts_are_those_of_the_retention_kpis(ran: tuple[Path, str]) -> None:
    compared = """select count(*), count(*) filter (where cohorts.is_complete), count(*) filter (
            where (cohorts.returned_count, cohorts.person_count, cohorts.returned_share, cohorts.is_complete)
            is distinct from (cast(f.numerator as bigint), cast(f.denominator as bigint), f.value, f.is_complete))
        from fct_retention__cohorts as cohorts
        inner join fct_kpi as f on f.kpi_id = 'retention_w' || cohorts.age_weeks and f.grain = 'week'
            and cohorts.period_start = f.period_start and cohorts.dimension = f.dimension and cohorts.segment = f.segment"""
    ((rows, complete, different),) = query(ran[0], compared)
    assert rows > complete > 300 and different == 0
    shape = "select count(*), max(age_weeks) from fct_retention__cohorts where dimension = 'all'"
    assert query(ran[0], shape) == [(26 * 27 // 2, 25)], "a triangle of 26 weeks"


def test_the_funnel_narrows_to_its_kpi(ran: tuple[Path, str]) -> None:
    home, _ = ran
    last = """select grain, period_start, entered_count, reached_count, reached_share from fct_conversion__funnel
        where step_number = 3 and is_complete order by all"""
    total = """select grain, period_start, cast(denominator as bigint), cast(numerator as bigint), value from fct_kpi
        where kpi_id = 'funnel_conversion' and dimension = 'all' and is_complete order by all"""
    assert query(home, last) == query(home, total)
    assert not query(home, "select * from fct_conversion__funnel where share_of_previous_step > 1")
    events = "select distinct step_number, event_name from fct_conversion__funnel order by 1"
    assert query(home, events) == [(1, "visited"), (2, "signed_up"), (3, "project_created")]
