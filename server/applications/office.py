"""Applications as the staff see them: a department's list, one case, taking it on, and who looked at it.

Every look at somebody's answers leaves a line in the audit chain: who, when, and why where the case is another
department's. The reason is asked for before anything is shown, and opens that one case to that one person for an hour.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, false, func, or_, select

from forms_schema import Answers
from procedures.declaration import Assurance
from server.applications import casework, messages, uploads
from server.applications.messages import Message
from server.applications.receipts import read_number
from server.applications.states import Act, OfficeState
from server.applications.submission import SEALED
from server.money.debts import Debt, payment_of
from server.people import staff as accounts
from server.people.facts import Facts
from server.people.protection import is_listed
from server.people.roles import Action
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

PER_PAGE: Final = 50
REASON_OPENS: Final = timedelta(hours=1)
SHORTEST_REASON: Final = 5
LONGEST_REASON: Final = 300
LOOKS: Final = 500
"""Lines an auditor is shown at once, the newest."""
IN_HAND: Final = (
    OfficeState.SUBMITTED,
    OfficeState.ACCEPTED,
    OfficeState.CORRECTION_REQUESTED,
    OfficeState.REVIEWING,
    OfficeState.PENDING_DECISION,
)
"""States in which the office has something to do."""

_REASON: Final = "staff_reason.sealed_reason"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list. `protected`: whoever filed it is under 支援措置. `asked`: the counter was asked, and has not
    answered. `answered`: somebody was asked and has answered, and nothing was done since. `overdue`: the day by which
    the resident was to answer is over. `assignee` is the id of who looks after it, '' for nobody."""

    number: str
    slug: str
    department: str
    state: OfficeState
    submitted_at: datetime
    protected: bool
    channel: str = ""
    asked: bool = False
    answered: bool = False
    overdue: bool = False
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is narrowed to. `late`: (procedures, moment) of what arrived before it, none meaning everything;
    `channel` '' every; `waiting`: for an answer of the resident or the counter; `assignee` the id of whose it is, ''
    everybody's."""

    states: Collection[OfficeState]
    slug: str = ""
    channel: str = ""
    waiting: bool = False
    assignee: str = ""
    late: Sequence[tuple[Collection[str], datetime]] | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an application is, for whoever took it in: whose it is now, how it stands since when, and whether the
    department waits for an answer from the counter; `fee` in yen. Nothing of what is in it."""

    application_id: str
    number: str
    slug: str
    department: str
    state: OfficeState
    submitted_at: datetime
    since: datetime
    fee: int
    asked: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, of `total` applications on `pages` pages (at least one)."""

    rows: Sequence[Row]
    total: int
    pages: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case. `by` is the actor as the audit names them, `name` a colleague's."""

    at: datetime
    state: OfficeState
    by: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """An application with everything in it. `protected`: a person in it is under 支援措置. `acts`: what this person may
    do with it as it stands. `other`: it is another department's. `counter`: it was taken in at a window, whose clerks
    can be asked. `assignee` is the name of who looks after it, '' for nobody; `mine`: it is this person. `pending`: the
    files of an answer that they have not entered yet."""

    id: str
    number: str
    slug: str
    digest: str
    department: str
    state: OfficeState
    submitted_at: datetime
    channel: str
    assurance: str
    answers: Answers
    steps: Sequence[Step]
    files: Sequence[uploads.Upload]
    payment: Debt | None
    protected: bool
    other: bool
    acts: Sequence[Act] = ()
    messages: Sequence[Message] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    counter: bool = False
    assignee: str = ""
    mine: bool = False
    pending: Sequence[uploads.Upload] = ()
    entry: Mapping[str, Any] = field(default_factory=dict)
    """What was recorded at the window where it was written down (`submission.Entry`); empty of any other."""


@dataclass(frozen=True, slots=True)
class NeedsReason:
    """It is another department's case: nothing of it is told but whose."""

    number: str
    department: str


@dataclass(frozen=True, slots=True)
class Look:
    """A line of the audit chain about a case: who (`by`, with a colleague's name), what, when, and why."""

    at: datetime
    by: str
    name: str
    action: str
    detail: Mapping[str, str]
    reason: str


