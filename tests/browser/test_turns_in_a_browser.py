"""The turns that only a browser takes: tabs, Back, pressing twice, a server that dies, a computer others use too."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenBrowser, Quick
from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.journeys.filing import case_of, declared, filed, filled, ready, sign_in

JUMINHYO, DOG = "juminhyo-utsushi", "inu-toroku"
PHONE = "applicant.phone"


def at_person(visit: Visit) -> Visit:
    """The second step of 住民票."""
    visit.open(f"/procedures/{JUMINHYO}/apply")
    visit.type("acting", "self")
    visit.go("次へ進む")
    return visit


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_of_two_tabs_one_chooses_what_counts(browse: OpenBrowser, script: bool) -> None:
    one = at_person(browse(script=script))
    two, three = one.again(), one.again()
    one.step(calling("0173-11-1111"))
    two.answer(calling("0173-22-2222"))
    assert two.go("次へ進む") == 409
    assert "0173-11-1111" in two.text() and "0173-22-2222" in two.text()
    two.go("選んだ内容で進む")
    assert two.path.endswith("/3")
    three.answer(calling("0173-33-3333"))
    assert three.go("次へ進む") == 409
    assert "0173-22-2222" in three.text() and "0173-33-3333" in three.text()
    three.page.get_by_text("先に保存された内容", exact=True).click()
    three.go("選んだ内容で進む")
    three.open(f"{three.path.rpartition('/')[0]}/2")
    assert three.value(PHONE) == "0173-22-2222"


def calling(phone: str) -> dict[str, Any]:
    """The answers with another telephone number."""
    answers = case_of(JUMINHYO)["answers"]
    return {**answers, "applicant": {**answers["applicant"], "phone": phone}}


def test_back_and_reload_show_what_was_saved(visit: Visit) -> None:
    at_person(visit)
    visit.step(case_of(JUMINHYO)["answers"])
    visit.page.go_back()
    assert visit.path.endswith("/2")
    assert visit.value(PHONE) == "0173-00-0123"
    visit.page.reload()
    assert visit.value(PHONE) == "0173-00-0123"
    visit.page.go_forward()
    assert visit.path.endswith("/3")


def test_a_page_that_came_back_with_errors_can_be_loaded_anew(visit: Visit) -> None:
    at_person(visit)
    visit.type(PHONE, "abc")
    assert visit.go("次へ進む") == 422
    visit.page.reload()
    assert visit.value(PHONE) == "abc"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_server_dies_in_the_middle_and_one_goes_on(browse: OpenBrowser, tmp_path: Path, script: bool) -> None:
    server = Server(tmp_path)
    server.start()
    try:
        visit = at_person(browse(script=script, at=server))
        answers = case_of(JUMINHYO)["answers"]
        visit.step(answers)
        visit.answer(answers)
        server.kill(signal.SIGKILL)
        server.start()
        visit.go("次へ進む")
        assert visit.path.endswith("/4"), visit.text()
        visit.fill(answers)
        assert "津軽　太郎" in visit.text() and "710円" in visit.text()
        assert server.failures() == []
    finally:
        server.kill()


def test_the_button_pressed_twice_sends_once(visit: Visit, quick: Quick) -> None:
    resident = quick(visit)
    check = ready(resident, filled(resident, DOG, case_of(DOG)["answers"]), "email")
    visit.goes_on_for(resident)
    visit.open("/my")
    filed = visit.page.locator("main a[href^='/applications/']").count()  # others filed by this address before
    visit.open(check.path)
    button = visit.found("この内容で送る")
    button.dblclick()
    expect(visit.page).to_have_url(re.compile("/receipt$"))
    receipt = visit.path
    visit.open(check.path)
    assert visit.path == receipt, "the draft's pages lead to the receipt"
    visit.open("/my")
    assert visit.page.locator("main a[href^='/applications/']").count() == filed + 1


def test_the_next_button_pressed_twice_goes_on_once(visit: Visit) -> None:
    at_person(visit)
    visit.answer(case_of(JUMINHYO)["answers"])
    visit.found("次へ進む").dblclick()
    expect(visit.page).to_have_url(re.compile("/3$"))
    assert "別の画面で" not in visit.text()


def test_the_first_step_pressed_twice_makes_one_draft(visit: Visit) -> None:
    visit.open("/procedures/juminhyo-utsushi/apply")
    visit.type("acting", "self")
    made = []
    visit.page.on("request", lambda request: made.append(request.url) if request.method == "POST" else None)
    visit.found("次へ進む").dblclick()
    expect(visit.page).to_have_url(re.compile("/2$"))
    assert len(made) == 1


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_what_was_typed_after_the_session_ended_is_sent_again_once_signed_in(browse: OpenBrowser, script: bool) -> None:
    visit = browse(script=script)
    visit.open("/signin")
    visit.page.locator("button[value=hanako-oidc]").click()
    at_person(visit)
    visit.answer(calling("0173-44-4444"))
    visit.page.context.clear_cookies()
    assert visit.go("次へ進む") == 404
    with visit.page.context.expect_page() as opened:
        visit.page.get_by_role("link", name="サインインする (新しいタブ)").click()
    opened.value.locator("button[value=hanako-oidc]").click()
    opened.value.wait_for_url(re.compile("/drafts/.*/2$"))
    visit.go("もう一度送る")
    assert visit.path.endswith("/3")


def test_a_draft_goes_on_at_another_browser(visit: Visit, browse: OpenBrowser) -> None:
    at_person(visit)
    visit.type("applicant.name.family", "津軽")
    visit.go("保存して中断する")
    code = visit.page.locator(".code dd").first.inner_text()
    other = browse()
    other.open("/resume")
    other.page.get_by_label("再開コード").fill(code.lower())
    other.go("再開する")
    other.go("次へ進む")
    assert other.value("applicant.name.family") == "津軽"
    assert visit.open(other.path) == 404


def test_after_signing_out_nothing_of_the_person_is_left_in_the_browser(visit: Visit, quick: Quick) -> None:
    resident = quick(visit)
    sign_in(resident, "taro-jpki")
    receipt = filed(resident, declared(JUMINHYO), case_of(JUMINHYO))
    visit.goes_on_for(resident)
    seen = [receipt.path, receipt.path.removesuffix("/receipt"), "/my", receipt.link("/payments/")]
    for path in seen:
        assert visit.open(path) == 200
    at_person(visit)
    visit.type(PHONE, "0173-99-9999")
    visit.press("郵便番号から住所を入れる")
    visit.led_by(lambda: visit.page.get_by_role("button", name="サインアウト").click())
    personal = ('action="/signout"', "0173-99-9999", "栄町", "さんとして", receipt.path.split("/")[2])
    for _ in range(len(seen) + 3):
        visit.page.go_back()
        html = visit.page.content()
        assert not [word for word in personal if word in html], visit.path
    visit.open("/")
    stores = "async () => JSON.stringify([{...sessionStorage}, {...localStorage}, await caches.keys()])"
    kept = visit.page.evaluate(stores)
    assert not [word for word in personal if word in kept]
    assert visit.page.context.cookies() == []


def test_leaving_for_the_payment_and_coming_back_loses_nothing(visit: Visit, quick: Quick) -> None:
    resident = quick(visit)
    receipt = filed(resident, declared(JUMINHYO), case_of(JUMINHYO))
    visit.goes_on_for(resident)
    visit.open(receipt.link("/payments/"))
    payment = visit.path
    visit.go("支払い画面に進む")
    visit.page.go_back()
    assert visit.path == payment and "支払いが済みました" not in visit.text()
    visit.page.reload()
    for words, told in (
        ("断られる", "支払いができませんでした"),
        ("あとで払う", "お支払いをお待ちしています"),
        ("支払う", "支払いが済みました"),
    ):
        visit.led_by(visit.page.locator("main a[href$='/go']").click)
        visit.go(words)
        assert visit.path == payment and told in visit.text()
    visit.page.go_back()
    visit.page.wait_for_load_state()
    visit.open(payment)
    assert visit.page.locator("main a[href$='/go']").count() == 0
