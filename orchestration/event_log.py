"""Dagster's SQLite event log with connections that stay open.

Dagster's own opens and closes the database several times per event, and every last close is a checkpoint with a sync:
a range run that logs thousands of days spends minutes there. Tables and content are Dagster's, unchanged. An
installation with PostgreSQL as Dagster's storage does not need this module.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import StaticPool

BUSY_SECONDS = 60
OPEN_SHARDS = 8  # databases kept open: the index and those of the latest runs


class KeptOpenSqliteEventLogStorage(SqliteEventLogStorage):
    """As its base class, with one open connection per database, and WAL's own `synchronous = normal`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> KeptOpenSqliteEventLogStorage:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> sa.Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = sa.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            )
            sa.event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
        self._engines[shard] = engine
        while len(self._engines) > OPEN_SHARDS:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def dispose(self) -> None:
        """Close every database; Dagster calls this when the instance goes."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()
