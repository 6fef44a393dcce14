"""After a visit was filed: where each application is, and the receipt for the resident."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from server.applications import messages, office
from server.applications.messages import Audience
from server.applications.office import Whereabouts
from server.counter import visits
from server.people import staff as accounts
from server.store.database import Reading, Writing
from server.web.badge import Desk, desk, staff
from server.web.counter.visiting import HERE, found_visit
from server.web.http import page, see_other, services
from server.web.office.words import STATE_WORDS
from server.web.routing import Access, route


@dataclass(frozen=True, slots=True)
class Said:
    """What an office asks the window, or is answered."""

    text: str
    who: str
    at: datetime
    ours: bool


@dataclass(frozen=True, slots=True)
class FiledForm:
    """An application of a visit that was filed."""

    title: str
    number: str
    code: str
    department: str
    state: str
    fee: int
    submitted_at: datetime
    href: str
    said: Sequence[Said]


@dataclass(frozen=True, slots=True)
class FiledPage:
    """staff/counter_filed.html, and staff/counter_receipt.html, which is printed for the resident."""

    desk: Desk
    base: str
    filed_at: datetime
    clerk: str
    forms: Sequence[FiledForm]
    total: int
    status_url: str


async def filed(request: Request) -> Response:
    """Each application's department, state, and what its office asks the window."""
    return await _bundle(request, "staff/counter_filed.html", "visit.view")


async def receipt(request: Request) -> Response:
    """The receipt numbers and access codes, to be printed and handed to the resident."""
    return await _bundle(request, "staff/counter_receipt.html", "visit.receipt")


async def _bundle(request: Request, template: str, action: str) -> Response:
    visit = await found_visit(request)
    if isinstance(visit, Response):
        return visit
    if visit.state != visits.FILED:
        return see_other(f"{HERE}/{visit.id}")
    of, who = services(request), staff(request)

    def work(db: Writing) -> FiledPage:
        db.audit(action, visit.id, actor=who.actor)
        found = office.whereabouts(db, [application_id for _, application_id in visits.bundle(db, visit.id)])
        forms = [_filed_form(db, request, each) for each in sorted(found, key=lambda each: each.number)]
        return FiledPage(
            desk(request),
            f"{HERE}/{visit.id}",
            forms[0].submitted_at if forms else visit.saved_at,
            accounts.name_of(db, of.keys, visit.staff_id),
            forms,
            sum(form.fee for form in forms),
            f"{of.settings.base_url}/applications",
        )

    return page(request, template, await of.database.transact(work))


def _filed_form(db: Reading, request: Request, found: Whereabouts) -> FiledForm:
    of, served = services(request), services(request).catalogue.get(found.slug)
    return FiledForm(
        served.declaration.title if served else found.slug,
        found.number,
        of.keys.access_code(found.application_id),
        found.department,
        STATE_WORDS[found.state],
        found.fee,
        found.submitted_at,
        f"/office/applications/{found.number}",
        list(_said(db, request, found.application_id)),
    )


def _said(db: Reading, request: Request, application_id: str) -> Iterator[Said]:
    of = services(request)
    for each in messages.of(db, of.keys, application_id):
        if each.audience is Audience.COUNTER:
            yield Said(
                each.text, accounts.name_of(db, of.keys, each.staff_id), each.at, each.kind is messages.Kind.ANSWER
            )


ROUTES = [
    route(HERE + "/{visit:uuid}/filed", filed, access=Access.STAFF),
    route(HERE + "/{visit:uuid}/receipt", receipt, access=Access.STAFF),
]
