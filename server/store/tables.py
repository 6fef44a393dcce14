"""The tables. SQLModel defines them; statements are Core, over the lower-case tables at the end: `t.draft.c.id`.

Rules that hold for every table:

- `id` is 128 random bits as 32 lower-case hex digits (`values.new_id`), unless it is said to count.
- Times are aware UTC datetimes.
- A row with a `wrapped_key` has a data key of its own, bound to the row's id: `Keys.new_data_key(row_id)`.
  Every `sealed_*` column of such a row is sealed by that key under the context `table.column`
  ('draft.sealed_answers'). `kakanai keys rotate|verify` walk the tables by these two names alone.
- What is not sealed is not personal: states, times, amounts, slugs, opaque ids and keyed digests.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar, Final, cast

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, MetaData, UniqueConstraint, text
from sqlalchemy import Table as CoreTable
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""A constraint without a name cannot be altered on SQLite, nor found again on PostgreSQL."""

metadata: Final = MetaData(naming_convention=NAMING)
Counter: Final = BigInteger().with_variant(Integer, "sqlite")
"""A key the database counts up; SQLite counts only in INTEGER."""


class _Stored(SQLModel):
    metadata: ClassVar[MetaData] = metadata

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  # a declared attribute is given the class
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class Meta(_Stored, table=True):
    """What is true of the whole database: `mode`, stamped by the first migration."""

    key: str = Field(primary_key=True)
    value: str


class Declaration(_Stored, table=True):
    """Every version of a procedure ever served. `digest` is the SHA-256 (hex) of `bundle`."""

    digest: str = Field(primary_key=True)
    slug: str = Field(index=True)
    procedure: str
    bundle: str
    created_at: datetime


class Publication(_Stored, table=True):
    """Which version of a procedure is served now, and whether it takes applications.

    `state` is open or suspended. A suspended one takes none from `suspended_from` (NULL: at once) until
    `suspended_until` (NULL: until somebody resumes it); which of them is now, the clock says at each look.
    `header` is what the catalogue says of the version (JSON, from its bundle): a start reads no bundles.
    """

    slug: str = Field(primary_key=True)
    digest: str = Field(foreign_key="declaration.digest")
    header: str
    published_at: datetime
    state: str
    reason: str = ""
    suspended_from: datetime | None = None
    suspended_until: datetime | None = None


class Resident(_Stored, table=True):
    """A person known to an identity provider. The provider's subject may be an address: only its digest is kept."""

    __table_args__ = (UniqueConstraint("provider", "subject_digest"),)

    id: str = Field(primary_key=True)
    provider: str
    subject_digest: bytes
    wrapped_key: bytes
    sealed_facts: bytes
    protected: bool = False
    created_at: datetime


class Protection(_Stored, table=True):
    """支援措置: a keyed digest of somebody's name and birth date, by the city's own list."""

    digest: bytes = Field(primary_key=True)
    created_at: datetime


class Session(_Stored, table=True):
    """A browser. The cookie holds the token, the row its SHA-256."""

    id: str = Field(primary_key=True)
    token_digest: bytes = Field(unique=True)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime = Field(index=True)
    resident_id: str | None = Field(default=None, foreign_key="resident.id", ondelete="CASCADE", index=True)
    level: str


class SessionGrant(_Stored, table=True):
    """This browser may see this application: it submitted it, or showed number and access code."""

    session_id: str = Field(primary_key=True, foreign_key="session.id", ondelete="CASCADE")
    application_id: str = Field(primary_key=True, foreign_key="application.id", ondelete="CASCADE", index=True)
    submitter: bool = False


class ApiToken(_Stored, table=True):
    """A program's key to what its resident may do. It holds the token's SHA-256; the label is the resident's own."""

    id: str = Field(primary_key=True)
    token_digest: bytes = Field(unique=True)
    resident_id: str = Field(foreign_key="resident.id", ondelete="CASCADE", index=True)
    level: str
    wrapped_key: bytes
    sealed_label: bytes
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None


class EarlierAnswers(_Stored, table=True):
    """What a resident answered before and wants to be offered again: by subject and path, kept with their consent."""

    id: str = Field(primary_key=True)
    resident_id: str = Field(foreign_key="resident.id", ondelete="CASCADE", unique=True)
    wrapped_key: bytes
    sealed_answers: bytes
    saved_at: datetime
    expires_at: datetime = Field(index=True)


