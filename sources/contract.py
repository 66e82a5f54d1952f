"""Contracts: what a stream must look like, read from the Open Data Contract Standard files in `contracts/`.

A field is described once, in its contract; the lake's schema, the row rules of gate 1, dbt's source docs and the
reference page are derived from what this module returns. How rows are judged does not belong here (see gate 1).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    SchemaProperty,
    Team,
)

CONTRACTS_DIR = Path(__file__).parent / "contracts"

Privacy = Literal["none", "identifier", "drop"]
Severity = Literal["error", "warning"]


class ContractError(ValueError):
    """A contract file says something that cannot be carried out; the message names file, field and what is allowed."""


@dataclass(frozen=True)
class Field:
    """One column of a stream. `type` is a DuckDB type; `privacy` says what happens to it before it lands."""

    name: str
    type: str
    description: str
    required: bool
    is_key: bool
    privacy: Privacy
    default: str | None
    is_transport: bool
    enum: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    pattern: str | None


@dataclass(frozen=True)
class Rule:
    """A row rule: `check` is a SQL condition over the fields that a good row makes true (NULL counts as true)."""

    name: str
    check: str
    severity: Severity
    description: str


@dataclass(frozen=True)
class Contract:
    """One stream's contract. Rows of a mutable stream are versions; rows of an immutable one never change."""

    name: str
    version: str
    domain: str
    owner: str
    description: str
    limitations: str
    grain: str
    kind: Literal["immutable", "mutable"]
    tolerance: float
    set_key: str | None
    event_time: str | None
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields if f.is_key)

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields)

    def landed_fields(self) -> tuple[Field, ...]:
        """The fields that reach the lake: all but those that are dropped for privacy."""
        return tuple(f for f in self.fields if f.privacy != "drop")


def _custom(properties: list[CustomProperty] | None) -> dict[str, Any]:
    return {p.property or "": p.value for p in properties or []}


def _field(stream: str, prop: SchemaProperty) -> Field:
    custom = _custom(prop.customProperties)
    privacy = str(custom.get("privacy", "none"))
    if privacy not in ("none", "identifier", "drop"):
        raise ContractError(f"{stream}.{prop.name}: privacy is {privacy!r}, allowed: none, identifier, drop")
    options = prop.logicalTypeOptions or {}
    default = custom.get("default")
    enum = [
        value
        for quality in prop.quality or []
        if quality.metric == "invalidValues"
        for value in (quality.arguments or {}).get("validValues", [])
    ]
    return Field(
        name=str(prop.name),
        type=str(prop.physicalType),
        description=str(prop.description or ""),
        required=bool(prop.required),
        is_key=bool(prop.primaryKey),
        privacy=cast(Privacy, privacy),
        default=None if default is None else str(default).lower() if isinstance(default, bool) else str(default),
        is_transport=bool(custom.get("transport", False)),
        enum=tuple(enum),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        pattern=options.get("pattern"),
    )


def _rule(stream: str, quality: DataQuality) -> Rule:
    if quality.severity not in ("error", "warning"):
        raise ContractError(f"{stream}: rule {quality.name} has severity {quality.severity!r}, allowed: error, warning")
    return Rule(
        name=str(quality.name),
        check=str(quality.implementation),
        severity=cast(Severity, quality.severity),
        description=str(quality.description or ""),
    )


def read_contract(path: Path) -> Contract:
    """Read one ODCS file. Raises ContractError with the file's name when it is not a contract that can be used."""
    try:
        odcs = OpenDataContractStandard.from_file(str(path))
    except Exception as error:  # the library raises YAML and pydantic errors alike
        raise ContractError(f"{path.name}: not a valid ODCS contract: {error}") from error
    if not odcs.schema_ or len(odcs.schema_) != 1:
        raise ContractError(f"{path.name}: a contract describes exactly one stream under `schema`")
    table = odcs.schema_[0]
    custom = _custom(odcs.customProperties)
    kind = custom.get("kind")
    if kind not in ("immutable", "mutable"):
        raise ContractError(f"{path.name}: custom property `kind` is {kind!r}, allowed: immutable, mutable")
    name = str(table.name)
    team = odcs.team
    return Contract(
        name=name,
        version=str(odcs.version),
        domain=str(odcs.domain),
        owner=str(team.name) if isinstance(team, Team) else "",
        description=str(odcs.description.purpose if odcs.description else ""),
        limitations=str((odcs.description and odcs.description.limitations) or ""),
        grain=str(table.dataGranularityDescription or ""),
        kind=cast(Literal["immutable", "mutable"], kind),
        tolerance=float(custom.get("tolerance", 0.0)),
        set_key=custom.get("setKey"),
        event_time=custom.get("eventTime"),
        fields=tuple(_field(name, p) for p in table.properties or []),
        rules=tuple(_rule(name, q) for q in table.quality or []),
    )


@functools.cache
def load_contracts() -> dict[str, Contract]:
    """All contracts by stream name, in the order of their file names."""
    contracts = [read_contract(path) for path in sorted(CONTRACTS_DIR.glob("*.odcs.yaml"))]
    return {contract.name: contract for contract in contracts}
