"""Three procedures from the guide page to the status, in a real browser, with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenBrowser
from tests.browser.visit import Visit
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


def keyed(visit: Visit, name: str, text: str) -> None:
    """Tab to a control as somebody does who has no mouse, and answer it."""
    keys, here = visit.page.keyboard, "() => document.activeElement.name ?? ''"
    for _ in range(60):
        keys.press("Tab")
        if visit.page.evaluate(here) == name:
            break
    assert visit.page.evaluate(here) == name, f"no way to {name} by Tab"
    kind = visit.page.evaluate("() => document.activeElement.type")
    chosen = "() => document.activeElement.selectedOptions?.[0].text ?? document.activeElement.value"
    if kind in ("radio", "select-one"):
        keys.press(" ") if kind == "radio" else None
        for _ in range(50):
            if visit.page.evaluate(chosen).startswith(text):
                break
            keys.press("ArrowDown")
            visit.settle()
        assert visit.page.evaluate(chosen).startswith(text)
    else:
        keys.press("Control+A")
        keys.insert_text(text)
    visit.settle()


def pressed(visit: Visit, words: str) -> None:
    """Tab to a button or a link, and press it."""
    named = "() => (document.activeElement.innerText || '').trim()"
    for _ in range(60):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate(named).startswith(words):
            visit.led_by(lambda: visit.page.keyboard.press("Enter"))
            return
    raise AssertionError(f"no way to {words} by Tab on {visit.path}")


def test_a_form_is_filled_in_signed_and_sent_by_the_keyboard_alone(browse: OpenBrowser) -> None:
    visit = browse()
    visit.open("/procedures/juminhyo-utsushi")
    pressed(visit, "申請を始める")
    keyed(visit, "acting", "self")
    pressed(visit, "次へ進む")
    address = {
        "postal_code": "037-0046",
        "prefecture": "青森県",
        "city": "五所川原市",
        "town": "栄町",
        "street": "41-1",
    }
    typed = {
        "name.family": "津軽",
        "name.given": "太郎",
        "name.family_kana": "つがる",
        "name.given_kana": "たろう",
        "birthdate.era": "平成",
        "birthdate.year": "1",
        "birthdate.month": "4",
        "birthdate.day": "2",
        **{f"address.{name}": text for name, text in address.items()},
        "phone": "0173-00-0123",
    }
    for name, text in typed.items():
        keyed(visit, f"applicant.{name}", text)
    visit.led_by(lambda: visit.page.keyboard.press("Enter"))  # Enter in a box goes on, as it does everywhere
    keyed(visit, "extent", "all")
    keyed(visit, "copies", "2")
    pressed(visit, "次へ進む")
    keyed(visit, "purpose", "勤務先")
    keyed(visit, "receive", "post")
    pressed(visit, "次へ進む")
    assert "平成元年4月2日" in visit.text() and "710円" in visit.text()
    for words in (
        "サインインへ進む",
        "津軽　太郎 さん",
        "電子署名へ進む",
        "電子署名を始める",
        "署名する",
        "この内容で送る",
    ):
        pressed(visit, words)
    assert "申請を受け取りました" in visit.text()
