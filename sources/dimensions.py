"""Dimensions that a profile defines: a field that it keeps in `extra`, or an attribute of the customer, as segments of KPIs.

Says what such a dimension may name within the profile. Which KPIs can have it is a question of the KPI catalogue and
does not belong here (see orchestration/settings.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from sources.contract import Contract

CUSTOMERS = "customers"
FACT_STREAMS = ("orders", "support_tickets", "survey_responses")  # whose rows KPIs count one by one
EXTRA = "extra."


class DimensionError(ValueError):
    """A dimension cannot be used; the message is one line: which key, which value, what is allowed."""


class Dimension(BaseModel):
    """`field` is `extra.<column>`, or of `customers` also a column of the contract; it segments the KPIs in `kpis`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream: str
    field: str
    kpis: tuple[str, ...] = Field(min_length=1)


class Mapped(Protocol):
    """What has to be known of a stream of the profile."""

    @property
    def extra(self) -> tuple[str, ...]: ...

    @property
    def fields(self) -> dict[str, str]: ...


def customer_attributes(contract: Contract) -> tuple[str, ...]:
    """The columns of the contract of customers that say something of a customer in words and name nobody."""
    return tuple(f.name for f in contract.fields if f.type == "varchar" and f.privacy == "none" and not f.is_key)


def check_dimensions(own: Mapping[str, Dimension], streams: Mapping[str, Mapped], customers: Contract) -> None:
    """Raises DimensionError for the first dimension that names a stream or a field that this profile does not have."""
    for name, dimension in own.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise DimensionError(
                f"dimensions.{name}: not a name; allowed: lower case letters, digits and _, a letter first"
            )
        _check(f"dimensions.{name}", dimension, streams, customers)


def _check(where: str, own: Dimension, streams: Mapping[str, Mapped], customers: Contract) -> None:
    allowed = [stream for stream in (*FACT_STREAMS, CUSTOMERS) if stream in streams]
    if own.stream not in allowed:
        is_absent = own.stream in (*FACT_STREAMS, CUSTOMERS)
        told = "not configured in this profile" if is_absent else "a dimension cannot come from it"
        raise DimensionError(f"{where}.stream = {own.stream!r}: {told}; allowed: {', '.join(allowed) or 'none'}")
    mapping = streams[own.stream]
    fields = [EXTRA + column for column in mapping.extra if '"' not in column]
    if own.stream == CUSTOMERS:
        fields += [column for column in customer_attributes(customers) if column in mapping.fields]
    if own.field not in fields:
        hint = f" (what streams.{own.stream}.extra keeps)" if own.field.startswith(EXTRA) else ""
        raise DimensionError(
            f"{where}.field = {own.field!r}: not a field of {own.stream} that can be a dimension; "
            f"allowed: {', '.join(fields) or 'none'}{hint}"
        )
    for kpi in own.kpis:
        if own.kpis.count(kpi) > 1:
            raise DimensionError(f"{where}.kpis: {kpi} stands there twice")
