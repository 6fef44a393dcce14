"""After submitting: the receipt, the status with or without an account, and taking an application back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from forms_schema import Posted
from procedures.declaration import Declaration
from server.applications import casework, lookup, messages, summary, uploads, withdrawal
from server.applications.history import actor
from server.applications.intake import sender
from server.applications.lookup import Application, TooMany
from server.applications.messages import Audience, Message
from server.applications.seats import calendar_file
from server.applications.states import ResidentState
from server.japan import today
from server.money.states import PaymentState
from server.notices.worker import deliver_at_once
from server.people.sessions import Visitor, grant, open_session
from server.store import StoreUnavailable
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.web.contexts import (
    AnswerBox,
    BookedView,
    CheckRow,
    CheckSection,
    Contact,
    ErrorLink,
    Event,
    LookupPage,
    PaymentView,
    ReceiptPage,
    Said,
    SaidFile,
    StatusPage,
)
from server.web.http import (
    RETRY_SECONDS,
    PostedFile,
    client,
    form_with_files,
    language,
    last,
    page,
    problem,
    read_form,
    see_other,
    services,
    set_session,
    visitor,
)
from server.web.lost import not_there
from server.web.public.guides import contact
from server.web.residents import added
from server.web.residents.drafts import FORM_WITH_FILES, UNSAVED
from server.web.residents.files import given
from server.web.residents.opened import spoken
from server.web.residents.steps import kilobytes
from server.web.routing import Access, route


async def ask(request: Request) -> Response:
    """Where number and access code are typed."""
    return page(request, "pages/lookup.html", LookupPage())


async def look_up(request: Request) -> Response:
    """Open an application by its number and access code; the session may see it from then on."""
    of, who = services(request), visitor(request)
    posted = await read_form(request)
    number, code = (last(posted, name) for name in ("number", "access_code"))
    now, place = of.clock(), client(request)

    def work(db: Writing) -> tuple[Application | TooMany | None, str | None]:
        found = lookup.by_code(db, of.keys, number, code, who, place=place, now=now)
        if who.session_id is not None or not isinstance(found, Application):
            return found, None
        token, session_id = open_session(db, now=now, random=of.random)  # a wrong code opens none
        grant(db, session_id, found.id, False)
        return found, token

    found, token = await of.database.transact(work)
    if isinstance(found, TooMany):
        return problem(request, 429, retry_after=found.seconds)
    if found is None:
        _ = language(request).say
        told = _("受付番号か確認コードが違います。受付の控えを見て、もう一度入力してください。")
        wrong = ErrorLink("#f-number", _("受付番号"), told)
        return page(request, "pages/lookup.html", LookupPage([wrong], number[:40]), status=422)
    response = see_other(_status_url(found))
    if token is not None:
        set_session(request, response, token)
    return response


async def _found(request: Request) -> tuple[Application, Declaration] | Response:
    of, who, number = services(request), visitor(request), request.path_params["number"]
    found = await of.database.read(lambda db: lookup.find(db, number, who))
    if found is None:
        return await not_there(request)
    return found, await spoken(request, found.digest, found.slug)


async def status(request: Request) -> Response:
    """How far an application has come, and what the office says of it. Reading that is audited."""
    opened = await _found(request)
    return opened if isinstance(opened, Response) else await _status(request, *opened)


async def _status(
    request: Request, application: Application, declaration: Declaration, sent: _Sent | None = None
) -> Response:
    of, who, here = services(request), visitor(request), _status_url(application)
    asked = application.state is ResidentState.CORRECTION_REQUESTED
    said, files, pending = await of.database.read(lambda db: _correspondence(db, of.keys, application.id))
    if said:
        await of.database.transact(lambda db: db.audit("application.messages", application.id, actor=actor(who)))
    box = _box(request, here, said, pending, sent) if asked else None
    errors = _errors(request, box)
    context = StatusPage(
        title=declaration.title,
        number=application.receipt_number,
        state=application.state.value,
        submitted_at=application.submitted_at,
        events=[Event(each.state.value, each.at) for each in reversed(application.events)],
        payment=_payment(application),
        contact=_contact(request, application),
        receipt_url=f"{here}/receipt",
        booked=_booked(request, application),
        withdraw_url="" if _closed(application, who) else f"{here}/withdraw",
        said=[_said(each, files, here) for each in reversed(said)],
        box=box,
        answered=not asked and request.query_params.get("answered") == "1",
        errors=errors,
    )
    response = page(request, "pages/status.html", context, status=sent.status if sent and errors else 200)
    if response.status_code == 503:
        response.headers["retry-after"] = str(RETRY_SECONDS)
    return response


def _correspondence(
    db: Reading, keys: Keys, application_id: str
) -> tuple[list[Message], Sequence[uploads.Upload], Sequence[uploads.Upload]]:
    """What the resident may read, the application's files, and those of an answer that is not sent yet."""
    said = messages.theirs(messages.of(db, keys, application_id))
    files = uploads.of(db, keys, "application", application_id) if said else ()
    return said, files, uploads.of(db, keys, *uploads.pending(application_id)) if said else ()


