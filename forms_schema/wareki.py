"""Civil dates in Japanese eras: read as people write them, written as they read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from forms_schema.text import N_, fold_ascii

YEAR_ONE = "元"
WESTERN: Final = "ad"


@dataclass(frozen=True, slots=True)
class Era:
    """One era. `last` is the last day that was dated in it; 明治 and 大正 ended on the first day of the next."""

    key: str
    title: str
    letter: str
    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether `day` can be dated in this era."""
        return self.first <= day <= self.last


# Source: 元号を改める政令 and 詔書. Japan took the Gregorian calendar on 明治6年1月1日; before, months were lunar.
ERAS: Final = (
    Era("reiwa", N_("令和"), "R", date(2019, 5, 1), date.max),
    Era("heisei", N_("平成"), "H", date(1989, 1, 8), date(2019, 4, 30)),
    Era("showa", N_("昭和"), "S", date(1926, 12, 25), date(1989, 1, 7)),
    Era("taisho", N_("大正"), "T", date(1912, 7, 30), date(1926, 12, 25)),
    Era("meiji", N_("明治"), "M", date(1873, 1, 1), date(1912, 7, 30)),
)
_BY_KEY: Final = {era.key: era for era in ERAS}
_FIRST_YEAR: Final = {era.key: era.first.year for era in ERAS} | {"meiji": 1868}
_BY_WRITING: Final = {writing: era for era in ERAS for writing in (era.title, era.title[0], era.letter)} | {
    sign: _BY_KEY[key] for sign, key in zip("㋿㍻㍼㍽㍾", _BY_KEY, strict=True)
}

_KANJI = "〇一二三四五六七八九"
_KANJI_RUN = re.compile(r"[〇零一二三四五六七八九十]+")
_PLAIN_ERA = rf"(?P<era>{'|'.join(_BY_WRITING)})?\.?"
_DATE = re.compile(rf"{_PLAIN_ERA}([0-9]{{1,4}})[年./-]([0-9]{{1,2}})[月./-]([0-9]{{1,2}})日?")
_RUN_TOGETHER = re.compile(rf"{_PLAIN_ERA}([0-9]{{2}}|[0-9]{{4}})([0-9]{{2}})([0-9]{{2}})")
_MONTH = re.compile(rf"{_PLAIN_ERA}([0-9]{{1,4}})[年./-]([0-9]{{1,2}})月?")
_MONTH_TOGETHER = re.compile(rf"{_PLAIN_ERA}([0-9]{{2}}|[0-9]{{4}})([0-9]{{2}})")


def era_of(day: date) -> Era | None:
    """The era in which `day` is written; None before 1873, when the calendar was another."""
    return next((era for era in ERAS if era.first <= day), None)


def title_of(key: str) -> str:
    """The name of an era, '' for the western calendar."""
    return _BY_KEY[key].title if key in _BY_KEY else ""


def to_wareki(day: date) -> tuple[Era, int] | None:
    """The era and the year in it."""
    era = era_of(day)
    return (era, day.year - _FIRST_YEAR[era.key] + 1) if era else None


def from_wareki(key: str, year: int, month: int, day: int) -> date | None:
    """The day called so, or None when there was none: 平成31年5月1日, 令和7年2月29日.

    `key` is an era or 'ad'. A western year beside an era stands when the day lies in that era.
    """
    western = year if key == WESTERN or year >= 1000 else _FIRST_YEAR[key] + year - 1
    if year < 1 or not 1000 <= western <= 9999:
        return None
    try:
        found = date(western, month, day)
    except ValueError:
        return None
    return found if key == WESTERN or _BY_KEY[key].covers(found) else None


def month_from_wareki(key: str, year: int, month: int) -> date | None:
    """The first day of the month called so: both 昭和64年1月 and 平成元年1月 are 1989-01."""
    for day in (1, 28, 31):
        found = from_wareki(key, year, month, day)
        if found:
            return found.replace(day=1)
    return None


def read_date(text: str) -> date | None:
    """A date as people write it: 'R7.4.1', '令和七年四月一日', '2026-04-01', '20260401', '２０２６年４月１日'."""
    match = _read(text, _DATE, _RUN_TOGETHER)
    return match and from_wareki(_era_key(match), int(match[2]), int(match[3]), int(match[4]))


def read_month(text: str) -> date | None:
    """The first day of a month as people write it: '令和6年5月', 'R6.5', '2024-05', '202405'."""
    match = _read(text, _MONTH, _MONTH_TOGETHER)
    return match and month_from_wareki(_era_key(match), int(match[2]), int(match[3]))


def read_number(text: str) -> int | None:
    """A year, month or day of the month as typed in its own box: '6', '６', '六', '元', '6年'."""
    plain = re.sub("[年月日]$", "", _plain(text))
    return int(plain) if re.fullmatch("[0-9]{1,4}", plain) else None


def _read(text: str, *patterns: re.Pattern[str]) -> re.Match[str] | None:
    plain = _plain(text)
    return next((match for pattern in patterns if (match := pattern.fullmatch(plain))), None)


def _era_key(match: re.Match[str]) -> str:
    return _BY_WRITING[match["era"]].key if match["era"] else WESTERN


def _plain(text: str) -> str:
    """Without blanks, in ASCII digits and capital letters, 元 as 1."""
    ascii_text = re.sub(r"\s", "", fold_ascii(text[:40])).upper()
    return _KANJI_RUN.sub(_digits, re.sub(f"{YEAR_ONE}(?=年|[./-]|$)", "1", ascii_text))


def _digits(run: re.Match[str]) -> str:
    """'二十五' and '二五' as '25', '二〇二四' as '2024'; what is no number stays."""
    tens, ten, ones = run[0].replace("零", "〇").partition("十")
    if not ten:
        return "".join(str(_KANJI.index(sign)) for sign in tens)
    if "十" in ones or len(tens) > 1 or len(ones) > 1:
        return run[0]
    return str((_KANJI.index(tens) if tens else 1) * 10 + (_KANJI.index(ones) if ones else 0))


def date_text(day: date) -> str:
    """'令和6年5月1日（2024年5月1日）'."""
    western = f"{day.year}年{day.month}月{day.day}日"
    return _both(day, f"{day.month}月{day.day}日", western)


def month_text(first: date) -> str:
    """'令和6年5月（2024年5月）'; a month in which the era changed is called by its first day."""
    return _both(first, f"{first.month}月", f"{first.year}年{first.month}月")


def _both(day: date, rest: str, western: str) -> str:
    found = to_wareki(day)
    if found is None:
        return western
    era, year = found
    return f"{era.title}{YEAR_ONE if year == 1 else year}年{rest}（{western}）"
