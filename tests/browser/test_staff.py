"""Somebody of the staff at a real browser: from the enrolment code to the first case, with the keyboard alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from server.people.factors import code_at
from tests.browser import looks
from tests.browser.conftest import OpenBrowser, Quick
from tests.browser.keys import Keys
from tests.browser.looks import DESK, LAYOUT, at
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.journeys.filing import case_of, declared, filled
from tests.people.officers import PASSWORD

SLUG = "fuguai-tsuho"
PHONE = {"width": 360, "height": 740}


def looked_at(visit: Visit) -> None:
    for size in (DESK, PHONE):
        with at(visit.page, size):
            assert looks.axe(visit.page) == [], visit.path
            assert looks.measured(visit.page, *LAYOUT) == [], visit.path
            assert looks.small(visit.page, 24) == [], visit.path


def typed(visit: Visit, *texts: str) -> int:
    """Fills in a form from the box that has the focus, and sends it with Enter: the status of the answer."""
    keyboard = visit.page.keyboard
    expect(visit.page.locator("input:focus")).to_have_count(1)
    for i, text in enumerate(texts):
        if i:
            keyboard.press("Tab")
        keyboard.insert_text(text)
    return visit.led_by(lambda: keyboard.press("Enter"))


def test_a_clerk_enrols_signs_in_and_takes_a_case_on_by_the_keyboard(
    browse: OpenBrowser, quick: Quick, server: Server
) -> None:
    visit, login = browse(), "keyboard-clerk"
    roles = ("--role", f"clerk:{declared(SLUG).department}", "--role", "auditor", "--role", "administrator")
    code = server.command("staff", "add", login, "--name", "見本 職員", *roles).strip()
    resident = quick(visit)
    check = filled(resident, SLUG, case_of(SLUG)["answers"])
    number = resident.press(check, check.form(action="/submit")).path.split("/")[2]

    visit.open("/staff/enrol")
    looked_at(visit)
    assert typed(visit, login, code, PASSWORD, PASSWORD) == 200
    looked_at(visit)
    secret = visit.page.locator("dd").first.inner_text().replace(" ", "")
    assert typed(visit, code_at(secret, datetime.now(UTC))) == 200
    looked_at(visit)
    recovery = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", visit.text())[0]
    visit.go("しまいました")
    looked_at(visit)
    visit.led_by(visit.page.get_by_role("button", name="サインアウト").click)

    assert visit.path == "/staff/signin"
    assert typed(visit, login, PASSWORD, "000000") == 422
    assert visit.page.evaluate("document.activeElement.id") == "errors"
    looked_at(visit)
    visit.open("/staff/signin")
    assert typed(visit, login, PASSWORD, recovery) == 200
    keys = Keys(visit)
    keys.anew()
    assert keys.press(f"{number[:5]}") == 200
    looked_at(visit)
    assert keys.press("受け付ける") == 200
    assert "受付済み" in visit.text()
    for path in (f"/office/looks?number={number}", "/staff", "/admin/staff"):
        visit.open(path)
        looked_at(visit)
