"""The till of a visit: one sum for all its fees, in cash, by the city's terminal, or by the resident's telephone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from payments.port import ProviderUnavailable
from server.applications import proposals
from server.applications.messages import plain_text
from server.applications.refunding import LONGEST_REASON
from server.counter import paylink
from server.counter.qr import drawn
from server.counter.till import Owed, Together, owed
from server.money import till
from server.money.debts import Debt, Item, debts_by_id
from server.money.refunds import refunds_of, returnable_of
from server.money.together import ask_after, make_room
from server.notices.worker import deliver_at_once
from server.people import staff as accounts
from server.people.factors import Qr
from server.people.roles import TWO_PEOPLE, Action
from server.store import tables as t
from server.store.database import Reading, Writing
from server.web.badge import Desk, absent, desk, refused, staff
from server.web.contexts import ErrorLink, Link
from server.web.http import last, page, read_form, see_other, services
from server.web.office.words import PAYMENT_WORDS
from server.web.routing import Access, route

WAYS: Final[Mapping[str, str]] = {
    "cash": "現金",
    "terminal": "市の決済端末",
    "stripe": "オンライン(Stripe)",
    "sandbox": "オンライン(試験)",
}
"""How money came, as the staff calls it."""
_VISIT: Final = t.visit.select().with_only_columns(t.visit.c.id, t.visit.c.department, t.visit.c.state)


@dataclass(frozen=True, slots=True)
class TillLine:
    """A fee: of which application, for what, and how it stands. `payable`: it is part of the sum."""

    number: str
    title: str
    items: Sequence[Item]
    amount: int
    state: str
    payable: bool


@dataclass(frozen=True, slots=True)
class TillPage:
    """staff/till.html: what a visit owes. `standing` as in `Together`. `qr`, `link`: for the resident's telephone, None
    and '' where nothing is owed or payments are off. `receipts` lead to what was taken; `taken`: what was typed.
    `changed`: another sum is owed than the clerk saw a moment ago. `away`: the provider does not answer."""

    desk: Desk
    lines: Sequence[TillLine]
    total: int
    standing: str
    pay_url: str
    ask_url: str
    back_url: str
    link: str
    qr: Qr | None
    receipts: Sequence[Link]
    taken: str = ""
    changed: bool = False
    away: bool = False
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A fee on a receipt."""

    number: str
    title: str
    quantity: int
    unit: str
    amount: int


@dataclass(frozen=True, slots=True)
class ReceiptRefund:
    """What was given back of a fee on a receipt; `at` None: it was decided, and is not fetched yet."""

    number: str
    amount: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class TillReceiptPage:
    """staff/till_receipt.html: to be printed. `void_url` takes a form of `most` characters, '' for whoever may not ask
    to take it back, and where something of it is given back; `refund_urls` lead to asking for that, one a fee."""

    desk: Desk
    number: str
    department: str
    kind: str
    lines: Sequence[ReceiptLine]
    amount: int
    taken: int
    change: int
    by: str
    at: datetime
    voided_at: datetime | None
    back_url: str
    void_url: str
    refunds: Sequence[ReceiptRefund] = ()
    refund_urls: Sequence[Link] = ()
    most: int = LONGEST_REASON
    reason: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class _Visit:
    id: str
    department: str

    @property
    def here(self) -> str:
        return f"/counter/{self.id}/pay"


async def _visit(request: Request) -> _Visit | None:
    """The visit of the address, for those who take money at its department."""
    asked = _VISIT.where(t.visit.c.id == request.path_params["visit"].hex)
    row = await services(request).database.read(lambda db: db.one(asked))
    if row is None or not staff(request).may(Action.TAKE_MONEY, row.department):
        return None
    return _Visit(row.id, row.department)


async def pay(request: Request) -> Response:
    """What is owed, and the ways to pay it."""
    visit = await _visit(request)
    return absent(request) if visit is None else await _pay(request, visit)


