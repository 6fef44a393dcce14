"""Who of the staff is asking: their cookie, looked up once a request, and what every page of theirs is told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from server.people import staff_sessions
from server.people.roles import Action
from server.people.staff_sessions import Staff
from server.store import StoreUnavailable
from server.web.contexts import Link
from server.web.http import carries_bearer, is_sandbox, page, problem, see_other, services, wants_json

SIGN_IN: Final = "/staff/signin"
HOME: Final = "/office"
ROOMS: Final = ("/office", "/admin", "/staff")
"""Where the pages of the staff are: a sign-in leads back to these and nowhere else."""

_LINKS: Final = (
    (Action.LIST, "申請の一覧", "/office"),
    (Action.SEE_AUDIT, "閲覧の記録", "/office/looks"),
    (Action.MANAGE_STAFF, "職員の管理", "/admin/staff"),
)


@dataclass(frozen=True, slots=True)
class Desk:
    """The head of a page: who is signed in, until when if they do nothing more, and where they may go."""

    name: str
    until: datetime
    links: Sequence[Link]


@dataclass(frozen=True, slots=True)
class RefusedPage:
    """staff/refused.html: why it did not go on, and what to do instead."""

    desk: Desk
    title: str
    advice: str
    back: Link


def _cookie(request: Request) -> dict[str, Any]:
    """As the residents' cookie (see `http`), under a name of its own: neither is ever taken for the other."""
    kept = {"path": "/", "httponly": True, "samesite": "lax"}
    if is_sandbox(request):
        return kept | {"key": "kakanai-staff", "secure": False}
    return kept | {"key": "__Host-kakanai-staff", "secure": True}


def staff_token(request: Request) -> str | None:
    """The cookie's; none beside a bearer token, which passes the CSRF rule."""
    if carries_bearer(request.scope):
        return None
    return request.cookies.get(_cookie(request)["key"]) or None


def set_badge(request: Request, response: Response, token: str) -> None:
    response.set_cookie(value=token, **_cookie(request))


def clear_badge(request: Request, response: Response) -> None:
    """End the session in the browser, with everything it kept of our pages."""
    response.delete_cookie(**_cookie(request))
    response.headers["clear-site-data"] = '"cache", "storage"'


async def load_staff(request: Request) -> Staff | None:
    """Who is asking, by the store: whoever was disabled, or signed out elsewhere, is nobody from now on."""
    token, of = staff_token(request), services(request)
    if token is None:
        return None
    now = of.clock()
    found = await of.database.read(lambda db: staff_sessions.who(db, token, keys=of.keys, now=now))
    if found is not None and found.touch_due:
        with suppress(StoreUnavailable):  # where nothing can be written, reading still goes on
            await of.database.transact(lambda db: staff_sessions.touch(db, found.session_id, now=now))
    request.state.staff = found
    return found


def staff(request: Request) -> Staff:
    """Who is asking, on a route of `Access.STAFF`."""
    return cast(Staff, request.state.staff)


def to_staff_sign_in(request: Request) -> Response:
    if wants_json(request):
        return problem(request, 403, code="SIGN_IN_REQUIRED")
    # A form posted after the session ended cannot be posted again by a redirect: come back to the page instead.
    back = request.url.path if request.method in {"GET", "HEAD"} else HOME
    return see_other(f"{SIGN_IN}?next={quote(back, safe='/')}")


def desk(request: Request) -> Desk:
    """The head of this person's pages."""
    who, here = staff(request), request.url.path
    links = [Link(text, "" if href == here else href) for action, text, href in _LINKS if _leads(who, action)]
    return Desk(who.name, who.until, links)


def _leads(who: Staff, action: Action) -> bool:
    return any(who.may(action, each.department) for each in who.held)


def home(who: Staff) -> str:
    """The first page this person has anything to do on."""
    return next((href for action, _, href in _LINKS if _leads(who, action)), "/staff")


def refused(request: Request, status: int, title: str, advice: str, back: Link | None = None) -> Response:
    """A refusal with its reason, in plain words; in JSON where that was asked for."""
    if wants_json(request):
        return problem(request, status)
    context = RefusedPage(desk(request), title, advice, back or Link("はじめのページに戻る", home(staff(request))))
    return page(request, "staff/refused.html", context, status=status)


def forbidden(request: Request) -> Response:
    """Their roles do not allow it."""
    advice = "あなたの役割では、ここは使えません。必要なときは、役割の変更を情報システムの担当に頼んでください。"
    return refused(request, 403, "このページは使えません", advice)


def absent(request: Request) -> Response:
    """There is no such thing, or it is not for them: both are told alike."""
    return refused(
        request, 404, "見つかりません", "番号がちがうか、あなたの役割では見られないものです。番号を確かめてください。"
    )
