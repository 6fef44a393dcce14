"""Submission: from answers to an application, once.

`prepare` decides without a transaction; `submit` writes what was decided: the application, its first event, the
keyed digests that find its person, the debt and the audit line, all in one commit. A submission that is repeated
answers as the first did.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select

from forms_schema import Answers, FieldError, Form, Question, Settled
from procedures.bookings import Opening
from procedures.declaration import Assurance, Channel, Declaration, Timing
from procedures.fees import FeeTable, NoFeeError, Quote, quote
from server.applications import drafts, notices, numbers, seats, uploads
from server.applications.history import account, actor, record
from server.applications.receipts import new_number
from server.applications.states import OfficeState
from server.catalogue import Published
from server.japan import fiscal_year, midnight, today
from server.money.debts import last_moment, raise_debt
from server.people.facts import comparable
from server.people.limits import Limit, demand
from server.people.sessions import Visitor, grant
from server.people.signing import SigningAdapter, draft_signature, spend_signature, verify_signature
from server.people.statement import statement_digest
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

SEALED: Final = "application.sealed_answers"
BY_ACCOUNT: Final = Limit("submit.account", 60, timedelta(hours=1))
"""Of one resident, by whatever way, or of one browser."""
BY_PLACE: Final = Limit("submit.place", 1200, timedelta(hours=1))
"""Of one network address: behind a mobile carrier's stand thousands of phones."""


