"""The sample company at scale 1: all that a KPI or rule needs occurs in its files, and its incidents show in the KPIs."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_main_job import query
from tests.sample_files import Company, field, is_in, local_day

MERGED_INTO, ORDER, REASON = 360_004, 360_002, 360_001
STAFF_OR_TEST = "(select customer_id from customers where is_test or customer_id like 'staff_%')"


@pytest.fixture(scope="module")
def company(ran: tuple[Path, str]) -> Company:
    return Company(ran[0] / "sources")


# ---- everything occurs ---------------------------------------------------------------------------------------------


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
    "escalations": (lambda c: sum(field(t, 360_005) == "true" for t in c.tickets), 20),
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


# ---- the incidents, in the raw files -------------------------------------------------------------------------------


def test_the_checkout_bug_breaks_orders_of_one_platform(company: Company) -> None:
    bug = company.incident("checkout_bug")
    platform = bug["segment"]["platform"]
    tries, errors = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    for event in company.events:
        if event["event"] == "checkout_submitted":
            key = (event["properties"]["platform"], is_in(local_day(event["timestamp"]), bug["days"]))
            tries[key] += 1
            errors[key] += event["properties"]["error_count"]
    share = {key: errors[key] / tries[key] for key in tries}
    assert share[platform, True] > 0.55
    assert all(value < 0.12 for key, value in share.items() if key != (platform, True))
    orders: Counter[tuple[str, date]] = Counter()
    for row in company.rows("select channel, placed_at from orders where is_test = 0"):
        day = local_day(row["placed_at"])
        orders[row["channel"], day - timedelta(days=day.weekday())] += 1
    week = bug["days"][0]
    around = [week + timedelta(weeks=n) for n in (-2, -1, 1, 2)]
    usual = {channel: sum(orders[channel, w] for w in around) / 4 for channel in ("web", "ios")}
    assert orders[platform, week] < 0.5 * usual[platform]
    assert orders["web", week] > 0.7 * usual["web"]
    assert bug["came_out"]["orders_lost"] > 0


def test_the_late_carrier_causes_tickets(company: Company) -> None:
    late = company.incident("late_carrier")
    hit, counts = set(), Counter[tuple[bool, bool]]()
    for row in company.rows("select * from orders where shipped_at is not null and cancelled_at is null"):
        promise = row["promised_at"] or f"{row['promised_date']} 22:59:59"
        is_late = (row["delivered_at"] or "9999") > promise
        is_hit = (
            is_in(local_day(row["shipped_at"]), late["days"])
            and row["carrier"] == late["segment"]["carrier"]
            and row["country"] == late["segment"]["country"]
        )
        counts[is_hit, is_late] += 1
        if is_hit:
            hit.add(row["id"])
    assert len(hit) == late["came_out"]["delayed_orders"] > 5
    assert counts[True, True] / counts[True, False] > 5 if counts[True, False] else True
    assert counts[False, True] / counts[False, False] < 0.15
    reason = late["segment"]["reason"]
    complaints = [t for t in company.tickets if field(t, REASON) == reason and not field(t, MERGED_INTO)]
    caused = [t for t in complaints if field(t, ORDER) in hit]
    assert len(caused) == late["came_out"]["tickets_caused"] > 5


def test_the_new_feature_is_first_used_on_its_release(company: Company) -> None:
    release = company.incident("feature_release")
    uses = Counter(
        local_day(e["timestamp"])
        for e in company.events
        if e["properties"].get("feature") == release["segment"]["feature"]
    )
    assert min(uses) == release["days"][0]
    assert uses.total() > 500


def test_the_broken_feed_loses_two_days_of_one_platform(company: Company) -> None:
    broken = company.incident("broken_feed")
    platform = broken["segment"]["platform"]
    days: Counter[tuple[str, date]] = Counter()
    for event in company.events:
        for at in (event["timestamp"], event["receivedAt"]):
            days[event["properties"].get("platform", "server"), local_day(at)] += 1
    first, last = broken["days"]
    lost = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    assert [days[platform, day] for day in lost] == [0, 0]
    assert all(days[other, day] > 0 for day in lost for other in ("web", "ios"))
    assert days[platform, first - timedelta(days=1)] > 0 < days[platform, last + timedelta(days=1)]
    sold = company.rows(f"select placed_at from orders where channel = '{platform}'")
    assert any(local_day(row["placed_at"]) in lost for row in sold)


# ---- the incidents, in the KPIs ------------------------------------------------------------------------------------


@cache
def series(
    home: Path, kpi_id: str, grain: str, dimension: str, segment: str, column: str = "value"
) -> dict[date, float]:
    """The values of a KPI by period, as they are published."""
    asked = f"""select period_start, cast({column} as double) from fct_kpi
        where kpi_id = ? and grain = ? and dimension = ? and segment = ? and is_complete order by 1"""
    return dict(query(home, asked, kpi_id, grain, dimension, segment))


def usual(values: dict[date, float], first_day: date) -> float:
    """The mean of the four whole periods before the incident."""
    before = [value for start, value in values.items() if start < first_day][-4:]
    return sum(before) / 4


def test_every_incident_is_planted_and_shows_somewhere(company: Company) -> None:
    kinds = {"late_carrier", "checkout_bug", "feature_release", "broken_feed"}
    assert {i["kind"] for i in company.truth["incidents"] if i["signs"]} == kinds


def test_the_incidents_show_in_the_kpis_by_the_stated_size(ran: tuple[Path, str], company: Company) -> None:
    for incident in company.truth["incidents"]:
        first_day = date.fromisoformat(incident["first_day"])
        for sign in incident["signs"]:
            values = series(ran[0], *(sign[name] for name in ("kpi_id", "grain", "dimension", "segment")))
            value, before = values[date.fromisoformat(sign["period_start"])], usual(values, first_day)
            size = value / before if sign["measured_in"] == "times_usual" else value
            assert sign["least"] <= size <= sign["most"], f"{incident['kind']}: {sign} is {size}, usual is {before}"


def test_the_broken_checkout_costs_the_orders_that_were_lost(ran: tuple[Path, str], company: Company) -> None:
    bug = company.incident("checkout_bug")
    orders = series(ran[0], "orders", "week", "channel", bug["segment"]["channel"])
    missing = usual(orders, bug["days"][0]) - orders[bug["days"][0]]
    assert 0.5 < missing / bug["came_out"]["orders_lost"] < 1.5


def test_the_late_parcels_are_late_deliveries_and_contacts(ran: tuple[Path, str], company: Company) -> None:
    late = company.incident("late_carrier")
    due = [late["days"][0] + timedelta(weeks=n) for n in range(3)]
    place = ("week", "country", late["segment"]["country"])
    on_time, promised = (series(ran[0], "on_time_delivery", *place, c) for c in ("numerator", "denominator"))
    missed = sum(promised[week] - on_time[week] for week in due)
    assert 0.85 < missed / late["came_out"]["delayed_orders"] < 1.5
    asked = series(ran[0], "tickets_created", "week", "reason", late["segment"]["reason"])
    assert 0.9 < sum(asked[week] for week in due) / late["came_out"]["tickets_caused"] < 2
    assert sorted(asked, key=lambda week: asked[week])[-1] == due[1]


def test_the_broken_feed_costs_the_events_that_were_lost(ran: tuple[Path, str], company: Company) -> None:
    broken = company.incident("broken_feed")
    first, last = broken["days"]
    place = ("day", "platform", broken["segment"]["platform"])
    events = series(ran[0], "events_per_active_day", *place, "numerator")
    around = [day + timedelta(weeks=n) for day in (first, last) for n in (-1, 1)]
    assert events[first] == events[last] == 0
    assert 0.6 < sum(events[day] for day in around) / 2 / broken["came_out"]["events_lost"] < 1.6
    sold = series(ran[0], "orders", "day", "channel", "android")
    assert sold[first] + sold[last] > 0, "the orders are there"


def test_nobody_uses_the_feature_before_its_release(ran: tuple[Path, str], company: Company) -> None:
    release = company.incident("feature_release")
    adopted = series(ran[0], "feature_adoption", "day", "feature", release["segment"]["feature"])
    assert min(adopted) == release["days"][0]
    assert adopted[release["days"][1]] > 2 * adopted[release["days"][0] + timedelta(days=7)] > 0
