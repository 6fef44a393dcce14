"""What each page is told: one frozen value a template, and nothing else reaches it (but `person` and `ending`, put in
by `page`: the name of whoever is signed in or '', and an `Ending` or None).

Times are aware; templates show them in Japan's time. Texts are as people read them, unescaped. A code that a template
turns into words (a state, a level) is named in the docstring with its closed list; an empty string means "none".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from forms_schema.base import FieldView
from forms_schema.view import OnPage
from server.catalogue.advice import Paper

# --- shared parts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class ErrorLink:
    """One line of the summary of errors. `href` is '#f-applicant-name-family', or a step's address with it."""

    href: str
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class StepMark:
    """One step of the progress. `state`: done, now, todo. `url` is '' where one may not go yet."""

    number: int
    title: str
    state: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Banner:
    """A message above the page's content. `kind`: info, success, warning, error."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """When a sign-in is over if nothing is done, and in how many seconds from now. `extends`: doing something puts
    it off; else one has to sign in again."""

    PLACED: ClassVar = frozenset({"at", "seconds"})

    at: datetime
    seconds: int
    extends: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A department as one reaches it."""

    name: str
    phone: str = ""
    email: str = ""
    place: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line of a fee; `amount` in yen, negative for a waiver. `detail` such as '300円 × 2通'."""

    title: str
    amount: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FeeView:
    """A quote. `timing`: submit, review, counter, pickup. `note` as of evidence a clerk will look at."""

    lines: Sequence[FeeLine]
    total: int
    timing: str
    note: str = ""


# --- finding a procedure ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Topic:
    """A life event or a category with the number of its procedures."""

    code: str
    title: str
    count: int
    href: str


@dataclass(frozen=True, slots=True)
class HomePage:
    """pages/home.html"""

    life_events: Sequence[Topic]
    categories: Sequence[Topic]
    total: int
    online: int


@dataclass(frozen=True, slots=True)
class OpenDataSet:
    """One table that is open to all. `rows` is how many there are; `id` its anchor."""

    id: str
    title: str
    summary: str
    updated: date
    frequency: str
    rows: int
    files: Sequence[Link]


@dataclass(frozen=True, slots=True)
class OpenDataPage:
    """pages/opendata.html"""

    sets: Sequence[OpenDataSet]
    licence: Link
    catalogue: Link


@dataclass(frozen=True, slots=True)
class Pause:
    """A suspension, announced (`ahead`) or in force. `start` is there in what is announced; `until` is None where no
    end is set."""

    reason: str
    start: datetime | None
    until: datetime | None
    ahead: bool


@dataclass(frozen=True, slots=True)
class ProcedureCard:
    """One procedure in a list. `state`: open, closed, planned, suspended; `state_words` is what that is called.

    `fee` is the lowest in yen, None when free; `fee_more` says that it may be more, `fee_sometimes` that most pay none.
    """

    title: str
    href: str
    summary: str
    department: str
    state: str
    state_words: str
    online: bool
    fee: int | None = None
    fee_more: bool = False
    fee_sometimes: bool = False
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a filter."""

    value: str
    title: str
    selected: bool


@dataclass(frozen=True, slots=True)
class ProceduresPage:
    """pages/procedures.html. `here` is the address of this list, with "?" or "&" behind.

    `pages` are the numbers of the result pages, the shown one with an empty href.

    `heading` is the title of the only filter, '' when there is none or several. `interview` leads to the questions of
    the life event that is the filter.
    """

    heading: str
    query: str
    categories: Sequence[Choice]
    life_events: Sequence[Choice]
    online: bool
    total: int
    results: Sequence[ProcedureCard]
    pages: Sequence[Link]
    here: str = "?"
    interview: str = ""


@dataclass(frozen=True, slots=True)
class GuideFee:
    """One possible fee of a procedure, in yen for each `unit` (通, 件). `sometimes`: it depends on the answers."""

    title: str
    amount: int
    unit: str
    sometimes: bool = False


@dataclass(frozen=True, slots=True)
class Handover:
    """Where the filing really goes, and what to have at hand there."""

    to: str
    url: str
    prepare: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class GuidePage:
    """pages/guide.html.

    `procedure_type`: shinsei, todokede, yoyaku, nofu. `result`: receipt, notice, certificate, reservation, permit,
    payment. `assurance`: none, email, oidc-basic, jpki-signature. `channels`: online, counter, kiosk.
    `fee_timing`: submit, review, counter, pickup, '' when free. `state` as in `ProcedureCard`. `steps` are the titles
    of the form's steps; what comes after them (check, signature, payment) the template adds.
    `apply_url` is '' where one cannot apply here now.
    """

    title: str
    official_title: str
    slug: str
    summary: str
    category: Link
    state: str
    state_words: str
    pause: Pause | None
    accepts_from: date | None
    accepts_until: date | None
    procedure_type: str
    result: str
    assurance: str
    channels: Sequence[str]
    channel: str
    who: str
    bring: Sequence[str]
    attachments: Sequence[Paper]
    when: str
    notes: Sequence[str]
    fees: Sequence[GuideFee]
    fee_timing: str
    processing_days: int
    legal_basis: str
    steps: Sequence[str]
    contact: Contact
    handover: Handover | None
    apply_url: str


