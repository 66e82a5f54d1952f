"""Kill -9 at the seams of a night: the next run makes it good, and readers see the old set or the new one throughout.

`make test` kills at a dozen chosen seams, `make soak` at every seam that is worth it. What a seam is: seams.py.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from orchestration.pipeline import maintenance
from orchestration.settings import Home
from tests.faults.figures import record
from tests.faults.nights import PARTS, Installation
from tests.faults.seams import said_by

CHOSEN = {
    "land": (
        "pull.duckdb: create or replace temp table judged #1",
        "rows of quarantine/usage_events are read, nothing is committed #1",
        "rows of lake/usage_events are read, nothing is committed #1",
        "write to landings #2",
        "rows of landings are read, nothing is committed #2",
    ),
    "build": (
        "dbt lake_plan: drop table if exists plan.lake_plan #1",
        "dbt int_orders__newest_orders: delete from intermediate.applied_partitions #1",
        "dbt int_usage__actor_days: commit #1",
    ),
    "publish": (
        "half of published/.unfinished-<publication>/publication.json #1",
        "rename published/<publication> #1",
        "symlink published/.current-<publication> #1",
        "rename published/current #1",
        "sync published #1",
        "rows of published/ledger are read, nothing is committed #1",
    ),
}
DULL = re.compile(
    r"comment on|sync .*parquet|: (begin|rollback) |"
    r'open .*/target/|mkdir .*/target|view "?(mapped|typed)|'
    r"create or replace table intermediate\.int_(?!.*__kpi_values)"
)  # one of many that are alike
AT_LEAST = {"land": 20, "build": 50, "publish": 30}
SHARES = 3  # of a part, so that they spread over workers


def see_whole(installation: Installation, allowed: list[dict[str, list[tuple[object, ...]]]]) -> None:
    """What a reader sees is one of the allowed sets, all of it of one publication."""
    current = installation.home / "published" / "current"
    said = json.loads((current / "publication.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as con:
        stamp = con.execute("select publication_id from dim_publication").fetchone()
        is_torn = stamp != (said["publication_id"],) or current.resolve().name != said["publication_id"]
        for table, rows in said["row_counts"].items():
            parquet = str(current / f"{table}.parquet")
            found = con.execute(f'select (select count(*) from "{table}"), count(*) from read_parquet(?)', [parquet])
            is_torn |= found.fetchone() != (rows, rows)
    marts = installation.marts()
    is_torn |= marts not in allowed
    record("reads", len(said["row_counts"]))
    record("torn", int(is_torn))
    assert not is_torn


def see_history(installation: Installation) -> None:
    """The ledger knows each value that readers see now, and each publication at most once."""
    with duckdb.connect(str(installation.home / "published" / "current" / "marts.duckdb"), read_only=True) as con:
        differing = con.execute(
            """with standing as (from fct_kpi_history where replaced_at is null and change <> 'withdrawn')
               select * from fct_kpi as f full join standing as s using (kpi_id, grain, period_start, dimension, segment)
               where f.kpi_id is null or s.kpi_id is null or f.value is distinct from s.value"""
        ).fetchall()
        doubled = con.execute(
            """select * exclude (replaced_at, change, numerator, denominator, value, n, is_complete, is_mature), count(*)
               from fct_kpi_history group by all having count(*) > 1"""
        ).fetchall()
    assert (differing, doubled) == ([], [])


def strays(home: Home) -> list[str]:
    """Files that nobody names: left by a run that is gone."""
    left = [str(p) for p in (*home.scratch.iterdir(), *home.published.glob(".*")) if p.suffix != ".lock"]
    left += [str(p) for p in home.path.rglob("*.wal")] + [str(p) for p in home.path.glob("home.[0-9]*")]
    for table in (home.landings, home.ledger, *home.lake.glob("*"), *home.quarantine.glob("*")):
        if DeltaTable.is_deltatable(str(table)):
            named = {uri.removeprefix("file://") for uri in DeltaTable(str(table)).file_uris()}
            left += [str(p) for p in table.rglob("*.parquet") if "_delta_log" not in p.parts and str(p) not in named]
    return left


def see_rows(found: Installation, expected: Installation) -> None:
    """The lake holds what the undisturbed one holds: nothing is lost, nothing is there twice."""
    held, wanted = found.lake(), expected.lake()
    lost = {table: rows - held.get(table, type(rows)()) for table, rows in wanted.items()}
    doubled = {table: rows - wanted.get(table, type(rows)()) for table, rows in held.items()}
    record("rows in", sum(rows.total() for table, rows in wanted.items() if table != "landings"))
    record("rows out", sum(rows.total() for table, rows in held.items() if table != "landings"))
    record("lost", sum(rows.total() for rows in lost.values()))
    record("doubled", sum(rows.total() for rows in doubled.values()))
    assert not any(lost.values()) and not any(doubled.values()), (lost, doubled)


def kill_and_repeat(moments: dict[str, Installation], root: Path, part: str, seam: str, again: tuple[str, ...]) -> None:
    """Kill this part of the night at the seam, run `again`, and hold everything against the undisturbed night."""
    old, new = moments["land"].marts(), moments["end"].marts()
    killed = moments[part].copied_to(root)
    killed.night((part,), kill_at=seam)
    see_whole(killed, [old, new])
    killed.night(again)
    see_rows(killed, moments["end"])
    see_whole(killed, [new if "publish" in again else old])
    see_history(killed)
    maintenance.maintain(Home(killed.home))
    assert strays(Home(killed.home)) == []
    record("kill points", of=f"{part}: {seam}")


@pytest.fixture(autouse=True)
def keep_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(maintenance.SETTING, "0")


@pytest.mark.parametrize(("part", "seam"), [(part, seam) for part, seams in CHOSEN.items() for seam in seams])
def test_a_killed_run_is_made_good_by_the_next(
    moments: dict[str, Installation], tmp_path: Path, part: str, seam: str
) -> None:
    """After a killed landing only the lake is looked at: that a build is a function of it is the histories' subject."""
    again = ("land",) if part == "land" else PARTS[PARTS.index(part) :]
    kill_and_repeat(moments, tmp_path, part, seam, again)


