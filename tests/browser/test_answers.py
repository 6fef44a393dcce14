"""A paper that the office asks for: photographed with a telephone, and looked at by the clerk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenBrowser, Quick
from tests.browser.server import Server
from tests.browser.test_till import PHONE, clerk, looked_at
from tests.browser.visit import Visit
from tests.files.papers import PDF
from tests.files.pictures import JPEG
from tests.journeys.filing import case_of, declared
from tests.journeys.filing import filed as send_in

SLUG = "fuguai-tsuho"
QUESTION = "場所がよく分かりません。地図に印をつけて、写真に撮って送ってください。"


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    made = {"地図.jpg": JPEG, "裏.pdf": PDF, "ちがう.txt": b"x"}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    return [str(tmp_path / name) for name in made]


def presses(visit: Visit, name: str) -> int:
    return visit.led_by(visit.page.get_by_role("button", name=name).first.click)


def test_a_paper_is_asked_for_photographed_and_looked_at(
    browse: OpenBrowser, quick: Quick, server: Server, photos: list[str]
) -> None:
    phone = browse(viewport=PHONE)
    resident = quick(phone)
    number = send_in(resident, declared(SLUG), case_of(SLUG)).path.split("/")[2]
    phone.goes_on_for(resident)
    desk = clerk(browse, server, "answers-clerk", SLUG)
    desk.open(f"/office/applications/{number}")
    desk.page.get_by_text("申請した人にたずねる", exact=True).first.click()
    desk.page.locator("#f-ask-text").fill(QUESTION)
    presses(desk, "申請した人にたずねる")

    phone.open(f"/applications/{number}")
    looked_at(phone, PHONE)
    phone.page.locator("#f-answer").fill("撮りなおしました。")
    phone.page.locator("#f-attachment-files").set_input_files(photos)
    assert presses(phone, "答えを送る") == 422
    looked_at(phone)
    assert phone.page.locator("#f-answer").input_value() == "撮りなおしました。"
    assert presses(phone, "裏.pdfを削除する") == 200
    looked_at(phone, PHONE)
    presses(phone, "答えを送る")
    assert "答えを受け取りました" in phone.text() and "地図.jpg" in phone.text() and "裏.pdf" not in phone.text()
    looked_at(phone)

    desk.open(f"/office/applications/{number}")
    looked_at(desk)
    with desk.page.expect_download() as got:
        desk.page.get_by_role("link", name="地図.jpg").first.click()
    assert got.value.suggested_filename == "地図.jpg"

    desk.page.get_by_text("申請した人にたずねる", exact=True).first.click()
    desk.page.locator("#f-ask-text").fill("裏も送ってください。")
    presses(desk, "申請した人にたずねる")
    desk.page.get_by_text("聞き取った答えを書き入れる", exact=True).first.click()
    desk.page.locator("#f-attachment-files").set_input_files(photos[1:])
    assert presses(desk, "聞き取った答えを書き入れる") == 422
    looked_at(desk)
    presses(desk, "聞き取った答えを書き入れる")
    assert "裏.pdf" in desk.text() and "到達" in desk.text()
    looked_at(desk)
