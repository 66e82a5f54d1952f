"""Any bytes as a file, a profile or a seed: an error of one line, or rows that are whole. A small share runs in `make test`."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.connectors import SourceError, files
from sources.profile import ProfileError, load_profile
from sources.seeds import SEEDS, SeedError, read_seed
from tests.faults.bad_inputs.case import one_line
from tests.unit.test_profiles import GOOD

FEW, MANY = 25, 1_500
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
SPICE = st.sampled_from(
    [
        b"\0",
        b'"',
        b"'",
        b"\n",
        b"\r",
        b",",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\\",
        b"\xff",
        b"\xef\xbb\xbf",
        b"${A}",
        b"=",
        b"1e400",
    ]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def spoiled(draw: Any, good: bytes) -> bytes:
    """Good bytes with a few spoiled places: something put in, taken out, or cut off."""
    text = good
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        put = draw(SPICE | st.binary(max_size=4))
        text = text[:at] + put + text[at + draw(st.integers(0, 8)) :]
    return text


def _rows(content: bytes, kind: str) -> list[dict[str, Any]] | None:
    """What the files connector makes of a file; None where it refuses the file in one line."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        path = Path(folder, f"a.{kind}")
        path.write_bytes(content)
        try:
            files.load(con, "t", files.Options(path=str(path), format=kind), None, "UTC")  # type: ignore[arg-type]
        except SourceError as error:
            one_line(str(error))
            return None
        return con.sql("select * from t order by rowid").to_arrow_table().to_pylist()


CSV = b'id,name,uses\na,"opened, twice",5\nb,"two\nlines",6\nc,"say ""hi""",7\n'
JSON = b'{"id": "a", "uses": 5, "more": {"x": [1, 2]}}\n{"id": "b", "uses": 6}\n{"id": "c", "uses": null}\n'
SEED = (
    b"kpi_id,grain,target_value,valid_from,valid_to\norders,week,5,2026-01-01,2026-02-01\norders,week,6,2026-02-01,\n"
)


def any_csv(content: bytes) -> None:
    _rows(content, "csv")


def any_jsonl(content: bytes) -> None:
    rows = _rows(content, "jsonl")
    lines = [line for line in content.split(b"\n") if line.strip(b" \t\r\n\0\xef\xbb\xbf")]
    assert rows is None or rows or not lines or len(content) == 1, "all lines vanished"


def any_profile(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rates.csv").write_text("day,base,rate,published\n", encoding="utf-8")
        path = Path(folder, "shop.toml")
        path.write_bytes(content.replace(b"{folder}", folder.encode()))
        try:
            assert load_profile(str(path), environment={"A": "b"}).streams
        except ProfileError as error:
            one_line(str(error))


def any_seed(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "seed.csv")
        path.write_bytes(content)
        for name in SEEDS:
            try:
                read_seed(name, path)
            except SeedError as error:
                one_line(str(error))


FUZZED = {
    "csv": (any_csv, CSV),
    "jsonl": (any_jsonl, JSON),
    "profile": (any_profile, GOOD.encode()),
    "seed": (any_seed, SEED),
}


def _fuzz(what: str, examples: int) -> None:
    ask, good = FUZZED[what]
    decided = settings(
        max_examples=examples, deadline=None, suppress_health_check=QUIET, derandomize=examples <= FEW, database=None
    )
    decided(given(spoiled(good) | st.binary(max_size=64))(lambda content: ask(content)))()


@pytest.mark.parametrize("what", FUZZED)
def test_any_bytes(what: str) -> None:
    _fuzz(what, FEW)


@pytest.mark.soak
@pytest.mark.parametrize("what", FUZZED)
def test_many_bytes(what: str) -> None:
    _fuzz(what, MANY)


def _as_written(rows: list[tuple[str, str]]) -> None:
    """Whatever texts a writer of CSV or JSON puts down are read as they were written; an empty one is none."""
    wanted = [(a or None, b or None) for a, b in rows]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *rows])
    found = _rows(out.getvalue().encode(), "csv")
    assert found is not None and [(row["a"], row["b"]) for row in found] == wanted
    lines = "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in rows)
    found = _rows(lines.encode(), "jsonl")
    assert found is not None and [(row["a"] or None, row["b"] or None) for row in found] == wanted


@pytest.mark.parametrize("examples", [FEW // 2, pytest.param(MANY, marks=pytest.mark.soak)])
def test_texts_come_back_as_they_were_written(examples: int) -> None:
    rows = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6)
    decided = settings(
        max_examples=examples, deadline=None, suppress_health_check=QUIET, derandomize=examples <= FEW, database=None
    )
    decided(given(rows)(lambda written: _as_written(written)))()
