"""Verdicts: what a check found, in one shape for both gates, the summary, the UI and the publication.

`Verdict.blocks` is the one place where blocking and warning are told apart. Writing verdicts down is refusals.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Status = Literal["passed", "failed", "error"]  # error: the check itself could not be evaluated, which counts as failed
Severity = Literal["error", "warning"]  # error blocks; a warning is reported


@dataclass(frozen=True)
class Verdict:
    """One check's answer. `subject` is the stream or model; `count` the rows or days at fault; `samples` some of them."""

    gate: Literal["gate_1", "gate_2"]
    subject: str
    rule: str
    severity: Severity
    status: Status
    owner: str
    message: str
    count: int = 0
    samples: list[Any] = field(default_factory=list)
    fix: str = ""
    look: str = ""  # a query or command that shows the rows
    check: str = ""  # its name where that is not <subject>_<rule>
    accepted: str = ""  # why this run goes on although it failed

    @property
    def name(self) -> str:
        return self.check or f"{self.subject}_{self.rule}"

    @property
    def blocks(self) -> bool:
        """Whether this verdict stops what comes after it: an error-severity check that was not evaluated, or that failed
        and was not accepted."""
        return self.severity == "error" and self.status != "passed" and not (self.may_be_accepted and self.accepted)

    @property
    def may_be_accepted(self) -> bool:
        """What was not evaluated cannot be accepted: nobody knows what it would have found."""
        return self.severity == "error" and self.status == "failed"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"name": self.name, "blocks": self.blocks}


@dataclass(frozen=True)
class Acceptance:
    """The checks that one run may fail, by name, and why. It holds for that run alone."""

    checks: tuple[str, ...] = ()
    reason: str = ""


NOTHING_ACCEPTED = Acceptance()


def accept(verdicts: Sequence[Verdict], acceptance: Acceptance) -> list[Verdict]:
    """The verdicts with the reason on those that failed and are accepted; all others as they were."""
    return [
        replace(v, accepted=acceptance.reason) if v.name in acceptance.checks and v.may_be_accepted else v
        for v in verdicts
    ]


def worst_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What blocks comes first: checks that failed, then those that were not evaluated, warnings, and what passed."""
    order = {"failed": 0, "error": 1, "passed": 2}
    return sorted(verdicts, key=lambda v: (not v.blocks, v.status == "passed", order[v.status], v.name))
