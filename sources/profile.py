"""Profiles: which connector feeds which stream, and what the business decided (zones, currency, first day, targets …).

A profile is a TOML file. This module reads and checks it before anything runs; every mistake becomes one line that
says which key, which value and what is allowed. Pulling and judging rows do not belong here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import duckdb
from pydantic import BaseModel, SecretStr, ValidationError

from sources.connectors import CONNECTORS
from sources.connectors.base import EnvironmentText, masked, one_line, secrets_in
from sources.contract import Contract, load_contracts
from sources.dimensions import Dimension, DimensionError, check_dimensions
from sources.presets import PresetError, over_presets
from sources.profile_files import ProfileError as ProfileError
from sources.profile_files import extended, read_toml
from sources.profile_schema import Business, ProfileFile, ProfileRule, SampleCompany, StreamMapping, known_zones
from sources.seeds import SEEDS, SeedError, read_seed

PROFILES_DIR = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "sample"


@dataclass(frozen=True)
class Source:
    """A named source: its connector module's name and that connector's validated options."""

    name: str
    connector: str
    options: Any
    zone: str


@dataclass(frozen=True)
class Profile:
    """A checked profile. `streams` are the configured ones; contracts without an entry are absent streams."""

    name: str
    title: str
    path: Path
    business: Business
    seeds: Mapping[str, Path]
    dimensions: Mapping[str, Dimension]
    sample_company: SampleCompany | None
    sources: Mapping[str, Source]
    streams: Mapping[str, StreamMapping]

    def seed_rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of the profile's own file of a seed; none where it has no file of its own."""
        return read_seed(name, self.seeds[name]).to_pylist() if name in self.seeds else []

    def contract(self, stream: str) -> Contract:
        return load_contracts()[stream]

    def settle_days(self, stream: str) -> int:
        own = self.streams[stream].settle_days
        return self.business.settle_days if own is None else own

    def tolerance(self, stream: str) -> float:
        own = self.streams[stream].tolerance
        return self.contract(stream).tolerance if own is None else own

    def is_by_day(self, stream: str) -> bool:
        """Whether the source itself is laid out by landing day, so that no cursor is needed."""
        return self.streams[stream].cursor is None

    def rows_move(self, stream: str) -> bool:
        """Whether a row that changes leaves its landing day for the day of the change.

        It does where a cursor asks for versions; rows that never change stay, and so do files of a folder by day.
        """
        return self.contract(stream).kind == "mutable" and not self.is_by_day(stream)

    def last_closed_day(self, today: date) -> date:
        """The newest landing day that may be pulled: yesterday in the landing zone, or the data set's last day."""
        yesterday = today - timedelta(days=1)
        return min(self.business.last_day or yesterday, yesterday)

    def landing_zone(self) -> ZoneInfo:
        return ZoneInfo(self.business.landing_zone)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def find_profile(name_or_path: str) -> Path:
    """The file of a profile given by name (in sources/profiles) or by path. Raises ProfileError if there is none."""
    path = Path(name_or_path)
    named = PROFILES_DIR / f"{name_or_path}.toml"
    if _is_file(path):
        return path
    if path.suffix == ".toml":
        raise ProfileError(f"PROFILE={name_or_path}: there is no such file")
    if _is_file(named):
        return named
    known = ", ".join(sorted(p.stem for p in PROFILES_DIR.glob("*.toml")))
    raise ProfileError(
        f"PROFILE={name_or_path}: no profile of that name; allowed: {known}, or the path of a .toml file"
    )


_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


def _substitute(value: Any, environment: Mapping[str, str], where: str) -> Any:
    if isinstance(value, dict):
        return {k: _substitute(v, environment, f"{where}.{k}" if where else k) for k, v in value.items()}
    if isinstance(value, list):
        return [_substitute(v, environment, where) for v in value]
    if not isinstance(value, str):
        return value

    found_values: list[str] = []

    def resolve(match: re.Match[str]) -> str:
        found = environment.get(match["name"]) or match["default"]
        if found is None:
            raise ProfileError(
                f"{where}: the environment variable {match['name']} is not set; set it, or give a default"
            )
        found_values.append(found)
        return found

    resolved = _VARIABLE.sub(resolve, value)
    return EnvironmentText.of(resolved, found_values) if found_values else value


