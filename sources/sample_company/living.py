"""The sample company, alive: a shop in PostgreSQL, a help-desk and folders of files that show what was true at its time.

The company itself is generated beforehand; here it happens. How each system grows is `living_shop`, `living_desk` and
`living_files`; starting and stopping them is `demo_sources`.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from sources.sample_company.living_desk import LivingDesk
from sources.sample_company.living_files import LivingFiles
from sources.sample_company.living_shop import LivingShop
from sources.sample_company.world import MINUTE, World
from sources.sample_company.zendesk_desk import Desk

AFTER_MIDNIGHT = 2 * MINUTE
"""When a day is over in every source: Zendesk's export leaves out the newest minute."""


def world_of(files: Path) -> World:
    """The days and the zone of a generated company. Raises OSError when there is none."""
    truth = json.loads((files / "truth.json").read_text(encoding="utf-8"))
    first, last = (date.fromisoformat(truth[key]) for key in ("first_day", "last_day"))
    return World(truth["seed"], truth["scale"], first, last, truth["zone"])


class LivingCompany:
    """`advance` lets it happen; time only goes on, and ends as the generated days do. Instants are milliseconds of 1970."""

    def __init__(self, files: Path, folder: Path, shop_url: str, shop_password: str) -> None:
        """`files` is the generated company, `folder` takes logs and rates, `shop_url` is a new, empty database."""
        self.world = world_of(files)
        self.now = self.world.start
        self.shop = LivingShop(files, shop_url, shop_password)
        self._desk = LivingDesk(Desk.of(files / "support"))
        self.files = LivingFiles(self.world, files, folder)

    @property
    def desk(self) -> Desk:
        """The help-desk at the company's time; to be served with `clock`."""
        return self._desk.desk

    def clock(self) -> float:
        """The company's time in seconds."""
        return self.now / 1000

    @property
    def end(self) -> int:
        return self.world.end + AFTER_MIDNIGHT

    @property
    def last_closed_day(self) -> date:
        """The newest day that is over in every source; the day before the first one while there is none."""
        return self.world.day(self.world.index_of(self.now - AFTER_MIDNIGHT)) - timedelta(days=1)

    def advance(self, now: int) -> None:
        """Let everything happen up to that instant."""
        now = max(self.now, min(now, self.end))
        self.shop.advance(now)
        self._desk.advance(now)
        self.files.advance(now)
        self.now = now

    def close(self, day: date) -> None:
        """Let the day pass, and the moments after midnight until it is over everywhere."""
        self.advance(self.world.midnight(day + timedelta(days=1)) + AFTER_MIDNIGHT)
