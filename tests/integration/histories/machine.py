"""One history: a world, a home, and the steps that happen to them. The real connectors, gate, lake and models are used.

A history is a list of steps, each a kind and a seed of its own, so that Hypothesis can leave steps out and make seeds
smaller. Steps change the sources, land days or build; whatever comes of it is checked after every whole build, and at
the end the increments are compared with a rebuild of the same lake in another warehouse.
"""

from __future__ import annotations

import copy
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from orchestration.pipeline import batch_checks, catch_up, lake, maintenance, plan
from orchestration.pipeline.landing import StreamLanding, land_stream
from orchestration.pipeline.tombstones import land_tombstones
from orchestration.settings import Settings, load_settings
from tests.integration.histories import checks
from tests.integration.histories.builds import Template, Warehouse, dbt
from tests.integration.histories.world import REPORTING_ZONES, STREAMS, World, profile_text

SETTLE_DAYS = 2


@dataclass(frozen=True)
class Step:
    kind: str
    seed: int


@dataclass(frozen=True)
class History:
    """`world` seeds the first days, `days` says how many have landed, unbuilt, when the steps begin."""

    world: int
    days: int
    steps: tuple[Step, ...]


class Crash(BaseException):
    """The process ends here; nothing of the pipeline may catch it."""


class Machine:
    """The state of one history. Every public method that takes an `rng` is a kind of step."""

    def __init__(self, root: Path, template: Template) -> None:
        self.root, self.template = root, template
        self.world = World(root)
        self.profile = root / "world.toml"
        self.zone = REPORTING_ZONES[0]
        self.half_landed: set[tuple[str, date]] = set()
        self.compared = 0
        self._settings: Settings | None = None
        self.warehouse = Warehouse(root / "home", self.profile, template).begin()
        self.world.write()

    def copied_to(self, root: Path) -> Machine:
        """Another one in the same state, with folders of its own."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        other = copy.copy(self)
        other.root, other.world, other.half_landed = root, copy.deepcopy(self.world), set(self.half_landed)
        other.world.root, other.profile, other._settings = root, root / self.profile.name, None
        other.profile.write_text(profile_text(root, self.zone), encoding="utf-8")
        other.warehouse = replace(self.warehouse, home=root / "home", profile=other.profile)
        return other

    def settings(self) -> Settings:
        """The settings, read anew where the profile is another one."""
        os.environ.update(OPSMART_PROFILE=str(self.profile), OPSMART_HOME=str(self.warehouse.home))
        if self._settings is None or self._settings.profile.business.reporting_zone != self.zone:
            self.profile.write_text(profile_text(self.root, self.zone), encoding="utf-8")
            self._settings = load_settings(check_sources=False)
        return self._settings

    def _land(self, streams: Sequence[str], days: Sequence[date]) -> list[StreamLanding]:
        self.world.write()
        settings, run = self.settings(), str(uuid.uuid4())
        outcomes = [land_stream(settings, stream, days, run) for stream in streams if days]
        self.half_landed -= {(o.stream, landing.landed_date) for o in outcomes for landing in o.landed}
        return outcomes

    def _days(self, rng: Random, count: int) -> list[date]:
        return sorted(rng.sample(self.world.days(), min(count, len(self.world.days()))))

    def _build(self, *flags: str) -> None:
        self.settings()
        assert self.warehouse.build(*flags)
        self._check()

    def _check(self) -> None:
        oracle = checks.oracle_of(self.warehouse.home, self.zone)
        self.compared += checks.check_values(self.warehouse, oracle)
        checks.check_conservation(self.warehouse, oracle, self.half_landed)

    # ---- the sources change --------------------------------------------------------------------------------------

    def moved_on(self, rng: Random) -> None:
        """Days pass and nobody pulls."""
        for _ in range(rng.randrange(1, 3)):
            self.world.live(rng)

    def corrected(self, rng: Random) -> None:
        """Orders, refunds and tickets change; some of their streams are pulled."""
        self.world.correct(rng)
        self._land(rng.sample(STREAMS[1:], 3), [self.world.newest])

    def late(self, rng: Random) -> None:
        """Events of days before arrive today."""
        self.world.late(rng)
        self._land(["usage_events"], [self.world.newest])

    def replaced_day(self, rng: Random) -> None:
        """A day of an immutable stream has fewer rows than it had."""
        stream, day = self.world.shrink(rng, is_emptied=False)
        self._land([stream], [day])

    def emptied_day(self, rng: Random) -> None:
        """A day of an immutable stream has no rows any more."""
        stream, day = self.world.shrink(rng, is_emptied=True)
        self._land([stream], [day])

    def deleted(self, rng: Random) -> None:
        """Orders and tickets are deleted at the source, and land as tombstones; some come back unchanged."""
        kept = {name: dict(getattr(self.world, name)) for name in ("orders", "lines", "refunds", "tickets")}
        for stream, keys in self.world.delete(rng).items():
            land_tombstones(self.settings(), stream, keys)
        if rng.random() < 0.3:
            for name, rows in kept.items():
                setattr(self.world, name, rows)
            self._land(STREAMS[1:], self.world.days())

    # ---- days land -----------------------------------------------------------------------------------------------

    def night(self, rng: Random) -> None:
        """A day passes; what is missing, changed or not settled is pulled, and everything is built."""
        self.world.live(rng)
        self.world.write()
        settings, days = self.settings(), self.world.days()
        tonight = datetime.combine(self.world.newest + timedelta(days=1), datetime.min.time(), UTC) + timedelta(
            hours=12
        )
        for stream in STREAMS:
            needed = catch_up.days_to_land(settings, stream, now=tonight)
            self._land([stream], sorted({*needed, *days[-SETTLE_DAYS:]}))
        self._build()

    def pulled_again(self, rng: Random) -> None:
        """A few days of two streams, in one pull each."""
        self._land(rng.sample(STREAMS, 2), self._days(rng, rng.randrange(1, 4)))

    def range_backfill(self, rng: Random) -> None:
        """All days in one range, of some streams or of all."""
        self._land(rng.sample(STREAMS, rng.choice((1, 2, len(STREAMS)))), self.world.days())

    def reversed_days(self, rng: Random) -> None:
        """The days of a stream one by one, the newest first; those that nobody pulled yet leave holes meanwhile."""
        stream = rng.choice(STREAMS)
        for day in reversed(self.world.days()[-3:]):
            self._land([stream], [day])

    def failed_day(self, rng: Random) -> None:
        """A day has more bad rows than its gate lets pass, and is mended at the source afterwards."""
        stream = rng.choice(STREAMS)
        self.world.spoiled.add(stream)
        self._land([stream], self._days(rng, 2))
        self.world.spoiled.clear()

    def source_down(self, rng: Random) -> None:
        """A source cannot be read: its days fail, and what had landed stays."""
        stream = rng.choice(STREAMS)
        self.world.down.add(stream)
        outcomes = self._land([stream], self._days(rng, 2))
        assert all(outcome.failed and not outcome.landed for outcome in outcomes), (
            "a source that is down fails its days"
        )
        self.world.down.clear()

    def killed_landing(self, rng: Random) -> None:
        """The process ends between a landing's rows and its landing rows; other rows may be there at the next pull."""
        stream, days = rng.choice(STREAMS), self._days(rng, 2)
        kept = self.world.events.copy(), list(self.world.ticket_events)
        self.world.shrink(rng, is_emptied=False)
        append, lake.append_landings = lake.append_landings, _crash
        try:
            self._land([stream], days)
        except Crash:
            self.half_landed |= {(stream, day) for day in days}
        finally:
            lake.append_landings = append
        if rng.random() < 0.5:
            self.world.events, self.world.ticket_events = kept

    def maintained(self, rng: Random) -> None:
        """Small files become one and old ones go; no landing day is another one because of it."""
        home = self.settings().home
        before = plan.freeze(home).drop_columns(["files"])
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(maintenance.SETTING, "0")
            maintenance.maintain(home)
        assert plan.freeze(home).drop_columns(["files"]) == before

    # ---- builds --------------------------------------------------------------------------------------------------

    def aborted_build(self, rng: Random) -> bool:
        """A build is killed before one of its statements. False when it came to its end in fewer of them."""
        self.settings()
        if self.warehouse.build(kill_at=rng.randrange(1, self.template.statements)):
            self._check()
            return False
        return True

    def build_by_hand(self, rng: Random) -> None:
        """dbt without a runner: everything, or one frontier model and what it needs."""
        self.settings()
        model = rng.choice(self.template.frontier) if rng.random() < 0.75 else None
        dbt(self.warehouse.home, self.profile, ["run", *(["--select", f"+{model}"] if model else [])])
        if model is None:
            self._check()
            marts = self.warehouse.content()
            self.warehouse.build_pure()
            assert self.warehouse.content() == marts, "dbt and the models' compiled SQL give the same marts"

    def landed_meanwhile(self, rng: Random) -> None:
        """Days land while a build runs: they change nothing in it, and everything in the next."""
        self.settings()
        before = checks.oracle_of(self.warehouse.home, self.zone)
        expected = before.values(), before.standing, before.lake  # they are read from the lake when they are asked for
        assert all(part is not None for part in expected)

        def land() -> None:
            self.world.live(rng)
            self.world.correct(rng)
            self._land(STREAMS, self.world.days()[-2:])

        half_landed = set(self.half_landed)
        assert self.warehouse.build(meanwhile=land)
        self.compared += checks.check_values(self.warehouse, before)
        checks.check_conservation(self.warehouse, before, half_landed | self.half_landed)
        self._build()

    def rebuild(self, rng: Random) -> None:
        """Every model from the lake anew."""
        self._build("--full-refresh")

    def changed_zone(self, rng: Random) -> None:
        """The reporting zone is another one from now on."""
        self.zone = rng.choice([zone for zone in REPORTING_ZONES if zone != self.zone])

    # ---- beginning and end ---------------------------------------------------------------------------------------

    def begin(self, history: History) -> None:
        rng = Random(history.world)
        for _ in range(history.days):
            self.world.live(rng)
        self._land(STREAMS, self.world.days())

    def finish(self) -> None:
        """A last build, and a rebuild of the same lake in another warehouse: the same tables, row for row."""
        self._build()
        other = Warehouse(self.root / "rebuilt", self.profile, self.template).begin()
        for name in ("lake", "landings", "quarantine", "keys"):
            (other.home / name).symlink_to(self.warehouse.home / name)
        assert other.build("--full-refresh")
        checks.check_same(self.warehouse, other)


