"""The schedules: every night `land` for each day that is missing or not settled, in one range run; weekly `maintain`."""

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from orchestration.assets.raw import ONLY_NEEDED
from orchestration.jobs import AssetJob, maintain_job
from orchestration.pipeline import catch_up, lake
from orchestration.settings import Settings, load_settings
from sources.profile import Profile

NIGHTLY = "30 2 * * *"
WEEKLY = "30 5 * * 0"


RANGE_END = ASSET_PARTITION_RANGE_END_TAG


def needed_range_tags(settings: Settings, after: str = "") -> dict[str, str]:
    """Run tags of `land` for the days (later than `after`) that any stream needs; empty when none needs one."""
    landings = lake.read_landings(settings.home)
    needed = sorted({day for s in settings.profile.streams for day in catch_up.days_to_land(settings, s, landings)})
    needed = [day for day in needed if day.isoformat() > after]
    return range_tags(needed[0].isoformat(), needed[-1].isoformat()) | {ONLY_NEEDED: "true"} if needed else {}


def range_tags(first: str, last: str) -> dict[str, str]:
    """Run tags that ask for the landing days from `first` to `last`, both included, in one run."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def nightly_schedule(profile: Profile, job: AssetJob) -> dg.ScheduleDefinition:
    """Every night in the landing zone. A machine that was off for three nights asks for all missing days at the next tick."""

    @dg.schedule(
        name="nightly",
        job=job,
        cron_schedule=NIGHTLY,
        execution_timezone=profile.business.landing_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        tags = needed_range_tags(load_settings(check_sources=False))
        if not tags:
            return dg.SkipReason("every day up to the last closed one has landed and is settled")
        return dg.RunRequest(run_key=None, tags=tags)

    return nightly


def weekly_schedule(profile: Profile) -> dg.ScheduleDefinition:
    """Sunday morning in the landing zone, after the night's runs."""
    return dg.ScheduleDefinition(
        name="weekly",
        job=maintain_job,
        cron_schedule=WEEKLY,
        execution_timezone=profile.business.landing_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
