"""Across domains: what no single tool can say."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.engagement import acts
from tests.oracles.figures import GRAINS, NOTHING_BY_NOTHING, ZERO, Cell, Fact, Key, Kpi, grouped, number, ratio
from tests.oracles.fulfilment import promises
from tests.oracles.orders import movements, read_orders
from tests.oracles.raw import Company, known, own_segments, person
from tests.oracles.sla import verdicts
from tests.oracles.support import FEATURE, ORDER, Ticket, read_tickets

CONTACT_WITHIN = timedelta(days=30)
DEMAND_DAYS, USAGE_DAYS = 90, 28


def tickets_by_order(company: Company) -> dict[str, list[Ticket]]:
    """The tickets that name an order that counts; the loser of a merge is in nothing."""
    found: dict[str, list[Ticket]] = defaultdict(list)
    for ticket in read_tickets(company):
        if not ticket.is_merged and ticket.raw["fields"][ORDER] in company.orders:
            found[ticket.raw["fields"][ORDER]].append(ticket)
    return found


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Across domains."""
    calendar, tickets = company.calendar, tickets_by_order(company)
    contacts = [
        Fact(
            calendar.day(order.at),
            order.segments,
            sum(order.at <= t.created_at < order.at + CONTACT_WITHIN for t in tickets[order.order_id]),
        )
        for order in read_orders(company)
    ]

    def contact_rate(counts: list[int]) -> Cell:
        """100 x order-linked tickets within 30 days of the order / orders, by order date."""
        return ratio(100 * sum(counts), len(counts), len(counts))

    return [
        Kpi("contact_rate", grouped(calendar, contacts, contact_rate), NOTHING_BY_NOTHING, window_days=30),
        Kpi("unlinked_ticket_share", unlinked_tickets(company), NOTHING_BY_NOTHING),
        Kpi("late_delivery_contact_lift", contact_lift(company), NOTHING_BY_NOTHING, window_days=30),
        Kpi("revenue_at_risk", revenue_at_risk(company), ZERO, trailing_days=DEMAND_DAYS),
        Kpi("feature_demand", feature_demand(company), ZERO, trailing_days=DEMAND_DAYS),
    ]


def unlinked_tickets(company: Company) -> dict[Key, Cell]:
    """Tickets that name no order that counts / tickets created, by creation; the loser of a merge is in nothing."""
    facts = []
    for ticket in read_tickets(company):
        if not ticket.is_merged:
            day, who = company.calendar.day(ticket.created_at), ticket.raw["customer_id"]
            country = company.attribute("country", ticket.raw["requester"]["user_fields"]["country"], who, day)
            profiled = own_segments(company, "support_tickets", ticket.raw, who, day)
            facts.append(Fact(day, {"country": country} | profiled, ticket.raw["fields"][ORDER] not in company.orders))
    return grouped(company.calendar, facts, lambda what: ratio(sum(what), len(what), len(what)))


def account(company: Company, own: str | None, customer: str | None, day: date) -> str | None:
    """The account of the row, else of the customer on the day, else the customer is its own account. The day of an order is
    the one on which it was placed, whatever happens to it later."""
    return person(own) or person(known(company, customer, day).get("account_id")) or customer


def sales_of_accounts(company: Company) -> dict[str, dict[date, Decimal]]:
    """Net sales per account and day."""
    sales: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for moved in movements(company):
        raw = moved.order.raw
        if owner := account(company, raw["account_id"], raw["customer_id"], company.calendar.day(moved.order.at)):
            sales[owner][moved.day] += moved.amount
    return sales


def sold(sales: dict[str, dict[date, Decimal]], accounts: set[str], start: date, end: date) -> Decimal:
    """Net sales of accounts on the days [start, end)."""
    days = (item for owner in accounts for item in sales.get(owner, {}).items())
    return sum((amount for day, amount in days if start <= day < end), Decimal(0))


