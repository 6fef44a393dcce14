"""A resident's own page and the offer of earlier answers, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenBrowser, Quick
from tests.browser.test_accessible_pages import examined
from tests.browser.visit import Visit
from tests.journeys.filing import by_email, case_of, filled

DOG = case_of("inu-toroku")["answers"]
OFFER = "前に入力した内容を使う"


def known(visit: Visit, quick: Quick, address: str) -> str:
    """Somebody who has filed and let their answers be kept: the number of what they filed."""
    resident = quick(visit)
    by_email(resident, resident.open("/signin"), address)
    check = filled(resident, "inu-toroku", DOG)
    receipt = resident.press(check, check.form(action="/submit"), {"_keep": ["1"]})
    assert receipt.path.endswith("/receipt"), receipt.text
    visit.goes_on_for(resident)
    return receipt.path.split("/")[2]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_earlier_answers_are_used_by_pressing_and_stay_when_other_questions_change(
    browse: OpenBrowser, quick: Quick, script: bool
) -> None:
    visit = browse(script=script)
    known(visit, quick, f"earlier-{script}@example.jp".lower())
    visit.open("/procedures/inu-toroku/apply")
    visit.step(DOG)
    visit.type("applicant.phone", "0173-00-9999")
    visit.type("kept_at_home", "false")  # with script another question appears, and the offer stays
    assert visit.asks("location.city") == script
    visit.go(OFFER)
    assert visit.value("applicant.name.family") == DOG["applicant"]["name"]["family"]
    assert visit.value("applicant.phone") == "0173-00-9999"
    assert "前に入力した内容" in visit.text()
    expect(visit.page.get_by_role("button", name=OFFER)).to_have_count(0)


def test_an_offer_goes_when_there_is_nothing_left_to_fill(visit: Visit, quick: Quick) -> None:
    known(visit, quick, "filled@example.jp")
    visit.open("/procedures/inu-toroku/apply")
    visit.step(DOG)
    offer = visit.page.get_by_role("button", name=OFFER)
    expect(offer).to_have_count(1)
    visit.ask_everything(DOG)
    expect(offer).to_have_count(0)


def test_ones_own_page_is_fit_for_everybody_with_many_things_and_with_none(visit: Visit, quick: Quick) -> None:
    number = known(visit, quick, "mine@example.jp")
    visit.open("/procedures/inu-toroku/apply")
    visit.step(DOG)
    visit.open("/my")
    for words in ("消す", "新しいトークンを作る"):
        visit.page.locator("summary").filter(has_text=words).click()
    examined(visit)
    assert visit.go("トークンを作る") == 422
    examined(visit)
    visit.page.get_by_label("名前").fill("会計ソフト")
    assert visit.go("トークンを作る") == 200
    examined(visit)
    visit.go("わたしの申請に戻る")
    visit.page.locator("summary").filter(has_text="消す").click()
    for words in ("この書きかけを消す", "取り消す", "保存した回答を消す"):
        visit.go(words)
        visit.page.locator("main details:not([open]) summary").first.click()
    examined(visit)
    visit.open(f"/applications/{number}")
    visit.go("申請を取り下げる")
    examined(visit)
    visit.go("この申請を取り下げる")
    assert "取り下げました" in visit.text()
    visit.open("/my")
    visit.go("すべてのところからサインアウトする")
    assert visit.path == "/"
    visit.open("/my")
    assert visit.path == "/signin"
