"""`make reliability`: run the faults and the random histories, add up what they recorded, write docs/reliability.md.

Without `--soak` the share of `make test` is run. The page is written by a run that is green, and by nothing else.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

from tests.faults.figures import FIGURES, NONE_OF, RECORD, added_up

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
TESTS = ("tests/faults", "tests/integration/test_histories.py")
WORKERS = 2


def page(figures: Counter[str], run_on: date, command: str, seconds: float) -> str:
    """The page for these figures; what no test has recorded is not in it."""
    rows = [f"| {name} | {figures[name]:,} | {said} |" for name, said in FIGURES.items() if name in figures]
    return "\n".join(
        [
            "# Reliability",
            "",
            f"What `{command}` did on {run_on:%d %B %Y}, in {seconds / 60:.0f} minutes: every test was green. "
            "Written by that run; do not edit.",
            "",
            "| figure | count | what it counts |",
            "|---|---:|---|",
            *rows,
            "",
            "Where each of them is tested: [operations.md](operations.md), *Faults*.",
            "",
        ]
    )


def main() -> int:
    """Returns pytest's exit code, or 1 where something was lost, doubled or torn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", action="store_true", help="the long, randomised tests too")
    is_long = parser.parse_args().soak
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "figures.jsonl")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            str(WORKERS),
            "--dist",
            "load" if is_long else "loadfile",
        ]
        command += ["-m", "soak or not soak" if is_long else "not soak", *TESTS]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, RECORD: str(record)}, check=False)
        figures = added_up(record)
    if done.returncode != 0:
        print(f"{PAGE.name} stays as it was: not every test was green", file=sys.stderr)
        return done.returncode
    bad = [name for name in NONE_OF if figures[name]]
    if bad:
        print(f"{PAGE.name} stays as it was: {', '.join(f'{figures[n]} {n}' for n in bad)}", file=sys.stderr)
        return 1
    seconds = (datetime.now(UTC) - started).total_seconds()
    said = "make reliability SOAK=1" if is_long else "make reliability"
    PAGE.write_text(page(figures, started.date(), said, seconds), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: " + ", ".join(f"{name} {count:,}" for name, count in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