def ticket_account(company: Company, ticket: Ticket) -> str | None:
    """The account of a ticket's requester."""
    day = company.calendar.day(ticket.created_at)
    return account(company, ticket.raw["requester"]["organization"], ticket.raw["customer_id"], day)


def contact_lift(company: Company) -> dict[Key, Cell]:
    """Contact rate of late orders / that of orders on time, by order date; both rates in one fraction."""
    tickets = tickets_by_order(company)
    orders = {order.order_id: order for order in read_orders(company)}
    facts = []
    for delivery in promises(company):
        order = orders[delivery.order_id]
        contacts = sum(order.at <= t.created_at < order.at + CONTACT_WITHIN for t in tickets[order.order_id])
        facts.append(Fact(company.calendar.day(order.at), order.segments, (delivery.is_on_time, contacts)))

    def lift(what: list[tuple[bool, int]]) -> Cell:
        late = [contacts for is_on_time, contacts in what if not is_on_time]
        on_time = [contacts for is_on_time, contacts in what if is_on_time]
        return ratio(sum(late) * len(on_time), len(late) * sum(on_time))

    return grouped(company.calendar, facts, lift)


def revenue_at_risk(company: Company) -> dict[Key, Cell]:
    """Trailing-90-day net sales of accounts with usage in the last 28 days down by half or more on the 28 before, and in
    the last 28 days a breached ticket or a late order.

    Usage is qualifying events; a breach counts on its day, a late order on that of its first promise.
    """
    calendar, sales = company.calendar, sales_of_accounts(company)
    used: dict[str, Counter[date]] = defaultdict(Counter)
    for act in acts(company):
        if act.is_qualifying and (owner := account(company, None, act.person, act.day)):
            used[owner][act.day] += 1
    troubles = [(v.day, ticket_account(company, v.ticket)) for v in verdicts(company) if not v.is_met]
    troubles += [
        (d.promise_date, account(company, d.raw["account_id"], d.raw["customer_id"], company.calendar.day(d.placed_at)))
        for d in promises(company)
        if not d.is_on_time
    ]
    cells: dict[Key, Cell] = {}
    for grain in GRAINS:
        for period in calendar.periods(grain).values():
            now, before = (period.end - timedelta(days=n) for n in (USAGE_DAYS, 2 * USAGE_DAYS))

            def uses(owner: str, start: date, end: date) -> int:
                return sum(n for day, n in used[owner].items() if start <= day < end)

            accounts = {
                owner
                for owner in {owner for day, owner in troubles if owner in used and now <= day < period.end}
                if 0 < uses(owner, before, now) >= 2 * uses(owner, now, period.end)
            }
            total = sold(sales, accounts, period.end - timedelta(days=DEMAND_DAYS), period.end)
            cells[Key(grain, period.start, "all", "all")] = number(total, len(accounts))
    return cells


def feature_demand(company: Company) -> dict[Key, Cell]:
    """Trailing-90-day net sales of the distinct accounts with a ticket about the feature in these 90 days.

    In total: about any feature. An account that asks about two features is in both.
    """
    calendar = company.calendar
    sales = sales_of_accounts(company)
    asked: dict[tuple[str, str], list[tuple[date, str]]] = defaultdict(list)
    for ticket in read_tickets(company):
        feature = ticket.raw["fields"][FEATURE]
        owner = ticket_account(company, ticket)
        if feature and owner and not ticket.is_merged:
            for place in (("all", "all"), ("feature", feature)):
                asked[place].append((calendar.day(ticket.created_at), owner))
    cells: dict[Key, Cell] = {}
    for grain in GRAINS:
        for period in calendar.periods(grain).values():
            start = period.end - timedelta(days=DEMAND_DAYS)
            for (dimension, segment), tickets in asked.items():
                accounts = {owner for day, owner in tickets if start <= day < period.end}
                if accounts:
                    total = sold(sales, accounts, start, period.end)
                    cells[Key(grain, period.start, dimension, segment)] = number(total, len(accounts))
    return cells
