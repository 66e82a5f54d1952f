"""Gate 1, row by row: one DuckDB pass that maps a source's rows to a contract and splits good rows from bad ones.

The profile's expressions run with external access switched off. What leaves this module carries no personal data:
identifiers are keyed hashes and dropped fields are gone, in good rows and in quarantined ones alike.
Judging a day as a whole (how many bad rows are too many) does not belong here: see expectations.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.pipeline.gate_rules import (
    UNDATED,
    broken_names,
    cast_sql,
    filled_bit,
    full_key,
    hashed_part,
    in_calendar,
    row_rules,
    said_sql,
    violations,
)
from orchestration.pipeline.keyed_hash import keyed_hash_sql
from orchestration.pipeline.schema_drift import SYSTEM_COLUMNS
from sources.connectors.base import one_line
from sources.contract import Contract, Field, Rule
from sources.profile import Profile
from sources.profile_schema import StreamMapping
from sources.sql_text import identifier, literal

_SHOWN = 60  # characters of a value in a message
_OWN_COLUMNS = ("raw_cursor", "raw_extra", "landed_date", "reasons", "warnings", "_has_no_day", "_cursor_at", "_filled")
"""Names that the gate gives to columns of its own, beside raw_<field>."""


class GateError(Exception):
    """The rows cannot be judged at all; the message names the stream, the field and what to do."""


def told(error: duckdb.Error) -> str:
    """DuckDB's message without the values that it quotes: they may be personal, and messages reach logs and marts."""
    line = str(error).splitlines()[0]
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return line  # these quote names, not values
    return re.sub(r"'[^']*'|\"[^\"]*\"", "***", line)


_INTERNAL = (
    ("person", ("customer_id", "user_id"), "{}"),
    ("account", ("account_id",), "{}"),
    ("email_domain", ("email", "requester_email"), "split_part({}, '@', 2)"),
)
"""Kinds of the seed `internal_accounts`: the fields that each is looked for in, and what of the field."""

_MISSING_COLUMN = re.compile(
    r'(?:Referenced column|column named|does not have a column named) "?(?P<name>[^"]+)"?(?: not found)?'
)


