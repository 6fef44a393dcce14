"""Telling residents by mail of what happens while they are away: a fee that came or did not, and what is about to end.

The notice is written in the transaction of what it tells of. The address is the one they signed in with or gave in
the application; it is opened by the program, for the notice alone, and nobody is shown it. Who gave none is told
nothing. No notice holds an answer or the access code, and the subject names no procedure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, select

from forms_schema.findings import at
from server.applications import history
from server.applications.messages import Audience, Kind
from server.applications.states import OfficeState
from server.applications.submission import SEALED
from server.money.debts import payment_of
from server.money.refunds import Refund
from server.money.states import RULES
from server.notices.mail import mail_address, one_line
from server.notices.outbox import Notice, enqueue
from server.people.residents import find_resident
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random


class Ending(StrEnum):
    """What may end while its resident is away: a fee's time, a draft, or the time to answer the office."""

    PAYMENT = "payment-due"
    DRAFT = "draft-ending"
    ANSWER = "answer-due"


class News(StrEnum):
    """What the office did with an application, as `templates/mail` calls it."""

    ACCEPTED = "case_accepted"
    QUESTION = "case_question"
    COMPLETED = "case_completed"
    REFUSED = "case_refused"


AHEAD: Final = {
    Ending.PAYMENT: timedelta(days=3),
    Ending.DRAFT: timedelta(days=1),
    Ending.ANSWER: timedelta(days=3),
}
"""How long before its end somebody is told."""
NEWS_LASTS: Final = timedelta(days=1)
"""How old a question is at least when its end is told: the mail that brought it said so too."""
BATCH: Final = 100
"""Reminders in one transaction, and keys in one question."""

_APPLICATION: Final = (
    select(
        *(t.application.c[name] for name in ("id", "receipt_number", "resident_id", "department")),
        *(t.application.c.wrapped_key, t.application.c.sealed_answers, t.declaration.c.bundle),
    )
    .join_from(t.application, t.declaration)
    .where(t.application.c.id == bindparam("application_id"))
)
_STATE: Final = select(t.application.c.state).where(t.application.c.id == bindparam("application_id"))
_OVER: Final = (OfficeState.EXPIRED.value, OfficeState.WITHDRAWN.value)
_DUE: Final = (
    select(t.debt.c.id, t.debt.c.application_id, t.debt.c.amount, t.debt.c.due_at.label("end"))
    .join_from(t.debt, t.application)
    .where(
        t.debt.c.due_at > bindparam("now"),
        t.debt.c.due_at <= bindparam("soon"),
        t.debt.c.state.in_([standing.value for standing, rule in RULES.items() if rule.payable]),
        t.application.c.state == OfficeState.PAYMENT_PENDING.value,
    )
    .order_by(t.debt.c.due_at, t.debt.c.id)
)
_DRAFT: Final = (
    select(t.draft.c.id, t.draft.c.resident_id, t.draft.c.expires_at.label("end"), t.declaration.c.bundle)
    .join_from(t.draft, t.declaration)
    .join(t.resident)
    .where(
        t.draft.c.expires_at > bindparam("now"),
        t.draft.c.expires_at <= bindparam("soon"),
        t.draft.c.application_id.is_(None),
        t.resident.c.protected.is_(False),  # whoever reads their mailbox is not to learn of it unasked
    )
    .order_by(t.draft.c.expires_at, t.draft.c.id)
)
_Q: Final = t.case_message.c
_LATER: Final = t.case_message.alias("later")
_ASKED: Final = (
    select(_Q.id, _Q.application_id, _Q.created_at, _Q.answer_by.label("end"))
    .join_from(t.case_message, t.application)
    .where(
        _Q.answer_by > bindparam("now"),
        _Q.answer_by <= bindparam("soon"),
        _Q.created_at <= bindparam("known"),
        _Q.kind == Kind.QUESTION.value,
        _Q.audience == Audience.RESIDENT.value,
        t.application.c.state == OfficeState.CORRECTION_REQUESTED.value,
        ~select(_LATER.c.id)  # what was asked before was answered
        .where(
            _LATER.c.application_id == _Q.application_id,
            _LATER.c.audience == _Q.audience,
            _LATER.c.created_at > _Q.created_at,
        )
        .exists(),
    )
    .order_by(_Q.answer_by, _Q.id)
)
_ONE: Final = {
    Ending.ANSWER: _ASKED.where(_Q.id == bindparam("of")),
    Ending.PAYMENT: _DUE.where(t.debt.c.id == bindparam("of")),
    Ending.DRAFT: _DRAFT.where(t.draft.c.id == bindparam("of")),
}
_TOLD: Final = select(t.outbox.c.idempotency).where(t.outbox.c.idempotency.in_(bindparam("keys", expanding=True)))


