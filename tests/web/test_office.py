"""The office as its people use it: who gets to see what, who may take a case on, and what is written down of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.applications import office
from server.people import protection, staff
from server.people.protection import Person
from server.people.roles import CITY_WIDE, Action, Role
from server.store import tables as t
from server.web.guard import CSP
from tests.people.officers import PASSWORD, Officer, held, hire
from tests.security.declarations import sample
from tests.security.site import FILE, Browser, Site, place, sandbox_site

REASON = "転入の窓口で、本人に聞かれたため"


class Hall(Site):
    """The site with its staff. `own` is the department of what residents file here, `other` another one."""

    own, other = "", "税務課"
    names: Iterator[int]

    def officer(self, *roles: str) -> Officer:
        of, login = self.of, f"user{next(self.names)}"
        given = [each.replace(":own", f":{self.own}").replace(":other", f":{self.other}") for each in roles]
        return hire(self.run, of.database, of.keys, self.clock, of.random, login, *given)  # type: ignore[arg-type]

    def desk(self, *roles: str) -> Browser:
        """A browser in which somebody with these roles is signed in."""
        return self.enter(self.officer(*roles))

    def enter(self, officer: Officer) -> Browser:
        browser = self.browser()
        assert place(browser.post("/staff/signin", officer.controls())) == "/office"
        return browser

    def filed(self, slug: str = "letter", **more: str) -> str:
        resident = self.browser()
        return resident.submit(resident.begin(slug, more, files=FILE if slug == "letter" else ()))

    def do(self, work: Any) -> Any:
        return self.run(lambda: self.of.database.transact(work))

    def noted(self, number: str, *actions: str) -> list[tuple[str, str, dict[str, Any]]]:
        """(actor, action, detail) of the audit about an application by the staff."""
        query = (
            select(t.audit.c.actor, t.audit.c.action, t.audit.c.detail)
            .join(t.application, t.application.c.id == t.audit.c.target)
            .where(t.application.c.receipt_number == number, t.audit.c.actor.startswith("staff:"))
            .order_by(t.audit.c.seq)
        )
        found = [(row.actor, row.action, json.loads(row.detail)) for row in self.do(lambda db: db.all(query))]
        return [each for each in found if not actions or each[1] in actions]

    def state(self, number: str) -> str:
        query = select(t.application.c.state).where(t.application.c.receipt_number == number)
        return str(self.do(lambda db: db.scalar(query)))


def at_work(site: Site) -> Iterator[Hall]:
    """The site as an office, with the department of 'letter' as its own; in the end nothing has failed."""
    site.__class__ = Hall
    assert isinstance(site, Hall)
    served = site.of.catalogue.get("letter")
    assert served is not None
    site.own, site.names = served.declaration.department, iter(range(10_000))
    yield site
    assert site.failures() == []


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    with sandbox_site(tmp_path_factory.mktemp("office"), migrated_file, sample()) as site:
        yield from at_work(site)


@pytest.fixture(scope="module")
def number(hall: Hall) -> str:
    return hall.filed(note="ひみつの用件")


# --- every action, every role, own and other department --------------------------------------------------------------

CASE = "/office/applications/{number}"
ACTS: dict[Action, tuple[str, str, dict[str, str]]] = {
    Action.LIST: ("GET", "/office", {}),
    Action.OPEN: ("GET", CASE, {}),
    Action.OPEN_OTHER: ("POST", f"{CASE}/reason", {"reason": REASON}),
    Action.ACCEPT: ("POST", f"{CASE}/acts/accept", {}),
    Action.SEE_AUDIT: ("GET", "/office/looks?number={number}", {}),
    Action.MANAGE_STAFF: ("GET", "/admin/staff", {}),
    Action.MANAGE_DEVICES: ("GET", "/admin/devices", {}),
    Action.END_SESSION: ("POST", "/admin/staff/{staff}/sessions/x/end", {}),
}
ALLOWED = {
    *product(("clerk", "reviewer", "approver"), (Action.LIST, Action.OPEN, Action.OPEN_OTHER)),
    ("treasurer", Action.LIST),
    ("clerk", Action.ACCEPT),
    ("auditor", Action.SEE_AUDIT),
    ("administrator", Action.MANAGE_STAFF),
    ("administrator", Action.MANAGE_DEVICES),
    ("administrator", Action.END_SESSION),
}
"""(role, action) that goes on somewhere. OPEN and ACCEPT are of one's own department, OPEN_OTHER of another."""


