"""How the help-desk writes things down: tickets, audits with their events, and surveys as lines of JSON.

What happens to a ticket belongs to `support.py`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from sources.sample_company.people import Person
from sources.sample_company.world import iso_seconds

# Ids of the custom fields of a ticket.
REASON_FIELD, ORDER_FIELD, FEATURE_FIELD, MERGED_INTO_FIELD, ESCALATED_FIELD = range(360_001, 360_006)

FEATURE_OPTIONS = {"cut_list": "cutting_lists", "sharing": "share_dialog"}
"""What the form of the help-desk offers for two features of the app; the others it calls by their names."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Event = dict[str, Any]


def create(field_name: str, value: str | None) -> Event:
    return {"type": "Create", "field_name": field_name, "value": value}


def comment(body: str, *, public: bool = True) -> Event:
    return {"type": "Comment", "public": public, "body": body}


def change(field_name: str, value: str | None, previous: str | None) -> Event:
    return {"type": "Change", "field_name": field_name, "value": value, "previous_value": previous}


@dataclass(slots=True)
class Requester:
    """Who asks; a person that the shop knows, or not."""

    number: int
    external_id: str | None
    email: str | None
    name: str
    country: str | None
    plan: str | None
    organization: str | None

    @classmethod
    def of(cls, person: Person, at: int, *, with_profile: bool = True) -> "Requester":
        """The person as the help-desk knows it; not every channel hands over the profile of the shop."""
        base = 8_000_000 if person.kind == "staff" else 7_000_000
        return cls(
            number=base + int(person.id.split("_")[1]),
            external_id=person.id,
            email=person.email,
            name=person.full_name,
            country=person.country if with_profile else None,
            plan=person.plan_at(at) if with_profile else None,
            organization=person.account_id,
        )


@dataclass(slots=True)
class Ticket:
    id: int
    created_at: int
    channel: str
    reason: str
    subject: str
    description: str
    requester: Requester
    updated_at: int
    priority: str | None
    group: str
    order_id: str | None = None
    feature: str | None = None
    status: str = "new"
    tags: list[str] = field(default_factory=list)
    merged_into: int | None = None
    is_escalated: bool = False
    rating: str = "unoffered"


class Export:
    """The three files of the help-desk's export."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.files: dict[str, TextIO] = {
            name: (folder / f"{name}.jsonl").open("w", encoding="utf-8") for name in ("tickets", "audits", "surveys")
        }
        self.counts = dict.fromkeys(self.files, 0)
        self._events = 5_000_000

    def close(self) -> None:
        for file in self.files.values():
            file.close()

    def _write(self, name: str, row: dict[str, Any]) -> None:
        self.files[name].write(_encode(row) + "\n")
        self.counts[name] += 1

    def write_ticket(self, ticket: Ticket) -> None:
        who = ticket.requester
        fields = {
            REASON_FIELD: ticket.reason,
            ORDER_FIELD: ticket.order_id,
            FEATURE_FIELD: FEATURE_OPTIONS.get(ticket.feature or "", ticket.feature),
            MERGED_INTO_FIELD: str(ticket.merged_into) if ticket.merged_into else None,
            ESCALATED_FIELD: "true" if ticket.is_escalated else None,
        }
        self._write(
            "tickets",
            {
                "id": ticket.id,
                "url": f"https://werkraum.zendesk.example/api/v2/tickets/{ticket.id}.json",
                "created_at": iso_seconds(ticket.created_at),
                "updated_at": iso_seconds(ticket.updated_at),
                "status": ticket.status,
                "via": {"channel": ticket.channel},
                "priority": ticket.priority,
                "group": {"name": ticket.group},
                "subject": ticket.subject,
                "description": ticket.description,
                "tags": ticket.tags,
                "custom_fields": [{"id": number, "value": value} for number, value in fields.items()],
                "requester_id": who.number,
                "requester": {
                    "external_id": who.external_id,
                    "email": who.email,
                    "name": who.name,
                    "organization": who.organization,
                    "user_fields": {"country": who.country, "plan": who.plan},
                },
                "satisfaction_rating": {"score": ticket.rating},
            },
        )

    def write_audit(self, ticket: Ticket, at: int, author: str, author_id: int, events: list[Event]) -> None:
        numbered = []
        for event in events:
            self._events += 1
            numbered.append({"id": self._events, **event})
        self._write(
            "audits",
            {
                "id": 900_000 + self.counts["audits"],
                "ticket_id": ticket.id,
                "created_at": iso_seconds(at),
                "author_id": author_id,
                "author": {"type": author},
                "via": {"channel": ticket.channel if author == "customer" else "web"},
                "events": numbered,
            },
        )

    def write_survey(
        self,
        kind: str,
        who: Requester,
        channel: str,
        offered_at: int,
        answered_at: int | None,
        score: int | None,
        text: str | None = None,
        ticket: Ticket | None = None,
    ) -> None:
        self._write(
            "surveys",
            {
                "id": f"{kind}_{self.counts['surveys'] + 1:06d}",
                "kind": kind,
                "ticket_id": ticket.id if ticket else None,
                "order_id": ticket.order_id if ticket else None,
                "requester_id": who.number,
                "requester": {
                    "external_id": who.external_id,
                    "organization": who.organization,
                    "user_fields": {"country": who.country, "plan": who.plan},
                },
                "sent_via": channel,
                "offered_at": iso_seconds(offered_at),
                "answered_at": iso_seconds(answered_at) if answered_at else None,
                "score": score,
                "comment": text,
                "updated_at": iso_seconds(answered_at or offered_at),
            },
        )
