"""The jobs. `land` is partitioned by landing day; `publish` is whole, because a mart is; `maintain` looks after the lake."""

import logging
from datetime import date

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.pipeline.gate import GateError
from orchestration.pipeline.maintenance import maintain
from orchestration.pipeline.replay import replay, told_of
from orchestration.pipeline.snapshots import RollbackError, roll_back
from orchestration.settings import load_settings

LOG = logging.getLogger("opsmart")

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


@dg.op(config_schema={"stream": str, "first": str, "last": str})
def replay_quarantine(context: dg.OpExecutionContext) -> None:
    """Take the quarantined rows of a stream's landing days, from `first` to `last`, through gate 1 again."""
    asked = context.op_config
    days = date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    try:
        LOG.info(told_of(replay(load_settings(check_sources=False), asked["stream"], *days, context.run.run_id)))
    except GateError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


@dg.job(name="replay", executor_def=dg.in_process_executor)
def replay_job() -> None:
    """After a fix of the profile or a contract: what passes lands, what fails stays. The next `publish` shows it."""
    replay_quarantine()


@dg.op(config_schema={"to": str})
def roll_back_readers(context: dg.OpExecutionContext) -> None:
    """Link an earlier publication in, and write into the ledger what changed for readers."""
    try:
        roll_back(load_settings(check_sources=False).home, context.op_config["to"])
    except RollbackError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


@dg.job(name="rollback", executor_def=dg.in_process_executor)
def rollback_job() -> None:
    """Take readers back to an earlier publication; the next good run goes on from the warehouse."""
    roll_back_readers()
