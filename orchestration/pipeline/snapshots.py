"""The folder of publications: the link that readers follow, which snapshots stay, and the way back to an earlier one.

`published/<id>` are whole snapshots, `published/current` is a link to one of them, `published/rollbacks` says when readers
were taken back. What is in a snapshot, and whether it may be published, does not belong here: see publication.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from orchestration.pipeline import ledger
from orchestration.settings import Home, SettingsError

KEEP_DEFAULT = 10
KEEP, KEEP_DAYS = "OPSMART_KEEP_PUBLICATIONS", "OPSMART_KEEP_PUBLICATIONS_DAYS"
LOCK_SECONDS = 600.0


class RollbackError(RuntimeError):
    """Readers cannot be taken to that snapshot; the message is one line, and the link is as it was."""


@dataclass(frozen=True)
class Listed:
    """A publication that is still there, as its manifest tells it; instants in UTC.

    `rolled_back_at` is the last time at which readers were taken back to it, `left_at` the last time away from it.
    """

    id: str
    published_at: datetime
    is_current: bool
    verdicts: int
    not_passed: list[str]
    restated: int
    rolled_back_at: datetime | None
    left_at: datetime | None


@contextlib.contextmanager
def lock(home: Home, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the link: one publication or rollback at a time. Readers take no lock. Raises TimeoutError."""
    home.locks.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.locks / "publication.lock", timeout=seconds):
            yield
    except Timeout:
        raise TimeoutError(
            f"{home.published}: another run has been publishing for {seconds:.0f} s; wait for it, or stop it, and run again"
        ) from None


