"""Bad answers of a shop over a real socket, through the shopify connector and gate 1."""

from __future__ import annotations

from typing import Any

import pytest

from tests import shopify
from tests.conftest import Company
from tests.faults.bad_inputs.case import Case, land_and_compare
from tests.faults.bad_inputs.shops import FIELDS, SHOPIFY


@pytest.mark.parametrize("case", SHOPIFY, ids=str)
def test_a_bad_answer(company: Company, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setenv("BAD_SHOP_TOKEN", shopify.TOKEN)
    with shopify.serving(shopify.Shop(faults=[case.given] * 2)) as shop:
        source = f'connector = "shopify"\nurl = "{shop.url}"\ntable = "orders"\ntoken = "${{BAD_SHOP_TOKEN}}"\n'
        more: dict[str, Any] = {"stream": {"cursor": "order_updated_at"}}
        quick = "attempts = 2\nlongest_wait_seconds = 0.01"
        land_and_compare(company, Case(**{**case.__dict__, "more": more}), "orders", source + quick, FIELDS)
