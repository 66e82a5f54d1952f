"""The command line of the sample company: `python -m sources.sample_company --folder data/sources`."""

import argparse
import sys
from datetime import date
from pathlib import Path

from sources.sample_company.company import FIRST_DAY, LAST_DAY, write


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sources.sample_company", description="Write the sample company.")
    parser.add_argument("--folder", type=Path, required=True, help="a folder that is new or empty")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another company (default: 7)")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is a company of about 1,300 people")
    parser.add_argument("--first-day", type=date.fromisoformat, default=FIRST_DAY, metavar="YYYY-MM-DD")
    parser.add_argument("--last-day", type=date.fromisoformat, default=LAST_DAY, metavar="YYYY-MM-DD")
    given = parser.parse_args(arguments)

    def show(done: int, days: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {days} days", end="\n" if done == days else "", file=sys.stderr, flush=True)

    try:
        write(given.folder, given.seed, given.scale, given.first_day, given.last_day, show)
    except (OSError, ValueError) as error:
        print(f"sample company: {error}", file=sys.stderr)
        return 1
    print(f"sample company: written to {given.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