async def _pay(request: Request, visit: _Visit, *, status: int = 200, **more: Any) -> Response:
    of, now = services(request), services(request).clock()
    due, taken = await of.database.read(lambda db: (owed(db, visit.id), till.of_visit(db, visit.id)))
    link = ""
    if of.gateway is not None and due.lines and due.standing is not Together.PAID:
        link = f"{of.settings.base_url}/pay/{paylink.made(of.keys, visit.id, now=now)}"
    context = TillPage(
        desk=desk(request),
        lines=_lines(request, due),
        total=due.total,
        standing=due.standing.value,
        pay_url=visit.here,
        ask_url=f"{visit.here}/ask",
        back_url=f"/counter/{visit.id}/filed",
        link=link,
        qr=drawn(link) if link else None,
        receipts=[Link(each.number, f"/counter/receipts/{each.number}") for each in taken if not each.voided_at],
        **more,
    )
    return page(request, "staff/till.html", context, status=status)


def _lines(request: Request, due: Owed) -> list[TillLine]:
    catalogue = services(request).catalogue
    lines = []
    for each in due.lines:
        served, debt = catalogue.get(each.debt.slug), each.debt
        title = served.declaration.title if served else debt.slug
        words = PAYMENT_WORDS[debt.state.value]
        lines.append(TillLine(debt.receipt_number, title, debt.items, debt.amount, words, each.payable))
    return lines


async def take(request: Request) -> Response:
    """Write down what was handed over: one record for all of it."""
    of, who, visit = services(request), staff(request), await _visit(request)
    if visit is None:
        return absent(request)
    posted = await read_form(request)
    kind, typed, expected = (last(posted, name) for name in ("kind", "taken", "expected"))
    if kind not in set(till.Kind):
        return await _pay(request, visit, status=422, taken=typed[:12], errors=[_short("払い方を選んでください")])
    await _stop_elsewhere(request, visit)
    now = of.clock()

    def work(db: Writing) -> till.Taken | till.Changed | till.Short:
        return till.take(
            db,
            owed(db, visit.id).debts,
            yen(expected),
            till.Kind(kind),
            yen(typed),
            visit_id=visit.id,
            department=visit.department,
            staff_id=who.id,
            paid=lambda db, application_id, at: of.teller.paid(db, application_id, at, who.actor),
            now=now,
            random=of.random,
        )

    done = await of.database.transact(work)
    if isinstance(done, till.Taken):
        if of.mailer is not None:
            await deliver_at_once(of.database, of.mailer, now)
        return see_other(f"/counter/receipts/{done.number}")
    if isinstance(done, till.Short):
        wrong = [_short("受け取った金額が足りないか、正しくありません")]
        return await _pay(request, visit, status=422, taken=typed[:12], errors=wrong)
    return await _pay(request, visit, status=409, taken=typed[:12], changed=True)


def _short(told: str) -> ErrorLink:
    return ErrorLink("#f-taken", "受け取った金額", told)


def yen(typed: str) -> int:
    """-1 for what is no sum."""
    plain = typed.translate(_DIGITS).replace(",", "").strip().removesuffix("円")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= 9 else -1


_DIGITS: Final = str.maketrans("\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0c", "0123456789,")


async def _stop_elsewhere(request: Request, visit: _Visit) -> bool:
    """Close what is open on a telephone before money is taken here. A provider that is away does not keep anybody from
    paying in cash: what comes there all the same is found as surplus."""
    of = services(request)
    cashier = of.cashier
    if cashier is None:
        return True
    debts = await of.database.read(lambda db: owed(db, visit.id).debts)
    try:
        await make_room(cashier, debts, wholly=True)
    except ProviderUnavailable:
        return False
    return True


async def ask(request: Request) -> Response:
    """Ask the provider whether the telephone's money has come: an event may be late."""
    of, visit = services(request), await _visit(request)
    if visit is None:
        return absent(request)
    if of.cashier is not None:
        debts = await of.database.read(lambda db: [each.debt.id for each in owed(db, visit.id).lines])
        try:
            await ask_after(of.cashier, debts)
        except ProviderUnavailable:
            return await _pay(request, visit, status=503, away=True)
    return see_other(visit.here)


# --- the receipt ------------------------------------------------------------------------------------------------------


async def receipt(request: Request) -> Response:
    """A receipt, for those who take money at its department."""
    return await _receipt(request)


