"""How Zendesk is asked: which address for which table, from where to where, page by page, and for whose names.

The exports begin at `start_time` and have no end: reading stops at the first page that lies behind the window as a whole.
They are ordered by the instant of the last change (`generated_timestamp`), which system updates move while `updated_at`
stays. dlt asks, waits and retries; this module is imported when a source is read, because dlt takes a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import requests
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth, HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import BasePaginator, JSONResponseCursorPaginator

from sources.connectors import http
from sources.connectors.base import Window
from sources.connectors.http import HttpFault
from sources.connectors.zendesk import Options
from sources.connectors.zendesk_rows import (
    Record,
    audit,
    author_type,
    by_id,
    organization_of,
    records,
    requester,
    required,
    ticket,
    unix_time,
)

_DAY_SECONDS = 86_400
_AT_ONCE = 100  # users that one request may name, and ratings or groups of one page
_KNOWN_USERS = 20_000  # kept between pages
_RESTARTS = 3
_UNUSABLE_CURSOR = (400, 404, 410, 422)


def pages(options: Options, window: Window | None) -> Iterator[list[Record]]:
    """The rows of the window, page by page. A row may come twice."""
    yield from {"tickets": _tickets, "ticket_events": _events, "satisfaction_ratings": _ratings, "users": _users}[
        options.table
    ](_Desk(options), window)


def role(options: Options) -> str | None:
    """What the desk takes the user for (end-user, agent or admin); None if it knows nobody by these credentials."""
    user = _Desk(options).get("/api/v2/users/me.json").get("user")
    return user.get("role") if isinstance(user, dict) and user.get("id") else None


class _Desk:
    """One conversation with one desk."""

    def __init__(self, options: Options) -> None:
        token = options.token.get_secret_value()
        auth = HttpBasicAuth(f"{options.email}/token", token) if options.email else BearerTokenAuth(token)
        self.options = options
        self.client = http.client(options, auth)
        self._users: dict[int, tuple[Record, Record | None]] = {}

    def get(self, path: str, **params: Any) -> Record:
        response = self.client.get(path, params=params, **http.ask())
        http.pause_if_spent(response.headers, self.options.longest_wait_seconds)
        body: Record = response.json()
        return body

    def paginate(self, path: str, params: Record, paginator: BasePaginator) -> Iterator[Record]:
        for page in self.client.paginate(path, params=params, paginator=paginator, data_selector="$", **http.ask()):
            yield page[0]
            http.pause_if_spent(page.response.headers, self.options.longest_wait_seconds)

    def groups(self) -> dict[int, Record]:
        found: dict[int, Record] = {}
        params = {"page[size]": _AT_ONCE, "exclude_deleted": "false"}  # past events name them too
        for body in self.paginate("/api/v2/groups.json", params, _pager()):
            found |= by_id("groups", records("groups", body, "groups"))
        return found

    def users(self, numbers: Iterable[int]) -> dict[int, tuple[Record, Record | None]]:
        """Users by number, each with the organization; who is not there any more is missing."""
        wanted = {number for number in numbers if number and number > 0}
        unknown = sorted(wanted - self._users.keys())
        if len(self._users) + len(unknown) > _KNOWN_USERS:
            self._users, unknown = {}, sorted(wanted)
        for first in range(0, len(unknown), _AT_ONCE):
            ids = ",".join(map(str, unknown[first : first + _AT_ONCE]))
            body = self.get("/api/v2/users/show_many.json", ids=ids, include="organizations")
            organizations = by_id("users", records("users", {"organizations": [], **body}, "organizations"))
            for user in records("users", body, "users"):
                number = required("users", user, "id", int)
                self._users[number] = (user, organizations.get(user.get("organization_id") or 0))
        return {number: self._users[number] for number in wanted if number in self._users}


def _tickets(desk: _Desk, window: Window | None) -> Iterator[list[Record]]:
    params = {"per_page": desk.options.page_size, "include": "users,groups,organizations"}
    path = "/api/v2/incremental/tickets/cursor.json"
    for items, body in _export(desk, path, "tickets", params, _CursorPaginator, _generated, window):
        # a desk that sends no side-loads would turn every customer into a stranger
        users, groups, organizations = (
            by_id("tickets", records("tickets", body, name)) for name in ("users", "groups", "organizations")
        )
        yield [ticket(item, stamp, users, groups, organizations) for item, stamp in items]


def _users(desk: _Desk, window: Window | None) -> Iterator[list[Record]]:
    params = {"per_page": desk.options.page_size, "include": "organizations"}
    path = "/api/v2/incremental/users/cursor.json"
    for items, body in _export(desk, path, "users", params, _CursorPaginator, _updated, window):
        organizations = by_id("users", records("users", {"organizations": [], **body}, "organizations"))
        yield [item | {"organization": organizations.get(item.get("organization_id") or 0)} for item, _ in items]


def _events(desk: _Desk, window: Window | None) -> Iterator[list[Record]]:
    options = desk.options
    groups = desk.groups()
    bots, names = frozenset(options.bot_users), {str(number): name for name, number in options.custom_fields.items()}
    params = {"per_page": options.page_size, "include": "comment_events"}
    path = "/api/v2/incremental/ticket_events.json"
    for items, _ in _export(desk, path, "ticket_events", params, _TimePaginator, _created, window):
        users = desk.users(item.get("updater_id") or 0 for item, _ in items)
        rows = []
        for item, _ in items:
            number = item.get("updater_id") or 0
            user, _ = users.get(number, (None, None))
            rows.append(audit(item, author_type(number, user, bots), groups, names))
        yield rows


def _ratings(desk: _Desk, window: Window | None) -> Iterator[list[Record]]:
    """Ratings are asked for by when they were offered, and belong to the day of the answer: `rating_days` lie between."""
    params: Record = {"page[size]": min(_AT_ONCE, desk.options.page_size)}
    start, end = _bounds(window)
    if window is not None:
        params |= {"start_time": max(0, int(start) - desk.options.rating_days * _DAY_SECONDS), "end_time": int(end)}
    for body in desk.paginate("/api/v2/satisfaction_ratings.json", params, _pager()):
        items = records("satisfaction_ratings", body, "satisfaction_ratings")
        items = [item for item in items if start <= unix_time("satisfaction_ratings", item, "updated_at") < end]
        users = desk.users(item.get("requester_id") or 0 for item in items)
        rows = []
        for item in items:
            user, organization = users.get(item.get("requester_id") or 0, (None, None))
            own = organization_of(item, user, {organization["id"]: organization} if organization else {})
            rows.append(item | {"requester": requester(user, own)})
        yield rows


def _generated(item: Record) -> tuple[float, bool]:
    """When the ticket last changed, and whether the export is ordered by that. (Some accounts send `updated_at` alone.)"""
    if item.get("generated_timestamp") is not None:
        return unix_time("tickets", item, "generated_timestamp"), True
    return unix_time("tickets", item, "updated_at"), False


def _created(item: Record) -> tuple[float, bool]:
    return unix_time("ticket_events", item, "created_at"), True


def _updated(item: Record) -> tuple[float, bool]:
    return unix_time("users", item, "updated_at"), True


def _bounds(window: Window | None) -> tuple[float, float]:
    return (0.0, math.inf) if window is None else (window.start.timestamp(), window.end.timestamp())


def _export(
    desk: _Desk,
    path: str,
    key: str,
    params: Record,
    paginator: Callable[[], BasePaginator],
    stamp_of: Callable[[Record], tuple[float, bool]],
    window: Window | None,
) -> Iterator[tuple[list[tuple[Record, float]], Record]]:
    """(records of the window with their instants, whole answer) of each page of an incremental export.

    A cursor that the desk does not take any more is replaced by the instant that the last page got to.
    """
    start, end = _bounds(window)
    resume, restarts = int(start), 0
    while True:
        began = resume
        try:
            for body in desk.paginate(path, {**params, "start_time": resume}, paginator()):
                items = records(key, body, key)
                stamps = [stamp_of(item) for item in items]
                yield (
                    [(item, at) for item, (at, _) in zip(items, stamps, strict=True) if start <= at < end],
                    body,
                )
                if stamps and all(is_ordered for _, is_ordered in stamps):
                    if all(at >= end for at, _ in stamps):
                        return
                    resume = max(resume, int(max(at for at, _ in stamps)))
            return
        except requests.exceptions.HTTPError as error:
            response = error.response
            if (
                response is None
                or response.status_code not in _UNUSABLE_CURSOR
                or "cursor=" not in (response.url or "")
            ):
                raise
            restarts = restarts + 1 if resume == began else 1
            if restarts > _RESTARTS:
                raise HttpFault(
                    f"its cursors became unusable {restarts} times at the same place ({response.status_code})",
                    "run again later",
                ) from None


class _ExportPaginator(BasePaginator):  # type: ignore[misc]  # dlt is not looked into
    """Follows an incremental export by `end_of_stream`: the way to a next page is named on the last page too."""

    where: str  # the answer's field that says from where the next page goes on
    parameter: str  # and the parameter that takes it

    def __init__(self) -> None:
        super().__init__()
        self._next: Any = None

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        body = response.json()
        self._has_next_page = not required("the export", body, "end_of_stream", bool)
        if not self._has_next_page:
            return
        found = body.get(self.where)
        if found in (None, "", self._next):
            raise HttpFault(
                f"the export does not get on: {self.where} is {'missing' if found in (None, '') else 'the same again'}",
                "raise page_size, or run again later",
            )
        self._next = found

    def update_request(self, request: requests.Request) -> None:
        # the links that the answer holds are not followed: they would carry the credentials wherever they point
        request.params = {**self._kept, self.parameter: self._next}

    def init_request(self, request: requests.Request) -> None:
        params = dict(request.params)  # type: ignore[arg-type]  # paginate was given a dictionary
        self._next = params.get(self.parameter)
        self._kept = {key: value for key, value in params.items() if key != "start_time"}


class _CursorPaginator(_ExportPaginator):
    where, parameter = "after_cursor", "cursor"


class _TimePaginator(_ExportPaginator):
    where, parameter = "end_time", "start_time"


def _pager() -> BasePaginator:
    """Zendesk's cursor pagination of what is no export."""
    return JSONResponseCursorPaginator(
        cursor_path="meta.after_cursor", cursor_param="page[after]", has_more_path="meta.has_more"
    )
