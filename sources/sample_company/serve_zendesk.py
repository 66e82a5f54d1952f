"""Serves a help-desk over HTTP as Zendesk's API documents it, on loopback: exports, paging, limits, errors.

What a caller relies on is kept: the export leaves out the last minute, pages by cursor or by time, names a next page on
the last one too, forgets tickets 30 days after they were deleted, and counts requests. `fault` may spoil any answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sources.sample_company.zendesk_desk import Desk, Record, unix

LAG_SECONDS = 60
DELETED_SECONDS = 30 * 86_400
ADMIN = {"id": 501, "name": "Admin", "role": "admin", "email": "admin@werkraum.example"}


@dataclass(frozen=True)
class Request:
    """A request that was answered: its number from 1 on, its path and its parameters."""

    number: int
    path: str
    params: dict[str, str]


@dataclass(frozen=True)
class Fault:
    """What becomes of an answer: another status, body or type; cut after some bytes; late; or no answer at all."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str | None = None
    keep_bytes: int | None = None  # of the body; Content-Length says the whole
    seconds: float = 0.0
    hang_up: bool = False


@dataclass(frozen=True)
class Limit:
    """How many requests the exports take in how many seconds."""

    requests: int
    seconds: float


class _Refused(Exception):
    def __init__(self, status: int, error: str, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.status, self.error, self.headers = status, error, headers or {}


class ZendeskServer:
    """`with ZendeskServer(desk, email, token) as server:` serves at `server.url` until the block ends.

    `clock` is the desk's own time (seconds since 1970); nothing that happens later is shown.
    """

    def __init__(
        self,
        desk: Desk,
        email: str,
        token: str,
        *,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        limit: Limit | None = None,
        page_size: int = 1000,
    ) -> None:
        self.desk, self.clock, self.limit, self.page_size = desk, clock, limit, page_size
        self.authorizations = {
            "Basic " + base64.b64encode(f"{email}/token:{token}".encode()).decode(): ADMIN,
            f"Bearer {token}": ADMIN,
        }
        self.fault: Callable[[Request], Fault | None] = lambda request: None
        self.requests: list[Request] = []
        self._asked: deque[float] = deque()
        self._lock = threading.Lock()
        self._httpd = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.url = f"http://127.0.0.1:{self._httpd.server_address[1]}"

    def __enter__(self) -> ZendeskServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()

    def answer(self, path: str, params: dict[str, str], authorization: str) -> tuple[int, dict[str, str], Record]:
        """(status, headers, body) of a request, before any fault."""
        headers: dict[str, str] = {}
        try:
            user = self.authorizations.get(authorization)
            if user is None:
                raise _Refused(401, "Couldn't authenticate you", "Couldn't authenticate you")
            route = path.removesuffix(".json")
            if route == "/api/v2/users/me":
                return 200, headers, {"user": user}
            if user["role"] != "admin":
                raise _Refused(403, "Forbidden", "You do not have access to this page")
            if route.startswith("/api/v2/incremental/"):
                headers |= self._count()
            with self.desk.lock:
                return 200, headers, self._body(route, params)
        except _Refused as refused:
            return refused.status, refused.headers, {"error": refused.error, "description": str(refused)}

    def _count(self) -> dict[str, str]:
        if self.limit is None:
            return {}
        now = time.monotonic()
        with self._lock:
            while self._asked and self._asked[0] <= now - self.limit.seconds:
                self._asked.popleft()
            resets = max(1, round(self._asked[0] + self.limit.seconds - now)) if self._asked else 1
            if len(self._asked) >= self.limit.requests:
                words = "Number of allowed incremental export API requests per minute exceeded"
                raise _Refused(429, "APIRateLimitExceeded", words, {"Retry-After": str(resets)})
            self._asked.append(now)
            left = self.limit.requests - len(self._asked)
        told = f"total={self.limit.requests}; remaining={left}; resets={resets}"
        return {"Zendesk-RateLimit-incremental-exports": told}

    def _body(self, route: str, params: dict[str, str]) -> Record:
        desk = self.desk
        match route:
            case "/api/v2/incremental/tickets/cursor":
                return self._by_cursor(route, "tickets", self._shown_tickets(), "generated_timestamp", params)
            case "/api/v2/incremental/users/cursor":
                users = [
                    user | {"_at": unix(user["updated_at"])} for user in desk.users.values() if "updated_at" in user
                ]
                return self._by_cursor(route, "users", users, "_at", params)
            case "/api/v2/incremental/ticket_events":
                return self._by_time(route, params)
            case "/api/v2/users/show_many":
                numbers = [int(number) for number in params.get("ids", "").split(",") if number]
                if len(numbers) > 100:
                    raise _Refused(400, "TooManyValues", "The ids parameter takes at most 100 ids")
                users = [desk.users[number] for number in numbers if number in desk.users]
                return {"users": users, **self._side_loads(users, params)}
            case "/api/v2/groups":
                return self._paged(route, "groups", list(desk.groups.values()), params)
            case "/api/v2/satisfaction_ratings":
                start, end = int(params.get("start_time", 0)), int(params.get("end_time", self.clock()))
                shown = [r for r in desk.ratings.values() if start <= unix(r["created_at"]) <= end]
                shown = [r for r in shown if unix(r["updated_at"]) <= self.clock()]
                return self._paged(route, "satisfaction_ratings", shown, params)
        raise _Refused(404, "InvalidEndpoint", "Not found")

    def _shown_tickets(self) -> list[Record]:
        forgotten = self.clock() - DELETED_SECONDS
        return [
            ticket
            for ticket in self.desk.tickets.values()
            if ticket["status"] != "deleted" or ticket["generated_timestamp"] > forgotten
        ]

    def _start(self, params: dict[str, str]) -> int:
        text = params.get("start_time", "")
        if not text.isdigit():
            raise _Refused(422, "InvalidValue", "start_time must be a Unix epoch time")
        if int(text) > self.clock() - LAG_SECONDS:
            raise _Refused(422, "InvalidValue", "Too recent start_time. Use a start_time older than 60 seconds")
        return int(text)

    def _by_cursor(self, route: str, key: str, items: list[Record], stamp: str, params: dict[str, str]) -> Record:
        if "cursor" in params:
            try:
                at, _, number = base64.b64decode(params["cursor"], validate=True).decode().partition("||")
                after = (int(at), int(number))
            except (binascii.Error, ValueError):
                raise _Refused(400, "InvalidPaginationParameter", "Invalid cursor") from None
        else:
            after = (self._start(params), -1)
        newest = self.clock() - LAG_SECONDS
        waiting = sorted(
            (i for i in items if i[stamp] <= newest and (i[stamp], i["id"]) > after), key=lambda i: (i[stamp], i["id"])
        )
        size = self._size(params.get("per_page"))
        shown = waiting[:size]
        last = (shown[-1][stamp], shown[-1]["id"]) if shown else after
        cursor = base64.b64encode(f"{last[0]}||{last[1]}".encode()).decode()
        return {
            key: [{name: value for name, value in item.items() if name != "_at"} for item in shown],
            "after_cursor": cursor,
            "after_url": f"{self.url}{route}.json?cursor={cursor}",
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(shown) == len(waiting),
            **self._side_loads(shown, params),
        }

    def _by_time(self, route: str, params: dict[str, str]) -> Record:
        start, newest = self._start(params), self.clock() - LAG_SECONDS
        waiting = [event for event in self.desk.events if start <= event["timestamp"] <= newest]
        shown = waiting[: self._size(params.get("per_page"))]
        end = shown[-1]["timestamp"] if shown else start
        if "comment_events" not in params.get("include", ""):
            bare = ("id", "via", "via_reference_id", "event_type")
            shown = [
                event
                | {
                    "child_events": [
                        {k: c[k] for k in bare} | {"comment_present": True, "comment_public": c["public"]}
                        if c["event_type"] == "Comment"
                        else c
                        for c in event["child_events"]
                    ]
                }
                for event in shown
            ]
        return {
            "ticket_events": shown,
            "count": len(shown),
            "end_time": end,
            "next_page": f"{self.url}{route}.json?start_time={end}",
            "end_of_stream": len(shown) == len(waiting),
        }

    def _paged(self, route: str, key: str, items: Iterable[Record], params: dict[str, str]) -> Record:
        after = int(params.get("page[after]") or 0)
        waiting = sorted((item for item in items if item["id"] > after), key=lambda item: item["id"])
        shown = waiting[: min(100, self._size(params.get("page[size]")))]
        last = str(shown[-1]["id"]) if shown else str(after)
        meta = {"has_more": len(shown) < len(waiting), "after_cursor": last, "before_cursor": None}
        return {key: shown, "meta": meta, "links": {"next": f"{self.url}{route}.json?page[after]={last}", "prev": None}}

    def _side_loads(self, shown: list[Record], params: dict[str, str]) -> dict[str, list[Record]]:
        desk, wanted = self.desk, params.get("include", "").split(",")
        users = {desk.users[n]["id"]: desk.users[n] for i in shown if (n := i.get("requester_id")) in desk.users}
        owners = [*shown, *users.values()]
        found: dict[str, list[Record]] = {}
        if "users" in wanted:
            found["users"] = list(users.values())
        if "groups" in wanted:
            found["groups"] = [desk.groups[n] for n in {i.get("group_id") for i in shown} if n in desk.groups]
        if "organizations" in wanted:
            numbers = {owner.get("organization_id") for owner in owners}
            found["organizations"] = [desk.organizations[n] for n in numbers if n in desk.organizations]
        return found

    def _size(self, asked: str | None) -> int:
        return min(self.page_size, int(asked)) if asked and asked.isdigit() and int(asked) else self.page_size


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a caller that goes away is no error
            super().handle_error(request, client_address)


def _handler(server: ZendeskServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            params = dict(parse_qsl(parts.query))
            with server._lock:
                request = Request(len(server.requests) + 1, parts.path, params)
                server.requests.append(request)
            fault = server.fault(request) or Fault()
            time.sleep(fault.seconds)
            if fault.hang_up:
                self.close_connection = True
                return
            status, headers, body = 200, dict[str, str](), dict[str, Any]()
            if fault.status is None and fault.body is None:
                status, headers, body = server.answer(parts.path, params, self.headers.get("Authorization", ""))
            text = json.dumps(body).encode() if fault.body is None else fault.body
            self.send_response(fault.status or status)
            kind = fault.content_type or "application/json; charset=utf-8"
            length = str(len(text))
            for name, value in {"Content-Type": kind, "Content-Length": length, **headers, **fault.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text[: fault.keep_bytes])
            if fault.keep_bytes is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the company talks to itself."""

    return Handler
