"""Bad answers of a help-desk: what stands in place of a page of its export of tickets, as text."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.bad_inputs.case import Case

FIELDS = {
    "ticket_id": "id", "customer_id": "coalesce(requester->>'external_id', 'zd_' || requester_id)",
    "created_at": "created_at", "updated_at": "updated_at", "status": "status", "channel": "via->>'channel'",
    "priority": "priority", "group_name": "\"group\"->>'name'", "subject": "subject",
}  # fmt: skip
AT = "2026-03-02T10:00:00Z"
TICKET: dict[str, Any] = {
    "id": 1, "generated_timestamp": 1_772_445_600, "created_at": AT, "updated_at": AT, "status": "open",
    "priority": "normal", "via": {"channel": "email"}, "requester_id": 7, "group_id": 20, "subject": "Help",
}  # fmt: skip
PAGE: dict[str, Any] = {
    "tickets": [TICKET], "users": [{"id": 7, "external_id": "C1"}], "groups": [{"id": 20, "name": "billing"}],
    "organizations": [], "after_cursor": None, "end_of_stream": True,
}  # fmt: skip


def _page(name: str, says: str, landed: int | None = None, **values: Any) -> Case:
    """A good page with these values in place of its own; None takes a field away."""
    kept = {key: value for key, value in (PAGE | values).items() if key == "after_cursor" or value is not None}
    return Case(name, "zendesk", json.dumps(kept), says, landed, None if landed is None else 0)


def _ticket(name: str, says: str = "", landed: int | None = 1, rejected: int | None = 1, /, **values: Any) -> Case:
    """A good ticket and one with these values."""
    page = PAGE | {"tickets": [TICKET, TICKET | {"id": 2} | values]}
    return Case(name, "zendesk", json.dumps(page), says, landed, rejected)


ZENDESK = [
    _page("tickets that are no list", "tickets: tickets is dict instead of list; see what Zendesk", tickets={"1": TICKET}),
    _page("tickets that are numbers", "tickets: tickets holds int instead of objects", tickets=[7]),
    _page("a ticket that is null", "tickets: tickets holds NoneType instead of objects", tickets=[TICKET, None]),
    _page("a page without tickets", "tickets: tickets is missing", tickets=None),
    _page("a page without its users", "tickets: users is missing", users=None),
    _page("users that are texts", "tickets: users holds str instead of objects", users=["Jane"]),
    _page("a user without a number", "tickets: id is missing", users=[{"external_id": "C1"}]),
    _page("a group whose number is a text", "tickets: id is str instead of int", groups=[{"id": "20", "name": "billing"}]),
    _page("no word of the end", "the export: end_of_stream is missing", end_of_stream=None),
    _page("the end as a text", "the export: end_of_stream is str instead of bool", end_of_stream="yes"),
    _page("no way to the next page", "the export does not get on: after_cursor is missing", end_of_stream=False),
    _page("the same page for ever", "does not get on: after_cursor is the same", end_of_stream=False, after_cursor="a"),
    _page("no ticket", "", 0, tickets=[]),
    _page("a desk without groups", "", 1, groups=[]),
    _ticket("a ticket without its instant", "updated_at is no instant", None, None, generated_timestamp=None, updated_at=None),
    _ticket("a ticket without a number", "ticket_id_required", id=None),
    _ticket("a status that is none", "status_enum", status="sleeping"),
    _ticket("a time that never comes", "created_at_type", created_at="infinity"),
    _ticket("a requester who is a text", "", 2, 0, requester_id="Jane"),
    _ticket("a statement as a subject", "", 2, 0, subject="'); drop table judged; --"),
]  # fmt: skip
