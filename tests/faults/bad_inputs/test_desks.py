"""Bad answers of a help-desk over a real socket, through the zendesk connector and gate 1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sources.sample_company.serve_zendesk import Fault
from tests.conftest import Company
from tests.faults.bad_inputs.case import Case, land_and_compare
from tests.faults.bad_inputs.desks import FIELDS, ZENDESK
from tests.zendesk import ALWAYS, EMAIL, TOKEN, first, served


@pytest.mark.parametrize("case", ZENDESK, ids=str)
def test_a_bad_answer(company: Company, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setenv("BAD_DESK_TOKEN", TOKEN)
    with served() as desk:
        desk.fault = first(ALWAYS, Fault(body=case.given.encode()))
        source = f'connector = "zendesk"\nurl = "{desk.url}"\nemail = "{EMAIL}"\ntoken = "${{BAD_DESK_TOKEN}}"\n'
        quick = 'table = "tickets"\nattempts = 2\nlongest_wait_seconds = 0.01'
        more = {"stream": {"cursor": "generated_at", "ignore": ["generated_timestamp", "group_id", "requester_id"]}}
        land_and_compare(company, replace(case, more=more), "support_tickets", source + quick, FIELDS)
