"""What Dagster sees: the way of a number, one asset per step.

    raw/<stream>  ->  warehouse/<dbt model>  ->  published/marts

`assets/` wraps the steps, `jobs.py`, `schedules.py` and `sensors.py` say when they run. The steps themselves are plain
functions in `pipeline/`; nothing here does any work.
"""

from __future__ import annotations

import dagster as dg

from orchestration.assets.published import publication_asset
from orchestration.assets.raw import raw_assets
from orchestration.assets.warehouse import dbt_asset_keys, warehouse_assets
from orchestration.jobs import land_job, maintain_job, publish_job, replay_job, rollback_job
from orchestration.pipeline import build
from orchestration.schedules import nightly_schedule, weekly_schedule
from orchestration.sensors import publish_sensors
from orchestration.settings import Settings, load_settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """All definitions of one installation; tests give their own settings."""
    profile = settings.profile
    manifest = build.manifest_of(settings.home)
    land, publish = land_job(), publish_job()
    return dg.Definitions(
        assets=[
            *raw_assets(profile),
            warehouse_assets(settings.home, manifest, list(profile.streams)),
            publication_asset(settings, dbt_asset_keys(manifest)),
        ],
        jobs=[land, publish, maintain_job, replay_job, rollback_job],
        schedules=[nightly_schedule(profile, land), weekly_schedule(profile)],
        sensors=publish_sensors(publish),
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_settings(check_sources=False))