class EmailCode(_Stored, table=True):
    """Six digits on their way to an address."""

    __table_args__ = (CheckConstraint("tries >= 0", name="tries"),)

    id: str = Field(primary_key=True)
    session_id: str = Field(foreign_key="session.id", ondelete="CASCADE", index=True)
    address_digest: bytes = Field(index=True)
    wrapped_key: bytes
    sealed_address: bytes
    code_digest: bytes
    tries: int = 0
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None


class Draft(_Stored, table=True):
    """Answers not yet submitted. `revision` grows by one a save; a save names the one it saw. `begun_digest` (keyed)
    tells the first page sent twice."""

    id: str = Field(primary_key=True)
    slug: str
    digest: str = Field(foreign_key="declaration.digest")
    revision: int = 1
    wrapped_key: bytes
    sealed_answers: bytes
    session_id: str | None = Field(default=None, foreign_key="session.id", ondelete="SET NULL", index=True)
    resident_id: str | None = Field(default=None, foreign_key="resident.id", ondelete="SET NULL", index=True)
    resume_digest: bytes | None = Field(default=None, unique=True)
    begun_digest: bytes | None = None
    created_at: datetime
    saved_at: datetime
    expires_at: datetime = Field(index=True)
    application_id: str | None = Field(default=None, unique=True, foreign_key="application.id", ondelete="SET NULL")


class Application(_Stored, table=True):
    """Answers as submitted, under the version and the fee of that moment."""

    __table_args__ = (
        CheckConstraint("fee_total >= 0", name="fee_total"),
        Index(None, "department", "state", "submitted_at"),
    )

    id: str = Field(primary_key=True)
    receipt_number: str = Field(unique=True)
    slug: str = Field(index=True)
    digest: str = Field(foreign_key="declaration.digest")
    procedure_type: str
    department: str
    channel: str
    state: str
    submitted_at: datetime
    fee_total: int = Field(sa_type=BigInteger)
    timing: str
    wrapped_key: bytes
    sealed_answers: bytes
    resident_id: str | None = Field(default=None, foreign_key="resident.id", ondelete="SET NULL", index=True)
    assurance: str
    retained_until: datetime = Field(index=True)


class ApplicationEvent(_Stored, table=True):
    """The way an application went, in the order of the counted id."""

    id: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    application_id: str = Field(foreign_key="application.id", ondelete="CASCADE", index=True)
    at: datetime
    state: str
    actor: str


class PersonDigest(_Stored, table=True):
    """Finds a person without storing one: `Keys.index_digest(kind, normalised text)`."""

    __table_args__ = (Index(None, "digest", "kind"),)

    application_id: str = Field(primary_key=True, foreign_key="application.id", ondelete="CASCADE")
    kind: str = Field(primary_key=True)
    digest: bytes


class Seat(_Stored, table=True):
    """A place of a slot in a booking calendar (`procedures/bookings.json`), given to an application. The key is what
    keeps the last place from two people. `slot` and `until` are as they were promised, whatever the calendar says
    later: '2026-12-01T09:00' and '10:00', or a day and ''."""

    __table_args__ = (CheckConstraint("place > 0", name="place"),)

    calendar: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    place: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    until: str
    application_id: str = Field(unique=True, foreign_key="application.id", ondelete="CASCADE")


class Mynumber(_Stored, table=True):
    """個人番号, sealed to a public key. `owner_id` is the draft's id, later the application's."""

    id: str = Field(primary_key=True)
    owner_id: str = Field(index=True)
    sealed: bytes
    created_at: datetime


class Upload(_Stored, table=True):
    """An attached file. Its content is a blob of the same id; `sha256` (hex) is of the blob as it lies on disk.

    `scan`: 'clean', 'waiting' for the scanner, or 'infected'. Nobody is given the content of either of the last two.
    """

    __table_args__ = (
        CheckConstraint("size >= 0", name="size"),
        Index(None, "owner_kind", "owner_id"),
    )

    id: str = Field(primary_key=True)
    owner_kind: str
    owner_id: str
    key: str
    sealed_name: bytes
    media_type: str
    size: int
    sha256: str
    wrapped_key: bytes
    created_at: datetime
    scan: str = Field(default="clean", sa_column_kwargs={"server_default": "clean"}, index=True)


