"""Seeds: the project's own are good, a profile's own replace them, and every mistake in one is one line."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from orchestration.pipeline.plan import profile_seed_table
from sources.profile import PROFILES_DIR
from sources.sample_company.world import HOLIDAYS
from sources.seeds import SEEDS, SeedError, read_seed
from tests.conftest import Company

DBT = Path(__file__).parents[2] / "dbt_project"
TYPES = {"double": "double", "string": "string", "bigint": "int64", "date": "date32[day]"}

POLICIES = "priority,target,minutes,valid_from,valid_to,clock\n"
SCHEDULES = "schedule,weekday,opens_at,closes_at,time_zone\n"
TARGETS = "kpi_id,grain,target_value,valid_from,valid_to\n"
ANNOTATIONS = "annotation_date,end_date,kind,title,domain,kpi_id\n"
INTERNAL = "kind,value,note\n"
FEATURES = "source_name,feature\n"
HOLIDAY = "holiday_date,name,schedule\n"
DEFAULT = SCHEDULES + "default,1,09:00,17:00,\n"

MISTAKES = [
    ("holidays", "date,name,schedule\n", r"its columns have to be holiday_date, name, schedule"),
    ("holidays", HOLIDAY + "2026-05-01,Labour Day\n", r"line 2: it has not as many cells as there are columns"),
    ("holidays", HOLIDAY + "2026-05-01,Labour Day,,x\n", r"line 2: it has not as many cells"),
    ("holidays", HOLIDAY + "1 May,Labour Day,\n", r"line 2: holiday_date = '1 May': Input should be a valid date"),
    ("holidays", HOLIDAY + "2026-05-01,,\n", r"line 2: name = '': Input should be a valid string"),
    ("holidays", HOLIDAY + "2026-05-01,a,\n2026-05-01,b,\n", r"2026-05-01 for all schedules: .* more than one row"),
    ("targets", TARGETS + "orders,year,5,,\n", r"line 2: grain = 'year': .*'day', 'week', 'month' or 'quarter'"),
    ("targets", TARGETS + "orders,week,many,,\n", r"line 2: target_value = 'many': .*valid number"),
    ("targets", TARGETS + "orders,week,nan,,\n", r"line 2: target_value = 'nan': .*finite number"),
    (
        "targets",
        TARGETS + "orders,week,5,2026-02-01,2026-01-01\n",
        r"line 2: valid_to is the first day without the target",
    ),
    (
        "targets",
        TARGETS + "orders,week,5,,\norders,week,6,2026-01-01,\n",
        r"orders per week: two rows overlap at 2026-01-01",
    ),
    ("annotations", ANNOTATIONS + "2026-02-16,,party,x,,\n", r"line 2: kind = 'party': .*'release', 'incident'"),
    ("annotations", ANNOTATIONS + "2026-02-16,2026-02-15,release,x,,\n", r"line 2: end_date is the last day of it"),
    ("annotations", ANNOTATIONS + 2 * "2026-02-16,,release,x,,\n", r"2026-02-16 x: there is more than one row of it"),
    (
        "internal_accounts",
        INTERNAL + "email,corp.example,\n",
        r"line 2: kind = 'email': .*'email_domain', 'person' or 'account'",
    ),
    ("internal_accounts", INTERNAL + "person,Boss,\nperson,boss,\n", r"person boss: there is more than one row of it"),
    ("feature_map", FEATURES + "a,b\na,c\n", r"a: there is more than one row of it"),
    ("feature_map", FEATURES + "a,b\nb,c\n", r"a is called b, which has another name itself"),
    (
        "sla_policies",
        POLICIES + "asap,resolution,5,,,calendar\n",
        r"priority = 'asap': no such priority; allowed: low, ",
    ),
    ("sla_policies", POLICIES + "low,solve,5,,,calendar\n", r"target = 'solve': .*'first_reply' or 'resolution'"),
    ("sla_policies", POLICIES + "low,resolution,0,,,calendar\n", r"minutes = '0': .*greater than 0"),
    ("sla_policies", POLICIES + "low,resolution,5,,,office\n", r"clock = 'office': .*'calendar' or 'business'"),
    (
        "sla_policies",
        POLICIES + "low,resolution,5,2026-02-01,2026-02-01,calendar\n",
        r"line 2: valid_to is the first day without the policy",
    ),
    (
        "sla_policies",
        POLICIES + "low,resolution,5,,2026-02-02,calendar\nlow,resolution,9,2026-02-01,,calendar\n",
        r"low resolution: two rows overlap at 2026-02-01",
    ),
    ("business_schedules", SCHEDULES + "billing,1,09:00,17:00,\n", r"no schedule `default`"),
    ("business_schedules", SCHEDULES + "default,0,09:00,17:00,\n", r"weekday = '0'"),
    ("business_schedules", SCHEDULES + "default,1,9:00,17:00,\n", r"opens_at = '9:00': String should match"),
    ("business_schedules", SCHEDULES + "default,1,22:00,06:00,\n", r"line 2: closes_at has to be after opens_at"),
    (
        "business_schedules",
        SCHEDULES + "default,1,09:00,17:00,Berlin\n",
        r"time_zone = 'Berlin': not an IANA time zone",
    ),
    ("business_schedules", DEFAULT + "default,1,16:00,18:00,\n", r"default, weekday 1: two rows overlap at 16:00"),
    ("business_schedules", DEFAULT + "default,2,09:00,17:00,UTC\n", r"default: one schedule has one time_zone"),
]


@pytest.mark.parametrize(("name", "text", "said"), MISTAKES)
def test_a_mistake_in_a_seed_is_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / "seed.csv"
    path.write_text(text)
    with pytest.raises(SeedError) as error:
        read_seed(name, path)
    assert "\n" not in str(error.value)
    assert re.search(said, str(error.value)), str(error.value)


def test_a_policy_may_follow_another_and_hours_may_have_a_break(tmp_path: Path) -> None:
    path = tmp_path / "seed.csv"
    path.write_text(
        POLICIES + "low,resolution,5,,2026-02-01,calendar\nlow,resolution,9,2026-02-01,,business\n",
        encoding="utf-8-sig",
    )
    assert read_seed("sla_policies", path).column("valid_to").to_pylist() == [date(2026, 2, 1), None]
    path.write_text(DEFAULT + "default,1,17:00,24:00,\n")
    assert read_seed("business_schedules", path).num_rows == 2
    path.write_text(HOLIDAY)
    assert read_seed("holidays", path).num_rows == 0, "no holidays are holidays too"


def test_the_seeds_of_the_project_are_good_and_typed_alike() -> None:
    described = {s["name"]: s for s in yaml.safe_load((DBT / "seeds" / "_seeds.yml").read_text())["seeds"]}
    for name, seed in SEEDS.items():
        types = {column: TYPES[kind] for column, kind in described[name]["config"]["column_types"].items()}
        assert types == {field.name: str(field.type) for field in seed.schema}
        assert all(column["description"] for column in described[name]["columns"])
        assert read_seed(name, DBT / "seeds" / f"{name}.csv").schema == seed.schema
        assert (DBT / "models" / "plan" / f"profile_{name}.py").is_file() != seed.is_for_the_gate


def test_a_profile_replaces_a_seed(company: Company) -> None:
    company.write("fx_rates", [{"rate_date": "2026-03-02"}], "rate_date")
    rates = company.streams["fx_rates"]
    company.streams["fx_rates"] = (
        rates + 'base_currency = "\'USD\'"\nquote_currency = "\'EUR\'"\nrate = "1"\nupdated_at = "rate_date"\n'
    )
    (company.root / "own").mkdir()
    (company.root / "own" / "days.csv").write_text(HOLIDAY + "2026-05-01,Labour Day,\n")
    settings = company.settings('[seeds]\nholidays = "own/days.csv"\n')
    assert settings.profile.seeds == {"holidays": company.root / "own" / "days.csv"}
    own = profile_seed_table("holidays")
    assert own is not None
    assert own.to_pylist() == [{"holiday_date": date(2026, 5, 1), "name": "Labour Day", "schedule": None}]
    assert profile_seed_table("sla_policies") is None, "what the profile does not name stays the project's"


def test_the_sample_company_works_on_no_holiday_of_its_profile() -> None:
    with (PROFILES_DIR / "sample" / "holidays.csv").open(encoding="utf-8", newline="") as file:
        assert {date.fromisoformat(row["holiday_date"]) for row in csv.DictReader(file)} == HOLIDAYS
