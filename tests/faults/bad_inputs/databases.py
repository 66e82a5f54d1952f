"""Bad databases: SQLite and PostgreSQL as the stream orders. `given` are the statements that make the database.

`more["source"]` replaces options of the source, `{url}` and `{folder}` in them are filled in.
"""

# ruff: noqa: E501 – a table: one case, one line

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.faults.bad_inputs.case import Case

FIELDS = {
    "order_id": "id", "ordered_at": "at", "updated_at": "at", "currency": "'EUR'", "discount_amount": "amount", "status": "name",
}  # fmt: skip
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
_TABLE = {
    "sqlite": "create table o (id text, at text, amount numeric, name text)",
    "postgresql": "create table o (id text, at timestamptz, amount numeric, name text)",
}
_ROW = "insert into o values ('good', '2026-03-02 10:00:00', 1, 'n')"


def _rows(
    where: str, name: str, row: str, says: str = "", landed: int | None = 2, rejected: int = 0, **more: Any
) -> Case:
    """A good row and this one, in a table without types of its own where SQLite allows that."""
    return Case(name, where, [_TABLE[where], _ROW, f"insert into o values ({row})"], says, landed, rejected, **more)


def _made(
    where: str, name: str, given: Any, says: str = "", landed: int | None = None, rejected: int = 0, **source: Any
) -> Case:
    return Case(name, where, given, says, landed, rejected, more={"source": source})


_LITE, _PG = "sqlite", "postgresql"
_ALL = {where: [_TABLE[where], _ROW] for where in _TABLE}
_INJECTED = 'o"; drop table o; --'

SQLITE = [
    _rows(_LITE, "a word in a column of numbers", "'x', '2026-03-02 10:00:00', 'many', 'n'", "malformed|discount_amount_type", 1, 1),
    _rows(_LITE, "a number that is infinite", "'x', '2026-03-02 10:00:00', 9e999, 'n'", "malformed|discount_amount_type", 1, 1),
    _rows(_LITE, "a number of 400 digits", f"'x', '2026-03-02 10:00:00', '{'9' * 400}', 'n'", "malformed|discount_amount_type", 1, 1),
    _rows(_LITE, "bytes for an id", "x'ff00', '2026-03-02 10:00:00', 1, 'n'", holds={"order_id": ["FF00", "good"]}),
    _rows(_LITE, "bytes that are no UTF-8", "cast(x'ff41' as text), '2026-03-02 10:00:00', 1, 'n'", landed=2),
    _rows(_LITE, "a NUL inside a text", "cast(x'610062' as text), '2026-03-02 10:00:00', 1, 'n'", landed=2),
    _rows(_LITE, "a cursor that is no time", "'x', 'soon', 1, 'n'", "cursor_required", 1, 1),
    _rows(_LITE, "a cursor of nothing", "'x', null, 1, 'n'", "cursor_required", 1, 1),
    _rows(_LITE, "a cursor of seconds among texts", "'x', 1772445600, 1, 'n'", "cursor_required", 1, 1),
    _rows(_LITE, "the thirtieth of February", "'x', '2026-02-30', 1, 'n'", landed=1),
    _rows(_LITE, "a statement as a value", "'x''; drop table o; --', '2026-03-02 10:00:00', 1, 'n'", landed=2),
    _rows(_LITE, "an id of a million characters", f"'{'i' * 1_000_000}', '2026-03-02 10:00:00', 1, 'n'", landed=2),
    _rows(_LITE, "a date of zeros", "'x', '0000-00-00 00:00:00', 1, 'n'", landed=1),
    _made(_LITE, "a table called like a statement", [f'create table "{_INJECTED.replace(chr(34), chr(34) * 2)}" as select '
          "'a' as id, '2026-03-02 10:00:00' as at, 1 as amount, 'n' as name", *_ALL[_LITE]], landed=1, table=_INJECTED),
    _made(_LITE, "a table name that is a statement", _ALL[_LITE], "no such table", table="o; drop table o"),
    _made(_LITE, "a table name that climbs out", _ALL[_LITE], "no such table", table="../../etc/passwd"),
    _made(_LITE, "a cursor that is a statement", _ALL[_LITE], "no such column", cursor="at) or (1=1"),
    _made(_LITE, "a query that deletes", _ALL[_LITE], "syntax error", query="delete from o", table=None),
    _made(_LITE, "two queries in one", _ALL[_LITE], "syntax error|one statement|cannot", query="select * from o; drop table o", table=None),
    _made(_LITE, "a query of another database", _ALL[_LITE], "syntax error", query="attach '/etc/passwd' as p", table=None),
    _made(_LITE, "a view over a table that is gone", [*_ALL[_LITE], "create table p (id)", "create view v as select * from p", "drop table p"],
          "no such table", table="v"),
    _made(_LITE, "a file that is no database", b"<html>Sign in</html>" * 200, "not a database"),
    _made(_LITE, "an empty file", b"", "no such table"),
    _made(_LITE, "a database that breaks off", b"SQLite format 3\0" + b"\0" * 84, "file is not a database; name a SQLite file"),
    _made(_LITE, "a folder for a file", [], "there is no SQLite file", url="sqlite:///{folder}"),
    _made(_LITE, "a column that is gone", ["create table o (id, at, name)", "insert into o values (1, '2026-03-02', 'n')"], "fields.discount_amount"),
]  # fmt: skip

