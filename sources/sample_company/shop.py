"""The shop: orders of goods, downloads and subscriptions.

An order is written once, as it stands at the end of the simulated days: what happens to it later than that has not
happened. How goods travel belongs to `fulfilment.py`, money that goes back to `refunds.py`, tables to `shop_db.py`.
"""

from typing import Any

from sources.sample_company.catalogue import CURRENCY, Catalogue, Product
from sources.sample_company.fulfilment import Journey, Parcel, pack, plan_journey
from sources.sample_company.incidents import LATE_CARRIER
from sources.sample_company.people import COUNTRIES, Person
from sources.sample_company.refunds import OTHER_CARDS, RETURN_REASONS, pay_to_another_card, plan_refund
from sources.sample_company.shop_db import (
    CustomerRow,
    ItemRow,
    OrderRow,
    ShipmentItemRow,
    ShipmentRow,
    ShopDatabase,
)
from sources.sample_company.subscriptions import agree_terms
from sources.sample_company.support import HelpDesk
from sources.sample_company.world import DAY, HOUR, MINUTE, World, pick, sql_text, whole_second

PAYMENT = {"card": 0.55, "paypal": 0.27, "invoice": 0.18}
LINES = {1: 0.42, 2: 0.28, 3: 0.16, 4: 0.09, 5: 0.05}
TICKET_WHEN_LATE = 0.35
TICKET_WHEN_ON_TIME = 0.035
TICKET_WHEN_RETURNED = 0.4


