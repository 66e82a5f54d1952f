"""Runs the company day by day and writes what its systems hold.

The folder appears under its name only when everything is in it: whoever finds it can rely on it.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from sources.sample_company.background import BOTS, MIDNIGHT_DAYS, Background
from sources.sample_company.collector import Collector
from sources.sample_company.incidents import BROKEN_FEED, CHECKOUT_BUG, LATE_CARRIER, planted
from sources.sample_company.people import STAFF_DOMAIN, STAFF_WITH_PRIVATE_EMAIL, Population
from sources.sample_company.rates import write_rates
from sources.sample_company.recommendation import Recommendation
from sources.sample_company.shop import Shop
from sources.sample_company.shop_db import ShopDatabase
from sources.sample_company.support import HelpDesk
from sources.sample_company.usage import Usage
from sources.sample_company.world import World
from sources.sample_company.zendesk import Export

FIRST_DAY = date(2025, 9, 29)
LAST_DAY = date(2026, 3, 31)

Progress = Callable[[int, int], None]


def write(
    folder: Path,
    seed: int = 7,
    scale: float = 1.0,
    first_day: date = FIRST_DAY,
    last_day: date = LAST_DAY,
    progress: Progress | None = None,
) -> None:
    """Simulate the company and write its sources into a new folder.

    `progress` is called after each day with the days done and the days in all.
    """
    if scale <= 0:
        raise ValueError(f"scale is {scale}: it has to be above zero, 1.0 is a company of about 1,300 people")
    if last_day < first_day:
        raise ValueError(f"last day {last_day} lies before first day {first_day}: swap them")
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already and not empty: remove it or name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(folder)
    unfinished = folder.with_name(f".{folder.name}.unfinished-{os.getpid()}")
    unfinished.mkdir()
    try:
        _simulate(World(seed, scale, first_day, last_day), unfinished, progress or (lambda done, days: None))
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _clear_leftovers(folder: Path) -> None:
    """Remove what generations left behind whose process is gone."""
    for leftover in folder.parent.glob(f".{folder.name}.unfinished-*"):
        try:
            os.kill(int(leftover.name.rpartition("-")[2]), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(leftover, ignore_errors=True)
        except PermissionError:
            continue  # the process of another user is still at it


def _simulate(world: World, folder: Path, progress: Progress) -> None:
    database = ShopDatabase(folder / "shop.db")
    export = Export(folder / "support")
    try:
        population = Population(world)
        collector = Collector(world, folder / "usage")
        help_desk = HelpDesk(world, export)
        shop = Shop(world, database, help_desk)
        for person in population.customers():
            shop.register(person)
        usage = Usage(world, collector, shop, help_desk)
        background = Background(world, population, collector, shop, help_desk)
        recommendation = Recommendation(world, population, export)
        for index in range(world.day_count):
            population.arrivals(index)
            shop.note_changes(index, population.customers())
            usage.live_day(index, population.active(index))
            background.live_day(index)
            recommendation.live_day(index)
            help_desk.work(world.day_start(index + 1))
            shop.flush()
            collector.close_day(index)
            progress(index + 1, world.day_count)
        database.finish()
        rates = write_rates(world, folder / "fx")
        truth = _truth(world, population, collector, shop, usage, help_desk, recommendation, rates)
        (folder / "truth.json").write_text(json.dumps(truth, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    finally:
        export.close()
        database.close()


def _truth(
    world: World,
    population: Population,
    collector: Collector,
    shop: Shop,
    usage: Usage,
    help_desk: HelpDesk,
    recommendation: Recommendation,
    rates: int,
) -> dict[str, Any]:
    """What was planted and how much of it came out. Only tests read this."""
    came_out: dict[str, dict[str, Any]] = {
        LATE_CARRIER.kind: {"delayed_orders": shop.delayed_orders, "tickets_caused": shop.delayed_tickets},
        CHECKOUT_BUG.kind: {
            "orders_lost": usage.lost_orders,
            "orders_placed_all_the_same": usage.counts["orders_despite_the_bug"],
        },
        BROKEN_FEED.kind: {"events_lost": collector.lost_by_incident},
    }
    return {
        "seed": world.seed,
        "scale": world.scale,
        "first_day": world.first_day.isoformat(),
        "last_day": world.last_day.isoformat(),
        "zone": world.zone.key,
        "incidents": [
            {
                "kind": incident.kind,
                "sentence": incident.sentence,
                "first_day": incident.first_day.isoformat(),
                "last_day": incident.last_day.isoformat(),
                "segment": incident.segment,
                "effect": incident.effect,
                "signs": [asdict(sign) | {"period_start": sign.period_start.isoformat()} for sign in incident.signs],
                "came_out": came_out.get(incident.kind, {}),
            }
            for incident in planted(world)
        ],
        "usage": dict(sorted(collector.counts.items())),
        "shop": dict(shop.counts),
        "support": {**help_desk.export.counts, **help_desk.counts},
        "nps": recommendation.counts,
        "fx": {"rates": rates},
        "internal": {"email_domain": STAFF_DOMAIN, "ids": list(STAFF_WITH_PRIVATE_EMAIL)},
        "bots": list(BOTS),
        "midnights": [day.isoformat() for day in MIDNIGHT_DAYS if world.first_day <= day <= world.last_day],
    }
