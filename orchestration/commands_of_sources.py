"""The commands that look at sources and land nothing: reconcile, source-check, profile-init.

Thin over pipeline/reconciliation.py, sources/source_check.py and sources/profile_init.py.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from orchestration import console
from orchestration.console import CommandError
from orchestration.settings import load_settings
from sources.connectors.base import SourceError


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    reconcile = commands.add_parser("reconcile", help="compare the lake with what the sources say now; lands nothing")
    reconcile.add_argument("--stream", help="only this stream")
    reconcile.set_defaults(command=_reconcile)
    check = commands.add_parser(
        "source-check", help="show the mapping beside the contract over a few rows; lands nothing"
    )
    check.set_defaults(command=_source_check)
    begin = commands.add_parser("profile-init", help="begin a profile from a source's columns")
    begin.add_argument("file", type=Path, help="the profile to write, such as shop.toml")
    begin.add_argument("--stream", help="the stream that the source feeds, such as orders")
    begin.add_argument("--url", help="a database: any SQLAlchemy URL")
    begin.add_argument("--table", help="its table")
    begin.add_argument("--path", help="files: a path; {day} stands for YYYY-MM-DD")
    begin.add_argument("--format", choices=("csv", "jsonl", "parquet"))
    begin.add_argument("--currency", help="the business's currency, such as EUR")
    begin.add_argument("--first-day", help="the first landing day, YYYY-MM-DD")
    begin.add_argument("--zone", default="UTC", help="landing, reporting and source zone (default: UTC)")
    begin.set_defaults(command=_profile_init)


def _reconcile(options: argparse.Namespace) -> int:
    """0 where lake and sources agree, 1 where they differ or a source does not answer."""
    from orchestration.pipeline import reconciliation

    settings = load_settings(check_sources=False)
    streams = list(settings.profile.streams)
    if options.stream and options.stream not in streams:
        raise CommandError(f"STREAM={options.stream}: not configured; allowed: {', '.join(streams)}")
    code = 0
    for stream in [options.stream] if options.stream else streams:
        reason = reconciliation.why_not(settings.profile, stream)
        if reason is not None:
            console.say(f"[dim]{stream}: not reconciled: {escape(reason)}[/]")
            continue
        verdict = reconciliation.judge_stream(settings, stream)
        if verdict.status == "passed":
            console.say(f"{stream}: {escape(verdict.message)}")
        else:
            code = 1
            console.say(f"[yellow]{stream}: {escape(verdict.message)}[/]. {escape(verdict.fix)}")
    return code


def _source_check(options: argparse.Namespace) -> int:
    """0 where everything that was looked at would land, 1 where something is missing, mistyped or does not answer."""
    from orchestration.pipeline.catch_up import today
    from sources.source_check import StreamCheck, check_profile

    profile = load_settings(check_sources=False, claim=False).profile

    def table(found: StreamCheck) -> Table:
        per_day = "" if found.rows_per_day is None else f", about {found.rows_per_day:,} a day"
        shown = Table(
            title=f"{found.stream} from {found.source}: {found.rows:,} rows looked at{per_day}", title_justify="left"
        )
        for name in ("field", "contract", "fed by", "is", "filled", "for example", "to do"):
            shown.add_column(name, overflow="fold")
        for line in found.fields:
            wanted = f"{line.field.type}{', required' if line.field.required and line.field.default is None else ''}"
            cells = (line.field.name, wanted, line.expression, line.source_type, f"{line.filled}/{found.rows}")
            shown.add_row(*map(escape, (*cells, line.example)), f"[red]{escape(line.complaint)}[/]")
        return shown

    complaints = []
    for found in check_profile(profile, profile.last_closed_day(today(profile))):
        console.OUT.print(table(found))
        if found.unknown:
            console.say(
                f"Not mapped (reported as unknown; `extra` keeps, `ignore` drops): {escape(', '.join(found.unknown))}"
            )
        complaints += found.complaints
    for complaint in complaints:
        console.say(f"[red]{escape(complaint)}[/]")
    console.say(f"{len(complaints)} to mend. Nothing has landed." if complaints else "All fits. Nothing has landed.")
    return 1 if complaints else 0


def _asked(value: str | None, question: str) -> str:
    """What was given, else the answer of a person."""
    if value:
        return value
    if not sys.stdin.isatty():
        raise CommandError(f"profile-init: {question}: missing; see `profile-init --help`")
    return input(f"{question}: ").strip()


def _profile_init(options: argparse.Namespace) -> int:
    """0 where the profile can be loaded as it is, 1 where a person has to add something first."""
    from sources.profile_init import begin_profile

    if options.file.suffix != ".toml" or options.file.exists():
        why = "is there already" if options.file.exists() else "does not end with .toml"
        raise CommandError(f"profile-init: {options.file} {why}; name a new .toml file")
    stream = _asked(options.stream, "--stream, what the source feeds")
    if options.path:
        connector = "files"
        said = {"path": options.path, "format": _asked(options.format, "--format, csv, jsonl or parquet")}
    else:
        connector = "sql"
        said = {"url": _asked(options.url, "--url of a database (or --path of files)")}
        said["table"] = _asked(options.table, "--table")
    currency = _asked(options.currency, "--currency, such as EUR")
    first_day = _asked(options.first_day, "--first-day, YYYY-MM-DD")
    try:
        begun = begin_profile(
            options.file.stem.lower(), stream, connector, said, currency, date.fromisoformat(first_day), options.zone
        )
    except SourceError as error:
        raise CommandError(str(error)) from None
    except ValueError as error:
        if "isoformat" not in str(error):
            raise
        raise CommandError(f"--first-day {first_day}: not a day; write YYYY-MM-DD") from None
    with os.fdopen(os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
        file.write(begun.text)
    if begun.missing:
        console.say(
            f"{options.file} is begun. Still to be said: {', '.join(begun.missing)}; each is a comment in the file."
        )
        return 1
    console.say(f"{options.file} is written. Next: make source-check PROFILE={options.file}")
    return 0
