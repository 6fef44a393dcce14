"""The turns a resident takes: two tabs, back again, another device, another person, a card, a changed mind, money."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from server.settings import Settings
from tests.conftest import Clock
from tests.journeys.conftest import running
from tests.journeys.filing import (
    access_code,
    at_the_till,
    become,
    by_email,
    case_of,
    declared,
    filed,
    filled,
    library,
    number_of,
    ready,
    sign_in,
    submitted,
)
from tests.journeys.pages import PDF, Page, PageForm, Resident, answered, fill, standing
from tests.security.declarations import declared as procedure

OpenBrowser = Callable[[], TestClient]
JUMINHYO, DOG, CHILDREN = "juminhyo-utsushi", "inu-toroku", "jido-teate-nintei-seikyu"
FAMILY, GIVEN, PHONE = "applicant.name.family", "applicant.name.given", "applicant.phone"


@pytest.fixture
def resident(site: TestClient) -> Resident:
    return Resident(site)


@pytest.fixture
def newcomer(another: OpenBrowser) -> Callable[[], Resident]:
    """Somebody at another browser."""
    return lambda: Resident(another())


def step(page: Page) -> PageForm:
    return page.form(control="_rev")


def on(resident: Resident, page: Page, values: dict[str, list[str]] | None = None, do: str = "next") -> Page:
    """Press a button of a step."""
    return resident.press(page, step(page), values, button=("_do", do))


def second_step(resident: Resident, acting: str = "self") -> Page:
    """住民票: who acts is answered, the applicant is asked."""
    page = on(resident, resident.open(f"/procedures/{JUMINHYO}/apply"), {"acting": [acting]})
    assert page.path.endswith("/2"), page.text
    return page


def value(page: Page, name: str) -> str:
    """What stands in a control."""
    return next(control.value for control in step(page).controls if control.name == name)


def base(page: Page) -> str:
    """The address of the page's draft."""
    found = re.search("/drafts/[0-9a-z]+", page.url)
    assert found is not None, page.url
    return found[0]


def applicant() -> dict[str, list[str]]:
    """Everything about the applicant, as typed into the second step of 住民票."""
    answers = case_of(JUMINHYO)["answers"]["applicant"]
    flat = {f"applicant.name.{name}": [text] for name, text in answers["name"].items()}
    flat |= {f"applicant.address.{name}": [text] for name, text in answers["address"].items()}
    date = {".era": "ad", ".year": "1989", ".month": "4", ".day": "2"}
    return flat | {f"applicant.birthdate{part}": [text] for part, text in date.items()} | {PHONE: [answers["phone"]]}


def count(settings: Settings, table: str) -> int:
    """Rows in the store."""
    database = sqlite3.connect(settings.database_url.removeprefix("sqlite:///"))
    try:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    finally:
        database.close()


# --- two tabs, back, again ----------------------------------------------------------------------------------------


def test_two_tabs_that_say_different_things_are_both_shown_and_nothing_is_lost(resident: Resident) -> None:
    tab = second_step(resident)
    typed = applicant()
    first = on(resident, tab, typed | {PHONE: ["0173-11-1111"]})
    assert first.path.endswith("/3")
    second = on(resident, tab, typed | {PHONE: ["0173-22-2222"]})
    assert second.status == 409
    assert "0173-11-1111" in second.text and "0173-22-2222" in second.text
    assert "電話番号" in second.text and "市区町村" not in second.text, "only what differs"
    theirs = resident.open(second.link(base(tab)))
    assert value(theirs, PHONE) == "0173-11-1111"
    mine = resident.press(second, second.form(control="_rev"), button=("_do", "next"))
    assert mine.path.endswith("/3")
    assert value(resident.open(tab.url), PHONE) == "0173-22-2222"


def test_the_same_page_sent_twice_goes_on_as_if_sent_once(resident: Resident) -> None:
    tab = second_step(resident)
    assert on(resident, tab, applicant()).path.endswith("/3")
    again = on(resident, tab, applicant())
    assert (again.status, again.path) == (200, f"{base(tab)}/3")


def test_of_two_tabs_at_the_same_moment_neither_is_lost_unseen(resident: Resident, another: OpenBrowser) -> None:
    tab = second_step(resident)
    phones = [f"0173-00-{i:04}" for i in range(6)]
    answers = [
        each.text + str(each.status_code)
        for each in at_once(resident, another, tab, [applicant() | {PHONE: [phone]} for phone in phones])
    ]
    stands = value(resident.open(tab.url), PHONE)
    told = [phone for phone, text in zip(phones, answers, strict=True) if phone in text]
    assert stands in phones
    assert set(phones) - {stands} <= set(told), "whoever was too late is shown what they typed"


def at_once(
    resident: Resident, another: OpenBrowser, page: Page, typed: list[dict[str, list[str]]]
) -> list[httpx2.Response]:
    """The same step sent several times at the same moment, by one browser."""
    form = step(page)
    bodies = [dict(standing(form)) | each | {"_do": ["next"]} for each in typed]
    if form.enctype == "multipart/form-data":
        files = [("_none", ("", b"", "application/octet-stream"))]
        posts = [lambda client, body=body: client.post(page.url, data=body, files=files) for body in bodies]
    else:
        posts = [lambda client, body=body: client.post(page.url, data=body) for body in bodies]
    return together(resident, another, posts)