_C: Final = t.application.c
_QUESTIONED: Final = (
    select(func.max(t.case_message.c.created_at))
    .where(
        t.case_message.c.application_id == _C.id,
        t.case_message.c.kind == "question",
        t.case_message.c.audience == "counter",
    )
    .scalar_subquery()
)
_ANSWERED: Final = (
    select(func.max(t.case_message.c.created_at))
    .where(
        t.case_message.c.application_id == _C.id,
        t.case_message.c.kind == "answer",
        t.case_message.c.audience == "counter",
    )
    .scalar_subquery()
)
_SINCE: Final = (
    select(func.max(t.application_event.c.at)).where(t.application_event.c.application_id == _C.id).scalar_subquery()
)
_ASKED: Final = _QUESTIONED.is_not(None) & (_ANSWERED.is_(None) | (_ANSWERED < _QUESTIONED))
"""Whether a department waits for the counter."""
_WHERE: Final = select(
    *(_C[name] for name in ("id", "receipt_number", "slug", "department", "state", "submitted_at", "fee_total")),
    _SINCE.label("since"),
    _ASKED.label("asked"),
).where(_C.id.in_(bindparam("ids", expanding=True)))
_LAST_SAID: Final = (
    select(t.case_message.c.kind)
    .where(t.case_message.c.application_id == _C.id)
    .order_by(t.case_message.c.created_at.desc(), t.case_message.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_ANSWER_BY: Final = (
    select(t.case_message.c.answer_by)
    .where(
        t.case_message.c.application_id == _C.id,
        t.case_message.c.kind == messages.Kind.QUESTION.value,
        t.case_message.c.audience == messages.Audience.RESIDENT.value,
    )
    .order_by(t.case_message.c.created_at.desc(), t.case_message.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_OVERDUE: Final = and_(_C.state == OfficeState.CORRECTION_REQUESTED.value, bindparam("now") > _ANSWER_BY)
"""Whether an answer should have come by now: whoever looks at the list has to do something about it."""
_LISTED: Final = t.application.outerjoin(t.resident, t.resident.c.id == _C.resident_id).outerjoin(
    t.case_assignee, t.case_assignee.c.application_id == _C.id
)
_COUNT: Final = select(func.count()).select_from(_LISTED)
_PAGE: Final = (
    select(
        *(_C[name] for name in ("receipt_number", "slug", "department", "state", "submitted_at", "channel")),
        t.resident.c.protected,
        t.case_assignee.c.staff_id.label("assignee"),
        _ASKED.label("asked"),
        _LAST_SAID.label("last_said"),
        _OVERDUE.label("overdue"),
    )
    .select_from(_LISTED)
    .order_by(case((_OVERDUE, 0), else_=1), _C.submitted_at, _C.id)
    .limit(PER_PAGE)
    .offset(bindparam("skip"))
)
_BY_NUMBER: Final = select(t.application).where(_C.receipt_number == bindparam("number"))
_STEPS: Final = (
    select(*(t.application_event.c[name] for name in ("at", "state", "actor")))
    .where(t.application_event.c.application_id == bindparam("application_id"))
    .order_by(t.application_event.c.id)
)
_ASSIGNEE: Final = select(t.case_assignee.c.staff_id).where(
    t.case_assignee.c.application_id == bindparam("application_id")
)
_LET_GO: Final = delete(t.case_assignee).where(t.case_assignee.c.application_id == bindparam("of"))
_RESIDENT: Final = select(t.resident.c.protected).where(t.resident.c.id == bindparam("resident_id"))
_GIVEN: Final = (
    select(t.staff_reason.c.id)
    .where(
        t.staff_reason.c.staff_id == bindparam("staff_id"),
        t.staff_reason.c.application_id == bindparam("application_id"),
        t.staff_reason.c.expires_at > bindparam("now"),
    )
    .order_by(t.staff_reason.c.created_at.desc(), t.staff_reason.c.id)
    .limit(1)
)
_REASONS: Final = select(t.staff_reason).where(t.staff_reason.c.application_id == bindparam("application_id"))
_LINES: Final = (
    select(*(t.audit.c[name] for name in ("at", "actor", "action", "detail")))
    .where(t.audit.c.target == bindparam("application_id"))
    .order_by(t.audit.c.seq.desc())
    .limit(LOOKS)
)


def listing(db: Reading, departments: Collection[str], asked: Asked, *, now: datetime, page: int = 1) -> Listing:
    """What these departments have of what is asked for, the oldest first: it waits longest. Before them all stands what
    residents were to answer by now."""
    wanted = _wanted(departments, asked)
    total = int(db.scalar(_COUNT.where(*wanted)) or 0)
    rows = [_row(row) for row in db.all(_PAGE.where(*wanted), {"skip": (page - 1) * PER_PAGE, "now": now})]
    return Listing(rows, total, max(1, -(-total // PER_PAGE)))


def _wanted(departments: Collection[str], asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_C.department.in_(list(departments))]
    found.append(_C.state.in_([each.value for each in asked.states]))
    if asked.slug:
        found.append(_C.slug == asked.slug)
    if asked.channel:
        found.append(_C.channel == asked.channel)
    if asked.assignee:
        found.append(t.case_assignee.c.staff_id == asked.assignee)
    if asked.waiting:
        found.append(or_(_C.state == OfficeState.CORRECTION_REQUESTED.value, _ASKED))
    if asked.late is not None:
        found.append(or_(false(), *((_C.slug.in_(list(slugs))) & (_C.submitted_at < at) for slugs, at in asked.late)))
    return found


def _row(row: Any) -> Row:
    state = OfficeState(row.state)
    answered = row.last_said == messages.Kind.ANSWER.value and state in (OfficeState.SUBMITTED, OfficeState.REVIEWING)
    return Row(
        number=row.receipt_number,
        slug=row.slug,
        department=row.department,
        state=state,
        submitted_at=row.submitted_at,
        protected=bool(row.protected),
        channel=row.channel,
        asked=bool(row.asked),
        answered=answered,
        overdue=bool(row.overdue),
        assignee=row.assignee or "",
    )


def whereabouts(db: Reading, application_ids: Sequence[str]) -> list[Whereabouts]:
    """Where these applications are, in the order in which they are named; unknown ones are left out."""
    found = {row.id: row for row in db.all(_WHERE, {"ids": list(application_ids)})}
    return [_whereabouts(found[each]) for each in application_ids if each in found]


def _whereabouts(row: Any) -> Whereabouts:
    return Whereabouts(
        row.id,
        row.receipt_number,
        row.slug,
        row.department,
        OfficeState(row.state),
        row.submitted_at,
        row.since or row.submitted_at,
        row.fee_total,
        bool(row.asked),
    )


# --- one case -------------------------------------------------------------------------------------------------------


def look(
    db: Writing, keys: Keys, staff: Staff, number: str, *, action: str = "application.view", now: datetime
) -> Case | NeedsReason | None:
    """A case with its answers, audited as `action`. None: there is none, or not for this person."""
    found = _admitted(db, staff, number, now)
    if not isinstance(found, tuple):
        return found
    row, reason = found
    _audit(db, staff, row, action, reason)
    return _case(db, keys, staff, row, now)


def look_at_file(
    db: Writing, keys: Keys, staff: Staff, number: str, file: str, *, now: datetime
) -> uploads.Stored | NeedsReason | None:
    """A file of a case, audited; or one of an answer that this person is about to enter. None: there is none, or not
    for this person."""
    found = _admitted(db, staff, number, now)
    if not isinstance(found, tuple):
        return found
    row, reason = found
    stored = uploads.one(db, keys, file, "application", row.id)
    if stored is None:
        return uploads.one(db, keys, file, *uploads.pending(row.id, staff.id))
    _audit(db, staff, row, "application.file", reason)
    return stored


def _admitted(db: Reading, staff: Staff, number: str, now: datetime) -> tuple[Any, str] | NeedsReason | None:
    """The row, and the id of the reason where one was needed and given."""
    row = db.one(_BY_NUMBER, {"number": number})
    if row is None:
        return None
    if staff.may(Action.OPEN, row.department, row.state):
        return row, ""
    if not staff.may(Action.OPEN_OTHER, row.department, row.state):
        return None
    reason = db.scalar(_GIVEN, {"staff_id": staff.id, "application_id": row.id, "now": now})
    return (row, str(reason)) if reason else NeedsReason(row.receipt_number, row.department)


def _audit(db: Writing, staff: Staff, row: Any, action: str, reason: str) -> None:
    detail = {"department": row.department, "state": row.state} | ({"reason": reason} if reason else {})
    db.audit(action, row.id, actor=staff.actor, detail=detail)


def _case(db: Reading, keys: Keys, staff: Staff, row: Any, now: datetime) -> Case:
    said, names = messages.of(db, keys, row.id), _Names(db, keys)
    assignee = db.scalar(_ASSIGNEE, {"application_id": row.id})
    content = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, SEALED))
    entry = content.get("entry") or {}
    return Case(
        id=row.id,
        number=row.receipt_number,
        slug=row.slug,
        digest=row.digest,
        department=row.department,
        state=OfficeState(row.state),
        submitted_at=row.submitted_at,
        channel=row.channel,
        assurance=row.assurance,
        answers=content["answers"],
        steps=_steps(db, keys, row.id),
        files=uploads.of(db, keys, "application", row.id),
        payment=payment_of(db, row.id),
        protected=bool(entry.get("protected")) or _protected(db, keys, row.resident_id, content["answers"]),
        other=not staff.may(Action.OPEN, row.department, row.state),
        acts=casework.acts(db, staff, row, now),
        messages=said,
        names={each.staff_id: names.of(f"staff:{each.staff_id}") for each in said if each.staff_id},
        counter=casework.taken_in(db, row.id) is not None,
        assignee=names.of(f"staff:{assignee}") if assignee else "",
        mine=assignee == staff.id,
        pending=uploads.of(db, keys, *uploads.pending(row.id, staff.id)),
        entry=entry,
    )


def _steps(db: Reading, keys: Keys, application_id: str) -> list[Step]:
    names = _Names(db, keys)
    found = db.all(_STEPS, {"application_id": application_id})
    return [Step(row.at, OfficeState(row.state), row.actor, names.of(row.actor)) for row in found]


class _Names:
    """Colleagues by the audit's word for them; each is looked up once."""

    def __init__(self, db: Reading, keys: Keys) -> None:
        self._db, self._keys = db, keys
        self._known: dict[str, str] = {}

    def of(self, actor: str) -> str:
        """'' for whoever is not of the staff."""
        kind, _, staff_id = actor.partition(":")
        if kind != "staff":
            return ""
        if staff_id not in self._known:
            account = accounts.account(self._db, self._keys, staff_id)
            self._known[staff_id] = f"{account.name} ({account.login})" if account else ""
        return self._known[staff_id]


def _protected(db: Reading, keys: Keys, resident_id: str | None, answers: Answers) -> bool:
    """Whoever filed it may be protected, or somebody they wrote of: the list has both by name and birth date."""
    if resident_id is not None and db.scalar(_RESIDENT, {"resident_id": resident_id}):
        return True
    return any(is_listed(db, keys, person) for person in _people(answers))


def _people(value: object) -> Iterator[Facts]:
    """Everybody in the answers with a name and a birth date."""
    if isinstance(value, dict):
        name, born = value.get("name"), _day(value.get("birthdate"))
        if isinstance(name, dict) and born is not None:
            called = f"{name.get('family', '')} {name.get('given', '')}"
            yield Facts("", "", Assurance.NONE, name=called.strip(), birthdate=born)
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _people(child)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


# --- what is done ---------------------------------------------------------------------------------------------------


def give_reason(
    db: Writing, keys: Keys, staff: Staff, number: str, text: str, *, now: datetime, random: Random
) -> NeedsReason | bool:
    """Record why somebody looks at another department's case. True: done; NeedsReason: too short, too long, or no
    text; False: there is no such case, or it needs no reason from this person."""
    row = db.one(_BY_NUMBER, {"number": number})
    if row is None or not staff.may(Action.OPEN_OTHER, row.department, row.state):
        return False
    said = " ".join(text.split())
    if not SHORTEST_REASON <= len(said) <= LONGEST_REASON or not said.replace("\u3000", "").isprintable():
        return NeedsReason(row.receipt_number, row.department)
    reason_id = new_id(random)
    key, wrapped = keys.new_data_key(reason_id)
    given = {"id": reason_id, "staff_id": staff.id, "application_id": row.id, "wrapped_key": wrapped}
    given |= {"sealed_reason": key.seal(said.encode(), _REASON), "created_at": now, "expires_at": now + REASON_OPENS}
    db.insert(t.staff_reason, given)
    _audit(db, staff, row, "application.reason", reason_id)
    return True


def assign(db: Writing, staff: Staff, number: str, mine: bool, *, now: datetime) -> bool:
    """Look after a case from now on (担当), whoever did before, or let go of it. False: there is none, or it is not for
    this person."""
    row = db.one(_BY_NUMBER, {"number": number})
    if row is None or not staff.may(Action.ASSIGN, row.department, row.state):
        return False
    db.execute(_LET_GO, {"of": row.id})
    if mine:
        db.insert_new(t.case_assignee, {"application_id": row.id, "staff_id": staff.id, "since": now})
    _audit(db, staff, row, "application.assign" if mine else "application.let_go", "")
    return True


# --- what the counter is asked ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a department to the counter. Nothing of the application but its number and procedure."""

    number: str
    slug: str
    department: str
    text: str
    at: datetime


_QUESTIONS: Final = (
    select(_C.id, _C.receipt_number, _C.slug, _C.department)
    .join_from(t.application, t.visit_application)
    .join(t.visit, t.visit.c.id == t.visit_application.c.visit_id)
    .where(t.visit.c.department.in_(bindparam("departments", expanding=True)), _ASKED)
    .order_by(_C.submitted_at, _C.id)
    .limit(PER_PAGE)
)


def questions(db: Writing, keys: Keys, staff: Staff, departments: Collection[str]) -> list[Question]:
    """What the windows of these departments are asked and have not answered, the oldest application first. Audited."""
    found = []
    for row in db.all(_QUESTIONS, {"departments": list(departments)}):
        asked = messages.unanswered(messages.of(db, keys, row.id), messages.Audience.COUNTER)
        if asked is not None:
            found.append(Question(row.receipt_number, row.slug, row.department, asked.text, asked.at))
            db.audit("application.question", row.id, actor=staff.actor, detail={"department": row.department})
    return found


# --- who looked -----------------------------------------------------------------------------------------------------


def looks(db: Writing, keys: Keys, staff: Staff, typed: str) -> tuple[str, list[Look]] | None:
    """The number of a case and who did or saw what of it, the newest first; nothing of what is in it. Looking at this
    is audited too. None: there is no such case, or it is not for this person."""
    if not staff.may(Action.SEE_AUDIT):
        return None
    row = db.one(_BY_NUMBER, {"number": read_number(typed) or ""})
    if row is None:
        return None
    reasons = {each.id: _reason(keys, each) for each in db.all(_REASONS, {"application_id": row.id})}
    names = _Names(db, keys)
    lines = [_look(line, names, reasons) for line in db.all(_LINES, {"application_id": row.id})]
    db.audit("application.looks", row.id, actor=staff.actor)
    return row.receipt_number, lines


def _reason(keys: Keys, row: Any) -> str:
    return keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_reason, _REASON).decode()


def _look(line: Any, names: _Names, reasons: Mapping[str, str]) -> Look:
    detail = {name: str(value) for name, value in json.loads(line.detail).items()}
    return Look(
        line.at, line.actor, names.of(line.actor), line.action, detail, reasons.get(detail.get("reason", ""), "")
    )