class Idempotency(_Stored, table=True):
    """The answer to a submission that is sent again."""

    key: str = Field(primary_key=True)
    body_digest: bytes
    application_id: str = Field(foreign_key="application.id", ondelete="CASCADE", index=True)
    created_at: datetime


class Signature(_Stored, table=True):
    """An electronic signature over `digest`. A 署名用電子証明書 names its holder, so it is sealed."""

    id: str = Field(primary_key=True)
    session_id: str | None = Field(default=None, foreign_key="session.id", ondelete="SET NULL", index=True)
    draft_id: str | None = Field(default=None, foreign_key="draft.id", ondelete="SET NULL", index=True)
    digest: bytes
    wrapped_key: bytes
    sealed_signer: bytes | None = None
    sealed_certificate: bytes | None = None
    value: bytes | None = None
    state: str
    created_at: datetime
    signed_at: datetime | None = None


class Debt(_Stored, table=True):
    """What is owed for an application: yen, frozen when it is raised."""

    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    state: str
    due_at: datetime | None = None
    quote_json: str
    created_at: datetime


_OPEN: Final = "state IN ('due', 'started', 'declined', 'promised')"


class Payment(_Stored, table=True):
    """One try at paying a debt. At most one of a debt is open: the account sees to it, the index makes it sure."""

    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        UniqueConstraint("provider", "provider_reference"),
        Index("uq_payment_open", "debt_id", unique=True, sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
    )

    id: str = Field(primary_key=True)
    debt_id: str = Field(foreign_key="debt.id", index=True)
    provider: str
    provider_reference: str | None = None
    amount: int = Field(sa_type=BigInteger)
    state: str
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None = None


class PaymentBundle(_Stored, table=True):
    """One sum for several debts: a provider, or the till, takes it at once. Each debt has its own payment of it
    (`PaymentPart`); they settle together. The till's `provider_reference` is the number of the receipt."""

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        UniqueConstraint("provider", "provider_reference"),
    )

    id: str = Field(primary_key=True)
    provider: str
    provider_reference: str | None = None
    visit_id: str | None = Field(default=None, foreign_key="visit.id", ondelete="SET NULL", index=True)
    amount: int = Field(sa_type=BigInteger)
    created_at: datetime
    expires_at: datetime


class PaymentPart(_Stored, table=True):
    """A payment that is part of a bundle."""

    payment_id: str = Field(primary_key=True, foreign_key="payment.id")
    bundle_id: str = Field(foreign_key="payment_bundle.id", index=True)


class TillReceipt(_Stored, table=True):
    """What was taken at the till of a department on a day (Japan, ISO): `kind` is 'cash' or 'terminal' (the city's own
    card terminal), `taken` what was handed over, in yen. A record that two people took back has `voided_at`."""

    __table_args__ = (UniqueConstraint("day", "number"), CheckConstraint("taken >= amount", name="taken"))

    bundle_id: str = Field(primary_key=True, foreign_key="payment_bundle.id")
    day: str
    number: int
    department: str = Field(index=True)
    kind: str
    amount: int = Field(sa_type=BigInteger)
    taken: int = Field(sa_type=BigInteger)
    staff_id: str = Field(foreign_key="staff.id")
    taken_at: datetime
    voided_at: datetime | None = None


class TillCount(_Stored, table=True):
    """The cash of a department's till as it was counted, in yen, beside what the records say should be there."""

    __table_args__ = (CheckConstraint("counted >= 0", name="counted"), Index(None, "department", "day"))

    id: str = Field(primary_key=True)
    department: str
    day: str
    expected: int = Field(sa_type=BigInteger)
    counted: int = Field(sa_type=BigInteger)
    staff_id: str = Field(foreign_key="staff.id")
    counted_at: datetime


