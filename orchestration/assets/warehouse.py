"""The dbt project as assets: plan, staging, frontier, intermediate, marts. What dbt is told is pipeline/build.py's."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets

from orchestration.checks import acceptance_of, check_result, failure, in_one_line
from orchestration.pipeline import build, dbt_results
from orchestration.pipeline.refusals import refusal
from orchestration.pipeline.verdicts import accept, worst_first
from orchestration.settings import Home, dbt_environment, load_settings

PLAN_MODEL = "lake_plan"


class Translator(DagsterDbtTranslator):
    """Asset keys are warehouse/<model>; groups are the folders of the project; owners come from the models' meta."""

    def __init__(self, streams: list[str]) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
        self._streams = streams

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(["raw", dbt_resource_props["name"]])
        return dg.AssetKey(["warehouse", dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        folders = dbt_resource_props["fqn"][1:-1]
        return "_".join(folders[:2]) if folders else "seeds"

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        meta = {**dbt_resource_props.get("config", {}).get("meta", {}), **dbt_resource_props.get("meta", {})}
        return [f"team:{meta.get('owner', 'data-platform')}"]

    def get_deps_asset_keys(self, name: str) -> list[dg.AssetKey]:
        return [dg.AssetKey(["raw", stream]) for stream in self._streams] if name == PLAN_MODEL else []

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        upstream = self.get_deps_asset_keys(manifest["nodes"].get(unique_id, {}).get("name", ""))
        return spec.merge_attributes(deps=upstream) if upstream else spec


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """dbt is started by dagster-dbt with this process's environment: set what it needs, and put it back."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def dbt_asset_keys(manifest: Path) -> list[dg.AssetKey]:
    """The keys of all models and seeds of the manifest."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return [dg.AssetKey(["warehouse", n["name"]]) for n in nodes if n["resource_type"] in ("model", "seed")]


def warehouse_assets(home: Home, manifest: Path, streams: list[str]) -> dg.AssetsDefinition:
    """All dbt models as one multi-asset: dbt runs once per run, over the whole project."""
    project = DbtProject(build.DBT_PROJECT, target_path=home.runs / "target")

    @dbt_assets(
        manifest=manifest,
        project=project,
        name="warehouse",
        dagster_dbt_translator=Translator(streams),
        exclude="resource_type:unit_test",
        pool="warehouse",
    )
    def warehouse(context: dg.AssetExecutionContext) -> Iterator[Any]:
        acceptance = acceptance_of(context.run.tags)
        left_out = build.accepted_tests(home, acceptance)
        full_refresh = "opsmart/full_refresh" in context.run.tags
        arguments = build.run_arguments(full_refresh, left_out)
        dbt = DbtCliResource(
            project_dir=str(build.DBT_PROJECT),
            profiles_dir=str(build.DBT_PROJECT),
            dbt_executable=build.dbt_command(home, [])[0],
            global_config_flags=["--log-path", str(home.runs / "logs")],
        )
        with in_one_line(), build.warehouse_lock(home), _environment(dbt_environment(home)):
            build.make_ready(home, full_refresh)
            invocation = dbt.cli(arguments, context=context, target_path=home.runs / "target", raise_on_error=False)
            with build.in_time(home, invocation.process):
                yield from (event for event in invocation.stream() if not isinstance(event, dg.AssetCheckResult))
            build.run_accepted_tests(home, left_out)
            verdicts = accept(dbt_results.read_verdicts(home), acceptance)
        keys = {check.name: check.asset_key for check in context.selected_asset_check_keys}
        for verdict in worst_first(verdicts):
            if verdict.check in keys:
                yield check_result(keys[verdict.check], verdict, verdict.check)
        refused = refusal(load_settings(check_sources=False), verdicts, context.run.run_id)
        if refused:
            raise failure(refused)

    return warehouse
