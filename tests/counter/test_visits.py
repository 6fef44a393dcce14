"""Visits at the window: the whole way of a family, and what goes wrong in the middle of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from procedures.joint import Key
from server.applications.submission import SEALED, Filing
from server.counter import handoffs, queue, visits, windows
from server.counter.handoffs import Brought, BroughtForm
from server.people import protection
from server.people.protection import Person
from server.people.sessions import NOBODY
from server.store import audit
from server.store import tables as t
from tests.counter.window import DEPARTMENT, GUIDE, AtWindow, Window, at_the_counter, moving
from tests.journeys.filing import declared
from tests.journeys.pages import PDF, Page, Resident, standing
from tests.procedures.moving_family import APPLICATIONS, NUMBER


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Window]:
    with at_the_counter(tmp_path_factory.mktemp("counter"), migrated_file) as site:
        yield site
        assert site.failures() == []


def test_a_family_that_moves_in_files_seven_applications_and_writes_nothing(hall: Window) -> None:
    clerk = hall.clerk()
    base = clerk.begin(language="ja")
    page = clerk.guide(base, "move-in", GUIDE)
    form = page.form(control="slug")
    offered = {control.value for control in form.controls if control.name == "slug"}
    assert set(APPLICATIONS) <= offered
    page = clerk.press(page, form, {"slug": list(APPLICATIONS)})
    page = clerk.interview(base, moving(), page)
    page = clerk.papers(base)
    share = re.search(r"書かずに済んだ分 *([0-9]+)%", page.text)
    told = re.search(r"([0-9,]+)回で([0-9,]+)か所.*?([0-9,]+)字で([0-9,]+)字分", page.text)
    assert share is not None and told is not None, page.text
    print(f"\nat the counter: {told[2]} answers by {told[1]}, {share[1]} % fewer; {told[3]} characters for {told[4]}")
    assert int(share[1]) >= 60
    page = clerk.file(base)
    assert page.path == f"{base}/filed", page.text
    rows = hall.rows(select(t.application).where(t.application.c.channel == "counter"))
    assert {row.slug for row in rows} == set(APPLICATIONS)


SMALL = ("suido-kaishi", "inu-henko")
"""Two applications of the family's, without a 個人番号."""


OTHER_NUMBER = "987654321093"
"""One that stands in no declaration's examples."""


@pytest.fixture
def clerk(hall: Window) -> AtWindow:
    return hall.clerk()


def begun(clerk: AtWindow, *slugs: str) -> str:
    """A visit with its procedures chosen."""
    base = clerk.begin()
    clerk.choose(base, *(slugs or SMALL))
    return base


def asked(clerk: AtWindow, base: str, text: str, *slugs: str) -> Page:
    """The interview as far as the first page that says this."""
    page = clerk.open(f"{base}/ask")
    for _ in range(60):
        if text in page.text.split("ひとつ前の答えに戻る")[-1]:
            return page
        typed = clerk.typed(page, moving(*(slugs or SMALL)), base)
        page = clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))
    raise AssertionError(text)


def of_visit(base: str) -> str:
    return base.split("/")[2]


def lines(hall: Window, target: str) -> list[str]:
    """What the audit says of something, in order."""
    query = select(t.audit.c.action, t.audit.c.actor).where(t.audit.c.target == target).order_by(t.audit.c.seq)
    return [row.action for row in hall.rows(query)]


# --- several hands ----------------------------------------------------------------------------------------------------


def test_of_two_tabs_that_say_different_things_the_later_is_told_and_keeps_what_it_typed(
    hall: Window, clerk: AtWindow
) -> None:
    base = begun(clerk)
    page = asked(clerk, base, "電話番号")
    typed = clerk.typed(page, moving(*SMALL), base)
    mine = typed | {"applicant.name.given": ["次郎"], "applicant.phone": ["0173000111"]}
    assert clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next")).status == 200
    told = clerk.press(page, page.form(control="_rev"), mine, button=("_do", "next"))
    assert told.status == 409
    assert "先に「太郎」と保存されています" in told.text and "まだ保存していませんが" in told.text
    form = told.form(control="_rev")
    assert dict(standing(form))["applicant.name.given"] == ["次郎"]
    known = hall.turn(of_visit(base)).known
    assert known.value(Key("applicant", "name/given")) == "太郎"
    clerk.press(told, form, button=("_do", "next"))
    known = hall.turn(of_visit(base)).known
    assert known.value(Key("applicant", "name/given")) == "次郎"
    assert known.value(Key("applicant", "phone")) == "0173000111"


