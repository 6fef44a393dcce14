"""Pages that keep themselves fresh: `queue.js` asks for a part anew, and is told whether there is anything new."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from server.web.http import language, packed, services
from server.web.render import values_of

DRIFT: Final = 10
"""Seconds after which a part is new although nothing happened: minutes go by, a booked time comes."""


def by_itself(request: Request) -> bool:
    """Whether the page asks, and nobody has touched anything: then a sign-in is not put off. A stream is opened again
    by the browser. Whoever says so falsely is signed out the earlier."""
    return "x-live" in request.headers or "text/event-stream" in request.headers.get("accept", "")


def mark(newest: int, now: datetime) -> str:
    """By which a part is known again: the last change, and about when it was made."""
    return f"{newest}-{int(now.timestamp()) // DRIFT}"


def nothing_new(request: Request, found: str) -> bool:
    """Whether the browser has the part of this mark already."""
    return request.query_params.get("seen", "") == found


def part(request: Request, template: str, context: object) -> Response:
    """A part of a page, without head and foot."""
    renderer = services(request).renderer.speaking(language(request))
    return packed(request, HTMLResponse(renderer.finished(renderer.render(template, values_of(context)))))
