"""What a publication was built from, and how two publications differ in it: the causes of a changed number.

Kept as Parquet in the snapshot's folder `record/`: the lake's days with the version of their content, and per KPI the parts
of its definition with a hash of each. Which numbers changed does not belong here (see ledger.py).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.pipeline.lake import to_json
from orchestration.settings import Home
from sources.seeds import SEEDS

RECORD = "record"  # the folder inside a snapshot
DAYS = f"{RECORD}/days.parquet"
DEFINITIONS = f"{RECORD}/definitions.parquet"
DEFINITIONS_SCHEMA = pa.schema(
    [("kpi_id", pa.string()), ("kind", pa.string()), ("name", pa.string()), ("version", pa.string())]
)
NEEDS, READS = (
    "stream",
    "read stream",
)  # kinds: a stream that the catalogue says is needed; one that the models read besides
WORDS = "name, sentence, formula, owner, direction, precision, source_marts"  # of the catalogue: they move no number
USAGE_SETTINGS = ("passive_event", "key_action", "checkout", "funnel_step", "funnel_window_days")
SHARED_SETTINGS = ("currency", "first_day", "last_day", "refunds", "reporting_zone", "source_zone")
SHOWN_RANGES = 6
UNEXPLAINED = "nothing that is recorded differs"


@dataclass(frozen=True)
class Causes:
    """What differs between two publications in what one KPI is made of."""

    days: dict[str, list[str]] = field(default_factory=dict)  # stream -> ISO 8601 ranges of landing days, both ends in
    definitions: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """For people, in one line."""
        parts = [f"{stream} landed {_spoken(ranges)}" for stream, ranges in self.days.items()]
        parts += [f"{', '.join(self.definitions)} changed"] if self.definitions else []
        return "; ".join(parts) or UNEXPLAINED


def write(home: Home, folder: Path) -> None:
    """Record what the warehouse of this home was built from into the snapshot's folder.

    Reads the warehouse and dbt's manifest of the build. Raises duckdb.Error or OSError where either is missing.
    """
    (folder / RECORD).mkdir(exist_ok=True)
    manifest = json.loads((home.runs / "target" / "manifest.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        days = con.execute(
            "select stream, landed_date, day_version from plan.lake_plan where is_landed order by stream, landed_date"
        ).to_arrow_table()
        definitions = [
            {"kpi_id": kpi, "kind": kind, "name": name, "version": version}
            for kpi, kind, name, version in sorted(_definitions(con, manifest))
        ]
    pq.write_table(days, folder / DAYS)
    pq.write_table(pa.Table.from_pylist(definitions, schema=DEFINITIONS_SCHEMA), folder / DEFINITIONS)


def differences(before: Path, after: Path) -> dict[str, Causes]:
    """Per KPI of either snapshot folder, what differs between them in what it is made of.

    Streams that only the models read (for attributes of customers, or to know colleagues) are named where nothing that the
    KPI needs differs: they differ on most nights, and seldom matter.
    """
    days, definitions = _changed_days(before, after), _changed_definitions(before, after)
    found = {}
    with duckdb.connect() as con:
        named = con.execute(
            "select kpi_id, kind, list(distinct name order by name) from read_parquet($files) group by all",
            {"files": [str(before / DEFINITIONS), str(after / DEFINITIONS)]},
        ).fetchall()
    of_kpi = {(kpi, kind): names for kpi, kind, names in named}
    for kpi in sorted({kpi for kpi, _ in of_kpi}):
        needed = {name: days[name] for name in of_kpi.get((kpi, NEEDS), []) if name in days}
        others = {name: days[name] for name in of_kpi.get((kpi, READS), []) if name in days}
        parts = definitions.get(kpi, [])
        found[kpi] = Causes(needed if needed or parts else others, parts)
    return found


def _changed_days(before: Path, after: Path) -> dict[str, list[str]]:
    with duckdb.connect() as con:
        rows = con.execute(
            """select stream, list(landed_date order by landed_date)
               from read_parquet($before) as b full join read_parquet($after) as a using (stream, landed_date)
               where a.day_version is distinct from b.day_version group by stream order by stream""",
            {"before": str(before / DAYS), "after": str(after / DAYS)},
        ).fetchall()
    return {stream: list(_ranges(days)) for stream, days in rows}


def _changed_definitions(before: Path, after: Path) -> dict[str, list[str]]:
    with duckdb.connect() as con:
        rows = con.execute(
            """select kpi_id, list(trim(kind || ' ' || name) order by kind, name)
               from read_parquet($before) as b full join read_parquet($after) as a using (kpi_id, kind, name)
               where a.version is distinct from b.version and kind <> $reads group by kpi_id""",
            {"before": str(before / DEFINITIONS), "after": str(after / DEFINITIONS), "reads": READS},
        ).fetchall()
    return dict(rows)


def _ranges(days: Iterable[date]) -> Iterator[str]:
    """Sorted days as ISO 8601 intervals with both ends in: a single day, or first/last."""
    first = last = None
    for day in [*days, None]:
        if first and last and day != last + timedelta(days=1):
            yield first.isoformat() if first == last else f"{first}/{last}"
            first = None
        first, last = first or day, day


def _spoken(ranges: list[str]) -> str:
    more = f" and {len(ranges) - SHOWN_RANGES} more ranges" if len(ranges) > SHOWN_RANGES else ""
    return ", ".join(part.replace("/", " to ") for part in ranges[:SHOWN_RANGES]) + more


def _definitions(
    con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, str | None]]:
    """(KPI, kind, name, version) of every part: catalogue row, needed streams, contracts, settings, models, macros."""
    needs: dict[str, list[tuple[str, str]]] = {}
    for kpi, stream, lookback in con.execute(
        "select kpi_id, stream, lookback from intermediate.int_kpi__needs where stream is not null order by all"
    ).fetchall():
        needs.setdefault(kpi, []).append((stream, lookback))
    settings = con.execute("select section, key, value from plan.profile_settings").fetchall()
    catalogue = con.execute(
        f"""select c.kpi_id, c.domain, md5(cast(to_json(c) as varchar))
            from (select * exclude ({WORDS}) from seeds.kpi_catalogue) as c"""
    ).fetchall()
    dimensions = _dimensions(con)
    seeds = dict(_seeds(con))
    upstream = {
        domain: list(_upstream(manifest, domain, seeds)) for domain in sorted({domain for _, domain, _ in catalogue})
    }
    for kpi, domain, row_hash in catalogue:
        needed = dict(needs.get(kpi, []))
        yield kpi, "catalogue row", "", row_hash
        yield kpi, "engine", "duckdb", importlib.metadata.version("duckdb")
        yield from ((kpi, NEEDS, stream, lookback) for stream, lookback in needed.items())
        for part in [*_settings(settings, set(needed)), *dimensions.get(kpi, []), *upstream[domain]]:
            if part[0] != READS or part[1] not in needed:
                yield kpi, *part


def _settings(rows: Iterable[tuple[str, str, str]], needed: set[str]) -> Iterator[tuple[str, str, str]]:
    """The settings of the profile that can move a number of a KPI with these streams."""
    lists: dict[str, list[str]] = {}
    for section, key, value in rows:
        if section == "contract_version" and key in needed:
            yield "contract", key, value
        elif section == "stream" and key in needed:
            yield "setting", f"settle_days of {key}", value
        elif section == "moving_stream" and key in needed:
            yield "setting", f"whether rows of {key} move", value
        elif section == "dated_history":
            yield "setting", f"dated history of {key}", value
        elif section == "business" and key in SHARED_SETTINGS:
            yield "setting", key, value
        elif "usage_events" in needed and (section in USAGE_SETTINGS or key in USAGE_SETTINGS):
            lists.setdefault(section if section in USAGE_SETTINGS else key, []).append(to_json([key, value]))
    for name, values in lists.items():
        yield "setting", name, _hash("".join(sorted(values)))


def _dimensions(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str, str]]]:
    """Per KPI, the dimensions that the profile gives it, and whose fields they are."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for kpi, name, origin in con.execute(
        "select kpi_id, dimension, stream || ' ' || field from plan.profile_dimensions order by all"
    ).fetchall():
        found.setdefault(kpi, []).append(("dimension", name, origin))
    return found


