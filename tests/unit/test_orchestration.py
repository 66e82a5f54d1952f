"""The thin part: what the schedule asks for, which runs `publish` follows, and how a partly failed range looks."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from orchestration.assets.raw import raw_assets
from orchestration.jobs import land_job, publish_job
from orchestration.pipeline.landing import land_stream
from orchestration.schedules import nightly_schedule, range_tags
from orchestration.sensors import _follows_landing, publish_sensors
from orchestration.settings import Settings

DAYS = [date(2026, 3, day) for day in (1, 2, 3, 4)]


@pytest.fixture
def settings(company) -> Settings:  # type: ignore[no-untyped-def]
    """Orders of four days, the third of them unreadable."""
    company.business |= {"last_day": DAYS[-1], "landing_zone": "Europe/Berlin"}
    company.write(
        "orders",
        [
            {
                "order_id": str(day),
                "ordered_at": f"{day} 10:00:00",
                "updated_at": f"{day} 10:00:00",
                "currency": "?" if day == DAYS[2] else "EUR",
            }
            for day in DAYS
        ],
        "updated_at",
    )
    ready: Settings = company.settings()
    return ready


def tick(settings: Settings) -> dg.RunRequest | dg.SkipReason:
    schedule = nightly_schedule(settings.profile, land_job())
    assert schedule.execution_timezone == "Europe/Berlin"
    answer = schedule(dg.build_schedule_context())
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def test_the_schedule_asks_for_every_missing_day_in_one_range(settings: Settings) -> None:
    asked = tick(settings)
    assert isinstance(asked, dg.RunRequest)
    assert range_tags("2026-03-01", "2026-03-04").items() <= asked.tags.items()


def test_after_nights_off_the_schedule_asks_for_what_is_missing(settings: Settings) -> None:
    land_stream(settings, "orders", DAYS[:2], "earlier")
    asked = tick(settings)
    assert isinstance(asked, dg.RunRequest)
    assert range_tags("2026-03-03", "2026-03-04").items() <= asked.tags.items()


def test_the_schedule_skips_when_nothing_is_missing(settings: Settings, company) -> None:  # type: ignore[no-untyped-def]
    path = company.root / "orders.csv"
    path.write_text(path.read_text().replace("?", "EUR"))
    land_stream(settings, "orders", DAYS, "earlier")
    assert isinstance(tick(settings), dg.SkipReason)


def test_a_range_with_a_bad_day_is_red_and_shows_the_good_days(settings: Settings) -> None:
    job = dg.Definitions(assets=raw_assets(settings.profile), jobs=[land_job()]).resolve_job_def("land")
    with dg.instance_for_test() as instance:
        done = job.execute_in_process(
            instance=instance, tags=range_tags("2026-03-01", "2026-03-04"), raise_on_error=False
        )
        assert not done.success
        key = dg.AssetKey(["raw", "orders"])
        assert instance.get_materialized_partitions(key) == {"2026-03-01", "2026-03-02", "2026-03-04"}
        failed = next(e for e in done.all_events if e.event_type == dg.DagsterEventType.STEP_FAILURE)
        said = failed.step_failure_data.user_failure_data.description
        assert "1 of 4 days did not land" in said and "orders 2026-03-03" in said and "currency_pattern 1" in said
        evaluations = {
            e.asset_check_evaluation_data.check_name: e
            for e in done.all_events
            if e.event_type_value == "ASSET_CHECK_EVALUATION"
        }
        assert not evaluations["reject_share"].asset_check_evaluation_data.passed
        assert evaluations["source_readable"].asset_check_evaluation_data.passed


def test_a_source_that_is_gone_costs_its_own_days_only(company) -> None:  # type: ignore[no-untyped-def]
    company.business |= {"last_day": DAYS[0]}
    row = {"updated_at": "2026-03-01 10:00:00", "currency": "EUR"}
    company.write("orders", [{**row, "order_id": "1", "ordered_at": row["updated_at"]}], "updated_at")
    company.write(
        "refunds",
        [{**row, "refund_id": "1", "order_id": "1", "refunded_at": row["updated_at"], "refund_amount": 1}],
        "updated_at",
    )
    settings = company.settings()
    (company.root / "orders.csv").unlink()
    job = dg.Definitions(assets=raw_assets(settings.profile), jobs=[land_job()]).resolve_job_def("land")
    with dg.instance_for_test() as instance:
        done = job.execute_in_process(
            instance=instance, tags=range_tags("2026-03-01", "2026-03-01"), raise_on_error=False
        )
        assert not done.success
        landed = {
            stream: instance.get_materialized_partitions(dg.AssetKey(["raw", stream]))
            for stream in settings.profile.streams
        }
    assert landed == {"orders": set(), "refunds": {"2026-03-01"}}
    failed = next(e for e in done.all_events if e.event_type == dg.DagsterEventType.STEP_FAILURE)
    assert "orders.csv" in failed.step_failure_data.user_failure_data.description


@pytest.mark.parametrize(
    ("job", "selection", "follows"),
    [
        ("land", None, True),
        ("land", [["raw", "orders"]], True),
        ("__ASSET_JOB", [["raw", "orders"]], True),
        ("__ASSET_JOB", [["warehouse", "fct_kpi"]], False),
        ("replay", None, True),
        ("publish", None, False),
        ("rollback", None, False),
    ],
)
def test_publish_follows_runs_that_landed_something(job: str, selection: list[list[str]] | None, follows: bool) -> None:
    keys = frozenset(dg.AssetKey(path) for path in selection) if selection else None
    assert _follows_landing(dg.DagsterRun(job_name=job, asset_selection=keys)) is follows


def test_publish_follows_green_and_red_runs() -> None:
    assert len(publish_sensors(publish_job())) == 2
