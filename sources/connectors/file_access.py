"""Makes listed files readable for DuckDB: fetched if they are remote, whole if they are compressed, UTF-8.

DuckDB ends quietly at the point where a compressed file breaks off, so that a truncated file would count as a short
day; that is why compressed files are read to their end here first. Listing and parsing do not belong here.
"""

from __future__ import annotations

import codecs
import glob
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from sources.connectors.base import with_retries

CHUNK = 1 << 20
_ZIP = b"PK\x03\x04"
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_SUFFIX = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}


class UnreadableFile(Exception):
    """A file cannot be used; the message says why and what to do, in words that follow the file's name (`source`)."""

    def __init__(self, message: str, source: str = "") -> None:
        super().__init__(message)
        self.source = source


@dataclass(frozen=True)
class Readable:
    """A file that DuckDB can read now: `source` is its name in the listing, `local` the one to open."""

    source: str
    local: Path
    compression: str
    day: date | None

    @property
    def pattern(self) -> str:
        """The local name for DuckDB, which takes `[`, `*` and `?` in it for a pattern."""
        return glob.escape(str(self.local))

    def chunks(self) -> Iterator[bytes]:
        """The content, decompressed, piece by piece. Raises OSError if the file breaks off or is damaged."""
        with pa.OSFile(str(self.local)) as raw:
            if self.compression == "none":
                while piece := raw.read(CHUNK):
                    yield piece
            else:
                with pa.CompressedInputStream(raw, self.compression) as stream:
                    while piece := stream.read(CHUNK):
                        yield piece

    def head(self) -> bytes:
        return next(self.chunks(), b"")


def prepare(item: Any, source: str, day: date | None, file_format: str, encoding: str, staging: Path) -> list[Readable]:
    """Make one listed file (a dlt FileItem) readable: one file, or those of an archive.

    `staging` is a folder that lives as long as the reading. Raises UnreadableFile.
    """
    try:
        local = _fetch(item, staging) if not source.startswith("/") else Path(source)
        start = _start(local)
    except FileNotFoundError:
        raise UnreadableFile("vanished while it was read; run again once the source is at rest") from None
    except PermissionError:
        raise UnreadableFile("must not be read by this user; allow it") from None
    except Exception as error:  # remote file systems raise whatever their client library raises
        raise UnreadableFile(f"could not be fetched: {error}; run again when the source answers") from None
    members = _unzipped(local, staging) if start == _ZIP else [("", local)]
    return [
        _readable(f"{source}/{name}" if name else source, path, day, file_format, encoding, staging)
        for name, path in members
    ]


def _start(local: Path) -> bytes:
    with local.open("rb") as file:
        return file.read(4)


def _unzipped(archive: Path, staging: Path) -> list[tuple[str, Path]]:
    """The files in a zip archive, by name; each is checked against the sum that the archive has of it."""
    members = []
    try:
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                name = entry.filename.rpartition("/")[2]
                if entry.is_dir() or not name or name[0] in "._" or entry.filename.startswith("__MACOSX/"):
                    continue
                target = _new_file(staging, name)
                with packed.open(entry) as content, target.open("wb") as file:
                    shutil.copyfileobj(content, file, CHUNK)
                members.append((entry.filename, target))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise UnreadableFile(f"is truncated or damaged ({error}); have it written again") from None
    return sorted(members)


def _readable(source: str, local: Path, day: date | None, file_format: str, encoding: str, staging: Path) -> Readable:
    start, size = _start(local), local.stat().st_size
    if file_format == "parquet":
        if start != b"PAR1":
            raise UnreadableFile("is no Parquet file, or is truncated; have it written again")
        return Readable(source, local, "none", day)
    readable = Readable(source, local, _compression(source, start, size), day)
    if readable.compression != "none":
        _read_to_the_end(readable)
    if file_format == "csv" and not _is_utf8(encoding):
        return _rewritten(readable, staging, _recoded(readable, encoding))
    if file_format == "jsonl" and readable.head().startswith(codecs.BOM_UTF8):
        return _rewritten(readable, staging, _without_mark(readable))
    return readable


def is_array(readable: Readable) -> bool:
    """Whether a JSON file is one array of objects instead of a line per object."""
    return re.match(rb"\s*\[\s*(\{|\]\s*$|$)", readable.head()[:4096]) is not None


def with_even_line_ends(readable: Readable, staging: Path) -> Readable:
    """A copy whose lines all end in a line feed: DuckDB refuses a CSV file that mixes kinds of line ends."""

    def pieces() -> Iterator[bytes]:
        held = b""
        for piece in readable.chunks():
            piece = held + piece
            held = b"\r" if piece.endswith(b"\r") else b""
            piece = piece[: len(piece) - len(held)]
            yield piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield b"\n" if held else b""

    return _rewritten(readable, staging, pieces())


def without_long_lines(readable: Readable, staging: Path, longest: int, instead: bytes) -> Readable:
    """A copy in which each line of more than `longest` bytes is replaced, so that one of them spoils no other."""

    def pieces() -> Iterator[bytes]:
        held = b""
        is_skipping = False
        for piece in readable.chunks():
            *whole, rest = (held + piece).split(b"\n")
            for line in whole:
                yield (instead if is_skipping or len(line) > longest else line) + b"\n"
                is_skipping = False
            is_skipping = is_skipping or len(rest) > longest
            held = b"" if is_skipping else rest
        yield instead if is_skipping else held

    return _rewritten(readable, staging, pieces())


def _fetch(item: Any, staging: Path) -> Path:
    target = _new_file(staging, item["file_name"])
    with_retries(
        lambda: item.fsspec.get_file(item["file_url"], str(target)),
        lambda error: not isinstance(error, (FileNotFoundError, PermissionError, ImportError)),
    )
    return target


def _compression(source: str, start: bytes, size: int) -> str:
    found = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "none")
    expected = _SUFFIX.get(Path(source).suffix.lower())
    if expected and found != expected:
        raise UnreadableFile(
            "is empty, not even compressed: it is truncated; have it written again"
            if size == 0
            else f"is named like a {expected} file and is none; rename it or have it written again"
        )
    return found


def _read_to_the_end(readable: Readable) -> None:
    try:
        for _ in readable.chunks():
            pass
    except OSError as error:
        raise UnreadableFile(
            f"is truncated or damaged ({error}); have it written again, its rows are pulled as soon as it is whole"
        ) from None


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "ascii")


def _recoded(readable: Readable, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    try:
        for piece in readable.chunks():
            yield decoder.decode(piece).encode("utf-8", "surrogatepass")
            position += len(piece)
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"is not in the encoding {encoding} (near byte {position + error.start:,}); set the right one in `encoding`"
        ) from None


def _without_mark(readable: Readable) -> Iterator[bytes]:
    pieces = readable.chunks()
    yield next(pieces).removeprefix(codecs.BOM_UTF8)
    yield from pieces


def _rewritten(readable: Readable, staging: Path, pieces: Iterator[bytes]) -> Readable:
    target = _new_file(staging, "rewritten")
    with target.open("wb") as file:
        file.writelines(pieces)
    return Readable(readable.source, target, "none", readable.day)


def _new_file(staging: Path, name: str) -> Path:
    """A file of its own in the staging folder: two folders of a source may hold files of one name."""
    handle, path = tempfile.mkstemp(dir=staging, suffix=f"-{name}")
    os.close(handle)
    return Path(path)