@pytest.mark.parametrize(("role", "action", "where"), list(product(Role, ACTS, ("own", "other"))))
def test_an_address_does_what_the_table_of_roles_says(
    role: Role, action: Action, where: str, hall: Hall, number: str
) -> None:
    method, path, controls = ACTS[action]
    target = hall.filed() if action is Action.ACCEPT else number
    somebody = hall.officer("auditor").id if action is Action.END_SESSION else ""
    wide = role in CITY_WIDE
    browser = hall.desk(role.value if wide else f"{role.value}:{where}")
    before = hall.state(target)
    answer = browser.client.request(method, path.format(number=target, staff=somebody), data=controls)
    wanted = (role.value, action) in ALLOWED
    if action in (Action.OPEN, Action.ACCEPT):
        wanted = wanted and where == "own"
    if action is Action.OPEN_OTHER:
        wanted = wanted and where == "other"
    went_on = answer.status_code in (200, 303) and 'id="f-reason"' not in answer.text
    if action is Action.LIST and not wanted:
        assert answer.status_code == 303 and place(answer) in ("/office/looks", "/admin/staff")
    else:
        assert went_on == wanted, (answer.status_code, answer.text[-500:])
    assert (hall.state(target) != before) == (wanted and action is Action.ACCEPT)
    assert "ひみつの用件" not in answer.text or (action is Action.OPEN and wanted)


# --- the list -------------------------------------------------------------------------------------------------------


def test_a_list_has_what_waits_at_ones_own_department_and_nothing_of_another(hall: Hall, number: str) -> None:
    assert number in hall.desk("clerk:own").get("/office").text
    elsewhere = hall.desk("clerk:other").get("/office").text
    assert number not in elsewhere
    assert "いま対応するものはありません" in elsewhere


def test_a_list_is_filtered_by_state_and_procedure_and_says_when_nothing_is_left(hall: Hall) -> None:
    desk, waiting, unpaid = hall.desk("clerk:own"), hall.filed(), hall.filed("priced")
    assert waiting in desk.get("/office").text and unpaid not in desk.get("/office").text
    assert unpaid in desk.get("/office?state=payment_pending").text
    assert waiting in desk.get("/office?state=submitted&procedure=letter").text
    assert waiting not in desk.get("/office?state=submitted&procedure=priced").text
    everything = desk.get("/office?state=all").text
    assert waiting in everything and unpaid in everything
    assert "この条件の申請はありません" in desk.get("/office?state=refused").text
    assert "この条件の申請はありません" in desk.get("/office?procedure=nothing").text


@pytest.mark.parametrize("query", ["state=nonsense", "page=0", "page=x", "page=99", "page=-1", "page=9" * 9])
def test_a_list_that_is_not_there_is_said_not_to_be(query: str, hall: Hall) -> None:
    assert hall.desk("clerk:own").get(f"/office?{query}").status_code == 404


def test_the_list_says_by_when_a_case_should_be_done_and_when_that_is_over(hall: Hall) -> None:
    """Three working days: filed on Friday 20 November, before Monday's holiday, it is Thursday the 26th."""
    desk, own = hall.desk("clerk:own"), hall.filed()
    line = next(row for row in desk.get("/office").text.split("<tr>") if own[10:] in row)
    assert "まで" in line and "過ぎています" not in line
    hall.clock.advance(days=14)
    line = next(row for row in hall.desk("clerk:own").get("/office").text.split("<tr>") if own[10:] in row)
    assert "過ぎています" in line
    assert desk.get("/office").status_code == 303, "and who was signed in then is not any more"


