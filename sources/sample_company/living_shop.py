"""The shop's database as it grows: a PostgreSQL whose rows are always as they were at the company's time.

The files hold each row in its last state, with the instants of its stages. From these the states before are rebuilt: what
was reached later is empty, the status is that of the last stage, and `updated_at` is the last change until then.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from sources.sample_company.shop_db import TABLES
from sources.sample_company.world import sql_text

Row = dict[str, Any]
Change = tuple[str, str, Row]
"""When (UTC, as the shop writes it), in which table, and the row from then on."""

READER = "reader"
STAGES = ("approved", "picked", "shipped", "delivered", "cancelled")
KEYS = {
    "customers": ("customer_id", "valid_from", "updated_at"),
    "orders": ("id",),
    "order_items": ("id",),
    "refunds": ("id",),
    "shipments": ("id",),
    "shipment_items": ("shipment_id", "item_id"),
}
INSTANTS = ("valid_from", "ship_by", "subscription_start", "subscription_end")  # and every column that ends with _at


class LivingShop:
    """`advance` makes a database, which is empty at first, what the shop's was at an instant."""

    def __init__(self, folder: Path, url: str, password: str) -> None:
        """`folder` is the company's; `url` is of a PostgreSQL user who may create tables and users. The reader of the
        tables is `READER` with that password."""
        self.url = url
        self._changes = changes(folder)
        self._done = 0
        with self._connect() as connection:
            for table in TABLES:
                connection.execute(_definition(table))
                connection.execute(sql.SQL("create index on {} (updated_at)").format(sql.Identifier(table)))
            role, is_known = sql.Identifier(READER), "select 1 from pg_roles where rolname = %s"
            if connection.execute(is_known, [READER]).fetchone() is None:  # of the server, not of the database
                connection.execute(sql.SQL("create role {}").format(role))
            connection.execute(sql.SQL("alter role {} login password {}").format(role, sql.Literal(password)))
            connection.execute(sql.SQL("grant select on all tables in schema public to {}").format(role))

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, options="-c timezone=UTC")

    def advance(self, now: int) -> None:
        """Write what changed until that instant (milliseconds since 1970), in one transaction."""
        until, done = str(sql_text(now)), self._done
        newest: dict[str, dict[tuple[Any, ...], Row]] = defaultdict(dict)
        while done < len(self._changes) and self._changes[done][0] <= until:
            _, table, row = self._changes[done]
            newest[table][itemgetter(*KEYS[table], "updated_at")(row)[: len(KEYS[table])]] = row
            done += 1
        if newest:
            with self._connect() as connection, connection.cursor() as cursor:
                for table, rows in newest.items():
                    cursor.executemany(_upsert(table), [list(row.values()) for row in rows.values()])
        self._done = done


def changes(folder: Path) -> list[Change]:
    """Every state of every row of a generated company's shop, oldest first."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    with closing(sqlite3.connect(f"file:{folder / 'shop.db'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        held = {table: [dict(row) for row in connection.execute(f"select * from {table}")] for table in TABLES}
    return sorted(_changes(held, ZoneInfo(truth["zone"])), key=itemgetter(0))


def _changes(held: dict[str, list[Row]], zone: ZoneInfo) -> Iterator[Change]:
    refunded: dict[str, list[str]] = defaultdict(list)
    for refund in held["refunds"]:
        refunded[refund["order_id"]].append(refund["created_at"])
        # Goods may be back before there is a refund that could say so.
        states = _states("refunds", refund, (refund["created_at"],), ("returned",))
        yield from (state for state in states if state[0] >= refund["created_at"])
    for customer in held["customers"]:
        yield customer["updated_at"], "customers", customer
    lines = _by(held["order_items"], "order_id")
    for order in held["orders"]:
        told = _told_of_delay(order, zone)
        touched = [order["placed_at"], *refunded[order["id"]], *([told] if told else [])]
        for at, table, row in _states("orders", order, touched, STAGES):
            if at < order["updated_at"]:
                _before_the_last_change(row, order, told)
            yield at, table, row
            # The shop touches all lines of an order whenever it touches the order.
            yield from ((at, "order_items", line | {"updated_at": at}) for line in lines[order["id"]])
    contents = _by(held["shipment_items"], "shipment_id")
    for shipment in held["shipments"]:
        for at, table, row in _states("shipments", shipment, (), ("packed", "shipped", "delivered")):
            yield at, table, row
            yield from ((at, "shipment_items", line | {"updated_at": at}) for line in contents[shipment["id"]])


def _by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[column]].append(row)
    return grouped


def _states(table: str, row: Row, touched: Iterable[str], stages: tuple[str, ...]) -> Iterator[Change]:
    """The row at each instant at which it was touched or reached a stage; the last is the row itself."""
    reached = [row[f"{stage}_at"] for stage in stages if row[f"{stage}_at"] is not None]
    for at in sorted({at for at in (*touched, *reached) if at < row["updated_at"]}):
        later = {f"{stage}_at": None for stage in stages if (row[f"{stage}_at"] or "") > at}
        if "returned_at" in later:
            later["returned_quantity"] = None
        yield at, table, row | later | {"updated_at": at}
    yield row["updated_at"], table, row


def _before_the_last_change(row: Row, order: Row, told: str | None) -> None:
    """Set what follows from the stages that an order has reached; that a subscription ends is its last change."""
    stages = [stage for stage in STAGES if row[f"{stage}_at"] is not None]
    row["status"] = "active" if order["billing_interval"] else stages[-1] if stages else "placed"
    row["subscription_end"] = None
    row["carrier"] = order["carrier"] if row["shipped_at"] else None
    row["cancelled_by"] = order["cancelled_by"] if row["cancelled_at"] else None
    row["new_promise_at"] = order["new_promise_at"] if told and told <= row["updated_at"] else None


def _told_of_delay(order: Row, zone: ZoneInfo) -> str | None:
    """When the buyer was told another day: as the first promise was missed, which may be the end of a local day."""
    if order["new_promise_at"] is None:
        return None
    if order["promised_at"] is not None:
        return str(order["promised_at"])
    end = datetime.combine(date.fromisoformat(order["promised_date"]) + timedelta(days=1), time(), zone)
    return end.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _definition(table: str) -> sql.Composed:
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(f.name), sql.SQL(_type(f.name, str(f.type))))
        for f in fields(TABLES[table])
    ]
    key = sql.SQL("primary key ({})").format(sql.SQL(", ").join(map(sql.Identifier, KEYS[table])))
    return sql.SQL("create table {} ({})").format(sql.Identifier(table), sql.SQL(", ").join([*columns, key]))


def _type(column: str, annotation: str) -> str:
    if column.endswith("_at") or column in INSTANTS:
        return "timestamptz"
    return "date" if column.endswith("_date") else "integer" if "int" in annotation else "text"


def _upsert(table: str) -> sql.Composed:
    names = [f.name for f in fields(TABLES[table])]
    return sql.SQL("insert into {} values ({}) on conflict ({}) do update set {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        sql.SQL(", ").join(map(sql.Identifier, KEYS[table])),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names),
    )
