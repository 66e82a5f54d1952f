"""Seams: the points between two changes of what is on disk, where a process may end. They are found by instrumenting.

`watch` makes this process come to its seams one by one: every file that Python opens to write, every folder that it makes,
every rename, link, removal and sync; every write to a Delta table, before its rows, between its rows and its commit, and
after it; every statement that dbt or the publication gives to DuckDB. Each is written down before it happens; at the
one that is asked for the process is killed, or stopped. There is no way back: `watch` is for processes that end.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

NAMES = (  # what differs from run to run
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "<publication>"),
    (re.compile(r"tmp/(\w+)-[a-z0-9_]{8}"), r"tmp/\1-<random>"),
    (re.compile(r"/(opsmart-\w+)-[a-z0-9_]{8}"), r"/\1-<random>"),
    (re.compile(r"__dbt_tmp\d+"), "__dbt_tmp"),
    (re.compile(r'(warehouse"\.|")'), ""),
)
QUIET = re.compile(r"dbt/logs|\.lock$|said\.json")  # nothing is decided by them
NODE = re.compile(r'"node_id": "(?:\w+\.)*(\w+)"')
STATEMENT = re.compile(
    r"(begin|commit|rollback|attach|detach|checkpoint|"
    r"(?:create(?: or replace)?(?: temp(?:orary)?)? (?:table|view|schema)(?: if not exists)?|insert into|delete from|"
    r"alter table|drop (?:table|view)(?: if exists)?|copy|comment on \w+|update|truncate)"
    r"\s+\(?\s*(?:select \* from )?[\w.\"]+)",
    re.IGNORECASE,
)


def said_by(log: Path) -> list[str]:
    """The seams that a process came to, in order."""
    return log.read_text(encoding="utf-8").splitlines() if log.is_file() else []


class _Watched:
    def __init__(self, home: Path, log: Path, end_at: str | None, how: signal.Signals) -> None:
        self.home, self.end_at, self.how = home, end_at, how
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.seen: Counter[str] = Counter()
        self.is_busy = False

    def come_to(self, name: str) -> bool:
        """Write the seam down. Returns whether it is the one to end at."""
        for pattern, instead in NAMES:
            name = pattern.sub(instead, name)
        self.seen[name] += 1
        key = f"{name} #{self.seen[name]}"
        os.write(self.log, f"{key}\n".encode())
        return key == self.end_at

    def reach(self, name: str) -> None:
        """A seam; the process may end here."""
        if self.come_to(name):
            os.kill(os.getpid(), self.how)

    def path(self, path: Any) -> str | None:
        """The path as it lies in the home; None for what lies elsewhere and for what decides nothing."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        whole = Path(os.fsdecode(path))
        if not whole.is_relative_to(self.home) or QUIET.search(str(whole)):
            return None
        return str(whole.relative_to(self.home))

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_busy:
            return
        self.is_busy = True
        try:
            if event == "open" and isinstance(arguments[2], int):
                if arguments[2] & (os.O_WRONLY | os.O_RDWR) and (path := self.path(arguments[0])):
                    self.reach(f"open {path}")
            elif event in ("os.rename", "os.symlink", "os.link") and (path := self.path(arguments[1])):
                self.reach(f"{event.removeprefix('os.')} {path}")
            elif event == "os.mkdir" and Path(os.fsdecode(arguments[0])).exists():
                pass
            elif event in ("os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree") and (path := self.path(arguments[0])):
                self.reach(f"{event.split('.')[1]} {path}")
        finally:
            self.is_busy = False


def watch(home: Path, log: Path, end_at: str | None = None, how: signal.Signals = signal.SIGKILL) -> None:
    """From now on this process writes its seams into `log`, and sends itself the signal `how` at the one named `end_at`."""
    watched = _Watched(home, log, end_at, how)
    sys.addaudithook(watched.audit)
    _watch_files(watched)
    _watch_delta(watched)
    _watch_dbt(watched)
    _watch_duckdb(watched)


def _watch_files(watched: _Watched) -> None:
    fsync, write_text = os.fsync, Path.write_text

    def synced(descriptor: int) -> None:
        if path := watched.path(Path(f"/proc/self/fd/{descriptor}").readlink()):
            watched.reach(f"sync {path}")
        fsync(descriptor)

    def written(self: Path, data: str, *given: Any, **named: Any) -> int:
        if (path := watched.path(self)) and watched.come_to(f"half of {path}"):
            watched.is_busy = True
            write_text(self, data[: len(data) // 2], *given, **named)
            os.kill(os.getpid(), signal.SIGKILL)
        return write_text(self, data, *given, **named)

    os.fsync, Path.write_text = synced, written  # type: ignore[assignment]


def _watch_delta(watched: _Watched) -> None:
    from orchestration.pipeline import lake, ledger

    write = lake.write_deltalake

    def written(target: Any, rows: pa.Table | pa.RecordBatchReader, *given: Any, **named: Any) -> None:
        uri = target if isinstance(target, str) else target.table_uri.removeprefix("file://").rstrip("/")
        table = Path(uri).relative_to(watched.home)
        reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()

        def batches() -> Iterator[pa.RecordBatch]:
            yield from reader
            watched.reach(f"rows of {table} are read, nothing is committed")

        watched.reach(f"write to {table}")
        write(target, pa.RecordBatchReader.from_batches(reader.schema, batches()), *given, **named)
        watched.reach(f"{table} is committed")

    lake.write_deltalake = ledger.write_deltalake = written


def _watch_dbt(watched: _Watched) -> None:
    from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

    execute, model = DuckDBCursorWrapper.execute, ""

    def executed(self: Any, sql: str, *given: Any, **named: Any) -> Any:
        nonlocal model
        if node := NODE.search(sql):  # what begins and ends a transaction does not say whose it is
            model = node[1]
        if does := STATEMENT.search(re.sub(r"/\*.*?\*/", "", sql, flags=re.DOTALL)):
            watched.reach(f"dbt {model}: {' '.join(does[1].lower().split())}")
        return execute(self, sql, *given, **named)

    DuckDBCursorWrapper.execute = executed


class _Connection:
    """A connection of DuckDB that comes to a seam before each statement that changes something."""

    def __init__(self, watched: _Watched, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._watched, self._connection, self._name = watched, connection, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def execute(self, sql: str, *given: Any) -> Any:
        if does := STATEMENT.match(sql.strip()):
            self._watched.reach(f"{self._name}: {' '.join(does[1].lower().split())}")
        return self._connection.execute(sql, *given)

    def begin(self) -> Any:
        return self.execute("begin")

    def commit(self) -> Any:
        return self.execute("commit")


def _watch_duckdb(watched: _Watched) -> None:
    """Connections to the publication's files, and to the warehouse where it is not dbt that opens it."""
    connect = duckdb.connect

    def connected(database: str = ":memory:", *given: Any, **named: Any) -> Any:
        connection = connect(database, *given, **named)
        path = watched.path(database)
        with contextlib.suppress(AttributeError):
            if path and not named.get("read_only") and "dbt" not in sys._getframe(1).f_globals["__name__"]:
                return _Connection(watched, connection, Path(path).name)
        return connection

    duckdb.connect = connected
