"""Shopify's Admin API (REST) as a source: orders and what hangs on them, and customers.

Lines, refunds and fulfilments are parts of their order and come with it, whole sets of the order's own version: each row
bears the order's `updated_at` as `order_updated_at`. Names, addresses and free text are not asked for. What a row means is
decided by the profile (docs/sources.md has one); retries and messages are `http`.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import duckdb
from pydantic import Field, SecretStr

from sources.connectors import http
from sources.connectors.base import Window, silence_dlt, source_error
from sources.connectors.file_access import Readable
from sources.connectors.file_formats import create_empty, create_from_jsonl

Record = dict[str, Any]
_ORDER = (
    "id", "created_at", "updated_at", "processed_at", "cancelled_at", "closed_at", "cancel_reason", "currency",
    "financial_status", "fulfillment_status", "source_name", "total_price", "total_discounts", "test",
)  # fmt: skip
_NESTED = {
    "orders": ("customer", "shipping_address"),
    "order_items": ("line_items",),
    "refunds": ("refunds",),
    "fulfillments": ("fulfillments",),
    "fulfillment_items": ("fulfillments",),
}
_CUSTOMER = ("id", "created_at", "updated_at", "state", "default_address")
_ALMOST_FULL = 0.9  # of the bucket of requests
_LEAK_SECONDS = 1.0  # in which two requests leak out of the smallest bucket


class Options(http.HttpOptions):
    """What `[sources.<name>]` may say beside `connector = "shopify"`. `url` is https://<shop>.myshopify.com."""

    table: Literal["orders", "order_items", "refunds", "fulfillments", "fulfillment_items", "customers"]
    token: SecretStr
    api_version: str = Field(default="2026-07", pattern=r"^\d{4}-\d{2}$")
    page_size: int = Field(default=250, ge=1, le=250)

    may_lack_columns: ClassVar[bool] = True  # a field that no row has is a missing value


def check(options: Options) -> str | None:
    """Say in one line what is wrong before anything runs, or None. A shop that is away for a moment is not wrong."""
    quick = options.model_copy(update={"attempts": min(2, options.attempts)})
    try:
        _client(quick).get(_path(options), params={"limit": 1, "fields": "id"}, **http.ask())
    except Exception as error:
        return None if http.may_pass(error) else f"{_describe(options)} {'; '.join(_explain(quick, error))}"
    return None


def listing(options: Options, window: Window | None) -> list[Record]:
    """An API has no files."""
    return []


def resource(options: Options, window: Window | None, source_zone: str) -> Any:
    """The dlt resource: the rows of the window, page by page."""
    silence_dlt()
    import dlt

    return dlt.resource(lambda: _pages(options, window), name=options.table)


