"""Full disks and read-only folders, real ones: one line that says what was not done, nothing half, and the way on."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import cli
from orchestration.pipeline import build
from orchestration.pipeline.publication import publish
from orchestration.pipeline.storage import StorageError
from orchestration.settings import Settings, SettingsError, load_settings
from tests.conftest import Company
from tests.faults.disks import full_disk, read_only
from tests.faults.figures import record
from tests.unit.test_publication import PASSED, fingerprint, write_warehouse

DAYS = [date(2026, 3, 2), date(2026, 3, 3)]
IS_ROOT = os.geteuid() == 0
mounts = pytest.mark.skipif(not IS_ROOT, reason="done by test_in_a_namespace_of_its_own")


if not IS_ROOT:

    def test_in_a_namespace_of_its_own() -> None:
        """Who is not root runs this file as the root of a namespace of one's own."""
        command = ["unshare", "--map-root-user", "--mount", sys.executable, "-m", "pytest", "-q", __file__]
        assert subprocess.run(command, check=False).returncode == 0


def write_orders(company: Company, count: int) -> None:
    rows = [
        {"order_id": f"o{n}", "customer_id": os.urandom(30).hex(), "ordered_at": f"{DAYS[n % 2]} 10:00:00",
         "updated_at": f"{DAYS[n % 2]} 10:00:00", "currency": "EUR" if n % 50 else "euros"}
        for n in range(count)
    ]  # fmt: skip
    company.write("orders", rows, "updated_at", "tolerance = 0.5")


def is_one_line(message: str, *parts: str) -> None:
    assert "\n" not in message and all(part in message for part in parts), message
    record("faults")


def lake_content(settings: Settings) -> dict[str, Any]:
    from orchestration.pipeline import lake

    tables = {
        "lake": lake.stream_table(settings.home, "orders"),
        "quarantine": lake._open(settings.home.quarantine / "orders"),
    }
    content = {name: table.to_pyarrow_table() for name, table in tables.items() if table}
    return {name: (rows.num_rows, len(set(rows.column(0).to_pylist()))) for name, rows in content.items()}


@mounts
@pytest.mark.parametrize("folder", ["lake", "quarantine", "landings", "tmp"])
def test_a_full_disk_at_landing(company: Company, folder: str) -> None:
    write_orders(company, 10)
    company.land("orders", DAYS)
    settings = company.settings()
    write_orders(company, 60_000 if folder == "quarantine" else 3000)
    with full_disk(settings.home.path / folder) as free:
        with pytest.raises(StorageError) as told:
            company.land("orders", DAYS)
        is_one_line(str(told.value), "orders: the landing days 2026-03-02 to 2026-03-03 did not land",
                    "No space left", "free space")  # fmt: skip
        free()
        if folder == "quarantine":
            write_orders(company, 3000)
        outcome = company.land("orders", DAYS)
    assert [landing.state for landing in outcome.landings] == ["landed", "landed"]
    landed, rejected = (sum(getattr(x, name) for x in outcome.landings) for name in ("landed", "rejected"))
    assert landed + rejected == 3000
    content = lake_content(settings)
    assert content["quarantine"][0] == rejected
    assert list((settings.home.scratch).glob("orders-*")) == []


@mounts
@pytest.mark.parametrize("folder", ["lake", "landings", "locks", "tmp", "."])
def test_a_read_only_folder_at_landing(company: Company, folder: str) -> None:
    write_orders(company, 10)
    company.land("orders", DAYS)
    settings = company.settings()
    before = fingerprint(settings.home.lake)
    write_orders(company, 30)
    with read_only(settings.home.path / folder):
        with pytest.raises(StorageError) as told:
            company.land("orders", DAYS)
        is_one_line(str(told.value), "orders: the landing days 2026-03-02", "Read-only", "make it writable")
    if folder in ("lake", "tmp", "."):
        assert fingerprint(settings.home.lake) == before
    outcome = company.land("orders", DAYS)
    assert sum(x.landed + x.rejected for x in outcome.landings) == 30
    assert [x.state for x in outcome.landings] == ["landed", "landed"]


@pytest.fixture
def built(company: Company) -> Settings:
    write_orders(company, 10)
    ready = company.settings()
    write_warehouse(ready)
    publish(ready, [PASSED], "run")
    return ready


