"""Somebody calls a clerk at a kiosk: whoever of the staff has a page open hears of it, one goes, the others see that.

The head of every page shows the calls when it is loaded. With script one tab of a browser keeps a stream, which says
that there is something new and never what; each tab then fetches the part with its own right (`static/calls.js`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from server.people import devices, staff_sessions
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.web.badge import CALLS, ROOMS, Desk, calls_mark, desk, forbidden, goes, staff, staff_token
from server.web.http import last, problem, read_form, safe_next, see_other, services
from server.web.live import nothing_new, part
from server.web.routing import Access, route
from server.web.stream import stream


@dataclass(frozen=True, slots=True)
class CallsPart:
    """staff/calls.html: the calls in the head of a page."""

    desk: Desk


async def shown(request: Request) -> Response:
    """The calls anew; 204 where the page has them already. `at` is the page, to which its forms lead back."""
    if not goes(staff(request)):
        return forbidden(request)
    made = desk(request)
    if nothing_new(request, made.calls_mark):
        return Response(status_code=204)
    here = _within(request.query_params.get("at", ""))
    return part(request, "staff/calls.html", CallsPart(replace(made, here=here)))


async def news(request: Request) -> Response:
    """The stream. It ends with the clerk's session."""
    of, token, who = services(request), staff_token(request) or "", staff(request)
    if not goes(who):
        return forbidden(request)
    waiter = of.live.open(f"calls:{who.session_id}", devices.CALLS)
    if waiter is None:
        return problem(request, 503, retry_after=5)

    async def look() -> str | None:
        now = of.clock()
        return await of.database.read(lambda db: _mark(db, of.keys, token, now=now))

    return stream(request, waiter, look, lambda: of.live.leave(waiter))


def _mark(db: Reading, keys: Keys, token: str, *, now: datetime) -> str | None:
    who = staff_sessions.who(db, token, keys=keys, now=now)
    return calls_mark(devices.calling(db, now=now)) if who is not None and goes(who) else None


async def answered(request: Request) -> Response:
    """A clerk goes there, or has come (`do` is 'come'). Pressed twice it is done; where a colleague was faster, the
    page says so."""
    of, who, device_id = services(request), staff(request), request.path_params["device"]
    if not goes(who):
        return forbidden(request)
    posted = await read_form(request)
    come = "come" in posted.get("do", ())

    def work(db: Writing) -> None:
        if come:
            devices.call_over(db, device_id)
        else:
            devices.answer(db, device_id, who.actor, now=of.clock())

    await of.database.transact(work)
    return see_other(_within(last(posted, "to")))


def _within(to: str) -> str:
    """A page of the staff to come back to."""
    to = safe_next(to, "/counter")
    return to if to in ROOMS or to.startswith(tuple(f"{room}/" for room in ROOMS)) else "/counter"


ROUTES = [
    route(CALLS, shown, access=Access.STAFF),
    route(f"{CALLS}/stream", news, access=Access.STAFF),
    route(f"{CALLS}/{{device}}", answered, methods=("POST",), access=Access.STAFF),
]
