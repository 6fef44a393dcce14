"""A clerk, the resident's tablet, and the tablet of another window: three real browsers at once."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from server.counter import confirmation, pairing
from tests.browser import looks
from tests.browser.conftest import OpenBrowser
from tests.browser.looks import FOLDED, LAYOUT, at
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.counter.hall import DEVICE_COOKIE, STAFF_COOKIE, Hall, Place

TABLET = {"width": 768, "height": 1024}
WRONG_NAME, RIGHT_NAME = re.compile("^ちがいます.*氏名"), re.compile("^合っています.*氏名")
CUT = "いま、つながっていません"


@pytest.fixture(scope="module")
def hall(server: Server) -> Iterator[Hall]:
    with closing(Hall(server.data_dir)) as made:
        yield made


def tablet_of(browse: OpenBrowser, place: Place, **more: Any) -> Visit:
    visit = browse(viewport=TABLET, **more)
    visit.page.context.add_cookies([{"name": DEVICE_COOKIE, "value": place.device_token, "url": visit.base}])
    visit.open("/tablet")
    return visit


def clerk_of(browse: OpenBrowser, place: Place) -> Visit:
    visit = browse()
    visit.page.context.add_cookies([{"name": STAFF_COOKIE, "value": place.staff_token, "url": visit.base}])
    return visit


def looked_at(page: Page) -> None:
    for size in (TABLET, FOLDED):
        with at(page, size):
            assert looks.axe(page) == [], page.url
            assert looks.measured(page, *LAYOUT) == [], page.url
            assert looks.small(page, 24) == [], page.url


def types(tablet: Visit, code: str) -> None:
    tablet.page.get_by_label("6けたの番号").fill(code)
    tablet.page.get_by_role("button", name="この番号でつなぐ").click()


def signs(page: Page) -> None:
    """A name with the mouse, as with a finger."""
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(box["x"] + 40 + 25 * step, box["y"] + (40 if step % 2 else 120))
    page.mouse.up()


def test_a_resident_sees_what_is_entered_says_what_is_wrong_and_signs(browse: OpenBrowser, hall: Hall) -> None:
    place, elsewhere = hall.place(), hall.place()
    visit = hall.visit(place)
    clerk, tablet, other = clerk_of(browse, place), tablet_of(browse, place), tablet_of(browse, elsewhere)
    looked_at(tablet.page)

    clerk.open(f"/counter/{visit.id}/tablet")
    panel = clerk.page.locator("#tablet")
    panel.get_by_role("button", name="タブレットにつなぐ").click()
    code = panel.locator(".tablet-code").inner_text()
    types(other, code)
    expect(other.page.locator("main")).to_contain_text("ほかの窓口のものです")
    expect(panel).to_contain_text("ほかの窓口のタブレット「")
    looked_at(other.page)
    types(tablet, code)
    expect(tablet.page.get_by_role("heading", level=1)).to_have_text("入力した内容の確認")
    expect(panel).to_contain_text("つながっています")

    visit = hall.say(visit, {"name/family": "高橋", "name/given": "太郎", "phone": "09012345678"})
    rows = tablet.page.locator(".tablet__row")
    expect(rows.first).to_contain_text("高橋 太郎".replace(" ", "\u3000"))
    expect(rows.first).to_contain_text("新しい内容")
    looked_at(tablet.page)
    looked_at(clerk.page)

    tablet.page.get_by_role("button", name=WRONG_NAME).first.click()
    expect(panel).to_contain_text("「ちがいます」とされた答え")
    looked_at(tablet.page)
    tablet.page.get_by_label("字がちがう").check()
    tablet.page.get_by_label("ひとこと").fill("はしごだか")
    visit = hall.say(visit, {"phone": "09000000000"})  # what is being written stays
    expect(rows.nth(1)).to_contain_text("090-0000-0000")
    expect(tablet.page.get_by_label("ひとこと")).to_have_value("はしごだか")
    tablet.page.get_by_role("button", name="職員に伝える").click()
    expect(panel).to_contain_text("字がちがう - 「はしごだか」")
    visit = hall.say(visit, {"name/family": "髙橋"})
    expect(rows.first).to_contain_text("髙橋")
    expect(panel).not_to_contain_text("ちがいます")

    visit = hall.finish(visit)
    tablet.page.get_by_role("link", name="内容の確認と署名に進む").click()
    expect(tablet.page.locator("#canvas")).to_be_visible()
    looked_at(tablet.page)
    tablet.page.get_by_role("button", name="この署名で確認する").click()
    expect(tablet.page.get_by_role("alert")).to_contain_text("署名を読み取れませんでした")
    signs(tablet.page)
    tablet.page.get_by_role("button", name="この署名で確認する").click()
    expect(tablet.page.locator("main")).to_contain_text("確認しました。ありがとうございました。")
    expect(panel).to_contain_text("確認済み")
    made = hall.read(lambda db: confirmation.confirmed(db, visit))
    kept = hall.read(lambda db: confirmation.kept(db, hall.keys, made.id))
    assert made.method == "drawn" and confirmation.drawing(kept.path) == kept.path
    looked_at(tablet.page)

    visit = hall.say(visit, {"phone": "09011112222"})
    expect(tablet.page.locator("main")).to_contain_text("確認のあとで、内容が変わりました。")
    expect(panel).to_contain_text("確認のあとで答えが変わりました")
    expect(tablet.page.locator("[data-key='suido-kaishi/applicant/phone']")).to_contain_text("新しい内容")
    tablet.page.get_by_role("link", name="内容の確認と署名に進む").click()
    said = tablet.page.get_by_role("button", name="署名のかわりに")
    said.focus()
    tablet.page.keyboard.press("Enter")
    expect(panel).to_contain_text("「内容を確認しました」と伝えた")

    hall.end(visit)
    expect(tablet.page.get_by_role("heading", level=1)).to_have_text("窓口のタブレット")
    assert nothing_is_left(tablet, "髙橋")
    assert "髙橋" not in other.page.content()


def nothing_is_left(tablet: Visit, name: str) -> bool:
    """Not by Back, Forward or Reload, and not in what the browser keeps."""
    page = tablet.page
    for move in (page.go_back, page.go_back, page.go_back, page.go_forward, page.reload):
        with suppress(PlaywrightError):  # an answer to a form is not asked for again by itself
            move()
        page.wait_for_timeout(300)  # a page that came back may lead on at once
        page.wait_for_load_state()
        if name in page.content():
            return False
    kept = page.evaluate("async () => JSON.stringify([{...sessionStorage}, {...localStorage}, await caches.keys()])")
    return name not in kept


class Cable:
    """What leads from a tablet to the server, and can be cut."""

    def __init__(self, server: Server) -> None:
        self._to = ("127.0.0.1", server.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        self._whole = True
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                if not self._whole:
                    here.close()
                    continue
                there = socket.create_connection(self._to)
                self._ends += [here, there]
                for one, other in ((here, there), (there, here)):
                    self._threads.append(threading.Thread(target=self._carry, args=(one, other)))
                    self._threads[-1].start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self._whole = False
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._whole = True

    def close(self) -> None:
        self.cut()
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listening, *self._ends):
            end.close()


@pytest.fixture
def cable(server: Server) -> Iterator[Cable]:
    with closing(Cable(server)) as made:
        yield made


def test_a_tablet_that_was_cut_off_says_so_and_catches_up(browse: OpenBrowser, hall: Hall, cable: Cable) -> None:
    place = hall.place()
    visit = hall.visit(place, language="en")
    hall.pair(place, visit)
    tablet = tablet_of(browse, place, at=cable)
    assert tablet.page.locator("html").get_attribute("lang") == "en"
    tablet.page.locator("details.language summary").click()
    tablet.page.get_by_role("button", name="日本語", exact=True).click()
    expect(tablet.page.get_by_role("heading", level=1)).to_have_text("入力した内容の確認")
    cable.cut()
    visit = hall.say(visit, {"name/family": "津軽"})
    expect(tablet.page.get_by_role("status")).to_contain_text(CUT)
    cable.mend()
    expect(tablet.page.locator("main")).to_contain_text("津軽")
    expect(tablet.page.get_by_role("status")).to_be_empty()


def test_a_tablet_without_script_shows_and_confirms_too(browse: OpenBrowser, hall: Hall) -> None:
    place = hall.place()
    visit = hall.visit(place)
    tablet = tablet_of(browse, place, script=False)
    types(tablet, hall.code(visit))
    visit = hall.say(visit, {"name/family": "津軽"})
    expect(tablet.page.locator("main")).to_contain_text("津軽")  # loaded again by itself
    tablet.page.get_by_role("button", name=WRONG_NAME).first.click()
    tablet.page.get_by_label("内容がちがう").check()
    tablet.page.get_by_role("button", name="職員に伝える").click()
    expect(tablet.page.locator(".tablet__wrong")).to_contain_text("内容がちがう")
    tablet.page.get_by_role("button", name=RIGHT_NAME).first.click()
    visit = hall.finish(visit)
    tablet.open("/tablet")
    tablet.page.get_by_role("link", name="内容の確認と署名に進む").click()
    expect(tablet.page.locator("#canvas")).to_be_hidden()
    tablet.page.get_by_role("button", name="署名のかわりに").click()
    expect(tablet.page.locator("main")).to_contain_text("確認しました。")
    assert hall.read(lambda db: confirmation.confirmed(db, visit)).method == "said"
    hall.write(lambda db: pairing.end_of_visit(db, visit.id, "staff:x"))
    tablet.open("/tablet")
    assert "津軽" not in tablet.page.content()