def test_of_two_tabs_that_say_the_same_or_other_things_neither_is_held_up(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk)
    page = asked(clerk, base, "電話番号")
    typed = clerk.typed(page, moving(*SMALL), base)
    assert clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next")).status == 200
    assert clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next")).status == 200


def test_a_colleague_takes_a_visit_over_and_whoever_led_it_loses_nothing(hall: Window, clerk: AtWindow) -> None:
    base, colleague = begun(clerk), hall.clerk()
    page = asked(clerk, base, "電話番号")
    typed = clerk.typed(page, moving(*SMALL), base)
    shown = colleague.open(f"{base}/ask")
    assert shown.status == 409 and "対応しています" in shown.text and "電話番号" not in shown.text
    assert colleague.press(shown, shown.form(action="/take")).status == 200
    told = clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))
    assert told.status == 409 and "09012345678" in told.text
    again = clerk.press(told, told.form(control="_take"))
    assert again.status == 200 and again.path == f"{base}/ask"
    assert hall.turn(of_visit(base)).known.value(Key("applicant", "phone")) == "09012345678"
    assert lines(hall, of_visit(base)) == ["visit.open", "visit.take", "visit.take"]


def test_another_departments_clerk_and_who_is_no_clerk_find_no_visit(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk)
    for roles in (("clerk:税務課",), (f"reviewer:{DEPARTMENT}",), ("auditor",)):
        other = hall.clerk(*roles) if roles[0].startswith("clerk") else AtWindow(hall, hall.officer(*roles))
        if not roles[0].startswith("clerk"):
            other.client.post("/staff/signin", data=other.officer.controls())
        for path in ("", "/ask", "/answers", "/check", "/papers", "/event", "/procedures", "/filed", "/receipt"):
            assert other.open(f"{base}{path}").status == 404, (roles, path)
        assert other.client.post(f"{base}/take").status_code == 404
        assert other.client.post(f"{base}/leave").status_code == 404
        assert other.client.post(f"{base}/check", data={"method": "said"}).status_code == 404
        assert of_visit(base) not in other.open("/counter").html
    assert hall.clerk("clerk:税務課").open("/counter").status == 200
    assert lines(hall, of_visit(base)) == ["visit.open"]


def test_a_clerk_signed_out_in_the_middle_goes_on_after_signing_in_and_what_was_typed_is_sent(
    hall: Window, clerk: AtWindow
) -> None:
    base = begun(clerk)
    page = asked(clerk, base, "電話番号")
    typed = clerk.typed(page, moving(*SMALL), base)
    hall.clock.advance(minutes=31)
    told = clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))
    assert told.status == 403 and "まだ保存していません" in told.text and "09012345678" in told.text
    clerk.sign_in()
    assert f'href="{base}"' in clerk.open("/counter").html
    again = clerk.press(told, told.form(control="_rev"))
    assert again.status == 200 and again.path == f"{base}/ask"
    assert hall.turn(of_visit(base)).known.value(Key("applicant", "phone")) == "09012345678"


def test_what_is_given_back_to_who_is_signed_out_shows_no_number(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk)
    stranger = Resident(hall.browser().client)
    told = stranger._page(stranger.client.post(f"{base}/ask", data={"a": NUMBER, "b": "五所川原", "_rev": "1"}))
    assert told.status == 403 and NUMBER not in told.text and "五所川原" in told.text
    assert "見本" not in told.text and "来庁" not in told.text


# --- time and restarts ------------------------------------------------------------------------------------------------


def test_a_visit_goes_on_after_the_server_was_restarted_in_the_middle(tmp_path: Path, migrated_file: Path) -> None:
    with at_the_counter(tmp_path, migrated_file, *SMALL) as before:
        clerk = before.clerk()
        base = begun(clerk)
        page = asked(clerk, base, "電話番号")
        typed = clerk.typed(page, moving(*SMALL), base)
        cookies, officer, now = clerk.client.cookies, clerk.officer, before.clock.now
    with at_the_counter(tmp_path, migrated_file, *SMALL) as after:
        after.clock.now = now
        again = AtWindow(after, officer)
        again.client.cookies = cookies
        assert again.press(page, page.form(control="_rev"), typed, button=("_do", "next")).status == 200
        again.interview(base, moving(*SMALL))
        again.papers(base)
        assert again.file(base).path == f"{base}/filed"


