"""Dates against today: durations, bounds and ages, all of civil dates in Japan."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

_DURATION = re.compile(
    r"(-?)P(?=[0-9])(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?", re.ASCII
)


def is_duration(text: str) -> bool:
    """Whether `text` is an ISO 8601 duration of whole days or more: 'P3M', '-P91D'."""
    return _DURATION.fullmatch(text) is not None


def shifted(day: date, duration: str) -> date:
    """`day` moved by a duration. A day that the month does not have becomes its last. Clamped to years 1–9999."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"not a duration: {duration!r}")
    sign = -1 if match[1] else 1
    years, months, weeks, days = (int(part or 0) for part in match.groups()[1:])
    try:
        moved = _months_later(day, sign * (12 * years + months))
        return moved + timedelta(days=sign * (7 * weeks + days))
    except (OverflowError, ValueError):
        return date.min if sign < 0 else date.max


def _months_later(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def age(birth: date, today: date) -> int:
    """Whole years lived by the law: one grows older as the day before the birthday ends.

    Source: 年齢計算ニ関スル法律, 民法143条.
    """
    if today == date.max:
        return today.year - birth.year
    after = today + timedelta(days=1)
    return after.year - birth.year - ((after.month, after.day) < (birth.month, birth.day))


def read_date(value: object) -> date | None:
    """An ISO date ('2024-02-29', no other form of the standard), or None for anything else."""
    if not isinstance(value, str) or len(value) != 10 or value[4] != "-" or value[7] != "-":
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