@dataclass
class Gate:
    """One pull of one stream inside one DuckDB connection, from the source's tables to good and bad rows."""

    con: duckdb.DuckDBPyConnection
    profile: Profile
    stream: str
    key: bytes
    open_schema: bool  # the source may leave a field out of every row (JSON lines): a missing one is NULL, not an error
    before: Mapping[str, Any] = field(default_factory=dict)  # what the pull before saw of the fields (schema_drift)
    added: set[str] = field(default_factory=set)  # columns of an open schema that no row of the pull has
    vanished: set[str] = field(default_factory=set)  # optional fields that were there before, and whose column is not
    kept: tuple[str, ...] = ()  # columns beside the contract's that a judged row keeps

    def filled(self, name: str) -> str:
        """How many of the judged rows have a value of a field at the source, as an aggregate over `judged`."""
        return f"sum((_filled >> {self.contract.field_names.index(name)}) & 1)"

    @property
    def contract(self) -> Contract:
        return self.profile.contract(self.stream)

    @property
    def mapping(self) -> StreamMapping:
        return self.profile.streams[self.stream]

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a table, and their types."""
        return {row[0]: row[1] for row in self.con.execute(f"describe {identifier(table)}").fetchall()}

    def map_rows(self) -> None:
        """Create view `mapped`: a raw_<field> column per contract field beside the source's own columns.

        Raises GateError naming the field whose expression cannot be evaluated.
        """
        relation = self._relation()
        extra = ", ".join(f"{literal(name)}, {identifier(name)}" for name in self.mapping.extra)
        select = [f"({self._expression(f)}) as {identifier('raw_' + f.name)}" for f in self.contract.fields]
        select.append(f"({self.mapping.cursor or '_file_day'}) as raw_cursor")
        select.append(f"{f'cast(json_object({extra}) as varchar)' if extra else 'cast(null as varchar)'} as raw_extra")
        while True:
            try:
                self.con.execute(
                    f"create or replace temp view mapped as select {self._own_columns_left_out(relation)}, "
                    f"{', '.join(select)} from {relation} as source"
                )
                return None
            except duckdb.Error as error:
                if self._add_missing_column(str(error)):
                    continue
                if not self._leave_out_vanished_fields():
                    raise GateError(self._explain(error)) from None
                return self.map_rows()

    def _own_columns_left_out(self, relation: str) -> str:
        """The source's columns, but for those that are called as the gate calls its own."""
        own = {*_OWN_COLUMNS, *(f"raw_{name}" for name in self.contract.field_names)}
        found = self.con.execute(f"describe select * from {relation}").fetchall()
        taken = ", ".join(identifier(name) for name, *_ in found if name.lower() in own)
        return f"source.* exclude ({taken})" if taken else "source.*"

    def _expression(self, field: Field) -> str:
        return "null" if field.name in self.vanished else self.mapping.fields.get(field.name, "null")

    def _leave_out_vanished_fields(self) -> bool:
        """Optional fields that the pull before still saw may go. Raises GateError where a required one is gone."""
        optional = {f.name for f in self.contract.fields if not f.required or f.default is not None}
        gone = [name for name in self.before if name not in self.vanished and self._lacks_column(name)]
        for name in gone:
            if name not in optional:
                raise GateError(
                    f"{self.stream}: the required field {name} has vanished: before {self.before[name]['type']}, now no such "
                    f"column. {self._what_is_there()}. Mend the source, or streams.{self.stream}.fields.{name}"
                )
        self.vanished.update(gone)
        return bool(gone)

    def _lacks_column(self, name: str) -> bool:
        if name not in self.mapping.fields:
            return False
        try:
            self.con.execute(f"select ({self.mapping.fields[name]}) from {self._relation()} as source limit 0")
        except duckdb.BinderException as error:
            return bool(_MISSING_COLUMN.search(str(error)))
        except duckdb.Error:
            return False
        return False

    def _relation(self) -> str:
        return f"({self.mapping.query})" if self.mapping.query else identifier(self.mapping.source)

    def _what_is_there(self) -> str:
        names = [name for name in self.columns(self.mapping.source) if name not in SYSTEM_COLUMNS]
        return f"The source {self.mapping.source} has: {', '.join(names) or 'no rows and no columns'}"

    def _add_missing_column(self, message: str) -> bool:
        found = _MISSING_COLUMN.search(message)
        if not self.open_schema or not found or found["name"] in self.columns(self.mapping.source):
            return False
        self.con.execute(
            f"alter table {identifier(self.mapping.source)} add column {identifier(found['name'])} varchar"
        )
        self.added.add(found["name"])
        return True

    def _explain(self, error: duckdb.Error) -> str:
        """The line for a mapping that cannot be evaluated: each expression is tried alone, to name the one at fault."""
        relation = self._relation()
        where, fault = f"streams.{self.stream}", error
        tries = {f"fields.{name}": sql for name, sql in self.mapping.fields.items()}
        for key, expression in {"query": "1", "cursor": self.mapping.cursor or "1", **tries}.items():
            try:
                self.con.execute(f"select count(({expression})) from {relation} as source").fetchone()
            except duckdb.Error as found:
                where, fault = f"streams.{self.stream}.{key}", found
                break
        return (
            f"{where} cannot be evaluated: {told(fault)}. {self._what_is_there()}. "
            "Mend the expression in the profile, or the source"
        )

    def split(self, days: list[date], pulled_at: datetime) -> None:
        """Create `judged` (rows of the asked landing days with reasons and warnings), and `good` of its good rows.

        The one pass over all rows: a good row keeps what lands, a bad one also what the source said (`raw_<field>`, of
        dropped fields only that there was something). `_filled` has a bit for each field that the source gave a value.
        """
        zone = literal(self.profile.business.landing_zone)
        first = self.profile.business.first_day
        typed = []
        for f in self.contract.fields:
            value = cast_sql(f, identifier("raw_" + f.name))
            wanted = value if f.default is None else f"coalesce({value}, cast({literal(f.default)} as {f.type}))"
            typed.append(f"{wanted} as {identifier(f.name)}")
        if self.mapping.cursor is None:
            landed = "_file_day"
        else:
            landed = f"cast(timezone({zone}, {in_calendar('raw_cursor', 'timestamptz')}) as date)"
        present = self.columns("mapped")
        shadowed = [name for name in present if name.lower() in (*self.contract.field_names, "landed_date")]
        absent = [name for name in ("_source_file", "_malformed") if name not in present]
        # A row whose cursor cannot be read falls on no day: it is judged with the profile's first day, once.
        self.con.execute(
            f"""create or replace temp view typed as
                select mapped.* {f"exclude ({', '.join(map(identifier, shadowed))})" if shadowed else ""},
                       {"".join(f"cast(null as varchar) as {name}, " for name in absent)}
                       coalesce({landed}, date '{first}') as landed_date, {landed} is null as _has_no_day,
                       {", ".join(typed)}
                from mapped"""
        )
        self.con.execute("create or replace temp table asked (landed_date date primary key)")
        self.con.executemany("insert into asked values (?)", [[day] for day in days])
        rejecting, warning = self.row_rules()
        bad = [("malformed", "_malformed is not null"), (UNDATED, "_has_no_day")]
        bad += [violation for field in self.contract.fields for violation in self.violations(field)]
        bad += [(rule.name, f"not ({rule.check})") for rule in rejecting]
        noted = [(rule.name, f"not ({rule.check})") for rule in warning]
        landed_fields = self.contract.landed_fields()
        columns = ", ".join(identifier(f.name) for f in landed_fields)
        given = [(identifier(f"raw_{f.name}"), said_sql(f)) for f in self.contract.fields]
        passed_on = [
            *self.kept,
            *([f"{in_calendar('raw_cursor', 'timestamptz')} as _cursor_at"] if self.mapping.cursor else []),
        ]
        content = ", ".join(hashed_part(f) for f in landed_fields if not f.is_transport)
        try:
            self.con.execute(
                f"""create or replace temp table judged as
                    with ruled as (
                        select *, {broken_names(bad)} as reasons, {broken_names(noted)} as warnings
                        from typed semi join asked using (landed_date)
                    ), landed as (
                        select {", ".join(self._landed_column(f) for f in landed_fields)}, raw_extra as extra,
                               landed_date, reasons, warnings, _source_file, {"".join(f"{name}, " for name in passed_on)}
                               {" | ".join(filled_bit(n, f) for n, f in enumerate(self.contract.fields))} as _filled,
                               case when len(reasons) > 0 then {self._internal()} end as _is_internal,
                               {", ".join(f"case when len(reasons) > 0 then {said} end as {raw}" for raw, said in given)}
                        from ruled
                    )
                    select *, md5(concat_ws(chr(31), {content}, coalesce(extra, ''))) as content_hash
                    from landed"""
            )
        except duckdb.BinderException as error:
            raise GateError(f"{self.stream}: a row rule cannot be evaluated: {told(error)}") from None
        except duckdb.Error as error:
            raise GateError(self._explain(error)) from None
        self.con.execute(
            f"""create or replace temp view good as
                select {columns}, extra, content_hash, timestamptz '{pulled_at.isoformat()}' as pulled_at, landed_date
                from judged where len(reasons) = 0"""
        )

    def present_keys(self, names: Sequence[str]) -> pa.Table:
        """The key columns of every row of the pull, good or bad, as they land (identifiers hashed)."""
        columns = [identifier(field.name) for field in self.contract.fields if field.name in names]
        return self.con.execute(f"select distinct {', '.join(columns)} from judged").to_arrow_table()

    def row_rules(self) -> tuple[list[Rule], list[Rule]]:
        """The custom rules, as (rejecting, warning)."""
        return row_rules(self.profile, self.stream)

    def violations(self, field: Field) -> list[tuple[str, str]]:
        """(rule, condition that a bad row makes true) for one field."""
        return violations(field)

    def undated_share(self) -> tuple[int, float]:
        """Rows of the whole pull whose cursor cannot be read, and their share. They belong to no landing day."""
        found = self.con.execute("select count(*) filter (where _has_no_day), count(*) from typed").fetchone()
        undated, rows = found or (0, 0)
        return undated, undated / rows if rows else 0.0

    def _landed_column(self, field: Field) -> str:
        column = identifier(field.name)
        if field.privacy == "identifier":
            return f"{keyed_hash_sql(column, self.key)} as {column}"
        if field.name == self._internal_flag():
            return f"({column} or {self._internal()}) as {column}"
        return column

    def _internal_flag(self) -> str:
        """The field that takes a row of the company's own people out of every KPI."""
        return "is_internal" if "is_internal" in self.contract.field_names else "is_test"

    def _internal(self) -> str:
        """True for what the seed `internal_accounts` names: an id of a person or an account, or the domain of an e-mail
        address."""
        listed: dict[str, list[str]] = {}
        for row in self.profile.seed_rows("internal_accounts"):
            listed.setdefault(row["kind"], []).append(literal(row["value"].strip().lower()))
        tests = [
            f"lower(trim({form.format(column)})) in ({', '.join(listed[kind])})"
            for kind, columns, form in _INTERNAL
            for column in columns
            if kind in listed and column in self.contract.field_names
        ]
        return f"coalesce({' or '.join(tests)}, false)" if tests else "false"

    def quarantined(self, run_id: str, pulled_at: datetime) -> pa.Table:
        """The bad rows: landed_date, reasons and record as JSON text, source_file, run_id, pulled_at, and what a replay needs.

        `record` holds the contract's fields as mapped, before they are typed: identifiers as keyed hashes, dropped fields
        not at all. `mapping` says by which expressions (mapped_by), `is_internal` whether the seed `internal_accounts`
        names the row, `extra` is what a good row would carry. No other column of the source is kept: nobody knows
        whether it is personal.
        """
        pairs = []
        for named in self.contract.fields:
            raw = f"cast({identifier('raw_' + named.name)} as varchar)"
            if named.privacy == "identifier":  # nothing stays nothing: a hash of an empty text would pass for an id
                blank = f"nullif(trim({raw}), '')" if named.required else f"nullif({raw}, '')"
                pairs.append(f"{literal(named.name)}, {keyed_hash_sql(blank, self.key)}")
            elif named.privacy == "none":
                pairs.append(f"{literal(named.name)}, {raw}")
        return self.con.execute(
            f"""select landed_date, cast(to_json(reasons) as varchar) as reasons,
                       cast(json_object({", ".join(pairs)}) as varchar) as record,
                       _source_file as source_file, $run_id as run_id, $pulled_at::timestamptz as pulled_at,
                       extra, _is_internal as is_internal, $mapping as mapping,
                       cast(null as varchar) as replayed
                from judged where len(reasons) > 0""",
            {"run_id": run_id, "pulled_at": pulled_at.isoformat(), "mapping": json.dumps(self.mapped_by())},
        ).to_arrow_table()

    def mapped_by(self) -> dict[str, Any]:
        """What the rows were mapped by: source, query, cursor, and per field the expression and its DuckDB type."""
        types = self.columns("mapped")
        fields = {name: [sql, types[f"raw_{name}"]] for name, sql in self.mapping.fields.items()}
        return {
            "source": self.mapping.source,
            "query": self.mapping.query,
            "cursor": self.mapping.cursor,
            "fields": fields,
        }

    def day_counts(self) -> dict[date, dict[str, object]]:
        """Per landing day: pulled, landed, rejected, newest_at, repeated_keys, content_hash, event_days and counts per rule.

        Of immutable streams also repeated_ids and repeated_rows: keys that stand on more than one row of the whole pull
        (on whatever days), each counted on the first of its days, and those of its rows that landed on the day.
        """
        event_time = self.contract.event_time
        days: dict[date, dict[str, object]] = {}
        instant = "_cursor_at" if self.mapping.cursor else event_time
        newest = f"epoch_us(max({instant}))" if instant else "cast(null as bigint)"
        for day, pulled, rejected, newest_us in self.con.execute(
            f"""select landed_date, count(*), count(*) filter (where len(reasons) > 0), {newest}
                from judged group by 1"""
        ).fetchall():
            days[day] = {
                "pulled": pulled,
                "landed": pulled - rejected,
                "rejected": rejected,
                "rules": {},
                "event_days": {},
                "repeated_keys": 0,
                "repeated_ids": 0,
                "repeated_rows": 0,
                "content_hash": None,
                "newest_at": None if newest_us is None else datetime.fromtimestamp(newest_us / 1_000_000, UTC),
            }
        for day, digest in self.con.execute(
            """select landed_date, format('{:d}:{:x}', count(*), sum(cast(md5_number_lower(content_hash) as hugeint)))
               from good group by 1"""
        ).fetchall():
            days[day]["content_hash"] = digest
        for day, rule, rows in self.con.execute(
            """select landed_date, rule, count(*)
               from (select landed_date, unnest(reasons || warnings) as rule from judged) group by all order by all"""
        ).fetchall():
            days[day]["rules"][rule] = rows  # type: ignore[index]
        for day, repeated in self.con.execute(
            f"""select landed_date, count(*) from (select landed_date, {full_key(self.contract)} as k, count(*) as n
                from good group by all) where n > 1 group by 1"""
        ).fetchall():
            days[day]["repeated_keys"] = repeated
        for day, ids, rows in self._repeats() if self.contract.kind == "immutable" else ():
            days[day] |= {"repeated_ids": ids, "repeated_rows": rows}
        if event_time:
            for day, event_day, rows in self.con.execute(
                f"""select landed_date, cast(timezone('UTC', {event_time}) as date) as d, count(*) from good
                    group by all order by all"""
            ).fetchall():
                days[day]["event_days"][str(event_day)] = rows  # type: ignore[index]
        return days

    def _repeats(self) -> list[tuple[date, int, int]]:
        """(landing day, ids, rows) of the keys that stand on more than one good row of the pull."""
        found: list[tuple[date, int, int]] = self.con.execute(
            f"""with keyed as (select landed_date, {full_key(self.contract)} as k from good),
                repeated as (select k, min(landed_date) as first_date from keyed group by k having count(*) > 1)
                select landed_date, count(distinct k) filter (where landed_date = first_date), count(*)
                from keyed join repeated using (k) group by landed_date"""
        ).fetchall()
        return found

    def samples(self, day: date, limit: int = 3) -> list[dict[str, object]]:
        """A few quarantined rows of a day: the reasons and the values at fault, personal ones masked."""
        shown: list[dict[str, object]] = []
        fields = {field.name: field for field in self.contract.fields}
        for row in (
            self.con.execute("select * from judged where landed_date = ? and len(reasons) > 0 limit ?", [day, limit])
            .to_arrow_table()
            .to_pylist()
        ):
            values: dict[str, object] = {}
            for reason in row["reasons"]:
                field = next((f for name, f in fields.items() if reason.startswith(name + "_")), None)
                if field is not None:
                    values[field.name] = "***" if field.privacy != "none" else _shown(row["raw_" + field.name])
            shown.append({"reasons": row["reasons"], "values": values, "source": row["_source_file"]})
        return shown

    def rule_checks(self) -> list[str]:
        """The conditions of all row rules of contract and profile."""
        rejecting, warning = row_rules(self.profile, self.stream)
        return [rule.check for rule in rejecting + warning]


def _shown(value: object) -> str:
    """A value of the source in a message: one line of it, and not all of a long one."""
    text = one_line(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
