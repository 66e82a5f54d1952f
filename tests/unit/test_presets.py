"""Presets: rows as each system's documentation shows them, through the gate into the lake, as a person would read them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.presets import load_presets
from sources.profile import ProfileError, load_profile

DAY = date(2026, 3, 2)

# The call of https://www.twilio.com/docs/segment/connections/spec/common, with its ids; the second is an identify call
# as https://www.twilio.com/docs/segment/connections/spec/identify has it.
SEGMENT = [
    {
        "anonymousId": "507f191e810c19729de860ea",
        "context": {
            "active": True,
            "app": {"name": "InitechGlobal", "version": "545", "build": "3.0.1.545"},
            "campaign": {"name": "TPS Innovation Newsletter", "source": "Newsletter", "medium": "email"},
            "device": {"id": "B5372DB0-C21E-11E4-8DFC-AA07A5B093DB", "manufacturer": "Apple", "type": "ios"},
            "ip": "8.8.8.8",
            "library": {"name": "analytics.js", "version": "2.11.1"},
            "location": {"city": "San Francisco", "country": "United States"},
            "groupId": "acme",
            "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 9_1 like Mac OS X)",
        },
        "integrations": {"All": True, "Mixpanel": False},
        "event": "Report",
        "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
        "receivedAt": "2026-03-02T23:28:18.238Z",
        "sentAt": "2026-03-02T23:28:18.000Z",
        "timestamp": "2026-03-02T23:28:17.909Z",
        "type": "track",
        "userId": "97980cfea0067",
        "version": "1.1",
        "properties": {"revenue": 14.99},
    },
    {
        "type": "identify",
        "traits": {"name": "Peter Gibbons", "email": "peter@example.com", "plan": "premium"},
        "userId": "97980cfea0067",
        "anonymousId": None,
        "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093dc",
        "timestamp": "2026-03-02T23:28:17.909Z",
        "receivedAt": "2026-03-02T23:28:18.238Z",
        "context": {"library": {"name": "analytics-node"}, "location": {"country": "de"}},
    },
]

# The events model of https://posthog.com/docs/cdp/batch-exports/s3 (JSON lines: times are ISO 8601, properties nested).
POSTHOG = [
    {
        "uuid": "018f0c5e-7a53-7e8a-a3d1-3c1f2f4f3c11",
        "event": "$pageview",
        "distinct_id": "018f0c5e-device",
        "person_id": "018f0c5e-0000-0000-0000-000000000001",
        "properties": {
            "$device_id": "018f0c5e-device",
            "$session_id": "018f0c5e-session",
            "$lib": "web",
            "$ip": "203.0.113.7",
            "$geoip_country_code": "DE",
            "$is_identified": False,
            "utm_source": "newsletter",
        },
        "person_properties": {"email": "ann@example.org"},
        "elements_chain": "",
        "timestamp": "2026-03-02T09:59:58.123456+00:00",
        "created_at": "2026-03-02T10:00:00.000000+00:00",
        "_inserted_at": "2026-03-02T10:00:05.000000+00:00",
    },
    {
        "uuid": "018f0c5e-7a53-7e8a-a3d1-3c1f2f4f3c12",
        "event": "signed_up",
        "distinct_id": "user-42",
        "properties": {"$device_id": "018f0c5e-device", "$lib": "posthog-ios", "$is_identified": True},
        "timestamp": "2026-03-02T10:00:00+00:00",
        "created_at": "2026-03-02T10:00:01+00:00",
    },
    {  # from a server: no device
        "uuid": "018f0c5e-7a53-7e8a-a3d1-3c1f2f4f3c13",
        "event": "invoice_paid",
        "distinct_id": "user-42",
        "properties": {"$lib": "posthog-python"},
        "timestamp": "2026-03-02T10:00:00+00:00",
        "created_at": "2026-03-02T10:00:01+00:00",
    },
]

# The response schema of https://amplitude.com/docs/apis/analytics/export, one event per line, times without an offset.
AMPLITUDE = [
    {
        "$insert_id": "5f0adeff-6668-4427-8d02-57d803a2b841",
        "$schema": 13,
        "amplitude_id": 987654321,
        "app": 123456,
        "city": "San Francisco",
        "client_event_time": "2026-03-02 14:23:44.000000",
        "client_upload_time": "2026-03-02 14:23:45.500000",
        "country": "United States",
        "device_id": "C8F9E604-F01A-4BD9-95C6-8E5357DF265D",
        "device_family": "Apple iPhone",
        "event_id": 1234567,
        "event_properties": {"item_id": "sku_999", "price": 29.99},
        "event_time": "2026-03-02 14:23:45.000000",
        "event_type": "Purchase Completed",
        "ip_address": "192.0.2.1",
        "library": "amplitude-ios/8.12.0",
        "paying": "true",
        "plan": {},
        "platform": "iOS",
        "server_received_time": "2026-03-02 14:23:46.000000",
        "server_upload_time": "2026-03-02 14:23:46.123000",
        "session_id": 1614192260000,
        "user_id": "datamonster@gmail.com",
        "user_properties": {"utm_source": "google"},
        "uuid": "a7b3a4d2-0000-11ee-be56-0242ac120002",
        "version_name": "4.2.1",
    },
    {
        "$insert_id": "",
        "amplitude_id": 987654322,
        "device_id": None,
        "event_time": "2026-03-02T14:23:45.000000Z",
        "event_type": "session_end",
        "platform": "Web",
        "server_upload_time": "2026-03-02T14:23:46.123000Z",
        "session_id": -1,
        "user_id": None,
        "user_properties": {},
        "uuid": "a7b3a4d2-0000-11ee-be56-0242ac120003",
    },
]

# An event of https://developers.google.com/analytics/bigquery/event-schema as BigQuery extracts it to JSON lines: integers
# are texts, what is empty is left out.
GA4 = [
    {
        "event_date": "20260302",
        "event_timestamp": "1772445585123456",
        "event_name": "page_view",
        "event_params": [
            {"key": "ga_session_id", "value": {"int_value": "1772445000"}},
            {"key": "page_location", "value": {"string_value": "https://shop.example/"}},
            {"key": "source", "value": {"string_value": "google"}},
        ],
        "event_bundle_sequence_id": "-4091342",
        "user_id": "u-7",
        "user_pseudo_id": "2342103247.0307162928",
        "device": {"category": "mobile"},
        "geo": {"country": "Germany"},
        "platform": "WEB",
        "traffic_source": {"medium": "organic", "name": "(organic)", "source": "google"},
    },
    {
        "event_date": "20260302",
        "event_timestamp": "1772445585123457",
        "event_name": "page_view",
        "event_params": [{"key": "traffic_type", "value": {"string_value": "internal"}}],
        "event_bundle_sequence_id": "-4091342",
        "user_pseudo_id": "2342103247.0307162928",
        "platform": "IOS",
    },
]

WANTED = {
    "segment": [
        {
            "event_id": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
            "event_name": "Report",
            "occurred_at": datetime(2026, 3, 2, 23, 28, 17, 909000, UTC),
            "received_at": datetime(2026, 3, 2, 23, 28, 18, 238000, UTC),
            "platform": "web",
            "country": None,
            "acquisition_channel": "Newsletter",
        },
        {"event_name": "identify", "country": "DE", "anonymous_id": None, "account_id": None},
    ],
    "posthog": [
        {
            "event_id": "018f0c5e-7a53-7e8a-a3d1-3c1f2f4f3c11",
            "event_name": "$pageview",
            "occurred_at": datetime(2026, 3, 2, 9, 59, 58, 123456, UTC),
            "received_at": datetime(2026, 3, 2, 10, tzinfo=UTC),
            "user_id": None,
            "session_id": "018f0c5e-session",
            "platform": "web",
            "country": "DE",
            "acquisition_channel": "newsletter",
        },
        {"event_name": "signed_up", "platform": "ios", "session_id": None},
        {"event_name": "invoice_paid", "platform": "posthog-python"},
    ],
    "amplitude": [
        {
            "event_id": "5f0adeff-6668-4427-8d02-57d803a2b841",
            "event_name": "Purchase Completed",
            "occurred_at": datetime(2026, 3, 2, 14, 23, 45, tzinfo=UTC),
            "received_at": datetime(2026, 3, 2, 14, 23, 46, 123000, UTC),
            "session_id": "1614192260000",
            "platform": "ios",
            "country": None,
            "plan": None,
            "acquisition_channel": "google",
        },
        {
            "event_id": "a7b3a4d2-0000-11ee-be56-0242ac120003",
            "occurred_at": datetime(2026, 3, 2, 14, 23, 45, tzinfo=UTC),
            "session_id": None,
            "user_id": None,
            "platform": "web",
        },
    ],
    "ga4": [
        {
            "event_name": "page_view",
            "occurred_at": datetime(2026, 3, 2, 9, 59, 45, 123456, UTC),
            "received_at": None,
            "session_id": "1772445000",
            "platform": "web",
            "acquisition_channel": "google",
            "is_internal": False,
        },
        {"session_id": None, "user_id": None, "platform": "ios", "is_internal": True, "acquisition_channel": None},
    ],
}
ROWS = {"segment": SEGMENT, "posthog": POSTHOG, "amplitude": AMPLITUDE, "ga4": GA4}
PERSONAL = ("8.8.8.8", "peter@", "ann@", "203.0.113.7", "192.0.2.1", "datamonster", "97980cfea0067", "2342103247")


def stream(path: Path, file_format: str, preset: str, more: str = "") -> str:
    return (
        f'[sources.events]\nconnector = "files"\npath = "{path}"\nformat = "{file_format}"\n'
        f'[streams.usage_events]\nfrom = "events"\npreset = "{preset}"\n{more}\n'
    )


@pytest.mark.parametrize("preset", list(ROWS))
def test_documented_rows_land_as_they_should(company, lake_rows, preset: str) -> None:  # type: ignore[no-untyped-def]
    """In another zone than the source's: a time without an offset is Amplitude's UTC, not the company's midnight."""
    path = company.root / "events.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS[preset]).encode(), mtime=0))
    company.business |= {"source_zone": "America/New_York"}
    company.streams["usage_events"] = stream(path, "jsonl", preset)
    outcome = company.land("usage_events", [DAY])
    (landing,) = outcome.landings
    assert (landing.state, landing.landed, landing.rejected) == ("landed", len(ROWS[preset]), 0), landing.reason
    assert outcome.drift == [], "the preset knows all documented columns"
    landed = lake_rows(company.settings(), "usage_events")
    by_id = {row["event_id"]: row for row in landed}
    key = {"segment": "messageId", "posthog": "uuid", "amplitude": "$insert_id"}.get(preset)
    found = (
        [by_id[row[key] or row["uuid"]] for row in ROWS[preset]]
        if key
        else sorted(landed, key=lambda row: row["occurred_at"])
    )
    assert [{k: row[k] for k in wanted} for row, wanted in zip(found, WANTED[preset], strict=True)] == WANTED[preset]
    assert not any(text in str(landed) for text in PERSONAL)


