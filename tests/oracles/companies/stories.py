"""What happens in a small company: each story is one person's use, order, ticket or survey, with a seed of its own.

A company is a list of stories, so that Hypothesis makes it smaller by leaving some out. Instants crowd at the edges that
definitions have: local midnights, days on which the clocks change, the last instant of a window and the one after it.
How rows are written into files belongs to `files.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
EDGES = (timedelta(0), timedelta(minutes=30), *(n * DAY for n in (1, 7, 14, 28, 30, 90)))
CURRENCIES = ("EUR", "EUR", "USD", "GBP")
PLATFORMS, COUNTRIES, PLANS = ("web", "ios", None, ""), ("DE", "US", None), ("free", "maker", None)
CHANNELS, CATEGORIES = ("search", "ads", None), ("tools", "wood", None)
INDUSTRIES, PAYMENTS = ("craft", "school", None), ("card", "invoice", None)
ORDER_CHANNELS, CARRIERS, WAREHOUSES = ("web", "phone", None), ("swift", "parcel", None), ("north", "south", None)
EVENTS = ("visited", "signed_up", "project_created", "checkout_started", "feature_used", "email_delivered", None)
FEATURES = ("designer", "cut_list", None)
PRIORITIES, GROUPS, REASONS = (
    ("urgent", "high", "normal", "low", None),
    ("frontline", "experts", None),
    ("how_to", "bug", None),
)

STEPS = (
    "status",
    "status",
    "status",
    "agent",
    "agent",
    "bot",
    "handoff",
    "priority",
    "group",
    "escalate",
    "merge",
    "note",
)


@dataclass(frozen=True)
class Story:
    kind: str
    seed: int


@dataclass(frozen=True)
class Plan:
    """A company before anything has happened in it. `people` is how many the stories are about."""

    zone: str
    first: date
    days: int
    settle_days: int
    people: int
    stories: tuple[Story, ...]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.days - 1)


@dataclass
class World:
    """The rows of the company's systems, by table or export; what is last said of a customer is its history."""

    plan: Plan
    rows: dict[str, list[Row]] = field(default_factory=dict)
    customers: dict[str, list[Row]] = field(default_factory=dict)
    parcels: int = 0
    sightings: set[tuple[str, datetime]] = field(default_factory=set)

    def add(self, table: str, **row: Any) -> Row:
        self.rows.setdefault(table, []).append(row)
        return row

    def start_of(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.plan.zone)).astimezone(UTC)

    @property
    def end(self) -> datetime:
        return self.start_of(self.plan.last + DAY)

    def moment(self, rng: Random, before: int = 0) -> datetime:
        """An instant of the company's days; up to so many days before the first one."""
        day = self.plan.first + timedelta(days=rng.randrange(-before, self.plan.days))
        start, chance = self.start_of(day), rng.random()
        if chance < 0.1:
            return start
        if chance < 0.2:
            return start - SECOND if day > self.plan.first else start
        return start + timedelta(seconds=rng.randrange(24 * 3600), milliseconds=rng.choice((0, 0, 500)))

    def later(self, rng: Random, at: datetime, hours: float) -> datetime:
        """An instant some hours later, often at the edge of a window or at a local midnight."""
        chance = rng.random()
        if chance < 0.25:
            return at + max(rng.choice(EDGES) + rng.choice((-SECOND, timedelta(0), SECOND)), timedelta(0))
        if chance < 0.35:
            return max(at, self.start_of((at + timedelta(hours=hours)).astimezone(ZoneInfo(self.plan.zone)).date()))
        return at + timedelta(seconds=int(rng.expovariate(1 / (hours * 3600))))

    def sighted(self, device: str, at: datetime) -> datetime:
        """An instant at or just after this one at which nobody else was seen with the device."""
        while (device, at) in self.sightings:
            at += timedelta(milliseconds=1)
        self.sightings.add((device, at))
        return at

    def person(self, rng: Random) -> str:
        return f"cus_{rng.randrange(self.plan.people)}"

    def before(self, rng: Random, table: str) -> Row | None:
        """Something that is there already, for what follows from it; now and then nothing."""
        rows = self.rows.get(table)
        return rng.choice(rows) if rows and rng.random() < 0.6 else None

    def soon(self, rng: Random, at: datetime, hours: float) -> datetime:
        """An instant some hours later, if it lies in the company's days."""
        later = self.later(rng, at, hours)
        return later if self.start_of(self.plan.first) <= later < self.end else self.moment(rng)


