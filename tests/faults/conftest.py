"""Where kills and faults begin: an installation of four days, at three moments of the fourth day's night."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import of_all_workers
from tests.faults.nights import Installation, opened
from tests.integration.histories.builds import Template

THEN = {"land": "build", "build": "publish", "publish": "end"}


@pytest.fixture(scope="session")
def moments(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Installation]:
    """Before which part of the night: `land` (the day has happened), `build` (it has landed), `publish` (it is built), and
    `end`, the undisturbed one. One for all workers: nothing is done to them, only to copies.
    """
    root = of_all_workers(tmp_path_factory) / "moments"
    root.mkdir(exist_ok=True)
    found = {name: Installation(root / name, template) for name in ("land", *THEN.values())}
    with FileLock(root / "lock"):
        if not (root / "made").exists():
            make(root, template)
            (root / "made").touch()
    return found


def make(root: Path, template: Template) -> None:
    opened(root / "land", template)
    for part, then in THEN.items():
        Installation(root / part, template).copied_to(root / then).night((part,))