def together(resident: Resident, another: OpenBrowser, posts: list[Any]) -> list[httpx2.Response]:
    clients = [another() for _ in posts]
    for client in clients:
        client.cookies.update(resident.client.cookies)
    with ThreadPoolExecutor(len(posts)) as pool:
        return list(pool.map(lambda pair: pair[0](pair[1]), zip(posts, clients, strict=True)))


def test_going_back_and_reloading_show_what_was_saved(resident: Resident) -> None:
    tab = second_step(resident)
    third = on(resident, tab, applicant())
    back = on(resident, third, {"copies": ["7"]}, do="back")
    assert back.path.endswith("/2")
    assert value(back, FAMILY) == "津軽"
    assert value(resident.open(third.url), "copies") == "7", "what stood on the page one left is kept"
    assert resident.open(third.url).html == resident.open(third.url).html


def test_going_back_asks_for_nothing(resident: Resident) -> None:
    tab = second_step(resident)
    back = on(resident, tab, {FAMILY: ["津"]}, do="back")
    assert (back.status, back.path) == (200, f"{base(tab)}/1")
    assert value(resident.open(tab.url), FAMILY) == "津"


@pytest.mark.parametrize("slug", [JUMINHYO, DOG])
def test_submitting_twice_at_once_makes_one_application_and_the_same_receipt(
    resident: Resident, another: OpenBrowser, settings: Settings, slug: str
) -> None:
    declaration, case = declared(slug), case_of(slug)
    check = filled(resident, slug, case["answers"], case.get("attachments"))
    page = ready(resident, check, declaration.assurance.value)
    form = page.form(action="/submit")
    body = dict(standing(form))
    post = [lambda client: client.post(form.action, data=body)] * 5
    receipts = {Page(each.status_code, str(each.url), each.text).path for each in together(resident, another, post)}
    assert len(receipts) == 1 and next(iter(receipts)).endswith("/receipt")
    assert count(settings, "application") == 1
    assert count(settings, "debt") == 1
    later = resident.press(page, form)
    assert later.path in receipts
    assert resident.open(check.url).path in receipts, "the draft's own pages lead to the receipt from now on"


def test_what_changed_in_another_tab_after_the_check_is_not_submitted_unseen(
    resident: Resident, settings: Settings
) -> None:
    case = case_of(DOG)
    check = ready(resident, filled(resident, DOG, case["answers"]), "email")
    dogs = resident.open(f"{base(check)}/1")
    on(resident, dogs, {"dogs.0.name": ["タマ"]})
    told = resident.press(check, check.form(action="/submit"))
    assert told.status == 409
    assert "内容か手数料が変わりました" in told.text and "タマ" in told.text
    assert count(settings, "application") == 0
    assert resident.press(told, told.form(action="/submit")).path.endswith("/receipt")


# --- errors -------------------------------------------------------------------------------------------------------


def test_a_page_with_errors_keeps_everything_that_was_typed_and_picked(resident: Resident) -> None:
    page = on(resident, resident.open(f"/procedures/{DOG}/apply"), do="add:/dogs")
    typed = {
        "dogs.0.name": ["ポチ"],
        "dogs.0.sex": ["female"],
        "dogs.0.birthdate.era": ["reiwa"],
        "dogs.0.birthdate.year": ["7"],
        "dogs.0.birthdate.month": ["13"],
        "dogs.0.birthdate.day": ["1"],
        "dogs.1.name": ["タマ"],
        "dogs.1.microchip": ["true"],
        "dogs.1.microchip_number": ["１２３"],
    }
    wrong = on(resident, page, typed)
    assert wrong.status == 422
    shown = {name: values[-1:] for name, values in standing(step(wrong))}
    assert {name: shown[name] for name in typed} == typed | {"dogs.1.microchip_number": ["123"]}
    assert "f-dogs-0-birthdate-error" in wrong.ids


def test_a_first_step_with_errors_makes_no_draft_and_no_session(resident: Resident, settings: Settings) -> None:
    page = resident.open(f"/procedures/{JUMINHYO}/apply")
    assert on(resident, page).status == 422
    assert count(settings, "draft") == count(settings, "session") == 0
    assert not resident.client.cookies


def test_each_line_of_the_summary_says_whose_answer_is_meant(resident: Resident) -> None:
    two_people = on(resident, second_step(resident, "proxy"))
    lines = [text for text, href in two_people.links if href.startswith("#f-")]
    assert len(lines) == len(set(lines)) == 18
    assert "代理人: 姓を入力してください" in lines
    dogs = on(resident, resident.open(f"/procedures/{DOG}/apply"), {"dogs.0.breed": ["柴犬"]}, do="add:/dogs")
    two_dogs = on(resident, dogs, {"dogs.1.breed": ["雑種"]})
    lines = [text for text, href in two_dogs.links if href.startswith("#f-")]
    assert "登録する犬 2: 犬の名を入力してください" in lines


def test_an_error_is_gone_once_it_is_mended(resident: Resident) -> None:
    wrong = on(resident, second_step(resident), applicant() | {PHONE: ["abc"]})
    assert [href for _, href in wrong.links if href.startswith("#f-")] == ["#f-applicant-phone"]
    assert on(resident, wrong, {PHONE: ["０１７３－００－０１２３"]}).path.endswith("/3")


