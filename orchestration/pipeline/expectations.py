"""Great Expectations as the judge of a frame: builds a suite, validates it, and turns every answer into a verdict.

An expectation that raised or was not evaluated is an error, which counts as a failure. The library takes seconds to
import, so it is imported here, inside the one function that needs it, and nowhere else.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from orchestration.pipeline.verdicts import Severity, Verdict

CHECK_SECONDS = float(os.environ.get("OPSMART_CHECK_SECONDS", "600"))  # for one frame; what takes longer has failed


@dataclass(frozen=True)
class Expectation:
    """One expectation on a column of a frame: its Great Expectations type and arguments, and what a failure means."""

    rule: str
    type: str  # snake case, as in Great Expectations' gallery: expect_column_values_to_be_between
    arguments: dict[str, Any]
    severity: Severity
    message: str
    count: int | None = None  # rows at fault where the frame's rows are sums; default: the frame's rows at fault
    fix: str = ""
    asks: str = ""  # the question in words that hold for every day; default: the message


def validate(
    gate: Literal["gate_1", "gate_2"],
    subject: str,
    owner: str,
    frame: pd.DataFrame,
    index: Sequence[str],
    expectations: Sequence[Expectation],
) -> list[Verdict]:
    """Judge `frame` (rows named by the columns `index`). One verdict per expectation, in the same order."""
    if not expectations:
        return []
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas(subject)
        .add_dataframe_asset(subject)
        .add_batch_definition_whole_dataframe(subject)
        .get_batch({"dataframe": frame})
    )
    suite = gx.ExpectationSuite(subject)
    for wanted in expectations:
        suite.add_expectation_configuration(
            ExpectationConfiguration(type=wanted.type, kwargs=dict(wanted.arguments), meta={"rule": wanted.rule})
        )
    results: dict[str, Any] = {}
    complaint = "it gave no result"
    try:
        wanted_format = {"result_format": "COMPLETE", "unexpected_index_column_names": list(index)}
        answer = _in_time(lambda: batch.validate(suite, result_format=wanted_format))
        results = {result.expectation_config.meta["rule"]: result for result in answer.results}
    except Exception as error:  # a check that raised is a check that failed
        complaint = str(error)
    return [_verdict(gate, subject, owner, wanted, results.get(wanted.rule), complaint) for wanted in expectations]


def _in_time(judge: Callable[[], Any]) -> Any:
    """What `judge` returns, or raises; TimeoutError when that takes longer than CHECK_SECONDS (its thread is left behind)."""
    answers: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((judge(), None))
        except Exception as error:
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        answer, error = answers.get(timeout=CHECK_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"it took longer than {CHECK_SECONDS:.0f} s") from None
    if error is not None:
        raise error
    return answer


def _verdict(
    gate: Literal["gate_1", "gate_2"], subject: str, owner: str, wanted: Expectation, result: Any, complaint: str
) -> Verdict:
    """What one result means. No result, no answer or an exception in it: not evaluated, which counts as failed."""
    raised = complaint if result is None or result.success is None else _raised(result.exception_info)
    if raised:
        said = f"could not be evaluated: {raised}"
        return Verdict(gate, subject, wanted.rule, wanted.severity, "error", owner, said, fix=wanted.fix)
    if result.success:
        return Verdict(gate, subject, wanted.rule, wanted.severity, "passed", owner, wanted.message, fix=wanted.fix)
    found = [_plain(row) for row in result.result.get("unexpected_index_list") or []]
    count = wanted.count or len(found) or 1
    return Verdict(
        gate, subject, wanted.rule, wanted.severity, "failed", owner, wanted.message, count, found, wanted.fix
    )


def _raised(info: dict[str, Any]) -> str:
    """What an expectation raised: the library keeps one entry, or one per metric that could not be computed."""
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    return "; ".join(str(e.get("exception_message")).strip() for e in entries if e.get("raised_exception"))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.item() if hasattr(value, "item") else value for name, value in row.items()}