@dataclass(frozen=True, slots=True)
class Reminder:
    """An end that is near: of which debt, draft or question, and the key under which it is told once."""

    ending: Ending
    of: str
    key: str


@dataclass(frozen=True, slots=True)
class Teller:
    """What telling takes. `paid` and `lapsed` are what the money sets off; `base_url` is for addresses in mails."""

    keys: Keys
    random: Random
    base_url: str

    def paid(self, db: Writing, application_id: str, now: datetime, by: str = "provider") -> None:
        """The fee came in, by a provider or at the till: what waited for it is submitted, and its resident is told.

        Nothing is said of money for what is over already: a clerk gives it back, and says so.
        """
        history.paid(db, application_id, now, by)
        if db.scalar(_STATE, {"application_id": application_id}) in _OVER:
            return
        key = f"paid:{application_id}:{now.isoformat()}"  # again, where the record of it was taken back
        self._of_application(db, "paid", application_id, key, {"paid_at": now.isoformat()}, now)

    def unpaid(self, db: Writing, application_id: str, record_id: str, department: str, now: datetime) -> None:
        """That the fee came was a mistake of this department's till: it is owed again."""
        debt = payment_of(db, application_id)
        values = {"amount": str(debt.amount if debt else 0), "department": department}
        self._of_application(db, "unpaid", application_id, f"unpaid:{record_id}:{application_id}", values, now)

    def refund_ready(self, db: Writing, refund: Refund, now: datetime) -> None:
        """So much of the fee goes back: it can be fetched at the till."""
        values = {"amount": str(refund.amount), "department": refund.place}
        self._of_application(db, "refund_ready", refund.application_id, f"refund-ready:{refund.id}", values, now)

    def refunded(self, db: Writing, refund: Refund, now: datetime) -> None:
        """So much of the fee went back: it was handed over at the till, or the provider took it on."""
        values = {"amount": str(refund.amount), "way": "till" if refund.at_till else "provider"}
        values |= {"department": refund.place, "refunded_at": now.isoformat()}
        self._of_application(db, "refunded", refund.application_id, f"refunded:{refund.id}", values, now)

    def lapsed(self, db: Writing, application_id: str, now: datetime) -> None:
        """The fee did not come in time: the application is over, and its resident is told."""
        history.lapsed(db, application_id, now)
        if db.scalar(_STATE, {"application_id": application_id}) != OfficeState.EXPIRED.value:
            return
        self._of_application(db, "lapsed", application_id, f"lapsed:{application_id}", {}, now)

    def file_refused(self, db: Writing, application_id: str, upload_id: str, now: datetime) -> None:
        """The scanner found something in a file after it was handed in: nobody will open it."""
        self._of_application(db, "file_refused", application_id, f"file-refused:{upload_id}", {}, now)

    def of_case(
        self,
        db: Writing,
        news: News,
        application_id: str,
        key: str,
        now: datetime,
        *,
        answer_by: datetime | None = None,
        after: datetime | None = None,
    ) -> bool:
        """What the office did, without a word of what it is about: that stands on the application's page. `key` tells
        the acts of one application apart; not sent before `after`. False: there is nowhere to write to."""
        values = {"answer_by": answer_by.isoformat()} if answer_by else {}
        told = case_key(news, application_id, key)
        return self._of_application(db, news.value, application_id, told, values, now, after=after)

    def remind(self, db: Writing, reminder: Reminder, now: datetime) -> bool:
        """Tell of an end that is near. False: it is no longer so, or there is nowhere to write to."""
        row = db.one(_ONE[reminder.ending], _window(reminder.ending, now) | {"of": reminder.of})
        if row is None or _key(reminder.ending, row) != reminder.key:
            return False
        if reminder.ending is Ending.ANSWER:
            values = {"answer_by": row.end.isoformat()}
            return self._of_application(db, "answer_due", row.application_id, reminder.key, values, now, until=row.end)
        if reminder.ending is Ending.PAYMENT:
            values = {"amount": str(row.amount), "due_at": row.end.isoformat()}
            return self._of_application(db, "payment_due", row.application_id, reminder.key, values, now, until=row.end)
        return self._of_draft(db, row, reminder.key, now)

    def _of_draft(self, db: Writing, row: Any, key: str, now: datetime) -> bool:
        to = self._known_address(db, row.resident_id)
        if to is not None:
            values = _values(row.bundle) | {"ends_at": row.end.isoformat(), "my_url": f"{self.base_url}/my"}
            self._write(db, Notice("draft_ending", to, key, values, row.end), now)
        return to is not None

    def _of_application(
        self,
        db: Writing,
        kind: str,
        application_id: str,
        key: str,
        values: dict[str, str],
        now: datetime,
        *,
        until: datetime | None = None,
        after: datetime | None = None,
    ) -> bool:
        row = db.one(_APPLICATION, {"application_id": application_id})
        if row is None:
            return False
        to, language = self._recipient(db, row)
        if to is None:
            return False
        known = {"receipt_number": row.receipt_number, "status_url": f"{self.base_url}/applications"}
        known["department"] = row.department  # it may have been sent on to another
        self._write(db, Notice(kind, to, key, _values(row.bundle) | known | values, until, language), now, after)
        return True

    def _recipient(self, db: Reading, row: Any) -> tuple[str | None, str]:
        """Where whoever filed is reached, and in which language."""
        content = json.loads(self.keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, SEALED))
        language = content.get("language", "ja")
        known = self._known_address(db, row.resident_id)
        if known is not None:
            return known, language
        given = at(content["answers"], "/applicant/email")
        return (mail_address(given) if isinstance(given, str) else None), language

    def _known_address(self, db: Reading, resident_id: str | None) -> str | None:
        resident = find_resident(db, self.keys, resident_id) if resident_id else None
        return mail_address(resident.facts.email) if resident else None

    def _write(self, db: Writing, notice: Notice, now: datetime, after: datetime | None = None) -> None:
        enqueue(db, self.keys, notice, now=now, random=self.random, after=after)


