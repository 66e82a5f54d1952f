"""Faults of the disk under the home, told in one line: what was not done, where, what the system said, and what to do.

Faults of the sources do not belong here; they are the connectors' (SourceError).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import duckdb
from deltalake.exceptions import DeltaError

from sources.connectors.base import one_line

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
        # the errors of Delta carry a stack after their first line
        said = one_line((str(error).strip() or type(error).__name__).splitlines()[0])
        known = next((remedy for sign, remedy in REMEDIES.items() if sign in said), remedy)
        raise StorageError(f"{what}: {said}; {known}") from None
