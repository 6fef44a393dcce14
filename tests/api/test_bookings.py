"""Booking by a program: what is free is told anew each time, and who comes too late is told so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from procedures.bookings import BookingTable
from procedures.declaration import Assurance
from tests.api.conftest import Program
from tests.api.test_cases import LIBRARY, known_at
from tests.journeys.filing import case_of

SLOTS = 'query($from: Date, $until: Date) { slots(slug: "sodai-gomi", from: $from, until: $until) { %s } }'
WHOLE = SLOTS % "start until capacity left"
SEAT = """query($number: String!, $code: String!) {
  application(receiptNumber: $number, accessCode: $code) { seat { start until text } } }"""
ANSWERS = {**case_of("sodai-gomi")["answers"], "payment": "sticker"}
DAY = "2026-12-01"


@pytest.fixture
def booking(api: Program) -> Program:
    """Somebody signed in, at a city whose lorry takes two orders a day."""
    shared = api.of.catalogue.shared
    gomi = shared.bookings.calendars["sodai-gomi"]
    fewer = replace(gomi, hours=tuple(replace(each, capacity=2) for each in gomi.hours))
    api.of.catalogue.shared = replace(shared, bookings=BookingTable({**shared.bookings.calendars, gomi.code: fewer}))
    api.publish([LIBRARY.declarations["sodai-gomi"], LIBRARY.declarations["inu-toroku"]])
    known_at(api, Assurance.EMAIL)
    return api


def slots(api: Program, **between: str) -> dict[str, int]:
    return {each["start"]: each["left"] for each in api(WHOLE, between)["slots"]}


def filed(api: Program, **more: Any) -> dict[str, Any]:
    return api.submit("sodai-gomi", {**ANSWERS, **more})


def test_what_is_free_is_told_anew_after_every_booking(booking: Program) -> None:
    assert slots(booking, **{"from": DAY, "until": "2026-12-04"}) == {DAY: 2, "2026-12-04": 2}
    assert filed(booking)["__typename"] == "Application"
    assert slots(booking, until=DAY)[DAY] == 1
    assert booking(WHOLE, {"from": DAY, "until": DAY})["slots"] == [
        {"start": DAY, "until": None, "capacity": 2, "left": 1}
    ]


@pytest.mark.parametrize("day", ["20261201", "2026-02-30", "2026-W49-2", 20261201, True, ["2026-12-01"]])
def test_a_day_that_is_none_is_refused(booking: Program, day: object) -> None:
    assert booking.code(WHOLE, {"from": day}) == "BAD_USER_INPUT"


def test_who_comes_too_late_is_told_at_the_question(booking: Program) -> None:
    assert [filed(booking)["__typename"] for _ in range(2)] == ["Application"] * 2
    assert booking.refused("sodai-gomi", ANSWERS) == {"/collection": "SLOT_FULL"}
    assert booking.refused("sodai-gomi", {**ANSWERS, "collection": "2026-12-02"}) == {"/collection": "SLOT_CLOSED"}
    assert booking.refused("sodai-gomi", {**ANSWERS, "collection": "明日"}) == {"/collection": "format"}


def test_the_last_place_sent_twice_under_one_key_is_one_application(booking: Program) -> None:
    filed(booking)
    first, again = (booking.submit("sodai-gomi", ANSWERS, idempotencyKey="order-4711") for _ in range(2))
    assert first["receiptNumber"] == again["receiptNumber"]


def test_an_application_tells_its_seat(booking: Program) -> None:
    made = filed(booking)
    shown = booking(SEAT, {"number": made["receiptNumber"], "code": made["accessCode"]})["application"]
    assert shown["seat"] == {"start": DAY, "until": None, "text": "令和8年12月1日(火)"}


def test_a_procedure_tells_its_calendar_and_one_that_books_nothing_has_none(booking: Program) -> None:
    asked = '{ a: procedure(slug: "sodai-gomi") { booking { title pointer } } b: procedure(slug: "inu-toroku") %s }'
    told = booking(asked % "{ booking { title } }")
    assert told == {"a": {"booking": {"title": "粗大ごみの収集", "pointer": "/collection"}}, "b": {"booking": None}}
    none = booking('{ a: slots(slug: "inu-toroku") { start } b: slots(slug: "none") { start } }')
    assert none == {"a": None, "b": None}
