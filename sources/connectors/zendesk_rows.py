"""What Zendesk's records become: rows with the requester, the group and the author beside them, events like audits.

Numbers that stand for people, groups and organizations become what they stand for, so that a profile's mapping needs no
joins. Everything else stays as it came: what a field means is said in the profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sources.connectors.http import HttpFault

Record = dict[str, Any]
Records = Mapping[int, Record]

SYSTEM_USER = -1
_OF_AN_EVENT = frozenset(("timestamp", "updater_id", "child_events", "event_type", "system", "metadata"))
_OF_A_CHILD = frozenset(
    (
        "id", "via", "via_reference_id", "type", "event_type", "previous_value", "author_id", "audit_id", "body",
        "html_body", "plain_body", "public", "attachments", "created_at", "comment_present", "comment_public",
        "added_tags", "removed_tags", "data", "metadata",
    )
)  # fmt: skip


def by_id(table: str, records: list[Record]) -> dict[int, Record]:
    return {required(table, record, "id", int): record for record in records}


def unix_time(table: str, record: Record, field: str) -> float:
    """The instant in a field, as seconds since 1970: a Unix time or ISO 8601. Raises HttpFault naming the field."""
    value = record.get(field)
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    found = "is missing" if field not in record else f"is no instant but {type(value).__name__}"
    raise HttpFault(f"{table}: {field} {found}", "see what Zendesk has changed; the export cannot be read without it")


def required(table: str, record: Record, field: str, kind: type) -> Any:
    """A field without which rows of this table cannot be made. Raises HttpFault naming it."""
    if not isinstance(record.get(field), kind):
        found = "is missing" if field not in record else f"is {type(record[field]).__name__} instead of {kind.__name__}"
        raise HttpFault(
            f"{table}: {field} {found}", "see what Zendesk has changed; the export cannot be read without it"
        )
    return record[field]


def records(table: str, body: Record, field: str) -> list[Record]:
    """The records that an answer holds in a field. Raises HttpFault naming it where it holds anything else."""
    found: list[Record] = required(table, body, field, list)
    if strange := [type(record).__name__ for record in found if not isinstance(record, dict)]:
        raise HttpFault(
            f"{table}: {field} holds {strange[0]} instead of objects",
            "see what Zendesk has changed; the export cannot be read without it",
        )
    return found


def requester(user: Record | None, organization: Record | None) -> Record | None:
    """Who asks, as the desk knows them now; None if the desk has forgotten them."""
    if user is None:
        return None
    return {
        "external_id": user.get("external_id"),
        "email": user.get("email"),
        "name": user.get("name"),
        "role": user.get("role"),
        "organization": organization and (organization.get("external_id") or organization.get("name")),
        "user_fields": user.get("user_fields") or {},
    }


def organization_of(record: Record, user: Record | None, organizations: Records) -> Record | None:
    """The organization that the record itself names, else that of its requester now."""
    number = record.get("organization_id") or (user or {}).get("organization_id")
    return organizations.get(number) if number else None


def ticket(record: Record, stamp: float, users: Records, groups: Records, organizations: Records) -> Record:
    user = users.get(record.get("requester_id") or 0)
    group = groups.get(record.get("group_id") or 0)
    return {
        **record,
        "generated_at": iso(stamp),
        "requester": requester(user, organization_of(record, user, organizations)),
        "group": {"name": group.get("name")} if group else None,
    }


def iso(stamp: float) -> str:
    return datetime.fromtimestamp(stamp, UTC).isoformat()


def author_type(number: int, user: Record | None, bots: frozenset[int]) -> str | None:
    """customer, agent, bot or system, as in the contract of ticket events; None if nobody knows."""
    if number == SYSTEM_USER:
        return "system"
    if number in bots:
        return "bot"
    if user is None:
        return None
    return "customer" if user.get("role") == "end-user" else "agent"


def audit(record: Record, author: str | None, groups: Records, names: Mapping[str, str]) -> Record:
    """A ticket event of the incremental export in the shape of a ticket's audit, with an event per changed field.

    `names` are the custom fields that have a name in the profile, by their number as text.
    """
    children = records("ticket_events", record, "child_events")
    return {
        **{key: value for key, value in record.items() if key not in _OF_AN_EVENT},
        "author_id": record.get("updater_id"),
        "author": {"type": author},
        "events": [event for child in children for event in _events(child, groups, names)],
    }


def _events(child: Record, groups: Records, names: Mapping[str, str]) -> Iterator[Record]:
    kind = child.get("event_type") or child.get("type")
    event = {
        "id": child.get("id"),
        "type": kind,
        "via": child.get("via"),
        "via_reference_id": child.get("via_reference_id"),
    }
    if kind == "Comment":
        yield {**event, "public": child.get("public", child.get("comment_public")), "body": child.get("body")}
        return
    changes = list(_changes(child))
    for position, (field, value, previous) in enumerate(changes):
        if field == "group_id":
            field, value, previous = "group", _name(value, groups), _name(previous, groups)
        yield {
            **event,
            # ids stay unique where one child holds several fields
            "id": event["id"] if position == 0 else f"{event['id']}-{field}",
            "field_name": names.get(field, field),
            "value": value,
            "previous_value": previous,
        }
    if not changes:
        yield event


def _changes(child: Record) -> Iterator[tuple[str, Any, Any]]:
    """(field, value, value before) of a Create or Change: the field is the key that is none of the event's own."""
    before = child.get("previous_value")
    for key, value in child.items():
        if key in _OF_A_CHILD:
            continue
        if key == "custom_ticket_fields" and isinstance(value, dict):
            for number, held in value.items():
                yield str(number), held, before.get(number) if isinstance(before, dict) else before
        else:
            yield key, value, before


def _name(number: Any, groups: Records) -> str | None:
    if number in (None, ""):
        return None
    group = groups.get(int(number)) if str(number).isdigit() else None
    return str(group["name"]) if group else str(number)
