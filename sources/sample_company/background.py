"""What happens beside the people in the app: other sales channels, newsletters, bots, strangers, test runs.

Also the rows that lie exactly at a midnight, planted because a boundary is where rows get lost.
"""

from datetime import date

from sources.sample_company.collector import Collector, Event
from sources.sample_company.people import ACQUISITION, COUNTRIES, Person, Population
from sources.sample_company.shop import Shop
from sources.sample_company.support import HelpDesk
from sources.sample_company.world import (
    DAY,
    HOUR,
    MINUTE,
    OFFICE_WEEKDAYS,
    SECOND,
    SHOP_WEEKDAYS,
    World,
    pick,
    poisson,
    scaled,
)

BOTS = ("bot-5f1c2a", "bot-91d07e", "bot-c3aa48")
BOT_USER_AGENT = "Mozilla/5.0 (compatible; PlankCrawler/2.1; +https://crawler.example/bot)"
# First days of quarters, the days on which the clock changes and those after them, an ordinary day.
MIDNIGHT_DAYS = (
    date(2025, 10, 1),
    date(2025, 10, 26),
    date(2025, 10, 27),
    date(2026, 1, 1),
    date(2026, 2, 10),
    date(2026, 3, 29),
    date(2026, 3, 30),
)
STRANGERS_REASONS = {"how_to": 0.4, "delivery_status": 0.3, "billing": 0.2, "account": 0.1}


class Background:
    def __init__(
        self, world: World, population: Population, collector: Collector, shop: Shop, help_desk: HelpDesk
    ) -> None:
        self.world, self.population = world, population
        self.collector, self.shop, self.help_desk = collector, shop, help_desk
        self.sales_rng = world.generator("other sales")
        self.mail_rng = world.generator("newsletters")
        self.bot_rng = world.generator("bots")
        self.stranger_rng = world.generator("strangers")
        self.midnights: list[str] = []

    def live_day(self, index: int) -> None:
        self._sales(index)
        self._newsletter(index)
        self._bots(index)
        self._strangers(index)
        self._tests(index)
        if self.world.day(index) in MIDNIGHT_DAYS:
            self._midnights(index)

    def _daytime(self, index: int) -> int:
        return self.world.at_hour(index, 7) + int(self.sales_rng.betavariate(2, 2) * 15 * HOUR)

    def _sales(self, index: int) -> None:
        """Orders by phone in office hours, and those of a marketplace that does not say who buys."""
        rng, world = self.sales_rng, self.world
        weekday = world.weekday(index)
        market = 5.2 * world.scale * world.growth(index) * SHOP_WEEKDAYS[weekday]
        for _ in range(poisson(rng, market)):
            self._marketplace(self._daytime(index), digital=rng.random() < 0.12)
        if weekday < 5:
            for _ in range(poisson(rng, 2.7 * world.scale * world.growth(index))):
                at = world.at_hour(index, 8) + rng.randrange(10 * HOUR)
                buyer = self.population.random_customer(rng, at)
                if buyer is not None:
                    self.shop.sell_goods(at, "phone", buyer, buyer.country, None)

    def _marketplace(self, at: int, digital: bool = False) -> str:
        rng = self.sales_rng
        buyer = self.population.random_customer(rng, at) if rng.random() < 0.3 else None
        country = buyer.country if buyer else pick(rng, COUNTRIES)
        source = buyer.acquisition_channel if buyer else pick(rng, ACQUISITION)
        return self.shop.sell_goods(at, "marketplace", buyer, country, source, digital=digital)

    def _newsletter(self, index: int) -> None:
        """A newsletter on every second Thursday: passive, nobody has to do anything to receive it."""
        if self.world.weekday(index) != 3 or (index // 7) % 2:
            return
        sent_at = self.world.at_hour(index, 9)
        for person in self.population.customers():
            if person.kind == "customer" and self.mail_rng.random() < 0.4:
                self._mail(person, sent_at + self.mail_rng.randrange(40 * MINUTE))

    def _mail(self, person: Person, at: int) -> None:
        properties = {"template": "newsletter", "country": person.country, "plan": person.plan_at(at)}
        self.collector.collect(
            Event(at, "email_delivered", None, None, person.id, person.email, None, None, properties)
        )

    def _bots(self, index: int) -> None:
        rng, world = self.bot_rng, self.world
        for number, bot in enumerate(BOTS):
            if world.weekday(index) != 2 * number:
                continue
            at = world.day_start(index) + 3 * HOUR + rng.randrange(HOUR)
            for _ in range(scaled(14, world.scale)):
                at += rng.randrange(2 * SECOND, 40 * SECOND)
                properties = {"platform": "web", "country": "US", "session_id": f"s-{bot}-{index}"}
                self.collector.collect(
                    Event(at, "visited", "web", bot, None, None, None, "203.0.113.9", properties, BOT_USER_AGENT)
                )

    def _strangers(self, index: int) -> None:
        """Tickets of people whom the shop does not know, and spam."""
        rng, world = self.stranger_rng, self.world
        volume = world.scale * world.growth(index) * OFFICE_WEEKDAYS[world.weekday(index)]
        for _ in range(poisson(rng, 0.7 * volume)):
            at = self._any_time(index)
            self.help_desk.request(at, pick(rng, STRANGERS_REASONS), None, country=pick(rng, COUNTRIES))
        for _ in range(poisson(rng, 0.3 * world.scale)):
            self.help_desk.request(self._any_time(index), "other", None, tag="spam")

    def _any_time(self, index: int) -> int:
        return self.world.day_start(index) + self.stranger_rng.randrange(6 * HOUR, 22 * HOUR)

    def _tests(self, index: int) -> None:
        """Test customers order and ask about once a week; now and then somebody of the staff asks too, or tries an
        order in the name of a customer: then nothing but the mark on the order tells that it is a test."""
        rng = self.stranger_rng
        for person in self.population.of_kind("test"):
            if rng.random() < 0.12:
                self.shop.sell_goods(self._any_time(index), "web", person, person.country, None, is_test=True)
            if rng.random() < 0.03:
                self.help_desk.request(self._any_time(index), "how_to", person, country=person.country, tag="test")
        if rng.random() < 0.08 and (customer := self.population.random_customer(rng, self.world.day_start(index))):
            self.shop.sell_goods(self._any_time(index), "web", customer, customer.country, None, is_test=True)
        if rng.random() < 0.1:
            staff = rng.choice(self.population.of_kind("staff"))
            self.help_desk.request(self._any_time(index), "bug", staff, country=staff.country)

    def _midnights(self, index: int) -> None:
        """One event, one order and one ticket at the first instant of the local day and of the UTC day."""
        world = self.world
        utc_midnight = (world.day_start(index) + 12 * HOUR) // DAY * DAY
        person = next(
            p
            for p in self.population.people
            if p.kind == "customer" and p.signed_up_at and p.devices[0].platform == "ios"
        )
        device = person.devices[0]
        for at in (world.day_start(index), utc_midnight):
            properties = {"platform": "ios", "country": person.country, "plan": person.plan_at(at)}
            for received_at in (at, at + 300):
                visit = Event(
                    at, "visited", "ios", device.anonymous_id, person.id, person.email, None, "198.51.100.7", properties
                )
                self.collector.collect(visit, received_at=received_at)
            self._marketplace(at, digital=True)
            self.help_desk.request(at, "account", person, country=person.country)
            self.midnights.append(world.day(index).isoformat())
        # And the last second of the day before, which is still that day.
        self._marketplace(world.day_start(index) - SECOND, digital=True)