async def _receipt(request: Request, *, reason: str = "", wrong: str = "") -> Response:
    of, number = services(request), request.path_params["number"]
    found = await of.database.read(lambda db: till.receipt(db, number))
    if found is None or not staff(request).may(Action.TAKE_MONEY, found.department):
        return absent(request)

    def work(db: Reading) -> tuple[list[ReceiptLine], list[ReceiptRefund], str]:
        debts = debts_by_id(db, found.debts)
        lines = [
            ReceiptLine(debt.receipt_number, item.title, item.quantity, item.unit, item.amount)
            for debt in debts
            for item in debt.items
        ]
        by = accounts.account(db, of.keys, found.staff_id)
        return lines, _given_back(db, found, debts), by.name if by else ""

    lines, given, by = await of.database.read(work)
    may_ask = found.voided_at is None and staff(request).may(TWO_PEOPLE["till.void"].ask, found.department)
    numbers = dict.fromkeys(each.number for each in lines) if may_ask else ()
    context = TillReceiptPage(
        desk=desk(request),
        number=found.number,
        department=found.department,
        kind=WAYS[found.kind.value],
        lines=lines,
        amount=found.amount,
        taken=found.taken,
        change=found.change,
        by=by,
        at=found.taken_at,
        voided_at=found.voided_at,
        back_url=f"/counter/{found.visit_id}/pay" if found.visit_id else "/office",
        void_url=f"/counter/receipts/{found.number}/void" if may_ask and not given else "",
        refunds=given,
        refund_urls=[Link(each, refund_url(each)) for each in numbers],
        reason=reason,
        errors=[ErrorLink("#f-reason", "取り消す理由", wrong)] if wrong else [],
    )
    return page(request, "staff/till_receipt.html", context, status=422 if wrong else 200)


def _given_back(db: Reading, found: till.Receipt, debts: Sequence[Debt]) -> list[ReceiptRefund]:
    """Of the payments of this receipt; one of the same fees may have been paid another time too."""
    return [
        ReceiptRefund(debt.receipt_number, each.amount, each.done_at)
        for debt in debts
        for money in returnable_of(db, debt.application_id)
        if money.number == found.number
        for each in refunds_of(db, money.payment_id)
    ]


def refund_url(number: str) -> str:
    """Where the refund of an application's fee is asked for."""
    return f"/office/till/refund?number={number}"


async def void(request: Request) -> Response:
    """Ask for a mistaken record to be taken back: another person allows it."""
    of, who, number = services(request), staff(request), request.path_params["number"]
    found = await of.database.read(lambda db: till.receipt(db, number))
    if found is None or found.voided_at or not who.may(TWO_PEOPLE["till.void"].ask, found.department):
        return absent(request)
    typed = last(await read_form(request), "reason")
    reason = plain_text(typed)
    if reason is None or len(reason) > LONGEST_REASON:
        wrong = f"取り消す理由を、1文字から{LONGEST_REASON}文字で入力してください"
        return await _receipt(request, reason=typed[: LONGEST_REASON * 2], wrong=wrong)
    detail = {"receipt": found.number, "amount": str(found.amount), "reason": reason, "bundle": found.bundle_id}
    made = await of.database.transact(
        lambda db: proposals.propose(
            db,
            of.keys,
            "till.void",
            found.bundle_id,
            found.department,
            who,
            detail,
            now=of.clock(),
            random=of.random,
        )
    )
    if made is proposals.Unmet.WAITING:
        advice = "この記録の取消しは、もう頼まれています。ほかの人が認めると、取り消されます。"
        return refused(request, 409, "もう頼まれています", advice, Link("承認待ちを見る", "/office/proposals"))
    return see_other("/office/proposals")


ROUTES = [
    route("/counter/receipts/{number}", receipt, access=Access.STAFF),
    route("/counter/receipts/{number}/void", void, methods=("POST",), access=Access.STAFF),
    route("/counter/{visit:uuid}/pay", pay, access=Access.STAFF),
    route("/counter/{visit:uuid}/pay", take, methods=("POST",), access=Access.STAFF),
    route("/counter/{visit:uuid}/pay/ask", ask, methods=("POST",), access=Access.STAFF),
]
