"""CSV files into one DuckDB table: every column VARCHAR, every line either a row or a row that says what is wrong.

DuckDB reports the lines that it cannot parse. What it does not report are the lines that a quote which never closes
takes with it; they are found by counting lines, so that none vanishes.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb
import numpy as np

from sources.connectors.base import unique_names
from sources.connectors.file_access import Readable, UnreadableFile, with_even_line_ends
from sources.connectors.file_formats import FILE_MAP, OPENED, create_empty, system_columns, with_file_map
from sources.sql_text import identifier, list_literal, literal

_REJECTS = "_opsmart_rejects"
_SCANS = "_opsmart_reject_scans"


@dataclass(frozen=True)
class Dialect:
    """How a source writes CSV."""

    delimiter: str = ","
    null_text: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Headed:
    """A file and what its header says: column names, blank lines before it, lines up to its end."""

    file: Readable
    names: tuple[str, ...]
    skip: int
    lines: int


def create_from_csv(
    con: duckdb.DuckDBPyConnection,
    table: str,
    files: Sequence[Readable],
    by_day: bool,
    dialect: Dialect,
    staging: Path,
) -> None:
    headed = [h for h in (_header(file, dialect) for file in files) if h.names]
    if not headed:
        create_empty(con, table, by_day)
        return
    try:
        _create(con, table, headed, by_day, dialect)
    except duckdb.InvalidInputException as error:
        if "state machine reached an invalid state" not in str(error):
            raise
        headed = [_Headed(with_even_line_ends(h.file, staging), h.names, h.skip, h.lines) for h in headed]
        _create(con, table, headed, by_day, dialect)


def _header(file: Readable, dialect: Dialect) -> _Headed:
    text = codecs.getincrementaldecoder("utf-8-sig")("replace").decode(file.head())
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
    before = 0
    names: list[str] = []
    try:
        for names in reader:
            if names:
                break
            before = reader.line_num
    except csv.Error as error:
        raise UnreadableFile(f"has no readable header ({error}); have it written again", file.source) from None
    if any("\ufffd" in name or "\0" in name for name in names):
        raise UnreadableFile("is not in UTF-8; name its encoding in `encoding`, for example latin-1", file.source)
    if len(names) == 1:
        other = next((d for d in ",;\t|" if d != dialect.delimiter and d in names[0]), None)
        if other:
            raise UnreadableFile(
                f"has a single column {names[0][:60]!r}; set `delimiter`, it seems to be {other!r}", file.source
            )
    return _Headed(file, tuple(name.strip() for name in names), before, reader.line_num)


def _create(
    con: duckdb.DuckDBPyConnection, table: str, headed: Sequence[_Headed], by_day: bool, dialect: Dialect
) -> None:
    """One scan per kind of header, so that a column that came or went in the middle of the window shifts nothing."""

    def kind(h: _Headed) -> tuple[tuple[str, ...], int, str]:
        return h.names, h.skip, h.file.compression

    scans = [_scan(list(group), *key, dialect) for key, group in groupby(sorted(headed, key=kind), key=kind)]
    for name in (_REJECTS, _SCANS):
        con.execute(f"drop table if exists {name}")
    try:
        with_file_map(
            con,
            [h.file for h in headed],
            f"create or replace temp table {identifier(table)} as select rows.* exclude ({OPENED}), "
            f"{system_columns(by_day, 'null')} from ({' union all by name '.join(scans)}) as rows "
            f"left join {FILE_MAP} on local = {OPENED}",
        )
        _add_rejected_lines(con, table, headed, by_day)
    finally:
        for name in (_REJECTS, _SCANS):
            con.execute(f"drop table if exists {name}")


def _scan(headed: list[_Headed], names: tuple[str, ...], skip: int, compression: str, dialect: Dialect) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in unique_names(names))
    return (
        f"select * from read_csv({list_literal(h.file.pattern for h in headed)}, auto_detect=false, header=true, "
        f"skip={skip}, columns={{{columns}}}, delim={literal(dialect.delimiter)}, quote='\"', escape='\"', "
        f"nullstr={list_literal(['', *dialect.null_text])}, compression='{compression}', hive_partitioning=false, "
        f"filename='{OPENED}', store_rejects=true, rejects_table='{_REJECTS}', rejects_scan='{_SCANS}', "
        f"rejects_limit=0)"
    )


def _add_rejected_lines(con: duckdb.DuckDBPyConnection, table: str, headed: Sequence[_Headed], by_day: bool) -> None:
    """A row per record that DuckDB rejected, and one per line that went missing together with it.

    DuckDB counts records, header included: where values span lines, a record's number is not its line's.
    """
    day = "_file_day, " if by_day else ""
    broken = con.execute(
        f"""
        with lines as (
            select
                file_path,
                line_byte_position,
                min(line) as line,
                bool_or(error_type = 'UNQUOTED VALUE') as is_quoting,
                first(error_type order by error_type)::varchar as error_type,
                min(try_cast(regexp_extract(error_message, 'Found: (\\d+)', 1) as integer)) as fewest,
                max(try_cast(regexp_extract(error_message, 'Found: (\\d+)', 1) as integer)) as most,
                max(length(rtrim(csv_line, chr(10))) - length(replace(csv_line, chr(10), ''))) as breaks
            from {_REJECTS} join {_SCANS} using (scan_id, file_id)
            group by file_path, line_byte_position
        )
        select
            file_path,
            'record ' || line || ': ' || case
                when is_quoting then 'broken quoting'
                when error_type = 'MISSING COLUMNS' then 'too few columns (' || fewest || ')'
                when error_type = 'TOO MANY COLUMNS' then 'too many columns (' || most || ')'
                when error_type = 'INVALID ENCODING' then 'not UTF-8'
                when error_type = 'LINE SIZE OVER MAXIMUM' then 'too long'
                else lower(error_type)
            end,
            line,
            breaks,
            is_quoting
        from lines
        order by file_path, line
        """
    ).fetchall()
    by_file = {str(h.file.local): h for h in headed}
    for path, group in groupby(broken, key=lambda row: row[0]):
        rejected = list(group)
        file = by_file[path]
        names = unique_names(file.names)
        spanned = sum(1 + breaks for _, _, _, breaks, _ in rejected)
        swallowed = _lines_unaccounted(con, table, file, names, spanned)
        swallowed += sum(breaks for _, _, _, breaks, is_quoting in rejected if is_quoting)
        messages = [message for _, message, _, _, _ in rejected]
        first = next((line for _, _, line, _, is_quoting in rejected if is_quoting), rejected[0][2])
        day_value = "?::date, " if by_day else ""
        values = [file.file.source, *([file.file.day] if by_day else [])]
        insert = f"insert into {identifier(table)} (_source_file, {day}_malformed) select ?, {day_value}"
        con.execute(f"{insert} unnest(?::varchar[])", [*values, messages])
        if swallowed:
            con.execute(
                f"{insert} 'a line lost to the broken quoting in record {first}' from range({swallowed})", values
            )


def _lines_unaccounted(
    con: duckdb.DuckDBPyConnection, table: str, file: _Headed, names: Sequence[str], spanned: int
) -> int:
    """Lines of the file that are neither header, nor in a row, nor in a rejected line, nor possibly blank."""
    total = blank = 0
    last = b"\n"
    for piece in file.file.chunks():
        if b"\r" in piece:
            piece = piece.replace(b"\r\n" if b"\n" in piece else b"\r", b"\n")
        is_end = np.frombuffer(last + piece, dtype=np.uint8) == ord("\n")
        total += int(is_end[1:].sum())
        blank += int((is_end[1:] & is_end[:-1]).sum())
        last = piece[-1:]
    total += last != b"\n"
    breaks = " + ".join(f"length({c}) - length(replace({c}, chr(10), ''))" for c in map(_or_empty, names))
    (in_rows,) = con.execute(
        f"select coalesce(sum(1 + {breaks}), 0)::bigint from {identifier(table)} where _source_file = ?",
        [file.file.source],
    ).fetchone() or (0,)
    return max(0, total - file.lines - in_rows - spanned - blank)


def _or_empty(name: str) -> str:
    return f"coalesce({identifier(name)}, '')"
