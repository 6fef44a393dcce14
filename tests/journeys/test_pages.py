"""Every valid case of every declaration, filed by a client that only posts forms, from the guide page to the status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from procedures.declaration import Declaration
from procedures.library import load_library
from tests.journeys.conftest import OpenSite
from tests.journeys.pages import Page, Resident, fill

LEVELS = {"email": "", "oidc-basic": "hanako-oidc", "jpki-signature": "taro-jpki"}


def cases() -> Iterator[Any]:
    """(declaration, case) of every case; the id names both."""
    for declaration in load_library().declarations.values():
        for case in declaration.cases:
            yield pytest.param(declaration, case, id=f"{declaration.id} {case['title']}")


VALID = [each for each in cases() if "errors" not in each.values[1].get("expect", {})]
INVALID = [each for each in cases() if "errors" in each.values[1].get("expect", {})]


@pytest.mark.parametrize(("declaration", "case"), VALID)
def test_a_resident_files_it_without_script(
    declaration: Declaration, case: dict[str, Any], open_site: OpenSite
) -> None:
    today = date.fromisoformat(case["today"]) if "today" in case else None
    resident = Resident(open_site(today))
    guide = resident.open(f"/procedures/{declaration.slug}")
    assert guide.status == 200
    first = resident.open(guide.link("/apply"))
    page = fill(resident, first, case["answers"], case.get("attachments", {}))
    assert page.path.endswith("/check"), page.text
    receipt = submitted(resident, page, declaration)
    number = re.search(r"/applications/([0-9]{15})/receipt", receipt.url)
    assert number is not None
    fee = case.get("expect", {}).get("fee", 0)
    if fee and declaration.fee is not None and declaration.fee.timing == "submit":
        paid(resident, receipt)
    status = resident.open(f"/applications/{number[1]}")
    assert "受け付ける準備をしています" in status.text or status.status == 200


def submitted(resident: Resident, page: Page, declaration: Declaration) -> Page:
    """From the check page to the receipt: signing in and signing where they are asked for."""
    for _ in range(8):
        if page.path.endswith("/receipt"):
            return page
        page = next_page(resident, page, declaration)
    raise AssertionError(f"no receipt: {page.url} {page.text[:500]}")


def next_page(resident: Resident, page: Page, declaration: Declaration) -> Page:
    """Press the one thing a page is for."""
    if page.path.endswith("/check"):
        if any(form.action.endswith("/submit") for form in page.forms):
            return resident.press(page, page.form(action="/submit"))
        onward = [href for _, href in page.links if "next=%2Fdrafts" in href or href.endswith("/sign")]
        assert onward, page.text
        return resident.open(onward[0])
    if page.path.endswith("/sign"):
        return resident.open(page.link("/sign/go"))
    if page.path == "/signin":
        return sign_in(resident, page, declaration)
    return resident.press(page, page.form(action=page.path), button=button_of(page))


def sign_in(resident: Resident, page: Page, declaration: Declaration) -> Page:
    """At the level the procedure asks for."""
    who = LEVELS[declaration.assurance.value]
    if who:
        form = next(form for form in page.forms if form.has_button("resident", who))
        return resident.press(page, form, button=("resident", who))
    asked = resident.open(page.link("/signin/email"))
    sent = resident.press(asked, asked.form(control="address"), {"address": ["taro@example.jp"]})
    code = re.findall(r"(?<![0-9])[0-9]{6}(?![0-9])", resident.open("/sandbox/mail").text)[0]
    return resident.press(sent, sent.form(control="code"), {"code": [code]})


def button_of(page: Page) -> tuple[str, str]:
    """The first button of the page's own form."""
    button = page.form(action=page.path).buttons[0]
    return button.name, button.value


def paid(resident: Resident, receipt: Page) -> Page:
    """From the receipt to the provider's page and back: the fee is paid by its event."""
    page = resident.open(receipt.link("/payments/"))
    till = resident.open(page.link("/go"))
    assert till.path.startswith("/sandbox/pay/")
    back = resident.press(till, till.form(action=till.path), button=("action", "pay"))
    assert back.path.startswith("/payments/")
    return back