def _one_line(error: ValidationError, prefix: str = "") -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"] if part != "function-after")
    where = ".".join(part for part in (prefix, key) if part)
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    if first["type"] == "missing":
        return f"{where}: missing"
    message = first["msg"].removeprefix("Value error, ")
    shown = masked(repr(first["input"]), secrets_in(first["input"], key))
    shown = re.sub(r"://[^/@]*@", "://***@", shown)  # an address may have a password in it
    return f"{where} = {shown}: {message}"


def _allowed_keys(model: type[BaseModel]) -> str:
    return ", ".join(f.alias or name for name, f in model.model_fields.items())


_MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    (): ProfileFile,
    ("business",): Business,
    ("sample_company",): SampleCompany,
}


def _explain(error: ValidationError) -> str:
    """One line for the first mistake, with the allowed keys where a key is unknown."""
    first = error.errors(include_url=False)[0]
    line = _one_line(error)
    if first["type"] != "extra_forbidden":
        return line
    parents = tuple(str(part) for part in first["loc"][:-1])
    model = _MODELS.get(parents) or (Dimension if parents[:1] == ("dimensions",) else None)
    if model is None and parents[:1] == ("streams",):
        model = ProfileRule if "rules" in parents else StreamMapping
    return f"{line}; allowed: {_allowed_keys(model)}" if model else line


def _check_sql(where: str, sql: str, is_query: bool = False) -> None:
    statement = sql if is_query else f"select ({sql})"
    answer = duckdb.execute("select json_serialize_sql(?::varchar)", [statement]).fetchone()
    if answer and '"error":true' in answer[0]:
        message = re.sub(r'.*"error_message":"((?:[^"\\]|\\.)*)".*', r"\1", answer[0], flags=re.S)
        raise ProfileError(
            f"{where} = {sql!r}: not {'a SELECT' if is_query else 'an expression'} in DuckDB's SQL: {message}"
        )


def _source(name: str, options: dict[str, Any], source_zone: str, known: Mapping[str, Any]) -> Source:
    connector = options.pop("connector", None)
    if connector not in known:
        raise ProfileError(f"sources.{name}.connector = {connector!r}: unknown connector; allowed: {', '.join(known)}")
    zone = options.pop("zone", source_zone)
    if zone not in known_zones():
        raise ProfileError(f"sources.{name}.zone = {zone!r}: not an IANA time zone, such as Europe/Berlin or UTC")
    model = known[connector].Options
    try:
        return Source(name, connector, model(**options), zone)
    except ValidationError as error:
        line = _one_line(error, f"sources.{name}")
        if error.errors()[0]["type"] == "extra_forbidden":
            line += f"; allowed: connector, zone, {_allowed_keys(model)}"
        raise ProfileError(line) from None


def _check_secrets(sources: Any) -> None:
    """Refuse a secret that stands in the profile itself: profiles are shared and versioned. It is never shown."""
    for name, options in sources.items() if isinstance(sources, dict) else ():
        connector = CONNECTORS.get(str(options.get("connector"))) if isinstance(options, dict) else None
        for key, field in connector.Options.model_fields.items() if connector else ():
            wanted = options.get(key)
            found = _VARIABLE.fullmatch(str(wanted))
            is_secret = SecretStr in (field.annotation, *get_args(field.annotation))
            if is_secret and wanted is not None and (found is None or found["default"] is not None):
                raise ProfileError(
                    f'sources.{name}.{key}: a secret does not belong in a profile; write {key} = "${{NAME}}" and set '
                    "that environment variable"
                )


