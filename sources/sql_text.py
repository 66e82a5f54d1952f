"""Names and values as text of a SQL statement, for the statements that take no parameters."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str) -> str:
    """The name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def list_literal(texts: Iterable[str]) -> str:
    """DuckDB's list of these texts."""
    return "[" + ", ".join(literal(text) for text in texts) + "]"
