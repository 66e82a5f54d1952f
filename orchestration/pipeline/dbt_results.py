"""What dbt said of a build, test by test: its results as verdicts, with rows at fault and what to do.

How a build is run does not belong here: see build.py.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.pipeline import lake
from orchestration.pipeline.storage import told
from orchestration.pipeline.verdicts import Severity, Status, Verdict
from orchestration.settings import Home

SAMPLE_ROWS = 3
BUILD_RESULTS = "run_results.build.json"  # of the build, where accepted tests ran after it


class BuildError(RuntimeError):
    """dbt could not build the marts; the message carries dbt's own words."""


def results_file(home: Home) -> Path:
    """Where dbt writes the results of its last command."""
    return home.runs / "target" / "run_results.json"


def forget_results(home: Home) -> None:
    """Before a build: what an earlier one said must never be taken for this one's word."""
    for path in (results_file(home), results_file(home).with_name(BUILD_RESULTS)):
        path.unlink(missing_ok=True)


def read_verdicts(home: Home) -> list[Verdict]:
    """What dbt's last build says, one verdict per model that failed and per data test of the manifest.

    A test that the manifest has and the results lack, or that was skipped, counts as not evaluated, which is a failure.
    """
    manifest = _read_json(home.runs / "target" / "manifest.json")
    if not results_file(home).is_file():
        return [
            Verdict(
                "gate_2",
                "build",
                "has_results",
                "error",
                "error",
                "data-platform",
                "dbt left no results",
                1,
                fix=f"Read {home.runs / 'logs' / 'dbt.log'} and build again.",
            )
        ]
    results: dict[str, dict[str, Any]] = {}
    for path in (results_file(home).with_name(BUILD_RESULTS), results_file(home)):
        if path.is_file():
            results |= {result["unique_id"]: result for result in _read_json(path)["results"]}
    samples = _failing_rows(home, list(results.values()))
    verdicts = []
    for unique_id, node in sorted(manifest["nodes"].items()):
        if node["resource_type"] == "test":
            verdicts.append(_test_verdict(node, results.get(unique_id), manifest, samples.get(unique_id, [])))
        elif node["resource_type"] in ("model", "seed") and node["config"].get("enabled", True):
            failed = _model_verdict(node, results.get(unique_id))
            if failed:
                verdicts += [failed, *_damaged_files(home, failed)]
    return list({verdict.name + verdict.message: verdict for verdict in verdicts}.values())


def _read_json(path: Path) -> Any:
    """What dbt wrote there. Raises BuildError where it could not write it to its end."""
    with told(f"{path}: nothing was published", "run again"):
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise BuildError(
                f"{path} is cut off, nothing was published: dbt was killed, or there is no space left on its disk; free "
                "space there, then run again"
            ) from None


def _damaged_files(home: Home, failed: Verdict) -> list[Verdict]:
    """Where a model failed over files of the lake: which landing days to pull again."""
    verdicts = []
    pattern = re.escape(str(home.lake)) + r"/(\w+)/landed_date=(\d{4}-\d{2}-\d{2})/[\w.-]+\.parquet"
    for path, stream, day in {(m[0], m[1], m[2]) for m in re.finditer(pattern, failed.message)}:
        again = lake.backfill_command(stream, [date.fromisoformat(day)])
        verdicts.append(
            Verdict(
                "gate_2",
                stream,
                "files_are_readable",
                "error",
                "failed",
                "data-platform",
                f"{path} of the lake cannot be read",
                1,
                [{"landed_date": day}],
                f"Restore the file from the backup, or move it away; then {again}.",
            )
        )
    return verdicts


def _owner(node: dict[str, Any]) -> str:
    return str(node.get("meta", {}).get("owner") or node["config"].get("meta", {}).get("owner") or "data-platform")


def _model_verdict(node: dict[str, Any], result: dict[str, Any] | None) -> Verdict | None:
    status = result["status"] if result else "not run"
    if status == "success":
        return None
    message = str((result or {}).get("message") or f"the model was {status}").strip()
    is_damaged = any(sign in message for sign in ("Corrupt database", "Could not read enough bytes from file"))
    fix = "The warehouse is damaged: `make rebuild` builds it from the lake anew." if is_damaged else ""
    return Verdict(
        "gate_2",
        node["name"],
        "builds",
        "error",
        "error",
        _owner(node),
        message,
        1,
        fix=fix or f"Read {node['original_file_path']} and dbt's log.",
    )


def _failing_rows(home: Home, results: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """A few of the rows that each failed test returned: the test's own compiled query, asked once more."""
    failed = [r for r in results if r["status"] in ("fail", "warn") and r.get("compiled_code")]
    if not failed or not home.warehouse.is_file():
        return {}
    rows: dict[str, list[Any]] = {}
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        for result in failed:
            query = (
                f"select columns(*)::varchar from ({result['compiled_code'].strip().rstrip(';')}) limit {SAMPLE_ROWS}"
            )
            with contextlib.suppress(duckdb.Error):  # a sample is help, the verdict stands without it
                rows[result["unique_id"]] = con.execute(query).to_arrow_table().to_pylist()
    return rows


@dataclass(frozen=True)
class DbtTest:
    """What the manifest says about a test: its subject, owner and severity, what it asks, and what to do when it fails."""

    name: str
    subject: str
    severity: Severity
    owner: str
    asks: str
    fix: str
    kind: str  # the generic test that it is one of; `singular` for a file of its own


def dbt_test(node: dict[str, Any], manifest: dict[str, Any]) -> DbtTest:
    """Read a test's node. dbt's `warn` is our `warning`; a test that says nothing blocks."""
    meta = {**node["config"].get("meta", {}), **node.get("meta", {})}
    parents = [name for name in node["depends_on"]["nodes"] if name in manifest["nodes"]]
    attached = manifest["nodes"].get(node.get("attached_node") or "", {})
    subject = str(
        meta.get("subject") or attached.get("name") or (manifest["nodes"][parents[0]]["name"] if parents else "")
    )
    said = node.get("description") or node["config"].get("description") or ""
    return DbtTest(
        name=node["name"],
        subject=subject,
        severity="warning" if node["config"].get("severity", "error").lower() == "warn" else "error",
        owner=str(meta.get("owner") or (_owner(attached) if attached else "data-platform")),
        asks=said or node["name"].removeprefix(f"{subject}_").replace("_", " "),
        fix=str(meta.get("fix") or f"Query the rows: {node.get('relation_name') or node['original_file_path']}."),
        kind=(node.get("test_metadata") or {}).get("name") or "singular",
    )


def _test_verdict(
    node: dict[str, Any], result: dict[str, Any] | None, manifest: dict[str, Any], samples: list[Any]
) -> Verdict:
    """What a test's result means. Anything but pass, fail and warn is a test that was not evaluated."""
    test = dbt_test(node, manifest)
    status = result["status"] if result else "not run"
    count = int((result or {}).get("failures") or 0)
    said: Status = "passed" if status == "pass" else "failed" if status in ("fail", "warn") else "error"
    complaint = str((result or {}).get("message") or status).strip()
    message = {"passed": test.asks, "failed": f"{count:,} rows: {test.asks}"}.get(said)
    return Verdict(
        "gate_2",
        test.subject,
        test.name.removeprefix(f"{test.subject}_"),
        test.severity,
        said,
        test.owner,
        message or f"was not evaluated: {complaint}",
        count if said == "failed" else 0,
        samples,
        test.fix,
        look="" if said == "passed" else f'make dbt ARGS="show --select {test.name}"',
        check=test.name,
    )
