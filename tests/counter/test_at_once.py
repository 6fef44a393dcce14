"""Visits on either store, and several hands at the same moment: nothing is lost unseen, nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from procedures.joint import Key
from server.counter import confirmation, handoffs, pairing, queue, visits, windows
from server.counter.confirmation import Confirmation, Moved
from server.counter.handoffs import Brought, BroughtForm
from server.counter.pairing import Pairing, Refusal
from server.counter.visits import Visit
from server.people import devices
from server.people.devices import Device
from server.store import audit
from server.store import tables as t
from tests.conftest import empty, sandbox
from tests.counter.crowd import (
    PLAIN,
    PRICED,
    at_once,
    begun,
    count,
    counts,
    of_visit,
    says,
    signed,
    tab,
    town,
    while_writing,
)
from tests.counter.window import DEPARTMENT, GUIDE, AtWindow, Window, moving
from tests.journeys.filing import declared
from tests.journeys.pages import PDF, Page
from tests.procedures.moving_family import APPLICATIONS

FILED = (t.application, t.application_event, t.seat, t.debt, t.visit_application, t.confirmation, t.outbox)
"""What grows when something is filed."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def hall(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Any:
    folder = tmp_path_factory.mktemp("at-once")
    url = f"sqlite:///{folder / 'kakanai.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        empty(url)
    else:
        (folder / "kakanai.db").write_bytes(migrated_file.read_bytes())
    with town(sandbox(folder, url), *(declared(slug) for slug in APPLICATIONS)) as hall:
        yield hall


@pytest.fixture
def clerk(hall: Window) -> AtWindow:
    return hall.clerk()


def loaded(hall: Window, base: str) -> Visit:
    found = hall.do(lambda db: visits.load(db, hall.of.keys, of_visit(base), now=hall.clock()))
    assert isinstance(found, Visit)
    return found


def files(clerk: AtWindow, page: Page) -> Callable[[], Page]:
    """Pressing the one button of the check page."""
    return lambda: clerk.press(page, page.form(action="/check"), {"method": ["said"]})


def sends(clerk: AtWindow, page: Page, typed: dict[str, list[str]]) -> Callable[[], Page]:
    """Sending what was typed on a page of questions."""
    return lambda: clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))


def takes(clerk: AtWindow, page: Page) -> Callable[[], Page]:
    """Taking a colleague's visit over."""
    return lambda: clerk.press(page, page.form(action="/take"))


def bundle(hall: Window, base: str) -> list[str]:
    return [name for name, _ in hall.do(lambda db: visits.bundle(db, of_visit(base)))]


# --- filing -----------------------------------------------------------------------------------------------------------


def test_a_family_files_its_seven_applications_or_none_of_them(hall: Window, clerk: AtWindow) -> None:
    base = clerk.begin(language="ja")
    page = clerk.guide(base, "move-in", GUIDE)
    page = clerk.press(page, page.form(control="slug"), {"slug": list(APPLICATIONS)})
    clerk.interview(base, moving(), page)
    before = counts(hall, *FILED)
    assert clerk.file(base).status == 409, "papers are missing"
    assert counts(hall, *FILED) == before
    clerk.papers(base)
    assert clerk.file(base).path == f"{base}/filed"
    assert sorted(bundle(hall, base)) == sorted(APPLICATIONS)
    after = counts(hall, *FILED)
    grown = {table.name: now - then for table, now, then in zip(FILED, after, before, strict=True)}
    assert grown["application"] == grown["visit_application"] == grown["application_event"] == 7
    assert (grown["seat"], grown["confirmation"]) == (1, 1)
    assert count(hall, t.mynumber, t.mynumber.c.owner_id == of_visit(base)) == 0
    assert hall.do(audit.verify).problem == ""


