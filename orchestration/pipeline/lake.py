"""The lake: one Delta table per stream, its quarantine, and the append-only `landings` that say what landed when.

Data is written first and the landing row second: a crash between leaves a day without a landing row, and the day is
pulled again. Judging rows and deciding about days do not belong here.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from filelock import FileLock, Timeout

from orchestration.pipeline.storage import told
from orchestration.settings import Home
from sources.contract import Contract

LOCK_SECONDS = 3600.0
EMPTY_DAY = "0"  # the version of a landed day without rows
LANDINGS_SCHEMA = pa.schema(
    [
        ("stream", pa.string()),
        ("landed_date", pa.date32()),
        ("state", pa.string()),  # landed | failed
        ("pulled", pa.int64()),
        ("landed", pa.int64()),
        ("rejected", pa.int64()),
        ("written", pa.int64()),  # rows that this pull added or replaced; 0 when the content was there already
        ("content_hash", pa.string()),
        ("event_days", pa.string()),  # JSON {day: rows}, in UTC
        ("findings", pa.string()),  # JSON {rule: rows}, and REPEATS where keys were repeated
        ("listing", pa.string()),  # JSON of the source's files
        ("drift", pa.string()),  # JSON of what the pull reports as schema drift, on its first day
        (
            "fields",
            pa.string(),
        ),  # JSON of what the pull saw of the mapped fields (schema_drift), on its first landed day
        ("newest_at", pa.timestamp("us", tz="UTC")),  # of all rows of the day, by cursor (by event time of file days)
        ("day_version", pa.string()),  # what the lake held of the day when this row was written (HeldDay.version)
        ("reason", pa.string()),
        ("contract_version", pa.string()),
        ("run_id", pa.string()),
        ("pulled_at", pa.timestamp("us", tz="UTC")),
    ]
)

REPEATS = ("repeated_ids", "repeated_rows")  # keys on more than one row of a pull, and their rows on a landing day

# A day's version is read from the log (HeldDay), so pulled_at needs statistics wherever it stands among the columns.
TABLE_CONFIGURATION = {"delta.dataSkippingStatsColumns": "pulled_at"}
ROW_GROUPS = WriterProperties(max_row_group_size=131_072)  # a row group is held in memory while it is written


@dataclass(frozen=True)
class Landing:
    """One attempt to land one day of one stream. Grain of `landings`: one row per attempt."""

    stream: str
    landed_date: date
    state: str
    pulled: int
    landed: int
    rejected: int
    written: int
    content_hash: str | None
    event_days: str
    findings: str
    listing: str
    reason: str | None
    contract_version: str
    run_id: str
    pulled_at: datetime
    drift: str = "[]"
    day_version: str | None = None
    fields: str = "{}"
    newest_at: datetime | None = None


@contextlib.contextmanager
def stream_lock(home: Home, stream: str, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold a stream's table: what is decided from its content is written before anybody else writes to it.

    Raises TimeoutError when another run holds it for longer than `seconds`.
    """
    home.locks.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.locks / f"{stream}.lock", timeout=seconds):
            yield
    except Timeout:
        raise TimeoutError(
            f"{stream}: its table was held by another run for {seconds:.0f} s; wait for that run, or stop it, and run again"
        ) from None


def _open(path: Path) -> DeltaTable | None:
    with told(f"{path} cannot be opened", _remedy(path)):
        return DeltaTable(str(path)) if DeltaTable.is_deltatable(str(path)) else None


def _remedy(path: Path) -> str:
    """What to do about a table that is damaged."""
    again = (
        "every day is pulled again then" if path.name == "landings" else f"make backfill STREAM={path.name} FROM=… TO=…"
    )
    return f"restore the folder from the backup; without one, move it away and pull again: {again}"


def stream_table(home: Home, stream: str) -> DeltaTable | None:
    """The stream's table, or None before its first landing."""
    return _open(home.lake / stream)


@dataclass(frozen=True)
class HeldDay:
    """What one version of a stream's table holds of a landing day."""

    files: list[str]  # absolute Parquet paths
    rows: int
    first_pulled_at: datetime  # of the oldest and of the newest pull that wrote rows, to the millisecond
    last_pulled_at: datetime

    @property
    def version(self) -> str:
        """Names the content: another pull makes another version, compaction of the files does not."""
        return f"{self.rows}:{self.first_pulled_at.isoformat()}:{self.last_pulled_at.isoformat()}"


