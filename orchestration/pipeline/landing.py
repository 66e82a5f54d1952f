"""Landing: pull a range of days of one stream, pass it through gate 1, and write what is good into the lake.

Good and bad is decided per stream and day. A good day lands at once; a bad day leaves what was there untouched and is
written down as failed, with the reason. Which days to ask for is decided in catch_up.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.pipeline import batch_checks, lake, schema_drift, usual
from orchestration.pipeline.gate import Gate, GateError
from orchestration.pipeline.lake import Landing
from orchestration.pipeline.refusals import new_attempt, record_verdicts
from orchestration.pipeline.schema_drift import SYSTEM_COLUMNS, Drift
from orchestration.pipeline.scratch import scratch_folder
from orchestration.pipeline.storage import told
from orchestration.pipeline.verdicts import Verdict
from orchestration.settings import Settings
from sources.connectors import CONNECTORS, Pull, SourceError, Window, load_all
from sources.profile import Source
from sources.sql_text import identifier

MEMORY_LIMIT = "600MB"  # of one pull; what does not fit spills to the scratch folder
BYTES_PER_PASS = 512 * 1024 * 1024  # of compressed files read at once from a source laid out by day
GAP_DAYS = 7  # wanted days closer than this are asked for in one pull


@dataclass
class StreamLanding:
    """What a range pull of one stream came to: its landings, oldest day first, the verdicts and what drifted."""

    stream: str
    landings: list[Landing] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)

    @property
    def failed(self) -> list[Landing]:
        return [landing for landing in self.landings if landing.state == "failed"]

    @property
    def landed(self) -> list[Landing]:
        return [landing for landing in self.landings if landing.state == "landed"]


def land_stream(
    settings: Settings,
    stream: str,
    days: Sequence[date],
    run_id: str,
    on_day: Callable[[Landing], None] = lambda landing: None,
    now: datetime | None = None,
) -> StreamLanding:
    """Land these days of a stream. `on_day` hears of each day once its outcome is on disk; `now` is the clock's word.

    A source that cannot be read fails its days; nothing is raised for it, so that other streams go on. Raises StorageError
    when the disk under the home is full, read-only or damaged, and TimeoutError when another run holds the stream.
    """
    outcome = StreamLanding(stream)
    for span in passes(settings, stream, days):
        what = f"{stream}: the landing days {span[0]} to {span[-1]} did not land, what had landed stands"
        with told(what, "mend the disk, then run again"):
            while (pulled := _land_pass(settings, stream, span, run_id, now)) is None:
                pass
        outcome.landings += pulled.landings
        outcome.verdicts = _merge(outcome.verdicts, pulled.verdicts)
        outcome.drift += [found for found in pulled.drift if found.column not in {d.column for d in outcome.drift}]
        for landing in pulled.landings:
            on_day(landing)
    if outcome.verdicts:
        record_verdicts(settings.home, f"{new_attempt(datetime.now(UTC))}-{stream}", outcome.verdicts, run_id)
    return outcome


def _merge(before: list[Verdict], after: list[Verdict]) -> list[Verdict]:
    """One verdict per check over all passes of a range: the worse one, with the counts of both."""
    order = {"passed": 0, "failed": 1, "error": 2}
    merged = {verdict.rule: verdict for verdict in before}
    for verdict in after:
        held = merged.get(verdict.rule)
        if held is None or held.status == "passed":
            merged[verdict.rule] = verdict
        elif verdict.status != "passed":
            worse = verdict if order[verdict.status] > order[held.status] else held
            merged[verdict.rule] = replace(
                worse, count=held.count + verdict.count, samples=held.samples + verdict.samples
            )
    return list(merged.values())


def passes(settings: Settings, stream: str, days: Sequence[date]) -> Iterator[list[date]]:
    """Cut the wanted days into pulls: where there is a gap, and where the files of one pull would be too many bytes."""
    span: list[date] = []
    size = 0
    bytes_of = _bytes_by_day(settings, stream, days)
    for day in sorted(set(days)):
        gap = bool(span) and (day - span[-1]) > timedelta(days=GAP_DAYS)
        if gap or (span and size + bytes_of.get(day, 0) > BYTES_PER_PASS):
            yield span
            span, size = [], 0
        span.append(day)
        size += bytes_of.get(day, 0)
    if span:
        yield span


def _bytes_by_day(settings: Settings, stream: str, days: Sequence[date]) -> dict[date, int]:
    profile = settings.profile
    if not days or not profile.is_by_day(stream):
        return {}
    source = profile.sources[profile.streams[stream].source]
    window = Window(min(days), max(days), profile.business.landing_zone)
    sizes: dict[date, int] = {}
    try:
        for file in CONNECTORS[source.connector].listing(source.options, window):
            day = date.fromisoformat(file["day"])
            sizes[day] = sizes.get(day, 0) + int(file["size"])
    except SourceError:
        return {}  # the pull itself meets the same fault, and writes it down
    return sizes


def _land_pass(
    settings: Settings, stream: str, days: list[date], run_id: str, now: datetime | None
) -> StreamLanding | None:
    """None when another run has pulled one of these days later and landed it first: what was pulled here is old."""
    pulled_at = lake.next_pull(settings.home, stream, now or datetime.now(UTC))
    with scratch_database(settings, stream) as con:
        try:
            gate, listing = open_gate(settings, stream, days, con)
            gate.split(days, pulled_at)
            fields = schema_drift.fields_now(gate, gate.before)
            if changed := schema_drift.changed_type(stream, gate.before, fields):
                raise GateError(changed)
        except (SourceError, GateError) as error:
            return _all_failed(settings, stream, days, str(error), run_id, pulled_at)
        with lake.stream_lock(settings.home, stream):
            return _decide_alone(settings, gate, days, listing, fields, run_id, pulled_at)


@contextlib.contextmanager
def scratch_database(settings: Settings, stream: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database for one pull, bounded in memory, gone afterwards."""
    with scratch_folder(settings.home, stream) as scratch, duckdb.connect(f"{scratch}/pull.duckdb") as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        con.execute(f"set temp_directory = '{scratch}/spill'")
        yield con


