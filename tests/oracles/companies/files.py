"""The files of a small company, in the shapes that `sources/profiles/sample.toml` reads, and the profile that reads them."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from tests.oracles.companies.stories import DAY, Plan, Row, World, iso

SAMPLE = Path(__file__).parents[3] / "sources" / "profiles" / "sample.toml"
TABLES = {
    "customers": "customer_id valid_from account_id email full_name phone plan country acquisition_channel"
    " industry is_test created_at updated_at",
    "orders": "id customer_id account_id placed_at updated_at status channel country acquisition_channel plan currency"
    " payment_method is_test notes discount_cents warehouse carrier approved_at picked_at shipped_at delivered_at promised_at"
    " promised_date new_promise_at ship_by cancelled_at cancelled_by billing_interval recurring_cents subscription_start"
    " subscription_end",
    "order_items": "id order_id product_id product_name category quantity unit_price_cents discount_cents requires_shipping"
    " updated_at",
    "refunds": "id order_id item_id currency amount_cents reason returned_quantity returned_at created_at updated_at",
    "shipments": "id order_id carrier warehouse country packed_at shipped_at delivered_at updated_at",
    "shipment_items": "shipment_id order_id item_id quantity updated_at",
}

NUMBERS = re.compile("_cents$|quantity$|^is_|^requires_")


def profile_text(plan: Plan) -> str:
    """The sample's profile with this company's days and zone; a day with bad rows or none is landed as it is."""
    text = SAMPLE.read_text(encoding="utf-8")
    said = {"landing_zone": f'"{plan.zone}"', "reporting_zone": f'"{plan.zone}"', "first_day": plan.first.isoformat(),
            "last_day": plan.last.isoformat(), "settle_days": plan.settle_days}  # fmt: skip
    for name, value in said.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
        assert count == 1, name
    text = re.sub(r"^(tolerance|empty_days) = .*\n", "", text, flags=re.M)
    text = re.sub(r"^\[streams\.\w+\]$", '\\g<0>\ntolerance = 1.0\nempty_days = "expected"', text, flags=re.M)
    text = re.sub(r"^\[sample_company\].*?(?=^\[)", "", text, flags=re.M | re.S)
    return re.sub(r'"sample/(\w+\.csv)"', lambda found: f'"{SAMPLE.parent}/sample/{found[1]}"', text)


def write(world: World, folder: Path) -> None:
    """Write every file of the company below `folder`."""
    for name in ("usage", "support", "fx"):
        (folder / name).mkdir(parents=True)
    _write_usage(world, folder / "usage")
    with sqlite3.connect(folder / "shop.db") as shop:
        for table, columns in TABLES.items():
            names = columns.split()
            typed = (f"{name} {'integer' if NUMBERS.search(name) else 'text'}" for name in names)
            shop.execute(f"create table {table} ({', '.join(typed)})")
            rows = [[row.get(name) for name in names] for row in world.rows.get(table, [])]
            shop.executemany(f"insert into {table} values ({', '.join('?' * len(names))})", rows)
    shop.close()
    _write_lines(folder / "support" / "tickets.jsonl", map(_ticket, world.rows.get("tickets", [])))
    _write_lines(folder / "support" / "audits.jsonl", map(_audit, world.rows.get("audits", [])))
    _write_lines(folder / "support" / "surveys.jsonl", map(_survey, world.rows.get("surveys", [])))
    (folder / "fx" / "rates.csv").write_text(_rates(world), encoding="utf-8")


def _write_lines(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _write_usage(world: World, folder: Path) -> None:
    """A folder per local day on which the events were received."""
    by_day: dict[str, list[Row]] = {}
    for row in world.rows.get("usage", []):
        day = row["received"].astimezone(ZoneInfo(world.plan.zone)).date()
        by_day.setdefault(day.isoformat(), []).append(row)
    for day, rows in by_day.items():
        (folder / day).mkdir()
        content = "".join(json.dumps(_event(row)) + "\n" for row in rows)
        (folder / day / "part-0.jsonl.gz").write_bytes(gzip.compress(content.encode(), mtime=0))


def _event(row: Row) -> Row:
    """As Segment's libraries send it."""
    names = ("session", "platform", "country", "plan", "feature", "errors")
    keys = ("session_id", "platform", "country", "plan", "feature", "error_count")
    context = {"userAgent": row["agent"], "campaign": {"source": row["campaign"]}, "traits": {"email": row["email"]}}
    return {
        "messageId": row["id"], "type": "track" if row["name"] else "identify", "event": row["name"],
        "timestamp": iso(row["at"]), "sentAt": iso(row["received"]), "receivedAt": iso(row["received"]),
        "anonymousId": row["device"], "userId": row["user"], "context": context,
        "properties": {key: row[name] for key, name in zip(keys, names, strict=True) if row[name] is not None},
    }  # fmt: skip


def _requester(who: Row) -> Row:
    kept = {name: who[name] for name in ("external_id", "email", "organization")}
    return {**kept, "user_fields": {"country": who["country"], "plan": who["plan"]}}


def _ticket(row: Row) -> Row:
    return {
        "id": row["id"], "url": "u", "created_at": iso(row["created_at"]), "updated_at": iso(row["updated"]),
        "status": row["status"], "via": {"channel": row["channel"]}, "priority": row["priority"],
        "group": {"name": row["group"]}, "subject": "s", "description": "d", "tags": row["tags"],
        "custom_fields": [{"id": number, "value": value} for number, value in row["fields"].items()],
        "requester_id": row["who"]["number"], "requester": _requester(row["who"]),
        "satisfaction_rating": {"score": "unoffered"},
    }  # fmt: skip


def _audit(row: Row) -> Row:
    return {"id": row["events"][0]["id"], "author_id": 1, "via": {"channel": "web"}, **row}


def _survey(row: Row) -> Row:
    kept = {name: value for name, value in row.items() if name != "who"}
    return {**kept, "requester_id": row["who"]["number"], "requester": _requester(row["who"]), "comment": None}


def _rates(world: World) -> str:
    """Rates from a week before the first day on, never more than seven days apart."""
    rng = Random(str(world.plan.first))
    lines, day, first = ["rate_date,base,quote,rate,published_at"], world.plan.first - 7 * DAY, world.plan.first
    while day <= world.plan.last + 400 * DAY:  # what is said of the future has its rate too
        published = world.start_of(min(max(day, first), world.plan.last)) + timedelta(hours=5)
        lines += [
            f"{day},{base},EUR,{rng.randrange(500_000, 1_500_000) / 1e6:.6f},{iso(published)}"
            for base in ("USD", "GBP")
        ]
        day += rng.randrange(1, 8) * DAY
    return "\n".join(lines) + "\n"
