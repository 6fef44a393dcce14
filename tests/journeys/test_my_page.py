"""From one filing to the next by pages alone: what was kept is offered, used, shown, and deleted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.journeys.filing import access_code, by_email, case_of, filled, number_of, sign_in, submitted
from tests.journeys.pages import Page, Resident, answered

DOG = case_of("inu-toroku")["answers"]
KEEP = "次の手続きで使えるように、回答を保存する"
OFFER = "2026年11月20日(金)に入力した内容があります"
USE = ("_do", "earlier")


@pytest.fixture
def kazuko(site: TestClient) -> Resident:
    """Signed in by e-mail, whose address the site knows and nothing else."""
    resident = Resident(site)
    by_email(resident, resident.open("/signin"), "kazuko@example.jp")
    return resident


def filed(resident: Resident, *, keep: bool) -> Page:
    """The receipt of a dog's registration."""
    check = filled(resident, "inu-toroku", DOG)
    assert KEEP in check.text
    form = check.form(action="/submit")
    assert [each.checked for each in form.controls if each.name == "_keep"] == [False]
    receipt = resident.press(check, form, {"_keep": ["1"]} if keep else {})
    assert receipt.path.endswith("/receipt")
    return receipt


def owners_step(resident: Resident) -> Page:
    """The step about the keeper of a new registration, with its dog already described."""
    page = resident.open("/procedures/inu-toroku/apply")
    form = page.form(control="_rev")
    return resident.press(page, form, answered(form, DOG), button=("_do", "next"))


def blank(page: Page, name: str) -> bool:
    return [each.value for each in page.form(control="_rev").controls if each.name == name] == [""]


def test_what_was_kept_is_offered_and_filled_in_when_it_is_asked_for(kazuko: Resident) -> None:
    filed(kazuko, keep=True)
    step = owners_step(kazuko)
    assert OFFER in step.text
    assert blank(step, "applicant.phone")
    used = kazuko.press(step, step.form(control="_rev"), {"applicant.phone": ["0173-00-9999"]}, button=USE)
    assert used.path == step.path
    assert OFFER not in used.text
    controls = {each.name: each.value for each in used.form(control="_rev").controls}
    assert controls["applicant.name.family"] == DOG["applicant"]["name"]["family"]
    assert controls["applicant.address.street"] == DOG["applicant"]["address"]["street"]
    assert controls["applicant.phone"] == "0173-00-9999", "what was typed stays"
    form = used.form(control="_rev")
    rest = {"kept_at_home": ["true"]}
    page = kazuko.press(used, form, rest, button=("_do", "next"))
    page = kazuko.press(page, page.form(control="_rev"), {"receive": ["counter"]}, button=("_do", "next"))
    assert page.path.endswith("/check"), page.text
    assert page.text.count("前に入力した内容から") >= 3


def test_nothing_is_kept_of_who_does_not_tick_the_box(kazuko: Resident) -> None:
    filed(kazuko, keep=False)
    assert "保存した回答はありません" in kazuko.open("/my").text
    assert "前に入力した内容を使う" not in owners_step(kazuko).text


def test_what_is_kept_is_listed_and_deleted_for_good(kazuko: Resident) -> None:
    filed(kazuko, keep=True)
    page = kazuko.open("/my")
    for label in ("氏名", "生年月日", "住所", "電話番号", "メールアドレス"):
        assert re.search(rf"{label} ?2026年11月20日\(金\) 10時00分に保存", page.text), label
    assert DOG["applicant"]["phone"] not in page.text, "values are not shown in a list"
    after = kazuko.press(page, page.form(action="/my/earlier/delete"))
    assert "保存した回答はありません" in after.text
    assert "前に入力した内容を使う" not in owners_step(kazuko).text


def test_nobody_else_is_offered_it(kazuko: Resident, another: Callable[[], TestClient]) -> None:
    filed(kazuko, keep=True)
    assert "前に入力した内容を使う" not in owners_step(Resident(another())).text
    hanako = Resident(another())
    sign_in(hanako, "hanako-oidc")
    assert "前に入力した内容を使う" not in owners_step(hanako).text


def test_who_is_not_signed_in_is_not_asked_to_keep_anything(site: TestClient) -> None:
    check = filled(Resident(site), "inu-toroku", DOG)
    assert KEEP not in check.text


def test_people_under_protection_are_not_asked_to_keep_anything(site: TestClient) -> None:
    resident = Resident(site)
    sign_in(resident, "protected-jpki")
    check = filled(resident, "inu-toroku", DOG)
    assert KEEP not in check.text
    receipt = resident.press(check, check.form(action="/submit"), {"_keep": ["1"]})
    assert receipt.path.endswith("/receipt")
    assert "保存した回答はありません" in resident.open("/my").text
    assert "前に入力した内容を使う" not in owners_step(resident).text


def test_an_application_is_withdrawn_from_ones_own_page(kazuko: Resident) -> None:
    receipt = filed(kazuko, keep=False)
    number, code = number_of(receipt), access_code(receipt)
    status = kazuko.open(kazuko.open("/my").link(f"/applications/{number}"))
    asked = kazuko.open(status.link("/withdraw"))
    after = kazuko.press(asked, asked.form(action="/withdraw"), {"reason": ["not_needed"]})
    assert after.path == f"/applications/{number}"
    assert "取り下げました" in after.text
    assert "取り下げました" in kazuko.open("/my").text
    mail = kazuko.open("/sandbox/mail").text
    assert f"取り下げを受け付けました(受付番号 {number})" in mail
    assert code not in mail


def test_an_application_signed_with_a_card_offers_the_box_after_the_card_was_shown(site: TestClient) -> None:
    resident = Resident(site)
    case = case_of("juminhyo-utsushi")
    receipt = submitted(resident, filled(resident, "juminhyo-utsushi", case["answers"]), "jpki-signature")
    assert receipt.path.endswith("/receipt")
    assert "保存した回答はありません" in resident.open("/my").text


def test_the_offer_comes_with_the_questions_when_a_page_is_refreshed_by_script(kazuko: Resident) -> None:
    filed(kazuko, keep=True)
    step = owners_step(kazuko)
    sent = {"_rev": [control.value for control in step.form(control="_rev").controls if control.name == "_rev"]}
    for answers, offered in (({}, True), (answered(step.form(control="_rev"), DOG), False)):
        data = {**sent, **answers, "_do": ["refresh"]}
        part = kazuko.client.post(step.path, data=data, headers={"hx-request": "true"}).text
        assert part.count('<div id="earlier" hx-swap-oob="true">') == 1
        assert ('value="earlier"' in part) is offered
