"""The page of the sandbox's payment provider. It is another party that happens to live at our address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from payments.sandbox_gateway import Action, SandboxGateway, Till
from server.money.checkout import hear
from server.web.http import last, page, problem, read_form, safe_next, see_other, services
from server.web.money.payments import cashier
from server.web.routing import Access, route


@dataclass(frozen=True, slots=True)
class SandboxPayPage:
    """pages/sandbox_pay.html. `offered`: pay, decline, later, expire; none where the checkout is over."""

    amount: int
    description: str
    offered: Sequence[str]
    action: str
    back_url: str


async def till(request: Request) -> Response:
    provider = _provider(request)
    shown = await provider.till(request.path_params["reference"]) if provider else None
    if shown is None:
        return problem(request, 404)
    view = SandboxPayPage(shown.amount, shown.description, shown.offered, request.url.path, _back(shown))
    return page(request, "pages/sandbox_pay.html", view)


async def press(request: Request) -> Response:
    """The provider tells the city before the payer is back, by the same door as its webhook, signature and all.

    Pressing again where it is over tells again: so an event that was lost on its way is told in the end.
    """
    provider, desk = _provider(request), cashier(request)
    shown = await provider.till(request.path_params["reference"]) if provider else None
    if provider is None or desk is None or shown is None:
        return problem(request, 404)
    pressed = last(await read_form(request), "action")
    if pressed not in set(Action):
        return problem(request, 400)
    told = await provider.press(shown.reference, Action(pressed)) or await provider.tell(shown.reference)
    if told is not None:
        await hear(desk, told.body, told.signature)
    return see_other(_back(shown))


def _provider(request: Request) -> SandboxGateway | None:
    gateway = services(request).gateway
    return gateway if isinstance(gateway, SandboxGateway) else None


def _back(shown: Till) -> str:
    """The path alone: the browser may know this very server by another name (localhost) than we do."""
    return safe_next(urlsplit(shown.return_url).path)


ROUTES = [
    route("/sandbox/pay/{reference}", till, access=Access.SANDBOX),
    route("/sandbox/pay/{reference}", press, methods=("POST",), access=Access.SANDBOX),
]
