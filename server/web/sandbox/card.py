"""The pages of the sandbox's card: holding it to a reader to say who one is, and signing with it.

They play another party that happens to live at our address, so they know nothing but what the address brought them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import Response

from server.people.identity import SandboxIdentity
from server.people.sandbox_signer import Asked, SandboxSigner
from server.web.http import last, page, problem, read_form, safe_next, see_other, services, visitor
from server.web.routing import Access, route


@dataclass(frozen=True, slots=True)
class SandboxCard:
    """A card one may take: whose, and what they are there to try."""

    subject: str
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class SandboxCardPage:
    """pages/sandbox_card.html. `hidden` are controls to be posted again as they are."""

    cards: Sequence[SandboxCard]
    action: str
    hidden: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SandboxSignPage:
    """pages/sandbox_sign.html. `signer` is '' where nobody with a signing card is signed in."""

    signer: str
    digest: str
    action: str


async def cards(request: Request) -> Response:
    provider = services(request).identity.get(request.path_params["provider"])
    if not isinstance(provider, SandboxIdentity):
        return problem(request, 404)
    people = [SandboxCard(key, each.facts.display_name, each.note) for key, each in provider.residents.items()]
    hidden = [(name, request.query_params.get(name, "")) for name in ("state", "to")]
    return page(request, "pages/sandbox_card.html", SandboxCardPage(people, request.url.path, hidden))


async def card_chosen(request: Request) -> Response:
    posted = await read_form(request)
    chosen = last(posted, "resident")
    answer = {"code": chosen} if chosen else {"error": "access_denied"}
    query = urlencode({"state": last(posted, "state")} | answer)
    return see_other(_local(last(posted, "to").partition("?")[0] + f"?{query}"))


async def ask(request: Request) -> Response:
    signer, asked = _asked(request)
    if signer is None or asked is None:
        return problem(request, 404)
    return _ask(request, signer, asked)


def _ask(request: Request, signer: SandboxSigner, asked: Asked, status: int = 200) -> Response:
    resident = visitor(request).resident
    name = resident.facts.display_name if resident and signer.can_sign(resident.facts.subject) else ""
    context = SandboxSignPage(name, asked.digest.hex(), request.url.path)
    return page(request, "pages/sandbox_sign.html", context, status=status)


async def answer(request: Request) -> Response:
    signer, asked = _asked(request)
    if signer is None or asked is None:
        return problem(request, 404)
    pressed = last(await read_form(request), "action")
    if pressed == "decline":
        return see_other(_local(signer.decline(asked)))
    resident = visitor(request).resident
    if pressed != "sign" or resident is None or not signer.can_sign(resident.facts.subject):
        return _ask(request, signer, asked, 422)
    now = services(request).clock()
    return see_other(_local(signer.approve(request.path_params["transaction"], asked, resident.facts.subject, now=now)))


def _asked(request: Request) -> tuple[SandboxSigner | None, Asked | None]:
    signer = services(request).signing
    if not isinstance(signer, SandboxSigner):
        return None, None
    return signer, signer.asked(request.path_params["transaction"])


def _local(url: str) -> str:
    """Path and query alone: the browser may know this very server by another name (localhost) than we do."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "/"
    return safe_next(urlunsplit(("", "", parts.path, parts.query, "")))


ROUTES = [
    route("/sandbox/card/{provider}", cards, access=Access.SANDBOX),
    route("/sandbox/card/{provider}", card_chosen, methods=("POST",), access=Access.SANDBOX),
    route("/sandbox/sign/{transaction}", ask, access=Access.SANDBOX),
    route("/sandbox/sign/{transaction}", answer, methods=("POST",), access=Access.SANDBOX),
]
