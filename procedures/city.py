"""The city: its name, its departments, and the days on which it works. Data, so that no code names a city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from forms_schema.base import BadDeclaration, Fault
from procedures.reading import read_json

_BUILT: Final = ("calendar", "departments", "rollout", "payment_days")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Hours:
    """When a department is open: 'HH:MM' on the named days ('mon' … 'sun')."""

    days: tuple[str, ...]
    open: str
    close: str


@dataclass(frozen=True, slots=True)
class Department:
    """Who to ask. `head` is to whom its papers are addressed where that is not the mayor: a commission, the fire
    chief. `example` says that the contacts are samples."""

    name: str
    kana: str
    place: str
    phone: str
    email: str
    hours: Hours
    head: str = ""
    example: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days on which the city hall is closed. `year_end` is (month, day) from and until, over the new year."""

    closed_days: frozenset[str]
    year_end: tuple[tuple[int, int], tuple[int, int]]
    holidays: frozenset[date]

    def open_on(self, day: date) -> bool:
        """Whether the city hall works on `day`."""
        return DAYS[day.weekday()] not in self.closed_days and not self.rests_on(day)

    def rests_on(self, day: date) -> bool:
        """Whether `day` is a holiday or lies over the new year, whatever day of the week it is."""
        first, last = self.year_end
        return (day.month, day.day) >= first or (day.month, day.day) <= last or day in self.holidays

    def workday_after(self, start: date, days: int) -> date:
        """The `days`th working day after `start`, which itself does not count: the target of a filing made then."""
        day = start
        while days > 0:
            day += timedelta(days=1)
            days -= self.open_on(day)
        return day


@dataclass(frozen=True, slots=True)
class City:
    """Whose site this is. `code` is the 全国地方公共団体コード with its check digit."""

    code: str
    prefecture: str
    name: str
    kana: str
    name_en: str
    office: str
    mayor_title: str
    postal_code: str
    address: str
    phone: str
    email: str
    url: str
    example: bool
    calendar: Calendar
    departments: Mapping[str, Department]
    rollout: Mapping[str, int]
    """How many procedures are to be online by each fiscal year ('R5'), all in all; in the order of the years."""
    payment_days: int
    """Within how many days a fee that is due with the submission must be paid; the day of the submission is not one."""


def load_city(path: Path) -> City:
    """The city in a file. Raises BadDeclaration or KeyError when the file is not what it should be."""
    raw = read_json(path.read_text("utf-8-sig"))
    plain = {name: raw[name] for name in City.__slots__ if name not in _BUILT}
    departments = {item["name"]: _department(item) for item in raw["departments"]}
    calendar = _calendar(raw["calendar"])
    rollout, days = dict(raw.get("rollout", {})), _payment_days(raw["payment"]["days"])
    return City(**plain, calendar=calendar, departments=departments, rollout=rollout, payment_days=days)


def _payment_days(days: object) -> int:
    """A slip for a convenience store takes days to be paid; an application that waits for a season helps nobody."""
    if type(days) is not int or not 1 <= days <= 60:
        raise BadDeclaration([Fault("/payment/days", "納付の日数は1から60までの整数です")])
    return days


def _department(raw: Mapping[str, Any]) -> Department:
    hours = raw["hours"]
    opening = Hours(tuple(hours["days"]), hours["open"], hours["close"])
    return Department(**{**raw, "hours": opening})


def _calendar(raw: Mapping[str, Any]) -> Calendar:
    first, last = (_month_day(raw["year_end"][end]) for end in ("from", "until"))
    return Calendar(frozenset(raw["closed_days"]), (first, last), frozenset(map(date.fromisoformat, raw["holidays"])))


def _month_day(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)
