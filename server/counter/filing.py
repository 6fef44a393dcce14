"""Filing a visit: all of its applications in one transaction, or none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from forms_schema import FieldError
from procedures.bookings import Opening
from procedures.declaration import Channel, Declaration
from procedures.fees import FeeTable
from procedures.joint import Fact, State, Turn
from server.applications import uploads
from server.applications.submission import Entry, Filing, Prepared, Raced, Rejected, Submitted, enter, prepare
from server.catalogue import Published
from server.counter import handoffs, queue
from server.counter.identity import protected_members
from server.counter.visits import FILED, Visit, end, files_of
from server.people.sessions import NOBODY
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random

NO_FEE: Final = FieldError("", "NO_FEE")
"""The version that was filled in asks a fee that is in no table now."""


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
    now: datetime,
) -> Ready | NotReady:
    """Settle, judge and price every application of a visit, by name; nothing is written. Raises NoFeeError."""
    ready: dict[str, Prepared] = {}
    errors: dict[str, Sequence[FieldError]] = {}
    for name, declaration in declarations.items():
        filing = Filing(
            declaration,
            turn.answers(name),
            files.get(name, ()),
            Channel.COUNTER.value,
            NOBODY,
            served.get(name),
            visit.content.papers.get(name, {}),
        )
        outcome = prepare(filing, table, openings.get(name), now=now)
        if isinstance(outcome, Prepared):
            ready[name] = outcome
        else:
            errors[name] = outcome.errors if isinstance(outcome, Rejected) else (NO_FEE,)
    if errors or not ready:
        return NotReady(errors)
    return Ready(visit, ready, {name: sources(turn.trace(name)) for name in ready})


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
    """Write every application of the visit, and end it. Raises Raced when the visit was changed or filed meanwhile or a
    file is gone, SlotTaken when the last place of a slot went to somebody else: then nothing is filed."""
    visit = ready.visit
    shielded = bool(protected_members(db, keys, State.read(visit.content.state).facts))
    done: dict[str, Submitted] = {}
    for name, prepared in ready.applications.items():
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
    handoffs.filed(db, keys, visit.id, {name: each.application_id for name, each in done.items()})
    queue.finish_visit(db, visit.id, by=staff.actor, now=now)
    return done


def files_in(db: Reading, keys: Keys, visit: Visit) -> dict[str, tuple[uploads.Upload, ...]]:
    """The files that were handed in with a visit, by form, and those that were attached at home."""
    brought = handoffs.files(db, keys, visit.id)
    return {
        name: (*uploads.of(db, keys, *files_of(visit.id, name)), *brought.get(name, ())) for name in visit.content.forms
    }