def _said(each: Message, files: Sequence[uploads.Upload], here: str) -> Said:
    with_it = [
        SaidFile(
            file.name, kilobytes(file.size), file.scan, _file_url(here, file) if file.scan == uploads.CLEAN else ""
        )
        for file in messages.files_of(each, files)
    ]
    return Said(each.kind.value, each.department, each.text, each.at, each.answer_by, with_it)


def _file_url(here: str, file: uploads.Upload) -> str:
    return f"{here}/files/{file.id}"


# --- answering ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sent:
    """An answer that is not sent yet: what was typed, and what is wrong with it and with its files."""

    typed: str
    wrong: str = ""
    papers: str = ""
    status: int = 422


def _box(
    request: Request, here: str, said: Sequence[Message], pending: Sequence[uploads.Upload], sent: _Sent | None
) -> AnswerBox:
    question = messages.unanswered(said, Audience.RESIDENT)
    until = question.answer_by if question else None
    return AnswerBox(
        action=f"{here}/answer",
        most=messages.LONGEST,
        papers=added.box(pending, here, language(request), sent.papers if sent else ""),
        until=until,
        over=until is not None and until < services(request).clock(),
        typed=sent.typed[: messages.LONGEST * 2] if sent else "",
        wrong=sent.wrong if sent else "",
    )


def _errors(request: Request, box: AnswerBox | None) -> list[ErrorLink]:
    if box is None:
        return []
    found = [ErrorLink("#f-answer", language(request).say("答え"), box.wrong)] if box.wrong else []
    return found + ([ErrorLink(f"#{box.papers.id}", box.papers.label, box.papers.error)] if box.papers.error else [])


async def answer(request: Request) -> Response:
    """What the resident answers to the office. What was filed stays as it was: the answer stands beside it."""
    opened = await _found(request)
    if isinstance(opened, Response):
        return opened
    async with form_with_files(request) as (posted, files):
        try:
            return await _answered(request, *opened, posted, files)
        except StoreUnavailable:  # no room for files: what was typed comes back, where the page can still be read
            sent = _Sent(last(posted, "answer"), papers=language(request).say(UNSAVED), status=503)
    return await _status(request, *opened, sent)


