"""Withdrawal (取下げ): whoever filed takes the filing back, as long as nothing is decided.

It takes the proof the filing was made with: the resident who was signed in, or the browser that submitted. Only what
was filed by nobody in particular goes by number and access code, for nothing better was ever shown for it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, select

from procedures.declaration import Declaration
from server.applications import notices
from server.applications.history import actor, events, move
from server.applications.lookup import Application
from server.applications.states import OfficeState, shown, withdrawable
from server.applications.submission import SEALED
from server.money.account import held
from server.money.debts import cancel_debt, payment_of
from server.people.residents import find_resident
from server.people.sessions import NOBODY, Visitor
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random


class Reason(StrEnum):
    """Why, for the office's statistics. A closed list: what people write freely would be personal."""

    UNSAID = "unsaid"
    MISTAKE = "mistake"
    TWICE = "twice"
    NOT_NEEDED = "not_needed"
    ANOTHER_WAY = "another_way"
    OTHER = "other"


class Refused(StrEnum):
    """PERSON: not theirs to take back. STATE: decided, closed, or on its way there."""

    PERSON = "person"
    STATE = "state"


_STANDS: Final = select(t.application.c.state, t.application.c.procedure_type).where(
    t.application.c.id == bindparam("application_id")
)
_CONTENT: Final = select(t.application.c.wrapped_key, t.application.c.sealed_answers).where(
    t.application.c.id == bindparam("application_id")
)


def entitled(application: Application, visitor: Visitor) -> bool:
    """Whether it is this visitor's to take back. `application` is one they were let see (`lookup`)."""
    if application.holder is None or application.submitter:
        return True
    return visitor.resident is not None and visitor.resident.id == application.holder


def withdraw(
    db: Writing,
    keys: Keys,
    application: Application,
    declaration: Declaration,
    visitor: Visitor,
    reason: Reason,
    *,
    base_url: str,
    now: datetime,
    random: Random,
) -> Application | Refused:
    """Take the application back: its state, the debt, the audit and the notice in one. Again, it answers the same.

    Money that came stays where it is; what becomes of it a clerk decides.
    """
    if not entitled(application, visitor):
        return Refused.PERSON
    if application.payment is not None:
        # The provider's word holds the debt and then moves the application: in the other order both would wait.
        held(db, application.payment.id)
    by = actor(visitor)
    while (before := _state(db, application.id)) is not OfficeState.WITHDRAWN:
        if before is None:
            return Refused.STATE
        if move(db, application.id, before, OfficeState.WITHDRAWN, by, now=now):
            cancel_debt(db, application.id, actor=by)
            db.audit("application.withdraw", application.id, actor=by, detail={"reason": reason.value})
            to, language = _recipient(db, keys, application)
            if to is not None:
                number = application.receipt_number
                notices.withdrawn(
                    db,
                    keys,
                    to,
                    declaration,
                    application.id,
                    number,
                    base_url=base_url,
                    language=language,
                    now=now,
                    random=random,
                )
            break
    return replace(
        application,
        state=shown(OfficeState.WITHDRAWN),
        events=events(db, application.id),
        payment=payment_of(db, application.id),
        seat=None,
        withdrawable=False,
    )


def _state(db: Reading, application_id: str) -> OfficeState | None:
    """Where it stands, if that is withdrawn or may be withdrawn."""
    row = db.one(_STANDS, {"application_id": application_id})
    if row is None or not (row.state == OfficeState.WITHDRAWN or withdrawable(row.state, row.procedure_type)):
        return None
    return OfficeState(row.state)


def _recipient(db: Reading, keys: Keys, application: Application) -> tuple[str | None, str]:
    """Where whoever filed is told, and in which language: a withdrawal they know nothing of must reach them, not who
    pressed the button."""
    row = db.one(_CONTENT, {"application_id": application.id})
    if row is None:
        return None, "ja"
    holder = find_resident(db, keys, application.holder) if application.holder else None
    content = json.loads(keys.open_data_key(row.wrapped_key, application.id).open(row.sealed_answers, SEALED))
    return notices.address_of(replace(NOBODY, resident=holder), content["answers"]), content.get("language", "ja")
