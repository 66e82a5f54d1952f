"""A synthetic lake: usage events of a density that products have, written a landing day at a time in bounded memory.

Everything follows from hashes of person, day and number, so that a day can be written alone and is always the same.
Written straight into the lake: the gate in front of it is no part of what the bench measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import duckdb

from orchestration.pipeline import lake
from orchestration.settings import Home
from sources.contract import load_contracts

FIRST_DAY = date(2026, 1, 1)
EVENTS_PER_PERSON_DAY = 5.7
ACTIVE_SHARE = 0.25  # of all people on a day: each person has its own, between 0.05 and 0.45
LATE_PEOPLE = 500  # one in so many people has the last event of each day delivered a day late
REPEATING_PEOPLE = 50  # one in so many has the first event of each day delivered again on the next
OLD_DAYS = range(2, 16)  # how late the events of a late night are, in days
FEATURES = (
    "search",
    "export",
    "board",
    "report",
    "share",
    "comment",
    "upload",
    "invite",
    "billing",
    "api",
    "mobile",
    "ai",
)
COUNTRIES = ("DE", "FR", "GB", "US", "ES", "IT", "NL", "PL", "SE", "AT", "CH", "BE", "DK", "NO", "CZ", "PT", "JP", "BR")


@dataclass(frozen=True)
class World:
    """How many events over how many days; the number of people follows."""

    events: int
    days: int

    @property
    def people(self) -> int:
        return round(self.events / self.days / EVENTS_PER_PERSON_DAY / ACTIVE_SHARE)

    @property
    def landing_days(self) -> list[date]:
        return [FIRST_DAY + timedelta(days=n) for n in range(self.days)]


def _chance(*parts: str) -> str:
    """A number in [0, 1) that depends on the parts alone."""
    return f"(hash({', '.join(parts)}) % 1000003 / 1000003.0)"


def _events_sql(world: World, day: date, landed: date, people: str, numbers: str) -> str:
    """The events that happen on `day` and land on `landed`, of the people and with the numbers that conditions choose.

    A person is active in one or two sittings of a few minutes between events, the second now and then on another device.
    A third of the person-days know no user; four people in five log in on other days, so that these are theirs later.
    """
    seconds = f"cast(floor({_chance('person', 'day', '1')} * 82000) as bigint)"
    return f"""
        with days as (
            select person, {(day - FIRST_DAY).days} as day, 1 + hash(person, {(day - FIRST_DAY).days}, 2) % 10 as event_count
            from (select range as person from range({world.people}))
            where {_chance("person", str((day - FIRST_DAY).days))} < 0.05 + 0.4 * {_chance("person")} and {people}
        ), numbered as (
            select *, unnest(range(cast(event_count as bigint))) as number from days
        ), drawn as (
            select person, day, number, event_count, hash(person, day, number) as draw,
                   cast(hash(person) % 10 as bigint) as kind,
                   {_chance("person", "day", "3")} < 0.33 as is_anonymous,
                   number > 6 and {_chance("person", "day", "4")} < 0.4 as is_elsewhere, hash(person, day, 8) as day_draw,
                   timestamp '{day}' + to_seconds({seconds} + number * 150 + case when number > 6 then 2400 else 0 end)
                       + to_milliseconds(cast(hash(person, day, number, 5) % 1000 as bigint)) as occurred_at
            from numbered where {numbers}
        )
        select md5(concat('e', person, '.', day, '.', number)) as event_id,
               case when draw % 40 = 0 then 'email_delivered' when number = 0 then 'opened' else 'used' end as event_name,
               timezone('UTC', occurred_at) as occurred_at,
               timezone('UTC', occurred_at + interval 5 second + (date '{landed}' - date '{day}') * interval 1 day)
                   as received_at,
               left(md5(concat('a', person, '.', is_elsewhere)), 32) as anonymous_id,
               case when not is_anonymous and kind < 8 then left(md5(concat('u', person)), 32) end as user_id,
               case when not is_anonymous and kind < 8 then left(md5(concat('u', person)), 32) end as customer_id,
               null as account_id,
               case when kind % 2 = 0 then left(md5(concat('s', person, day, number > 6, is_elsewhere)), 16) end as session_id,
               case when is_elsewhere then 'ios' when kind % 2 = 0 then 'web' else 'android' end as platform,
               case when day_draw % 20 > 0 then [{", ".join(f"'{c}'" for c in COUNTRIES)}][1 + person * person % {len(COUNTRIES)}]
                   end as country,
               case when day_draw % 10 > 0 then ['free', 'pro', 'team', 'enterprise'][1 + kind % 4] end as plan,
               null as acquisition_channel,
               case when number > 0 then [{", ".join(f"'{f}'" for f in FEATURES)}][1 + cast(floor(
                   pow({_chance("draw", "6")}, 2) * {len(FEATURES)}) as bigint)] end as feature,
               1 as use_count,
               case when draw % 3 = 0 then case when draw % 300 = 0 then 1 else 0 end end as error_count,
               person % 2000 = 0 as is_internal
        from drawn"""


def _landed_sql(world: World, landed: date, late_days: Sequence[int]) -> str:
    """All rows of one landing day: its own events, yesterday's late and repeated ones, and late ones of older days."""
    late, last = f"person % {LATE_PEOPLE} = 1", "number = event_count - 1"
    parts = [_events_sql(world, landed, landed, "true", f"not ({late} and {last})")]
    before = landed - timedelta(days=1)
    if before >= FIRST_DAY:
        parts.append(_events_sql(world, before, landed, late, last))
        parts.append(_events_sql(world, before, landed, f"person % {REPEATING_PEOPLE} = 2", "number = 0"))
    for lag in late_days:
        day = landed - timedelta(days=lag)
        parts.append(_events_sql(world, day, landed, late, "number = 0").replace("md5(concat('e'", "md5(concat('late'"))
    return " union all ".join(f"({part})" for part in parts)