class Refund(_Stored, table=True):
    """Money that two people decided to give back, of one payment. `id` is what makes it happen once at the provider;
    `state` is 'decided', 'done', or 'impossible' where the provider has not so much to give."""

    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: str = Field(primary_key=True)
    payment_id: str = Field(foreign_key="payment.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    state: str = Field(index=True)
    day: str
    decided_at: datetime
    done_at: datetime | None = None


class MoneyNote(_Stored, table=True):
    """That money which a person had to look into was dealt with, by whom. `about` names it as `matters` does, once;
    `department` is '' for what is of none. What was known of it then is sealed with the note."""

    id: str = Field(primary_key=True)
    about: str = Field(unique=True)
    department: str
    staff_id: str = Field(foreign_key="staff.id")
    wrapped_key: bytes
    sealed_note: bytes
    noted_at: datetime = Field(index=True)


class ProviderEvent(_Stored, table=True):
    """What a provider told us, once each."""

    provider: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    received_at: datetime
    kind: str


class Outbox(_Stored, table=True):
    """A notice to be sent after the commit. A worker claims one by moving `next_at` ahead."""

    __table_args__ = (Index(None, "sent_at", "next_at"),)

    id: str = Field(primary_key=True)
    kind: str
    wrapped_key: bytes
    sealed_message: bytes
    attempts: int = 0
    next_at: datetime
    sent_at: datetime | None = None
    created_at: datetime
    idempotency: str = Field(unique=True)


class Attempt(_Stored, table=True):
    """Counts for the limits of rates: how often `bucket` (a keyed digest, hex) tried since `period` (Unix seconds)."""

    bucket: str = Field(primary_key=True)
    period: int = Field(primary_key=True, sa_type=BigInteger, index=True)
    tries: int


ODD_MONEY: Final = "action IN ('payment.unknown', 'payment.mismatch', 'payment.refund_unassigned')"
"""Lines of the audit chain that tell of money a person has to look into; in these very words, for the index's sake."""


class Audit(_Stored, table=True):
    """One line of the chain. Appended only: triggers refuse UPDATE and DELETE. See audit.py.

    `hash` covers everything but `salt` and `detail`, which `digest` stands for.
    """

    __table_args__ = (
        Index("ix_audit_odd_money", "seq", sqlite_where=text(ODD_MONEY), postgresql_where=text(ODD_MONEY)),
    )

    seq: int = Field(primary_key=True, sa_type=Counter, sa_column_kwargs={"autoincrement": False})
    at: datetime
    actor: str = Field(index=True)
    action: str
    target: str = Field(index=True)
    digest: str
    previous: str
    hash: str
    salt: bytes
    detail: str


class Bulletin(_Stored, table=True):
    """News for the other workers; the newest some thousands are kept. See bulletin.py."""

    id: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    topic: str
    key: str


class Staff(_Stored, table=True):
    """Somebody who works for the city. The login is found by its keyed digest; `sealed_profile` has it with the name.

    `enrolled_at` is NULL until password and second factor are set, for which `enrol_digest` (keyed) is good until
    `enrol_until`. `totp_step` is the last period of 30 seconds whose code was taken: none counts twice.
    """

    id: str = Field(primary_key=True)
    login_digest: bytes = Field(unique=True)
    wrapped_key: bytes
    sealed_profile: bytes
    sealed_password: bytes | None = None
    sealed_totp: bytes | None = None
    totp_step: int = Field(default=0, sa_type=BigInteger)
    enrol_digest: bytes | None = None
    enrol_until: datetime | None = None
    enrolled_at: datetime | None = None
    disabled_at: datetime | None = None
    created_at: datetime


class StaffRole(_Stored, table=True):
    """A role is held in a department; `department` is '*' for those held in the whole city."""

    staff_id: str = Field(primary_key=True, foreign_key="staff.id", ondelete="CASCADE")
    role: str = Field(primary_key=True)
    department: str = Field(primary_key=True)


class StaffRecovery(_Stored, table=True):
    """A recovery code that was not used yet: a keyed digest."""

    staff_id: str = Field(primary_key=True, foreign_key="staff.id", ondelete="CASCADE")
    digest: bytes = Field(primary_key=True)


class StaffSession(_Stored, table=True):
    """A browser of the staff's. `stage` is 'in', 'enrolling' while the second factor is being set, or 'half'
    when the city's provider knows them and our second factor is still to come."""

    id: str = Field(primary_key=True)
    token_digest: bytes = Field(unique=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    stage: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime = Field(index=True)


class StaffReason(_Stored, table=True):
    """Why somebody looks at a case of a department that is not theirs; it opens the case until `expires_at`, and is
    kept as long as the case."""

    id: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    application_id: str = Field(foreign_key="application.id", ondelete="CASCADE", index=True)
    wrapped_key: bytes
    sealed_reason: bytes
    created_at: datetime
    expires_at: datetime


class StaffPasskey(_Stored, table=True):
    """A passkey of somebody on the staff: the public half of what their device holds."""

    id: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    credential: bytes = Field(unique=True)
    public_key: bytes
    uses: int = Field(default=0, sa_type=BigInteger)
    wrapped_key: bytes
    sealed_label: bytes
    created_at: datetime
    used_at: datetime | None = None


class StaffIdentity(_Stored, table=True):
    """Who somebody on the staff is to the city's provider of OpenID Connect: a keyed digest of issuer and subject."""

    subject_digest: bytes = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", unique=True)
    created_at: datetime


class Proposal(_Stored, table=True):
    """Something that one person of the staff asks for and another has to allow. `kind` and `target` say what it is;
    `state` is 'open', 'allowed', 'refused' or 'taken back'."""

    id: str = Field(primary_key=True)
    kind: str
    target: str = Field(index=True)
    department: str
    asked_by: str = Field(foreign_key="staff.id")
    decided_by: str | None = Field(default=None, foreign_key="staff.id")
    state: str = Field(index=True)
    wrapped_key: bytes
    sealed_detail: bytes
    created_at: datetime
    decided_at: datetime | None = None


class CaseMessage(_Stored, table=True):
    """What is said about an application. `kind` is 'question', 'answer', 'refusal' or 'handover'; `audience` is whom a
    question is for or an answer is from, 'resident' or 'counter', and 'office' where it is for the departments alone.
    `department` is whose a question, refusal or handover is; `answer_by` until when a question wants its answer."""

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id", ondelete="CASCADE", index=True)
    kind: str
    audience: str
    department: str
    staff_id: str | None = Field(default=None, foreign_key="staff.id", ondelete="SET NULL")
    wrapped_key: bytes
    sealed_text: bytes
    created_at: datetime
    answer_by: datetime | None = None


class CaseAssignee(_Stored, table=True):
    """Who of a department looks after a case (担当)."""

    application_id: str = Field(primary_key=True, foreign_key="application.id", ondelete="CASCADE")
    staff_id: str = Field(foreign_key="staff.id", ondelete="CASCADE", index=True)
    since: datetime


class ServiceWindow(_Stored, table=True):
    """A counter (窓口) of the town hall. `queues` are those whose tickets are called to it: names, one a line.

    `staff_id` sits there since `seated_at`, for that day (Japan time) and nowhere else."""

    id: str = Field(primary_key=True)
    label: str = Field(unique=True)
    department: str
    queues: str
    staff_id: str | None = Field(default=None, foreign_key="staff.id", ondelete="SET NULL", unique=True)
    seated_at: datetime | None = None
    closed_at: datetime | None = None


class Device(_Stored, table=True):
    """A machine that belongs to the town hall: `kind` is 'kiosk', 'tablet' or 'board'. The cookie holds its token.

    `enrol_digest` (keyed) is of the code that makes a browser this device, good once, until `enrol_until`. A tablet
    stands at a window. `session_id` is of whoever stands at a kiosk, `called_at` is there while they call a clerk,
    `answered_at` and `answered_by` (an actor as the audit names them) once somebody goes there."""

    id: str = Field(primary_key=True)
    kind: str
    label: str
    window_id: str | None = Field(default=None, foreign_key="service_window.id", ondelete="SET NULL")
    token_digest: bytes | None = Field(default=None, unique=True)
    enrol_digest: bytes | None = Field(default=None, unique=True)
    enrol_until: datetime | None = None
    session_id: str | None = Field(default=None, foreign_key="session.id", ondelete="SET NULL")
    called_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    created_at: datetime
    seen_at: datetime | None = None
    disabled_at: datetime | None = None


class Visit(_Stored, table=True):
    """One interview at a window: several applications on their way. `revision` grows by one a save; a save names the
    one it saw. `state` is 'open', 'filed' or 'left'; what is sealed is gone once it is not open any more."""

    id: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff.id", index=True)
    window_id: str | None = Field(default=None, foreign_key="service_window.id", ondelete="SET NULL")
    department: str
    state: str
    revision: int = 1
    language: str
    wrapped_key: bytes
    sealed_content: bytes
    created_at: datetime
    saved_at: datetime
    expires_at: datetime = Field(index=True)
    ended_at: datetime | None = None


class VisitApplication(_Stored, table=True):
    """An application that was filed in a visit; `name` is what the interview called its form."""

    visit_id: str = Field(primary_key=True, foreign_key="visit.id", ondelete="CASCADE")
    name: str = Field(primary_key=True)
    application_id: str = Field(unique=True, foreign_key="application.id", ondelete="CASCADE")


class IdentityCheck(_Stored, table=True):
    """How somebody's identity was checked at a window: which kinds of documents, and the result. Never a copy."""

    id: str = Field(primary_key=True)
    visit_id: str = Field(foreign_key="visit.id", ondelete="CASCADE", index=True)
    staff_id: str = Field(foreign_key="staff.id")
    person: str
    method: str
    documents: str
    result: str
    wrapped_key: bytes
    sealed_detail: bytes
    checked_at: datetime


class Handoff(_Stored, table=True):
    """What somebody filled in at home or at a kiosk, on its way to a window: not an application yet. Good once.
    `draft_id` where it is one draft's; `visit_id` once a visit began with it. What is sealed goes with its time."""

    id: str = Field(primary_key=True)
    code_digest: bytes = Field(unique=True)
    origin: str
    draft_id: str | None = Field(default=None, foreign_key="draft.id", ondelete="CASCADE", index=True)
    visit_id: str | None = Field(default=None, foreign_key="visit.id", ondelete="SET NULL", index=True)
    wrapped_key: bytes
    sealed_content: bytes | None = None
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None
    used_by: str | None = Field(default=None, foreign_key="staff.id", ondelete="SET NULL")


class Pairing(_Stored, table=True):
    """A visit shown on a tablet. `code_digest` (keyed) is good once, until `code_until`. `sealed_remarks` is what the
    resident said of the fields so far. `used_at`: the resident last did something; `seen_at`: the tablet last gave a
    sign of life, NULL when it is known to be away. A pairing that is over has no row."""

    id: str = Field(primary_key=True)
    visit_id: str = Field(foreign_key="visit.id", ondelete="CASCADE", index=True)
    device_id: str | None = Field(default=None, foreign_key="device.id", ondelete="CASCADE", index=True)
    code_digest: bytes | None = Field(default=None, unique=True)
    code_until: datetime
    revision: int = 1
    wrapped_key: bytes
    sealed_remarks: bytes
    created_at: datetime
    used_at: datetime
    seen_at: datetime | None = None


class Confirmation(_Stored, table=True):
    """That a resident saw what a visit says, and agreed: when, how ('drawn', 'said', 'paper'), and what was seen.
    `digest` is of the answers: a confirmation stands as long as they are the visit's."""

    id: str = Field(primary_key=True)
    visit_id: str = Field(foreign_key="visit.id", ondelete="CASCADE", index=True)
    revision: int
    method: str
    digest: bytes
    staff_id: str | None = Field(default=None, foreign_key="staff.id", ondelete="SET NULL")
    device_id: str | None = Field(default=None, foreign_key="device.id", ondelete="SET NULL")
    wrapped_key: bytes
    sealed_seen: bytes
    sealed_signature: bytes | None = None
    confirmed_at: datetime


class Ticket(_Stored, table=True):
    """A number in the queue of a day (Japan time, ISO). `state` is 'waiting', 'called', 'serving', 'done', 'absent' or
    'left'. Who holds it is known by nothing but the number: `code_digest` (keyed) opens its page. `series` is the queue
    in which it was taken and whose letter it bears, `queue` the one in which it waits now."""

    __table_args__ = (UniqueConstraint("day", "series", "number"), Index(None, "day", "state"))

    id: str = Field(primary_key=True)
    day: str
    queue: str
    series: str
    number: int
    priority: int = 0
    state: str
    window_id: str | None = Field(default=None, foreign_key="service_window.id", ondelete="SET NULL")
    staff_id: str | None = Field(default=None, foreign_key="staff.id", ondelete="SET NULL")
    visit_id: str | None = Field(default=None, foreign_key="visit.id", ondelete="SET NULL", index=True)
    application_id: str | None = Field(default=None, foreign_key="application.id", ondelete="SET NULL", unique=True)
    code_digest: bytes = Field(unique=True)
    slugs: str = ""
    language: str
    origin: str
    calls: int = 0
    due_at: datetime | None = None
    created_at: datetime
    called_at: datetime | None = None
    served_at: datetime | None = None
    ended_at: datetime | None = None


class TicketEvent(_Stored, table=True):
    """The way a ticket went, in the order of the counted id: what times are measured from."""

    id: int | None = Field(default=None, primary_key=True, sa_type=Counter)
    ticket_id: str = Field(foreign_key="ticket.id", ondelete="CASCADE", index=True)
    at: datetime
    state: str
    queue: str
    window_id: str | None = Field(default=None, foreign_key="service_window.id", ondelete="SET NULL")
    actor: str


class QueueHour(_Stored, table=True):
    """What a queue took in an hour (0 to 23, Japan time) of a day: whole seconds, and counts; of nobody in particular.

    `slug` is the procedure of tickets that came for one alone, '*' of those that came for several, '' where none was
    said. A wait counts in the hour it ended in, a service in the hour it began in, `gone` (unserved) in the hour they
    came; `squares` is the sum of the squares of the seconds served, from which the spread is told."""

    day: str = Field(primary_key=True)
    hour: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    queue: str = Field(primary_key=True)
    slug: str = Field(primary_key=True)
    waits: int
    waited: int = Field(sa_type=BigInteger)
    longest: int
    serves: int
    served: int = Field(sa_type=BigInteger)
    squares: int = Field(sa_type=BigInteger)
    gone: int


def _core(model: type[SQLModel]) -> CoreTable:
    return cast(CoreTable, model.__table__)  # type: ignore[attr-defined]  # SQLAlchemy sets it on every table class


meta: Final = _core(Meta)
declaration: Final = _core(Declaration)
publication: Final = _core(Publication)
resident: Final = _core(Resident)
protection: Final = _core(Protection)
session: Final = _core(Session)
session_grant: Final = _core(SessionGrant)
api_token: Final = _core(ApiToken)
earlier_answers: Final = _core(EarlierAnswers)
email_code: Final = _core(EmailCode)
draft: Final = _core(Draft)
application: Final = _core(Application)
application_event: Final = _core(ApplicationEvent)
person_digest: Final = _core(PersonDigest)
seat: Final = _core(Seat)
mynumber: Final = _core(Mynumber)
upload: Final = _core(Upload)
idempotency: Final = _core(Idempotency)
signature: Final = _core(Signature)
debt: Final = _core(Debt)
payment: Final = _core(Payment)
payment_bundle: Final = _core(PaymentBundle)
payment_part: Final = _core(PaymentPart)
till_receipt: Final = _core(TillReceipt)
till_count: Final = _core(TillCount)
refund: Final = _core(Refund)
money_note: Final = _core(MoneyNote)
provider_event: Final = _core(ProviderEvent)
outbox: Final = _core(Outbox)
attempt: Final = _core(Attempt)
audit: Final = _core(Audit)
staff: Final = _core(Staff)
staff_role: Final = _core(StaffRole)
staff_recovery: Final = _core(StaffRecovery)
staff_session: Final = _core(StaffSession)
staff_reason: Final = _core(StaffReason)
staff_passkey: Final = _core(StaffPasskey)
staff_identity: Final = _core(StaffIdentity)
proposal: Final = _core(Proposal)
case_message: Final = _core(CaseMessage)
case_assignee: Final = _core(CaseAssignee)
service_window: Final = _core(ServiceWindow)
device: Final = _core(Device)
visit: Final = _core(Visit)
visit_application: Final = _core(VisitApplication)
identity_check: Final = _core(IdentityCheck)
handoff: Final = _core(Handoff)
pairing: Final = _core(Pairing)
confirmation: Final = _core(Confirmation)
ticket: Final = _core(Ticket)
ticket_event: Final = _core(TicketEvent)
queue_hour: Final = _core(QueueHour)
bulletin: Final = _core(Bulletin)
