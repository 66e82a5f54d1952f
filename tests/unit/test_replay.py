"""Replay: after a fix, what passes lands as a pull would land it, what fails stays, nothing twice, whatever dies between."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from orchestration.pipeline import lake
from orchestration.pipeline.replay import replay

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
AT = "2026-03-02 10:00:00"
LOOSE = "tolerance = 0.9"


def event(number: str, name: str = "opened") -> dict[str, object]:
    return {"event_id": number, "event_name": name, "occurred_at": AT, "received_at": AT, "user_id": f"U{number} "}


def item(line: str, quantity: object) -> dict[str, object]:
    return {"order_id": "o", "line_id": line, "quantity": quantity, "unit_price_amount": 5, "updated_at": AT}


def forbid(name: str) -> str:
    rule = f'name = "known"\ncheck = "event_name <> \'{name}\'"\nseverity = "error"'
    return f"{LOOSE}\n[[streams.usage_events.rules]]\n{rule}\n"


def content(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str({k: v for k, v in row.items() if k not in ("pulled_at",)}) for row in rows)


def counts(settings: Any, stream: str) -> tuple[int, int, int, int, int]:
    """(pulled, landed, rejected) of the newest landing row, rows in the lake, rows in quarantine."""
    row = lake.last_good(lake.read_landings(settings.home))[stream, DAY]
    held = lake.stream_table(settings.home, stream)
    quarantine = lake.read_quarantine(settings.home, stream)
    return (
        row["pulled"],
        row["landed"],
        row["rejected"],
        held.to_pyarrow_table().num_rows if held else 0,
        quarantine.num_rows if quarantine is not None else 0,
    )


def run(company: Any, stream: str = "usage_events", **more: Any) -> Any:
    return replay(company.settings(), stream, DAY, NEXT, "replay", **more)


def test_what_passes_lands_like_a_pull_and_nothing_twice(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    rows = [event("1"), event("2", "bad"), event("3", "worse")]
    company.write(
        "usage_events",
        rows,
        "received_at",
        forbid("bad") + forbid("worse").replace(LOOSE, "").replace('"known"', '"known_too"'),
    )
    company.land("usage_events", [DAY])
    settings = company.settings()
    assert counts(settings, "usage_events") == (3, 1, 2, 1, 2)
    company.write("usage_events", rows, "received_at", forbid("worse"))
    assert [(d.rows, d.passed) for d in run(company, dry_run=True)] == [(2, 1)]
    assert counts(settings, "usage_events") == (3, 1, 2, 1, 2)
    assert [(d.rows, d.passed, d.stays) for d in run(company)] == [(2, 1, {"still breaks known": 1})]
    assert counts(settings, "usage_events") == (3, 2, 1, 2, 1)
    assert [d.passed for d in run(company)] == [0]
    assert counts(settings, "usage_events") == (3, 2, 1, 2, 1)
    replayed, version = (
        content(lake_rows(settings, "usage_events")),
        lake.stream_table(settings.home, "usage_events").version(),
    )
    again = company.land("usage_events", [DAY])  # the pull says the same: the hashes agree, nothing is written
    assert (again.landings[0].written, again.landings[0].landed) == (0, 2)
    assert lake.stream_table(settings.home, "usage_events").version() == version
    assert content(lake_rows(settings, "usage_events")) == replayed


@pytest.mark.parametrize("dies", ["append_landings", "replace_quarantine"])
def test_a_killed_replay_is_finished_by_the_next(company, monkeypatch, dies: str) -> None:  # type: ignore[no-untyped-def]
    rows = [event("1"), event("2", "bad")]
    company.write("usage_events", rows, "received_at", forbid("bad"))
    company.land("usage_events", [DAY])
    company.write("usage_events", rows, "received_at", LOOSE)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(lake, dies, killed)
        run(company)
    run(company)
    assert counts(company.settings(), "usage_events") == (2, 2, 0, 2, 0)


def test_a_line_of_an_order_lands_with_its_set(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    rows = [item("1", 1), item("2", "2 pieces")]
    company.write("order_items", rows, "updated_at", LOOSE)
    company.land("order_items", [DAY])
    company.streams["order_items"] = company.streams["order_items"].replace(
        'quantity = "quantity"', "quantity = \"split_part(quantity, ' ', 1)\""
    )
    assert [d.passed for d in run(company, "order_items")] == [1]
    found = lake_rows(company.settings(), "order_items")
    newest = max(row["pulled_at"] for row in found)
    assert sorted((r["line_id"], r["quantity"]) for r in found if r["pulled_at"] == newest) == [("1", 1), ("2", 2)]
    assert company.land("order_items", [DAY]).landings[0].written == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('event_name = "event_name"', 'event_name = "coalesce(event_name, x_other)"', "event_name is mapped from"),
        ('cursor = "received_at"', 'cursor = "occurred_at"', "cursor has changed"),
        ('user_id = "user_id"', 'user_id = "upper(user_id)"', "user_id is mapped from"),
    ],
)
def test_what_needs_more_than_is_held_stays_and_says_so(company, old: str, new: str, said: str) -> None:  # type: ignore[no-untyped-def]
    company.write("usage_events", [event("1") | {"x_other": "y"}, event("2", "bad")], "received_at", forbid("bad"))
    company.land("usage_events", [DAY])
    company.streams["usage_events"] = (
        company.streams["usage_events"].replace(old, new).replace("<> 'bad'", "<> 'other'")
    )
    (done,) = run(company)
    assert done.passed == 0 and [said in reason and "pull the day again" in reason for reason in done.stays] == [True]
    kept = lake.read_quarantine(company.settings().home, "usage_events").to_pylist()
    assert [json.loads(row["reasons"]) for row in kept] == [["known"]] and said in kept[0]["replayed"]


def test_an_identifier_is_not_judged_by_its_hash(company) -> None:  # type: ignore[no-untyped-def]
    rows = [event("1"), event("2")]
    company.write(
        "usage_events", rows, "received_at", forbid("x").replace("event_name <> 'x'", "trim(user_id) <> 'U2'")
    )
    company.land("usage_events", [DAY])
    (row,) = lake.read_quarantine(company.settings().home, "usage_events").to_pylist()
    assert "U2" not in str(row["record"])
    (done,) = run(company)
    assert done.passed == 0 and "user_id" in next(iter(done.stays))