def test_what_was_typed_is_still_there_when_it_could_not_be_saved(resident: Resident, settings: Settings) -> None:
    page = second_step(resident)
    other = sqlite3.connect(settings.database_url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")  # another process holds the one place where writing is done
        refused = on(resident, page, applicant() | {PHONE: ["0173-11-1111"]})
    finally:
        other.close()
    assert refused.status == 503
    assert "いまは保存できませんでした" in refused.text
    assert (value(refused, FAMILY), value(refused, PHONE)) == ("津軽", "0173-11-1111")
    assert on(resident, refused).path.endswith("/3"), "pressed again, it is saved"


def test_what_was_typed_is_still_there_when_a_file_could_not_be_kept(resident: Resident, settings: Settings) -> None:
    page = second_step(resident, "proxy")
    (settings.data_dir / "blobs").write_text("a full disk")
    refused = resident.press(page, step(page), {FAMILY: ["津軽"]}, button=("_do", "next"), files=files("a.pdf"))
    assert refused.status == 503
    assert value(refused, FAMILY) == "津軽"


# --- what is not asked --------------------------------------------------------------------------------------------


def test_what_is_no_longer_asked_is_listed_as_not_sent(resident: Resident) -> None:
    case = case_of(JUMINHYO, 1)
    check = filled(resident, JUMINHYO, case["answers"], case["attachments"])
    assert "送られない内容" not in check.text and "奨学金の申込み" in check.text
    last = resident.open(f"{base(check)}/4")
    again = on(resident, last, {"purpose": ["work"]})
    left_out = again.text.partition("送られない内容")[2]
    assert "くわしい使いみち" in left_out and "奨学金の申込み" in left_out
    receipt = submitted(resident, again, "jpki-signature")
    assert "奨学金の申込み" not in receipt.text


def test_an_answer_that_was_not_asked_meanwhile_is_there_when_it_is_asked_again(resident: Resident) -> None:
    case = case_of(JUMINHYO, 1)
    check = filled(resident, JUMINHYO, case["answers"], case["attachments"])
    last = resident.open(f"{base(check)}/4")
    on(resident, last, {"purpose": ["work"]})
    back = on(resident, resident.open(last.url), {"purpose": ["other"]}, do="refresh")
    assert value(back, "purpose_other") == "奨学金の申込み"


@pytest.fixture
def by_post(settings: Settings, clock: Clock) -> Iterator[Resident]:
    """Somebody at a procedure whose second step is asked only of those who want it by post."""
    to = {"to": {"type": "string", "title": "送り先", "maxLength": 50}}
    post = {"properties": {"way": {"const": "post"}}, "required": ["way"]}
    asked = {"if": post, "then": {"properties": to, "required": ["to"]}}
    way = {"title": "受取方法", "oneOf": [{"const": "post", "title": "郵送"}, {"const": "desk", "title": "窓口"}]}
    note = {"type": "string", "title": "用件", "maxLength": 50}
    schema = {"type": "object", "properties": {"way": way, "note": note}, "required": ["way", "note"], "allOf": [asked]}
    steps = [{"title": name, "fields": [f"/{name}"]} for name in ("way", "to", "note")]
    own = procedure("tegami", schema=schema, ui={"steps": steps}, attachments=[])
    with running(settings, replace(library(), declarations={own.slug: own}), clock) as client:
        yield Resident(client)


def test_a_step_on_which_nothing_is_asked_is_passed_over(by_post: Resident) -> None:
    page = on(by_post, by_post.open("/procedures/tegami/apply"), {"way": ["desk"]})
    assert page.path.endswith("/3") and "全3ステップの2番目" in page.text
    assert on(by_post, page, do="back").path.endswith("/1")
    check = on(by_post, by_post.open(page.url), {"note": ["用"]})
    assert check.path.endswith("/check")
    unasked = by_post.open(f"{base(check)}/2")
    assert unasked.status == 200
    assert unasked.path.endswith("/3"), "an old address leads to what is asked now"


def test_what_another_tab_changed_may_take_a_step_away(by_post: Resident) -> None:
    first = by_post.open("/procedures/tegami/apply")
    second = on(by_post, first, {"way": ["post"]})
    assert second.path.endswith("/2")
    on(by_post, by_post.open(f"{base(second)}/1"), {"way": ["desk"]})
    late = on(by_post, second, {"to": ["東京"]})
    assert late.status in (200, 409)
    assert by_post.open(f"{base(second)}/check").status == 200


@pytest.fixture
def more(settings: Settings, clock: Clock) -> Iterator[Resident]:
    """Somebody at a page where an answer brings up questions that may be left blank."""
    pet = {"title": "動物", "oneOf": [{"const": "dog", "title": "犬"}, {"const": "none", "title": "いない"}]}
    name = {"type": "string", "title": "犬の名", "maxLength": 20}
    big = {"title": "大きさ", "oneOf": [{"const": "big", "title": "大きい"}, {"const": "small", "title": "小さい"}]}
    dog = {"properties": {"pet": {"const": "dog"}}, "required": ["pet"]}
    asked = {"if": dog, "then": {"properties": {"size": big, "name": name}}}
    schema = {"type": "object", "properties": {"pet": pet}, "required": ["pet"], "allOf": [asked]}
    steps = [{"title": "動物", "fields": ["/pet", "/size", "/name"]}]
    own = procedure("doubutsu", schema=schema, ui={"steps": steps}, attachments=[])
    with running(settings, replace(library(), declarations={own.slug: own}), clock) as client:
        yield Resident(client)


def test_a_question_that_an_answer_brings_up_is_shown_before_one_goes_on(more: Resident) -> None:
    first = more.open("/procedures/doubutsu/apply")
    again = on(more, first, {"pet": ["dog"]})
    assert again.path.endswith("/1") and again.url.endswith("#f-size")
    assert {"size", "name"} <= again.form(control="_rev").names()
    assert on(more, again).path.endswith("/check"), "they may be left blank, and are not shown a third time"


def test_a_question_that_goes_away_keeps_nobody(more: Resident) -> None:
    again = on(more, more.open("/procedures/doubutsu/apply"), {"pet": ["dog"]})
    assert on(more, again, {"pet": ["none"]}).path.endswith("/check")


def test_whoever_has_seen_the_new_questions_by_script_goes_on_at_once(more: Resident) -> None:
    first = more.open("/procedures/doubutsu/apply")
    sent = {"_rev": [""], "pet": ["dog"]}
    part = more.client.post(first.path, data={**sent, "_do": ["refresh"]}, headers={"hx-request": "true"}).text
    (mark,) = re.findall('name="_asked" id="asked" value="([0-9a-f]{8})" hx-swap-oob="true"', part)
    after = more.client.post(first.path, data={**sent, "_asked": [mark], "name": [""], "_do": ["next"]})
    assert after.url.path.endswith("/check")


# --- rows, addresses, files ---------------------------------------------------------------------------------------


def test_a_row_is_added_filled_in_and_taken_away(resident: Resident) -> None:
    page = on(resident, resident.open(f"/procedures/{DOG}/apply"), {"dogs.0.name": ["ポチ"]}, do="add:/dogs")
    page = on(resident, page, {"dogs.1.name": ["タマ"]}, do="add:/dogs")
    page = on(resident, page, {"dogs.2.name": ["クロ"]}, do="remove:/dogs/1")
    assert [value(page, f"dogs.{i}.name") for i in (0, 1)] == ["ポチ", "クロ"]
    assert "dogs.2.name" not in step(page).names()


def test_there_are_no_more_rows_than_the_procedure_takes(resident: Resident) -> None:
    page = resident.open(f"/procedures/{DOG}/apply")
    while step(page).has_button("_do", "add:/dogs"):
        page = on(resident, page, do="add:/dogs")
    assert {name for name in step(page).names() if name.endswith(".colour")} == {f"dogs.{i}.colour" for i in range(10)}


def test_the_one_row_that_must_be_there_cannot_be_taken_away(resident: Resident) -> None:
    page = resident.open(f"/procedures/{DOG}/apply")
    assert not any(button.value.startswith("remove:") for button in step(page).buttons)


def test_a_postal_code_fills_in_the_address(resident: Resident) -> None:
    page = second_step(resident)
    found = on(resident, page, {"applicant.address.postal_code": ["０３７－００４６"]}, do="lookup:/applicant/address")
    assert value(found, "applicant.address.prefecture") == "02"
    assert value(found, "applicant.address.city") == "五所川原市"
    assert value(found, "applicant.address.town") == "栄町"


def test_of_several_towns_one_is_picked(resident: Resident) -> None:
    page = second_step(resident)
    several = on(resident, page, {"applicant.address.postal_code": ["498-0000"]}, do="lookup:/applicant/address")
    offered = [button.value for button in step(several).buttons if button.value.startswith("town:")]
    assert len(offered) > 1
    picked = on(resident, several, do=offered[1])
    assert value(picked, "applicant.address.city") != ""
    assert not any(button.value.startswith("town:") for button in step(picked).buttons)


def test_a_postal_code_that_nobody_has_changes_nothing(resident: Resident) -> None:
    typed = {"applicant.address.postal_code": ["000-0000"], "applicant.address.city": ["見本市"]}
    page = on(resident, second_step(resident), typed, do="lookup:/applicant/address")
    assert page.status == 200
    assert value(page, "applicant.address.city") == "見本市"


def files(*names: str, content: bytes = PDF, kind: str = "application/pdf") -> dict[str, Any]:
    return {"attachment.ininjo": [(name, content, kind) for name in names]}


def test_a_file_is_kept_named_opened_and_taken_away(resident: Resident, newcomer: Callable[[], Resident]) -> None:
    page = second_step(resident, "proxy")
    page = resident.press(page, step(page), button=("_do", "upload:ininjo"), files=files("委任状 太郎.pdf"))
    href = next(href for text, href in page.links if text == "委任状 太郎.pdf")
    answer = resident.client.get(href)
    assert answer.content == PDF
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert newcomer().open(href).status == 404
    gone = on(resident, page, do=f"detach:{href.rpartition('/')[2]}")
    assert "委任状 太郎.pdf" not in gone.text
    assert resident.open(href).status == 404


def test_files_are_kept_when_the_page_comes_back_with_errors(resident: Resident) -> None:
    page = second_step(resident, "proxy")
    wrong = resident.press(page, step(page), button=("_do", "next"), files=files("a.pdf", "b.pdf"))
    assert wrong.status == 422
    assert "a.pdf" in wrong.text and "b.pdf" in wrong.text
    assert "f-attachment-ininjo-error" not in wrong.ids


def test_a_file_that_came_with_a_first_step_full_of_errors_is_asked_for_again(resident: Resident) -> None:
    first = resident.open(f"/procedures/{DOG}/apply")
    chipped = {"dogs.0.microchip": ["true"], "dogs.0.microchip_registered": ["true"]}
    asked = on(resident, on(resident, first, chipped, do="refresh"), chipped, do="refresh")
    sent = {"attachment.microchip.0": [("a.pdf", PDF, "application/pdf")]}
    wrong = resident.press(asked, step(asked), chipped, button=("_do", "next"), files=sent)
    assert wrong.status == 422
    assert "f-attachment-microchip-0-error" in wrong.ids


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "中身がありません"),
        (b"GIF89a", "使えない種類"),
        (b"<html><script>alert(1)</script>", "使えない種類"),
        (b"%PDF-" + b"x" * (11 << 20), "10MB"),
    ],
    ids=["empty", "picture of another kind", "page", "too large"],
)
def test_a_file_that_does_not_fit_is_named_beside_its_question_and_the_rest_is_kept(
    resident: Resident, content: bytes, words: str
) -> None:
    page = second_step(resident, "proxy")
    sent = files("a.pdf", content=content)
    wrong = resident.press(page, step(page), {FAMILY: ["津軽"]}, button=("_do", "next"), files=sent)
    assert wrong.status == 422
    assert value(wrong, FAMILY) == "津軽"
    told = [text for text, href in wrong.links if href == "#f-attachment-ininjo"]
    assert len(told) == 1 and words in told[0], told


