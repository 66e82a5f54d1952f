"""The commands that look at the publications and take readers back to one: publications, rollback. Thin over pipeline/."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from orchestration import console
from orchestration.console import CommandError
from orchestration.settings import load_settings


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    publications = commands.add_parser("publications", help="list the publications that are still there, newest first")
    publications.set_defaults(command=_publications)
    rollback = commands.add_parser("rollback", help="take readers back to an earlier publication, at once")
    rollback.add_argument("--to", required=True, help="its id, as `publications` lists it")
    rollback.set_defaults(command=_rollback)


def _publications(options: argparse.Namespace) -> int:
    from orchestration.pipeline.snapshots import list_publications

    listed = list_publications(load_settings(check_sources=False, claim=False).home)
    table = Table(title="Publications, newest first", title_justify="left", header_style="bold")
    for name in ("id", "published (UTC)", "age", "checks", "restated", ""):
        table.add_column(name, no_wrap=name == "id")
    for one in listed:
        said = ["current"] if one.is_current else []
        said += [f"rolled back to {one.rolled_back_at:%Y-%m-%d %H:%M}"] if one.rolled_back_at else []
        said += [f"rolled back from {one.left_at:%Y-%m-%d %H:%M}"] if one.left_at else []
        checks = f"{one.verdicts - len(one.not_passed)} of {one.verdicts} passed"
        table.add_row(
            one.id,
            f"{one.published_at:%Y-%m-%d %H:%M}",
            _age(one.published_at),
            checks,
            str(one.restated),
            "; ".join(said),
        )
    console.OUT.print(table if listed else "There is no publication yet: `make run` makes the first.")
    return 0


def _age(since: datetime) -> str:
    hours = (datetime.now(UTC) - since).total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"


def _rollback(options: argparse.Namespace) -> int:
    from orchestration.pipeline.snapshots import RollbackError, roll_back

    try:
        folder = roll_back(load_settings(check_sources=False).home, options.to)
    except RollbackError as error:
        raise CommandError(str(error)) from None
    console.say(f"Readers see {folder.name}. The next good run publishes from the warehouse again.")
    return 0
