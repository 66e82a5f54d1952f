"""Gate 1, batch by batch: the suite that Great Expectations judges one frame of days by, made from the contract.

The frame has one row per landing day of one pull of one stream. Row rules are in gate.py; here are the questions about
a day as a whole: too many bad rows, no rows at all, repeated keys, an unusual volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from orchestration.pipeline import usual
from orchestration.pipeline.expectations import Expectation, validate
from orchestration.pipeline.gate_rules import UNDATED, row_rules
from orchestration.pipeline.verdicts import Severity, Verdict
from sources.profile import Profile


def no_rows() -> dict[str, Any]:
    """The counts of a day on which the source had nothing."""
    return {
        "pulled": 0,
        "landed": 0,
        "rejected": 0,
        "rules": {},
        "event_days": {},
        "repeated_keys": 0,
        "repeated_ids": 0,
        "repeated_rows": 0,
        "content_hash": None,
        "newest_at": None,
    }


def frame_of_days(
    profile: Profile,
    stream: str,
    days: Sequence[date],
    counts: dict[date, dict[str, Any]],
    history: usual.Lags,
    pulled_at: datetime,
    undated: tuple[int, float] = (0, 0.0),
) -> pd.DataFrame:
    """One row per landing day: landed_date (ISO text), pulled, landed, rejected, reject_share, repeated_keys,
    oldest_event_age_days, volume_deviation and quiet_deviation (usual.deviation; none without history), rows per rule."""
    settle, zone = profile.settle_days(stream), profile.business.landing_zone
    lags = {day: usual.lag_of(day, pulled_at, settle) for day in days}
    found = {
        day: usual.Day(count["landed"], usual.quiet_hours(day, count["newest_at"], zone))
        for day in days
        for count in [counts.get(day, no_rows())]
    }
    known = {
        lag: {**history.get(lag, {}), **{day: found[day] for day in days if lags[day] == lag}}
        for lag in set(lags.values())
    }
    volumes = {lag: {day: float(past.rows) for day, past in of_lag.items()} for lag, of_lag in known.items()}
    quiet = {lag: {day: past.quiet_hours for day, past in of_lag.items()} for lag, of_lag in known.items()}
    _, warning = row_rules(profile, stream)
    rows = []
    for day in days:
        count = counts.get(day, no_rows())
        events = [date.fromisoformat(found) for found in count["event_days"]]
        row = {
            "landed_date": day.isoformat(),
            "pulled": count["pulled"],
            "landed": count["landed"],
            "rejected": count["rejected"],
            "reject_share": _share_of_dated_rows(count),
            "undated_rows": undated[0],
            "undated_share": undated[1],
            "repeated_keys": count["repeated_keys"],
            "oldest_event_age_days": float((day - min(events)).days) if events else None,
            "volume_deviation": usual.deviation(day, found[day].rows, volumes[lags[day]], usual.volume_spread),
            "quiet_deviation": usual.deviation(day, found[day].quiet_hours, quiet[lags[day]], usual.quiet_spread),
        }
        rows.append(row | {f"rule_{rule.name}": count["rules"].get(rule.name, 0) for rule in warning})
    frame = pd.DataFrame(rows)
    return frame.astype(dict.fromkeys(("volume_deviation", "quiet_deviation", "oldest_event_age_days"), float))


def _share_of_dated_rows(count: dict[str, Any]) -> float:
    """The share of bad rows among those that are of the day; rows without a day are judged against the whole pull."""
    undated = count["rules"].get(UNDATED, 0)
    dated = count["pulled"] - undated
    return (count["rejected"] - undated) / dated if dated else 0.0


def suite(profile: Profile, stream: str, frame: pd.DataFrame, undated: int = 0) -> list[Expectation]:
    """The expectations that the contract and the profile lead to, blocking ones first."""
    mapping, tolerance = profile.streams[stream], profile.tolerance(stream)
    rejected, pulled = int(frame["rejected"].sum()), int(frame["pulled"].sum())
    empty = int((frame["pulled"] == 0).sum())
    expectations = [
        _between(
            "reject_share",
            "reject_share",
            "error",
            f"{rejected} of {pulled} rows rejected; at most {tolerance:.1%} of a day's rows may break the contract",
            asks="No more of a day's rows break the contract than the stream's tolerance.",
            maximum=tolerance,
            count=rejected,
            fix=f"Look at quarantine/{stream}, mend the source or the mapping, and run again.",
        )
    ]
    expectations += [
        _between(
            "undated_share",
            "undated_share",
            "error",
            f"{undated} rows of the pull have no readable cursor; at most {tolerance:.1%} may",
            asks="No more rows of a pull lack a readable cursor than the stream's tolerance.",
            maximum=tolerance,
            count=undated,
            fix=f"Look at streams.{stream}.cursor and at the source; such rows are quarantined with the first day.",
        ),
        _between(
            "undated_rows",
            "undated_rows",
            "warning",
            f"{undated} rows of the pull have no readable cursor and belong to no day",
            asks="Every row has a readable cursor.",
            maximum=0,
            count=undated,
            fix="They are quarantined when the profile's first day is pulled; mend them at the source.",
        ),
    ]
    if mapping.empty_days != "expected":
        severity = "error" if mapping.empty_days == "fail" else "warning"
        expectations.append(
            _between(
                "empty_days",
                "pulled",
                severity,
                f"{empty} days without rows",
                asks='Every day has rows; blocks where the profile says `empty_days = "fail"`.',
                minimum=1,
                count=empty,
                fix=f"Ask the owner of the source; `streams.{stream}.empty_days` says whether a day may be empty.",
            )
        )
    repeated = int(frame["repeated_keys"].sum())
    expectations.append(
        _between(
            "unique_keys",
            "repeated_keys",
            "warning",
            f"{repeated} keys stand on more than one row of a day",
            asks="A key stands on one row of a day.",
            maximum=0,
            count=repeated,
            fix="Duplicates are removed downstream; rows that differ all count.",
        )
    )
    for rule in row_rules(profile, stream)[1]:
        found = int(frame[f"rule_{rule.name}"].sum())
        expectations.append(
            _between(
                rule.name,
                f"rule_{rule.name}",
                "warning",
                f"{found} rows: {rule.description or rule.check}",
                asks=rule.description or rule.check,
                maximum=0,
                count=found,
                fix="The rows count; ask the owner of the source.",
            )
        )
    expectations += [
        _between(
            "usual_volume",
            "volume_deviation",
            "warning",
            f"rows, in robust deviations from {_SAME_WEEKDAYS}{_without_history(frame['volume_deviation'])}",
            asks="A day has about as many rows as the same weekdays before it.",
            minimum=-usual.LIMIT,
            maximum=usual.LIMIT,
            fix="Ask the owner of the source whether rows are missing or doubled.",
        ),
        _between(
            "fresh_rows",
            "quiet_deviation",
            "warning",
            "hours from the newest row to the end of the day, in robust deviations from "
            f"{_SAME_WEEKDAYS}{_without_history(frame['quiet_deviation'])}",
            asks="The newest row of a day is about as close to its end as on the same weekdays before it.",
            maximum=usual.LIMIT,
            fix="Ask the owner of the source whether the feed has stopped during the day.",
        ),
    ]
    if profile.contract(stream).event_time:
        expectations.append(
            _between(
                "recent_events",
                "oldest_event_age_days",
                "warning",
                "events older than a year arrived",
                asks="Events are not older than a year when they arrive.",
                maximum=366,
                fix="They count on the day they happened; a sender's clock may be wrong.",
            )
        )
    return expectations


_SAME_WEEKDAYS = f"the median of the same weekdays of the {usual.WEEKS} weeks before"


def _without_history(deviations: pd.Series[float]) -> str:
    """What a verdict says of the days that it could not judge."""
    days = int(deviations.isna().sum())
    return f"; {days} of {len(deviations)} days have no history of {usual.MINIMUM_WEEKS} weeks yet" if days else ""


def _between(
    rule: str,
    column: str,
    severity: Any,
    message: str,
    minimum: float | None = None,
    maximum: float | None = None,
    count: int | None = None,
    fix: str = "",
    asks: str = "",
) -> Expectation:
    arguments = {"column": column, "min_value": minimum, "max_value": maximum}
    return Expectation(rule, "expect_column_values_to_be_between", arguments, severity, message, count, fix, asks)


SOURCE_READABLE = "source_readable"


@dataclass(frozen=True)
class Asked:
    """A question of gate 1 about the days of a stream, before there are any."""

    rule: str
    severity: Severity
    asks: str
    fix: str


def checks(profile: Profile, stream: str) -> list[Asked]:
    """Every check that gate 1 can make on a batch of the stream: the pull itself, and the suite's."""
    empty = frame_of_days(profile, stream, [profile.business.first_day], {}, {}, datetime.now(UTC))
    readable = Asked(
        SOURCE_READABLE, "error", "The source answered and its rows could be mapped.", "Look at the source."
    )
    return [readable, *(Asked(w.rule, w.severity, w.asks, w.fix) for w in suite(profile, stream, empty))]


