"""The frontier converges to the lake: after any history of landings, incremental tables = a full refresh, row for row.

The lake is faked by Parquet files and a plan that this test writes; how a landing gets into the lake is tested
elsewhere. What the rows mean is the business of dbt's unit tests.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
DBT = Path(sys.executable).parent / "dbt"
FRONTIER = ("config.meta.frontier:days", "config.meta.frontier:keys")
TABLES = (
    "int_usage__actor_days", "int_usage__session_islands", "int_usage__identify_days", "int_usage__delivery_days",
    "int_usage__milestones",
    "int_customers__newest_customers", "int_orders__newest_orders", "int_orders__newest_items", "int_support__ticket_events",
)  # fmt: skip
DAYS = [dt.date(2026, 3, 26) + dt.timedelta(days=n) for n in range(6)]  # the clocks of Berlin change on the 29th
UTC = dt.UTC

PLAN_MODULE = """
import json, os
import datetime as dt
from pathlib import Path
import pyarrow as pa

def lake_plan_table():
    names = ["stream", "state", "files", "day_version", "reason", "contract_version", "run_id", "findings"]
    counts = ["row_count", "pulled_count", "landed_count", "rejected_count"]
    schema = pa.schema(
        [(n, pa.string()) for n in names] + [(n, pa.int64()) for n in counts]
        + [("landed_date", pa.date32()), ("is_landed", pa.bool_())]
        + [(n, pa.timestamp("us")) for n in ("pulled_at", "first_pulled_at")]
    )
    rows = json.loads(Path(os.environ["OPSMART_HOME"], "plan.json").read_text())
    for row in rows:
        row["landed_date"] = dt.date.fromisoformat(row["landed_date"])
        row["first_pulled_at"] = row["first_pulled_at"] and dt.datetime.fromisoformat(row["first_pulled_at"])
    return pa.Table.from_pylist(rows, schema=schema)

def profile_settings_table():
    rows = json.loads(Path(os.environ["OPSMART_HOME"], "settings.json").read_text())
    return pa.Table.from_pylist([dict(zip(["section", "key", "value"], row)) for row in rows])

def profile_seed_table(name):
    assert name == "feature_map"
    names = json.loads(Path(os.environ["OPSMART_HOME"], "feature_map.json").read_text())
    return pa.table({"source_name": list(names), "feature": list(names.values())})
