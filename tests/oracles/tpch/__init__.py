"""An oracle with data, questions and answers that others made: the TPC-H benchmark.

Source: TPC Benchmark H, standard specification revision 3, https://www.tpc.org/tpch/. Tables, queries and the answers to
them come with DuckDB's extension `tpch` (https://duckdb.org/docs/stable/core_extensions/tpch), which the package
`duckdb-extension-tpch` brings along. The generator gives the same rows each time: at scale factor 0.01, 15,000 orders
with 60,175 lines in 1992-1998. The profile `tpch.toml` takes a year, with everything that the queries 4 and 10
ask for by their own parameters.

`tables.py` writes the tables, `expected.py` says what the KPI catalogue makes of them, in SQL over TPC-H's own columns.
tests/integration/test_tpch.py compares, and puts TPC-H's queries to what was built.
"""
