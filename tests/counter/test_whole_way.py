"""From the kiosk in the lobby to the receipt of the till, by pages alone, on either store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from server.counter import queue, visits, windows
from server.people import devices
from server.settings import Settings
from server.store import audit
from server.store import tables as t
from tests.counter.crowd import CALENDAR, PERSON, SLOT, at_once, capacity, counts, of_visit, says, small, tab, town
from tests.counter.kiosk_walk import AtKiosk
from tests.counter.window import DEPARTMENT, AtWindow, Window

BOTH = ["online", "counter", "kiosk"]
LETTER = small("lobby-letter", "P921", cost="juminhyo", title="ロビーの証明", channels=BOTH)
BOOKED = small("lobby-booked", "P922", calendar=CALENDAR, title="ロビーの予約", channels=BOTH)


@pytest.fixture
def hall(store_settings: Settings) -> Iterator[Window]:
    with town(store_settings, LETTER, BOOKED) as hall:
        capacity(hall, 2)
        yield hall


def registered(hall: Window, kind: str, window: str | None = None) -> str:
    """The code that makes a browser a machine of the town hall."""
    given: dict[str, Any] = {"now": hall.clock(), "random": hall.of.random}
    return str(hall.do(lambda db: devices.register(db, hall.of.keys, kind, kind, window, "operator", **given)))


def seated(hall: Window, clerk: AtWindow, label: str = "3番窓口") -> str:
    """A window at which the clerk sits: its id."""
    now, of = hall.clock(), hall.of

    def work(db: Any) -> str:
        made = windows.open_window(db, label, DEPARTMENT, ("juki",), "operator", now=now, random=of.random)
        assert made is not None and windows.sit(db, made.id, clerk.officer.id, now=now) == ""
        return made.id

    return str(hall.do(work))


def machine(hall: Window, code: str) -> AtKiosk:
    client = hall.browser().client
    client.follow_redirects = True
    made = AtKiosk(client)
    made.enrol(code)
    return made


def called(hall: Window, clerk: AtWindow) -> str:
    """Whoever is next is called: their ticket."""
    page = clerk._page(clerk.client.post("/counter/queue/next"))
    assert "呼び出し中" in page.text
    (ticket,) = hall.rows(select(t.ticket.c.id).where(t.ticket.c.state == "called"))
    return str(ticket.id)


def test_from_the_lobby_to_the_receipt(hall: Window) -> None:
    clerk = hall.clerk()
    window = seated(hall, clerk)
    kiosk, tablet = machine(hall, registered(hall, "kiosk")), machine(hall, registered(hall, "tablet", window))
    said = {"note": "証明がほしい", "applicant": PERSON, "visit": SLOT}
    kiosk.walk(kiosk.begin_at(LETTER.slug), said)
    kiosk.walk(kiosk.begin(BOOKED.slug), said)
    end = kiosk.take()
    (code,) = set(re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", end.text))
    ticket = called(hall, clerk)
    scanned = clerk._page(clerk.client.post("/counter/handoff", data={"code": code}))
    assert "証明がほしい" in scanned.text
    handoff = scanned.path.rpartition("/")[2]
    page = clerk._page(clerk.client.post("/counter", data={"handoff": handoff, "ticket": ticket}))
    base = "/".join(page.path.split("/")[:3])
    page = clerk.interview(base, says(LETTER, BOOKED), page)
    assert page.path == f"{base}/check", "everything was answered in the lobby"
    desk = clerk.open(f"{base}/tablet")
    desk = clerk.press(desk, desk.form(action="/tablet"), button=("_do", "offer"))
    (number,) = re.findall(r"([0-9]{3} [0-9]{3})", desk.html.partition('class="tablet-code')[2][:60])
    shown = tablet.press(door := tablet.open("/tablet"), door.form(control="code"), {"code": [number]})
    assert "証明がほしい" in shown.text
    sheet = tablet.open("/tablet/sign")
    agreed = tablet.press(
        sheet, sheet.form(action="/tablet/sign"), {"path": ["M10 10 L200 200 L400 100"]}, button=("_do", "drawn")
    )
    assert agreed.status == 200, agreed.text
    check = clerk.open(f"{base}/check")
    assert "タブレットに署名" in check.text
    assert clerk.press(check, check.form(action="/check")).path == f"{base}/filed"
    assert counts(hall, t.application, t.seat, t.debt, t.confirmation) == [2, 1, 1, 1]
    assert hall.do(lambda db: queue.ticket(db, ticket)).state is queue.State.DONE
    assert "証明がほしい" not in tablet.open("/tablet").text, "the next person sees nothing of it"
    paid = clerk._page(clerk.client.post(f"{base}/pay", data={"expected": "300", "taken": "1000", "kind": "cash"}))
    assert "700円" in paid.text and paid.path.startswith("/counter/receipts/")
    assert {row.state for row in hall.rows(select(t.application.c.state))} == {"submitted"}
    assert hall.do(audit.verify).problem == ""


@pytest.mark.parametrize("begun", ["called", "serve"])
def test_a_code_that_is_brought_to_a_window_belongs_to_the_number_that_was_called(hall: Window, begun: str) -> None:
    clerk = hall.clerk()
    window = seated(hall, clerk)
    kiosk = machine(hall, registered(hall, "kiosk"))
    kiosk.walk(kiosk.begin_at(LETTER.slug), {"note": "証明がほしい", "applicant": PERSON})
    (code,) = set(re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", kiosk.take().text))
    ticket = called(hall, clerk)
    if begun == "serve":
        clerk.client.post(f"/counter/queue/{ticket}", data={"do": "serve"})
    scanned = clerk._page(clerk.client.post("/counter/handoff", data={"code": code}))
    page = clerk._page(clerk.client.post("/counter", data={"handoff": scanned.path.rpartition("/")[2]}))
    base = "/".join(page.path.split("/")[:3])
    found = hall.do(lambda db: queue.ticket(db, ticket))
    assert (found.state, found.visit_id, found.window_id) == (queue.State.SERVING, base.split("/")[2], window)
    assert clerk.interview(base, says(LETTER), page).path == f"{base}/check"
    assert clerk.file(base).path == f"{base}/filed"
    assert hall.do(lambda db: queue.ticket(db, ticket)).state is queue.State.DONE


def issued(hall: Window) -> str:
    given: dict[str, Any] = {"origin": "desk", "language": "ja", "now": hall.clock(), "random": hall.of.random}
    return str(hall.do(lambda db: queue.issue(db, hall.of.keys, "juki", **given)).ticket.id)


def test_an_interview_that_is_begun_in_several_tabs_at_once_is_one_visit(hall: Window) -> None:
    clerk = hall.clerk()
    seated(hall, clerk)
    issued(hall)
    ticket = called(hall, clerk)
    tabs = [tab(clerk) for _ in range(4)]
    told = at_once(
        *(lambda each=each: each._page(each.client.post("/counter", data={"ticket": ticket})) for each in tabs)
    )
    (visit,) = hall.rows(select(t.visit.c.id))
    assert {page.path.split("/")[2] for page in told} == {visit.id}
    assert hall.do(lambda db: queue.ticket(db, ticket)).visit_id == visit.id
    again = clerk._page(clerk.client.post("/counter", data={"ticket": ticket}))
    assert again.path.split("/")[2] == visit.id and counts(hall, t.visit) == [1]


def test_what_is_typed_for_a_visit_that_was_filed_meanwhile_is_shown_and_not_swallowed(hall: Window) -> None:
    clerk = hall.clerk()
    base = clerk.begin()
    clerk.choose(base, LETTER.slug)
    clerk.interview(base, says(LETTER))
    page, other = clerk.open(f"{base}/ask?key=applicant/phone"), tab(clerk)
    assert other.file(base).path == f"{base}/filed"
    typed = {"applicant.phone": ["0173-99-8877"]}
    told = clerk.press(page, page.form(control="_rev"), typed, button=("_do", "next"))
    assert told.status == 409 and "0173-99-8877" in told.text and "保存していません" in told.text
    assert clerk.open(told.link(base)).path == f"{base}/filed"
    assert clerk.press(page, page.form(control="_rev"), button=("_do", "next")).status == 409
    visit = hall.do(lambda db: visits.load(db, hall.of.keys, of_visit(base), now=hall.clock()))
    assert visit.state == visits.FILED
