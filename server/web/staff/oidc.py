"""The staff's way in over the city's own provider: out to it, back, and what may have to be shown besides."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from server.people import passkeys, staff_identities
from server.people import staff as accounts
from server.people.identity import SIGN_INS_PER_CLIENT, Refused
from server.people.limits import seconds_to_wait
from server.people.passkeys import Use
from server.people.staff import Account, Locked
from server.people.staff_identities import Unlinked
from server.store.database import Writing
from server.web.badge import SIGN_IN, set_badge, staff_token
from server.web.contexts import ErrorLink
from server.web.http import client, last, page, problem, read_form, see_other, services, trace
from server.web.passage import Passage, arrive, come_back, leave
from server.web.routing import Access, route
from server.web.staff.accounts import signin_again, staff_next, welcome
from server.web.staff.passkeys import BODY, browser, here
from server.web.staff.proof import locked_words, waits

if TYPE_CHECKING:  # it brings an HTTP client and JOSE along, for cities that have such a provider
    from server.people.staff_oidc import Colleague

_GO: Final = f"{SIGN_IN}/oidc/go"
_RETURN: Final = f"{SIGN_IN}/oidc/return"
_LINK: Final = f"{SIGN_IN}/oidc/link"
_FACTOR: Final = f"{SIGN_IN}/factor"
_OUT: Final = "staff-signin"
_TYING: Final = "staff-link"
_SURE: Final = "sure"
_TOLD: Final = {
    "declined": "市の認証基盤でのサインインを取りやめました",
    "invalid": "市の認証基盤でサインインできませんでした。はじめから、もう一度試してください",
    "unavailable": "市の認証基盤につながりません。しばらく待つか、パスワードと認証コードでサインインしてください",
    "factor": "市の認証基盤で二要素の確認がなく、ここに認証アプリの登録もありません。担当に連絡してください",
}
_STATUS: Final = {"declined": 200, "invalid": 422, "unavailable": 503, "factor": 422}
_UNLINKED: Final = {
    Unlinked.CODE: "ログイン名かコードが違うか、コードの期限が過ぎています",
    Unlinked.NOT_SURE: "市の認証基盤で二要素の確認がありませんでした。先に、パスワードと認証アプリを登録してください",
    Unlinked.TAKEN: "市の認証基盤のこの利用者は、ほかのアカウントと結び付いています。担当に連絡してください",
}


@dataclass(frozen=True, slots=True)
class TiePage:
    """staff/tie.html: whose account somebody at the provider has. `action` takes the form."""

    action: str
    login: str = ""
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class SecondFactorPage:
    """staff/second.html: the provider asked for one factor; the other is ours."""

    name: str
    next: str
    passkeys: bool
    errors: Sequence[ErrorLink] = ()


# --- out and back ---------------------------------------------------------------------------------------------------


async def go(request: Request) -> Response:
    """A link, not a form: a browser does not follow a form's answer off our origin."""
    of, to = services(request), staff_next(request.query_params.get("next", ""))
    if of.staff_provider is None:
        return problem(request, 404)
    if locked := await _too_often(request):
        return signin_again(request, "", to, locked)
    state = base64.urlsafe_b64encode(of.random(32)).decode().rstrip("=")
    url = await of.staff_provider.start(state, _return_url(request))
    if isinstance(url, Refused):
        return _not_in(request, to, url)
    return leave(request, see_other(url), Passage(_OUT, state, to))


async def came_back(request: Request) -> Response:
    """Whoever it was, they are signed in, or asked for what is still missing."""
    of, passage = services(request), come_back(request, _OUT)
    if of.staff_provider is None:
        return problem(request, 404)
    to = staff_next(passage.next if passage else "")
    if passage is None:
        return signin_again(request, "", to, None, _TOLD["invalid"])
    if locked := await _too_often(request):
        return arrive(request, signin_again(request, "", to, locked))
    found = await of.staff_provider.finish(request.query_params, _return_url(request))
    if isinstance(found, Refused):
        return arrive(request, _not_in(request, to, found))
    return await _known(request, found, to)


async def _known(request: Request, found: Colleague, to: str) -> Response:
    of = services(request)
    staff_id = await of.database.read(lambda db: staff_identities.linked(db, of.keys, found.subject))
    if staff_id is not None:
        return arrive(request, await _welcome(request, staff_id, found.sure, to))
    state = base64.urlsafe_b64encode(of.random(32)).decode().rstrip("=")
    carried = Passage(_TYING, state, to, transaction=found.subject, level=_SURE if found.sure else "")
    return leave(request, see_other(f"{_LINK}?{urlencode({'state': state})}"), carried)


async def _welcome(request: Request, staff_id: str, sure: bool, to: str) -> Response:
    """Signed in where two factors were shown; else ours is asked."""
    of, now, before = services(request), services(request).clock(), staff_token(request)

    def work(db: Writing) -> str | None:
        if sure:
            return accounts.enter(db, staff_id, "oidc", before=before, now=now, random=of.random)
        return staff_identities.half_in(db, staff_id, now=now, random=of.random)

    token = await of.database.transact(work)
    if token is None:
        return signin_again(request, "", to, None, _TOLD["factor" if not sure else "invalid"])
    if sure:
        return welcome(request, token, to)
    response = see_other(f"{_FACTOR}?{urlencode({'next': to})}")
    set_badge(request, response, token)
    return response


