"""Every valid case of every declaration, filed by a client that only posts forms, from the guide page to the status."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from procedures.declaration import Declaration
from tests.journeys.conftest import Town
from tests.journeys.filing import (
    at_the_till,
    cases,
    filed_online,
    is_valid,
    library,
    number_of,
    submitted,
    taken_online,
)
from tests.journeys.pages import Page, Resident, fill

VALID = [each for each in cases() if filed_online(*each.values) and is_valid(each.values[1])]
NOT_HERE = [each for each in library().declarations.values() if not taken_online(each)]


@pytest.mark.parametrize(("declaration", "case"), VALID)
def test_a_resident_files_it_without_script(declaration: Declaration, case: dict[str, Any], town: Town) -> None:
    today = date.fromisoformat(case["today"]) if "today" in case else None
    resident = Resident(town.on(today))
    guide = resident.open(f"/procedures/{declaration.slug}")
    assert guide.status == 200
    first = resident.open(guide.link("/apply"))
    check = fill(resident, first, case["answers"], case.get("attachments", {}))
    assert check.path.endswith("/check"), check.text
    fee = case.get("expect", {}).get("fee", 0)
    if fee or "fee" in check.ids:  # where all of it is taken off, that is shown
        assert f"合計{fee:,}円" in check.text
    receipt = submitted(resident, check, declaration.assurance.value)
    if fee and declaration.fee is not None and declaration.fee.timing == "submit":
        assert "お支払いを待っています" in resident.open(f"/applications/{number_of(receipt)}").text
        assert "支払いが済みました" in at_the_till(resident, receipt, "pay").text
    assert "申請が届きました" in resident.open(f"/applications/{number_of(receipt)}").text


@pytest.mark.parametrize("declaration", NOT_HERE, ids=lambda each: each.id)
def test_what_is_not_filed_online_here_leads_to_where_it_is(declaration: Declaration, town: Town) -> None:
    today = declaration.cases[0].get("today")
    resident, own = Resident(town.on(date.fromisoformat(today) if today else None)), declaration.slug
    guide = resident.open(f"/procedures/{own}")
    assert not [href for _, href in guide.links if href.endswith("/apply")]
    if declaration.handed_over is None:
        assert "窓口で手続きします" in guide.text
    else:
        assert (f"{declaration.handed_over.to}へ進む", declaration.handed_over.url) in guide.links
        assert [thing for thing in declaration.handed_over.prepare if thing not in guide.text] == []
    tried = resident.client.post(f"/procedures/{own}/apply", data={"_do": "next", "acting": "self"})
    for page in (resident.open(f"/procedures/{own}/apply"), Page(tried.status_code, str(tried.url), tried.text)):
        assert (page.status, page.path, page.forms) == (200, f"/procedures/{own}", guide.forms)
