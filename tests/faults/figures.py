"""The figures of docs/reliability.md: tests record them, `make reliability` adds them up and writes the page.

Outside `make reliability` a record goes nowhere.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

RECORD = "OPSMART_FIGURES"  # the file that records go to, one line each; several processes may append
FIGURES = {
    "kill points": "distinct points at which the process was killed (-9), each proved to be reached, and the run repeated",
    "faults": "full disks, read-only folders, damaged files: each told in one line, and the way on proved",
    "two at once": "pairs of runs at the same time",
    "clocks": "nights with a clock that jumps, changes or passes midnight, and nights after days without any",
    "bad inputs": "hostile or broken files, rows and answers of a source",
    "sequences": "random histories of landings, builds and faults, each held against a rebuild and an oracle",
    "reads": "queries of readers while publications happened",
    "rows in": "rows that an undisturbed run lands or quarantines",
    "rows out": "rows that the lake held after the fault and the run after it",
    "lost": "rows of those in that are nowhere",
    "doubled": "rows that are there twice",
    "torn": "publications of which a reader saw a part",
}
NONE_OF = ("lost", "doubled", "torn")


def record(figure: str, count: int = 1, of: str = "") -> None:
    """Add `count` to a figure of FIGURES; what is said to be `of` the same thing counts once, however often it is recorded."""
    if figure not in FIGURES:
        raise KeyError(f"{figure}: not a figure; allowed: {', '.join(FIGURES)}")
    if path := os.environ.get(RECORD):
        line = json.dumps({"figure": figure, "count": count, "of": of}) + "\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def added_up(path: Path) -> Counter[str]:
    """The figures that tests recorded in this file."""
    total: Counter[str] = Counter()
    known: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        said = json.loads(line)
        if line not in known:
            total[said["figure"]] += said["count"]
        if said["of"]:
            known.add(line)
    return total
