"""The terminal: what commands print, and how far long work is."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import time

from rich.console import Console
from rich.markup import escape
from rich.status import Status

# The terminal itself: what libraries print meanwhile goes into the progress line.
OUT = Console(file=sys.stdout, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140)


class CommandError(RuntimeError):
    """A command cannot go on; the message is what the user reads."""


def say(line: str) -> None:
    """Print a line, in rich's markup, as long as it is."""
    OUT.print(line, highlight=False, soft_wrap=True)


class Progress(io.TextIOBase):
    """Takes what dbt and other libraries print, and shows how far dbt is (`12 of 178`) in the status line."""

    def __init__(self, status: Status, what: str) -> None:
        self._status, self._what = status, what

    def write(self, text: str) -> int:
        found = re.search(r"\b(\d+) of (\d+) (?:OK|PASS|WARN|FAIL|ERROR|SKIP)\b", text)
        if found:
            self._status.update(f"{self._what}: {found[1]} of {found[2]}")
        return len(text)


class LogHandler(logging.Handler):
    """Shows log records as lines with their time."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"[dim]{time.strftime('%H:%M:%S')}[/] {escape(record.getMessage())}")
