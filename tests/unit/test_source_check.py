"""Looking at sources: what is told of a mapping, what a profile is begun with, and that nothing lands."""

# ruff: noqa: F811 (a fixture of another module)
from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration import cli, console
from sources.profile import load_profile
from sources.profile_init import begin_profile
from sources.source_check import StreamCheck, check_stream
from tests.conftest import Company
from tests.unit.test_reconciliation import Shop, shop  # noqa: F401 (a fixture)

DAY = date(2026, 3, 4)


def looked(company: Company, stream: str = "orders") -> StreamCheck:
    return check_stream(load_profile(str(company.profile()), check_sources=False), stream, DAY)


def test_a_good_mapping_is_shown_beside_the_contract(shop: Shop) -> None:
    shop.settings()
    found = looked(shop.company)
    assert (found.rows, found.rows_per_day, found.complaints, found.unknown) == (12, 3, [], [])
    shown = {line.field.name: line for line in found.fields}
    assert (shown["order_id"].expression, shown["order_id"].source_type, shown["order_id"].filled) == (
        '"id"',
        "VARCHAR",
        12,
    )
    assert (shown["customer_id"].example, shown["country"].expression) == ("***", "")


def test_what_is_missing_or_mistyped_is_said(shop: Shop) -> None:
    shop.settings()
    shop.say(
        "update orders set status = 'soon'",
        "update orders set id = '' where id in ('a1', 'a2')",
        "alter table orders add x",
    )
    text = shop.company.streams["orders"]
    shop.company.streams["orders"] = (
        text.replace('ordered_at = "updated_at"', 'ordered_at = "status"') + '\nchannel = "shopfront"\n'
    )
    found = looked(shop.company)
    assert found.complaints[:2] == [
        "orders.order_id: required, and empty in 2 of 12 rows",
        "orders.ordered_at: mistyped: 12 of 12 values are no timestamptz, such as 'soon'",
    ]
    assert found.complaints[2].startswith(
        'orders.channel: cannot be evaluated: Binder Error: Referenced column "shopfront"'
    )
    assert found.unknown == ["x"]


def test_personal_values_are_not_shown(shop: Shop) -> None:
    shop.settings(streams=("customers",))
    shop.company.streams["customers"] = (
        shop.company.streams["customers"]
        .replace('"plan"', '"id"')
        .replace('customer_id = "id"', 'customer_id = "id"\nemail = "id"')
    )
    shown = {line.field.name: line.example for line in looked(shop.company, "customers").fields}
    assert (shown["customer_id"], shown["email"]) == ("***", "***")


def test_a_source_that_is_down_spoils_its_own_stream(shop: Shop) -> None:
    shop.settings()
    shop.path.unlink()
    (complaint,) = looked(shop.company).complaints
    assert "there is no SQLite file" in complaint and "\n" not in complaint