def case_key(news: News, application_id: str, key: str) -> str:
    """What makes a notice of the office's unique, and finds it again to be dropped."""
    return f"{news}:{application_id}:{key}"


def reminders(db: Reading, now: datetime) -> list[Reminder]:
    """Every end that is near and was not told of."""
    found = [
        Reminder(ending, row.id, _key(ending, row))
        for ending, statement in ((Ending.PAYMENT, _DUE), (Ending.DRAFT, _DRAFT), (Ending.ANSWER, _ASKED))
        for row in db.all(statement, _window(ending, now))
    ]
    told: set[str] = set()
    for start in range(0, len(found), BATCH):
        keys = [each.key for each in found[start : start + BATCH]]
        told |= {row.idempotency for row in db.all(_TOLD, {"keys": keys})}
    return [each for each in found if each.key not in told]


def _window(ending: Ending, now: datetime) -> dict[str, Any]:
    known = {"known": now - NEWS_LASTS} if ending is Ending.ANSWER else {}
    return {"now": now, "soon": now + AHEAD[ending]} | known


def _key(ending: Ending, row: Any) -> str:
    """The same for as long as the end stays: one that is put off is told anew."""
    return f"{ending}:{row.id}:{int(row.end.timestamp())}"


def _values(bundle: str) -> dict[str, str]:
    """What every notice says of the procedure; a title has no line break, but a mail must not hang on that."""
    procedure = json.loads(bundle)
    values = {name: procedure[name] for name in ("slug", "department")} | {"procedure": procedure["title"]}
    return {name: text if one_line(text) else " ".join(text.split()) for name, text in values.items()}
