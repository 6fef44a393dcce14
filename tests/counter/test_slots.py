"""An appointment that is gone when a bundle is filed: nothing is filed, the clerk sees where, and picks another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from server.counter import visits
from server.settings import Settings
from server.store import tables as t
from tests.counter.crowd import (
    FIRST,
    LATER,
    OTHER,
    PLAIN,
    PRICED,
    SECOND,
    SLOT,
    at_once,
    begun,
    capacity,
    counts,
    of_visit,
    signed,
    tab,
    town,
    while_writing,
)
from tests.counter.window import AtWindow, Window
from tests.journeys.pages import Page
from tests.meanwhile import before_judging

GONE = "ほかの人の予約でいっぱいになりました"
FILED = (t.application, t.application_event, t.seat, t.debt, t.visit_application, t.confirmation, t.outbox)
"""What grows when something is filed."""


@pytest.fixture
def hall(store_settings: Settings) -> Iterator[Window]:
    """On SQLite, and on PostgreSQL; of each slot there is one place."""
    with town(store_settings) as hall:
        capacity(hall, 1)
        yield hall


def press(clerk: AtWindow, page: Page) -> Page:
    """Press the one button of the check page."""
    return clerk.press(page, page.form(action="/check"), {"method": ["said"]})


def picks(clerk: AtWindow, page: Page, slot: str = LATER) -> Page:
    """From the check page to the question that it names, where another slot is picked."""
    asks = clerk.open(next(href for text, href in page.links if GONE in text))
    form = asks.form(control="_rev")
    slots = [control for control in form.controls if control.type == "radio"]
    assert "満員" in asks.text
    after = clerk.press(asks, form, {slots[0].name: [slot]}, button=("_do", "next"))
    assert after.status == 200, after.text
    return after


def seats(hall: Window) -> list[str]:
    return sorted(row.slot for row in hall.rows(t.seat.select()))


def test_a_slot_that_is_gone_is_told_at_its_form_and_with_another_all_is_filed(hall: Window) -> None:
    slow, quick = hall.clerk(), hall.clerk()
    base, other = begun(slow, PLAIN, FIRST, PRICED), begun(quick, FIRST)
    page = slow.open(f"{base}/check")
    assert "直すところが残っています" not in page.text
    assert quick.file(other).path == f"{other}/filed"
    before = counts(hall, *FILED)
    told = press(slow, page)
    assert (told.status, told.path) == (409, f"{base}/check") and "1件も出していません" in told.text
    assert counts(hall, *FILED) == before
    forms = told.html.split("件目: ")[1:]
    assert [GONE in each.partition("</section>")[0] for each in forms] == [False, True, False]
    picks(slow, told)
    assert slow.file(base).path == f"{base}/filed"
    assert len(hall.do(lambda db: visits.bundle(db, of_visit(base)))) == 3
    assert seats(hall) == [SLOT, LATER]


def test_a_slot_that_goes_while_the_bundle_is_being_written_takes_nothing_of_it_along(hall: Window) -> None:
    slow, quick = hall.clerk(), hall.clerk()
    other = begun(quick, FIRST, booked=LATER)
    assert quick.file(other).path == f"{other}/filed"
    base = begun(slow, PLAIN, PRICED, FIRST)
    page, before = slow.open(f"{base}/check"), counts(hall, *FILED)

    def moves(db: Any) -> None:
        db.execute(update(t.seat).values(slot=SLOT))

    told = while_writing(hall, moves, lambda: press(slow, page))
    assert told.status == 409 and "予約の日時が、先にうまりました。1件も出していません" in told.text
    assert counts(hall, *FILED) == before
    picks(slow, told)
    assert slow.file(base).path == f"{base}/filed"
    assert seats(hall) == [SLOT, LATER]


def test_of_clerks_who_race_for_the_last_place_one_files_and_the_others_pick_another(hall: Window) -> None:
    clerks = [hall.clerk() for _ in range(4)]
    bases = [begun(clerk, PLAIN, FIRST) for clerk in clerks]
    pages = [clerk.open(f"{base}/check") for clerk, base in zip(clerks, bases, strict=True)]
    told = at_once(*(lambda i=i: press(clerks[i], pages[i]) for i in range(4)))
    lost = [i for i, page in enumerate(told) if page.path != f"{bases[i]}/filed"]
    assert len(lost) == 3 and seats(hall) == [SLOT]
    assert counts(hall, t.application) == [2]
    for number, i in enumerate(lost):
        assert told[i].status == 409 and "1件も出していません" in told[i].text and GONE in told[i].text
        picks(clerks[i], told[i], f"2026-12-03T{10 + number}:00".replace("T12", "T13"))
        assert clerks[i].file(bases[i]).path == f"{bases[i]}/filed"
    assert counts(hall, t.application, t.seat) == [8, 4]


def test_whoever_presses_twice_at_once_has_not_lost_the_place_to_themselves(hall: Window) -> None:
    clerk = hall.clerk()
    base = begun(clerk, PLAIN, FIRST)
    signed(hall, base)
    page = clerk.open(f"{base}/check")
    assert "タブレットに署名" in page.text
    tabs = [tab(clerk) for _ in range(5)]
    told = at_once(*(lambda each=each: each.press(page, page.form(action="/check")) for each in tabs))
    assert {(each.status, each.path) for each in told} == {(200, f"{base}/filed")}
    assert counts(hall, t.application, t.seat) == [2, 1]


def test_whoever_is_judged_after_their_own_other_press_is_led_to_what_it_filed(
    hall: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk = hall.clerk()
    base = begun(clerk, PLAIN, FIRST)
    page, other = clerk.open(f"{base}/check"), tab(clerk)
    first = before_judging(monkeypatch, lambda: press(other, page))
    told = press(clerk, page)
    assert [(each.status, each.path) for each in (*first, told)] == [(200, f"{base}/filed")] * 2
    assert counts(hall, t.application, t.seat) == [2, 1]


def test_two_forms_of_one_bundle_that_want_the_same_last_place_are_told_so(hall: Window) -> None:
    clerk = hall.clerk()
    base = begun(clerk, FIRST, SECOND)
    page = clerk.open(f"{base}/check")
    forms = page.html.split("件目: ")[1:]
    assert [GONE in each.partition("</section>")[0] for each in forms] == [False, True]
    told = press(clerk, page)
    assert told.status == 409 and counts(hall, t.application) == [0]
    asks = clerk.open(next(href for text, href in told.links if GONE in text))
    form = asks.form(control="_rev")
    slots = [control for control in form.controls if control.type == "radio"]
    clerk.press(asks, form, {slots[0].name: [LATER]}, button=("_do", "next"))
    assert clerk.file(base).path == f"{base}/filed"
    assert seats(hall) == [SLOT, LATER]


def test_visits_that_book_the_same_slots_in_other_orders_do_not_hold_each_other_up(hall: Window) -> None:
    capacity(hall, 8)
    capacity(hall, 8, "kosodate-mendan")
    clerks = [hall.clerk() for _ in range(6)]
    orders = [(FIRST, OTHER), (OTHER, FIRST)] * 3
    bases = [begun(clerk, *order) for clerk, order in zip(clerks, orders, strict=True)]
    pages = [clerk.open(f"{base}/check") for clerk, base in zip(clerks, bases, strict=True)]
    told = at_once(*(lambda i=i: press(clerks[i], pages[i]) for i in range(6)))
    assert [each.path for each in told] == [f"{base}/filed" for base in bases]
    assert counts(hall, t.application, t.seat) == [12, 12]
