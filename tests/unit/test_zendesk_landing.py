"""A served help-desk lands like its files: the same rows, by nearly the same mapping; and its token stays where it was."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.raw import raw_assets
from orchestration.jobs import land_job
from orchestration.pipeline import lake, runner
from orchestration.pipeline.landing import StreamLanding, land_stream
from orchestration.schedules import range_tags
from orchestration.settings import ROOT, Settings, load_settings
from sources.connectors.base import day_start
from sources.profile import PROFILES_DIR, ProfileError, load_profile
from sources.sample_company import FIRST_DAY, write
from sources.sample_company.serve_zendesk import Fault, Request, ZendeskServer
from sources.sample_company.zendesk_desk import Desk
from tests.zendesk import AGENT, CUSTOMER, DAY, EMAIL, START, TOKEN, event, rating, served, text, ticket

DAYS = [FIRST_DAY + timedelta(days=n) for n in range(28)]
STREAMS = ("support_tickets", "ticket_events", "survey_responses")
HEADER = """
name = "desk"
[business]
currency = "EUR"
landing_zone = "Europe/Berlin"
reporting_zone = "Europe/Berlin"
first_day = {first}
last_day = {last}
"""
FILES = """
[sources.support_{name}_export]
connector = "files"
path = "{folder}/{name}.jsonl"
format = "jsonl"
"""
SERVED = """
[sources.support_{name}_export]
connector = "zendesk"
url = "{url}"
email = "${{DESK_EMAIL}}"
token = "${{DESK_TOKEN}}"
table = "{table}"
bot_users = [599]
custom_fields = {{merged_into = 360004, escalated = 360005}}
page_size = 40
attempts = 3
longest_wait_seconds = 0.01
"""
TABLES = {"tickets": "tickets", "audits": "ticket_events", "surveys": "satisfaction_ratings"}
NUMBERED = "list_filter(cast(custom_fields as struct(id bigint, value varchar)[]), lambda f: f.id = {})[1].value"
TICKETS = {  # what a served desk has elsewhere than the files of its export
    'cursor = "updated_at"': 'cursor = "generated_at"',
    'ignore = ["url", "satisfaction_rating"]': 'ignore = ["url", "satisfaction_rating", "generated_timestamp", '
    '"group_id", "organization_id"]',
    "requester->'user_fields'->>'country'": NUMBERED.format(360_006),
    "requester->'user_fields'->>'plan'": NUMBERED.format(360_007),
}
SURVEYS = {
    'response_id = "id"': "response_id = \"printf('%s_%06d', kind, cast(id as bigint))\"",
    'score = "score"': 'score = "rating"',
    "requester->'user_fields'->>'country'": "country",
    "requester->'user_fields'->>'plan'": "plan",
    'cursor = "updated_at"\n': 'cursor = "updated_at"\nignore = ["score", "created_at"]\n',
}


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def _profile(path: Path, sources: str, is_served: bool) -> Path:
    """The three streams as the sample's own profile maps them, over other sources."""
    streams = (PROFILES_DIR / "sample.toml").read_text(encoding="utf-8")
    tickets, rest = streams[streams.index("[streams.support_tickets]") :].split("[streams.ticket_events]")
    events, surveys = rest.split("[streams.survey_responses]")
    if is_served:
        tickets, surveys = _changed(tickets, TICKETS), _changed(surveys, SURVEYS)
    mapped = f"{tickets}[streams.ticket_events]{events}[streams.survey_responses]{surveys}"
    path.write_text(HEADER.format(first=DAYS[0], last=DAYS[-1]) + sources + mapped, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company") / "sources"
    write(folder, 7, 0.3, DAYS[0], DAYS[-1])
    return folder / "support"


@pytest.fixture
def server(support: Path) -> Iterator[ZendeskServer]:
    now = day_start(DAYS[-1] + timedelta(days=1), "Europe/Berlin").timestamp() + 120
    with ZendeskServer(Desk.of(support), EMAIL, TOKEN, clock=lambda: now) as ready:
        yield ready


@pytest.fixture
def live(server: ZendeskServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a profile over the served desk."""
    return _settings(server, tmp_path, monkeypatch)


def _settings(server: ZendeskServer, root: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DESK_EMAIL", EMAIL)
    monkeypatch.setenv("DESK_TOKEN", TOKEN)
    monkeypatch.setenv("OPSMART_HASH_KEY", "1" * 64)
    sources = "".join(SERVED.format(name=name, table=table, url=server.url) for name, table in TABLES.items())
    monkeypatch.setenv("OPSMART_PROFILE", str(_profile(root / "served.toml", sources, True)))
    monkeypatch.setenv("OPSMART_HOME", str(root / "served"))
    return load_settings()


def _rows(settings: Settings, stream: str) -> list[dict[str, Any]]:
    """What the lake holds of a stream, without when it was pulled."""
    table = lake.stream_table(settings.home, stream)
    return [] if table is None else list(table.to_pyarrow_table().drop_columns(["pulled_at"]).to_pylist())


def _held(settings: Settings, stream: str) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in _rows(settings, stream))


def _reasons(outcomes: list[StreamLanding]) -> set[str]:
    return {str(landing.reason) for outcome in outcomes for landing in outcome.failed}


def test_a_served_desk_lands_what_its_files_land(
    support: Path, live: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = runner.land(live, DAYS)
    sources = "".join(FILES.format(name=name, folder=support) for name in TABLES)
    monkeypatch.setenv("OPSMART_PROFILE", str(_profile(tmp_path / "files.toml", sources, False)))
    monkeypatch.setenv("OPSMART_HOME", str(tmp_path / "files"))
    from_files = load_settings()
    of_files = runner.land(from_files, DAYS)
    for outcome, expected in zip(outcomes, of_files, strict=True):
        assert outcome.failed == [] and outcome.drift == []
        assert [x.content_hash for x in outcome.landings] == [x.content_hash for x in expected.landings]
    for stream in STREAMS:
        held = _held(live, stream)
        assert len(held) > 90 and held == _held(from_files, stream)
    written = [landing.written for outcome in runner.land(live, DAYS[-3:]) for landing in outcome.landings]
    assert written == [0] * 9  # the nights after pull the settling days again, and find nothing new


def _spoil(server: ZendeskServer, key: str, change: Any) -> None:
    """Let the export tell its records as `change` leaves them."""

    def answer(request: Request) -> Fault | None:
        if "/incremental/" not in request.path:
            return None
        _, _, body = server.answer(request.path, request.params, next(iter(server.authorizations)))
        for record in body.get(key, []):
            change(record)
        return Fault(body=json.dumps(body).encode())

    server.fault = answer


def test_an_unknown_field_is_reported_once(server: ZendeskServer, live: Settings) -> None:
    _spoil(server, "tickets", lambda record: record.update(sentiment="angry"))
    first = land_stream(live, "support_tickets", DAYS, "first")
    assert [(found.column, found.type) for found in first.drift] == [("sentiment", "VARCHAR")]
    assert first.failed == []
    assert land_stream(live, "support_tickets", DAYS[-3:], "second").drift == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record.pop("created_at"), "created_at_required"),
        (lambda record: record.update(created_at=True), "created_at_type"),
        (lambda record: record.update(priority="whenever"), "priority_enum"),
    ],
    ids=["missing", "of another type", "unknown value"],
)
def test_what_the_contract_cannot_take_fails_its_days_by_name(
    server: ZendeskServer, live: Settings, change: Any, said: str
) -> None:
    _spoil(server, "tickets", change)
    landed = land_stream(live, "support_tickets", DAYS, "first")
    assert len(landed.failed) > 10
    assert all(f"{said} {landing.pulled}" in str(landing.reason) for landing in landed.failed)
    assert all(landing.pulled == 0 for landing in landed.landed)  # a day without tickets is a day


def test_a_desk_that_is_down_costs_its_days_which_are_caught_up(server: ZendeskServer, live: Settings) -> None:
    server.fault = lambda request: Fault(status=502, body=b"bad gateway", content_type="text/plain")
    failed = runner.land(live, DAYS)
    assert _reasons(failed) == {
        f"{table} of {server.url}, landing days {DAYS[0]} to {DAYS[-1]}: answers 502 (3 attempts); wait until it works "
        "again, then run again"
        for table in TABLES.values()
    }
    server.fault = lambda request: None
    assert _reasons(runner.land(live)) == set()
    assert all(_held(live, stream) for stream in STREAMS)


def test_the_documented_profile_lands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one in docs/sources.md, against a desk that knows nothing of the sample company."""
    _, section = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").split("## Zendesk\n")
    profile = re.findall(r"```toml\n(.*?)```", section, re.S)[0]
    monkeypatch.setenv("ZENDESK_EMAIL", EMAIL)
    monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)
    monkeypatch.setenv("OPSMART_PROFILE", str(tmp_path / "shop.toml"))
    monkeypatch.setenv("OPSMART_HOME", str(tmp_path / "home"))
    with served() as server:
        (tmp_path / "shop.toml").write_text(profile.replace("https://shop.zendesk.com", server.url), encoding="utf-8")
        reason = [{"id": 360_001, "value": "billing"}]
        server.desk.put_ticket(ticket(1, START + 90, custom_fields=reason, via={"channel": "voice"}))
        opened = {"status": "new", "event_type": "Create"}, {"event_type": "Comment", "public": True, "body": "Help"}
        server.desk.add_event(event(1, START + 10, *opened, updater_id=CUSTOMER))
        answered = (
            {"event_type": "Comment", "public": True, "body": "Here"},
            {"status": "solved", "previous_value": "open"},
        )
        server.desk.add_event(event(2, START + 60, *({"event_type": "Change", **child} for child in answered)))
        server.desk.put_user({**server.desk.users[CUSTOMER], "created_at": text(START - 9), "updated_at": text(START)})
        server.desk.put_user({**server.desk.users[AGENT], "created_at": text(START - 9), "updated_at": text(START)})
        server.desk.put_rating(rating(1, START + 80, offered_at=START + 70))
        server.desk.put_rating(rating(2, START + 80, score="offered"))
        settings = load_settings()
        outcomes = runner.land(settings, DAY.days())
    assert [(outcome.failed, outcome.drift) for outcome in outcomes] == [([], [])] * 4
    held = {stream: _rows(settings, stream) for stream in (*STREAMS, "customers")}
    (asked,) = held["support_tickets"]
    assert [asked[name] for name in ("ticket_id", "channel", "group_name", "reason")] == [
        "1",
        "phone",
        "billing",
        "billing",
    ]
    assert sorted((row["event_type"], row["actor_type"], row["status_to"]) for row in held["ticket_events"]) == [
        ("created", "customer", None), ("public_reply", "agent", None), ("status_changed", "agent", "solved"),
    ]  # fmt: skip
    rated = sorted((row["response_id"], row["is_good"], row["answered_at"] is None) for row in held["survey_responses"])
    assert rated == [("1", True, False), ("2", None, True)]
    assert len(held["customers"]) == 1  # the agents are none
    assert len({row["customer_id"] for stream in held for row in held[stream] if "customer_id" in row}) == 1


FORMS = (
    TOKEN,
    "t0ken%2Fwith%2Bsigns%3Dand%25more",
    base64.b64encode(TOKEN.encode()).decode(),
    base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode(),
)


def _found(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if any(form.encode() in path.read_bytes() for form in FORMS)]


def _echo(request: Request) -> Fault | None:
    """A desk that says back whatever secret it was sent, as errors of some proxies do."""
    if request.path.endswith("ticket_events.json"):
        said = {"error": "Refused", "description": f"not these: {' '.join(FORMS)}"}
        return Fault(status=401, body=json.dumps(said).encode())
    if request.path.endswith("satisfaction_ratings.json"):
        return Fault(status=302, headers={"Location": f"https://elsewhere.example/{FORMS[-1]}?token={TOKEN}"}, body=b"")
    if "cursor" in request.params:
        return Fault(body=f"<html>{' '.join(FORMS)}</html>".encode(), content_type=f"text/{FORMS[2]}")
    return None


def test_the_token_stays_in_the_environment(
    server: ZendeskServer,
    live: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """After failures of every kind it is in no log, no error, no file of the home and nothing that Dagster keeps."""
    server.fault = _echo
    job = dg.Definitions(assets=raw_assets(live.profile), jobs=[land_job()]).resolve_job_def("land")
    with caplog.at_level(logging.DEBUG), dg.instance_for_test(temp_dir=str(_new(tmp_path / "dagster"))) as instance:
        done = job.execute_in_process(
            instance=instance, tags=range_tags(str(DAYS[0]), str(DAYS[-1])), raise_on_error=False
        )
        assert not done.success
        events = " ".join(str(event) for event in done.all_events)
    assert _found(tmp_path / "dagster") == [] and _found(live.home.path) == []
    reasons = lake.read_landings(live.home).column("reason").to_pylist()
    assert {reason.partition(": ")[2].partition(" ")[0] for reason in reasons} == {"answers"}
    assert sum("***" in reason for reason in reasons) == len(reasons) == 3 * len(DAYS)
    assert "set DESK_EMAIL and DESK_TOKEN" in " ".join(reasons)
    printed = capfd.readouterr()
    kept = [caplog.text, events, printed.out, printed.err, repr(live.profile.sources), *reasons]
    assert [form for form in FORMS for text in kept if form in text] == []
    assert len(caplog.text) > 1000


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


class TestProfile:
    @pytest.mark.parametrize("token", [TOKEN, "${DESK_TOKEN:-changeme}", "x${DESK_TOKEN}", "12345"])
    def test_a_secret_in_the_profile_is_refused(self, live: Settings, token: str) -> None:
        path = live.profile.path
        path.write_text(path.read_text().replace("${DESK_TOKEN}", token, 1))
        with pytest.raises(ProfileError) as caught:
            load_profile(str(path), check_sources=False)
        assert str(caught.value) == (
            "served.toml: sources.support_tickets_export.token: a secret does not belong in a profile; write token = "
            '"${NAME}" and set that environment variable'
        )

    def test_a_variable_that_is_not_set_is_named(self, live: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DESK_TOKEN")
        with pytest.raises(ProfileError, match="the environment variable DESK_TOKEN is not set"):
            load_profile(str(live.profile.path), check_sources=False)

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("http://desk.example", "http:// would show the credentials to everybody on the way; write https://"),
            ("desk.example", "no web address; write https://host"),
            (
                "https://a:secret@desk.example",
                "only the scheme, the host and perhaps a path belong here; write https://host",
            ),
        ],
    )
    def test_an_address_that_cannot_be_meant(self, server: ZendeskServer, live: Settings, url: str, said: str) -> None:
        path = live.profile.path
        path.write_text(path.read_text().replace(server.url, url, 1))
        with pytest.raises(ProfileError) as caught:
            load_profile(str(path), check_sources=False)
        assert (
            str(caught.value)
            == f"served.toml: sources.support_tickets_export.url = {url.replace('a:secret', '***')!r}: {said}"
        )

    def test_wrong_credentials_are_told_before_anything_runs(self, server: ZendeskServer, live: Settings) -> None:
        server.authorizations = {}
        with pytest.raises(ProfileError) as caught:
            load_profile(str(live.profile.path))
        assert str(caught.value) == (
            f"served.toml: sources.support_tickets_export: {server.url} answers 401 (Couldn't authenticate you); set "
            "DESK_EMAIL and DESK_TOKEN to those of an admin who has an API token (Admin Center, Apps and integrations, APIs)"
        )
