"""Which small companies there are: Hypothesis leaves stories out and makes seeds smaller when one of them fails."""

from __future__ import annotations

from datetime import date
from random import Random

from hypothesis import strategies as st

from tests.oracles.companies.stories import KINDS, Plan, Story

# Clocks change here by an hour and by half an hour, at night and at midnight, or never.
ZONES = (
    "Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
)  # fmt: skip
# They change in March and April, and in October and November.
FIRST_DAYS = (date(2026, 1, 19), date(2026, 2, 10), date(2026, 3, 5), date(2025, 9, 29))
DAYS = (1, 12, 40, 75, 120)
MOST_STORIES = 90
SEEDS = st.integers(0, 2**16)

COMPANIES = st.builds(
    Plan,
    zone=st.sampled_from(ZONES),
    first=st.sampled_from(FIRST_DAYS),
    days=st.sampled_from(DAYS),
    settle_days=st.integers(0, 3),
    people=st.sampled_from((1, 3, 8, 30)),
    stories=st.lists(st.builds(Story, st.sampled_from(sorted(KINDS)), SEEDS), max_size=MOST_STORIES).map(tuple),
)


def chosen(
    seed: int, zone: str, days: int, people: int, stories: int = MOST_STORIES, kinds: tuple[str, ...] = tuple(KINDS)
) -> Plan:
    """A company for the tests that always run."""
    rng = Random(seed)
    told = tuple(Story(rng.choice(kinds), rng.randrange(2**16)) for _ in range(stories))
    return Plan(zone, FIRST_DAYS[1], days, 2, people, told)
