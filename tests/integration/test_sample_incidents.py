"""The planted incidents of the sample company, at scale 1: in the raw files, and by the stated size in the KPIs."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.integration.test_main_job import query
from tests.sample_files import Company, field, is_in, local_day

MERGED_INTO, ORDER, REASON = 360_004, 360_002, 360_001


@pytest.fixture(scope="module")
def company(ran: tuple[Path, str]) -> Company:
    return Company(ran[0] / "sources")


# ---- the incidents, in the raw files -------------------------------------------------------------------------------


def test_the_checkout_bug_breaks_orders_of_one_platform(company: Company) -> None:
    bug = company.incident("checkout_bug")
    platform = bug["segment"]["platform"]
    tries, errors = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    for event in company.events:
        if event["event"] == "checkout_submitted":
            key = (event["properties"]["platform"], is_in(local_day(event["timestamp"]), bug["days"]))
            tries[key] += 1
            errors[key] += event["properties"]["error_count"]
    share = {key: errors[key] / tries[key] for key in tries}
    assert share[platform, True] > 0.55
    assert all(value < 0.12 for key, value in share.items() if key != (platform, True))
    orders: Counter[tuple[str, date]] = Counter()
    for row in company.rows("select channel, placed_at from orders where is_test = 0"):
        day = local_day(row["placed_at"])
        orders[row["channel"], day - timedelta(days=day.weekday())] += 1
    week = bug["days"][0]
    around = [week + timedelta(weeks=n) for n in (-2, -1, 1, 2)]
    usual = {channel: sum(orders[channel, w] for w in around) / 4 for channel in ("web", "ios")}
    assert orders[platform, week] < 0.5 * usual[platform]
    assert orders["web", week] > 0.7 * usual["web"]
    assert bug["came_out"]["orders_lost"] > 0


def test_the_late_carrier_causes_tickets(company: Company) -> None:
    late = company.incident("late_carrier")
    hit, counts = set(), Counter[tuple[bool, bool]]()
    for row in company.rows("select * from orders where shipped_at is not null and cancelled_at is null"):
        promise = row["promised_at"] or f"{row['promised_date']} 22:59:59"
        is_late = (row["delivered_at"] or "9999") > promise
        is_hit = (
            is_in(local_day(row["shipped_at"]), late["days"])
            and row["carrier"] == late["segment"]["carrier"]
            and row["country"] == late["segment"]["country"]
        )
        counts[is_hit, is_late] += 1
        if is_hit:
            hit.add(row["id"])
    assert len(hit) == late["came_out"]["delayed_orders"] > 5
    assert counts[True, True] / counts[True, False] > 5 if counts[True, False] else True
    assert counts[False, True] / counts[False, False] < 0.15
    reason = late["segment"]["reason"]
    complaints = [t for t in company.tickets if field(t, REASON) == reason and not field(t, MERGED_INTO)]
    caused = [t for t in complaints if field(t, ORDER) in hit]
    assert len(caused) == late["came_out"]["tickets_caused"] > 5


def test_the_new_feature_is_first_used_on_its_release(company: Company) -> None:
    release = company.incident("feature_release")
    uses = Counter(
        local_day(e["timestamp"])
        for e in company.events
        if e["properties"].get("feature") == release["segment"]["feature"]
    )
    assert min(uses) == release["days"][0]
    assert uses.total() > 500


def test_the_broken_feed_loses_two_days_of_one_platform(company: Company) -> None:
    broken = company.incident("broken_feed")
    platform = broken["segment"]["platform"]
    days: Counter[tuple[str, date]] = Counter()
    for event in company.events:
        for at in (event["timestamp"], event["receivedAt"]):
            days[event["properties"].get("platform", "server"), local_day(at)] += 1
    first, last = broken["days"]
    lost = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    assert [days[platform, day] for day in lost] == [0, 0]
    assert all(days[other, day] > 0 for day in lost for other in ("web", "ios"))
    assert days[platform, first - timedelta(days=1)] > 0 < days[platform, last + timedelta(days=1)]
    sold = company.rows(f"select placed_at from orders where channel = '{platform}'")
    assert any(local_day(row["placed_at"]) in lost for row in sold)


# ---- the incidents, in the KPIs ------------------------------------------------------------------------------------


@cache
def series(
    home: Path, kpi_id: str, grain: str, dimension: str, segment: str, column: str = "value"
) -> dict[date, float]:
    """The values of a KPI by period, as they are published."""
    asked = f"""select period_start, cast({column} as double) from fct_kpi
        where kpi_id = ? and grain = ? and dimension = ? and segment = ? and is_complete order by 1"""
    return dict(query(home, asked, kpi_id, grain, dimension, segment))


def usual(values: dict[date, float], first_day: date) -> float:
    """The mean of the four whole periods before the incident."""
    before = [value for start, value in values.items() if start < first_day][-4:]
    return sum(before) / 4


def test_every_incident_is_planted_and_shows_somewhere(company: Company) -> None:
    kinds = {"late_carrier", "checkout_bug", "feature_release", "broken_feed"}
    assert {i["kind"] for i in company.truth["incidents"] if i["signs"]} == kinds


def test_the_incidents_show_in_the_kpis_by_the_stated_size(ran: tuple[Path, str], company: Company) -> None:
    """And none of the four periods before looks like it."""
    for incident in company.truth["incidents"]:
        first_day = date.fromisoformat(incident["first_day"])
        for sign in incident["signs"]:
            values = series(ran[0], *(sign[name] for name in ("kpi_id", "grain", "dimension", "segment")))
            value, before = values[date.fromisoformat(sign["period_start"])], usual(values, first_day)
            size = value / before if sign["measured_in"] == "times_usual" else value
            assert sign["least"] <= size <= sign["most"], f"{incident['kind']}: {sign} is {size}, usual is {before}"
            quiet = [v / before for start, v in values.items() if start < first_day][-4:]
            assert not any(sign["least"] <= other <= sign["most"] for other in quiet), f"{sign} shows before it happens"


def test_the_broken_checkout_costs_the_orders_that_were_lost(ran: tuple[Path, str], company: Company) -> None:
    bug = company.incident("checkout_bug")
    orders = series(ran[0], "orders", "week", "channel", bug["segment"]["channel"])
    missing = usual(orders, bug["days"][0]) - orders[bug["days"][0]]
    assert 0.5 < missing / bug["came_out"]["orders_lost"] < 1.5


def test_the_late_parcels_are_late_deliveries_and_contacts(ran: tuple[Path, str], company: Company) -> None:
    late = company.incident("late_carrier")
    due = [late["days"][0] + timedelta(weeks=n) for n in range(3)]
    place = ("week", "country", late["segment"]["country"])
    on_time, promised = (series(ran[0], "on_time_delivery", *place, c) for c in ("numerator", "denominator"))
    missed = sum(promised[week] - on_time[week] for week in due)
    assert 0.85 < missed / late["came_out"]["delayed_orders"] < 1.5
    asked = series(ran[0], "tickets_created", "week", "reason", late["segment"]["reason"])
    assert 0.9 < sum(asked[week] for week in due) / late["came_out"]["tickets_caused"] < 2
    assert sorted(asked, key=lambda week: asked[week])[-1] == due[1]


def test_the_broken_feed_costs_the_events_that_were_lost(ran: tuple[Path, str], company: Company) -> None:
    broken = company.incident("broken_feed")
    first, last = broken["days"]
    place = ("day", "platform", broken["segment"]["platform"])
    events = series(ran[0], "events_per_active_day", *place, "numerator")
    around = [day + timedelta(weeks=n) for day in (first, last) for n in (-1, 1)]
    assert events[first] == events[last] == 0
    assert 0.6 < sum(events[day] for day in around) / 2 / broken["came_out"]["events_lost"] < 1.6
    sold = series(ran[0], "orders", "day", "channel", "android")
    assert sold[first] + sold[last] > 0, "the orders are there"


def test_nobody_uses_the_feature_before_its_release(ran: tuple[Path, str], company: Company) -> None:
    release = company.incident("feature_release")
    adopted = series(ran[0], "feature_adoption", "day", "feature", release["segment"]["feature"])
    assert min(adopted) == release["days"][0]
    assert adopted[release["days"][1]] > 2 * adopted[release["days"][0] + timedelta(days=7)] > 0
