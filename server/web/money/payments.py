"""Paying a fee: what is owed, the way to the provider, and the provider's own word coming back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payments.port import PaymentConflict, ProviderUnavailable, Refusal, Uncollectable
from server.money.checkout import Cashier, hear, start_checkout
from server.money.debts import Debt, Item, debt_for
from server.money.states import Standing
from server.web.http import page, problem, see_other, services, visitor
from server.web.residents.opened import spoken
from server.web.routing import Access, route

WEBHOOK_BODY: Final = 64 << 10
RETRY_SECONDS: Final = 60
"""What Retry-After says when the provider is away."""


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """pages/payment.html.

    `state` as of `PaymentState`. `title` is the procedure's. `go_url` is our own GET that leads to the provider, ''
    where there is nothing to pay (any more), no time, or payments are off. `pay_until`: what was promised must come by
    then; `due_at`: what is owed must. `unclear`: money came that a person looks into. `lapsed`: the deadline passed and
    the application ended; `again_url` leads to filing it anew. `late`: the deadline passed just now. `returned` yen
    were given back. `trouble`: why the
    way to the provider was closed a moment ago: '', 'away', or 'sum' (no way to pay takes this sum).
    """

    title: str
    number: str
    items: Sequence[Item]
    amount: int
    state: str
    due_at: datetime | None
    pay_until: datetime | None
    paid_at: datetime | None
    here: str
    go_url: str
    status_url: str
    unclear: bool = False
    lapsed: bool = False
    again_url: str = ""
    late: bool = False
    trouble: str = ""
    returned: int = 0


def cashier(request: Request) -> Cashier | None:
    """Where fees are paid; None when payments are off."""
    return services(request).cashier


async def payment(request: Request) -> Response:
    """Also where the provider sends the payer back to: coming here marks nothing."""
    debt = await _debt(request)
    return problem(request, 404) if debt is None else await _shown(request, debt)


async def _shown(request: Request, debt: Debt, *, trouble: str = "", status: int = 200) -> Response:
    of = services(request)
    declaration = await spoken(request, debt.version, debt.slug)
    view = _page(debt, declaration.title, cashier(request) is not None, of.clock(), trouble)
    wait = {"retry-after": str(RETRY_SECONDS)} if status == 503 else None
    return page(request, "pages/payment.html", view, status=status, headers=wait)


async def go(request: Request) -> Response:
    """A link, not a form: a browser does not follow a form's answer off our origin."""
    debt, desk = await _debt(request), cashier(request)
    if debt is None or desk is None:
        return problem(request, 404)
    back = f"{services(request).settings.base_url}{_here(debt)}"
    try:
        checkout = await start_checkout(desk, debt, back)
    except (ProviderUnavailable, PaymentConflict):
        return await _shown(request, debt, trouble="away", status=503)
    except Uncollectable:
        return await _shown(request, debt, trouble="sum", status=409)
    return see_other(checkout.url if checkout else _here(debt))


async def webhook(request: Request) -> Response:
    """200 for all that is truly the provider's word, so that it stops telling us; 400 for all else. 503 where its word
    is only a hint and it does not answer our question: it tells us again."""
    desk = cashier(request)
    if desk is None or desk.gateway.name != request.path_params["provider"]:
        return problem(request, 404)
    signature = request.headers.get(desk.gateway.signature_header, "")
    try:
        heard = await hear(desk, await request.body(), signature)
    except ProviderUnavailable:
        return problem(request, 503, retry_after=RETRY_SECONDS)
    if isinstance(heard, Refusal):
        return problem(request, 400, code=f"EVENT_{heard.name}")
    return JSONResponse({"received": type(heard).__name__.lower()})


async def _debt(request: Request) -> Debt | None:
    debt_id, who = request.path_params["id"], visitor(request)
    return await services(request).database.read(lambda db: debt_for(db, debt_id, who))


def _page(debt: Debt, title: str, online: bool, now: datetime, trouble: str) -> PaymentPage:
    late = debt.payable and not debt.pay_until and debt.due_at is not None and now > debt.due_at
    return PaymentPage(
        title=title,
        number=debt.receipt_number,
        items=debt.items,
        amount=debt.amount,
        state=debt.state.value,
        due_at=debt.due_at if debt.payable else None,
        pay_until=debt.pay_until,
        paid_at=debt.paid_at,
        here=_here(debt),
        go_url=f"{_here(debt)}/go" if debt.payable and online and not late else "",
        status_url=f"/applications/{debt.receipt_number}",
        unclear=debt.standing is Standing.UNCLEAR,
        lapsed=debt.lapsed,
        again_url=f"/procedures/{debt.slug}" if debt.lapsed else "",
        late=late,
        trouble=trouble,
        returned=debt.returned,
    )


def _here(debt: Debt) -> str:
    return f"/payments/{debt.id}"


ROUTES = [
    route("/payments/{id}", payment, access=Access.APPLICATION),
    route("/payments/{id}/go", go, access=Access.APPLICATION),
    route("/payments/webhook/{provider}", webhook, methods=("POST",), access=Access.SIGNED, body=WEBHOOK_BODY),
]