def test_more_files_than_asked_for_are_told_of(resident: Resident) -> None:
    page = second_step(resident, "proxy")
    wrong = resident.press(page, step(page), button=("_do", "next"), files=files(*"abcd"))
    told = [text for text, href in wrong.links if href == "#f-attachment-ininjo"]
    assert len(told) == 1 and "3" in told[0], told


# --- another device -----------------------------------------------------------------------------------------------


def saved_code(page: Page) -> str:
    found = re.search(r"[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}", page.text)
    assert found is not None, page.text
    return found[0]


def resumed(resident: Resident, code: str) -> Page:
    page = resident.open("/resume")
    return resident.press(page, page.form(control="code"), {"code": [code]})


def test_a_saved_draft_goes_on_at_another_browser_and_leaves_the_first(
    resident: Resident, newcomer: Callable[[], Resident]
) -> None:
    page = second_step(resident)
    saved = on(resident, page, {FAMILY: ["津軽"]}, do="save")
    assert "保存しました" in saved.text and "2026年11月27日" in saved.text
    other = newcomer()
    assert resumed(other, saved_code(saved)).path == f"{base(page)}/1"
    assert value(other.open(page.url), FAMILY) == "津軽"
    assert resident.open(page.url).status == 404


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_resume_code_is_read_as_people_type_it(
    resident: Resident, newcomer: Callable[[], Resident], typed: Callable[[str], str]
) -> None:
    saved = on(resident, second_step(resident), do="save")
    assert resumed(newcomer(), typed(saved_code(saved))).status == 200


