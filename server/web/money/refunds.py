"""Giving a fee back: what came for an application, asking for some of it, and handing that over at the till."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.applications import refunding
from server.applications.receipts import read_number
from server.applications.refunding import LONGEST_REASON, Sheet, Unfit
from server.money import refunds
from server.notices.worker import deliver_at_once
from server.people.roles import Action, departments
from server.store.database import Writing
from server.web.badge import Desk, absent, desk, forbidden, refused, staff
from server.web.contexts import ErrorLink, Link
from server.web.http import last, page, read_form, see_other, services
from server.web.money.till import WAYS, refund_url, yen
from server.web.office.words import STATE_WORDS
from server.web.routing import Access, route

HERE: Final = "/office/till/refund"


@dataclass(frozen=True, slots=True)
class RefundForm:
    """What was typed for one payment, and what is wrong with it."""

    payment: str
    amount: str
    reason: str
    errors: Sequence[ErrorLink]


@dataclass(frozen=True, slots=True)
class RefundPage:
    """staff/refund.html. `number` as it was typed; `sheet` None where no application was asked for, or there is none.
    `form` is what could not stand. `ways` are what `Returnable.way` is called. `case_url` '' for whoever sees no cases.
    `most`: characters of a reason."""

    desk: Desk
    number: str
    sheet: Sheet | None
    title: str
    state: str
    ways: Mapping[str, str]
    action: str
    hand_url: str
    case_url: str
    most: int = LONGEST_REASON
    form: RefundForm | None = None
    errors: Sequence[ErrorLink] = ()


async def asked(request: Request) -> Response:
    """What came for an application, and what became of it."""
    return await _shown(request, request.query_params.get("number", "").strip()[:40])


async def _shown(request: Request, number: str, form: RefundForm | None = None) -> Response:
    of, who = services(request), staff(request)
    if not departments(who.held, Action.ASK_REFUND):
        return forbidden(request)
    found = await of.database.read(lambda db: refunding.sheet(db, who, number, now=of.clock())) if number else None
    errors = list(form.errors) if form is not None else []
    if number and found is None:
        told = "その受付番号の申請はないか、あなたの課のものではありません。番号を確かめてください"
        errors = [ErrorLink("#f-number", "受付番号", told)]
    served = of.catalogue.get(found.slug) if found is not None else None
    sees = found is not None and who.may(Action.OPEN, found.department)
    context = RefundPage(
        desk=desk(request),
        number=found.number if found is not None else number,
        sheet=found,
        title=served.declaration.title if served else found.slug if found is not None else "",
        state=STATE_WORDS[found.state] if found is not None else "",
        ways=WAYS,
        action=HERE,
        hand_url=f"{HERE}/handed-over",
        case_url=f"/office/applications/{found.number}" if found is not None and sees else "",
        form=form,
        errors=errors,
    )
    return page(request, "staff/refund.html", context, status=422 if errors else 200)


async def ask(request: Request) -> Response:
    """Ask for money to be given back: another person allows it."""
    of, who, now = services(request), staff(request), services(request).clock()
    posted = await read_form(request)
    number, payment, typed, reason = (last(posted, name) for name in ("number", "payment", "amount", "reason"))

    def work(db: Writing) -> str | Unfit:
        return refunding.ask(db, of.keys, who, payment, yen(typed), reason, now=now, random=of.random)

    made = await of.database.transact(work)
    if made is Unfit.UNKNOWN:
        return absent(request)
    if made is Unfit.WAITING:
        advice = "この支払いの返金は、もう頼まれています。ほかの人が認めると、返されます。"
        return refused(request, 409, "もう頼まれています", advice, Link("承認待ちを見る", "/office/proposals"))
    if isinstance(made, Unfit):
        wrong = [_wrong(made, payment)]
        return await _shown(request, number[:40], RefundForm(payment, typed[:12], reason[: LONGEST_REASON * 2], wrong))
    return see_other("/office/proposals")


def _wrong(why: Unfit, payment: str) -> ErrorLink:
    if why is Unfit.AMOUNT:
        told = "返す金額を、1円から「まだ返せる金額」までの数字で入力してください"
        return ErrorLink(f"#f-{payment}-amount", "返す金額", told)
    told = f"返す理由を、1文字から{LONGEST_REASON}文字で入力してください"
    return ErrorLink(f"#f-{payment}-reason", "返す理由", told)


async def hand_over(request: Request) -> Response:
    """Write down that what was decided was handed over at the till. Pressed twice, it was handed over once."""
    of, who, now = services(request), staff(request), services(request).clock()
    posted = await read_form(request)
    number, which = (last(posted, name) for name in ("number", "refund"))
    found = await of.database.read(lambda db: refunds.refund(db, which))
    if found is None or not found.at_till or not who.may(Action.TAKE_MONEY, found.place):
        return absent(request)

    def work(db: Writing) -> bool:
        return refunds.handed_over(db, which, actor=who.actor, returned=of.teller.refunded, now=now)

    if await of.database.transact(work) and of.mailer is not None:
        await deliver_at_once(of.database, of.mailer, now)
    return see_other(refund_url(read_number(number) or ""))


ROUTES = [
    route(HERE, asked, access=Access.STAFF),
    route(HERE, ask, methods=("POST",), access=Access.STAFF),
    route(f"{HERE}/handed-over", hand_over, methods=("POST",), access=Access.STAFF),
]
