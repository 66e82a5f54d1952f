"""The folders of files as they grow: usage logs that a shipper drops every three hours, and finance's exchange rates.

A file appears under its name when it is whole.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from sources.sample_company.world import HOUR, World, iso_millis, iso_seconds

FILE_HOURS = 3
_RECEIVED = b'"receivedAt":"'


class LivingFiles:
    """`advance` writes into `folder` what a company's `files` hold up to an instant; what is there already stays."""

    def __init__(self, world: World, files: Path, folder: Path) -> None:
        self.files, self.folder = files, folder
        self._waiting = list(_spans(world))
        self._waiting.reverse()
        self._rates = 0

    def advance(self, now: int) -> None:
        """Write the logs whose hours are over at that instant (milliseconds since 1970), and the rates known by then."""
        while self._waiting and self._waiting[-1][2] <= now:
            day, start, end = self._waiting.pop()
            path = self.folder / "usage" / day / f"{iso_seconds(start)[:13]}Z.jsonl.gz"
            if not path.is_file():
                write_whole(path, gzip.compress(b"".join(self._lines(day, start, end)), 5, mtime=0))
        header, *rows = (self.files / "fx" / "rates.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        known = [row for row in rows if row.rstrip().rpartition(",")[2] <= iso_seconds(now)]
        if len(known) > self._rates:
            write_whole(self.folder / "fx" / "rates.csv", "".join([header, *known]).encode())
            self._rates = len(known)

    def _lines(self, day: str, start: int, end: int) -> Iterator[bytes]:
        first, last = iso_millis(start).encode(), iso_millis(end).encode()
        for line in _received_on(self.files / "usage" / day):
            at = line.index(_RECEIVED) + len(_RECEIVED)
            if first <= line[at : at + len(first)] < last:
                yield line


def _spans(world: World) -> Iterator[tuple[str, int, int]]:
    """(local day, from, until) of each file."""
    for index in range(world.day_count):
        start, end = world.day_start(index), world.day_start(index + 1)
        for at in range(start, end, FILE_HOURS * HOUR):
            yield world.day(index).isoformat(), at, min(at + FILE_HOURS * HOUR, end)


@lru_cache(maxsize=1)
def _received_on(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.iterdir()) for line in gzip.decompress(path.read_bytes()).splitlines(True)]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that nobody finds before it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