def _not_in(request: Request, to: str, refused: Refused) -> Response:
    trace(request).failure = refused.cause if refused.reason != "declined" else None
    response = signin_again(request, "", to, None, _TOLD[refused.reason])
    response.status_code = _STATUS[refused.reason]
    return response


def _return_url(request: Request) -> str:
    return f"{services(request).settings.base_url}{_RETURN}"


async def _too_often(request: Request) -> Locked | None:
    of, where, now = services(request), client(request), services(request).clock()
    wait = await of.database.transact(lambda db: seconds_to_wait(db, of.keys, SIGN_INS_PER_CLIENT, where, now=now))
    return Locked(wait) if wait else None


# --- tying an account -----------------------------------------------------------------------------------------------


async def tie_page(request: Request) -> Response:
    """The provider knows somebody of whom we know no account: they have a code from an operator."""
    passage = come_back(request, _TYING)
    if passage is None:
        return see_other(SIGN_IN)
    return page(request, "staff/tie.html", TiePage(_action(passage)))


async def tie(request: Request) -> Response:
    """The code ties the account to whoever came back."""
    of, passage, place = services(request), come_back(request, _TYING), client(request)
    posted = await read_form(request)
    login, code = (last(posted, name) for name in ("login", "code"))
    if passage is None:
        return see_other(SIGN_IN)
    now, subject, sure = of.clock(), passage.transaction, passage.level == _SURE
    locked = await of.database.transact(lambda db: accounts.counted(db, of.keys, login, place, now=now))
    if locked is not None:
        return _tie_again(request, passage, login, locked_words(locked), locked)
    found = await of.database.transact(
        lambda db: staff_identities.link(db, of.keys, login, code, subject, sure=sure, place=place, now=now)
    )
    if isinstance(found, Unlinked):
        return _tie_again(request, passage, login, _UNLINKED[found])
    return arrive(request, await _welcome(request, found, sure, passage.next))


def _tie_again(request: Request, passage: Passage, login: str, told: str, locked: Locked | None = None) -> Response:
    context = TiePage(_action(passage), login[:80], [ErrorLink("#f-login", "結び付け", told)])
    return page(request, "staff/tie.html", context, status=429 if locked else 422, headers=waits(locked))


def _action(passage: Passage) -> str:
    return f"{_LINK}?{urlencode({'state': passage.state})}"


# --- the other factor -----------------------------------------------------------------------------------------------


async def factor_page(request: Request) -> Response:
    halfway = await _halfway(request)
    if halfway is None:
        return see_other(SIGN_IN)
    return _factor(request, halfway, staff_next(request.query_params.get("next", "")))


async def _halfway(request: Request) -> Account | None:
    of, token, now = services(request), staff_token(request), services(request).clock()
    if token is None:
        return None
    return await of.database.read(lambda db: staff_identities.halfway(db, of.keys, token, now=now))


def _factor(request: Request, halfway: Account, to: str, told: str = "", locked: Locked | None = None) -> Response:
    errors = [ErrorLink("#f-code", "認証コード", told)] if told else []
    context = SecondFactorPage(halfway.name, to, here(request) is not None, errors)
    status = 429 if locked else 422 if told else 200
    return page(request, "staff/second.html", context, status=status, headers=waits(locked))


async def factor(request: Request) -> Response:
    """The code of the authenticator, a recovery code, or a passkey: it ends what the provider began."""
    of, token, place, now = services(request), staff_token(request), client(request), services(request).clock()
    posted, halfway = await read_form(request), await _halfway(request)
    code, passkey, to = (last(posted, name) for name in ("code", "passkey", "next"))
    if halfway is None or token is None:
        return see_other(SIGN_IN)
    locked = await of.database.transact(lambda db: accounts.counted(db, of.keys, halfway.login, place, now=now))
    if locked is not None:
        return _factor(request, halfway, staff_next(to), locked_words(locked), locked)
    device, name = here(request), browser(request)

    def work(db: Writing) -> str | None:
        owner = ""
        if passkey and device is not None:
            owner = passkeys.shown(db, of.keys, device, Use.FACTOR, passkey, name, now=now)
        return staff_identities.come_in(
            db, of.keys, token, code, place=place, passkey_of=owner, now=now, random=of.random
        )

    done = await of.database.transact(work)
    if done is None:
        return _factor(request, halfway, staff_next(to), "認証コードが違います。もう一度入力してください")
    return welcome(request, done, to)


ROUTES = [
    route(_GO, go, access=Access.STAFF_DOOR),
    route(_RETURN, came_back, access=Access.STAFF_DOOR),
    route(_LINK, tie_page, access=Access.STAFF_DOOR),
    route(_LINK, tie, methods=("POST",), access=Access.STAFF_DOOR),
    route(_FACTOR, factor_page, access=Access.STAFF_DOOR),
    route(_FACTOR, factor, methods=("POST",), access=Access.STAFF_DOOR, body=BODY),
]