def test_a_long_list_has_pages_in_the_order_of_arrival(hall: Hall) -> None:
    made = [hall.filed() for _ in range(3)]
    desk = hall.desk("clerk:own")

    def copies(db: Any) -> None:
        row = db.one(select(t.application).where(t.application.c.receipt_number == made[0]))._asdict()
        for i in range(office.PER_PAGE):
            db.insert(t.application, row | {"id": f"{i:032}", "receipt_number": f"{i:015}"})

    hall.do(copies)
    first, last = desk.get("/office").text, desk.get("/office?page=2").text
    assert first.count("/office/applications/") == office.PER_PAGE
    assert made[2] in last and made[2] not in first
    assert 'href="/office?page=2"' in first and 'aria-current="page">2<' in last
    hall.do(lambda db: db.execute(t.application.delete().where(t.application.c.id.startswith("0" * 20))))


def test_a_receipt_number_leads_to_its_case_however_it_is_typed(hall: Hall, number: str) -> None:
    desk = hall.desk("clerk:own")
    for typed in (
        number,
        f"{number[:5]} {number[5:10]} {number[10:]}",
        number.translate({48 + i: 0xFF10 + i for i in range(10)}),
    ):
        found = desk.client.get("/office", params={"number": typed})
        assert place(found) == f"/office/applications/{number}"
    wrong = desk.get("/office?number=12345")
    assert wrong.status_code == 422 and "15桁" in wrong.text and 'value="12345"' in wrong.text


# --- one case -------------------------------------------------------------------------------------------------------


def test_a_case_is_shown_as_people_read_it_and_each_look_is_written_down(hall: Hall, number: str) -> None:
    officer = hall.officer("clerk:own")
    desk, before = hall.enter(officer), len(hall.noted(number, "application.view"))
    shown = desk.get(f"/office/applications/{number}").text
    for words in ("ひみつの用件", "見本", "ミホン", "090-0000-0456", "証明.pdf", "到達", "オンライン"):
        assert words in shown
    looks = hall.noted(number, "application.view")[before:]
    assert looks == [(f"staff:{officer.id}", "application.view", {"department": hall.own, "state": "submitted"})]


def test_a_file_is_given_to_be_saved_and_that_is_written_down(hall: Hall, number: str) -> None:
    desk = hall.desk("clerk:own")
    (href,) = set(
        re.findall(rf"/office/applications/{number}/files/[0-9a-f]+", desk.get(f"/office/applications/{number}").text)
    )
    answer = desk.get(href)
    assert answer.status_code == 200 and answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert hall.noted(number, "application.file")
    other = hall.desk("clerk:other")
    assert place(other.get(href)) == f"/office/applications/{number}"
    assert hall.desk("treasurer:own").get(href).status_code == 404
    strange = hall.filed()
    assert desk.get(href.replace(number, strange)).status_code == 404, "a file of another case"


def test_what_a_resident_typed_never_becomes_markup(hall: Hall) -> None:
    bad = '<b onclick="x">&{{ 7*7 }}'
    shown = hall.desk("clerk:own").get(f"/office/applications/{hall.filed(note=bad)}").text
    assert "<b onclick" not in shown and "&lt;b onclick=" in shown and "49" not in shown.split("用件")[-1][:40]


def test_a_number_of_nothing_and_one_that_is_not_for_them_are_told_alike(hall: Hall, number: str) -> None:
    desk = hall.desk("treasurer:own")
    answers = [desk.get(f"/office/applications/{each}") for each in (number, "0" * 15, "x", "%00")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers[:3]}) == 1


# --- another department's ---------------------------------------------------------------------------------------------


