"""The planted incidents: when, where and how strong.

The simulation asks here whether something is off at an instant; `truth.json` repeats the answer for tests. What an
incident did to the company is counted where it does it.
"""

from dataclasses import dataclass
from datetime import date

from sources.sample_company.world import World


@dataclass(frozen=True)
class Incident:
    """Something that went wrong, or came new, from `first_day` to `last_day` (both included)."""

    kind: str
    first_day: date
    last_day: date
    segment: dict[str, str]
    kpis: tuple[str, ...]
    effect: dict[str, float]
    sentence: str

    def is_on(self, world: World, at: int) -> bool:
        return self.first_day <= world.day(world.index_of(at)) <= self.last_day


CHECKOUT_BUG = Incident(
    kind="checkout_bug",
    first_day=date(2026, 1, 19),
    last_day=date(2026, 1, 25),
    segment={"platform": "ios", "channel": "ios"},
    kpis=("error_rate", "orders", "gmv", "tickets_created"),
    effect={"failure_probability": 0.85, "usual_failure_probability": 0.03},
    sentence="A release of the ios app breaks the checkout for a week: errors up, orders down.",
)
LATE_CARRIER = Incident(
    kind="late_carrier",
    first_day=date(2025, 11, 24),
    last_day=date(2025, 12, 7),
    segment={"carrier": "eurocargo", "country": "FR", "reason": "delivery_late"},
    kpis=("on_time_delivery", "otif", "cycle_time_p90", "tickets_created"),
    effect={"extra_transit_days_min": 5, "extra_transit_days_max": 9, "ticket_probability": 0.6},
    sentence="What eurocargo takes over for France in these two weeks arrives five to nine days later.",
)
FEATURE_RELEASE = Incident(
    kind="feature_release",
    first_day=date(2026, 2, 16),
    last_day=date(2026, 3, 31),
    segment={"feature": "auto_layout"},
    kpis=("feature_adoption",),
    effect={"weight_among_features": 5, "ramp_days": 10},
    sentence="auto_layout is released: nobody used it before.",
)
BROKEN_FEED = Incident(
    kind="broken_feed",
    first_day=date(2026, 3, 10),
    last_day=date(2026, 3, 11),
    segment={"platform": "android"},
    kpis=("dau", "sessions"),
    effect={"share_lost": 1.0},
    sentence="No event of the android app reaches the collector for two days; the orders are there.",
)
INCIDENTS = (LATE_CARRIER, CHECKOUT_BUG, FEATURE_RELEASE, BROKEN_FEED)


def planted(world: World) -> list[Incident]:
    """The incidents that lie in the simulated days."""
    return [i for i in INCIDENTS if world.first_day <= i.first_day and i.last_day <= world.last_day]