def test_a_visit_that_nobody_goes_on_with_ends_by_itself_with_everything_in_it(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk, "kodomo-iryohi-nintei")
    asked(clerk, base, "口座", "kodomo-iryohi-nintei")
    paper = ("銀行.pdf", PDF, "application/pdf")
    page = clerk.open(f"{base}/papers")
    control = next(each for each in page.form(control="_rev").names() if each.startswith("attachment."))
    clerk.press(page, page.form(control="_rev"), files={control: [paper]}, button=("_do", "stay"))
    visit, owned = of_visit(base), select(t.mynumber.c.id).where(t.mynumber.c.owner_id == of_visit(base))
    scans = select(t.upload.c.id).where(t.upload.c.owner_kind == "visit", t.upload.c.owner_id.startswith(visit))
    assert len(hall.rows(owned)) == 1 and len(hall.rows(scans)) == 1
    hall.clock.advance(hours=12, minutes=1)
    clerk.sign_in()
    assert clerk.open(f"{base}/ask").status == 404
    assert base not in clerk.open("/counter").html
    hall.do(lambda db: visits.sweep(db, now=hall.clock()))
    assert not hall.rows(owned) and not hall.rows(scans)
    assert not hall.rows(select(t.visit.c.id).where(t.visit.c.id == visit))
    assert lines(hall, visit) == ["visit.open", "visit.expired"]


def test_a_visit_left_without_filing_keeps_nothing_of_what_was_said(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk, "kodomo-iryohi-nintei")
    asked(clerk, base, "口座", "kodomo-iryohi-nintei")
    page = clerk.open(f"{base}/answers")
    assert clerk.press(page, page.form(action="/leave")).path == "/counter"
    assert clerk.open(f"{base}/answers").status == 410
    visit = hall.rows(select(t.visit).where(t.visit.c.id == of_visit(base)))[0]
    content = hall.of.keys.open_data_key(visit.wrapped_key, visit.id).open(visit.sealed_content, visits.SEALED)
    assert "見本".encode() not in content and visit.state == visits.LEFT
    assert not hall.rows(select(t.mynumber.c.id).where(t.mynumber.c.owner_id == visit.id))
    assert lines(hall, visit.id) == ["visit.open", "visit.left"]


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_a_number_lies_nowhere_in_the_clear_and_each_application_keeps_its_own(hall: Window, clerk: AtWindow) -> None:
    slugs = ("kokuho-shutoku", "kodomo-iryohi-nintei")
    base = begun(clerk, *slugs)
    clerk.interview(base, moving(*slugs, number=OTHER_NUMBER))
    assert OTHER_NUMBER not in clerk.open(f"{base}/answers").html
    assert OTHER_NUMBER not in clerk.open(f"{base}/ask?key=applicant/my_number").html
    page = clerk.papers(base)
    assert OTHER_NUMBER not in page.html
    assert clerk.file(base).path == f"{base}/filed"
    file = Path(hall.of.settings.database_url.removeprefix("sqlite:///"))
    held = b"".join(each.read_bytes() for each in file.parent.glob("kakanai.db*"))
    assert OTHER_NUMBER.encode() not in held and "五所川原支店".encode() not in held
    bundle = hall.do(lambda db: visits.bundle(db, of_visit(base)))
    assert {name for name, _ in bundle} == set(slugs)
    for name, application in bundle:
        rows = hall.rows(select(t.mynumber).where(t.mynumber.c.owner_id == application))
        assert len(rows) == {"kokuho-shutoku": 5, "kodomo-iryohi-nintei": 1}[name]
        assert {hall.of.keys.open_my_number(row.sealed) for row in rows} == {OTHER_NUMBER}
    assert not hall.rows(select(t.mynumber).where(t.mynumber.c.owner_id == of_visit(base)))


