"""Seats: the places of a slot, and who has them.

A seat is taken in the transaction of its application and lives as long as that may come true: it goes free when the
application is taken back, refused, or over for want of its fee. A draft holds none. The table's key keeps one place
from two people, whoever asks at the same moment and on whichever database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from forms_schema import Settled
from forms_schema.speech import JAPANESE
from procedures.bookings import BookingTable, Opening
from procedures.city import City
from procedures.declaration import Header
from server.japan import JST, today
from server.store import tables as t
from server.store.database import Reading, Writing


@dataclass(frozen=True, slots=True)
class Seat:
    """A place as it was promised: of which calendar, from when ('2026-12-01T09:00', or a day) until when."""

    calendar: str
    slot: str
    until: str

    @property
    def day(self) -> date:
        """The day it is on."""
        return date.fromisoformat(self.slot[:10])

    @property
    def text(self) -> str:
        """'令和8年12月1日(火)9時〜10時'."""
        return JAPANESE.slot(self.slot, self.until)


_TAKEN: Final = (
    select(t.seat.c.slot, func.count().label("places"))
    .where(t.seat.c.calendar == bindparam("calendar"), t.seat.c.slot >= bindparam("first"))
    .group_by(t.seat.c.slot)
)
_PLACES: Final = select(t.seat.c.place).where(
    t.seat.c.calendar == bindparam("calendar"), t.seat.c.slot == bindparam("slot")
)
_MINE: Final = select(t.seat.c.calendar, t.seat.c.slot, t.seat.c.until).where(
    t.seat.c.application_id == bindparam("application_id")
)
_FREE: Final = delete(t.seat).where(t.seat.c.application_id == bindparam("application_id"))


def opening(db: Reading, declaration: Header, table: BookingTable, city: City, *, now: datetime) -> Opening | None:
    """What can be booked for a procedure at `now`, with the places that are left; None where nothing is booked."""
    if declaration.booking is None:
        return None
    day = today(now)
    found = table.opening(declaration.booking, city.calendar, day)
    return replace(
        found, taken=taken(db, declaration.booking.calendar, day), note=found.note + _ring(declaration, city)
    )


def taken(db: Reading, calendar: str, first: date) -> dict[str, int]:
    """How many places are given away, by slot, from a day on."""
    rows = db.all(_TAKEN, {"calendar": calendar, "first": first.isoformat()})
    return {row.slot: row.places for row in rows}


def _ring(declaration: Header, city: City) -> str:
    office = city.departments.get(declaration.department)
    return f"合う日時がないときは、{office.name}(電話 {office.phone})に相談してください。" if office else ""


def take(db: Writing, opening: Opening, settled: Settled, application_id: str) -> bool:
    """Give the application a place of the slot that was answered; nothing to do where none is asked for. False: there
    is none left.

    Where a place is lost to somebody else, what is left is counted anew: a calendar may have fewer places by now than
    were given away.
    """
    picked = opening.picked(settled)
    if picked is None:
        return True
    slot, calendar = opening.slots.get(picked), opening.calendar.code
    if slot is None:
        return False
    for _ in range(slot.capacity + 1):
        given = {row.place for row in db.all(_PLACES, {"calendar": calendar, "slot": picked})}
        if len(given) >= slot.capacity:
            return False
        place = next(number for number in range(1, slot.capacity + 1) if number not in given)
        row = {"calendar": calendar, "slot": picked, "place": place, "until": slot.until}
        if db.insert_new(t.seat, row | {"application_id": application_id}):
            return True
    return False


def free(db: Writing, application_id: str) -> None:
    """Give back what an application has, if anything."""
    db.execute(_FREE, {"application_id": application_id})


def seat_of(db: Reading, application_id: str) -> Seat | None:
    """The seat an application has."""
    row = db.one(_MINE, {"application_id": application_id})
    return Seat(row.calendar, row.slot, row.until) if row else None


def calendar_file(seat: Seat, uid: str, *, summary: str, place: str, now: datetime) -> str:
    """The booking as an iCalendar file (RFC 5545). `uid` is the same whenever it is fetched, so that a calendar knows
    the entry again. Times are in UTC: a zone would need its table beside it."""
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Kakanai//Booking//JA", "BEGIN:VEVENT"),
        f"UID:{uid}",
        f"DTSTAMP:{_utc(now)}",
        *_when(seat),
        f"SUMMARY:{_escaped(summary)}",
        *([f"LOCATION:{_escaped(place)}"] if place else []),
        *("END:VEVENT", "END:VCALENDAR"),
    ]
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _when(seat: Seat) -> tuple[str, str]:
    day = seat.day
    if not seat.until:
        return f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"
    start, end = (datetime.combine(day, time.fromisoformat(text), JST) for text in (seat.slot[11:], seat.until))
    return f"DTSTART:{_utc(start)}", f"DTEND:{_utc(end)}"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    """TEXT of RFC 5545, 3.3.11. A line break in it would begin a property of its own."""
    plain = " ".join(text.split())
    return re.sub(r"([\\;,])", r"\\\1", plain)


def _folded(line: str) -> Iterator[str]:
    """Lines of at most 75 octets, none cut within a character (RFC 5545, 3.1)."""
    piece = ""
    for sign in line:
        if len((piece + sign).encode()) > 75:
            yield piece
            piece = " "
        piece += sign
    yield piece
