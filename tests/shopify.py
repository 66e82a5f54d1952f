"""A shop on loopback that answers as Shopify's Admin API is documented to: pages by the Link header, a leaky bucket of
requests that is told in each answer, 429 with Retry-After, and faults that a test asks for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "shpat_0123456789abcdef"


@dataclass
class Shop:
    """What the shop holds, how it answers (`faults`: status, or text in place of JSON, per coming request), what it was asked."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    customers: list[dict[str, Any]] = field(default_factory=list)
    faults: list[int | str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    call_limit: str = "1/40"
    next_host: str | None = None
    url: str = ""

    def answer(self, path: str, token: str | None) -> tuple[int, dict[str, str], str]:
        parts = urlsplit(path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(given)
        headers = {"X-Shopify-Shop-Api-Call-Limit": self.call_limit, "Content-Type": "application/json; charset=utf-8"}
        if token != TOKEN:
            return (
                401,
                headers,
                '{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}',
            )
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, str):
                return 200, headers, fault
            wait = {"Retry-After": "0.2"} if fault == 429 else {}
            return fault, {**headers, **wait}, '{"errors":"Exceeded 2 calls per second for api client."}'
        name = parts.path.rsplit("/", 1)[-1].removesuffix(".json")
        if name not in ("orders", "customers"):
            return 404, headers, '{"errors":"Not Found"}'
        if "page_info" in given:
            if set(given) - {"page_info", "limit", "fields"}:
                return 400, headers, '{"errors":"page_info cannot be passed with other parameters"}'
            asked, first = json.loads(bytes.fromhex(given["page_info"]))
        else:
            asked, first = given, 0
        found = [record for record in getattr(self, name) if _is_wanted(record, asked, name)]
        found.sort(key=lambda record: (datetime.fromisoformat(record["updated_at"]), record["id"]))
        limit = int(given.get("limit", 50))
        page = found[first : first + limit]
        if first + limit < len(found):
            cursor = json.dumps([asked, first + limit]).encode().hex()
            origin = self.next_host or self.url
            headers["Link"] = f'<{origin}{parts.path}?limit={limit}&page_info={cursor}>; rel="next"'
        wanted = asked.get("fields", "").split(",")
        return 200, headers, json.dumps({name: [{k: v for k, v in r.items() if k in wanted} for r in page]})


def _is_wanted(record: dict[str, Any], asked: dict[str, str], name: str) -> bool:
    if name == "orders" and asked.get("status", "open") == "open" and (record["cancelled_at"] or record["closed_at"]):
        return False
    at = datetime.fromisoformat(record["updated_at"])
    lower, upper = asked.get("updated_at_min"), asked.get("updated_at_max")
    return (not lower or at >= datetime.fromisoformat(lower)) and (not upper or at <= datetime.fromisoformat(upper))


@contextmanager
def serving(shop: Shop) -> Iterator[Shop]:
    """Serve the shop on a port of its own; `shop.url` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = shop.answer(self.path, self.headers.get("X-Shopify-Access-Token"))
            content = body.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
