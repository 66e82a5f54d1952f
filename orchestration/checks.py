"""How a verdict looks in Dagster: an asset check with severity, owner, what to do, counts and sample rows.

What is asked and how bad it is stands where each check is defined (contracts, dbt tests, pipeline/mart_checks.py);
`pipeline/checks.py` lists them all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import dagster as dg

from orchestration.pipeline.checks import Check
from orchestration.pipeline.dbt_results import BuildError
from orchestration.pipeline.refusals import PublicationRefused
from orchestration.pipeline.storage import StorageError
from orchestration.pipeline.verdicts import Acceptance, Verdict

ACCEPTED_CHECKS = "opsmart/accepted_checks"  # run tags: the checks that this run may fail, and why
ACCEPTED_REASON = "opsmart/accepted_reason"
SAMPLES = 5


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
    """A disk that fails, or a lock that is not given, is no fault of the code: the step fails with that one line."""
    try:
        yield
    except (StorageError, TimeoutError, BuildError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


def check_spec(key: dg.AssetKey, check: Check, name: str) -> dg.AssetCheckSpec:
    """What Dagster shows of a check before it has run."""
    return dg.AssetCheckSpec(
        name,
        asset=key,
        description=check.asks,
        metadata={"owner": check.owner, "severity": check.severity, "what to do": check.fix},
    )


def check_result(key: dg.AssetKey, verdict: Verdict, name: str) -> dg.AssetCheckResult:
    """A verdict in Dagster's words. A check that could not be evaluated has not passed, and neither has an accepted one;
    but that is a warning, for Dagster fails a step by itself when a blocking check is an error."""
    is_error = verdict.severity == "error" and not verdict.accepted
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=verdict.status == "passed",
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description=verdict.message,
        metadata={
            "owner": verdict.owner,
            "status": verdict.status,
            "blocks": verdict.blocks,
            "count": verdict.count,
            "samples": dg.MetadataValue.json(verdict.samples[:SAMPLES]),
            "what to do": verdict.fix,
            "how to look": verdict.look,
            "accepted because": verdict.accepted,
        },
    )


def acceptance_tags(checks: list[str], reason: str) -> dict[str, str]:
    """The tags of a run that may fail these checks."""
    return {ACCEPTED_CHECKS: " ".join(checks), ACCEPTED_REASON: reason}


def acceptance_of(tags: Mapping[str, str]) -> Acceptance:
    """What a run's tags accept; a run whose tags give no reason accepts nothing."""
    reason = tags.get(ACCEPTED_REASON, "").strip()
    return Acceptance(tuple(tags.get(ACCEPTED_CHECKS, "").split()) if reason else (), reason)


def failure(refused: PublicationRefused) -> dg.Failure:
    """The red step: the failing check comes first."""
    return dg.Failure(
        description=str(refused),
        metadata={
            "failing checks": dg.MetadataValue.json([verdict.name for verdict in refused.verdicts]),
            "verdicts": dg.MetadataValue.path(str(refused.record)),
        },
        allow_retries=False,
    )
