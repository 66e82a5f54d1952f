"""Reconciliation: does the lake still say what the sources say about the trailing landing days?

A window asks for what changed since; it never sees a row that was changed without touching its cursor, or deleted. Here
the source is asked for control totals per day (one grouped query), and a day that differs is read again and compared row
by row: keys, and the hash of what lands of a row. The totals are a sieve, the rows decide. Nothing is landed here, but
for the tombstones that follow a backfill (`bury`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import duckdb
import pyarrow as pa

from orchestration.pipeline import catch_up, lake, landing
from orchestration.pipeline.control_totals import differing_days, why_not_by_totals
from orchestration.pipeline.gate import GateError
from orchestration.pipeline.tombstones import land_tombstones, tombstone_key
from orchestration.pipeline.verdicts import Verdict
from orchestration.settings import Settings
from sources.connectors.base import SourceError
from sources.contract import Contract
from sources.profile import Profile

RULE = "matches_source"
NAMED_KEYS = 3  # keys of a day and kind that a message names
NAMED_DAYS = 5
Kind = Literal["changed", "missing", "gone"]
WORDS: dict[Kind, str] = {
    "changed": "changed without a new cursor",
    "missing": "not in the lake",
    "gone": "deleted at the source",
}


@dataclass(frozen=True)
class Difference:
    """One key of one landing day on which lake and source disagree. `key` is as in the lake: identifiers are hashes."""

    landed_date: date
    kind: Kind
    key: dict[str, Any]

    @property
    def name(self) -> str:
        return "/".join(str(value) for value in self.key.values() if value is not None)


def why_not(profile: Profile, stream: str) -> str | None:
    """Why a stream is not reconciled, or None if it is."""
    mapping = profile.streams[stream]
    if mapping.reconcile == "off":
        return "the profile says reconcile = 'off'"
    return None if mapping.reconcile_by == "content" else why_not_by_totals(profile, stream)


def judge(settings: Settings, now: datetime | None = None) -> list[Verdict]:
    """One verdict per stream that can be reconciled. A source that does not answer is a warning, never an error.

    What was found is kept for `bury`.
    """
    return [
        judge_stream(settings, name, now)
        for name in settings.profile.streams
        if why_not(settings.profile, name) is None
    ]


def judge_stream(settings: Settings, stream: str, now: datetime | None = None) -> Verdict:
    """As `judge`, for one stream that can be reconciled."""
    owner = settings.profile.contract(stream).owner
    try:
        found = compare(settings, stream, now=now)
    except (SourceError, GateError) as error:
        message = f"could not be reconciled: {error}"
        fix = "Look at the source; what has landed stands, and the next run compares again."
        return Verdict("gate_2", stream, RULE, "warning", "error", owner, message, fix=fix)
    _remember(settings, stream, found)
    if not found:
        days = settings.profile.business.reconcile_days
        message = f"the last {days} landing days are as the source says"
        return Verdict("gate_2", stream, RULE, "warning", "passed", owner, message)
    blocks = settings.profile.streams[stream].reconcile == "block"
    samples = [{"landed_date": str(d.landed_date), "what": WORDS[d.kind], **d.key} for d in found[:NAMED_DAYS]]
    first, last = found[0].landed_date, found[-1].landed_date
    return Verdict(
        "gate_2",
        stream,
        RULE,
        "error" if blocks else "warning",
        "failed",
        owner,
        told(found),
        len(found),
        json.loads(lake.to_json(samples)),
        f"`make backfill FROM={first} TO={last} STREAM={stream}` brings the lake to what the source says.",
    )


def told(found: Sequence[Difference]) -> str:
    """The line that names the days and the keys."""
    days = sorted({difference.landed_date for difference in found})
    parts = []
    for day in days[:NAMED_DAYS]:
        kinds = []
        for kind, words in WORDS.items():
            keys = [d.name for d in found if d.landed_date == day and d.kind == kind]
            if keys:
                more = ", …" if len(keys) > NAMED_KEYS else ""
                kinds.append(f"{len(keys)} {words} ({', '.join(keys[:NAMED_KEYS])}{more})")
        parts.append(f"{day}: {', '.join(kinds)}")
    more = f"; and {len(days) - NAMED_DAYS} days more" if len(days) > NAMED_DAYS else ""
    return f"{len(days)} landing days differ from the source: {'; '.join(parts)}{more}"


def compare(
    settings: Settings, stream: str, days: Sequence[date] | None = None, now: datetime | None = None
) -> list[Difference]:
    """What differs between lake and source, by day and key; by default on the trailing days, those whose totals differ.

    With `days`, these are compared row by row. Days that have not landed are left out. Raises SourceError, GateError.
    """
    profile, contract = settings.profile, settings.profile.contract(stream)
    landed = {day for name, day in lake.last_good(lake.read_landings(settings.home)) if name == stream}
    asked = catch_up.all_days(profile, now)[-profile.business.reconcile_days :] if days is None else days
    wanted = sorted(landed & set(asked))
    table = lake.stream_table(settings.home, stream)
    if not wanted or table is None:
        return []
    held = lake.held_days(table)
    # the newest version of a key that stands on a wanted day is on no earlier one
    files = [path for day, found in held.items() if day >= wanted[0] for path in found.files]
    if days is None and profile.streams[stream].reconcile_by == "totals":
        moved = _keys_after(settings, stream, now)
        wanted = differing_days(settings, stream, wanted, files, moved)
    if not wanted:
        return []
    versions, keys = _at_source(settings, stream, wanted)
    keys.append(_keys_after(settings, stream, now))  # asked again: a row may have moved on while the days were read
    return _compared(contract, files, wanted, versions, pa.concat_tables(keys, promote_options="permissive"))


def _at_source(settings: Settings, stream: str, days: Sequence[date]) -> tuple[pa.Table, list[pa.Table]]:
    """These days once more through gate 1: landed_date, version_key, version_hash and the key's columns of good rows;
    and the keys of all rows."""
    contract = settings.profile.contract(stream)
    names = ", ".join(f'"{name}"' for name in tombstone_key(contract))
    versions, keys = [], []
    for span in landing.passes(settings, stream, days):
        with landing.scratch_database(settings, stream) as con:
            gate, _ = landing.open_gate(settings, stream, span, con)
            gate.split(span, datetime.now(UTC))
            con.execute("set TimeZone = 'UTC'")
            versions.append(
                con.execute(
                    f"""with named as (select distinct {names}, {lake.key_sql(contract)} as version_key from good)
                        select versions.*, {names} from ({day_versions_sql("good", contract)}) as versions
                        join named using (version_key)"""
                ).to_arrow_table()
            )
            keys.append(gate.present_keys(tombstone_key(contract)))
    return pa.concat_tables(versions, promote_options="permissive"), keys


def _keys_after(settings: Settings, stream: str, now: datetime | None) -> pa.Table:
    """The keys of rows that stand, at the source, on days that are not closed yet: they have left their landed day."""
    profile, contract = settings.profile, settings.profile.contract(stream)
    names = tombstone_key(contract)
    if not profile.rows_move(stream):
        return pa.table({name: pa.array([], pa.string()) for name in names})
    today = catch_up.today(profile, now)
    last = profile.last_closed_day(today)
    open_days = [last + timedelta(days=n + 1) for n in range((today - last).days + 1)]
    with landing.scratch_database(settings, stream) as con:
        gate, _ = landing.open_gate(settings, stream, open_days, con)
        gate.split(open_days, datetime.now(UTC))
        return gate.present_keys(names)


def day_versions_sql(relation: str, contract: Contract) -> str:
    """landed_date, version_key, version_hash of what counts per day and key: the newest version, or all rows of a key
    whose rows never change."""
    if contract.kind == "mutable":
        return lake.versions_sql(relation, contract)
    return f"""select landed_date, {lake.key_sql(contract)} as version_key,
                      md5(string_agg(content_hash, ',' order by content_hash)) as version_hash
               from {relation} group by all"""


def _compared(
    contract: Contract, files: list[str], days: Sequence[date], versions: pa.Table, keys: pa.Table
) -> list[Difference]:
    names = tombstone_key(contract)
    columns = ", ".join(f'"{name}"' for name in names)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("source_versions", versions)
        con.register("source_keys", keys)
        con.execute("create temp table compared (landed_date date)")
        con.executemany("insert into compared values (?)", [[day] for day in days])
        con.execute(
            f"create temp table lake_rows as select *, {lake.key_sql(contract)} as version_key from {lake.FILES_SQL}",
            {"files": files},
        )
        rows = con.execute(
            f"""with held as (
                    {day_versions_sql("(select * from lake_rows semi join compared using (landed_date))", contract)}
                ),
                standing as (select * from ({lake.standing_sql("lake_rows", contract)}) semi join compared using (landed_date)),
                here as (select {lake.key_sql(contract)} as version_key from source_keys)
                select source_versions.landed_date,
                       case when held.version_hash is null then 'missing' else 'changed' end as kind, {columns}
                from source_versions left join held using (landed_date, version_key)
                where held.version_hash is distinct from source_versions.version_hash
                union all
                select distinct landed_date, 'gone', {columns} from standing anti join here using (version_key)
                order by all"""
        ).to_arrow_table()
    return [
        Difference(row.pop("landed_date"), row.pop("kind"), {name: row[name] for name in names})
        for row in rows.to_pylist()
    ]


def _record(settings: Settings, stream: str) -> Any:
    return settings.home.path / "reconciliation" / f"{stream}.json"


def _remember(settings: Settings, stream: str, found: Sequence[Difference]) -> None:
    """Write down on which days keys are gone: a backfill of these days looks for them once more, and buries them."""
    path = _record(settings, stream)
    days = sorted({str(difference.landed_date) for difference in found if difference.kind == "gone"})
    if not days and not path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"days_with_deleted_rows": days}) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def bury(settings: Settings, stream: str, days: Sequence[date], now: datetime | None = None) -> dict[date, int]:
    """After a backfill of these days: tombstones for the keys that reconciliation has found gone, and that still are.

    Returns the tombstones per landing day. A source that does not answer now buries nothing.
    """
    path = _record(settings, stream)
    if settings.profile.contract(stream).kind != "mutable" or not path.is_file():
        return {}
    named = {date.fromisoformat(day) for day in json.loads(path.read_text(encoding="utf-8"))["days_with_deleted_rows"]}
    asked = sorted(named & set(days))
    if not asked:
        return {}
    try:
        found = compare(settings, stream, asked, now)
    except (SourceError, GateError):
        return {}
    return land_tombstones(settings, stream, [d.key for d in found if d.kind == "gone"])
