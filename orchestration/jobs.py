"""The two jobs. `land` is partitioned by landing day; `publish` is whole, because a mart is."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

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
