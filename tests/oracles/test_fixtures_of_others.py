"""The KPIs of rows that others' test-suites have counted, through landing and the models: their counts are ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Company
from tests.oracles.companies.built import build, land_all
from tests.oracles.fixtures import chatwoot, posthog, product_analytics
from tests.oracles.fixtures.cases import Case, Figure

COHORTS = "fct_retention__cohorts"


def usage(cases: Sequence[Case]) -> list[dict[str, object]]:
    """The events of the cases, each in a platform, a country and with people of its own."""
    return [
        {
            "event_id": f"{case.name}-{n}", "event_name": event.name, "occurred_at": event.at.isoformat(),
            "anonymous_id": event.device and f"{case.name}-{event.device}",
            "user_id": event.person and f"{case.name}-{event.person}", "platform": case.name, "country": case.name,
            "plan": event.plan, "is_internal": event.is_internal,
        }
        for case in cases
        for n, event in enumerate(case.rows)
    ]  # fmt: skip


def built(
    root: Path, ran: tuple[Path, str], company: Company, streams: dict[str, tuple[str, list[dict[str, object]]]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of a company that has these streams: name -> (cursor, rows)."""
    for stream, (cursor, rows) in streams.items():
        company.write(stream, rows, cursor, 'empty_days = "expected"')
    profile, home = company.profile(), root / "home"
    land_all(home, profile)
    con = build(home, profile, ran[0].parent / "as_built", ("fct_kpi", COHORTS))
    yield con
    con.close()


