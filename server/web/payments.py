"""Paying a fee: what is owed, the way to the provider, and the provider's own word coming back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payments.port import ProviderUnavailable, Refusal
from server.applications.history import paid
from server.money.checkout import Cashier, hear, start_checkout
from server.money.debts import Debt, Item, debt_for
from server.web.http import page, problem, see_other, services, visitor
from server.web.routing import Access, route

WEBHOOK_BODY: Final = 64 << 10
RETRY_SECONDS: Final = 60
"""What Retry-After says when the provider is away."""


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """pages/payment.html.

    `state` as of `PaymentState`. `title` is the procedure's. `go_url` is our own GET that leads to the provider, ''
    where there is nothing to pay (any more) or payments are off.
    """

    title: str
    number: str
    items: Sequence[Item]
    amount: int
    state: str
    pay_until: datetime | None
    paid_at: datetime | None
    here: str
    go_url: str
    status_url: str


def cashier(request: Request) -> Cashier | None:
    """Where fees are paid; None when payments are off."""
    of = services(request)
    return Cashier(of.database, of.gateway, paid, of.clock, of.random) if of.gateway else None


async def payment(request: Request) -> Response:
    """Also where the provider sends the payer back to: coming here marks nothing."""
    debt = await _debt(request)
    if debt is None:
        return problem(request, 404)
    declaration = await services(request).catalogue.declaration(debt.version, debt.slug)
    return page(request, "pages/payment.html", _page(debt, declaration.title, cashier(request) is not None))


async def go(request: Request) -> Response:
    """A link, not a form: a browser does not follow a form's answer off our origin."""
    debt, desk = await _debt(request), cashier(request)
    if debt is None or desk is None:
        return problem(request, 404)
    back = f"{services(request).settings.base_url}{_here(debt)}"
    try:
        checkout = await start_checkout(desk, debt, back)
    except ProviderUnavailable:
        return problem(request, 503, retry_after=RETRY_SECONDS)
    return see_other(checkout.url if checkout else _here(debt))


async def webhook(request: Request) -> Response:
    """200 for all that is truly the provider's word, so that it stops telling us; 400 for all else."""
    desk = cashier(request)
    if desk is None or desk.gateway.name != request.path_params["provider"]:
        return problem(request, 404)
    heard = await hear(desk, await request.body(), request.headers.get(desk.gateway.signature_header, ""))
    if isinstance(heard, Refusal):
        return problem(request, 400, code=f"EVENT_{heard.name}")
    return JSONResponse({"received": type(heard).__name__.lower()})


async def _debt(request: Request) -> Debt | None:
    debt_id, who = request.path_params["id"], visitor(request)
    return await services(request).database.read(lambda db: debt_for(db, debt_id, who))


def _page(debt: Debt, title: str, online: bool) -> PaymentPage:
    return PaymentPage(
        title=title,
        number=debt.receipt_number,
        items=debt.items,
        amount=debt.amount,
        state=debt.state.value,
        pay_until=debt.pay_until,
        paid_at=debt.paid_at,
        here=_here(debt),
        go_url=f"{_here(debt)}/go" if debt.payable and online else "",
        status_url=f"/applications/{debt.receipt_number}",
    )


def _here(debt: Debt) -> str:
    return f"/payments/{debt.id}"


ROUTES = [
    route("/payments/{id}", payment, access=Access.APPLICATION),
    route("/payments/{id}/go", go, access=Access.APPLICATION),
    route("/payments/webhook/{provider}", webhook, methods=("POST",), access=Access.SIGNED, body=WEBHOOK_BODY),
]
