"""What bad input gets, end to end: the answer of DESIGN's table, and the publication before it untouched."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from rich.console import Console

from orchestration import cli, console
from orchestration.definitions import build_definitions
from orchestration.pipeline import batch_checks, build, dbt_results, mart_checks, runner
from orchestration.pipeline.landing import land_stream
from orchestration.pipeline.publication import current
from orchestration.pipeline.verdicts import Acceptance
from orchestration.settings import Settings, load_settings

DAYS = [date(2026, 3, day) for day in (2, 3, 4)]
PROFILE = """
name = "shop"
[business]
currency = "EUR"
first_day = 2026-03-02
last_day = 2026-03-04
refunds = "none"
[sources.events]
connector = "files"
path = "{root}/events/{{day}}/*.jsonl.gz"
format = "jsonl"
[sources.shop]
connector = "files"
path = "{root}/orders.csv"
format = "csv"
[sources.lines]
connector = "files"
path = "{root}/lines.csv"
format = "csv"
[streams.usage_events]
from = "events"
tolerance = 0.2
[streams.usage_events.fields]
event_id = "id"
event_name = "type"
occurred_at = "at"
user_id = "user"
use_count = "uses"
[streams.orders]
from = "shop"
cursor = "at"
tolerance = 0.2
[streams.orders.fields]
order_id = "id"
ordered_at = "at"
updated_at = "at"
currency = "currency"
[streams.order_items]
from = "lines"
cursor = "at"
[streams.order_items.fields]
order_id = "order_id"
line_id = "line"
quantity = "1"
unit_price_amount = "price"
updated_at = "at"
"""


def event(day: date, number: int, **values: Any) -> str:
    row = {"id": f"{day}-{number}", "type": "opened", "at": f"{day}T10:00:00Z", "user": f"u{number}"} | values
    return "{" + ", ".join(f'"{k}": {v}' if isinstance(v, int) else f'"{k}": "{v}"' for k, v in row.items()) + "}"


class Shop:
    """The sources of a small shop, good until a test spoils them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.orders = [f"{day}-{n},{day} 1{n}:00:00,EUR" for day in DAYS for n in range(5)]
        for day in DAYS:
            self.events(day, [event(day, n) for n in range(10)])
        self.write_orders()
        (root / "shop.toml").write_text(PROFILE.format(root=root))

    def events(self, day: date, lines: list[str], cut: int = 0) -> None:
        path = self.root / "events" / day.isoformat() / "a.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = gzip.compress("\n".join([*lines, ""]).encode(), mtime=0)
        path.write_bytes(content[: len(content) - cut])

    def write_orders(self, header: str = "id,at,currency", more: tuple[str, ...] = ()) -> None:
        (self.root / "orders.csv").write_text("\n".join([header, *self.orders, *more]) + "\n")
        lines = [f"{o.split(',')[0]},1,10,{o.split(',')[1]}" for o in (*self.orders, *more) if o.count(",") == 2]
        (self.root / "lines.csv").write_text("\n".join(["order_id,line,price,at", *lines]) + "\n")


def fingerprint(published: Path) -> dict[str, str]:
    """Every file below `published` with its hash, and every link with its target."""
    return {
        str(p): str(p.readlink()) if p.is_symlink() else hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(published.rglob("*"))
        if p.is_symlink() or p.is_file()
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, forked_dbt: None) -> Iterator[Shop]:
    """A shop whose good sources were published once."""
    root = tmp_path_factory.mktemp("shop")
    shop = Shop(root)
    kept = {name: os.environ.get(name) for name in ("OPSMART_HOME", "OPSMART_PROFILE")}
    os.environ |= {"OPSMART_HOME": str(root / "home"), "OPSMART_PROFILE": str(root / "shop.toml")}
    settings = load_settings()
    assert all(not outcome.failed for outcome in runner.land(settings))
    runner.build_and_publish(settings)
    yield shop
    for name, value in kept.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture
