"""Booking a day by pages alone: picking it, losing it to somebody else, having it, giving it back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from procedures.bookings import BookingTable
from tests.conftest import Clock
from tests.journeys.filing import case_of, filled, number_of, ready, sign_in, submitted
from tests.journeys.pages import Page, Resident
from tests.meanwhile import before_judging

SLUG = "sodai-gomi"
DAY = "2026-12-01"
ANSWERS = {**case_of(SLUG)["answers"], "collection": DAY, "payment": "sticker"}
Another = Callable[[], TestClient]


def change_calendar(client: TestClient, code: str = SLUG, **more: Any) -> None:
    """The city changes its calendar: one place a day, as `capacity`, or whatever else."""
    catalogue = client.app.state.services.catalogue  # type: ignore[attr-defined]
    calendars = dict(catalogue.shared.bookings.calendars)
    capacity = more.pop("capacity", None)
    if capacity is not None:
        more["hours"] = tuple(replace(each, capacity=capacity) for each in calendars[code].hours)
    calendars[code] = replace(calendars[code], **more)
    catalogue.shared = replace(catalogue.shared, bookings=BookingTable(calendars))


def at_the_slots(resident: Resident, page: Page) -> Page:
    """The step on which the day is picked, from the check page."""
    return resident.open(f"{page.path.rpartition('/')[0]}/5")


def offered(page: Page) -> dict[str, bool]:
    """The days to pick from, and whether each is picked."""
    controls = page.form(control="_rev").controls
    return {each.value: each.checked for each in controls if each.type == "radio" and each.name == "collection"}


def test_whoever_loses_the_last_place_gets_the_step_back_with_everything_kept(
    site: TestClient, another: Another
) -> None:
    change_calendar(site, capacity=1)
    slow, quick = Resident(site), Resident(another())
    waiting = ready(slow, filled(slow, SLUG, ANSWERS), "email")
    taken = submitted(quick, ready(quick, filled(quick, SLUG, ANSWERS), "email"), "email")
    assert "令和8年12月1日(火)" in taken.text
    lost = slow.press(waiting, waiting.form(action="/submit"))
    assert lost.status == 422
    step = slow.open(next(href for _, href in lost.links if "?check=1#" in href))
    assert "ほかの人の予約でいっぱいになりました" in step.text
    assert "f-collection" in step.ids and "f-collection-error" in step.ids
    assert "満員" in step.text
    again = slow.press(step, step.form(control="_rev"), {"collection": ["2026-12-04"]}, button=("_do", "next"))
    assert "自転車" in again.text, "what was typed before is all there"
    assert "令和8年12月4日(金)" in submitted(slow, again, "email").text


def test_of_three_who_press_at_once_one_has_the_place_and_nobody_an_error(site: TestClient, another: Another) -> None:
    change_calendar(site, capacity=1)
    people = [Resident(another()) for _ in range(3)]
    for resident, name in zip(people, ("taro-jpki", "hanako-oidc", "yukiko-78"), strict=True):
        sign_in(resident, name)
    waiting = [ready(each, filled(each, SLUG, ANSWERS), "email") for each in people]
    with ThreadPoolExecutor(3) as threads:
        presses = [
            threads.submit(each.press, page, page.form(action="/submit"))
            for each, page in zip(people, waiting, strict=True)
        ]
    pages = [press.result() for press in presses]
    assert sum(page.path.endswith("/receipt") for page in pages) == 1
    lost = [page for page in pages if not page.path.endswith("/receipt")]
    assert all("ほかの人の予約でいっぱいになりました" in page.text for page in lost)


def test_whoever_is_judged_after_their_own_other_press_has_the_receipt(
    site: TestClient, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_calendar(site, capacity=1)
    resident, other = Resident(site), Resident(another())
    waiting = ready(resident, filled(resident, SLUG, ANSWERS), "email")
    other.client.cookies.update(resident.client.cookies)
    first = before_judging(monkeypatch, lambda: other.press(waiting, waiting.form(action="/submit")))
    told = resident.press(waiting, waiting.form(action="/submit"))
    assert told.path.endswith("/receipt") and [each.path for each in first] == [told.path]


def test_a_draft_holds_no_place_and_the_page_says_so(site: TestClient, another: Another) -> None:
    change_calendar(site, capacity=1)
    one, other = Resident(site), Resident(another())
    step = at_the_slots(one, filled(one, SLUG, ANSWERS))
    assert "まだ取れていません" in step.text
    assert offered(step)[DAY], "what was picked stays picked"
    assert DAY in offered(at_the_slots(other, filled(other, SLUG, ANSWERS)))


def test_a_step_refuses_a_day_that_is_full_or_closed(site: TestClient, another: Another) -> None:
    change_calendar(site, capacity=1)
    quick, slow = Resident(site), Resident(another())
    submitted(quick, ready(quick, filled(quick, SLUG, ANSWERS), "email"), "email")
    step = at_the_slots(slow, filled(slow, SLUG, {**ANSWERS, "collection": "2026-12-04"}))
    for day, words in ((DAY, "いっぱい"), ("2026-12-02", "予約できません")):
        refused = slow.press(step, step.form(control="_rev"), {"collection": [day]}, button=("_do", "next"))
        assert refused.status == 422
        assert words in refused.text


def test_a_day_that_closed_meanwhile_is_told_before_it_is_sent(site: TestClient) -> None:
    resident = Resident(site)
    waiting = ready(resident, filled(resident, SLUG, ANSWERS), "email")
    change_calendar(site, closed=frozenset([date.fromisoformat(DAY)]))
    check = resident.press(waiting, waiting.form(action="/submit"))
    assert check.status == 422
    assert "予約できません" in check.text


def test_what_is_sent_after_midnight_is_judged_by_the_new_day(site: TestClient, clock: Clock) -> None:
    """Three working days must lie between: Thursday the 26th is the last day to file for Tuesday."""
    clock.now = datetime(2026, 11, 26, 14, 58, tzinfo=UTC)
    resident = Resident(site)
    waiting = ready(resident, filled(resident, SLUG, ANSWERS), "email")
    clock.advance(minutes=2)
    check = resident.press(waiting, waiting.form(action="/submit"))
    assert check.status == 422
    assert "予約できません" in check.text


def test_where_nothing_is_free_the_page_says_when_more_opens_and_whom_to_ring(site: TestClient) -> None:
    resident = Resident(site)
    check = filled(resident, SLUG, ANSWERS)
    change_calendar(site, weekdays=frozenset(["tue"]), ahead=3)
    step = at_the_slots(resident, check)
    assert offered(step) == {}
    assert "いま空いている枠はありません" in step.text
    assert "11月21日に、11月24日の枠が開きます" in step.text
    assert "環境対策課(電話 0173-00-2109)" in step.text
    assert step.form(control="_rev").has_button("_do", "refresh")
    kept = resident.press(step, step.form(control="_rev"), button=("_do", "save"))
    change_calendar(site, weekdays=frozenset(["tue"]), ahead=60)
    back = resident.open(next(href for _, href in kept.links if href.startswith("/drafts/")))
    assert offered(back)[DAY], "the day that was picked is not forgotten"


def test_the_status_shows_the_day_and_gives_it_as_a_file_until_it_is_given_back(
    site: TestClient, another: Another
) -> None:
    change_calendar(site, capacity=1)
    resident, other = Resident(site), Resident(another())
    receipt = submitted(resident, ready(resident, filled(resident, SLUG, ANSWERS), "email"), "email")
    number = number_of(receipt)
    status = resident.open(f"/applications/{number}")
    assert "令和8年12月1日(火)" in status.text and "朝8時30分までに" in status.text
    file = resident.client.get(status.link("booking.ics"))
    assert file.headers["content-type"].startswith("text/calendar")
    assert file.headers["cache-control"] == "no-store"
    assert "DTSTART;VALUE=DATE:20261201" in file.text
    assert other.client.get(f"/applications/{number}/booking.ics").status_code == 404
    withdrawal = resident.open(f"/applications/{number}/withdraw")
    gone = resident.press(withdrawal, withdrawal.form(action="/withdraw"))
    assert "令和8年12月1日(火)" not in gone.text
    assert resident.client.get(f"/applications/{number}/booking.ics").status_code == 404
    assert "令和8年12月1日(火)" in submitted(other, filled(other, SLUG, ANSWERS), "email").text


def test_the_mail_of_a_booking_says_when(site: TestClient) -> None:
    resident = Resident(site)
    submitted(resident, ready(resident, filled(resident, SLUG, ANSWERS), "email"), "email")
    assert "予約した日時: 令和8年12月1日(火)" in resident.open("/sandbox/mail").text
