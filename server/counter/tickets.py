"""Tickets: numbers of a day and a queue, and how they are found again.

A ticket is nobody's: it knows a number, what it is for, and the digest of a code that opens its page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, select, update

from procedures.queues import QueueTable
from server.counter.line import IN_HAND, OPEN, Care, State, Waiting, in_order
from server.japan import JST, today
from server.signs import new_signs, plain_code
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

TOPIC: Final = "queue"
"""Bulletin topic; the key is the id of the queue in which something changed."""
TRIES: Final = 400
"""Numbers that are tried for, one after another: each was taken by somebody who came at the same moment."""
MOST_SLUGS: Final = 20


@dataclass(frozen=True, slots=True)
class Ticket:
    """A number of a day. `series` is the queue in which it was taken and whose letter it bears, `queue` the one it is
    in now; `window_id` is where it was called, or the window it waits for alone."""

    id: str
    day: str
    queue: str
    series: str
    number: int
    priority: Care
    state: State
    window_id: str | None
    staff_id: str | None
    visit_id: str | None
    slugs: tuple[str, ...]
    language: str
    origin: str
    calls: int
    due_at: datetime | None
    created_at: datetime
    called_at: datetime | None
    served_at: datetime | None
    ended_at: datetime | None

    def text(self, queues: QueueTable) -> str:
        """As people read it: 'A-012'."""
        return queues.number(self.series, self.number)

    @property
    def waiting(self) -> Waiting:
        """As the line knows it."""
        care = self.priority is not Care.NONE
        return Waiting(self.id, self.queue, self.number, self.created_at, care, self.due_at, self.window_id)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new ticket with the code of its page, plain signs, which is told once."""

    ticket: Ticket
    code: str


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A booking for which a ticket was taken before."""

    ticket: Ticket


_T: Final = t.ticket
_FIELDS: Final = tuple(Ticket.__dataclass_fields__)
_COLUMNS: Final = tuple(_T.c[name] for name in _FIELDS)
_ONE: Final = select(*_COLUMNS).where(_T.c.id == bindparam("id"))
_OF_CODE: Final = select(*_COLUMNS).where(_T.c.code_digest == bindparam("code_digest"))
_OF_APPLICATION: Final = select(*_COLUMNS).where(_T.c.application_id == bindparam("application_id"))
_OF_VISIT: Final = select(*_COLUMNS).where(_T.c.visit_id == bindparam("visit_id")).order_by(_T.c.created_at)
_OF_DAY: Final = select(*_COLUMNS).where(
    _T.c.day == bindparam("day"), _T.c.state.in_(bindparam("states", expanding=True))
)
_HELD: Final = select(*_COLUMNS).where(
    _T.c.window_id == bindparam("window_id"),
    _T.c.day == bindparam("day"),
    _T.c.state.in_([state.value for state in sorted(IN_HAND)]),
)
_LAST: Final = select(func.coalesce(func.max(_T.c.number), 0)).where(
    _T.c.day == bindparam("day"), _T.c.series == bindparam("series")
)
_SEEN: Final = and_(
    _T.c.id == bindparam("b_id"),
    _T.c.state == bindparam("b_state"),
    _T.c.queue == bindparam("b_queue"),
    _T.c.calls == bindparam("b_calls"),
    func.coalesce(_T.c.window_id, "") == bindparam("b_window"),
)
_CHANGED: Final = (
    "state",
    "queue",
    "window_id",
    "staff_id",
    "visit_id",
    "priority",
    "calls",
    "called_at",
    "served_at",
    "ended_at",
)
_SWAP: Final = update(_T).where(_SEEN).values({name: bindparam(name) for name in _CHANGED})
_UNBOOK: Final = update(_T).where(_T.c.id == bindparam("b_id")).values(application_id=None)
_BOOKED: Final = (
    select(t.application.c.id, t.application.c.slug, t.application.c.department, t.seat.c.slot)
    .join_from(t.application, t.seat)
    .where(t.application.c.receipt_number == bindparam("number"), func.substr(t.seat.c.slot, 1, 10) == bindparam("day"))
)
_BOOKED_DAY: Final = (
    select(func.substr(t.seat.c.slot, 1, 10))
    .join_from(t.application, t.seat)
    .where(t.application.c.receipt_number == bindparam("number"))
)
_NEWEST: Final = select(func.coalesce(func.max(t.ticket_event.c.id), 0))


# --- taking a number ------------------------------------------------------------------------------------------------


def issue(
    db: Writing,
    keys: Keys,
    queue: str,
    *,
    origin: str,
    language: str,
    slugs: Sequence[str] = (),
    priority: Care = Care.NONE,
    due_at: datetime | None = None,
    by: str = "device",
    now: datetime,
    random: Random,
) -> Issued:
    """The next number of a queue today (Japan time). `slugs` are what it is for; `by` as events name people."""
    blank = _blank(queue, origin, language, slugs, priority, now=now, random=random)
    made = _insert(db, keys, replace(blank, due_at=due_at), None, by, now=now, random=random)
    if made is None:
        raise RuntimeError("no number could be given")
    return made


def check_in(
    db: Writing,
    keys: Keys,
    queues: QueueTable,
    number: str,
    *,
    origin: str,
    language: str,
    priority: Care = Care.NONE,
    by: str = "device",
    now: datetime,
    random: Random,
) -> Issued | CheckedIn | None:
    """Whoever has a seat today is here: by the receipt number of their application (`receipts.read_number`).

    A ticket that stands from the booked time on; one that was taken before is said. None: no such booking today, told
    alike whether the number is unknown or its day another one.
    """
    booked = db.one(_BOOKED, {"number": number, "day": today(now).isoformat()})
    if booked is None:
        return None
    earlier = db.one(_OF_APPLICATION, {"application_id": booked.id})
    if earlier is not None and earlier.state == State.LEFT:
        db.execute(_UNBOOK, {"b_id": earlier.id})
    queue = queues.of(booked.slug, booked.department).id
    blank = _blank(queue, origin, language, [booked.slug], priority, now=now, random=random)
    due = replace(blank, due_at=_due(booked.slot))
    made = _insert(db, keys, due, booked.id, by, now=now, random=random)
    if made is not None:
        return made
    earlier = db.one(_OF_APPLICATION, {"application_id": booked.id})
    return None if earlier is None else CheckedIn(_ticket(earlier))


def booked_day(db: Reading, number: str) -> date | None:
    """The day for which an application has a seat; None where there is no such application, or it has none."""
    found = db.scalar(_BOOKED_DAY, {"number": number})
    return None if found is None else date.fromisoformat(found)


def _blank(
    queue: str, origin: str, language: str, slugs: Sequence[str], priority: Care, *, now: datetime, random: Random
) -> Ticket:
    """A ticket that has no number yet."""
    return Ticket(
        id=new_id(random),
        day=today(now).isoformat(),
        queue=queue,
        series=queue,
        number=0,
        priority=priority,
        state=State.WAITING,
        window_id=None,
        staff_id=None,
        visit_id=None,
        slugs=tuple(slugs[:MOST_SLUGS]),
        language=language,
        origin=origin,
        calls=0,
        due_at=None,
        created_at=now,
        called_at=None,
        served_at=None,
        ended_at=None,
    )


def _insert(
    db: Writing, keys: Keys, blank: Ticket, application_id: str | None, by: str, *, now: datetime, random: Random
) -> Issued | None:
    """The ticket with the next number that is free; None where the application has one already."""
    code = new_signs(random, 15)
    secret = {"code_digest": _digest(keys, code), "application_id": application_id}
    for _ in range(TRIES):
        if application_id is not None and db.one(_OF_APPLICATION, {"application_id": application_id}) is not None:
            return None
        last = int(db.scalar(_LAST, {"day": blank.day, "series": blank.series}))
        made = replace(blank, number=last + 1)
        if db.insert_new(_T, _row(made) | secret):
            note(db, made, by, now)
            return Issued(made, code)
    return None


def _due(slot: str) -> datetime | None:
    """When a booked slot begins; None for a whole day."""
    return datetime.fromisoformat(slot).replace(tzinfo=JST) if len(slot) > 10 else None


# --- looking --------------------------------------------------------------------------------------------------------


def tickets(db: Reading, *, now: datetime, states: Collection[State] = OPEN) -> list[Ticket]:
    """The tickets of today in these states, whoever is next first."""
    asked = {"day": today(now).isoformat(), "states": sorted(states)}
    found = {row.id: _ticket(row) for row in db.all(_OF_DAY, asked)}
    return [found[each.id] for each in in_order((ticket.waiting for ticket in found.values()), now)]


def ticket(db: Reading, ticket_id: str) -> Ticket | None:
    """One ticket, of whatever day."""
    row = db.one(_ONE, {"id": ticket_id})
    return None if row is None else _ticket(row)


def of_code(db: Reading, keys: Keys, code: str) -> Ticket | None:
    """The ticket of a code as it was typed or scanned."""
    row = db.one(_OF_CODE, {"code_digest": _digest(keys, code)})
    return None if row is None else _ticket(row)


def of_visit(db: Reading, visit_id: str) -> list[Ticket]:
    """The tickets that were served in a visit: one, or none."""
    return [_ticket(row) for row in db.all(_OF_VISIT, {"visit_id": visit_id})]


def in_hand(db: Reading, window_id: str, *, now: datetime) -> Ticket | None:
    """What a window has called or is serving."""
    row = db.one(_HELD, {"window_id": window_id, "day": today(now).isoformat()})
    return None if row is None else _ticket(row)


def newest(db: Reading) -> int:
    """Grows with every change of any ticket."""
    return int(db.scalar(_NEWEST))


# --- changing --------------------------------------------------------------------------------------------------------


def swap(db: Writing, seen: Ticket, changed: Ticket) -> bool:
    """Change the row, on the condition that it is as it was seen: the database decides between two."""
    as_seen = {"b_id": seen.id, "b_state": seen.state, "b_queue": seen.queue, "b_calls": seen.calls}
    row = _row(changed)
    values = as_seen | {"b_window": seen.window_id or ""} | {name: row[name] for name in _CHANGED}
    return db.execute(_SWAP, values).rowcount == 1


def note(db: Writing, of: Ticket, by: str, now: datetime) -> None:
    where = {"ticket_id": of.id, "queue": of.queue, "window_id": of.window_id}
    db.insert(t.ticket_event, where | {"at": now, "state": of.state.value, "actor": by})
    db.announce(TOPIC, of.queue)


def _digest(keys: Keys, code: str) -> bytes:
    return keys.index_digest("ticket", plain_code(code))


def _row(of: Ticket) -> dict[str, Any]:
    plain = {name: getattr(of, name) for name in _FIELDS}
    return plain | {"state": of.state.value, "priority": int(of.priority), "slugs": "\n".join(of.slugs)}


def _ticket(row: Any) -> Ticket:
    slugs = tuple(row.slugs.split("\n")) if row.slugs else ()
    read = {"state": State(row.state), "priority": Care(row.priority), "slugs": slugs}
    return Ticket(**dict(zip(_FIELDS, row, strict=True)) | read)
