"""What the office does with a case: one table of moves (`states.MOVES`), one of who may (`roles.POLICY`).

Every act is one transaction: the state moves if it is still what it was, its line goes into the audit chain, what is
said is sealed, and the resident's notice is written. Of two who act at once one does, and the other is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from server.applications import messages
from server.applications.history import actor, move
from server.applications.lookup import Application
from server.applications.messages import Audience, Kind, Message, plain_text
from server.applications.states import MOVES, Act, OfficeState, ResidentState, refusable
from server.applications.teller import News, Teller, case_key
from server.applications.uploads import Owner
from server.notices import outbox
from server.people.roles import Action
from server.people.sessions import Visitor
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random

UNDO_WITHIN: Final = timedelta(minutes=10)
"""How long a mistaken 受付 can be undone by whoever did it; its notice waits as long."""
LONGEST_WAIT: Final = timedelta(days=92)
"""How far ahead an answer may be asked for."""
AT_ONCE: Final = 50
"""Cases that are taken on in one act: a page of the list."""

_TALKING: Final = frozenset({Act.ASK, Act.ANSWER, Act.REFUSE, Act.TURN_DOWN, Act.HAND_OVER})
"""Acts that need words."""
_NEWS: Final = {
    Act.ACCEPT: News.ACCEPTED,
    Act.ASK: News.QUESTION,
    Act.COMPLETE: News.COMPLETED,
    Act.REFUSE: News.REFUSED,
    Act.TURN_DOWN: News.REFUSED,
}
_KINDS: Final = {
    Act.ASK: (Kind.QUESTION, Audience.RESIDENT),
    Act.ANSWER: (Kind.ANSWER, Audience.RESIDENT),
    Act.REFUSE: (Kind.REFUSAL, Audience.RESIDENT),
    Act.TURN_DOWN: (Kind.REFUSAL, Audience.RESIDENT),
    Act.HAND_OVER: (Kind.HANDOVER, Audience.OFFICE),
}


class Unfit(StrEnum):
    """Why an act was not done, where it is not the state: TEXT nothing was written, or too much; DAY the answer is
    asked for by no day ahead; DEPARTMENT it is not another one of the city; SAME_PERSON whoever put it to decision does
    not decide; LATE it is not to be undone any more; KIND what was filed asks for no decision; WAITING the resident
    still has time to answer."""

    TEXT = "text"
    DAY = "day"
    DEPARTMENT = "department"
    SAME_PERSON = "same-person"
    LATE = "late"
    KIND = "kind"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Order:
    """An act with what it says: `text` as typed, until when an answer is wanted, to which department (`to`), and the
    files of an answer (id → who holds them until then)."""

    act: Act
    text: str = ""
    answer_by: datetime | None = None
    to: str = ""
    files: Mapping[str, Owner] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moved:
    """The case is not where it was: `state` is where it stands, `mine` whether by this very person."""

    state: OfficeState
    mine: bool


@dataclass(frozen=True, slots=True)
class Office:
    """What acts take besides: the city's departments, and who tells residents."""

    teller: Teller
    departments: Collection[str]

    @property
    def keys(self) -> Keys:
        return self.teller.keys

    @property
    def random(self) -> Random:
        return self.teller.random


_C: Final = t.application.c
_BY_NUMBER: Final = select(
    *(_C[name] for name in ("id", "receipt_number", "department", "state", "procedure_type"))
).where(_C.receipt_number == bindparam("number"))
_LAST: Final = (
    select(*(t.application_event.c[name] for name in ("id", "at", "state", "actor")))
    .where(t.application_event.c.application_id == bindparam("application_id"))
    .order_by(t.application_event.c.id.desc())
    .limit(1)
)
_HAND_OVER: Final = (
    update(t.application)
    .where(_C.id == bindparam("of"), _C.department == bindparam("mine"))
    .values(department=bindparam("theirs"))
)
_LET_GO: Final = delete(t.case_assignee).where(t.case_assignee.c.application_id == bindparam("of"))


def acts(db: Reading, staff: Staff, row: Any, now: datetime) -> list[Act]:
    """What this person may do with a case as it stands; `row` is of the table of applications."""
    state = OfficeState(row.state)
    able = [act for act, moves in MOVES.items() if state in moves and staff.may(Action(act), row.department, state)]
    return [act for act in able if _hindrance(db, staff, row, act, now) is None]


