"""Publishing: gate 2's last word, then a new snapshot folder, linked in by one atomic rename.

A reader opens `published/current/marts.duckdb` read-only and sees the old set or the new set, never a mixture. What a
refused publication leaves behind is its verdicts, outside `published/`.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.pipeline import lake, ledger, origins, schema_drift, snapshots
from orchestration.pipeline.refusals import PublicationRefused, new_attempt, record_verdicts
from orchestration.pipeline.storage import told
from orchestration.pipeline.verdicts import Verdict, worst_first
from orchestration.settings import Settings
from sources.contract import load_contracts
from sources.sql_text import literal

MARTS_SCHEMA = "marts"
VERSIONS_OF = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "deltalake", "dlt", "great-expectations")


@dataclass(frozen=True)
class Publication:
    """A published snapshot: its id, its folder, and what `publication.json` says."""

    id: str
    folder: Path
    manifest: dict[str, Any]


def publish(settings: Settings, verdicts: Sequence[Verdict], run_id: str, now: datetime | None = None) -> Publication:
    """Write, check and link a new snapshot of the warehouse's marts.

    Raises PublicationRefused when a verdict blocks, and when there are no verdicts at all: nothing unchecked is published.
    Raises StorageError when the disk under the home is full, read-only or damaged.
    """
    published_at = _after_what_is_shown(settings, now or datetime.now(UTC))
    publication_id = new_attempt(published_at)
    with told(
        f"{settings.home.path}: nothing was published, readers see what they saw", "mend the disk, then run again"
    ):
        record = record_verdicts(settings.home, publication_id, verdicts, run_id)
    if not verdicts:
        missing = Verdict(
            "gate_2",
            "publication",
            "has_verdicts",
            "error",
            "error",
            "data-platform",
            "no check was evaluated",
            fix="Build the marts first.",
        )
        raise PublicationRefused(settings.home, [missing], record, published_at)
    if any(verdict.blocks for verdict in verdicts):
        raise PublicationRefused(settings.home, verdicts, record, published_at)
    snapshots.retention()  # a wrong setting is told before anything is written
    remedy = "mend the disk, then run again (`make rebuild` where it is the warehouse that is damaged)"
    with snapshots.lock(settings.home):
        with told(f"{settings.home.published}: nothing was published, readers see what they saw", remedy):
            shown = _show(settings, publication_id, published_at, verdicts, run_id)
        unwritten = f"{publication_id} is published, and not yet in the ledger; the next publication writes it down"
        with told(unwritten, remedy):
            ledger.record(settings.home, ledger.Snapshot(publication_id, published_at, shown.folder))
        snapshots.retire(settings.home.published, published_at)
    return shown


def _show(
    settings: Settings, publication_id: str, published_at: datetime, verdicts: Sequence[Verdict], run_id: str
) -> Publication:
    """Write the snapshot, read it back, and link it."""
    published = settings.home.published
    published.mkdir(parents=True, exist_ok=True)
    snapshots.clear_unfinished(published)
    snapshots.settle(settings.home)
    before = snapshots.shown(settings.home)
    if before:
        ledger.record(settings.home, before)  # the run that linked it may have been killed right after
    folder = published / f".unfinished-{publication_id}"
    folder.mkdir()
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        counts = _write_marts(settings, folder, publication_id, published_at, _accepted(verdicts))
        origins.write(settings.home, folder)
        ledger.write_changes(before, ledger.Snapshot(publication_id, published_at, folder), folder / ledger.CHANGES)
        counts |= ledger.add_tables(settings.home, folder)
        manifest = _manifest(settings, publication_id, published_at, verdicts, run_id, counts, folder)
        reported = schema_drift.reported_since(
            lake.read_landings(settings.home), before.published_at if before else None
        )
        manifest["schema_drift"] = reported
        manifest["restatements"] = ledger.restatements(before, folder)
        (folder / "publication.json").write_text(json.dumps(manifest, indent=2, default=str) + "\n", encoding="utf-8")
        _check(folder, counts, publication_id)
        _sync(folder)
        final = published / publication_id
        os.rename(folder, final)
        undo.pop_all()
    snapshots.link(published, publication_id)
    return Publication(publication_id, final, manifest)


def current(settings: Settings) -> Publication | None:
    """The publication that readers see now, or None before the first."""
    manifest = settings.home.current / "publication.json"
    if not manifest.is_file():
        return None
    said = json.loads(manifest.read_text(encoding="utf-8"))
    return Publication(said["publication_id"], settings.home.current.resolve(), said)


def _accepted(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The checks that failed and were accepted for this run, with the reason."""
    return {verdict.name: verdict.accepted for verdict in verdicts if verdict.accepted}


def _after_what_is_shown(settings: Settings, now: datetime) -> datetime:
    """When this is published: now; where the clock has gone back, a second after what readers see, so that it is newer."""
    standing = current(settings)
    shown_at = datetime.fromisoformat(standing.manifest["published_at"]) if standing else now
    return now if now >= shown_at else shown_at + timedelta(seconds=1)


