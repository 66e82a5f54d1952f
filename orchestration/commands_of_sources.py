"""The commands that look at sources and land nothing: reconcile. Thin over pipeline/ and sources/."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from rich.console import Console

from orchestration.settings import load_settings

OUT = Console(file=sys.stdout, highlight=False, soft_wrap=True)


class SourceCommandError(RuntimeError):
    """A command cannot go on; the message is what the user reads."""


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    reconcile = commands.add_parser("reconcile", help="compare the lake with what the sources say now; lands nothing")
    reconcile.add_argument("--stream", help="only this stream")
    reconcile.set_defaults(command=_reconcile)


def _reconcile(options: argparse.Namespace) -> int:
    """0 where lake and sources agree, 1 where they differ or a source does not answer."""
    from orchestration.pipeline import reconciliation

    settings = load_settings(check_sources=False)
    streams = list(settings.profile.streams)
    if options.stream and options.stream not in streams:
        raise SourceCommandError(f"STREAM={options.stream}: not configured; allowed: {', '.join(streams)}")
    code = 0
    for stream in [options.stream] if options.stream else streams:
        reason = reconciliation.why_not(settings, stream)
        if reason is not None:
            OUT.print(f"[dim]{stream}: not reconciled: {reason}[/]")
            continue
        verdict = reconciliation.judge_stream(settings, stream)
        if verdict.status == "passed":
            OUT.print(f"{stream}: {verdict.message}")
        else:
            code = 1
            OUT.print(f"[yellow]{stream}: {verdict.message}[/]. {verdict.fix}")
    return code
