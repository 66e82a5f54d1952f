"""A small help-desk behind a real socket, for tests: its records, its server, and a source that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from sources.connectors import SourceError, Window, zendesk
from sources.sample_company.serve_zendesk import Fault, Request, ZendeskServer
from sources.sample_company.zendesk_desk import Desk

EMAIL, TOKEN = "bi@shop.example", "t0ken/with+signs=and%more"
DAY = Window(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")  # of 23 hours: the clocks go forward
START, END = int(DAY.start.timestamp()), int(DAY.end.timestamp())
CUSTOMER, AGENT, BOT = 7, 501, 599
TABLES = list(zendesk.STAMPS)
ALWAYS = 10**6


def text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ticket(number: int, at: float, **values: Any) -> dict[str, Any]:
    return {
        "id": number, "created_at": text(START), "updated_at": text(at), "status": "open", "priority": "normal",
        "via": {"channel": "email"}, "tags": [], "custom_fields": [], "requester_id": CUSTOMER, "group_id": 20_001,
        "organization_id": None, "subject": "Help", "description": "Please", **values,
    }  # fmt: skip


def event(number: int, at: float, *children: dict[str, Any], **values: Any) -> dict[str, Any]:
    given = children or ({"status": "open", "previous_value": "new", "event_type": "Change"},)
    return {
        "id": number, "ticket_id": 1, "created_at": text(at), "updater_id": AGENT, "via": "Web form",
        "event_type": "Audit", "child_events": [{"id": number * 10 + n, **child} for n, child in enumerate(given)],
        **values,
    }  # fmt: skip


def rating(number: int, at: float, offered_at: float | None = None, **values: Any) -> dict[str, Any]:
    created_at = text(at if offered_at is None else offered_at)
    row = {"id": number, "ticket_id": 1, "requester_id": CUSTOMER, "score": "good", "comment": None}
    return {**row, "created_at": created_at, "updated_at": text(at), **values}


def user(number: int, role: str = "end-user", **values: Any) -> dict[str, Any]:
    return {"id": number, "role": role, "external_id": f"cus_{number}", "email": f"u{number}@example.org", **values}


def fill(desk: Desk, table: str, instants: list[float]) -> None:
    """A record of that table per instant, numbered from 1 on."""
    for number, at in enumerate(instants, start=1):
        if table == "tickets":
            desk.put_ticket(ticket(number, at))
        elif table == "ticket_events":
            desk.add_event(event(number, at))
        elif table == "satisfaction_ratings":
            desk.put_rating(rating(number, at))
        else:
            desk.put_user(user(number, updated_at=text(at)))


@contextmanager
def served(**options: Any) -> Iterator[ZendeskServer]:
    """A desk with one customer, one agent, a bot and one group."""
    desk = Desk()
    for known in (user(CUSTOMER, organization_id=desk.organization("acc_7")), user(AGENT, "agent"), user(BOT, "agent")):
        desk.put_user(known)
    desk.group("billing")
    with ZendeskServer(desk, EMAIL, TOKEN, **options) as server:
        yield server


def options(server: ZendeskServer | str, table: str = "tickets", **more: Any) -> zendesk.Options:
    url = server if isinstance(server, str) else server.url
    quick = {"attempts": 3, "longest_wait_seconds": 0.01, "timeout_seconds": 5}
    return zendesk.Options(url=url, table=table, email=EMAIL, token=SecretStr(TOKEN), **(quick | more))  # type: ignore[arg-type]


def load(con: duckdb.DuckDBPyConnection, source: zendesk.Options, window: Window | None = DAY) -> list[dict[str, Any]]:
    """The rows of the window, by number."""
    assert zendesk.load(con, "rows", source, window, "UTC") == []
    found = con.execute("select * from rows")
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return sorted(rows, key=lambda row: int(row["id"]))


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["id"]) for row in rows]


def first(times: int, fault: Fault, path: str = "/incremental/") -> Callable[[Request], Fault | None]:
    """Spoil the first answers of an address."""
    left = [times]

    def spoil(request: Request) -> Fault | None:
        if path not in request.path or not left[0]:
            return None
        left[0] -= 1
        return fault

    return spoil


def exports(server: ZendeskServer) -> list[Request]:
    return [request for request in server.requests if "/incremental/" in request.path]


def refused(con: duckdb.DuckDBPyConnection, source: zendesk.Options, window: Window = DAY) -> str:
    """The one line of a pull that fails, without what every such line begins with."""
    with pytest.raises(SourceError) as caught:
        load(con, source, window)
    said = str(caught.value)
    begins = f"{source.table} of {source.url}, {window}: "
    assert said.startswith(begins) and "\n" not in said and TOKEN not in said
    assert caught.value.__cause__ is None
    return said.removeprefix(begins)