async def _answered(
    request: Request, application: Application, declaration: Declaration, posted: Posted, files: Sequence[PostedFile]
) -> Response:
    of, who, now = services(request), visitor(request), services(request).clock()
    if application.state is not ResidentState.CORRECTION_REQUESTED:
        return see_other(_status_url(application))
    typed, owner = last(posted, "answer"), uploads.pending(application.id)
    verb, what = added.pressed(posted)
    wrong = await added.take(request, files, owner, sender(who, client(request)))
    if verb == "detach":
        await of.database.transact(lambda db: uploads.remove(db, what, *owner))
    if wrong or verb in ("detach", "upload"):
        return await _status(request, application, declaration, _Sent(typed, papers=wrong))

    def work(db: Writing) -> casework.Unfit | bool:
        return casework.answer(db, of.office, application, who, typed, uploads.held(db, of.keys, owner), now=now)

    try:
        done = await of.database.transact(work)
    except messages.FileGone:
        told = added.words(added.INFECTED, language(request))
        return await _status(request, application, declaration, _Sent(typed, papers=told))
    if done is casework.Unfit.TEXT:
        _ = language(request).say
        told = _("答えを2,000文字までで入力するか、書類を添付してください。")
        return await _status(request, application, declaration, _Sent(typed, told))
    return see_other(_status_url(application) + ("?answered=1" if done is True else ""))


async def file(request: Request) -> Response:
    """A file that came with an answer, to be saved. Looking at it is audited."""
    opened = await _found(request)
    if isinstance(opened, Response):
        return opened
    of, by, name = services(request), actor(visitor(request)), request.path_params["file"]
    stored = await of.database.transact(lambda db: messages.look_at_file(db, of.keys, opened[0].id, name, by))
    if stored is None:
        return await not_there(request)
    return await given(request, stored, back=_status_url(opened[0]))


# --- the receipt --------------------------------------------------------------------------------------------------


async def receipt(request: Request) -> Response:
    """The receipt, with the access code for the browser that submitted. Looking at the answers is audited."""
    opened = await _found(request)
    if isinstance(opened, Response):
        return opened
    application, declaration = opened
    of, who = services(request), visitor(request)
    answers = await of.database.transact(lambda db: lookup.answers_of(db, of.keys, application, who))
    settled = declaration.form.settle(answers, today(application.submitted_at))
    context = ReceiptPage(
        title=declaration.title,
        number=application.receipt_number,
        access_code=of.keys.access_code(application.id) if application.submitter else "",
        submitted_at=application.submitted_at,
        procedure_type=declaration.procedure_type.value,
        result=declaration.result.value,
        processing_days=declaration.processing_days,
        payment=_payment(application),
        status_url=_status_url(application),
        contact=_contact(request, application),
        booked=_booked(request, application),
        sections=[
            CheckSection(section.title, [CheckRow(line.label, line.text) for line in section.lines])
            for section in summary.sections(declaration.form, settled, {})
        ],
    )
    return page(request, "pages/receipt.html", context)


def _payment(application: Application) -> PaymentView | None:
    debt = application.payment
    if debt is None:
        return None
    url = f"/payments/{debt.id}" if debt.payable else ""
    return PaymentView(debt.state.value, debt.amount, url, debt.deadline, debt.returned)


def _booked(request: Request, application: Application) -> BookedView | None:
    """The seat that was promised; of a calendar that is gone since, the day and the time alone."""
    seat = application.seat
    if seat is None:
        return None
    calendar = services(request).catalogue.shared.bookings.calendars.get(seat.calendar)
    title, place, bring = (calendar.title, calendar.place, calendar.bring) if calendar else ("", "", ())
    when = language(request).slot(seat.slot, seat.until)
    return BookedView(title, when, place, bring, f"{_status_url(application)}/booking.ics")


async def booking(request: Request) -> Response:
    """What is booked, as a file that every calendar reads."""
    opened = await _found(request)
    if isinstance(opened, Response):
        return opened
    application, declaration = opened
    seat = application.seat
    if seat is None:
        return await not_there(request)
    of = services(request)
    calendar = of.catalogue.shared.bookings.calendars.get(seat.calendar)
    text = calendar_file(
        seat,
        f"{application.id}@{urlsplit(of.settings.base_url).hostname}",
        summary=declaration.title,
        place=calendar.place if calendar else "",
        now=of.clock(),
    )
    named = {"content-disposition": f'attachment; filename="{application.receipt_number}.ics"'}
    return Response(text, media_type="text/calendar", headers=named)