def test_another_departments_case_opens_with_a_reason_that_auditors_read(hall: Hall) -> None:
    number = hall.filed(note="ひみつの用件")
    officer = hall.officer("clerk:other")
    desk, path = hall.enter(officer), f"/office/applications/{number}"
    asked = desk.get(path)
    assert hall.own in asked.text and "見る理由" in asked.text
    assert "ひみつの用件" not in asked.text and "見本 和子" not in asked.text
    assert hall.noted(number, "application.view") == []
    for reason in ("", "    ", "x", "あ" * 301, "a\u0007bcdefg"):
        refused = desk.post(f"{path}/reason", {"reason": reason})
        assert refused.status_code == 422 and "ひみつの用件" not in refused.text
    assert place(desk.post(f"{path}/reason", {"reason": f"  {REASON} "})) == path
    shown = desk.get(path).text
    assert "ひみつの用件" in shown and "受け付ける" not in shown
    assert desk.post(f"{path}/acts/accept").status_code == 404
    (_, _, given), (_, _, seen) = hall.noted(number, "application.reason", "application.view")
    assert given["reason"] == seen["reason"] and REASON not in json.dumps([given, seen], ensure_ascii=False)
    audit = hall.desk("auditor").get(f"/office/looks?number={number}").text
    assert REASON in audit and f"見本 {officer.login}" in audit and "ひみつの用件" not in audit


def test_a_reason_opens_one_case_to_one_person_for_an_hour(hall: Hall) -> None:
    first, second = hall.filed(note="ひみつの用件"), hall.filed(note="ひみつの用件")
    officer, colleague = hall.officer("clerk:other"), hall.desk("clerk:other")
    desk = hall.enter(officer)
    desk.post(f"/office/applications/{first}/reason", {"reason": REASON})
    assert "ひみつの用件" in desk.get(f"/office/applications/{first}").text
    assert "ひみつの用件" not in desk.get(f"/office/applications/{second}").text
    assert "ひみつの用件" not in colleague.get(f"/office/applications/{first}").text
    hall.clock.advance(minutes=60)
    assert "ひみつの用件" not in hall.enter(officer).get(f"/office/applications/{first}").text


# --- taking a case on -------------------------------------------------------------------------------------------------


def test_of_two_clerks_who_take_a_case_one_wins_and_the_other_is_told(hall: Hall) -> None:
    number = hall.filed()
    path = f"/office/applications/{number}"
    winner, loser = hall.officer("clerk:own"), hall.desk("clerk:own")
    desk = hall.enter(winner)
    assert "受け付ける" in desk.get(path).text and "受け付ける" in loser.get(path).text
    assert place(desk.post(f"{path}/acts/accept")) == path
    told = loser.post(f"{path}/acts/accept")
    assert told.status_code == 409 and "受付済み" in told.text
    assert place(desk.post(f"{path}/acts/accept")) == path, "pressed twice, it is done"
    assert [line[0] for line in hall.noted(number, "application.state")] == [f"staff:{winner.id}"]
    shown = loser.get(path).text
    assert f"見本 {winner.login}" in shown and "受け付ける" not in shown


def test_a_case_that_was_taken_back_meanwhile_is_not_accepted(hall: Hall) -> None:
    resident, desk = hall.browser(), hall.desk("clerk:own")
    number = resident.submit(resident.begin("letter"))
    assert "受け付ける" in desk.get(f"/office/applications/{number}").text
    place(resident.post(f"/applications/{number}/withdraw"))
    told = desk.post(f"/office/applications/{number}/acts/accept")
    assert told.status_code == 409 and "取下げ" in told.text and hall.state(number) == "withdrawn"


def test_a_fee_that_is_not_paid_yet_holds_a_case_back(hall: Hall) -> None:
    number, desk = hall.filed("priced"), hall.desk("clerk:own")
    assert "受け付ける" not in desk.get(f"/office/applications/{number}").text
    assert desk.post(f"/office/applications/{number}/acts/accept").status_code == 409
    assert hall.state(number) == "payment_pending"


