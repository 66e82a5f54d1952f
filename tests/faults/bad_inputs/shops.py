"""Bad answers of a shop: what stands in place of its page of orders, as text."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.bad_inputs.case import Case

FIELDS = {
    "order_id": "id", "ordered_at": "created_at", "updated_at": "order_updated_at", "currency": "currency",
    "discount_amount": "total_discounts", "is_test": "test", "status": "financial_status",
}  # fmt: skip
ORDER: dict[str, Any] = {
    "id": 1, "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z", "currency": "EUR",
    "financial_status": "paid", "total_price": "30.00", "total_discounts": "1.50", "test": False,
    "customer": {"id": 77}, "shipping_address": {"country_code": "DE"},
}  # fmt: skip


def _answer(name: str, given: Any, says: str = "", landed: int | None = None, rejected: int = 0, **more: Any) -> Case:
    return Case(name, "shopify", given if isinstance(given, str) else json.dumps(given), says, landed, rejected, **more)


def _order(name: str, says: str = "", landed: int | None = 1, rejected: int = 1, **values: Any) -> Case:
    """A good order and one with these values."""
    return _answer(name, {"orders": [ORDER, ORDER | {"id": 2} | values]}, says, landed, rejected)


SHOPIFY = [
    _answer("a page of HTML", "<html>Sign in</html>", "JSON that breaks off or is damaged"),
    _answer("nothing at all", "", "JSON that breaks off or is damaged"),
    _answer("half of an answer", '{"orders": [{"id": 1', "JSON that breaks off or is damaged"),
    _answer("an array", "[]", "JSON that is no object"),
    _answer("orders that are no list", {"orders": {"1": ORDER}}, "answers without orders"),
    _answer("orders that are numbers", {"orders": [7]}, "orders of another shape"),
    _answer("an order that is null", {"orders": [None]}, "orders of another shape"),
    _answer("an order without its time", {"orders": [{"id": 1}]}, "orders of another shape"),
    _answer("a customer that is a text", {"orders": [ORDER | {"customer": "Jane"}]}, "orders of another shape"),
    _answer("5,000 brackets deep", '{"orders": ' + "[" * 5_000 + "]" * 5_000 + "}", "nested too deep"),
    _answer("no order", {"orders": []}, landed=0),
    _order("an order without an id", "order_id_required", id=None),
    _order("a currency that is none", "currency_pattern", currency="euro"),
    _order("money that is a word", "discount_amount_type", total_discounts="free"),
    _order("negative money", "discount_amount_range", total_discounts="-5.00"),
    _order("a time that never comes", "cursor_required", updated_at="infinity"),
    _order("a statement as an id", landed=2, rejected=0, id="'); drop table judged; --"),
]  # fmt: skip
