"""Verdicts: what a check found, in one shape for both gates, the summary, the UI and the publication."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
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

    @property
    def name(self) -> str:
        return f"{self.subject}_{self.rule}"

    @property
    def blocks(self) -> bool:
        """Whether this verdict stops what comes after it: an error-severity check that failed or was not evaluated."""
        return self.severity == "error" and self.status != "passed"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"name": self.name, "blocks": self.blocks}
