"""Turns readable files of one format into one DuckDB table, whatever is wrong with single lines of them.

A line that cannot be parsed becomes a row whose `_malformed` says why, so that it is counted and quarantined like any
other bad row. What the lines mean does not belong here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

from sources.connectors.base import unique_names
from sources.connectors.file_access import Readable, UnreadableFile, is_array, without_long_lines
from sources.sql_text import identifier, list_literal, literal

MOST_COLUMNS = 1000
_SAMPLE_LINES = 20_000
_LONGEST_LINE = 30 << 20  # DuckDB takes 32 MB
_TOO_LONG = "opsmart: this line was too long"
FILE_MAP = "_opsmart_files"
_LINES = "_opsmart_lines"
OPENED = "_opsmart_file"


def create_empty(con: duckdb.DuckDBPyConnection, table: str, by_day: bool) -> None:
    """The table of a window that has no files: nobody knows the source's columns then."""
    day = "null::date as _file_day, " if by_day else ""
    con.execute(
        f"create or replace temp table {identifier(table)} as "
        f"select null::varchar as _source_file, {day}null::varchar as _malformed limit 0"
    )


def create_from_parquet(con: duckdb.DuckDBPyConnection, table: str, files: Sequence[Readable], by_day: bool) -> None:
    patterns = list_literal(file.pattern for file in files)
    scan = f"read_parquet({patterns}, union_by_name=true, hive_partitioning=false, filename='{OPENED}')"
    names = [row[0] for row in con.execute(f"describe select * exclude ({OPENED}) from {scan}").fetchall()]
    columns = _renamed(names, unique_names(names))
    with_file_map(
        con,
        files,
        f"create or replace temp table {identifier(table)} as select {columns}, {system_columns(by_day, 'null')} "
        f"from {scan} left join {FILE_MAP} on local = {OPENED}",
    )


def create_from_jsonl(
    con: duckdb.DuckDBPyConnection, table: str, files: Sequence[Readable], by_day: bool, staging: Path
) -> None:
    """One column per top-level key: VARCHAR, or JSON where most of its values are objects or arrays.

    A file has a line per object, or is one array of objects. A line that is longer than DuckDB takes is a malformed row.
    """
    try:
        _create_from_json(con, table, files, by_day)
    except duckdb.Error as error:
        if "maximum_object_size" not in str(error):
            raise
        short = [
            file if is_array(file) else without_long_lines(file, staging, _LONGEST_LINE, f'"{_TOO_LONG}"'.encode())
            for file in files
        ]
        _create_from_json(con, table, short, by_day)


def _create_from_json(con: duckdb.DuckDBPyConnection, table: str, files: Sequence[Readable], by_day: bool) -> None:
    """The keys come from the first lines. Lines that have further keys keep their text until these have got their
    columns too, which costs a tenth of reading everything twice.
    """
    kinds: dict[tuple[bool, str], list[Readable]] = {}
    for file in files:
        kinds.setdefault((is_array(file), file.compression), []).append(file)
    scan = " union all ".join(
        f"select json, filename from {'read_json_objects' if are_arrays else 'read_ndjson_objects'}("
        f"{list_literal(f.pattern for f in group)}, {'format=' + literal('array') if are_arrays else 'ignore_errors=true'}, "
        f"compression='{'uncompressed' if compression == 'none' else compression}', filename=true)"
        for (are_arrays, compression), group in kinds.items()
    )
    sampled = _keys_of(con, f"(select json from ({scan}) limit {_SAMPLE_LINES})")
    _refuse_too_many(len(sampled))
    names = unique_names(sampled)
    # a struct cannot hold two names that differ in case alone, nor an empty one
    plain = {key: name for key, name in zip(sampled, names, strict=True) if key and key == name}
    shape = json.dumps({key: "JSON" if sampled[key] else "VARCHAR" for key in plain} or {"-": "VARCHAR"})
    columns = [
        f"{'fields.' + identifier(key) if key in plain else _pick(key, sampled[key])} as {identifier(name)}"
        for key, name in zip(sampled, names, strict=True)
    ]
    malformed = (
        "case when json is null then 'malformed JSON line' "
        f"when json::varchar = '\"{_TOO_LONG}\"' then 'a JSON line of more than {_LONGEST_LINE >> 20} MB' "
        "when left(ltrim(json::varchar), 1) <> '{' then 'a JSON line that is no object' end"
    )
    with_file_map(
        con,
        files,
        f"create or replace temp table {identifier(table)} as "
        f"select {', '.join([*columns, system_columns(by_day, malformed)])}, "
        f"case when not list_has_all({list_literal(sampled)}::varchar[], json_keys(json)) then json end as {_LINES} "
        f"from (select *, json_transform(json, {literal(shape)}) as fields from ({scan})) "
        f"left join {FILE_MAP} on local = filename",
    )
    _add_further_keys(con, table, list(sampled), names)