def load(
    con: duckdb.DuckDBPyConnection, table: str, options: Options, window: Window | None, source_zone: str
) -> list[Record]:
    """Create the temporary table `table` with the rows of the window, or a few more. Returns no listing.

    Raises SourceError with one line when the shop cannot be read.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="opsmart-shopify-") as folder:
            path = Path(folder) / f"{options.table}.jsonl"
            with path.open("w", encoding="utf-8") as lines:
                for page in _pages(options, window):
                    lines.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in page)
            if path.stat().st_size:
                create_from_jsonl(con, table, [Readable(_describe(options), path, "none", None)], False, Path(folder))
            else:
                create_empty(con, table, False)
    except Exception as error:
        raise source_error(_describe(options), window, *_explain(options, error)) from None
    return []


def _pages(options: Options, window: Window | None) -> Iterator[list[Record]]:
    from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator

    key = "customers" if options.table == "customers" else "orders"
    fields = _CUSTOMER if key == "customers" else (*_ORDER, *_NESTED[options.table])
    params: Record = {"limit": options.page_size, "fields": ",".join(fields), "order": "updated_at asc"}
    if key == "orders":
        params["status"] = "any"  # without it, only open ones come
    if window is not None:
        # both ends are included at Shopify, to the second: whoever knows the exact instant of a row cuts it
        params |= {"updated_at_min": _text(window.start), "updated_at_max": _text(window.end)}
    rows_of = _ROWS[options.table]
    for page in _client(options).paginate(
        _path(options), params=params, paginator=HeaderLinkPaginator(), data_selector="$", **http.ask()
    ):
        records = page[0].get(key)
        if not isinstance(records, list):
            raise http.HttpFault(f"answers without {key}", "set `url` to the shop's own address")
        try:
            yield [row for record in records for row in rows_of(record)]
        except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise http.HttpFault(
                f"answers with {key} of another shape ({type(error).__name__}: {error})", "set `api_version`"
            ) from None
        _stay_in_the_shop(options, page.response.links.get("next", {}).get("url"))
        _let_the_bucket_leak(page.response.headers.get("X-Shopify-Shop-Api-Call-Limit", ""))


def _stay_in_the_shop(options: Options, following: str | None) -> None:
    if following and urlsplit(following)[:2] != urlsplit(options.url)[:2]:
        # following it would hand the token on to wherever it points
        raise http.HttpFault(
            f"names {urlsplit(following).netloc} for the next page", "set `url` to the shop's own address"
        )


def _let_the_bucket_leak(limit: str) -> None:
    """Wait before the bucket of requests (`39/40`) overflows, rather than run into a 429."""
    found = re.fullmatch(r"(\d+)/(\d+)", limit.strip())
    if found and int(found[1]) >= int(found[2]) * _ALMOST_FULL:
        time.sleep(_LEAK_SECONDS)


def _order(order: Record) -> list[Record]:
    customer, address = order.get("customer") or {}, order.get("shipping_address") or {}
    own = {name: order.get(name) for name in _ORDER}
    return [
        {
            **own,
            "order_updated_at": order["updated_at"],
            "customer_id": customer.get("id"),
            "country": address.get("country_code"),
        }
    ]


def _of_order(order: Record) -> Record:
    return {"order_id": order["id"], "order_updated_at": order["updated_at"], "currency": order.get("currency")}


def _items(order: Record) -> list[Record]:
    names = ("id", "product_id", "variant_id", "sku", "quantity", "price", "requires_shipping")
    return [
        {
            **_of_order(order),
            **{name: item.get(name) for name in names},
            "discount": _total(part["amount"] for part in item.get("discount_allocations") or []),
        }
        for item in order["line_items"]
    ]


def _refunds(order: Record) -> list[Record]:
    return [
        {
            **_of_order(order),
            "id": refund["id"],
            "created_at": refund["created_at"],
            "amount": _total(
                part["amount"]
                for part in refund.get("transactions") or []
                if part.get("kind") == "refund" and part.get("status") == "success"
            ),
            "quantity": sum(part["quantity"] for part in refund.get("refund_line_items") or []),
        }
        for refund in order["refunds"]
    ]


def _fulfillments(order: Record) -> list[Record]:
    names = ("id", "created_at", "updated_at", "status", "shipment_status", "tracking_company", "location_id")
    return [{**_of_order(order), **{name: one.get(name) for name in names}} for one in order["fulfillments"]]


def _fulfillment_items(order: Record) -> list[Record]:
    return [
        {
            **_of_order(order),
            "fulfillment_id": one["id"],
            "status": one.get("status"),
            "line_id": item["id"],
            "quantity": item["quantity"],
        }
        for one in order["fulfillments"]
        for item in one["line_items"]
    ]


def _customers(customer: Record) -> list[Record]:
    own = {name: customer.get(name) for name in _CUSTOMER if name != "default_address"}
    return [{**own, "country": (customer.get("default_address") or {}).get("country_code")}]


_ROWS: dict[str, Callable[[Record], list[Record]]] = {
    "orders": _order,
    "order_items": _items,
    "refunds": _refunds,
    "fulfillments": _fulfillments,
    "fulfillment_items": _fulfillment_items,
    "customers": _customers,
}


def _total(amounts: Iterator[Any]) -> str:
    return str(sum((Decimal(amount) for amount in amounts), Decimal(0)))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _client(options: Options) -> Any:
    silence_dlt()
    from dlt.sources.helpers.rest_client.auth import APIKeyAuth

    token = options.token.get_secret_value()
    return http.client(options, APIKeyAuth(name="X-Shopify-Access-Token", api_key=token, location="header"))


def _path(options: Options) -> str:
    key = "customers" if options.table == "customers" else "orders"
    return f"/admin/api/{options.api_version}/{key}.json"


def _describe(options: Options) -> str:
    return f"{options.table} of {options.url}"


def _explain(options: Options, error: Exception) -> tuple[str, str]:
    token = options.token.get_secret_value()
    key = "customers" if options.table == "customers" else "orders"
    name = http.variables_of(token) or "token"
    return http.explain(error, options, f"set {name} to an access token of the shop with read_{key}", [token])
