"""The whole way of an application by pages alone: filled in, signed in for, signed, sent, paid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from procedures.declaration import Declaration
from tests import shipped
from tests.journeys.pages import Page, Resident, fill

LEVELS = {"oidc-basic": "hanako-oidc", "jpki-signature": "taro-jpki"}
"""Who signs in at each level; at 'email' an address does."""
ADDRESS = "taro@example.jp"


library = shipped.library
"""Every declaration there is."""


def declared(slug: str) -> Declaration:
    return next(each for each in library().declarations.values() if each.slug == slug)


def case_of(slug: str, number: int = 0) -> dict[str, Any]:
    """A valid case of a procedure."""
    return dict([case for case in declared(slug).cases if is_valid(case)][number])


def cases() -> Iterator[Any]:
    """(declaration, case) of every case; the id names both."""
    for declaration in library().declarations.values():
        for case in declaration.cases:
            yield pytest.param(declaration, case, id=f"{declaration.id} {case['title']}")


def taken_online(declaration: Declaration) -> bool:
    """Whether it is filed from home, and here."""
    return "online" in declaration.channels and declaration.handed_over is None


def filed_online(declaration: Declaration, case: Mapping[str, Any]) -> bool:
    """Whether these pages take a case: it is not one of the counter's, nor of another site."""
    return taken_online(declaration) and case.get("channel", "online") == "online"


def is_valid(case: Mapping[str, Any]) -> bool:
    return "errors" not in case.get("expect", {})


def filled(resident: Resident, slug: str, answers: Mapping[str, Any], files: Mapping[str, int] | None = None) -> Page:
    """From the first step to the check page."""
    page = fill(resident, resident.open(f"/procedures/{slug}/apply"), answers, files or {})
    assert page.path.endswith("/check"), page.text
    return page


def filed(resident: Resident, declaration: Declaration, case: Mapping[str, Any]) -> Page:
    """From the first step to the receipt."""
    check = filled(resident, declaration.slug, case["answers"], case.get("attachments"))
    return submitted(resident, check, declaration.assurance.value)


def submitted(resident: Resident, page: Page, level: str) -> Page:
    """From the check page to the receipt: signing in and signing where they are asked for."""
    for _ in range(8):
        if page.path.endswith("/receipt"):
            return page
        page = onward(resident, page, level)
    raise AssertionError(f"no receipt: {page.url} {page.text[:500]}")


def ready(resident: Resident, page: Page, level: str) -> Page:
    """From the check page to the check page with the button that sends."""
    for _ in range(8):
        if any(form.action.endswith("/submit") for form in page.forms):
            return page
        page = onward(resident, page, level)
    raise AssertionError(f"nothing to send: {page.url} {page.text[:500]}")


def onward(resident: Resident, page: Page, level: str) -> Page:
    """Press the one thing a page is for."""
    if page.path.endswith("/check"):
        if any(form.action.endswith("/submit") for form in page.forms):
            return resident.press(page, page.form(action="/submit"))
        links = [href for _, href in page.links if "next=%2Fdrafts" in href or href.endswith("/sign")]
        assert links, page.text
        return resident.open(links[0])
    if page.path.endswith("/sign"):
        return resident.open(page.link("/sign/go"))
    if page.path == "/signin":
        return by_email(resident, page) if level == "email" else become(resident, page, LEVELS[level])
    return resident.press(page, page.form(action=page.path), button=first_button(page))


def sign_in(resident: Resident, who: str) -> Page:
    """As a resident of the sandbox, from the sign-in page."""
    return become(resident, resident.open("/signin"), who)


def become(resident: Resident, page: Page, who: str) -> Page:
    """Press the button of a resident of the sandbox."""
    form = next(form for form in page.forms if form.has_button("resident", who))
    return resident.press(page, form, button=("resident", who))


def by_email(resident: Resident, page: Page, address: str = ADDRESS) -> Page:
    """With the six digits of the newest mail in the sandbox's mailbox."""
    asked = resident.open(page.link("/signin/email"))
    sent = resident.press(asked, asked.form(control="address"), {"address": [address]})
    code = re.findall(r"(?<![0-9])[0-9]{6}(?![0-9])", resident.open("/sandbox/mail").text)[0]
    return resident.press(sent, sent.form(control="code"), {"code": [code]})


def first_button(page: Page) -> tuple[str, str]:
    """The first button of the page's own form."""
    button = page.form(action=page.path).buttons[0]
    return button.name, button.value


def at_the_till(resident: Resident, page: Page, action: str) -> Page:
    """From a receipt or a payment to the provider's page, one button there, and back at the payment."""
    if not page.path.startswith("/payments/"):
        page = resident.open(page.link("/payments/"))
    till = resident.open(page.link("/go"))
    assert till.path.startswith("/sandbox/pay/"), till.path
    back = resident.press(till, till.form(action=till.path), button=("action", action))
    assert back.path.startswith("/payments/")
    return back


def number_of(page: Page) -> str:
    """The receipt number in a page's address."""
    found = re.fullmatch(r"/applications/([0-9]{15})(?:/receipt)?", urlsplit(page.url).path)
    assert found is not None, page.url
    return found[1]


def access_code(receipt: Page) -> str:
    """The access code as the receipt shows it."""
    found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", receipt.text)
    assert found is not None, receipt.text
    return found[0]