def _check_stream(name: str, mapping: StreamMapping, sources: Mapping[str, Source], contract: Contract) -> None:
    where = f"streams.{name}"
    if mapping.source not in sources:
        raise ProfileError(f"{where}.from = {mapping.source!r}: no such source; allowed: {', '.join(sources)}")
    for field in mapping.fields:
        if field not in contract.field_names:
            raise ProfileError(
                f"{where}.fields.{field}: not a field of the contract {name}; allowed: {', '.join(contract.field_names)}"
            )
    for wanted in contract.fields:
        if wanted.required and wanted.default is None and wanted.name not in mapping.fields:
            raise ProfileError(f"{where}.fields.{wanted.name}: missing; the contract {name} requires it")
    if mapping.query is not None:
        _check_sql(f"{where}.query", mapping.query, is_query=True)
    by_day = getattr(sources[mapping.source].options, "is_by_day", False)
    if mapping.cursor is not None:
        if by_day:
            raise ProfileError(
                f"{where}.cursor: not together with {{day}} in the path of {mapping.source}, which decides"
            )
        _check_sql(f"{where}.cursor", mapping.cursor)
    elif not by_day:
        raise ProfileError(f"{where}.cursor: missing; it decides the landing day unless the source's path has {{day}}")
    for field, expression in mapping.fields.items():
        _check_sql(f"{where}.fields.{field}", expression)
    for rule in mapping.rules:
        _check_sql(f"{where}.rules.{rule.name}", rule.check)


def _seed_files(folder: Path, named: Mapping[str, str]) -> dict[str, Path]:
    """The profile's own seeds: CSV files whose relative paths start at the profile's folder."""
    files = {}
    for name, file in named.items():
        if name not in SEEDS:
            raise ProfileError(f"seeds.{name}: no such seed; allowed: {', '.join(SEEDS)}")
        files[name] = folder / file
        try:
            read_seed(name, files[name])
        except SeedError as error:
            raise ProfileError(f"seeds.{name} = {file!r}: {error}") from None
    return files


def load_profile(
    name_or_path: str, environment: Mapping[str, str] | None = None, check_sources: bool = True
) -> Profile:
    """Read and check a profile.

    `environment` resolves `${NAME}` and `${NAME:-default}` (default: the process's own). With `check_sources`, each
    connector also looks whether its files or its database are there. Raises ProfileError with one line.
    """
    path = find_profile(name_or_path)
    raw = read_toml(path)
    try:
        return _build(
            path, extended(path.parent, raw), os.environ if environment is None else environment, check_sources
        )
    except ProfileError as error:
        raise ProfileError(one_line(f"{path.name}: {error}")) from None


def check_that_sources_are_there(sources: Mapping[str, Source]) -> None:
    """Ask each source's connector whether its files or its database are there. Raises ProfileError with one line."""
    for source in sources.values():
        complaint = CONNECTORS[source.connector].check(source.options)
        if complaint:
            raise ProfileError(f"sources.{source.name}: {complaint}")


def _build(path: Path, raw: dict[str, Any], environment: Mapping[str, str], check_sources: bool) -> Profile:
    contracts = load_contracts()
    for name in raw.get("streams", {}):
        if name not in contracts:
            raise ProfileError(f"streams.{name}: no such stream; allowed: {', '.join(contracts)}")
    _check_secrets(raw.get("sources", {}))
    said = _substitute(raw, environment, "")
    try:
        parsed = ProfileFile(**over_presets(said))
    except PresetError as error:
        raise ProfileError(str(error)) from None
    except ValidationError as error:
        raise ProfileError(_explain(error)) from None
    business = parsed.business
    if business.last_day is not None and business.last_day < business.first_day:
        raise ProfileError(f"business.last_day = {business.last_day}: before first_day = {business.first_day}")
    sources = {
        name: _source(name, dict(options), business.source_zone, CONNECTORS) for name, options in parsed.sources.items()
    }
    if business.refunds == "none" and "refunds" in parsed.streams:
        raise ProfileError("business.refunds = 'none': but streams.refunds is configured; allowed with it: 'stream'")
    if not parsed.streams:
        raise ProfileError(f"streams: none is configured; allowed: {', '.join(contracts)}")
    for name, mapping in parsed.streams.items():
        _check_stream(name, mapping, sources, contracts[name])
    try:
        check_dimensions(parsed.dimensions, parsed.streams, contracts["customers"])
    except DimensionError as error:
        raise ProfileError(str(error)) from None
    if check_sources:
        check_that_sources_are_there(sources)
    return Profile(
        name=parsed.name,
        title=parsed.title or parsed.name,
        path=path.resolve(),
        business=business,
        seeds=_seed_files(path.resolve().parent, parsed.seeds),
        dimensions=parsed.dimensions,
        sample_company=parsed.sample_company,
        sources=sources,
        streams=parsed.streams,
    )
