"""After submitting: the receipt, the status with or without an account, and a resident's own page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from procedures.declaration import Declaration
from server.applications import lookup, summary
from server.applications.lookup import Application, TooMany
from server.applications.mine import Mine, of_resident
from server.japan import today
from server.people.sessions import grant, open_session
from server.store.database import Reading, Writing
from server.web.contexts import (
    CheckRow,
    CheckSection,
    Contact,
    ErrorLink,
    Event,
    LookupPage,
    PaymentView,
    ReceiptPage,
    StatusPage,
)
from server.web.http import client, page, problem, read_form, see_other, services, set_session, visitor
from server.web.lost import not_there
from server.web.public import contact
from server.web.routing import Access, route


async def ask(request: Request) -> Response:
    """Where number and access code are typed."""
    return page(request, "pages/lookup.html", LookupPage())


async def look_up(request: Request) -> Response:
    """Open an application by its number and access code; the session may see it from then on."""
    of, who = services(request), visitor(request)
    posted = await read_form(request)
    number, code = ((posted.get(name) or [""])[-1] for name in ("number", "access_code"))
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
        told = "受付番号か確認コードが違います。受付の控えを見て、もう一度入力してください。"
        wrong = ErrorLink("#f-number", "受付番号", told)
        return page(request, "pages/lookup.html", LookupPage([wrong], number[:40]), status=422)
    response = see_other(f"/applications/{found.receipt_number}")
    if token is not None:
        set_session(request, response, token)
    return response


async def _found(request: Request) -> tuple[Application, Declaration] | Response:
    of, who, number = services(request), visitor(request), request.path_params["number"]
    found = await of.database.read(lambda db: lookup.find(db, number, who))
    if found is None:
        return await not_there(request)
    return found, await of.catalogue.declaration(found.digest, found.slug)


async def status(request: Request) -> Response:
    """How far an application has come."""
    opened = await _found(request)
    if isinstance(opened, Response):
        return opened
    application, declaration = opened
    context = StatusPage(
        title=declaration.title,
        number=application.receipt_number,
        state=application.state.value,
        submitted_at=application.submitted_at,
        events=[Event(each.state.value, each.at) for each in reversed(application.events)],
        payment=_payment(application),
        contact=_contact(request, application),
        receipt_url=f"/applications/{application.receipt_number}/receipt",
    )
    return page(request, "pages/status.html", context)


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
        status_url=f"/applications/{application.receipt_number}",
        contact=_contact(request, application),
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
    return PaymentView(debt.state.value, debt.amount, f"/payments/{debt.id}" if debt.payable else "", debt.pay_until)


def _contact(request: Request, application: Application) -> Contact:
    return contact(services(request).city, application.department)


@dataclass(frozen=True, slots=True)
class MyLine:
    """A draft or an application on a resident's page."""

    title: str
    href: str
    state: str
    at: Any


@dataclass(frozen=True, slots=True)
class MyPage:
    """pages/my.html: newest first."""

    name: str
    level: str
    drafts: Sequence[MyLine]
    applications: Sequence[MyLine]


async def my(request: Request) -> Response:
    """What a signed-in resident has begun and filed."""
    of, who = services(request), visitor(request)
    if who.resident is None:
        return problem(request, 404)
    resident_id, now = who.resident.id, of.clock()

    def work(db: Reading) -> Mine:
        return of_resident(db, resident_id, now=now)

    mine = await of.database.read(work, long=True)
    titles = {p.declaration.slug: p.declaration.title for p in of.catalogue.all()}
    context = MyPage(
        name=who.name,
        level=who.level.value,
        drafts=list(_drafts(mine, titles)),
        applications=list(_applications(mine, titles)),
    )
    return page(request, "pages/my.html", context)


def _drafts(mine: Mine, titles: Mapping[str, str]) -> Iterator[MyLine]:
    for each in mine.drafts:
        yield MyLine(titles.get(each.slug, each.slug), f"/drafts/{each.id}/1", "", each.saved_at)


def _applications(mine: Mine, titles: Mapping[str, str]) -> Iterator[MyLine]:
    for each in mine.applications:
        href = f"/applications/{each.receipt_number}"
        yield MyLine(titles.get(each.slug, each.slug), href, each.state.value, each.submitted_at)


ROUTES = [
    route("/applications", ask, access=Access.VISITOR),
    route("/applications", look_up, methods=("POST",), access=Access.VISITOR),
    route("/applications/{number}", status, access=Access.APPLICATION),
    route("/applications/{number}/receipt", receipt, access=Access.APPLICATION),
    route("/my", my, access=Access.RESIDENT),
]
