"""Who of the staff is asking: their cookie, looked up once a request, and what every page of theirs is told."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, cast
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from server.people import devices, staff_sessions
from server.people.roles import Action
from server.people.staff_sessions import Staff
from server.store import StoreUnavailable
from server.store.database import Reading
from server.web.contexts import Link
from server.web.http import carries_bearer, is_sandbox, page, problem, see_other, services, wants_json
from server.web.live import by_itself

SIGN_IN: Final = "/staff/signin"
HOME: Final = "/office"
CALLS: Final = "/counter/calls"
ROOMS: Final = ("/office", "/counter", "/admin", "/staff")
"""Where the pages of the staff are: a sign-in leads back to these and nowhere else."""

_LINKS: Final = (
    (Action.LIST, "申請の一覧", "/office"),
    (Action.COUNTER, "窓口", "/counter"),
    (Action.COUNTER, "番号の呼び出し", "/counter/queue"),
    (Action.COUNTER, "番号札を出す", "/counter/tickets/new"),
    (Action.SEE_TIMES, "待ち時間", "/counter/times"),
    (Action.COUNTER, "窓口への質問", "/office/questions"),
    (Action.SEE_TILL, "収納", "/office/till"),
    (Action.SEE_AUDIT, "閲覧の記録", "/office/looks"),
    (Action.MANAGE_STAFF, "職員の管理", "/admin/staff"),
    (Action.MANAGE_DEVICES, "端末と窓口", "/admin/devices"),
    (Action.SUSPEND, "手続きの停止", "/admin/procedures"),
    (Action.SUSPEND, "承認待ち", "/office/proposals"),
    (Action.ALLOW_REFUND, "承認待ち", "/office/proposals"),
    (Action.ASK_REFUND, "承認待ち", "/office/proposals"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """A device at which somebody calls a clerk; `href` takes the form of whoever goes there, or has come. `state` is
    'open', 'going' (a colleague is on the way) or 'mine'."""

    label: str
    since: datetime
    href: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Desk:
    """The head of a page: who is signed in, until when if they do nothing more, and where they may go. `seconds` are
    left of that; `extends`: doing something puts it off. `calls` for a clerk who may go, from the page at `here`;
    `calls_mark` is their state, '' for whoever is not told of any."""

    name: str
    until: datetime
    links: Sequence[Link]
    seconds: int = 0
    extends: bool = True
    calls: Sequence[Call] = ()
    here: str = ""
    calls_mark: str = ""


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

    def work(db: Reading) -> tuple[Staff | None, Sequence[devices.Call] | None]:
        who = staff_sessions.who(db, token, keys=of.keys, now=now)
        return who, devices.calling(db, now=now) if who is not None and goes(who) else None

    found, request.state.calling = await of.database.read(work)
    if found is not None and found.touch_due and not by_itself(request):
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
    shown = {href: text for action, text, href in _LINKS if _leads(who, action)}
    links = [Link(text, "" if href == here else href) for href, text in shown.items()]
    left = (who.until - services(request).clock()).total_seconds()
    calling: Sequence[devices.Call] | None = request.state.calling
    calls = [_call(each, who) for each in calling or ()]
    mark = "" if calling is None else calls_mark(calling)
    return Desk(who.name, who.until, links, max(0, int(left)), who.extends, calls, here, mark)


def _call(each: devices.Call, who: Staff) -> Call:
    state = "open" if not each.answered_by else "mine" if each.answered_by == who.actor else "going"
    return Call(each.label, each.called_at, f"{CALLS}/{each.device_id}", state)


def calls_mark(calling: Sequence[devices.Call]) -> str:
    """By which a state of all calls is known again."""
    words = repr([(each.device_id, each.called_at.timestamp(), each.answered_by) for each in calling])
    return sha256(words.encode()).hexdigest()[:16]


def goes(who: Staff) -> bool:
    """Whether they are told who calls a clerk, and may go there."""
    return _leads(who, Action.COUNTER)


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
