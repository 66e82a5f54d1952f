"""The shopify connector against a shop that answers over a real socket: windows, paging, limits, faults, what lands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.pipeline.landing import land_stream
from orchestration.settings import Settings
from sources.connectors import SourceError, Window, shopify
from tests.conftest import Company
from tests.shopify import TOKEN, Shop, serving

DAY = Window(date(2026, 3, 10), date(2026, 3, 10), "Europe/Berlin")


def order(number: int, updated_at: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "created_at": "2026-03-01T10:00:00+01:00", "updated_at": updated_at, "processed_at": None,
        "cancelled_at": None, "closed_at": None, "cancel_reason": None, "currency": "EUR", "financial_status": "paid",
        "fulfillment_status": None, "source_name": "web", "total_price": "30.00", "total_discounts": "1.50", "test": False,
        "email": "jane@example.org", "customer": {"id": 77, "email": "jane@example.org", "first_name": "Jane"},
        "shipping_address": {"country_code": "DE", "name": "Jane Doe"},
        "line_items": [
            {"id": number * 10 + n, "product_id": 5, "variant_id": 6, "sku": "S", "quantity": n, "price": "10.50",
             "requires_shipping": True, "discount_allocations": [{"amount": "1.00"}, {"amount": "0.25"}]}
            for n in (1, 2)
        ],
        "refunds": [], "fulfillments": [], **more,
    }  # fmt: skip


@pytest.fixture
def shop() -> Iterator[Shop]:
    with serving(Shop()) as served:
        yield served


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def options(shop: Shop, table: str = "orders", token: str = TOKEN, **more: Any) -> shopify.Options:
    return shopify.Options(url=shop.url, table=table, token=token, **more)


def load(con: duckdb.DuckDBPyConnection, chosen: shopify.Options, window: Window | None = DAY) -> list[dict[str, Any]]:
    shopify.load(con, "t", chosen, window, "UTC")
    return con.sql("select * from t").to_arrow_table().to_pylist()


def refusal(con: duckdb.DuckDBPyConnection, chosen: shopify.Options) -> str:
    with pytest.raises(SourceError) as caught:
        load(con, chosen)
    message = str(caught.value)
    assert "\n" not in message
    assert TOKEN not in message + repr(chosen)
    return message


def test_a_window_comes_page_by_page_and_closed_orders_too(con: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    at = {
        1: DAY.start - timedelta(seconds=1),
        2: DAY.start,
        3: DAY.start + timedelta(hours=5),
        4: DAY.end - timedelta(seconds=1),
        5: DAY.end + timedelta(seconds=1),
    }
    shop.orders = [order(n, t.isoformat()) for n, t in at.items()]
    shop.orders[2]["closed_at"] = shop.orders[2]["updated_at"]
    assert [row["id"] for row in load(con, options(shop, page_size=1))] == ["2", "3", "4"]
    assert len(shop.asked) == 3
    assert set(shop.asked[1]) == {"limit", "page_info"}
    assert len(load(con, options(shop), None)) == 5
    assert load(con, options(shop), Window(date(2020, 1, 1), date(2020, 1, 1), "UTC")) == []


def test_rows_of_each_table(con: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    at = "2026-03-10T12:00:00+01:00"
    refund = {
        "id": 900, "created_at": at, "refund_line_items": [{"quantity": 2}, {"quantity": 1}],
        "transactions": [{"kind": "refund", "status": "success", "amount": "10.10"},
                         {"kind": "refund", "status": "success", "amount": "0.20"},
                         {"kind": "refund", "status": "failure", "amount": "99.00"}],
    }  # fmt: skip
    sent = {"id": 800, "created_at": at, "updated_at": at, "status": "success", "shipment_status": "delivered",
            "tracking_company": "DHL", "location_id": 3, "line_items": [{"id": 11, "quantity": 1}]}  # fmt: skip
    shop.orders = [order(1, at, refunds=[refund], fulfillments=[sent])]
    shop.customers = [{"id": 77, "created_at": at, "updated_at": at, "state": "enabled", "email": "jane@example.org",
                       "default_address": {"country_code": "DE", "name": "Jane Doe"}}]  # fmt: skip
    wanted: dict[str, list[dict[str, Any]]] = {
        "orders": [{"id": "1", "customer_id": "77", "country": "DE", "total_price": "30.00", "order_updated_at": at}],
        "order_items": [{"order_id": "1", "id": "11", "quantity": "1", "price": "10.50", "discount": "1.25"},
                        {"order_id": "1", "id": "12", "quantity": "2", "price": "10.50", "discount": "1.25"}],
        "refunds": [{"order_id": "1", "id": "900", "amount": "10.30", "quantity": "3", "currency": "EUR"}],
        "fulfillments": [{"order_id": "1", "id": "800", "tracking_company": "DHL", "shipment_status": "delivered"}],
        "fulfillment_items": [{"order_id": "1", "fulfillment_id": "800", "line_id": "11", "quantity": "1"}],
        "customers": [{"id": "77", "country": "DE", "state": "enabled", "updated_at": at}],
    }  # fmt: skip
    for table, expected in wanted.items():
        rows = load(con, options(shop, table))
        assert [{k: row[k] for k in e} for row, e in zip(rows, expected, strict=True)] == expected
        assert "jane" not in json.dumps(rows, default=str).lower()


def test_limits_are_kept_and_what_may_pass_is_asked_again(
    con: duckdb.DuckDBPyConnection, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.orders = [order(n, "2026-03-10T12:00:00+01:00") for n in (1, 2)]
    slept: list[float] = []
    monkeypatch.setattr(shopify.time, "sleep", slept.append)
    shop.call_limit = "36/40"
    shop.faults = [429, 502, '{"orders": [{"id": 1']
    assert len(load(con, options(shop, page_size=1, longest_wait_seconds=0.5))) == 2
    assert len(shop.asked) == 5
    assert shopify._LEAK_SECONDS in slept
    slept.clear()
    shop.call_limit = "35/40"
    load(con, options(shop))
    assert shopify._LEAK_SECONDS not in slept


@pytest.mark.parametrize(
    ("faults", "complaint"),
    [
        (
            [429] * 2,
            "answers 429 (Exceeded 2 calls per second for api client.), asks to wait 0.2 s (2 attempts); run again",
        ),
        (
            [503] * 2,
            "answers 503 (Exceeded 2 calls per second for api client.) (2 attempts); wait until it works again",
        ),
        (["{}"], "answers without orders; set `url` to the shop's own address"),
        (['{"orders": [7]}'], "answers with orders of another shape"),
        (['{"orders": ['] * 2, "answers with JSON that breaks off or is damaged (2 attempts)"),
        ([403], "; set SHOP_TOKEN to an access token of the shop with read_orders"),
    ],
)
def test_the_message_is_one_line_that_helps(
    con: duckdb.DuckDBPyConnection,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    faults: list[int | str],
    complaint: str,
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    shop.faults = list(faults)
    message = refusal(con, options(shop, attempts=2, longest_wait_seconds=0.1))
    assert message.startswith(f"orders of {shop.url}, landing day 2026-03-10: ")
    assert complaint in message


def test_a_wrong_token_a_shop_that_is_down_and_a_page_elsewhere(con: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    wrong = options(shop, token="shpat_wr0ng")
    said = shopify.check(wrong) or ""
    assert "answers 401" in said
    assert said.endswith("; set token to an access token of the shop with read_orders")
    assert "wr0ng" not in said + refusal(con, wrong)
    assert shopify.check(options(shop)) is None
    shop.orders = [order(n, "2026-03-10T12:00:00+01:00") for n in (1, 2)]
    shop.next_host = "http://elsewhere.invalid"
    assert "names elsewhere.invalid for the next page; set `url`" in refusal(con, options(shop, page_size=1))
    down = options(shop, attempts=1).model_copy(update={"url": "http://127.0.0.1:1"})
    assert "cannot be reached: Connection refused; see that it is up" in refusal(con, down)
    assert shopify.check(down) is None


def test_the_documented_profile_lands(
    company: Company,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    lake_rows: Callable[[Settings, str], list[dict[str, object]]],
) -> None:
    """The excerpt in docs/sources.md is what is tested here."""
    text = Path("docs/sources.md").read_text(encoding="utf-8").split("## Shopify")[1]
    excerpt = text.split("```toml\n")[1].split("```")[0].replace("https://my-shop.myshopify.com", shop.url)
    monkeypatch.setenv("SHOPIFY_TOKEN", TOKEN)
    at = "2026-03-10T12:00:00+01:00"
    refund = {"id": 900, "created_at": at, "refund_line_items": [{"quantity": 1}],
              "transactions": [{"kind": "refund", "status": "success", "amount": "10.10"}]}  # fmt: skip
    sent = {"id": 800, "created_at": at, "updated_at": at, "status": "success", "shipment_status": "delivered",
            "tracking_company": "DHL", "location_id": 3, "line_items": [{"id": 11, "quantity": 1}]}  # fmt: skip
    shop.orders = [order(1, at, refunds=[refund], fulfillments=[sent]), order(2, "2026-03-11T12:00:00+01:00")]
    shop.customers = [{"id": 77, "created_at": at, "updated_at": at, "state": "enabled", "default_address": None}]
    company.streams = {"shop": excerpt}
    settings = company.settings()
    landed = {
        stream: [
            (day.state, day.landed, day.reason)
            for day in land_stream(settings, stream, [date(2026, 3, 10)], "test-run").landings
        ]
        for stream in settings.profile.streams
    }
    counts = {"orders": 1, "order_items": 2, "refunds": 1, "shipments": 1, "shipment_items": 1, "customers": 1}
    assert landed == {stream: [("landed", count, None)] for stream, count in counts.items()}
    assert TOKEN not in str(landed) + str(lake_rows(settings, "orders"))
