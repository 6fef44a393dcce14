"""Applications to be printed: for the staff, for their own people, and all of a visit. Each is audited."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select

from procedures.declaration import Assurance, Channel, Declaration
from procedures.joint import Turn
from server.applications import lookup, messages, office, uploads
from server.applications.history import actor
from server.applications.office import NeedsReason
from server.applications.states import OfficeState
from server.applications.submission import SEALED
from server.counter import visits
from server.counter.confirmation import confirmed, kept
from server.counter.documents import DOCUMENTS
from server.counter.filing import files_in
from server.counter.identity import AGENT, Method, checks, standing
from server.counter.visits import FILED, Visit
from server.money.debts import payment_of
from server.paper.filed import Filed, Written
from server.people import staff as accounts
from server.people.roles import Action
from server.people.sessions import Visitor
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys

PRINTED: Final = "application.print"
LOOKED: Final = "application.view"
APPLICANT: Final = "applicant"
_BY_ID: Final = select(t.application).where(t.application.c.id == bindparam("application_id"))
_AGREED: Final = select(t.confirmation.c.confirmed_at).where(t.confirmation.c.id == bindparam("confirmation_id"))
_READER: Final = "マイナンバーカード（読み取り機）"
_QUESTIONS: Final = "口頭での質問"


def for_staff(
    db: Writing, keys: Keys, staff: Staff, number: str, *, printed: bool, now: datetime
) -> Filed | NeedsReason | None:
    """A case, for whoever may open it: `printed`, or looked at before. None: there is none, or not for this person."""
    found = office.look(db, keys, staff, number, action=PRINTED if printed else LOOKED, now=now)
    if not isinstance(found, office.Case):
        return found
    return replace(_opened(db, keys, found.id), protected=found.protected)


def for_visitor(db: Writing, keys: Keys, number: str, visitor: Visitor) -> Filed | None:
    """An application, for a session that may see it."""
    found = lookup.find(db, number, visitor)
    if found is None:
        return None
    db.audit(PRINTED, found.id, actor=actor(visitor))
    return _opened(db, keys, found.id)


def of_visit(db: Writing, keys: Keys, staff: Staff, visit: Visit, *, printed: bool, now: datetime) -> list[Filed]:
    """What was filed in a visit, for a clerk of its department, as long as the visit is in their list; none for others
    and later: then each application is printed from its own case, where other departments ask for a reason."""
    if visit.state != FILED or visit.expires_at <= now or not staff.may(Action.COUNTER, visit.department):
        return []
    found = [application_id for _, application_id in visits.bundle(db, visit.id)]
    for each in found:
        db.audit(PRINTED if printed else LOOKED, each, actor=staff.actor, detail={"visit": visit.id})
    return [_opened(db, keys, each) for each in found]


def of_open_visit(
    db: Writing,
    keys: Keys,
    staff: Staff,
    visit: Visit,
    turn: Turn,
    declarations: Mapping[str, Declaration],
    *,
    printed: bool,
    now: datetime,
) -> list[Filed]:
    """What would be filed as it stands, to be read and signed on paper before it is. Whether `staff` leads the visit is
    the caller's to see."""
    if printed:
        db.audit("visit.print", visit.id, actor=staff.actor, detail={"revision": visit.revision})
    files, agreed = files_in(db, keys, visit), confirmed(db, visit)
    signed = kept(db, keys, agreed.id) if agreed else None
    record = Written(
        by=accounts.name_of(db, keys, visit.staff_id),
        at=visit.saved_at,
        method=agreed.method if agreed else "",
        confirmed_at=agreed.confirmed_at if agreed else None,
        signature=signed.path if signed else "",
        known=known(db, keys, visit.id),
    )
    return [
        Filed(
            slug=name,
            digest=declaration.digest,
            number="",
            department=declaration.department,
            submitted_at=now,
            channel=Channel.COUNTER,
            assurance=Assurance.NONE,
            answers=turn.answers(name),
            files=files.get(name, ()),
            seen=visit.content.papers.get(name, {}),
            written=record,
        )
        for name, declaration in declarations.items()
    ]


def _opened(db: Reading, keys: Keys, application_id: str) -> Filed:
    row = db.one(_BY_ID, {"application_id": application_id})
    if row is None:
        raise LookupError(application_id)
    content = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, SEALED))
    entry: Mapping[str, Any] = content.get("entry") or {}
    return Filed(
        slug=row.slug,
        digest=row.digest,
        number=row.receipt_number,
        department=row.department,
        submitted_at=row.submitted_at,
        channel=row.channel,
        assurance=row.assurance,
        answers=content["answers"],
        files=uploads.of(db, keys, "application", row.id),
        added=messages.added(db, keys, row.id),
        seen=entry.get("seen", {}),
        fee=row.fee_total,
        payment=payment_of(db, row.id),
        withdrawn=row.state == OfficeState.WITHDRAWN,
        written=written(db, keys, entry, row.submitted_at) if entry else None,
        protected=bool(entry.get("protected")),
    )


def written(db: Reading, keys: Keys, entry: Mapping[str, Any], at: datetime) -> Written:
    """The record of 代書, from what was sealed with the answers (`submission.Entry`); `at`: when it was filed."""
    record = entry["confirmation"]
    signed = kept(db, keys, record) if record else None
    return Written(
        by=accounts.name_of(db, keys, entry["actor"].partition(":")[2]),
        at=at,
        method=entry["confirmed"],
        confirmed_at=db.scalar(_AGREED, {"confirmation_id": record}) if record else None,
        signature=signed.path if signed else "",
        known=known(db, keys, entry["visit"]),
    )


def known(db: Reading, keys: Keys, visit_id: str) -> str:
    """By which documents whoever came to a window was known; '' where that is not recorded."""
    found = standing(checks(db, keys, visit_id))
    here = found.get(AGENT) or found.get(APPLICANT)
    if here is None or not here.confirmed:
        return ""
    if here.method == Method.DOCUMENTS:
        return _titles(here.documents)
    return _READER if here.method == Method.READER else _QUESTIONS


def _titles(documents: Sequence[str]) -> str:
    return "、".join(DOCUMENTS[each].title for each in documents if each in DOCUMENTS)
