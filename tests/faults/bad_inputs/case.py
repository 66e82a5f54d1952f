"""What a case of bad input is, and how one of a connector is landed and its answer looked at.

The cases themselves are in the modules beside this one, one per connector or gate; table.py has all of them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from orchestration.pipeline import catch_up, lake
from orchestration.pipeline.landing import land_stream
from orchestration.settings import load_settings
from tests.conftest import Company
from tests.faults.figures import record

DAY = date(2026, 3, 2)
SECRETS = ("s3cret", "t0ken", "shpat_")


@dataclass(frozen=True)
class Case:
    """One bad input and its answer.

    `says`: what the message of a refusal, or the rules that quarantined rows broke, have to match. `landed` and
    `rejected`: rows in the lake and in quarantine; without them nothing lands, and the day stays missing. `holds`: values
    that have to stand in the lake, by column, in order. `more`: what else the test of that connector or gate needs.
    """

    name: str
    where: str
    given: Any
    says: str = ""
    landed: int | None = None
    rejected: int | None = None
    holds: Mapping[str, list[Any]] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def one_line(said: str) -> None:
    """Fails unless this is one line without control characters, secrets or the words of a traceback."""
    assert said and said.isprintable(), repr(said[:500])
    assert "Traceback" not in said
    assert len(said) < 2_000, f"{len(said)} characters"
    assert not [secret for secret in SECRETS if secret in said], said


def land_and_compare(company: Company, case: Case, stream: str, source: str, fields: Mapping[str, str]) -> None:
    """Land the case's day of a stream from one source, any share of whose rows may be bad; then look at the answer."""
    mapped = "\n".join(f"{name} = {json.dumps(sql)}" for name, sql in fields.items())
    more = "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in {"tolerance": 1.0, **case.more.get("stream", {})}.items()
    )
    day = case.more.get("day", DAY)
    company.business |= {"first_day": day, "last_day": day, **case.more.get("business", {})}
    company.streams = {
        stream: f'[sources.given]\n{source}\n[streams.{stream}]\nfrom = "given"\n{more}[streams.{stream}.fields]\n{mapped}\n'
    }
    os.environ |= {"OPSMART_PROFILE": str(company.profile()), "OPSMART_HOME": str(company.root / "home")}
    settings = load_settings(check_sources=False)
    record("bad inputs")
    (landing,) = land_stream(settings, stream, [day], "test-run").landings
    table, quarantine = lake.stream_table(settings.home, stream), lake.read_quarantine(settings.home, stream)
    rows = table.to_pyarrow_table().to_pylist() if table else []
    bad = quarantine.to_pylist() if quarantine is not None else []
    missing = catch_up.days_to_land(settings, stream)
    assert not [path for path in settings.home.scratch.iterdir() if path.is_dir()], "scratch folders are left"
    if case.landed is None:
        assert landing.state == "failed", (landing.landed, landing.rejected, rows[:2], bad[:2])
        one_line(landing.reason or "")
        assert re.search(case.says, landing.reason or ""), landing.reason
        assert (rows, bad, missing) == ([], [], [day])
        return
    reasons = " ".join(row["reasons"] for row in bad) + " " + landing.findings + " " + landing.drift
    assert landing.state == "landed", landing.reason
    counts = (landing.pulled, landing.landed, landing.rejected)
    assert counts == (case.landed + (case.rejected or 0), case.landed, case.rejected or 0), (counts, reasons, rows[:3])
    assert (len(rows), len(bad), missing) == (case.landed, case.rejected or 0, [])
    assert re.search(case.says, reasons), reasons
    for column, values in case.holds.items():
        assert sorted((row[column] for row in rows), key=str) == sorted(values, key=str), column
