"""Nothing typed is lost: when the session ended, when two tabs say different things, when a button is pressed twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
from starlette.testclient import TestClient

from server.settings import Settings
from tests.conftest import Clock
from tests.journeys.filing import become, case_of, sign_in
from tests.journeys.pages import Page, Resident, answered, standing
from tests.journeys.test_turns import (
    DOG,
    FAMILY,
    JUMINHYO,
    PHONE,
    applicant,
    base,
    count,
    on,
    second_step,
    step,
    together,
    value,
)

CHILDREN = "jido-teate-nintei-seikyu"
MINE, THEIRS = "123456789018", "987654321093"


@pytest.fixture
def resident(site: TestClient) -> Resident:
    return Resident(site)


# --- the session ended --------------------------------------------------------------------------------------------


def signed_in_at_the_second_step(resident: Resident) -> Page:
    sign_in(resident, "hanako-oidc")
    return second_step(resident)


def test_a_page_sent_after_the_session_ended_comes_back_with_what_was_typed(resident: Resident, clock: Clock) -> None:
    page = signed_in_at_the_second_step(resident)
    clock.now += timedelta(minutes=61)
    lost = on(resident, page, {PHONE: ["0173-11-1111"], FAMILY: ["津軽"]})
    assert lost.status == 404
    assert "0173-11-1111" in lost.text, "it can be read, and copied"
    signin = resident.open(lost.link("/signin?next="))
    assert become(resident, signin, "hanako-oidc").path == page.path
    again = resident.press(lost, lost.form(action=page.path))
    assert again.status == 422, "the same post, with what was still missing on the page"
    assert (value(again, PHONE), value(again, FAMILY)) == ("0173-11-1111", "津軽")


def test_a_whole_page_sent_after_the_session_ended_is_saved_once_signed_in_again(
    resident: Resident, clock: Clock
) -> None:
    page = signed_in_at_the_second_step(resident)
    clock.now += timedelta(minutes=61)
    lost = on(resident, page, applicant())
    become(resident, resident.open(lost.link("/signin?next=")), "hanako-oidc")
    assert resident.press(lost, lost.form(action=page.path)).path == f"{base(page)}/3"


def test_a_draft_of_nobody_goes_on_by_its_code_with_what_was_typed(
    resident: Resident, another: Callable[[], TestClient]
) -> None:
    page = second_step(resident)
    saved = on(resident, page, do="save")
    code = re.findall("[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", saved.text)[0]
    elsewhere = Resident(another())
    lost = on(elsewhere, page, {PHONE: ["0173-11-1111"]})
    assert lost.status == 404
    asked = elsewhere.open(lost.link("/resume"))
    elsewhere.press(asked, asked.form(control="code"), {"code": [code]})
    assert value(elsewhere.press(lost, lost.form(action=page.path)), PHONE) == "0173-11-1111"


def test_a_submission_after_the_session_ended_says_how_to_go_on(resident: Resident, clock: Clock) -> None:
    page = signed_in_at_the_second_step(resident)
    clock.now += timedelta(minutes=61)
    lost = Page(*_answer(resident.client.post(f"{base(page)}/submit", data={"_rev": "2-300"})))
    assert lost.status == 404
    assert lost.link("/signin?next=").endswith(f"{base(page)}/check")
    assert lost.forms == [] or all(form.action != f"{base(page)}/submit" for form in lost.forms), "nothing was typed"


def _answer(response: httpx2.Response) -> tuple[int, str, str]:
    return response.status_code, str(response.url), response.text


def test_what_may_be_a_number_of_a_person_is_sent_again_but_not_shown(resident: Resident) -> None:
    form = {"applicant.my_number": "1234 5678 9018", "applicant.name.family": "津軽", "_do": "next"}
    lost = Page(*_answer(resident.client.post(f"/drafts/{'0' * 32}/2", data=form)))
    assert "津軽" in lost.text
    assert "9018" not in lost.text
    assert dict(standing(lost.form(action="/2")))["applicant.my_number"] == ["1234 5678 9018"]


def test_an_address_that_is_not_there_leads_to_signing_in_and_to_the_codes(resident: Resident) -> None:
    lost = resident.open("/applications/123456789012345")
    assert lost.status == 404
    assert resident.open(lost.link("/signin?next=")).status == 200
    assert resident.open(lost.link("/applications")).status == 200


# --- two tabs -----------------------------------------------------------------------------------------------------


def with_number(resident: Resident) -> tuple[Page, str]:
    """A page of 児童手当 that asks for a 個人番号, and the control's name."""
    page = resident.open(f"/procedures/{CHILDREN}/apply")
    for _ in range(10):
        names = [name for name in step(page).names() if name.endswith("my_number")]
        if names:
            return page, names[0]
        page = on(resident, page, answered(step(page), case_of(CHILDREN)["answers"]))
    raise AssertionError(page.url)


def typed_on(page: Page, name: str, number: str) -> dict[str, list[str]]:
    return answered(step(page), case_of(CHILDREN)["answers"]) | {name: [number]}


