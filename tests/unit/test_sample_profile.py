"""The sample's profile over its files: every field of every stream maps to its contract, and audits become events."""

from __future__ import annotations

import tomllib
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sources.contract import load_contracts
from sources.sample_company import write
from tests.sample_files import Company

PROFILE = Path(__file__).parents[2] / "sources" / "profiles" / "sample.toml"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company") / "sources"
    write(folder, seed=7, scale=0.2)
    return Company(folder)


@pytest.fixture(scope="module")
def sources(company: Company) -> duckdb.DuckDBPyConnection:
    """The company's sources as the profile names them: CSV and top-level JSON values as text, nested JSON as JSON."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for name, source in tomllib.loads(PROFILE.read_text(encoding="utf-8"))["sources"].items():
        if source["connector"] == "sql":
            rows = company.rows(f"select * from {source['table']}")
            table = pa.table({key: [row[key] for row in rows] for key in rows[0].keys()})  # noqa: SIM118
            con.register("incoming", table)
            con.execute(f"create table {name} as from incoming")
            continue
        path = source["path"].replace("${OPSMART_HOME}/sources", str(company.folder)).replace("{day}", "*")
        if source["format"] == "csv":
            con.execute(f"create table {name} as from read_csv('{path}', all_varchar = true)")
            continue
        con.execute(
            f"create temp table raw as from read_json('{path}', format = 'newline_delimited', maximum_depth = 1, "
            "sample_size = -1)"
        )
        columns = []
        for column, kind, *_ in con.execute("describe raw").fetchall():
            found = con.execute(f'select distinct json_type(to_json("{column}")) from raw').fetchall()
            is_nested = {"OBJECT", "ARRAY"} & {row[0] for row in found}
            scalar = f"\"{column}\" ->> '$'" if kind == "JSON" else f'cast("{column}" as varchar)'
            columns.append(f'"{column}"' if is_nested else f'{scalar} as "{column}"')
        con.execute(f"create table {name} as select {', '.join(columns)} from raw; drop table raw")
    return con


def test_the_profile_maps_every_stream_to_its_contract(company: Company, sources: duckdb.DuckDBPyConnection) -> None:
    profile = tomllib.loads(PROFILE.read_text(encoding="utf-8"))
    contracts = load_contracts()
    assert set(profile["streams"]) == set(contracts)
    dimensions = {
        "usage_events": ["platform", "country", "plan", "feature", "acquisition_channel"],
        "customers": ["country", "plan", "acquisition_channel", "industry"],
        "orders": ["channel", "country", "warehouse"],
        "order_items": ["category", "requires_shipping"],
        "shipments": ["carrier", "warehouse", "country"],
        "support_tickets": ["channel", "priority", "group_name", "reason"],
        "survey_responses": ["channel", "country", "plan"],
    }
    con = sources
    bad: dict[str, int] = {}
    for stream, mapping in profile["streams"].items():
        contract = contracts[stream]
        assert not set(mapping["fields"]) - set(contract.field_names)
        relation = f"({mapping['query']})" if "query" in mapping else mapping["from"]
        mapped = ", ".join(f'({sql}) as "{name}"' for name, sql in mapping["fields"].items())
        con.execute(f"create or replace temp view mapped as select {mapped} from {relation} as source")
        for wanted in contract.fields:
            if wanted.name not in mapping["fields"]:
                assert not wanted.required, f"{stream}.{wanted.name}"
                continue
            name, cast = f'"{wanted.name}"', f'try_cast("{wanted.name}" as {wanted.type})'
            faults = [f"{name} is not null and {cast} is null"]
            faults += [f"{name} is null"] if wanted.required else []
            faults += [f"{cast} not in ({', '.join(map(repr, wanted.enum))})"] if wanted.enum else []
            faults += [f"{cast} < {wanted.minimum}"] if wanted.minimum is not None else []
            faults += [f"{cast} > {wanted.maximum}"] if wanted.maximum is not None else []
            found = con.execute(f"select count(*) from mapped where {' or '.join(faults)}").fetchone()
            assert found == (0,), f"{stream}.{wanted.name}"
            if mapping.get("cursor") is None:
                continue
            assert con.execute(f"select count(({mapping['cursor']})) > 0 from {relation}").fetchone() == (True,)
        for dimension in dimensions.get(stream, []):
            values = con.execute(f'select count(distinct "{dimension}") from mapped').fetchone()
            assert values is not None and values[0] >= 2, f"{stream}.{dimension}"
        if stream == "usage_events":
            late = "cast(occurred_at as timestamptz) > cast(received_at as timestamptz) + interval 1 hour"
            nobody = "anonymous_id is null and user_id is null"
            row = con.execute(f"select count(*) filter ({late}), count(*) filter ({nobody}) from mapped").fetchone()
            assert row is not None
            bad = {"clock_skew": row[0], "without_actor": row[1]}
    assert bad == {name: company.truth["usage"][name] for name in bad}


def test_ticket_events_come_out_of_the_audits(company: Company, sources: duckdb.DuckDBPyConnection) -> None:
    profile = tomllib.loads(PROFILE.read_text(encoding="utf-8"))
    con = sources
    query = profile["streams"]["ticket_events"]["query"]
    rows = con.execute(f"select event_type, author_type, count(*) from ({query}) group by all").fetchall()
    kinds = {(kind, author): n for kind, author, n in rows}
    assert kinds["created", "customer"] == len(company.tickets)
    assert kinds["escalated", "agent"] == company.truth["support"]["escalated"]
    assert kinds["merged", "agent"] == company.truth["support"]["merged"]
    assert {kind for kind, _ in kinds} == {
        "created", "public_reply", "internal_note", "status_changed", "priority_changed", "assigned", "handed_off",
        "escalated", "merged",
    }  # fmt: skip
    assert {author for kind, author in kinds if kind == "handed_off"} == {"bot"}
    assert {author for kind, author in kinds if kind == "public_reply"} == {"agent", "bot", "customer"}
    distinct = con.execute(f"select count(*) = count(distinct event_id) from ({query})").fetchone()
    assert distinct == (True,)
