"""The queue: calling a number, and what becomes of it. Taking one and finding it is in `tickets`, offered here too.

Each step reads the ticket, asks the table of steps (`line.STEPS`) and the rules of the window, and then changes the row
on the condition that it still is as it was read. So of two clerks who press at the same moment one has the ticket, and
the other is told who. A window has one ticket in hand at most: its row is locked while one is called to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, select

from server.counter.line import CALLS, IN_HAND, STEPS, Care, State, Step
from server.counter.tickets import (
    TOPIC,
    CheckedIn,
    Issued,
    Ticket,
    check_in,
    in_hand,
    issue,
    newest,
    note,
    of_code,
    of_visit,
    swap,
    ticket,
    tickets,
)
from server.counter.windows import Window
from server.japan import today
from server.store import tables as t
from server.store.database import Reading, Writing

__all__ = [
    "IN_HAND",
    "TOPIC",
    "At",
    "Care",
    "CheckedIn",
    "Issued",
    "Outcome",
    "Refused",
    "State",
    "Ticket",
    "Why",
    "absent",
    "call",
    "call_next",
    "check_in",
    "dismiss",
    "finish",
    "finish_visit",
    "give_care",
    "in_hand",
    "issue",
    "lapse",
    "leave",
    "newest",
    "of_code",
    "of_visit",
    "put_back",
    "recall",
    "serve",
    "ticket",
    "tickets",
    "transfer",
]


@dataclass(frozen=True, slots=True)
class At:
    """Whoever calls, and from which window."""

    window: Window
    staff_id: str

    @property
    def actor(self) -> str:
        return f"staff:{self.staff_id}"


class Why(StrEnum):
    """Why a step was not taken."""

    NOBODY = "nobody"
    """Nobody waits for this window."""
    IN_HAND = "in-hand"
    """The window has a ticket before it; `Refused.ticket` is that one."""
    TAKEN = "taken"
    """It is at another window (`Refused.window`), or was done with before."""
    SOON = "soon"
    """It has to be called again before it is absent."""
    GONE = "gone"
    """There is no such ticket today."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed. `ticket` is as it stands now, `window` the label of the window that has it."""

    why: Why
    ticket: Ticket | None = None
    window: str = ""


Outcome = Ticket | Refused

_LOCK: Final = select(t.service_window.c.id).where(t.service_window.c.id == bindparam("id")).with_for_update()
_LABEL: Final = select(t.service_window.c.label).where(t.service_window.c.id == bindparam("id"))


# --- calling --------------------------------------------------------------------------------------------------------


def call_next(db: Writing, at: At, *, now: datetime) -> Outcome:
    """Call whoever is next to a window."""
    busy = _busy(db, at, now)
    if busy is not None:
        return Refused(Why.IN_HAND, busy)
    for each in tickets(db, now=now, states={State.WAITING}):
        if each.waiting.served_at(at.window.id, at.window.queues):
            called = _take(db, each, Step.CALL, at.actor, now, **_called(each, at, now))
            if called is not None:
                return called
    return Refused(Why.NOBODY)


def call(db: Writing, at: At, ticket_id: str, *, now: datetime) -> Outcome:
    """Call a certain one, who waits for this window or was absent. Somebody else may have been faster."""
    busy = _busy(db, at, now)
    if busy is not None and busy.id != ticket_id:
        return Refused(Why.IN_HAND, busy)
    return _step(db, Step.CALL, ticket_id, now, at.actor, _reachable(at), lambda seen: _called(seen, at, now))


def recall(db: Writing, at: At, ticket_id: str, *, now: datetime) -> Outcome:
    """Call once more whom this window has called."""
    return _step(
        db, Step.RECALL, ticket_id, now, at.actor, _held(at), lambda seen: {"calls": seen.calls + 1, "called_at": now}
    )


def serve(db: Writing, at: At, ticket_id: str, *, visit_id: str | None = None, now: datetime) -> Outcome:
    """They have come, and it begins; `visit_id` is of the interview, where there is one."""
    given = {"served_at": now, "visit_id": visit_id, "staff_id": at.staff_id}
    return _step(db, Step.SERVE, ticket_id, now, at.actor, _held(at), lambda _: given)


def begin_visit(db: Writing, at: At, visit_id: str, *, now: datetime) -> Ticket | None:
    """The number in hand is that of whoever's interview begins here: it is served from now on, if it was not yet. None:
    nobody was called by whoever begins it, or the number has an interview already."""
    held = _busy(db, at, now)
    if held is None or held.visit_id is not None or held.staff_id != at.staff_id:
        return None
    if held.state is State.CALLED:
        served = serve(db, at, held.id, visit_id=visit_id, now=now)
        return served if isinstance(served, Ticket) else None
    changed = replace(held, visit_id=visit_id)
    return changed if swap(db, held, changed) else None


def absent(db: Writing, at: At, ticket_id: str, *, now: datetime) -> Outcome:
    """They did not come. Refused (SOON) before the number was called `CALLS` times."""

    def refusal(seen: Ticket) -> Why | None:
        return _held(at)(seen) or (Why.SOON if seen.calls < CALLS else None)

    free = {"window_id": None, "staff_id": None}
    return _step(db, Step.MARK_ABSENT, ticket_id, now, at.actor, refusal, lambda _: free)