def _write_marts(
    settings: Settings, folder: Path, publication_id: str, published_at: datetime, accepted: dict[str, str]
) -> dict[str, int]:
    """Copy every mart, its comments included, into marts.duckdb and Parquet. Returns the rows per table."""
    counts: dict[str, int] = {}
    target = folder / "marts.duckdb"
    with duckdb.connect(str(target)) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach {literal(str(settings.home.warehouse))} as warehouse (read_only)")
        tables = con.execute(
            "select table_name, comment from duckdb_tables() where database_name = 'warehouse' and schema_name = ? order by 1",
            [MARTS_SCHEMA],
        ).fetchall()
        for table, comment in tables:
            con.execute(f'create table "{table}" as select * from warehouse.{MARTS_SCHEMA}."{table}" order by all')
            if comment:
                con.execute(f'comment on table "{table}" is {literal(comment)}')
        for table, column, comment in con.execute(
            """select table_name, column_name, comment from duckdb_columns()
               where database_name = 'warehouse' and schema_name = ? and comment is not null""",
            [MARTS_SCHEMA],
        ).fetchall():
            con.execute(f'comment on column "{table}"."{column}" is {literal(comment)}')
        con.execute(
            f"""create table dim_publication as
                select {literal(publication_id)} as publication_id,
                       timestamp '{published_at.replace(tzinfo=None)}' as published_at,
                       {literal(settings.profile.name)} as profile_name,
                       {literal(settings.profile.business.reporting_zone)} as reporting_zone,
                       {literal(settings.profile.business.currency)} as currency,
                       {literal("; ".join(f"{check}: {reason}" for check, reason in accepted.items()))} as accepted_checks"""
        )
        con.execute(
            """create view dim_publication_age as
               select *, date_diff('hour', published_at, make_timestamp(epoch_us(now()))) as age_hours from dim_publication"""
        )
        for table in [name for name, _ in tables] + ["dim_publication"]:
            parquet = folder / f"{table}.parquet"
            con.execute(f'copy (select * from "{table}") to {literal(str(parquet))} (format parquet)')
            found = con.execute(f'select count(*) from "{table}"').fetchone()
            counts[table] = found[0] if found else 0
        con.execute("detach warehouse")
        con.execute("checkpoint")
    return counts


def _manifest(
    settings: Settings,
    publication_id: str,
    published_at: datetime,
    verdicts: Sequence[Verdict],
    run_id: str,
    counts: dict[str, int],
    folder: Path,
) -> dict[str, Any]:
    profile = settings.profile
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        windows = con.execute(
            """select stream, min(landed_date) filter (where state = 'landed'), max(landed_date) filter (where state = 'landed'),
                      count(*) filter (where state = 'landed'), count(*) filter (where state = 'missing'),
                      count(*) filter (where state = 'failed')
               from fct_coverage group by stream order by stream"""
        ).fetchall()
        unavailable = con.execute(
            "select kpi_id, unavailable_reason from dim_kpi where not is_available order by kpi_id"
        ).fetchall()
        waiting = con.execute(
            """select kpi_id, published_to_date, waits_for_streams from dim_kpi
               where is_available and waits_for_streams <> '' order by kpi_id"""
        ).fetchall()
    names = ("first_landed_date", "last_landed_date", "landed_days", "missing_days", "failed_days")
    return {
        "publication_id": publication_id,
        "published_at": published_at.isoformat(),
        "run_id": run_id,
        "profile": {"name": profile.name, "title": profile.title},
        "landing_zone": profile.business.landing_zone,
        "reporting_zone": profile.business.reporting_zone,
        "currency": profile.business.currency,
        "windows": {stream: dict(zip(names, row, strict=True)) for stream, *row in windows},
        "unavailable_kpis": dict(unavailable),
        "waiting_kpis": {kpi: {"published_to": to, "waits_for": streams} for kpi, to, streams in waiting},
        "findings": _findings(settings),
        "row_counts": counts,
        "accepted": _accepted(verdicts),
        "verdicts": [verdict.as_dict() for verdict in worst_first(verdicts)],
        "versions": {
            "contracts": {name: load_contracts()[name].version for name in profile.streams},
            **{name: importlib.metadata.version(name) for name in VERSIONS_OF},
        },
    }


def _findings(settings: Settings) -> dict[str, dict[str, Any]]:
    """Per stream, over the days of the plan: rows landed and rejected, days without rows, rows per broken rule, keys that
    stood on more than one row of a pull, and `duplicates`: the rows removed because they say the same."""
    found: dict[str, dict[str, Any]] = {}
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as con:
        plan = con.execute(
            """select stream, row_count, pulled_count, rejected_count, findings
               from plan.lake_plan where is_landed order by stream, landed_date"""
        ).fetchall()
        duplicates = con.execute(
            "select stream, cast(sum(duplicate) as bigint) from intermediate.int_lake__conservation group by stream"
        ).fetchall()
    for stream, landed, pulled, rejected, said in plan:
        mapping = settings.profile.streams.get(stream)
        total = found.setdefault(stream, {"landed": 0, "rejected": 0, "empty_days": 0, "rules": {}})
        total["landed"] += landed
        total["rejected"] += rejected
        total["empty_days"] += int(pulled == 0 and (mapping is None or mapping.empty_days != "expected"))
        for name, count in json.loads(said).items():
            counts = total if name in lake.REPEATS else total["rules"]
            counts[name] = counts.get(name, 0) + count
    for stream, rows in duplicates:
        if stream in found:
            found[stream]["duplicates"] = rows
    return found


def _check(folder: Path, counts: dict[str, int], publication_id: str) -> None:
    """Read back what was written, as a reader would, before anybody can see it."""
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        stamp = con.execute("select publication_id from dim_publication").fetchall()
        if stamp != [(publication_id,)]:
            raise RuntimeError(f"{folder}: the snapshot's stamp is {stamp}, not {publication_id}")
        for table, rows in counts.items():
            parquet = literal(str(folder / f"{table}.parquet"))
            found = con.execute(
                f'select (select count(*) from "{table}"), (select count(*) from read_parquet({parquet}))'
            ).fetchone()
            if found != (rows, rows):
                raise RuntimeError(f"{folder}: {table} has {found} rows in DuckDB and Parquet, and {rows} were written")


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