KINDS = (
    "moved_on", "corrected", "late", "replaced_day", "emptied_day", "deleted", "night", "pulled_again", "range_backfill",
    "reversed_days", "failed_day", "source_down", "killed_landing", "maintained", "landed_meanwhile", "aborted_build",
    "build_by_hand", "rebuild", "changed_zone",
)  # fmt: skip


def _crash(*_: object) -> None:
    raise Crash


def opened(history: History, root: Path, template: Template) -> Machine:
    """A machine whose first days have landed and are built: where histories may begin that need not build them again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch_checks, "validate", checks.judge_in_pandas)
        machine = Machine(root, template)
        machine.begin(history)
        machine._build()
    return machine


def live_through(
    history: History, root: Path, template: Template, counts: Counter[str], opening: Machine | None = None
) -> None:
    """Play a history from its beginning, or from an opening, to its end; raises AssertionError where the marts are not what
    they must be."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch_checks, "validate", checks.judge_in_pandas)
        machine = opening.copied_to(root) if opening else Machine(root, template)
        if not opening:
            machine.begin(history)
        for step in history.steps:
            if getattr(machine, step.kind)(Random(step.seed)) is not False:
                counts[step.kind] += 1
        machine.finish()
    counts["history"] += 1
    counts["value compared"] += machine.compared
