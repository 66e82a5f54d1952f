"""The asset `published/marts`: gate 2's last word and the snapshot. The work itself is pipeline/publication.py."""

import json
from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration.checks import acceptance_of, check_result, check_spec, failure, in_one_line
from orchestration.pipeline import build, checks, dbt_results, mart_checks, reconciliation
from orchestration.pipeline.checks import summed_up
from orchestration.pipeline.lake import to_json
from orchestration.pipeline.publication import publish
from orchestration.pipeline.refusals import PublicationRefused
from orchestration.pipeline.verdicts import accept, worst_first
from orchestration.settings import Settings, load_settings

KEY = dg.AssetKey(["published", "marts"])


def publication_asset(settings: Settings, upstream: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The publication, after every mart. It reads all verdicts again: a failed dbt test does not by itself stop Python."""
    asked = [*checks.of_publishing(), *checks.of_marts(), *checks.of_reconciliation(settings.profile)]

    @dg.multi_asset(
        name="publication",
        specs=[
            dg.AssetSpec(
                KEY,
                deps=upstream,
                group_name="published",
                owners=["team:data-platform"],
                kinds={"duckdb", "parquet"},
                description="The snapshot that readers see: published/current/marts.duckdb, Parquet and publication.json.",
            )
        ],
        check_specs=[check_spec(KEY, check, check.name) for check in asked],
        pool="warehouse",
    )
    def publication(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        settings = load_settings(check_sources=False)
        acceptance = acceptance_of(context.run.tags)
        with in_one_line():
            reconciled = reconciliation.judge(settings)
        with in_one_line(), build.warehouse_lock(settings.home):
            built = accept(dbt_results.read_verdicts(settings.home), acceptance)
            judged = accept([*mart_checks.judge_marts(settings.home), *reconciled], acceptance)
            for verdict in worst_first([*summed_up(built), *judged]):
                yield check_result(KEY, verdict, verdict.name)
            try:
                done = publish(settings, [*built, *judged], context.run.run_id)
            except PublicationRefused as refused:
                raise failure(refused) from None
        yield dg.MaterializeResult(
            asset_key=KEY,
            metadata={
                "publication": done.id,
                "path": dg.MetadataValue.path(str(settings.home.current)),
                "rows": dg.MetadataValue.json(done.manifest["row_counts"]),
                "windows": dg.MetadataValue.json(json.loads(to_json(done.manifest["windows"]))),
                "restated values": done.manifest["restatements"]["values"],
                "restatements": dg.MetadataValue.json(done.manifest["restatements"]),
                "unavailable KPIs": dg.MetadataValue.json(done.manifest["unavailable_kpis"]),
                "accepted checks": dg.MetadataValue.json(done.manifest["accepted"]),
                "waiting KPIs": dg.MetadataValue.json(json.loads(to_json(done.manifest["waiting_kpis"]))),
            },
        )

    return publication