def test_the_resident_reads_that_it_was_accepted_and_not_by_whom(hall: Hall) -> None:
    resident = hall.browser()
    number = resident.submit(resident.begin("letter"))
    officer = hall.officer("clerk:own")
    hall.enter(officer).post(f"/office/applications/{number}/acts/accept")
    status = resident.get(f"/applications/{number}").text
    assert "受け付けました" in status and officer.login not in status and "見本 user" not in status


# --- 支援措置 ---------------------------------------------------------------------------------------------------------


def test_a_protected_person_is_marked_in_the_list_and_wherever_they_stand_in_a_case(hall: Hall) -> None:
    resident = hall.browser().sign_in("protected-jpki")
    own = resident.submit(resident.begin("letter"))
    desk, written = hall.desk("clerk:own"), hall.filed()
    line = next(row for row in desk.get("/office").text.split("<tr>") if own[10:] in row)
    assert "支援措置" in line
    assert "支援措置" in desk.get(f"/office/applications/{own}").text
    assert "支援措置" not in desk.get(f"/office/applications/{written}").text
    person = Person("見本和子", date(1958, 11, 3))
    hall.do(lambda db: protection.protect(db, hall.of.keys, [person], now=hall.clock()))
    assert "支援措置" in desk.get(f"/office/applications/{written}").text
    hall.do(lambda db: protection.release(db, hall.of.keys, [person]))


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_sign_in_leads_back_to_the_page_that_asked_and_nowhere_else(hall: Hall, number: str) -> None:
    officer = hall.officer("clerk:own")
    browser = hall.browser()
    asked = browser.get(f"/office/applications/{number}")
    assert asked.headers["location"] == f"/staff/signin?next=/office/applications/{number}"
    assert f'value="/office/applications/{number}"' in browser.get(asked.headers["location"]).text
    answer = browser.post("/staff/signin", officer.controls(next=f"/office/applications/{number}"))
    assert place(answer) == f"/office/applications/{number}"
    for to in ("//evil.example", "https://evil.example", "/my", "/signout", "/officer", "/\\evil", ""):
        assert place(browser.post("/staff/signin", officer.controls(next=to))) == "/office"