POSTGRESQL = [
    _rows(_PG, "a number that is none", "'x', '2026-03-02 10:00:00Z', 'NaN', 'n'", "malformed|discount_amount_type", 1, 1),
    _rows(_PG, "a number of 300 digits", f"'x', '2026-03-02 10:00:00Z', {'9' * 300}, 'n'", "malformed|discount_amount_type", 1, 1),
    _rows(_PG, "a time that never comes", "'x', 'infinity', 1, 'n'", "malformed|cursor_required", 1, 1),
    _rows(_PG, "a time before all times", "'x', '-infinity', 1, 'n'", "malformed|cursor_required", 1, 1),
    _rows(_PG, "a time before Christ", "'x', '0044-03-15 BC', 1, 'n'", "malformed|cursor_required", 1, 1),
    _rows(_PG, "a time after the year 9999", "'x', '20000-01-01', 1, 'n'", "malformed|cursor_required", 1, 1),
    _rows(_PG, "no time", "'x', null, 1, 'n'", "cursor_required", 1, 1),
    _rows(_PG, "negative money", "'x', '2026-03-02 10:00:00Z', -1, 'n'", "discount_amount_range", 1, 1),
    _rows(_PG, "money with all its digits", "'x', '2026-03-02 10:00:00Z', 12345678901234.5678, 'n'",
          holds={"discount_amount": [Decimal("1.0000"), Decimal("12345678901234.5678")]}),
    _rows(_PG, "an emoji and a line break", "E'👩‍🚀\\n', '2026-03-02 10:00:00Z', 1, 'n'", holds={"order_id": ["good", "👩‍🚀\n"]}),
    _made(_PG, "kinds that nobody expects", ["create table o (id int[], at timestamptz, amount money, name interval)",
          "insert into o values ('{1,2}', '2026-03-02 10:00Z', 5, '1 month')"], "discount_amount_type", 0, 1),
    _made(_PG, "bytes for an id", ["create table o (id bytea, at timestamptz, amount int, name json)",
          """insert into o values ('\\xff00', '2026-03-02 10:00Z', 5, '{"a": 1, "a": 2}')"""], landed=1),
    _made(_PG, "a table called like a statement", [f'create table "{_INJECTED.replace(chr(34), chr(34) * 2)}" as select '
          "'a' as id, timestamptz '2026-03-02 10:00Z' as at, 1 as amount, 'n' as name"], landed=1, table=_INJECTED),
    _made(_PG, "a table name that is a statement", _ALL[_PG], "no such table", table="o; drop table o"),
    _made(_PG, "a schema that is not there", _ALL[_PG], "no such table|not exist", schema="nowhere"),
    _made(_PG, "a cursor that is a statement", _ALL[_PG], "no such column", cursor="at) or (1=1"),
    _made(_PG, "a query that deletes", _ALL[_PG], "syntax error|cannot|read-only|WITH clause", query="with d as (delete from o returning *) select * from d", table=None),
    _made(_PG, "two queries in one", _ALL[_PG], "syntax error|multiple", query="select * from o; drop table o", table=None),
    _made(_PG, "a query that divides by zero", _ALL[_PG], "division by zero", query="select id, at, 1 / (amount - 1) as amount, name from o", table=None),
    _made(_PG, "a query that sleeps", _ALL[_PG], "statement timeout", query="select o.*, pg_sleep(9) from o", table=None, statement_timeout=1),
    _made(_PG, "a query that reads the server's files", _ALL[_PG], "permission denied", user="stranger:s3cret",
          query="select pg_read_file('/etc/passwd') as id, now() as at, 1 as amount, 'n' as name", table=None),
    _made(_PG, "a table that must not be read", _ALL[_PG], "permission denied", user="stranger:s3cret"),
    _made(_PG, "a wrong password", _ALL[_PG], "password authentication failed", user="stranger:s3cret-wrong"),
    _made(_PG, "a database that is not there", _ALL[_PG], "does not exist", database="nowhere"),
    _made(_PG, "a column that is gone", ["create table o (id text, at timestamptz, name text)", "insert into o values ('a', '2026-03-02 10:00Z', 'n')"],
          "fields.discount_amount"),
]  # fmt: skip
