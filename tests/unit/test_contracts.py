"""Every contract: valid ODCS, and one valid and one invalid row of it go through gate 1."""

from __future__ import annotations

import json
from datetime import date

import pytest
from deltalake import DeltaTable

from sources.contract import CONTRACTS_DIR, Contract, ContractError, Field, load_contracts, read_contract

DAY = date(2026, 3, 2)
STREAMS = [
    "customers",
    "fx_rates",
    "order_items",
    "orders",
    "refunds",
    "shipment_items",
    "shipments",
    "support_tickets",
    "survey_responses",
    "ticket_events",
    "usage_events",
]
CONSISTENT = {  # where the rules of a contract tie fields together
    "survey_responses": {"survey": "csat", "score": "4"},
    "usage_events": {"error_count": "0"},
    "fx_rates": {"rate": "1.1"},
}


def valid_value(field: Field) -> str:
    if field.enum:
        return field.enum[0]
    if field.pattern:
        return "EUR"
    if field.minimum is not None or field.type == "bigint":
        return str(int(field.minimum or 1) + 1)
    return {
        "varchar": f"some {field.name}",
        "timestamptz": f"{DAY}T10:00:00Z",
        "date": str(DAY),
        "boolean": "false",
    }.get(field.type, "1.5")


def valid_row(contract: Contract) -> dict[str, object]:
    return {f.name: valid_value(f) for f in contract.fields} | CONSISTENT.get(contract.name, {})


def cursor_of(contract: Contract) -> str:
    names = contract.field_names
    return next(n for n in ("received_at", "updated_at", "occurred_at") if n in names)


def test_all_streams_have_a_contract() -> None:
    assert sorted(load_contracts()) == STREAMS


@pytest.mark.parametrize("stream", STREAMS)
def test_a_contract_is_complete(stream: str) -> None:
    contract = load_contracts()[stream]
    assert contract.key and contract.owner and contract.grain and contract.description
    assert all(field.description for field in contract.fields)
    assert {rule.severity for rule in contract.rules} <= {"error", "warning"}
    assert contract.kind == "immutable" or "updated_at" in contract.field_names


@pytest.mark.parametrize("stream", STREAMS)
def test_a_valid_row_lands_and_an_invalid_one_is_quarantined(company, lake_rows, stream: str) -> None:  # type: ignore[no-untyped-def]
    contract = load_contracts()[stream]
    good = valid_row(contract)
    cursor = cursor_of(contract)
    required = next(f for f in contract.fields if f.required and f.name != cursor)
    bad = good | {required.name: None}
    company.write(stream, [good, bad], cursor, "tolerance = 0.5")
    outcome = company.land(stream, [DAY])
    assert [(x.state, x.pulled, x.landed, x.rejected) for x in outcome.landings] == [("landed", 2, 1, 1)]
    rows = lake_rows(company.settings(), stream)
    assert len(rows) == 1
    assert set(rows[0]) == {f.name for f in contract.landed_fields()} | {
        "extra",
        "content_hash",
        "pulled_at",
        "landed_date",
    }
    quarantined = DeltaTable(str(company.settings().home.quarantine / stream)).to_pyarrow_table().to_pylist()
    assert [json.loads(row["reasons"]) for row in quarantined] == [[f"{required.name}_required"]]


@pytest.mark.parametrize("stream", STREAMS)
def test_no_personal_value_reaches_the_disk(company, stream: str) -> None:  # type: ignore[no-untyped-def]
    contract = load_contracts()[stream]
    personal = [f for f in contract.fields if f.privacy != "none"]
    good = valid_row(contract) | {f.name: f"Secret.{f.name}@Person.example" for f in personal}
    required = next(f for f in contract.fields if f.required and f.name != cursor_of(contract))
    company.write(stream, [good, good | {required.name: None}], cursor_of(contract), "tolerance = 0.6")
    settings = company.settings()
    company.land(stream, [DAY])
    for path in settings.home.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            assert b"secret." not in content, f"{path} holds a personal value"
    texts = [
        str(row).lower()
        for folder in (settings.home.lake, settings.home.quarantine)
        for row in DeltaTable(str(folder / stream)).to_pyarrow_table().to_pylist()
    ]
    assert texts and not any("secret." in text for text in texts)


def test_a_contract_that_cannot_be_used_says_why(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = (CONTRACTS_DIR / "refunds.odcs.yaml").read_text(encoding="utf-8")
    path = tmp_path / "refunds.odcs.yaml"
    path.write_text(text.replace("value: mutable", "value: sometimes"), encoding="utf-8")
    with pytest.raises(
        ContractError, match=r"refunds.odcs.yaml: custom property `kind` is 'sometimes', allowed: immutable"
    ):
        read_contract(path)
    path.write_text("nonsense: true", encoding="utf-8")
    with pytest.raises(ContractError, match="not a valid ODCS contract"):
        read_contract(path)
