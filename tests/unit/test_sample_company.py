"""The sample company: the same bytes for the same seed, believable shapes, and incidents that show in the raw files."""

import hashlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sources.sample_company import FIRST_DAY, LAST_DAY, write
from tests.sample_files import Company, is_in, local_day

SCALE = 0.35
TABLES = ("customers", "orders", "order_items", "refunds", "shipments", "shipment_items")
PROFILE = Path(__file__).parents[2] / "sources" / "profiles" / "sample.toml"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company") / "sources"
    write(folder, seed=7, scale=SCALE)
    return Company(folder)


def digests(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


# ---- the generation ------------------------------------------------------------------------------------------------


def test_same_seed_and_scale_give_the_same_bytes(tmp_path: Path) -> None:
    last_day = FIRST_DAY + timedelta(days=40)
    write(tmp_path / "a", 3, 0.1, FIRST_DAY, last_day)
    # Another process: nothing may hang on the order of sets or on what ran before.
    command = [sys.executable, "-m", "sources.sample_company", "--folder", str(tmp_path / "b"), "--seed", "3"]
    command += ["--scale", "0.1", "--last-day", str(last_day)]
    subprocess.run(command, check=True, cwd=PROFILE.parents[2], capture_output=True)
    write(tmp_path / "c", 4, 0.1, FIRST_DAY, last_day)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a")["shop.db"] != digests(tmp_path / "c")["shop.db"]


def peak_megabytes(folder: Path, scale: float, weeks: int) -> float:
    """The most memory that a process of its own holds while it writes so many weeks; none of this one's."""
    said = f"{folder!s}", scale, weeks
    code = f"""
import sys
from datetime import timedelta
from pathlib import Path
from sources.sample_company import FIRST_DAY, write
folder, scale, weeks = {said!r}
write(Path(folder), 7, scale, FIRST_DAY, FIRST_DAY + timedelta(weeks=weeks, days=-1))
print(next(l.split()[1] for l in open("/proc/self/status") if l.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=PROFILE.parents[2], capture_output=True)
    return int(done.stdout) / 1024


def test_memory_holds_people_and_the_rows_of_a_day_not_all_rows(tmp_path: Path) -> None:
    """In nine weeks a scale more is some 1,800 orders and 33,000 events of 700 bytes; kept, either would be seen."""
    small = peak_megabytes(tmp_path / "small", 0.5, 3)
    wide = peak_megabytes(tmp_path / "wide", 2, 3)
    long = peak_megabytes(tmp_path / "long", 2, 9)
    assert (wide - small) / 1.5 < 3.5, "per scale"
    assert (long - wide) / 6 / 2 < 0.3, "per week and scale"


def test_a_generation_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    seen = []

    def break_off(done: int, days: int) -> None:
        seen.append(done)
        assert not (tmp_path / "sources").exists()
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "sources", 7, 0.05, FIRST_DAY, FIRST_DAY + timedelta(days=9), break_off)
    assert seen == [1, 2, 3]
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_generation_left_is_cleared(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    leftover = tmp_path / f".sources.unfinished-{gone.pid}"
    (leftover / "usage").mkdir(parents=True)
    write(tmp_path / "sources", 7, 0.05, FIRST_DAY, FIRST_DAY)
    assert [p.name for p in tmp_path.iterdir()] == ["sources"]


def test_a_folder_with_something_in_it_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty: remove it or name another folder"):
        write(tmp_path, 7, 0.05, FIRST_DAY, FIRST_DAY)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("scale", "last_day", "message"),
    [(0.0, LAST_DAY, "scale is 0.0: it has to be above zero"), (1.0, date(2025, 1, 1), "lies before first day")],
)
def test_impossible_wishes_are_refused(tmp_path: Path, scale: float, last_day: date, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "sources", 7, scale, FIRST_DAY, last_day)


# ---- usage ---------------------------------------------------------------------------------------------------------


def test_events_lie_in_the_folder_of_the_local_day_on_which_they_were_received(company: Company) -> None:
    days = [FIRST_DAY + timedelta(days=i) for i in range((LAST_DAY - FIRST_DAY).days + 1)]
    parts = sorted(p.relative_to(company.folder / "usage").as_posix() for p in company.folder.glob("usage/*/*"))
    assert parts == [f"{day}/part-{part}.jsonl.gz" for day in days for part in (0, 1)]
    assert all(local_day(e["receivedAt"]).isoformat() == e["folder"] for e in company.events)
    assert all(set(e) == set(company.events[0]) for e in company.events)
    assert 90_000 * SCALE < len(company.events) < 130_000 * SCALE
    assert len(company.events) == company.truth["usage"]["lines"]


def test_events_come_late_twice_and_with_wrong_clocks(company: Company) -> None:
    counts = company.truth["usage"]
    skewed, late = Counter[str](), 0
    by_id: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in company.events:
        by_id[event["messageId"]].append(event)
        behind = datetime.fromisoformat(event["receivedAt"]) - datetime.fromisoformat(event["timestamp"])
        late += behind > timedelta(hours=1)
        assert behind < timedelta(days=6)
        if behind < -timedelta(hours=1):
            skewed[event["folder"]] += 1
    assert skewed.total() == counts["clock_skew"] > 0
    assert max(skewed.values()) == 1  # far below the tolerance of any day
    assert late == counts["late"]
    assert 0.01 < late / len(company.events) < 0.05
    repeated = [events for events in by_id.values() if len(events) > 1]
    names = ("event", "timestamp", "anonymousId", "userId", "properties")
    content = [{json.dumps([e[name] for name in names]) for e in events} for events in repeated]
    # Of what was sent twice or under an old id, a little arrived after the last day, or in the days of the broken feed.
    assert 0.9 * counts["duplicates"] < sum(len(c) == 1 for c in content) <= counts["duplicates"]
    assert 0.5 * counts["conflicting_ids"] < sum(len(c) > 1 for c in content) <= 2 * counts["conflicting_ids"]
    assert any(len({e["folder"] for e in events}) == 2 for events in repeated)


def test_people_are_anonymous_first_and_use_two_devices(company: Company) -> None:
    users: dict[str, set[str]] = defaultdict(set)
    anonymous: set[str] = set()
    for event in company.events:
        if event["userId"] is None:
            anonymous.add(event["anonymousId"])
        elif event["anonymousId"] is not None:
            users[event["userId"]].add(event["anonymousId"])
    devices = Counter(device for owned in users.values() for device in owned)
    assert len(anonymous - set(devices)) > 100  # never told who they are
    assert len(anonymous & set(devices)) > 50  # did, later
    assert sum(len(owned) > 1 for owned in users.values()) > 20
    assert max(devices.values()) == 2  # a shared device
    assert {"staff_11", "staff_12"} < set(users)
    emails = [e["context"]["traits"]["email"] for e in company.events if "traits" in e["context"]]
    assert any(email.endswith("@Werkraum.Example") for email in emails)


def test_only_the_web_keeps_sessions(company: Company) -> None:
    seen = {(e["properties"].get("platform"), "session_id" in e["properties"]) for e in company.events}
    seen.discard((None, False))  # mails, sent by the server
    # The rows at midnight stand beside any session.
    assert seen == {("web", True), ("ios", False), ("android", False)}


def test_there_are_events_at_both_midnights(company: Company) -> None:
    moments = {e["timestamp"] for e in company.events}
    # Local midnight before and after each change of the clock, and midnight in UTC.
    assert {"2025-10-25T22:00:00.000Z", "2025-10-26T23:00:00.000Z", "2025-10-27T00:00:00.000Z"} <= moments
    assert {"2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z", "2026-03-30T00:00:00.000Z"} <= moments
    placed = {row["placed_at"] for row in company.rows("select placed_at from orders")}
    assert {"2025-10-25 21:59:59", "2025-10-25 22:00:00", "2025-10-26 22:59:59", "2025-10-26 23:00:00"} <= placed
    assert {"2026-03-28 22:59:59", "2026-03-28 23:00:00", "2026-03-29 21:59:59", "2026-03-29 22:00:00"} <= placed


# ---- the shop ------------------------------------------------------------------------------------------------------


def test_the_shop_has_a_believable_size(company: Company) -> None:
    count = {table: company.rows(f"select count(*) from {table}")[0][0] for table in TABLES}
    assert count == {table: company.truth["shop"][table] for table in count}
    assert 1000 * SCALE < company.number("select count(distinct customer_id) from customers") < 1500 * SCALE
    assert 5000 * SCALE < count["orders"] < 7500 * SCALE
    assert company.rows("select count(*) from orders where billing_interval is not null")[0][0] > 100 * SCALE
    for column in ("billing_interval", "cancelled_by", "currency", "channel", "country", "warehouse", "is_test"):
        assert len(company.rows(f"select distinct {column} from orders where {column} is not null")) >= 2, column
    assert len(company.rows("select distinct category from order_items")) >= 4
    indexes = {row["tbl_name"] for row in company.rows("select * from sqlite_master where sql like '%(updated_at)'")}
    assert indexes == set(TABLES)


def test_rows_were_last_changed_within_the_days_and_lines_with_their_order(company: Company) -> None:
    for table in TABLES:
        first, last = company.rows(f"select min(updated_at), max(updated_at) from {table}")[0]
        assert FIRST_DAY <= local_day(first) <= local_day(last) <= LAST_DAY
    assert company.rows("select min(updated_at) from customers")[0][0] == "2025-09-28 22:00:00"  # the first midnight
    query = "select count(*) from order_items i join orders o on o.id = i.order_id where i.updated_at <> o.updated_at"
    assert company.rows(query)[0][0] == 0
    stamps = ("placed_at", "approved_at", "picked_at", "shipped_at", "delivered_at")
    for before, after in pairwise(stamps):
        assert company.rows(f"select count(*) from orders where {after} < {before}")[0][0] == 0


def test_the_history_of_a_customer_begins_with_the_sign_up(company: Company) -> None:
    rows = company.rows("select * from customers order by customer_id, valid_from")
    assert len({(row["customer_id"], row["valid_from"]) for row in rows}) == len(rows)
    of_people = defaultdict(list)
    for row in rows:
        of_people[row["customer_id"]].append(row)
    assert len(of_people) == company.truth["shop"]["people"]
    assert all(own[0]["valid_from"] == own[0]["created_at"] for own in of_people.values())
    assert all(row["updated_at"] >= row["valid_from"] for row in rows)
    told_later = [r for own in of_people.values() for r in own[1:] if r["updated_at"] > r["valid_from"]]
    changes = [r for own in of_people.values() for r in own[1:]]
    assert len(changes) > 300 * SCALE and 0 < len(told_later) < 0.2 * len(changes)
    plans = {(before["plan"], after["plan"]) for own in of_people.values() for before, after in pairwise(own)}
    assert plans >= {("free", "maker"), ("free", "studio"), ("maker", "free"), ("studio", "free"), ("free", "free")}


def test_nobody_gets_back_more_than_was_paid(company: Company) -> None:
    query = """
        with paid as (
            select o.id, sum(i.quantity * i.unit_price_cents - i.discount_cents) - o.discount_cents as cents
            from orders o join order_items i on i.order_id = o.id group by o.id, o.discount_cents
        )
        select p.id, p.cents, r.amount_cents, r.currency, o.currency, o.cancelled_at, r.created_at, o.placed_at
        from paid p join orders o on o.id = p.id left join refunds r on r.order_id = p.id
    """
    rows = company.rows(query)
    assert all(row["cents"] >= 0 for row in rows)
    refunds = [row for row in rows if row["amount_cents"] is not None]
    same = [row for row in refunds if row[3] == row[4]]
    assert all(0 < row["amount_cents"] <= row["cents"] for row in same) and 0.9 < len(same) / len(refunds) < 1
    assert any(row["amount_cents"] < row["cents"] for row in refunds)
    assert any(row["created_at"][:7] > row["placed_at"][:7] for row in refunds)  # after the month
    cancelled = [row for row in rows if row["cancelled_at"] is not None]
    assert {row["amount_cents"] is None for row in cancelled} == {True, False}  # some are never refunded


def test_parcels_hold_what_was_ordered(company: Company) -> None:
    lines = company.rows("""
        select o.id, o.delivered_at, i.requires_shipping, i.quantity as ordered,
            coalesce(sum(c.quantity), 0) as packed,
            coalesce(sum(c.quantity) filter (where s.delivered_at = f.first_at), 0) as came_first
        from orders o join order_items i on i.order_id = o.id
        left join shipment_items c on c.item_id = i.id left join shipments s on s.id = c.shipment_id
        left join (select order_id, min(delivered_at) as first_at from shipments group by 1) f on f.order_id = o.id
        group by i.id
    """)
    assert all(row["packed"] <= row["ordered"] for row in lines)
    assert all(row["packed"] == 0 for row in lines if not row["requires_shipping"])
    done = [row for row in lines if row["delivered_at"] and row["requires_shipping"]]
    assert all(row["packed"] == row["ordered"] for row in done)
    later = {row["id"] for row in done if row["came_first"] == 0}
    in_part = {row["id"] for row in done if 0 < row["came_first"] < row["ordered"]}
    assert min(len(later), len(in_part)) > 5
    assert 0.03 < len(later | in_part) / len({row["id"] for row in done}) < 0.15
    orders = company.rows("""
        select o.cancelled_at, o.shipped_at, min(s.shipped_at) as first_shipped_at, o.delivered_at,
            max(s.delivered_at) as last_delivered_at, count(*) as parcels, count(distinct s.delivered_at) as deliveries
        from shipments s join orders o on o.id = s.order_id group by o.id
    """)
    assert all(row["shipped_at"] == row["first_shipped_at"] for row in orders)
    assert all(row["delivered_at"] in (None, row["last_delivered_at"]) for row in orders)
    assert [row for row in orders if (row["parcels"], row["deliveries"]) == (2, 1)]  # two boxes at once
    assert [row for row in orders if row["cancelled_at"] and not row["shipped_at"]]  # a label that was never scanned


def test_some_parcels_never_arrive_and_some_promises_are_moved(company: Company) -> None:
    kinds = Counter(
        row["cancelled_by"]
        for row in company.rows("""
            select o.cancelled_by from shipments s join orders o on o.id = s.order_id
            where s.delivered_at is null and s.shipped_at < '2026-03-10'
        """)
    )
    assert kinds["carrier"] > 0 < kinds[None]  # the shop has noticed, or not
    due = company.rows("""
        select *, coalesce(promised_at, promised_date) as promise from orders
        where cancelled_at is null and coalesce(promised_at, promised_date) < '2026-03-30'
    """)
    assert {row["promised_at"] is None for row in due} == {row["promised_date"] is None for row in due} == {True, False}
    assert all((row["promised_at"] is None) != (row["promised_date"] is None) for row in due)
    moved = [row for row in due if row["new_promise_at"]]
    assert 0.01 < len(moved) / len(due) < 0.1 and all(row["new_promise_at"] > row["promise"] for row in moved)
    unshipped_in_time = [row for row in due if (row["shipped_at"] or "9999") > row["ship_by"]]
    assert 0.01 < len(unshipped_in_time) / len(due) < 0.1


def test_rates_leave_out_weekends_and_cover_every_day(company: Company) -> None:
    lines = (company.folder / "fx" / "rates.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "rate_date,base,quote,rate,published_at"
    rates = [line.split(",") for line in lines[1:]]
    for currency in ("USD", "GBP"):
        days = {date.fromisoformat(row[0]) for row in rates if row[1] == currency}
        assert min(days) == FIRST_DAY - timedelta(days=7)
        assert all(day.weekday() < 5 for day in days)
        for i in range((LAST_DAY - FIRST_DAY).days + 1):
            assert any(FIRST_DAY + timedelta(days=i - back) in days for back in range(7))
    assert all(FIRST_DAY <= local_day(row[4]) <= LAST_DAY for row in rates)


# ---- support -------------------------------------------------------------------------------------------------------


def test_audits_tell_the_same_story_as_the_tickets(company: Company) -> None:
    assert 1500 * SCALE < len(company.tickets) < 2500 * SCALE
    state: dict[int, dict[str, str]] = defaultdict(dict)
    before: dict[int, str] = {}
    moves: Counter[tuple[str, str]] = Counter()
    for audit in company.audits:
        assert is_in(local_day(audit["created_at"]), (FIRST_DAY, LAST_DAY))
        assert before.get(audit["ticket_id"], "") <= audit["created_at"]
        before[audit["ticket_id"]] = audit["created_at"]
        for event in audit["events"]:
            if event["type"] == "Create":
                state[audit["ticket_id"]][event["field_name"]] = event["value"]
            elif event["type"] == "Change":
                now = state[audit["ticket_id"]]
                assert now.get(event["field_name"]) == event["previous_value"]
                now[event["field_name"]] = event["value"]
                moves[event["field_name"], str(event["value"])] += 1
    for ticket in company.tickets:
        now = state[ticket["id"]]
        assert (now["status"], now["priority"], now["group"]) == (
            ticket["status"], ticket["priority"], ticket["group"]["name"]
        )  # fmt: skip
        assert ticket["updated_at"] >= before[ticket["id"]]
    assert moves["escalated", "true"] == company.truth["support"]["escalated"] > 0
    assert sum(n for (name, _), n in moves.items() if name == "merged_into") == company.truth["support"]["merged"] > 0
    assert {a["author"]["type"] for a in company.audits} == {"agent", "bot", "customer", "system"}


def test_some_tickets_are_reopened_and_still_open(company: Company) -> None:
    solved: set[int] = set()
    for audit in company.audits:
        if any(e.get("field_name") == "status" and e["value"] == "solved" for e in audit["events"]):
            solved.add(audit["ticket_id"])
    assert [t for t in company.tickets if t["id"] in solved and t["status"] in ("open", "pending")]


def test_tickets_of_strangers_and_spam_are_there(company: Company) -> None:
    customers = {row[0] for row in company.rows("select distinct customer_id from customers")}
    external = Counter(
        "none" if (who := t["requester"]["external_id"]) is None else "known" if who in customers else "not a customer"
        for t in company.tickets
    )
    assert min(external[kind] for kind in ("none", "known", "not a customer")) > 0
    assert external["known"] > 0.8 * len(company.tickets)
    assert sum("spam" in t["tags"] for t in company.tickets) == company.truth["support"]["spam"] > 0


def test_surveys_are_answered_by_some(company: Company) -> None:
    ids = {t["id"] for t in company.tickets}
    offered = {kind: [s for s in company.surveys if s["kind"] == kind] for kind in ("csat", "nps")}
    answered = {kind: [s for s in surveys if s["answered_at"]] for kind, surveys in offered.items()}
    assert len(company.surveys) == sum(map(len, offered.values())) == len({s["id"] for s in company.surveys})
    assert all(s["answered_at"] > s["offered_at"] for surveys in answered.values() for s in surveys)
    assert all(s["score"] is None for s in company.surveys if not s["answered_at"])
    assert all(s["ticket_id"] in ids for s in offered["csat"])
    assert {2, 3, 4, 5} <= {s["score"] for s in answered["csat"]} <= {1, 2, 3, 4, 5}
    assert 0.25 < len(answered["csat"]) / len(offered["csat"]) < 0.6
    assert {"offered": len(offered["nps"]), "answered": len(answered["nps"])} == company.truth["nps"]
    assert 0.15 < len(answered["nps"]) / len(offered["nps"]) < 0.35
    scores = Counter(
        "promoter" if s["score"] > 8 else "passive" if s["score"] > 6 else "detractor" for s in answered["nps"]
    )
    assert scores["promoter"] > scores["detractor"] > 0.1 * scores.total() and scores["passive"] > 0.15 * scores.total()
    asked = Counter(s["requester"]["external_id"] for s in answered["nps"])
    assert max(asked.values()) > 1 and any(person.startswith("staff") for person in asked)


# ---- the truth -------------------------------------------------------------------------------------------------------


def test_incidents_outside_the_days_are_not_claimed(tmp_path: Path) -> None:
    write(tmp_path / "sources", 7, 0.05, FIRST_DAY, FIRST_DAY + timedelta(days=20))
    assert json.loads((tmp_path / "sources" / "truth.json").read_text(encoding="utf-8"))["incidents"] == []
