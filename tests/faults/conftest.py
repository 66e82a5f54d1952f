"""Where kills and faults begin: an installation of four days, at three moments of the fourth day's night."""

from __future__ import annotations

import pytest

from tests.faults.nights import Installation, opened
from tests.integration.histories.builds import Template


@pytest.fixture(scope="session")
def moments(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Installation]:
    """Before which part of the night: `land` (the day has happened), `build` (it has landed), `publish` (it is built), and
    `end`, the undisturbed one."""
    root = tmp_path_factory.mktemp("moments")
    found = {"land": opened(root / "land", template)}
    for part, then in (("land", "build"), ("build", "publish"), ("publish", "end")):
        found[then] = found[part].copied_to(root / then)
        found[then].night((part,))
    return found
