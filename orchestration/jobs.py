"""The jobs. `land` is partitioned by landing day; `publish` is whole, because a mart is; `maintain` looks after the lake."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.pipeline.maintenance import maintain
from orchestration.settings import load_settings

AssetJob = UnresolvedAssetJobDefinition
RAW = dg.AssetSelection.key_prefixes(["raw"])


def land_job() -> AssetJob:
    """Pull, gate and land all streams of a range of days. One stream's failure does not stop another's."""
    return dg.define_asset_job(
        "land",
        selection=RAW,
        executor_def=dg.in_process_executor,
        description="Pull, gate and land the landing days of a range, for all streams.",
    )


def publish_job() -> AssetJob:
    """Build the marts from the lake, judge them, and publish a snapshot."""
    return dg.define_asset_job(
        "publish",
        selection=dg.AssetSelection.all() - RAW,
        executor_def=dg.in_process_executor,
        description="Build the marts from whatever the lake holds, pass them through gate 2, publish a snapshot.",
    )


@dg.op(pool="warehouse")
def maintain_lake(context: dg.OpExecutionContext) -> None:
    """Compact and vacuum every table of the lake."""
    for done in maintain(load_settings(check_sources=False).home):
        context.log.info(f"{done.table}: {done.merged} files merged into {done.into}, {done.deleted} deleted")


@dg.job(name="maintain", executor_def=dg.in_process_executor)
def maintain_job() -> None:
    """Few files per landing day, and none that no version names; changes no content, so nothing is built anew."""
    maintain_lake()