class Shop:
    def __init__(self, world: World, database: ShopDatabase, help_desk: HelpDesk) -> None:
        self.world = world
        self.database = database
        self.help_desk = help_desk
        self.catalogue = Catalogue(world)
        self.basket_rng = world.generator("baskets")
        self.journey_rng = world.generator("fulfilment")
        self.parcel_rng = world.generator("parcels")
        self.refund_rng = world.generator("refunds")
        self.card_rng = world.generator("cards")
        self.complaint_rng = world.generator("complaints")
        self.plan_rng = world.generator("subscriptions")
        self.moving_rng = world.generator("moves")
        tables = ("customers", "orders", "order_items", "refunds", "shipments", "shipment_items")
        self.rows: dict[str, list[Any]] = {table: [] for table in tables}
        counted = ("people", "moves", "subscriptions", "test_orders", "split_orders", "refunds_in_another_currency")
        self.counts = dict.fromkeys((*tables, *counted), 0)
        self.delayed_orders = 0  # by the planted incident
        self.delayed_tickets = 0

    def flush(self) -> None:
        """Write what was ordered since the last time."""
        for table, rows in self.rows.items():
            self.database.insert(table, rows)
            rows.clear()

    def register(self, person: Person) -> None:
        """Write the first row of a customer."""
        assert person.signed_up_at is not None and person.updated_at is not None
        self.counts["people"] += 1
        self._note(person, person.signed_up_at, person.updated_at)

    def note_changes(self, index: int, customers: list[Person]) -> None:
        """Write whose plan ends on the day, and who lives in another country from its first minute on."""
        start, end = self.world.day_start(index), self.world.day_start(index + 1)
        for person in customers:
            moved_at = start + MINUTE if person.moves_day == index else None
            plan_ended_at = person.plan_until if start <= (person.plan_until or 0) < end else None
            for at in sorted(at for at in (moved_at, plan_ended_at) if at is not None):
                told_at = at
                if at == moved_at:
                    elsewhere = {country: weight for country, weight in COUNTRIES.items() if country != person.country}
                    person.country = pick(self.moving_rng, elsewhere)
                    told_at += whole_second(self.moving_rng.uniform(0, 4) * DAY)
                    self.counts["moves"] += 1
                self._note(person, at, told_at)

    def _note(self, person: Person, valid_from: int, told_at: int) -> None:
        """Write what is true of a customer from an instant on; the shop hears of it at another."""
        if max(valid_from, told_at) >= self.world.end:
            return
        self.counts["customers"] += 1
        self.rows["customers"].append(
            CustomerRow(
                customer_id=person.id,
                valid_from=str(sql_text(valid_from)),
                account_id=person.account_id,
                email=person.email,
                full_name=person.full_name,
                phone=person.phone,
                plan=person.plan_at(valid_from),
                country=person.country,
                acquisition_channel=person.acquisition_channel,
                industry=person.industry,
                is_test=int(person.kind == "test"),
                created_at=str(sql_text(person.signed_up_at)),
                updated_at=str(sql_text(told_at)),
            )
        )

    def sell_goods(
        self,
        at: int,
        channel: str,
        buyer: Person | None,
        country: str,
        campaign: str | None,
        *,
        digital: bool = False,
        is_test: bool = False,
    ) -> str:
        """Place an order of goods, or of a download that is delivered as it is paid."""
        rng, at = self.basket_rng, whole_second(at)
        order = self._order(at, channel, buyer, country, campaign, is_test)
        items = self._basket(order, digital)
        if rng.random() < 0.12:
            worth = sum(i.quantity * i.unit_price_cents - i.discount_cents for i in items)
            order.discount_cents = min(worth, 500) if rng.random() < 0.5 else worth // 10
        changes = [at]
        if digital:
            order.status, order.approved_at, order.delivered_at = "delivered", order.placed_at, order.placed_at
        else:
            journey = plan_journey(self.world, self.journey_rng, self.parcel_rng, at, country, channel)
            parcels = pack(self.world, self.parcel_rng, journey, country, [item.quantity for item in items])
            self._ship(order, items, journey, parcels)
            changes += self._travel(order, journey)
            changes += self._refund(order, items, journey, buyer)
            if not is_test:
                self._complain(order, at, buyer, journey)
        self._add(order, items, changes)
        return order.id

    def sell_subscription(self, at: int, channel: str, buyer: Person) -> str:
        """Place an order that recurs, and change the buyer's plan."""
        at = whole_second(at)
        terms = agree_terms(self.world, self.plan_rng, at, buyer)
        order = self._order(at, channel, buyer, buyer.country, buyer.acquisition_channel, False)
        item = self._item(order, 1, terms.product, terms.seats)
        item.discount_cents = terms.discount_cents
        order.billing_interval, order.recurring_cents = terms.interval, terms.recurring_cents
        order.subscription_start = sql_text(terms.started_at) if terms.started_at > at else None
        order.subscription_end = sql_text(terms.ended_at)
        order.approved_at, order.plan = order.placed_at, terms.plan
        changes = [t for t in (at, terms.noticed_at, terms.ended_at) if t is not None and t < self.world.end]
        order.status = "ended" if terms.ended_at is not None and terms.ended_at < self.world.end else "active"
        buyer.plan, buyer.plan_until = terms.plan, terms.ended_at
        self._note(buyer, at, at)
        self.counts["subscriptions"] += 1
        self._add(order, [item], changes)
        return order.id

    def _order(
        self, at: int, channel: str, buyer: Person | None, country: str, campaign: str | None, is_test: bool
    ) -> OrderRow:
        self.counts["orders"] += 1
        self.counts["test_orders"] += is_test
        placed = str(sql_text(at))
        return OrderRow(
            id=f"W{100_000 + self.counts['orders']}",
            customer_id=buyer.id if buyer else None,
            account_id=buyer.account_id if buyer else None,
            placed_at=placed,
            updated_at=placed,
            status="placed",
            channel=channel,
            country=country,
            acquisition_channel=campaign,
            # Who takes an order by telephone does not look up the plan.
            plan=buyer.plan_at(at) if buyer and channel != "phone" else None,
            currency=CURRENCY[country],
            payment_method=pick(self.basket_rng, PAYMENT),
            is_test=int(is_test),
            notes="please ring twice" if self.basket_rng.random() < 0.03 else None,
        )

    def _item(self, order: OrderRow, line: int, product: Product, quantity: int) -> ItemRow:
        return ItemRow(
            id=f"{order.id}-{line}",
            order_id=order.id,
            product_id=product.id,
            product_name=product.name,
            category=product.category,
            quantity=quantity,
            unit_price_cents=product.price_cents,
            discount_cents=0,
            requires_shipping=int(product.requires_shipping),
            updated_at=order.updated_at,
        )

    def _basket(self, order: OrderRow, digital: bool) -> list[ItemRow]:
        rng, items = self.basket_rng, []
        for line in range(1, 1 + (1 if digital else pick(rng, LINES))):
            category = "plans" if digital else pick(rng, self.catalogue.weights)
            product = rng.choice(self.catalogue.products[category])
            item = self._item(order, line, product, rng.randint(1, product.most_units))
            if rng.random() < 0.08:
                item.discount_cents = item.quantity * item.unit_price_cents * rng.choice((10, 15, 20)) // 100
            items.append(item)
        return items

    def _ship(self, order: OrderRow, items: list[ItemRow], journey: Journey, parcels: list[Parcel]) -> None:
        """Write the parcels that were packed; the shop touches what is in one whenever it touches the parcel."""
        written = 0
        for parcel in parcels:
            stages = (parcel.packed_at, parcel.shipped_at, parcel.delivered_at)
            packed, shipped, delivered = (journey.happened(at, self.world.end) for at in stages)
            if packed is None:
                continue
            written += 1
            shipment = ShipmentRow(
                id=f"{order.id}-P{written}",
                order_id=order.id,
                carrier=parcel.carrier,
                warehouse=parcel.warehouse,
                country=order.country,
                packed_at=str(sql_text(packed)),
                shipped_at=sql_text(shipped),
                delivered_at=sql_text(delivered),
                updated_at=str(sql_text(max(at for at in (packed, shipped, delivered) if at is not None))),
            )
            contents = [
                ShipmentItemRow(shipment.id, order.id, items[line].id, units, shipment.updated_at)
                for line, units in parcel.units
            ]
            self.rows["shipments"].append(shipment)
            self.rows["shipment_items"].extend(contents)
            self.counts["shipment_items"] += len(contents)
        self.counts["shipments"] += written
        self.counts["split_orders"] += written > 1

    def _travel(self, order: OrderRow, journey: Journey) -> list[int]:
        """Write the stages that were reached into the order; the instants at which it changed."""
        changes = []
        for stage in ("approved", "picked", "shipped", "delivered"):
            at = journey.happened(getattr(journey, f"{stage}_at"), self.world.end)
            if at is not None:
                setattr(order, f"{stage}_at", sql_text(at))
                order.status = stage
                changes.append(at)
        order.warehouse = journey.warehouse
        order.carrier = journey.carrier if order.shipped_at else None
        order.promised_at = sql_text(journey.promised_at)
        order.promised_date = journey.promised_date.isoformat() if journey.promised_date else None
        order.ship_by = sql_text(journey.ship_by)
        if journey.is_late and journey.promise_ends_at < self.world.end and self.parcel_rng.random() < 0.6:
            # The buyer is told another day; that does not make the order punctual.
            missed_day = self.world.index_of(journey.promise_ends_at)
            order.new_promise_at = sql_text(self.world.at_hour(missed_day + 5, 18))
            changes.append(journey.promise_ends_at)
        if journey.cancelled_at is not None and journey.cancelled_at < self.world.end:
            order.status, order.cancelled_by = "cancelled", journey.cancelled_by
            order.cancelled_at = sql_text(journey.cancelled_at)
            changes.append(journey.cancelled_at)
        return changes

    def _refund(self, order: OrderRow, items: list[ItemRow], journey: Journey, buyer: Person | None) -> list[int]:
        planned = plan_refund(self.world, self.refund_rng, order, items, journey)
        if planned is None:
            return []
        at, refund = planned
        self.counts["refunds"] += 1
        if self.card_rng.random() < OTHER_CARDS:
            pay_to_another_card(self.card_rng, refund)
            self.counts["refunds_in_another_currency"] += 1
        refund.id = f"R{50_000 + self.counts['refunds']}"
        self.rows["refunds"].append(refund)
        if refund.reason in RETURN_REASONS and self.refund_rng.random() < TICKET_WHEN_RETURNED:
            asked_at = max(journey.delivered_at + HOUR, at - self.refund_rng.randint(20, 60) * HOUR)
            self.help_desk.request(asked_at, "return", buyer, order_id=order.id, country=order.country)
        return [at]

    def _complain(self, order: OrderRow, at: int, buyer: Person | None, journey: Journey) -> None:
        """Late orders are asked about; a few others too."""
        rng = self.complaint_rng
        if journey.hit_by_incident and journey.cancelled_at is None:
            self.delayed_orders += 1
        late_chance = LATE_CARRIER.effect["ticket_probability"] if journey.hit_by_incident else TICKET_WHEN_LATE
        asks, waited = rng.random(), rng.uniform(1, 40)
        if journey.is_late:
            if asks < late_chance:
                asked_at = int(journey.promise_ends_at + waited * HOUR)
                self.delayed_tickets += journey.hit_by_incident and asked_at < self.world.end
                self.help_desk.request(asked_at, "delivery_late", buyer, order_id=order.id, country=order.country)
        elif journey.cancelled_at is None and asks < TICKET_WHEN_ON_TIME:
            asked_at = int(at + DAY + waited * 30 * MINUTE)
            self.help_desk.request(asked_at, "delivery_status", buyer, order_id=order.id, country=order.country)

    def _add(self, order: OrderRow, items: list[ItemRow], changes: list[int]) -> None:
        # The shop touches all lines of an order whenever it touches the order.
        order.updated_at = str(sql_text(max(changes)))
        for item in items:
            item.updated_at = order.updated_at
        self.counts["order_items"] += len(items)
        self.rows["orders"].append(order)
        self.rows["order_items"].extend(items)