def _contact(request: Request, application: Application) -> Contact:
    return contact(services(request).city, application.department, language(request))


# --- taking it back -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WithdrawPage:
    """pages/withdraw.html. `closed`: '', person (it is not theirs to take back), state (it is too late).

    `reasons` are the values of `Reason`, `state` as in StatusPage. `fee`: '', owed, paid (or money came for it).
    """

    title: str
    number: str
    state: str
    fee: str
    closed: str
    reasons: Sequence[str]
    action: str
    status_url: str
    signin_url: str
    contact: Contact


async def ask_withdrawal(request: Request) -> Response:
    """What a withdrawal means, and the button."""
    opened = await _found(request)
    if isinstance(opened, Response):
        return opened
    application, declaration = opened
    if application.state is ResidentState.WITHDRAWN:
        return see_other(_status_url(application))
    return _withdrawal(request, application, declaration, _closed(application, visitor(request)))


def _closed(application: Application, who: Visitor) -> str:
    if not withdrawal.entitled(application, who):
        return withdrawal.Refused.PERSON.value
    return "" if application.withdrawable else withdrawal.Refused.STATE.value


async def withdraw(request: Request) -> Response:
    """Take the application back. Pressed twice, it leads to the same page."""
    opened = await _found(request)
    if isinstance(opened, Response):
        return opened
    application, declaration = opened
    of, who, now = services(request), visitor(request), services(request).clock()
    said = last(await read_form(request), "reason")
    reason = withdrawal.Reason(said) if said in set(withdrawal.Reason) else withdrawal.Reason.UNSAID
    done = await of.database.transact(
        lambda db: withdrawal.withdraw(
            db,
            of.keys,
            application,
            declaration,
            who,
            reason,
            base_url=of.settings.base_url,
            now=now,
            random=of.random,
        )
    )
    if isinstance(done, withdrawal.Refused):
        status = 403 if done is withdrawal.Refused.PERSON else 409
        return _withdrawal(request, application, declaration, done.value, status=status)
    if of.mailer is not None:
        await deliver_at_once(of.database, of.mailer, now)
    return see_other(_status_url(application))


def _withdrawal(
    request: Request, application: Application, declaration: Declaration, closed: str, *, status: int = 200
) -> Response:
    here = f"{_status_url(application)}/withdraw"
    context = WithdrawPage(
        title=declaration.title,
        number=application.receipt_number,
        state=application.state.value,
        fee=_fee(application),
        closed=closed,
        reasons=[each.value for each in withdrawal.Reason],
        action=here,
        status_url=_status_url(application),
        signin_url="/signin?" + urlencode({"next": here}),
        contact=_contact(request, application),
    )
    return page(request, "pages/withdraw.html", context, status=status)


def _fee(application: Application) -> str:
    debt = application.payment
    if debt is None or debt.state is PaymentState.CANCELLED:
        return ""
    return "owed" if debt.payable else "paid"


def _status_url(application: Application) -> str:
    return f"/applications/{application.receipt_number}"


ROUTES = [
    route("/applications", ask, access=Access.VISITOR),
    route("/applications", look_up, methods=("POST",), access=Access.VISITOR),
    route("/applications/{number}", status, access=Access.APPLICATION),
    route("/applications/{number}/answer", answer, methods=("POST",), access=Access.APPLICATION, body=FORM_WITH_FILES),
    route("/applications/{number}/files/{file}", file, access=Access.APPLICATION),
    route("/applications/{number}/receipt", receipt, access=Access.APPLICATION),
    route("/applications/{number}/booking.ics", booking, access=Access.APPLICATION),
    route("/applications/{number}/withdraw", ask_withdrawal, access=Access.APPLICATION),
    route("/applications/{number}/withdraw", withdraw, methods=("POST",), access=Access.APPLICATION),
]