def test_a_bundle_that_is_sent_six_times_at_once_is_filed_once(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk, PLAIN, PRICED)
    page, before = clerk.open(f"{base}/check"), counts(hall, *FILED)
    tabs = [tab(clerk) for _ in range(6)]
    told = at_once(*(files(each, page) for each in tabs))
    assert {(each.status, each.path) for each in told} == {(200, f"{base}/filed")}
    grown = [now - then for now, then in zip(counts(hall, *FILED), before, strict=True)]
    assert grown == [2, 2, 0, 1, 2, 1, 2]
    assert files(clerk, page)().path == f"{base}/filed"


def test_what_was_signed_on_the_tablet_is_filed_once_too(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk, PLAIN, PRICED)
    signed(hall, base)
    page, before = clerk.open(f"{base}/check"), counts(hall, *FILED)
    told = at_once(
        *(lambda each=each: each.press(page, page.form(action="/check")) for each in [tab(clerk) for _ in range(6)])
    )
    assert {(each.status, each.path) for each in told} == {(200, f"{base}/filed")}
    grown = [now - then for now, then in zip(counts(hall, *FILED), before, strict=True)]
    assert grown == [2, 2, 0, 1, 2, 0, 2]


def test_many_windows_file_at_once_and_each_has_its_own(hall: Window) -> None:
    clerks = [hall.clerk() for _ in range(6)]
    bases = [begun(clerk, PLAIN, PRICED) for clerk in clerks]
    pages = [clerk.open(f"{base}/check") for clerk, base in zip(clerks, bases, strict=True)]
    told = at_once(*(files(clerk, page) for clerk, page in zip(clerks, pages, strict=True)))
    assert [each.path for each in told] == [f"{base}/filed" for base in bases]
    assert [sorted(bundle(hall, base)) for base in bases] == [["plain", "priced"]] * 6
    assert hall.do(audit.verify).problem == ""


def test_a_bundle_that_is_filed_and_left_at_once_is_one_of_both(hall: Window, clerk: AtWindow) -> None:
    base = begun(clerk, PLAIN, PRICED)
    page, answers = clerk.open(f"{base}/check"), clerk.open(f"{base}/answers")
    other = tab(clerk)
    at_once(files(clerk, page), lambda: other.press(answers, answers.form(action="/leave")))
    state = loaded(hall, base).state
    assert len(bundle(hall, base)) == {visits.FILED: 2, visits.LEFT: 0}[state]


def test_an_answer_that_changes_while_the_bundle_is_sent_is_never_filed_unseen(hall: Window, clerk: AtWindow) -> None:
    for number in range(3):
        base = begun(clerk, PLAIN)
        page, asks = clerk.open(f"{base}/check"), clerk.open(f"{base}/ask?key=applicant/phone")
        other, phone = tab(clerk), f"0173-00-000{number}"
        typed = {"applicant.phone": [phone]}
        told, _ = at_once(files(clerk, page), sends(other, asks, typed))
        if told.path == f"{base}/filed":
            continue  # it was first, and whoever typed is shown what was filed
        assert told.status == 409 and bundle(hall, base) == []
        assert hall.turn(of_visit(base)).known.value(Key("applicant", "phone")) == phone


# --- one visit, two clerks --------------------------------------------------------------------------------------------


def asked(clerk: AtWindow, base: str) -> tuple[Page, dict[str, list[str]]]:
    """The first page of questions, and what is typed there."""
    page = clerk.open(f"{base}/ask")
    return page, clerk.typed(page, says(PLAIN), base)


def note(hall: Window, base: str) -> Any:
    return hall.turn(of_visit(base)).known.value(Key("", "plain:/note"))


def chosen(clerk: AtWindow) -> str:
    base = clerk.begin()
    clerk.choose(base, PLAIN.slug)
    return base


def test_an_answer_and_a_colleague_who_takes_over_at_once_lose_nothing(hall: Window, clerk: AtWindow) -> None:
    colleague = hall.clerk()
    for _ in range(3):
        base = chosen(clerk)
        page, typed = asked(clerk, base)
        (control,) = [name for name in typed if name.endswith("note")]
        shown = colleague.open(f"{base}/ask")
        told, _ = at_once(sends(clerk, page, typed | {control: ["ひみつ"]}), takes(colleague, shown))
        if note(hall, base) != "ひみつ":
            assert told.status == 409 and "ひみつ" in told.text, "not saved, and shown to who typed it"
            again = clerk.press(told, told.form(control="_take"))
            assert again.status == 200 and note(hall, base) == "ひみつ"


