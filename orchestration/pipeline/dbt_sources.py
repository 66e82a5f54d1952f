"""Writes dbt's declaration of the lake (`models/staging/_sources.yml`) from the contracts.

A field is described once, in its contract; this module only carries it over: names, types, descriptions. What a
staging model does with a column is written in the model. `python -m orchestration.pipeline.dbt_sources` writes the
file, `--check` fails when the file is not what the contracts say.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from sources.contract import Contract, load_contracts

SOURCES_FILE = Path(__file__).parents[2] / "dbt_project" / "models" / "staging" / "_sources.yml"

HEADER = """\
# Written by `python -m orchestration.pipeline.dbt_sources` from sources/contracts: change the contract, not this file.
"""

# What every landed row carries beside the fields of its contract.
LAKE_COLUMNS = (
    ("extra", "varchar", "Source columns that the profile keeps beside the contract, as JSON text."),
    ("content_hash", "varchar", "Hash of the fields of the contract without those of the transport."),
    ("pulled_at", "timestamptz", "When the row was pulled."),
    ("landed_date", "date", "The landing day: the partition of the lake."),
)


def source_table(contract: Contract) -> dict[str, Any]:
    """One stream as a table of dbt's source `lake`."""
    columns = [(f.name, f.type, f.description) for f in contract.landed_fields()] + list(LAKE_COLUMNS)
    return {
        "name": contract.name,
        "description": f"{contract.description} Grain: {contract.grain}.",
        "config": {
            "meta": {
                "owner": contract.owner,
                "kind": contract.kind,
                "key": list(contract.key),
                "set_key": contract.set_key,
                "contract_version": contract.version,
            }
        },
        "columns": [{"name": name, "data_type": kind, "description": text} for name, kind, text in columns],
    }


def sources_yaml() -> str:
    """The whole file as text."""
    document = {
        "version": 2,
        "sources": [
            {
                "name": "lake",
                "description": "The landed rows of every stream; read through the frozen plan, never by name.",
                "tables": [source_table(contract) for contract in load_contracts().values()],
            }
        ],
    }
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` compare it. Returns the exit code."""
    unknown = [a for a in arguments if a != "--check"]
    if unknown:
        print(f"dbt_sources: unknown argument {unknown[0]!r}; allowed: --check", file=sys.stderr)
        return 2
    text = sources_yaml()
    if "--check" not in arguments:
        SOURCES_FILE.write_text(text, encoding="utf-8")
        return 0
    if SOURCES_FILE.exists() and SOURCES_FILE.read_text(encoding="utf-8") == text:
        return 0
    print(
        f"{SOURCES_FILE.name} is not what the contracts say: run `python -m orchestration.pipeline.dbt_sources`",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
