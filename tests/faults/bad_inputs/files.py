"""Bad files: CSV, JSON lines and Parquet as the stream usage_events, whose columns are id, name, at, who and uses."""

# ruff: noqa: E501 – a table: one case, one line

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.bad_inputs.case import DAY, Case

FIELDS = {"event_id": "id", "event_name": "name", "occurred_at": "at", "user_id": "who", "use_count": "uses"}
HEAD, GOOD = b"id,name,at,who,uses\n", b"good,opened,2026-03-02 10:00:00,u,5\n"
LINE = {"id": "good", "name": "opened", "at": "2026-03-02T10:00:00Z", "who": "u", "uses": 5}
GOOD_LINE = json.dumps(LINE).encode() + b"\n"


def _csv(name: str, line: bytes, says: str = "", landed: int | None = 2, rejected: int = 0, **more: Any) -> Case:
    """A good line and this one."""
    return Case(name, "csv", HEAD + GOOD + line, says, landed, rejected, **more)


def _csv_file(name: str, given: bytes, says: str = "", landed: int | None = None, **more: Any) -> Case:
    return Case(name, "csv", given, says, landed, **more)


CSV = [
    _csv("a NUL byte in a value", b"a\0b,opened,2026-03-02 11:00:00,u,1\n", holds={"event_id": ["a\0b", "good"]}),
    _csv("bytes that are no UTF-8", b"x,\xff\xfe,2026-03-02 11:00:00,u,1\n", "malformed", 1, 1),
    _csv("an overlong encoding of a slash", b"x,\xc0\xaf,2026-03-02 11:00:00,u,1\n", "malformed", 1, 1),
    _csv("a field of 10 MB", b"x," + b"y" * 10_000_000 + b",2026-03-02 11:00:00,u,1\n", "malformed", 1, 1),
    _csv("a quote that never closes", b'x,"opened,2026-03-02 11:00:00,u,1\n' + GOOD * 3, "malformed", 1, 4),
    _csv("text behind a closing quote", b'x,"a"b,2026-03-02 11:00:00,u,1\n', "malformed", 1, 1),
    _csv("line breaks inside quotes", b'x,"a\r\nb\n",2026-03-02 11:00:00,u,1\n', holds={"event_name": ["a\r\nb\n", "opened"]}),
    _csv("too many and too few cells", b"1,2,3,4,5,6\n1,2\n", "malformed", 1, 2),
    _csv("the header again in the middle", HEAD, "at_type|occurred_at_type", 1, 1),
    _csv("a statement as a value", b"'); drop table judged; --,opened,2026-03-02 11:00:00,u,1\n",
         holds={"event_id": ["'); drop table judged; --", "good"]}),
    _csv("a formula as a value", b'"=cmd|\' /C calc\'!A0",opened,2026-03-02 11:00:00,u,1\n',
         holds={"event_id": ["=cmd|' /C calc'!A0", "good"]}),
    _csv("an emoji as an id", "👩‍🚀,opened,2026-03-02 11:00:00,u,1\n".encode(), holds={"event_id": ["👩‍🚀", "good"]}),
    _csv("an id of 10,000 characters", b"i" * 10_000 + b",opened,2026-03-02 11:00:00,u,1\n", holds={"event_id": ["good", "i" * 10_000]}),
    _csv("only spaces as an id", b"   ,opened,2026-03-02 11:00:00,u,1\n", "event_id_required", 1, 1),
    _csv_file("a byte order mark", b"\xef\xbb\xbf" + HEAD + GOOD, landed=1),
    _csv_file("UTF-16 that is not named", (HEAD + GOOD).decode().encode("utf-16"), "UTF-8; name its encoding"),
    _csv_file("UTF-16 without a mark", (HEAD + GOOD).decode().encode("utf-16-le"), "UTF-8; name its encoding"),
    _csv_file("a page of HTML", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "cannot be evaluated.*The source given has"),
    _csv_file("JSON with the name of a CSV file", GOOD_LINE, "cannot be evaluated"),
    _csv_file("another delimiter", (HEAD + GOOD).replace(b",", b";"), "set `delimiter`, it seems to be ';'"),
    _csv_file("no byte at all", b"", landed=0),
    _csv_file("a header alone", HEAD, landed=0),
    _csv_file("a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "UTF-8; name its encoding"),
    _csv_file("gzip of no byte", b"", "is empty, not even compressed", more={"file": "in.csv.gz"}),
    _csv_file("text named gzip", HEAD + GOOD, "is named like a gzip file and is none", more={"file": "in.csv.gz"}),
    _csv_file("gzip that breaks off", gzip.compress(HEAD + GOOD * 99, mtime=0)[:-9], "is truncated or damaged", more={"file": "in.csv.gz"}),
    _csv_file("gzip with a wrong checksum", gzip.compress(HEAD + GOOD, mtime=0)[:-8] + b"\0" * 8, "is truncated or damaged"),
    Case("a line of 100 MB in 100 kB of gzip", "csv", gzip.compress(HEAD + GOOD + b"x" * 100_000_000 + b"\n", 9, mtime=0), "has a line of more than 16 MB; have it written again"),
    _csv_file("one column twice", b"id,name,at,who,uses,uses\na,opened,2026-03-02 10:00:00,u,5,7\n", landed=1, holds={"use_count": [5]}),
    _csv_file("a statement as a column", b'id,name,at,who,uses,"x"" ); drop table judged; --"\na,b,2026-03-02 10:00:00,u,5,7\n',
              "drop table judged", landed=1),
    _csv_file("a column named like the gate's own", b"id,name,at,who,uses,raw_event_id,landed_date,reasons,_has_no_day,_malformed\n"
              b"a,opened,2026-03-02 10:00:00,u,5,bad,2020-01-01,r,true,m\n", landed=1, holds={"event_id": ["a"]}),
    _csv_file("columns that differ from fields in case alone", b"Event_ID,Use_Count,id,name,at,who,uses\n"
              b"bad,999,a,opened,2026-03-02 10:00:00,u,5\n", landed=1, holds={"event_id": ["a"], "use_count": [5]}),
    _csv_file("1,200 columns", b",".join([b"id,name,at,who,uses", *(b"c%d" % n for n in range(1_200))]) + b"\n"
              + GOOD[:-1] + b",1" * 1_200 + b"\n", landed=1),
    _csv_file("a column that is gone", b"id,name,at,who\na,opened,2026-03-02 10:00:00,u\n", r"uses.*The source given has: id, name, at, who"),
    Case("a path that climbs out to nothing", "csv", None, "there is no|no file is there", more={"path": "../../nothing/in.csv"}),
    Case("a link that leads nowhere", "csv", None, "there is no|no file is there|vanished", more={"link": "nowhere.csv"}),
    Case("a link to itself", "csv", None, "there is no|no file is there|symbolic|levels|cannot be", more={"link": "in.csv"}),
    Case("a folder of the file's name", "csv", None, "a folder; name the files in it", more={"mkdir": True}),
]  # fmt: skip


def _json(
    name: str, line: bytes | dict[str, Any], says: str = "", landed: int | None = 2, rejected: int = 0, **more: Any
) -> Case:
    """A good line and this one; a dict changes the good line."""
    text = line if isinstance(line, bytes) else json.dumps(LINE | {"id": "x"} | line).encode()
    return Case(name, "jsonl", GOOD_LINE + text + b"\n", says, landed, rejected, **more)


def _with_uses(number: str) -> bytes:
    return json.dumps(LINE | {"uses": "#"}).replace('"#"', number).encode()


JSONL = [
    _json("a line that breaks off", GOOD_LINE[:40], "malformed", 1, 1),
    _json("an array", b"[1, 2]", "malformed", 1, 1),
    _json("a number alone", b"42", "malformed", 1, 1),
    _json("two objects on a line", GOOD_LINE.strip() * 2, "malformed", 1, 1),
    _json("a comma behind the last value", b'{"id": "x",}', "malformed|event_name_required", 1, 1),
    _json("single quotes", str(LINE).encode(), "malformed", 1, 1),
    _json("10,000 brackets deep", b'{"id": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "malformed|required", 1, 1),
    _json("one key twice", GOOD_LINE.strip()[:-1] + b', "uses": 999}', landed=2, holds={"use_count": [5, 5]}),  # the first
    _json("1e400", _with_uses("1e400"), "use_count_type|malformed", 1, 1),
    _json("NaN", _with_uses("NaN"), "malformed|use_count_type", 1, 1),
    _json("Infinity", _with_uses("Infinity"), "malformed|use_count_type", 1, 1),
    _json("more than 64 bits hold", _with_uses("9223372036854775808"), "use_count_type", 1, 1),
    _json("a fraction of a count", {"uses": 2.5}, "use_count_type", 1, 1),
    _json("a number with all its digits", _with_uses("9007199254740993"), holds={"use_count": [5, 9007199254740993]}),
    _json("a number as text", {"uses": "7"}, holds={"use_count": [5, 7]}),
    _json("true for a number", {"uses": True}, "use_count_type", 1, 1),
    _json("an object for a number", {"uses": {"n": 1}}, "use_count_type", 1, 1),
    _json("an object for an id", {"id": {"$oid": "1"}}, landed=2),
    _json("null for an id", {"id": None}, "event_id_required", 1, 1),
    _json("a negative count", {"uses": -1}, "use_count_range", 1, 1),
    _json("a NUL in a text", {"id": "a\0b"}, holds={"event_id": ["a\0b", "good"]}),
    _json("half of a pair of surrogates", b'{"id": "\\ud800", "name": "n", "at": "2026-03-02T10:00:00Z", "who": "u"}', "malformed", 1, 1),
    _json("bytes that are no UTF-8", b'{"id": "\xff\xfe", "name": "n", "at": "2026-03-02T10:00:00Z", "who": "u"}', "malformed", 1, 1),
    _json("a time in seconds", {"at": 1772445600}, "occurred_at_type", 1, 1),
    _json("a day that is none", {"at": "2026-02-30T10:00:00Z"}, "occurred_at_type", 1, 1),
    _json("a key of 10,000 characters", {"k" * 10_000: 1}, landed=2),
    _json("a statement as a key", {'"); drop table judged; --': 1}, "drop table judged", 2),
    _json("an empty key, and one of a dot", {"": 1, "a.b": 2, "$": 3}, landed=2),
    _json("2,000 keys", {f"k{n}": n for n in range(2_000)}, "2,005 different top-level keys", None),
    Case("a text of 20 MB", "jsonl", GOOD_LINE + json.dumps(LINE | {"name": "y" * 20_000_000}).encode() + b"\n", landed=2),
    Case("a byte order mark", "jsonl", b"\xef\xbb\xbf" + GOOD_LINE, landed=1),
    Case("UTF-16", "jsonl", GOOD_LINE.decode().encode("utf-16"), "malformed", 0, 2),
    Case("a page of HTML", "jsonl", b"<html>\n<body>Sign in</body>\n</html>\n", "malformed", 0, 3),
    Case("one array over many lines", "jsonl", json.dumps([LINE, LINE], indent=1).encode(), landed=2),
    Case("carriage returns alone", "jsonl", (GOOD_LINE * 2).replace(b"\n", b"\r"), "malformed", 0, 1),
    Case("gzip in gzip", "jsonl", gzip.compress(gzip.compress(GOOD_LINE, mtime=0), mtime=0), "malformed", 0, 1, more={"file": "in.jsonl.gz"}),
    Case("blank lines and spaces", "jsonl", b"\n  \n\t\n" + GOOD_LINE + b"\n\n", landed=1),
]  # fmt: skip

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


def _parquet(columns: dict[str, Any] | pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    if isinstance(columns, dict):
        columns = pa.table({"id": ["a"], "name": ["n"], "at": [AT], "who": ["u"], "uses": [5]} | columns)
    pq.write_table(columns, out)
    return out.getvalue().to_pybytes()


_ROW = _parquet({})


def _of(
    name: str, columns: dict[str, Any], says: str = "", landed: int | None = 1, rejected: int = 0, **more: Any
) -> Case:
    return Case(name, "parquet", _parquet(columns), says, landed, rejected, **more)


PARQUET = [
    Case("no byte at all", "parquet", b"", "is no Parquet file, or is truncated"),
    Case("the magic word alone", "parquet", b"PAR1PAR1", "cannot be read as parquet"),
    Case("the first half", "parquet", _ROW[: len(_ROW) // 2], "cannot be read as parquet"),
    Case("a damaged footer", "parquet", _ROW[:-40] + b"\xff" * 32 + _ROW[-8:], "cannot be read as parquet"),
    Case("a damaged page", "parquet", _ROW[:4] + b"\xff" * 40 + _ROW[44:], "cannot be read as parquet"),
    Case("an encrypted footer", "parquet", _ROW[:-4] + b"PARE", "cannot be read as parquet"),
    Case("CSV by another name", "parquet", HEAD + GOOD, "is no Parquet file, or is truncated"),
    Case("gzip around it", "parquet", gzip.compress(_ROW, mtime=0), "is no Parquet file, or is truncated"),
    _of("no row", {name: pa.array([], pa.string()) for name in ("id", "name", "at", "who", "uses")}, landed=0),
    _of("numbers for ids", {"id": [7]}, holds={"event_id": ["7"]}),
    _of("doubles that are none", {"uses": [float("nan")]}, "use_count_type", 0, 1),
    _of("an infinite double", {"uses": [float("inf")]}, "use_count_type", 0, 1),
    _of("a double beyond 64 bits", {"uses": [1e300]}, "use_count_type", 0, 1),
    _of("a decimal of 38 digits", {"uses": [Decimal(10) ** 37]}, "use_count_type", 0, 1),
    _of("unsigned 64 bits", {"uses": pa.array([2**64 - 1], pa.uint64())}, "use_count_type", 0, 1),
    _of("true for a number", {"uses": [True]}, landed=1, holds={"use_count": [1]}),
    _of("seconds for a time", {"at": [1772445600]}, "occurred_at_type", 0, 1),
    _of("days for a time", {"at": [DAY]}, landed=1),
    _of("nanoseconds without a zone", {"at": pa.array([1772445600_000000001], pa.timestamp("ns"))}, landed=1, holds={"occurred_at": [AT]}),
    _of("a time of the year 20000", {"at": pa.array([568971820800_000], pa.timestamp("ms", "UTC"))}, "cursor_required.*occurred_at_type", 0, 1),
    _of("a struct for an id", {"id": [{"a": 1}]}, landed=1),
    _of("bytes that are no text", {"id": pa.array([b"\xff\x00"], pa.binary())}, landed=1),
    _of("a list for a count", {"uses": [[1, 2]]}, "use_count_type", 0, 1),
    _of("a column that is gone", {"uses": pa.array([None], pa.null())}, landed=1, holds={"use_count": [1]}),
    Case("a column twice", "parquet", _parquet(pa.table([["a"], ["n"], [AT], ["u"], [5], [7]], ["id", "name", "at", "who", "uses", "uses"])),
         landed=1, holds={"use_count": [5]}),
]  # fmt: skip
