"""The city's file, and the days on which it works."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema.base import BadDeclaration
from procedures.check import CITY
from procedures.city import City, load_city

SAMPLE = load_city(CITY)


def test_the_code_of_the_city_has_its_check_digit() -> None:
    *digits, last = map(int, SAMPLE.code)
    assert (11 - sum(digit * weight for digit, weight in zip(digits, range(6, 1, -1), strict=True)) % 11) % 10 == last


def test_contacts_are_marked_as_samples_while_they_are() -> None:
    assert SAMPLE.example
    assert all(item.example and item.email.endswith(".example.jp") for item in SAMPLE.departments.values())


def test_the_city_rests_on_weekends_holidays_and_over_the_new_year() -> None:
    resting = [date(2026, 11, 21), date(2026, 11, 23), date(2026, 12, 29), date(2027, 1, 3), date(2027, 3, 22)]
    assert not any(map(SAMPLE.calendar.open_on, resting))
    assert SAMPLE.calendar.open_on(date(2026, 12, 28))
    assert SAMPLE.calendar.open_on(date(2027, 1, 4))


def test_two_working_days_after_a_friday_before_a_long_weekend() -> None:
    assert SAMPLE.calendar.workday_after(date(2026, 11, 20), 2) == date(2026, 11, 25)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 1)), st.integers(0, 30))
def test_a_target_is_a_working_day_and_counts_them_all(start: date, days: int) -> None:
    target = SAMPLE.calendar.workday_after(start, days)
    between = [date.fromordinal(n) for n in range(start.toordinal() + 1, target.toordinal() + 1)]
    assert sum(map(SAMPLE.calendar.open_on, between)) == days
    assert days == 0 or SAMPLE.calendar.open_on(target)


def city(folder: Path, **payment: object) -> City:
    """The sample city with other words about payments."""
    raw = json.loads(CITY.read_text("utf-8")) | {"payment": payment}
    (folder / "city.json").write_text(json.dumps(raw), "utf-8")
    return load_city(folder / "city.json")


def test_the_city_says_within_how_many_days_a_fee_is_paid(tmp_path: Path) -> None:
    assert SAMPLE.payment_days == 14
    assert [city(tmp_path, days=days).payment_days for days in (1, 60)] == [1, 60]


@pytest.mark.parametrize("days", [0, -1, 61, "14", 14.0, True, None])
def test_a_number_of_days_that_is_none_is_refused_with_what_is_allowed(tmp_path: Path, days: object) -> None:
    with pytest.raises(BadDeclaration, match=r"/payment/days.*1から60"):
        city(tmp_path, days=days)
