"""Any dlt source: a resource that a profile names as `module:function`, with its arguments and the window of the pull.

Its rows go through a scratch file (dicts as JSON lines, tables as Parquet) and the readers of files, so that memory is
bounded and they read like any other file. Writing a source, or resuming one by dlt's state, does not belong here: the
window says all.
"""

from __future__ import annotations

import importlib
import inspect
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from sources.connectors.base import (
    Window,
    masked,
    one_line,
    root_cause,
    scratch_folder,
    secrets_in,
    silence_dlt,
    source_error,
    with_retries,
)
from sources.connectors.file_access import Readable, UnreadableFile
from sources.connectors.file_formats import create_empty, create_from_jsonl, create_from_parquet

WINDOW_START, WINDOW_END = "{window_start}", "{window_end}"
_ALL_DAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
_LONGEST = 300  # characters of somebody else's message


class Options(BaseModel):
    """What `[sources.<name>]` may say beside `connector = "dlt"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resource: str
    arguments: dict[str, Any] = Field(default={}, repr=False)
    select: str | None = None
    incremental: str | None = None
    cursor: str | None = Field(default=None, validate_default=True)
    cursor_type: Literal["timestamp", "text", "date", "epoch", "epoch_ms"] = "timestamp"

    @field_validator("resource")
    @classmethod
    def _module_and_function(cls, value: str) -> str:
        module, colon, function = value.partition(":")
        if not colon or not function.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
            raise ValueError("not of the form module:function, such as dlt.sources.sql_database:sql_table")
        return value

    @field_validator("cursor")
    @classmethod
    def _cursor_of_incremental(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (value is None) != (info.data.get("incremental") is None):
            raise ValueError("`incremental` (the argument that takes the window) and `cursor` (its field) go together")
        return value

    @property
    def may_lack_columns(self) -> bool:
        """Rows leave out what is empty."""
        return True


class _Complaint(Exception):
    """The resource cannot be had; what happened, and what to do."""

    def __init__(self, happened: str, advice: str) -> None:
        super().__init__(happened)
        self.advice = advice


def check(options: Options) -> str | None:
    """Say in one line what is missing before anything runs, or None. No row is asked for."""
    try:
        resource(options, None, "UTC")
    except _Complaint as complaint:
        return f"{complaint}; {complaint.advice}"
    return None


def listing(options: Options, window: Window | None) -> list[dict[str, Any]]:
    """A dlt resource has no files."""
    return []


def resource(options: Options, window: Window | None, source_zone: str) -> Any:
    """The dlt resource itself, with its arguments and the window. Raises _Complaint."""
    silence_dlt()
    import dlt
    from dlt.sources import DltResource, DltSource

    function = _function(options)
    first, last = (window.start, window.end) if window else _ALL_DAYS
    start, end = _bound(options, first), _bound(options, last)
    arguments = _filled(options.arguments, {WINDOW_START: start, WINDOW_END: end})
    if options.incremental is not None and window is not None:
        # half-open like every window: a row at the start is in, one at the end is not
        arguments[options.incremental] = dlt.sources.incremental(options.cursor, initial_value=start, end_value=end)
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise _Complaint(
            f"{options.resource} does not take these arguments: {error}",
            f"allowed: {', '.join(inspect.signature(function).parameters)}",
        ) from None
    except ValueError:
        pass  # a callable without a signature: the call itself says what is wrong
    try:
        made = function(**arguments)
    except Exception as error:
        raise _Complaint(_told(options, "could not be made", error), "correct its arguments") from None
    if isinstance(made, list) and all(isinstance(one, DltResource) for one in made):
        made = {one.name: one for one in made}
    elif isinstance(made, DltSource):
        made = dict(made.resources)
    if isinstance(made, dict):
        name = options.select or next(iter(made), "")
        if name not in made or (options.select is None and len(made) > 1):
            raise _Complaint(
                f"select = {options.select!r}: {options.resource} is a source of several resources"
                if options.select is None
                else f"select = {options.select!r}: no such resource in {options.resource}",
                f"allowed: {', '.join(made) or 'there is none'}",
            )
        made = made[name]
    if not isinstance(made, DltResource):
        raise _Complaint(
            f"{options.resource} is no dlt resource, it gives a {type(made).__name__}",
            "decorate it with @dlt.resource, or name one that is",
        )
    return made


def load(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, window: Window | None, source_zone: str
) -> list[dict[str, Any]]:
    """Create the temporary table `table` with the resource's rows. Returns no listing.

    Raises SourceError, and leaves no table, where the resource fails before its end.
    """
    with tempfile.TemporaryDirectory(prefix="opsmart-dlt-", dir=scratch_folder(con)) as folder:

        def attempt() -> tuple[list[Readable], bool]:
            staging = Path(tempfile.mkdtemp(dir=folder))
            return _written(resource(options, window, source_zone), options, staging)

        try:
            files, are_tables = with_retries(attempt, _is_transient)
            if not files:
                create_empty(con, table, by_day=False)
            elif are_tables:
                create_from_parquet(con, table, files, by_day=False)
            else:
                create_from_jsonl(con, table, files, False, Path(folder))
        except _Complaint as complaint:
            raise source_error(options.resource, window, str(complaint), complaint.advice) from None
        except UnreadableFile as error:
            happened, _, advice = str(error).rpartition("; ")
            raise source_error(options.resource, window, happened, advice) from None
        except Exception as error:
            raise source_error(
                options.resource,
                window,
                _told(options, "failed", error).removeprefix(f"{options.resource} "),
                "mend the source or its arguments; its rows are pulled again by the next run",
            ) from None
    return []


def _function(options: Options) -> Any:
    module_name, _, name = options.resource.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever a module raises while it is imported
        raise _Complaint(
            _told(options, "cannot be imported", error), "install its package, or put its folder on PYTHONPATH"
        ) from None
    function = getattr(module, name, None)
    if not callable(function):
        known = [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")]
        raise _Complaint(f"{options.resource}: {module_name} has no {name}", f"it has: {', '.join(known[:20])}")
    return function


def _bound(options: Options, instant: datetime) -> Any:
    """An end of the window, in the type of the cursor."""
    return {
        "timestamp": instant,
        "text": instant.isoformat().replace("+00:00", "Z"),
        "date": instant.date(),
        "epoch": int(instant.timestamp()),
        "epoch_ms": int(instant.timestamp() * 1000),
    }[options.cursor_type]


def _filled(value: Any, bounds: dict[str, Any]) -> Any:
    """The arguments with the window put in: alone it keeps its type, inside a text it is text."""
    if isinstance(value, dict):
        return {key: _filled(inner, bounds) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, bounds) for inner in value]
    if not isinstance(value, str):
        return value
    if value in bounds:
        return bounds[value]
    for name, bound in bounds.items():
        value = value.replace(name, bound.isoformat() if hasattr(bound, "isoformat") else str(bound))
    return str(value)


def _written(made: Any, options: Options, staging: Path) -> tuple[list[Readable], bool]:
    """The resource's rows as files in `staging`, and whether they are tables. One Parquet file per schema."""
    from dlt.common.json import json

    lines = staging / "rows.jsonl"
    tables: dict[str, tuple[Path, pq.ParquetWriter]] = {}
    with ExitStack() as open_files, lines.open("wb") as rows:
        for item in made:
            if isinstance(item, dict):
                rows.write(json.dumpb(item) + b"\n")
                continue
            for batch in _as_tables(item, options):
                key = batch.schema.to_string(show_schema_metadata=False)
                if key not in tables:
                    path = staging / f"{len(tables)}.parquet"
                    tables[key] = path, open_files.enter_context(pq.ParquetWriter(path, batch.schema))
                tables[key][1].write_table(batch)
    if tables and lines.stat().st_size:
        raise _Complaint(f"{options.resource} gives rows and tables", "have it give one kind")
    paths = [path for path, _ in tables.values()] or ([lines] if lines.stat().st_size else [])
    return [Readable(options.resource, path, "none", None) for path in paths], bool(tables)


def _as_tables(item: Any, options: Options) -> Iterator[pa.Table]:
    if isinstance(item, pa.Table):
        yield item
    elif isinstance(item, pa.RecordBatch):
        yield pa.Table.from_batches([item])
    elif type(item).__module__.partition(".")[0] == "pandas" and type(item).__name__ == "DataFrame":
        yield pa.Table.from_pandas(item, preserve_index=False)
    else:
        raise _Complaint(
            f"{options.resource} gives a {type(item).__name__}", "have it give dicts, Arrow tables or data frames"
        )


def _is_transient(error: Exception) -> bool:
    cause = root_cause(error)
    return isinstance(cause, ConnectionError | TimeoutError) or type(cause).__name__ in (
        "ConnectTimeout",
        "ReadTimeout",
    )


def _told(options: Options, happened: str, error: BaseException) -> str:
    """What a foreign error says, in one line, without what the profile took from the environment."""
    cause = root_cause(error)
    message = masked(one_line(cause), secrets_in(options.arguments))
    return f"{options.resource} {happened}: {type(cause).__name__}: {message[:_LONGEST]}"