def open_gate(
    settings: Settings, stream: str, days: list[date], con: duckdb.DuckDBPyConnection
) -> tuple[Gate, list[dict[str, Any]]]:
    """Register the stream's sources in `con`, switch external access off, and map the rows; with what files there were.

    Raises SourceError or GateError.
    """
    profile = settings.profile
    mapping = profile.streams[stream]
    window = Window(days[0], days[-1], profile.business.landing_zone)
    main = profile.sources[mapping.source]
    con.execute(f"set TimeZone = '{main.zone}'")
    wanted = [_pull(main, window)]
    if mapping.query:
        # loaded together with the main source: rows of one moment, where a connector can do that
        wanted += [
            _pull(source, None)
            for name, source in profile.sources.items()
            if name != main.name and name in mapping.query
        ]
    listing = load_all(con, wanted)
    con.execute("set enable_external_access = false")
    before = schema_drift.fields_before(lake.read_landings(settings.home), stream, days[0])
    gate = Gate(con, profile, stream, settings.hash_key, _may_lack_columns(con, main), before)
    gate.map_rows()
    return gate, listing


def _pull(source: Source, window: Window | None) -> tuple[str, Pull]:
    return source.connector, Pull(source.name, source.options, window, source.zone)


def _may_lack_columns(con: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """JSON lines leave out what is empty, and a window without any file has no columns at all.

    A file that has columns and no rows has to have the right ones: a page that says `sign in` is no empty day.
    """
    if getattr(source.options, "may_lack_columns", False):
        return True
    columns = con.execute(f"describe {identifier(source.name)}").fetchall()
    return not {name for name, *_ in columns} - set(SYSTEM_COLUMNS)


def _decide_alone(
    settings: Settings,
    gate: Gate,
    days: list[date],
    listing: list[dict[str, Any]],
    fields: dict[str, Any],
    run_id: str,
    pulled_at: datetime,
) -> StreamLanding | None:
    """Judge each day, write the good ones, and write down all of them. Nobody else writes to the stream meanwhile.

    None when a later pull has landed meanwhile.
    """
    profile, stream = settings.profile, gate.stream
    landings = lake.read_landings(settings.home)
    before = lake.last_good(landings)
    if any(before[stream, day]["pulled_at"] >= pulled_at for day in days if (stream, day) in before):
        return None
    own = landings.filter(pa.compute.equal(landings["stream"], stream)).to_pylist()
    history = usual.history(own, profile.settle_days(stream), profile.business.landing_zone)
    counts: dict[date, Any] = gate.day_counts()
    rows = sum(count["pulled"] for count in counts.values())
    drifted = [
        *schema_drift.unknown_columns(gate),
        *schema_drift.vanished_fields(gate.before, fields, rows),
    ]
    outcome = StreamLanding(stream, drift=schema_drift.not_reported_yet(drifted, stream, landings))
    outcome.verdicts, refused = batch_checks.judge(
        profile, stream, days, counts, history, pulled_at, gate.undated_share()
    )
    good = [day for day in days if day not in refused]
    written = _write(settings, gate, good, counts, {d: before.get((stream, d)) for d in good}, run_id, pulled_at)
    now_held = lake.day_versions(settings.home, stream, good)
    by_day = profile.is_by_day(stream)
    for day in days:
        count = counts.get(day, batch_checks.no_rows())
        reason = None
        if day in refused:
            reason = batch_checks.explain(profile, stream, day, count, refused[day], gate.samples(day))
            changes = schema_drift.before_and_after(gate, gate.before, day, count["rules"])
            reason += "".join(f"; {line}" for line in changes)
        outcome.landings.append(
            Landing(
                stream=stream,
                landed_date=day,
                state="failed" if reason else "landed",
                pulled=count["pulled"],
                landed=count["landed"],
                rejected=count["rejected"],
                written=written.get(day, 0),
                content_hash=count["content_hash"],
                event_days=lake.to_json(count["event_days"]),
                findings=lake.to_json(_findings(count)),
                listing=lake.to_json([f for f in listing if not by_day or f.get("day") in (None, day.isoformat())]),
                reason=reason,
                contract_version=profile.contract(stream).version,
                run_id=run_id,
                pulled_at=pulled_at,
                drift=lake.to_json([asdict(found) for found in outcome.drift] if day == days[0] else []),
                day_version=now_held.get(day),
                fields=lake.to_json(fields if good and day == good[0] else {}),
                newest_at=count["newest_at"],
            )
        )
    lake.append_landings(settings.home, outcome.landings)
    return outcome


def _findings(count: dict[str, Any]) -> dict[str, int]:
    """What the gate found on a day and let pass: rows per rule, and what was repeated within the pull."""
    repeats = {name: count[name] for name in lake.REPEATS if count[name]}
    return {**count["rules"], **repeats}


def _write(
    settings: Settings,
    gate: Gate,
    days: list[date],
    counts: dict[date, Any],
    before: dict[date, Any],
    run_id: str,
    pulled_at: datetime,
) -> dict[date, int]:
    """Write the good days' rows and quarantine. Returns the rows written per day; the same content is no commit."""
    con, home, contract = gate.con, settings.home, gate.contract
    con.execute("set TimeZone = 'UTC'")
    lake.replace_quarantine(home, gate.stream, days, _of_days(gate.quarantined(run_id, pulled_at), days))
    lake.forget_missing_files(home, gate.stream, days)
    held = lake.day_versions(home, gate.stream, days)
    changed = [
        day
        for day in days
        if before[day] is None
        or counts.get(day, batch_checks.no_rows())["content_hash"] != before[day]["content_hash"]
        or held[day] != before[day]["day_version"]  # written after its last landing row: by a killed run, by tombstones
    ]
    if not changed:
        return {}
    con.execute("create or replace temp table changed (landed_date date primary key)")
    con.executemany("insert into changed values (?)", [[day] for day in changed])
    rows = "select good.* from good semi join changed using (landed_date)"
    if contract.kind == "mutable":
        held_versions = lake.newest_versions(home, contract, changed)
        if held_versions is not None:
            con.register("held_versions", held_versions)
            rows = f"""
                with new_versions as (
                    select landed_date, version_key
                    from ({lake.versions_sql("(select good.* from good semi join changed using (landed_date))", contract)})
                    anti join held_versions using (landed_date, version_key, version_hash)
                )
                select good.* from good join new_versions
                on good.landed_date = new_versions.landed_date and {lake.key_sql(contract, "good.")} = new_versions.version_key
            """
    con.execute(f"create or replace temp {'view' if contract.kind == 'immutable' else 'table'} written as {rows}")
    found = con.execute("select landed_date, count(*) from written group by 1").fetchall()
    if contract.kind == "immutable":
        if found or any(held[day] != lake.EMPTY_DAY for day in changed):
            lake.replace_days(home, gate.stream, changed, _reader(con, len(found)))
    elif found:
        lake.append_rows(home, gate.stream, _reader(con, len(found)))
    return dict(found)


def _reader(con: duckdb.DuckDBPyConnection, days: int) -> pa.RecordBatchReader:
    """What is to be written, day by day; a single day needs no sorting, which would hold all of it at once."""
    order = "order by landed_date" if days > 1 else ""
    return con.execute(f"select * from written {order}").to_arrow_reader(50_000)


def _of_days(table: pa.Table, days: list[date]) -> pa.Table:
    return table.filter(pa.compute.is_in(table["landed_date"], pa.array(days, pa.date32())))


def _all_failed(
    settings: Settings, stream: str, days: list[date], reason: str, run_id: str, pulled_at: datetime
) -> StreamLanding:
    """No row could be judged: every day of the pull is written down as failed, for the same reason."""
    contract = settings.profile.contract(stream)
    landings = [
        Landing(stream, day, "failed", 0, 0, 0, 0, None, "{}", "{}", "[]", reason, contract.version, run_id, pulled_at)
        for day in days
    ]
    lake.append_landings(settings.home, landings)
    verdict = Verdict(
        "gate_1",
        stream,
        batch_checks.SOURCE_READABLE,
        "error",
        "failed",
        contract.owner,
        reason,
        len(days),
        [day.isoformat() for day in days[:3]],
        "Look at the source; the missing days are pulled again by the next run.",
    )
    return StreamLanding(stream, landings, [verdict])
