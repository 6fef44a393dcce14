"""Filing a visit: all of its applications in one transaction, or none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from forms_schema import FieldError
from procedures.bookings import Opening
from procedures.declaration import Channel, Declaration
from procedures.fees import FeeTable, NoFeeError
from procedures.joint import Fact, State, Turn
from server.applications import uploads
from server.applications.submission import Entry, Filing, Prepared, Raced, Rejected, Submitted, enter, prepare
from server.catalogue import ProcedureState, Published
from server.counter import handoffs, queue
from server.counter.identity import protected_members
from server.counter.visits import FILED, Visit, end, files_of, held
from server.people.sessions import NOBODY
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random

NO_FEE: Final = FieldError("", "NO_FEE")
"""It asks a fee that is in no table of today."""
NOT_TAKEN: Final = FieldError("", "NOT_TAKEN")
"""Its procedure was suspended or closed while the visit went on."""
SENT: Final = FieldError("", "SENT")
"""It was brought from home, and sent from there while the visit went on."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A visit whose applications may all be filed as they are."""

    visit: Visit
    applications: Mapping[str, Prepared]
    sources: Mapping[str, Mapping[str, str]]

    @property
    def total(self) -> int:
        """What all of it costs, in yen."""
        return sum(each.quote.total for each in self.applications.values())


@dataclass(frozen=True, slots=True)
class NotReady:
    """What stands against it, by the name of the form."""

    errors: Mapping[str, Sequence[FieldError]]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """How the resident agreed ('drawn', 'said', 'paper'), and the id of the record of it, '' without one."""

    method: str
    record: str = ""


def judge(
    visit: Visit,
    turn: Turn,
    declarations: Mapping[str, Declaration],
    files: Mapping[str, Sequence[uploads.Upload]],
    openings: Mapping[str, Opening],
    served: Mapping[str, Published],
    table: FeeTable,
    *,
    sent: Collection[str] = (),
    now: datetime,
) -> Ready | NotReady:
    """Settle, judge and price every application of a visit, by name; nothing is written. `sent` are those that were
    sent from home (`sent_in`). Two that book the same slot need two places of it."""
    ready: dict[str, Prepared] = {}
    errors: dict[str, Sequence[FieldError]] = {}
    for name, declaration in declarations.items():
        against = SENT if name in sent else _not_taken(served.get(name), now)
        if against is not None:
            errors[name] = (against,)
            continue
        filing = Filing(
            declaration,
            turn.answers(name),
            files.get(name, ()),
            Channel.COUNTER.value,
            NOBODY,
            served.get(name),
            visit.content.papers.get(name, {}),
        )
        try:
            outcome = prepare(filing, table, _beside(openings.get(name), ready), now=now)
        except NoFeeError:
            errors[name] = (NO_FEE,)
            continue
        if isinstance(outcome, Prepared):
            ready[name] = outcome
        else:
            errors[name] = outcome.errors if isinstance(outcome, Rejected) else (NO_FEE,)
    if errors or not ready:
        return NotReady(errors)
    return Ready(visit, ready, {name: sources(turn.trace(name)) for name in ready})


def _not_taken(published: Published | None, now: datetime) -> FieldError | None:
    taken = published is not None and published.status(now).state is ProcedureState.OPEN
    return None if taken else NOT_TAKEN


def _beside(opening: Opening | None, ready: Mapping[str, Prepared]) -> Opening | None:
    """What a calendar has open beside what the visit's other applications are to have of it."""
    if opening is None:
        return None
    booked = Counter(slot for code, slot in map(_booked, ready.values()) if code == opening.calendar.code)
    return replace(opening, taken=Counter(opening.taken) + booked)


def _booked(prepared: Prepared) -> tuple[str, str]:
    """The calendar and the slot of it that an application books, ('', '') where it books none."""
    opening = prepared.opening
    slot = opening.picked(prepared.settled) if opening else None
    return (opening.calendar.code, slot) if opening and slot else ("", "")


def sources(trace: Mapping[str, Fact]) -> dict[str, str]:
    """By pointer, where an answer came from, and who typed it: 'typed staff:…'."""
    return {pointer: f"{fact.source} {fact.by}".strip() for pointer, fact in trace.items()}


def file(
    db: Writing,
    keys: Keys,
    ready: Ready,
    staff: Staff,
    confirmed: Confirmed,
    *,
    base_url: str,
    payment_days: int,
    now: datetime,
    random: Random,
) -> Mapping[str, Submitted]:
    """Write every application of the visit, and end it. Raises Raced when the visit was changed or filed meanwhile, a
    file is gone or a form was sent from home, SlotTaken when the last place of a slot went to somebody else: then
    nothing is filed."""
    visit = ready.visit
    if not held(db, visit, now=now):  # first: whoever pressed twice is told that it was filed, not that a slot is gone
        raise Raced
    shielded = bool(protected_members(db, keys, State.read(visit.content.state).facts))
    done: dict[str, Submitted] = {}
    # in the order of their slots: of two visits that book the same ones neither waits for the other without end
    for name, prepared in sorted(ready.applications.items(), key=lambda each: _booked(each[1])):
        entry = Entry(staff.actor, visit.id, confirmed.method, confirmed.record, ready.sources[name], shielded)
        done[name] = enter(
            db,
            keys,
            prepared,
            entry,
            base_url=base_url,
            payment_days=payment_days,
            language=visit.language,
            now=now,
            random=random,
        )
    if not end(db, keys, visit, FILED, staff.actor, now=now):
        raise Raced  # rolls every application back
    rows = [{"visit_id": visit.id, "name": name, "application_id": each.application_id} for name, each in done.items()]
    db.insert(t.visit_application, rows)
    if not handoffs.filed(db, keys, visit.id, {name: each.application_id for name, each in done.items()}):
        raise Raced
    queue.finish_visit(db, visit.id, by=staff.actor, now=now)
    return done


def sent_in(db: Reading, keys: Keys, visit: Visit) -> frozenset[str]:
    """The forms of a visit that were brought from home and have been sent from there since."""
    return handoffs.sent(db, keys, visit.id)


def files_in(db: Reading, keys: Keys, visit: Visit) -> dict[str, tuple[uploads.Upload, ...]]:
    """The files that were handed in with a visit, by form, and those that were attached at home."""
    brought = handoffs.files(db, keys, visit.id)
    return {
        name: (*uploads.of(db, keys, *files_of(visit.id, name)), *brought.get(name, ())) for name in visit.content.forms
    }
