"""The same pages in seven languages at a narrow telephone's width: nothing runs over, axe finds nothing, and whoever
switches in the middle of a form keeps what they typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.looks import LAYOUT, at
from tests.browser.visit import Visit
from tests.web.samples import LANGUAGES

NARROW = {"width": 320, "height": 640}
PAGES = (
    "/",
    "/procedures?life_event=move-in",
    "/procedures/inu-toroku",
    "/procedures/inu-toroku/apply",
    "/life-events/death",
)
SWITCH = ".language summary"


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "ja"])
def test_a_page_is_whole_in_another_language(visit: Visit, code: str) -> None:
    page, language = visit.page, LANGUAGES[code]
    with at(page, NARROW):
        visit.open("/")
        page.locator(SWITCH).click()
        page.get_by_role("link", name=language.name, exact=True).click()
        for path in PAGES:
            visit.open(path)
            expect(page.locator("html")).to_have_attribute("lang", language.tag)
            assert looks.axe(page) == [], path
            assert looks.measured(page, *_measures(code), "order") == [], path
    assert visit.faults == []


def test_switching_in_the_middle_of_a_form_by_keyboard_keeps_what_was_typed(visit: Visit) -> None:
    page = visit.page
    visit.open("/procedures/inu-toroku/apply")
    name = page.locator("[name='dogs.0.name']")
    name.fill("ポチ")
    page.locator(SWITCH).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Tiếng Việt").focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(name).to_have_value("ポチ")
    visit.open("/procedures/inu-toroku")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    assert visit.faults == []


def _measures(code: str) -> tuple[str, ...]:
    """A reading may hang over its neighbours, above them: what lies over what is not asked where there are some."""
    return tuple(each for each in LAYOUT if each != "over" or code != "ja-easy")
