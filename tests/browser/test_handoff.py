"""From a telephone at home to the clerk's screen: the code is made, carried over and opened, typed or by a camera."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from server.counter.qr import drawn
from tests.browser import looks
from tests.browser.conftest import CHROMIUM, OpenBrowser, Watch
from tests.browser.looks import DESK, FOLDED, LAYOUT, at
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.counter.hall import Hall

SLUG = "inu-toroku"
WHAT = "ポチのすけ"


@pytest.fixture(scope="module")
def hall(server: Server) -> Iterator[Hall]:
    made = Hall(server.data_dir)
    made._count = 500  # the windows of other tests have lower numbers
    yield made
    made.close()


def looked_at(visit: Visit) -> None:
    for size in (DESK, FOLDED):
        with at(visit.page, size):
            assert looks.axe(visit.page) == [], visit.path
            assert looks.measured(visit.page, *LAYOUT) == [], visit.path
            assert looks.small(visit.page, 24) == [], visit.path


def signed_in(visit: Visit, hall: Hall) -> Visit:
    """Somebody at a window."""
    token = hall.place().staff_token
    visit.page.context.add_cookies([{"name": "kakanai-staff", "value": token, "url": visit.base}])
    return visit


def code_made(phone: Visit) -> str:
    """What a resident sees on the way to a code, with half of the form filled in."""
    phone.open(f"/procedures/{SLUG}/apply")
    box = phone.page.locator("#questions textarea, #questions input[type=text]").first
    box.fill(WHAT)
    assert phone.go("窓口で出す(QRコード)") == 200
    expect(phone.page.get_by_text("まだ申請ではありません")).to_be_visible()
    looked_at(phone)
    assert phone.go("QRコードを作る") == 200
    expect(phone.page.get_by_text("まだ申請ではありません")).to_be_visible()
    looked_at(phone)
    return phone.page.locator(".code__signs").inner_text()


def test_what_is_begun_on_a_telephone_is_opened_at_the_window(browse: OpenBrowser, hall: Hall) -> None:
    phone, clerk = browse(viewport=FOLDED), signed_in(browse(), hall)
    signs = code_made(phone)
    groups = signs.split()
    assert [len(group) for group in groups] == [4, 4, 4]

    clerk.open("/counter/handoff")
    expect(clerk.page.locator("#f-code")).to_be_focused()
    looked_at(clerk)
    clerk.page.keyboard.type("住民の方の")  # a scanner that types read another picture
    assert clerk.led_by(lambda: clerk.page.keyboard.press("Enter")) == 422
    looked_at(clerk)
    clerk.open("/counter/handoff")
    expect(clerk.page.locator("#f-code")).to_be_focused()
    clerk.page.keyboard.type("".join(groups).lower())
    assert clerk.led_by(lambda: clerk.page.keyboard.press("Enter")) == 200
    expect(clerk.page.get_by_text("まだ申請ではありません")).to_be_visible()
    clerk.page.get_by_text("入力された内容を見る").click()
    expect(clerk.page.get_by_text(WHAT)).to_be_visible()
    looked_at(clerk)
    assert clerk.go("この内容で受付を始める") == 200
    visit = clerk.path.split("/")[2]
    clerk.open(f"/counter/{visit}/identity")
    looked_at(clerk)
    assert clerk.go("記録する") == 422
    looked_at(clerk)
    for words in ("運転免許証", "確認できた"):
        clerk.page.get_by_label(words, exact=True).check()
    assert clerk.go("記録する") == 200
    expect(
        clerk.page.get_by_text("申請する人: 確認できました").or_(clerk.page.get_by_text(": 確認できました"))
    ).to_be_visible()
    looked_at(clerk)

    phone.go("入力に戻る")
    assert WHAT in phone.text(), "the draft is still at home"


def frames(text: str, file: Path) -> Path:
    """A film of a QR code, as a camera would see it: 640 by 480, grey."""
    qr, wide, high, unit = drawn(text), 640, 480, 12
    dark = {tuple(map(int, each.split("h")[0].split())) for each in qr.path.split("M")[1:]}
    left, top = (wide - qr.size * unit) // 2, (high - qr.size * unit) // 2
    picture = bytearray(b"\xeb" * (wide * high))
    for x, y in dark:
        for row in range(top + y * unit, top + (y + 1) * unit):
            start = row * wide + left + x * unit
            picture[start : start + unit] = b"\x10" * unit
    grey = b"\x80" * (wide * high // 2)
    file.write_bytes(
        f"YUV4MPEG2 W{wide} H{high} F10:1 Ip A1:1 C420mpeg2\n".encode() + (b"FRAME\n" + picture + grey) * 5
    )
    return file


@pytest.fixture
def with_camera(chromium: Browser, tmp_path: Path) -> Path:
    """Where the film of the camera will lie; asks for the first browser, so that Playwright runs."""
    assert chromium.is_connected()
    return tmp_path / "camera.y4m"


def test_a_camera_reads_the_code_under_our_content_policy(
    browse: OpenBrowser, hall: Hall, server: Server, chromium: Browser, with_camera: Path
) -> None:
    code = "-".join(code_made(browse(viewport=FOLDED)).split())
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={frames(code, with_camera)}",
    )
    browser = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=[*CHROMIUM, *flags])
    try:
        context = browser.new_context(permissions=["camera"])
        watch = Watch(context, server.url)
        clerk = signed_in(Visit(context.new_page(), server.url), hall)
        clerk.open("/counter/handoff")
        clerk.page.get_by_role("button", name="カメラで読み取る").click()
        clerk.page.wait_for_url("**/counter/handoff/*")
        assert "まだ申請ではありません" in clerk.text()
        # the library's own warning: only at loopback does a browser give a camera to a page without TLS
        assert [
            fault for fault in watch.faults if "only accessible if the page is transferred via https" not in fault
        ] == []
    finally:
        browser.close()
