"""How a warehouse looks that was built with a wrong line in a model.

The models after the frontier are rebuilt from what dbt compiled, so that a mutation costs seconds. Whether the right
line is right is for the oracle to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from tests.oracles.mutations import Mutation


@dataclass(frozen=True, eq=False)
class Warehouse:
    """A copy of a warehouse that dbt has built, with what dbt wrote beside it."""

    con: duckdb.DuckDBPyConnection
    dbt: Path

    @cached_property
    def models(self) -> dict[str, dict[str, Any]]:
        nodes = json.loads((self.dbt / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
        return {i: node for i, node in nodes.items() if node["resource_type"] == "model"}

    def compiled(self, node: dict[str, Any]) -> str:
        path = self.dbt / "target" / "compiled" / node["package_name"] / node["original_file_path"]
        return path.read_text(encoding="utf-8")

    def up_to(self, *marts: str) -> Iterator[str]:
        """The ids of marts and of all models that they need, in the order of building."""
        wanted = {i for i, node in self.models.items() if node["name"] in marts}
        while before := {p for i in wanted for p in self._parents(i)} - wanted:
            wanted |= before
        while ready := sorted(i for i in wanted if not self._parents(i) & wanted):
            yield from ready
            wanted -= set(ready)

    def from_here_on(self, model: str) -> Iterator[dict[str, Any]]:
        """The model and what follows from it up to fct_kpi, in the order of building."""
        touched: set[str] = set()
        for i in self.up_to("fct_kpi"):
            if self.models[i]["name"] == model or self._parents(i) & touched:
                touched.add(i)
                yield self.models[i]

    def build_after(self, built: set[str], marts: tuple[str, ...]) -> None:
        """Build marts, and what they need and dbt has not built (as schema.name), from what dbt compiled."""
        for i in self.up_to(*marts):
            node = self.models[i]
            is_view_or_python = node["language"] != "sql" or node["config"]["materialized"] == "view"
            if not is_view_or_python and f"{node['schema']}.{node['name']}" not in built:
                self._build(node, self.compiled(node))

    def _parents(self, model_id: str) -> set[str]:
        return {p for p in self.models[model_id]["depends_on"]["nodes"] if p in self.models}

    def build_with(self, mutation: Mutation) -> None:
        """Build the mutated model and what follows from it, inside the open transaction."""
        for node in self.from_here_on(mutation.model):
            sql = self.compiled(node)
            if node["name"] == mutation.model:
                assert sql.count(mutation.old) == 1, f"{mutation.old!r} stands {sql.count(mutation.old)} times"
                sql = sql.replace(mutation.old, mutation.new)
            self._build(node, sql)

    def _build(self, node: dict[str, Any], sql: str) -> None:
        kind = node["config"]["materialized"]
        assert kind in ("table", "view"), f"{node['name']} is {kind}: only models after the frontier are built here"
        self.con.execute(f"create or replace {kind} {node['relation_name']} as {sql}")
