"""What people do in the app: visits, sign-ups, features, checkouts.

An event goes to the collector, a checkout that succeeds to the shop, a question to the help-desk.
"""

from collections import Counter
from typing import Any

from sources.sample_company.collector import Collector, Event
from sources.sample_company.incidents import CHECKOUT_BUG, FEATURE_RELEASE
from sources.sample_company.people import ACQUISITION, COUNTRIES, PLATFORMS, Device, Person, uuid
from sources.sample_company.shop import Shop
from sources.sample_company.support import HelpDesk
from sources.sample_company.world import APP_WEEKDAYS, DAY, HOUR, MINUTE, SECOND, World, pick, poisson

# How likely a session starts in each hour of the day, in the local time of the company.
HOURS = (2, 1, 1, 1, 1, 2, 6, 14, 24, 30, 32, 31, 28, 29, 31, 30, 28, 27, 30, 36, 38, 32, 20, 8)
NEW_FEATURE = FEATURE_RELEASE.segment["feature"]
FEATURES = {
    "free": {"material_finder": 5.0, "templates": 5.0, "cut_list": 3.0, "sharing": 1.5},
    "maker": {"cut_list": 6.0, "material_finder": 4.0, "templates": 3.0, "sharing": 2.0},
    "studio": {"cut_list": 5.0, "sharing": 5.0, "material_finder": 3.0, "templates": 2.0},
}
ACTIONS = {"feature_used": 0.44, "project_saved": 0.30, "project_created": 0.13, "file_exported": 0.13}
ERROR_RATES = {"web": 0.012, "ios": 0.016, "android": 0.024}
QUESTIONS = {"how_to": 0.38, "bug": 0.22, "billing": 0.16, "account": 0.13, "feature_request": 0.11}
# The app whose library is too old to say who somebody is beyond the id: country and plan are the customer's.
OLD_LIBRARY = "android"
CHECKOUT_SHARE = 0.21
QUESTION_SHARE = 0.056


