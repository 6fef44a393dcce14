"""How a form speaks: its own words, and the ways to write a day. Japanese here; other languages are handed in.

What a declaration says is translated in the declaration itself before it is compiled.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from forms_schema.wareki import YEAR_ONE, date_text, month_text, to_wareki

WEEKDAYS: Final = "月火水木金土日"


class Speech:
    """Japanese. A subclass for another language answers the same questions in it; one object a language."""

    def say(self, japanese: str) -> str:
        """The engine's own words in this language."""
        return japanese

    def lang(self, text: str) -> str:
        """The language tag of `text` where it is not this language, for it was not translated: 'ja' or ''."""
        return ""

    def quoted(self, label: str) -> str:
        """A label inside a sentence; one that is a sentence of its own stands in brackets."""
        return f"「{label}」" if label.endswith(("か", "？", "?", "。")) else label

    def listed(self, texts: Iterable[str]) -> str:
        """Several things, one after another."""
        return "、".join(texts)

    def number(self, value: int) -> str:
        """'12,000'."""
        return f"{value:,}"

    def date_text(self, day: date) -> str:
        """'令和6年5月1日（2024年5月1日）'."""
        return date_text(day)

    def month_text(self, first: date) -> str:
        """'令和6年5月（2024年5月）'."""
        return month_text(first)

    def day(self, day: date) -> str:
        """A day of the coming months: '12月1日(火)'."""
        return f"{day.month}月{day.day}日({WEEKDAYS[day.weekday()]})"

    def time_text(self, time: str) -> str:
        """'09:00' as '9時00分'."""
        return f"{int(time[:2])}時{time[3:]}分"

    def clock(self, time: str) -> str:
        """'09:30' as '9時30分'."""
        hour, minute = time.split(":")
        return f"{int(hour)}時" if minute == "00" else f"{int(hour)}時{minute}分"

    def hours(self, start: str, until: str) -> str:
        """From 'HH:MM' until 'HH:MM', of which the end may be ''; '' for a whole day."""
        if not start:
            return ""
        return f"{self.clock(start)}〜{self.clock(until)}" if until else f"{self.clock(start)}から"

    def slot(self, slot: str, until: str = "") -> str:
        """'令和8年12月1日(火)9時〜10時'; without `until` '…9時から'; of a whole day the day alone."""
        day = date.fromisoformat(slot[:10])
        found = to_wareki(day)
        year = str(day.year) if found is None else f"{found[0].title}{YEAR_ONE if found[1] == 1 else found[1]}"
        return f"{year}年{self.day(day)}{self.hours(slot[11:], until)}"


JAPANESE: Final = Speech()