def test_the_token_of_another_visits_number_counts_for_nothing(hall: Window, clerk: AtWindow) -> None:
    first, second = (begun(clerk, "kodomo-iryohi-nintei") for _ in range(2))
    asked(clerk, first, "口座", "kodomo-iryohi-nintei")
    token = str(hall.turn(of_visit(first)).known.value(Key("applicant", "my_number")))
    page = asked(clerk, second, "個人番号", "kodomo-iryohi-nintei")
    typed = clerk.typed(page, moving("kodomo-iryohi-nintei"), second)
    typed |= {"applicant.my_number": [""], "applicant.my_number.keep": [token]}
    clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))
    turn = hall.turn(of_visit(second))
    assert turn.known.value(Key("applicant", "phone")) is not None
    assert turn.known.value(Key("applicant", "my_number")) is None


# --- filing -----------------------------------------------------------------------------------------------------------


def test_where_one_application_is_wrong_none_is_filed(hall: Window, clerk: AtWindow) -> None:
    slugs = ("suido-kaishi", "kodomo-iryohi-nintei")
    base = begun(clerk, *slugs)
    clerk.interview(base, moving(*slugs))
    before = hall.digests()
    told = clerk.file(base)
    assert told.status == 409 and "1件も出していません" in told.text and "口座がわかるもの" in told.text
    after = hall.digests()
    unchanged = ("application", "application_event", "visit", "visit_application", "mynumber", "debt", "confirmation")
    assert [after[each] for each in unchanged] == [before[each] for each in unchanged]
    clerk.papers(base)
    assert clerk.file(base).path == f"{base}/filed"


def test_filing_writes_who_entered_it_how_it_was_confirmed_and_what_was_seen(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk, "kodomo-iryohi-nintei")
    clerk.interview(base, moving("kodomo-iryohi-nintei"))
    clerk.papers(base, "taken")
    page = clerk.open(f"{base}/check")
    assert "本人確認の記録がありません" in page.text
    unsaid = clerk.press(page, page.form(action="/check"))
    assert unsaid.status == 422 and "本人がどのように" in unsaid.text
    filed = clerk.file(base, "paper")
    ((_, application),) = hall.do(lambda db: visits.bundle(db, of_visit(base)))
    (row,) = hall.rows(select(t.application).where(t.application.c.id == application))
    sealed = hall.of.keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, SEALED)
    entry = json.loads(sealed)["entry"]
    actor = f"staff:{clerk.officer.id}"
    assert (row.channel, row.state, row.department) == ("counter", "submitted", "子育て支援課")
    assert (entry["actor"], entry["visit"], entry["confirmed"]) == (actor, of_visit(base), "paper")
    assert list(entry["seen"].values()) == ["taken"]
    assert entry["sources"]["/applicant/phone"] == f"typed {actor}"
    (confirmed,) = hall.rows(select(t.confirmation).where(t.confirmation.c.visit_id == of_visit(base)))
    assert (confirmed.id, confirmed.method, confirmed.staff_id) == (entry["confirmation"], "paper", clerk.officer.id)
    events = hall.rows(select(t.application_event.c.actor).where(t.application_event.c.application_id == application))
    assert [each.actor for each in events] == [actor]
    assert lines(hall, of_visit(base)) == ["visit.open", "visit.confirm", "visit.filed", "visit.view"]
    assert "到達" in filed.text and "子育て支援課" in filed.text
    case = hall.clerk("clerk:子育て支援課").open(f"/office/applications/{row.receipt_number}")
    assert case.status == 200
    assert "入力した職員" in case.text and "その紙に署名した" in case.text and "窓口で受け取り" in case.text
    slip = clerk.open(f"{base}/receipt")
    assert hall.of.keys.access_code(application) in slip.text
    number = row.receipt_number
    resident = Resident(hall.browser(headers={}).client)
    resident.client.follow_redirects = True
    look = resident.open("/applications")
    seen = resident.press(
        look,
        look.form(control="access_code"),
        {"number": [number], "access_code": [hall.of.keys.access_code(application)]},
    )
    assert seen.status == 200 and "子ども医療費" in seen.text


def test_filed_twice_it_is_filed_once(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk)
    clerk.interview(base, moving(*SMALL))
    clerk.papers(base)
    page = clerk.open(f"{base}/check")
    form = page.form(action="/check")
    for _ in range(2):
        assert clerk.press(page, form, {"method": ["said"]}).path == f"{base}/filed"
    assert len(hall.do(lambda db: visits.bundle(db, of_visit(base)))) == 2


