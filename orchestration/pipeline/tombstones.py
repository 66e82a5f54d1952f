"""Tombstones: rows of a mutable stream that are gone at the source, written down as versions without content.

A tombstone has the key and the `updated_at` of the version that it revokes, lands on that version's landing day, and
has no content_hash. It is the newest version of its key until a later pull finds the row at the source again. Which
keys are gone is found by reconciliation, not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.pipeline import lake
from orchestration.settings import Settings
from sources.contract import Contract


def tombstone_key(contract: Contract) -> tuple[str, ...]:
    """The columns that name what is gone: the key, or the set's key where rows come as whole sets."""
    return (contract.set_key,) if contract.set_key else contract.key


def land_tombstones(
    settings: Settings, stream: str, keys: Sequence[Mapping[str, Any]], now: datetime | None = None
) -> dict[date, int]:
    """Write that these keys of a mutable stream are gone at the source. Returns the tombstones per landing day.

    `keys` are as they stand in the lake (identifiers of people hashed). A key that the lake does not know, or whose
    newest version is a tombstone already, adds nothing. Raises ValueError for an immutable stream, whose days are
    replaced by pulling them again, and for keys that lack a column.
    """
    contract = settings.profile.contract(stream)
    names = tombstone_key(contract)
    if contract.kind != "mutable":
        raise ValueError(f"{stream}: rows never change; pull the day again instead (make backfill STREAM={stream} …)")
    if lacking := [key for key in keys if set(key) != set(names)]:
        raise ValueError(f"{stream}: a key has the columns {', '.join(names)}; got {', '.join(lacking[0])}")
    with lake.stream_lock(settings.home, stream):
        table = lake.stream_table(settings.home, stream)
        files = [path for day in lake.held_days(table).values() for path in day.files]
        if table is None or not files or not keys:
            return {}
        schema = pa.schema(table.schema().to_arrow())
        asked = pa.Table.from_pylist([dict(key) for key in keys], pa.schema([schema.field(name) for name in names]))
        gone = _newest_standing(contract, files, asked)
        if not gone.num_rows:
            return {}
        rows = _without_content(gone, schema, lake.next_pull(settings.home, stream, now or datetime.now(UTC)))
        lake.append_rows(settings.home, stream, rows.to_reader())
    days = gone.column("landed_date").to_pylist()
    return {day: days.count(day) for day in sorted(set(days))}


def _newest_standing(contract: Contract, files: list[str], asked: pa.Table) -> pa.Table:
    """The newest version of each asked key that is no tombstone: the key's columns, updated_at, landed_date."""
    columns = ", ".join(f'lake."{name}"' for name in tombstone_key(contract))
    matches = " and ".join(f'lake."{n}" is not distinct from asked."{n}"' for n in tombstone_key(contract))
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("asked", asked)
        return con.execute(
            f"""with versions as (
                    select {columns}, lake.updated_at, lake.landed_date, lake.content_hash, row_number() over (
                        partition by {columns}
                        order by lake.updated_at desc nulls last, lake.pulled_at desc, lake.landed_date desc
                    ) as position
                    from read_parquet($files, hive_partitioning = true, hive_types = {{'landed_date': date}},
                                      union_by_name = true) as lake
                    semi join asked on {matches}
                )
                select * exclude (position, content_hash) from versions
                where position = 1 and content_hash is not null order by all""",
            {"files": files},
        ).to_arrow_table()


def _without_content(gone: pa.Table, schema: pa.Schema, pulled_at: datetime) -> pa.Table:
    columns = []
    for field in schema:
        if field.name == "pulled_at":
            columns.append(pa.array([pulled_at] * gone.num_rows, field.type))
        elif field.name in gone.column_names:
            columns.append(gone.column(field.name).cast(field.type))
        else:
            columns.append(pa.nulls(gone.num_rows, field.type))
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in schema]))
