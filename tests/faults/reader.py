"""A reader of the published marts, as a process of its own: `reader.py <published> <stop file> <statements> <kind>`.

It asks every mart for its stamp until the stop file is there, and prints how many sets it read and what was wrong. Kinds:
`fresh` connects for every set, `long` reads many sets by one connection and in one transaction, `sqlalchemy` is a BI tool's
pool that keeps nothing, `parquet` resolves the link once and reads the files of that folder.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

Ask = Callable[[str], list[Any]]
THINK_SECONDS = 0.05  # between two sets, as somebody who looks at a dashboard


@contextmanager
def in_duckdb(current: Path) -> Iterator[Ask]:
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as con:
        con.execute("begin")
        yield lambda statement: con.execute(statement).fetchall()


@contextmanager
def in_parquet(current: Path) -> Iterator[Ask]:
    folder = current.resolve()
    with duckdb.connect() as con:
        for file in folder.glob("*.parquet"):
            con.execute(f"create view \"{file.stem}\" as from read_parquet('{file}')")
        yield lambda statement: con.execute(statement).fetchall()


def in_sqlalchemy(current: Path) -> Any:
    import sqlalchemy as sa

    url = f"duckdb:///{current / 'marts.duckdb'}?access_mode=read_only"
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)

    @contextmanager
    def connect(_: Path) -> Iterator[Ask]:
        with engine.connect() as con:
            yield lambda statement: list(con.execute(sa.text(statement)).fetchall())

    return connect


def main() -> None:
    published, stop, statements, kind = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
    current = published / "current"
    connect = {"parquet": lambda: in_parquet, "sqlalchemy": lambda: in_sqlalchemy(current)}.get(
        kind, lambda: in_duckdb
    )()
    served, torn, errors, seen = 0, 0, [], set()
    ends = False
    while not ends:
        ends = stop.exists()  # the last set is read after the last publication
        stamps = set()  # of all that one connection ever says: it stays with the set that it began with
        try:
            with connect(current) as ask:
                for _ in range(10 if kind == "long" else 1):
                    stamps |= {stamp for statement in statements for (stamp,) in ask(statement)}
                    served += 1
                    time.sleep(THINK_SECONDS)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
        torn += len(stamps) != 1
        seen |= stamps
        stop.with_name(f"reads-{os.getpid()}").touch()
    print(json.dumps({"kind": kind, "served": served, "torn": torn, "errors": errors, "seen": sorted(seen)}))


main()
