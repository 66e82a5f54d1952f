"""The oracle knows nothing of the project: what it imports is the standard library, itself, and a reader for the marts."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MODULES = sorted(p.stem for p in FOLDER.glob("*.py") if not p.stem.startswith(("test_", "__", "mutat")))


def imported(path: Path) -> set[str]:
    """The modules that a file imports, by their full names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be read here"
            names |= (
                {node.module or ""}
                if node.module != "tests.oracles"
                else {f"tests.oracles.{alias.name}" for alias in node.names}
            )
    return names


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_nothing_of_the_project(module: str) -> None:
    allowed = {f"tests.oracles.{name}" for name in MODULES} | ({"duckdb"} if module == "compare" else set())
    found = imported(FOLDER / f"{module}.py")
    assert {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names} <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_a_module_reads_no_model(module: str) -> None:
    text = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
    assert not any(name in text for name in ("dbt_project", "importlib", "lake/", "warehouse.duckdb"))
