"""docs/checks.md: every check with its severity, its owner and the test that makes it fail, from where they are defined.

`python -m tests.lint.check_docs` writes the page. tests/integration/test_main_job.py compares it, and fails when a check
has no test that spoils something for it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from orchestration.pipeline import batch_checks, build, checks
from orchestration.pipeline.checks import Check
from orchestration.settings import Home
from sources.profile import Profile, load_profile
from tests.integration.mutations import MUTATIONS
from tests.unit import test_batch_checks, test_publication, test_publish_step

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
HEAD = """# Checks

<!-- Written by `python -m tests.lint.check_docs` from contracts, dbt tests and suites: change those. -->

*error* blocks: of gate 1 the day does not land, of gate 2 nothing is published. *warning* is reported. A check that raised,
took too long, was skipped or left an expectation unevaluated has failed. The last column is the test that spoils
something and sees the check fail. [operations.md](operations.md) says what to do with a refusal.
"""
GENERIC_TEST = "test_main_job.py::test_a_generic_check_finds_what_is_spoiled"
GENERIC_KINDS = {"unique_combination", "accepted_values"}


def spoiled_by(check: Check, profile: Profile) -> str | None:
    """The test that makes this check fail; None when there is none."""
    singular = {key.partition("/")[2]: key for key in MUTATIONS}
    if check.kind == "batch":
        if check.name in test_batch_checks.WARNED:
            return f"test_batch_checks.py::test_a_row_that_breaks_a_warning_rule_is_told_and_lands[{check.name}]"
        if check.rule == batch_checks.SOURCE_READABLE:
            return "test_landing.py::test_a_source_that_is_gone_fails_its_days_and_keeps_the_lake"
        of_any_stream = check.rule in test_batch_checks.SPOILED and not _is_of_contract(check, profile)
        if of_any_stream or (check.subject == test_batch_checks.STREAM and check.rule in test_batch_checks.SPOILED):
            return f"test_batch_checks.py::test_a_spoiled_day_is_found[{check.rule}]"
    if check.kind == "mart" and check.name in test_publication.SPOILED:
        return f"test_publication.py::test_each_check_of_the_marts_can_fail[{check.name}]"
    if check.kind == "singular" and check.name in singular:
        return f"test_main_job.py::test_a_check_finds_what_is_spoiled[{singular[check.name]}]"
    if check.kind == "reconciliation":
        return "test_reconciliation.py::test_what_the_source_did_behind_the_cursors_back_is_named"
    if check.kind in GENERIC_KINDS:
        return f"{GENERIC_TEST}[{check.kind}]"
    if check.kind == "publication":
        for left, (name, _) in test_publish_step.LEFT.items():
            if name == check.name:
                return f"test_publish_step.py::test_what_dbt_left_blocks[{left}]"
    return None


def _is_of_contract(check: Check, profile: Profile) -> bool:
    return check.rule in {rule.name for rule in profile.contract(check.subject).rules}


def every_check(profile: Profile, manifest: dict[str, Any]) -> list[Check]:
    """Gate 1's of all streams of the profile (rules of its own aside), gate 2's and the publish step's."""
    own = {(stream, rule.name) for stream, mapping in profile.streams.items() for rule in mapping.rules}
    of_streams = [check for stream in profile.streams for check in checks.gate_1(profile, stream)]
    return [
        *(check for check in of_streams if (check.subject, check.rule) not in own),
        *checks.gate_2(manifest),
        *checks.of_publishing(),
        *checks.of_reconciliation(profile),
    ]


def _table(rows: Iterable[tuple[str, list[Check]]], profile: Profile) -> Iterator[str]:
    """One line per name; what is asked of several streams says whether severity and owner are the same for all."""
    yield "| check | severity | owner | it asks | made to fail by |"
    yield "|---|---|---|---|---|"
    for name, found in rows:
        severity = " or ".join(sorted({check.severity for check in found}))
        owner = found[0].owner if len(found) == 1 else "the contract's"
        asks = " ".join(found[0].asks.split()).replace("|", "\\|")
        yield f"| `{name}` | {severity} | {owner} | {asks} | `{spoiled_by(found[0], profile) or '–'}` |"


def page(profile: Profile, manifest: dict[str, Any]) -> str:
    """The whole page. What gate 1 asks of every stream is one line; the owner is then the contract's."""
    found = every_check(profile, manifest)
    gate_1 = [check for check in found if check.gate == "gate_1"]
    by_rule: dict[str, list[Check]] = {}
    for check in gate_1:
        by_rule.setdefault(check.rule, []).append(check)
    lines = [(f"<stream>_{rule}" if len(f) > 1 else f[0].name, f) for rule, f in by_rule.items()]
    parts = [HEAD, "## Gate 1: a day of a stream", "", *_table(lines, profile), ""]
    parts.append(
        "Row rules (types, required fields, enums, ranges, rules of the contract) stand in `sources/contracts`."
    )
    for title, kinds in (
        ("Gate 2: identities and references, by dbt", {"singular"}),
        ("Gate 2: shapes and ranges of the marts, by Great Expectations", {"mart"}),
        ("Gate 2: lake and source, compared", {"reconciliation"}),
        ("Publishing: what dbt left, read again", {"publication"}),
        ("Gate 2: keys of the models, by dbt", GENERIC_KINDS),
    ):
        of_kind = [(c.name, [c]) for c in sorted(found, key=lambda c: c.name) if c.kind in kinds]
        parts += ["", f"## {title}", "", *_table(of_kind, profile)]
    return "\n".join(parts) + "\n"


def main() -> int:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = build.read_manifest(Home(Path(folder)))
    PAGE.write_text(
        page(load_profile("sample", {"OPSMART_HOME": "."}, check_sources=False), manifest), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