# --- filling in ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepPage:
    """pages/step.html; for `_do=refresh` the fragment components/questions.html with the same `views`.

    `number` counts from 1, and `total` counts the check at the end of `steps` too. `save` and `back` say whether those
    buttons stand there. `wrong` are the pointers of `errors`: sent along, they stay told when the questions change.
    `asked` stands for what is asked on the page (`filling.mark`): sent along, it tells what has come since.
    `ask` is the level of sign-in to offer first ('' none): email, oidc-basic, jpki-signature.
    `earlier` is the day of the answers that could fill blanks of this step (`offers`: of some step, by other answers).
    `contact` and `needs` are the help at hand: whom to ask, and what to have ready for this step.
    """

    PLACED: ClassVar = frozenset({"person", "views", "action", "rev", "asked", "saved_at", "earlier"})
    """What the template may ask about only whether it is there: the page is compiled without it (`segments.Frames`)."""

    title: str
    slug: str
    number: int
    total: int
    step_title: str
    steps: Sequence[StepMark]
    views: Sequence[FieldView | OnPage]
    errors: Sequence[ErrorLink]
    action: str
    rev: str
    asked: str = ""
    wrong: Sequence[str] = ()
    saved_at: datetime | None = None
    banner: Banner | None = None
    multipart: bool = False
    back: bool = False
    save: bool = True
    offers: bool = False
    earlier: date | None = None
    ask: str = ""
    contact: Contact | None = None
    needs: Sequence[str] = ()
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One answer as people read it; '' shows as not answered. `source`: '', card, earlier.

    `change_url` leads to its question: the link of a section leads to its first one.
    """

    label: str
    text: str
    source: str = ""
    change_url: str = ""


@dataclass(frozen=True, slots=True)
class CheckSection:
    """The answers of one step, of one row of a step, or its files."""

    title: str
    rows: Sequence[CheckRow]
    change_url: str = ""


@dataclass(frozen=True, slots=True)
class CheckPage:
    """pages/check.html.

    `do`: 'renew' (only a newer version can be sent: `renew_url`), 'fix' (errors first), 'closed' (nothing can be sent
    now: `pause` or `banner` says why), 'signin', 'sign' (both: `url` is a link), 'submit' (`url` takes the form).
    `renew_url` takes a form that moves the draft to the newer version, '' where there is none.
    `consent` is what one agrees to by submitting. `keep`: whether to ask if answers may be kept for other forms.
    """

    title: str
    slug: str
    steps: Sequence[StepMark]
    sections: Sequence[CheckSection]
    left_out: Sequence[CheckRow]
    errors: Sequence[ErrorLink]
    fee: FeeView | None
    do: str
    url: str
    rev: str
    back_url: str
    consent: str = ""
    banner: Banner | None = None
    keep: bool = False
    renew_url: str = ""
    saved_at: datetime | None = None
    contact: Contact | None = None
    pause: Pause | None = None
    handoff_url: str = ""


@dataclass(frozen=True, slots=True)
class SavedPage:
    """pages/saved.html: the draft may be taken up again with this code until then; None: as long as its procedure is
    suspended, and seven days."""

    title: str
    resume_code: str
    until: datetime | None
    continue_url: str
    handoff_url: str


@dataclass(frozen=True, slots=True)
class ResumePage:
    """pages/resume.html: control `code`, posted to /resume."""

    errors: Sequence[ErrorLink] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A question that was answered twice, or a list of which there are two. `control` chooses: 'mine' or 'theirs'."""

    control: str
    label: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """pages/conflict.html, 409. `hidden` are the posted controls, posted again with the newer `rev` and the choices."""

    title: str
    step_title: str
    differences: Sequence[Difference]
    hidden: Sequence[tuple[str, str]]
    action: str
    rev: str


@dataclass(frozen=True, slots=True)
class LostPage:
    """pages/lost.html, 404. `again` is where `hidden` can be posted once more, '' where nothing was typed.

    `typed` is what can be read and copied, `files` counts those that have to be picked again. `other_url` is the way
    in by a code.
    """

    again: str
    signin_url: str
    other_url: str
    typed: Sequence[str]
    hidden: Sequence[tuple[str, str]]
    files: int = 0


