"""The asset `published/marts`: gate 2's last word and the snapshot. The work itself is pipeline/publication.py."""

import json
from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration.assets.raw import check_result, in_one_line
from orchestration.pipeline import build, mart_checks, reconciliation
from orchestration.pipeline.lake import to_json
from orchestration.pipeline.publication import PublicationRefused, publish
from orchestration.settings import Settings, load_settings

KEY = dg.AssetKey(["published", "marts"])
BUILD_CHECK = "build_verdicts"


def publication_asset(settings: Settings, upstream: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The publication, after every mart. It reads all verdicts again: a failed dbt test does not by itself stop Python."""
    checks = {BUILD_CHECK: "Every dbt model was built and every dbt test was evaluated and passed."}
    checks |= mart_checks.check_names() | reconciliation.check_names(settings)

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
        check_specs=[dg.AssetCheckSpec(name, asset=KEY, description=said) for name, said in checks.items()],
        pool="warehouse",
    )
    def publication(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        settings = load_settings(check_sources=False)
        with in_one_line():
            reconciled = reconciliation.judge(settings)
        with in_one_line(), build.warehouse_lock(settings.home):
            verdicts = build.read_verdicts(settings.home)
            judged = [*mart_checks.judge_marts(settings.home), *reconciled]
            failing = [verdict for verdict in verdicts if verdict.blocks]
            yield dg.AssetCheckResult(
                asset_key=KEY,
                check_name=BUILD_CHECK,
                passed=not failing,
                metadata={"failing": dg.MetadataValue.json([v.name for v in failing])},
            )
            for verdict in judged:
                yield check_result(KEY, verdict, f"{verdict.subject}_{verdict.rule}")
            try:
                done = publish(settings, [*verdicts, *judged], context.run.run_id)
            except PublicationRefused as refused:
                raise dg.Failure(description=str(refused), allow_retries=False) from None
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
                "waiting KPIs": dg.MetadataValue.json(json.loads(to_json(done.manifest["waiting_kpis"]))),
            },
        )

    return publication
