"""Every check there is, in one list: gate 1's of each stream, dbt's tests, the judge's of the marts, and publishing's own.

The list is read from where the checks are defined; the severities stand there and nowhere else. Dagster's check specs,
`docs/checks.md` and the names that `make publish ACCEPT=…` takes come from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestration.pipeline import batch_checks, dbt_results, mart_checks, reconciliation
from orchestration.pipeline.verdicts import Severity, Verdict, worst_first
from sources.profile import Profile


@dataclass(frozen=True)
class Check:
    """One check before it has run: what it asks, whether it blocks, whose it is and what to do when it fails."""

    gate: Literal["gate_1", "gate_2"]
    subject: str
    name: str
    severity: Severity
    owner: str
    asks: str
    fix: str
    kind: str  # where it is made: batch, mart, publication, or the kind of dbt's test

    @property
    def rule(self) -> str:
        return self.name.removeprefix(f"{self.subject}_")


def gate_1(profile: Profile, stream: str) -> list[Check]:
    """What is asked of a stream's days as a whole."""
    owner = profile.contract(stream).owner
    return [
        Check("gate_1", stream, f"{stream}_{asked.rule}", asked.severity, owner, asked.asks, asked.fix, "batch")
        for asked in batch_checks.checks(profile, stream)
    ]


def gate_2(manifest: dict[str, Any]) -> list[Check]:
    """What is asked of the models by dbt, and of the marts by Great Expectations."""
    tests = [dbt_results.dbt_test(n, manifest) for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    return [
        *(Check("gate_2", t.subject, t.name, t.severity, t.owner, t.asks, t.fix, t.kind) for t in tests),
        *of_marts(),
    ]


def of_marts() -> list[Check]:
    """What Great Expectations asks of the marts."""
    return [
        Check(
            "gate_2",
            mart,
            f"{mart}_{wanted.rule}",
            wanted.severity,
            mart_checks.OWNER,
            wanted.message,
            wanted.fix,
            "mart",
        )
        for mart, suite in mart_checks.suites([]).items()
        for wanted in suite
    ]


def of_reconciliation(profile: Profile) -> list[Check]:
    """What is asked of the streams whose source can be compared with the lake."""
    return [
        Check(
            "gate_2",
            stream,
            f"{stream}_{reconciliation.RULE}",
            "error" if profile.streams[stream].reconcile == "block" else "warning",
            profile.contract(stream).owner,
            f"The lake holds what the source says about the last {profile.business.reconcile_days} landing days.",
            "Pull the days that are named again, by make backfill.",
            "reconciliation",
        )
        for stream in profile.streams
        if reconciliation.why_not(profile, stream) is None
    ]


def acceptable(profile: Profile, manifest: dict[str, Any]) -> set[str]:
    """The names of the checks that a run may be allowed to fail: gate 2's that block."""
    return {c.name for c in [*gate_2(manifest), *of_reconciliation(profile)] if c.severity == "error"}


HAS_RESULTS, ARE_BUILT, TESTS_PASS = "build_has_results", "models_are_built", "tests_pass"
_PUBLISHING = {
    HAS_RESULTS: ("dbt came to an end and left its results.", "Read dbt's log, and build again."),
    ARE_BUILT: ("Every model and seed of the project was built.", "Read the models named here, and dbt's log."),
    TESTS_PASS: ("Every test of dbt was evaluated, and none that blocks failed.", "See the tests named here."),
}


def of_publishing() -> list[Check]:
    """What the publish step asks by itself of what dbt left, whatever the steps before it have said."""
    return [
        Check("gate_2", "build", name, "error", mart_checks.OWNER, asks, fix, "publication")
        for name, (asks, fix) in _PUBLISHING.items()
    ]


def summed_up(built: Sequence[Verdict]) -> list[Verdict]:
    """The build's verdicts as the few that the publish step shows: each of them has a check of its own at its model."""
    failing: dict[str, list[Verdict]] = {name: [] for name in _PUBLISHING}
    for verdict in built:
        if verdict.blocks:
            name = {"has_results": HAS_RESULTS, "builds": ARE_BUILT}.get(verdict.rule, TESTS_PASS)
            failing[name].append(verdict)
    return [
        Verdict(
            check.gate,
            check.subject,
            check.rule,
            check.severity,
            "failed" if failing[check.name] else "passed",
            check.owner,
            check.asks,
            len(failing[check.name]),
            [v.name for v in worst_first(failing[check.name])],
            check.fix,
            check=check.name,
        )
        for check in of_publishing()
    ]
