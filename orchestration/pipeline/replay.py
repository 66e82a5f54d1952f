"""Replay: quarantined rows go through gate 1 again after a fix, without asking the source.

A row is judged from what quarantine holds of it: the contract's fields as mapped, identifiers hashed, dropped fields gone.
What passes lands as a pull would land it; what fails stays, with the reasons of today. A verdict that rests on what is not
held (a hashed or dropped field, another column of the source, the cursor, an unreadable line) stands as it was: pull such
a day again. Days that gate 1 refused have no quarantine: the next run asks for them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.pipeline import lake
from orchestration.pipeline.gate import Gate, GateError, told
from orchestration.pipeline.gate_rules import UNDATED, violations
from orchestration.pipeline.lake import Landing
from orchestration.settings import Home, Settings
from sources.contract import Contract, Field, Rule
from sources.profile_schema import StreamMapping
from sources.sql_text import identifier, literal, mentioned_columns

PULL_AGAIN = "pull the day again"


@dataclass(frozen=True)
class ReplayedDay:
    """What a replay came to on a day: rows of the quarantine, those that passed, and rows per reason for those that stay."""

    stream: str
    landed_date: date
    rows: int
    passed: int
    stays: dict[str, int]


@dataclass(frozen=True)
class _Judged:
    """A day whose rows were judged again: `attempt` is its landing row, `rows` its quarantine, `good` what passes (typed
    and hashed), `stays` the rows that do not."""

    contract: Contract
    attempt: dict[str, Any]
    rows: list[dict[str, Any]]
    good: pa.Table
    stays: list[dict[str, Any]]
    pulled_at: datetime

    @property
    def landed_date(self) -> date:
        day: date = self.attempt["landed_date"]
        return day


@dataclass
class _ReplayGate(Gate):
    """Gate 1 over rows that are hashed already; `unknown`: rules whose verdict stands, with what they need."""

    held: set[str] = field(default_factory=set)
    unknown: dict[str, str] = field(default_factory=dict)

    @property
    def mapping(self) -> StreamMapping:
        return super().mapping.model_copy(
            update={"cursor": None}
        )  # the day is the one that the row is quarantined with

    def violations(self, field: Field) -> list[tuple[str, str]]:
        if field.privacy == "none":
            return violations(field)
        said = "is hashed" if field.privacy == "identifier" else "is dropped"
        names = [name for name, _ in violations(field)]
        self.unknown |= dict.fromkeys(names, f"{field.name} {said}")
        return [(name, f"list_contains(_reasons, {literal(name)})") for name in names]

    def row_rules(self) -> tuple[list[Rule], list[Rule]]:
        rejecting, warning = super().row_rules()
        judged = []
        for rule in rejecting:
            missing = sorted(set(mentioned_columns(self.con, f"select ({rule.check})")) - self.held)
            if missing:
                self.unknown[rule.name] = f"{', '.join(missing)} is not in quarantine as the source had it"
                rule = replace(rule, check=f"not list_contains(_reasons, {literal(rule.name)})")
            judged.append(rule)
        known = [rule for rule in warning if not set(mentioned_columns(self.con, f"select ({rule.check})")) - self.held]
        return judged, known

    def _landed_column(self, field: Field) -> str:
        column = identifier(field.name)
        return f"({column} or _was_internal) as {column}" if field.name == self._internal_flag() else column


def replay(
    settings: Settings, stream: str, first: date, last: date, run_id: str, dry_run: bool = False
) -> list[ReplayedDay]:
    """Take the quarantined rows of these landing days (ends included) through gate 1 again, oldest day first.

    `dry_run` only tells what would pass. Raises GateError where the profile's expressions cannot be evaluated.
    """
    with lake.stream_lock(settings.home, stream):
        return list(_replay(settings, stream, first, last, run_id, dry_run))


def _replay(
    settings: Settings, stream: str, first: date, last: date, run_id: str, dry_run: bool
) -> Iterator[ReplayedDay]:
    quarantine = lake.read_quarantine(settings.home, stream)
    if quarantine is None:
        return
    landed = lake.last_good(lake.read_landings(settings.home))
    by_day: dict[date, list[dict[str, Any]]] = {}
    for row in quarantine.to_pylist():
        if first <= row["landed_date"] <= last:
            by_day.setdefault(row["landed_date"], []).append(row)
    for day, rows in sorted(by_day.items()):
        pulled_at = datetime.now(UTC)
        attempt = landed.get((stream, day))
        with duckdb.connect() as con:
            why_not = _why_not(settings, stream, rows, attempt)
            good, reasons = (None, {}) if why_not else _judge(settings, stream, day, rows, con, pulled_at)
        stays = [
            {**row, "reasons": lake.to_json(reasons[n][0]), "replayed": reasons[n][1]}
            if n in reasons
            else {**row, "replayed": why_not}
            for n, row in enumerate(rows)
            if why_not or n in reasons
        ]
        if good is not None and attempt is not None and not dry_run:
            judged = _Judged(settings.profile.contract(stream), attempt, rows, good, stays, pulled_at)
            why_not = _land(settings.home, judged, run_id)
            if why_not:
                stays = [{**row, "replayed": why_not} for row in rows]
        if not dry_run:
            kept = pa.Table.from_pylist(stays, schema=quarantine.schema)
            lake.replace_quarantine(settings.home, stream, [day], kept)
        counted = Counter(row["replayed"] for row in stays)
        yield ReplayedDay(stream, day, len(rows), len(rows) - len(stays), dict(sorted(counted.items())))


def _why_not(settings: Settings, stream: str, rows: list[dict[str, Any]], attempt: dict[str, Any] | None) -> str | None:
    """Why no row of the day can be judged again; None where they can."""
    if attempt is None:
        return f"the day has not landed; {PULL_AGAIN}"
    if any(row.get("mapping") is None for row in rows):
        return f"quarantined before rows could be replayed; {PULL_AGAIN}"
    mapping, was = settings.profile.streams[stream], json.loads(rows[0]["mapping"])
    for name in ("source", "query", "cursor"):
        if getattr(mapping, name) != was[name]:
            return f"streams.{stream}.{'from' if name == 'source' else name} has changed; {PULL_AGAIN}"
    return None


def _judge(
    settings: Settings,
    stream: str,
    day: date,
    rows: list[dict[str, Any]],
    con: duckdb.DuckDBPyConnection,
    pulled_at: datetime,
) -> tuple[pa.Table | None, dict[int, tuple[list[str], str]]]:
    """The rows that pass, typed and ready to land; and by row number, the reasons of those that stay and why they stay."""
    profile = settings.profile
    contract, mapping = profile.contract(stream), profile.streams[stream]
    was = json.loads(rows[0]["mapping"])["fields"]
    con.execute("set enable_progress_bar = false")
    con.execute(f"set TimeZone = {literal(profile.sources[mapping.source].zone)}")
    numbered = pa.Table.from_pylist(
        [
            {
                "_row": number,
                "_file_day": None if UNDATED in (broken := json.loads(row["reasons"])) else day,
                "_reasons": broken,
                "_was_internal": bool(row["is_internal"]),
                "_source_file": row["source_file"],
                "_malformed": "unreadable" if "malformed" in broken else None,
                "_extra": row["extra"],
                "_record": row["record"],
            }
            for number, row in enumerate(rows)
        ],
        schema=pa.schema(
            [
                ("_row", pa.int64()),
                ("_file_day", pa.date32()),
                ("_reasons", pa.list_(pa.string())),
                ("_was_internal", pa.bool_()),
                ("_source_file", pa.string()),
                ("_malformed", pa.string()),
                ("_extra", pa.string()),
                ("_record", pa.string()),
            ]
        ),
    )
    con.register("numbered_rows", numbered)
    con.execute("create table held as select * from numbered_rows")
    con.execute("set enable_external_access = false")
    plain = {f.name for f in contract.fields if f.privacy == "none"}
    # A field that was mapped from a bare column holds that column: expressions that came later may read it.
    columns = {sql[1:-1]: name for name, (sql, _) in was.items() if name in plain and re.fullmatch(r'"\w+"', sql)}
    select = [f"{_held(name, was[name][1])} as {identifier(column)}" for column, name in columns.items()]
    known = {*columns, "_source_file", "_file_day"}
    raw, missing = [], []
    for f in contract.fields:
        now, before = mapping.fields.get(f.name), was.get(f.name, [None, "VARCHAR"])
        if f.privacy == "drop":
            expression = "null"
        elif now == before[0]:
            select.append(
                f"{_held(f.name, before[1] if f.privacy == 'none' else 'VARCHAR')} as {identifier('_was_' + f.name)}"
            )
            expression = identifier("_was_" + f.name)
        elif f.name in plain and (now is None or not set(mentioned_columns(con, f"select ({now})")) - known):
            expression = now or "null"
        else:
            missing.append(f.name)
            expression = "null"
        raw.append(f"({expression}) as {identifier('raw_' + f.name)}")
    if missing:
        reason = f"{', '.join(missing)} is mapped from what quarantine does not hold; {PULL_AGAIN}"
        return None, {n: (json.loads(row["reasons"]), reason) for n, row in enumerate(rows)}
    gate = _ReplayGate(con, profile, stream, b"", True, kept=("_row",), held=plain | known)
    try:
        con.execute(f"create view source as select held.* {''.join(', ' + s for s in select)} from held")
        con.execute(
            f"create view mapped as select source.*, {', '.join(raw)}, null as raw_cursor, _extra as raw_extra from source"
        )
        gate.split([day, profile.business.first_day] if day != profile.business.first_day else [day], pulled_at)
    except duckdb.Error as error:
        raise GateError(f"streams.{stream}.fields cannot be evaluated: {told(error)}. Mend the profile") from None
    stays: dict[int, tuple[list[str], str]] = {}
    for number, broken in con.execute("select _row, reasons from judged where len(reasons) > 0").fetchall():
        needs = sorted({gate.unknown[name] for name in broken if name in gate.unknown})
        if UNDATED in broken or "malformed" in broken:
            needs.append("the source's own row is needed")
        stays[number] = (broken, f"{'; '.join(needs)}; {PULL_AGAIN}" if needs else f"still breaks {', '.join(broken)}")
    con.execute("set TimeZone = 'UTC'")
    return con.execute("select * from good").to_arrow_table(), stays


def _held(name: str, type_name: str) -> str:
    """The field of the record, as its type was when it was mapped."""
    text = f"json_extract_string(_record, {literal('$.' + chr(34) + name + chr(34))})"
    return text if type_name == "VARCHAR" else f"try_cast({text} as {type_name})"


def _land(home: Home, judged: _Judged, run_id: str) -> str | None:
    """Rows first, the landing row second; quarantine is the caller's, last. Each step knows whether it was done before a
    crash. Returns why nothing may be landed, if so."""
    attempt, good, day = judged.attempt, judged.good, judged.landed_date
    stream = judged.contract.name
    if not good.num_rows or attempt["rejected"] == len(judged.stays):
        return None  # nothing passed; or a replay was killed before it cleared the quarantine
    if attempt["rejected"] != len(judged.rows):
        return f"the landing row speaks of {attempt['rejected']} rows in quarantine; {PULL_AGAIN}"
    parts = [stream, str(day), str(attempt["pulled_at"]), *sorted(good["content_hash"].to_pylist())]
    transaction = "replay-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    table = lake.stream_table(home, stream)
    if table is None or table.transaction_version(transaction) is None:
        if lake.day_versions(home, stream, [day])[day] != attempt["day_version"]:
            return f"the lake holds other rows than were written down, after a killed run; {PULL_AGAIN}"
        lake.append_rows(home, stream, _whole_sets(home, judged), transaction)
    lake.append_landings(home, [_landing(home, judged, run_id)])
    return None


def _whole_sets(home: Home, judged: _Judged) -> pa.Table:
    """Where a stream comes as whole sets, the rows of the newest set go with those that pass: a set is one version."""
    contract = judged.contract
    table = lake.stream_table(home, contract.name)
    if not contract.set_key or table is None:
        return judged.good
    there = table.to_pyarrow_table(filters=[("landed_date", "=", judged.landed_date)])
    key = identifier(contract.set_key)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("good", judged.good)
        con.register("there", there)
        return con.execute(
            f"""select * from good union all by name
                select * replace (timestamptz '{judged.pulled_at.isoformat()}' as pulled_at)
                from there semi join good using ({key}, updated_at)
                qualify rank() over (partition by {key}, updated_at order by pulled_at desc) = 1"""
        ).to_arrow_table()


def _landing(home: Home, judged: _Judged, run_id: str) -> Landing:
    """The landing row that a pull would write now: the one before it, with the rows that passed moved over."""
    attempt, contract, good, day = judged.attempt, judged.contract, judged.good, judged.landed_date
    passed = good.num_rows
    findings, event_days = Counter(json.loads(attempt["findings"])), Counter(json.loads(attempt["event_days"]))
    findings.subtract(name for row in judged.rows for name in json.loads(row["reasons"]))
    findings.update(name for row in judged.stays for name in json.loads(row["reasons"]))
    if contract.event_time:
        event_days.update(str(at.astimezone(UTC).date()) for at in good[contract.event_time].to_pylist() if at)
    before = Landing(**{f.name: attempt[f.name] for f in fields(Landing)})
    return replace(
        before,
        landed=before.landed + passed,
        rejected=before.rejected - passed,
        written=passed,
        content_hash=_added(before.content_hash, good),
        event_days=lake.to_json(dict(event_days)),
        findings=lake.to_json({name: count for name, count in findings.items() if count > 0}),
        drift="[]",
        day_version=lake.day_versions(home, contract.name, [day])[day],
        contract_version=contract.version,
        run_id=run_id,
        pulled_at=judged.pulled_at,
    )


def _added(before: str | None, good: pa.Table) -> str:
    """The hash of a day's content with more rows: counts and sums add up, as in Gate.day_counts."""
    count, total = before.split(":") if before else ("0", "0")
    with duckdb.connect() as con:
        con.register("good", good)
        found = con.execute(
            "select count(*), sum(cast(md5_number_lower(content_hash) as hugeint)) from good"
        ).fetchone()
    more, added = found or (0, 0)
    return f"{int(count) + more}:{int(total, 16) + int(added):x}"


def told_of(days: list[ReplayedDay]) -> str:
    """A line per day: rows that passed, and why the others stay."""
    lines = [
        f"{day.stream} {day.landed_date}: {day.passed} of {day.rows} quarantined rows pass"
        + "".join(f"; {count} stay: {why}" for why, count in day.stays.items())
        for day in days
    ]
    return (
        "\n".join(lines)
        or "nothing is in quarantine of these days; days that did not land are asked for by the next run"
    )
