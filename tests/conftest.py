"""Shared fixtures: a small company of our own, written as files into a temporary folder, with a profile over it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from orchestration.pipeline.landing import StreamLanding, land_stream
from orchestration.settings import Settings, load_settings
from sources.sample_company.postgres_server import Postgres, running_postgres
from tests.integration.histories.builds import Template, shared_template
from tests.integration.histories.world import REPORTING_ZONES, profile_text
from tests.sample_home import run_once

os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")


@dataclass
class Company:
    """A profile made of CSV files: `rows` per stream are written as they are, and every column maps to its own field."""

    root: Path
    business: dict[str, object] = field(default_factory=dict)
    streams: dict[str, str] = field(default_factory=dict)

    def write(self, stream: str, rows: list[dict[str, object]], cursor: str, more: str = "") -> None:
        """Write the stream's file; the fields are the columns of the first row."""
        columns = list(rows[0])
        lines = [",".join(columns)]
        lines += [",".join("" if row.get(c) is None else _csv(row[c]) for c in columns) for row in rows]
        path = self.root / f"{stream}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        mapped = "\n".join(f'{c} = "{c}"' for c in columns if not c.startswith("x_"))
        self.streams[stream] = (
            f'[sources.{stream}_file]\nconnector = "files"\npath = "{path}"\nformat = "csv"\n'
            f'[streams.{stream}]\nfrom = "{stream}_file"\ncursor = "{cursor}"\n{more}\n[streams.{stream}.fields]\n{mapped}\n'
        )

    def profile(self, extra: str = "") -> Path:
        """The profile's file, written anew."""
        business = {
            "landing_zone": "UTC",
            "reporting_zone": "UTC",
            "currency": "EUR",
            "first_day": date(2026, 3, 1),
            "last_day": date(2026, 3, 31),
            **self.business,
        }
        said = [f"{k} = {v.isoformat() if isinstance(v, date) else repr(v)}" for k, v in business.items()]
        path = self.root / "company.toml"
        text = 'name = "company"\n[business]\n' + "\n".join(said).replace("'", '"') + "\n"
        path.write_text(text + "\n".join(self.streams.values()) + extra, encoding="utf-8")
        return path

    def settings(self, extra: str = "") -> Settings:
        os.environ["OPSMART_PROFILE"] = str(self.profile(extra))
        os.environ["OPSMART_HOME"] = str(self.root / "home")
        return load_settings()

    def land(self, stream: str, days: list[date], extra: str = "") -> StreamLanding:
        return land_stream(self.settings(extra), stream, days, "test-run")


def _csv(value: object) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(home of the sample company after the main job, what the job printed); one for all workers."""
    return run_once(of_all_workers(tmp_path_factory) / "sample")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A warehouse over an empty lake of the histories' world; one for all workers."""
    root = of_all_workers(tmp_path_factory) / "template"
    return shared_template(root, profile_text(root, REPORTING_ZONES[0]))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL; each test makes the schema, database or users of its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("OPSMART_PROFILE", "")
    monkeypatch.setenv("OPSMART_HOME", "")
    yield Company(tmp_path)


@pytest.fixture
def lake_rows() -> Callable[[Settings, str], list[dict[str, object]]]:
    """Read what the lake holds of a stream, as rows."""
    from orchestration.pipeline import lake

    def read(settings: Settings, stream: str) -> list[dict[str, object]]:
        table = lake.stream_table(settings.home, stream)
        return [] if table is None else list(table.to_pyarrow_table().to_pylist())

    return read
