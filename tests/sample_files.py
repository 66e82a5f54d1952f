"""The files of a generated sample company, read as plain Python would. What they should say belongs to the tests."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")


class Company:
    """The files of one generation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truth: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        self.events = list(self._events())
        self.tickets = self.lines("tickets")
        self.audits = self.lines("audits")
        self.surveys = self.lines("surveys")

    def _events(self) -> Iterator[dict[str, Any]]:
        for path in sorted((self.folder / "usage").glob("*/*.jsonl.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    yield json.loads(line) | {"folder": path.parent.name}

    def lines(self, name: str) -> list[dict[str, Any]]:
        text = (self.folder / "support" / f"{name}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def rows(self, query: str) -> list[sqlite3.Row]:
        connection = sqlite3.connect(self.folder / "shop.db")
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def number(self, query: str) -> int:
        """The one number that a query of the shop's database gives."""
        found: int = self.rows(query)[0][0]
        return found

    def incident(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = next(i for i in self.truth["incidents"] if i["kind"] == kind)
        return {**found, "days": (date.fromisoformat(found["first_day"]), date.fromisoformat(found["last_day"]))}


def local_day(text: str) -> date:
    """The local day of an instant as the files write it: ISO with Z, or the shop's text without an offset."""
    at = datetime.fromisoformat(text if text.endswith("Z") else f"{text}+00:00")
    return at.astimezone(BERLIN).date()


def is_in(day: date, days: tuple[date, date]) -> bool:
    return days[0] <= day <= days[1]


def field(ticket: dict[str, Any], number: int) -> str | None:
    """A custom field of a ticket."""
    value: str | None = next(f["value"] for f in ticket["custom_fields"] if f["id"] == number)
    return value
