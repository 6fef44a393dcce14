"""The way an application goes: its events, and the audit line each of them leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from procedures.declaration import Timing
from server.applications.seats import free
from server.applications.states import RULES, OfficeState, ResidentState, shown
from server.people.sessions import Visitor
from server.store import tables as t
from server.store.database import Reading, Writing


@dataclass(frozen=True, slots=True)
class Event:
    """One step, as the resident is told of it."""

    at: datetime
    state: ResidentState


_EVENTS = (
    select(t.application_event.c.at, t.application_event.c.state)
    .where(t.application_event.c.application_id == bindparam("application_id"))
    .order_by(t.application_event.c.id)
)
_TIMING = select(t.application.c.timing).where(t.application.c.id == bindparam("application_id"))
_MOVE = (
    update(t.application)
    .where(t.application.c.id == bindparam("which"), t.application.c.state == bindparam("before"))
    .values(state=bindparam("after"))
)


def actor(visitor: Visitor) -> str:
    """Who acts, as the audit names them: an opaque id, never a name. Whose a token is says the line of its making."""
    return f"token:{visitor.token_id}" if visitor.token_id is not None else account(visitor)


def account(visitor: Visitor) -> str:
    """Whose a deed is, by whatever way they come: for limits, of which ten tokens must not make ten."""
    if visitor.resident is not None:
        return f"resident:{visitor.resident.id}"
    return f"session:{visitor.session_id}" if visitor.session_id else "anonymous"


def record(db: Writing, application_id: str, state: str, by: str, *, now: datetime) -> None:
    """Note that an application came to `state`."""
    db.insert(t.application_event, {"application_id": application_id, "at": now, "state": state, "actor": by})
    db.audit("application.state", application_id, actor=by, detail={"state": state})


def move(db: Writing, application_id: str, before: OfficeState, after: OfficeState, by: str, *, now: datetime) -> bool:
    """Bring an application from `before` to `after`; what it had booked goes free where that is over. False: it is not
    at `before` any more, and stays where it is."""
    values = {"which": application_id, "before": before.value, "after": after.value}
    if db.execute(_MOVE, values).rowcount != 1:
        return False
    record(db, application_id, after.value, by, now=now)
    if RULES[after].vacates:
        free(db, application_id)
    return True


def paid(db: Writing, application_id: str, now: datetime, by: str = "provider") -> None:
    """The fee came in: what waited for it is submitted. Anything else stays where it is."""
    move(db, application_id, OfficeState.PAYMENT_PENDING, OfficeState.SUBMITTED, by, now=now)


def unpaid(db: Writing, application_id: str, by: str, now: datetime) -> None:
    """That its fee came was a mistake: what waited for it waits again, unless it has gone on meanwhile."""
    if db.scalar(_TIMING, {"application_id": application_id}) == Timing.SUBMIT:
        move(db, application_id, OfficeState.SUBMITTED, OfficeState.PAYMENT_PENDING, by, now=now)


def lapsed(db: Writing, application_id: str, now: datetime) -> None:
    """The fee did not come in time: what waited for it is over. Anything else stays where it is."""
    move(db, application_id, OfficeState.PAYMENT_PENDING, OfficeState.EXPIRED, "worker", now=now)


def events(db: Reading, application_id: str) -> Sequence[Event]:
    """Every step so far; two office states that look alike to the resident are told once."""
    result: list[Event] = []
    for row in db.all(_EVENTS, {"application_id": application_id}):
        if not result or result[-1].state is not shown(row.state):
            result.append(Event(row.at, shown(row.state)))
    return result
