"""The kiosk in the lobby at a real Chromium: used with a finger and with keys, read by axe, and empty afterwards.

The next person tries what a curious one can: Back, Forward, the list of a long press on Back, Reload, addresses, the
source, the cache, the stores, what the browser offers in a box, and opening it again with its tabs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import looks
from tests.browser.conftest import OpenBrowser
from tests.browser.keys import Keys
from tests.browser.looks import DESK, FOLDED, LAYOUT, at
from tests.browser.server import Server
from tests.browser.test_counter import signed_in
from tests.browser.test_shared_computer import (
    JUMINHYO,
    TYPED,
    Computer,
    address,
    back,
    cache,
    canaries,
    forward,
    jump,
    on_the_disk,
    opened_again,
    reload,
    shown,
    source,
    stores,
)
from tests.browser.visit import Visit

DOG = "inu-toroku"
UPRIGHT = {"width": 1080, "height": 1920}
SCREEN = 64
"""Pixels that a target is high at least: a finger, in a glove, standing."""


def kiosk(visit: Visit, server: Server) -> Visit:
    """The browser becomes a kiosk."""
    visit.open("/device")
    visit.page.get_by_label("端末のコード").fill(server.command("device", "add", "kiosk", "ロビー").strip())
    visit.go("この端末を登録する")
    assert visit.path == "/kiosk"
    return visit


def go(visit: Visit, words: str) -> None:
    """Press what leads to another screen, or to this one anew."""
    with visit.page.expect_navigation():
        visit.found(words, within=visit.page.locator("body")).click()


def begin(visit: Visit, slug: str, language: str = "日本語") -> None:
    go(visit, language)
    visit.page.evaluate(f"location.replace('/kiosk/procedures/{slug}')")
    visit.page.wait_for_url(f"**/{slug}")
    with visit.page.expect_navigation():
        visit.page.locator("main form[action='/kiosk/forms'] button").click()


def examined(visit: Visit, *sizes: dict[str, int]) -> None:
    page = visit.page
    for size in sizes or (FOLDED,):
        with at(page, size):
            assert looks.axe(page) == [], (visit.path, size)
            assert looks.measured(page, *LAYOUT) == [], (visit.path, size)
            assert looks.small(page, SCREEN) == [], (visit.path, size)


def at_question(visit: Visit, name: str) -> None:
    visit.page.evaluate(f"location.replace(location.pathname.replace(/[^/]*$/, '{name}'))")
    visit.page.wait_for_url(f"**/{name}")


@pytest.mark.parametrize("language", ["やさしい日本語", "Tiếng Việt"])
def test_a_question_in_another_language_is_large_and_fits(browse: OpenBrowser, server: Server, language: str) -> None:
    visit = kiosk(browse(viewport=UPRIGHT), server)
    begin(visit, JUMINHYO, language)
    with visit.page.expect_navigation():
        visit.page.locator(".kbuttons button[value=next]").click()
    examined(visit)
    at_question(visit, "applicant.address")
    examined(visit, FOLDED, UPRIGHT)


def test_every_screen_is_large_and_nothing_is_for_axe_to_find(browse: OpenBrowser, server: Server) -> None:
    visit = kiosk(browse(viewport=UPRIGHT), server)
    page = visit.page
    examined(visit, FOLDED, UPRIGHT)
    begin(visit, JUMINHYO)
    with page.expect_navigation():
        page.locator(".kbuttons button[value=next]").click()
    examined(visit, FOLDED, UPRIGHT)
    at_question(visit, "applicant.birthdate")
    examined(visit)
    at_question(visit, "applicant.address")
    for button in ("look:contrast", "look:large", "call"):
        with page.expect_navigation():
            page.locator(f"button[value='{button}']").click()
    examined(visit, FOLDED, UPRIGHT)
    for path in ("", "/kiosk/what", "/kiosk/reserved", f"/kiosk/procedures/{DOG}", "/kiosk/end"):
        target = path or page.evaluate("location.pathname.replace(/[/][^/]*$/, '')")
        page.evaluate(f"location.replace('{target}')")
        page.wait_for_url(f"**{target}")
        examined(visit)
    with page.expect_navigation():
        page.locator("main form[action='/kiosk/end'] button").click()
    assert visit.path == "/kiosk/ticket"
    examined(visit, FOLDED, UPRIGHT)
    visit.page.locator("button[value='uncall']").click()


def test_with_keys_alone_one_comes_to_a_number(browse: OpenBrowser, server: Server) -> None:
    visit = kiosk(browse(viewport=UPRIGHT), server)
    keys = Keys(visit)

    def press(words: str) -> None:
        keys.anew()
        keys.to(lambda stop: stop.words.startswith(words))
        with visit.page.expect_navigation():
            visit.page.keyboard.press("Enter")

    press("日本語")
    assert visit.page.evaluate("document.activeElement.tagName") == "H1"
    keys.anew()
    keys.to(lambda stop: stop.id == "q")
    visit.page.keyboard.insert_text("市長への手紙")
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")
    press("市長への手紙")
    press("入力をはじめる")
    assert visit.page.evaluate("document.activeElement.tagName") == "H1"
    first = visit.path
    press("次へ進む")
    assert visit.page.evaluate("document.activeElement.id") == "errors"
    while "/forms/" in visit.path and visit.path.count("/") == 4:
        press("わかりません" if visit.page.locator("button[value=unsure]").count() else _on(visit))
    assert visit.path == first.rpartition("/")[0]
    press("これでよい")
    press("番号札を取る")
    expect(visit.page.locator(".kticket__number")).to_have_text(re.compile("^[A-Z]-[0-9]{3}$"))
    assert visit.page.evaluate("document.activeElement.tagName") == "H1"


def _on(visit: Visit) -> str:
    return "いいえ" if visit.page.locator("button[value=add]").count() else "次へ進む"


def test_whoever_does_nothing_is_asked_and_then_all_is_wiped(browse: OpenBrowser, server: Server) -> None:
    visit = kiosk(browse(viewport=UPRIGHT), server)
    page = visit.page
    page.clock.install()
    begin(visit, JUMINHYO)
    there, box = visit.path, page.locator("#idle")
    page.clock.fast_forward(80_000)
    expect(box).not_to_be_visible()
    page.clock.fast_forward(11_000)
    expect(box).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "idle-more"
    expect(page.locator("#idle-left")).to_have_text(re.compile("1[0-9]|20"))
    assert looks.axe(page) == []
    page.keyboard.press("Escape")  # goes on, too: there is no way to close it and be thrown out
    expect(box).not_to_be_visible()
    page.clock.fast_forward(85_000)
    expect(box).not_to_be_visible()
    page.clock.fast_forward(6_000)
    page.get_by_role("button", name="つづける").click()
    assert visit.path == there
    page.clock.fast_forward(91_000)
    expect(box).to_be_visible()
    page.clock.fast_forward(21_000)
    page.wait_for_url("**/kiosk")
    assert visit.open(there) == 200
    assert visit.path == "/kiosk"


def test_the_history_does_not_grow_while_somebody_is_here(browse: OpenBrowser, server: Server) -> None:
    visit = kiosk(browse(viewport=UPRIGHT), server)
    before = visit.page.evaluate("history.length")
    begin(visit, JUMINHYO)
    for _ in range(4):
        go(visit, "わかりません")
    go(visit, "前へ戻る")
    assert visit.page.evaluate("history.length") == before


def test_a_screen_that_cannot_be_sent_says_so_and_keeps_what_was_typed(browse: OpenBrowser, server: Server) -> None:
    visit = kiosk(browse(viewport=UPRIGHT), server)
    page = visit.page
    begin(visit, JUMINHYO)
    page.evaluate("location.replace(location.pathname.replace('acting', 'applicant.phone'))")
    page.wait_for_url("**/applicant.phone")
    visit.type("applicant.phone", "0173-00-0123")
    page.route(
        "**/applicant.phone", lambda route: route.abort() if route.request.method == "POST" else route.fallback()
    )
    page.locator(".kbuttons button[value=next]").click()
    expect(page.locator("#trouble")).to_be_visible()
    assert visit.value("applicant.phone") == "0173-00-0123"
    page.unroute("**/applicant.phone")
    go(visit, "次へ進む")
    visit.faults.clear()


# --- a clerk is called ----------------------------------------------------------------------------------------------


def test_whoever_of_the_staff_has_a_page_open_hears_a_call_and_one_goes(browse: OpenBrowser, server: Server) -> None:
    visit, first, second = kiosk(browse(viewport=UPRIGHT), server), browse(), browse()
    for clerk, login in ((first, "goes-there"), (second, "stays-here")):
        signed_in(clerk, server, login)
        clerk.open("/office")
    beside = first.again()
    begin(visit, JUMINHYO)
    go(visit, "係員を呼ぶ")
    screens = [each.page for each in (first, beside, second)]
    for page in screens:
        expect(page.locator("#calls")).to_contain_text("係員を呼んでいます")
        expect(page.locator("#calls-said")).to_contain_text("「ロビー」で")
        expect(page).to_have_title(re.compile("^【呼び出し】"))
    for size in (DESK, FOLDED):
        with at(second.page, size):
            assert looks.axe(second.page) == []
            assert looks.measured(second.page, *LAYOUT) == []
    beside.page.get_by_role("button", name="行きます").click()
    for page in screens:
        expect(page).not_to_have_title(re.compile("呼び出し】"))
    expect(second.page.locator("#calls-said")).to_contain_text("ほかの職員が向かっています")
    expect(second.page.locator("#calls button")).to_have_count(0)
    expect(visit.page.locator("#called")).to_have_text(re.compile("係員が向かっています"))
    expect(visit.page.locator("#said")).to_have_text(re.compile("係員が向かっています"))
    examined(visit)
    first.page.get_by_role("button", name="着きました").click()
    expect(second.page.locator("#calls form")).to_have_count(0)
    expect(visit.page.locator("#called")).to_have_text("")
    expect(visit.page.locator("#uncall")).to_have_text("係員を呼ぶ")
    beside.page.close()  # the tab with the stream, or the other: the one that is left hears the next call
    go(visit, "係員を呼ぶ")
    for page in (first.page, second.page):
        expect(page.locator("#calls")).to_contain_text("係員を呼んでいます")
    go(visit, "呼び出しを取り消す")
    expect(first.page.locator("#calls form")).to_have_count(0)


# --- the next person ------------------------------------------------------------------------------------------------


def last_person(computer: Computer, *, script: bool) -> None:
    """Fills in a form, looks at every kind of screen, takes a number, and ends it."""
    computer.start()
    computer.ending = "signed out"
    if not script:
        computer.context.route("**/kiosk*.js", lambda route: route.abort())
    visit = kiosk(computer.visit(), computer.server)
    begin(visit, JUMINHYO)
    answers = canaries()
    while visit.page.locator("#questions").count():
        visit.answer(answers)
        with visit.page.expect_navigation():
            visit.page.locator(".kbuttons button").first.click()
        if "check" in visit.page.url:
            with visit.page.expect_navigation():
                visit.page.locator("button[value=unsure]").click()
        computer.seen.append(visit.path)
    assert computer.found(visit.page.content())
    visit.page.evaluate(f"location.replace('/kiosk/procedures/{DOG}')")
    visit.page.wait_for_url(f"**/{DOG}")
    assert computer.found(visit.page.content())
    go(visit, "はい、同じ人です")
    computer.seen.append(visit.path)
    visit.page.evaluate("location.replace('/kiosk/end')")
    visit.page.wait_for_url("**/kiosk/end")
    go(visit, "番号札を取る")
    computer.words += re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", visit.text())[:1]
    computer.words += re.findall(r"/tickets/([0-9A-Z]{15})", visit.text())
    assert len(computer.words) == len(TYPED) + 2
    computer.seen = [*dict.fromkeys([*computer.seen[:3], computer.seen[-1], "/kiosk/end", visit.path])]
    go(visit, "やめて消す")
    assert visit.path == "/kiosk"


@pytest.fixture(scope="module", params=[True, False], ids=["with script", "without script"])
def left(
    request: pytest.FixtureRequest, chromium: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Computer]:
    """The kiosk after somebody has left it."""
    computer = Computer(chromium, server, tmp_path_factory.mktemp("kiosk"))
    last_person(computer, script=request.param)
    yield computer
    computer.close()


def same_screens(computer: Computer) -> Iterator[str]:
    """The next person fills in the same form: no box knows what was typed in it before."""
    visit = Visit(computer.context.new_page(), computer.server.url)
    visit.open("/kiosk")
    begin(visit, JUMINHYO)
    for name in ("applicant.name", "applicant.phone", "applicant.email"):
        visit.page.evaluate(f"location.replace(location.pathname.replace(/[^/]*$/, '{name}'))")
        visit.page.wait_for_url(f"**/{name}")
        yield shown(visit.page)
        box = visit.page.locator("#questions input:not([type=hidden])").first
        box.click()
        visit.page.keyboard.press("ArrowDown")
        yield box.input_value()
    visit.open("/kiosk")
    visit.page.close()


WAYS = (back, forward, jump, reload, address, source, cache, stores, same_screens, opened_again)


@pytest.mark.xdist_group("kiosk")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", " "))
def test_the_next_person_at_a_kiosk_finds_nothing_of_the_last(
    left: Computer, way: Callable[[Computer], Iterator[str]]
) -> None:
    looked = list(way(left))
    assert [left.found(text) for text in looked if left.found(text)] == []
    assert all(_is_first(page) for page in left.context.pages if page.url.startswith(left.server.url))


def _is_first(page: Page) -> bool:
    """Wherever one went, there is the first screen."""
    return page.url.endswith("/kiosk")


@pytest.mark.xdist_group("kiosk")
def test_nothing_the_last_person_typed_is_on_the_disk_of_a_kiosk(left: Computer) -> None:
    assert on_the_disk(left) == []
