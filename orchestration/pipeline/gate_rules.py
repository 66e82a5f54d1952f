"""The rules of gate 1 as SQL: which type a field has to have, which conditions a bad row makes true, what of it is kept.

Each is an expression over the columns that the gate makes: `raw_<field>` as mapped, the bare name as typed.
"""

from __future__ import annotations

from orchestration.pipeline.lake import key_sql
from sources.contract import Contract, Field, Rule
from sources.profile import Profile
from sources.sql_text import identifier, literal

UNDATED = "cursor_required"  # the rule that a row without a readable cursor breaks


def cast_sql(field: Field, column: str) -> str:
    """`column` as the contract's type, NULL when it is not one. A fraction is not an integer, an empty text is no text."""
    if field.type == "varchar":
        return f"nullif(cast({column} as varchar), '')"
    if field.type == "bigint":
        return f"case when try_cast({column} as decimal(38,9)) % 1 = 0 then try_cast({column} as bigint) end"
    return f"try_cast({column} as {field.type})"


def hashed_part(field: Field) -> str:
    """The field's text in the hash of a row's content."""
    column = identifier(field.name)
    return f"coalesce(cast({f'epoch_us({column})' if field.type == 'timestamptz' else column} as varchar), chr(0))"


def filled_bit(position: int, field: Field) -> str:
    """A number whose bit at the position says whether the source gave the field a value."""
    raw = identifier(f"raw_{field.name}")
    return f"(case when {raw} is not null then {1 << position}::ubigint else 0::ubigint end)"


def said_sql(field: Field) -> str:
    """What the source said of a field, as far as a quarantined row may know it inside the gate."""
    raw = identifier(f"raw_{field.name}")
    return f"case when {raw} is not null then '***' end" if field.privacy == "drop" else raw


def violations(field: Field) -> list[tuple[str, str]]:
    """(rule, condition that a bad row makes true) for one field; `raw` is as mapped, the bare name is as typed."""
    raw, typed = identifier(f"raw_{field.name}"), identifier(field.name)
    found = []
    if field.type != "varchar":
        found.append(
            (f"{field.name}_type", f"nullif(cast({raw} as varchar), '') is not null and {cast_sql(field, raw)} is null")
        )
    if field.required and field.default is None:
        found.append((f"{field.name}_required", f"nullif(trim(cast({raw} as varchar)), '') is null"))
    if field.enum:
        allowed = ", ".join(literal(value) for value in field.enum)
        found.append((f"{field.name}_enum", f"{typed} not in ({allowed})"))
    if field.minimum is not None:
        found.append((f"{field.name}_range", f"{typed} < {field.minimum}"))
    if field.maximum is not None:
        found.append((f"{field.name}_range", f"{typed} > {field.maximum}"))
    if field.pattern is not None:
        found.append((f"{field.name}_pattern", f"not regexp_full_match({typed}, {literal(field.pattern.strip('^$'))})"))
    return found


def row_rules(profile: Profile, stream: str) -> tuple[list[Rule], list[Rule]]:
    """The custom rules of contract and profile, as (rejecting, warning)."""
    own = [Rule(r.name, r.check, r.severity, r.description) for r in profile.streams[stream].rules]
    every = [*profile.contract(stream).rules, *own]
    return [r for r in every if r.severity == "error"], [r for r in every if r.severity == "warning"]


def broken_names(rules: list[tuple[str, str]]) -> str:
    """A list expression holding the names of the rules whose condition is true."""
    if not rules:
        return "cast([] as varchar[])"
    cases = ", ".join(f"case when {condition} then {literal(name)} end" for name, condition in rules)
    any_of_them = " or ".join(f"({condition})" for _, condition in rules)
    return f"case when {any_of_them} then list_filter([{cases}], lambda name: name is not null) else cast([] as varchar[]) end"


def full_key(contract: Contract) -> str:
    """The text that tells rows of a pull apart: the key, of lines of a set the whole key."""
    key = key_sql(contract)
    return key if not contract.set_key else " || chr(31) || ".join(f"cast({name} as varchar)" for name in contract.key)
