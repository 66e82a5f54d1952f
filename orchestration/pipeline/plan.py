"""The frozen plan of a build: what the lake holds at this moment, and what the profile says, as tables for dbt.

dbt's Python models in models/plan call these at the start of every build; every other model reads only the files that
the plan names, so that a landing meanwhile cannot tear a build.
"""

from __future__ import annotations

import functools
import os
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute

from orchestration.pipeline import catch_up, lake
from orchestration.settings import Home, Settings, counted_stream, kpi_catalogue, load_settings
from sources.contract import load_contracts
from sources.profile import Profile
from sources.seeds import read_seed

LAKE_PLAN_SCHEMA = pa.schema(
    [
        ("stream", pa.string()),
        ("landed_date", pa.date32()),
        ("state", pa.string()),
        ("is_landed", pa.bool_()),
        ("files", pa.string()),
        ("day_version", pa.string()),
        ("first_pulled_at", pa.timestamp("us")),
        ("row_count", pa.int64()),
        ("pulled_count", pa.int64()),
        ("landed_count", pa.int64()),
        ("rejected_count", pa.int64()),
        ("findings", pa.string()),
        ("reason", pa.string()),
        ("contract_version", pa.string()),
        ("run_id", pa.string()),
        ("pulled_at", pa.timestamp("us")),
        ("first_landed_at", pa.timestamp("us")),
    ]
)
DIMENSIONS_SCHEMA = pa.schema(
    [
        ("dimension", pa.string()),
        ("kpi_id", pa.string()),
        ("domain", pa.string()),
        ("counted_stream", pa.string()),
        ("stream", pa.string()),
        ("field", pa.string()),
    ]
)
SETTINGS_SCHEMA = pa.schema([("section", pa.string()), ("key", pa.string()), ("value", pa.string())])


def freeze(home: Home, today: date | None = None) -> pa.Table:
    """The lake's content now: one row per stream and landing day ever attempted (columns: LAKE_PLAN_SCHEMA).

    A day that is not over `today` was landed while a clock was ahead, and is left out until it is.

    `landings` is read before the streams' tables: data is written before its landing row, so whatever a landing row
    speaks of is in the version that is opened after it. Files of a day without a good landing row are left out.
    """
    landings = lake.read_landings(home)
    if today:
        landings = landings.filter(pa.compute.less(landings["landed_date"], pa.scalar(today)))
    good = lake.last_good(landings)
    first_landed = {
        (row["stream"], row["landed_date"]): row["pulled_at"]
        for row in reversed(landings.to_pylist())
        if row["state"] == "landed"
    }
    newest = {(row["stream"], row["landed_date"]): row for row in landings.to_pylist()}
    rows: list[dict[str, Any]] = []
    for stream in sorted({stream for stream, _ in newest}):
        held = lake.held_days(lake.stream_table(home, stream))
        for (_, day), attempt in sorted((k, v) for k, v in newest.items() if k[0] == stream):
            landed = good.get((stream, day))
            content = held.get(day) if landed else None
            rows.append(
                {
                    "stream": stream,
                    "landed_date": day,
                    "state": attempt["state"],
                    "is_landed": landed is not None,
                    "files": lake.to_json(content.files if content else []),
                    "day_version": (content.version if content else lake.EMPTY_DAY) if landed else None,
                    "first_pulled_at": content.first_pulled_at.replace(tzinfo=None) if content else None,
                    "row_count": content.rows if content else 0,
                    "pulled_count": landed["pulled"] if landed else 0,
                    "landed_count": landed["landed"] if landed else 0,
                    "rejected_count": landed["rejected"] if landed else 0,
                    "findings": landed["findings"] if landed else "{}",
                    "reason": attempt["reason"],
                    "contract_version": (landed or attempt)["contract_version"],
                    "run_id": attempt["run_id"],
                    "pulled_at": attempt["pulled_at"].replace(tzinfo=None),
                    "first_landed_at": first_landed[stream, day].replace(tzinfo=None) if landed else None,
                }
            )
    return pa.Table.from_pylist(rows, schema=LAKE_PLAN_SCHEMA)


def settings_rows(profile: Profile) -> pa.Table:
    """What the models need to know of the profile: section, key, value as text (see `profile_settings`)."""
    business = profile.business
    facts = {
        "name": profile.name,
        "title": profile.title,
        "landing_zone": business.landing_zone,
        "reporting_zone": business.reporting_zone,
        "source_zone": business.source_zone,
        "currency": business.currency,
        "first_day": business.first_day.isoformat(),
        "last_day": business.last_day.isoformat() if business.last_day else "",
        "fiscal_year_start_month": str(business.fiscal_year_start_month),
        "refunds": business.refunds,
        "key_action": business.key_action,
        "checkout": business.checkout,
        "funnel_window_days": str(business.funnel_window_days),
    }
    rows = [("business", key, value) for key, value in facts.items()]
    rows += [("passive_event", name, "") for name in business.passive_events]
    rows += [("funnel_step", str(number), name) for number, name in enumerate(business.funnel, start=1)]
    rows += [("stream", stream, str(profile.settle_days(stream))) for stream in profile.streams]
    rows += [("moving_stream", name, str(profile.rows_move(name)).lower()) for name in profile.streams]
    rows += [("contract_version", name, contract.version) for name, contract in load_contracts().items()]
    customers = profile.streams.get("customers")
    dated = customers is not None and "valid_from_at" in customers.fields
    rows.append(("dated_history", "customers", str(dated).lower()))
    return pa.Table.from_pylist(
        [dict(zip(SETTINGS_SCHEMA.names, row, strict=True)) for row in rows], schema=SETTINGS_SCHEMA
    )


def dimension_rows(profile: Profile) -> pa.Table:
    """The dimensions that the profile defines: one row per dimension and KPI (columns: DIMENSIONS_SCHEMA)."""
    catalogue = {row["kpi_id"]: row for row in kpi_catalogue()}
    rows = [
        {
            "dimension": name,
            "kpi_id": kpi,
            "domain": catalogue[kpi]["domain"],
            "counted_stream": counted_stream(catalogue[kpi], profile),
            "stream": dimension.stream,
            "field": dimension.field,
        }
        for name, dimension in profile.dimensions.items()
        for kpi in dimension.kpis
    ]
    return pa.Table.from_pylist(rows, schema=DIMENSIONS_SCHEMA)


@functools.cache
def _settings_of(profile: str | None, home: str | None) -> Settings:
    return load_settings(check_sources=False, claim=False)


def _settings() -> Settings:
    """The settings of the home and profile that the environment names: a build reads them once."""
    return _settings_of(os.environ.get("OPSMART_PROFILE"), os.environ.get("OPSMART_HOME"))


def lake_plan_table() -> pa.Table:
    """For the dbt model `lake_plan`: the plan of the home and profile that the environment names."""
    settings = _settings()
    return freeze(settings.home, catch_up.today(settings.profile))


def profile_settings_table() -> pa.Table:
    """For the dbt model `profile_settings`: the settings of the profile that the environment names."""
    return settings_rows(_settings().profile)


def profile_dimensions_table() -> pa.Table:
    """For the dbt model `profile_dimensions`: the dimensions of the profile that the environment names."""
    return dimension_rows(_settings().profile)


def profile_seed_table(name: str) -> pa.Table | None:
    """For the dbt models `profile_<seed>`: the profile's own rows of a seed; None where it has none of its own."""
    path = _settings().profile.seeds.get(name)
    return None if path is None else read_seed(name, path)
