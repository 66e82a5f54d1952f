"""A look at a profile's sources before anything lands: a handful of rows per stream, the mapping beside the contract.

Nothing is written. Judging whole days is gate 1's work; values of people are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

import duckdb

from sources.connectors import CONNECTORS, SYSTEM_COLUMNS, SourceError, Window
from sources.contract import Field
from sources.profile import Profile, Source
from sources.sql_text import identifier, mentioned_columns

HANDFUL = 200
ESTIMATE_DAYS = 7


@dataclass(frozen=True)
class FieldCheck:
    """One contract field beside what feeds it. `complaint` is empty where the sample speaks for the mapping."""

    field: Field
    expression: str = ""
    source_type: str = ""
    filled: int = 0
    example: str = ""
    complaint: str = ""


@dataclass
class StreamCheck:
    """What the look at one stream came to. `rows` were read; `rows_per_day` is an estimate, None where there is none."""

    stream: str
    source: str
    rows: int = 0
    fields: list[FieldCheck] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    rows_per_day: int | None = None
    complaint: str = ""

    @property
    def complaints(self) -> list[str]:
        """Everything that would not land as it is, one line each."""
        own = [self.complaint] if self.complaint else []
        return own + [f"{self.stream}.{f.field.name}: {f.complaint}" for f in self.fields if f.complaint]


def check_profile(profile: Profile, last_day: date) -> list[StreamCheck]:
    """Look at every stream. A source that does not answer spoils its own stream only."""
    return [check_stream(profile, stream, last_day) for stream in profile.streams]


def check_stream(profile: Profile, stream: str, last_day: date) -> StreamCheck:
    """Look at one stream; `last_day` is the newest landing day that could be pulled."""
    mapping = profile.streams[stream]
    source = profile.sources[mapping.source]
    found = StreamCheck(stream, source.name)
    zone = profile.business.landing_zone
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"set TimeZone = '{source.zone}'")
        try:
            size = sample(con, source, Window(last_day, last_day, zone))
            if mapping.query:
                for name, other in profile.sources.items():
                    if name != source.name and name in mapping.query:
                        sample(con, other, Window(last_day, last_day, zone))
            con.execute("set enable_external_access = false")
            found.rows = _count(con, identifier(source.name))
            found.rows_per_day = _rows_per_day(source, last_day, zone, found.rows, size)
        except SourceError as error:
            found.complaint = str(error)
            return found
        relation = f"({mapping.query})" if mapping.query else identifier(source.name)
        for wanted in profile.contract(stream).fields:
            found.fields.append(check_field(con, relation, wanted, mapping.fields.get(wanted.name)))
        found.unknown = _unknown(con, profile, stream)
        found.complaint = _unreadable(con, source.name, found.rows)
    if not found.rows:
        found.complaint = (
            f"{stream}: the source {source.name} has no rows to look at; only names and types were checked"
        )
    return found


def sample(con: duckdb.DuckDBPyConnection, source: Source, window: Window) -> int | None:
    """Create the table of a source with a handful of rows. Returns the bytes that hold them where they are a file."""
    connector, options = CONNECTORS[source.connector], source.options
    if hasattr(connector, "sample"):
        connector.sample(con, source.name, options, source.zone, HANDFUL)
        return None
    files = [file for file in connector.listing(options, None) if file.get("size")]
    if not files:
        connector.load(con, source.name, options, window, source.zone)
        return None
    newest = max(files, key=lambda file: (str(file.get("day") or ""), str(file["path"])))
    day = date.fromisoformat(newest["day"]) if newest.get("day") else None
    connector.load(con, source.name, options, Window(day, day, window.zone) if day else None, source.zone)
    return sum(int(file["size"]) for file in files if file.get("day") == newest.get("day"))


def check_field(con: duckdb.DuckDBPyConnection, relation: str, wanted: Field, expression: str | None) -> FieldCheck:
    """Evaluate one field's expression over the sample: its type, how many rows have a value, and whether all of them fit."""
    is_needed = wanted.required and wanted.default is None
    if expression is None:
        return FieldCheck(wanted, complaint="required, and nothing feeds it" if is_needed else "")
    try:
        source_type, rows, filled, fitting, example, misfit = con.execute(
            f"""with raw as (select ({expression}) as value from {relation} as source),
                texts as (select value, nullif(trim(cast(value as varchar)), '') as text from raw)
                select (select column_type from (describe raw)), count(*), count(text),
                       count(*) filter (text is not null and try_cast(value as {wanted.type}) is not null),
                       any_value(text), any_value(text) filter (try_cast(value as {wanted.type}) is null)
                from texts"""
        ).fetchone() or ("", 0, 0, 0, None, None)
    except duckdb.Error as error:
        return FieldCheck(wanted, expression, complaint=f"cannot be evaluated: {str(error).splitlines()[0]}")
    complaint = ""
    if fitting < filled:
        shown = "" if wanted.privacy != "none" or misfit is None else f", such as {misfit[:40]!r}"
        complaint = f"mistyped: {filled - fitting} of {filled} values are no {wanted.type}{shown}"
    elif is_needed and filled < rows:
        complaint = f"required, and empty in {rows - filled} of {rows} rows"
    text = "" if example is None else "***" if wanted.privacy != "none" else str(example)[:40]
    return FieldCheck(wanted, expression, str(source_type), filled, text, complaint)


def _unreadable(con: duckdb.DuckDBPyConnection, table: str, rows: int) -> str:
    """The line for rows that the connector could not read, with what is wrong with most of them; empty if it could."""
    found = con.execute(
        f"""select _malformed, sum(count(*)) over () from {identifier(table)} where _malformed is not null
            group by _malformed order by count(*) desc limit 1"""
    ).fetchone()
    return f"{table}: {found[1]} of {rows} rows cannot be read: {found[0]}" if found else ""


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = con.execute(f"select count(*) from {relation}").fetchone()
    return int(found[0]) if found else 0


def columns_of(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The source's own columns and their types."""
    described: list[Any] = con.execute(f"describe {identifier(table)}").fetchall()
    return {row[0]: row[1] for row in described if row[0] not in SYSTEM_COLUMNS}


def _unknown(con: duckdb.DuckDBPyConnection, profile: Profile, stream: str) -> list[str]:
    mapping = profile.streams[stream]
    statements = [f"select ({sql})" for sql in (*mapping.fields.values(), *(rule.check for rule in mapping.rules))]
    statements += [f"select ({mapping.cursor})"] if mapping.cursor else []
    statements += [mapping.query] if mapping.query else []
    known = {*mapping.extra, *mapping.ignore, *(name for sql in statements for name in mentioned_columns(con, sql))}
    return [name for name in columns_of(con, mapping.source) if name not in known]


def _rows_per_day(source: Source, last_day: date, zone: str, rows: int, size: int | None) -> int | None:
    """The median of the last days where the source can count; of files, by their size; None where nobody knows."""
    connector = CONNECTORS[source.connector]
    window = Window(last_day - timedelta(days=ESTIMATE_DAYS - 1), last_day, zone)
    if hasattr(connector, "totals") and source.options.cursor is not None:
        counted = connector.totals(source.options, window, source.zone, [])
        return int(median(day.rows for day in counted.values()))
    if size:
        by_day: dict[str, int] = {}
        for file in connector.listing(source.options, None):
            if file.get("day"):
                by_day[file["day"]] = by_day.get(file["day"], 0) + int(file["size"])
        return int(rows * median(by_day.values()) / size) if by_day else None
    return None
