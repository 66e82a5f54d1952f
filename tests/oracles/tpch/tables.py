"""The tables of TPC-H, as its generator makes them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import duckdb_extension_tpch

SCALE = 0.01  # one of the three that the extension has answers for
TABLES = ("customer", "lineitem", "nation", "orders", "part", "region", "supplier")
COUNTRIES = Path(__file__).with_name("countries.csv")


def load_tpch(con: duckdb.DuckDBPyConnection) -> None:
    """Load the extension from its package; nothing is asked of the network."""
    (extension,) = Path(duckdb_extension_tpch.__file__).parent.rglob("tpch.duckdb_extension")
    con.execute(f"load '{extension}'")


def generate(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables."""
    load_tpch(con)
    con.execute(f"call dbgen(sf = {SCALE})")
    con.execute(f"create table countries as from read_csv('{COUNTRIES}', all_varchar = true)")


def export(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write each table into a Parquet file, whole."""
    for table in TABLES:
        con.execute(f"copy {table} to '{folder / table}.parquet' (format parquet)")