def held_days(table: DeltaTable | None) -> dict[date, HeldDay]:
    """What the version that `table` is at holds, per landing day; from the log alone, no file is opened."""
    if table is None:
        return {}
    actions = pa.table(table.get_add_actions(flatten=True))
    if not actions.num_rows:
        return {}
    root = Path(table.table_uri.removeprefix("file://"))
    held: dict[date, HeldDay] = {}
    columns = ("partition.landed_date", "path", "num_records", "min.pulled_at", "max.pulled_at")
    for day, path, rows, first, last in zip(*(actions.column(name).to_pylist() for name in columns), strict=True):
        before = held.get(day)
        held[day] = (
            HeldDay(
                sorted([*before.files, str(root / path)]),
                before.rows + rows,
                min(before.first_pulled_at, first),
                max(before.last_pulled_at, last),
            )
            if before
            else HeldDay([str(root / path)], rows, first, last)
        )
    return dict(sorted(held.items()))


def day_versions(home: Home, stream: str, days: Iterable[date]) -> dict[date, str]:
    """What the lake holds of these days now, by name (HeldDay.version); EMPTY_DAY for nothing."""
    held = held_days(stream_table(home, stream))
    return {day: held[day].version if day in held else EMPTY_DAY for day in days}


def backfill_command(stream: str, days: Iterable[date]) -> str:
    """The command that pulls these days of a stream again."""
    return f"make backfill STREAM={stream} FROM={min(days)} TO={max(days)}"


def _in_days(days: Iterable[date]) -> str:
    return "landed_date in (" + ", ".join(f"'{day.isoformat()}'" for day in sorted(days)) + ")"


def _append(path: Path, rows: pa.Table | pa.RecordBatchReader, transaction: str | None = None) -> None:
    """Append; a field that is new in the contract becomes a column, empty in the rows before it."""
    write_deltalake(
        str(path),
        rows,
        mode="append",
        schema_mode="merge",
        partition_by=["landed_date"],
        configuration=TABLE_CONFIGURATION,
        commit_properties=CommitProperties(app_transactions=[Transaction(transaction, 1)]) if transaction else None,
        writer_properties=ROW_GROUPS,
    )


def replace_days(home: Home, stream: str, days: Sequence[date], rows: pa.RecordBatchReader) -> None:
    """Make the lake's content of these landing days exactly `rows`, in one commit. A day without rows becomes empty."""
    table = stream_table(home, stream)
    if table is None:
        _append(home.lake / stream, rows)
        return
    write_deltalake(
        table,
        rows,
        mode="overwrite",
        schema_mode="merge",
        predicate=_in_days(days),
        writer_properties=ROW_GROUPS,
    )


def append_rows(home: Home, stream: str, rows: pa.Table | pa.RecordBatchReader, transaction: str | None = None) -> None:
    """Add rows in one commit, versions of a mutable stream as a rule; `transaction` names the commit in the table's log."""
    _append(home.lake / stream, rows, transaction)


def replace_quarantine(home: Home, stream: str, days: Sequence[date], rows: pa.Table) -> None:
    """Make the quarantine of these landing days exactly `rows`; nothing is committed when there is nothing to change."""
    path = home.quarantine / stream
    table = _open(path)
    if table is None:
        if rows.num_rows:
            _append(path, rows)
        return
    held = set(held_days(table)) & set(days)
    if rows.num_rows or held:
        write_deltalake(table, rows, mode="overwrite", schema_mode="merge", predicate=_in_days(days))


def read_quarantine(home: Home, stream: str) -> pa.Table | None:
    """Every quarantined row of the stream; None where there was never one."""
    table = _open(home.quarantine / stream)
    return None if table is None else table.to_pyarrow_table()


def open_all(home: Home) -> None:
    """Open `landings` and every stream's table. Raises StorageError at the first one that is damaged."""
    for path in (home.landings, *sorted(home.lake.glob("*"))):
        _open(path)


def forget_missing_files(home: Home, stream: str, days: Iterable[date]) -> None:
    """Take files that are gone out of the stream's table, where they held rows of these days: a damaged file that was
    moved away. What they held counts as not landed, and is written again from the pull."""
    table = stream_table(home, stream)
    held = held_days(table)
    if table and not all(Path(path).is_file() for day in days if day in held for path in held[day].files):
        table.repair()


