"""A visit's fees on the resident's own telephone: what is owed together, and the way to the provider.

Whoever has the address may pay. It shows sums and what they are for by the fee's name, and leads to no application.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from payments.port import PaymentConflict, ProviderUnavailable, Uncollectable
from server.counter import paylink
from server.counter.till import Owed, owed
from server.money.debts import Item
from server.money.together import start_together
from server.web.http import page, problem, see_other, services
from server.web.money.payments import RETRY_SECONDS
from server.web.routing import Access, route


@dataclass(frozen=True, slots=True)
class PayItem:
    """A line of a fee; `state` as in `PaymentState`."""

    item: Item
    state: str


@dataclass(frozen=True, slots=True)
class PayPage:
    """pages/pay.html. `standing` as in `Together`; `total` is what is owed now, `whole` all of it. `go_url` is our own
    GET that leads to the provider, '' where there is nothing to pay or payments are off; `pay_until`: what was promised
    must come by then. `trouble` as in PaymentPage."""

    items: Sequence[PayItem]
    total: int
    whole: int
    standing: str
    here: str
    go_url: str
    pay_until: datetime | None
    trouble: str = ""


async def pay(request: Request) -> Response:
    """Also where the provider sends the payer back to: coming here marks nothing."""
    visit_id = _visit(request)
    return problem(request, 404) if visit_id is None else await _shown(request, visit_id)


def _visit(request: Request) -> str | None:
    of = services(request)
    return paylink.visit_of(of.keys, request.path_params["token"], now=of.clock())


async def _shown(request: Request, visit_id: str, *, trouble: str = "", status: int = 200) -> Response:
    of, here = services(request), f"/pay/{request.path_params['token']}"
    due = await of.database.read(lambda db: owed(db, visit_id, at=of.clock()))
    promised = [each.debt.pay_until for each in due.lines if each.debt.pay_until is not None]
    context = PayPage(
        items=[PayItem(item, each.state.value) for each in due.lines for item in each.debt.items],
        total=due.total,
        whole=sum(each.debt.amount for each in due.lines),
        standing=due.standing.value,
        here=here,
        go_url=f"{here}/go" if of.gateway is not None and _leads_on(due) else "",
        pay_until=max(promised, default=None),
        trouble=trouble,
    )
    wait = {"retry-after": str(RETRY_SECONDS)} if status == 503 else None
    return page(request, "pages/pay.html", context, status=status, headers=wait)


def _leads_on(due: Owed) -> bool:
    """There is something to pay, or a slip to look at again."""
    return due.total > 0 or any(each.debt.pay_until is not None for each in due.lines)


async def go(request: Request) -> Response:
    """A link, not a form: a browser does not follow a form's answer off our origin."""
    of, visit_id = services(request), _visit(request)
    desk = of.cashier
    if visit_id is None or desk is None:
        return problem(request, 404)
    here = f"/pay/{request.path_params['token']}"
    now = of.clock()
    debts = await of.database.read(lambda db: [each.debt.id for each in owed(db, visit_id, at=now).lines])
    try:
        checkout = await start_together(desk, debts, f"{of.settings.base_url}{here}", visit_id=visit_id)
    except (ProviderUnavailable, PaymentConflict):
        return await _shown(request, visit_id, trouble="away", status=503)
    except Uncollectable:
        return await _shown(request, visit_id, trouble="sum", status=409)
    return see_other(checkout.url if checkout else here)


ROUTES = [
    route("/pay/{token}", pay, access=Access.VISITOR),
    route("/pay/{token}/go", go, access=Access.VISITOR),
]