def put_back(db: Writing, at: At, ticket_id: str, *, now: datetime) -> Outcome:
    """Back to the line, at the place they had: called by mistake, or absent and here after all."""
    free = {"window_id": None, "staff_id": None, "visit_id": None, "calls": 0}
    return _step(db, Step.PUT_BACK, ticket_id, now, at.actor, _reachable(at), lambda _: free)


def finish(db: Writing, at: At, ticket_id: str, *, now: datetime) -> Outcome:
    """They are done."""
    return _step(db, Step.FINISH, ticket_id, now, at.actor, _held(at), lambda _: _over(now))


def finish_visit(db: Writing, visit_id: str, *, by: str, now: datetime) -> None:
    """An interview has ended: so has the ticket it began from, if there is one that still is served."""
    for each in of_visit(db, visit_id):
        if each.state is State.SERVING:
            _take(db, each, Step.FINISH, by, now, **_over(now))


def transfer(
    db: Writing, at: At, ticket_id: str, queue: str, *, window_id: str | None = None, now: datetime
) -> Outcome:
    """On to another queue, or to one of its windows alone. They keep their place by when they came."""
    moved = {"queue": queue, "window_id": window_id, "staff_id": None, "visit_id": None, "calls": 0}
    return _step(db, Step.TRANSFER, ticket_id, now, at.actor, _reachable(at), lambda _: moved)


def leave(db: Writing, ticket_id: str, *, by: str = "resident", now: datetime) -> Outcome:
    """They do not want to wait any more, and say so themselves."""
    return _step(db, Step.LEAVE, ticket_id, now, by, lambda _: None, lambda _: _over(now))


def dismiss(db: Writing, at: At, ticket_id: str, *, now: datetime) -> Outcome:
    """They told a clerk that they go, or it is known that they went."""
    return _step(db, Step.LEAVE, ticket_id, now, at.actor, _reachable(at), lambda _: _over(now))


def give_care(db: Writing, ticket_id: str, care: Care, *, by: str, now: datetime) -> Outcome:
    """Let somebody who waits stand further in front, or no more. Where they go on waiting, nothing else changes."""
    seen = ticket(db, ticket_id)
    if seen is None or seen.day != today(now).isoformat():
        return Refused(Why.GONE)
    if seen.state not in (State.WAITING, State.ABSENT):
        return _refused(db, Why.TAKEN, seen)
    changed = replace(seen, priority=care)
    if not swap(db, seen, changed):
        return _refused(db, Why.TAKEN, ticket(db, ticket_id) or seen)
    note(db, changed, by, now)
    return changed


def lapse(db: Writing, of: Ticket, *, now: datetime) -> None:
    """The day is over, and nobody said what became of it."""
    _take(db, of, Step.LAPSE, "worker", now, **_over(now))


def _busy(db: Writing, at: At, now: datetime) -> Ticket | None:
    """What the window has in hand; nothing else is called to it until this transaction ends: a button pressed twice
    calls one person."""
    db.one(_LOCK, {"id": at.window.id})
    return in_hand(db, at.window.id, now=now)


def _called(seen: Ticket, at: At, now: datetime) -> dict[str, Any]:
    return {"window_id": at.window.id, "staff_id": at.staff_id, "calls": seen.calls + 1, "called_at": now}


def _over(now: datetime) -> dict[str, Any]:
    """Why somebody was called out of turn is nobody's business once they are gone."""
    return {"ended_at": now, "priority": Care.NONE}


def _held(at: At) -> Callable[[Ticket], Why | None]:
    return lambda seen: None if seen.window_id == at.window.id else Why.TAKEN


def _reachable(at: At) -> Callable[[Ticket], Why | None]:
    """At this window, or waiting (absent) where this window calls."""

    def refusal(seen: Ticket) -> Why | None:
        if seen.state in IN_HAND:
            return _held(at)(seen)
        return None if seen.waiting.served_at(at.window.id, at.window.queues) else Why.TAKEN

    return refusal


def _step(
    db: Writing,
    step: Step,
    ticket_id: str,
    now: datetime,
    by: str,
    refusal: Callable[[Ticket], Why | None],
    changes: Callable[[Ticket], Mapping[str, Any]],
) -> Outcome:
    seen = ticket(db, ticket_id)
    if seen is None or seen.day != today(now).isoformat():
        return Refused(Why.GONE)
    why = refusal(seen) if seen.state in STEPS[step] else Why.TAKEN
    if why is not None:
        return _refused(db, why, seen)
    done = _take(db, seen, step, by, now, **changes(seen))
    return done or _refused(db, Why.TAKEN, ticket(db, ticket_id) or seen)


def _refused(db: Reading, why: Why, seen: Ticket) -> Refused:
    return Refused(why, seen, str(db.scalar(_LABEL, {"id": seen.window_id}) or "") if seen.window_id else "")


def _take(db: Writing, seen: Ticket, step: Step, by: str, now: datetime, **changes: Any) -> Ticket | None:
    """The ticket after a step; None where it is not as it was seen any more."""
    changed = replace(seen, state=STEPS[step][seen.state], **changes)
    if not swap(db, seen, changed):
        return None
    note(db, changed, by, now)
    if changed.queue != seen.queue:
        db.announce(TOPIC, seen.queue)
    return changed
