"""Across domains: what no single tool can say."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.figures import GRAINS, NOTHING_BY_NOTHING, ZERO, Cell, Fact, Key, Kpi, grouped, number, ratio
from tests.oracles.orders import movements, read_orders
from tests.oracles.raw import Company, person
from tests.oracles.support import FEATURE, ORDER, Ticket, read_tickets

CONTACT_WITHIN = timedelta(days=30)
DEMAND_DAYS = 90


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
        Kpi("feature_demand", feature_demand(company), ZERO, trailing_days=DEMAND_DAYS),
    ]


def unlinked_tickets(company: Company) -> dict[Key, Cell]:
    """Tickets that name no order that counts / tickets created, by creation; the loser of a merge is in nothing."""
    tickets = [t for t in read_tickets(company) if not t.is_merged]
    facts = [
        Fact(
            company.calendar.day(t.created_at),
            {"country": t.raw["requester"]["user_fields"]["country"]},
            t.raw["fields"][ORDER] not in company.orders,
        )
        for t in tickets
    ]
    return grouped(company.calendar, facts, lambda what: ratio(sum(what), len(what), len(what)))


def account(company: Company, own: str | None, customer: str | None) -> str | None:
    """The account of the row, else of the customer, else the customer is its own account."""
    return person(own) or person(company.customers.get(customer, {}).get("account_id")) or customer


def feature_demand(company: Company) -> dict[Key, Cell]:
    """Trailing-90-day net sales of the distinct accounts with a ticket about the feature in these 90 days.

    In total: about any feature. An account that asks about two features is in both.
    """
    calendar = company.calendar
    sales: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for moved in movements(company):
        raw = moved.order.raw
        if owner := account(company, raw["account_id"], raw["customer_id"]):
            sales[owner][moved.day] += moved.amount
    asked: dict[tuple[str, str], list[tuple[date, str]]] = defaultdict(list)
    for ticket in read_tickets(company):
        feature = ticket.raw["fields"][FEATURE]
        owner = account(company, ticket.raw["requester"]["organization"], ticket.raw["customer_id"])
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
                    total = sum(
                        (
                            amount
                            for owner in accounts
                            for day, amount in sales.get(owner, {}).items()
                            if start <= day < period.end
                        ),
                        Decimal(0),
                    )
                    cells[Key(grain, period.start, dimension, segment)] = number(total, len(accounts))
    return cells
