"""Begins a profile: looks at a source's columns, guesses what feeds which contract field, writes a commented TOML file.

Only obvious names are guessed, and only where the values that were looked at fit; everything else is a comment for a
person to decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from sources.connectors import CONNECTORS, Window
from sources.contract import Contract, Field, load_contracts
from sources.profile import ProfileError, Source
from sources.profile_schema import column_or_expression
from sources.source_check import check_field, columns_of, sample
from sources.sql_text import identifier

SYNONYMS: dict[str, tuple[str, ...]] = {
    "event_id": ("id", "messageid", "uuid", "insertid"),
    "event_name": ("event", "name", "type", "eventtype"),
    "occurred_at": ("timestamp", "time", "eventtime", "originaltimestamp", "createdat"),
    "received_at": ("receivedtime", "ingestedat", "serveruploadtime"),
    "user_id": ("userid", "distinctid", "customerid"),
    "anonymous_id": ("anonymousid", "deviceid"),
    "order_id": ("ordernumber", "orderno", "ordername"),
    "ordered_at": ("placedat", "createdat", "orderdate", "orderedon", "created"),
    "updated_at": ("modifiedat", "changedat", "lastmodified", "lastupdate", "updated", "updatedon"),
    "created_at": ("created", "createdon", "openedat"),
    "customer_id": ("userid", "customer", "clientid", "requesterid", "buyerid"),
    "currency": ("currencycode", "presentmentcurrency"),
    "line_id": ("itemid", "lineitemid", "id"),
    "unit_price_amount": ("unitprice", "price"),
    "discount_amount": ("discount", "totaldiscounts"),
    "refund_amount": ("amount",),
    "signed_up_at": ("createdat", "registeredat", "signupdate"),
    "country": ("countrycode", "shipcountry"),
    "email": ("emailaddress", "mail"),
    "requester_email": ("email",),
}


@dataclass(frozen=True)
class Begun:
    """A profile that was begun: its text, and what a person has to add before it can be loaded."""

    text: str
    missing: tuple[str, ...]


def begin_profile(
    name: str, stream: str, connector: str, options: dict[str, Any], currency: str, first_day: date, zone: str = "UTC"
) -> Begun:
    """The text of a profile for one stream of one source.

    `options` are the connector's, as they would stand in the profile, the cursor aside: it is guessed. A password in
    `url` does not reach the text. Raises ProfileError for what cannot be, SourceError where the source does not answer.
    """
    contracts = load_contracts()
    if stream not in contracts:
        raise ProfileError(f"stream {stream!r}: no such stream; allowed: {', '.join(contracts)}")
    if connector not in CONNECTORS:
        raise ProfileError(f"connector {connector!r}: unknown; allowed: {', '.join(CONNECTORS)}")
    try:
        source = Source("source", connector, CONNECTORS[connector].Options(**options), zone)
    except ValueError as error:
        found: list[Any] = getattr(error, "errors", list)()
        where = ".".join(str(part) for part in found[0]["loc"]) if found else connector
        raise ProfileError(f"{where}: {found[0]['msg'] if found else 'not usable'}") from None
    with duckdb.connect() as con:
        con.execute(f"set TimeZone = '{zone}'")
        sample(con, source, Window(first_day, first_day, zone))
        con.execute("set enable_external_access = false")
        columns = columns_of(con, source.name)
        guessed = guess(con, source.name, contracts[stream], list(columns), currency)
    return _written(name, stream, connector, options, currency, first_day, zone, contracts[stream], columns, guessed)


def guess(
    con: duckdb.DuckDBPyConnection, table: str, contract: Contract, columns: list[str], currency: str
) -> dict[str, str]:
    """Contract field to expression, for the fields whose column is obvious and whose values fit."""
    plain = {re.sub(r"[^a-z0-9]", "", column.lower()): column for column in reversed(columns)}
    taken: set[str] = set()
    found: dict[str, str] = {}

    def take(field: Field, names: tuple[str, ...]) -> None:
        for name in names:
            column = plain.get(name)
            if field.name in found or column is None or column in taken:
                continue
            if not check_field(con, identifier(table), field, column_or_expression(column)).complaint:
                found[field.name] = column
                taken.add(column)

    for field in contract.fields:
        take(field, (field.name.replace("_", ""),))
    for field in contract.fields:
        own_id = ("id",) if contract.key[:1] == (field.name,) else ()
        take(field, own_id + SYNONYMS.get(field.name, ()))
    if "currency" in contract.field_names and "currency" not in found:
        found["currency"] = f"'{currency}'"
    return found


def _written(
    name: str,
    stream: str,
    connector: str,
    options: dict[str, Any],
    currency: str,
    first_day: date,
    zone: str,
    contract: Contract,
    columns: dict[str, str],
    guessed: dict[str, str],
) -> Begun:
    by_day = "{day}" in str(options.get("path", ""))
    cursor = (
        None
        if by_day
        else next((guessed[f] for f in ("updated_at", "received_at", "occurred_at") if f in guessed), None)
    )
    source = f"{name.replace('-', '_')}_{stream}"
    shown, notes = _without_password(options, name)
    if cursor and connector == "sql":
        shown["cursor"] = cursor
    lines = [
        f"name = {_toml(name)}",
        "",
        "[business]",
        f"currency = {_toml(currency)}",
        f"first_day = {first_day.isoformat()}            # no last_day: a live company, pulled up to yesterday",
        f"landing_zone = {_toml(zone)}            # whose calendar days are pulled; fixed at the first landing",
        f"reporting_zone = {_toml(zone)}          # whose days the KPIs count",
        f"source_zone = {_toml(zone)}             # what a time without an offset means",
        "",
        f"[sources.{source}]",
        f"connector = {_toml(connector)}",
        *notes,
        *(f"{key} = {_toml(value)}" for key, value in shown.items()),
        "",
        f"[streams.{stream}]",
        f"from = {_toml(source)}",
    ]
    missing = [f.name for f in contract.fields if f.required and f.default is None and f.name not in guessed]
    if cursor:
        lines.append(f"cursor = {_toml(cursor)}             # the instant that decides the landing day")
    elif not by_day:
        lines.append('# cursor = "…"                     # the instant that decides the landing day')
        missing.append("cursor")
    spare = [f"{column} ({type_})" for column, type_ in columns.items() if column not in guessed.values()]
    if spare:
        lines += [
            f"# Not mapped: {', '.join(spare)}",
            '# extra = ["…"]                      # keep these: says that they are not personal',
            '# ignore = ["…"]                     # drop these',
        ]
    lines += ["", f"[streams.{stream}.fields]      # contract field = column, or DuckDB SQL over the source's columns"]
    for field in contract.fields:
        need = "required; " if field.required and field.default is None else ""
        told = f"{need}{field.type}: {field.description}"
        value = guessed.get(field.name)
        lines.append(
            f'# {field.name} = "…"    # {told}' if value is None else f"{field.name} = {_toml(value)}    # {told}"
        )
    return Begun("\n".join(lines) + "\n", tuple(missing))


def _without_password(options: dict[str, Any], name: str) -> tuple[dict[str, Any], list[str]]:
    """The options with a variable of the environment in place of a password."""
    match = re.fullmatch(r"(?P<head>[^:]+://[^:@/]+:)(?P<password>.+)(?P<tail>@[^@]*)", str(options.get("url", "")))
    if match is None or match["password"].startswith("${"):
        return dict(options), []
    variable = f"{re.sub('[^A-Z0-9]', '_', name.upper())}_PASSWORD"
    url = f"{match['head']}${{{variable}}}{match['tail']}"
    return {**options, "url": url}, [f"# set {variable} in the environment: a password has no place in a file"]


def _toml(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return str(value).lower()
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