def test_only_a_window_may_say_that_an_original_was_seen() -> None:
    with pytest.raises(ValueError, match="only at a window"):
        Filing(declared("suido-kaishi"), {}, (), "online", NOBODY, seen={"paper": "seen"})


# --- what was brought ------------------------------------------------------------------------------------------------


def carried(hall: Window, clerk: AtWindow, *slugs: str) -> str:
    """The id of a handoff with these applications of the family, which the clerk has opened."""
    of = hall.of
    served = {slug: of.catalogue.get(slug) for slug in slugs}
    forms = {slug: BroughtForm(each.digest, APPLICATIONS[slug]) for slug, each in served.items() if each}
    given: Any = {"now": hall.clock(), "random": of.random}
    code = hall.do(lambda db: handoffs.create(db, of.keys, "kiosk", Brought(forms), draft_id=None, **given))
    assert isinstance(
        hall.do(lambda db: handoffs.redeem(db, of.keys, code.text, clerk.officer.id, now=hall.clock())), Brought
    )
    return str(code.id)


def test_what_was_filled_in_at_home_is_asked_no_more_and_says_where_it_is_from(hall: Window, clerk: AtWindow) -> None:
    slugs = ("jido-teate-nintei-seikyu", "kodomo-iryohi-nintei")
    base = clerk.begin(handoff=carried(hall, clerk, *slugs))
    turn = hall.turn(of_visit(base))
    children: Any = turn.known.value(Key("", "kodomo-iryohi-nintei:/children"))
    assert children == turn.known.value(Key("", "jido-teate-nintei-seikyu:/children")) and len(children) == 2
    page = clerk.open(f"{base}/ask")
    assert "いっしょに手続きする家族" in page.text and "見本 海" in page.text and "見本 花子" in page.text
    form = page.form(control="_rev")
    rows = {c.value: c.name for c in form.controls if c.name.endswith(".id") and c.value}
    kins = {"spouse": "wife", children[0]: "child", children[1]: "child"}
    assert set(kins) == set(rows)
    page = clerk.press(page, form, {rows[who].replace(".id", ".kin"): [kin] for who, kin in kins.items()})
    page = clerk.interview(base, moving(*slugs), page)
    assert page.path.endswith("/papers")
    turn = hall.turn(of_visit(base))
    for slug in slugs:
        assert not turn.errors(slug)
        # a number that stood in the clear in what was brought is nobody's token, and is asked again
        assert without_numbers(turn.answers(slug)) == without_numbers(APPLICATIONS[slug])
    assert turn.saved.answered <= 10
    assert "事前入力" in clerk.open(f"{base}/answers").text
    again = clerk._page(clerk.client.post("/counter", data={"handoff": base.split("/")[2]}))
    assert again.status == 404


def without_numbers(answers: Any) -> Any:
    if isinstance(answers, dict):
        return {name: without_numbers(value) for name, value in answers.items() if name != "my_number"}
    return [without_numbers(each) for each in answers] if isinstance(answers, list) else answers


def test_nothing_is_filled_in_beforehand_of_people_under_protection(hall: Window, clerk: AtWindow) -> None:
    person = Person("見本 太郎", date(1990, 4, 1))
    hall.do(lambda db: protection.protect(db, hall.of.keys, [person], now=hall.clock()))
    try:
        base = clerk.begin(handoff=carried(hall, clerk, "suido-kaishi", "inu-henko"))
        known = hall.turn(of_visit(base)).known
        assert (
            known.value(Key("applicant", "phone")) is None and known.value(Key("applicant", "address/street")) is None
        )
        assert "見本" not in clerk.open(f"{base}/ask").text.replace("見本 clerk", "")
    finally:
        hall.do(lambda db: protection.release(db, hall.of.keys, [person]))


