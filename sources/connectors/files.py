"""Files as a source: CSV, JSON lines or Parquet, plain or compressed, in a folder by day or all days together.

dlt lists them, DuckDB parses them. Making a file readable is `file_access`, parsing `file_formats` and `file_csv`.
"""

from __future__ import annotations

import codecs
import glob
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from sources.connectors.base import (
    RETRY_PAUSES,
    SourceError,
    Window,
    masked,
    root_cause,
    scratch_folder,
    secrets_in,
    silence_dlt,
    source_error,
    with_retries,
)
from sources.connectors.file_access import Readable, UnreadableFile, prepare
from sources.connectors.file_csv import Dialect, create_from_csv
from sources.connectors.file_days import TOKEN, DayPattern, WrongDay, complaint, for_any_day, for_day, has_day
from sources.connectors.file_formats import create_empty, create_from_jsonl, create_from_parquet
from sources.connectors.file_storage import etags_of, file_system_of, is_refused, missing_package, unlisted

_FEW_DAYS = 7  # up to here a remote folder is asked day by day, beyond it once for all days
_REMOTE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "http", "https", "sftp", "gdrive", "hf", "memory")
_UNFINISHED = re.compile(r"\.(tmp|temp|part|partial|inprogress|crdownload|filepart|swp)$|~$", re.IGNORECASE)
"""How writers name files that they have not finished yet. (Hidden files and `_SUCCESS` and the like are no data either.)"""


class Options(BaseModel):
    """What `[sources.<name>]` may say beside `connector = "files"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    format: Literal["csv", "jsonl", "parquet"]
    delimiter: str = ","
    encoding: str = "utf-8"
    null_text: str | tuple[str, ...] = ()
    storage_options: dict[str, Any] = Field(default={}, repr=False)

    @field_validator("path")
    @classmethod
    def _known_path(cls, value: str) -> str:
        if wrong := complaint(value):
            raise ValueError(wrong)
        scheme = value.partition("://")[0] if "://" in value else "file"
        if scheme not in ("file", *_REMOTE):
            raise ValueError(f"no such kind of storage; allowed: a local path, or one of {', '.join(_REMOTE)}://")
        return value

    @field_validator("delimiter", "encoding", "null_text")
    @classmethod
    def _only_for_csv(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("format", "csv") != "csv":
            raise ValueError('only for format = "csv"')
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if len(value.encode()) != 1 or value in '"\r\n':
            raise ValueError("not a single ASCII character, such as a comma, a semicolon or \\t")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError("unknown encoding; allowed are Python's names, such as utf-8, latin-1, cp1252") from None
        return value

    @property
    def is_by_day(self) -> bool:
        """Whether the path itself says which landing day a file belongs to."""
        return has_day(self.path)

    @property
    def may_lack_columns(self) -> bool:
        """JSON lines leave out what is empty."""
        return self.format == "jsonl"

    @property
    def is_remote(self) -> bool:
        return "://" in self.path and not self.path.startswith("file://")

    @property
    def address(self) -> str:
        """The path, absolute if it is local."""
        if self.is_remote:
            return self.path
        return os.path.normpath(Path(self.path.removeprefix("file://")).expanduser().absolute())

    @property
    def dialect(self) -> Dialect:
        return Dialect(self.delimiter, (self.null_text,) if isinstance(self.null_text, str) else self.null_text)


@dataclass(frozen=True)
class _Found:
    item: Any
    path: str
    day: date | None
    etag: str | None = None

    @property
    def entry(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "size": self.item.get("size_in_bytes"),
            "modified": self.item["modification_date"].isoformat(),
            "etag": self.etag,
            "day": self.day.isoformat() if self.day else None,
        }


def check(options: Options) -> str | None:
    """Say in one line what is missing before anything runs, or None."""
    where = f"path = {options.path!r}"
    if options.is_remote:
        try:
            file_system_of(options.address, options.storage_options)
        except ImportError:
            return f"{where}: {'; '.join(missing_package(options.path))}"
    elif complaint := _unreachable(options):
        return f"{where}: {complaint}"
    if not options.is_by_day:
        try:
            _find(options, None)
        except SourceError as error:
            return f"{where}: {error}"
    return None


def resource(options: Options, window: Window | None, source_zone: str) -> Any:
    """The dlt resource: the source's files (of the window's days, where the path names a day) as dlt FileItems."""
    silence_dlt()
    import dlt
    from dlt.sources.filesystem import filesystem

    file_system = file_system_of(options.address, options.storage_options)

    def listed() -> Iterator[Any]:
        yield from _listed(options, window, file_system, filesystem)

    return dlt.resource(listed, name="files")


def listing(options: Options, window: Window | None) -> list[dict[str, Any]]:
    """What the source's files are now, without reading them."""
    return [found.entry for found in _find(options, window)]


def load(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, window: Window | None, source_zone: str
) -> list[dict[str, Any]]:
    """Create the temporary table `table` with the rows of the listed files. Returns the listing they came from.

    A day whose files change while they are read is read again, and refused if they do not come to rest: half a day
    would be published. Files that hold all days may grow; the listing says what was read.
    """
    for pause in (*RETRY_PAUSES, None):
        found = _find(options, window)
        _load(con, table, options, window, found)
        changed = _changed(options, window, found) if options.is_by_day else None
        if changed is None:
            break
        if pause is None:
            raise source_error(changed, window, "changed while it was read", "run again once it is written to its end")
        time.sleep(pause)
    return [file.entry for file in found]


def _changed(options: Options, window: Window | None, found: list[_Found]) -> str | None:
    """The first of the files that is no longer what was listed before it was read. (A new one is the next run's.)"""
    now = {file.path: file.entry for file in _find(options, window)}
    return next((file.path for file in found if now.get(file.path) != file.entry), None)


