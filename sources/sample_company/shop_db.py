"""The shop's database: its tables and how rows get into the SQLite file.

Timestamps are text in UTC, amounts are whole cents: as the shop keeps them. What the rows say comes from `shop.py`.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class CustomerRow:
    """What was true of a customer from an instant on, until the customer's next row."""

    customer_id: str
    valid_from: str
    account_id: str
    email: str
    full_name: str
    phone: str
    plan: str
    country: str
    acquisition_channel: str
    industry: str
    is_test: int
    created_at: str
    updated_at: str


@dataclass(slots=True)
class OrderRow:
    id: str
    customer_id: str | None
    account_id: str | None
    placed_at: str
    updated_at: str
    status: str
    channel: str
    country: str
    acquisition_channel: str | None
    plan: str | None
    currency: str
    payment_method: str
    is_test: int
    notes: str | None
    discount_cents: int = 0
    warehouse: str | None = None
    carrier: str | None = None
    approved_at: str | None = None
    picked_at: str | None = None
    shipped_at: str | None = None
    delivered_at: str | None = None
    promised_at: str | None = None
    promised_date: str | None = None
    new_promise_at: str | None = None
    ship_by: str | None = None
    cancelled_at: str | None = None
    cancelled_by: str | None = None
    billing_interval: str | None = None
    recurring_cents: int | None = None
    subscription_start: str | None = None
    subscription_end: str | None = None


@dataclass(slots=True)
class ItemRow:
    id: str
    order_id: str
    product_id: str
    product_name: str
    category: str
    quantity: int
    unit_price_cents: int
    discount_cents: int
    requires_shipping: int
    updated_at: str


@dataclass(slots=True)
class RefundRow:
    id: str
    order_id: str
    item_id: str | None
    currency: str
    amount_cents: int
    reason: str
    returned_quantity: int | None
    returned_at: str | None
    created_at: str
    updated_at: str


@dataclass(slots=True)
class ShipmentRow:
    id: str
    order_id: str
    carrier: str
    warehouse: str
    country: str
    packed_at: str
    shipped_at: str | None
    delivered_at: str | None
    updated_at: str


@dataclass(slots=True)
class ShipmentItemRow:
    shipment_id: str
    order_id: str
    item_id: str
    quantity: int
    updated_at: str


TABLES: dict[str, type[Any]] = {
    "customers": CustomerRow,
    "orders": OrderRow,
    "order_items": ItemRow,
    "refunds": RefundRow,
    "shipments": ShipmentRow,
    "shipment_items": ShipmentItemRow,
}


class ShopDatabase:
    """One new SQLite file, filled day by day."""

    def __init__(self, path: Path) -> None:
        # A file that is thrown away when the generation breaks off needs no journal.
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("pragma journal_mode = off")
        self.connection.execute("pragma synchronous = off")
        for table, row in TABLES.items():
            columns = ", ".join(_column(f.name, str(f.type)) for f in fields(row))
            self.connection.execute(f"create table {table} ({columns})")

    def insert(self, table: str, rows: Iterable[Any]) -> None:
        names = [f.name for f in fields(TABLES[table])]
        marks = ", ".join("?" for _ in names)
        self.connection.execute("begin")
        self.connection.executemany(f"insert into {table} values ({marks})", map(attrgetter(*names), rows))
        self.connection.execute("commit")

    def finish(self) -> None:
        for table in TABLES:
            self.connection.execute(f"create index {table}_updated_at on {table} (updated_at)")
        for table in ("order_items", "refunds", "shipments", "shipment_items"):
            self.connection.execute(f"create index {table}_order_id on {table} (order_id)")

    def close(self) -> None:
        self.connection.close()


def _column(name: str, annotation: str) -> str:
    kind = "integer" if "int" in annotation else "text"
    suffix = " primary key" if name == "id" else "" if "None" in annotation else " not null"
    return f"{name} {kind}{suffix}"
