"""A clerk at a window, a resident with a telephone: a family's fees are paid, a question is asked and answered."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from server.people.factors import code_at
from tests.browser import looks
from tests.browser.conftest import OpenBrowser, Quick
from tests.browser.looks import DESK, LAYOUT, at
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.journeys.filing import case_of, declared
from tests.journeys.filing import filed as send_in
from tests.people.officers import PASSWORD

SLUG = "juminhyo-utsushi"
PHONE = {"width": 360, "height": 740}
VISIT, LATER = "0123456789abcdef0123456789abcdef", "f" * 32


def looked_at(visit: Visit, *sizes: dict[str, int]) -> None:
    for size in sizes or (DESK, PHONE):
        with at(visit.page, size):
            assert looks.axe(visit.page) == [], visit.path
            assert looks.measured(visit.page, *LAYOUT) == [], visit.path
            assert looks.small(visit.page, 24) == [], visit.path


def clerk(browse: OpenBrowser, server: Server, login: str, slug: str = SLUG) -> Visit:
    """Somebody who takes money, signed in."""
    visit, department = browse(), declared(slug).department
    roles = [f"{role}:{department}" for role in ("clerk", "reviewer", "treasurer")]
    given = [word for role in roles for word in ("--role", role)]
    code = server.command("staff", "add", login, "--name", "見本 職員", *given).strip()
    visit.open("/staff/enrol")
    page = visit.page
    for name, text in (("login", login), ("code", code), ("password", PASSWORD), ("password-again", PASSWORD)):
        page.locator(f"#f-{name}").fill(text)
    visit.led_by(lambda: page.keyboard.press("Enter"))
    secret = page.locator("dd").first.inner_text().replace(" ", "")
    page.locator("#f-code").fill(code_at(secret, datetime.now(UTC)))
    visit.led_by(lambda: page.keyboard.press("Enter"))
    visit.go("しまいました")
    return visit


def came_in(server: Server, visit: str, login_id: str, numbers: list[str]) -> None:
    """These applications were filed at a window: as the clerk's interview leaves them."""
    with closing(sqlite3.connect(server.data_dir / "kakanai.db")) as db, db:
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        columns = "id, staff_id, department, state, revision, language, wrapped_key, sealed_content"
        db.execute(
            f"INSERT INTO visit ({columns}, created_at, saved_at, expires_at) VALUES (?,?,?,'filed',2,'ja',?,?,?,?,?)",  # noqa: S608
            (visit, login_id, declared(SLUG).department, b"x", b"x", now, now, now),
        )
        for name, number in enumerate(numbers):
            (found,) = db.execute("SELECT id FROM application WHERE receipt_number = ?", (number,)).fetchone()
            db.execute("INSERT INTO visit_application VALUES (?, ?, ?)", (visit, str(name), found))
            db.execute("UPDATE application SET channel = 'counter' WHERE id = ?", (found,))


def the_clerk(server: Server) -> str:
    with closing(sqlite3.connect(server.data_dir / "kakanai.db")) as db:
        return str(db.execute("SELECT staff_id FROM staff_session ORDER BY created_at DESC").fetchone()[0])


def filed(browse: OpenBrowser, quick: Quick) -> tuple[str, Visit]:
    """An application with a fee, and its resident's own browser."""
    visit = browse(viewport=PHONE)
    resident = quick(visit)
    receipt = send_in(resident, declared(SLUG), case_of(SLUG, 1))
    visit.goes_on_for(resident)
    return receipt.path.split("/")[2], visit


def test_a_family_pays_by_telephone_and_a_question_is_asked_and_answered(
    browse: OpenBrowser, quick: Quick, server: Server
) -> None:
    (first, resident), (second, _), (third, _) = (filed(browse, quick) for _ in range(3))
    desk, phone = clerk(browse, server, "till-clerk"), browse(viewport=PHONE)
    came_in(server, VISIT, the_clerk(server), [first, second])
    came_in(server, LATER, the_clerk(server), [third])

    desk.open(f"/counter/{VISIT}/pay")
    looked_at(desk)
    link = re.search(r"/pay/[\w-]{40,}", desk.page.content())
    assert link is not None
    phone.open(link.group())
    looked_at(phone, PHONE)
    phone.go("支払い画面に進む")
    phone.led_by(phone.page.get_by_role("button").first.click)
    assert "支払いが済みました" in phone.text()
    looked_at(phone, PHONE)
    desk.led_by(desk.page.get_by_role("button", name="支払われたか確かめる").click)
    assert "すべて納められています" in desk.text()
    looked_at(desk)

    desk.open("/office?channel=counter")
    assert "窓口" in desk.text()
    looked_at(desk)
    desk.open(f"/office/applications/{first}")
    desk.page.get_by_text("申請した人にたずねる", exact=True).first.click()
    desk.page.locator("#f-ask-text").fill("")
    assert desk.led_by(desk.page.get_by_role("button", name="申請した人にたずねる").click) == 422
    looked_at(desk)
    desk.page.locator("#f-ask-text").fill("必要な通数を教えてください。\n本籍の記載は要りますか。")
    desk.led_by(desk.page.get_by_role("button", name="申請した人にたずねる").click)
    looked_at(desk)

    resident.open(f"/applications/{first}")
    assert "直していただきたいところがあります" in resident.text() and "本籍の記載は要りますか" in resident.text()
    looked_at(resident, PHONE)
    assert resident.led_by(resident.page.get_by_role("button", name="答えを送る").click) == 422
    looked_at(resident, PHONE)
    resident.page.locator("#f-answer").fill("1通です。本籍は要りません。")
    resident.led_by(resident.page.get_by_role("button", name="答えを送る").click)
    assert "答えを受け取りました" in resident.text()
    looked_at(resident, PHONE)
    desk.open(f"/office/applications/{first}")
    assert "本籍は要りません" in desk.text() and "到達" in desk.text()
    looked_at(desk)
    desk.led_by(desk.page.get_by_role("button", name="受け付ける").click)
    desk.led_by(desk.page.get_by_role("button", name="受付を取り消す").click)
    desk.led_by(desk.page.get_by_role("button", name="審査に進める").click)
    assert "審査" in desk.text()

    desk.open(f"/counter/{LATER}/pay")
    desk.page.locator("#f-taken").fill("1")
    assert desk.led_by(desk.page.get_by_role("button", name="現金で受け取った").click) == 422
    looked_at(desk)
    desk.page.locator("#f-taken").fill("1000")
    desk.led_by(desk.page.get_by_role("button", name="現金で受け取った").click)
    assert "おつり" in desk.text() and "領収番号" in desk.text()
    looked_at(desk)

    desk.open("/office/till")
    assert "オンライン(試験)" in desk.text()
    looked_at(desk)
    desk.open("/office/till/unclear")
    looked_at(desk)
    desk.open(f"/office/applications/{first}")
    desk.go("返金を求める")
    looked_at(desk)
    desk.page.get_by_label("返す金額").fill("0")
    assert desk.led_by(desk.page.get_by_role("button", name="返金を頼む").click) == 422
    looked_at(desk)
    desk.page.get_by_label("返す金額").fill("100")
    desk.page.get_by_label("返す理由").fill("多くいただいたため")
    desk.led_by(desk.page.get_by_role("button", name="返金を頼む").click)
    assert "ほかの人の承認を待っています" in desk.text()
    looked_at(desk)
    desk.open("/office/questions")
    looked_at(desk)
