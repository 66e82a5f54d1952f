"""Zendesk over a real socket: limits, faults, credentials and drift, and the one line that tells each of them."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from sources.connectors import zendesk
from sources.sample_company.serve_zendesk import ADMIN, Fault, Limit, Request, ZendeskServer
from tests.zendesk import (
    ALWAYS,
    EMAIL,
    START,
    TOKEN,
    exports,
    fill,
    first,
    ids,
    load,
    options,
    refused,
    served,
    text,
    ticket,
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def server() -> Iterator[ZendeskServer]:
    with served() as ready:
        yield ready


class TestLimits:
    def test_retry_after_is_waited_for(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        fill(server.desk, "tickets", [START])
        server.fault = first(1, Fault(status=429, headers={"Retry-After": "1"}, body=b"{}"))
        began = time.monotonic()
        assert ids(load(con, options(server, longest_wait_seconds=5))) == [1]
        assert time.monotonic() - began >= 1

    def test_spent_limits_are_waited_for_before_they_are_broken(self, con: duckdb.DuckDBPyConnection) -> None:
        with served(limit=Limit(2, 0.9)) as server:
            fill(server.desk, "tickets", [START + number for number in range(6)])
            assert ids(load(con, options(server, page_size=2, longest_wait_seconds=5))) == [1, 2, 3, 4, 5, 6]
            assert len(exports(server)) == 3  # and none of them was refused

    def test_limits_that_stay_spent_are_told(self, con: duckdb.DuckDBPyConnection) -> None:
        with served(limit=Limit(1, 300)) as server:
            fill(server.desk, "tickets", [START, START + 1])
            said = refused(con, options(server, page_size=1))
        assert re.fullmatch(
            r"answers 429 \(Number of allowed incremental export API requests per minute exceeded\), asks to wait \d+ s "
            r"\(3 attempts\); run again later, or let fewer programs ask at that time",
            said,
        )


FAULTS = {
    "down for a moment": (
        Fault(status=503, body=b"{}"),
        "answers 503 (3 attempts); wait until it works again, then run again",
    ),
    "an error of its own": (
        Fault(status=500, body=b'{"error": "InternalError"}'),
        "answers 500 (InternalError) (3 attempts); wait until it works again, then run again",
    ),
    "a page of the proxy": (
        Fault(body=b"<html>Maintenance</html>", content_type="text/html"),
        "answers with text/html instead of JSON (3 attempts); see that `url` is the API's own address and that it is "
        "well, then run again",
    ),
    "broken off": (Fault(body=b'{"tickets": [', keep_bytes=5), "the answer broke off (3 attempts); run again later"),
    "cut where nobody notices": (
        Fault(body=b'{"tickets": [{"id": 1}'),
        "answers with JSON that breaks off or is damaged (3 attempts); see that `url` is the API's own address and that "
        "it is well, then run again",
    ),
    "no object": (
        Fault(body=b"[]"),
        "answers with JSON that is no object (3 attempts); see that `url` is the API's own address and that it is well, "
        "then run again",
    ),
    "hangs up": (
        Fault(hang_up=True),
        "cannot be reached: Remote end closed connection without response (3 attempts); see that it is up and that `url` "
        "is right, then run again",
    ),
    "too slow": (
        Fault(seconds=0.15),
        "did not answer within 0.1 seconds (3 attempts); run again later, or raise timeout_seconds",
    ),
}


class TestFaults:
    @pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS.values()], ids=list(FAULTS))
    def test_what_passes_is_tried_again(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, fault: Fault
    ) -> None:
        fill(server.desk, "tickets", [START + number for number in range(5)])
        if fault.seconds:  # good answers have to be in time, on a busy machine too
            server.fault, source = first(1, Fault(seconds=1.5)), options(server, page_size=2, timeout_seconds=1)
        else:
            server.fault, source = first(2, fault), options(server, page_size=2)
        assert ids(load(con, source)) == [1, 2, 3, 4, 5]

    @pytest.mark.parametrize(("fault", "line"), list(FAULTS.values()), ids=list(FAULTS))
    def test_what_stays_is_one_line(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, fault: Fault, line: str
    ) -> None:
        server.fault = first(ALWAYS, fault)
        source = options(server, timeout_seconds=0.1 if fault.seconds else 5)
        assert refused(con, source) == line
        assert len(exports(server)) == 3
        assert zendesk.check(options(server)) is None  # other streams go on

    def test_a_redirect_is_not_followed(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        with served() as other:
            server.fault = lambda request: Fault(
                status=302, headers={"Location": f"{other.url}{request.path}?x=1"}, body=b""
            )
            line = f"answers 302 and points to {other.url}/api/v2/{{}}; set `url` to the address that answers by itself"
            assert refused(con, options(server)) == line.format("incremental/tickets/cursor.json")
            assert zendesk.check(options(server)) == f"{server.url} {line.format('users/me.json')}"
            assert len(server.requests) == 2 and other.requests == []

    def test_a_desk_that_is_down(self, con: duckdb.DuckDBPyConnection) -> None:
        with served() as server:
            url = server.url
        assert refused(con, options(url)) == (
            "cannot be reached: Connection refused (3 attempts); see that it is up and that `url` is right, then run again"
        )
        assert zendesk.check(options(url)) is None

    def test_a_wrong_address(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        source = options(f"{server.url}/hc")
        assert refused(con, source) == (
            "answers 404 (Not found) to /hc/api/v2/incremental/tickets/cursor.json; set the right `url`"
        )
        assert zendesk.check(source) == (
            f"{server.url}/hc answers 404 (Not found) to /hc/api/v2/users/me.json; set the right `url`"
        )


class TestCredentials:
    MEND = "those of an admin who has an API token (Admin Center, Apps and integrations, APIs)"

    def test_wrong_ones_name_their_variables(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DESK_USER", EMAIL)
        monkeypatch.setenv("DESK_TOKEN", TOKEN)
        server.authorizations = {}
        line = f"answers 401 (Couldn't authenticate you); set DESK_USER and DESK_TOKEN to {self.MEND}"
        assert refused(con, options(server)) == line
        assert zendesk.check(options(server)) == f"{server.url} {line}"
        assert len(server.requests) == 2  # there is no use in asking again

    def test_only_an_admin_may_export(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        server.authorizations = dict.fromkeys(server.authorizations, ADMIN | {"role": "agent"})
        mend = f"set `email` and `token` to {self.MEND}"
        assert refused(con, options(server)) == f"answers 403 (You do not have access to this page); {mend}"
        assert zendesk.check(options(server)) == (
            f"{server.url} knows this user as agent, and exports are for admins; {mend}"
        )

    def test_a_desk_that_lets_anybody_in_as_nobody(self, server: ZendeskServer) -> None:
        server.fault = lambda request: Fault(body=b'{"user": {"id": null, "role": "end-user"}}')
        assert zendesk.check(options(server)) == (
            f"{server.url} takes this user for nobody; set `email` and `token` to {self.MEND}"
        )

    def test_an_oauth_token_needs_no_email(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        fill(server.desk, "tickets", [START])
        source = options(server).model_copy(update={"email": None})
        assert zendesk.check(source) is None
        assert ids(load(con, source)) == [1]
        server.authorizations = {}
        assert refused(con, source).endswith(
            "set `token` to those of an admin who has an OAuth access token (Admin Center, Apps and integrations, APIs)"
        )

    def test_no_part_of_a_secret_is_left_where_words_are_cut(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        basic = base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        for secret in (TOKEN, quote(TOKEN, safe=""), basic, basic.rstrip("=")):
            for room in (0, 60, 110, 119, 200):
                said = json.dumps({"error": "-" * room + secret}).encode()
                server.fault = lambda request, said=said: Fault(status=418, body=said)  # type: ignore[misc]
                line = refused(con, options(server))
                assert line.startswith("answers 418 (") and secret[:5] not in line
                assert ("***" in line) == (room < 119)

    def test_right_ones(self, server: ZendeskServer) -> None:
        assert zendesk.check(options(server)) is None


class TestDrift:
    """What the connector itself needs to read the export is told by name; all other fields are the gate's."""

    ADVICE = "see what Zendesk has changed; the export cannot be read without it"

    @staticmethod
    def spoil(server: ZendeskServer, change: Any) -> None:
        def answer(request: Request) -> Fault | None:
            if "/incremental/" not in request.path:
                return None
            _, _, body = server.answer(request.path, request.params, next(iter(server.authorizations)))
            change(body)
            return Fault(body=json.dumps(body).encode())

        server.fault = answer

    @pytest.mark.parametrize(
        ("table", "change", "line"),
        [
            ("tickets", lambda body: body.pop("users"), "tickets: users is missing"),
            ("tickets", lambda body: body.pop("tickets"), "tickets: tickets is missing"),
            ("tickets", lambda body: body.update(groups={}), "tickets: groups is dict instead of list"),
            ("tickets", lambda body: body.pop("end_of_stream"), "the export: end_of_stream is missing"),
            (
                "tickets",
                lambda body: body["tickets"][0].update(generated_timestamp=True),
                "tickets: generated_timestamp is no instant but bool",
            ),
            (
                "tickets",
                lambda body: [body["tickets"][0].pop(name) for name in ("generated_timestamp", "updated_at")],
                "tickets: updated_at is missing",
            ),
            (
                "ticket_events",
                lambda body: body["ticket_events"][0].update(created_at="yesterday"),
                "ticket_events: created_at is no instant but str",
            ),
            (
                "ticket_events",
                lambda body: body["ticket_events"][0].pop("child_events"),
                "ticket_events: child_events is missing",
            ),
        ],
    )
    def test_what_the_export_cannot_be_read_without(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, table: str, change: Any, line: str
    ) -> None:
        fill(server.desk, table, [START])
        self.spoil(server, change)
        assert refused(con, options(server, table)) == f"{line}; {self.ADVICE}"

    def test_a_page_that_names_no_way_on(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        def lose_the_way(body: dict[str, Any]) -> None:
            if body["tickets"][0]["id"] == 2:
                body.update(end_of_stream=False, after_cursor=None)

        fill(server.desk, "tickets", [START, START])
        self.spoil(server, lose_the_way)
        assert refused(con, options(server, page_size=1)) == (
            "the export does not get on: after_cursor is missing; raise page_size, or run again later"
        )

    def test_new_fields_are_columns(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        server.desk.put_ticket(ticket(1, START, sentiment="angry", assistance={"by": "machine"}))
        (row,) = load(con, options(server))
        assert (row["sentiment"], json.loads(row["assistance"])) == ("angry", {"by": "machine"})
        assert row["updated_at"] == text(START)