def manifest(folder: Path) -> dict[str, Any] | None:
    """What the snapshot in `folder` says of itself; None where there is none, or not a whole one."""
    try:
        said: dict[str, Any] = json.loads((folder / "publication.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said


def shown(home: Home) -> ledger.Snapshot | None:
    """What readers see now; None before the first publication, and where it is from before there was a ledger."""
    return snapshot(home.current.resolve()) if home.current.exists() else None


def snapshot(folder: Path) -> ledger.Snapshot | None:
    said = manifest(folder)
    if said is None or not (folder / ledger.CHANGES).is_file():
        return None
    return ledger.Snapshot(said["publication_id"], datetime.fromisoformat(said["published_at"]), folder)


def clear_unfinished(published: Path) -> None:
    """Remove what a killed run left: snapshots half written or half deleted, links that were not put in place."""
    for stray in published.glob(".unfinished-*"):
        shutil.rmtree(stray)
    for stray in published.glob(".current-*"):
        stray.unlink()


def link(published: Path, publication_id: str) -> None:
    """Point `current` at the snapshot. The folder's link is replaced, not the file: readers follow it when they connect."""
    temporary = published / f".current-{publication_id}"
    temporary.unlink(missing_ok=True)
    os.symlink(publication_id, temporary)
    os.replace(temporary, published / "current")
    sync(published)


def sync(path: Path) -> None:
    """Make a file, or a folder's list of names, last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def retention() -> tuple[int, timedelta | None]:
    """How many snapshots stay, and how old they may get (None: any age). Raises SettingsError."""
    count, days = _number(KEEP, 1), _number(KEEP_DAYS, 0)
    return KEEP_DEFAULT if count is None else int(count), None if days is None else timedelta(days=days)


def _number(name: str, least: int) -> float | None:
    said = os.environ.get(name)
    if not said:
        return None
    try:
        number = float(said)
    except ValueError:
        number = -1.0
    if not least <= number < 1e6 or (name == KEEP and number % 1):
        raise SettingsError(f"{name}={said}: allowed: a number, {least} or more")
    return number


def retire(published: Path, now: datetime) -> list[str]:
    """Remove snapshots beyond the retention, and return their ids; never the current one.

    A snapshot leaves its name first, so that nobody is taken to a half of it. Who has its files open reads on: they go
    from the disk with the last reader.
    """
    count, age = retention()
    standing = str((published / "current").readlink())
    gone = []
    for number, old in enumerate(sorted(published.glob("[0-9]*Z-*"), reverse=True)):
        is_old = age is not None and _instant_of(old.name) < now - age
        if old.name != standing and (number >= count or is_old):
            leaving = published / f".unfinished-{old.name}"
            os.rename(old, leaving)
            shutil.rmtree(leaving)
            gone.append(old.name)
    return gone


def _instant_of(publication_id: str) -> datetime:
    return datetime.strptime(publication_id.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def list_publications(home: Home) -> list[Listed]:
    """Every publication that is still there, newest first."""
    standing = home.current.resolve().name if home.current.exists() else None
    moves = rollbacks(home)
    listed = []
    for folder in sorted(home.published.glob("[0-9]*Z-*"), reverse=True):
        said = manifest(folder)
        if said is None:
            continue
        verdicts = said.get("verdicts", [])
        listed.append(
            Listed(
                id=folder.name,
                published_at=datetime.fromisoformat(said["published_at"]),
                is_current=folder.name == standing,
                verdicts=len(verdicts),
                not_passed=[verdict["name"] for verdict in verdicts if verdict["status"] != "passed"],
                restated=said.get("restatements", {}).get("values", 0),
                rolled_back_at=max(
                    (datetime.fromisoformat(m["at"]) for m in moves if m["to"] == folder.name), default=None
                ),
                left_at=max((datetime.fromisoformat(m["at"]) for m in moves if m["from"] == folder.name), default=None),
            )
        )
    return listed


def rollbacks(home: Home) -> list[dict[str, Any]]:
    """Every rollback, oldest first: id, at, from, to."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(_records(home).glob("*/rollback.json"))]


def _records(home: Home) -> Path:
    return home.published / "rollbacks"


def roll_back(home: Home, to: str, now: datetime | None = None) -> Path:
    """Take readers to an earlier snapshot, and write into the ledger what changed for them. Returns its folder.

    The changes are on disk before the link moves, and are appended to the ledger after it; what a crash leaves between is
    made good by the next rollback or publication (settle). Lake and warehouse are not touched. Raises RollbackError.
    """
    with lock(home):
        standing = shown(home)
        settle(home)
        target = home.published / to
        found = snapshot(target) if "/" not in to and not to.startswith(".") else None
        there = [listed.id for listed in list_publications(home)]
        if standing is None or found is None or to not in there:
            raise RollbackError(f"TO={to}: no such publication; there are: {', '.join(there) or 'none yet'}")
        if standing.id == to:
            raise RollbackError(f"TO={to}: readers see it already; `make publications` lists the others")
        _check(target)
        at = now or datetime.now(UTC)
        move = f"{at:%Y%m%dT%H%M%S}Z-rollback-{secrets.token_hex(3)}"
        record = _records(home) / move
        (record / ledger.CHANGES).parent.mkdir(parents=True)
        ledger.write_changes(standing, ledger.Snapshot(move, at, target), record / ledger.CHANGES)
        said = {"id": move, "at": at.isoformat(), "from": standing.id, "to": to}
        (record / "rollback.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        for path in (record / ledger.CHANGES, record / "rollback.json", record, record.parent):
            sync(path)
        ledger.record(home, standing)  # the run that linked it may have been killed right after
        link(home.published, to)
        ledger.record(home, ledger.Snapshot(move, at, record))
        return target


def settle(home: Home) -> None:
    """Finish or forget the newest rollback where its process was killed: before the link moved it never happened."""
    for record in _records(home).glob("*"):
        if not (record / "rollback.json").is_file():
            shutil.rmtree(record)
    moves = rollbacks(home)
    if not moves:
        return
    newest, standing = moves[-1], home.current.resolve().name
    record = _records(home) / newest["id"]
    if standing == newest["from"]:
        shutil.rmtree(record)
    elif standing == newest["to"]:
        ledger.record(home, ledger.Snapshot(newest["id"], datetime.fromisoformat(newest["at"]), record))


def _check(folder: Path) -> None:
    """Ask every table of the snapshot for its rows before anybody is taken to it."""
    counts = (manifest(folder) or {}).get("row_counts", {})
    try:
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
            wrong = [
                table
                for table, rows in counts.items()
                if con.execute(f'select count(*) from "{table}"').fetchone() != (rows,)
            ]
    except duckdb.Error:
        wrong = ["marts.duckdb"]
    if wrong or not counts:
        raise RollbackError(f"TO={folder.name}: the snapshot is damaged ({', '.join(wrong)}); choose another")
