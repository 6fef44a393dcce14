"""Submission: from answers to an application, once.

`prepare` decides without a transaction; `submit` writes what was decided: the application, its first event, the
keyed digests that find its person, the debt and the audit line, all in one commit. A submission that is repeated
answers as the first did.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
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
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
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
    seen: Mapping[str, str] = field(default_factory=dict)
    """By the key of an attachment, that a clerk had the original at a window ('seen'), or took it in ('taken')."""

    def __post_init__(self) -> None:
        if self.seen and self.channel != Channel.COUNTER:
            raise ValueError("only at a window are originals seen")

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
    errors = wrong(form, settled, filing.files, opening, filing.seen)
    if errors:
        return Rejected(errors, settled)
    try:
        return Prepared(filing, settled, quote(filing.declaration, settled.kept, table, day), opening)
    except NoFeeError:
        if filing.stale:
            return Superseded(settled)
        raise


def wrong(
    form: Form,
    settled: Settled,
    files: Sequence[uploads.Upload],
    opening: Opening | None,
    seen: Collection[str] = (),
) -> tuple[FieldError, ...]:
    """Everything that stands against a filing: answers, files (`seen` as in `uploads.errors`), and a slot that cannot
    be had."""
    return (*(opening.errors(settled) if opening else ()), *uploads.errors(form, settled, files, seen))


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
    visitor = prepared.filing.visitor
    _count(db, keys, visitor, place, now)
    if prepared.to_be_signed if signature is None else not spend_signature(db, signature):
        raise Raced
    act = _Act(db, keys, prepared, language, now, random)
    owner, answers = draft.id if draft else act.id, prepared.settled.kept
    if draft is None:
        answers = numbers.sealed_away(db, keys, act.form, answers, owner, now=now, random=random)
    act.insert(answers)
    if draft is not None and not drafts.close(db, keys, draft, act.id):
        raise Raced  # rolls the application back
    # after the draft: whoever pressed twice is told that it was sent, not that they took their own place
    act.take_seat()
    numbers.hand_over(db, act.form, answers, owner, act.id)
    done = act.finish(actor(visitor), payment_days)
    if visitor.session_id is not None:
        grant(db, visitor.session_id, act.id, True)
    act.notify(base_url)
    return done


@dataclass(frozen=True, slots=True)
class Entry:
    """Who entered an application at a window for its resident (代書): `actor` as the audit names them, `visit` the id
    of the visit, `confirmed` how the resident agreed to what stands in it ('drawn', 'said', 'paper'), `confirmation`
    the id of its record ('' without one). `sources` tell by pointer where each answer came from. `protected`: somebody
    in it is under 支援措置."""

    actor: str
    visit: str
    confirmed: str
    confirmation: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False


def enter(
    db: Writing,
    keys: Keys,
    prepared: Prepared,
    entry: Entry,
    *,
    base_url: str,
    payment_days: int,
    language: str,
    now: datetime,
    random: Random,
) -> Submitted:
    """As `submit`, at a window: the clerk of `entry` acts, nothing is signed, and nobody's limits are counted. The
    個人番号 that the answers name of the visit are copied. Raises Raced when a file is gone; SlotTaken."""
    act = _Act(db, keys, prepared, language, now, random)
    answers = numbers.copied(db, act.form, prepared.settled.kept, entry.visit, act.id, now=now, random=random)
    asked = {each.key for each in prepared.settled.attachments}
    seen = {key: how for key, how in prepared.filing.seen.items() if key in asked}
    act.insert(answers, {"entry": asdict(entry) | {"seen": seen}})
    act.take_seat()
    done = act.finish(entry.actor, payment_days)
    act.notify(base_url, protected=entry.protected)
    return done


class _Act:
    """A submission on its way, in one transaction; `id` is the application's."""

    def __init__(
        self, db: Writing, keys: Keys, prepared: Prepared, language: str, now: datetime, random: Random
    ) -> None:
        self._db, self._keys, self._prepared = db, keys, prepared
        self._language, self._now, self._random = language, now, random
        self.id: Final = new_id(random)
        self.form: Final = prepared.filing.declaration.form
        self._row = _row(prepared, self.id, now)
        self._seat: seats.Seat | None = None

    def insert(self, answers: Answers, more: Mapping[str, Any] = NOTHING) -> None:
        """Write the application, with a receipt number that nobody has; `more` is sealed with its answers."""
        key, self._row["wrapped_key"] = self._keys.new_data_key(self.id)
        content = {"answers": answers, "quote": self._prepared.quote.as_json(), "language": self._language, **more}
        self._row["sealed_answers"] = key.seal(json.dumps(content, ensure_ascii=False).encode(), SEALED)
        self._row["receipt_number"] = new_number(self._random)
        while not self._db.insert_new(t.application, self._row):  # somebody has it: one in a hundred million
            self._row["receipt_number"] = new_number(self._random)

    def take_seat(self) -> None:
        """Give it the place of the slot that was answered, where one is booked. Raises SlotTaken."""
        opening = self._prepared.opening
        if opening is None:
            return
        if not seats.take(self._db, opening, self._prepared.settled, self.id):
            raise SlotTaken
        self._seat = seats.seat_of(self._db, self.id)

    def finish(self, by: str, payment_days: int) -> Submitted:
        """Its files, its person, its debt and its first event. Raises Raced when a file is gone."""
        db, row, fee, now = self._db, self._row, self._prepared.quote, self._now
        if not uploads.hand_over(db, [file.id for file in self._prepared.asked_files()], self.id):
            raise Raced
        _note_person(db, self._keys, self._prepared.settled, self.id)
        due_at = last_moment(now, payment_days)
        if self._seat is not None:  # a place that nobody paid for goes to somebody else while there is still time
            due_at = min(due_at, midnight(self._seat.day) - timedelta(seconds=1))
        here = self._prepared.filing.channel == Channel.COUNTER
        debt = raise_debt(db, self.id, fee, fee.timing, due_at=due_at, at_counter=here, random=self._random, now=now)
        record(db, self.id, row["state"], by, now=now)
        code = self._keys.access_code(self.id)
        return Submitted(self.id, row["receipt_number"], code, row["state"], row["fee_total"], debt)

    def notify(self, base_url: str, *, protected: bool = False) -> None:
        """Tell its resident by mail that it arrived, where there is an address. `protected`: somebody in it is under
        支援措置, and the mail must not say when they come."""
        filing = self._prepared.filing
        to = notices.address_of(filing.visitor, self._prepared.settled.kept)
        if to is None:
            return
        told: dict[str, Any] = {"base_url": base_url, "language": self._language}
        told |= {"booked": "" if protected else _told(self._seat, filing.visitor)}
        told |= {"now": self._now, "random": self._random}
        notices.receipt(self._db, self._keys, to, filing.declaration, self.id, self._row["receipt_number"], **told)


def _told(seat: seats.Seat | None, visitor: Visitor) -> str:
    """When to come, for a mail. Whoever reads the mailbox of somebody under 支援措置 must not learn of it."""
    protected = visitor.resident is not None and visitor.resident.protected
    return f"{seat.slot} {seat.until}".strip() if seat is not None and not protected else ""


def _count(db: Writing, keys: Keys, visitor: Visitor, place: str, now: datetime) -> None:
    who = account(visitor)
    tries = [(BY_PLACE, place)] if who == "anonymous" else [(BY_PLACE, place), (BY_ACCOUNT, who)]
    demand(db, keys, *tries, now=now)


def _row(prepared: Prepared, application_id: str, now: datetime) -> dict[str, Any]:
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


_NUMBER = select(t.application.c.receipt_number, t.application.c.channel).where(
    t.application.c.id == bindparam("application_id")
)


def number_of(db: Reading, application_id: str) -> tuple[str, Channel]:
    """The receipt number of an application, and where it was made."""
    (row,) = db.all(_NUMBER, {"application_id": application_id})
    return row.receipt_number, Channel(row.channel)


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
