"""A reader of the published marts, as a process of its own: `reader.py <published> <stop file> fresh|long`.

It asks every mart for its stamp until the stop file is there, and prints how many sets it read and what was wrong.
"""

import json
import sys
from pathlib import Path

import duckdb


def sets_of(con: duckdb.DuckDBPyConnection) -> set[int]:
    """The stamps of all marts that carry one; a set of more than one is torn."""
    tables = con.execute("select table_name from duckdb_columns() where column_name = 'stamp' order by 1").fetchall()
    return {
        stamp for (table,) in tables for (stamp,) in con.execute(f'select distinct stamp from "{table}"').fetchall()
    }


def main() -> None:
    published, stop, kind = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    served, torn, errors, seen = 0, 0, [], set()
    while not stop.exists() or not served:
        try:
            with duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True) as con:
                for _ in range(20 if kind == "long" else 1):
                    stamps = sets_of(con)
                    served, torn = served + 1, torn + (len(stamps) != 1)
                    seen |= stamps
        except duckdb.Error as error:
            errors.append(str(error))
    print(json.dumps({"served": served, "torn": torn, "errors": errors, "seen": len(seen)}))


main()
