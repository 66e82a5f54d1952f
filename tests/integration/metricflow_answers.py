"""Asks MetricFlow for KPIs of a home and writes what it answers as CSV: a process of its own, for dbt keeps global state.

`python -m tests.integration.metricflow_answers HOME FILE day:all week:cut`: per grain the totals (`all`), the segments
(`cut`), or both. Columns: kpi_id, grain, dimension, period_start, segment, value. Judging does not belong here.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest

from orchestration.pipeline.metricflow import opened
from orchestration.pipeline.semantic_models import dimensions, read_declared
from orchestration.settings import Home, kpi_catalogue

Question = tuple[str, str, str]  # grain, dimension, the name that the dimension is asked for by


def questions(wanted: list[str]) -> dict[tuple[Question, str], list[str]]:
    """The KPIs of each query: those of the same rows, cut in the same way."""
    declared = read_declared()
    asked: dict[tuple[Question, str], list[str]] = {}
    for row in kpi_catalogue():
        kpi = declared.kpis.get(row["kpi_id"])
        for grain, _, what in (each.partition(":") for each in wanted if kpi is not None):
            cuts = {"all": ""} if what == "all" else dimensions(declared, row)
            for dimension, name in cuts.items() if grain in row["grains"].split() else ():
                asked.setdefault(((grain, dimension, name), kpi.get("rows", "")), []).append(row["kpi_id"])
    return asked


def answers(asking: CLIConfiguration, question: Question, kpis: list[str]) -> Iterator[list[Any]]:
    """The rows of one query, by its own SQL."""
    grain, dimension, name = question
    engine: MetricFlowEngine = asking.mf
    by = [f"metric_time__{grain}", *([name] if name else [])]
    request = MetricFlowQueryRequest.create(metric_names=kpis, group_by_names=by)
    sql = engine.explain(request).sql_statement.without_descriptions.sql
    adapter = asking.dbt_artifacts.adapter
    with adapter.connection_named("answers"):
        cursor = adapter.connections.get_thread_connection().handle.cursor()
        cursor.execute(sql)
        columns, rows = [column[0] for column in cursor.description], cursor.fetchall()
    for row in rows:
        said = dict(zip(columns, row, strict=True))
        for kpi in kpis:
            yield [kpi, grain, dimension, said[by[0]].date(), said[name] if name else "all", said[kpi]]


def main(home: str, file: str, *wanted: str) -> None:
    """Write the answers of one home."""
    with opened(Home(Path(home))) as folder, Path(file).open("w", encoding="utf-8", newline="") as out:
        asking = CLIConfiguration()
        asking.setup(folder, folder, configure_file_logging=False)
        writer = csv.writer(out)
        for (question, _), kpis in questions(list(wanted)).items():
            writer.writerows(answers(asking, question, kpis))


if __name__ == "__main__":
    main(*sys.argv[1:])
