"""The restatement ledger: an append-only log of every change of `fct_kpi` that readers could see, and what readers get of it.

A publication's changes are written into its own folder before it is linked, and appended to the ledger after that, in one
commit that names the publication. A crash between the two is made good by the next publication. What a publication was
made of, and so why a number changed, is origins.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from orchestration.pipeline import origins
from orchestration.pipeline.lake import to_json
from orchestration.pipeline.storage import told
from orchestration.settings import Home
from sources.sql_text import literal

CHANGES = f"{origins.RECORD}/changes.parquet"


@dataclass(frozen=True)
class Snapshot:
    """A publication as the ledger sees it: `published_at` in UTC, and the folder that holds `fct_kpi.parquet`."""

    id: str
    published_at: datetime
    folder: Path


@dataclass(frozen=True)
class Column:
    """A column of the ledger or of a table made of it: its DuckDB type, and its comment."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """A table that readers get in marts.duckdb; `query` is over `changes`, the ledger's rows."""

    name: str
    description: str
    columns: tuple[Column, ...]
    query: str


STAMP = (
    Column("publication_id", "varchar", "The publication that showed this first."),
    Column("published_at", "timestamp", "When that publication was made; UTC."),
)
PREVIOUS = (
    Column("previous_publication_id", "varchar", "The publication that readers saw until then; NULL for the first."),
    Column("previous_published_at", "timestamp", "When that one was made; UTC."),
)
CHANGE = Column(
    "change",
    "varchar",
    "published: not shown before. restated: shown as complete and mature, and its numbers differ now. "
    "updated: any other difference. withdrawn: no longer shown.",
)
IS_RESTATEMENT = Column(
    "is_restatement", "boolean", "Whether a value that was to stay has changed: restated, or withdrawn while mature."
)
KEY = (
    Column("kpi_id", "varchar", "The KPI, as in dim_kpi."),
    Column("grain", "varchar", "day, week, month or quarter."),
    Column("period_start", "date", "First day of the period in the reporting zone."),
    Column("dimension", "varchar", "all for the total, else the dimension."),
    Column("segment", "varchar", "all for the total, else the value of the dimension."),
)
NUMBERS = (
    Column("numerator", "decimal(28,6)", "Numerator, or the number itself; NULL where incomplete or withdrawn."),
    Column("denominator", "decimal(28,6)", "Denominator of a ratio; NULL else and where incomplete or withdrawn."),
    Column("value", "double", "The value, in the unit of dim_kpi; NULL where incomplete or withdrawn."),
    Column("n", "bigint", "Rows or persons behind the value; NULL where incomplete or withdrawn."),
)
FLAGS = (
    Column("is_complete", "boolean", "Whether it was shown as complete; NULL where withdrawn."),
    Column("is_mature", "boolean", "Whether it was shown as mature; NULL where withdrawn."),
)
BEFORE = tuple(
    Column(f"{column.name}_before", column.type, f"{column.name}, as the publication before showed it.")
    for column in (*NUMBERS, *FLAGS)
)
CAUSES = (
    Column("causes", "varchar", "What the two publications of this KPI were made of and what differs there, in words."),
    Column(
        "changed_days", "varchar", "JSON: per stream the ranges of landing days whose content differs, ends included."
    ),
    Column("changed_definitions", "varchar", "JSON: the parts of the KPI's definition that differ."),
)
LEDGER = (*STAMP, *PREVIOUS, CHANGE, IS_RESTATEMENT, *KEY, *NUMBERS, *FLAGS, *BEFORE, *CAUSES)


def _list(columns: tuple[Column, ...], prefix: str = "") -> str:
    return ", ".join(prefix + column.name for column in columns)


TABLES = (
    Table(
        "fct_kpi_history",
        "What readers were shown of each KPI value, and from which publication on. Grain: one row per KPI, grain, period, "
        "dimension, segment and publication that changed it.",
        (
            *KEY,
            *STAMP,
            Column("replaced_at", "timestamp", "When a later publication changed it; UTC. NULL: it still stands."),
            CHANGE,
            *NUMBERS,
            *FLAGS,
        ),
        f"""select *, lead(published_at) over (partition by {_list(KEY)} order by published_at, publication_id) as replaced_at
            from changes order by {_list(KEY)}, published_at, publication_id""",
    ),
    Table(
        "fct_kpi_restatements",
        "Values that were shown as complete and mature and differ now or are gone, newest first. Grain: one row per KPI, "
        "grain, period, dimension, segment and publication that restated it.",
        (*STAMP, *PREVIOUS, *KEY, CHANGE, *NUMBERS, *BEFORE[: len(NUMBERS)], *FLAGS, *CAUSES),
        f"select * from changes where is_restatement order by published_at desc, publication_id, {_list(KEY)}",
    ),
)


