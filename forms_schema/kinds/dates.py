"""Kinds that are typed into a box for the era and one each for year, month and day; and times of day.

What is not (yet) a date is kept as typed, '2024-2-' or 'showa-60--', which no format accepts and which falls
into the same boxes again.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import ClassVar, Final

from forms_schema.base import KEEP, Field, Json, Keep, Kind, Option, Posted
from forms_schema.formats import FORMATS
from forms_schema.kinds.boxes import Box, last
from forms_schema.speech import Speech
from forms_schema.text import N_, clean, fold_ascii
from forms_schema.wareki import (
    ERAS,
    WESTERN,
    era_of,
    from_wareki,
    month_from_wareki,
    read_date,
    read_month,
    read_number,
    title_of,
)

_KEYS: Final = frozenset((WESTERN, *(era.key for era in ERAS)))
_UNITS: Final = {".year": "年", ".month": "月", ".day": "日"}


class _InBoxes(Kind, ABC):
    boxes: ClassVar[tuple[str, ...]]
    format: ClassVar[str]

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        typed = {box: last(posted, name + box) for box in (".era", *self.boxes)}
        if all(text is None for text in typed.values()):
            return self._one_box(last(posted, name))
        era = typed[".era"] if typed[".era"] in _KEYS else WESTERN
        texts = [clean(typed[box] or "") for box in self.boxes]
        if not any(texts):
            return None
        found = self._found(str(era), texts)
        return self.iso(found) if found else _joined(str(era), texts)

    def _one_box(self, typed: str | None) -> Json | Keep | None:
        if typed is None:
            return KEEP
        text = clean(typed)
        if not text:
            return None
        found = self.read(text)
        return self.iso(found) if found else self._unread(text)

    def _unread(self, text: str) -> str:
        return _joined(WESTERN, [text, *("" for _ in self.boxes[1:])])

    def _found(self, era: str, texts: Sequence[str]) -> date | None:
        """The day in the boxes; or the one written out whole, or with its era, in the box for the year."""
        numbers = [number for number in map(read_number, texts) if number is not None]
        if len(numbers) == len(texts):
            return self.day(era, numbers)
        if not all(texts) and any(texts[1:]):
            return None
        whole = "".join(f"{text.removesuffix(unit)}{unit}" for text, unit in zip(texts, _UNITS.values(), strict=False))
        found = self.read(whole if all(texts) else texts[0])
        within = found and (era == WESTERN or (era_of(found) or ERAS[-1]).key == era)
        return found if within else None

    def parts(self, field: Field, name: str, value: Json | None) -> dict[str, str]:
        text = "" if value is None else str(value)
        pieces = text.split("-")
        if FORMATS[self.format](text):
            return {".era": WESTERN} | _named(self.boxes, [pieces[0], *(piece.lstrip("0") for piece in pieces[1:])])
        if len(pieces) == len(self.boxes) + 1 and pieces[0] in _KEYS:
            return {".era": pieces[0]} | _named(self.boxes, map(_unescaped, pieces[1:]))
        if len(pieces) == len(self.boxes):
            return {".era": WESTERN} | _named(self.boxes, map(_unescaped, pieces))
        return self.parts(field, name, self._unread(text))

    def choices(self, field: Field, value: Json | None) -> tuple[Option, ...]:
        return _eras(field.speech)

    def chosen(self, value: Json | None, parts: Mapping[str, str]) -> Collection[str]:
        return (parts[".era"],)

    def text(self, field: Field, value: Json) -> str:
        if isinstance(value, str) and FORMATS[self.format](value):
            return self.words(field.speech, date.fromisoformat(value if self.boxes[-1] == ".day" else f"{value}-01"))
        parts = self.parts(field, "", value)
        return title_of(parts[".era"]) + "".join(_with_unit(parts[box], box) for box in self.boxes)

    @abstractmethod
    def day(self, era: str, numbers: Sequence[int]) -> date | None:
        """The day that numbers in the boxes mean."""

    @abstractmethod
    def read(self, text: str) -> date | None:
        """The day that a whole text means."""

    @abstractmethod
    def iso(self, day: date) -> str:
        """The answer for a day."""

    @abstractmethod
    def words(self, speech: Speech, day: date) -> str:
        """A day in words."""


@lru_cache(maxsize=32)
def _eras(speech: Speech) -> tuple[Option, ...]:
    eras = ((era.key, speech.say(era.title)) for era in ERAS)
    return (Option(WESTERN, speech.say(N_("西暦"))), *(Option(key, title) for key, title in eras))


def _with_unit(text: str, box: str) -> str:
    return text if read_number(text) is None else f"{text.rstrip(_UNITS[box])}{_UNITS[box]}"


def _joined(era: str, texts: Sequence[str]) -> str:
    pieces = [text.replace("%", "%25").replace("-", "%2D") for text in texts]
    return "-".join(pieces if era == WESTERN else [era, *pieces])


def _unescaped(piece: str) -> str:
    return piece.replace("%2D", "-").replace("%25", "%")


def _named(boxes: Sequence[str], texts: Iterable[str]) -> dict[str, str]:
    return dict(zip(boxes, texts, strict=True))


class Date(_InBoxes):
    """A day."""

    name = "date"
    boxes = (".year", ".month", ".day")
    format = "date"

    def day(self, era: str, numbers: Sequence[int]) -> date | None:
        return from_wareki(era, numbers[0], numbers[1], numbers[2])

    def read(self, text: str) -> date | None:
        return read_date(text)

    def iso(self, day: date) -> str:
        return day.isoformat()

    def words(self, speech: Speech, day: date) -> str:
        return speech.date_text(day)


class YearMonth(_InBoxes):
    """A month of a year: '2024-05'."""

    name = "year_month"
    boxes = (".year", ".month")
    format = "year-month"

    def day(self, era: str, numbers: Sequence[int]) -> date | None:
        return month_from_wareki(era, numbers[0], numbers[1])

    def read(self, text: str) -> date | None:
        return read_month(text)

    def iso(self, day: date) -> str:
        return day.isoformat()[:7]

    def words(self, speech: Speech, day: date) -> str:
        return speech.month_text(day)


_CLOCK = re.compile(r"(午前|午後|AM|PM)?([0-9]{1,2})(?:[:時]([0-9]{1,2}|半)?分?)")
_RUN_TOGETHER = re.compile(r"()([0-9]{1,2})([0-9]{2})")


class Time(Box):
    """A time of day: '09:30', also typed as 9時半, 午後3時 or 0930."""

    name = "time"

    def read(self, field: Field, text: str) -> Json:
        plain = re.sub(r"\s", "", fold_ascii(text)).upper()
        match = _CLOCK.fullmatch(plain) or _RUN_TOGETHER.fullmatch(plain)
        if match is None:
            return text
        hour, minute = int(match[2]), 30 if match[3] == "半" else int(match[3] or 0)
        if match[1] and hour > 12:
            return text
        if match[1]:
            hour = hour % 12 + (12 if match[1] in ("午後", "PM") else 0)
        clock = f"{hour:02}:{minute:02}"
        return clock if FORMATS["time"](clock) else text

    def text(self, field: Field, value: Json) -> str:
        if not isinstance(value, str) or not FORMATS["time"](value):
            return str(value)
        return field.speech.time_text(value)

    def width(self, field: Field) -> str:
        return "w8"
