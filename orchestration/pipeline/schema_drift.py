"""Schema drift: how a source's columns, and the fields that they feed, differ from what landed before.

What a pull saw of each field (type, share of rows with a value, the expression) is kept in `landings`, on the first day
of the pull, and is the "before" of later pulls. An unknown column and a vanished optional field are reported once; a
vanished required field and a changed type stop the pull. Values that break rules are counted in gate.py; what they were
before is told here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from sources.sql_text import identifier, mentioned_columns

if TYPE_CHECKING:
    from orchestration.pipeline.gate import Gate

SYSTEM_COLUMNS = ("_source_file", "_file_day", "_malformed")
MISSED_ROWS = 50  # rows that should have a value by the share before: below that a field may be absent by chance
NAMED_VALUES = 5
NO_COLUMN = "no such column"
_FAMILIES = (
    ("integer", ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")),
    ("number", ("DECIMAL", "DOUBLE", "FLOAT")),
    ("text", ("VARCHAR",)),
    ("timestamp", ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S")),
    ("timestamp with time zone", ("TIMESTAMP WITH TIME ZONE",)),
    ("nested", ("JSON", "STRUCT", "MAP")),
)  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """A source column that no mapping mentions (`unknown`), or a field without its column (`vanished`).

    `count`: rows with a value in the unknown column; rows that lack the vanished field.
    """

    column: str
    type: str
    count: int
    change: Literal["unknown", "vanished"] = "unknown"

    def __str__(self) -> str:
        if self.change == "vanished":
            return f"field {self.column} has vanished: before {self.type}, now {NO_COLUMN} ({self.count:,} rows)"
        return f"unknown field {self.column} ({self.type}, {self.count:,} rows)"


def fields_before(landings: pa.Table, stream: str, first_day: date) -> dict[str, Any]:
    """What the pull before saw of the stream's fields: of those that began on or before this day, the latest.

    `{field: {"type", "share", "sql"}}`, and `"vanished"` where it was reported as gone; empty before the first landing.
    """
    rows = landings.select(["stream", "landed_date", "pulled_at", "state", "fields"]).to_pylist()
    known = [
        row
        for row in rows
        if row["stream"] == stream
        and row["state"] == "landed"
        and row["landed_date"] <= first_day
        and row["fields"] not in (None, "{}")
    ]
    if not known:
        return {}
    latest = max(known, key=lambda row: (row["landed_date"], row["pulled_at"]))
    return dict(json.loads(latest["fields"]))


def fields_now(gate: Gate, before: Mapping[str, Any]) -> dict[str, Any]:
    """What this pull sees of the mapped fields, in the shape of `fields_before`. Of a field without any value the type
    of before stands, for nobody knows another. A pull without rows sees nothing.
    """
    names = list(gate.mapping.fields)
    types = {row[0]: row[1] for row in gate.con.execute("describe mapped").fetchall()}
    counts = ", ".join(map(gate.filled, names))
    rows, *filled = gate.con.execute(f"select count(*), {counts or '0'} from judged").fetchone() or (0,)
    if not rows:
        return {}
    seen: dict[str, Any] = {}
    for name, count in zip(names, filled, strict=False):
        told = {"type": types["raw_" + name], "share": round(count / rows, 6), "sql": gate.mapping.fields[name]}
        if count:
            seen[name] = told
        elif name in before and before[name]["sql"] == told["sql"]:
            gone = before[name].get("vanished") or _has_vanished(gate, name, before[name], rows)
            seen[name] = before[name] | ({"vanished": True} if gone else {})
    return seen


def changed_type(stream: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The line for the fields whose type is another one than before, by the same expression; None if there is none."""
    changed = [
        f"field {name}: before {before[name]['type']}, now {told['type']} (from {told['sql']})"
        for name, told in now.items()
        if name in before
        and before[name]["sql"] == told["sql"]
        and _family(before[name]["type"]) != _family(told["type"])
    ]
    if not changed:
        return None
    return (
        f"{stream}: a changed type at the source: {'; '.join(changed)}. If it shall be so, say it in "
        f"streams.{stream}.fields (a cast will do) and run again; else mend the source"
    )