def test_programs_are_refused_and_a_bearer_token_beside_the_cookie_makes_it_worth_nothing(hall: Hall) -> None:
    desk = hall.desk("clerk:own")
    refused = hall.browser().get("/office", accept="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "SIGN_IN_REQUIRED")
    assert desk.get("/office").status_code == 200
    assert place(desk.get("/office", authorization="Bearer x")) == "/staff/signin"
    assert desk.post("/staff/signout", authorization="Bearer x", origin="https://evil.example").status_code == 303
    assert desk.get("/office").status_code == 200


def test_the_cookie_of_the_staff_is_their_own_and_ends_with_the_browser(hall: Hall) -> None:
    officer, browser = hall.officer("clerk:own"), hall.browser().sign_in("taro-jpki")
    answer = browser.post("/staff/signin", officer.controls())
    (cookie,) = answer.headers.get_list("set-cookie")
    token, *flags = cookie.split("; ")
    assert {flag.lower() for flag in flags} == {"httponly", "path=/", "samesite=lax"}
    assert re.fullmatch(r"kakanai-staff=[A-Za-z0-9_-]{43}", token)
    assert browser.get("/my").status_code == 200
    page = browser.get("/office").text
    assert "津軽" not in page, "a resident signed in at the same browser is another matter"
    swapped = hall.browser()
    swapped.client.cookies.set("kakanai-staff", browser.client.cookies["kakanai"])
    swapped.client.cookies.set("kakanai", browser.client.cookies["kakanai-staff"])
    assert place(swapped.get("/office")) == "/staff/signin"
    assert place(swapped.get("/my")) == "/signin"


def test_signing_out_ends_the_session_and_forgets_the_browsers_copies(hall: Hall) -> None:
    desk, thief = hall.desk("clerk:own"), hall.browser()
    thief.client.cookies.set("kakanai-staff", desk.client.cookies["kakanai-staff"])
    assert thief.get("/office").status_code == 200
    answer = desk.post("/staff/signout")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert place(thief.get("/office")) == "/staff/signin"


def test_ones_sessions_are_listed_and_ended_from_another_browser(hall: Hall) -> None:
    officer = hall.officer("clerk:own")
    here, there = hall.enter(officer), hall.enter(officer)
    shown = here.get("/staff").text
    (end,) = re.findall(r'action="(/staff/sessions/[0-9a-f]+/end)"', shown)
    assert place(hall.desk("clerk:own").post(end)) == "/staff", "nobody else's"
    assert there.get("/office").status_code == 200
    assert place(here.post(end)) == "/staff"
    assert place(there.get("/office")) == "/staff/signin"
    assert here.get("/office").status_code == 200


def test_who_is_disabled_in_the_middle_gets_no_further(hall: Hall) -> None:
    officer, number = hall.officer("clerk:own"), hall.filed()
    desk, boss = hall.enter(officer), hall.desk("administrator")
    assert desk.get(f"/office/applications/{number}").status_code == 200
    page = f"/admin/staff/{officer.id}"
    assert "このアカウントを止める" in boss.get(page).text
    assert place(boss.post(f"{page}/switch", {"do": "disable"})) == page
    assert place(desk.post(f"/office/applications/{number}/acts/accept")) == "/staff/signin"
    assert hall.state(number) == "submitted"
    assert hall.browser().post("/staff/signin", officer.controls()).status_code == 422
    assert place(boss.post(f"{page}/switch", {"do": "enable"})) == page
    assert hall.enter(officer).get("/office").status_code == 200


def test_an_administrator_ends_a_session_elsewhere_and_it_is_written_down(hall: Hall) -> None:
    officer, boss = hall.officer("clerk:own"), hall.officer("administrator")
    desk, chief = hall.enter(officer), hall.enter(boss)
    (end,) = re.findall(
        r'action="(/admin/staff/[0-9a-f]+/sessions/[0-9a-f]+/end)"', chief.get(f"/admin/staff/{officer.id}").text
    )
    assert place(chief.post(end)) == f"/admin/staff/{officer.id}" == place(chief.post(end))
    assert place(desk.get("/office")) == "/staff/signin"
    query = select(t.audit.c.actor).where(t.audit.c.action == "staff.session_end", t.audit.c.target == officer.id)
    assert hall.do(lambda db: [row.actor for row in db.all(query)]) == [f"staff:{boss.id}"]


@pytest.mark.parametrize("controls", [{}, {"do": ""}, {"do": "delete"}])
def test_a_switch_that_says_nothing_switches_nothing(controls: dict[str, str], hall: Hall) -> None:
    officer, boss = hall.officer("clerk:own"), hall.desk("administrator")
    desk = hall.enter(officer)
    assert boss.post(f"/admin/staff/{officer.id}/switch", controls).status_code == 404
    assert boss.post(f"/admin/staff/{'0' * 32}/switch", {"do": "disable"}).status_code == 404
    assert boss.get(f"/admin/staff/{'0' * 32}").status_code == 404
    assert desk.get("/office").status_code == 200


def test_roles_that_change_in_the_middle_count_at_once(hall: Hall) -> None:
    officer, number = hall.officer("clerk:own"), hall.filed()
    desk = hall.enter(officer)
    less = held(f"reviewer:{hall.own}")
    hall.do(lambda db: staff.set_roles(db, hall.of.keys, officer.login, less, actor="operator"))
    assert desk.post(f"/office/applications/{number}/acts/accept").status_code == 404
    assert hall.state(number) == "submitted"


# --- wrong everything -------------------------------------------------------------------------------------------------


def test_whatever_was_wrong_the_answer_is_the_same(hall: Hall) -> None:
    officer = hall.officer("clerk:own")
    used = officer.controls()
    assert place(hall.browser().post("/staff/signin", used)) == "/office"
    wrong = [
        used,  # a code that was taken before
        officer.controls(password="x"),
        officer.controls(code=""),
        officer.controls(code="000000"),
        officer.controls(code="AAAAA-AAAAA"),
        officer.controls(login="nobody"),
        {"login": "x"},
    ]
    texts = set()
    for controls in wrong:
        answer = hall.browser().post("/staff/signin", controls)
        assert answer.status_code == 422 and "kakanai-staff" not in answer.headers.get("set-cookie", "")
        login = controls.get("login", "")
        texts.add(answer.text.replace(f'value="{login}"', "value="))
        assert PASSWORD not in answer.text
    assert len(texts) == 1


def test_the_sixth_wrong_try_is_locked_whoever_they_say_they_are(hall: Hall) -> None:
    officer = hall.officer("clerk:own")
    for login in (officer.login, "nobody-at-all"):
        browser = hall.browser()
        tried = [browser.post("/staff/signin", {"login": login, "password": "", "code": "1"}) for _ in range(6)]
        assert [answer.status_code for answer in tried] == [422] * 5 + [429]
        assert "待ってから" in tried[5].text and int(tried[5].headers["retry-after"]) > 0
        if login == officer.login:
            assert browser.post("/staff/signin", officer.controls()).status_code == 429, "the right one too"
            assert place(hall.browser().post("/staff/signin", officer.controls())) == "/office", "not from elsewhere"


NONSENSE = [
    "%00",
    "%ED%A0%80",
    "%FF%FE",
    "%E3%81%82" * 10_000,
    "%27+OR+1%3D1+--",
    "%25s",
    "..%2F..",
    "%0D%0Aset-cookie:+x=1",
]


@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: text[:12])
def test_nonsense_in_any_box_is_refused_in_peace(text: str, hall: Hall) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path, names in (
        ("/staff/signin", ("login", "password", "code", "next")),
        ("/staff/enrol", ("login", "code", "password", "password_again")),
    ):
        content = "&".join(f"{name}={text}" for name in names)
        answer = hall.browser().client.post(path, content=content.encode(), headers=headers)
        assert answer.status_code in (400, 422), answer.text
        assert "x" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("text", NONSENSE[:3] + NONSENSE[4:], ids=lambda text: text[:12])
