"""A clerk at a real browser: a visit of two applications, with the keyboard alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Locator, expect

from server.people.factors import code_at
from tests.browser import looks
from tests.browser.conftest import OpenBrowser
from tests.browser.looks import DESK, LAYOUT, at
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.people.officers import PASSWORD

NARROW = {"width": 360, "height": 740}


def looked_at(visit: Visit) -> None:
    for size in (DESK, NARROW):
        with at(visit.page, size):
            assert looks.axe(visit.page) == [], visit.path
            found = looks.measured(visit.page, *LAYOUT)
            assert found == [], (visit.path, size, found)
            assert looks.small(visit.page, 24) == [], visit.path


def signed_in(visit: Visit, server: Server, login: str) -> None:
    """A clerk who is enrolled and signed in."""
    code = server.command("staff", "add", login, "--name", "見本 窓口", "--role", "clerk:市民課").strip()
    visit.open("/staff/enrol")
    form = visit.page.locator("main form").first
    form.locator("[name=login]").fill(login)
    for name, text in (("code", code), ("password", PASSWORD), ("password_again", PASSWORD)):
        form.locator(f"[name={name}]").fill(text)
    visit.led_by(lambda: visit.page.keyboard.press("Enter"))
    if visit.page.locator("dd").count() == 0:
        visit.go("認証アプリ")
    secret = visit.page.locator("dd").first.inner_text().replace(" ", "")
    visit.page.locator("[name=code]").fill(code_at(secret, datetime.now(UTC)))
    visit.led_by(lambda: visit.page.keyboard.press("Enter"))


def enter(visit: Visit) -> int:
    return visit.led_by(lambda: visit.page.keyboard.press("Enter"))


def answer(visit: Visit) -> None:
    """Whatever a page asks, the shortest that stands; then Enter from the last box."""
    page = visit.page
    for radios in page.locator("#questions fieldset:has([type=radio])").all():
        if radios.is_visible() and radios.locator(":checked").count() == 0:
            radios.locator("[type=radio]:not(:disabled)").first.focus()
            page.keyboard.press("Space")
    for box in page.locator("#questions [type=checkbox]").all():
        if box.is_visible() and "consent" in (box.get_attribute("name") or ""):
            box.check()
    for box in page.locator("#questions :is(input[type=text], input[type=tel], input[type=email])").all():
        if box.is_visible() and not box.input_value():
            fill(box)
    for menu in page.locator("#questions select").all():
        if menu.is_visible() and not menu.input_value() and not (menu.get_attribute("name") or "").startswith("_"):
            menu.select_option(index=1)


SOON = datetime.now(UTC) + timedelta(days=4)
SAID = {
    "family": "見本",
    "given": "花子",
    "family_kana": "ミホン",
    "given_kana": "ハナコ",
    "year": str(SOON.year),
    "month": str(SOON.month),
    "day": str(SOON.day),
    "postal_code": "037-0046",
    "city": "五所川原市",
    "street": "41-1",
    "phone": "0173352111",
}


def fill(box: Locator) -> None:
    name = (box.get_attribute("name") or "").rpartition(".")[2]
    numeric = box.get_attribute("inputmode") == "numeric"
    if name in SAID or numeric or "※必須" in box.locator("xpath=..").inner_text():
        box.fill(SAID.get(name, "2" if numeric else "見本"))


def test_a_clerk_takes_a_visit_of_two_applications_from_the_first_question_to_the_receipt(
    browse: OpenBrowser, server: Server
) -> None:
    visit = browse()
    signed_in(visit, server, "window-clerk")
    visit.open("/counter")
    looked_at(visit)
    visit.go("新しい来庁をはじめる")
    looked_at(visit)
    visit.go("手続きがわかっているとき")
    page = visit.page
    page.locator("[name=q]").fill("水道")
    visit.go("さがす")
    page.locator("[value=suido-kaishi]").check()
    page.locator("[value=suido-chushi]").check()
    looked_at(visit)
    visit.go("質問をはじめる")
    for number in range(30):
        if not visit.path.endswith("/ask"):
            break
        if number < 3:
            expect(page.locator("#questions :focus")).to_have_count(1)
            looked_at(visit)
        answer(visit)
        page.locator("#questions :is(input:not([type=hidden]), select)").first.focus()
        assert enter(visit) in (200, 422), visit.text()
        assert "先へ進めませんでした" not in visit.text(), visit.text()
    assert visit.path.endswith("/check"), visit.text()
    share = re.search(r"([0-9]+)\s*%", page.locator(".saved").inner_text())
    assert share is not None and int(share[1]) > 0
    looked_at(visit)
    page.locator("[name=method]").first.check()
    visit.go("2件をまとめて出す")
    assert visit.path.endswith("/filed") and "到達" in visit.text()
    looked_at(visit)
    visit.go("受付番号の控えを印刷する")
    looked_at(visit)
    assert len(re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", visit.text())) == 2
