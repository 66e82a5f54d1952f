"""Business minutes and SLA clocks once more, in plain Python from the profile's CSV files and the published tickets.

It shares no code with the models: open time is summed day by day on the wall clock of the schedule's zone.
"""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROW = dict[str, Any]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Promises:
    """The seeds in a folder; all groups go by the schedule `default`, which closes before midnight."""

    def __init__(self, folder: Path) -> None:
        self.policies = _rows(folder / "sla_policies.csv")
        self.hours = {int(row["weekday"]): row for row in _rows(folder / "business_schedules.csv")}
        self.holidays = {row["holiday_date"] for row in _rows(folder / "holidays.csv")}
        self.zone = ZoneInfo(self.hours[1]["time_zone"])

    def _instant(self, day: date, clock: str) -> datetime:
        return datetime.combine(day, time.fromisoformat(clock), self.zone).astimezone(UTC).replace(tzinfo=None)

    def open_time(self, start: datetime, end: datetime) -> timedelta:
        total, day = timedelta(), start.date() - timedelta(days=1)
        while day <= end.date() + timedelta(days=1):
            hours = self.hours.get(day.isoweekday())
            if hours and day.isoformat() not in self.holidays:
                opens, closes = self._instant(day, hours["opens_at"]), self._instant(day, hours["closes_at"])
                total += max(min(end, closes) - max(start, opens), timedelta())
            day += timedelta(days=1)
        return total

    def policy(self, priority: str | None, target: str, start: datetime) -> dict[str, str] | None:
        day = start.replace(tzinfo=UTC).astimezone(self.zone).date().isoformat()
        found = [
            row
            for row in self.policies
            if (row["priority"], row["target"]) == (priority, target)
            and (row["valid_from"] or "0") <= day < (row["valid_to"] or "9")
        ]
        return found[0] if found else None


def check_tickets(tickets: list[ROW], promises: Promises, watermark: datetime) -> Counter[str]:
    """Assert that every published ticket tells the same. Returns how many clocks are in which state."""
    states: Counter[str] = Counter()
    for ticket in tickets:
        if ticket["is_merged_away"]:
            assert ticket["first_reply_sla_state"] is ticket["resolution_sla_state"] is None
            continue
        clock, replied, solved = ticket["reply_clock_at"], ticket["first_replied_at"], ticket["first_solved_at"]
        if replied:
            minutes = promises.open_time(clock, replied) / timedelta(minutes=1)
            assert abs(minutes - ticket["first_reply_business_minutes"]) < 1e-6, ticket
        in_time = replied if replied and not (solved and solved < replied) else None
        for target, start, stop in (("first_reply", clock, in_time), ("resolution", ticket["created_at"], solved)):
            policy = promises.policy(ticket[f"{target}_sla_priority"], target, start)
            if policy is None:
                assert ticket[f"{target}_sla_state"] is None, ticket
                continue
            allowed = timedelta(minutes=int(policy["minutes"]))
            measure = promises.open_time if policy["clock"] == "business" else lambda start, end: end - start
            if measure(start, stop or solved or watermark) > allowed:
                state = "breached"
                assert measure(start, ticket[f"{target}_due_at"]) == allowed, ticket
            else:
                state = "met" if stop else "ended" if solved else "running"
            assert ticket[f"{target}_sla_state"] == state, ticket
            states[state] += 1
    return states