@pytest.fixture(scope="module")
def posthog_in_utc(
    ran: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("posthog")
    company = Company(root, {"first_day": date(2019, 11, 1), "last_day": date(2020, 9, 30)})
    yield from built(root, ran, company, {"usage_events": ("occurred_at", usage(posthog.CASES))})


@pytest.fixture(scope="module")
def posthog_in_pacific(
    ran: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("pacific")
    zone = "America/Los_Angeles"
    days = {"first_day": date(2019, 12, 1), "last_day": date(2020, 6, 30)}
    company = Company(root, {"reporting_zone": zone, "landing_zone": zone, **days})
    yield from built(root, ran, company, {"usage_events": ("occurred_at", usage(posthog.PACIFIC_CASES))})


@pytest.fixture(scope="module")
def product_analytics_marts(
    ran: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("product_analytics")
    company = Company(
        root,
        {
            "first_day": date(2017, 11, 27),
            "last_day": date(2018, 4, 1),
            "passive_events": [product_analytics.GIVEN_BACK],
            "funnel": list(product_analytics.FUNNEL),
            "funnel_window_days": product_analytics.FUNNEL_WINDOW_DAYS,
        },
    )
    rows = usage([*product_analytics.CASES, product_analytics.RETURNING])
    yield from built(root, ran, company, {"usage_events": ("occurred_at", rows)})


@pytest.fixture(scope="module")
def chatwoot_marts(
    ran: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    root = tmp_path_factory.mktemp("chatwoot")
    tickets, events = [], []
    for case in chatwoot.CASES:
        for n, ticket in enumerate(case.rows):
            key = f"{case.name}-{n}"
            opened = chatwoot.Change(ticket.created_at, "created", "customer", "new")
            status = [change.to for change in (opened, *ticket.changes) if change.to]
            tickets.append({
                "ticket_id": key, "customer_id": key, "created_at": ticket.created_at.isoformat(), "status": status[-1],
                "updated_at": max(opened.at, *(change.at for change in ticket.changes)).isoformat(), "group_name": case.name,
            })  # fmt: skip
            before = None
            for m, change in enumerate((opened, *ticket.changes)):
                events.append({
                    "event_id": f"{key}-{m}", "ticket_id": key, "occurred_at": change.at.isoformat(),
                    "event_type": change.what, "actor_type": change.actor, "status_from": before and change.to and before,
                    "status_to": change.to if change.what == "status_changed" else None,
                })  # fmt: skip
                before = change.to or before
    company = Company(root, {"first_day": date(2022, 3, 14), "last_day": date(2022, 4, 30)})
    streams = {"support_tickets": ("updated_at", tickets), "ticket_events": ("occurred_at", events)}
    yield from built(root, ran, company, streams)


def check(con: duckdb.DuckDBPyConnection, case: Case, dimension: str) -> None:
    """All figures of a case; a segment has no row before it appears, which is 0."""
    assert case.figures
    for figure in case.figures:
        place = (figure.dimension or dimension, figure.segment or case.name)
        rows = con.execute(
            """select numerator, denominator, value, is_complete from marts.fct_kpi
               where (kpi_id, grain, period_start, dimension, segment) = (?, ?, ?, ?, ?)""",
            [*figure[:3], *place],
        ).fetchall()
        numerator, denominator, value, is_complete = rows[0] if rows else (0, None, 0, True)
        found = (value if numerator is None else numerator, denominator)
        assert is_complete and found[0] == pytest.approx(figure.count) and found[1] == figure.of, (
            f"{case.source} expects {figure}, found {rows} ({case.differs})"
        )


def named(cases: Sequence[Case]) -> list[object]:
    return [pytest.param(case, id=case.name) for case in cases]


def by(figure: Figure) -> str:
    """Retention knows no platform: there the case is a country."""
    return "country" if figure.kpi_id.startswith(("retention", "inactivity")) else "platform"


def check_usage(con: duckdb.DuckDBPyConnection, case: Case) -> None:
    for dimension in {by(figure) for figure in case.figures}:
        figures = tuple(figure for figure in case.figures if by(figure) == dimension)
        check(con, Case(case.name, case.source, case.rows, figures, case.differs), dimension)


@pytest.mark.parametrize("case", named(posthog.CASES))
def test_posthog(posthog_in_utc: duckdb.DuckDBPyConnection, case: Case) -> None:
    check_usage(posthog_in_utc, case)


@pytest.mark.parametrize("case", named(posthog.PACIFIC_CASES))
def test_posthog_in_another_zone(posthog_in_pacific: duckdb.DuckDBPyConnection, case: Case) -> None:
    check_usage(posthog_in_pacific, case)


@pytest.mark.parametrize("case", named([*product_analytics.CASES, product_analytics.RETURNING]))
def test_dbt_product_analytics(product_analytics_marts: duckdb.DuckDBPyConnection, case: Case) -> None:
    check_usage(product_analytics_marts, case)


@pytest.mark.parametrize(("weeks", "persons"), product_analytics.BACK_AFTER_WEEKS.items())
def test_dbt_product_analytics_back_later(
    product_analytics_marts: duckdb.DuckDBPyConnection, weeks: int, persons: int
) -> None:
    """Who comes back after so many days or later, as the cohort table has it by weeks."""
    (found,) = product_analytics_marts.execute(
        f"""select sum(returned_count) from marts.{COHORTS} where dimension = 'country' and segment = 'returning'
            and age_weeks >= ?""",
        [weeks],
    ).fetchall()
    assert found == (persons,)


@pytest.mark.parametrize("case", named(chatwoot.CASES))
def test_chatwoot(chatwoot_marts: duckdb.DuckDBPyConnection, case: Case) -> None:
    check(chatwoot_marts, case, "group")


def n_and_value(con: duckdb.DuckDBPyConnection, kpi_id: str, day: date, group: str) -> tuple[int, float]:
    (row,) = con.execute(
        """select n, value from marts.fct_kpi
           where (kpi_id, grain, period_start, dimension, segment) = (?, 'day', ?, 'group', ?)""",
        [kpi_id, day, group],
    ).fetchall()
    return row


def test_chatwoot_counts_what_is_solved_now(chatwoot_marts: duckdb.DuckDBPyConnection) -> None:
    n, _ = n_and_value(chatwoot_marts, "full_resolution_p50", chatwoot.TODAY.date(), "reopened")
    assert n == chatwoot.SOLVED_NOW


def test_chatwoot_means_what_the_percentiles_say(chatwoot_marts: duckdb.DuckDBPyConnection) -> None:
    """Both days' replies are alike, so that their medians weighted by their number are the mean."""
    days = (chatwoot.TODAY.date(), chatwoot.TWO_DAYS_AGO.date())
    replies = [n_and_value(chatwoot_marts, "first_reply_p50", day, "first_responses") for day in days]
    assert sum(n * minutes * 60 for n, minutes in replies) / 15 == chatwoot.MEAN_FIRST_RESPONSE_SECONDS
    assert sum(n for n, _ in replies) == 15