def shop(first: Shop) -> Iterator[tuple[Shop, Settings]]:
    """The published shop; afterwards its sources are good again."""
    settings = load_settings()
    before = fingerprint(settings.home.published)
    yield first, settings
    assert fingerprint(settings.home.published) == before, "a spoiled source changed the publication"
    Shop(first.root)


def land_all(settings: Settings) -> dict[tuple[str, date], Any]:
    return {(x.stream, x.landed_date): x for outcome in runner.land(settings) for x in outcome.landings}


def test_a_few_bad_rows_are_quarantined_and_the_day_lands(shop: tuple[Shop, Settings]) -> None:
    company, settings = shop
    company.events(DAYS[1], [event(DAYS[1], n) for n in range(10)] + [event(DAYS[1], 11, at="soon")])
    landing = land_all(settings)["usage_events", DAYS[1]]
    assert (landing.state, landing.pulled, landing.landed, landing.rejected) == ("landed", 11, 10, 1)


def test_a_malformed_line_is_quarantined(shop: tuple[Shop, Settings]) -> None:
    company, settings = shop
    company.events(DAYS[1], [event(DAYS[1], n) for n in range(10)] + ['{"id": "x", "type"'])
    landing = land_all(settings)["usage_events", DAYS[1]]
    assert (landing.state, landing.landed, landing.rejected) == ("landed", 10, 1)
    assert '"malformed":1' in landing.findings


def test_too_many_bad_rows_fail_the_gate(shop: tuple[Shop, Settings]) -> None:
    company, settings = shop
    company.events(DAYS[1], [event(DAYS[1], n, uses="many") for n in range(10)])
    landed = land_all(settings)
    reason = landed["usage_events", DAYS[1]].reason
    assert landed["usage_events", DAYS[1]].state == "failed"
    for part in ("usage_events 2026-03-03", "10 of 10 rows", "use_count_type 10", "use_count=many"):
        assert part in reason
    assert [key for key, landing in landed.items() if landing.state == "failed"] == [("usage_events", DAYS[1])]


def test_a_truncated_file_fails_its_day_by_name(shop: tuple[Shop, Settings]) -> None:
    company, settings = shop
    company.events(DAYS[2], [event(DAYS[2], n) for n in range(10)], cut=9)
    landing = land_all(settings)["usage_events", DAYS[2]]
    assert landing.state == "failed" and "2026-03-04/a.jsonl.gz" in landing.reason


def test_a_missing_key_column_fails_the_stream_and_no_other(shop: tuple[Shop, Settings]) -> None:
    company, settings = shop
    company.write_orders(header="number,at,currency", more=("x,2026-03-04 10:00:00,EUR",))
    landed = land_all(settings)
    assert {s for (s, _), x in landed.items() if x.state == "failed"} == {"orders"}
    assert "orders: the required field order_id has vanished: before VARCHAR" in str(landed["orders", DAYS[0]].reason)


def test_a_source_that_is_gone_fails_its_stream_and_no_other(shop: tuple[Shop, Settings]) -> None:
    company, settings = shop
    (company.root / "orders.csv").unlink()
    outcome = runner.land(settings, DAYS)
    failed = {o.stream: o.failed[0].reason for o in outcome if o.failed}
    assert set(failed) == {"orders"}
    assert "orders.csv" in (failed["orders"] or "")


