"""Connectors: how rows come out of files and databases, as dlt resources and as DuckDB tables.

Each module offers the same five things: `Options` (what a profile may say about such a source), `check` (is it
there?), `resource` (the dlt resource), `load` (its rows of a window as a DuckDB table) and `listing` (which files it
consists of now). What the rows mean and whether they are right is decided by contracts and gate, not here.
"""

from __future__ import annotations

from types import ModuleType

from sources.connectors import dlt_resource, files, sql
from sources.connectors.base import SYSTEM_COLUMNS, SourceError, Window

CONNECTORS: dict[str, ModuleType] = {"files": files, "sql": sql, "dlt": dlt_resource}

__all__ = ["CONNECTORS", "SYSTEM_COLUMNS", "SourceError", "Window"]
