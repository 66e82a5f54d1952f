"""Writes what MetricFlow reads, and the page about it, from the registry of KPIs and `semantic_project/kpi_rows.yml`.

The registry says what a KPI is called, means, and can be cut by; kpi_rows.yml says which rows it counts and how. From both
come semantic_project/models/semantic_models.yml and docs/semantic_layer.md. `python -m orchestration.pipeline.semantic_models`
writes them, `--check` fails when they are not what the two say. Running MetricFlow does not belong here (see metricflow.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from orchestration.settings import ROOT, kpi_catalogue

PROJECT = ROOT / "semantic_project"
KPI_ROWS = PROJECT / "kpi_rows.yml"
MODELS = PROJECT / "models" / "semantic_models.yml"
PAGE = ROOT / "docs" / "semantic_layer.md"
COMMAND = "python -m orchestration.pipeline.semantic_models"
WRITTEN_BY = f"Written by `{COMMAND}` from dbt_project/seeds/kpi_catalogue.csv and semantic_project/kpi_rows.yml"

AGGREGATIONS: dict[str, dict[str, Any]] = {
    "sum": {"agg": "sum"},
    "count_distinct": {"agg": "count_distinct"},
    "median": {"agg": "percentile", "agg_params": {"percentile": 0.5}},
    "percentile_90": {"agg": "percentile", "agg_params": {"percentile": 0.9}},
}

HEADER = f"""\
<!-- {WRITTEN_BY}: change those. -->
# The semantic layer: asking for a KPI by name