def test_nonsense_in_an_address_finds_nothing(text: str, hall: Hall) -> None:
    clerk, auditor, chief = (hall.desk(role) for role in ("clerk:own", "auditor", "administrator"))
    for desk, path in (
        (clerk, f"/office/applications/{text.replace('%2F', '')}"),
        (clerk, f"/office?state={text}"),
        (clerk, f"/office?page={text}"),
        (clerk, f"/office?number={text}"),
        (auditor, f"/office/looks?number={text}"),
        (chief, f"/admin/staff/{text.replace('%2F', '')}"),
    ):
        assert desk.get(path).status_code in (404, 422), path
    assert clerk.get(f"/office?procedure={text}").status_code in (200, 404)


def test_an_enrolment_by_the_pages_ends_signed_in_with_codes_that_are_shown_once(hall: Hall) -> None:
    of = hall.of
    given: dict[str, Any] = {"actor": "operator", "now": hall.clock(), "random": of.random}
    roles = held(f"clerk:{hall.own}")
    code = hall.do(lambda db: staff.add(db, of.keys, "newcomer", "新人", roles, **given))
    browser = hall.browser()
    right = {"login": "newcomer", "code": code, "password": PASSWORD, "password_again": PASSWORD}
    for wrong, words in (
        ({"code": "x"}, "登録コード"),
        ({"login": "other"}, "登録コード"),
        ({"password": "short", "password_again": "short"}, "12文字"),
        ({"password": "newcomer-2026", "password_again": "newcomer-2026"}, "ログイン名"),
        ({"password": "password1234", "password_again": "password1234"}, "よく使われる"),
        ({"password_again": "x"}, "2回"),
    ):
        refused = browser.post("/staff/enrol", right | wrong)
        assert refused.status_code == 422 and words in refused.text and PASSWORD not in refused.text
    assert place(browser.get("/staff/enrol/factor")) == "/staff/enrol"
    assert place(browser.post("/staff/enrol", right)) == "/staff/enrol/factor"
    assert place(browser.get("/office")) == "/staff/signin", "half an enrolment opens nothing"
    shown = browser.get("/staff/enrol/factor").text
    (groups,) = re.findall(r'<dd translate="no">([A-Z2-7 ]+)</dd>', shown)
    assert '<path d="M' in shown and "style=" not in shown
    assert browser.post("/staff/enrol/factor", {"code": "000000"}).status_code == 422
    officer = Officer("", "newcomer", groups.replace(" ", ""), (), hall.clock)
    before = browser.client.cookies["kakanai-staff"]
    done = browser.post("/staff/enrol/factor", {"code": officer.code()})
    codes = re.findall(r"<li>([0-9A-Z]{5}-[0-9A-Z]{5})</li>", done.text)
    assert len(codes) == 10 and browser.client.cookies["kakanai-staff"] != before
    assert browser.get("/office").status_code == 200
    assert place(browser.get("/staff/enrol/factor")) == "/staff/enrol"
    again = hall.browser().post("/staff/enrol", right)
    assert again.status_code == 422 and "登録コード" in again.text
    entered = hall.browser().post("/staff/signin", officer.controls(code=codes[3]))
    assert place(entered) == "/office", entered.text