def _add_further_keys(con: duckdb.DuckDBPyConnection, table: str, sampled: list[str], names: list[str]) -> None:
    target = identifier(table)
    further = {
        key: is_nested
        for key, is_nested in _keys_of(con, f"(select {_LINES} as json from {target})").items()
        if key not in sampled
    }
    _refuse_too_many(len(sampled) + len(further))
    further_names = unique_names([*names, *further])[len(names) :]
    for is_nested, name in zip(further.values(), further_names, strict=True):
        con.execute(f"alter table {target} add column {identifier(name)} {'json' if is_nested else 'varchar'}")
    if further:
        assignments = ", ".join(
            f"{identifier(name)} = {_pick(key, is_nested, _LINES)}"
            for (key, is_nested), name in zip(further.items(), further_names, strict=True)
        )
        con.execute(f"update {target} set {assignments} where {_LINES} is not null")
    con.execute(f"alter table {target} drop column {_LINES}")


def _refuse_too_many(keys: int) -> None:
    if keys > MOST_COLUMNS:
        raise UnreadableFile(
            f"has {keys:,} different top-level keys, more than the {MOST_COLUMNS:,} that can be columns; "
            "have them nested under one key"
        )


def _keys_of(con: duckdb.DuckDBPyConnection, lines: str) -> dict[str, bool]:
    """The top-level keys of JSON objects, and whether most of a key's values are objects or arrays.

    Most, not any: one odd value in a column of plain texts must not change how all the others read.
    """
    rows = con.execute(
        f"""
        with pairs as (
            select unnest(json_keys(json)) as key, unnest(json_extract(json, '$.*'))::varchar as value
            from {lines} as l
            where left(ltrim(json::varchar), 1) = '{{'
        ),
        marked as (
            select
                key,
                value[1] in ('{{', '[') as is_nested,
                value <> 'null' as is_given
            from pairs
        )
        select
            key,
            count(*) filter (is_given and is_nested) > count(*) filter (is_given and not is_nested)
        from marked
        group by key
        order by key
        """
    ).fetchall()
    return dict(rows)


def _pick(key: str, is_nested: bool, line: str = "json") -> str:
    pointer = literal("/" + key.replace("~", "~0").replace("/", "~1"))
    if is_nested:
        return f"nullif(json_extract({line}, {pointer}), 'null'::json)"
    return f"json_extract_string({line}, {pointer})"


def _renamed(names: Sequence[str], new_names: Sequence[str]) -> str:
    return ", ".join(f"{identifier(old)} as {identifier(new)}" for old, new in zip(names, new_names, strict=True))


def system_columns(by_day: bool, malformed: str) -> str:
    return f"source as _source_file, {'day as _file_day, ' if by_day else ''}({malformed})::varchar as _malformed"


def with_file_map(con: duckdb.DuckDBPyConnection, files: Sequence[Readable], statement: str) -> None:
    """Run a statement that joins `FILE_MAP`: from the name that DuckDB opened to the listed name and day."""
    con.execute(f"create or replace temp table {FILE_MAP} (local varchar, source varchar, day date)")
    try:
        con.executemany(f"insert into {FILE_MAP} values (?, ?, ?)", [(str(f.local), f.source, f.day) for f in files])
        con.execute(statement)
    finally:
        con.execute(f"drop table if exists {FILE_MAP}")