def judge(
    profile: Profile,
    stream: str,
    days: Sequence[date],
    counts: dict[date, dict[str, Any]],
    history: usual.Lags,
    pulled_at: datetime,
    undated: tuple[int, float] = (0, 0.0),
) -> tuple[list[Verdict], dict[date, list[str]]]:
    """The verdicts of a pull, and the refused days with the rules that refuse them.

    A blocking check that could not be evaluated refuses every day of the pull.
    """
    frame = frame_of_days(profile, stream, days, counts, history, pulled_at, undated)
    owner = profile.contract(stream).owner
    verdicts = [Verdict("gate_1", stream, SOURCE_READABLE, "error", "passed", owner, "the source was read and mapped")]
    verdicts += validate("gate_1", stream, owner, frame, ["landed_date"], suite(profile, stream, frame))
    refused: dict[date, list[str]] = {}
    for verdict in verdicts:
        if not verdict.blocks:
            continue
        named = [date.fromisoformat(row["landed_date"]) for row in verdict.samples]
        for day in named if verdict.status == "failed" and named else days:
            refused.setdefault(day, []).append(f"{verdict.rule}: {verdict.message}" if not named else verdict.rule)
    return verdicts, refused


def explain(
    profile: Profile, stream: str, day: date, count: dict[str, Any], rules: list[str], samples: list[dict[str, Any]]
) -> str:
    """The line for a refused day: stream, day, rule, counts, samples."""
    shown = "; ".join(
        f"{', '.join(s['reasons'])}"
        + (f" ({', '.join(f'{k}={v}' for k, v in s['values'].items())})" if s["values"] else "")
        for s in samples
    )
    if count["pulled"] == 0:
        return (
            f"{stream} {day}: refused by {', '.join(rules)}: the source had no rows, and the profile says that it must"
        )
    share = count["rejected"] / count["pulled"]
    return (
        f"{stream} {day}: refused by {', '.join(rules)}: {count['rejected']} of {count['pulled']} rows rejected "
        f"({share:.1%}, tolerance {profile.tolerance(stream):.1%}); "
        + ", ".join(f"{name} {n}" for name, n in sorted(count["rules"].items()))
        + (f"; for example: {shown}" if shown else "")
    )
