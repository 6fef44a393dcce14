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
from forms_schema.speech import Speech
from forms_schema.text import N_, clean

FULL: Final = N_("満員")
FEW: Final = N_("残りわずか")


class Slot(Kind):
    """A time or a day to come, of those that are offered."""

    name = "slot"

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        picked = last(posted, name)
        return KEEP if picked is None else clean(picked) or None

    def text(self, field: Field, value: Json) -> str:
        return field.speech.slot(value) if isinstance(value, str) and is_slot(value) else str(value)


def days_of(offers: Sequence[Offer], value: Json, id: str, speech: Speech) -> tuple[DayView, ...]:
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
        offer.slot: _option(offer, value, id if offer.slot == shown else f"{id}-{i}", speech)
        for i, offer in enumerate(offers, 2)
    }
    if not offers[0].until:
        return (DayView("", tuple(options.values())),)
    days = groupby(offers, key=lambda offer: offer.slot[:10])
    return tuple(_day(day, list(inside), options, shown[:10], speech) for day, inside in days)


def _day(day: str, offers: Sequence[Offer], options: Mapping[str, OptionView], shown: str, speech: Speech) -> DayView:
    note = speech.say(_note(sum(offer.left for offer in offers), sum(offer.capacity for offer in offers)))
    inside = tuple(options[offer.slot] for offer in offers)
    return DayView(speech.day(date.fromisoformat(day)), inside, note, "open" if day == shown else "")


def _option(offer: Offer, value: Json, id: str, speech: Speech) -> OptionView:
    title = speech.hours(offer.slot[11:], offer.until) or speech.day(date.fromisoformat(offer.slot))
    checked = "checked" if value == offer.slot else ""
    return OptionView(
        offer.slot, title, id, checked, note=speech.say(_note(offer.left, offer.capacity)), full=offer.left == 0
    )


def _note(left: int, capacity: int) -> str:
    """Words, for colours alone tell not everybody; nothing where there is room."""
    if left == 0:
        return FULL
    return FEW if left < capacity and left <= max(1, capacity // 5) else ""
