"""Faults of the disk under the home, told in one line: what was not done, where, what the system said, and what to do.

Faults of the sources do not belong here; they are the connectors' (SourceError).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import duckdb
from deltalake.exceptions import DeltaError

FAULTS = (OSError, duckdb.IOException, DeltaError)
REMEDIES = {
    "No space left": "free space there, then run again",
    "Disk quota": "free space there, then run again",
    "File too large": "let the process write larger files there, then run again",
    "Read-only": "make it writable, then run again",
    "Permission denied": "make it writable, then run again",
}


class StorageError(OSError):
    """The disk under the home failed; the message is one line for the user."""


@contextlib.contextmanager
def told(what: str, remedy: str, *more: type[Exception]) -> Iterator[None]:
    """Turn a fault of the disk into a StorageError: `what` was not done, what the system says, and what to do.

    `remedy` is for damage; a disk that is full or read-only has its own. `more` are errors that mean damage here and
    nowhere else. Waiting too long for a lock is no such fault.
    """
    try:
        yield
    except (StorageError, TimeoutError):
        raise
    except (*FAULTS, *more) as error:
        said = _one_line(error)
        known = next((remedy for sign, remedy in REMEDIES.items() if sign in said), remedy)
        raise StorageError(f"{what}: {said}; {known}") from None


def _one_line(error: Exception) -> str:
    """The first line of what was said; the errors of Delta carry a stack after it."""
    return " ".join((str(error).strip() or type(error).__name__).splitlines()[0].split())
