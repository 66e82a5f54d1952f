"""Profiles: every mistake is one line that says which key, which value and what is allowed, before anything runs."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from sources.profile import ProfileError, find_profile, load_profile

GOOD = """
name = "shop"
[business]
currency = "EUR"
first_day = 2026-03-01
last_day = 2026-03-31
[sources.rates]
connector = "files"
path = "{folder}/rates.csv"
format = "csv"
[streams.fx_rates]
from = "rates"
cursor = "published"
[streams.fx_rates.fields]
rate_date = "day"
base_currency = "base"
quote_currency = "'EUR'"
rate = "rate"
updated_at = "published"
"""

MISTAKES = [
    ('currency = "EUR"', 'currency = "euro"', r"business.currency = 'euro'"),
    ('currency = "EUR"', "", r"business.currency: missing"),
    ('currency = "EUR"', 'currency = "EUR"\ncolour = "red"', r"business.colour: unknown key; allowed: landing_zone"),
    (
        'currency = "EUR"',
        'currency = "EUR"\nlanding_zone = "Berlin"',
        r"landing_zone = 'Berlin': not an IANA time zone",
    ),
    (
        'currency = "EUR"',
        'currency = "EUR"\nfiscal_year_start_month = 13',
        r"business.fiscal_year_start_month = 13",
    ),
    ("first_day = 2026-03-01", 'first_day = "soon"', r"business.first_day = 'soon'"),
    (
        "last_day = 2026-03-31",
        "last_day = 2026-02-01",
        r"business.last_day = 2026-02-01: before first_day = 2026-03-01",
    ),
    (
        'connector = "files"',
        'connector = "ftp"',
        r"sources.rates.connector = 'ftp': unknown connector; allowed: dlt, files, shopify, sql, zendesk",
    ),
    ('format = "csv"', 'format = "xls"', r"sources.rates.format = 'xls'"),
    (
        'format = "csv"',
        'format = "csv"\nspeed = 9',
        r"sources.rates.speed: unknown key; allowed: connector, zone, path",
    ),
    ("rates.csv", "nothing.csv", r"sources.rates: .*nothing.csv"),
    ("[streams.fx_rates]", "[streams.fx]", r"streams.fx"),
    ('currency = "EUR"', 'currency = "EUR"\nrefunds = "some"', r"business.refunds = 'some'"),
    ('from = "rates"', 'from = "prices"', r"streams.fx_rates.from = 'prices': no such source; allowed: rates"),
    ('cursor = "published"', "", r"streams.fx_rates.cursor: missing"),
    ('cursor = "published"', 'cursor = "published"\ntolerance = 7', r"streams.fx_rates.tolerance = 7"),
    ('rate = "rate"', "", r"streams.fx_rates.fields.rate: missing; the contract fx_rates requires it"),
    (
        'rate = "rate"',
        'rate = "rate"\nprice = "rate"',
        r"fields.price: not a field of the contract fx_rates; allowed: rate_date",
    ),
    ('rate = "rate"', 'rate = "rate +"', r"streams.fx_rates.fields.rate = 'rate \+': not an expression"),
    ("[business]", "[business", r"not valid TOML"),
    (
        "[business]",
        '[seeds]\nholiday = "days.csv"\n[business]',
        r"seeds.holiday: no such seed; allowed: sla_policies, business_schedules, holidays, targets, ",
    ),
    (
        "[business]",
        '[seeds]\nholidays = "days.csv"\n[business]',
        r"seeds.holidays = 'days.csv': cannot be read: No such file or directory$",
    ),
    ("[business]", "[seeds]\nholidays = 7\n[business]", r"seeds.holidays = 7: Input should be a valid string"),
    ("{folder}", "${{NOWHERE_SET}}", r"sources.rates.path: the environment variable NOWHERE_SET is not set"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rates.csv").write_text("day,base,rate,published\n2026-03-02,USD,0.9,2026-03-02 15:00:00\n")
    return tmp_path


def test_a_good_profile_is_read(folder: Path) -> None:
    path = folder / "shop.toml"
    path.write_text(GOOD.format(folder=folder))
    profile = load_profile(str(path))
    assert profile.name == "shop"
    assert profile.settle_days("fx_rates") == 2
    assert profile.tolerance("fx_rates") == 0.0


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_a_mistake_is_one_line(folder: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path = folder / "shop.toml"
    path.write_text(GOOD.replace(old, new).format(folder=folder))
    with pytest.raises(ProfileError) as error:
        load_profile(str(path), environment={})
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("shop.toml: ")
    assert re.search(said, message), message


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ProfileError, match=r"PROFILE=nope: no profile of that name; allowed: .*ravenstack.*sample"):
        find_profile("nope")


def test_every_shipped_profile_is_valid(tmp_path: Path) -> None:
    for name in ("sample", "ravenstack"):
        assert load_profile(name, {"OPSMART_HOME": str(tmp_path)}, check_sources=False).name == name
    told = dict.fromkeys(
        ("DEMO_FILES", "DEMO_SHOP_PASSWORD", "DEMO_SHOP_PORT", "DEMO_DESK_EMAIL", "DEMO_DESK_TOKEN"), "5"
    )
    told |= {"DEMO_LAST_DAY": "2025-11-02", "DEMO_DESK_URL": "http://127.0.0.1:5"}
    live = load_profile("demo-live", told, check_sources=False)
    assert (live.name, live.business.last_day, live.sample_company) == ("demo-live", date(2025, 11, 2), None)


class TestExtends:
    def _write(self, folder: Path, own: str, base: str = GOOD) -> Path:
        (folder / "shop.toml").write_text(base.format(folder=folder))
        (folder / "more").mkdir()
        path = folder / "more" / "test.toml"
        path.write_text(own)
        return path

    def test_what_is_said_counts_and_the_rest_is_taken_over(self, folder: Path) -> None:
        own = 'extends = "../shop.toml"\nname = "test"\n[business]\ncurrency = "USD"\n[sources.rates]\nconnector = "files"\n'
        own += f'path = "{folder}/other.csv"\nformat = "csv"\n[streams.fx_rates]\ntolerance = 0.5\n'
        (folder / "holidays.csv").write_text("holiday_date,name,schedule\n")
        base = GOOD.replace("[sources.rates]", '[seeds]\nholidays = "holidays.csv"\n\n[sources.rates]')
        profile = load_profile(str(self._write(folder, own, base)), check_sources=False)
        plain = load_profile(str(folder / "shop.toml"))
        assert (profile.name, profile.business.currency, profile.tolerance("fx_rates")) == ("test", "USD", 0.5)
        assert profile.business.first_day == plain.business.first_day
        assert profile.streams["fx_rates"].fields == plain.streams["fx_rates"].fields
        assert profile.sources["rates"].options.path == f"{folder}/other.csv"
        assert profile.seeds["holidays"].samefile(folder / "holidays.csv")

    @pytest.mark.parametrize(
        ("named", "base", "said"),
        [
            ("gone.toml", GOOD, "test.toml: extends = 'gone.toml': there is no such file in "),
            (
                "../shop.toml",
                'extends = "third.toml"',
                "test.toml: extends = '../shop.toml': that profile extends another",
            ),
            ("../shop.toml", "name = ", "test.toml: shop.toml: not valid TOML"),
        ],
    )
    def test_a_mistake_is_one_line(self, folder: Path, named: str, base: str, said: str) -> None:
        path = self._write(folder, f'extends = "{named}"\n', base)
        with pytest.raises(ProfileError) as error:
            load_profile(str(path), check_sources=False)
        assert str(error.value).startswith(said) and "\n" not in str(error.value)