def test_a_visit_begun_from_a_ticket_serves_it_and_its_end_ends_it(hall: Window, clerk: AtWindow) -> None:
    of, now = hall.of, hall.clock()
    window = hall.do(
        lambda db: windows.open_window(db, "3番", DEPARTMENT, ("juki",), "test", now=now, random=of.random)
    )
    hall.do(lambda db: windows.sit(db, window.id, clerk.officer.id, now=now))
    issued = hall.do(
        lambda db: queue.issue(
            db,
            of.keys,
            "juki",
            origin="desk",
            language="en",
            now=now,
            random=of.random,
        )
    )
    at = queue.At(window, clerk.officer.id)
    assert not isinstance(hall.do(lambda db: queue.call(db, at, issued.ticket.id, now=now)), queue.Refused)
    base = clerk.begin(ticket=issued.ticket.id)
    ticket = hall.do(lambda db: queue.ticket(db, issued.ticket.id))
    assert (ticket.state, ticket.visit_id) == ("serving", of_visit(base))
    clerk.choose(base, "suido-kaishi")
    clerk.interview(base, moving("suido-kaishi"))
    clerk.papers(base)
    assert clerk.file(base).path == f"{base}/filed"
    assert hall.do(lambda db: queue.ticket(db, issued.ticket.id)).state == "done"


# --- the interview's pages --------------------------------------------------------------------------------------------


def test_an_answer_that_cannot_stand_is_told_beside_its_question_and_what_was_typed_stays(
    hall: Window, clerk: AtWindow
) -> None:
    base = begun(clerk)
    page = asked(clerk, base, "電話番号")
    typed = clerk.typed(page, moving(*SMALL), base) | {"applicant.phone": ["12"]}
    told = clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))
    assert told.status == 422
    assert 'id="f-applicant-phone-error"' in told.html and 'href="#f-applicant-phone"' in told.html
    form = dict(standing(told.form(control="_rev")))
    assert form["applicant.phone"] == ["12"] and form["applicant.name.given"] == ["太郎"]
    known = hall.turn(of_visit(base)).known
    assert known.value(Key("applicant", "name/given")) == "太郎"
    assert known.value(Key("applicant", "phone")) is None


def test_enter_on_a_postal_code_fills_in_the_address(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk, "suido-kaishi")
    page = asked(clerk, base, "郵便番号", "suido-kaishi")
    code = next(name for name in page.form(control="_rev").names() if name.endswith("postal_code"))
    found = clerk.press(page, page.form(control="_rev"), {code: ["030-0801"]}, button=("_do", "next"))
    assert found.status == 200
    form = dict(standing(found.form(control="_rev")))
    assert (form[code.replace("postal_code", "city")], form[code.replace("postal_code", "town")]) == (
        ["青森市"],
        ["新町"],
    )


def test_any_answer_is_given_again_and_one_that_stays_is_no_answer_more(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk)
    clerk.interview(base, moving(*SMALL))
    before = hall.turn(of_visit(base)).saved.answered
    page = clerk.open(f"{base}/ask?key=applicant/phone")
    assert dict(standing(page.form(control="_rev")))["applicant.phone"] == ["09012345678"]
    clerk.press(page, page.form(control="_rev"), button=("_do", "next"))
    assert hall.turn(of_visit(base)).saved.answered == before
    page = clerk.open(f"{base}/ask?key=applicant/phone")
    clerk.press(page, page.form(control="_rev"), {"applicant.phone": ["0173111222"]}, button=("_do", "next"))
    answers = clerk.open(f"{base}/answers")
    assert answers.text.count("0173111222") == 2 and "窓口で入力" in answers.text


def test_a_procedure_taken_away_again_takes_its_own_answers_with_it(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk)
    clerk.interview(base, moving(*SMALL))
    clerk.choose(base, "suido-kaishi")
    state = hall.turn(of_visit(base)).state
    assert not [key for key in state.facts if key.path.startswith("inu-henko:")]
    assert state.facts[Key("applicant", "phone")].value == "09012345678"


def test_people_under_protection_are_flagged_to_the_clerk(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk)
    assert "支援措置" not in asked(clerk, base, "電話番号").text
    clerk.interview(base, moving(*SMALL))
    person = Person("見本 太郎", date(1990, 4, 1))
    hall.do(lambda db: protection.protect(db, hall.of.keys, [person], now=hall.clock()))
    try:
        page = clerk.open(f"{base}/ask?key=applicant/phone")
        assert "支援措置" in page.text and "声に出して読まない" in page.text
    finally:
        hall.do(lambda db: protection.release(db, hall.of.keys, [person]))


def test_the_audit_chain_holds_after_all_this(hall: Window) -> None:
    assert hall.do(audit.verify).problem == ""
