"""The files connector: formats and compressions, folders by day, windows, and every way in which a file can be bad."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from sources.connectors import CONNECTORS, SourceError, Window, files

ROWS = [
    {"id": "1", "name": "Ünïcode, “quoted” 🚲", "at": "2026-03-28T23:00:00Z"},
    {"id": "2", "name": 'line one\nline "two"', "at": "2026-03-29T00:30:00Z"},
    {"id": "3", "name": "", "at": "2026-03-29T21:59:59.999999Z"},
    {"id": "4", "name": "x", "at": "2026-03-29T22:00:00Z"},
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def as_csv(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue().to_pybytes()


def zstd(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return out.getvalue().to_pybytes()


WRITERS = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet}
PACKERS = {"": bytes, ".gz": gzip.compress, ".zst": zstd}


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def options(path: Path | str, file_format: str = "csv", **more: Any) -> files.Options:
    return files.Options(path=str(path), format=file_format, **more)  # type: ignore[arg-type]


def load(
    con: duckdb.DuckDBPyConnection,
    path: Path | str,
    file_format: str = "csv",
    window: Window | None = None,
    **more: Any,
) -> list[dict[str, Any]]:
    """The loaded table as dicts."""
    files.load(con, "t", options(path, file_format, **more), window, "UTC")
    return con.sql("select * from t order by _source_file, _malformed nulls first, rowid").to_arrow_table().to_pylist()


def types(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute("describe t").fetchall()}


def complaints(rows: list[dict[str, Any]]) -> list[str]:
    return [row["_malformed"] for row in rows if row["_malformed"]]


@pytest.mark.parametrize(
    ("file_format", "suffix"), [*((f, s) for f in ("csv", "jsonl") for s in PACKERS), ("parquet", "")]
)
def test_every_format_and_compression_gives_the_same_rows(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, file_format: str, suffix: str
) -> None:
    path = put(tmp_path / f"in.{file_format}{suffix}", PACKERS[suffix](WRITERS[file_format](ROWS)))
    rows = load(con, path, file_format)
    assert [{key: row[key] or "" for key in ROWS[0]} for row in rows] == ROWS
    assert {row["_source_file"] for row in rows} == {str(path)}
    assert complaints(rows) == []
    assert types(con) == dict.fromkeys((*ROWS[0], "_source_file", "_malformed"), "VARCHAR")


def test_the_window_of_one_file_holds_its_boundary_instants(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Without {day} the rows come whole; the exact cut by the window's instants takes its start and leaves its end.

    2026-03-29 in Berlin has 23 hours.
    """
    window = Window(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    load(con, put(tmp_path / "all.csv", as_csv(ROWS)), window=window)
    inside = 'select id from t where "at"::timestamptz >= ? and "at"::timestamptz < ? order by id'
    assert con.execute(inside, [window.start, window.end]).fetchall() == [("1",), ("2",), ("3",)]
    assert (window.end - window.start).total_seconds() == 23 * 3600
    assert window.days() == [date(2026, 3, 29)]


def test_a_window_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        Window(date(2026, 1, 2), date(2026, 1, 1), "UTC")


@pytest.mark.parametrize(
    "layout", ["{day}/part-*.jsonl", "{day}.jsonl", "year/{day}/events-{day}.jsonl", "**/{day}.jsonl"]
)
def test_a_folder_by_day_gives_the_days_of_the_window(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, layout: str
) -> None:
    for day in range(1, 6):
        if day != 3:
            name = layout.replace("{day}", f"2026-01-0{day}").replace("*", "0").replace("00/", "a/b/")
            put(tmp_path / "in" / name, as_jsonl([{"n": day}]))
    put(tmp_path / "in" / "readme" / "part-0.jsonl", as_jsonl([{"n": 99}]))
    path = f"{tmp_path}/in/{layout}"
    window = Window(date(2026, 1, 2), date(2026, 1, 4), "America/New_York")
    rows = load(con, path, "jsonl", window)
    assert [(row["n"], row["_file_day"]) for row in rows] == [("2", date(2026, 1, 2)), ("4", date(2026, 1, 4))]
    listed = files.listing(options(path, "jsonl"), window)
    assert [entry["day"] for entry in listed] == ["2026-01-02", "2026-01-04"]
    assert [entry["path"] for entry in listed] == [row["_source_file"] for row in rows]
    assert len(load(con, path, "jsonl", None)) == 4


def test_a_source_that_is_gone_is_no_day_without_files(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = Window(date(2026, 1, 1), date(2026, 1, 1), "UTC")
    for path in ("gone.csv", "gone-*.csv", "gone/{day}/*.csv", "gone/{day}.csv"):
        with pytest.raises(
            SourceError, match=r"landing day 2026-01-01: (there is no .*|no file is there); bring it back"
        ):
            load(con, tmp_path / path, window=window)
        with pytest.raises(SourceError):
            files.listing(options(tmp_path / path), window)
    put(tmp_path / "in" / "2026-01-01" / "a.csv", b"id\n1\n")
    monkeypatch.setattr("os.access", lambda folder, _: Path(folder).name != "2026-01-01")
    with pytest.raises(SourceError, match="2026-01-01 must not be read by this user; bring it back"):
        load(con, tmp_path / "in" / "{day}" / "*.csv", window=window)


def test_the_listing_tells_when_a_file_changes(tmp_path: Path) -> None:
    path = put(tmp_path / "2026-01-01" / "a.csv", b"id\n1\n")
    chosen = options(tmp_path / "{day}" / "*.csv")
    (before,) = files.listing(chosen, None)
    assert before["size"] == 5
    put(path, b"id\n1\n2\n")
    put(tmp_path / "2026-01-01" / "b.csv", b"id\n3\n")
    after = files.listing(chosen, None)
    assert [(entry["size"], entry["day"]) for entry in after] == [(7, "2026-01-01"), (5, "2026-01-01")]
    assert after[0]["modified"] >= before["modified"]


def test_the_resource_is_a_dlt_resource_of_file_items(tmp_path: Path) -> None:
    put(tmp_path / "2026-01-01.csv", b"id\n1\n")
    from dlt.sources import DltResource

    resource = files.resource(options(tmp_path / "{day}.csv"), None, "UTC")
    assert isinstance(resource, DltResource)
    assert [item["file_name"] for item in resource] == ["2026-01-01.csv"]


@pytest.mark.parametrize("file_format", WRITERS)
def test_days_without_a_file_give_a_table_without_rows(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, file_format: str
) -> None:
    put(tmp_path / f"2026-01-01.{file_format}", WRITERS[file_format](ROWS))
    window = Window(date(2026, 2, 1), date(2026, 2, 3), "UTC")
    assert load(con, tmp_path / f"{{day}}.{file_format}", file_format, window) == []
    assert types(con) == {"_source_file": "VARCHAR", "_file_day": "DATE", "_malformed": "VARCHAR"}


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_an_empty_file_has_no_rows_and_does_not_hide_the_others(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, file_format: str
) -> None:
    put(tmp_path / f"a.{file_format}", b"")
    assert load(con, tmp_path / f"*.{file_format}", file_format) == []
    put(tmp_path / f"b.{file_format}", WRITERS[file_format](ROWS))
    put(tmp_path / f"c.{file_format}.gz", gzip.compress(b"", mtime=0))
    assert len(load(con, tmp_path / f"*.{file_format}*", file_format)) == len(ROWS)


@pytest.mark.parametrize("name", ["plain", "data [v1]"])
def test_names_with_pattern_characters_mean_themselves(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    for file_format in WRITERS:
        put(tmp_path / name / f"a[1].{file_format}", WRITERS[file_format]([{"id": "right"}]))
        put(tmp_path / name / f"a1.{file_format}", WRITERS[file_format]([{"id": "wrong"}]))
        (row,) = load(con, tmp_path / name / f"a[1].{file_format}", file_format)
        assert row["id"] == "right"
        rows = load(con, tmp_path / name / f"a*.{file_format}", file_format)
        assert [row["id"] for row in rows] == ["wrong", "right"]


class TestCsv:
    def test_empty_values_and_null_texts_are_null(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        path = put(tmp_path / "a.csv", b'a,b,c\n,"",NULL\nn/a, x ,007\n')
        rows = load(con, path, null_text=["NULL", "n/a"])
        assert [(row["a"], row["b"], row["c"]) for row in rows] == [(None, None, None), (None, " x ", "007")]

    def test_delimiter_and_encoding(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        for encoding in ("latin-1", "cp1252", "utf-16", "utf-8-sig"):
            path = put(tmp_path / "a.csv", 'id;näme\n1;"Grün;"\n'.encode(encoding))
            (row,) = load(con, path, delimiter=";", encoding=encoding)
            assert (row["id"], row["näme"]) == ("1", "Grün;"), encoding

    def test_columns_are_found_by_name_where_files_differ(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        put(tmp_path / "1.csv", b"id,a\n1,x\n")
        put(tmp_path / "2.csv.gz", gzip.compress(b"b,id\ny,2\n", mtime=0))
        rows = load(con, tmp_path / "*.csv*")
        assert [(row["id"], row["a"], row["b"]) for row in rows] == [("1", "x", None), ("2", None, "y")]

    def test_repeated_and_reserved_names_get_a_number(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        load(con, put(tmp_path / "a.csv", b"id,ID,,_malformed\n1,2,3,4\n"))
        assert list(types(con)) == ["id", "ID_1", "column3", "_malformed_1", "_source_file", "_malformed"]

    @pytest.mark.parametrize(
        ("line", "complaint"),
        [
            (b"1,2,3", "record 3: too many columns (3)"),
            (b"1", "record 3: too few columns (1)"),
            (b'1,"a"b', "record 3: broken quoting"),
            (b"1,\xff\xfe", "record 3: not UTF-8"),
            (b"1," + b"x" * 2_100_000, "record 3: too long"),
        ],
    )
    @pytest.mark.parametrize("suffix", PACKERS)
    def test_a_malformed_line_is_one_row_with_a_reason(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path, line: bytes, complaint: str, suffix: str
    ) -> None:
        path = put(tmp_path / f"2026-01-01.csv{suffix}", PACKERS[suffix](b"id,name\n1,x\n" + line + b"\n\n2,y\n"))
        rows = load(con, tmp_path / f"{{day}}.csv{suffix}")
        assert [row["id"] for row in rows] == ["1", "2", None]
        assert complaints(rows) == [complaint]
        assert (rows[2]["_source_file"], rows[2]["_file_day"]) == (str(path), date(2026, 1, 1))

    def test_the_values_of_a_malformed_line_are_not_in_its_reason(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path
    ) -> None:
        rows = load(con, put(tmp_path / "a.csv", b"id,mail\n1,ann@example.org,x\n"))
        assert "ann" not in str(rows)

    def test_lines_that_an_open_quote_swallows_are_counted(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path
    ) -> None:
        rows = load(con, put(tmp_path / "a.csv", b'id,name\n1,x\n2,"y\n3,z\n4,z\n5,z\n'))
        assert len(rows) == 5
        assert sum("broken quoting" in complaint for complaint in complaints(rows)) == 4

    def test_an_open_quote_in_a_large_file_loses_no_line(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        """Beyond some size DuckDB reports one line and passes over the rest in silence."""
        lines = [b"id,name\n", *(b"%d,a text that fills the line to some length\n" % n for n in range(200_000))]
        lines[1000] = b'999,"' + b"an open quote\n"
        path = put(tmp_path / "a.csv", b"".join(lines))
        files.load(con, "t", options(path), None, "UTC")
        total, bad = con.execute("select count(*), count(_malformed) from t").fetchone() or (0, 0)
        assert total == 200_000
        assert bad > 1000

    def test_quotes_that_are_in_order_span_lines_also_in_large_files(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path
    ) -> None:
        chance = random.Random(5)
        texts = ["plain", 'multi\nline, "quoted"\n\n1,2\n"', "x,y\nz", "windows\r\nline"]
        wanted = [{"id": str(n), "text": chance.choice(texts)} for n in range(50_000)]
        files.load(con, "t", options(put(tmp_path / "a.csv", as_csv(wanted))), None, "UTC")
        found = con.execute("select id, text from t where _malformed is null order by id::int").fetchall()
        assert found == [(row["id"], row["text"]) for row in wanted]

    @pytest.mark.parametrize(
        "content", [b"id,b\r\n1,2\r\n", b"id,b\r1,2\r", b"\n\nid,b\n1,2", b"\xef\xbb\xbfid,b\n1,2\n"]
    )
    def test_line_ends_blank_lines_and_marks(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes
    ) -> None:
        rows = load(con, put(tmp_path / "a.csv", content))
        assert [(row["id"], row["b"], row["_malformed"]) for row in rows] == [("1", "2", None)]

    def test_mixed_line_ends(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        put(tmp_path / "b.csv", b"id,b\n9,9\n")
        rows = load(con, put(tmp_path / "a.csv", b'id,b\r\n1,2\n3,"x\r\ny"\r\n5\n').parent / "*.csv")
        assert [(row["id"], row["b"]) for row in rows] == [("1", "2"), ("3", "x\ny"), (None, None), ("9", "9")]
        assert complaints(rows) == ["record 4: too few columns (1)"]
        assert {Path(row["_source_file"]).name for row in rows} == {"a.csv", "b.csv"}

    def test_a_wrong_delimiter_is_named(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"a\.csv, all days: has a single column 'id;b'; set `delimiter`, .* ';'"):
            load(con, put(tmp_path / "a.csv", b"id;b\n1;2\n"))

    def test_a_wrong_encoding_is_named(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        path = put(tmp_path / "a.csv", "id,größe\n1,2\n".encode("latin-1"))
        with pytest.raises(SourceError, match=r"a\.csv, all days: is not in UTF-8; name its encoding"):
            load(con, path)
        with pytest.raises(SourceError, match=r"a\.csv, all days: is not in the encoding ascii|is not in UTF-8"):
            load(con, path, encoding="ascii")
        with pytest.raises(SourceError, match="is not in the encoding utf-16"):
            load(con, put(tmp_path / "b.csv", b"id,b\n1,2\nxy"), encoding="utf-16-le")


class TestJsonLines:
    def test_scalars_are_text_and_nested_values_json(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        lines = [
            {"s": "x", "n": 19.99, "big": 12345678901234567890123, "b": True, "o": {"k": [1]}, "l": ["é"], "z": None},
            {"s": "007", "n": 1, "o": None, "late": "only here"},
        ]
        first, second = load(con, put(tmp_path / "a.jsonl", as_jsonl(lines)), "jsonl")
        assert types(con)["o"] == types(con)["l"] == "JSON"
        assert {types(con)[name] for name in ("s", "n", "big", "b", "z", "late")} == {"VARCHAR"}
        assert (first["s"], first["n"], first["b"], first["z"]) == ("x", "19.99", "true", None)
        assert (first["big"], first["l"], second["s"]) == ("12345678901234567890123", '["é"]', "007")
        assert (second["o"], second["big"], second["late"]) == (None, None, "only here")
        assert con.execute("select o ->> '$.k[0]' from t where o is not null").fetchall() == [("1",)]

    @pytest.mark.parametrize("suffix", PACKERS)
    @pytest.mark.parametrize(
        ("line", "complaint"),
        [
            (b'{"id": tru', "malformed JSON line"),
            (b'{"id": 1}{"id": 2}', "malformed JSON line"),
            (b'{"id": "\xff"}', "malformed JSON line"),
            (b"[1, 2]", "a JSON line that is no object"),
            (b'"text"', "a JSON line that is no object"),
            (b"null", "a JSON line that is no object"),
        ],
    )
    def test_a_malformed_line_is_one_row_with_a_reason(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path, line: bytes, complaint: str, suffix: str
    ) -> None:
        """In the middle and at the very end; blank lines are none."""
        content = b'{"id": 1}\n' + line + b'\n\n   \n {"id": 2}\r\n{}\n' + line
        rows = load(con, put(tmp_path / f"a.jsonl{suffix}", PACKERS[suffix](content)), "jsonl")
        assert [row["id"] for row in rows] == ["1", "2", None, None, None]
        assert complaints(rows) == [complaint, complaint]

    def test_only_malformed_lines(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        rows = load(con, put(tmp_path / "a.jsonl", b"nonsense\n[]\n"), "jsonl")
        assert sorted(complaints(rows)) == ["a JSON line that is no object", "malformed JSON line"]

    def test_one_odd_value_does_not_change_how_the_others_read(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path
    ) -> None:
        lines = [{"user": "u1", "p": {"a": 1}}, {"user": "u2", "p": {"a": 2}}, {"user": {"x": 1}, "p": "odd"}]
        rows = load(con, put(tmp_path / "a.jsonl", as_jsonl(lines)), "jsonl")
        assert [row["user"] for row in rows] == ["u1", "u2", '{"x":1}']
        assert con.execute("select p ->> 'a' from t order by 1").fetchall() == [("1",), ("2",), (None,)]

    def test_keys_that_come_late_in_a_file_get_their_columns(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sources.connectors.file_formats._SAMPLE_LINES", 2)
        lines = [
            {"id": 1},
            {"id": 2},
            {"id": 3, "late": "x", "deep": {"a/b": 1}},
            {"Id": 4, "a/b~c": "odd", "": "none"},
        ]
        rows = load(con, put(tmp_path / "a.jsonl", as_jsonl(lines)), "jsonl")
        assert [row["id"] for row in rows] == ["1", "2", "3", None]
        assert (rows[2]["late"], rows[2]["deep"], types(con)["deep"]) == ("x", '{"a/b":1}', "JSON")
        assert (rows[3]["Id_1"], rows[3]["a/b~c"]) == ("4", "odd")
        assert [rows[3][name] for name in rows[3] if name.startswith("column")] == ["none"]

    def test_keys_that_differ_in_case_or_are_reserved_keep_apart(
        self, con: duckdb.DuckDBPyConnection, tmp_path: Path
    ) -> None:
        line = b'{"userId": 1, "userid": 2, "_source_file": 3, "x.y": 4, "q\\"q": 5, "userId": 6}\n'
        (row,) = load(con, put(tmp_path / "a.jsonl", line), "jsonl")
        assert {row["userId"], row["userid_1"]} == {"1", "2"}
        assert (row["_source_file_1"], row["x.y"], row['q"q']) == ("3", "4", "5")

    def test_a_byte_order_mark_spoils_no_line(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        path = put(tmp_path / "a.jsonl.gz", gzip.compress(b'\xef\xbb\xbf{"id": 1}\n{"id": 2}\n', mtime=0))
        rows = load(con, path, "jsonl")
        assert [(row["id"], row["_source_file"], row["_malformed"]) for row in rows] == [
            ("1", str(path), None),
            ("2", str(path), None),
        ]

    def test_more_keys_than_can_be_columns(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        path = put(tmp_path / "a.jsonl", as_jsonl([{f"key{n}": 1 for n in range(1001)}]))
        with pytest.raises(
            SourceError, match=r"has 1,001 different top-level keys, .*; have them nested under one key"
        ):
            load(con, path, "jsonl")


class TestParquet:
    def test_types_stay_and_columns_are_found_by_name(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        instant = pa.array([1767312000123456], pa.timestamp("us", "UTC"))
        amount = pa.array(["1234567890.12"]).cast(pa.decimal128(18, 2))
        put(tmp_path / "1.parquet", b"")
        pq.write_table(pa.table({"at": instant, "amount": amount}), tmp_path / "1.parquet")
        pq.write_table(pa.table({"amount": amount, "_malformed": ["own"]}), tmp_path / "2.parquet")
        rows = load(con, tmp_path / "*.parquet", "parquet")
        assert types(con)["at"] == "TIMESTAMP WITH TIME ZONE"
        assert types(con)["amount"] == "DECIMAL(18,2)"
        assert [(row["amount"], row["_malformed_1"]) for row in rows] == [
            (amount[0].as_py(), None),
            (amount[0].as_py(), "own"),
        ]
        assert con.execute('select epoch_us("at") from t where "at" is not null').fetchall() == [(1767312000123456,)]

    def test_folder_names_do_not_become_columns(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        put(tmp_path / "landed_date=2026-01-01" / "a.parquet", as_parquet(ROWS))
        load(con, tmp_path / "landed_date={day}" / "*.parquet", "parquet")
        assert list(types(con)) == [*ROWS[0], "_source_file", "_file_day", "_malformed"]


@pytest.mark.parametrize("cut", [0.5, 0.999])
@pytest.mark.parametrize(
    ("file_format", "suffix"), [*((f, s) for f in ("csv", "jsonl") for s in (".gz", ".zst")), ("parquet", "")]
)
def test_a_truncated_file_is_never_a_short_day(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, file_format: str, suffix: str, cut: float
) -> None:
    chance = random.Random(1)
    rows = [{"id": str(n), "noise": f"{chance.random()}"} for n in range(3000)]
    content = PACKERS[suffix](WRITERS[file_format](rows))
    put(tmp_path / f"2026-01-01.{file_format}{suffix}", content)
    bad = put(tmp_path / f"2026-01-02.{file_format}{suffix}", content[: int(len(content) * cut)])
    window = Window(date(2026, 1, 1), date(2026, 1, 3), "UTC")
    with pytest.raises(SourceError) as caught:
        load(con, tmp_path / f"{{day}}.{file_format}{suffix}", file_format, window)
    message = str(caught.value)
    assert message.startswith(f"{bad}, landing days 2026-01-01 to 2026-01-03: ")
    assert "have it written again" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "content", "file_format", "complaint"),
    [
        ("a.jsonl.gz", b'{"id": 1}\n', "jsonl", "is named like a gzip file and is none"),
        ("a.csv.gz", b"", "csv", "is empty, not even compressed: it is truncated"),
        ("a.csv.zst", b"", "csv", "is empty, not even compressed: it is truncated"),
        ("a.csv.gz", gzip.compress(b"id\n1\n", mtime=0)[:-8] + b"\0" * 8, "csv", "is truncated or damaged"),
        ("a.parquet", b"", "parquet", "is no Parquet file, or is truncated"),
        ("a.parquet", b"id\n1\n", "parquet", "is no Parquet file, or is truncated"),
        ("a.parquet", b"PAR1" + b"\0" * 100 + b"PAR1", "parquet", "cannot be read as parquet"),
    ],
)
def test_an_unreadable_file_is_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, content: bytes, file_format: str, complaint: str
) -> None:
    path = put(tmp_path / name, content)
    with pytest.raises(SourceError) as caught:
        load(con, path, file_format)
    assert str(caught.value).startswith(f"{path}, all days: {complaint}")


def test_a_compressed_file_without_the_suffix_is_read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert len(load(con, put(tmp_path / "a.csv", gzip.compress(as_csv(ROWS), mtime=0)))) == len(ROWS)


def test_parts_of_a_compressed_file_may_follow_each_other(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    content = gzip.compress(b'{"id": 1}\n', mtime=0) + gzip.compress(b'{"id": 2}\n')
    assert [row["id"] for row in load(con, put(tmp_path / "a.jsonl.gz", content), "jsonl")] == ["1", "2"]


def test_a_day_that_is_none_is_said(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    put(tmp_path / "2026-02-30.csv", b"id\n1\n")
    with pytest.raises(SourceError, match="2026-02-30 is no day of the calendar; rename it"):
        load(con, tmp_path / "{day}.csv")


def test_nothing_of_the_reading_stays_behind(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "scratch.duckdb")) as con:
        load(con, put(tmp_path / "a.csv", b"id,b\n1\n2,2\n"))
        load(con, put(tmp_path / "a.jsonl", b'{"id": 1}\n'), "jsonl")
        assert con.execute("select table_name from duckdb_tables()").fetchall() == [("t",)]


class TestRemote:
    @pytest.fixture
    def bucket(self) -> Iterator[Any]:
        import fsspec

        file_system = fsspec.filesystem("memory")
        yield file_system
        file_system.rm("/bucket", recursive=True)

    def test_any_fsspec_url_by_day(self, con: duckdb.DuckDBPyConnection, bucket: Any) -> None:
        for day in range(1, 31):
            bucket.pipe(f"/bucket/in/2026-01-{day:02}/a.jsonl.gz", gzip.compress(as_jsonl([{"n": day}]), mtime=0))
            bucket.pipe(f"/bucket/in/2026-01-{day:02}/b.jsonl.gz", gzip.compress(as_jsonl([{"n": day}]), mtime=0))
        path = "memory://bucket/in/{day}/*.jsonl.gz"
        for last in (3, 20):
            window = Window(date(2026, 1, 2), date(2026, 1, last), "UTC")
            rows = load(con, path, "jsonl", window)
            assert [row["_file_day"].day for row in rows] == sorted([*range(2, last + 1)] * 2)
            assert {row["_source_file"] for row in rows} == {
                entry["path"] for entry in files.listing(options(path, "jsonl"), window)
            }
        assert files.check(options(path, "jsonl")) is None

    def test_a_truncated_remote_file_is_named(self, con: duckdb.DuckDBPyConnection, bucket: Any) -> None:
        bucket.pipe("/bucket/a.csv.gz", gzip.compress(as_csv(ROWS), mtime=0)[:-9])
        with pytest.raises(SourceError, match=r"memory://.*bucket/a\.csv\.gz, all days: is truncated"):
            load(con, "memory://bucket/a.csv.gz")


class TestBeforeAnythingRuns:
    def test_what_is_not_there_is_said_in_one_line(self, tmp_path: Path) -> None:
        put(tmp_path / "in" / "a.csv", b"id\n1\n")
        assert files.check(options(tmp_path / "in" / "a.csv")) is None
        assert files.check(options(tmp_path / "in" / "{day}.csv")) is None
        missing = {
            "no/a.csv": f"there is no {tmp_path}/no",
            "in/b.csv": f"there is no {tmp_path}/in/b.csv",
            "no/{day}/*.csv": f"there is no {tmp_path}/no",
            "in/*.json": "no file is there",
            "in": "a folder; name the files in it",
        }
        for path, complaint in missing.items():
            assert complaint in (files.check(options(tmp_path / path)) or ""), path

    @pytest.mark.parametrize(
        ("given", "complaint"),
        [
            ({"path": "a/{date}.csv"}, "{date} is unknown in a path; allowed: {day}"),
            ({"path": "ftpx://a/b.csv"}, "no such kind of storage; allowed: a local path"),
            ({"path": ""}, "at least 1 character"),
            ({"format": "xlsx"}, "'csv', 'jsonl' or 'parquet'"),
            ({"format": "jsonl", "delimiter": ";"}, 'only for format = "csv"'),
            ({"delimiter": ";;"}, "not a single ASCII character"),
            ({"encoding": "klingon"}, "unknown encoding; allowed are Python's names"),
            ({"delimeter": ";"}, "Extra inputs are not permitted"),
        ],
    )
    def test_a_wrong_option_says_what_is_allowed(self, given: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ValidationError) as caught:
            CONNECTORS["files"].Options(**{"path": "a.csv", "format": "csv", **given})
        assert complaint in str(caught.value)
