"""Dates in eras: as people write them, and never a day that was not."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema.wareki import (
    ERAS,
    date_text,
    era_of,
    from_wareki,
    month_from_wareki,
    month_text,
    read_date,
    read_month,
    read_number,
    title_of,
    to_wareki,
)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("R7.4.1", "2025-04-01"),
        ("令和七年四月一日", "2025-04-01"),
        ("2026-04-01", "2026-04-01"),
        ("20260401", "2026-04-01"),
        ("２０２６年４月１日", "2026-04-01"),
        ("2026/4/1", "2026-04-01"),
        ("2026．4．1", "2026-04-01"),
        ("2026ー04ー01", "2026-04-01"),
        ("令和元年5月1日", "2019-05-01"),
        ("令和 元年 5月 1日", "2019-05-01"),
        ("R元.5.1", "2019-05-01"),
        ("㋿6年2月29日", "2024-02-29"),
        ("㍻31.4.30", "2019-04-30"),
        ("平成三十一年四月三十日", "2019-04-30"),
        ("昭和六四年一月七日", "1989-01-07"),
        ("昭60.10.20", "1985-10-20"),
        ("s60-1-2", "1985-01-02"),
        ("S.60.1.2", "1985-01-02"),
        ("Ｈ１．１．８", "1989-01-08"),
        ("R070401", "2025-04-01"),
        ("大正15年12月25日", "1926-12-25"),
        ("昭和元年12月25日", "1926-12-25"),
        ("明治45年7月30日", "1912-07-30"),
        ("大正元年7月30日", "1912-07-30"),
        ("明治6年1月1日", "1873-01-01"),
        ("二〇二四年十二月三十一日", "2024-12-31"),
        ("1870年1月1日", "1870-01-01"),
    ],
)
def test_a_date_is_read_as_people_write_it(text: str, day: str) -> None:
    assert read_date(text) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "きのう",
        "2024-02-30",
        "2023-2-29",
        "令和元年4月30日",
        "平成31年5月1日",
        "昭和64年1月8日",
        "明治5年12月2日",  # lunar until then
        "令和0年1月1日",
        "24.5.1",
        "250401",
        "0999-01-01",
        "99999-01-01",
        "2024-13-01",
        "2024年5月",
        "A5.1.1",
        "2024-05-01T00:00:00",
        "十十年1月1日",
        "R7.4.1.1",
        "令和7年4月1日" + "日" * 100,
    ],
)
def test_what_was_no_day_is_not_read(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("令和6年5月", "2024-05"),
        ("R6.5", "2024-05"),
        ("2024-05", "2024-05"),
        ("202405", "2024-05"),
        ("２０２４／５", "2024-05"),
        ("昭和64年1月", "1989-01"),
        ("平成元年1月", "1989-01"),
        ("平成31年4月", "2019-04"),
        ("R0605", "2024-05"),
    ],
)
def test_a_month_is_read_as_people_write_it(text: str, month: str) -> None:
    found = read_month(text)
    assert found is not None and found.isoformat() == f"{month}-01"


@pytest.mark.parametrize("text", ["平成31年5月", "昭和64年2月", "2024-13", "2024", "来月", "明治5年12月", "令和6年0月"])
def test_a_month_that_was_not_in_the_era_is_not_read(text: str) -> None:
    assert read_month(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6", 6),
        ("６", 6),
        ("六", 6),
        ("十", 10),
        ("二十五", 25),
        ("元", 1),
        ("元年", 1),
        ("6年", 6),
        ("05", 5),
        (" 7月 ", 7),
    ],
)
def test_a_box_takes_a_number_in_any_writing(text: str, number: int) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.5", "12345", "１²", "年", "R6", "十十", "1_0", "٣"])
def test_a_box_takes_nothing_else(text: str) -> None:
    assert read_number(text) is None


def test_a_western_year_beside_an_era_stands_when_it_lies_in_it() -> None:
    assert from_wareki("heisei", 2001, 1, 2) == date(2001, 1, 2)
    assert from_wareki("reiwa", 2001, 1, 2) is None
    assert month_from_wareki("showa", 1989, 1) == date(1989, 1, 1)


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("2024-05-01", "令和6年5月1日（2024年5月1日）"),
        ("2019-05-01", "令和元年5月1日（2019年5月1日）"),
        ("2019-04-30", "平成31年4月30日（2019年4月30日）"),
        ("1989-01-07", "昭和64年1月7日（1989年1月7日）"),
        ("1912-07-30", "大正元年7月30日（1912年7月30日）"),
        ("1873-01-01", "明治6年1月1日（1873年1月1日）"),
        ("1872-12-31", "1872年12月31日"),
    ],
)
def test_a_date_is_written_in_both_calendars(day: str, text: str) -> None:
    assert date_text(date.fromisoformat(day)) == text


def test_a_month_is_written_in_both_calendars() -> None:
    assert month_text(date(2019, 5, 1)) == "令和元年5月（2019年5月）"
    assert month_text(date(1850, 5, 1)) == "1850年5月"


def test_each_era_follows_the_one_before_without_a_gap() -> None:
    for newer, older in pairwise(ERAS):
        assert newer.first - older.last <= timedelta(days=1)
        assert newer.last > older.last
    assert [title_of(era.key) for era in ERAS] == ["令和", "平成", "昭和", "大正", "明治"]
    assert title_of("ad") == ""


@given(st.dates(date(1873, 1, 1), date(2999, 12, 31)))
def test_every_day_is_called_by_one_era_and_found_again(day: date) -> None:
    found = to_wareki(day)
    assert found is not None
    era, year = found
    assert year >= 1
    assert from_wareki(era.key, year, day.month, day.day) == day
    written = "元" if year == 1 else str(year)
    assert read_date(f"{era.title}{written}年{day.month}月{day.day}日") == day
    assert read_date(f"{era.letter}{year}.{day.month}.{day.day}") == day
    assert read_date(day.isoformat()) == day
    assert read_date(date_text(day).partition("（")[0]) == day


@given(st.dates(date(1000, 1, 1), date(1872, 12, 31)))
def test_before_the_calendar_changed_there_is_no_era(day: date) -> None:
    assert era_of(day) is None
    assert to_wareki(day) is None


@given(st.text("令和昭平RSH年月日元一二十0123456789０１.-/ー 　", max_size=20))
def test_any_text_is_read_as_a_day_or_not_at_all(text: str) -> None:
    for found in (read_date(text), read_month(text)):
        assert found is None or found >= date(1000, 1, 1)
