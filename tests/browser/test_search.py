"""The list of procedures answers while one types."""

from __future__ import annotations

from tests.browser.visit import Visit


def test_results_come_while_one_types_and_are_told(visit: Visit) -> None:
    page = visit.page
    visit.open("/procedures")
    before = page.locator("#results li").count()
    page.locator("#q").press_sequentially("引っ越し", delay=30)
    page.wait_for_url("**/procedures?q=*")
    page.locator("#found", has_text="件見つかりました").wait_for(state="attached")
    assert page.locator("#q").input_value() == "引っ越し"
    assert page.evaluate("document.activeElement.id") == "q"
    assert "引っ越し" in page.locator("#heading").inner_text()
    assert 0 < page.locator("#results .results > li").count() <= before
    page.locator("#q").fill("")
    page.locator("#heading", has_text="手続きの一覧").wait_for()


def test_what_nobody_offers_is_said_with_what_to_do(visit: Visit) -> None:
    visit.open("/procedures")
    visit.page.locator("#q").press_sequentially("xyzzy", delay=10)
    visit.page.get_by_text("あてはまる手続きが見つかりませんでした").wait_for()
    visit.page.locator("#q").press("Enter")
    visit.page.wait_for_load_state()
    assert visit.page.locator("#q").input_value() == "xyzzy"