[MetricFlow](https://docs.getdbt.com/docs/build/about-metricflow) turns the name of a KPI, a grain and dimensions into SQL
over the rows that the KPI counts. It reads neither `fct_kpi` nor anything that was summed for it;
`tests/integration/test_metricflow.py` holds its numbers against `fct_kpi`.

```
make mf ARGS="query --metrics otif,on_time_delivery --group-by metric_time__week,promises__carrier"
make mf ARGS="query --metrics csat --group-by metric_time__month --start-time 2026-01-01 --end-time 2026-03-31"
make mf ARGS="list metrics"          # PROFILE=... asks another company
```

- `metric_time` is the KPI's own day in the reporting zone: `metric_time__day`, `metric_time__week` (ISO), `metric_time__month`,
  `metric_time__quarter`.
- MetricFlow knows neither whole nor mature periods: where `fct_kpi` says `is_complete = false`, it counts what is there.
  Quote `fct_kpi`; ask here for cuts that it does not have.
- Several dimensions may be asked for at once: `--group-by metric_time__week,orders__channel,orders__country`.
- Grains other than those in the table give numbers that the KPI does not mean: `dau` of a week is `active_users`.
- A part of a ratio comes as `<kpi>_numerator` and `<kpi>_denominator` too. `--explain` shows the SQL.
- *Rows*: the views of `semantic_project/models` over the publication, or (**warehouse**) over rows that stay in the
  warehouse. The latter cannot be asked for while a build runs, and show what was built last, published or not.
"""


class CatalogueError(ValueError):
    """A KPI of the registry is in kpi_rows.yml twice or not at all, or one is there that the registry does not know."""


@dataclass(frozen=True)
class Declared:
    """kpi_rows.yml: where the rows of the KPIs are."""

    columns: Mapping[str, str]
    row_sets: Mapping[str, Mapping[str, Any]]
    kpis: Mapping[str, Mapping[str, Any]]
    not_expressed: Mapping[str, str]
    reasons: Mapping[str, str]


def read_declared() -> Declared:
    """What kpi_rows.yml says; every KPI of the registry is in it once, else CatalogueError."""
    declared = Declared(**yaml.safe_load(KPI_ROWS.read_text(encoding="utf-8")))
    known, kpis = [row["kpi_id"] for row in kpi_catalogue()], [*declared.kpis, *declared.not_expressed]
    for kpi in {*known, *kpis}:
        if known.count(kpi) != kpis.count(kpi):
            raise CatalogueError(
                f"{KPI_ROWS.name}: {kpi} stands {known.count(kpi)} times in the registry and {kpis.count(kpi)} times under "
                "kpis and not_expressed; each KPI of the registry belongs under one of them"
            )
    return declared


def dimensions(declared: Declared, row: Mapping[str, str]) -> dict[str, str]:
    """The dimensions that MetricFlow can cut a KPI by, and the name that each is asked for by."""
    kpi = declared.kpis[row["kpi_id"]]
    own = [name for name in row["dimensions"].split() if name not in kpi.get("except", {})]
    if "dimensions_as" in kpi:
        return {name: kpi["dimensions_as"][name] for name in own}
    rows = declared.row_sets[kpi["rows"]].get("dimensions_from", kpi["rows"])
    return {name: f"{rows}__{name}" for name in own}


def semantic_layer(declared: Declared) -> dict[str, Any]:
    """The semantic models and metrics in dbt's own terms: one semantic model per row set, measures and metrics per KPI."""
    catalogue = kpi_catalogue()
    measures: dict[str, list[dict[str, Any]]] = {name: [] for name in declared.row_sets}
    names: dict[str, list[str]] = {name: [] for name in declared.row_sets}
    metrics: list[dict[str, Any]] = []
    for row in catalogue:
        kpi = declared.kpis.get(row["kpi_id"])
        if kpi is None:
            continue
        if "rows" in kpi:
            rows = declared.row_sets[kpi["rows"]]
            names[rows.get("dimensions_from", kpi["rows"])] += dimensions(declared, row)
            measures[kpi["rows"]] += [_measure(name, part, rows) for name, part in _parts(row["kpi_id"], kpi)]
        metrics += _metrics(row, kpi)
    return {
        "version": 2,
        "models": [
            {
                "name": "days",
                "description": "The days that are published. Grain: one row per day.",
                "time_spine": {"standard_granularity_column": "calendar_date"},
                "columns": [{"name": "calendar_date", "granularity": "day"}],
            },
            *({"name": name, "description": rows["holds"]} for name, rows in declared.row_sets.items()),
        ],
        "semantic_models": [
            _semantic_model(declared, name, list(dict.fromkeys(names[name])), measures[name])
            for name in declared.row_sets
        ],
        "metrics": metrics,
    }


def _semantic_model(declared: Declared, name: str, cut_by: list[str], measures: list[dict[str, Any]]) -> dict[str, Any]:
    rows = declared.row_sets[name]
    made: dict[str, Any] = {"name": name, "description": rows["holds"], "model": f"ref('{name}')"}
    entities = [{"name": other, "type": "foreign", "expr": key} for other, key in rows.get("refers_to", {}).items()]
    if "key" in rows:
        entities.insert(0, {"name": name, "type": "primary", "expr": rows["key"]})
    else:
        made["primary_entity"] = name
    columns = {dimension: declared.columns.get(dimension, dimension) for dimension in cut_by}
    return {
        **made,
        "defaults": {"agg_time_dimension": rows["date"]},
        **({"entities": entities} if entities else {}),
        "dimensions": [
            {"name": rows["date"], "type": "time", "type_params": {"time_granularity": "day"}},
            *(
                {"name": dimension, "type": "categorical", "expr": f"coalesce(nullif({column}, ''), 'unknown')"}
                for dimension, column in columns.items()
            ),
        ],
        "measures": measures,
    }


def _parts(kpi_id: str, kpi: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, what is aggregated) of each measure of a KPI; `where` and `trailing_days` hold for all of them."""
    shared = {key: kpi[key] for key in ("where", "trailing_days") if key in kpi}
    own = {key: kpi[key] for key in AGGREGATIONS if key in kpi}
    if "parts" in kpi:
        for name, part in kpi["parts"].items():
            yield f"{kpi_id}_{name}", {**shared, **part}
    elif "over" in kpi:
        yield f"{kpi_id}_numerator", {**shared, **own}
        yield f"{kpi_id}_denominator", {**shared, **kpi["over"]}
    else:
        yield kpi_id, {**shared, **own}


def _measure(name: str, part: Mapping[str, Any], rows: Mapping[str, Any]) -> dict[str, Any]:
    kind = next(key for key in AGGREGATIONS if key in part)
    expression = str(part[kind])
    if "where" in part:
        nothing = " else 0" if kind == "sum" else ""
        expression = f"case when {part['where']} then {expression}{nothing} end"
    state = {"non_additive_dimension": {"name": rows["date"], "window_choice": "max"}} if rows.get("is_state") else {}
    return {"name": name, **AGGREGATIONS[kind], "expr": expression, **state}


def _metrics(row: Mapping[str, str], kpi: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The metric of a KPI, after those of its parts."""
    kpi_id = row["kpi_id"]
    told: dict[str, Any] = {
        "name": kpi_id,
        "label": row["name"],
        "description": f"{row['sentence']} {row['formula'][0].upper()}{row['formula'][1:]}.",
        "config": {"meta": {key: row[key] for key in ("unit", "direction", "additivity", "grains", "owner")}},
    }
    if not row["grains"].startswith("day"):
        told["time_granularity"] = row["grains"].split()[0]
    if "ratio_of" in kpi:
        numerator, denominator = kpi["ratio_of"]
        yield {**told, "type": "ratio", "type_params": {"numerator": numerator, "denominator": denominator}}
        return
    parts = list(_parts(kpi_id, kpi))
    if len(parts) == 1:
        yield {**told, **_plain(*parts[0])}
        return
    for name, part in parts:
        what = name.removeprefix(f"{kpi_id}_").replace("_", " ")
        yield {
            "name": name,
            "label": f"{row['name']}: {what}",
            "description": f"Of {kpi_id}: {what}.",
            **_plain(name, part),
        }
    if "formula" in kpi:
        inputs = [{"name": name, "alias": name.removeprefix(f"{kpi_id}_")} for name, _ in parts]
        yield {**told, "type": "derived", "type_params": {"expr": kpi["formula"], "metrics": inputs}}
    else:
        yield {**told, "type": "ratio", "type_params": {"numerator": parts[0][0], "denominator": parts[1][0]}}


def _plain(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """A metric that is one measure. Where there are no rows, a sum or a count is 0, and a percentile nothing."""
    measure: dict[str, Any] = {"name": name}
    if "sum" in part or "count_distinct" in part:
        measure["fill_nulls_with"] = 0
    if "trailing_days" not in part:
        return {"type": "simple", "type_params": {"measure": measure}}
    window = {"window": f"{part['trailing_days']} days", "period_agg": "last"}
    return {"type": "cumulative", "type_params": {"measure": measure, "cumulative_type_params": window}}


def page(declared: Declared) -> str:
    """docs/semantic_layer.md: what can be asked for, and what cannot and why."""
    catalogue = kpi_catalogue()
    warehouse = {path.stem for path in PROJECT.glob("models/warehouse/*.sql")}
    lines = [HEADER, "## What it answers", "", "| KPI | grains | rows | dimensions | not by |", "|---|---|---|---|---|"]
    for row in catalogue:
        kpi = declared.kpis.get(row["kpi_id"])
        if kpi is None:
            continue
        used = [kpi["rows"]] if "rows" in kpi else [declared.kpis[other]["rows"] for other in kpi["ratio_of"]]
        stored = ", ".join(f"{name} (**warehouse**)" if name in warehouse else name for name in used)
        cut_by = ", ".join(f"`{asked}`" for asked in dimensions(declared, row).values())
        left_out = "; ".join(f"{name}: {declared.reasons[why]}" for name, why in _by_reason(kpi.get("except", {})))
        grains = "all" if len(row["grains"].split()) == 4 else row["grains"]
        lines.append(f"| [{row['kpi_id']}](kpis.md#{row['kpi_id']}) | {grains} | {stored} | {cut_by} | {left_out} |")
    lines += ["", "## What it does not answer", ""]
    for names, why in _by_reason(declared.not_expressed):
        listed = ", ".join(f"`{name}`" for name in names.split(", "))
        lines.append(f"- {listed}: {declared.reasons[why]}.")
    lines += ["", "## The rows", ""]
    for name, rows in declared.row_sets.items():
        lines.append(f"- `{name}`: {rows['holds']}")
    return "\n".join([*lines, ""])


def _by_reason(left_out: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(names, reason): what has one reason is told once."""
    for why in dict.fromkeys(left_out.values()):
        yield ", ".join(name for name, other in left_out.items() if other == why), why


def main(arguments: list[str]) -> int:
    """Write the two files, or with `--check` compare them. Returns the exit code."""
    unknown = [a for a in arguments if a != "--check"]
    if unknown:
        print(f"semantic_models: unknown argument {unknown[0]!r}; allowed: --check", file=sys.stderr)
        return 2
    declared = read_declared()
    models = yaml.safe_dump(semantic_layer(declared), sort_keys=False, width=130, allow_unicode=True)
    stale = False
    for path, text in ((MODELS, f"# {WRITTEN_BY}: change those.\n{models}"), (PAGE, page(declared))):
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale = True
            print(f"{path.relative_to(ROOT)} is not what the registry says: run `{COMMAND}`", file=sys.stderr)
    return int(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