@pytest.mark.parametrize(
    "seam",
    [
        "open .home.json.new #1",
        "sync .home.json.new #1",
        "rename home.json #1",
        "open keys/.hash.key.new #1",
        "sync keys/.hash.key.new #1",
        "rename keys/hash.key #1",
        "open keys/.fingerprint.new #1",
        "rename keys/fingerprint #1",
    ],
)
def test_a_first_start_that_is_killed(moments: dict[str, Installation], tmp_path: Path, seam: str) -> None:
    """No half of a key is ever taken for the key: people's hashes come from it."""
    first = moments["land"].copied_to(tmp_path)
    shutil.rmtree(first.home)
    first.night((), kill_at=seam)
    first.night(())
    assert re.fullmatch("[0-9a-f]{64}", (first.home / "keys" / "hash.key").read_text(encoding="utf-8"))
    assert list(first.home.rglob("*.new")) == []
    record("kill points", of=seam)


def worth_it(part: str, moments: dict[str, Installation]) -> list[str]:
    """The first seam of each name that the undisturbed run of this part came to, without those that are many and alike."""
    then = {"land": "build", "build": "publish", "publish": "end"}[part]
    return [seam for seam in said_by(moments[then].log) if seam.endswith("#1") and not DULL.search(seam)]


@pytest.mark.soak
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("part", PARTS)
def test_every_seam(
    moments: dict[str, Installation], tmp_path_factory: pytest.TempPathFactory, part: str, share: int
) -> None:
    """Each distinct seam, and after it the whole rest of the night."""
    seams = worth_it(part, moments)
    assert len(seams) >= AT_LEAST[part], seams
    for number, seam in enumerate(seams[share::SHARES]):
        root = tmp_path_factory.mktemp(f"{part}-{share}-{number}")
        kill_and_repeat(moments, root, part, seam, PARTS[PARTS.index(part) :])
