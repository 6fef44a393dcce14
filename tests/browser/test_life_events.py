"""A life event from the first page to the list, at a telephone's width: with script questions follow from answers at
once; axe finds nothing on the way."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.looks import LAYOUT, at
from tests.browser.visit import Visit

TELEPHONE = {"width": 360, "height": 740}


def examined(visit: Visit) -> None:
    assert looks.axe(visit.page) == [], visit.path
    assert looks.measured(visit.page, *LAYOUT, "order") == [], visit.path
    assert looks.small(visit.page, 24) == [], visit.path


def test_a_family_that_moves_in_is_led_to_its_list(visit: Visit) -> None:
    page = visit.page
    with at(page, TELEPHONE):
        visit.open("/")
        page.get_by_role("link", name="市外からの引越し").click()
        examined(visit)
        visit.found("一覧を作る").click()
        expect(page.locator("#errors")).to_be_focused()
        examined(visit)
        page.get_by_label("年", exact=True).fill("2026")
        page.get_by_label("月", exact=True).fill("12")
        page.get_by_label("日", exact=True).fill("1")
        page.get_by_label("日本の、ほかの市区町村").check()
        page.get_by_role("group", name="18歳までの子ども").or_(
            page.get_by_role("radiogroup", name="18歳までの子ども")
        ).get_by_label("はい").check()
        page.get_by_label("高校生の年代").check()
        visit.settle()
        assert page.get_by_label("年", exact=True).input_value() == "2026", "what was typed stays"
        for words in ("ひとり親", "介護の認定", "障害者手帳"):
            page.get_by_role("radiogroup", name=words).get_by_label("いいえ").check()
        page.get_by_label("国民健康保険").check()
        visit.settle()
        visit.found("一覧を作る").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("あなたの手続きは4件です")
        assert "moved_on=2026-12-01" in page.url, "the address says it all, and can be sent to somebody"
        expect(page.get_by_role("button", name="この一覧を印刷する")).to_be_visible()
        page.get_by_text("用意するもの", exact=False).first.click()
        examined(visit)
    assert visit.faults == []
