"""Files as a source: CSV, JSON lines or Parquet, plain or compressed, in a folder by day or all days together.

dlt lists them, DuckDB parses them. Making a file readable is `file_access`, parsing `file_formats` and `file_csv`.
"""

from __future__ import annotations

import codecs
import glob
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from sources.connectors.base import SourceError, Window, root_cause, silence_dlt, source_error, with_retries
from sources.connectors.file_access import Readable, UnreadableFile, prepare
from sources.connectors.file_csv import Dialect, create_from_csv
from sources.connectors.file_formats import create_empty, create_from_jsonl, create_from_parquet

_DAY = "{day}"
_ANY_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_FEW_DAYS = 7  # up to here a remote folder is asked day by day, beyond it once for all days
_REMOTE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "http", "https", "sftp", "gdrive", "hf", "memory")


class Options(BaseModel):
    """What `[sources.<name>]` may say beside `connector = "files"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    format: Literal["csv", "jsonl", "parquet"]
    delimiter: str = ","
    encoding: str = "utf-8"
    null_text: str | tuple[str, ...] = ()

    @field_validator("path")
    @classmethod
    def _known_path(cls, value: str) -> str:
        unknown = [name for name in re.findall(r"\{[^}]*\}", value) if name != _DAY]
        if unknown:
            raise ValueError(f"{unknown[0]} is unknown in a path; allowed: {_DAY}, which stands for YYYY-MM-DD")
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
        return _DAY in self.path

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

    @property
    def entry(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "size": self.item.get("size_in_bytes"),
            "modified": self.item["modification_date"].isoformat(),
            "day": self.day.isoformat() if self.day else None,
        }


def check(options: Options) -> str | None:
    """Say in one line what is missing before anything runs, or None."""
    where = f"path = {options.path!r}"
    if options.is_remote:
        try:
            _file_system(options)
        except ImportError as error:
            return f"{where}: a package is missing for this kind of storage: {error}"
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

    file_system = _file_system(options)

    def listed() -> Iterator[Any]:
        for root, pattern in _patterns(options, window):
            yield from filesystem(
                bucket_url=root,
                credentials=file_system,
                file_glob=pattern,
                fetch_file_info=options.path.startswith("http"),
            )

    return dlt.resource(listed, name="files")


def listing(options: Options, window: Window | None) -> list[dict[str, Any]]:
    """What the source's files are now, without reading them."""
    return [found.entry for found in _find(options, window)]


def load(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, window: Window | None, source_zone: str
) -> list[dict[str, Any]]:
    """Create the temporary table `table` with the rows of the listed files. Returns the listing they came from."""
    found = _find(options, window)
    with tempfile.TemporaryDirectory(prefix="opsmart-files-") as folder:
        staging = Path(folder)
        readables: list[Readable] = []
        try:
            for file in found:
                try:
                    readable = prepare(file.item, file.path, file.day, options.format, options.encoding, staging)
                except UnreadableFile as error:
                    raise UnreadableFile(str(error), file.path) from None
                if readable.local.stat().st_size:
                    readables.append(readable)
            _create(con, table, options, readables, staging)
        except UnreadableFile as error:
            happened, _, advice = str(error).rpartition("; ")
            raise source_error(error.source or options.path, window, happened, advice) from None
        except duckdb.Error as error:
            message = str(error).partition("\n")[0]
            culprit = next((r.source for r in readables if str(r.local) in str(error)), options.path)
            raise source_error(
                culprit,
                window,
                f"cannot be read as {options.format}: {message}",
                "have it written again, or set format",
            ) from None
    return [file.entry for file in found]


def _create(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, readables: list[Readable], staging: Path
) -> None:
    if not readables:
        create_empty(con, table, options.is_by_day)
    elif options.format == "csv":
        create_from_csv(con, table, readables, options.is_by_day, options.dialect, staging)
    elif options.format == "jsonl":
        create_from_jsonl(con, table, readables, options.is_by_day)
    else:
        create_from_parquet(con, table, readables, options.is_by_day)


