"""Who there is: customers, their accounts and devices, staff, test customers.

What people do belongs to `usage.py` and `shop.py`.
"""

import random
from dataclasses import dataclass, field

from sources.sample_company.world import DAY, HOUR, SECOND, World, pick, poisson, scaled, whole_second

STAFF_DOMAIN = "werkraum.example"
# Colleagues who test with private addresses: they are known by their ids alone.
STAFF_WITH_PRIVATE_EMAIL = ("staff_11", "staff_12")
STAFF_COUNT = 12

COUNTRIES = {"DE": 0.40, "FR": 0.20, "AT": 0.10, "NL": 0.09, "GB": 0.12, "US": 0.09}
PLATFORMS = {"web": 0.48, "ios": 0.30, "android": 0.22}
ACQUISITION = {"organic": 0.34, "search_ads": 0.24, "social": 0.16, "referral": 0.15, "newsletter": 0.11}
INDUSTRIES = {"hobby": 0.46, "carpentry": 0.20, "interior_design": 0.16, "education": 0.10, "retail": 0.08}
DIAL = {"DE": "+49", "FR": "+33", "AT": "+43", "NL": "+31", "GB": "+44", "US": "+1"}
FIRST_NAMES = (
    "Anna", "Émile", "Jürgen", "Sofia", "Noah", "Mila", "Tomás", "Greta", "Levi", "Chloé", "Jonas", "Amara", "Piet",
    "Hana", "Oscar", "Leïla", "Finn", "Ruth", "Björn", "Ines", "Karim", "Willa", "Matteo", "Yara", "Hugo", "Edith",
)  # fmt: skip
LAST_NAMES = (
    "Weber", "Lefèvre", "Müller", "Novak", "Janssen", "Okafor", "Schäfer", "Moreau", "Huber", "Clarke", "Visser",
    "Petit", "Gruber", "Hughes", "Baumann", "Diallo", "Bakker", "Walker", "Steiner", "Roux", "Keller", "Nguyen",
)  # fmt: skip
MAIL_DOMAINS = ("example.org", "example.com", "example.net")
MOVING_SHARE = 0.05
ASCII = str.maketrans({"É": "E", "é": "e", "ü": "u", "á": "a", "è": "e", "ï": "i", "ö": "o", "ä": "a"})


@dataclass(slots=True)
class Device:
    """A browser or phone, and who is logged in on it."""

    anonymous_id: str
    platform: str
    user_id: str | None = None


@dataclass(slots=True)
class Person:
    id: str
    kind: str  # customer | staff | test
    account_id: str
    email: str
    full_name: str
    phone: str
    country: str
    acquisition_channel: str
    industry: str
    rate: float  # chance of using the app on an average day
    first_visit_day: int
    sign_up_day: int
    leaves_day: float
    devices: list[Device] = field(default_factory=list)
    second_device_day: int | None = None
    moves_day: int | None = None
    signed_up_at: int | None = None
    updated_at: int | None = None
    plan: str = "free"
    plan_until: int | None = None

    def plan_at(self, at: int) -> str:
        return "free" if self.plan_until is not None and at >= self.plan_until else self.plan


