"""The whole way without Dagster: land, build, gate, publish, by the same functions that the assets wrap.

For tests and long simulations, where a night should take seconds; the nightly run, the UI and `make` go through Dagster.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from orchestration.pipeline import build, catch_up, lake, mart_checks, reconciliation
from orchestration.pipeline.landing import StreamLanding, land_stream
from orchestration.pipeline.publication import Publication, publish
from orchestration.pipeline.verdicts import NOTHING_ACCEPTED, Acceptance, accept
from orchestration.settings import Settings


def land(settings: Settings, days: Sequence[date] | None = None, now: datetime | None = None) -> list[StreamLanding]:
    """Land `days` of every stream; by default those that each stream needs."""
    run_id = str(uuid.uuid4())
    landings = lake.read_landings(settings.home)
    outcomes = []
    for stream in settings.profile.streams:
        wanted = catch_up.days_to_land(settings, stream, landings, now) if days is None else list(days)
        if wanted:
            outcomes.append(land_stream(settings, stream, wanted, run_id, now=now))
            if days is not None:
                landed = [landing.landed_date for landing in outcomes[-1].landed]
                reconciliation.bury(settings, stream, landed, now)
    return outcomes


def build_and_publish(
    settings: Settings, full_refresh: bool = False, acceptance: Acceptance = NOTHING_ACCEPTED
) -> Publication:
    """Build the marts, pass them through gate 2, publish. Raises PublicationRefused or BuildError."""
    reconciled = reconciliation.judge(settings)
    with build.warehouse_lock(settings.home):
        verdicts = build.build(settings.home, full_refresh, acceptance=acceptance)
        judged = [*mart_checks.judge_marts(settings.home), *reconciled]
        return publish(settings, accept([*verdicts, *judged], acceptance), str(uuid.uuid4()))
