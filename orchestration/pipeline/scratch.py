"""Scratch folders of pulls: each belongs to the process that made it, and what a killed process left is cleared.

Nothing that has to last belongs here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from orchestration.settings import Home


@contextlib.contextmanager
def scratch_folder(home: Home, name: str) -> Iterator[Path]:
    """A folder that goes at the end. It is locked meanwhile: a folder that nobody holds is of a process that is gone."""
    home.scratch.mkdir(parents=True, exist_ok=True)
    with FileLock(home.scratch / "clearing.lock"):  # nobody clears between the making and the locking
        for left in home.scratch.iterdir():
            if left.is_dir() and not _is_held(left):
                shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=home.scratch))
        held = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _lock(folder: Path) -> int:
    """Lock a folder for as long as the returned descriptor is open. Raises BlockingIOError when another one holds it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _is_held(folder: Path) -> bool:
    try:
        os.close(_lock(folder))
    except BlockingIOError:
        return True
    return False
