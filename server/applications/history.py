"""The way an application goes: its events, and the audit line each of them leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from server.applications.states import OfficeState, ResidentState, shown
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
_MOVE = (
    update(t.application)
    .where(t.application.c.id == bindparam("which"), t.application.c.state == bindparam("before"))
    .values(state=bindparam("after"))
)


def actor(visitor: Visitor) -> str:
    """Who acts, as the audit names them: an opaque id, never a name."""
    if visitor.resident is not None:
        return f"resident:{visitor.resident.id}"
    return f"session:{visitor.session_id}" if visitor.session_id else "anonymous"


def record(db: Writing, application_id: str, state: str, by: str, *, now: datetime) -> None:
    """Note that an application came to `state`."""
    db.execute(t.application_event.insert(), {"application_id": application_id, "at": now, "state": state, "actor": by})
    db.audit("application.state", application_id, actor=by, detail={"state": state})


def paid(db: Writing, application_id: str, now: datetime) -> None:
    """The fee came in: what waited for it is submitted. Anything else stays where it is."""
    move = {"which": application_id, "before": OfficeState.PAYMENT_PENDING.value, "after": OfficeState.SUBMITTED.value}
    if db.execute(_MOVE, move).rowcount == 1:
        record(db, application_id, OfficeState.SUBMITTED.value, "provider", now=now)


def events(db: Reading, application_id: str) -> Sequence[Event]:
    """Every step so far; two office states that look alike to the resident are told once."""
    result: list[Event] = []
    for row in db.all(_EVENTS, {"application_id": application_id}):
        if not result or result[-1].state is not shown(row.state):
            result.append(Event(row.at, shown(row.state)))
    return result
