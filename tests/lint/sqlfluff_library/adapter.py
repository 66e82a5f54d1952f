"""What the SQL linter sees of dbt's `adapter`: a dispatched macro is a function call of its name."""

from __future__ import annotations

from collections.abc import Callable


def dispatch(name: str, package: str) -> Callable[..., str]:
    """Stands for `adapter.dispatch`: the linter judges style, so any expression will do. A join is none."""
    if name == "explode_join":
        return lambda array, alias, column: f"cross join unnest([{array}]) as {alias} ({column})"
    return lambda *arguments: f"{name}({', '.join(str(a) for a in arguments)})"
