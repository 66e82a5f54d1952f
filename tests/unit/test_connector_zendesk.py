"""Zendesk over a real socket: windows, paging, what rows become, and the one line for whatever goes wrong."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from sources.connectors import Window, zendesk
from sources.sample_company.serve_zendesk import Fault, Request, ZendeskServer
from tests.zendesk import (
    AGENT,
    BOT,
    CUSTOMER,
    DAY,
    END,
    START,
    TABLES,
    event,
    exports,
    fill,
    ids,
    load,
    options,
    rating,
    refused,
    served,
    ticket,
    user,
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def server() -> Iterator[ZendeskServer]:
    with served() as ready:
        yield ready


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