def make_publish(settings: Settings, *arguments: str) -> tuple[int, str, list[dg.AssetCheckEvaluation]]:
    """(exit code, what was printed, the asset checks in the order in which Dagster saw them) of `make publish`."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(console, "OUT", Console(file=printed, width=400))
        patched.setattr(cli, "load_definitions", lambda: build_definitions(settings))
        code = cli.main(["publish", *arguments])
    instance = cli.dagster_instance(settings.home)
    run = instance.get_runs(limit=1)[0]
    events = [e.dagster_event for e in instance.all_logs(run.run_id) if e.dagster_event]
    found = [e.asset_check_evaluation_data for e in events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
    return code, printed.getvalue(), found


def test_a_number_that_breaks_an_identity_is_not_published(shop: tuple[Shop, Settings]) -> None:
    """An order in a currency without a rate: gate 2 refuses, says which order, whose it is, how to look and how to go on.

    Neither gate 1 nor the judge of the marts sees anything wrong.
    """
    company, settings = shop
    company.write_orders(more=("dollar,2026-03-04 10:00:00,USD",))
    assert land_all(settings)["orders", DAYS[2]].state == "landed"
    code, printed, checks = make_publish(settings)
    assert code == 1
    for part in (
        "orders_have_rates [failed] 1 rows",
        "owner finance, failing since 20",
        "dollar",
        "fx_rates",
        "the last good publication stands: 20",
        " old. All verdicts: ",
        'Look: make dbt ARGS="show --select orders_have_rates"',
        'make publish ACCEPT="orders_have_rates" REASON="…"',
    ):
        assert part in printed, printed
    first = checks[0]
    assert (first.check_name, first.passed, first.severity) == ("orders_have_rates", False, dg.AssetCheckSeverity.ERROR)
    said = {name: value.value for name, value in first.metadata.items()}
    assert (said["owner"], said["status"], said["count"]) == ("finance", "failed", 1)
    assert (
        "dollar" in str(said["samples"]) and "fx_rates" in said["what to do"] and "show --select" in said["how to look"]
    )
    tests = {verdict.check: verdict.status for verdict in dbt_results.read_verdicts(settings.home) if verdict.check}
    assert {check.check_name: check.metadata["status"].value for check in checks} == tests and len(checks) == len(tests)
    skipped = [check for check in checks if check.metadata["status"].value == "error"]
    assert len(skipped) > 30, "what comes after the failed test was not evaluated"
    assert not any(check.passed for check in skipped)
    assert [v.name for v in mart_checks.judge_marts(settings.home) if v.blocks] == []


def test_a_failed_dbt_test_does_not_get_past_publishing(shop: tuple[Shop, Settings]) -> None:
    """The publish step reads the verdicts again: a build that nobody stopped is refused there."""
    _, settings = shop
    results = settings.home.runs / "target" / "run_results.json"
    kept = results.read_text()
    try:
        results.write_text(kept.replace('"status": "pass"', '"status": "fail"', 1))
        assert any(v.blocks or v.status == "failed" for v in dbt_results.read_verdicts(settings.home))
        results.unlink()
        assert all(v.blocks for v in dbt_results.read_verdicts(settings.home))
    finally:
        results.write_text(kept)


def test_a_build_that_hangs_is_stopped(first: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Dagster; tests/unit/test_build.py has the rest. The warehouse is free again, and readers see what they saw."""
    settings = load_settings()
    land_all(settings)
    before = current(settings)
    monkeypatch.setattr(build, "BUILD_SECONDS", 1.0)
    code, printed, checks = make_publish(settings)
    assert (code, checks) == (1, [])
    assert "dbt was stopped after 1 s, nothing was published" in printed and "Traceback" not in printed, printed
    assert current(settings) == before
    with build.warehouse_lock(settings.home, 0):
        pass


WHY = 'Finance\'s "rates" come on Monday'


def accepted_in_dagster(settings: Settings) -> None:
    code, printed, checks = make_publish(settings, "--accept", "orders_have_rates", "--reason", WHY)
    assert code == 0, printed
    (accepted,) = [check for check in checks if check.metadata["accepted because"].value]
    assert (accepted.check_name, accepted.passed, accepted.severity) == (
        "orders_have_rates",
        False,
        dg.AssetCheckSeverity.WARN,
    )
    assert f"Accepted: orders_have_rates, because {WHY}" in printed


