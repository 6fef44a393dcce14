"""An application as its own people see it: by session, by owner, or by number and access code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select

from forms_schema import Answers
from server.applications.history import Event, actor, events
from server.applications.receipts import read_number
from server.applications.seats import Seat, seat_of
from server.applications.states import ResidentState, shown, withdrawable
from server.applications.submission import SEALED
from server.money.debts import Debt, payment_of
from server.people.limits import Limit, seconds_to_wait
from server.people.sessions import Visitor, grant, granted
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys

BY_PLACE: Final = Limit("application.lookup.place", 30, timedelta(hours=1))
BY_NUMBER: Final = Limit("application.lookup.number", 10, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Application:
    """An application with its way so far.

    `holder` is the resident who filed it, None when nobody was signed in. `withdrawable`: it may still be taken back.
    `submitter`: this browser may be told the access code.
    """

    id: str
    receipt_number: str
    slug: str
    digest: str
    department: str
    state: ResidentState
    submitted_at: datetime
    fee_total: int
    timing: str
    events: Sequence[Event]
    payment: Debt | None
    seat: Seat | None = None
    holder: str | None = None
    withdrawable: bool = False
    submitter: bool = False


@dataclass(frozen=True, slots=True)
class TooMany:
    """Too many tries; `seconds` until the next counts."""

    seconds: int


_COLUMNS = [c for c in t.application.c if c.name not in ("sealed_answers", "wrapped_key")]
_BY_NUMBER = select(*_COLUMNS).where(t.application.c.receipt_number == bindparam("number"))
_BY_ID = select(*_COLUMNS).where(t.application.c.id == bindparam("application_id"))
_CONTENT = select(t.application.c.wrapped_key, t.application.c.sealed_answers).where(
    t.application.c.id == bindparam("application_id")
)


def find(db: Reading, number: str, visitor: Visitor) -> Application | None:
    """The application with this number, when this visitor may see it."""
    row = db.one(_BY_NUMBER, {"number": number})
    if row is None:
        return None
    given = granted(db, visitor.session_id, row.id)
    owner = visitor.resident is not None and row.resident_id == visitor.resident.id
    return _opened(db, row, given.submitter if given else False) if given or owner else None


def _opened(db: Reading, row: Any, submitter: bool = False) -> Application:
    return Application(
        id=row.id,
        receipt_number=row.receipt_number,
        slug=row.slug,
        digest=row.digest,
        department=row.department,
        state=shown(row.state),
        submitted_at=row.submitted_at,
        fee_total=row.fee_total,
        timing=row.timing,
        events=events(db, row.id),
        payment=payment_of(db, row.id),
        seat=seat_of(db, row.id),
        holder=row.resident_id,
        withdrawable=withdrawable(row.state, row.procedure_type),
        submitter=submitter,
    )


def just_submitted(db: Reading, application_id: str) -> Application:
    """An application for the answer to its own submission: whoever calls has just made it, or made it again."""
    row = db.one(_BY_ID, {"application_id": application_id})
    if row is None:
        raise LookupError(application_id)
    return _opened(db, row, submitter=True)


def anew(db: Reading, application: Application) -> Application:
    """An application that somebody was let see, as it stands after what they did."""
    row = db.one(_BY_ID, {"application_id": application.id})
    if row is None:
        raise LookupError(application.id)
    return _opened(db, row, application.submitter)


def by_code(
    db: Writing, keys: Keys, number: str, code: str, visitor: Visitor, *, place: str, now: datetime
) -> Application | TooMany | None:
    """The application with this number and access code; an unknown number and a wrong code are alike.

    Each try counts, by where it comes from and by the number it is for. A session is granted what it has shown
    the code of.
    """
    plain = read_number(number) or ""
    wait = max(
        seconds_to_wait(db, keys, BY_PLACE, place, now=now),
        seconds_to_wait(db, keys, BY_NUMBER, plain or number[:40], now=now),
    )
    if wait:
        return TooMany(wait)
    row = db.one(_BY_NUMBER, {"number": plain})
    # the same work for a number that is not there: the time must not tell
    right = keys.is_access_code(code, row.id if row is not None else "0" * 32)
    if row is None or not right:
        return None
    if visitor.session_id is not None:
        grant(db, visitor.session_id, row.id, False)
    db.audit("application.lookup", row.id, actor=actor(visitor))
    given = granted(db, visitor.session_id, row.id)
    return _opened(db, row, given.submitter if given else False)


def answers_of(db: Writing, keys: Keys, application: Application, visitor: Visitor) -> Answers:
    """What was submitted. Looking at it is audited."""
    row = db.one(_CONTENT, {"application_id": application.id})
    if row is None:
        raise LookupError(application.id)
    db.audit("application.view", application.id, actor=actor(visitor))
    opened = keys.open_data_key(row.wrapped_key, application.id).open(row.sealed_answers, SEALED)
    answers: Answers = json.loads(opened)["answers"]
    return answers
