"""Somebody at a kiosk who has booked, or has a number already: what they typed or held before the reader, checked in.

A receipt number has 14 random digits and a ticket's code 75 random bits; wrong ones are counted for each kiosk. Of a
booking for another day it is said whether that day is past or ahead, and not which: whoever found the number somewhere
learns no date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from procedures.queues import QueueTable
from server.applications.receipts import read_number
from server.counter import tickets
from server.counter.codes import read_code
from server.counter.line import Origin, State
from server.counter.tickets import Issued, Ticket
from server.japan import today
from server.people.devices import Device
from server.people.limits import Limit, forgive, seconds_to_wait
from server.signs import plain_code
from server.store.database import Writing
from server.store.keys import Keys
from server.store.values import Random

WRONG: Final = Limit("kiosk.number", 20, timedelta(minutes=15))
"""Numbers that lead to nothing, typed at one kiosk."""
_TICKET: Final = re.compile(r"(?:.*/tickets/)?([0-9A-Za-z]{5}[ -]?[0-9A-Za-z]{5}[ -]?[0-9A-Za-z]{5})(?:[/?].*)?")
_APPLICATION: Final = re.compile(r".*/applications/([0-9]{15})(?:[/?].*)?")
_CALLED: Final = re.compile(r"[A-Za-z][ -]?[0-9]{1,3}")


class Why(StrEnum):
    """Why somebody was not checked in."""

    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    PAST = "past"
    """The booked day is over."""
    AHEAD = "ahead"
    """The booked day is still to come."""
    OLD = "old"
    """A number of another day."""
    LEFT = "left"
    """A number that was given up."""
    OVER = "over"
    """They were served, or are just now."""
    HANDOFF = "handoff"
    """A code that carries answers to the window, and is of no use here."""
    CALLED_BY = "number"
    """A number as it is called ('A-012'): its holder has only to wait."""
    OFTEN = "often"


@dataclass(frozen=True, slots=True)
class Arrived:
    """They have this number. `code` opens its page, '' where it was told before and is not known any more. `again`:
    they had it before."""

    ticket: Ticket
    code: str
    again: bool


def arrive(
    db: Writing,
    keys: Keys,
    queues: QueueTable,
    device: Device,
    typed: str,
    *,
    language: str,
    now: datetime,
    random: Random,
) -> Arrived | Why:
    """Check in whoever typed this at a kiosk: a receipt number, a ticket's code, or the address of either's page."""
    if seconds_to_wait(db, keys, WRONG, device.id, now=now):
        return Why.OFTEN
    text = typed.strip()
    found = _booked(db, keys, queues, device, text, language=language, now=now, random=random)
    if found is None:
        found = _numbered(db, keys, text, now=now)
    if isinstance(found, Arrived) or found in (Why.CALLED_BY, Why.HANDOFF):
        forgive(db, keys, WRONG, device.id, now=now)
    return found


def _booked(
    db: Writing,
    keys: Keys,
    queues: QueueTable,
    device: Device,
    text: str,
    *,
    language: str,
    now: datetime,
    random: Random,
) -> Arrived | Why | None:
    """By a receipt number; None where it is none."""
    address = _APPLICATION.fullmatch(text)
    number = read_number(address[1] if address else text)
    if number is None:
        return None
    made = tickets.check_in(
        db,
        keys,
        queues,
        number,
        origin=Origin.KIOSK.value,
        language=language,
        by=device.actor,
        now=now,
        random=random,
    )
    if isinstance(made, Issued):
        return Arrived(made.ticket, made.code, again=False)
    if made is not None:
        return _standing(made.ticket, "", now)
    day = tickets.booked_day(db, number)
    return Why.UNKNOWN if day is None else Why.PAST if day < today(now) else Why.AHEAD


def _numbered(db: Writing, keys: Keys, text: str, *, now: datetime) -> Arrived | Why:
    """By the code of a ticket, or what else people have in their hands."""
    if (code := _TICKET.fullmatch(text)) is not None:
        found = tickets.of_code(db, keys, code[1])
        return Why.UNKNOWN if found is None else _standing(found, plain_code(code[1]), now)
    if _CALLED.fullmatch(text):
        return Why.CALLED_BY
    return Why.HANDOFF if read_code(text) is not None else Why.UNREADABLE


def _standing(ticket: Ticket, code: str, now: datetime) -> Arrived | Why:
    if ticket.state is State.LEFT:
        return Why.LEFT
    if ticket.state in (State.DONE, State.SERVING):
        return Why.OVER
    return Arrived(ticket, code, again=True) if ticket.day == today(now).isoformat() else Why.OLD