def test_files_are_estimated_by_their_size(company: Company) -> None:
    for day, rows in ((1, 40), (2, 40), (3, 40), (4, 20)):
        folder = company.root / "log" / f"2026-03-0{day}"
        folder.mkdir(parents=True)
        lines = [json.dumps({"id": f"{n:02}", "event": "x", "at": f"2026-03-0{day} 10:00:00"}) for n in range(rows)]
        (folder / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    company.streams["usage_events"] = (
        f'[sources.log]\nconnector = "files"\npath = "{company.root}/log/{{day}}/*.jsonl"\nformat = "jsonl"\n'
        '[streams.usage_events]\nfrom = "log"\n[streams.usage_events.fields]\nevent_id = "id"\nevent_name = "event"\n'
        'occurred_at = "at"\n'
    )
    found = looked(company, "usage_events")
    assert (found.rows, found.rows_per_day, found.complaints) == (20, 40, [])


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    console.OUT.file = sys.stdout  # as it is now
    code = cli.main(arguments)
    return code, " ".join(capsys.readouterr().out.split())


def everything(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_the_commands_touch_no_home(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop.settings()
    home = Path(os.environ["OPSMART_HOME"])
    before = everything(home)
    profile = str(shop.company.profile())
    code, said = command(capsys, "--profile", profile, "source-check")
    assert (code, said.endswith("All fits. Nothing has landed.")) == (0, True)
    assert "orders from orders_table: 12 rows looked at" in said
    assert everything(home) == before
    monkeypatch.setenv("OPSMART_HOME", str(shop.company.root / "new"))
    shop.say("update orders set cents = 'many'")
    code, said = command(capsys, "--profile", profile, "source-check")
    assert code == 1 and said.endswith("1 to mend. Nothing has landed.")
    assert "orders_table: 12 of 12 rows cannot be read: column cents holds no bigint" in said
    assert not (shop.company.root / "new").exists()


def test_a_begun_profile_loads_and_passes_the_check(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPSMART_HOME", str(shop.company.root / "home-of-none"))
    shop.say("alter table orders add created_at text", "update orders set created_at = updated_at")
    file = shop.company.root / "begun.toml"
    arguments = (
        "profile-init",
        str(file),
        "--stream",
        "orders",
        "--url",
        f"sqlite:///{shop.path}",
        "--table",
        "orders",
    )
    code, said = command(capsys, *arguments)
    assert (code, said) == (2, "opsmart: profile-init: --currency, such as EUR: missing; see `profile-init --help`")
    more = ("--currency", "EUR", "--first-day", "2026-03-01")
    code, said = command(capsys, *arguments, *more)
    assert code == 0 and said.endswith(f"Next: make source-check PROFILE={file}")
    mapping = load_profile(str(file)).streams["orders"]
    assert mapping.cursor == '"updated_at"'
    assert (mapping.fields["order_id"], mapping.fields["ordered_at"], mapping.fields["currency"]) == (
        '"id"', '"created_at"', "'EUR'",
    )  # fmt: skip
    text = file.read_text(encoding="utf-8")
    assert "# Not mapped: cents (BIGINT)\n" in text and '# country = "…"    # varchar: ISO 3166-1' in text
    assert command(capsys, "--profile", str(file), "source-check")[0] == 0
    code, said = command(capsys, *arguments, *more)
    assert code == 2 and "is there already" in said
    assert file.read_text(encoding="utf-8") == text


def test_unknown_names_are_left_to_a_person(shop: Shop) -> None:
    shop.say("create table sales (nr text, am text)", "insert into sales values ('1', '2')")
    options = {"url": f"sqlite:///{shop.path}", "table": "sales"}
    begun = begin_profile("shop", "orders", "sql", options, "EUR", DAY)
    assert begun.missing == ("order_id", "ordered_at", "updated_at", "cursor")
    assert '# order_id = "…"    # required; varchar: The order.' in begun.text


def test_a_name_whose_values_do_not_fit_is_not_guessed(shop: Shop) -> None:
    shop.say("alter table orders add placed_at text", "update orders set placed_at = 'last week'")
    options = {"url": f"sqlite:///{shop.path}", "table": "orders"}
    assert "ordered_at" in begin_profile("shop", "orders", "sql", options, "EUR", DAY).missing


def test_a_password_does_not_reach_the_file() -> None:
    from sources.profile_init import _without_password

    shown, notes = _without_password({"url": "postgresql://reader:p@ss@db/shop", "table": "t"}, "my-shop")
    assert "p@ss" not in str(shown) and shown["url"] == "postgresql://reader:${MY_SHOP_PASSWORD}@db/shop"
    assert notes == ["# set MY_SHOP_PASSWORD in the environment: a password has no place in a file"]


def test_reconcile_as_a_command(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.company.business |= {"last_day": DAY}
    settings = shop.settings()
    shop.land(settings, [date(2026, 3, day) for day in (1, 2, 3, 4)])
    profile = str(shop.company.profile())
    assert command(capsys, "--profile", profile, "reconcile") == (
        0, "orders: the last 35 landing days are as the source says",
    )  # fmt: skip
    shop.say("delete from orders where id = 'b3'")
    code, said = command(capsys, "--profile", profile, "reconcile", "--stream", "orders")
    assert code == 1 and "2026-03-03: 1 deleted at the source (b3)" in said
    assert command(capsys, "--profile", profile, "reconcile", "--stream", "tickets") == (
        2, "opsmart: STREAM=tickets: not configured; allowed: orders",
    )  # fmt: skip
