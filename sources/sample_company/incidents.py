"""The planted incidents: when, where and how strong.

The simulation asks here whether something is off at an instant; `truth.json` repeats the answer for tests. What an
incident did to the company is counted where it does it.
"""

from dataclasses import dataclass
from datetime import date

from sources.sample_company.world import World


@dataclass(frozen=True)
class Sign:
    """Where an incident shows: a KPI of one segment and period, and between which bounds it lies at scale 1.

    Measured in multiples of what is usual, which is the mean of the four periods before the incident; or as the value
    itself, where nothing is usual.
    """

    kpi_id: str
    grain: str
    period_start: date
    dimension: str
    segment: str
    least: float
    most: float
    measured_in: str = "times_usual"


@dataclass(frozen=True)
class Incident:
    """Something that went wrong, or came new, from `first_day` to `last_day` (both included)."""

    kind: str
    first_day: date
    last_day: date
    segment: dict[str, str]
    effect: dict[str, float]
    sentence: str
    signs: tuple[Sign, ...]

    def is_on(self, world: World, at: int) -> bool:
        return self.first_day <= world.day(world.index_of(at)) <= self.last_day


CHECKOUT_BUG = Incident(
    kind="checkout_bug",
    first_day=date(2026, 1, 19),
    last_day=date(2026, 1, 25),
    segment={"platform": "ios", "channel": "ios"},
    effect={"failure_probability": 0.85, "usual_failure_probability": 0.03},
    sentence="A release of the ios app breaks the checkout for a week: errors up, orders down.",
    signs=(
        Sign("error_rate", "week", date(2026, 1, 19), "platform", "ios", 6, 25),
        Sign("orders", "week", date(2026, 1, 19), "channel", "ios", 0.15, 0.5),
        Sign("gmv", "week", date(2026, 1, 19), "channel", "ios", 0.1, 0.5),
        Sign("tickets_created", "week", date(2026, 1, 19), "reason", "payment_failed", 3, 15),
    ),
)
LATE_CARRIER = Incident(
    kind="late_carrier",
    first_day=date(2025, 11, 24),
    last_day=date(2025, 12, 7),
    segment={"carrier": "eurocargo", "country": "FR", "reason": "delivery_late"},
    effect={"extra_transit_days_min": 5, "extra_transit_days_max": 9, "ticket_probability": 0.6},
    sentence="What eurocargo takes over for France in these two weeks arrives five to nine days later.",
    signs=(
        Sign("on_time_delivery", "week", date(2025, 12, 1), "country", "FR", 0.2, 0.6),
        Sign("otif", "week", date(2025, 12, 1), "country", "FR", 0.2, 0.6),
        Sign("cycle_time_p90", "week", date(2025, 12, 1), "country", "FR", 1.5, 3),
        Sign("tickets_created", "week", date(2025, 12, 1), "reason", "delivery_late", 4, 15),
    ),
)
FEATURE_RELEASE = Incident(
    kind="feature_release",
    first_day=date(2026, 2, 16),
    last_day=date(2026, 3, 31),
    segment={"feature": "auto_layout"},
    effect={"weight_among_features": 5, "ramp_days": 10},
    sentence="auto_layout is released: nobody used it before.",
    signs=(Sign("feature_adoption", "week", date(2026, 3, 16), "feature", "auto_layout", 0.2, 0.5, "value"),),
)
BROKEN_FEED = Incident(
    kind="broken_feed",
    first_day=date(2026, 3, 10),
    last_day=date(2026, 3, 11),
    segment={"platform": "android"},
    effect={"share_lost": 1.0},
    sentence="No event of the android app reaches the collector for two days; the orders are there.",
    signs=tuple(
        Sign(kpi_id, "day", date(2026, 3, day), "platform", "android", 0, 0)
        for kpi_id in ("dau", "sessions")
        for day in (10, 11)
    ),
)
INCIDENTS = (LATE_CARRIER, CHECKOUT_BUG, FEATURE_RELEASE, BROKEN_FEED)


def planted(world: World) -> list[Incident]:
    """The incidents that lie in the simulated days."""
    return [i for i in INCIDENTS if world.first_day <= i.first_day and i.last_day <= world.last_day]