def _seeds(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """(seed, hash) of the rows that hold of every seed that a profile may replace."""
    built = con.execute("select table_name from duckdb_tables() where schema_name = 'plan'").fetchall()
    for name in SEEDS:
        if (f"profile_{name}",) in built:
            rows = con.execute(f"select cast(t as varchar) from plan.profile_{name} as t order by 1").fetchall()
            yield name, _hash("\n".join(row for (row,) in rows))


def _upstream(manifest: Mapping[str, Any], domain: str, seeds: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(kind, name, hash) of every model, macro and replaceable seed above the domain's `int_<domain>__kpi_values`, and of the
    KPI layer that makes fct_kpi of it; (READS, stream, '') for every stream of the lake that they read."""
    nodes: dict[str, Any] = {**manifest["nodes"], **manifest["sources"], **manifest["macros"]}
    root, marts = f"int_{domain}__kpi_values", "fct_kpi"
    ahead = [unique_id for unique_id, node in nodes.items() if node["name"] in (root, marts)]
    seen: set[str] = set()
    while ahead:
        unique_id = ahead.pop()
        node = nodes.get(unique_id)
        if unique_id in seen or node is None or node["package_name"] != "opsmart":
            continue
        seen.add(unique_id)
        kind = node["resource_type"]
        if kind == "source":
            yield READS, node["name"], ""
        elif kind == "seed" and node["name"] in seeds:
            yield "seed", node["name"], seeds[node["name"]]
        elif kind in ("model", "macro"):
            yield kind, node["name"], _hash(_code(node["raw_code" if kind == "model" else "macro_sql"]))
        above = node.get("depends_on", {})
        in_layer = node["name"] == marts or node.get("fqn", [])[1:3] == ["intermediate", "kpi"]
        ahead += [
            other
            for other in [*above.get("nodes", []), *above.get("macros", [])]
            # the KPI layer reads every domain: from it only its own models and macros belong to this one
            if not in_layer or other.startswith("macro.") or nodes[other]["fqn"][1:3] == ["intermediate", "kpi"]
        ]


def _code(text: str) -> str:
    """Code without comments and white space: neither moves a number."""
    return re.sub(r"\{#.*?#\}|^\s*--.*?$|\s", "", text, flags=re.S | re.M)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
