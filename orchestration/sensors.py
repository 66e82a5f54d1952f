"""The link between the jobs: `publish` follows every run that landed something, whatever started it and however it ended.

A replay lands rows too. It has no assets, because it asks no source for a day: its job's name tells.
"""

import dagster as dg

from orchestration.jobs import AssetJob


def _follows_landing(run: dg.DagsterRun) -> bool:
    """Whether the run had raw assets in it, or was a replay.

    A backfill from the UI runs as `__ASSET_JOB`: only its selection tells.
    """
    if run.asset_selection is not None:
        return any(key.path[0] == "raw" for key in run.asset_selection)
    return run.job_name in ("land", "replay")


def publish_sensors(publish: AssetJob) -> list[dg.SensorDefinition]:
    """One sensor per way in which a run ends: a landing run that is red has landed its good days all the same."""
    return [
        _publish_sensor(publish, dg.DagsterRunStatus.SUCCESS, "publish_after_landing"),
        _publish_sensor(publish, dg.DagsterRunStatus.FAILURE, "publish_after_failed_landing"),
    ]


def _publish_sensor(publish: AssetJob, status: dg.DagsterRunStatus, name: str) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name=name,
        run_status=status,
        request_job=publish,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if not _follows_landing(run):
            return dg.SkipReason(f"run {run.run_id} landed nothing")
        return dg.RunRequest(run_key=f"publish-after-{run.run_id}", tags={"opsmart/after": run.run_id})

    return sensor
