"""The sample company at scale 1: all that a KPI or rule needs occurs in its files, in believable proportions."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_main_job import query
from tests.sample_files import Company, field, is_in, local_day

MERGED_INTO, ESCALATED = 360_004, 360_005
STAFF_OR_TEST = "(select customer_id from customers where is_test or customer_id like 'staff_%')"


@pytest.fixture(scope="module")
def company(ran: tuple[Path, str]) -> Company:
    return Company(ran[0] / "sources")


def least(*counts: int) -> int:
    """How often the rarest occurs."""
    return min(counts)


def of_kinds(counted: Counter[Any], *kinds: Any) -> int:
    """How often the rarest of the kinds occurs; no other may."""
    assert set(counted) <= {*kinds, None}, set(counted)
    return min(counted[kind] for kind in kinds)


def orders_on_days_without_a_rate(company: Company) -> int:
    lines = (company.folder / "fx" / "rates.csv").read_text(encoding="utf-8").splitlines()[1:]
    published = {(line.split(",")[1], date.fromisoformat(line.split(",")[0])) for line in lines}
    placed = [(row[0], local_day(row[1])) for row in company.rows("select currency, placed_at from orders")]
    weekends = Counter(c for c, day in placed if c != "EUR" and day.weekday() > 4 and (c, day) not in published)
    # From Christmas to the Monday after it: the longest time without a rate.
    christmas = Counter(c for c, day in placed if c != "EUR" and is_in(day, (date(2025, 12, 25), date(2025, 12, 28))))
    return least(weekends["USD"], weekends["GBP"], christmas["USD"], christmas["GBP"])


def statuses(company: Company) -> dict[int, list[str]]:
    """The statuses that each ticket went through."""
    found: dict[int, list[str]] = defaultdict(list)
    for audit in company.audits:
        found[audit["ticket_id"]] += [e["value"] for e in audit["events"] if e.get("field_name") == "status"]
    return found


def bot_audits(company: Company, told: Callable[[dict[str, Any]], bool]) -> int:
    return sum(any(map(told, a["events"])) for a in company.audits if a["author"]["type"] == "bot")


def reopened_and_still_open(company: Company) -> int:
    went = statuses(company)
    return sum("solved" in went[t["id"]] and t["status"] in ("open", "pending") for t in company.tickets)


def requesters(company: Company) -> Counter[str]:
    customers = {row[0] for row in company.rows("select customer_id from customers")}
    return Counter(
        "no id" if (who := t["requester"]["external_id"]) is None else "known" if who in customers else "no customer"
        for t in company.tickets
    )


def answers(company: Company, kind: str) -> Counter[str]:
    good = {"csat": (4, 5), "nps": (9, 10)}[kind]
    return Counter(
        "offered" if s["score"] is None else "good" if s["score"] in good else "bad" if s["score"] < 7 else "passive"
        for s in company.surveys
        if s["kind"] == kind
    )


def visitors_who_came_back_on_a_second_device(company: Company) -> int:
    """Seen before they said who they are, signed up on that device, and logged in on another later."""
    seen: set[str] = set()
    signed_up: dict[str, tuple[str, str]] = {}
    came_back = set()
    for event in sorted(company.events, key=lambda e: e["timestamp"]):
        device, user = event["anonymousId"], event["userId"]
        if user is None and device is not None:
            seen.add(device)
        if event["event"] == "signed_up" and device in seen:
            signed_up[user] = (device, event["timestamp"])
        if event["event"] == "logged_in" and user in signed_up and signed_up[user][0] != device:
            came_back.add(user)
    return len(came_back)


def repeated(company: Company, is_same: bool) -> int:
    """Ids that came more than once, with the same content or with another."""
    contents: dict[str, list[str]] = defaultdict(list)
    for event in company.events:
        parts = [event[name] for name in ("event", "timestamp", "anonymousId", "userId", "properties")]
        contents[event["messageId"]].append(json.dumps(parts))
    return sum(len(c) > 1 and (len(set(c)) == 1) == is_same for c in contents.values())


def delayed(company: Company, wanted: Callable[[timedelta], bool]) -> int:
    behind = (datetime.fromisoformat(e["receivedAt"]) - datetime.fromisoformat(e["timestamp"]) for e in company.events)
    return sum(map(wanted, behind))


def staff_events(company: Company) -> int:
    internal = company.truth["internal"]
    emails = [(e["context"].get("traits") or {}).get("email") or "" for e in company.events]
    by_domain = sum(email.lower().endswith(f"@{internal['email_domain']}") for email in emails)
    by_id = Counter(e["userId"] for e in company.events)
    return least(by_domain, *(by_id[i] for i in internal["ids"]))


def on_both_days_of_the_clock(company: Company) -> int:
    days = (date(2025, 10, 26), date(2026, 3, 29))
    events = Counter(local_day(e["timestamp"]) for e in company.events)
    placed = Counter(local_day(row[0]) for row in company.rows("select placed_at from orders"))
    asked = Counter(local_day(t["created_at"]) for t in company.tickets)
    return least(*(counted[day] for counted in (events, placed, asked) for day in days))


def used_under_another_plan(company: Company) -> int:
    """People in whose past the plan was another than today's."""
    return company.number("""
        select count(*) from (
            select customer_id, plan, lead(plan) over (partition by customer_id order by valid_from) as later,
                last_value(plan) over (partition by customer_id order by valid_from
                    rows between unbounded preceding and unbounded following) as today
            from customers
        ) where plan <> today and later is not null
    """)