def shown(settings: Settings) -> tuple[str, int]:
    with duckdb.connect(str(settings.home.current / "marts.duckdb"), read_only=True) as con:
        found = con.execute("select publication_id, (select count(*) from fct_kpi) from dim_publication").fetchone()
    assert found is not None
    return found


@mounts
def test_a_full_disk_at_publication(built: Settings) -> None:
    before = shown(built)
    with full_disk(built.home.published, 8) as free:
        with pytest.raises(StorageError) as told:
            publish(built, [PASSED], "run")
        is_one_line(str(told.value), "nothing was published, readers see what they saw", "No space left", "free space")
        assert shown(built) == before
        assert not [path for path in built.home.published.iterdir() if path.name.startswith(".")]
        free()
        assert publish(built, [PASSED], "run").id == shown(built)[0] != before[0]


@mounts
@pytest.mark.parametrize("folder", ["published", "verdicts"])
def test_a_read_only_folder_at_publication(built: Settings, folder: str) -> None:
    before = shown(built)
    with read_only(built.home.path / folder):
        with pytest.raises(StorageError) as told:
            publish(built, [PASSED], "run")
        is_one_line(str(told.value), "nothing was published", "Read-only", "make it writable")
        assert shown(built) == before
    assert publish(built, [PASSED], "run").id == shown(built)[0]


@mounts
def test_a_full_disk_at_the_ledger(built: Settings) -> None:
    """The set is linked already, and is whole: the run is red, and the next publication writes its changes down."""
    with duckdb.connect(str(built.home.warehouse)) as con:
        con.execute("update marts.fct_kpi set numerator = 4, value = 4")
    with full_disk(built.home.ledger):
        with pytest.raises(StorageError) as told:
            publish(built, [PASSED], "run")
        is_one_line(str(told.value), "is published, and not yet in the ledger", "No space left", "free space")
    half = shown(built)[0]
    assert half in str(told.value)
    publish(built, [PASSED], "run")
    with duckdb.connect(str(built.home.current / "marts.duckdb"), read_only=True) as con:
        history = con.execute("select value, publication_id = ? from fct_kpi_history order by published_at", [half])
        assert history.fetchall() == [(3.0, False), (4.0, True)]


@mounts
def test_a_read_only_warehouse(built: Settings) -> None:
    with read_only(built.home.warehouse.parent), pytest.raises(StorageError) as told, build.warehouse_lock(built.home):
        pass
    is_one_line(str(told.value), "nothing was built", "Read-only", "make it writable")
    with build.warehouse_lock(built.home):
        pass


@mounts
def test_a_home_that_cannot_be_written_to_at_first(company: Company) -> None:
    write_orders(company, 1)
    home = company.root / "home"
    with read_only(home), pytest.raises(SettingsError) as told:
        company.settings()
    is_one_line(str(told.value), f"OPSMART_HOME={home}", "Read-only")
    assert company.settings().hash_key


@mounts
def test_a_full_disk_under_dagster(built: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    storage = built.home.path / "dagster"
    with full_disk(storage, 1) as free:
        with pytest.raises(cli.CommandError) as told:
            cli.dagster_instance(built.home)
        is_one_line(str(told.value), "Dagster's storage failed", "what is published stands", "mend the disk")
        free()
    with full_disk(storage, 16) as free:
        free()
        cli.dagster_instance(built.home).dispose()


def test_a_damaged_storage_of_dagster(built: Settings) -> None:
    storage = built.home.path / "dagster"
    cli.dagster_instance(built.home).dispose()
    for database in storage.rglob("*.db"):
        database.write_bytes(os.urandom(8192))
    with pytest.raises(cli.CommandError) as told:
        cli.dagster_instance(built.home).get_runs_count()
    is_one_line(str(told.value), "Dagster's storage failed", "may be moved away")
    storage.rename(storage.with_name("away"))
    cli.dagster_instance(built.home).dispose()
    assert load_settings(check_sources=False).home == built.home


def test_a_limit_for_the_size_of_files(tmp_path: Path) -> None:
    """A limit of the process for files, which is what a quota may be."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from orchestration.pipeline.storage import told\n"
        "with told('nothing was written', 'mend it'): open('x', 'wb', buffering=0).write(b'.' * 4096) and "
        "open('x', 'ab', buffering=0).write(b'.' * 4096)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(cli.ROOT)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert "StorageError: nothing was written: [Errno 27] File too large; let the process write" in done.stderr
    record("faults")