def newest_versions(home: Home, contract: Contract, days: Sequence[date]) -> pa.Table | None:
    """Per landing day and key (or set key), a fingerprint of the newest version that the lake holds.

    Columns: landed_date, version_key, version_hash. None when the lake holds nothing of these days.
    """
    held = held_days(stream_table(home, contract.name))
    files = [path for day in days if day in held for path in held[day].files]
    if not files:
        return None
    remedy = f"restore that file from the backup, or move it away; then {backfill_command(contract.name, days)}"
    with duckdb.connect() as con, told(f"{contract.name}: what the lake holds cannot be read", remedy, duckdb.Error):
        return con.execute(
            versions_sql("read_parquet($files, hive_partitioning=true, union_by_name=true)", contract), {"files": files}
        ).to_arrow_table()


def key_sql(contract: Contract, prefix: str = "") -> str:
    """Text that identifies a row's key; for streams that come as whole sets, the set's key."""
    names = (contract.set_key,) if contract.set_key else contract.key
    types = {field.name: field.type for field in contract.fields}
    columns = {name: f"epoch_us({prefix}{name})" if types[name] == "timestamptz" else prefix + name for name in names}
    parts = [f"coalesce(cast({columns[name]} as varchar), '')" for name in names]
    return " || chr(31) || ".join(parts)


def versions_sql(relation: str, contract: Contract) -> str:
    """The newest version per landing day and key in `relation`: landed_date, version_key, version_hash."""
    return f"""
        with rows as (
            select landed_date, {key_sql(contract)} as version_key, updated_at, pulled_at, content_hash
            from {relation}
        ), ranked as (
            select *, rank() over (partition by landed_date, version_key order by updated_at desc, pulled_at desc) as rank
            from rows
        )
        select landed_date, version_key, md5(string_agg(content_hash, ',' order by content_hash)) as version_hash
        from ranked where rank = 1 group by all
    """


FILES_SQL = "read_parquet($files, hive_partitioning = true, hive_types = {'landed_date': date}, union_by_name = true)"
"""The rows of Parquet files of a stream's table, given as the parameter `files`; landed_date is a date."""


def standing_sql(relation: str, contract: Contract) -> str:
    """The rows of `relation` that stand: of a mutable stream the newest version of each key, unless it is a tombstone."""
    if contract.kind == "immutable":
        return f"select * from {relation}"
    return f"""
        select * exclude (_position) from (
            select *, rank() over (
                partition by {key_sql(contract)}
                order by updated_at desc nulls last, pulled_at desc, landed_date desc
            ) as _position
            from {relation}
        ) where _position = 1 and content_hash is not null
    """


def append_landings(home: Home, landings: Sequence[Landing]) -> None:
    """Write down attempts, in one commit. Always the last write of a landing."""
    if not landings:
        return
    rows = pa.Table.from_pylist([asdict(landing) for landing in landings], schema=LANDINGS_SCHEMA)
    write_deltalake(str(home.landings), rows, mode="append", schema_mode="merge")


def read_landings(home: Home) -> pa.Table:
    """All attempts, in the order in which they were written down."""
    table = _open(home.landings)
    if table is None:
        return LANDINGS_SCHEMA.empty_table()
    with told(f"{home.landings} cannot be read", _remedy(home.landings)):
        rows = table.to_pyarrow_table().sort_by("pulled_at")
    for missing in LANDINGS_SCHEMA:  # written by an older version
        if missing.name not in rows.column_names:
            rows = rows.append_column(missing, pa.nulls(rows.num_rows, missing.type))
    return rows


def next_pull(home: Home, stream: str, now: datetime) -> datetime:
    """The instant that a pull is stamped with: now; where the clock has gone back, later than all pulls before it.

    What is newest is told by these stamps, so a pull must never seem older than one that it follows.
    """
    landings = read_landings(home)
    before: list[datetime] = landings.filter(pa.compute.equal(landings["stream"], stream))["pulled_at"].to_pylist()[-1:]
    before += [day.last_pulled_at for day in held_days(stream_table(home, stream)).values()]
    return max([now, *(stamp + timedelta(milliseconds=1) for stamp in before)])


def last_good(landings: pa.Table) -> dict[tuple[str, date], dict[str, Any]]:
    """The newest good attempt per stream and landing day."""
    good: dict[tuple[str, date], dict[str, Any]] = {}
    for row in landings.to_pylist():
        if row["state"] == "landed":
            good[row["stream"], row["landed_date"]] = row
    return good


def to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
