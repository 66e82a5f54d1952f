"""What all KPIs share (rules 2, 4 and 8): facts grouped by period and segment, cells, and the rows that are published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple, TypeVar

from tests.oracles.calendar import ONE_DAY, Calendar, Period, start_of

GRAINS = ("day", "week", "month", "quarter")
MILLIONTH = Decimal("0.000001")
T = TypeVar("T")


class Cell(NamedTuple):
    """One value before the flags; `n` is None where the catalogue does not fix what it counts."""

    numerator: Decimal | None
    denominator: Decimal | None
    value: float | None
    n: int | None


class Row(NamedTuple):
    """A cell as it is published."""

    numerator: Decimal | None
    denominator: Decimal | None
    value: float | None
    n: int | None
    is_complete: bool
    is_mature: bool
    slack: Decimal = Decimal(0)


class Key(NamedTuple):
    """Where a cell stands."""

    grain: str
    start: date
    dimension: str
    segment: str


class RowKey(NamedTuple):
    """Where a published row stands."""

    kpi_id: str
    grain: str
    start: date
    dimension: str
    segment: str


@dataclass(frozen=True)
class Fact:
    """Something that counts on a day, in one segment of each dimension."""

    day: date
    segments: Mapping[str, str | None]
    what: object


def number(numerator: int | Decimal, n: int | None = None) -> Cell:
    """A count or an amount."""
    return Cell(Decimal(numerator), None, float(numerator), n)


def ratio(numerator: int | Decimal, denominator: int | Decimal, n: int | None = None) -> Cell:
    """The ratio is computed last; a zero denominator gives NULL."""
    value = float(numerator) / float(denominator) if denominator else None
    return Cell(Decimal(numerator), Decimal(denominator), value, n)


def rounded(value: Fraction | Decimal, to: Decimal = MILLIONTH) -> Decimal:
    """To a millionth, half away from zero, without a float on the way."""
    if isinstance(value, Decimal):
        return value.quantize(to, ROUND_HALF_UP)
    scaled = abs(value) / Fraction(to)
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return (whole if value >= 0 else -whole) * to


def percentile(values: Iterable[timedelta], share: Fraction, unit: timedelta) -> Cell:
    """From the rows, between two of them linearly, before it is rounded to a millionth; of no rows there is none."""
    one = timedelta(microseconds=1)
    ordered = sorted(value // one for value in values)
    if not ordered:
        return Cell(None, None, None, 0)
    at = share * (len(ordered) - 1)
    low = at.numerator // at.denominator
    high = min(low + 1, len(ordered) - 1)
    exact = ordered[low] + (ordered[high] - ordered[low]) * (at - low)
    return Cell(None, None, float(exact / (unit // one)), len(ordered))


ZERO = number(0, 0)
NO_AMOUNT = number(0)  # where the catalogue does not fix what n counts
NOTHING_BY_NOTHING = ratio(0, 0, 0)
NO_AMOUNTS = ratio(0, 0)
NO_ROWS = Cell(None, None, None, 0)


def grouped(
    calendar: Calendar, facts: Iterable[Fact], measure: Callable[[list], Cell], total: bool = True
) -> dict[Key, Cell]:
    """Facts by grain, whole period and segment, measured; beside the total one dimension at a time, missing is unknown."""
    days: dict[tuple[date, str, str], list] = defaultdict(list)
    for fact in facts:
        for dimension, segment in fact.segments.items():
            days[fact.day, dimension, segment or "unknown"].append(fact.what)
        if total:
            days[fact.day, "all", "all"].append(fact.what)
    cells: dict[Key, Cell] = {}
    for grain in GRAINS:
        groups: dict[Key, list] = defaultdict(list)
        for (day, dimension, segment), what in days.items():
            start = start_of(grain, day)
            if start in calendar.periods(grain):
                groups[Key(grain, start, dimension, segment)] += what
        cells |= {key: measure(what) for key, what in groups.items()}
    return cells


def measured_over_total(calendar: Calendar, facts: Iterable[Fact], totals: Mapping[Key, Cell]) -> dict[Key, Cell]:
    """The number of facts per segment over the denominator of the total; 0 where a segment has none, from its first on."""
    counts = grouped(calendar, facts, lambda what: number(len(what)), total=False)
    since: dict[tuple[str, str, str], date] = {}
    for key in counts:
        place = (key.grain, key.dimension, key.segment)
        since[place] = min(since.get(place, key.start), key.start)
    cells = {}
    for (grain, dimension, segment), first in since.items():
        for start in calendar.periods(grain):
            if start >= first:
                key = Key(grain, start, dimension, segment)
                everybody = totals.get(Key(grain, start, "all", "all"), NOTHING_BY_NOTHING)
                cells[key] = ratio(counts.get(key, ZERO).numerator, everybody.denominator, everybody.n)
    return cells


@dataclass(frozen=True)
class Kpi:
    """The cells of a KPI with what the catalogue says about it.

    `empty` is the cell of a period in which nothing happened. `trailing_days` reach back from the period's last day,
    `window_days` is how long a cohort is watched. The catalogue does not say at which step an amount is rounded: a
    millionth per line behind it, of which there are `rounded_rows`, is no difference. "First ever" is not available in
    the first `unknown_first_days` of the data. `needs_previous` says that the period before has to be there too.
    """

    kpi_id: str
    cells: dict[Key, Cell]
    empty: Cell
    grains: tuple[str, ...] = GRAINS
    window_days: int = 0
    trailing_days: int = 0
    rounded_rows: Mapping[Key, int] = field(default_factory=dict)
    unknown_first_days: int = 0
    needs_previous: bool = False


def published(calendar: Calendar, kpi: Kpi) -> dict[RowKey, Row]:
    """The rows of a KPI: the total for every whole period, each segment from its first appearance on.

    A segment appears with the first period in which it has a value. A trailing window that reaches before the first
    day gives NULL and `is_complete = false`.
    """
    rows: dict[RowKey, Row] = {}
    for grain in kpi.grains:
        periods = calendar.periods(grain)
        whole = {start for start, period in periods.items() if _is_complete(calendar, kpi, period)}
        since: dict[tuple[str, str], date] = {("all", "all"): calendar.first}
        for key in kpi.cells:
            is_known = key.start in whole or kpi.unknown_first_days > 0  # that somebody was there is known at once
            if key.grain == grain and is_known and kpi.cells[key] != NO_ROWS:
                segment = (key.dimension, key.segment)
                since[segment] = min(since.get(segment, key.start), key.start)
        for (dimension, segment), first_seen in since.items():
            for start, period in periods.items():
                if start < first_seen:
                    continue
                cell = kpi.cells.get(Key(grain, start, dimension, segment), kpi.empty)
                complete = start in whole
                if not complete:
                    cell = Cell(None, None, None, None)
                mature = calendar.is_mature(period, kpi.window_days)
                slack = _slack(cell, kpi.rounded_rows.get(Key(grain, start, dimension, segment), 0))
                rows[RowKey(kpi.kpi_id, grain, start, dimension, segment)] = Row(*cell, complete, mature, slack)
    return rows


def _is_complete(calendar: Calendar, kpi: Kpi, period: Period) -> bool:
    if kpi.trailing_days and period.end - timedelta(days=kpi.trailing_days) < calendar.first:
        return False
    if kpi.needs_previous and start_of(period.grain, period.start - ONE_DAY) < calendar.first:
        return False
    return period.start >= calendar.first + timedelta(days=kpi.unknown_first_days)


def _slack(cell: Cell, rounded_rows: int) -> Decimal:
    """What rounding may do: half a millionth to a percentile (of a tie either way), a millionth to each row that is rounded:
    what is spread over segments may be rounded up in one and down in the next."""
    if cell.numerator is None and cell.value is not None:
        return MILLIONTH / 2 + MILLIONTH / 1000
    return MILLIONTH * rounded_rows
