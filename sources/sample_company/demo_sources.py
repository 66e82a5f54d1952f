"""Serves the sample company on loopback and lets it live: `python -m sources.sample_company.demo_sources`.

PostgreSQL for the shop, an API like Zendesk's for the help-desk, a folder for logs and rates. Where they are, and how far
the company is, stands in the file `environment`, which `make … PROFILE=demo-live` reads.
"""

from __future__ import annotations

import argparse
import secrets
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from sources.sample_company.company import write
from sources.sample_company.living import LivingCompany
from sources.sample_company.living_files import write_whole
from sources.sample_company.postgres_server import running_postgres
from sources.sample_company.serve_zendesk import ADMIN, ZendeskServer

TICK = 0.5  # seconds between two moments of the company
DATABASE, EMAIL = "shop", str(ADMIN["email"])


def main(arguments: list[str] | None = None) -> int:
    """Serve until the process is interrupted. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sources.sample_company.demo_sources", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the company is kept; it goes on from there")
    parser.add_argument("--speed", type=float, default=600.0, help="seconds of the company per second (default: 600)")
    parser.add_argument("--scale", type=float, default=1.0, help="of a new company: 1.0 is about 1,300 people")
    parser.add_argument("--history-days", type=int, default=28, help="of a new company: days that have passed already")
    given = parser.parse_args(arguments)
    if given.speed < 0:
        print(f"demo sources: speed is {given.speed:g}: time does not go back; set 0 or more", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs begin with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    given.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(given.folder / "lock", timeout=0):
            _serve(given.folder.resolve(), given.speed, given.scale, given.history_days)
    except Timeout:
        print(f"demo sources: {given.folder} is served already: stop that, or name another folder", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"demo sources: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo sources: stopped; the company goes on from here at the next start", flush=True)
    return 0


def _serve(folder: Path, speed: float, scale: float, history_days: int) -> None:
    files, reached = folder / "company", folder / "now"
    if not (files / "truth.json").is_file():
        print(f"demo sources: writing the sample company into {files}", flush=True)
        write(files, scale=scale)
    password, token = secrets.token_hex(16), secrets.token_hex(16)
    with running_postgres() as postgres:
        try:
            postgres.execute(f"create database {DATABASE}")
            company = LivingCompany(files, folder / "files", postgres.url(database=DATABASE), password)
            if reached.is_file():
                company.advance(int(reached.read_text()))
            else:
                company.close(company.world.day(history_days - 1))
            with ZendeskServer(company.desk, EMAIL, token, clock=company.clock) as desk:
                _live(
                    company,
                    speed,
                    folder,
                    {
                        "DEMO_FILES": str(folder / "files"),
                        "DEMO_SHOP_PORT": str(postgres.port),
                        "DEMO_SHOP_PASSWORD": password,
                        "DEMO_DESK_URL": desk.url,
                        "DEMO_DESK_EMAIL": EMAIL,
                        "DEMO_DESK_TOKEN": token,
                    },
                )
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):  # one is enough: what was started is being stopped
                signal.signal(number, signal.SIG_IGN)


def _live(company: LivingCompany, speed: float, folder: Path, places: Mapping[str, str]) -> None:
    """Go on until somebody interrupts; tell of each day that is over."""
    environment, told, before = folder / "environment", None, time.monotonic()
    while True:
        if company.last_closed_day != told:
            _tell(environment, {**places, "DEMO_LAST_DAY": company.last_closed_day.isoformat()})
            (folder / "now").write_text(str(company.now))
            if told is None:
                print(f"demo sources: alive, {speed:g} seconds per second; Ctrl-C stops them", flush=True)
                print(f"  {', '.join(places)}, DEMO_LAST_DAY are in {environment}", flush=True)
                print("  pull from them: make run PROFILE=demo-live", flush=True)
            told = company.last_closed_day
            now = datetime.fromtimestamp(company.clock(), UTC).strftime("%Y-%m-%d %H:%M")
            print(f"{told} is over (it is {now} UTC there)", flush=True)
            if company.now == company.end:
                print("the company's time has come to its end; it is served on as it stands", flush=True)
        time.sleep(TICK)
        now_here = time.monotonic()
        company.advance(company.now + int((now_here - before) * speed * 1000))
        before = now_here


def _tell(environment: Path, variables: Mapping[str, str]) -> None:
    """Write the variables for a shell; only this user may read them."""
    environment.touch(mode=0o600)
    write_whole(environment, "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items()).encode())


if __name__ == "__main__":
    sys.exit(main())