def _load(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, window: Window | None, found: list[_Found]
) -> None:
    with tempfile.TemporaryDirectory(prefix="opsmart-files-", dir=scratch_folder(con)) as folder:
        staging = Path(folder)
        readables: list[Readable] = []
        try:
            for file in found:
                try:
                    prepared = prepare(file.item, file.path, file.day, options.format, options.encoding, staging)
                except UnreadableFile as error:
                    raise UnreadableFile(masked(str(error), secrets_in(options.storage_options)), file.path) from None
                readables += [readable for readable in prepared if readable.local.stat().st_size]
            _create(con, table, options, readables, staging)
        except UnreadableFile as error:
            happened, _, advice = str(error).rpartition("; ")
            raise source_error(error.source or options.path, window, happened, advice) from None
        except duckdb.Error as error:
            message = str(error).partition("\n")[0]
            culprit = next((r for r in readables if str(r.local) in str(error)), None)
            if culprit is not None:
                message = message.replace(str(culprit.local), Path(culprit.source).name)
            raise source_error(
                culprit.source if culprit else options.path,
                window,
                f"cannot be read as {options.format}: {message}",
                "have it written again, or set format",
            ) from None


def _create(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, readables: list[Readable], staging: Path
) -> None:
    if not readables:
        create_empty(con, table, options.is_by_day)
    elif options.format == "csv":
        create_from_csv(con, table, readables, options.is_by_day, options.dialect, staging)
    elif options.format == "jsonl":
        create_from_jsonl(con, table, readables, options.is_by_day, staging)
    else:
        create_from_parquet(con, table, readables, options.is_by_day)


def _find(options: Options, window: Window | None) -> list[_Found]:
    day_in = DayPattern(options.address)
    found = []
    if complaint := None if options.is_remote else _unreachable(options):
        raise source_error(options.path, window, complaint, "bring it back, or set the right path")
    try:
        items = with_retries(
            lambda: list(resource(options, window, "UTC")),
            lambda error: options.is_remote and isinstance(root_cause(error), OSError) and not is_refused(error),
        )
        etags = etags_of(items, options.address, options.storage_options)
    except ImportError:
        raise source_error(options.path, window, *missing_package(options.path)) from None
    except Exception as error:
        raise source_error(options.path, window, *unlisted(error, options.storage_options)) from None
    for item in items:
        path = item["file_url"] if options.is_remote else item.local_file_path
        day = None
        if _is_no_data(options.path, path):
            continue
        if options.is_by_day:
            try:
                day = day_in.day_of(path)
            except WrongDay as error:
                raise source_error(
                    path, window, f"{error} is no day of the calendar", "rename it or move it away"
                ) from None
            if day is None or (window and not window.first_day <= day <= window.last_day):
                continue
        found.append(_Found(item, path, day, etags.get(path)))
    if not found and not options.is_by_day:
        raise source_error(options.path, window, "no file is there", "bring it back, or set the right path")
    return sorted(found, key=lambda file: file.path)


def _is_no_data(pattern: str, path: str) -> bool:
    """Hidden files, markers and what is still being written, unless the profile's own pattern begins like them."""
    name, wanted = path.rpartition("/")[2], pattern.rpartition("/")[2]
    if name[:1] in (".", "_") and name[:1] != wanted[:1]:
        return True
    return "/_temporary/" in path or (_UNFINISHED.search(name) is not None and not _UNFINISHED.search(wanted))


def _unreachable(options: Options) -> str | None:
    """Why a local path cannot have been meant or cannot be looked into: a folder that is gone is no day without files."""
    if Path(options.address).is_dir():
        return f"a folder; name the files in it, for example {options.path.rstrip('/')}/*"
    start = _literal_start(options.address)
    if not Path(start).exists():
        return f"there is no {start}"
    folders = [Path(start)]
    if options.is_by_day:
        rest = options.address[len(start) :]
        by_day = rest[: max(match.end() for match in TOKEN.finditer(rest))]
        further = rest[len(by_day) :].partition("/")
        if further[1]:
            folders += Path(start).glob(for_any_day(by_day + further[0]).lstrip("/"))
    for folder in folders:
        # a search passes over what it must not read, which would look like a day without files
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            return f"{folder} must not be read by this user"
    return None


def _listed(options: Options, window: Window | None, file_system: Any, filesystem: Any) -> Iterator[Any]:
    for root, pattern in _patterns(options, window):
        yield from filesystem(
            bucket_url=root,
            credentials=file_system,
            file_glob=pattern,
            fetch_file_info=options.path.startswith("http"),
        )


def _patterns(options: Options, window: Window | None) -> list[tuple[str, str]]:
    """Where dlt has to look: pairs of a root and a pattern below it."""
    if not options.is_remote:
        start = _literal_start(options.address)
        rest = for_any_day(options.address[len(start) :])
        return [("/", (glob.escape(start) + rest).lstrip("/"))]
    scheme, _, rest = options.path.partition("://")
    root, _, pattern = rest.partition("/")
    if options.is_by_day and window and len(window.days()) <= _FEW_DAYS:
        return [(f"{scheme}://{root}", for_day(pattern, day)) for day in window.days()]
    return [(f"{scheme}://{root}", for_any_day(pattern))]


def _literal_start(address: str) -> str:
    """The part of a local path that is there as written: a folder's own brackets are no pattern."""
    parts = address.split("/")
    start = ""
    for part in parts[1:]:
        further = f"{start}/{part}"
        if has_day(part) or (glob.has_magic(part) and not os.path.lexists(further)):
            return start or "/"
        start = further
    return start