def vanished_fields(before: Mapping[str, Any], now: Mapping[str, Any], rows: int) -> list[Drift]:
    """The optional fields that had values before and whose column is not there any more."""
    return [
        Drift(name, told["type"], rows, "vanished")
        for name, told in now.items()
        if told.get("vanished") and not before[name].get("vanished")
    ]


def _has_vanished(gate: Gate, name: str, told: Mapping[str, Any], rows: int) -> bool:
    return name in gate.vanished or (told["share"] * rows >= MISSED_ROWS and _lacks_column(gate, name))


def _lacks_column(gate: Gate, name: str) -> bool:
    """Whether the field's expression mentions a column that no row of an open schema has had."""
    return bool(gate.added & set(mentioned_columns(gate.con, f"select ({gate.mapping.fields[name]})")))


def unknown_columns(gate: Gate) -> list[Drift]:
    """Columns of the stream's source that neither the mapping nor `extra` nor `ignore` mentions, with their counts."""
    columns = gate.columns(gate.mapping.source)
    known = {*SYSTEM_COLUMNS, *gate.mapping.extra, *gate.mapping.ignore, *_mentioned(gate)}
    unknown = [name for name in columns if name not in known]
    if not unknown:
        return []
    counts = gate.con.execute(
        f"select {', '.join(f'count({identifier(name)})' for name in unknown)} from {identifier(gate.mapping.source)}"
    ).fetchone()
    return [Drift(name, columns[name], n) for name, n in zip(unknown, counts or (), strict=True) if n]


def not_reported_yet(drift: Sequence[Drift], stream: str, landings: pa.Table) -> list[Drift]:
    """An unknown column is reported by the pull that meets it first, and by no later one. That a field has vanished
    is part of what the next pull finds as its "before"."""
    known = {
        found["column"]
        for row in landings.select(["stream", "drift"]).to_pylist()
        if row["stream"] == stream
        for found in json.loads(row["drift"] or "[]")
        if found.get("change", "unknown") == "unknown"
    }
    return [found for found in drift if found.change == "vanished" or found.column not in known]


def reported_since(landings: pa.Table, instant: datetime | None) -> list[str]:
    """What the landings since an instant have reported, one line each."""
    rows = landings.select(["stream", "pulled_at", "drift"]).to_pylist()
    lines = [
        f"{row['stream']}: {Drift(**found)}"
        for row in rows
        if instant is None or row["pulled_at"] > instant
        for found in json.loads(row["drift"] or "[]")
    ]
    return list(dict.fromkeys(lines))


def before_and_after(gate: Gate, before: Mapping[str, Any], day: date, broken: Mapping[str, int]) -> list[str]:
    """For the fields whose rules the rows of a refused day break: what was there before, and what is there now."""
    lines = []
    for field in gate.contract.fields:
        rules = [rule for rule in ("enum", "type", "required") if broken.get(f"{field.name}_{rule}")]
        if not rules:
            continue
        if rules[0] == "enum":
            was = "one of " + ", ".join(field.enum)
        else:
            seen = before.get(field.name)
            was = f"{field.type}" + (f" in {seen['share']:.0%} of the rows" if seen else "")
        values = gate.con.execute(
            f"""select coalesce(cast({identifier("raw_" + field.name)} as varchar), 'nothing') as value, count(*) as n
                from judged where landed_date = ? and list_has_any(reasons, ?)
                group by value order by n desc, value limit {NAMED_VALUES}""",
            [day, [f"{field.name}_{rule}" for rule in rules]],
        ).fetchall()
        hidden = field.privacy != "none"
        now = ", ".join(f"{'***' if hidden and value != 'nothing' else value[:40]} ({n:,} rows)" for value, n in values)
        lines.append(f"field {field.name}: before {was}, now {now}")
    return lines


def _family(type_: str) -> str:
    plain = type_.split("(")[0].strip()
    if type_.endswith("]"):
        return "nested"
    return next((family for family, types in _FAMILIES if plain in types), plain)


def _mentioned(gate: Gate) -> Iterator[str]:
    expressions = [*gate.mapping.fields.values(), *gate.rule_checks()]
    if gate.mapping.cursor:
        expressions.append(gate.mapping.cursor)
    statements = [f"select ({expression})" for expression in expressions]
    if gate.mapping.query:
        statements.append(gate.mapping.query)
    for statement in statements:
        yield from mentioned_columns(gate.con, statement)
