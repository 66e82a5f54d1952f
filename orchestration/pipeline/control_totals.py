"""Control totals: rows and sums per landing day, as the source counts them and as the lake holds them.

A day is suspected where they differ. What is wrong with it is found by reading its rows: see reconciliation.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import duckdb
import pyarrow as pa

from orchestration.pipeline import lake
from orchestration.settings import Settings
from sources.connectors import CONNECTORS
from sources.connectors.base import Window
from sources.profile import Profile
from sources.sql_text import identifier

ROUNDING = 0.00005  # a value of the lake differs from the source's by at most half of its last digit
NOISE = 1e-9  # of a sum of doubles, relative
_PROPORTIONAL = re.compile(r'"?(?P<column>[A-Za-z_]\w*)"?(?:\s*(?P<operator>[*/])\s*(?P<number>\d+(?:\.\d+)?))?')


def why_not_by_totals(profile: Profile, stream: str) -> str | None:
    """Why control totals say nothing about a stream, or None if they do."""
    mapping = profile.streams[stream]
    source = profile.sources[mapping.source]
    if not hasattr(CONNECTORS[source.connector], "totals"):
        return f"the connector {source.connector} cannot count; reconcile_by = 'content' reads the rows instead"
    if mapping.query is not None:
        return "it is made by a query; reconcile_by = 'content' reads the rows instead"
    if mapping.cursor is None or mapping.cursor.strip('"') != source.options.cursor:
        return "its cursor is not the source's; reconcile_by = 'content' reads the rows instead"
    return None


def measures(profile: Profile, stream: str) -> dict[str, tuple[str, float]]:
    """The numbers whose sums can be compared: contract field to source column and factor.

    These are fields that are fed by one column, as it is or times or divided by a number.
    """
    found: dict[str, tuple[str, float]] = {}
    for field in profile.contract(stream).landed_fields():
        is_number = field.type in ("bigint", "double") or field.type.startswith("decimal")
        match = _PROPORTIONAL.fullmatch(profile.streams[stream].fields.get(field.name, "").strip())
        if is_number and match and field.default in (None, "0"):
            number = float(match["number"] or 1)
            found[field.name] = (match["column"], number if match["operator"] != "/" else 1 / number)
    return found


def differing_days(
    settings: Settings, stream: str, days: Sequence[date], files: Sequence[str], moved: pa.Table
) -> list[date]:
    """The days on which the source counts other rows, or sums other amounts, than stand in these files of the lake.

    `moved` are keys that have left their landed day for one that is not closed yet. Raises SourceError.
    """
    profile = settings.profile
    source = profile.sources[profile.streams[stream].source]
    sums = measures(profile, stream)
    window = Window(days[0], days[-1], profile.business.landing_zone)
    columns = sorted({column for column, _ in sums.values()})
    said = CONNECTORS[source.connector].totals(source.options, window, source.zone, columns)
    held = _held(settings, stream, files, moved, list(sums))
    rejected = {
        day: row["rejected"]
        for (name, day), row in lake.last_good(lake.read_landings(settings.home)).items()
        if name == stream
    }
    differing = []
    for day in days:
        rows, *values = held.get(day, (0, *[0.0] * len(sums)))
        totals = said[day]
        if totals.rows != rows + rejected.get(day, 0):
            differing.append(day)
            continue
        for (column, factor), value in zip(sums.values(), values, strict=True):
            expected = totals.sums.get(column)
            if expected is not None and abs(expected * factor - value) > rows * ROUNDING + abs(value) * NOISE:
                differing.append(day)
                break
    return differing


def _held(
    settings: Settings, stream: str, files: Sequence[str], moved: pa.Table, names: Sequence[str]
) -> dict[date, tuple[float, ...]]:
    """What stands in the lake, per landing day: rows, then the sums of these fields."""
    if not files:
        return {}
    contract = settings.profile.contract(stream)
    sums = "".join(f", coalesce(sum(cast({identifier(name)} as double)), 0)" for name in names)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("moved", moved)
        rows = con.execute(
            f"""with standing as ({lake.standing_sql(lake.FILES_SQL, contract)}),
                left_behind as (select {lake.key_sql(contract)} as version_key from moved)
                select landed_date, count(*){sums}
                from (select *, {lake.key_sql(contract)} as version_key from standing)
                anti join left_behind using (version_key)
                group by landed_date""",
            {"files": list(files)},
        ).fetchall()
    return {day: tuple(values) for day, *values in rows}
