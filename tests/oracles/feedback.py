"""Customer feedback: what customers answer when they are asked."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from tests.oracles.figures import GRAINS, NOTHING_BY_NOTHING, Cell, Fact, Key, Kpi, grouped, ratio
from tests.oracles.raw import Company, Record, instant, own_segments
from tests.oracles.support import MERGED_INTO

ANSWER_WITHIN = timedelta(days=30)
NPS_DAYS = 90


def surveys_that_count(company: Company) -> list[Record]:
    """Surveys about a ticket that is spam, deleted, a test or merged away are in no KPI, like the ticket."""
    merged = {ticket_id for ticket_id, ticket in company.tickets.items() if ticket["fields"][MERGED_INTO]}
    return [s for s in company.surveys if str(s["ticket_id"]) not in company.uncounted_tickets | merged]


def of_kind(company: Company, kind: str) -> list[Record]:
    """The surveys of a kind; an export without kinds holds satisfaction surveys."""
    return [survey for survey in surveys_that_count(company) if survey.get("kind", "csat") == kind]


def answers(company: Company) -> list[Record]:
    """The latest answer to a satisfaction survey per ticket; without a ticket each survey stands for itself."""
    latest: dict[tuple[str, str], Record] = {}
    for survey in of_kind(company, "csat"):
        if survey["answered_at"] is not None:
            ticket = survey["ticket_id"]
            about = ("survey", survey["id"]) if ticket is None else ("ticket", str(ticket))
            if about not in latest or _order(latest[about]) < _order(survey):
                latest[about] = survey
    return list(latest.values())


def _order(survey: Record) -> tuple:
    return instant(survey["answered_at"]), survey["id"]


def segments(company: Company, survey: Record, counted_at: str) -> dict[str, str | None]:
    """Channel, country and plan of a survey, those of the person as of the day that counts; and the profile's own."""
    fields, who = survey["requester"]["user_fields"], survey["customer_id"]
    day = company.calendar.day(instant(survey[counted_at]))
    of_person = {name: company.attribute(name, fields[name], who, day) for name in ("country", "plan")}
    own = own_segments(company, "survey_responses", survey, who, day)
    return {"channel": survey["sent_via"], **of_person, **own}


def kpis(company: Company) -> list[Kpi]:
    """The KPIs of the section Customer feedback."""
    calendar = company.calendar
    answered = [
        Fact(calendar.day(instant(s["answered_at"])), segments(company, s, "answered_at"), s["score"])
        for s in answers(company)
    ]

    def good(scores: list[int]) -> Cell:
        """Good answers / answers; good is 4 or 5 of 5."""
        return ratio(sum(score >= 4 for score in scores), len(scores), len(scores))

    def mean(scores: list[int]) -> Cell:
        """Sum of scores / n."""
        return ratio(sum(scores), len(scores), len(scores))

    def response(answered: list[bool]) -> Cell:
        """Answered within 30 days / offered."""
        return ratio(sum(answered), len(answered), len(answered))

    offered = [
        Fact(
            calendar.day(instant(s["offered_at"])),
            segments(company, s, "offered_at"),
            s["answered_at"] is not None and instant(s["answered_at"]) < instant(s["offered_at"]) + ANSWER_WITHIN,
        )
        for s in of_kind(company, "csat")
    ]
    return [
        Kpi("csat", grouped(calendar, answered, good), NOTHING_BY_NOTHING),
        Kpi("csat_mean", grouped(calendar, answered, mean), NOTHING_BY_NOTHING),
        Kpi("csat_response_rate", grouped(calendar, offered, response), NOTHING_BY_NOTHING, window_days=30),
        Kpi("nps", nps(company), NOTHING_BY_NOTHING, trailing_days=NPS_DAYS),
    ]


def nps(company: Company) -> dict[Key, Cell]:
    """100 x (promoters 9-10 - detractors 0-6) / n, the latest answer per person in the trailing 90 days.

    An answer of nobody known is a person of its own; a person is in the segments of that answer, on its day.
    """
    calendar = company.calendar
    answered = sorted((s for s in of_kind(company, "nps") if s["answered_at"] is not None), key=_order)
    cells: dict[Key, Cell] = {}
    for grain in GRAINS:
        for period in calendar.periods(grain).values():
            start = period.end - timedelta(days=NPS_DAYS)
            latest = {
                s["customer_id"] or s["id"]: s
                for s in answered
                if start <= calendar.day(instant(s["answered_at"])) < period.end
            }
            votes: dict[tuple[str, str], list[int]] = defaultdict(list)
            for survey in latest.values():
                vote = (survey["score"] >= 9) - (survey["score"] <= 6)
                for dimension, segment in (("all", "all"), *segments(company, survey, "answered_at").items()):
                    votes[dimension, segment or "unknown"].append(vote)
            for (dimension, segment), cast in votes.items():
                cells[Key(grain, period.start, dimension, segment)] = ratio(100 * sum(cast), len(cast), len(cast))
    return cells