def test_two_numbers_typed_in_two_tabs_meet_and_the_resident_chooses(resident: Resident, settings: Settings) -> None:
    page, name = with_number(resident)
    first = on(resident, page, typed_on(page, name, THEIRS))
    both = on(resident, page, typed_on(page, name, MINE))
    assert both.status == 409
    assert "この画面で入力した番号" in both.text and "先に保存された番号" in both.text
    assert MINE not in both.text and THEIRS not in both.html
    assert on(resident, both).path == first.path
    assert on(resident, page, typed_on(page, name, MINE)).path == first.path, "the number chosen is the one that stands"
    assert on(resident, page, typed_on(page, name, THEIRS)).status == 409


def test_of_two_numbers_the_one_saved_first_can_be_kept(resident: Resident) -> None:
    page, name = with_number(resident)
    first = on(resident, page, typed_on(page, name, THEIRS))
    both = on(resident, page, typed_on(page, name, MINE))
    kept = on(resident, both, {f"_pick./{name.replace('.', '/')}": ["theirs"]})
    assert kept.path == first.path
    assert on(resident, page, typed_on(page, name, THEIRS)).path == first.path, "it is still the one that stands"
    assert on(resident, page, typed_on(page, name, MINE)).status == 409


def test_the_same_number_sent_twice_is_no_conflict(resident: Resident) -> None:
    page, name = with_number(resident)
    first = on(resident, page, typed_on(page, name, MINE))
    again = on(resident, page, typed_on(page, name, MINE))
    assert (again.status, again.path) == (200, first.path)


@pytest.mark.parametrize("button", ["save", "back", "signin"])
def test_a_number_that_cannot_be_kept_is_told_whichever_button_was_pressed(resident: Resident, button: str) -> None:
    page, name = with_number(resident)
    wrong = MINE[:-1] + str((int(MINE[-1]) + 1) % 10)
    told = on(resident, page, typed_on(page, name, wrong), do=button)
    assert (told.status, told.path, value(told, name)) == (422, page.path, wrong)
    assert "カードや通知を見て、12桁の数字を入力してください" in told.text
    assert on(resident, told, {name: [""]}, do="save").status == 200


def test_of_two_tabs_each_answer_can_be_taken_from_either(resident: Resident) -> None:
    tab = second_step(resident)
    on(resident, tab, applicant() | {PHONE: ["0173-11-1111"], FAMILY: ["先"]})
    both = on(resident, tab, applicant() | {PHONE: ["0173-22-2222"], FAMILY: ["後"]})
    assert both.status == 409
    merged = on(resident, both, {"_pick./applicant/name": ["theirs"]})
    assert merged.path.endswith("/3")
    page = resident.open(tab.url)
    assert (value(page, FAMILY), value(page, PHONE)) == ("先", "0173-22-2222")


def test_of_two_lists_of_different_length_one_is_taken_whole(resident: Resident) -> None:
    page = on(resident, resident.open(f"/procedures/{DOG}/apply"), {"dogs.0.name": ["ポチ"]}, do="save")
    tab = resident.open(page.link("/drafts/"))
    two = on(resident, tab, do="add:/dogs")
    on(resident, two, {"dogs.1.name": ["タマ"]}, do="save")
    both = on(resident, tab, {"dogs.0.name": ["シロ"]}, do="save")
    assert both.status == 409
    assert "タマ" in both.text and "シロ" in both.text
    on(resident, both, {"_pick./dogs": ["theirs"]})
    page = resident.open(tab.url)
    assert (value(page, "dogs.0.name"), value(page, "dogs.1.name")) == ("ポチ", "タマ")


@pytest.mark.parametrize(
    "pointer", ["/nothing", "/dogs/99999999999999999999/name", "/dogs/-1", "", "/applicant/name/family/x"]
)
def test_a_choice_of_what_nobody_was_asked_changes_nothing(resident: Resident, pointer: str) -> None:
    page = second_step(resident)
    assert on(resident, page, applicant() | {f"_pick.{pointer}": ["theirs"]}).path.endswith("/3")


# --- pressed twice ------------------------------------------------------------------------------------------------


def test_the_first_step_pressed_twice_makes_one_draft(resident: Resident, settings: Settings) -> None:
    resident.open("/signin")
    sign_in(resident, "hanako-oidc")
    page = resident.open(f"/procedures/{JUMINHYO}/apply")
    once = on(resident, page, {"acting": ["self"]})
    twice = on(resident, page, {"acting": ["self"]})
    assert once.path == twice.path
    assert count(settings, "draft") == 1


def test_another_first_step_or_one_gone_on_with_makes_a_draft_of_its_own(
    resident: Resident, settings: Settings
) -> None:
    page = resident.open(f"/procedures/{JUMINHYO}/apply")
    once = on(resident, page, {"acting": ["self"]})
    other = on(resident, page, {"acting": ["proxy"]})
    assert base(once) != base(other)
    on(resident, once, {FAMILY: ["津軽"]}, do="save")
    assert base(on(resident, page, {"acting": ["self"]})) not in (base(once), base(other))
    assert count(settings, "draft") == 3


def test_pressed_many_times_at_the_same_moment_it_is_one_draft(
    resident: Resident, another: Callable[[], TestClient], settings: Settings
) -> None:
    sign_in(resident, "hanako-oidc")
    page = resident.open(f"/procedures/{JUMINHYO}/apply")
    body = dict(standing(step(page))) | {"acting": ["self"], "_do": ["next"]}
    answers = together(resident, another, [lambda client: client.post(page.url, data=body)] * 5)
    assert {each.url.path for each in answers} == {answers[0].url.path}
    assert count(settings, "draft") == 1
