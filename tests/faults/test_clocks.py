"""Time: nights off, midnights, changes of the clock, clocks that are ahead or go back, a backfill up to today."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration import cli
from orchestration.partitions import landing_days
from orchestration.pipeline import catch_up, lake, plan, runner
from orchestration.pipeline.publication import publish
from orchestration.pipeline.tombstones import land_tombstones
from orchestration.settings import Settings
from tests.conftest import Company
from tests.faults.figures import record
from tests.unit.test_publication import PASSED, write_warehouse

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def counted() -> None:
    record("clocks")


def day_start(day: date) -> datetime:
    return datetime.combine(day, time(), BERLIN).astimezone(UTC)


def shop(company: Company, instants: list[datetime], **business: object) -> Settings:
    """A live company of orders, one at each instant; the database speaks UTC."""
    company.business |= {"landing_zone": "Europe/Berlin", "settle_days": 2} | business
    rows: list[dict[str, object]] = [
        {"order_id": f"o{n}", "customer_id": "c", "ordered_at": f"{at:%Y-%m-%d %H:%M:%S}", "currency": "EUR",
         "updated_at": f"{at:%Y-%m-%d %H:%M:%S}"}
        for n, at in enumerate(instants)
    ]  # fmt: skip
    company.write("orders", rows, "updated_at")
    return company.settings()


def landed(settings: Settings) -> Counter[date]:
    table = lake.stream_table(settings.home, "orders")
    assert table is not None
    return Counter(table.to_pyarrow_table(columns=["landed_date"]).column(0).to_pylist())


def asked(settings: Settings, now: datetime) -> list[date]:
    return [landing.landed_date for outcome in runner.land(settings, now=now) for landing in outcome.landings]


def test_three_nights_off(company: Company) -> None:
    """The next night pulls all that is missing, and of what was there what is not settled."""
    first = date(2026, 3, 2)
    days = [first + timedelta(days=n) for n in range(8)]
    settings = shop(company, [day_start(day) + timedelta(hours=9) for day in days], first_day=first, last_day=days[-1])
    nights = [day_start(day + timedelta(days=1)) + timedelta(hours=2, minutes=30) for day in days]
    for night in nights[:4]:
        asked(settings, night)
    assert asked(settings, nights[7]) == days[2:]
    assert landed(settings) == dict.fromkeys(days, 1)


@pytest.mark.parametrize("midnight", [date(2026, 3, 5), date(2026, 3, 29), date(2026, 3, 30), date(2026, 10, 25)])
def test_a_run_across_local_midnight(company: Company, midnight: date) -> None:
    """The day that ends meanwhile is the next run's, and whole then; the rows at midnight itself are the new day's."""
    before, after = midnight - timedelta(days=1), midnight
    start = day_start(midnight)
    instants = [start - timedelta(seconds=1), start, start + timedelta(seconds=1)]
    settings = shop(company, instants, first_day=before - timedelta(days=1), last_day=after)
    assert asked(settings, start - timedelta(seconds=1)) == [before - timedelta(days=1)]
    assert before in asked(settings, start)
    assert landed(settings) == {before: 1}
    asked(settings, day_start(after + timedelta(days=1)))
    assert landed(settings) == {before: 1, after: 2}


@pytest.mark.parametrize(("change", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_nights_in_which_the_clocks_change(company: Company, change: date, hours: int) -> None:
    days = [change + timedelta(days=n) for n in (-1, 0, 1)]
    begin, end = day_start(days[0]), day_start(days[-1] + timedelta(days=1))
    count = int((end - begin) / timedelta(minutes=30))
    instants = [begin + timedelta(minutes=30 * n) for n in range(count)]
    settings = shop(company, instants, first_day=days[0], last_day=days[-1])
    for day in days:  # one by one, and then all in one range
        company.land("orders", [day])
    expected = {days[0]: 48, days[1]: 2 * hours, days[2]: 48}
    assert landed(settings) == expected
    company.land("orders", days)
    assert landed(settings) == expected
    record("rows in", count)
    record("rows out", sum(landed(settings).values()))


def test_a_clock_that_was_ahead(company: Company) -> None:
    """Days that were not over are no days of the plan, and what was pulled ahead of time is pulled again in time."""
    now = datetime.now(UTC)
    today = now.astimezone(BERLIN).date()
    known = [day_start(today - timedelta(days=n)) + timedelta(hours=1) for n in (3, 2, 1)]
    company.business |= {"last_day": today + timedelta(days=300)}
    settings = shop(company, known, first_day=today - timedelta(days=3))
    ahead = asked(settings, now + timedelta(days=5))
    assert ahead[-1] == today + timedelta(days=4)
    frozen = plan.freeze(settings.home, catch_up.today(settings.profile))
    assert max(frozen.column("landed_date").to_pylist()) == today - timedelta(days=1)
    settings = shop(company, [*known, day_start(today) + timedelta(minutes=1)], first_day=today - timedelta(days=3))
    assert asked(settings, now) == ahead[:3], "no day that is not over, and every one that is"
    assert today in asked(settings, now + timedelta(days=1)), "a stamp of the future settles nothing"
    assert landed(settings)[today] == 1


@pytest.mark.parametrize("back", [timedelta(seconds=5), timedelta(days=400)])
def test_a_clock_that_went_back(company: Company, back: timedelta) -> None:
    """The later pull stays the newest one, for the lake, the plan, versions of a row and tombstones."""
    first = date(2026, 3, 2)
    at = day_start(first) + timedelta(hours=9)
    settings = shop(company, [at], first_day=first, last_day=first)
    now = datetime.now(UTC)
    runner.land(settings, [first], now)
    company.write("orders", [{"order_id": "o0", "customer_id": "d", "ordered_at": f"{at:%Y-%m-%d %H:%M:%S}",
                              "currency": "USD", "updated_at": f"{at:%Y-%m-%d %H:%M:%S}"}], "updated_at")  # fmt: skip
    runner.land(company.settings(), [first], now - back)
    (row,) = lake.last_good(lake.read_landings(settings.home)).values()
    table = lake.stream_table(settings.home, "orders")
    assert table is not None and row["written"] == 1
    assert plan.freeze(settings.home).column("row_count").to_pylist() == [2]
    newest = max(table.to_pyarrow_table().to_pylist(), key=lambda row: (row["updated_at"], row["pulled_at"]))
    assert newest["currency"] == "USD"
    assert runner.land(company.settings(), [first], now - back)[0].landings[0].written == 0, "the same is no commit"
    assert land_tombstones(settings, "orders", [{"order_id": "o0"}], now - back) == {first: 1}
    rows: list[dict[str, Any]] = lake.stream_table(settings.home, "orders").to_pyarrow_table().to_pylist()  # type: ignore[union-attr]
    assert max(rows, key=lambda row: (row["updated_at"], row["pulled_at"]))["content_hash"] is None


def test_a_publication_while_the_clock_is_behind(company: Company) -> None:
    """It is the newest all the same: readers' history goes on in the order in which they saw it."""
    settings = shop(company, [datetime(2026, 3, 2, 9, tzinfo=UTC)])
    write_warehouse(settings)
    first = publish(settings, [PASSED], "run", datetime(2026, 4, 2, tzinfo=UTC))
    with duckdb.connect(str(settings.home.warehouse)) as con:
        con.execute("update marts.fct_kpi set numerator = 4, value = 4")
    second = publish(settings, [PASSED], "run", datetime(2026, 4, 1, tzinfo=UTC))
    assert first.id < second.id
    with duckdb.connect(str(settings.home.current / "marts.duckdb"), read_only=True) as con:
        history = con.execute("select value, replaced_at is null from fct_kpi_history order by published_at").fetchall()
    assert history == [(3.0, False), (4.0, True)]


def test_a_backfill_up_to_today_is_refused(company: Company) -> None:
    """Today is not over: no command asks for it, and no partition of Dagster is there to be clicked."""
    today = datetime.now(UTC).astimezone(BERLIN).date()
    settings = shop(
        company, [datetime.now(UTC)], first_day=today - timedelta(days=3), last_day=today + timedelta(days=9)
    )
    options = argparse.Namespace(first=f"{today - timedelta(days=2)}", last=f"{today}", stream=None, dry_run=False)
    with pytest.raises(
        cli.CommandError, match=f"outside the profile's closed days; allowed: .* to {today - timedelta(1)}"
    ):
        cli._backfill(options)
    partitions = landing_days(settings.profile).get_partition_keys(datetime.now(UTC))
    assert partitions[-1] == f"{today - timedelta(days=1)}"
    assert asked(settings, datetime.now(UTC))[-1] == today - timedelta(days=1)
