"""Names and values as text of a SQL statement, for the statements that take no parameters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import duckdb


def identifier(name: str) -> str:
    """The name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def list_literal(texts: Iterable[str]) -> str:
    """DuckDB's list of these texts."""
    return "[" + ", ".join(literal(text) for text in texts) + "]"


def mentioned_columns(con: duckdb.DuckDBPyConnection, statement: str) -> Iterator[str]:
    """The last part of every column reference in a SELECT; `*` mentions nothing by itself."""
    answer = con.execute("select json_serialize_sql(?::varchar)", [statement]).fetchone()
    yield from _column_names(json.loads(answer[0])) if answer else ()


def _column_names(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("class") == "COLUMN_REF":
            yield from node.get("column_names", [])
        for child in node.values():
            yield from _column_names(child)
    elif isinstance(node, list):
        for child in node:
            yield from _column_names(child)
