"""Bad values, one per row of one file: what the row rules of gate 1 make of them. All rows land together.

`given` are the columns that differ from a good row of the stream orders; `holds` is what stands in the lake of them.
"""

# ruff: noqa: E501 – a table: one case, one line

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.faults.bad_inputs.case import Case

FIELDS = {
    "order_id": "id", "ordered_at": "ordered", "updated_at": "at", "currency": "currency", "discount_amount": "amount",
    "first_promised_date": "promised", "cancelled_by": "by", "is_test": "test", "status": "name", "customer_id": "who",
}  # fmt: skip
GOOD = {"ordered": "2026-03-29 10:00:00", "at": "2026-03-29 10:00:00", "currency": "EUR", "amount": "1", "promised": "",
        "by": "", "test": "", "who": "u"}  # fmt: skip
DAY = date(2026, 3, 29)  # in Berlin, where the clocks go forward


def _bad(name: str, *rules: str, **given: str) -> Case:
    return Case(name, "gate 1, rows", given, ",".join(f'"{rule}"' for rule in rules), 0, 1)


def _good(name: str, column: str, value: Any, **given: str) -> Case:
    return Case(name, "gate 1, rows", given, "", 1, 0, holds={column: [value]})


def _utc(hour: int, minute: int = 0, day: int = 29) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


ROWS = [
    _bad("1e400 of money", "discount_amount_type", amount="1e400"),
    _bad("NaN of money", "discount_amount_type", amount="NaN"),
    _bad("infinite money", "discount_amount_type", amount="Infinity"),
    _bad("a decimal comma", "discount_amount_type", amount="1,5"),
    _bad("a sign of a currency", "discount_amount_type", amount="€5"),
    _bad("money beyond 18 digits", "discount_amount_type", amount="123456789012345.00"),
    _bad("negative money", "discount_amount_range", amount="-0.01"),
    _bad("digits of another script", "discount_amount_type", amount="１２"),
    _bad("a minus of another kind", "discount_amount_type", amount="−5"),
    _bad("hexadecimal money", "discount_amount_type", amount="0x10"),
    _good("thousands of a machine", "discount_amount", Decimal(1_000), amount="1_000"),
    _bad("thousands of a person", "discount_amount_type", amount="1.000.000"),
    _good("money with spaces", "discount_amount", Decimal("5.0000"), amount=" 5 "),
    _good("the least of money", "discount_amount", Decimal("0.0001"), amount="0.0001"),
    _good("the most of money", "discount_amount", Decimal("99999999999999.9999"), amount="99999999999999.9999"),
    _bad("0000-00-00", "ordered_at_type", ordered="0000-00-00"),
    _bad("the thirtieth of February", "ordered_at_type", ordered="2026-02-30"),
    _bad("the hour 25", "ordered_at_type", ordered="2026-03-29T25:00:00Z"),
    _bad("infinity for a time", "ordered_at_type", ordered="infinity"),
    _bad("before all times", "ordered_at_type", ordered="-infinity"),
    _bad("the year 290000", "ordered_at_type", ordered="290000-01-01"),
    _bad("before Christ", "ordered_at_type", ordered="0044-03-15 (BC)"),
    _bad("days the other way round", "ordered_at_type", ordered="29/03/2026"),
    _bad("seconds since 1970", "ordered_at_type", ordered="1774778400"),
    _bad("milliseconds since 1970", "ordered_at_type", ordered="1774778400000"),
    _bad("an unknown zone", "ordered_at_type", ordered="2026-03-29 10:00:00 Mars/Base"),
    _bad("infinity for a day", "first_promised_date_type", promised="infinity"),
    _bad("a day of the year 290000", "first_promised_date_type", promised="290000-01-01"),
    _bad("a cursor of infinity", "cursor_required", "updated_at_type", at="infinity"),
    _bad("a cursor that is no time", "cursor_required", "updated_at_type", at="soon"),
    _bad("no cursor", "cursor_required", "updated_at_required", at=""),
    _good("an hour that the clocks skip", "ordered_at", _utc(1, 30), ordered="2026-03-29 02:30:00"),
    _good("a leap second's neighbour", "ordered_at", datetime(2026, 3, 29, 21, 59, 59, 999999, UTC), ordered="2026-03-29 23:59:59.999999"),
    _good("a far offset", "ordered_at", _utc(0), ordered="2026-03-29T14:00:00+14:00"),
    _good("the last year", "ordered_at", datetime(9999, 12, 30, tzinfo=UTC), ordered="9999-12-30T00:00:00Z"),
    _bad("a word for a truth", "is_test_type", test="maybe"),
    _bad("a number for a truth", "is_test_type", test="2"),
    _good("yes for a truth", "is_test", True, test="yes"),
    _bad("a currency in small letters", "currency_pattern", currency="eur"),
    _bad("a currency with a line break", "currency_pattern", currency="EUR\n"),
    _bad("a currency of Greek letters", "currency_pattern", currency="ΕUR"),
    _bad("spaces for a currency", "currency_required", "currency_pattern", currency="   "),
    _bad("one who is not listed", "cancelled_by_enum", by="robot"),
    _bad("a listed one in capitals", "cancelled_by_enum", by="CUSTOMER"),
    _bad("a statement for one who is listed", "cancelled_by_enum", by="x') or 1=1 --"),
    _good("an invisible character in an id", "order_id", "a\u200bb", id="a\u200bb"),
    _good("text from right to left", "order_id", "\u202eid", id="\u202eid"),
    _good("commands to a terminal", "order_id", "\x1b[2J\x07", id="\x1b[2J\x07"),
]  # fmt: skip
