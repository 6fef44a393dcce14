"""Durations, bounds and ages by civil dates."""

from __future__ import annotations

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from forms_schema.dates import age, is_duration, read_date, shifted

ADULT = 18


@pytest.mark.parametrize("text", ["P1D", "-P91D", "P3M", "P1Y2M3W4D", "-P19Y", "P0D"])
def test_a_duration_is_whole_days_or_more(text: str) -> None:
    assert is_duration(text)


@pytest.mark.parametrize(
    "text", ["", "P", "-P", "P1", "1D", "PT5H", "P1.5D", "P-1D", "P１D", "p1d", "P1D ", "P1M1Y", "P99999Y"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    assert not is_duration(text)
    with pytest.raises(ValueError, match="not a duration"):
        shifted(date(2024, 1, 1), text)


@pytest.mark.parametrize(
    ("day", "duration", "moved"),
    [
        ("2026-11-20", "P14D", "2026-12-04"),
        ("2026-11-20", "-P91D", "2026-08-21"),
        ("2026-11-20", "P2W", "2026-12-04"),
        ("2026-11-20", "-P19Y", "2007-11-20"),
        ("2024-01-31", "P1M", "2024-02-29"),
        ("2023-01-31", "P1M", "2023-02-28"),
        ("2024-03-31", "-P1M", "2024-02-29"),
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2024-12-15", "P1M", "2025-01-15"),
        ("2024-01-31", "P1M1D", "2024-03-01"),
    ],
)
def test_a_day_is_moved_by_the_calendar(day: str, duration: str, moved: str) -> None:
    assert shifted(date.fromisoformat(day), duration) == date.fromisoformat(moved)


def test_a_day_is_never_moved_out_of_the_calendar() -> None:
    assert shifted(date(9999, 12, 31), "P1D") == date.max
    assert shifted(date(1, 1, 1), "-P1D") == date.min
    assert shifted(date(2024, 1, 1), "P9999Y9999M9999W99999D") == date.max
    assert shifted(date(2024, 1, 1), "-P9999Y") == date.min


@given(st.dates(), st.from_regex(r"-?P([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?[0-9]{1,5}D", fullmatch=True))
def test_every_duration_moves_in_its_own_direction(day: date, duration: str) -> None:
    moved = shifted(day, duration)
    assert moved <= day if duration.startswith("-") else moved >= day


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        ("2006-11-20", "2024-11-18", ADULT - 1),
        ("2006-11-20", "2024-11-19", ADULT),  # the day before the birthday ends: 年齢計算ニ関スル法律
        ("2006-11-20", "2024-11-20", ADULT),
        ("2006-04-01", "2024-03-31", ADULT),  # who is born on 1 April belongs to the school year before
        ("2006-04-02", "2024-03-31", ADULT - 1),
        ("2004-02-29", "2022-02-27", ADULT - 1),
        ("2004-02-29", "2022-02-28", ADULT),  # 民法143条2項: no such day that year, so the last of the month
        ("2004-02-29", "2024-02-28", 20),
        ("2006-01-01", "2023-12-31", ADULT),
        ("2024-11-20", "2024-11-20", 0),
        ("2024-12-31", "2024-12-31", 0),
    ],
)
def test_one_grows_older_as_the_day_before_the_birthday_ends(born: str, today: str, years: int) -> None:
    assert age(date.fromisoformat(born), date.fromisoformat(today)) == years


def test_age_is_told_on_the_last_day_of_the_calendar() -> None:
    assert age(date(9981, 12, 31), date.max) == ADULT


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)), st.integers(0, 40_000))
def test_age_rises_by_one_a_year_and_never_falls(born: date, lived: int) -> None:
    today = born + timedelta(days=lived)
    assert 0 <= age(born, today + timedelta(days=1)) - age(born, today) <= 1
    assert abs(age(born, today) - lived / 365.2425) <= 1


@pytest.mark.parametrize("value", ["2024-02-29", "0001-01-01", "9999-12-31"])
def test_an_iso_date_is_read(value: str) -> None:
    assert read_date(value) == date.fromisoformat(value)


@pytest.mark.parametrize(
    "value",
    [
        "2023-02-29",
        "2024-2-9",
        "20240229",
        "2024-W09-4",
        "2024-060",
        "２０２４-02-29",
        "2024-02-29T00",
        "",
        None,
        20240229,
        ["2024-02-29"],
    ],
)
def test_nothing_else_is_read_as_a_date(value: object) -> None:
    assert read_date(value) is None
