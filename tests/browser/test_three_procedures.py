"""Three procedures from the guide page to the status, in a real browser, with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenBrowser
from tests.journeys.filing import case_of

with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@with_and_without_script
def test_a_friend_asks_for_three_copies_with_a_card_a_signature_and_a_payment(
    browse: OpenBrowser, script: bool
) -> None:
    visit = browse(script=script)
    case = case_of("juminhyo-utsushi", 1)
    visit.open("/procedures/juminhyo-utsushi")
    visit.go("申請を始める")
    visit.fill(case["answers"] | {"copies": 3}, {"ininjo": 2})
    assert "ininjo-1.pdf、ininjo-2.pdf" in visit.text()
    assert "300円 × 3通" in visit.text() and "900円" in visit.text()
    visit.go("サインインへ進む")
    visit.go("津軽　太郎 さんになる")
    visit.go("電子署名へ進む")
    visit.go("電子署名を始める")
    assert visit.path.startswith("/sandbox/sign/")
    visit.go("署名する")
    visit.go("この内容で送る")
    assert re.fullmatch(r"/applications/[0-9]{15}/receipt", visit.path)
    assert "申請を受け取りました" in visit.text() and "900円" in visit.text()
    visit.go("支払いへ進む")
    visit.go("支払い画面に進む")
    visit.go("支払う")
    assert "支払いが済みました" in visit.text()
    visit.go("申請の状況を見る")
    assert "申請が届きました" in visit.text()


@with_and_without_script
def test_three_dogs_are_registered_with_an_address_of_mail_alone(browse: OpenBrowser, script: bool) -> None:
    visit = browse(script=script)
    case = case_of("inu-toroku", 1)
    visit.open("/procedures/inu-toroku")
    visit.go("申請を始める")
    visit.fill(case["answers"], case["attachments"])
    text = visit.text()
    assert all(name in text for name in ("ポチ", "はな", "クロ", "ラブラドール・レトリーバー", "9,140円"))
    visit.go("サインインへ進む")
    visit.go("メールアドレスで進む")
    visit.page.get_by_label("メールアドレス").fill("kazuko@example.jp")
    visit.go("番号を送る")
    typed = visit.page.url
    visit.open("/sandbox/mail")
    code = re.findall(r"(?<![0-9])[0-9]{6}(?![0-9])", visit.text())[0]
    visit.page.goto(typed)
    visit.page.get_by_label("6桁の番号").fill(code)
    visit.go("サインインする")
    visit.go("この内容で送る")
    assert "申請を受け取りました" in visit.text()


@with_and_without_script
def test_an_allowance_for_two_children_is_claimed(browse: OpenBrowser, script: bool) -> None:
    visit = browse(script=script)
    case = case_of("jido-teate-nintei-seikyu", 1)
    files = dict.fromkeys(("ininjo", "shikaku", "bekkyo", "kakuninsho", "koza"), 1)
    visit.open("/procedures/jido-teate-nintei-seikyu")
    visit.go("申請を始める")
    visit.fill(case["answers"], files)
    text = visit.text()
    assert all(words in text for words in ("りんご", "昇", "海", "見本銀行", "0123456", "koza-1.pdf"))
    assert text.count("入力済み") == 3 and "123456789018" not in visit.page.content()
    visit.go("サインインへ進む")
    visit.go("津軽　太郎 さんになる")
    visit.go("電子署名へ進む")
    visit.go("電子署名を始める")
    visit.go("署名する")
    visit.go("この内容で送る")
    assert "申請を受け取りました" in visit.text()
    assert "手数料" not in visit.text()


@with_and_without_script
def test_the_card_fills_in_the_applicant_and_one_goes_on_from_there(browse: OpenBrowser, script: bool) -> None:
    visit = browse(script=script)
    visit.open("/signin")
    visit.go("木村　由紀子 さんになる")
    visit.open("/procedures/juminhyo-utsushi")
    visit.go("申請を始める")
    visit.type("acting", "self")
    visit.go("次へ進む")
    assert (visit.value("applicant.name.family"), visit.value("applicant.name.given")) == ("木村", "由紀子")
    expect(visit.page.get_by_role("status").filter(has_text="マイナンバーカードの情報を入れました")).to_be_visible()
    visit.type("applicant.phone", "0173-00-0123")
    visit.fill({"extent": "all", "copies": 1, "purpose": "work", "receive": "counter"})
    assert "電子署名へ進む" in visit.text()
