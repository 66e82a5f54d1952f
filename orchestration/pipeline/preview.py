"""What a backfill would touch, without pulling anything: landing days, rows of the lake, and published periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from orchestration.pipeline import lake
from orchestration.pipeline.publication import current
from orchestration.settings import Settings, kpi_catalogue
from sources.dimensions import CUSTOMERS
from sources.profile import Profile

STEPS = {"day": 1, "week": 7, "month": 31, "quarter": 92}  # at least one day of the period after, for `next_start`


@dataclass(frozen=True)
class StreamPreview:
    """One stream of the range: landing days asked for and landed, rows that they hold, and the dates in these rows."""

    stream: str
    days: int
    landed_days: int
    rows: int
    dates: frozenset[date]


@dataclass(frozen=True)
class PeriodPreview:
    """The published periods of one grain that a change of these days reaches, and how many KPIs have such values."""

    grain: str
    periods: int
    first: date
    last: date
    kpis: int


def preview_streams(settings: Settings, streams: Sequence[str], days: Sequence[date]) -> list[StreamPreview]:
    """Per stream, what the lake holds of these landing days now."""
    good = lake.last_good(lake.read_landings(settings.home))
    found = []
    for stream in streams:
        landed = [day for day in days if (stream, day) in good]
        held = lake.held_days(lake.stream_table(settings.home, stream))
        content = [held[day] for day in landed if day in held]
        dates = _dates(settings, stream, [path for day in content for path in day.files], max(days))
        rows = sum(day.rows for day in content)
        found.append(StreamPreview(stream, len(days), len(landed), rows, frozenset(dates) | set(days)))
    return found


def _dates(settings: Settings, stream: str, files: list[str], last: date) -> set[date]:
    """The days, in the reporting zone, of every instant in these files: what happened may count on any of them.

    Rows without an instant of their own (lines of an order) may belong to any day up to `last`.
    """
    contract = settings.profile.contract(stream)
    zone = settings.profile.business.reporting_zone
    columns = [f.name for f in contract.landed_fields() if f.type in ("timestamptz", "date") and f.name != "updated_at"]
    if not files:
        return set()
    if not columns:
        first = settings.profile.business.first_day
        return {first + timedelta(days=n) for n in range((last - first).days + 1)}
    with duckdb.connect() as con:
        con.execute(f"set TimeZone = '{zone}'")
        selects = [f'select distinct cast("{name}" as date) as d from lake' for name in columns]
        rows = con.execute(
            "with lake as (select * from read_parquet($files, union_by_name = true)) " + " union ".join(selects),
            {"files": files},
        ).fetchall()
    return {day for (day,) in rows if day is not None}


def preview_periods(settings: Settings, streams: Sequence[StreamPreview]) -> list[PeriodPreview]:
    """Published periods whose values a change of these days can reach; empty before the first publication.

    A KPI is reached through the streams it needs, from as far back as it looks (`lookback` of the catalogue), and
    forward as far as its cohort's window; attributes of customers reach every KPI that is cut by them.
    """
    publication = current(settings)
    if publication is None:
        return []
    touched = {preview.stream: preview.dates for preview in streams}
    with duckdb.connect(str(publication.folder / "marts.duckdb"), read_only=True) as con:
        published = con.execute(
            "select distinct kpi_id, grain, period_start from fct_kpi where value is not null order by all"
        ).fetchall()
    needs = {kpi: (streams, lookback, window) for kpi, streams, lookback, window in _needs(settings.profile)}
    reached: dict[str, list[tuple[date, str]]] = {}
    for kpi, grain, start in published:
        names, lookback, window = needs[kpi]
        days = set().union(*(touched[name] for name in names if name in touched))
        end = next_start(grain, start)
        if lookback in ("all", "first_ever"):
            first = settings.profile.business.first_day
        else:
            first = {"period": start, "previous": previous_start(grain, start)}.get(lookback) or end - timedelta(
                days=int(lookback)
            )
        if any(first <= day < end + timedelta(days=window) for day in days):
            reached.setdefault(grain, []).append((start, kpi))
    return [
        PeriodPreview(
            grain,
            len({start for start, _ in found}),
            min(start for start, _ in found),
            max(start for start, _ in found),
            len({kpi for _, kpi in found}),
        )
        for grain in STEPS
        if (found := reached.get(grain))
    ]


def next_start(grain: str, start: date) -> date:
    """The first day after the period."""
    after = start + timedelta(days=STEPS[grain])
    return after.replace(day=1) if grain in ("month", "quarter") else after


def previous_start(grain: str, start: date) -> date:
    """The first day of the period before."""
    before = start - timedelta(days={"day": 1, "week": 7, "month": 1, "quarter": 62}[grain])
    return before.replace(day=1) if grain in ("month", "quarter") else before


def _needs(profile: Profile) -> Iterator[tuple[str, frozenset[str], str, int]]:
    """Per KPI of the catalogue: the streams that its values come from, how far it looks back, its cohort's window."""
    of_customers = {kpi for own in profile.dimensions.values() if own.stream == CUSTOMERS for kpi in own.kpis}
    for row in kpi_catalogue():
        entries = f"{row['required_streams']} {row['optional_streams']}".split()
        names = {name for entry in entries for name in _alternatives(entry)}
        if row["person_dimensions"] or row["kpi_id"] in of_customers:
            names.add("customers")
        yield row["kpi_id"], frozenset(names), row["lookback"], int(row["cohort_window_days"] or 0)


def _alternatives(entry: str) -> Iterable[str]:
    return entry.split(":")[0].split("|")