def iso(at: datetime | None) -> str | None:
    """The time as the systems write it; milliseconds are written where there are any."""
    if at is None:
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{at.microsecond // 1000:03}" if at.microsecond else "") + "Z"


def usage(world: World, rng: Random, number: int) -> None:
    """One person on one device for some weeks: anonymous, logging in at times, at times as somebody else."""
    user, device = world.person(rng), f"device{rng.randrange(world.plan.people)}"
    platform, country, plan = rng.choice(PLATFORMS), rng.choice(COUNTRIES), rng.choice(PLANS)
    at, is_anonymous, is_converting = world.moment(rng, before=3), rng.random() < 0.6, rng.random() < 0.25
    for step in range(rng.randrange(1, 14)):
        name = EVENTS[step] if is_converting and step < 3 else rng.choice(EVENTS)
        user_id = None if is_anonymous and name is not None and rng.random() < 0.8 else user
        if rng.random() < 0.1:
            user_id = world.person(rng)
        device_id = device if user_id is None or rng.random() < 0.7 else None
        if device_id and user_id:  # who of two at one instant is seen first, no definition says
            at = world.sighted(device_id, at)
        event = world.add(
            "usage",
            id=f"{number}-{step}",
            name=name,
            at=at,
            received=at + (rng.random() < 0.1) * rng.choice((-2 * HOUR, 5 * HOUR, 4 * DAY)),
            device=device_id,
            user=f" {user_id.upper()} " if user_id and rng.random() < 0.1 else user_id,
            session=f"s{number}-{step // 5}" if rng.random() < 0.3 else None,
            platform=platform if rng.random() < 0.8 else rng.choice(PLATFORMS),
            country=country,
            plan=plan,
            campaign=rng.choice(CHANNELS),
            feature=_in_words_of_a_system(rng.choice(FEATURES), number),
            errors=rng.choice((None, 0, 0, 1, 3)),
            agent="crawlbot/1.0" if rng.random() < 0.005 else None,
            email="someone@werkraum.example" if rng.random() < 0.005 else None,
        )
        if rng.random() < 0.05:
            again = event | {"received": event["received"] + rng.choice((SECOND, DAY))}
            world.add("usage", **again | ({"feature": "designer"} if rng.random() < 0.5 else {}))
        at = world.later(rng, at, rng.choice((0.2, 0.4, 20, 100, 400)))


def customer(world: World, rng: Random, number: int) -> None:
    """A person whom the shop knows, and what became of it: a row from each instant on at which something changed."""
    visit = world.before(rng, "usage")
    at = world.later(rng, visit["at"], 20) if visit else world.moment(rng, before=30)
    user = visit["user"].strip().lower() if visit and visit["user"] else None
    row = Row(
        customer_id=(user or f"cus_{number % world.plan.people}") if rng.random() < 0.97 else "staff_11",
        account_id=f"acc_{rng.randrange(3)}" if rng.random() < 0.5 else None,
        email="a@werkraum.example" if rng.random() < 0.03 else "a@b.example",
        full_name="A", phone="1",
        plan=rng.choice(PLANS),
        country=rng.choice(COUNTRIES),
        acquisition_channel=rng.choice(CHANNELS),
        is_test=int(rng.random() < 0.03),
        created_at=iso(at),
    )  # fmt: skip
    first = world.start_of(world.plan.first)
    history: dict[str, Row] = {}
    for change in range(rng.choice((1, 1, 2, 3))):
        if change:
            at = world.later(rng, at, 400)
            row |= Row(plan=rng.choice(PLANS), country=rng.choice(COUNTRIES), account_id=f"acc_{rng.randrange(3)}")
        landed = max(min(at, world.end - SECOND), first) if rng.random() < 0.95 else world.end
        changed = {"valid_from": iso(at), "updated_at": iso(landed), "industry": rng.choice(INDUSTRIES)}
        history[changed["valid_from"]] = row | changed
    world.customers[row["customer_id"]] = list(history.values())


def order(world: World, rng: Random, number: int) -> None:
    """An order with its lines, what is sent, what comes back, and whether it goes on as a subscription."""
    visit, order_id, currency = world.before(rng, "usage"), f"ord_{number:04}", rng.choice(CURRENCIES)
    at = world.soon(rng, visit["at"], 60) if visit else world.moment(rng)
    buyer = (visit and visit["user"]) or world.person(rng)
    later: Callable[[float], datetime] = lambda hours: world.later(rng, at, hours)  # noqa: E731
    lines = [_line(rng, order_id, n) for n in range(rng.choice((0, 1, 1, 1, 2, 3)) if rng.random() < 0.3 else 2)]
    value = sum(line["unit_price_cents"] * line["quantity"] - line["discount_cents"] for line in lines)
    cancelled_at = later(80) if rng.random() < 0.2 else None
    promise = later(150) if rng.random() < 0.8 else None
    is_date = rng.random() < 0.5
    approved = later(3) if rng.random() < 0.9 else None
    recurs = rng.choice(("week", "month", "quarter", "year")) if rng.random() < 0.2 else None
    started = later(24) if recurs and rng.random() < 0.7 else None
    row = Row(
        id=order_id, customer_id=buyer if rng.random() < 0.9 else None,
        account_id=f"acc_{rng.randrange(3)}" if rng.random() < 0.3 else None, placed_at=iso(at), status="any",
        channel=rng.choice(ORDER_CHANNELS), country=rng.choice(COUNTRIES), acquisition_channel=rng.choice(CHANNELS),
        plan=rng.choice(PLANS), currency=currency, payment_method=rng.choice(PAYMENTS), notes=None,
        is_test=int(rng.random() < 0.03),
        discount_cents=rng.randrange(value + 1) if rng.random() < 0.3 else 0, warehouse=rng.choice(WAREHOUSES),
        approved_at=iso(approved), picked_at=iso(world.later(rng, approved, 5)) if approved and rng.random() < 0.9 else None,
        promised_at=iso(promise) if promise and not is_date else None,
        promised_date=promise.date().isoformat() if promise and is_date else None,
        ship_by=iso(later(40)) if rng.random() < 0.8 else None, cancelled_at=iso(cancelled_at),
        cancelled_by=rng.choice(("customer", "merchant", None)) if cancelled_at else None, billing_interval=recurs,
        recurring_cents=rng.randrange(5000) if recurs and len(lines) == 1 and rng.random() < 0.8 else None,
        subscription_start=iso(started),
        subscription_end=iso(world.later(rng, started or at, 400)) if recurs and rng.random() < 0.5 else None,
    )  # fmt: skip
    updated = iso(min(later(200), world.end - SECOND) if rng.random() < 0.97 else world.end)
    world.add("orders", **row, updated_at=updated)
    for line in lines:
        world.add("order_items", **line, updated_at=updated)
    _send(world, rng, order_id, at, lines)
    left = value - row["discount_cents"]
    for n in range(rng.choice((0, 0, 0, 1, 2)) if lines else 0):
        line = rng.choice((None, *lines))
        amount = rng.choice((left, rng.randrange(left + 1), 0))
        left -= amount
        refunded = later(200)
        world.add(
            "refunds", id=f"ref_{number}_{n}", order_id=order_id, item_id=line and line["id"],
            currency=currency if rng.random() < 0.8 else rng.choice(CURRENCIES),
            amount_cents=amount, reason="any", created_at=iso(refunded),
            returned_quantity=rng.randrange((line["quantity"] if line else 2) + 1) if rng.random() < 0.7 else None,
            returned_at=iso(later(300)) if rng.random() < 0.5 else None,
            updated_at=iso(min(max(refunded, at), world.end - SECOND)),
        )  # fmt: skip


def _line(rng: Random, order_id: str, n: int) -> Row:
    quantity, price = rng.choice((1, 1, 2, 3, 0)), rng.choice((0, 1, 333, 1999, 12_345))
    return Row(
        id=f"{order_id}_{n}", order_id=order_id, product_id="p", product_name="P", category=rng.choice(CATEGORIES),
        quantity=quantity, unit_price_cents=price, requires_shipping=int(rng.random() < 0.8),
        discount_cents=rng.randrange(quantity * price + 1) if rng.random() < 0.3 else 0,
    )  # fmt: skip


def _send(world: World, rng: Random, order_id: str, at: datetime, lines: list[Row]) -> None:
    """Up to three parcels, with all units of the lines or some of them."""
    waiting = [line["id"] for line in lines if line["requires_shipping"] for _ in range(line["quantity"])]
    for _ in range(rng.choice((0, 1, 1, 2, 3)) if waiting else 0):
        world.parcels += 1
        parcel = f"shp_{world.parcels:04}"
        shipped = world.later(rng, at, 40) if rng.random() < 0.9 else None
        delivered = world.later(rng, shipped, 50) if shipped and rng.random() < 0.85 else None
        updated = iso(min(delivered or shipped or at, world.end - SECOND))
        world.add(
            "shipments", id=parcel, order_id=order_id, carrier=rng.choice(CARRIERS), warehouse=rng.choice(WAREHOUSES),
            country=rng.choice(COUNTRIES), packed_at=iso(at), shipped_at=iso(shipped), delivered_at=iso(delivered),
            updated_at=updated,
        )  # fmt: skip
        inside = waiting[: rng.choice((1, len(waiting), len(waiting)))]
        waiting = waiting[len(inside) :]
        for line_id in sorted(set(inside)):
            world.add(
                "shipment_items", shipment_id=parcel, order_id=order_id, item_id=line_id,
                quantity=inside.count(line_id), updated_at=updated,
            )  # fmt: skip


def _in_words_of_a_system(feature: str | None, number: int) -> str | None:
    """Half of the systems call the cutting list otherwise: the feature map of the sample's profile knows."""
    return "cutting_lists" if feature == "cut_list" and number % 2 else feature


def ticket(world: World, rng: Random, number: int) -> None:
    """A ticket from its opening to wherever it got, with every change of it."""
    ticket_id, who, about = 30_000 + number, _requester(world, rng), world.before(rng, "orders")
    at = world.soon(rng, datetime.fromisoformat(about["placed_at"]), 200) if about else world.moment(rng)
    fields = dict.fromkeys(range(360_001, 360_006))
    fields[360_001], fields[360_003] = rng.choice(REASONS), _in_words_of_a_system(rng.choice(FEATURES), number)
    fields[360_002] = about["id"] if about else rng.choice((None, "ord_9999"))
    row = Row(
        id=ticket_id, created_at=at, status="new", channel=rng.choice(("email", "chat", None)), fields=fields, who=who,
        priority=rng.choice(PRIORITIES), group=rng.choice(GROUPS), updated=at,
        tags=[rng.choice(("spam", "test"))] if rng.random() < 0.05 else [],
    )  # fmt: skip
    opening = [{"type": "Create", "field_name": name, "value": row[name]} for name in ("status", "priority", "group")]
    audits = [_audit(world, rng, ticket_id, at, "customer", [*opening, _comment(public=True)])]
    for _ in range(rng.randrange(9)):
        at = world.later(rng, at, rng.choice((0.5, 8, 60)))
        if at >= world.end or row["status"] == "deleted" or fields[360_004]:
            break
        author, changes = _next_step(world, rng, row)
        row["updated"] = at
        audits.append(_audit(world, rng, ticket_id, at, author, changes))
    world.add("tickets", **row)


def _next_step(world: World, rng: Random, row: Row) -> tuple[str, list[Row]]:
    """Who does what to the ticket next; the row is changed along."""
    step = rng.choice(STEPS)
    if step == "agent":
        return "agent", [_comment(public=True), *(_status(rng, row) if rng.random() < 0.5 else [])]
    if step == "bot":
        return "bot", [_comment(public=True), *(_status(rng, row) if rng.random() < 0.3 else [])]
    if step == "note":
        return rng.choice(("agent", "customer")), [_comment(public=rng.random() < 0.5)]
    if step in ("handoff", "group"):
        return "bot" if step == "handoff" else "agent", [_change(row, "group", rng.choice(GROUPS))]
    if step == "priority":
        return "agent", [_change(row, "priority", rng.choice(PRIORITIES))]
    if step == "escalate":
        row["fields"][360_005] = "true"
        return "agent", [{"type": "Change", "field_name": "escalated", "value": "true", "previous_value": None}]
    if step == "merge" and rng.random() < 0.4:
        survivor = world.before(rng, "tickets")
        row["fields"][360_004] = str(survivor["id"] if survivor else 39_999)
        merged = {
            "type": "Change",
            "field_name": "merged_into",
            "value": row["fields"][360_004],
            "previous_value": None,
        }
        return "agent", [merged, *([_change(row, "status", "closed")] if rng.random() < 0.7 else [])]
    return rng.choice(("agent", "customer")), _status(rng, row)


def _status(rng: Random, row: Row) -> list[Row]:
    value = rng.choice(("open", "open", "pending", "hold", "solved", "solved", "solved", "closed", "deleted"))
    return [_change(row, "status", "open" if value == "deleted" and rng.random() < 0.8 else value)]


def _change(row: Row, name: str, value: str | None) -> Row:
    previous, row[name] = row[name], value
    return {"type": "Change", "field_name": name, "value": value, "previous_value": previous}


def _comment(*, public: bool) -> Row:
    return {"type": "Comment", "public": public, "body": "text"}


def _audit(world: World, rng: Random, ticket_id: int, at: datetime, author: str, events: list[Row]) -> Row:
    """Written down under ids that grow within the ticket."""
    taken = sum(len(audit["events"]) for audit in world.rows.get("audits", []))
    numbered = [{"id": 5_000_001 + taken + n, **event} for n, event in enumerate(events)]
    return world.add("audits", ticket_id=ticket_id, created_at=iso(at), author={"type": author}, events=numbered)


def survey(world: World, rng: Random, number: int) -> None:
    """A question about a ticket, an order or nothing, and the answer if there is one."""
    kind = rng.choice(("csat", "nps"))
    at, who, about = world.moment(rng), _requester(world, rng), world.before(rng, "tickets")
    answered = world.later(rng, at, 60) if rng.random() < 0.7 else None
    answered = answered if answered and answered < world.end else None
    world.add(
        "surveys", id=f"{kind}_{number:04}", kind=kind, who=who, sent_via=rng.choice(("email", "chat", None)),
        ticket_id=(about["id"] if about else rng.choice((None, 39_999))) if kind == "csat" else None, order_id=None,
        offered_at=iso(at), answered_at=iso(answered), updated_at=iso(answered or at),
        score=(rng.randrange(1, 6) if kind == "csat" else rng.randrange(11)) if answered else None,
    )  # fmt: skip


def _requester(world: World, rng: Random) -> Row:
    """Somebody whom the shop knows, or not."""
    number = rng.randrange(world.plan.people)
    return Row(
        number=7_000_000 + number, external_id=f"cus_{number}" if rng.random() < 0.8 else None,
        email="b@werkraum.example" if rng.random() < 0.03 else "a@b.example",
        organization=f"acc_{rng.randrange(3)}" if rng.random() < 0.3 else None,
        country=rng.choice(COUNTRIES), plan=rng.choice(PLANS),
    )  # fmt: skip


KINDS: dict[str, Callable[[World, Random, int], None]] = {
    "usage": usage, "customer": customer, "order": order, "ticket": ticket, "survey": survey,
}  # fmt: skip


def happened(plan: Plan) -> World:
    """Everything that the stories come to, one after another: a story may follow from what there is already."""
    world = World(plan)
    for number, story in enumerate(plan.stories):
        KINDS[story.kind](world, Random(story.seed), number)
    world.rows["customers"] = [row for history in world.customers.values() for row in history]
    return world
