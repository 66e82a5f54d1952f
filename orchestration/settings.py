"""Settings of an installation: where its home is, which profile feeds it, and the keys that belong to that home.

Everything comes from the environment (see `.env.example`); nothing here is about one stream or one KPI.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from sources.dimensions import CUSTOMERS
from sources.profile import DEFAULT_PROFILE, Profile, find_profile, load_profile

ROOT = Path(__file__).parent.parent
KPI_CATALOGUE = ROOT / "dbt_project" / "seeds" / "kpi_catalogue.csv"


class SettingsError(RuntimeError):
    """The installation cannot run as it is set up; the message is one line that says what to change."""


@dataclass(frozen=True)
class Home:
    """The folder that holds everything of one profile: lake, warehouse, publications."""

    path: Path

    @property
    def lake(self) -> Path:
        return self.path / "lake"

    @property
    def quarantine(self) -> Path:
        return self.path / "quarantine"

    @property
    def landings(self) -> Path:
        return self.path / "landings"

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse" / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.path / "published"

    @property
    def current(self) -> Path:
        return self.published / "current"

    @property
    def ledger(self) -> Path:
        """Every change that readers of the publications could see: a Delta table that outlives the snapshots."""
        return self.published / "ledger"

    @property
    def runs(self) -> Path:
        """dbt's own output per home: target folder and logs."""
        return self.path / "warehouse" / "dbt"

    @property
    def scratch(self) -> Path:
        return self.path / "tmp"

    @property
    def locks(self) -> Path:
        return self.path / "locks"

    @property
    def keys(self) -> Path:
        return self.path / "keys"


@dataclass(frozen=True)
class Settings:
    """One installation: a home, the profile that it belongs to, and the key that personal identifiers are hashed with."""

    home: Home
    profile: Profile
    hash_key: bytes


def profile_name() -> str:
    return os.environ.get("OPSMART_PROFILE") or DEFAULT_PROFILE


def home_path(profile: str) -> Path:
    """`OPSMART_HOME`, else `./data` for the sample and `./data-<profile>` for any other profile."""
    configured = os.environ.get("OPSMART_HOME")
    if configured:
        return Path(configured).resolve()
    stem = find_profile(profile).stem
    return ROOT / ("data" if stem == DEFAULT_PROFILE else f"data-{stem}")


def _claim(home: Home, profile: Profile) -> bytes:
    """Write down at the first use whose home this is and which key it has; refuse others later. Returns the key."""
    if (home.path / "home.json").is_file() and (home.keys / "fingerprint").is_file():
        _claim_home(home, profile)
        return _hash_key(home)
    try:
        home.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(home.locks / "home.lock"):
            _claim_home(home, profile)
            return _hash_key(home)
    except OSError as error:
        raise SettingsError(
            f"OPSMART_HOME={home.path} cannot be written to: {error}; mend that, or use another OPSMART_HOME"
        ) from None


def _claim_home(home: Home, profile: Profile) -> None:
    """Write down whose home this is at its first use; refuse another profile or another landing zone later."""
    marker = home.path / "home.json"
    own = {"profile": profile.name, "landing_zone": profile.business.landing_zone}
    if not marker.is_file():
        _write_whole(marker, json.dumps(own, indent=2) + "\n")
        return
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
        profile_found, zone_found = found["profile"], found["landing_zone"]
    except (ValueError, KeyError, TypeError):
        raise SettingsError(
            f"{marker} is damaged: restore it from the backup, or write {json.dumps(own)} into it if this home is this profile's"
        ) from None
    if profile_found != own["profile"]:
        raise SettingsError(
            f"OPSMART_HOME={home.path} belongs to the profile {profile_found!r}, not to {own['profile']!r}; "
            "use another OPSMART_HOME for this profile"
        )
    if zone_found != own["landing_zone"]:
        raise SettingsError(
            f"business.landing_zone = {own['landing_zone']!r}: {home.path} was begun with {zone_found!r}, "
            "and the landing days in its lake are days of that zone; set it back, or begin a new home"
        )


def _write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a small file so that it has all of its text or is not there, also when the process is killed."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    os.replace(temporary, path)