def test_no_page_of_the_staff_is_kept_by_a_browser_and_each_wears_the_headers(hall: Hall, number: str) -> None:
    desk = hall.desk("clerk:own", "auditor", "administrator")
    case = f"/office/applications/{number}"
    for path in (
        "/office",
        case,
        f"/office/looks?number={number}",
        "/staff",
        "/admin/staff",
        "/staff/signin",
        f"{case}x",
    ):
        answer = desk.get(path)
        assert answer.headers["cache-control"] == "no-store", path
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/acts/accept", "/reason"])
def test_another_site_makes_a_clerk_do_nothing(path: str, hall: Hall) -> None:
    number, desk = hall.filed(), hall.desk("clerk:own")
    answer = desk.post(f"/office/applications/{number}{path}", {"reason": REASON}, origin="https://evil.example")
    assert answer.status_code == 403
    assert (hall.state(number), hall.noted(number)) == ("submitted", [])


# --- words ------------------------------------------------------------------------------------------------------------


def test_the_staff_read_japanese_whatever_was_chosen_before(hall: Hall, number: str) -> None:
    desk = hall.desk("clerk:own", "auditor", "administrator")
    paths = ["/office", f"/office/applications/{number}", "/office/looks", "/admin/staff", "/staff", "/staff/signin"]
    plain = [desk.get(path).text for path in paths]
    desk.client.cookies.set("kakanai-language", "en")
    assert [desk.get(path).text for path in paths] == plain
    assert [desk.get(f"{path}?lang=en").text for path in paths] == plain
    assert all('<html lang="ja">' in text for text in plain)
    answer = desk.get("/office?lang=vi")
    assert "set-cookie" not in answer.headers
    missing = desk.get("/office/applications/x")
    assert '<html lang="ja">' in missing.text


def test_an_auditor_sees_who_looked_and_that_too_is_written_down(hall: Hall) -> None:
    number, officer, auditor = hall.filed(), hall.officer("clerk:own"), hall.officer("auditor")
    hall.enter(officer).get(f"/office/applications/{number}")
    desk = hall.enter(auditor)
    shown = desk.get(f"/office/looks?number={number[:5]}+{number[5:]}").text
    assert "内容を見た" in shown and f"見本 {officer.login}" in shown and "090-0000-0456" not in shown
    assert hall.noted(number, "application.looks") == [(f"staff:{auditor.id}", "application.looks", {})]
    unknown = desk.get("/office/looks?number=123")
    assert unknown.status_code == 422 and "その受付番号の申請はありません" in unknown.text
