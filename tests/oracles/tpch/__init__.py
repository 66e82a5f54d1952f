"""An oracle with data, questions and answers that others made: the TPC-H benchmark.

Source: TPC Benchmark H, https://www.tpc.org/tpch/ (standard specification, revision 3). Tables, queries and the answers
to them come from DuckDB's extension `tpch` (its `dbgen` is the generator of the TPC), https://duckdb.org/docs/stable/
core_extensions/tpch, which the package `duckdb-extension-tpch` brings along. The generator is deterministic: scale
factor 0.01 is 15,000 orders with 60,175 lines in 1992-1998, of which the profile `tpch.toml` takes the 18 months that
the parameters of the queries 4, 10 and 12 lie in.

`tables.py` writes the tables, `expected.py` says what the KPI catalogue makes of them, in SQL over TPC-H's own columns.
tests/integration/test_tpch.py compares, and puts TPC-H's queries to what was built.
"""