def sql(text: str) -> Callable[[Company], int]:
    return lambda company: company.number(f"select count(*) {text}")


# What issue and catalogue name, how it is counted, and how often it occurs at least.
OCCURS: dict[str, tuple[Callable[[Company], int], int]] = {
    "three currencies": (lambda c: c.number("select count(distinct currency) from orders"), 3),
    "orders on weekends and at Christmas, without a rate of their day": (orders_on_days_without_a_rate, 3),
    "split deliveries": (
        sql("from (select 1 from shipments group by order_id having count(distinct delivered_at) > 1)"),
        300,
    ),
    "partial refunds": (
        sql("""from refunds r join orders o on o.id = r.order_id where r.currency = o.currency and r.amount_cents < (
            select sum(quantity * unit_price_cents - discount_cents) from order_items i where i.order_id = o.id
            ) - o.discount_cents"""),
        200,
    ),
    "refunds after the month of the order": (
        sql("""from refunds r join orders o on o.id = r.order_id
            where substr(r.created_at, 1, 7) > substr(o.placed_at, 1, 7)"""),
        100,
    ),
    "refunds neither in the order's currency nor in euros": (
        sql("from refunds r join orders o on o.id = r.order_id where r.currency not in (o.currency, 'EUR')"),
        20,
    ),
    "such a refund of a cancelled order": (
        sql("""from refunds r join orders o on o.id = r.order_id
            where r.currency not in (o.currency, 'EUR') and o.cancelled_at is not null"""),
        5,
    ),
    "cancellations by each side": (
        lambda c: of_kinds(
            Counter(row[0] for row in c.rows("select cancelled_by from orders")),
            *("customer", "merchant", "system", "carrier"),
        ),
        20,
    ),
    "cancelled and never refunded": (
        sql("from orders where cancelled_at is not null and id not in (select order_id from refunds)"),
        50,
    ),
    "overdue orders": (
        sql("""from orders where coalesce(promised_at, promised_date) < '2026-03-31' and delivered_at is null
            and cancelled_at is null and billing_interval is null"""),
        10,
    ),
    "promises of a date": (sql("from orders where promised_date is not null and promised_at is null"), 500),
    "subscriptions that run, that end, by the month and by the year": (
        lambda c: least(
            c.number("select count(*) from orders where billing_interval = 'month' and subscription_end is null"),
            c.number("select count(*) from orders where billing_interval = 'year'"),
            c.number("select count(*) from orders where subscription_end < '2026-03-31'"),
        ),
        50,
    ),
    "visits of bots": (lambda c: sum("Crawler" in (e["context"].get("userAgent") or "") for e in c.events), 500),
    "handoffs of the help-desk's bot": (lambda c: bot_audits(c, lambda e: e.get("field_name") == "group"), 100),
    "tickets that the bot solves": (lambda c: bot_audits(c, lambda e: e.get("value") == "solved"), 50),
    "reopened and still open": (reopened_and_still_open, 10),
    "merges": (lambda c: sum(field(t, MERGED_INTO) is not None for t in c.tickets), 20),
    "escalations": (lambda c: sum(field(t, ESCALATED) == "true" for t in c.tickets), 20),
    "tickets of unknown people": (lambda c: of_kinds(requesters(c), "no id", "no customer", "known"), 50),
    "spam, deleted and test tickets": (
        lambda c: least(
            sum("spam" in t["tags"] for t in c.tickets),
            sum(t["status"] == "deleted" and not t["tags"] for t in c.tickets),
            sum("test" in t["tags"] for t in c.tickets),
        ),
        5,
    ),
    "promoters, passives, detractors and no answer": (
        lambda c: of_kinds(answers(c, "nps"), "good", "passive", "bad", "offered"),
        30,
    ),
    "good, bad and missing answers about tickets": (
        lambda c: of_kinds(answers(c, "csat"), "good", "bad", "offered"),
        50,
    ),
    "visitors who sign up later and log in on a second device": (visitors_who_came_back_on_a_second_device, 20),
    "events, orders and tickets on both days on which the clock changes": (on_both_days_of_the_clock, 1),
    "late events": (lambda c: delayed(c, lambda behind: behind > timedelta(days=1)), 500),
    "clock skew": (lambda c: delayed(c, lambda behind: behind < -timedelta(hours=1)), 10),
    "duplicate events": (lambda c: repeated(c, is_same=True), 300),
    "conflicting events": (lambda c: repeated(c, is_same=False), 20),
    "events of internal people, by domain and by id": (staff_events, 100),
    "test people": (sql("from customers where is_test"), 2),
    "test orders of external people": (
        sql(f"from orders where is_test and customer_id is not null and customer_id not in {STAFF_OR_TEST}"),
        5,
    ),
    "orders of the staff without a mark": (sql("from orders where not is_test and customer_id like 'staff_%'"), 10),
    "people whose plan was another one before": (used_under_another_plan, 200),
    "people who moved to another country": (
        sql("from (select 1 from customers group by customer_id having count(distinct country) > 1)"),
        20,
    ),
    "facts without the attributes of their person": (
        lambda c: least(
            sum("plan" not in e["properties"] and e["userId"] is not None for e in c.events),
            c.number("select count(*) from orders where plan is null and customer_id is not null"),
            sum(s["requester"]["user_fields"]["plan"] is None for s in c.surveys),
            sum(t["requester"]["user_fields"]["country"] is None for t in c.tickets),
        ),
        200,
    ),
}