@dataclass(frozen=True, slots=True)
class AtWindowPage:
    """pages/at_window.html: a draft that was filed at a window. `status_url` leads in by number and code."""

    status_url: str


@dataclass(frozen=True, slots=True)
class RenewedPage:
    """pages/renewed.html: the answers (`left`) for which the newer version has no place."""

    title: str
    left: Sequence[CheckRow]
    check_url: str


@dataclass(frozen=True, slots=True)
class SignPage:
    """pages/sign.html: `go_url` is our own GET that leads to the signing service. `failed` says why it did not work."""

    title: str
    go_url: str
    back_url: str
    provider: str
    failed: str = ""


# --- afterwards ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentView:
    """`state`: DUE PENDING PAID FAILED EXPIRED CANCELLED PARTLY_REFUNDED REFUNDED. `url` '' when nothing to do.
    `returned` yen were given back."""

    state: str
    amount: int
    url: str = ""
    due_at: datetime | None = None
    returned: int = 0


@dataclass(frozen=True, slots=True)
class BookedView:
    """What is booked, in words. `url` is of the file for one's own calendar."""

    title: str
    when: str
    place: str
    bring: Sequence[str]
    url: str


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """pages/receipt.html. `number` has 15 digits; `access_code` is '' but in the answer to the submission."""

    title: str
    number: str
    access_code: str
    submitted_at: datetime
    procedure_type: str
    result: str
    processing_days: int | None
    payment: PaymentView | None
    status_url: str
    contact: Contact
    sections: Sequence[CheckSection] = ()
    booked: BookedView | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """`state` as in StatusPage."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SaidFile:
    """A file that came with an answer; `href` is '' for one that nobody is given, and `scan` (waiting, infected) says
    why."""

    name: str
    size: str
    scan: str
    href: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message about an application: `kind` is question, answer or refusal; `department` '' for the resident's own.
    The `text` of an answer may be ''."""

    kind: str
    department: str
    text: str
    at: datetime
    answer_by: datetime | None = None
    files: Sequence[SaidFile] = ()


@dataclass(frozen=True, slots=True)
class AnswerBox:
    """components/answering.html: `action` takes an answer of `most` characters until `until`, which may be `over`.

    `typed` is what was sent and could not stand yet, `wrong` what is wrong with it; `papers` is the control of files.
    """

    action: str
    most: int
    papers: FieldView
    until: datetime | None = None
    over: bool = False
    typed: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class StatusPage:
    """pages/status.html.

    `state`: PAYMENT_PENDING SUBMITTED ACCEPTED CORRECTION_REQUESTED REVIEWING APPROVED REFUSED COMPLETED WITHDRAWN
    EXPIRED. `events` newest first. `withdraw_url` '' where it may not be withdrawn any more. `said`: what the office
    and the resident wrote, newest first; `box` takes an answer, None while nothing is asked; `errors` are of it.
    `answered`: an answer came in a moment ago.
    """

    title: str
    number: str
    state: str
    submitted_at: datetime
    events: Sequence[Event]
    payment: PaymentView | None
    contact: Contact
    receipt_url: str
    withdraw_url: str = ""
    booked: BookedView | None = None
    said: Sequence[Said] = ()
    box: AnswerBox | None = None
    answered: bool = False
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class LookupPage:
    """pages/lookup.html: controls `number` and `access_code`, posted to /applications."""

    errors: Sequence[ErrorLink] = ()
    number: str = ""


# --- the rest --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """pages/error.html. `retry_after` in seconds."""

    status: int
    request_id: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """One case of a kind, as it is asked and with an error."""

    title: str
    plain: FieldView
    wrong: FieldView


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody types, and what it becomes: the answer as people read it, or the words of the error."""

    title: str
    typed: str
    becomes: str


@dataclass(frozen=True, slots=True)
class KindSpecimens:
    """A kind: what it is for, how it looks, what a declaration writes (JSON), which widgets it allows beside its own
    name, and what it makes of what is typed."""

    kind: str
    purpose: str
    look: str
    declare: str
    widgets: Sequence[str]
    accepts: Sequence[Typed]
    refuses: Sequence[Typed]
    specimens: Sequence[Specimen]


@dataclass(frozen=True, slots=True)
class KindsPage:
    """pages/kinds.html"""

    kinds: Sequence[KindSpecimens]


@dataclass(frozen=True, slots=True)
class WithheldPage:
    """pages/withheld.html, 409: a file nobody is given. `scan`: waiting, infected."""

    scan: str
    name: str
    back_url: str
