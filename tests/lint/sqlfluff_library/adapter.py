"""What the SQL linter sees of dbt's `adapter`: a dispatched macro is a function call of its name."""

from __future__ import annotations

from collections.abc import Callable


def dispatch(name: str, package: str) -> Callable[..., str]:
    """Stands for `adapter.dispatch`: the linter judges style, so any expression will do."""
    return lambda *arguments: f"{name}({', '.join(str(a) for a in arguments)})"
