"""A sign-in that is about to end: said in time and politely, and put off with one button (WCAG 2.2.1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenBrowser
from tests.browser.visit import Visit

MINUTE = 60_000
PROLONG = "サインインを続ける"


@pytest.fixture
def kimura(visit: Visit) -> Visit:
    """Somebody signed in, at whose browser time can be moved on."""
    visit.page.clock.install()
    visit.open("/signin")
    visit.go("木村　由紀子 さんになる")
    visit.open("/procedures/juminhyo-utsushi/apply")
    return visit


def said(visit: Visit) -> Locator:
    return visit.page.locator("#ending [role=status]")


def button(visit: Visit) -> Locator:
    return visit.page.get_by_role("button", name=PROLONG)


def test_for_most_of_the_hour_nothing_is_in_the_way(kimura: Visit) -> None:
    expect(kimura.page.locator(".masthead__ends")).to_contain_text("自動でサインアウトします")
    kimura.page.clock.run_for(50 * MINUTE)
    expect(said(kimura)).to_have_text("")
    expect(button(kimura)).to_be_hidden()


def test_five_minutes_before_it_is_said_and_a_button_puts_it_off(kimura: Visit) -> None:
    focus = kimura.page.evaluate("() => document.activeElement.id")
    kimura.page.clock.fast_forward(56 * MINUTE)
    expect(said(kimura)).to_have_text(
        "あと5分ほどで、自動でサインアウトします。続けるときは「サインインを続ける」を押してください。"
    )
    assert kimura.page.evaluate("() => document.activeElement.id") == focus, "whoever types goes on typing"
    kimura.page.clock.fast_forward(3 * MINUTE)
    expect(said(kimura)).to_contain_text("あと1分ほど")
    button(kimura).click()
    expect(said(kimura)).to_have_text("サインインを続けました。")
    expect(button(kimura)).to_be_hidden()
    kimura.page.clock.run_for(6_000)
    expect(said(kimura)).to_have_text("")
    kimura.page.clock.fast_forward(56 * MINUTE)
    expect(said(kimura)).to_contain_text("あと5分ほど")


def test_when_it_is_over_that_is_said_and_what_was_typed_stands(kimura: Visit) -> None:
    kimura.type("acting", "self")
    kimura.page.clock.fast_forward(61 * MINUTE)
    expect(said(kimura)).to_contain_text("自動でサインアウトしました")
    expect(button(kimura)).to_be_hidden()
    expect(kimura.control("acting").first).to_be_checked()


def test_what_has_the_focus_is_not_under_the_warning(kimura: Visit) -> None:
    kimura.page.set_viewport_size({"width": 320, "height": 640})
    kimura.page.clock.fast_forward(56 * MINUTE)
    expect(button(kimura)).to_be_visible()
    for _ in range(12):
        kimura.page.keyboard.press("Tab")
        top = kimura.page.evaluate("() => document.querySelector('#ending').getBoundingClientRect().top")
        box = kimura.page.evaluate(
            "() => [document.activeElement.closest('#ending'), document.activeElement.getBoundingClientRect().top]"
        )
        assert box[0] is not None or box[1] < top


def test_without_a_line_it_says_so_and_can_be_pressed_again(kimura: Visit) -> None:
    kimura.page.clock.fast_forward(56 * MINUTE)
    kimura.page.route("**/resume", lambda route: route.abort())
    button(kimura).click()
    expect(said(kimura)).to_contain_text("つながりませんでした")
    kimura.page.unroute_all()
    button(kimura).click()
    expect(said(kimura)).to_have_text("サインインを続けました。")
    kimura.faults[:] = [each for each in kimura.faults if "ERR_FAILED" not in each]


def test_without_script_the_head_of_the_page_says_when(browse: OpenBrowser) -> None:
    visit = browse(script=False)
    visit.open("/signin")
    visit.go("木村　由紀子 さんになる")
    expect(visit.page.locator(".masthead__ends")).to_contain_text("自動でサインアウトします")
    expect(visit.page.locator("#ending .button")).to_be_hidden()


def test_a_tab_that_is_used_tells_the_others(kimura: Visit) -> None:
    kimura.page.clock.fast_forward(56 * MINUTE)
    expect(button(kimura)).to_be_visible()
    other = kimura.page.context.new_page()
    other.goto(f"{kimura.base}/my")
    expect(button(kimura)).to_be_hidden()
