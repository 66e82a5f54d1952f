"""The help-desk as it grows: tickets, events and ratings as they were at the company's time.

The files hold tickets and surveys in their last state. From the audits the states before are rebuilt: what a ticket was
opened with, changed by each update until then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from sources.sample_company.zendesk import ESCALATED_FIELD, MERGED_INTO_FIELD
from sources.sample_company.zendesk_desk import Desk, Record, unix

Change = tuple[str, str, Record]
"""When (ISO 8601, UTC), what kind of record, and the record from then on."""

FIELDS = ("status", "priority", "group_id")


class LivingDesk:
    """`desk` begins with the people and groups of a whole desk; `advance` lets happen what happened until an instant."""

    def __init__(self, whole: Desk) -> None:
        self.desk = Desk()
        self.desk.users, self.desk.groups, self.desk.organizations = whole.users, whole.groups, whole.organizations
        self._changes = sorted(_changes(whole), key=lambda change: unix(change[0]))
        self._done = 0

    def advance(self, now: int) -> None:
        """Let happen what happened until that instant (milliseconds since 1970)."""
        put = {"ticket": self.desk.put_ticket, "rating": self.desk.put_rating, "event": self.desk.add_event}
        with self.desk.lock:
            while self._done < len(self._changes) and unix(self._changes[self._done][0]) * 1000 <= now:
                _, kind, record = self._changes[self._done]
                put[kind](record)
                self._done += 1


def _changes(whole: Desk) -> Iterator[Change]:
    touched: dict[int, list[tuple[str, Record]]] = defaultdict(list)
    for event in whole.events:
        touched[event["ticket_id"]].append((event["created_at"], event))
        yield event["created_at"], "event", event
    for rating in whole.ratings.values():
        for state in _ratings(rating):
            yield state["updated_at"], "rating", state
            if state["ticket_id"] is not None:
                touched[state["ticket_id"]].append((state["updated_at"], state))
    for ticket in whole.tickets.values():
        yield from _tickets(ticket, touched[ticket["id"]])


def _ratings(rating: Record) -> Iterator[Record]:
    """The rating as it was offered, and as it was given."""
    if rating["answered_at"] is not None:
        unanswered = {"score": "offered", "rating": None, "comment": None, "answered_at": None}
        yield rating | unanswered | {"updated_at": rating["offered_at"]}
    yield rating


def _tickets(last: Record, touched: list[tuple[str, Record]]) -> Iterator[Change]:
    """The ticket after each of its updates; the last state is the ticket itself."""
    ticket = (
        last | dict.fromkeys(FIELDS) | {"custom_fields": _before(last), "satisfaction_rating": {"score": "unoffered"}}
    )
    for at, record in sorted(touched, key=itemgetter(0)):
        if at >= last["updated_at"]:
            break
        if "child_events" in record:
            for child in record["child_events"]:
                ticket = _changed(ticket, child)
        else:
            ticket = ticket | {"satisfaction_rating": {"score": record["score"]}}
        ticket = ticket | {"updated_at": at, "generated_timestamp": unix(at)}
        yield at, "ticket", ticket
    yield last["updated_at"], "ticket", last


def _before(last: Record) -> list[dict[str, Any]]:
    """The custom fields of a ticket that nobody has merged or escalated yet."""
    unset = (MERGED_INTO_FIELD, ESCALATED_FIELD)
    return [field | {"value": None} if field["id"] in unset else field for field in last["custom_fields"]]


def _changed(ticket: Record, child: Record) -> Record:
    """The ticket after one entry of an update."""
    if child["event_type"] == "Comment":
        return ticket
    given = {name: child[name] for name in FIELDS if name in child}
    custom = {int(number): value for number, value in child.get("custom_ticket_fields", {}).items()}
    fields = [field | {"value": custom.get(field["id"], field["value"])} for field in ticket["custom_fields"]]
    return ticket | given | {"custom_fields": fields}