def _hash_key(home: Home) -> bytes:
    """The key of this home. It must never change while the lake lives: joins between streams go through its hashes."""
    home.keys.mkdir(parents=True, exist_ok=True)
    stored = home.keys / "hash.key"
    fingerprint = home.keys / "fingerprint"
    configured = os.environ.get("OPSMART_HASH_KEY")
    if configured:
        key = configured.encode()
    else:
        if not stored.is_file():
            if fingerprint.is_file():
                raise SettingsError(
                    f"{stored} is gone: restore it, or set OPSMART_HASH_KEY to the key this home began with"
                )
            _write_whole(stored, secrets.token_hex(32), 0o600)
        key = stored.read_text(encoding="utf-8").strip().encode()
    seal = hashlib.sha256(b"opsmart fingerprint" + key).hexdigest()[:16]
    if not fingerprint.is_file():
        _write_whole(fingerprint, seal + "\n")
    elif fingerprint.read_text(encoding="utf-8").strip() != seal:
        raise SettingsError(
            f"{'OPSMART_HASH_KEY' if configured else stored} is not the key that {home.path} began with: people in new rows "
            "would not join those in old ones; set it back, or restore keys/ from the backup"
        )
    return key


def kpi_catalogue() -> list[dict[str, str]]:
    """The rows of the registry of definitions, in its order. Raises SettingsError where it has none."""
    with KPI_CATALOGUE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise SettingsError(f"{KPI_CATALOGUE} has no rows; restore it from the repository")
    return rows


def counted_stream(row: Mapping[str, str], profile: Profile) -> str:
    """Whose rows a KPI of the catalogue counts, one by one, in this profile (`a|b`: the first that is configured).

    `customers` where they are people, whose attributes alone are known; empty where it is neither.
    """
    return next((s for s in row["counted_streams"].split("|") if s in (*profile.streams, CUSTOMERS)), "")


def _check_kpis(profile: Profile) -> None:
    """The KPIs that the profile names are in the catalogue, and can have the dimensions that it gives them."""
    rows = {row["kpi_id"]: row for row in kpi_catalogue()}
    built_in = {name for row in rows.values() for name in row["dimensions"].split()} | {"all"}

    def known(where: str, kpi: str) -> dict[str, str]:
        if kpi not in rows:
            raise SettingsError(f"{where}.{kpi}: no such KPI; allowed: {', '.join(sorted(rows))}")
        return rows[kpi]

    for target in profile.seed_rows("targets"):
        where = f"{profile.path.name}: seeds.targets"
        grains = known(where, target["kpi_id"])["grains"].split()
        if target["grain"] not in grains:
            raise SettingsError(f"{where}.{target['kpi_id']}: no grain {target['grain']}; allowed: {', '.join(grains)}")
    domains = sorted({row["domain"] for row in rows.values()})
    for annotation in profile.seed_rows("annotations"):
        where = f"{profile.path.name}: seeds.annotations"
        if annotation["kpi_id"]:
            known(where, annotation["kpi_id"])
        if annotation["domain"] and annotation["domain"] not in domains:
            raise SettingsError(f"{where}.{annotation['domain']}: no such domain; allowed: {', '.join(domains)}")
    for name, dimension in profile.dimensions.items():
        where = f"{profile.path.name}: dimensions.{name}"
        if name in built_in:
            raise SettingsError(f"{where}: a dimension of this name is there already; choose another name")
        for kpi in dimension.kpis:
            counted = counted_stream(known(f"{where}.kpis", kpi), profile)
            if not counted:
                raise SettingsError(f"{where}.kpis: {kpi} can have no dimension of a profile; see docs/kpis.md")
            if dimension.stream not in (counted, CUSTOMERS):
                instead = CUSTOMERS if counted == CUSTOMERS else f"{counted}, {CUSTOMERS}"
                raise SettingsError(
                    f"{where}.kpis: {kpi} can have no dimension of {dimension.stream}, whose rows it does not count; "
                    f"allowed for it: a field of {instead}"
                )


def load_settings(check_sources: bool = True, claim: bool = True) -> Settings:
    """The settings of this process. Raises ProfileError or SettingsError, both with one line.

    `check_sources=False` leaves out looking whether the sources are there; `claim=False` only reads, and writes nothing.
    """
    name = profile_name()
    home = Home(home_path(name))
    environment = {**os.environ, "OPSMART_HOME": str(home.path), "OPSMART_ROOT": str(ROOT)}
    profile = load_profile(name, environment, check_sources=check_sources)
    _check_kpis(profile)
    if not claim:
        return Settings(home, profile, b"")
    return Settings(home, profile, _claim(home, profile))


def memory_limit() -> str:
    """What DuckDB may use in a build before it spills: OPSMART_MEMORY_LIMIT, else three fifths of the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return os.environ.get("OPSMART_MEMORY_LIMIT") or f"{machine * 3 // 5 // 1024**2}MiB"


def dbt_environment(home: Home) -> dict[str, str]:
    """What dbt and its Python models need to know, for a subprocess."""
    return {
        **os.environ,
        "OPSMART_HOME": str(home.path),
        "OPSMART_ROOT": str(ROOT),
        "OPSMART_PROFILE": str(profile_name()),
        "OPSMART_MEMORY_LIMIT": memory_limit(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
