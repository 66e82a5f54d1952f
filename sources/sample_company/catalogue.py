"""What the shop sells, for how much and from where. Prices are whole cents, the same number in every currency."""

from dataclasses import dataclass

from sources.sample_company.world import World

CURRENCY = {"DE": "EUR", "FR": "EUR", "AT": "EUR", "NL": "EUR", "GB": "GBP", "US": "USD"}
# Where the rest of an order comes from that its own warehouse does not have.
HELPING_WAREHOUSE = {"berlin": "rotterdam", "rotterdam": "berlin", "lyon": "rotterdam", "columbus": "berlin"}
WAREHOUSE = {"DE": "berlin", "AT": "berlin", "FR": "lyon", "NL": "rotterdam", "GB": "rotterdam", "US": "columbus"}
CARRIERS = {
    "DE": {"paketwerk": 0.8, "eurocargo": 0.2},
    "FR": {"eurocargo": 0.85, "paketwerk": 0.15},
    "AT": {"paketwerk": 0.6, "eurocargo": 0.4},
    "NL": {"eurocargo": 1.0},
    "GB": {"eurocargo": 0.7, "paketwerk": 0.3},
    "US": {"prairie_post": 1.0},
}
TRANSIT_DAYS = {"DE": 1.2, "FR": 2.0, "AT": 1.9, "NL": 1.6, "GB": 2.8, "US": 2.6}
PROMISE_DAYS = {"DE": 5, "FR": 6, "AT": 6, "NL": 6, "GB": 7, "US": 7}

# Price range in cents, number of products, chance of being in a basket, units of a line at most.
GOODS = {
    "panels": ((1_890, 8_900), 14, 0.30, 4),
    "hardware": ((249, 2_490), 22, 0.34, 6),
    "tools": ((1_490, 18_900), 12, 0.14, 1),
    "finishes": ((690, 3_990), 12, 0.22, 3),
}
DIGITAL = {"plans": ((490, 1_990), 10, 1.0, 1)}

MONTHLY_CENTS = {"maker": 1_200, "studio": 2_900}
MONTHS_PER_YEARLY_PRICE = 10


@dataclass(frozen=True)
class Product:
    id: str
    name: str
    category: str
    price_cents: int
    most_units: int
    requires_shipping: bool = False


class Catalogue:
    """The products of one simulation."""

    def __init__(self, world: World) -> None:
        rng = world.generator("catalogue")
        self.products: dict[str, list[Product]] = {}
        for category, ((low, high), count, _, most) in (GOODS | DIGITAL).items():
            self.products[category] = [
                Product(
                    id=f"{category[:3].upper()}-{n:03d}",
                    name=f"{category.rstrip('s').title()} no. {n}",
                    category=category,
                    price_cents=rng.randrange(low, high, 10) + 9,
                    most_units=most,
                    requires_shipping=category in GOODS,
                )
                for n in range(1, count + 1)
            ]
        self.weights = {category: weight for category, (_, _, weight, _) in GOODS.items()}


def subscription_product(plan: str, interval: str) -> Product:
    price = MONTHLY_CENTS[plan] * (MONTHS_PER_YEARLY_PRICE if interval == "year" else 1)
    return Product(
        id=f"SUB-{plan.upper()}-{interval[0].upper()}",
        name=f"{plan.title()} by the {interval}",
        category=f"{plan}_membership",
        price_cents=price,
        most_units=99,
    )
