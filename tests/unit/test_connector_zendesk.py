"""Zendesk over a real socket: windows, paging, what rows become, and the one line for whatever goes wrong."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from sources.connectors import SourceError, Window, zendesk
from sources.sample_company.serve_zendesk import ADMIN, Fault, Limit, Request, ZendeskServer
from tests.zendesk import (
    AGENT,
    BOT,
    CUSTOMER,
    DAY,
    EMAIL,
    END,
    START,
    TOKEN,
    event,
    fill,
    first,
    ids,
    load,
    options,
    rating,
    served,
    text,
    ticket,
    user,
)

TABLES = list(zendesk.STAMPS)
ALWAYS = 10**6


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def server() -> Iterator[ZendeskServer]:
    with served() as ready:
        yield ready


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


class TestWindows:
    @pytest.mark.parametrize("table", TABLES)
    def test_the_start_belongs_to_the_window_and_the_end_does_not(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, table: str
    ) -> None:
        fill(server.desk, table, [START - 1, START, START + 1, END - 1, END, END + 1])
        assert ids(load(con, options(server, table))) == [2, 3, 4]

    @pytest.mark.parametrize("table", TABLES)
    def test_without_a_window_everything_comes(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, table: str
    ) -> None:
        fill(server.desk, table, [START - 10**8, START, END + 5])
        assert ids(load(con, options(server, table), None)) == [1, 2, 3]

    @pytest.mark.parametrize("table", TABLES)
    def test_a_window_without_rows_is_an_empty_table(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, table: str
    ) -> None:
        fill(server.desk, table, [START - 1, END])
        assert load(con, options(server, table)) == []

    def test_reading_stops_behind_the_window(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        fill(server.desk, "tickets", [*range(START, START + 5), *range(END, END + 100)])
        assert ids(load(con, options(server, page_size=5))) == [1, 2, 3, 4, 5]
        assert len(exports(server)) == 2

    def test_a_system_update_moves_a_ticket_to_its_own_day(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        """It leaves `updated_at` as it was, and must not be lost with a day that has settled."""
        server.desk.put_ticket(ticket(1, START - 20 * 86_400, generated_timestamp=START + 60))
        server.desk.put_ticket(ticket(2, START + 60, generated_timestamp=END + 60))
        (row,) = load(con, options(server))
        assert row["id"] == "1" and datetime.fromisoformat(row["generated_at"]).timestamp() == START + 60

    def test_without_generated_timestamps_the_export_is_read_to_its_end(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        def without(request: Request) -> Fault:
            _, _, body = server.answer(request.path, request.params, next(iter(server.authorizations)))
            for row in body.get("tickets", []):
                del row["generated_timestamp"]
            return Fault(body=json.dumps(body).encode())

        server.desk.put_ticket(ticket(1, END + 9, generated_timestamp=END))
        server.desk.put_ticket(ticket(2, START + 9, generated_timestamp=END + 10))
        server.fault = without
        assert ids(load(con, options(server, page_size=1))) == [2]

    def test_an_answer_long_after_the_offer_is_found(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        server.desk.put_rating(rating(1, START + 60, offered_at=START - 29 * 86_400))
        server.desk.put_rating(rating(2, START + 60, offered_at=START - 31 * 86_400))
        assert ids(load(con, options(server, "satisfaction_ratings"))) == [1]
        assert ids(load(con, options(server, "satisfaction_ratings", rating_days=40))) == [1, 2]

    def test_the_last_minute_is_waited_for(self, con: duckdb.DuckDBPyConnection, monkeypatch: Any) -> None:
        clock = [END + 20.0]
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            clock[0] += seconds

        monkeypatch.setattr(zendesk, "time", lambda: clock[0])
        monkeypatch.setattr(zendesk, "sleep", sleep)
        with served(clock=lambda: clock[0]) as server:
            fill(server.desk, "tickets", [START, END - 1])
            assert ids(load(con, options(server))) == [1, 2]
        assert slept == [40.0]

    def test_a_day_that_is_not_over_has_what_is_older_than_a_minute(self, con: duckdb.DuckDBPyConnection) -> None:
        today = datetime.now(UTC).date()
        window = Window(today - timedelta(days=1), today + timedelta(days=1), "UTC")
        now = time.time()
        with served() as server:
            fill(server.desk, "tickets", [now - 75, now - 30])
            assert ids(load(con, options(server), window)) == [1]

    def test_a_day_that_has_not_begun_is_refused(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        later = Window(date(2999, 1, 1), date(2999, 1, 2), "UTC")
        assert refused(con, options(server), later) == (
            "it has not begun, or less than a minute ago; ask for days that are over"
        )
        assert server.requests == []


class TestPaging:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("rows", [6, 7, 8])
    def test_every_row_comes_once(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, table: str, rows: int
    ) -> None:
        fill(server.desk, table, [START + number // 2 for number in range(rows)])  # two of a second
        assert ids(load(con, options(server, table, page_size=3))) == list(range(1, rows + 1))

    def test_the_way_on_is_named_on_the_last_page_and_not_followed(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        fill(server.desk, "tickets", [START, START + 1, START + 2])
        load(con, options(server, page_size=2))
        assert [sorted(request.params) for request in exports(server)] == [
            ["include", "per_page", "start_time"],
            ["cursor", "include", "per_page"],
        ]

    def test_a_ticket_that_changes_while_pages_are_read_keeps_both_versions(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        def change(request: Request) -> None:
            if "cursor" in request.params:
                server.desk.put_ticket(ticket(1, START + 50, status="solved"))

        fill(server.desk, "tickets", [START, START + 1, START + 2])
        server.fault = change
        rows = load(con, options(server, page_size=2))
        assert sorted((row["id"], row["status"]) for row in rows) == [
            ("1", "open"), ("1", "solved"), ("2", "open"), ("3", "open"),
        ]  # fmt: skip

    @pytest.mark.parametrize("status", [400, 404, 410, 422])
    def test_a_cursor_that_has_expired_is_replaced_by_a_time(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, status: int
    ) -> None:
        fill(server.desk, "tickets", [START + number for number in range(10)])
        expired = [0]

        def expire(request: Request) -> Fault | None:
            if "cursor" in request.params and request.number % 2 == 0:
                expired[0] += 1
                return Fault(status=status, body=b'{"error": "InvalidPaginationParameter"}')
            return None

        server.fault = expire
        assert ids(load(con, options(server, page_size=4))) == list(range(1, 11))
        assert expired[0] > 1

    def test_cursors_that_always_expire_end_the_pull(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        fill(server.desk, "tickets", [START] * 3)
        server.fault = lambda request: Fault(status=422, body=b"{}") if "cursor" in request.params else None
        assert refused(con, options(server, page_size=2)) == (
            "its cursors became unusable 4 times at the same place (422); run again later"
        )

    def test_a_second_with_more_events_than_a_page_is_told(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        fill(server.desk, "ticket_events", [START, *[START + 1] * 5])
        assert refused(con, options(server, "ticket_events", page_size=2)) == (
            "the export does not get on: end_time is the same again; raise page_size, or run again later"
        )
        assert len(load(con, options(server, "ticket_events", page_size=6))) == 6

    def test_memory_does_not_grow_with_the_pages(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        for number in range(1, 401):
            server.desk.put_ticket(ticket(number, START + number, description=str(number) * 4_000))

        def peak(window: Window) -> int:
            tracemalloc.start()
            try:
                for _page in zendesk.resource(options(server, page_size=10), window, "UTC"):
                    pass
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        list(zendesk.resource(options(server), DAY, "UTC"))  # what is imported and cached only once
        many = peak(DAY)
        few_rows = {number: row for number, row in server.desk.tickets.items() if number <= 20}
        server.desk.tickets = few_rows
        assert many < 3 * peak(DAY)


class TestRows:
    def test_names_stand_beside_numbers(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        server.desk.put_ticket(ticket(1, START))
        server.desk.put_ticket(ticket(2, START, requester_id=404, group_id=None))  # nobody whom the desk still knows
        known, unknown = load(con, options(server))
        assert json.loads(known["requester"]) == {
            "external_id": "cus_7", "email": "u7@example.org", "name": None, "role": "end-user",
            "organization": "acc_7", "user_fields": {},
        }  # fmt: skip
        assert json.loads(known["group"]) == {"name": "billing"}
        assert unknown["requester"] is None and unknown["group"] is None

    def test_deleted_tickets_come_for_thirty_days(self, con: duckdb.DuckDBPyConnection) -> None:
        for days, shown in ((29, [1]), (31, [])):
            now = START + days * 86_400
            with served(clock=lambda now=now: now) as server:
                server.desk.put_ticket(ticket(1, START, status="deleted"))
                rows = load(con, options(server))
                assert ids(rows) == shown and all(row["status"] == "deleted" for row in rows)

    def test_events_have_the_shape_of_audits(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        solved = {"status": "solved", "previous_value": "open", "event_type": "Change"}
        moved = {"group_id": "20001", "previous_value": "20999", "event_type": "Change"}
        merged = {"custom_ticket_fields": {"360004": "9", "1": "x"}, "previous_value": None, "event_type": "Change"}
        reply = {"event_type": "Comment", "type": "Comment", "public": True, "body": "Hello"}
        server.desk.add_event(event(5, START, solved, moved, merged, reply))
        (row,) = load(con, options(server, "ticket_events", custom_fields={"merged_into": 360004}))
        seen = [
            {key: value for key, value in found.items() if not key.startswith("via")}
            for found in json.loads(row["events"])
        ]
        assert seen == [
            {"id": 50, "type": "Change", "field_name": "status", "value": "solved", "previous_value": "open"},
            {"id": 51, "type": "Change", "field_name": "group", "value": "billing", "previous_value": "20999"},
            {"id": 52, "type": "Change", "field_name": "merged_into", "value": "9", "previous_value": None},
            {"id": "52-1", "type": "Change", "field_name": "1", "value": "x", "previous_value": None},
            {"id": 53, "type": "Comment", "public": True, "body": "Hello"},
        ]
        assert exports(server)[0].params["include"] == "comment_events"

    @pytest.mark.parametrize(
        ("author", "kind"),
        [(CUSTOMER, "customer"), (AGENT, "agent"), (BOT, "bot"), (-1, "system"), (12345, None), (None, None)],
    )
    def test_who_did_it(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer, author: int | None, kind: str | None
    ) -> None:
        server.desk.add_event(event(1, START, updater_id=author))
        (row,) = load(con, options(server, "ticket_events", bot_users=[BOT]))
        assert json.loads(row["author"]) == {"type": kind}

    def test_users_are_asked_for_once_and_a_hundred_at_a_time(
        self, con: duckdb.DuckDBPyConnection, server: ZendeskServer
    ) -> None:
        for number in range(1000, 1230):
            server.desk.put_user(user(number))
            server.desk.put_rating(rating(number, START))
            server.desk.put_rating(rating(number + 5000, START, requester_id=number))
        rows = load(con, options(server, "satisfaction_ratings"))
        assert len(rows) == 460
        asked = [request for request in server.requests if "show_many" in request.path]
        # one request for the customer of the first page, and one for each hundred strangers
        named = [number for request in asked for number in request.params["ids"].split(",")]
        assert len(named) == len(set(named)) == 231 and len(asked) <= 5


class TestLimits:
    def test_retry_after_is_waited_for(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        fill(server.desk, "tickets", [START])
        server.fault = first(1, Fault(status=429, headers={"Retry-After": "1"}, body=b"{}"))
        began = time.monotonic()
        assert ids(load(con, options(server, longest_wait_seconds=5))) == [1]
        assert 1 <= time.monotonic() - began < 3

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
        server.fault = first(2, fault)
        source = options(server, page_size=2, timeout_seconds=0.1 if fault.seconds else 5)
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
        fill(server.desk, "tickets", [START])
        self.spoil(server, lambda body: body.update(end_of_stream=False, after_cursor=None))
        assert refused(con, options(server)) == (
            "the export does not get on: after_cursor is missing; raise page_size, or run again later"
        )

    def test_new_fields_are_columns(self, con: duckdb.DuckDBPyConnection, server: ZendeskServer) -> None:
        server.desk.put_ticket(ticket(1, START, sentiment="angry", assistance={"by": "machine"}))
        (row,) = load(con, options(server))
        assert (row["sentiment"], json.loads(row["assistance"])) == ("angry", {"by": "machine"})
        assert row["updated_at"] == text(START)
