"""Real disks that are full, and real folders that nobody can write to: mounts, which permissions do not stop.

They need root, or a user namespace of one's own: test_disk.py says how it gets there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FILLER = "filler"


@contextmanager
def full_disk(folder: Path, megabytes: int = 4) -> Iterator[Callable[[], None]]:
    """The folder lies on a disk of its own, without a free byte. Gives a function that frees space there."""
    kept = folder.with_name(f"{folder.name}.kept")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(kept)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)], check=True)
    try:
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
        _fill(folder / FILLER)
        yield (folder / FILLER).unlink
        shutil.rmtree(kept)
        shutil.copytree(folder, kept, symlinks=True, ignore=shutil.ignore_patterns(FILLER))
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
        kept.rename(folder)


def _fill(path: Path) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while os.write(descriptor, b"." * size):
                    pass
            except OSError:
                continue
    finally:
        os.close(descriptor)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody can write to the folder, root neither."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