def test_a_new_resume_code_voids_the_old(resident: Resident, newcomer: Callable[[], Resident]) -> None:
    page = second_step(resident)
    old = saved_code(on(resident, page, do="save"))
    new = saved_code(on(resident, resident.open(page.url), do="save"))
    assert old != new
    refused = resumed(newcomer(), old)
    assert refused.status == 422 and "再開コードが違う" in refused.text
    assert resumed(newcomer(), new).status == 200


def test_a_resume_code_lasts_seven_days_from_the_last_save(
    resident: Resident, newcomer: Callable[[], Resident], clock: Clock
) -> None:
    code = saved_code(on(resident, second_step(resident), do="save"))
    clock.advance(days=6, hours=23)
    other = newcomer()
    page = resumed(other, code)
    assert page.status == 200
    on(other, page, {"acting": ["proxy"]})
    clock.advance(days=6)
    assert resumed(newcomer(), code).status == 200, "seven days anew since the save"
    clock.advance(days=2)
    assert resumed(newcomer(), code).status == 422


def test_guessing_resume_codes_is_stopped(newcomer: Callable[[], Resident], settings: Settings) -> None:
    guesser = newcomer()
    tried = [resumed(guesser, f"0000-0000-{i:04}").status for i in range(25)]
    assert tried[:20] == [422] * 20
    assert set(tried[20:]) == {429}
    assert count(settings, "session") == 0 and not guesser.client.cookies, "a wrong code opens nothing"


def test_a_session_that_ended_is_mended_by_the_resume_code(resident: Resident, clock: Clock) -> None:
    page = second_step(resident)
    code = saved_code(on(resident, page, {FAMILY: ["津軽"]}, do="save"))
    clock.advance(hours=25)
    assert resident.open(page.url).status == 404
    assert resumed(resident, code).status == 200
    assert value(resident.open(page.url), FAMILY) == "津軽"


# --- signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", [JUMINHYO, DOG, CHILDREN])
def test_signing_in_before_sending_loses_nothing(resident: Resident, slug: str) -> None:
    case = case_of(slug)
    level = declared(slug).assurance.value
    before = filled(resident, slug, case["answers"], case.get("attachments"))
    signin = resident.open(next(href for _, href in before.links if href.startswith("/signin?next=")))
    after = by_email(resident, signin) if level == "email" else become(resident, signin, "taro-jpki")
    assert after.path == before.path
    assert answers_of(after) == answers_of(before)


def answers_of(page: Page) -> str:
    """The answers on a check page."""
    return (
        page.text.partition("内容の確認")[2]
        .partition("手数料")[0]
        .partition("送る前に")[0]
        .split("進んでください。")[-1]
    )