def write_day(home: Home, world: World, landed: date, late_days: Sequence[int] = ()) -> int:
    """Write one landing day of usage events, and its landing row. Returns its rows."""
    contract = load_contracts()["usage_events"]
    columns = ", ".join(f"cast({f.name} as {f.type}) as {f.name}" for f in contract.landed_fields())
    content = ", ".join(f"cast({f.name} as varchar)" for f in contract.landed_fields() if not f.is_transport)
    pulled_at = datetime.combine(landed, datetime.min.time(), UTC) + timedelta(days=1, hours=2)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute("set memory_limit = '2GB'")
        rows = con.execute(
            f"""select {columns}, cast(null as varchar) as extra, md5(concat_ws('|', {content})) as content_hash,
                       timestamptz '{pulled_at.isoformat()}' as pulled_at, date '{landed}' as landed_date
                from ({_landed_sql(world, landed, late_days)})"""
        ).to_arrow_reader(100_000)
        lake.replace_days(home, "usage_events", [landed], rows)
    count = lake.held_days(lake.stream_table(home, "usage_events"))[landed].rows
    lake.append_landings(home, [_landing("usage_events", landed, count, pulled_at)])
    return count


def write_customers(home: Home, world: World) -> None:
    """Write the customers, all on the first landing day; the other days are landed and empty."""
    contract = load_contracts()["customers"]
    has = {
        "customer_id": "left(md5(concat('u', person)), 32)",
        "plan": "['free', 'pro', 'team', 'enterprise'][1 + cast(hash(person) % 4 as bigint)]",
        "country": f"[{', '.join(repr(c) for c in COUNTRIES)}][1 + person * person % {len(COUNTRIES)}]",
        "updated_at": f"timestamptz '{FIRST_DAY} 01:00:00+00'",
        "is_internal": "false",
    }
    columns = ", ".join(f"cast({has.get(f.name, 'null')} as {f.type}) as {f.name}" for f in contract.landed_fields())
    pulled_at = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=1, hours=2)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        rows = con.execute(
            f"""select {columns}, cast(null as varchar) as extra, md5(cast(person as varchar)) as content_hash,
                       timestamptz '{pulled_at.isoformat()}' as pulled_at, date '{FIRST_DAY}' as landed_date
                from (select range as person from range({world.people})) where hash(person) % 10 < 8"""
        ).to_arrow_reader(100_000)
        lake.append_rows(home, "customers", rows)
    count = lake.held_days(lake.stream_table(home, "customers"))[FIRST_DAY].rows
    lake.append_landings(home, [_landing("customers", FIRST_DAY, count, pulled_at)])


def write_empty_day(home: Home, stream: str, day: date) -> None:
    """Write down that a stream landed a day without rows."""
    pulled_at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1, hours=2)
    lake.append_landings(home, [_landing(stream, day, 0, pulled_at)])


def _landing(stream: str, day: date, rows: int, pulled_at: datetime) -> lake.Landing:
    return lake.Landing(
        stream=stream,
        landed_date=day,
        state="landed",
        pulled=rows,
        landed=rows,
        rejected=0,
        written=rows,
        content_hash=f"{rows}:{pulled_at.isoformat()}",
        event_days="{}",
        findings="{}",
        listing="[]",
        reason=None,
        contract_version=load_contracts()[stream].version,
        run_id="bench",
        pulled_at=pulled_at,
    )
