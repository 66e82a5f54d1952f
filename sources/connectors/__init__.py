"""Connectors: how rows come out of files, databases and APIs, as dlt resources and as DuckDB tables.

Each module offers the same five things: `Options` (what a profile may say about such a source), `check` (is it
there?), `resource` (the dlt resource), `load` (its rows of a window as a DuckDB table) and `listing` (which files it
consists of now). One that can count also offers `totals` (rows and sums per day), one that can read several sources at a
single moment `load_together`. What the rows mean and whether they are right is decided by contracts and gate, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import duckdb

from sources.connectors import dlt_resource, files, shopify, sql, zendesk
from sources.connectors.base import SYSTEM_COLUMNS, Pull, SourceError, Window

CONNECTORS: dict[str, ModuleType] = {
    "dlt": dlt_resource,
    "files": files,
    "shopify": shopify,
    "sql": sql,
    "zendesk": zendesk,
}

__all__ = ["CONNECTORS", "SYSTEM_COLUMNS", "Pull", "SourceError", "Window", "load_all"]


def load_all(con: duckdb.DuckDBPyConnection, wanted: Sequence[tuple[str, Pull]]) -> list[dict[str, Any]]:
    """Load what is wanted of (connector, source) pairs into `con`: each connector gets all of its own at once, so that
    it can read them at one moment. Returns the listing of their files. Raises SourceError.
    """
    listing: list[dict[str, Any]] = []
    for name in dict.fromkeys(connector for connector, _ in wanted):
        module, pulls = CONNECTORS[name], [pull for connector, pull in wanted if connector == name]
        if hasattr(module, "load_together"):
            module.load_together(con, pulls)
            continue
        for pull in pulls:
            listing += module.load(con, pull.table, pull.options, pull.window, pull.zone)
    return listing