def test_a_draft_begun_before_signing_in_is_found_again_after_the_next_sign_in(
    resident: Resident, newcomer: Callable[[], Resident]
) -> None:
    check = filled(resident, JUMINHYO, case_of(JUMINHYO)["answers"])
    sign_in(resident, "taro-jpki")
    home = resident.open("/my")
    resident.press(home, home.form(action="/signout"))
    assert resident.open(check.url).status == 404
    other = newcomer()
    mine = sign_in(other, "taro-jpki")
    assert any(base(check) in href for _, href in mine.links), mine.text
    assert other.open(check.url).status == 200


def test_an_hour_without_a_sign_ends_the_session_and_the_next_sign_in_goes_on(resident: Resident, clock: Clock) -> None:
    sign_in(resident, "taro-jpki")
    page = second_step(resident)
    on(resident, page, {PHONE: ["0173-11-1111"]}, do="back")
    clock.advance(minutes=61)
    assert resident.open(page.url).status == 404
    sign_in(resident, "taro-jpki")
    assert value(resident.open(page.url), PHONE) == "0173-11-1111"


def test_another_person_at_the_same_browser_finds_nothing_of_the_first(resident: Resident) -> None:
    sign_in(resident, "taro-jpki")
    page = second_step(resident)
    on(resident, page, {PHONE: ["0173-11-1111"]}, do="back")
    mine = sign_in(resident, "yukiko-78")
    assert "書きかけの申請はありません" in mine.text
    assert resident.open(page.url).status == 404


def test_a_level_that_is_too_low_does_not_send(resident: Resident, settings: Settings) -> None:
    sign_in(resident, "hanako-oidc")
    check = filled(resident, JUMINHYO, case_of(JUMINHYO)["answers"])
    assert not any(form.action.endswith("/submit") for form in check.forms)
    forced = resident.client.post(f"{base(check)}/submit", data={"_rev": "1-710"})
    assert str(forced.url).partition("?")[0].endswith("/signin")
    assert count(settings, "application") == 0


# --- what the card fills in ---------------------------------------------------------------------------------------

FROM_CARD = "マイナンバーカードから"


def test_the_card_fills_in_what_it_knows_and_says_so(resident: Resident) -> None:
    sign_in(resident, "taro-jpki")
    page = second_step(resident)
    assert (value(page, FAMILY), value(page, GIVEN)) == ("津軽", "太郎")
    assert value(page, "applicant.name.family_kana") == "ツガル"
    assert value(page, "applicant.birthdate.year") == "1989"
    assert value(page, "applicant.address.city") == "五所川原市"
    assert value(page, "applicant.address.building") == "サンハイツ栄町201号"
    assert value(page, PHONE) == ""
    assert FROM_CARD in page.text


@pytest.mark.parametrize(
    ("who", "family"), [("hanako-oidc", "三好"), ("yukiko-78", "木村"), ("nguyen-jpki", "NGUYEN VAN ANH")]
)
def test_every_card_fills_in_its_own_person(resident: Resident, who: str, family: str) -> None:
    sign_in(resident, who)
    assert value(second_step(resident), FAMILY) in (family, family.partition(" ")[0])


def test_somebody_under_protection_is_never_filled_in(resident: Resident) -> None:
    sign_in(resident, "protected-jpki")
    page = second_step(resident)
    assert FROM_CARD not in page.text
    assert all(
        value(page, name) == "" for name in step(page).names() if name.startswith("applicant.") and "era" not in name
    )
    assert "新宮町" not in page.html and "1991" not in page.html


def test_the_source_stays_with_an_answer_until_it_is_changed(resident: Resident) -> None:
    sign_in(resident, "taro-jpki")
    page = second_step(resident)
    check = checked(on(resident, page, {PHONE: ["0173-00-0123"]}), resident)
    assert of_row(check, "生年月日").endswith(FROM_CARD)
    again = resident.open(page.url)
    on(resident, again, {"applicant.birthdate.day": ["15"]})
    changed = resident.open(check.url)
    assert FROM_CARD not in of_row(changed, "生年月日")
    assert "15日" in of_row(changed, "生年月日")
    assert of_row(changed, "氏名").endswith(FROM_CARD)


def checked(page: Page, resident: Resident) -> Page:
    """From the third step of 住民票 to the check page."""
    assert page.path.endswith("/3"), page.text
    answers = {"extent": "all", "copies": 1, "purpose": "work", "receive": "post"}
    return fill(resident, page, answers, {})


def of_row(page: Page, label: str) -> str:
    """What a check page says beside a label."""
    found = re.search(rf"<dt>{label}</dt>\s*<dd>(.*?)</dd>", page.html, re.DOTALL)
    assert found is not None, page.text
    return re.sub(r"<[^>]*>", "", found[1]).strip()


def test_what_was_cleared_is_not_filled_in_again(resident: Resident) -> None:
    sign_in(resident, "taro-jpki")
    page = second_step(resident)
    on(resident, page, {"applicant.address.building": [""], PHONE: ["0173-00-0123"]})
    assert value(resident.open(page.url), "applicant.address.building") == ""


def test_the_card_adds_nothing_to_an_address_or_a_name_that_was_typed(resident: Resident) -> None:
    typed = applicant() | {
        "applicant.address.town": ["金木町"],
        "applicant.name.family": ["見本"],
        "applicant.name.family_kana": ["ミホン"],
        "applicant.name.given": [""],
        "applicant.name.given_kana": [""],
    }
    page = second_step(resident)
    assert on(resident, page, typed).path.endswith("/3")
    sign_in(resident, "taro-jpki")
    again = resident.open(page.url)
    assert value(again, "applicant.address.building") == "", "another house's flat"
    assert value(again, GIVEN) == "", "another person's name"