def accepted_by_the_runner(settings: Settings) -> None:
    runner.build_and_publish(settings, acceptance=Acceptance(("orders_have_rates",), WHY))


@pytest.mark.parametrize("publish", [accepted_by_the_runner, pytest.param(accepted_in_dagster, marks=pytest.mark.soak)])
def test_an_accepted_failure_is_published_with_its_reason(first: Shop, publish: Callable[[Settings], None]) -> None:
    settings = load_settings()
    Shop(first.root).write_orders(more=("dollar,2026-03-04 10:00:00,USD",))
    land_all(settings)
    before = current(settings)
    publish(settings)
    done = current(settings)
    assert before is not None and done is not None and done.id != before.id
    assert done.manifest["accepted"] == {"orders_have_rates": WHY}
    (verdict,) = [v for v in done.manifest["verdicts"] if v["name"] == "orders_have_rates"]
    assert (verdict["status"], verdict["accepted"], verdict["blocks"], verdict["count"]) == ("failed", WHY, False, 1)
    with duckdb.connect(str(done.folder / "marts.duckdb"), read_only=True) as con:
        assert con.execute("select accepted_checks, age_hours from dim_publication_age").fetchall() == [
            (f"orders_have_rates: {WHY}", 0)
        ]
        assert con.execute("select count(*) from fct_orders__orders").fetchall() == [(16,)], "what comes after is built"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--accept", "orders_have_rates"), "REASON="),
        (("--reason", "because"), "ACCEPT=<check> is needed"),
        (("--accept", "orders_have_wings", "--reason", "because"), "ACCEPT=orders_have_wings: no blocking check"),
    ],
)
def test_a_wrong_acceptance_is_one_line(first: Shop, arguments: tuple[str, ...], said: str) -> None:
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(console, "OUT", Console(file=printed, width=400))
        patched.setattr(cli, "load_definitions", lambda: None)
        assert cli.main(["publish", *arguments]) == 2
    assert said in printed.getvalue() and printed.getvalue().count("\n") <= 1


def test_what_gate_1_refuses_no_other_gate_finds(first: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of which every row is bad, and a gate 1 that lets it land: gate 2 and the publish step see a quiet day."""
    settings = load_settings()
    company = Shop(first.root)
    company.write_orders(more=("dollar,2026-03-04 10:00:00,EUR",))
    company.events(DAYS[1], [event(DAYS[1], n, uses="many") for n in range(10)])
    judge = batch_checks.judge
    monkeypatch.setattr(batch_checks, "judge", lambda *given: (judge(*given)[0], {}))
    assert land_all(settings)["usage_events", DAYS[1]].state == "landed"
    done = runner.build_and_publish(settings)
    with duckdb.connect(str(done.folder / "marts.duckdb"), read_only=True) as con:
        query = "select value from fct_kpi where kpi_id = 'dau' and dimension = 'all' and period_start = '2026-03-03'"
        assert con.execute(query).fetchall() == [(0,)]
    monkeypatch.setattr(batch_checks, "judge", judge)
    assert [x.state for x in land_stream(settings, "usage_events", [DAYS[1]], "again").landings] == ["failed"]


def test_after_the_mend_the_next_run_publishes_everything(first: Shop) -> None:
    settings = load_settings()
    Shop(first.root).write_orders(more=("dollar,2026-03-04 10:00:00,EUR",))
    assert all(not outcome.failed for outcome in runner.land(settings, DAYS))
    done = runner.build_and_publish(settings)
    with duckdb.connect(str(done.folder / "marts.duckdb"), read_only=True) as con:
        found = con.execute(
            """select kpi_id, cast(sum(numerator) as integer) from fct_kpi
               where grain = 'day' and dimension = 'all' and kpi_id in ('orders', 'gmv', 'dau') group by 1 order by 1"""
        ).fetchall()
    assert found == [("dau", 30), ("gmv", 150 + 10), ("orders", 15 + 1)]