def answerable(db: Reading, staff: Staff, number: str) -> str | None:
    """The id of a case whose resident was asked, for whoever may enter the answer; None of any other."""
    row = db.one(_BY_NUMBER, {"number": number})
    if row is None or row.state not in MOVES[Act.ANSWER] or not staff.may(Action.ANSWER, row.department, row.state):
        return None
    return str(row.id)


def act(db: Writing, office: Office, staff: Staff, number: str, order: Order, *, now: datetime) -> Moved | Unfit | bool:
    """Do it. False: there is no such case, or this is nothing this person ever does with it. Raises FileGone."""
    row = db.one(_BY_NUMBER, {"number": number})
    if row is None or not _ever(staff, order.act, row.department):
        return False
    before = OfficeState(row.state)
    after = MOVES[order.act].get(before)
    if after is None:
        return _where(db, row.id, staff)
    unfit = _hindrance(db, staff, row, order.act, now) or _unfit(order, row, office, now)
    if unfit is not None:
        return unfit
    last = db.one(_LAST, {"application_id": row.id})
    if not move(db, row.id, before, after, staff.actor, now=now):
        return _where(db, row.id, staff)
    _say(db, office, staff, row, order, now)
    if order.act is Act.HAND_OVER:
        db.execute(_HAND_OVER, {"of": row.id, "mine": row.department, "theirs": order.to})
        db.execute(_LET_GO, {"of": row.id})
        detail = {"from": row.department, "to": order.to}
        db.audit("application.hand_over", row.id, actor=staff.actor, detail=detail)
    _tell(db, office, row.id, order, last, now)
    return True


def _ever(staff: Staff, act: Act, department: str) -> bool:
    return any(staff.may(Action(act), department, state) for state in MOVES[act])


def _hindrance(db: Reading, staff: Staff, row: Any, act: Act, now: datetime) -> Unfit | None:
    """What stands against an act that the tables allow."""
    if act in (Act.REFUSE, Act.TURN_DOWN) and not refusable(row.procedure_type):
        return Unfit.KIND
    last = db.one(_LAST, {"application_id": row.id})
    own = last is not None and last.actor == staff.actor
    if act in (Act.APPROVE, Act.TURN_DOWN) and own:
        return Unfit.SAME_PERSON
    if act is Act.UNDO_ACCEPT and not (own and last is not None and now - last.at <= UNDO_WITHIN):
        return Unfit.LATE
    if act is Act.REVIEW and row.state == OfficeState.CORRECTION_REQUESTED and not messages.over(db, row.id, now):
        return Unfit.WAITING
    return None


def _unfit(order: Order, row: Any, office: Office, now: datetime) -> Unfit | None:
    if order.act in _TALKING and _said(order.text, order.files) is None:
        return Unfit.TEXT
    if order.act is Act.ASK and not (order.answer_by and now < order.answer_by <= now + LONGEST_WAIT):
        return Unfit.DAY
    if order.act is Act.HAND_OVER and (order.to == row.department or order.to not in office.departments):
        return Unfit.DEPARTMENT
    return None


def _where(db: Reading, application_id: str, staff: Staff) -> Moved | bool:
    last = db.one(_LAST, {"application_id": application_id})
    return Moved(OfficeState(last.state), last.actor == staff.actor) if last is not None else False


def _said(typed: str, files: Mapping[str, Owner]) -> str | None:
    """What is written; where files come with it, that may be nothing."""
    return plain_text(typed) if typed.strip() or not files else ""


def _say(db: Writing, office: Office, staff: Staff, row: Any, order: Order, now: datetime) -> None:
    said = _said(order.text, order.files)
    if order.act not in _KINDS or said is None:
        return
    kind, audience = _KINDS[order.act]
    text = f"{row.department} → {order.to}\n{said}" if order.act is Act.HAND_OVER else said
    answer_by = order.answer_by if order.act is Act.ASK else None
    message = Message(kind, audience, row.department, staff.id, text, now, answer_by)
    written = messages.write(db, office.keys, row.id, message, random=office.random)
    messages.add_files(db, row.id, written, order.files)


def _tell(db: Writing, office: Office, application_id: str, order: Order, last: Any, now: datetime) -> None:
    """The resident's notice. That of a 受付 waits as long as it can be undone, and goes with it."""
    if order.act is Act.UNDO_ACCEPT and last is not None:
        outbox.drop(db, case_key(News.ACCEPTED, application_id, _moment(last.at)))
    if order.act not in _NEWS:
        return
    after = now + UNDO_WITHIN if order.act is Act.ACCEPT else None
    office.teller.of_case(
        db, _NEWS[order.act], application_id, _moment(now), now, answer_by=order.answer_by, after=after
    )