class Usage:
    def __init__(self, world: World, collector: Collector, shop: Shop, help_desk: HelpDesk) -> None:
        self.world, self.collector, self.shop, self.help_desk = world, collector, shop, help_desk
        self.rng = world.generator("sessions")
        self.checkout_rng = world.generator("checkouts")
        self.visitor_rng = world.generator("visitors")
        self.lost_orders = 0  # by the broken checkout
        self.counts: Counter[str] = Counter()
        self._release_at = world.midnight(FEATURE_RELEASE.first_day)

    def live_day(self, index: int, people: list[Person]) -> None:
        """One day of everybody who uses the app."""
        rng = self.rng
        for person in people:
            if person.signed_up_at is None:
                is_active = index in (person.first_visit_day, person.sign_up_day) or rng.random() < 0.2
            else:
                is_active = rng.random() < min(0.95, person.rate * APP_WEEKDAYS[self.world.weekday(index)])
            if not is_active:
                continue
            for _ in range(2 if rng.random() < 0.18 else 1):
                start = self._time_of_day(index, person.country)
                if person.signed_up_at is None:
                    self._newcomer(person, start, index)
                else:
                    self._session(person, self._device(person, index), start)
        self._visitors(index)

    def _time_of_day(self, index: int, country: str) -> int:
        rng = self.rng
        hour = rng.choices(range(24), weights=HOURS)[0] + (6 if country == "US" else 0)
        return self.world.day_start(index) + hour * HOUR + rng.randrange(HOUR)

    def _device(self, person: Person, index: int) -> Device:
        if person.second_device_day is not None and index >= person.second_device_day and self.rng.random() < 0.45:
            return person.devices[1]
        return person.devices[0]

    def _newcomer(self, person: Person, start: int, index: int) -> None:
        """Visits of somebody who has no account yet, up to the sign-up."""
        rng, device = self.rng, person.devices[0]
        tell = _Teller(self, device, person, start)
        campaign = None if person.acquisition_channel == "organic" else person.acquisition_channel
        tell("visited", campaign=campaign, page="landing")
        if rng.random() < 0.4:
            tell("feature_used", feature="templates")
        if index < person.sign_up_day or tell.at + HOUR >= self.world.end:
            return
        device.user_id = person.id
        tell("identify")
        tell("signed_up", campaign=campaign)
        person.signed_up_at = person.updated_at = tell.at // SECOND * SECOND
        if rng.random() < 0.2:  # completes the address some days later
            person.updated_at = min(person.signed_up_at + rng.randint(1, 30) * DAY, self.world.end - SECOND)
        self.shop.register(person)
        if rng.random() < 0.55:
            tell("project_created", feature="designer")
        self._work(tell, person)

    def _session(self, person: Person, device: Device, start: int) -> None:
        rng = self.rng
        tell = _Teller(self, device, person, start)
        tell("visited", page="home")
        if device.user_id != person.id:  # logged out, or somebody else's
            if rng.random() < 0.2:
                return
            device.user_id = person.id
            tell("identify")
            tell("logged_in")
        self._work(tell, person)
        if rng.random() < 0.03:
            device.user_id = None

    def _work(self, tell: "_Teller", person: Person) -> None:
        rng, platform = self.rng, tell.device.platform
        for _ in range(min(12, int(rng.expovariate(1 / 2.4)))):
            action = pick(rng, ACTIONS)
            if action == "feature_used":
                tell(action, feature=self._feature(person, tell.at))
            elif action == "project_created":
                tell(action, feature="designer")
            else:
                feature = "designer" if action == "project_saved" else "export"
                tell(action, feature=feature, error_count=int(rng.random() < ERROR_RATES[platform]))
        if self.checkout_rng.random() < CHECKOUT_SHARE:
            self._checkout(tell, person)
        if rng.random() < QUESTION_SHARE:
            reason = pick(rng, QUESTIONS)
            about = self._feature(person, tell.at) if reason in ("how_to", "bug", "feature_request") else None
            asked_at = tell.at + rng.randint(1, 25) * MINUTE
            self.help_desk.request(asked_at, reason, person, country=person.country, feature=about)

    def _feature(self, person: Person, at: int) -> str:
        weights = dict(FEATURES[person.plan_at(at)])
        if at >= self._release_at:
            days = (at - self._release_at) / DAY
            ramp = min(1.0, 0.3 + days / FEATURE_RELEASE.effect["ramp_days"])
            weights[NEW_FEATURE] = FEATURE_RELEASE.effect["weight_among_features"] * ramp
        return pick(self.rng, weights)

    def _checkout(self, tell: "_Teller", person: Person) -> None:
        rng, platform = self.checkout_rng, tell.device.platform
        tell("checkout_started")
        if rng.random() < 0.14:
            return
        is_broken = platform == CHECKOUT_BUG.segment["platform"] and CHECKOUT_BUG.is_on(self.world, tell.at)
        kind = "failure_probability" if is_broken else "usual_failure_probability"
        has_failed = False
        for _ in range(2):  # one more try
            fails = rng.random() < CHECKOUT_BUG.effect[kind]
            tell("checkout_submitted", error_count=int(fails))
            if not fails:
                self._order(tell, person, is_broken)
                return
            has_failed = True
            if rng.random() < 0.5:
                break
        self.lost_orders += is_broken and has_failed
        if rng.random() < 0.25 and person.kind == "customer":
            asked_at = tell.at + rng.randint(2, 90) * MINUTE
            self.help_desk.request(asked_at, "payment_failed", person, country=person.country, feature="checkout")

    def _order(self, tell: "_Teller", person: Person, is_broken: bool) -> None:
        rng, platform, at = self.checkout_rng, tell.device.platform, tell.at + SECOND
        if at >= self.world.end:
            return
        wants_plan = person.plan_at(at) == "free" and person.kind == "customer" and rng.random() < 0.17
        if wants_plan:
            order_id = self.shop.sell_subscription(at, platform, person)
        else:
            # Some of the staff's orders carry no mark of a test: only the buyer tells.
            is_test = person.kind == "staff" and rng.random() < 0.8
            order_id = self.shop.sell_goods(
                at, platform, person, person.country, person.acquisition_channel, is_test=is_test
            )
        self.counts["orders_in_app"] += 1
        self.counts["orders_despite_the_bug"] += is_broken
        tell("order_placed", order_id=order_id)
        confirmation = Event(
            at + 2 * MINUTE, "email_delivered", None, None, person.id, person.email, None, None,
            {"template": "order_confirmation", "country": person.country, "plan": person.plan_at(at)},
        )  # fmt: skip
        self.collector.collect(confirmation)

    def _visitors(self, index: int) -> None:
        """Anonymous visitors who never tell who they are; a few buy as guests."""
        rng, world = self.visitor_rng, self.world
        mean = 12 * world.scale * world.growth(index) * APP_WEEKDAYS[world.weekday(index)]
        for _ in range(poisson(rng, mean)):
            device = Device(uuid(rng), pick(rng, PLATFORMS))
            country, source = pick(rng, COUNTRIES), pick(rng, ACQUISITION)
            tell = _Teller(self, device, None, world.day_start(index) + rng.randrange(7 * HOUR, 22 * HOUR), country)
            campaign = None if source == "organic" else source
            tell("visited", campaign=campaign, page="landing")
            if rng.random() < 0.45:
                tell("visited", page="shop")
            if rng.random() < 0.3:
                tell("feature_used", feature="templates")
            if rng.random() < 0.025:
                tell("checkout_started")
                tell("checkout_submitted", error_count=0)
                if tell.at < world.end:
                    tell("order_placed", order_id=self.shop.sell_goods(tell.at, device.platform, None, country, source))


class _Teller:
    """Tells the collector what happens in one session, one event after the other."""

    def __init__(
        self, usage: Usage, device: Device, person: Person | None, start: int, country: str | None = None
    ) -> None:
        self.usage, self.device, self.person, self.at = usage, device, person, start
        self.country = person.country if person else country
        self.delay = usage.collector.offline_delay(device.platform)
        self.session_id = f"s-{usage.rng.getrandbits(48):012x}" if device.platform == "web" else None
        self.is_first = True

    def __call__(self, name: str, campaign: str | None = None, **properties: Any) -> None:
        rng, device = self.usage.rng, self.device
        if not self.is_first:
            if device.platform != "web" and rng.random() < 0.05:
                self.at += rng.randint(30 * MINUTE, 55 * MINUTE)  # laid aside: the next event is another session
            else:
                self.at += int(rng.expovariate(1 / 100) * SECOND) + rng.randrange(300, 3000)
        self.is_first = False
        is_known = self.person is not None and device.user_id == self.person.id
        user_id = device.user_id
        facts: dict[str, Any] = {"platform": device.platform}
        if device.platform != OLD_LIBRARY:
            facts["country"] = self.country
            if is_known and self.person is not None:
                facts["plan"] = self.person.plan_at(self.at)
        if self.session_id is not None:
            facts["session_id"] = self.session_id
        self.usage.collector.collect(
            Event(
                at=self.at,
                name=name,
                platform=device.platform,
                anonymous_id=device.anonymous_id,
                user_id=user_id if is_known else None,
                email=self.person.email if is_known and self.person else None,
                campaign=campaign,
                ip=f"198.51.100.{int(device.anonymous_id[:2], 16)}",
                properties={**facts, **properties},
            ),
            self.delay,
        )