class Population:
    """Everybody, in the order in which they came."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.generator("people")
        self.people: list[Person] = []
        self._accounts = 0
        self._customers = 0
        for number in range(1, STAFF_COUNT + 1):
            self._staff(number)
        for _ in range(scaled(310, world.scale)):
            self._existing_customer()
        for _ in range(scaled(3, world.scale)):
            person = self._customer(0, 0)
            person.kind, person.rate = "test", 0.0
            self._migrated(person)

    def arrivals(self, index: int) -> None:
        """New people whose first visit is on the day."""
        rng, world = self.rng, self.world
        for _ in range(poisson(rng, 4.2 * world.scale * world.growth(index))):
            delay = 0 if rng.random() < 0.7 else rng.randint(1, 8)
            person = self._customer(index, index + delay)
            if rng.random() < 0.3:
                person.leaves_day = person.sign_up_day + rng.randint(1, 6)
            else:
                person.leaves_day = person.sign_up_day + rng.expovariate(1 / 130)

    def active(self, index: int) -> list[Person]:
        return [p for p in self.people if p.kind != "test" and p.first_visit_day <= index < p.leaves_day]

    def customers(self) -> list[Person]:
        """Those who have signed up, as the shop's table knows them."""
        return [p for p in self.people if p.signed_up_at is not None]

    def of_kind(self, kind: str) -> list[Person]:
        return [p for p in self.people if p.kind == kind]

    def random_customer(self, rng: random.Random, at: int) -> Person | None:
        """Somebody who had signed up by then."""
        for _ in range(12):
            person = rng.choice(self.people)
            if person.kind == "customer" and person.signed_up_at is not None and person.signed_up_at < at:
                return person
        return None

    def _existing_customer(self) -> None:
        person = self._customer(0, -1)
        person.leaves_day = self.rng.expovariate(1 / 300)
        self._migrated(person)

    def _migrated(self, person: Person) -> None:
        # The shop moved to its present system in the night before the first morning: who was a customer before was
        # written then. The very first row carries the midnight itself.
        rng, world = self.rng, self.world
        person.sign_up_day = -1
        person.signed_up_at = whole_second(world.start - rng.randint(3 * DAY, 500 * DAY))
        written = len(self.people) - 1
        person.updated_at = world.start + whole_second(min(written * 7 * SECOND, 5 * HOUR)) if written else world.start
        for device in person.devices[:1]:
            device.user_id = person.id if rng.random() < 0.9 else None
        if written and world.day_count > 1 and rng.random() < 0.35:  # an address changes sooner or later
            person.updated_at = whole_second(rng.randrange(world.start + DAY, world.end))

    def _staff(self, number: int) -> None:
        rng, world = self.rng, self.world
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        staff_id = f"staff_{number:02d}"
        # Upper case on purpose: addresses have to be normalised before they are recognised.
        email = f"{first}.{last}.{number}@{STAFF_DOMAIN.title()}".translate(ASCII)
        if staff_id in STAFF_WITH_PRIVATE_EMAIL:
            email = f"{first}.{last}.{number}@{MAIL_DOMAINS[0]}".translate(ASCII).lower()
        person = Person(
            id=staff_id,
            kind="staff",
            account_id="acc_werkraum",
            email=email,
            full_name=f"{first} {last}",
            phone=self._phone("DE"),
            country="DE",
            acquisition_channel="organic",
            industry="interior_design",
            rate=0.45,
            first_visit_day=0,
            sign_up_day=-1,
            leaves_day=world.day_count + 1,
            devices=[self._device()],
            plan="studio",
        )
        self.people.append(person)
        self._migrated(person)

    def _customer(self, first_visit_day: int, sign_up_day: int) -> Person:
        rng = self.rng
        self._customers += 1
        mate = rng.choice(self.people) if self.people and rng.random() < 0.2 else None
        if mate is None or mate.kind != "customer":
            self._accounts += 1
            account_id, country = f"acc_{self._accounts:05d}", pick(rng, COUNTRIES)
            mate = None
        else:
            account_id, country = mate.account_id, mate.country
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        domain = rng.choice(MAIL_DOMAINS)
        person = Person(
            id=f"cus_{self._customers:06d}",
            kind="customer",
            account_id=account_id,
            email=f"{first}.{last}.{self._customers}@{domain}".translate(ASCII).lower(),
            full_name=f"{first} {last}",
            phone=self._phone(country),
            country=country,
            acquisition_channel=pick(rng, ACQUISITION),
            industry=pick(rng, INDUSTRIES),
            rate=rng.betavariate(1.4, 4.2),
            first_visit_day=first_visit_day,
            sign_up_day=sign_up_day,
            leaves_day=0.0,
            devices=[self._device()],
        )
        if rng.random() < 0.3:
            person.second_device_day = max(sign_up_day, 0) + rng.randint(1, 50)
            # In some households the second device is the other one's.
            shared = mate is not None and rng.random() < 0.35
            person.devices.append(mate.devices[0] if shared and mate is not None else self._device())
        if rng.random() < MOVING_SHARE:
            person.moves_day = max(sign_up_day, 0) + rng.randint(20, 120)
        self.people.append(person)
        return person

    def _device(self) -> Device:
        return Device(uuid(self.rng), pick(self.rng, PLATFORMS))

    def _phone(self, country: str) -> str:
        return f"{DIAL[country]} 30 23125 {self.rng.randint(0, 999):03d}"


def uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
