"""The assets `raw/<stream>`: pull, gate 1 and landing of a range of days. The work itself is pipeline/landing.py."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from orchestration.checks import check_result, check_spec, in_one_line
from orchestration.partitions import landing_days
from orchestration.pipeline import catch_up, checks, reconciliation
from orchestration.pipeline.lake import Landing
from orchestration.pipeline.landing import StreamLanding, land_stream
from orchestration.pipeline.verdicts import worst_first
from orchestration.settings import load_settings
from sources.profile import Profile

LOG = logging.getLogger("opsmart")
ONLY_NEEDED = "opsmart/only_needed_days"  # run tag: of the range, only the days that the stream still needs
KINDS = {"files": "file", "sql": "sql"}


def raw_assets(profile: Profile) -> list[dg.AssetsDefinition]:
    """One asset per configured stream of the profile."""
    return [_raw_asset(profile, stream) for stream in profile.streams]


def _raw_asset(profile: Profile, stream: str) -> dg.AssetsDefinition:
    contract = profile.contract(stream)
    key = dg.AssetKey(["raw", stream])
    source = profile.sources[profile.streams[stream].source]
    spec = dg.AssetSpec(
        key,
        description=f"{contract.description} {contract.limitations} Grain: {contract.grain}.",
        group_name="raw",
        owners=[f"team:{contract.owner}"],
        kinds={KINDS.get(source.connector, source.connector), "deltalake"},
        metadata={
            "contract": f"sources/contracts/{stream}.odcs.yaml, version {contract.version}",
            "source": source.name,
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(f.name, f.type, f.description) for f in contract.landed_fields()]
            ),
        },
        tags={"domain": contract.domain},
        skippable=True,  # a day is logged as materialized by itself, once it has landed
    )
    asked = [check_spec(key, check, check.rule) for check in checks.gate_1(profile, stream)]

    @dg.multi_asset(
        name=f"land_{stream}",
        specs=[spec],
        check_specs=asked,
        partitions_def=landing_days(profile),
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
    )
    def land(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult]:
        settings = load_settings(check_sources=False)  # a source that is gone fails its own days, and no other's
        days = [date.fromisoformat(partition) for partition in context.partition_keys]
        if context.run.tags.get(ONLY_NEEDED):
            with in_one_line():
                needed = set(catch_up.days_to_land(settings, stream))
            days = [day for day in days if day in needed]
        if not days:
            context.log.info(f"{stream}: no day of this range is needed")
            return

        def on_day(landing: Landing) -> None:
            if landing.state == "landed":
                context.log_event(_materialization(key, landing))

        started = time.monotonic()
        with in_one_line():
            outcome = land_stream(settings, stream, days, context.run.run_id, on_day)
        LOG.info(f"{_told(outcome)} ({time.monotonic() - started:.1f} s)")
        if not context.run.tags.get(ONLY_NEEDED):  # somebody asked for these days
            buried = reconciliation.bury(settings, stream, [landing.landed_date for landing in outcome.landed])
            for day, rows in buried.items():
                LOG.info(f"{stream}: {rows:,} rows of {day} are gone at the source: written down as deleted")
        for verdict in worst_first(outcome.verdicts):
            yield check_result(key, verdict, verdict.rule)
        if outcome.failed:
            raise _failure(outcome)

    return land


def _told(outcome: StreamLanding) -> str:
    """One line about a range pull."""
    rows = sum(landing.landed for landing in outcome.landed)
    rejected = sum(landing.rejected for landing in outcome.landings)
    told = f"{outcome.stream}: {len(outcome.landed)} days landed, {rows:,} rows, {rejected:,} rejected"
    if outcome.failed:
        told += f", {len(outcome.failed)} days failed"
    return told + (f"; schema drift: {'; '.join(map(str, outcome.drift))}" if outcome.drift else "")


def _materialization(key: dg.AssetKey, landing: Landing) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        key,
        partition=landing.landed_date.isoformat(),
        metadata={
            "dagster/partition_row_count": landing.landed,
            "pulled": landing.pulled,
            "rejected": landing.rejected,
            "written": landing.written,
            "schema drift": dg.MetadataValue.json(json.loads(landing.drift)),
            "window": f"[{landing.landed_date} 00:00, +1 day) in the landing zone",
        },
    )


def _failure(outcome: StreamLanding) -> dg.Failure:
    """Good days have landed by now; the step is red because some did not."""
    shown = [landing.reason or "" for landing in outcome.failed[:5]]
    metadata: dict[str, Any] = {"failed_days": [landing.landed_date.isoformat() for landing in outcome.failed]}
    return dg.Failure(
        description=f"{outcome.stream}: {len(outcome.failed)} of {len(outcome.landings)} days did not land; what was there "
        "stays, and the days are asked for again by the next run.\n" + "\n".join(dict.fromkeys(shown)),
        metadata=metadata,
        allow_retries=False,
    )
