"""The help-desk as Zendesk keeps it: numbered users, groups and organizations, tickets in their newest state, events.

`Desk.of` makes one from the files of a generated company; what happens to it later (`put_ticket` …) shows in the API at
once. How it answers over HTTP belongs to `serve_zendesk.py`.
"""

from __future__ import annotations

import bisect
import json
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sources.sample_company.support import BOT
from sources.sample_company.zendesk import ESCALATED_FIELD, MERGED_INTO_FIELD

Record = dict[str, Any]

COUNTRY_FIELD, PLAN_FIELD = 360_006, 360_007
"""Custom fields of a ticket beside those of the files: what the requester was when the ticket was opened."""

CUSTOM_FIELDS = {"merged_into": MERGED_INTO_FIELD, "escalated": ESCALATED_FIELD}
_FIRST_GROUP, _FIRST_ORGANIZATION = 20_001, 40_001


class Desk:
    """Everything that the API can be asked for. All methods may be called while it is served."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users: dict[int, Record] = {}
        self.groups: dict[int, Record] = {}
        self.organizations: dict[int, Record] = {}
        self.tickets: dict[int, Record] = {}
        self.ratings: dict[int, Record] = {}
        self.events: list[Record] = []  # by instant, oldest first

    def put_user(self, user: Record) -> None:
        with self.lock:
            self.users[user["id"]] = user

    def put_ticket(self, ticket: Record) -> None:
        """A ticket in its newest state; `generated_timestamp` is that of `updated_at` unless it is said."""
        with self.lock:
            self.tickets[ticket["id"]] = {"generated_timestamp": unix(ticket["updated_at"])} | ticket

    def put_rating(self, rating: Record) -> None:
        with self.lock:
            self.ratings[rating["id"]] = rating

    def add_event(self, event: Record) -> None:
        with self.lock:
            event = {"timestamp": unix(event["created_at"])} | event
            bisect.insort(self.events, event, key=lambda e: (e["timestamp"], e["id"]))

    def group(self, name: str) -> int:
        """The number of the group of that name, which is made if there is none."""
        return self._number(self.groups, "name", name, _FIRST_GROUP)

    def organization(self, external_id: str) -> int:
        """The number of the organization that the shop knows by that id."""
        return self._number(self.organizations, "external_id", external_id, _FIRST_ORGANIZATION)

    def _number(self, records: dict[int, Record], key: str, value: str, first: int) -> int:
        with self.lock:
            for number, record in records.items():
                if record[key] == value:
                    return number
            number = first + len(records)
            records[number] = {"id": number, "name": value, key: value}
            return number

    @classmethod
    def of(cls, folder: Path) -> Desk:
        """The desk of a generated company; `folder` is its `support`."""
        desk = cls()
        desk.put_user({"id": BOT, "name": "Spirit Level", "role": "agent", "email": None, "external_id": None})
        organizations: dict[str, int] = {}
        for line in _lines(folder / "tickets.jsonl"):
            desk._know(line, organizations)
            desk.put_ticket(_ticket(desk, line))
        for line in _lines(folder / "surveys.jsonl"):
            desk._know(line, organizations)
            desk.put_rating(_rating(line))
        for line in _lines(folder / "audits.jsonl"):
            number = line["author_id"]
            if number > 0 and number not in desk.users:
                desk.put_user({"id": number, "name": f"Agent {number}", "role": "agent", "external_id": None})
            desk.events.append(_event(desk, line))
        desk.events.sort(key=lambda e: (e["timestamp"], e["id"]))
        return desk

    def _know(self, line: Record, organizations: dict[str, int]) -> None:
        """Note the requester of a ticket or survey. Surveys do not say who it is by e-mail and name."""
        who, number = line["requester"], line["requester_id"]
        account = who["organization"]
        if account is not None and account not in organizations:
            organizations[account] = self.organization(account)
        known = self.users.get(number, {})
        self.put_user(
            {
                "id": number,
                "role": "end-user",
                "external_id": who["external_id"],
                "email": who.get("email", known.get("email")),
                "name": who.get("name", known.get("name")),
                "organization_id": organizations.get(account),
                "user_fields": {},
                "active": True,
            }
        )


def unix(text: str) -> int:
    """Seconds since 1970 of an instant as the files write it."""
    return int(datetime.fromisoformat(text).timestamp())


def _lines(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _ticket(desk: Desk, line: Record) -> Record:
    who = line["requester"]["user_fields"]
    asked = [{"id": COUNTRY_FIELD, "value": who["country"]}, {"id": PLAN_FIELD, "value": who["plan"]}]
    user = desk.users[line["requester_id"]]
    return {
        **{key: value for key, value in line.items() if key not in ("requester", "group")},
        "custom_fields": [*line["custom_fields"], *asked],
        "group_id": desk.group(line["group"]["name"]),
        "organization_id": user["organization_id"],
    }


def _rating(line: Record) -> Record:
    """A survey as a satisfaction rating, with what the company's survey app adds: kind, channel, five or ten points."""
    score = line["score"]
    good = score is not None and score > (3 if line["kind"] == "csat" else 6)
    who = line["requester"]
    return {
        "id": int(line["id"].rpartition("_")[2]),
        "ticket_id": line["ticket_id"],
        "requester_id": line["requester_id"],
        "score": "offered" if score is None else "good" if good else "bad",
        "comment": line["comment"],
        "created_at": line["offered_at"],
        "updated_at": line["updated_at"],
        **{key: line[key] for key in ("kind", "order_id", "sent_via", "offered_at", "answered_at")},
        "rating": score,
        "country": who["user_fields"]["country"],
        "plan": who["user_fields"]["plan"],
    }


def _event(desk: Desk, line: Record) -> Record:
    return {
        "id": line["id"],
        "ticket_id": line["ticket_id"],
        "timestamp": unix(line["created_at"]),
        "created_at": line["created_at"],
        "updater_id": line["author_id"],
        "via": line["via"]["channel"],
        "system": {},
        "metadata": {},
        "event_type": "Audit",
        "child_events": [_child(desk, event) for event in line["events"]],
    }


def _child(desk: Desk, event: Record) -> Record:
    child = {"id": event["id"], "via": "Web form", "via_reference_id": None, "event_type": event["type"]}
    if event["type"] == "Comment":
        return {**child, "public": event["public"], "body": event["body"]}
    field, value, before = event["field_name"], event["value"], event.get("previous_value")
    if field == "group":
        field, value, before = "group_id", desk.group(value), before and desk.group(before)
    elif field in CUSTOM_FIELDS:
        field, value = "custom_ticket_fields", {str(CUSTOM_FIELDS[field]): value}
    if event["type"] == "Change":
        child["previous_value"] = before
    return {**child, field: value}