def test_an_agents_own_card_does_not_fill_in_whom_they_act_for(resident: Resident) -> None:
    sign_in(resident, "taro-jpki")
    page = second_step(resident)
    assert value(page, FAMILY) == "津軽"
    first = on(resident, page, do="back")
    second = on(resident, first, {"acting": ["proxy"]})
    assert value(second, FAMILY) == ""
    assert FROM_CARD not in second.text


# --- other people -------------------------------------------------------------------------------------------------


def addresses_of(resident: Resident) -> list[str]:
    """Everything that is one's own: a draft's pages, and a submitted one's."""
    case = case_of(JUMINHYO, 1)
    page = second_step(resident, "proxy")
    page = resident.press(page, step(page), button=("_do", "upload:ininjo"), files=files("a.pdf"))
    draft = base(page)
    own = [f"{draft}/{each}" for each in ("1", "2", "check", "sign", "sign/go")]
    own += [href for text, href in page.links if text == "a.pdf"]
    receipt = filed(resident, declared(JUMINHYO), case)
    number = number_of(receipt)
    return [
        *own,
        f"/applications/{number}",
        receipt.path,
        receipt.link("/payments/"),
        receipt.link("/payments/") + "/go",
    ]


def test_nobody_else_finds_a_draft_a_receipt_or_a_payment(resident: Resident, newcomer: Callable[[], Resident]) -> None:
    stranger, neighbour, begun = newcomer(), newcomer(), newcomer()
    sign_in(neighbour, "yukiko-78")
    second_step(begun)
    for address in addresses_of(resident):
        for who in (stranger, neighbour, begun):
            page = who.open(address)
            assert page.status == 404, address
            assert "津軽" not in page.html
            assert (
                page.text == stranger.open(address.replace(address.split("/")[2], "0" * 32)).text.replace("　", "　")
                or who is not stranger
            )


def test_nobody_else_writes_into_a_draft(
    resident: Resident, newcomer: Callable[[], Resident], settings: Settings
) -> None:
    page = second_step(resident)
    on(resident, page, applicant())
    other = newcomer()
    sign_in(other, "yukiko-78")
    for where in ("1", "2", "submit"):
        answer = other.client.post(f"{base(page)}/{where}", data={"_rev": "3", FAMILY: "木村", "_do": "next"})
        assert answer.status_code == 404
    assert value(resident.open(page.url), FAMILY) == "津軽"
    assert count(settings, "application") == 0


# --- after sending ------------------------------------------------------------------------------------------------


@pytest.fixture
def receipt(resident: Resident) -> Page:
    """住民票, filed by the resident: a fee is due."""
    return filed(resident, declared(JUMINHYO), case_of(JUMINHYO))


def looked_up(resident: Resident, number: str, code: str) -> Page:
    page = resident.open("/applications")
    return resident.press(page, page.form(control="number"), {"number": [number], "access_code": [code]})


def test_number_and_code_open_the_status_anywhere_but_never_the_code(
    receipt: Page, newcomer: Callable[[], Resident]
) -> None:
    number, code = number_of(receipt), access_code(receipt)
    other = newcomer()
    status = looked_up(other, f"{number[:5]} {number[5:10]}-{number[10:]}", code.lower())
    assert status.path == f"/applications/{number}"
    assert "お支払いを待っています" in status.text
    shown = other.open(f"/applications/{number}/receipt")
    assert shown.status == 200
    assert code not in shown.html
    assert code not in status.url


def test_a_wrong_code_and_an_unknown_number_are_answered_alike(receipt: Page, newcomer: Callable[[], Resident]) -> None:
    number = number_of(receipt)
    pages = []
    for typed, code in ((number, "0000-0000-0000"), ("000000000000000", "0000-0000-0000"), ("x", access_code(receipt))):
        page = looked_up(newcomer(), typed, code)
        assert page.status == 422
        pages.append(page.html.replace(f'value="{typed}"', ""))
    assert len(set(pages)) == 1
    assert "確認コードが違います" in pages[0]


def test_guessing_the_code_of_one_number_is_stopped(receipt: Page, newcomer: Callable[[], Resident]) -> None:
    number = number_of(receipt)
    guesser = newcomer()
    tried = [looked_up(guesser, number, f"0000-0000-{i:04}").status for i in range(12)]
    assert tried[:10] == [422] * 10
    assert tried[10:] == [429, 429]
    locked = looked_up(newcomer(), number, access_code(receipt))
    assert locked.status == 429
    assert "短い時間に何度も試されました" in locked.text


def test_guessing_from_one_place_is_stopped_and_an_hour_later_one_may_try_again(
    receipt: Page, newcomer: Callable[[], Resident], clock: Clock
) -> None:
    guesser = newcomer()
    tried = [looked_up(guesser, f"{i:015}", "0000-0000-0000").status for i in range(32)]
    assert tried[:30] == [422] * 30 and tried[30:] == [429] * 2
    clock.advance(hours=1)
    assert looked_up(guesser, number_of(receipt), access_code(receipt)).status == 200


def test_a_fee_is_paid_declined_paid_later(resident: Resident, receipt: Page) -> None:
    number = number_of(receipt)
    payment = resident.open(receipt.link("/payments/"))
    assert "まだ支払われていません" in payment.text and "710円" in payment.text
    declined = at_the_till(resident, payment, "decline")
    assert "支払いができませんでした" in declined.text
    later = at_the_till(resident, declined, "later")
    assert "お支払いをお待ちしています" in later.text and "2026年11月23日" in later.text
    assert "お支払いを待っています" in resident.open(f"/applications/{number}").text
    paid = at_the_till(resident, later, "pay")
    assert "支払いが済みました" in paid.text
    assert not any(href.endswith("/go") for _, href in paid.links)
    status = resident.open(f"/applications/{number}")
    assert "申請が届きました" in status.text and "お支払いを待っています" in status.text.partition("これまでの流れ")[2]


