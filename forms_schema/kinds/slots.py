"""The kind that is booked: a time of a calendar, or a whole day of it.

The answer is the wall clock in Japan at which it begins, '2026-12-01T09:00', or the day, '2026-12-01'. What may be
picked comes in as data: a schema cannot know what is still free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final

from forms_schema.base import KEEP, DayView, Field, Json, Keep, Kind, Offer, OptionView, Posted
from forms_schema.formats import is_slot
from forms_schema.kinds.boxes import last
from forms_schema.text import clean
from forms_schema.wareki import YEAR_ONE, to_wareki

FULL: Final = "満員"
FEW: Final = "残りわずか"
_WEEKDAYS: Final = "月火水木金土日"


class Slot(Kind):
    """A time or a day to come, of those that are offered."""

    name = "slot"

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        picked = last(posted, name)
        return KEEP if picked is None else clean(picked) or None

    def text(self, field: Field, value: Json) -> str:
        return slot_text(value) if isinstance(value, str) and is_slot(value) else str(value)


def slot_text(slot: str, until: str = "") -> str:
    """'令和8年12月1日(火)9時〜10時'; without `until` ('HH:MM') '…9時から'; of a whole day the day alone."""
    day = date.fromisoformat(slot[:10])
    found = to_wareki(day)
    year = str(day.year) if found is None else f"{found[0].title}{YEAR_ONE if found[1] == 1 else found[1]}"
    return f"{year}年{_day_text(day)}{_time_text(slot[11:], until)}"


def _day_text(day: date) -> str:
    return f"{day.month}月{day.day}日({_WEEKDAYS[day.weekday()]})"


def _time_text(start: str, until: str) -> str:
    if not start:
        return ""
    return f"{_clock(start)}〜{_clock(until)}" if until else f"{_clock(start)}から"


def _clock(time: str) -> str:
    hour, minute = time.split(":")
    return f"{int(hour)}時" if minute == "00" else f"{int(hour)}時{minute}分"


def days_of(offers: Sequence[Offer], value: Json, id: str) -> tuple[DayView, ...]:
    """What is offered, day by day in order; the days themselves where they are booked whole. None where nothing is
    free: what is full is only worth saying beside what is not.

    One day stands open, that of the answer or else the first with a place, and its first place has the id of the
    question, so that a link to the question leads to what can be seen and picked.
    """
    at = [offer.slot for offer in offers if offer.left]
    if not at:
        return ()
    day = str(value)[:10]
    shown = next((slot for slot in at if slot[:10] == day), at[0])
    options = {
        offer.slot: _option(offer, value, id if offer.slot == shown else f"{id}-{i}")
        for i, offer in enumerate(offers, 2)
    }
    if not offers[0].until:
        return (DayView("", tuple(options.values())),)
    days = groupby(offers, key=lambda offer: offer.slot[:10])
    return tuple(_day(day, list(inside), options, shown[:10]) for day, inside in days)


def _day(day: str, offers: Sequence[Offer], options: Mapping[str, OptionView], shown: str) -> DayView:
    note = _note(sum(offer.left for offer in offers), sum(offer.capacity for offer in offers))
    inside = tuple(options[offer.slot] for offer in offers)
    return DayView(_day_text(date.fromisoformat(day)), inside, note, "open" if day == shown else "")


def _option(offer: Offer, value: Json, id: str) -> OptionView:
    title = _time_text(offer.slot[11:], offer.until) or _day_text(date.fromisoformat(offer.slot))
    checked = "checked" if value == offer.slot else ""
    return OptionView(offer.slot, title, id, checked, note=_note(offer.left, offer.capacity), full=offer.left == 0)


def _note(left: int, capacity: int) -> str:
    """Words, for colours alone tell not everybody; nothing where there is room."""
    if left == 0:
        return FULL
    return FEW if left < capacity and left <= max(1, capacity // 5) else ""
