"""When a department is open, and when a procedure takes filings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from server.api.departments import AHEAD, departments
from server.api.registered import read_queries
from tests.api.conftest import Program
from tests.api.declarations import declared
from tests.conftest import Clock

TODAY = date(2026, 11, 20)
"""A Friday."""


def test_every_department_tells_where_it_is_and_when_it_is_open(api: Program) -> None:
    found = api(read_queries()["departments"])["departments"]
    assert [each["name"] for each in found] == list(api.of.city.departments)
    kept = api.of.city.departments["市民課"]
    (told,) = [each for each in found if each["name"] == "市民課"]
    assert told["hours"] == {
        "days": ["MON", "TUE", "WED", "THU", "FRI"],
        "open": kept.hours.open,
        "close": kept.hours.close,
    }
    assert (told["place"], told["phone"], told["email"]) == (kept.place, kept.phone, kept.email)
    assert (told["openToday"], told["example"]) == (True, kept.example)


def test_a_procedure_tells_whom_to_ask(api: Program) -> None:
    query = '{ procedure(slug: "priced") { department contact { name hours { open close } } } }'
    found = api(query)["procedure"]
    assert found["contact"]["name"] == found["department"] == "税務課"


def test_a_department_that_the_city_does_not_list_is_null(api: Program) -> None:
    api.publish([declared("plain", id="P901", department="知らない課")])
    found = api('{ procedure(slug: "plain") { department contact { name } } }')["procedure"]
    assert found == {"department": "知らない課", "contact": None}


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        (TODAY, True),
        (TODAY + timedelta(days=1), False),  # Saturday
        (date(2026, 11, 23), False),  # 勤労感謝の日, a Monday
        (date(2026, 12, 28), True),
        (date(2026, 12, 29), False),  # over the new year
        (date(2027, 1, 4), True),
    ],
)
def test_whether_it_is_open_today_follows_the_citys_calendar(
    api: Program, clock: Clock, day: date, opens: bool
) -> None:
    clock.now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    (told,) = [each for each in api("{ departments { name openToday } }")["departments"] if each["name"] == "市民課"]
    assert told["openToday"] is opens


def test_holidays_to_come_are_told_and_days_off_are_not(api: Program) -> None:
    told = departments(api.of.city, TODAY)["市民課"].closed_on
    assert date(2026, 11, 23) in told
    assert date(2026, 12, 31) in told
    assert date(2026, 11, 21) not in told, "a Saturday is no day of its hours"
    assert all(TODAY <= day < TODAY + timedelta(days=AHEAD) for day in told)


def test_a_procedure_tells_between_which_days_it_takes_filings(api: Program) -> None:
    api.publish([declared("plain", id="P901", accepts={"from": "2026-12-01", "until": "2027-01-31"})])
    found = api('{ procedure(slug: "plain") { status { state acceptsFrom acceptsUntil } } }')["procedure"]["status"]
    assert found == {"state": "PLANNED", "acceptsFrom": "2026-12-01", "acceptsUntil": "2027-01-31"}
