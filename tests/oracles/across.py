"""Across domains: what no single tool can say."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from tests.oracles.figures import NOTHING_BY_NOTHING, Cell, Fact, Kpi, grouped, ratio
from tests.oracles.orders import read_orders
from tests.oracles.raw import Company
from tests.oracles.support import ORDER, Ticket, read_tickets

CONTACT_WITHIN = timedelta(days=30)


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

    return [Kpi("contact_rate", grouped(calendar, contacts, contact_rate), NOTHING_BY_NOTHING, window_days=30)]
