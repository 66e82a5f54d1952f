"""Partitions: one per landing day, a calendar day of the landing zone. Nothing else is partitioned: a mart is whole."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from sources.profile import Profile


def landing_days(profile: Profile) -> dg.DailyPartitionsDefinition:
    """The landing days of a profile: from its first day to its last, or without end for a live company."""
    business = profile.business
    end = business.last_day + timedelta(days=1) if business.last_day else None
    return dg.DailyPartitionsDefinition(
        start_date=business.first_day.isoformat(),
        end_date=end.isoformat() if end else None,
        timezone=business.landing_zone,
    )
