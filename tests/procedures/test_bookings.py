"""Booking calendars: what is open on which day, and what keeps a calendar or a declaration from being used."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema.formats import is_slot
from procedures.bookings import MOST_DAYS, Booking, BookingCalendar, BookingTable, Hours, read_calendars
from procedures.check import CITY, check
from procedures.city import DAYS, load_city
from tests import shipped

TODAY = date(2026, 11, 20)  # a Friday before a long weekend: 23 November is a holiday
CALENDAR = load_city(CITY).calendar
TABLE = shipped.library().shared.bookings
DESK = TABLE.calendars["shimin-madoguchi"]
Spoil = Callable[..., Path]


def days(calendar: BookingCalendar, today: date) -> list[str]:
    return list(dict.fromkeys(slot.start[:10] for slot in calendar.slots(CALENDAR, today)))


CALENDARS = st.builds(
    BookingCalendar,
    code=st.just("x"),
    title=st.just("x"),
    place=st.just("x"),
    bring=st.just(()),
    weekdays=st.frozensets(st.sampled_from(DAYS), min_size=1),
    hours=st.sampled_from([(Hours("", "", 3),), (Hours("09:00", "10:00", 1), Hours("13:30", "14:00", 2))]),
    lead=st.integers(1, 10),
    ahead=st.integers(1, MOST_DAYS),
    closed=st.frozensets(st.dates(date(2026, 11, 1), date(2027, 3, 31)), max_size=20),
    city_holidays=st.booleans(),
)


@given(CALENDARS, st.dates(date(2026, 11, 1), date(2027, 2, 28)))
def test_only_days_that_are_open_late_enough_and_near_enough_are_offered(made: BookingCalendar, today: date) -> None:
    slots = made.slots(CALENDAR, today)
    assert [slot.start for slot in slots] == sorted({slot.start for slot in slots})
    for slot in slots:
        day = date.fromisoformat(slot.start[:10])
        assert is_slot(slot.start)
        assert DAYS[day.weekday()] in made.weekdays and day not in made.closed
        assert not (made.city_holidays and CALENDAR.rests_on(day))
        between = [today + timedelta(days=i) for i in range((day - today).days)]
        assert sum(map(CALENDAR.open_on, between)) >= made.lead
        assert day <= today + timedelta(days=made.ahead)


@given(CALENDARS, st.dates(date(2026, 11, 1), date(2027, 2, 28)))
def test_what_is_offered_tomorrow_and_not_today_is_what_was_announced(made: BookingCalendar, today: date) -> None:
    found = made.next_opening(CALENDAR, today)
    if found is None:
        return
    opens, day = found
    assert opens > today
    late = [each for each in days(made, opens) if each > (today + timedelta(days=made.ahead)).isoformat()]
    assert late in ([day.isoformat()], []), "the nearest of them, unless it would open too late to be booked"


def test_the_morning_after_a_long_weekend_is_booked_by_friday() -> None:
    assert days(DESK, TODAY)[0] == "2026-11-24"
    assert days(DESK, TODAY + timedelta(days=1))[0] == "2026-11-25"
    assert days(DESK, date(2026, 11, 24))[0] == "2026-11-25"


def test_holidays_and_the_new_year_are_closed_where_the_calendar_says_so() -> None:
    assert not {"2026-11-23", "2026-12-29", "2027-01-01"} & set(days(DESK, date(2026, 11, 19)))
    gomi = replace(TABLE.calendars["sodai-gomi"], city_holidays=False)
    assert "2026-12-29" in days(gomi, TODAY), "a Tuesday: the lorry comes though the office is closed"


def test_a_calendar_that_is_gone_has_nothing_open() -> None:
    gone = TABLE.opening(Booking("/visit", "gone"), CALENDAR, TODAY)
    assert (gone.slots, gone.note, gone.offered().slots) == ({}, "", ())


def test_the_note_says_when_more_opens() -> None:
    told = TABLE.opening(Booking("/visit", DESK.code), CALENDAR, TODAY).note
    assert told == "11月21日に、1月5日の枠が開きます。"


PLAIN: dict[str, Any] = {
    "code": "desk",
    "title": "窓口",
    "place": "1階",
    "weekdays": ["mon"],
    "times": [{"from": "09:00", "until": "10:00", "capacity": 1}],
    "lead": 1,
    "ahead": 30,
    "city_holidays": True,
}


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        ([PLAIN], []),
        ([PLAIN, PLAIN], ["/1/code"]),
        ([{**PLAIN, "capacity": 3}], ["/0"]),
        ([{name: value for name, value in PLAIN.items() if name != "times"}], ["/0"]),
        ([{**PLAIN, "times": [{"from": "10:00", "until": "09:00", "capacity": 1}]}], ["/0/times/0/until"]),
        ([{**PLAIN, "times": [*PLAIN["times"], {"from": "09:30", "until": "10:30", "capacity": 1}]}], ["/0/times/1"]),
        ([{**PLAIN, "ahead": 120, "times": PLAIN["times"] * 9}], [*[f"/0/times/{i}" for i in range(1, 9)], "/0/ahead"]),
    ],
)
def test_a_calendar_that_cannot_be_meant_is_refused(raw: list[dict[str, Any]], pointers: list[str]) -> None:
    table, faults = read_calendars(raw)
    assert [fault.pointer for fault in faults] == pointers
    assert isinstance(table, BookingTable)


TENKYO = Path("declarations/resident-record/tenkyo-yoyaku.json")


def _second_slot(raw: dict[str, Any]) -> None:
    raw["schema"]["properties"]["again"] = {"type": "string", "format": "slot", "title": "また"}
    raw["ui"]["steps"][1]["fields"].append("/again")


def _first_step(raw: dict[str, Any]) -> None:
    raw["ui"]["steps"][-1]["fields"].remove("/visit")
    raw["ui"]["steps"][0]["fields"].append("/visit")


@pytest.mark.parametrize(
    ("how", "pointer"),
    [
        (lambda raw: raw["booking"].update(calendar="nowhere"), "/booking/calendar"),
        (lambda raw: raw["booking"].update(field="/comes"), "/booking/field"),
        (lambda raw: raw["booking"].update(field="/visits"), "/booking/field"),
        (lambda raw: raw["booking"].update(place="1階"), "/booking/place"),
        (lambda raw: raw.pop("booking"), "/booking"),
        (_second_slot, "/booking/field"),
        (_first_step, "/ui/steps/0"),
    ],
)
def test_a_booking_that_fits_no_calendar_or_no_question_is_refused(
    how: Callable[[dict[str, Any]], object], pointer: str, spoil: Spoil, shelf: Path
) -> None:
    path = spoil(how, TENKYO)
    found = check([path], today=TODAY, root=shelf, city=shelf.parent / "city.json")
    assert pointer in [fault.pointer for _, fault in found]


def test_a_case_holds_the_calendar_to_its_days(spoil: Spoil, shelf: Path) -> None:
    path = spoil(lambda raw: raw["cases"][0]["answers"].update(visit="2026-11-28T10:00"), TENKYO)
    found = check([path], today=TODAY, root=shelf, city=shelf.parent / "city.json")
    assert [fault.pointer for _, fault in found] == ["/cases/0/expect/errors"]


def test_a_calendar_is_refused_with_its_file_and_place(shelf: Path) -> None:
    path = shelf / "bookings.json"
    raw = json.loads(path.read_text("utf-8"))
    raw[0]["weekdays"] = ["monday"]
    path.write_text(json.dumps(raw), "utf-8")
    found = check([], today=TODAY, root=shelf, city=shelf.parent / "city.json")
    assert [(where.name, fault.pointer) for where, fault in found] == [("bookings.json", "/0/weekdays/0")]