def test_coming_back_from_the_provider_without_paying_marks_nothing(resident: Resident, receipt: Page) -> None:
    payment = resident.open(receipt.link("/payments/"))
    till = resident.open(payment.link("/go"))
    back = resident.open(till.link("/payments/"))
    assert "支払いが済みました" not in back.text
    assert any(href.endswith("/go") for _, href in back.links)


def test_what_the_check_page_costs_is_what_is_owed(resident: Resident) -> None:
    for slug in (JUMINHYO, DOG):
        case = case_of(slug, 1)
        check = filled(resident, slug, case["answers"], case.get("attachments"))
        total = re.findall(r"合計\s*([0-9,]+円)", check.text)
        receipt = submitted(resident, check, declared(slug).assurance.value)
        assert re.findall(r"合計\s*([0-9,]+円)", resident.open(receipt.link("/payments/")).text) == total
        assert total == [f"{case['expect']['fee']:,}円"]
        home = resident.open("/my")
        resident.press(home, home.form(action="/signout"))


def test_my_page_lists_what_was_begun_and_filed(resident: Resident, receipt: Page) -> None:
    second_step(resident)
    mine = resident.open("/my")
    assert f"/applications/{number_of(receipt)}" in {href for _, href in mine.links}
    assert len([href for _, href in mine.links if href.startswith("/drafts/")]) == 1


def test_signing_out_leaves_nothing_behind(resident: Resident, receipt: Page) -> None:
    home = resident.open("/my")
    answer = resident.client.post(home.form(action="/signout").action, follow_redirects=False)
    assert '"storage"' in answer.headers["clear-site-data"] and '"cache"' in answer.headers["clear-site-data"]
    assert resident.open(receipt.url).status == 404
    assert "サインインする" in resident.open("/my").text


# --- 個人番号 ------------------------------------------------------------------------------------------------------

MY_NUMBER = "987654321093"
"""One that stands in no declaration's cases."""


def test_a_number_once_saved_is_never_shown_again(resident: Resident, settings: Settings) -> None:
    case = case_of(CHILDREN)
    page = on(resident, resident.open(f"/procedures/{CHILDREN}/apply"), {"acting": ["self"]})
    typed = answered(step(page), case["answers"]) | {"applicant.my_number": [MY_NUMBER]}
    third = on(resident, page, typed)
    again = resident.open(page.url)
    assert MY_NUMBER not in again.html and "入力済み" in again.text
    assert on(resident, again).path == third.path, "it need not be typed again"
    check = fill(resident, resident.open(third.url), case["answers"], {})
    assert MY_NUMBER not in check.html
    assert MY_NUMBER not in submitted(resident, check, "jpki-signature").html
    kept = [path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()]
    assert not any(MY_NUMBER.encode() in each for each in kept)


def test_a_number_is_replaced_by_typing_another_and_dropped_by_unticking(resident: Resident) -> None:
    case = case_of(CHILDREN)
    page = on(resident, resident.open(f"/procedures/{CHILDREN}/apply"), {"acting": ["self"]})
    on(resident, page, answered(step(page), case["answers"]))
    again = resident.open(page.url)
    wrong = on(resident, again, {"applicant.my_number": ["111111111111"]})
    assert wrong.status == 422
    dropped = on(resident, resident.open(page.url), {"applicant.my_number.keep": []})
    assert dropped.status == 422
    assert "f-applicant-my_number-error" in dropped.ids


def test_somebody_elses_sealed_number_cannot_be_put_in(resident: Resident, newcomer: Callable[[], Resident]) -> None:
    case = case_of(CHILDREN)
    pages = []
    for who in (resident, newcomer()):
        page = on(who, who.open(f"/procedures/{CHILDREN}/apply"), {"acting": ["self"]})
        on(who, page, answered(step(page), case["answers"]))
        pages.append(who.open(page.url))
    mine, theirs = (value(page, "applicant.my_number.keep") for page in pages)
    assert mine.startswith("sealed:") and mine != theirs
    on(resident, pages[0], {"applicant.my_number.keep": [theirs]})
    after = resident.open(pages[0].url)
    assert "入力済み" not in after.text or value(after, "applicant.my_number.keep") == mine


def test_the_level_is_asked_for_before_the_answers_that_a_card_knows(resident: Resident) -> None:
    first = resident.open(f"/procedures/{JUMINHYO}/apply")
    assert "本人確認が必要です" not in first.text, "who acts is not on the card"
    page = on(resident, first, {"acting": ["self"]})
    assert "氏名や住所などがカードから入り" in page.text
    signin = on(resident, page, {PHONE: ["0173-11-1111"]}, do="signin")
    assert signin.path == "/signin"
    back = become(resident, signin, "taro-jpki")
    assert back.path == page.path
    assert value(back, FAMILY) and value(back, PHONE) == "0173-11-1111"
    assert "本人確認が必要です" not in back.text


def test_an_agent_is_not_offered_to_fill_in_somebody_elses_card(resident: Resident) -> None:
    assert "カードから入り" not in second_step(resident, "proxy").text