def test_of_colleagues_who_take_over_at_once_one_leads(hall: Window, clerk: AtWindow) -> None:
    base = chosen(clerk)
    colleagues = [hall.clerk() for _ in range(4)]
    pages = [each.open(f"{base}/ask") for each in colleagues]
    told = at_once(*(takes(each, page) for each, page in zip(colleagues, pages, strict=True)))
    leader = loaded(hall, base).staff_id
    leads = [each.officer.id == leader for each in colleagues]
    assert leads.count(True) == 1 and [page.status == 200 for page in told].count(True) >= 1
    for each, mine in zip(colleagues, leads, strict=True):
        assert each.open(f"{base}/ask").status == (200 if mine else 409)


def test_of_tabs_that_say_other_things_at_once_one_is_kept_and_every_other_is_shown_both(
    hall: Window, clerk: AtWindow
) -> None:
    base = chosen(clerk)
    page, typed = asked(clerk, base)
    (control,) = [name for name in typed if name.endswith("note")]
    tabs, words = [tab(clerk) for _ in range(5)], [f"用件{i}" for i in range(5)]

    told = at_once(*(sends(each, page, typed | {control: [word]}) for each, word in zip(tabs, words, strict=True)))
    kept = note(hall, base)
    assert kept in words
    for word, each in zip(words, told, strict=True):
        if word == kept:
            assert each.status == 200
        else:
            assert each.status == 409 and word in each.html and f"先に「{kept}」と保存されています" in each.text


def test_what_is_said_to_a_visit_that_ends_at_this_moment_leaves_no_number_behind(
    hall: Window, clerk: AtWindow
) -> None:
    slug = "kodomo-iryohi-nintei"
    base = clerk.begin()
    page = clerk.choose(base, slug)
    for _ in range(60):
        typed = clerk.typed(page, moving(slug), base)
        if "applicant.my_number" in typed:
            break
        page = clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))
    visit = loaded(hall, base)
    assert count(hall, t.mynumber, t.mynumber.c.owner_id == visit.id) == 0

    def ends(db: Any) -> None:
        assert visits.end(db, hall.of.keys, visit, visits.LEFT, "staff:x", now=hall.clock())

    told = while_writing(hall, ends, sends(clerk, page, typed))
    assert told.status == 409 and "この来庁は、もう終わっています" in told.text
    assert count(hall, t.mynumber, t.mynumber.c.owner_id == visit.id) == 0


def test_a_scan_that_comes_in_while_the_visit_ends_is_kept_nowhere(hall: Window, clerk: AtWindow) -> None:
    base = clerk.begin()
    clerk.choose(base, "kodomo-iryohi-nintei")
    clerk.interview(base, moving("kodomo-iryohi-nintei"))
    page, visit = clerk.open(f"{base}/papers"), loaded(hall, base)
    form = page.form(control="_rev")
    control = next(each for each in form.names() if each.startswith("attachment."))
    paper = {control: [("銀行.pdf", PDF, "application/pdf")]}
    before = count(hall, t.upload)

    def ends(db: Any) -> None:
        assert visits.end(db, hall.of.keys, visit, visits.LEFT, "staff:x", now=hall.clock())

    while_writing(hall, ends, lambda: clerk.press(page, form, files=paper, button=("_do", "stay")))
    assert count(hall, t.upload) == before
    blobs = hall.of.settings.data_dir / "blobs"
    kept = {row.sha256 for row in hall.rows(select(t.upload))}
    assert len([each for each in blobs.rglob("*") if each.is_file()]) <= len(kept)