def test_people_are_told_apart_and_together(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    """PostHog: the device of an anonymous visit is that of the login; the server's event has the same person."""
    path = company.root / "events.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in POSTHOG))
    company.streams["usage_events"] = stream(path, "jsonl", "posthog")
    company.land("usage_events", [DAY])
    rows = {row["event_name"]: row for row in lake_rows(company.settings(), "usage_events")}
    assert rows["$pageview"]["anonymous_id"] == rows["signed_up"]["anonymous_id"] is not None
    assert rows["signed_up"]["user_id"] == rows["invoice_paid"]["user_id"] is not None


def test_parquet_reads_the_same(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    """PostHog's Parquet has properties as JSON texts and times as timestamps; GA4's has lists of structs."""
    texts = [
        {
            **{name: row.get(name) for name in POSTHOG[0]},
            "properties": json.dumps(row["properties"]),
            "person_properties": json.dumps(row.get("person_properties", {})),
            **{name: datetime.fromisoformat(str(row[name])) for name in ("timestamp", "created_at")},
        }
        for row in POSTHOG
    ]
    pq.write_table(pa.Table.from_pylist(texts), company.root / "posthog.parquet")
    values: Any = [
        {**row, "event_timestamp": int(str(row["event_timestamp"])), "user_id": row.get("user_id")} for row in GA4
    ]
    params = pa.list_(
        pa.struct(
            [("key", pa.string()), ("value", pa.struct([("string_value", pa.string()), ("int_value", pa.int64())]))]
        )
    )
    lists = [
        [
            {"key": p["key"], "value": {k: int(v) if k == "int_value" else v for k, v in p["value"].items()}}
            for p in row["event_params"]
        ]
        for row in values
    ]
    names = ("event_timestamp", "event_name", "event_bundle_sequence_id", "user_id", "user_pseudo_id", "platform")
    columns = {name: [row[name] for row in values] for name in names}
    pq.write_table(pa.table({**columns, "event_params": pa.array(lists, params)}), company.root / "ga4.parquet")
    for preset in ("posthog", "ga4"):
        company.streams["usage_events"] = stream(company.root / f"{preset}.parquet", "parquet", preset)
        (landing,) = company.land("usage_events", [DAY]).landings
        assert (landing.state, landing.rejected) == ("landed", 0), landing.reason
        rows = sorted(
            lake_rows(company.settings(), "usage_events"), key=lambda row: (row["occurred_at"], row["event_id"])
        )
        wanted = WANTED[preset]
        by_name = [row for row in rows if preset == "ga4" or row["event_name"] == "$pageview"][:1]
        assert [{k: row[k] for k in wanted[0]} for row in by_name] == wanted[:1]


def test_a_profile_overrides_single_fields(company, lake_rows) -> None:  # type: ignore[no-untyped-def]
    path = company.root / DAY.isoformat() / "a.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps({**row, "shard": 1, "region": "eu"}) + "\n" for row in SEGMENT))
    company.streams["usage_events"] = stream(
        company.root / "{day}" / "*.jsonl",
        "jsonl",
        "segment",
        'extra = ["region"]\nignore = ["shard"]\ntolerance = 0.5\n[streams.usage_events.fields]\n'
        "plan = \"traits->>'plan'\"\nplatform = \"'phone'\"",
    )
    mapping = company.settings().profile.streams["usage_events"]
    assert mapping.cursor is None, "the folder says the day"
    assert (mapping.tolerance, mapping.fields["user_id"]) == (0.5, '"userId"')
    outcome = company.land("usage_events", [DAY])
    assert outcome.drift == []
    rows = lake_rows(company.settings(), "usage_events")
    assert {(row["plan"], row["platform"], row["extra"]) for row in rows} == {
        (None, "phone", '{"region":"eu"}'),
        ("premium", "phone", '{"region":"eu"}'),
    }


def test_an_unknown_preset_is_one_line(company) -> None:  # type: ignore[no-untyped-def]
    company.streams["usage_events"] = stream(company.root / "{day}.jsonl", "jsonl", "mixpanel")
    said = r"streams.usage_events.preset = 'mixpanel': no such preset of this stream; allowed: .*ga4, posthog, segment$"
    with pytest.raises(ProfileError, match=said):
        load_profile(str(company.profile()))
    assert set(ROWS) == {name for name, streams in load_presets().items() if "usage_events" in streams}