@dataclass(frozen=True, slots=True)
class Filing:
    """What somebody wants to submit."""

    declaration: Declaration
    answers: Answers
    files: Sequence[uploads.Upload]
    channel: str
    visitor: Visitor
    served: Published | None = None
    """The version that is served now, where it may be another than the one that was filled in."""

    @property
    def stale(self) -> bool:
        return self.served is not None and self.served.digest != self.declaration.digest

    @property
    def needed(self) -> Assurance:
        """How sure one must be of who files: an old version cannot lower what is asked now."""
        asked = self.declaration.assurance
        return max(asked, self.served.declaration.assurance if self.served else asked, key=lambda each: each.rank)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A filing that may be submitted: what counts of it, and what it costs today."""

    filing: Filing
    settled: Settled
    quote: Quote
    opening: Opening | None
    """What its procedure's calendar had open, where something is booked."""

    @property
    def digest(self) -> bytes:
        """What a signature is made over."""
        declaration = self.filing.declaration
        return statement_digest(
            slug=declaration.slug,
            version=declaration.digest,
            answers=numbers.unnamed(declaration.form, self.settled.kept),
            attachments=[(file.key, file.sha256) for file in self.asked_files()],
            fee=self.quote.total,
        )

    @property
    def to_be_signed(self) -> bool:
        """Whether it is nothing without a signature; at the counter a clerk sees the card."""
        return self.filing.needed is Assurance.JPKI_SIGNATURE and self.filing.channel == Channel.ONLINE

    def asked_files(self) -> Iterator[uploads.Upload]:
        """The files that are asked for; the others stay behind."""
        keys = {asked.key for asked in self.settled.attachments}
        return (file for file in self.filing.files if file.key in keys)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Answers that cannot stand, each error at its question."""

    errors: tuple[FieldError, ...]
    settled: Settled


@dataclass(frozen=True, slots=True)
class Superseded:
    """What was filled in cannot be finished any more: the old version asks a fee that is in no table now."""

    settled: Settled


class Raced(Exception):
    """Another tab saved or submitted the draft meanwhile."""


class SlotTaken(Raced):
    """Somebody else has just booked the last place of the slot."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """An application as it was acknowledged."""

    application_id: str
    receipt_number: str
    access_code: str
    state: str
    fee_total: int
    payment_id: str | None


def prepare(
    filing: Filing, table: FeeTable, opening: Opening | None, *, now: datetime
) -> Prepared | Rejected | Superseded:
    """Settle, judge and price a filing; `opening` is what can be booked for it. No transaction is open, and nothing is
    written. A version that is served no more stays good as long as what was filled in by it does. Raises NoFeeError
    for one that is served."""
    form, day = filing.declaration.form, today(now)
    settled = form.settle(filing.answers, day)
    errors = wrong(form, settled, filing.files, opening)
    if errors:
        return Rejected(errors, settled)
    try:
        return Prepared(filing, settled, quote(filing.declaration, settled.kept, table, day), opening)
    except NoFeeError:
        if filing.stale:
            return Superseded(settled)
        raise


def wrong(
    form: Form, settled: Settled, files: Sequence[uploads.Upload], opening: Opening | None
) -> tuple[FieldError, ...]:
    """Everything that stands against a filing: answers, files, and a slot that cannot be had."""
    return (*(opening.errors(settled) if opening else ()), *uploads.errors(form, settled, files))


def submit(
    db: Writing,
    keys: Keys,
    prepared: Prepared,
    *,
    draft: drafts.Draft | None,
    signature: str | None,
    place: str,
    base_url: str,
    payment_days: int,
    language: str,
    now: datetime,
    random: Random,
) -> Submitted:
    """Write the application; `signature` is spent on it. `base_url` is for the address in the notice, `payment_days`
    within how many days a fee is to be paid, `place` (a network address) for the limits. In `language` (its code) its
    resident is told of it from now on.

    Raises Raced when the draft is no longer the one that was prepared, a file is gone, or the signature is spent or,
    where one is needed, not there any more (another tab began a new one); SlotTaken when the last place went to
    somebody else. Raises LimitReached.
    """
    _count(db, keys, prepared.filing.visitor, place, now)
    if prepared.to_be_signed if signature is None else not spend_signature(db, signature):
        raise Raced
    application_id = new_id(random)
    row = _row(keys, prepared, application_id, now)
    owner = draft.id if draft else application_id
    answers = prepared.settled.kept
    if draft is None:
        form = prepared.filing.declaration.form
        answers = numbers.sealed_away(db, keys, form, answers, owner, now=now, random=random)
    key, row["wrapped_key"] = keys.new_data_key(application_id)
    content = {"answers": answers, "quote": prepared.quote.as_json(), "language": language}
    row["sealed_answers"] = key.seal(json.dumps(content, ensure_ascii=False).encode(), SEALED)
    row["receipt_number"] = new_number(random)
    while not db.insert_new(t.application, row):  # a number that somebody has: one in a hundred million
        row["receipt_number"] = new_number(random)
    if draft is not None and not drafts.close(db, keys, draft, application_id):
        raise Raced  # rolls the application back
    # after the draft: whoever pressed twice is told that it was sent, not that they took their own place
    seat = _seated(db, prepared, application_id)
    numbers.hand_over(db, prepared.filing.declaration.form, answers, owner, application_id)
    if not uploads.hand_over(db, [file.id for file in prepared.asked_files()], application_id):
        raise Raced
    _note_person(db, keys, prepared.settled, application_id)
    fee, due_at = prepared.quote, last_moment(now, payment_days)
    if seat is not None:  # a place that nobody paid for goes to somebody else while there is still time
        due_at = min(due_at, midnight(seat.day) - timedelta(seconds=1))
    debt = raise_debt(db, application_id, fee, fee.timing, due_at=due_at, random=random, now=now)
    record(db, application_id, row["state"], actor(prepared.filing.visitor), now=now)
    if prepared.filing.visitor.session_id is not None:
        grant(db, prepared.filing.visitor.session_id, application_id, True)
    to = notices.address_of(prepared.filing.visitor, prepared.settled.kept)
    if to is not None:
        number, declaration = row["receipt_number"], prepared.filing.declaration
        told = {"booked": _told(seat, prepared.filing.visitor), "base_url": base_url, "language": language}
        notices.receipt(db, keys, to, declaration, application_id, number, **told, now=now, random=random)
    return Submitted(
        application_id,
        row["receipt_number"],
        keys.access_code(application_id),
        row["state"],
        row["fee_total"],
        debt,
    )


def _seated(db: Writing, prepared: Prepared, application_id: str) -> seats.Seat | None:
    """The seat that the application was given, where one is booked. Raises SlotTaken."""
    if prepared.opening is None:
        return None
    if not seats.take(db, prepared.opening, prepared.settled, application_id):
        raise SlotTaken
    return seats.seat_of(db, application_id)


def _told(seat: seats.Seat | None, visitor: Visitor) -> str:
    """When to come, for a mail. Whoever reads the mailbox of somebody under 支援措置 must not learn of it."""
    protected = visitor.resident is not None and visitor.resident.protected
    return f"{seat.slot} {seat.until}".strip() if seat is not None and not protected else ""


def _count(db: Writing, keys: Keys, visitor: Visitor, place: str, now: datetime) -> None:
    who = account(visitor)
    tries = [(BY_PLACE, place)] if who == "anonymous" else [(BY_PLACE, place), (BY_ACCOUNT, who)]
    demand(db, keys, *tries, now=now)


def _row(keys: Keys, prepared: Prepared, application_id: str, now: datetime) -> dict[str, Any]:
    declaration, visitor = prepared.filing.declaration, prepared.filing.visitor
    due = prepared.quote.total > 0 and prepared.quote.timing == Timing.SUBMIT
    return {
        "id": application_id,
        "slug": declaration.slug,
        "digest": declaration.digest,
        "procedure_type": declaration.procedure_type.value,
        "department": declaration.department,
        "channel": prepared.filing.channel,
        "state": (OfficeState.PAYMENT_PENDING if due else OfficeState.SUBMITTED).value,
        "submitted_at": now,
        "fee_total": prepared.quote.total,
        "timing": prepared.quote.timing,
        "resident_id": visitor.resident.id if visitor.resident else None,
        "assurance": visitor.level.value,
        "retained_until": retained_until(today(now), declaration.retention_years),
    }


def retained_until(day: date, years: int) -> datetime:
    """The end of the retention: `years` from the 1 April after the fiscal year of filing."""
    return midnight(date(fiscal_year(day) + 1 + years, 4, 1))


def signed_for(
    db: Reading, keys: Keys, adapter: SigningAdapter, draft_id: str, digest: bytes, *, session_id: str | None
) -> str | None:
    """The id of a signature this browser made for a draft over exactly `digest`, checked anew."""
    standing = draft_signature(db, draft_id, session_id=session_id)
    if standing is None:
        return None
    signed = verify_signature(db, keys, adapter, standing.id, digest, session_id=session_id)
    return signed.id if signed else None


_AGAIN = select(
    t.application.c.id, t.application.c.receipt_number, t.application.c.state, t.application.c.fee_total
).where(t.application.c.id == bindparam("application_id"))
_DEBT = select(t.debt.c.id).where(t.debt.c.application_id == bindparam("application_id"))


def acknowledged(db: Reading, keys: Keys, application_id: str) -> Submitted | None:
    """The answer to a submission that was made before."""
    row = db.one(_AGAIN, {"application_id": application_id})
    if row is None:
        return None
    code, debt = keys.access_code(application_id), db.scalar(_DEBT, {"application_id": application_id})
    return Submitted(application_id, row.receipt_number, code, row.state, row.fee_total, debt)


_NUMBER = select(t.application.c.receipt_number).where(t.application.c.id == bindparam("application_id"))


def number_of(db: Reading, application_id: str) -> str:
    """The receipt number of an application."""
    return str(db.scalar(_NUMBER, {"application_id": application_id}))


def _note_person(db: Writing, keys: Keys, settled: Settled, application_id: str) -> None:
    """Keyed digests by which a clerk who knows name and birth date finds the case; the index holds no name."""
    applicant = next((q for q in settled.questions if q.field.subject == "applicant" and q.children), None)
    rows = [
        {"application_id": application_id, "kind": kind, "digest": keys.index_digest(kind, comparable(text))}
        for kind, text in (_person(applicant) if applicant else ())
    ]
    if rows:
        db.insert(t.person_digest, rows)


def _person(applicant: Question) -> Iterator[tuple[str, str]]:
    answers: Mapping[str, Any] = applicant.value or {}
    name = answers.get("name")
    if isinstance(name, dict):
        yield "name", f"{name.get('family', '')}{name.get('given', '')}"
        yield "kana", f"{name.get('family_kana', '')}{name.get('given_kana', '')}"
    if isinstance(answers.get("birthdate"), str):
        yield "birthdate", answers["birthdate"]
