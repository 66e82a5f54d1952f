"""Dimensions of a profile: every mistake is one line before anything runs, and dbt learns of them as rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.pipeline.plan import dimension_rows
from orchestration.settings import SettingsError, kpi_catalogue, load_settings
from sources.contract import load_contracts
from sources.dimensions import FACT_STREAMS, customer_attributes
from sources.profile import ProfileError

ROOT = Path(__file__).parents[2]
GOOD = """
name = "shop"
[business]
currency = "EUR"
first_day = 2026-03-01
last_day = 2026-03-31

[dimensions.device]
stream = "orders"
field = "extra.device brand"
kpis = ["orders", "on_time_delivery"]
[dimensions.sector]
stream = "customers"
field = "industry"
kpis = ["dau", "csat"]
[dimensions.region]
stream = "customers"
field = "extra.region"
kpis = ["orders"]

[sources.shop]
connector = "files"
path = "shop.csv"
format = "csv"

[streams.orders]
from = "shop"
cursor = "updated_at"
extra = ["device brand"]
[streams.orders.fields]
order_id = "id"
ordered_at = "placed_at"
updated_at = "updated_at"
currency = "currency"

[streams.customers]
from = "shop"
cursor = "updated_at"
extra = ["region"]
[streams.customers.fields]
customer_id = "customer"
account_id = "account"
industry = "industry"
updated_at = "updated_at"

[streams.support_tickets]
from = "shop"
cursor = "updated_at"
[streams.support_tickets.fields]
ticket_id = "ticket"
created_at = "placed_at"
updated_at = "updated_at"
csat_score = "score"
"""

MISTAKES = {
    "a key that is none": (
        'field = "industry"',
        'field = "industry"\ncolour = "red"',
        r"dimensions\.sector\.colour: unknown key; allowed: stream, field, kpis$",
    ),
    "a missing field": ('field = "industry"', "", r"dimensions\.sector\.field: missing$"),
    "no KPI": ('["dau", "csat"]', "[]", r"dimensions\.sector\.kpis = \[\]: "),
    "a KPI twice": ('["dau", "csat"]', '["dau", "dau"]', r"dimensions\.sector\.kpis: dau stands there twice$"),
    "no name": (
        "[dimensions.sector]",
        '[dimensions."Line of business"]',
        r"dimensions\.Line of business: not a name; allowed: lower case letters, digits and _",
    ),
    "a name that is there": (
        "[dimensions.sector]",
        "[dimensions.channel]",
        r"dimensions\.channel: a dimension of this name is there already; choose another name$",
    ),
    "the total's name": (
        "[dimensions.sector]",
        "[dimensions.all]",
        r"dimensions\.all: a dimension of this name is there",
    ),
    "a stream that is not configured": (
        'stream = "orders"',
        'stream = "survey_responses"',
        r"dimensions\.device\.stream = 'survey_responses': not configured in this profile; "
        r"allowed: orders, support_tickets, customers$",
    ),
    "a stream that has no facts": (
        'stream = "orders"',
        'stream = "usage_events"',
        r"dimensions\.device\.stream = 'usage_events': a dimension cannot come from it; allowed: orders,",
    ),
    "a column that is not kept": (
        '"extra.region"',
        '"extra.district"',
        r"dimensions\.region\.field = 'extra\.district': not a field of customers that can be a dimension; "
        r"allowed: extra\.region, industry \(what streams\.customers\.extra keeps\)$",
    ),
    "an identifier": (
        '"extra.region"',
        '"account_id"',
        r"dimensions\.region\.field = 'account_id': not a field of cust",
    ),
    "a column that nothing feeds": (
        '"extra.region"',
        '"plan"',
        r"dimensions\.region\.field = 'plan': not a field of cust",
    ),
    "a column of the contract of orders": (
        '"extra.device brand"',
        '"warehouse"',
        r"field = 'warehouse': not a field of ord",
    ),
    "a KPI that is none": ('"dau"', '"dua"', r"dimensions\.sector\.kpis\.dua: no such KPI; allowed: activation, "),
    "a KPI that can have none": (
        '"dau"',
        '"revenue_at_risk"',
        r"dimensions\.sector\.kpis: revenue_at_risk can have no dimension of a profile; see docs/kpis\.md$",
    ),
    "a KPI of people by a field of orders": (
        '"on_time_delivery"',
        '"dau"',
        r"dimensions\.device\.kpis: dau can have no dimension of orders, whose rows it does not count; "
        r"allowed for it: a field of customers$",
    ),
    "a KPI of tickets by a field of orders": (
        '"on_time_delivery"',
        '"csat"',
        r"dimensions\.device\.kpis: csat can have no dimension of orders, .*: a field of support_tickets, customers$",
    ),
}


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shop.toml"
    path.write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("OPSMART_PROFILE", str(path))
    return path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(profile: Path, mistake: str) -> None:
    good, bad, told = MISTAKES[mistake]
    assert GOOD.count(good) == 1
    profile.write_text(GOOD.replace(good, bad), encoding="utf-8")
    with pytest.raises((ProfileError, SettingsError), match=told) as caught:
        load_settings(check_sources=False, claim=False)
    assert str(caught.value).startswith("shop.toml: ")
    assert "\n" not in str(caught.value)


def test_dbt_learns_of_a_row_per_dimension_and_kpi(profile: Path) -> None:
    """csat counts the answers on tickets here, because the profile has no surveys."""
    rows = dimension_rows(load_settings(check_sources=False, claim=False).profile).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("device", "orders", "orders", "orders", "orders", "extra.device brand"),
        ("device", "on_time_delivery", "fulfilment", "orders", "orders", "extra.device brand"),
        ("sector", "dau", "engagement", "customers", "customers", "industry"),
        ("sector", "csat", "feedback", "support_tickets", "customers", "industry"),
        ("region", "orders", "orders", "orders", "customers", "extra.region"),
    ]


def test_the_catalogue_names_streams_that_can_have_dimensions() -> None:
    counted = {stream for row in kpi_catalogue() for stream in row["counted_streams"].split("|")}
    assert counted == {*FACT_STREAMS, "customers", ""}


def test_the_model_knows_the_attributes_that_a_profile_may_name() -> None:
    model = ROOT / "dbt_project" / "models" / "intermediate" / "customers" / "int_customers__segments.sql"
    attributes = customer_attributes(load_contracts()["customers"])
    assert attributes == ("plan", "country", "acquisition_channel", "industry")
    assert f"set attributes = {list(attributes)}" in model.read_text(encoding="utf-8")