def write_changes(before: Snapshot | None, after: Snapshot, target: Path) -> None:
    """Compare what readers see with what `after` shows, and write what the ledger gets for it (columns: LEDGER) to the
    Parquet file `target`. Without `before`, everything is shown for the first time; unchanged, the file has no rows.
    """
    causes = origins.differences(before.folder, after.folder) if before else {}
    rows = [
        {
            "kpi_id": kpi,
            "causes": c.text,
            "changed_days": to_json(c.days),
            "changed_definitions": to_json(c.definitions),
        }
        for kpi, c in causes.items()
    ]
    names = ("kpi_id", *(column.name for column in CAUSES))
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("causes", pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names])))
        con.execute(f"create view shown_now as from {_parquet(after.folder / 'fct_kpi.parquet')}")
        if before:
            # That a value stays was promised by the publication that showed it, so its own dim_kpi says whether it was.
            con.execute(
                f"""create view shown_before as
                    select f.*, f.is_complete and f.is_mature and not coalesce(
                        list_contains(string_split(k.current_dimensions, ' '), f.dimension), false) as is_to_stay
                    from {_parquet(before.folder / "fct_kpi.parquet")} as f
                    left join {_parquet(before.folder / "dim_kpi.parquet")} as k using (kpi_id)"""
            )
        else:
            con.execute("create view shown_before as select *, false as is_to_stay from shown_now where false")
        con.execute(f"copy ({_changes_query(before, after)}) to {literal(str(target))} (format parquet)")


def _changes_query(before: Snapshot | None, after: Snapshot) -> str:
    """The ledger's rows, from the views shown_before and shown_now and the table causes."""
    differ = f"row({_list(NUMBERS, 'a.')}) is distinct from row({_list(NUMBERS, 'b.')})"
    return f"""
        with compared as (
            select {literal(after.id)} as publication_id, {_instant(after.published_at)} as published_at,
                   {literal(before.id) if before else "null"} as previous_publication_id,
                   {_instant(before.published_at) if before else "null"} as previous_published_at,
                   case when b.kpi_id is null then 'published'
                        when a.kpi_id is null then 'withdrawn'
                        when b.is_to_stay and {differ} then 'restated'
                        else 'updated' end as change,
                   coalesce(b.is_to_stay, false) and change in ('restated', 'withdrawn') as is_restatement,
                   {", ".join(f"coalesce(a.{c.name}, b.{c.name}) as {c.name}" for c in KEY)},
                   {_list((*NUMBERS, *FLAGS), "a.")},
                   {", ".join(f"b.{c.name} as {c.name}_before" for c in (*NUMBERS, *FLAGS))}
            from shown_now as a
            full join shown_before as b
                on {" and ".join(f"a.{c.name} = b.{c.name}" for c in KEY)}
            where a.kpi_id is null or b.kpi_id is null or {differ}
                or row({_list(FLAGS, "a.")}) is distinct from row({_list(FLAGS, "b.")})
        )
        select {_cast(LEDGER, "timestamptz")} from compared left join causes using (kpi_id) order by {_list(KEY)}"""


def record(home: Home, snapshot: Snapshot) -> bool:
    """Append the changes that this publication brought, in one commit. False where the ledger has them already.

    The commit carries the publication as a transaction of Delta's log, also when it brought no change.
    """
    table = _open(home)
    if table is not None and table.transaction_version(snapshot.id) is not None:
        return False
    write_deltalake(
        str(home.ledger),
        pq.ParquetFile(snapshot.folder / CHANGES).read(),
        mode="append",
        commit_properties=CommitProperties(app_transactions=[Transaction(snapshot.id, 1)]),
    )
    return True


def add_tables(home: Home, folder: Path) -> dict[str, int]:
    """Write TABLES into the snapshot's marts.duckdb and as Parquet beside it: what the ledger holds, and the changes that
    the snapshot itself brings. Returns the rows per table.
    """
    table = _open(home)
    files = [*(Path(uri.removeprefix("file://")) for uri in table.file_uris())] if table else []
    counts: dict[str, int] = {}
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"create temp view changes as from {_parquet(*files, folder / CHANGES)}")
        for made in TABLES:
            con.execute(f"create table {made.name} as select {_cast(made.columns)} from ({made.query})")
            con.execute(f"comment on table {made.name} is {literal(made.description)}")
            for column in made.columns:
                con.execute(f"comment on column {made.name}.{column.name} is {literal(column.description)}")
            con.execute(f"copy {made.name} to {literal(str(folder / f'{made.name}.parquet'))} (format parquet)")
            found = con.execute(f"select count(*) from {made.name}").fetchone()
            counts[made.name] = found[0] if found else 0
        con.execute("checkpoint")
    return counts


def restatements(before: Snapshot | None, folder: Path) -> dict[str, Any]:
    """What this snapshot restates, for publication.json: since which publication, how many values, and per KPI the number
    of values with the causes in a line."""
    with duckdb.connect() as con:
        rows = con.execute(
            f"""select kpi_id, count(*), any_value(causes) from {_parquet(folder / CHANGES)}
                where is_restatement group by kpi_id order by kpi_id"""
        ).fetchall()
    return {
        "since": before.id if before else None,
        "values": sum(values for _, values, _ in rows),
        "kpis": {kpi: {"values": values, "causes": causes} for kpi, values, causes in rows},
    }


def _open(home: Home) -> DeltaTable | None:
    remedy = "restore it from the backup; without one, move it away, and the history of what was shown begins anew"
    with told(f"{home.ledger} cannot be opened", remedy):
        return DeltaTable(str(home.ledger)) if DeltaTable.is_deltatable(str(home.ledger)) else None


def _cast(columns: tuple[Column, ...], instant: str = "timestamp") -> str:
    """The select list of these columns; instants lie in the ledger as timestamptz and reach readers as UTC timestamps."""
    return ", ".join(f"cast({c.name} as {instant if c.type == 'timestamp' else c.type}) as {c.name}" for c in columns)


def _instant(value: datetime) -> str:
    return f"timestamptz '{value.isoformat()}'"


def _parquet(*files: Path) -> str:
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"