@pytest.mark.parametrize("what", OCCURS)
def test_what_a_kpi_or_rule_needs_occurs(company: Company, what: str) -> None:
    count, at_least = OCCURS[what]
    assert count(company) >= at_least


def test_the_company_grows_and_keeps_its_week(ran: tuple[Path, str]) -> None:
    """A half more users and orders after half a year; Tuesdays are busier than Saturdays."""
    asked = "select value from fct_kpi where kpi_id = ? and grain = 'week' and dimension = 'all' order by period_start"
    for kpi_id, bounds in {"orders": (1.3, 2.0), "active_users": (1.3, 2.0), "tickets_created": (1.3, 2.2)}.items():
        values = [value for (value,) in query(ran[0], asked, kpi_id)]
        assert bounds[0] < sum(values[-4:]) / sum(values[2:6]) < bounds[1], kpi_id
    by_weekday = dict(
        query(
            ran[0],
            """select isodow(period_start), avg(value) from fct_kpi
               where kpi_id = 'dau' and grain = 'day' and dimension = 'all' group by 1""",
        )
    )
    assert by_weekday[2] > 1.15 * by_weekday[6]


def test_attributes_come_with_the_fact_from_the_history_or_from_today(ran: tuple[Path, str]) -> None:
    """Surveys and orders are of people who had signed up; visits before a sign-up know today's attributes alone.

    An order says country and channel itself, what industry its customer is in says the history.
    """
    asked = "select kpi_id, attribution, current_dimensions from dim_kpi"
    found = {kpi_id: said for kpi_id, *said in query(ran[0], asked)}
    assert found["gmv"] == ["fact", ""] and found["orders"] == found["csat"] == ["dated", ""]
    assert found["retention_d1"] == ["current", "acquisition_channel plan country"]
