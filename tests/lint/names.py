"""Lint: the naming grammar of models, columns and checks.

Models: stg_<system or stream>__<entity>, int_<domain>__<what>, fct_<domain>__<grain> or fct_<entity>, dim_<entity>.
Columns of marts: instants <verb>_at, dates <noun>_date or period_start, money <noun>_amount, booleans is_/has_.
Run as `python -m tests.lint.names`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from orchestration.pipeline import ledger
from sources.seeds import SEEDS

MODELS = Path(__file__).parent.parent.parent / "dbt_project" / "models"
NAME = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
GRAMMAR = {
    "plan": f"lake_plan|profile_(settings|dimensions|{'|'.join(SEEDS)})",
    "staging": rf"stg_{NAME}__{NAME}",
    "intermediate": rf"int_{NAME}__{NAME}",
    "marts": rf"(fct|dim)_{NAME}(__{NAME})?",
}
PERIOD_DATES = {"period_start", "period_end"}


def model_names() -> Iterator[str]:
    """Models whose file name does not follow the grammar of its layer."""
    for path in sorted([*MODELS.glob("**/*.sql"), *MODELS.glob("plan/*.py")]):
        layer = path.relative_to(MODELS).parts[0]
        if not re.fullmatch(GRAMMAR.get(layer, "$^"), path.stem):
            yield f"models/{path.relative_to(MODELS)}: a model of {layer} is named {GRAMMAR.get(layer, 'nothing')}"


def _columns(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
        for column in model.get("columns", []):
            yield model["name"], column


def _typed_columns() -> Iterator[tuple[str, str, str]]:
    """(where, column, type) of every published table, whether dbt or the ledger makes it."""
    for path in sorted(MODELS.glob("marts/**/*.yml")):
        for model, column in _columns(path):
            yield f"{path.name}: {model}", column["name"], str(column.get("data_type", "")).lower()
    for table in ledger.TABLES:
        for made in table.columns:
            yield f"ledger.py: {table.name}", made.name, made.type


def column_names() -> Iterator[str]:
    """Columns of marts whose name does not say what their type is."""
    for where, name, kind in _typed_columns():
        where = f"{where}.{name} ({kind})"
        if kind.startswith("timestamp") and not name.endswith("_at"):
            yield f"{where}: an instant is named <verb>_at"
        if kind == "date" and not (name.endswith("_date") or name in PERIOD_DATES):
            yield f"{where}: a date is named <noun>_date"
        if kind == "boolean" and not re.match(r"(is|has)_", name):
            yield f"{where}: a boolean is named is_ or has_"
        if re.search(r"_amount$", name) and not kind.startswith("decimal"):
            yield f"{where}: money is an exact decimal"


def descriptions() -> Iterator[str]:
    """Models and tables without a description, and those whose description does not tell the grain."""
    for table in ledger.TABLES:
        if not re.fullmatch(GRAMMAR["marts"], table.name) or "Grain: one row" not in table.description:
            yield f"ledger.py: {table.name}: is not named like a mart, or does not tell its grain"
        yield from (f"ledger.py: {table.name}.{c.name}: has no description" for c in table.columns if not c.description)
    described: dict[str, str] = {}
    for path in MODELS.glob("**/*.yml"):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            described[model["name"]] = str(model.get("description", ""))
    for path in sorted([*MODELS.glob("**/*.sql"), *MODELS.glob("plan/*.py")]):
        said = described.get(path.stem, "")
        if not said:
            yield f"models/{path.relative_to(MODELS)}: has no description"
        elif path.relative_to(MODELS).parts[0] != "staging" and not re.search(r"one row|grain", said, re.I):
            yield f"models/{path.relative_to(MODELS)}: its description does not tell its grain"


def main() -> int:
    """Print what was found; 1 if there was anything."""
    found = [*model_names(), *column_names(), *descriptions()]
    print("\n".join(found) or "names: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