def test_a_visit_that_is_filed_in_its_last_second_is_not_swept_away(hall: Window, clerk: AtWindow) -> None:
    base = chosen(clerk)
    visit = loaded(hall, base)
    last, after = visit.expires_at - timedelta(seconds=1), visit.expires_at + timedelta(seconds=1)

    def ends(db: Any) -> None:
        assert visits.end(db, hall.of.keys, visit, visits.FILED, "staff:x", now=last)

    while_writing(hall, ends, lambda: hall.do(lambda db: visits.sweep(db, now=after)))
    assert loaded(hall, base).state == visits.FILED


# --- what is brought, shown, agreed to --------------------------------------------------------------------------------


def brought(hall: Window) -> str:
    """The code of a form that was filled in at home."""
    served = hall.of.catalogue.get(PLAIN.slug)
    assert served is not None
    content = Brought({PLAIN.slug: BroughtForm(served.digest, {"note": "家で書いた"})})
    given: dict[str, Any] = {"draft_id": None, "now": hall.clock(), "random": hall.of.random}
    return str(hall.do(lambda db: handoffs.create(db, hall.of.keys, handoffs.KIOSK, content, **given)).text)


def test_a_code_that_is_scanned_at_several_windows_at_once_opens_at_one_and_there_once(hall: Window) -> None:
    code, clerks = brought(hall), [hall.clerk() for _ in range(4)]
    told = at_once(
        *(lambda each=each: each._page(each.client.post("/counter/handoff", data={"code": code})) for each in clerks)
    )
    (won,) = [i for i, page in enumerate(told) if page.status == 200]
    assert "家で書いた" in told[won].text
    for i, page in enumerate(told):
        if i != won:
            assert page.status == 422 and "に使われています" in page.text and "家で書いた" not in page.text
    winner, handoff = clerks[won], told[won].path.rpartition("/")[2]
    before = count(hall, t.visit)
    tabs = [tab(winner) for _ in range(4)]
    pages = at_once(
        *(lambda each=each: each._page(each.client.post("/counter", data={"handoff": handoff})) for each in tabs)
    )
    assert [page.status for page in pages].count(200) == 1
    assert {page.status for page in pages} <= {200, 404, 409} and count(hall, t.visit) == before + 1


def tablets(hall: Window, count_: int) -> tuple[str, list[Device]]:
    """A window with so many tablets."""
    of, now = hall.of, hall.clock()
    given: dict[str, Any] = {"now": now, "random": of.random}

    def work(db: Any) -> tuple[str, list[Device]]:
        label = f"窓口 {of.random(4).hex()}"
        window = windows.open_window(db, label, DEPARTMENT, ("juki",), "operator", **given)
        assert window is not None
        found = []
        for i in range(count_):
            code = devices.register(db, of.keys, "tablet", f"{label} {i}", window.id, "operator", **given)
            enrolled = devices.enrol(db, of.keys, code, **given)
            assert enrolled is not None
            found.append(enrolled[0])
        return window.id, found

    made: tuple[str, list[Device]] = hall.do(work)
    return made


def shown_at(hall: Window, clerk: AtWindow, window_id: str) -> str:
    """A visit at that window, and the number for its tablet."""
    now = hall.clock()
    assert hall.do(lambda db: windows.sit(db, window_id, clerk.officer.id, now=now)) == ""
    return chosen(clerk)


def offered(hall: Window, base: str) -> str:
    visit, of = loaded(hall, base), hall.of
    made = hall.do(lambda db: pairing.offer(db, of.keys, visit, "staff:x", now=hall.clock(), random=of.random))
    return str(made.said.code)


def test_a_number_that_is_typed_at_several_tablets_at_once_shows_the_visit_on_one(
    hall: Window, clerk: AtWindow
) -> None:
    window, screens = tablets(hall, 4)
    base = shown_at(hall, clerk, window)
    code, of, now = offered(hall, base), hall.of, hall.clock()

    def types(device: Device) -> Callable[[], Any]:
        return lambda: hall.do(lambda db: pairing.join(db, of.keys, device, code, now=now))

    told = at_once(*map(types, screens))
    (shown,) = [each for each in told if isinstance(each, Pairing)]
    assert [each for each in told if each is Refusal.UNKNOWN] == [Refusal.UNKNOWN] * 3
    showing = [hall.do(lambda db, d=device: pairing.of_device(db, of.keys, d.id, now=now)) for device in screens]
    assert [each.visit_id for each in showing if each] == [shown.visit_id] == [of_visit(base)]


