"""Maintenance of the lake: small files become one per landing day, and files that no version names any more go.

Neither changes what a landing day holds, so no model is built anew because of it. It waits for a running build, whose
plan names files, and for a stream that is being written to.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from deltalake import DeltaTable

from orchestration.pipeline import lake
from orchestration.pipeline.build import warehouse_lock
from orchestration.settings import Home, SettingsError

KEEP_DAYS = 7.0  # how long a replaced file stays, for readers of the lake that take no lock
SETTING = "OPSMART_KEEP_FILES_DAYS"


@dataclass(frozen=True)
class Maintained:
    """What was done to one Delta table: files merged into fewer, and files deleted."""

    table: str
    merged: int
    into: int
    deleted: int


def keep_days() -> float:
    """How many days a file stays that no version names any more. Raises SettingsError."""
    said = os.environ.get(SETTING)
    try:
        days = KEEP_DAYS if said is None else float(said)
    except ValueError:
        days = -1.0
    if days < 0:
        raise SettingsError(f"{SETTING}={said}: allowed: a number of days, 0 or more")
    return days


def maintain(home: Home) -> list[Maintained]:
    """Compact and vacuum every Delta table of the home. Raises BuildError or TimeoutError when it waited too long."""
    keep = timedelta(days=keep_days())
    with warehouse_lock(home):
        done = []
        for path in _tables(home):
            with lake.stream_lock(home, path.name):
                done.append(_maintain(home, path, keep))
    return done


def _tables(home: Home) -> list[Path]:
    folders = [home.landings, home.ledger, *sorted(home.lake.glob("*")), *sorted(home.quarantine.glob("*"))]
    return [path for path in folders if DeltaTable.is_deltatable(str(path))]


def _maintain(home: Home, path: Path, keep: timedelta) -> Maintained:
    table = DeltaTable(str(path))
    merged = table.optimize.compact(max_concurrent_tasks=1)
    table.create_checkpoint()
    table.cleanup_metadata()
    deleted = table.vacuum(
        retention_hours=int(keep.total_seconds() // 3600), dry_run=False, enforce_retention_duration=False, full=True
    )
    name = str(path.relative_to(home.path))
    return Maintained(name, merged["numFilesRemoved"], merged["numFilesAdded"], len(deleted))