"""


class FakeLake:
    """Parquet files per stream and landing day in a scratch home, and the plan that names them."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.random = random.Random(seed)
        self.days: dict[tuple[str, dt.date], list[tuple[Path, int, dt.datetime]]] = {}
        self.pulls = 0
        self.settings = [
            ["business", "reporting_zone", "Europe/Berlin"],
            ["passive_event", "email_delivered", ""],
            ["funnel_step", "1", "clicked"],
        ]
        self.feature_map = {"finder": "search"}
        (home / "warehouse").mkdir(parents=True)
        package = home / "root" / "orchestration" / "pipeline"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").touch()
        (package / "plan.py").write_text(PLAN_MODULE)

    def instant(self, around: dt.date, spread_hours: int = 30) -> dt.datetime:
        midnight = dt.datetime.combine(around, dt.time(), UTC)
        return midnight + dt.timedelta(minutes=self.random.randrange(-60 * spread_hours, 60 * spread_hours))

    def usage_rows(self, day: dt.date) -> list[dict[str, Any]]:
        rows = []
        for _ in range(self.random.randrange(0, 40)):
            user = self.random.choice([None, None, "u1", "u2", "u3"])
            anonymous = (
                self.random.choice(["a1", "a2", "a3", "a4"]) if user is None or self.random.random() < 0.8 else None
            )
            rows.append(
                {
                    "event_id": f"e{self.random.randrange(60)}",
                    "event_name": self.random.choice(["opened", "clicked", "email_delivered"]),
                    "occurred_at": self.instant(day if self.random.random() > 0.03 else dt.date(1975, 5, 5)),
                    "received_at": self.instant(day),
                    "anonymous_id": anonymous,
                    "user_id": user,
                    "customer_id": user,
                    "session_id": self.random.choice([None, None, None, "s1", "s2"]),
                    "platform": self.random.choice(["web", "ios", None]),
                    "country": self.random.choice(["DE", None]),
                    "plan": None,
                    "feature": self.random.choice(["search", "finder", "export", None]),
                    "use_count": self.random.randrange(1, 4),
                    "error_count": self.random.choice([None, 0, 1]),
                    "is_internal": self.random.random() < 0.05,
                }
            )
        known = [
            f for (stream, _), files in self.days.items() if stream == "usage_events" for f, count, _ in files if count
        ]
        if known and rows:  # repeated deliveries, on another landing day too
            repeated = pq.read_table(self.random.choice(known)).to_pylist()[:5]
            rows += [
                {k: v for k, v in row.items() if k in rows[0]} | {"received_at": self.instant(day)} for row in repeated
            ]
        return rows

    def version_rows(self, stream: str, day: dt.date) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for number in self.random.sample(range(12), self.random.randrange(0, 8)):
            updated = dt.datetime.combine(day, dt.time(self.random.randrange(3)), UTC)
            if stream == "orders":
                rows.append(
                    {"order_id": f"o{number}", "status": self.random.choice(["paid", "sent"]), "updated_at": updated}
                )
            elif stream == "order_items":
                lines = self.random.sample(range(4), self.random.randrange(1, 4))
                rows += [
                    {
                        "order_id": f"o{number}",
                        "line_id": f"l{n}",
                        "quantity": self.random.randrange(9),
                        "updated_at": updated,
                    }
                    for n in lines
                ]
            elif stream == "customers":
                since = self.random.choice(
                    [None, dt.datetime(2026, 1, 1, tzinfo=UTC), dt.datetime(2026, 2, 1, tzinfo=UTC)]
                )
                plan = self.random.choice(["free", "pro"])
                rows.append({"customer_id": f"u{number}", "valid_from_at": since, "plan": plan, "updated_at": updated})
            else:
                rows.append({"event_id": f"t{number}", "ticket_id": f"k{number}", "occurred_at": updated})
        return rows

    def write(self, stream: str, day: dt.date) -> tuple[Path, int, dt.datetime]:
        """A new file with random rows of a stream; its pull is later than all before it."""
        self.pulls += 1
        declared = duckdb_columns(stream)
        rows = self.usage_rows(day) if stream == "usage_events" else self.version_rows(stream, day)
        pulled_at = dt.datetime(2026, 4, 1, tzinfo=UTC) + dt.timedelta(minutes=self.pulls)
        for row in rows:
            content = {k: v for k, v in row.items() if k != "received_at"}
            row["content_hash"] = hashlib.md5(repr(sorted(content.items())).encode()).hexdigest()
            row["pulled_at"] = pulled_at
        path = self.home / "lake" / stream / f"landed_date={day}" / f"{self.pulls}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist(
            [{name: row.get(name) for name, _ in declared} for row in rows], schema=pa.schema(declared)
        )
        pq.write_table(table, path)
        return path, len(rows), pulled_at

    def step(self) -> str:
        """One random landing, replacement, growth or removal of a landing day."""
        stream = self.random.choice(
            ["usage_events", "usage_events", "orders", "order_items", "customers", "ticket_events"]
        )
        day = self.random.choice(DAYS)
        kind = self.random.choices(["replaced", "grown", "emptied", "removed"], [4, 4, 1, 1])[0]
        if kind == "replaced":
            self.days[stream, day] = [self.write(stream, day)]
        elif kind == "grown":
            self.days.setdefault((stream, day), []).append(self.write(stream, day))
        elif kind == "emptied":
            self.days[stream, day] = []
        else:
            self.days.pop((stream, day), None)
        return f"{stream} {day} {kind}"

    def freeze(self) -> None:
        """Write the plan and the settings that dbt's Python models read."""
        plan = []
        for (stream, day), files in self.days.items():
            paths = sorted(str(path) for path, _, _ in files)
            count = sum(n for _, n, _ in files)
            pulls = sorted(pulled_at.replace(tzinfo=None).isoformat() for _, n, pulled_at in files if n)
            plan.append(
                {
                    "stream": stream, "landed_date": day.isoformat(), "state": "landed", "is_landed": True,
                    "files": json.dumps(paths), "day_version": f"{count}:{pulls}",
                    "first_pulled_at": pulls[0] if pulls else None,
                    "contract_version": "1.0.0", "row_count": count,
                }
            )  # fmt: skip
        (self.home / "plan.json").write_text(json.dumps(plan))
        (self.home / "settings.json").write_text(json.dumps(self.settings))
        (self.home / "feature_map.json").write_text(json.dumps(self.feature_map))

    def run(self, *arguments: str) -> None:
        """Run dbt over the frontier and what it needs."""
        self.freeze()
        environment = {**os.environ, "OPSMART_HOME": str(self.home), "OPSMART_ROOT": str(self.home / "root")}
        environment |= {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        environment.pop("PYTHONPATH", None)
        command = [
            str(DBT), "build", "--resource-type", "model", "--resource-type", "seed", *arguments,
            "--select", *(f"+{item}" for item in FRONTIER),
            "--project-dir", str(ROOT / "dbt_project"), "--profiles-dir", str(ROOT / "dbt_project"),
            "--target-path", str(self.home / "target"), "--log-path", str(self.home / "logs"),
        ]  # fmt: skip
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


def frontier(home: Path) -> dict[str, list[Any]]:
    """All rows of the frontier tables, sorted."""
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as warehouse:
        return {
            table: warehouse.execute(f"select * from intermediate.{table} order by all").fetchall() for table in TABLES
        }


def unaccounted(home: Path) -> list[Any]:
    """Landings of which the frontier wrote down that a row has its key nowhere: a loss."""
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(
            """select model, landed_date, row_count, accounted_rows from intermediate.applied_partitions
               where accounted_rows <> row_count"""
        ).fetchall()


def duckdb_columns(stream: str) -> list[tuple[str, pa.DataType]]:
    """The columns of a stream as its files have them."""
    from sources.contract import load_contracts

    types = {
        "varchar": pa.string(), "timestamptz": pa.timestamp("us", tz="UTC"), "bigint": pa.int64(), "boolean": pa.bool_(),
        "date": pa.date32(), "decimal(18,4)": pa.decimal128(18, 4),
    }  # fmt: skip
    columns = [(field.name, types[field.type]) for field in load_contracts()[stream].landed_fields()]
    system = [("extra", "varchar"), ("content_hash", "varchar"), ("pulled_at", "timestamptz")]
    return columns + [(name, types[kind]) for name, kind in system]


def live_through(lake: FakeLake, nights: int) -> None:
    """Build night after night; at the end the increments equal a full refresh."""
    history = []
    for night in range(nights):
        if lake.random.random() < 0.2:
            lake.settings[0][2] = lake.random.choice(["Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"])
            history.append(f"zone {lake.settings[0][2]}")
        if lake.random.random() < 0.2:
            lake.feature_map = lake.random.choice([{"finder": "search"}, {"finder": "export"}, {"export": "download"}])
            history.append(f"features {lake.feature_map}")
        history += [lake.step() for _ in range(lake.random.randrange(1, 6) if night else 40)]
        lake.run()
        history.append("built")
        assert not unaccounted(lake.home)
    incremental = frontier(lake.home)
    lake.run("--full-refresh")
    rebuilt = frontier(lake.home)
    for table in TABLES:
        assert incremental[table] == rebuilt[table], "\n".join([table, *history])
        assert rebuilt[table], f"a history that leaves {table} empty proves nothing"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 6))
def test_long_histories_equal_a_full_refresh(tmp_path: Path, seed: int) -> None:
    lake = FakeLake(tmp_path / "home", seed)
    live_through(lake, nights=12)
    lake.days.clear()
    lake.run()
    assert not any(frontier(lake.home).values()), "removed landings leave nothing"