def test_a_tablet_at_which_two_numbers_are_typed_at_once_shows_one_visit_and_no_clerk_is_told_otherwise(
    hall: Window, clerk: AtWindow
) -> None:
    window, (screen,) = tablets(hall, 1)
    bases = [shown_at(hall, clerk, window) for _ in range(2)]
    codes, of, now = [offered(hall, base) for base in bases], hall.of, hall.clock()

    def types(code: str) -> Callable[[Any], Any]:
        return lambda db: pairing.join(db, of.keys, screen, code, now=now)

    while_writing(hall, types(codes[0]), lambda: hall.do(types(codes[1])))
    shown = hall.do(lambda db: pairing.of_device(db, of.keys, screen.id, now=now))
    told = [hall.do(lambda db, b=base: pairing.of_visit(db, of.keys, of_visit(b), now=now)) for base in bases]
    assert [each.id for each in told if each] == [shown.id]


def test_what_is_agreed_to_while_an_answer_is_saved_does_not_stand_for_the_new_answer(
    hall: Window, clerk: AtWindow
) -> None:
    of = hall.of
    for number in range(4):
        visit = loaded(hall, begun(clerk, PLAIN))
        state: Any = visit.content.state
        facts = [
            [*each[:2], f"用件{number}", *each[3:]] if each[1] == "plain:/note" else each for each in state["facts"]
        ]
        changed = replace(visit.content, state={**state, "facts": facts})
        given: dict[str, Any] = {"now": hall.clock(), "random": of.random}

        def agrees(db: Any, visit: Visit = visit, given: dict[str, Any] = given) -> Any:
            return confirmation.confirm(db, of.keys, visit, b"{}", confirmation.SAID, "device:x", **given)

        def saves(db: Any, visit: Visit = visit, content: Any = changed) -> Any:
            return visits.save(db, of.keys, visit, content, now=hall.clock())

        made, saved = at_once(lambda w=agrees: hall.do(w), lambda w=saves: hall.do(w))  # type: ignore[misc]
        assert isinstance(made, Confirmation | Moved) and isinstance(saved, Visit)
        assert hall.do(lambda db, v=saved: confirmation.confirmed(db, v)) is None


# --- the queue --------------------------------------------------------------------------------------------------------


def test_a_number_that_several_clerks_call_at_once_begins_one_interview(hall: Window) -> None:
    of = hall.of
    given: dict[str, Any] = {"now": hall.clock(), "random": of.random}
    issued = hall.do(lambda db: queue.issue(db, of.keys, "juki", origin="desk", language="ja", **given))
    clerks = [hall.clerk() for _ in range(3)]
    for each in clerks:
        window, _ = tablets(hall, 0)
        assert hall.do(lambda db, w=window, c=each: windows.sit(db, w, c.officer.id, now=hall.clock())) == ""

    def calls(each: AtWindow) -> Page:
        each.client.post(f"/counter/queue/{issued.ticket.id}", data={"do": "call"})
        return each._page(each.client.post("/counter", data={"ticket": issued.ticket.id}))

    at_once(*(lambda each=each: calls(each) for each in clerks))
    ticket = hall.do(lambda db: queue.ticket(db, issued.ticket.id))
    assert ticket.state is queue.State.SERVING
    served = hall.do(lambda db: visits.load(db, of.keys, ticket.visit_id, now=hall.clock()))
    assert served.staff_id == ticket.staff_id and ticket.staff_id in [each.officer.id for each in clerks]
    mine = select(func.count()).where(t.ticket.c.visit_id == ticket.visit_id)
    assert hall.do(lambda db: db.scalar(mine)) == 1
