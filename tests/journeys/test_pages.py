"""Every valid case of every declaration, filed by a client that only posts forms, from the guide page to the status."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from procedures.declaration import Declaration
from tests.journeys.conftest import OpenSite
from tests.journeys.filing import at_the_till, cases, is_valid, number_of, submitted
from tests.journeys.pages import Resident, fill

VALID = [each for each in cases() if is_valid(each.values[1])]


@pytest.mark.parametrize(("declaration", "case"), VALID)
def test_a_resident_files_it_without_script(
    declaration: Declaration, case: dict[str, Any], open_site: OpenSite
) -> None:
    today = date.fromisoformat(case["today"]) if "today" in case else None
    resident = Resident(open_site(today))
    guide = resident.open(f"/procedures/{declaration.slug}")
    assert guide.status == 200
    first = resident.open(guide.link("/apply"))
    check = fill(resident, first, case["answers"], case.get("attachments", {}))
    assert check.path.endswith("/check"), check.text
    fee = case.get("expect", {}).get("fee", 0)
    assert (f"{fee:,}円" in check.text) == (fee > 0)
    receipt = submitted(resident, check, declaration.assurance.value)
    if fee and declaration.fee is not None and declaration.fee.timing == "submit":
        assert "お支払いを待っています" in resident.open(f"/applications/{number_of(receipt)}").text
        assert "支払いが済みました" in at_the_till(resident, receipt, "pay").text
    assert "申請が届きました" in resident.open(f"/applications/{number_of(receipt)}").text
