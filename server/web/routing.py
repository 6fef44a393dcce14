"""Every address of the site, and who may come to it.

A route is built here and nowhere else: without an `Access` there is no route, and `policies` refuses a list that
holds one built another way. So a test can walk the whole site and ask each address for its rule.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from server.people.devices import Kind
from server.web.badge import load_staff, to_staff_sign_in
from server.web.device import confined, keep_device, load_device, to_the_door
from server.web.handed_back import typed_again
from server.web.http import (
    is_sandbox,
    load_program,
    load_visitor,
    problem,
    remember_language,
    see_other,
    speak,
    trace,
    visitor,
    wants_json,
)

Endpoint = Callable[[Request], Awaitable[Response]]

FORM_BODY: Final = 1 << 20
"""Bytes a posted form may have: some hundred answers, a few of them long, in percent-encoded Japanese."""


class ShortNumber(IntegerConvertor):
    """`{…:int}` of an address, of nine digits at most: `int` raises at 5,000."""

    regex = "[0-9]{1,9}"


register_url_convertor("int", ShortNumber())


class Access(StrEnum):
    """Who may come to an address. Whether a draft or an application is one's own is decided by its use-case."""

    PUBLIC = "public"
    """Everybody, and the same bytes for everybody: the session is not looked at."""
    VISITOR = "visitor"
    """Everybody; who has a session is known to the page."""
    DRAFT = "draft"
    """The session that made the draft, or its signed-in owner."""
    APPLICATION = "application"
    """A session to which the application was granted, or its signed-in owner."""
    RESIDENT = "resident"
    """A signed-in resident; others are sent to sign in and come back."""
    PROGRAM = "program"
    """As VISITOR, and besides a resident's program with a bearer token, which counts at these addresses alone."""
    SIGNED = "signed"
    """Another system that signs its message; the endpoint checks the signature. No CSRF rule: no cookie counts."""
    STAFF = "staff"
    """Somebody of the staff who is signed in; others are sent to their sign-in. What they may do, `roles` says. The
    residents' session is not looked at, and the page is Japanese."""
    STAFF_DOOR = "staff-door"
    """The staff's way in: everybody, and Japanese."""
    DEVICE = "device"
    """A registered machine of the town hall, of whatever kind; to others it is said how to register one. Whoever
    stands there is not looked at."""
    KIOSK = "kiosk"
    """A registered kiosk. Who stands at it, the endpoint asks (`server.web.kiosk.standing`)."""
    OPERATIONS = "operations"
    """Machines that watch over the service. Numbers and states only."""
    SANDBOX = "sandbox"
    """A stand-in: 404 wherever the mode is not sandbox."""


_STAFFS: Final = frozenset({Access.STAFF, Access.STAFF_DOOR})
_DEVICES: Final = frozenset({Access.DEVICE, Access.KIOSK})
_SESSIONLESS: Final = _STAFFS | _DEVICES | {Access.PUBLIC, Access.SIGNED, Access.OPERATIONS}
"""Where nothing is known of a resident, and nothing of what they chose is kept."""


class GatedRoute(Route):
    """A route that knows its rule."""

    def __init__(self, path: str, endpoint: Endpoint, *, methods: Sequence[str], access: Access, body: int) -> None:
        super().__init__(path, _gate(path, endpoint, access, body), methods=list(methods), name=_name(path, methods))
        self.access = access


@dataclass(frozen=True, slots=True)
class Policy:
    """One address with its methods (HEAD goes with GET) and its rule."""

    path: str
    methods: tuple[str, ...]
    access: Access


def route(
    path: str, endpoint: Endpoint, *, methods: Sequence[str] = ("GET",), access: Access, body: int = FORM_BODY
) -> GatedRoute:
    """The one way to an address. `body` is the most bytes a request may bring; more is answered 413."""
    return GatedRoute(path, endpoint, methods=methods, access=access, body=body)


def policies(routes: Iterable[BaseRoute]) -> tuple[Policy, ...]:
    """The rule of every route; TypeError for one that has none, so that nothing is served without one."""
    return tuple(_policy(each) for each in routes)


def _policy(each: BaseRoute) -> Policy:
    if not isinstance(each, GatedRoute):
        raise TypeError(f"{each!r} has no access rule: build it with server.web.routing.route")
    return Policy(each.path, tuple(sorted(each.methods or ())), each.access)


def _name(path: str, methods: Sequence[str]) -> str:
    return f"{'|'.join(methods)} {path}"


def _gate(path: str, endpoint: Endpoint, access: Access, body: int) -> Endpoint:
    async def gated(request: Request) -> Response:
        seen = trace(request)
        seen.route = path
        seen.body_limit = body
        if b"lang=" in request.scope["query_string"]:
            speak(request, request.query_params.get("lang", ""))
        if access in _STAFFS:
            speak(request, "ja")
        refusal = await _admit(request, access)
        response = refusal if refusal is not None else await endpoint(request)
        if access not in _SESSIONLESS:
            remember_language(request, response)
        if access in _DEVICES:
            keep_device(request, response)
        return response

    return gated


async def _admit(request: Request, access: Access) -> Response | None:
    """None where the request may go on; the refusal otherwise."""
    if access is Access.SANDBOX and not is_sandbox(request):
        return problem(request, 404)
    if (way_back := await confined(request)) is not None:
        return way_back
    if access in _DEVICES and not await _is_registered(request, access):
        return to_the_door(request)
    if access is Access.PROGRAM:
        return await load_program(request)
    if access is Access.STAFF and await load_staff(request) is None:
        return await typed_again(request) or to_staff_sign_in(request)
    if access not in _SESSIONLESS:
        await load_visitor(request)
    if access is Access.RESIDENT and visitor(request).resident is None:
        return _to_sign_in(request)
    return None


async def _is_registered(request: Request, access: Access) -> bool:
    found = await load_device(request)
    return found is not None and (access is Access.DEVICE or found.kind == Kind.KIOSK)


def _to_sign_in(request: Request) -> Response:
    if wants_json(request):
        return problem(request, 403, code="SIGN_IN_REQUIRED")
    # A form posted after the session ended cannot be posted again by a redirect: come back to the page instead.
    back = request.url.path if request.method in {"GET", "HEAD"} else "/my"
    return see_other("/signin?next=" + quote(back, safe="/"))
