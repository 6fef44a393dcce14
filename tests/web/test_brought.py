"""From the resident's page with the code to the clerk's visit, and everything that may be the matter with a code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.applications import suspending
from server.catalogue import Suspension
from server.counter import handoffs, windows
from server.counter.qr import drawn
from server.people.protection import Person, protect, release
from server.store import tables as t
from tests.people.officers import Officer, hire
from tests.security.declarations import declared, numbered, sample
from tests.security.site import FILE, LETTER, PERSON, Browser, Site, place, sandbox_site

SIGNS = re.compile(r'class="code__signs"[^>]*>(.*?)</dd>', re.DOTALL)
NOT_YET = "まだ申請ではありません"
NUMBER = "123456789018"
STEPS = [
    {"title": "内容", "fields": ["/note", "/story", "/way", "/children", "attachment:paper"]},
    {"title": "申請する人", "fields": ["/applicant", "/married", "/partner"]},
]


class Hall(Site):
    """The site with clerks and residents."""

    names: Iterator[int]

    def clerk(self, *roles: str) -> Browser:
        login = f"clerk{next(self.names)}"
        hire_ = (self.run, self.of.database, self.of.keys, self.clock, self.of.random)
        officer: Officer = hire(*hire_, login, *(roles or ("clerk:市民課",)))  # type: ignore[arg-type]
        browser = self.browser()
        assert browser.post("/staff/signin", officer.controls()).status_code == 303
        browser.client.headers["x-staff"] = officer.id  # for the tests alone: nobody reads it
        return browser

    def do(self, work: Any) -> Any:
        return self.run(lambda: self.of.database.transact(work))

    def actions(self) -> list[str]:
        return [row.action for row in self.do(lambda db: db.all(select(t.audit.c.action).order_by(t.audit.c.seq)))]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Hall]:
    everybody = [*sample(), declared("noted", id="P906", schema=numbered(), ui={"steps": STEPS})]
    with sandbox_site(tmp_path_factory.mktemp("brought"), migrated_file, everybody) as site:
        site.__class__ = Hall
        assert isinstance(site, Hall)
        site.names = iter(range(10_000))
        yield site
        assert site.failures() == []


def code_of(html: str) -> str:
    found = SIGNS.search(html)
    assert found is not None, html
    return re.sub(r"<[^>]+>|\s", "", found[1])


def brought_along(hall: Hall, slug: str = "letter", **controls: str) -> str:
    """A code of a draft in which everything is answered."""
    resident = hall.browser()
    draft = resident.begin(slug, {"note": "ひみつの用件", **controls}, files=FILE if slug == "letter" else ())
    return code_of(resident.post(f"/drafts/{draft}/handoff").text)


def opened(clerk: Browser, code: str) -> str:
    return place(clerk.post("/counter/handoff", {"code": code}))


# --- at home ----------------------------------------------------------------------------------------------------------


def test_a_resident_gets_a_code_from_any_page_of_a_draft_and_is_told_that_it_is_no_application(hall: Hall) -> None:
    resident = hall.browser()
    here = place(resident.post("/procedures/letter/apply", {**LETTER, "note": "途中まで", "way": "", "_do": "handoff"}))
    assert re.fullmatch(r"/drafts/[0-9a-f]{32}/handoff", here), "what was typed is saved, right or wrong"
    offer = resident.get(here).text
    assert NOT_YET in offer
    assert "見本の届出 letter" in offer
    assert "本人確認書類" in offer
    assert "証明書" in offer
    answer = resident.post(here)
    assert NOT_YET in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{12}", code_of(answer.text))
    assert "11月25日" in answer.text, "the second working day after Friday the 20th, past a holiday; its last moment"
    svg = re.search(r"<svg class=\"qr\".*?</svg>", answer.text, re.DOTALL)
    assert svg is not None
    assert "style=" not in svg[0]
    saved = resident.post(here.replace("handoff", "1"), {"_rev": "2", **LETTER, "_do": "save"})
    check = resident.get(here.replace("handoff", "check"))
    for page in (saved, check):
        assert f'href="{here}"' in page.text


def test_the_code_that_is_drawn_is_the_code_that_is_written(hall: Hall) -> None:
    resident = hall.browser()
    draft = resident.begin("letter")
    html = resident.post(f"/drafts/{draft}/handoff").text
    code = code_of(html)
    assert f'd="{drawn("-".join((code[:4], code[4:8], code[8:]))).path}"' in html


def test_nobody_makes_a_code_of_another_ones_draft(hall: Hall) -> None:
    draft = hall.browser().begin("letter")
    stranger = hall.browser()
    assert stranger.get(f"/drafts/{draft}/handoff").status_code == 404
    assert stranger.post(f"/drafts/{draft}/handoff").status_code == 404


def test_codes_are_limited(hall: Hall) -> None:
    resident = hall.browser()
    here = f"/drafts/{resident.begin('letter')}/handoff"
    for _ in range(handoffs.BY_MAKER.most):
        assert resident.post(here).status_code == 200
    refused = resident.post(here)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_a_guides_answers_and_what_was_begun_go_together_in_one_code(hall: Hall) -> None:
    resident = hall.browser()
    query = "cause=fire&damage=other"
    listed = resident.get(f"/life-events/disaster/list?{query}").text
    assert f"/life-events/disaster/handoff?{query}" not in listed, "of procedures that are not served here"
    offer = resident.get(f"/life-events/disaster/handoff?{query}")
    assert NOT_YET in offer.text
    code = code_of(resident.post(f"/life-events/disaster/handoff?{query}").text)
    clerk = hall.clerk()
    seen = clerk.get(opened(clerk, code)).text
    assert "の質問への答え" in seen
    handoff = re.search(r'name="handoff" value="([0-9a-f]+)"', seen)
    assert handoff is not None
    begun = place(clerk.post("/counter", {"handoff": handoff[1], "department": "市民課"}))
    assert begun.endswith("/procedures"), "what to file besides is still to be chosen"
    assert place(resident.get("/life-events/disaster/handoff?cause=x")) == "/life-events/disaster"
    assert place(resident.get(f"/life-events/disaster/handoff?{query}&x=1")) == "/life-events/disaster/handoff"
    assert resident.get("/life-events/nothing/handoff").status_code == 404


# --- at the window ----------------------------------------------------------------------------------------------------


def test_the_clerk_sees_what_was_brought_and_begins_a_visit_with_it(hall: Hall) -> None:
    code = brought_along(hall)
    clerk = hall.clerk()
    form = clerk.get("/counter/handoff")
    assert "camera=(self)" in form.headers["permissions-policy"]
    assert "camera=()" in clerk.get("/office").headers["permissions-policy"]
    here = opened(clerk, f" {code[:4].lower()} {code[4:8]}-{code[8:]}\r\n".replace("0", "o"))
    seen = clerk.get(here).text
    for text in (
        NOT_YET,
        "見本 和子",
        "見本の届出 letter",
        "ひみつの用件",
        "添付ファイル1件",
        "この内容で受付を始める",
    ):
        assert text in seen
    handoff = here.rpartition("/")[2]
    begun = place(clerk.post("/counter", {"handoff": handoff, "department": "市民課"}))
    visit = begun.split("/")[2]
    content = clerk.get(f"/counter/{visit}/answers").text
    assert "ひみつの用件" in content
    assert "見本の届出 letter" in content
    assert clerk.get(here).status_code == 404, "what was brought is the visit's now"
    assert {"handoff.view", "handoff.begin", "visit.open"} <= set(hall.actions())


def test_only_whoever_opened_a_code_sees_it(hall: Hall) -> None:
    code, clerk, colleague = brought_along(hall), hall.clerk(), hall.clerk()
    here = opened(clerk, code)
    assert colleague.get(here).status_code == 404
    assert hall.clerk("auditor").get("/counter/handoff").status_code == 403
    assert hall.clerk("treasurer:市民課").post("/counter/handoff", {"code": code}).status_code == 403


@pytest.mark.parametrize("rubbish", ["", "ほげ", "https://example.com/x", "1234567890123", "A" * 400])
def test_a_scanned_picture_that_is_no_code_is_told_apart(rubbish: str, hall: Hall) -> None:
    answer = hall.clerk().post("/counter/handoff", {"code": rubbish})
    assert answer.status_code == 422
    assert "持参コードではありません" in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_an_unknown_code_says_so(hall: Hall) -> None:
    answer = hall.clerk().post("/counter/handoff", {"code": "0000-0000-0000"})
    assert answer.status_code == 422
    assert "このコードはありません" in answer.text


def test_an_expired_code_says_when_it_ended_and_what_to_do(hall: Hall) -> None:
    code = brought_along(hall)
    hall.clock.advance(days=6)
    answer = hall.clerk().post("/counter/handoff", {"code": code})
    assert answer.status_code == 422
    assert "期限が切れました" in answer.text
    assert "作り直して" in answer.text


def test_a_used_code_says_when_and_at_which_window(hall: Hall) -> None:
    code, clerk = brought_along(hall), hall.clerk()
    who = clerk.client.headers["x-staff"]
    given: dict[str, Any] = {"now": hall.clock(), "random": hall.of.random}
    window = hall.do(lambda db: windows.open_window(db, "7番窓口", "市民課", (), "test", **given))
    assert hall.do(lambda db: windows.sit(db, window.id, who, now=hall.clock())) == ""
    here = opened(clerk, code)
    colleague = hall.clerk()
    first = colleague.post("/counter/handoff", {"code": code})
    assert first.status_code == 422
    assert "見本 clerk" in first.text
    clerk.post("/counter", {"handoff": here.rpartition("/")[2], "department": "市民課"})
    second = colleague.post("/counter/handoff", {"code": code})
    assert "に使われています(7番窓口、見本 clerk" in second.text


def test_a_code_that_was_given_back_opens_elsewhere(hall: Hall) -> None:
    code, clerk, colleague = brought_along(hall), hall.clerk(), hall.clerk()
    here = opened(clerk, code)
    assert place(clerk.post(f"{here}/return")) == "/counter/handoff"
    assert clerk.get(here).status_code == 404
    assert opened(colleague, code) == here


def test_a_clerk_who_types_many_wrong_codes_has_to_wait(hall: Hall) -> None:
    clerk = hall.clerk()
    for i in range(handoffs.BY_STAFF.most):
        assert clerk.post("/counter/handoff", {"code": f"{i:012}"}).status_code == 422
    assert clerk.post("/counter/handoff", {"code": "1" * 12}).status_code == 429


# --- what has changed since -------------------------------------------------------------------------------------------


def test_a_procedure_that_is_suspended_now_stays_at_home(hall: Hall) -> None:
    code, clerk = brought_along(hall, "priced"), hall.clerk()
    now = hall.clock()
    wanted = Suspension("点検のため", None, now + timedelta(days=1))
    change(hall, lambda db: suspending.suspend(db, "priced", wanted, now=now, actor="operator"))
    try:
        here = opened(clerk, code)
        seen = clerk.get(here).text
        assert "いま受付を止めている手続きです" in seen
        assert "点検のため" in seen
        assert "この内容で受付を始める" not in seen
        begun = place(clerk.post("/counter", {"handoff": here.rpartition("/")[2], "department": "市民課"}))
        assert begun.endswith("/event"), "whoever begins nonetheless has nothing of it"
    finally:
        change(hall, lambda db: suspending.resume(db, "priced", now=now, actor="operator"))


def change(hall: Hall, work: Any) -> None:
    async def done() -> None:
        await hall.of.database.transact(work)
        await hall.of.catalogue.refresh()

    hall.run(done)


def test_of_a_newer_version_the_clerk_is_told_and_the_answers_move_to_it(hall: Hall) -> None:
    before = declared("changing", id="P907")
    hall.publish([before])
    code, clerk = brought_along(hall, "changing", story="ながい話"), hall.clerk()
    schema = dict(before.schema) | {
        "properties": {k: v for k, v in before.schema["properties"].items() if k != "story"}
    }
    steps = [
        {"title": "内容", "fields": ["/note", "/way", "/children", "attachment:paper"]},
        STEPS[1] | {"fields": ["/applicant"]},
    ]
    hall.publish(
        [declared("changing", id="P907", schema={k: v for k, v in schema.items() if k != "$defs"}, ui={"steps": steps})]
    )
    here = opened(clerk, code)
    seen = clerk.get(here).text
    assert "様式は、入力のあとで新しくなりました" in seen
    assert "ながい話" in seen, "what has no place any more is told"
    begun = place(clerk.post("/counter", {"handoff": here.rpartition("/")[2], "department": "市民課"}))
    content = clerk.get(f"/counter/{begun.split('/')[2]}/answers").text
    assert "ひみつの用件" in content
    assert "ながい話" not in content


def test_what_was_sent_online_meanwhile_is_not_filed_again(hall: Hall) -> None:
    resident, clerk = hall.browser(), hall.clerk()
    draft = resident.begin("letter")
    code = code_of(resident.post(f"/drafts/{draft}/handoff").text)
    resident.submit(draft)
    seen = clerk.get(opened(clerk, code)).text
    assert "もう提出された手続きです" in seen
    assert "この内容で受付を始める" not in seen


# --- people and numbers -----------------------------------------------------------------------------------------------


def test_people_under_protection_are_flagged_and_nothing_of_theirs_is_shown_or_filled_in(hall: Hall) -> None:
    listed = [Person("見本 和子", date(1958, 11, 3))]
    hall.do(lambda db: protect(db, hall.of.keys, listed, now=hall.clock()))
    try:
        code, clerk = brought_along(hall), hall.clerk()
        here = opened(clerk, code)
        seen = clerk.get(here).text
        assert "支援措置" in seen
        assert "本人の意思を確かめるまで" in seen
        for hidden in ("見本 和子", "五所川原市41", "41-1", "090-0000-0456", "ひみつの用件"):
            assert hidden not in seen
        begun = place(clerk.post("/counter", {"handoff": here.rpartition("/")[2], "department": "市民課"}))
        content = clerk.get(f"/counter/{begun.split('/')[2]}/answers").text
        assert "41-1" not in content
    finally:
        hall.do(lambda db: release(db, hall.of.keys, listed))


def test_a_number_from_home_is_the_visits_and_shown_nowhere(hall: Hall) -> None:
    resident, clerk = hall.browser(), hall.clerk()
    numbered_person = PERSON | {"applicant.my_number": NUMBER, "married": "false"}
    draft = resident.begin("noted", {"note": "番号"}, person=numbered_person)
    code = code_of(resident.post(f"/drafts/{draft}/handoff").text)
    here = opened(clerk, code)
    assert NUMBER not in clerk.get(here).text
    visit = place(clerk.post("/counter", {"handoff": here.rpartition("/")[2], "department": "市民課"})).split("/")[2]
    owners = hall.do(lambda db: [row.owner_id for row in db.all(select(t.mynumber.c.owner_id))])
    assert sorted(owners.count(each) for each in (draft, visit)) == [1, 1]
    rows = hall.do(lambda db: db.all(select(t.mynumber).where(t.mynumber.c.owner_id == visit)))
    assert [hall.of.keys.open_my_number(row.sealed) for row in rows] == [NUMBER]
    assert NUMBER not in clerk.get(f"/counter/{visit}/answers").text
