"""Customer feedback: what customers answer when they are asked."""

from __future__ import annotations

from tests.oracles.figures import NOTHING_BY_NOTHING, Cell, Fact, Kpi, grouped, ratio
from tests.oracles.raw import Company, Record, instant
from tests.oracles.support import MERGED_INTO


def surveys_that_count(company: Company) -> list[Record]:
    """Surveys about a ticket that is spam, deleted, a test or merged away are in no KPI, like the ticket."""
    return [
        s
        for s in company.surveys
        if s["ticket_id"] is None
        or ((ticket := company.tickets.get(str(s["ticket_id"]))) is not None and not ticket["fields"][MERGED_INTO])
    ]


def answers(company: Company) -> list[Record]:
    """The latest answer per ticket; without a ticket each survey stands for itself."""
    latest: dict[tuple[str, str], Record] = {}
    for survey in surveys_that_count(company):
        if survey["answered_at"] is not None:
            ticket = survey["ticket_id"]
            about = ("survey", survey["id"]) if ticket is None else ("ticket", str(ticket))
            if about not in latest or _order(latest[about]) < _order(survey):
                latest[about] = survey
    return list(latest.values())


def _order(survey: Record) -> tuple:
    return instant(survey["answered_at"]), survey["id"]


def segments(company: Company, survey: Record) -> dict[str, str | None]:
    """Channel, country and plan on the survey's own row."""
    fields = survey["requester"]["user_fields"]
    return {"channel": survey["sent_via"], "country": fields["country"], "plan": fields["plan"]}


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Customer feedback."""
    calendar = company.calendar
    answered = [
        Fact(calendar.day(instant(s["answered_at"])), segments(company, s), s["score"]) for s in answers(company)
    ]

    def good(scores: list[int]) -> Cell:
        """Good answers / answers; good is 4 or 5 of 5."""
        return ratio(sum(score >= 4 for score in scores), len(scores), len(scores))

    def mean(scores: list[int]) -> Cell:
        """Sum of scores / n."""
        return ratio(sum(scores), len(scores), len(scores))

    return [
        Kpi("csat", grouped(calendar, answered, good), NOTHING_BY_NOTHING),
        Kpi("csat_mean", grouped(calendar, answered, mean), NOTHING_BY_NOTHING),
    ]
