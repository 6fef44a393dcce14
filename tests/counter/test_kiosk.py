"""The kiosk in the lobby, by pages alone: one question a screen, a number at the end, and nothing left afterwards."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from forms_schema.findings import at
from procedures.declaration import Declaration
from server.applications import drafts
from server.applications.numbers import replaced
from server.applications.receipts import new_number
from server.counter import handoffs, kiosk, tickets
from server.counter.arriving import WRONG
from server.counter.handoffs import Brought
from server.counter.kiosk import IDLE, MOST_FORMS
from server.counter.line import State
from server.counter.qr import drawn
from server.japan import JST, today
from server.jobs import JOBS, run_due
from server.people import devices
from server.people.protection import people, protect
from server.services import Services
from server.store import tables as t
from server.store.database import Reading, Writing
from tests.conftest import Clock, Maker, sandbox
from tests.counter.kiosk_walk import AtKiosk, is_question, question
from tests.door import Door
from tests.journeys.filing import case_of, cases, declared, is_valid
from tests.journeys.pages import Page
from tests.people.officers import hire
from tests.web.site import running

T = TypeVar("T")
LETTERS = "juminhyo-utsushi"
FEW = ("juminhyo-utsushi", "kodomo-iryohi-nintei", "inu-toroku", "jido-teate-nintei-seikyu", "tennyu-yoyaku")
"""A copy, children in rows, a fee, a bank account, and a booking."""
COOKIES = ("kakanai-kiosk-visit", "kakanai-kiosk-way", "kakanai-kiosk-look", "kakanai-language")


class Lobby:
    """The site with its kiosks."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door, self.clock = door, clock
        self.of: Services = door.app.state.services  # type: ignore[attr-defined]  # a Starlette

    def run(self, work: Callable[[], Any]) -> Any:
        assert self._door.portal is not None
        return self._door.portal.call(work)

    def do(self, work: Callable[[Writing], T]) -> T:
        done: T = self.run(lambda: self.of.database.transact(work))
        return done

    transact = do

    def read(self, work: Callable[[Reading], T]) -> T:
        found: T = self.run(lambda: self.of.database.read(work))
        return found

    def browser(self) -> TestClient:
        return self._door.beside(follow_redirects=True)

    def code(self, kind: str = "kiosk", label: str = "ロビー") -> str:
        of, now = self.of, self.clock()
        given: dict[str, Any] = {"now": now, "random": of.random}
        return self.do(lambda db: devices.register(db, of.keys, kind, label, None, "test", **given))

    def kiosk(self, label: str = "ロビー") -> AtKiosk:
        made = AtKiosk(self.browser())
        assert made.enrol(self.code(label=label)).path == "/kiosk"
        return made

    def calls(self, label: str) -> bool:
        """Whether somebody at this kiosk calls a clerk."""
        return label in [each.label for each in self.read(lambda db: devices.calling(db, now=self.clock()))]

    def has(self, draft_id: str) -> bool:
        return bool(self.read(lambda db: db.scalar(select(t.draft.c.id).where(t.draft.c.id == draft_id))))

    def count(self, table: Any) -> int:
        return int(self.read(lambda db: db.scalar(select(func.count()).select_from(table))))

    def draft(self, page: Page) -> drafts.Draft:
        draft_id = page.path.split("/")[3]
        session = self.read(lambda db: db.scalar(select(t.draft.c.session_id).where(t.draft.c.id == draft_id)))
        found = self.read(lambda db: drafts.of_session(db, self.of.keys, session))
        return next(each for each in found if each.id == draft_id)

    def redeemed(self, code: str) -> Brought:
        of = self.of
        officer = hire(self.run, of.database, of.keys, self.clock, of.random, f"u{self.count(t.staff)}", "clerk:市民課")  # type: ignore[arg-type]
        found = self.do(lambda db: handoffs.redeem(db, of.keys, code, officer.id, now=self.clock()))
        assert isinstance(found, Brought), found
        return found


@pytest.fixture(scope="module")
def lobby(tmp_path_factory: pytest.TempPathFactory, stocked_file: Path) -> Iterator[Lobby]:
    home, clock = tmp_path_factory.mktemp("lobby"), Clock()
    shutil.copy(stocked_file, home / "kakanai.db")
    lines: list[str] = []
    with running(sandbox(home, f"sqlite:///{home / 'kakanai.db'}"), clock, lines=lines) as door:
        yield Lobby(door, clock)
    assert [line for text in lines for line in text.splitlines() if '"event":"error"' in line] == []


@pytest.fixture
def here(lobby: Lobby) -> AtKiosk:
    return lobby.kiosk()


def visit_of(browser: AtKiosk) -> str | None:
    return dict(browser.client.cookies).get("kakanai-kiosk-visit")