def _moment(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


@dataclass(frozen=True, slots=True)
class Many:
    """What became of several cases: the numbers that were taken on, and those that somebody was faster with."""

    done: Sequence[str] = field(default_factory=tuple)
    left: Sequence[str] = field(default_factory=tuple)


def accept_all(db: Writing, office: Office, staff: Staff, numbers: Sequence[str], *, now: datetime) -> Many:
    """Take several cases on at once, AT_ONCE at most; in one order, so that two who do it never wait for each other."""
    asked = sorted(set(numbers))[:AT_ONCE]
    done = [each for each in asked if act(db, office, staff, each, Order(Act.ACCEPT), now=now) is True]
    return Many(done, [each for each in asked if each not in done])


# --- questions to the counter -----------------------------------------------------------------------------------------


_TAKEN_IN: Final = (
    select(t.visit.c.staff_id, t.visit.c.department)
    .join_from(t.visit_application, t.visit)
    .where(t.visit_application.c.application_id == bindparam("application_id"))
)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Who took an application in at a window, and of which department they are."""

    staff_id: str
    department: str


def taken_in(db: Reading, application_id: str) -> TakenIn | None:
    """None where it did not come from a window."""
    row = db.one(_TAKEN_IN, {"application_id": application_id})
    return TakenIn(row.staff_id, row.department) if row is not None else None


def ask_counter(
    db: Writing, office: Office, staff: Staff, number: str, typed: str, *, now: datetime
) -> Moved | Unfit | bool:
    """A question to the clerks who took it in: the resident is not asked, and the state stays. False: no such case, not
    for this person, or it did not come from a window."""
    row = db.one(_BY_NUMBER, {"number": number})
    if row is None or not _ever(staff, Act.ASK, row.department) or taken_in(db, row.id) is None:
        return False
    if OfficeState(row.state) not in MOVES[Act.ASK]:
        return _where(db, row.id, staff)
    return _noted(db, office, row, staff, Kind.QUESTION, typed, now)


def answer_counter(
    db: Writing, office: Office, staff: Staff, number: str, typed: str, *, now: datetime
) -> Unfit | bool:
    """The answer of the counter: of whoever took it in, or a clerk of the same window's department. False: nothing is
    asked, or it is not for this person."""
    row = db.one(_BY_NUMBER, {"number": number})
    came = taken_in(db, row.id) if row is not None else None
    if row is None or came is None or not at_counter(staff, came):
        return False
    if messages.unanswered(messages.of(db, office.keys, row.id), Audience.COUNTER) is None:
        return False
    return _noted(db, office, row, staff, Kind.ANSWER, typed, now)


def at_counter(staff: Staff, came: TakenIn) -> bool:
    """Whether somebody answers for what was taken in there."""
    return staff.may(Action.COUNTER, came.department)


def _noted(db: Writing, office: Office, row: Any, staff: Staff, kind: Kind, typed: str, now: datetime) -> Unfit | bool:
    said = plain_text(typed)
    if said is None:
        return Unfit.TEXT
    message = Message(kind, Audience.COUNTER, row.department, staff.id, said, now)
    messages.write(db, office.keys, row.id, message, random=office.random)
    db.audit(f"application.counter_{kind}", row.id, actor=staff.actor, detail={"department": row.department})
    return True


# --- the resident's answer --------------------------------------------------------------------------------------------


def answer(
    db: Writing,
    office: Office,
    application: Application,
    visitor: Visitor,
    typed: str,
    files: Mapping[str, Owner],
    *,
    now: datetime,
) -> Unfit | bool:
    """What the resident answers to a question, in words or with files (as in `Order`); `application` is one they were
    let see. The answers as filed stay as they are: what is mended stands beside them. False: nothing is asked any more.
    Raises FileGone."""
    if application.state is not ResidentState.CORRECTION_REQUESTED:
        return False
    said = _said(typed, files)
    if said is None:
        return Unfit.TEXT
    by = actor(visitor)
    if not move(db, application.id, OfficeState.CORRECTION_REQUESTED, OfficeState.SUBMITTED, by, now=now):
        return False
    message = Message(Kind.ANSWER, Audience.RESIDENT, "", None, said, now)
    written = messages.write(db, office.keys, application.id, message, random=office.random)
    messages.add_files(db, application.id, written, files)
    return True