def _find(options: Options, window: Window | None) -> list[_Found]:
    day_in = _day_pattern(options.address)
    found = []
    if complaint := None if options.is_remote else _unreachable(options):
        raise source_error(options.path, window, complaint, "bring it back, or set the right path")
    try:
        items = with_retries(
            lambda: list(resource(options, window, "UTC")),
            lambda error: options.is_remote and isinstance(root_cause(error), OSError),
        )
    except Exception as error:
        cause = root_cause(error)
        raise source_error(
            options.path, window, f"cannot be listed: {cause}", "see that it can be reached and read by this user"
        ) from None
    if not items and not options.is_by_day:
        raise source_error(options.path, window, "no file is there", "bring it back, or set the right path")
    for item in items:
        path = item["file_url"] if options.is_remote else item.local_file_path
        day = None
        if options.is_by_day:
            match = day_in.search(path)
            if match is None:
                continue
            day = _day(match["day"], path, window)
            if window and not window.first_day <= day <= window.last_day:
                continue
        found.append(_Found(item, path, day))
    return sorted(found, key=lambda file: file.path)


def _unreachable(options: Options) -> str | None:
    """Why a local path cannot have been meant or cannot be looked into: a folder that is gone is no day without files."""
    if Path(options.address).is_dir():
        return f"a folder; name the files in it, for example {options.path.rstrip('/')}/*"
    start = _literal_start(options.address)
    if not Path(start).exists():
        return f"there is no {start}"
    folders = [Path(start)]
    if options.is_by_day:
        until_day = options.address[len(start) :].partition(_DAY)[0]
        by_day = options.address[len(start) + len(until_day) :].partition("/")
        if by_day[1]:
            days = (until_day + by_day[0]).replace(_DAY, _ANY_DAY).lstrip("/")
            folders += Path(start).glob(days)
    for folder in folders:
        # a search passes over what it must not read, which would look like a day without files
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            return f"{folder} must not be read by this user"
    return None


def _day(text: str, path: str, window: Window | None) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise source_error(path, window, f"{text} is no day of the calendar", "rename it or move it away") from None


def _patterns(options: Options, window: Window | None) -> list[tuple[str, str]]:
    """Where dlt has to look: pairs of a root and a pattern below it."""
    if not options.is_remote:
        start = _literal_start(options.address)
        rest = options.address[len(start) :].replace(_DAY, _ANY_DAY)
        return [("/", (glob.escape(start) + rest).lstrip("/"))]
    scheme, _, rest = options.path.partition("://")
    root, _, pattern = rest.partition("/")
    if options.is_by_day and window and len(window.days()) <= _FEW_DAYS:
        return [(f"{scheme}://{root}", pattern.replace(_DAY, day.isoformat())) for day in window.days()]
    return [(f"{scheme}://{root}", pattern.replace(_DAY, _ANY_DAY))]


def _literal_start(address: str) -> str:
    """The part of a local path that is there as written: a folder's own brackets are no pattern."""
    parts = address.split("/")
    start = ""
    for part in parts[1:]:
        further = f"{start}/{part}"
        if _DAY in part or (glob.has_magic(part) and not os.path.lexists(further)):
            return start or "/"
        start = further
    return start


def _day_pattern(address: str) -> re.Pattern[str]:
    """Finds the day in a listed path; where the path names the day twice, both have to agree."""
    translations = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = ""
    for piece in re.split(r"(\{day\}|\*\*/|\*\*|\*|\?|\[[^\]/]+\])", address.rpartition("://")[2].lstrip("/")):
        if piece == _DAY:
            pattern += "(?P=day)" if "(?P<day>" in pattern else r"(?P<day>\d{4}-\d{2}-\d{2})"
        elif piece in translations:
            pattern += translations[piece]
        elif piece.startswith("[") and piece.endswith("]"):
            pattern += f"(?:{re.escape(piece)}|{piece.replace('[!', '[^')})"
        else:
            pattern += re.escape(piece)
    return re.compile(f"(?:^|/){pattern}$")


def _file_system(options: Options) -> Any:
    import fsspec

    scheme = options.path.partition("://")[0] if options.is_remote else "file"
    # without caches: a listing must show what is there now, in a process that lives for weeks too
    return fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False)