def code_of(page: Page) -> str:
    return str(re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", page.text)[0])


# --- who gets there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/kiosk", "/kiosk/what", "/kiosk/end", "/kiosk/forms/x"])
def test_a_browser_that_is_no_kiosk_is_told_how_to_become_one(lobby: Lobby, path: str) -> None:
    answer = lobby.browser().get(path)
    assert answer.status_code == 403
    assert 'action="/device"' in answer.text


@pytest.mark.parametrize("kind", ["tablet", "board"])
def test_a_device_of_another_kind_is_no_kiosk(lobby: Lobby, kind: str) -> None:
    browser = AtKiosk(lobby.browser())
    browser.client.follow_redirects = False
    browser.enrol(lobby.code(kind))
    answer = browser.client.get("/kiosk")
    assert answer.status_code == 403
    assert "種類が違います" in answer.text


def test_a_kiosk_that_was_ended_is_none_at_the_next_request(lobby: Lobby, here: AtKiosk) -> None:
    page = here.start()
    device_id = lobby.read(lambda db: db.all(select(t.device.c.id).where(t.device.c.session_id.is_not(None))))[-1].id
    assert page.path == "/kiosk/what"
    assert lobby.do(lambda db: devices.end(db, device_id, "operator", now=lobby.clock()))
    assert here.open("/kiosk/what").status == 403


@pytest.mark.parametrize("path", ["/", "/my", "/signin", "/procedures", "/staff/signin", "/office", "/graphql"])
def test_a_kiosk_is_kept_in_its_room(here: AtKiosk, path: str) -> None:
    here.start()
    assert here.open(path).path == "/kiosk"
    assert visit_of(here) is None


def test_nobody_can_sign_in_at_a_kiosk(here: AtKiosk) -> None:
    here.start()
    here.client.follow_redirects = False
    answer = here.client.post("/signin", data={"resident": "taro-jpki"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/kiosk")
    assert "kakanai" not in here.client.cookies


def test_no_link_and_no_form_of_a_screen_leads_out_of_the_kiosk(here: AtKiosk) -> None:
    seen = [
        here.open("/kiosk"),
        here.start(),
        here.open("/kiosk/guide/move-in"),
        here.open("/kiosk/procedures/inu-toroku"),
    ]
    seen += [first := here.begin(LETTERS), here.walk(first, case_of(LETTERS)["answers"])]
    seen += [here.open("/kiosk/end"), here.take()]
    for page in seen:
        ways = [href for _, href in page.links] + [form.action for form in page.forms]
        assert ways
        assert [each for each in ways if not each.startswith(("/kiosk", "#"))] == []


def test_a_visit_is_of_no_use_outside_the_kiosk(lobby: Lobby, here: AtKiosk) -> None:
    first = here.begin_at(LETTERS)
    elsewhere = lobby.browser()
    elsewhere.cookies.set("kakanai", str(visit_of(here)))
    assert elsewhere.get("/my").url.path == "/signin"
    other = lobby.kiosk()
    other.client.cookies.set("kakanai-kiosk-visit", str(visit_of(here)))
    assert other.open(first.path).path == "/kiosk"
    assert here.open(first.path).path == first.path


# --- one question a screen --------------------------------------------------------------------------------------------


def in_any_order(value: Any) -> Any:
    """Boxes are ticked in the order in which they stand on the screen."""
    if isinstance(value, dict):
        return {name: in_any_order(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted(value) if all(isinstance(each, str) for each in value) else [in_any_order(each) for each in value]
    return value


def kept(declaration: Declaration, answers: dict[str, Any], day: date) -> Any:
    """What of a case is answered at a kiosk: all but 個人番号."""
    settled = declaration.form.settle(answers, day)
    left = settled.kept
    for pointer, each in settled.by_pointer.items():
        if each.field.kind.name == "my_number" and at(left, pointer) is not None:
            left = replaced(left, pointer, None)
    return left


def walked(lobby: Lobby, here: AtKiosk, declaration: Declaration, case: dict[str, Any]) -> None:
    before = lobby.clock.now
    if "today" in case:
        lobby.clock.now = datetime.combine(date.fromisoformat(case["today"]), time(1), UTC)
    try:
        _walked(lobby, here, declaration, case)
    finally:
        lobby.clock.now = before


def _walked(lobby: Lobby, here: AtKiosk, declaration: Declaration, case: dict[str, Any]) -> None:
    done = here.walk(here.begin_at(declaration.slug), case["answers"])
    assert re.fullmatch("/kiosk/forms/[0-9a-f]{32}", done.path), done.text[:300]
    draft = lobby.draft(done)
    settled = declaration.form.settle(draft.content.answers, today(lobby.clock()))
    assert in_any_order(settled.kept) == in_any_order(kept(declaration, case["answers"], today(lobby.clock())))
    ticket = here.take()
    assert ticket.path == "/kiosk/ticket", ticket.text[:300]
    assert "まだ申請ではありません" in ticket.text


@pytest.mark.parametrize("slug", FEW)
def test_a_procedure_is_answered_from_the_first_question_to_the_number(lobby: Lobby, here: AtKiosk, slug: str) -> None:
    walked(lobby, here, declared(slug), case_of(slug))


@pytest.mark.drill
@pytest.mark.parametrize(("declaration", "case"), [each for each in cases() if is_valid(each.values[1])])
def test_every_procedure_is_answered_at_the_kiosk(
    lobby: Lobby, here: AtKiosk, declaration: Declaration, case: dict[str, Any]
) -> None:
    walked(lobby, here, declaration, case)


def test_a_name_an_address_and_a_bank_account_are_one_screen_and_a_group_is_many(here: AtKiosk) -> None:
    page, seen = here.begin_at("jido-teate-nintei-seikyu"), []
    answers = case_of("jido-teate-nintei-seikyu")["answers"]
    while is_question(page):
        boxes = {name.partition(".")[2] for name in question(page).names() if not name.startswith("_")}
        seen.append((page.path.rpartition("/")[2], boxes))
        page = here.answer(page, answers)
    names = [name for name, _ in seen]
    assert len(names) == len(set(names))
    assert "applicant.name" in names
    assert "applicant.address" in names
    assert "applicant" not in names
    assert [name for name in names if "number" in name] == []


def test_what_is_wrong_is_told_on_the_same_screen_and_can_be_left_for_the_window(lobby: Lobby, here: AtKiosk) -> None:
    page = here.begin_at(LETTERS)
    wrong = here.press(page, question(page), button=("_do", "next"))
    assert (wrong.path, wrong.status) == (page.path, 200)
    assert "直していただくところが1か所あります" in wrong.text
    assert "入力の誤りがあります" in wrong.text
    on = here.press(wrong, question(wrong), button=("_do", "unsure"))
    assert on.path != page.path
    assert "acting" not in lobby.draft(on).content.answers


def test_an_answer_that_cannot_stand_is_shown_again_and_is_gone_when_it_is_left_for_the_window(
    lobby: Lobby, here: AtKiosk
) -> None:
    page = here.begin_at(LETTERS)
    page = here.open(page.path.replace("/acting", "/applicant.birthdate"))
    typed = {"applicant.birthdate.era": ["ad"], "applicant.birthdate.year": ["あした"]}
    wrong = here.press(page, question(page), typed, button=("_do", "next"))
    assert "check" in wrong.url
    assert "あした" in wrong.html
    on = here.press(wrong, question(wrong), button=("_do", "unsure"))
    assert lobby.draft(on).content.answers.get("applicant", {}).get("birthdate") is None


def test_back_keeps_what_was_typed_and_leads_to_the_question_before(lobby: Lobby, here: AtKiosk) -> None:
    page = here.answer(here.begin_at(LETTERS), case_of(LETTERS)["answers"])
    back = here.press(page, question(page), {"applicant.name.family": ["津軽"]}, button=("_do", "back"))
    assert back.path.endswith("/acting")
    assert lobby.draft(back).content.answers["applicant"]["name"]["family"] == "津軽"


def test_a_postal_code_fills_in_the_address(here: AtKiosk) -> None:
    page = here.begin_at(LETTERS)
    page = here.open(page.path.replace("/acting", "/applicant.address"))
    code = {"applicant.address.postal_code": ["0370046"]}
    filled = here.press(page, question(page), code, button=("_do", "lookup:/applicant/address"))
    assert 'value="五所川原市"' in filled.html
    many = {"applicant.address.postal_code": ["0370000"]}
    towns = here.press(filled, question(filled), many, button=("_do", "lookup:/applicant/address"))
    assert towns.status == 200


def test_rows_are_asked_one_after_another_and_one_can_be_taken_away(lobby: Lobby, here: AtKiosk) -> None:
    slug, answers = "kodomo-iryohi-nintei", case_of("kodomo-iryohi-nintei")["answers"]
    listed = next(name for name, value in answers.items() if isinstance(value, list))
    twice = {**answers, listed: [answers[listed][0], {**answers[listed][0]}]}
    page = here.begin_at(slug)
    while not (page.path.endswith(f"/{listed}.-") and page.html.count("krows__one") == 2):
        page = here.answer(page, twice)
    gone = here.press(page, question(page), button=("_do", f"remove:/{listed}/0"))
    assert gone.html.count("krows__one") == 1
    assert lobby.draft(gone).content.answers[listed] == [twice[listed][1]]


def test_an_answer_is_put_right_from_the_page_with_all_and_leads_back_to_it(here: AtKiosk) -> None:
    done = here.walk(here.begin_at(LETTERS), case_of(LETTERS)["answers"])
    page = here.open(done.link("applicant.phone?edit"))
    back = here.press(page, question(page), {"applicant.phone": ["0173-00-9999"]}, button=("_do", "next"))
    assert back.path == done.path
    assert "0173-00-9999" in back.text


def test_what_was_skipped_is_named_as_left_for_the_window(here: AtKiosk) -> None:
    done = here.walk(here.begin_at(LETTERS), {"acting": "self"})
    assert "窓口で聞くことが" in done.text
    assert "窓口で聞くことが" in here.open("/kiosk/end").text


def test_no_box_may_be_filled_in_by_the_browser(here: AtKiosk) -> None:
    page, answers = here.begin_at("jido-teate-nintei-seikyu"), case_of("jido-teate-nintei-seikyu")["answers"]
    while is_question(page):
        assert 'autocomplete="off" novalidate' in page.html
        assert set(re.findall(r'autocomplete="([^"]*)"', page.html)) == {"off"}
        page = here.answer(page, answers)


def test_screens_speak_the_language_that_was_touched(here: AtKiosk) -> None:
    page = here.start("vi")
    assert '<html lang="vi"' in page.html
    page = here.press(page, page.form(control="to"), button=("_do", "language:en"))
    assert '<html lang="en"' in page.html
    assert page.path == "/kiosk/what"
    assert '<html lang="ja"' in here.open("/kiosk").html


def test_typing_is_kept_when_the_language_or_the_look_changes(here: AtKiosk) -> None:
    page = here.begin_at(LETTERS)
    page = here.open(page.path.replace("/acting", "/applicant.phone"))
    for button in ("language:en", "look:large", "look:contrast", "call"):
        page = here.press(page, question(page), {"applicant.phone": ["0173-00-0123"]}, button=("_do", button))
        assert 'value="0173-00-0123"' in page.html
    assert 'class="kiosk is-large is-contrast"' in page.html
    page = here.press(page, question(page), button=("_do", "look:large"))
    assert 'class="kiosk is-contrast"' in page.html


# --- finding ----------------------------------------------------------------------------------------------------------


def test_words_lead_to_procedures_and_stand_in_no_address(here: AtKiosk) -> None:
    page = here.start()
    found = here.press(page, page.form(action="/kiosk/find"), {"q": ["犬を飼いはじめた"]})
    assert found.path == "/kiosk/find"
    assert "?" not in found.url
    assert "/kiosk/procedures/inu-toroku" in [href for _, href in found.links]
    none = here.press(page, page.form(action="/kiosk/find"), {"q": ["qqqqzzzz"]})
    assert "見つかりませんでした" in none.text


def birth(lobby: Lobby) -> dict[str, Any]:
    """Answers of the guide for a birth, of some days ago."""
    interview = lobby.of.catalogue.shared.life_events["birth"].interview
    assert interview is not None
    day = (today(lobby.clock()) - timedelta(days=3)).isoformat()
    dates = {name: day for name, value in interview.cases[0]["answers"].items() if str(value).startswith("20")}
    return {**interview.cases[0]["answers"], **dates}


def test_a_life_event_asks_its_guide_and_brings_what_to_file(here: AtKiosk, lobby: Lobby) -> None:
    here.start()
    page = here.open("/kiosk/guide/birth")
    assert is_question(page)
    listed = here.walk(page, birth(lobby))
    assert listed.path == "/kiosk/advice/birth"
    assert "?" not in listed.url
    links = [href for _, href in listed.links if "/procedures/" in href]
    assert links
    here.press(one := here.open(links[0]), one.form(action="/kiosk/forms", control="slug"))
    ticket = here.take()
    brought = lobby.redeemed(code_of(ticket))
    assert (brought.event, len(brought.forms)) == ("birth", 1)
    assert brought.guide


def test_a_guide_goes_on_only_when_its_question_is_answered(here: AtKiosk) -> None:
    here.start()
    page = here.open("/kiosk/guide/birth")
    while not question(page).has_button("_do", "unsure") and "check" not in page.url:
        page = here.press(page, question(page), button=("_do", "next"))
    assert "直していただくところ" in page.text
    again = here.press(page, question(page), button=("_do", "unsure"))
    assert again.path == page.path


def test_guide_answers_of_one_life_event_are_not_those_of_another(here: AtKiosk, lobby: Lobby) -> None:
    here.start()
    assert here.walk(here.open("/kiosk/guide/birth"), birth(lobby)).path == "/kiosk/advice/birth"
    assert here.open("/kiosk/advice/death").path.startswith("/kiosk/guide/death/")


# --- taking it along --------------------------------------------------------------------------------------------------


def test_the_code_brings_all_forms_to_the_window_in_the_order_of_asking(lobby: Lobby, here: AtKiosk) -> None:
    before = lobby.count(t.application)
    here.walk(here.begin_at("inu-toroku"), case_of("inu-toroku")["answers"])
    here.walk(here.begin(LETTERS), {"acting": "self"})
    page = here.take()
    assert re.fullmatch(r"[A-Z]-[0-9]{3}", page.html.split('kticket__number" translate="no">')[1].split("<")[0])
    brought = lobby.redeemed(code_of(page))
    assert list(brought.forms) == ["inu-toroku", LETTERS]
    assert brought.forms[LETTERS].answers == {"acting": "self", **_defaults(LETTERS)}
    assert brought.language == "ja"
    assert lobby.count(t.application) == before


def _defaults(slug: str) -> Any:
    return declared(slug).form.start(today(Clock()()))


def test_a_number_alone_is_taken_without_a_form_and_pressing_twice_gives_one(lobby: Lobby, here: AtKiosk) -> None:
    before = lobby.count(t.ticket)
    page = here.start()
    ticket = here.press(page, page.form(action="/kiosk/end"))
    assert ticket.path == "/kiosk/ticket"
    assert "窓口で見せるコード" not in ticket.text
    again = here.press(page, page.form(action="/kiosk/end"))
    assert again.text == ticket.text
    assert lobby.count(t.ticket) == before + 1
    assert here.open("/kiosk/what").path == "/kiosk/ticket"
    row = lobby.read(lambda db: tickets.tickets(db, now=lobby.clock()))[-1]
    assert (row.origin, row.language) == ("kiosk", "ja")


def test_a_number_is_followed_on_ones_own_phone_and_the_code_for_the_window_is_another_one(
    lobby: Lobby, here: AtKiosk
) -> None:
    here.start("en")
    here.walk(here.begin(LETTERS), {"acting": "self"})
    page = here.take()
    (address,) = set(re.findall(r"http://[^<\s]*/tickets/[0-9A-Z]{15}", page.html))
    number = page.html.split('kticket__number" translate="no">')[1].split("<")[0]
    followed = AtKiosk(lobby.browser()).open(address)
    assert number in followed.text
    assert '<html lang="en"' in followed.html
    for text in (address, code_of(page)):
        assert drawn(text).path in page.html
    assert lobby.browser().get(f"{address[:-15]}{code_of(page).replace('-', '')}").status_code == 404
    here.over(page)
    assert here.open("/kiosk/ticket").path == "/kiosk"


# --- several forms of one visit -------------------------------------------------------------------------------------

BENEFIT, DOG, DOCTOR = "jido-teate-nintei-seikyu", "inu-toroku", "kodomo-iryohi-nintei"


def asked_in(here: AtKiosk, page: Page, answers: dict[str, Any]) -> tuple[list[str], Page]:
    """The names of the questions on the way to the page with all answers."""
    seen = []
    while is_question(page):
        seen.append(page.path.rpartition("/")[2])
        page = here.answer(page, answers)
    return seen, page


def test_the_second_form_asks_only_what_is_new(lobby: Lobby, here: AtKiosk) -> None:
    first, second = case_of(LETTERS)["answers"], case_of(DOG)["answers"]
    alone, _ = asked_in(here, here.begin_at(DOG), second)
    here.walk(here.begin_at(LETTERS), first)
    before = here.open(f"/kiosk/procedures/{DOG}")
    assert "津軽" in before.text
    assert f"およそ{len(alone)}" in before.text
    names, done = asked_in(here, here.begin(DOG, said=True), second)
    about = {f"applicant.{name}" for name in ("name", "birthdate", "address", "phone")}
    assert about <= set(alone)
    assert set(names) == set(alone) - about
    assert lobby.draft(done).content.answers["applicant"] == {**first["applicant"], "email": "kazuko@example.jp"}
    assert done.html.count("さきほどの答え") == len(about)
    ticket = here.take()
    assert lobby.redeemed(code_of(ticket)).forms[DOG].answers["applicant"]["name"]["family"] == "津軽"


def test_a_form_for_somebody_else_is_asked_from_the_start(lobby: Lobby, here: AtKiosk) -> None:
    answers = case_of(DOG)["answers"]
    alone, _ = asked_in(here, here.begin_at(DOG), answers)
    here.walk(here.begin_at(LETTERS), case_of(LETTERS)["answers"])
    names, done = asked_in(here, here.begin(DOG), answers)
    assert names == alone
    assert lobby.draft(done).content.answers["applicant"] == answers["applicant"]
    assert "さきほどの答え" not in done.text


def test_children_of_one_form_stand_in_the_next_and_can_be_taken_away(lobby: Lobby, here: AtKiosk) -> None:
    first, second = case_of(BENEFIT)["answers"], case_of(DOCTOR)["answers"]
    here.walk(here.begin_at(BENEFIT), first)
    names, done = asked_in(here, here.begin(DOCTOR, said=True), second)
    assert "children.-" in names
    assert not {"acting", "applicant.name", "children.0.name", "children.0.birthdate"} & set(names)
    (child,) = lobby.draft(done).content.answers["children"]
    assert (child["name"], child["birthdate"]) == (first["children"][0]["name"], first["children"][0]["birthdate"])
    listed = here.open(f"{done.path}/children.-?edit")
    assert listed.html.count("krows__one") == 1
    assert "りんご" in listed.text


def test_nothing_is_numbered_or_agreed_to_twice(lobby: Lobby, here: AtKiosk) -> None:
    here.walk(here.begin_at(BENEFIT), case_of(BENEFIT)["answers"])
    page = here.begin(DOCTOR, said=True)
    begun = lobby.draft(page).content.answers
    assert "my_number" not in json.dumps(begun)
    assert "consent" not in begun
    names, _ = asked_in(here, page, case_of(DOCTOR)["answers"])
    assert "consent" in names


def test_what_was_said_before_is_put_right_for_one_form_alone(lobby: Lobby, here: AtKiosk) -> None:
    done_first = here.walk(here.begin_at(LETTERS), case_of(LETTERS)["answers"])
    done = here.walk(here.begin(DOG, said=True), case_of(DOG)["answers"])
    page = here.open(done.link("applicant.phone?edit"))
    after = here.press(page, question(page), {"applicant.phone": ["0173-00-9999"]}, button=("_do", "next"))
    assert lobby.draft(after).content.answers["applicant"]["phone"] == "0173-00-9999"
    assert lobby.draft(done_first).content.answers["applicant"]["phone"] == "0173-00-0123"
    assert after.html.count("さきほどの答え") == done.html.count("さきほどの答え") - 1


def test_an_answer_that_the_next_form_does_not_take_is_asked_again(lobby: Lobby, here: AtKiosk) -> None:
    first = case_of(LETTERS)["answers"]
    unfinished = {**first, "applicant": {**first["applicant"], "address": {"prefecture": "02"}}}
    here.walk(here.begin_at(LETTERS), unfinished)
    page = here.open(here.begin(DOG, said=True).path.rpartition("/")[0] + "/applicant.address")
    names, _ = asked_in(here, here.open(f"/kiosk/procedures/{DOG}"), {})
    assert names == []
    assert lobby.draft(page).content.answers["applicant"]["name"]["family"] == "津軽"
    assert page.path.endswith("/applicant.address")


def test_of_somebody_under_protection_nothing_is_taken_over(lobby: Lobby, here: AtKiosk) -> None:
    first = case_of(LETTERS)["answers"]
    listed = people(["保護 桜子,1990-05-05"])
    lobby.do(lambda db: protect(db, lobby.of.keys, listed, now=lobby.clock()))
    named = {"family": "保護", "given": "桜子", "family_kana": "ホゴ", "given_kana": "サクラコ"}
    here.walk(
        here.begin_at(LETTERS), {**first, "applicant": {**first["applicant"], "name": named, "birthdate": "1990-05-05"}}
    )
    assert "さきほど答えたこと" not in here.open(f"/kiosk/procedures/{DOG}").text
    page = here.begin(DOG, said=True)
    assert "applicant" not in lobby.draft(page).content.answers


def test_nothing_is_taken_over_from_one_visit_to_the_next(lobby: Lobby, here: AtKiosk) -> None:
    used(lobby, here)
    here.start()
    assert "さきほど答えたこと" not in here.open(f"/kiosk/procedures/{DOG}").text
    assert "applicant" not in lobby.draft(here.begin(DOG, said=True)).content.answers


# --- booked, or numbered before ---------------------------------------------------------------------------------------


def booked(lobby: Lobby, slot: str) -> str:
    """The receipt number of an application with a seat."""
    number, make = new_number(lobby.of.random), Maker(lobby, lobby.of.keys, lobby.clock, lobby.of.random)  # type: ignore[arg-type]
    told = declared("tennyu-yoyaku")
    digest = lobby.read(lambda db: db.scalar(select(t.declaration.c.digest).where(t.declaration.c.slug == told.slug)))
    given = {"slug": told.slug, "department": told.department, "digest": digest}
    row = make(t.application, receipt_number=number, **given)
    make(t.seat, application_id=row["id"], slot=slot, until="", place=1)
    return number


def check_in(here: AtKiosk, typed: str, language: str = "ja") -> Page:
    """Somebody new types this."""
    here.start(language)
    page = here.open("/kiosk/what")
    page = here.open(page.link("/kiosk/reserved"))
    return here.press(page, page.form(control="code"), {"code": [typed]})


def number_of(page: Page) -> str:
    assert page.path == "/kiosk/ticket", page.text
    return page.html.split('kticket__number" translate="no">')[1].split("<")[0]


def slot_at(lobby: Lobby, hours: float = 0, days: int = 0) -> str:
    """A slot, so long after now."""
    return (lobby.clock() + timedelta(hours=hours, days=days)).astimezone(JST).isoformat()[:16]


@pytest.mark.parametrize(
    ("hours", "told"), [(1.0, "順番が早くなります"), (0.0, ""), (-0.1, ""), (-1.0, "予約の時間は過ぎていますが")]
)
def test_whoever_booked_is_checked_in_early_or_late(lobby: Lobby, here: AtKiosk, hours: float, told: str) -> None:
    slot, table, before = slot_at(lobby, hours), lobby.of.catalogue.shared.queues, lobby.count(t.ticket)
    number = booked(lobby, slot)
    page = check_in(here, f" {number[:5]}-{number[5:]}")
    assert told in page.text
    assert ("予約の時間は" in page.text) is (hours == -1)
    assert lobby.count(t.ticket) == before + 1
    due = lobby.read(lambda db: {each.text(table): each.due_at for each in tickets.tickets(db, now=lobby.clock())})
    assert due[number_of(page)] == datetime.fromisoformat(f"{slot}+09:00")
    assert "自分のスマートフォンで読む" in page.text


@pytest.mark.parametrize(("days", "told"), [(1, "まだ先です"), (-1, "もう過ぎました")])
def test_a_booking_of_another_day_is_told_so_without_its_day(lobby: Lobby, here: AtKiosk, days: int, told: str) -> None:
    slot, before = slot_at(lobby, days=days), lobby.count(t.ticket)
    page = check_in(here, number := booked(lobby, slot))
    assert page.path == "/kiosk/reserved"
    assert number not in page.url
    assert told in page.text
    assert slot[:10] not in page.html
    assert lobby.count(t.ticket) == before


def test_a_booking_shown_twice_gives_the_number_it_gave(lobby: Lobby, here: AtKiosk) -> None:
    number, before = booked(lobby, slot_at(lobby, 1)), lobby.count(t.ticket)
    first = check_in(here, f"https://city.example/applications/{number}")
    again = check_in(here, number)
    assert number_of(again) == number_of(first)
    assert "受付は、もう済んでいます" in again.text
    assert lobby.count(t.ticket) == before + 1


def test_a_number_from_before_is_shown_with_where_it_stands(lobby: Lobby, here: AtKiosk) -> None:
    of = lobby.of
    given: dict[str, Any] = {"origin": "reception", "language": "ja", "random": of.random}
    made = lobby.do(lambda db: tickets.issue(db, of.keys, "juki", **given, now=lobby.clock()))
    page = check_in(here, f"https://city.example/tickets/{made.code.replace('-', '')}?lang=en")
    assert number_of(page).endswith(f"{made.ticket.number:03d}")
    assert "受付は、もう済んでいます" in page.text
    for state, told in (
        (State.CALLED, "いま呼ばれています"),
        (State.ABSENT, "いらっしゃいませんでした"),
        (State.LEFT, "取り消されています"),
        (State.DONE, "もう窓口で使われました"),
    ):
        changed = update(t.ticket).where(t.ticket.c.id == made.ticket.id).values(state=state.value)
        lobby.do(partial(Writing.execute, statement=changed))
        assert told in check_in(here, made.code).text
    old = lobby.do(lambda db: tickets.issue(db, of.keys, "juki", **given, now=lobby.clock() - timedelta(days=1)))
    assert "きょうのものではありません" in check_in(here, old.code).text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "15けたの数字です"),
        ("x" * 400, "15けたの数字です"),
        ("<b>", "15けたの数字です"),
        ("123456789012345", "見つかりません"),
        ("ABCDE-FGHJK-MNPQR", "見つかりません"),
        ("A-012", "番号札は、もう持っています"),
        ("ABCD-EFGH-JKMN", "窓口で見せるコードです"),
    ],
)
def test_what_is_no_booking_is_told_what_it_is(here: AtKiosk, typed: str, told: str) -> None:
    page = check_in(here, typed)
    assert (page.path, page.status) == ("/kiosk/reserved", 200)
    assert told in page.text
    assert "<b>" not in page.html


def test_what_was_filled_in_goes_along_with_a_booking(lobby: Lobby, here: AtKiosk) -> None:
    here.walk(here.begin_at(LETTERS), {"acting": "self"})
    page = here.open("/kiosk/reserved")
    taken = here.press(page, page.form(control="code"), {"code": [booked(lobby, slot_at(lobby, 1))]})
    assert list(lobby.redeemed(code_of(taken)).forms) == [LETTERS]


def test_who_tries_numbers_is_stopped_and_those_who_have_one_are_not_counted(lobby: Lobby) -> None:
    here, number = lobby.kiosk("ためすところ"), booked(lobby, slot_at(lobby, 1))
    for _ in range(WRONG.most - 1):
        assert "見つかりません" in check_in(here, "123456789012345").text
        assert "まちがいが続いた" not in check_in(here, "A-012").text
    assert "見つかりません" in check_in(here, "123456789012345").text
    assert "まちがいが続いた" in check_in(here, number).text
    lobby.clock.advance(seconds=WRONG.period.total_seconds())
    assert number_of(check_in(here, number))


def test_nothing_is_changed_any_more_once_the_number_is_taken(here: AtKiosk) -> None:
    done = here.walk(here.begin_at(LETTERS), {})
    here.take()
    assert here.open(f"{done.path}/acting").path == "/kiosk/ticket"


def test_somebody_without_end_is_stopped_after_some_forms(lobby: Lobby, here: AtKiosk) -> None:
    here.start()
    slugs = sorted(each.slug for each in (one.declaration for one in lobby.of.catalogue.all()))
    taken = [slug for slug in slugs if here.open(f"/kiosk/procedures/{slug}").status == 200][: MOST_FORMS + 1]
    for slug in taken[:-1]:
        here.begin(slug)
    page = here.open(f"/kiosk/procedures/{taken[-1]}")
    assert "一度に入力できる数" in page.text
    before = lobby.count(t.draft)
    here.client.post("/kiosk/forms", data={"slug": taken[-1]})
    assert lobby.count(t.draft) == before


def test_a_form_is_begun_once_and_can_be_thrown_away(lobby: Lobby, here: AtKiosk) -> None:
    here.start()
    before = lobby.count(t.draft)
    first = here.begin(LETTERS)
    here.client.post("/kiosk/forms", data={"slug": LETTERS})
    assert lobby.count(t.draft) == before + 1
    done = here.open(first.path.rpartition("/")[0])
    here.press(done, done.form(action="/drop"))
    assert lobby.count(t.draft) == before


# --- nothing is left --------------------------------------------------------------------------------------------------


def used(lobby: Lobby, here: AtKiosk) -> Page:
    """Somebody has filled in something and stands at the page with all answers."""
    return here.walk(here.begin_at(LETTERS), case_of(LETTERS)["answers"])


def test_the_end_of_a_visit_leaves_nothing_in_the_store_and_in_the_browser(lobby: Lobby, here: AtKiosk) -> None:
    drafts_before, sessions_before = lobby.count(t.draft), lobby.count(t.session)
    page = used(lobby, here)
    here.client.follow_redirects = False
    form = page.form(control="to")
    answer = here.client.post(form.action, data={"_do": "over", "to": "/kiosk/what"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/kiosk")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert answer.headers["cache-control"] == "no-store"
    assert [name for name in COOKIES if name in here.client.cookies] == []
    assert "kakanai-device" in here.client.cookies
    assert (lobby.count(t.draft), lobby.count(t.session)) == (drafts_before, sessions_before)


def test_every_screen_forbids_to_be_kept(lobby: Lobby, here: AtKiosk) -> None:
    page = used(lobby, here)
    for path in ("/kiosk", "/kiosk/what", page.path, "/kiosk/end", "/kiosk/procedures/inu-toroku"):
        assert here.client.get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("ending", ["the next person begins", "the first screen", "another room", "nobody comes"])
def test_however_a_visit_ends_its_addresses_show_the_first_screen(lobby: Lobby, here: AtKiosk, ending: str) -> None:
    page = used(lobby, here)
    token, draft_id = visit_of(here), page.path.split("/")[3]
    if ending == "the next person begins":
        here.client.post("/kiosk/begin", data={"lang": "ja"})
    elif ending == "the first screen":
        here.open("/kiosk")
    elif ending == "another room":
        here.open("/procedures")
    else:
        lobby.clock.advance(seconds=IDLE.total_seconds() + 1)
        lobby.run(lambda: run_due(lobby.of, [job for job in JOBS if job.name == "kiosks"]))
    assert not lobby.has(draft_id)
    for path in (page.path, f"{page.path}/acting", "/kiosk/end", "/kiosk/ticket", "/kiosk/what"):
        here.client.cookies.delete("kakanai-kiosk-visit") if visit_of(here) else None
        here.client.cookies.set("kakanai-kiosk-visit", str(token), domain="testserver.local", path="/")
        assert here.open(path).path == "/kiosk"


def test_a_visit_without_a_sign_of_life_is_over_even_before_anybody_sweeps(lobby: Lobby, here: AtKiosk) -> None:
    page = used(lobby, here)
    lobby.clock.advance(seconds=IDLE.total_seconds() - 1)
    assert here.open(page.path).path == page.path
    lobby.clock.advance(seconds=IDLE.total_seconds() - 1)
    assert here.client.post("/kiosk/alive").status_code == 204
    lobby.clock.advance(seconds=IDLE.total_seconds())
    assert here.open(page.path).path == "/kiosk"


def test_what_the_last_person_posted_cannot_be_posted_for_the_next(lobby: Lobby, here: AtKiosk) -> None:
    page = here.begin_at(LETTERS)
    here.start()
    before = lobby.count(t.draft)
    again = here.press(page, question(page), {"acting": ["self"]}, button=("_do", "next"))
    assert again.path == "/kiosk/what"
    assert lobby.count(t.draft) == before


def test_what_was_taken_along_outlives_the_visit(lobby: Lobby, here: AtKiosk) -> None:
    used(lobby, here)
    ticket = here.take()
    here.over(ticket)
    assert lobby.redeemed(code_of(ticket)).forms[LETTERS].answers["applicant"]["name"]["family"] == "津軽"


# --- calling a clerk --------------------------------------------------------------------------------------------------


def test_a_clerk_is_called_from_every_screen_and_the_call_is_taken_back(lobby: Lobby) -> None:
    here = lobby.kiosk("呼ぶところ")
    page = here.open("/kiosk")
    assert not lobby.calls("呼ぶところ")
    called = here.press(page, page.form(control="to"), button=("_do", "call"))
    assert "係員を呼んでいます" in called.text
    assert lobby.calls("呼ぶところ")
    back = here.press(called, called.form(control="to"), button=("_do", "uncall"))
    assert "係員を呼んでいます" not in back.text
    assert not lobby.calls("呼ぶところ")
    page = here.begin_at(LETTERS)
    here.press(page, question(page), button=("_do", "call"))
    here.open("/kiosk")
    assert lobby.calls("呼ぶところ")  # whoever called may have gone to look for somebody


def test_with_script_an_answer_says_where_to_go_so_that_the_history_does_not_grow(here: AtKiosk) -> None:
    here.client.follow_redirects = False
    answer = here.client.post("/kiosk/begin", data={"lang": "ja"}, headers={"kiosk-go": "1"})
    assert (answer.status_code, answer.headers["kiosk-go"]) == (204, "/kiosk/what")


NONSENSE = ("", "x", "e30=", "bnVsbA==", "eyJndWlkZSI6IFsxXX0=", "eyJxdWVyeSI6IDF9", "\udcff\udcff", "A" * 4000)
SCREENS = ("what", "find", "guide/birth", "advice/birth", "end", "ticket")


@pytest.mark.parametrize("value", NONSENSE)
def test_a_cookie_that_says_nonsense_is_as_none(here: AtKiosk, value: str) -> None:
    here.start()
    kept = "; ".join(f"{name}={text}" for name, text in here.client.cookies.items() if not name.endswith("-way"))
    cookie = f"{kept}; kakanai-kiosk-way={value}".encode("utf-8", "surrogateescape")
    here.client.cookies.clear()
    here.client.follow_redirects = False
    for path in SCREENS:
        answer = here.client.get(f"/kiosk/{path}", headers=[(b"cookie", cookie)])
        assert answer.status_code in (200, 303)
        assert answer.headers.get("location") != "/kiosk"


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/kiosk/x", "/my", "/kiosk/../my", "\\evil"])
def test_no_button_leads_out_of_the_kiosk_whatever_was_posted_with_it(here: AtKiosk, to: str) -> None:
    here.start()
    here.client.follow_redirects = False
    answer: httpx2.Response = here.client.post("/kiosk/do", data={"_do": "look:large", "to": to})
    assert answer.headers["location"] in ("/kiosk", "/kiosk/../my")
    assert json.dumps(answer.headers["location"]).startswith('"/kiosk')


def test_which_procedures_a_kiosk_takes_their_declarations_say(lobby: Lobby) -> None:
    every = lobby.of.catalogue.all()
    taken = [each for each in every if kiosk.takes(each, lobby.clock())]
    assert {each.declaration.slug for each in taken} == {
        each.declaration.slug
        for each in every
        if "kiosk" in each.declaration.channels and each.status(lobby.clock()).state == "open"
    }
