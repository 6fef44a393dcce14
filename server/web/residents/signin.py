"""Signing in and out. A card's way leads over its provider, an e-mail address over six digits sent to it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from procedures.declaration import Assurance
from server.applications import drafts
from server.notices.worker import deliver_at_once
from server.people.email_codes import CodeSent, NotYet, SignedIn, TooOften, enter_code, send_code, waiting_code
from server.people.facts import Facts
from server.people.identity import SIGN_INS_PER_CLIENT, IdentityAdapter, Refused, SandboxIdentity
from server.people.limits import seconds_to_wait
from server.people.sessions import sign_in, sign_out
from server.people.sessions import visitor as session_of
from server.store.database import Writing
from server.web.http import (
    clear_session,
    client,
    language,
    last,
    page,
    problem,
    read_form,
    safe_next,
    see_other,
    services,
    set_session,
    trace,
    visitor,
)
from server.web.passage import Passage, arrive, come_back, leave
from server.web.routing import Access, route

HOME: Final = "/my"
PROVIDER_BACK: Final = 60
"""Seconds: what Retry-After says when a provider is away. We cannot know; a minute is soon enough to try again."""

_STATUS: Final = {"declined": 200, "invalid": 422, "unavailable": 503, "often": 429}


@dataclass(frozen=True, slots=True)
class CardWay:
    """A provider's card; `url` is our own GET that leads there."""

    level: str
    url: str


@dataclass(frozen=True, slots=True)
class SandboxPerson:
    """A button of the sandbox."""

    subject: str
    name: str
    note: str
    level: str


@dataclass(frozen=True, slots=True)
class SigninPage:
    """pages/signin.html. `failed`: '', declined, invalid, unavailable, often, resident.

    `wait_minutes` belongs to often. `level` is what is needed, '' if anything will do; `cards` and `email_url` are the
    ways that reach it, `people` the sandbox's residents who do.
    """

    next: str
    level: str
    cards: Sequence[CardWay]
    email_url: str
    people: Sequence[SandboxPerson]
    failed: str
    wait_minutes: int


@dataclass(frozen=True, slots=True)
class SigninEmailPage:
    """pages/signin_email.html. `sent_to` is where a code waits to be entered, '' before; `until` is its last moment.

    `fault`: '', address, wrong, over, locked, often; `wait_minutes` belongs to the last.
    """

    next: str
    address: str
    sent_to: str
    until: datetime | None
    minutes_left: int
    fault: str
    tries_left: int
    wait_minutes: int


# --- which way -------------------------------------------------------------------------------------------------


async def choose(request: Request) -> Response:
    query = request.query_params
    return _choices(request, safe_next(query.get("next", ""), HOME), _level(query.get("level", "")))


def _choices(
    request: Request, place: str, level: Assurance, *, failed: str = "", status: int = 200, wait: int | None = None
) -> Response:
    """`wait`: seconds after which it may be tried again, where that is known."""
    of, needed = services(request), "" if level is Assurance.NONE else level.value
    query = urlencode({"next": place, "level": needed} if needed else {"next": place})
    reaching = [each for each in of.identity.values() if each.level.covers(level)]
    context = SigninPage(
        next=place,
        level=needed,
        cards=[CardWay(each.level.value, f"/signin/{each.provider}/go?{query}") for each in reaching],
        email_url=f"/signin/email?{query}" if of.mailer and Assurance.EMAIL.covers(level) else "",
        people=[
            SandboxPerson(subject, resident.facts.display_name, resident.note, each.level.value)
            for each in reaching
            if isinstance(each, SandboxIdentity)
            for subject, resident in each.residents.items()
        ],
        failed=failed,
        wait_minutes=-(-(wait or 0) // 60),
    )
    headers = None if wait is None else {"retry-after": str(wait)}
    return page(request, "pages/signin.html", context, status=status, headers=headers)


def _level(text: str) -> Assurance:
    return Assurance(text) if text in set(Assurance) else Assurance.NONE


async def sandbox_resident(request: Request) -> Response:
    """The sandbox's short way: a button is a card held to the reader."""
    posted = await read_form(request)
    subject, place = last(posted, "resident"), safe_next(last(posted, "next"), HOME)
    for adapter in services(request).identity.values():
        if isinstance(adapter, SandboxIdentity):
            found = await adapter.finish({"code": subject}, "")
            if isinstance(found, Facts):
                return await _welcome(request, found, place)
    return _choices(request, place, Assurance.NONE, failed="resident", status=422)


async def _welcome(request: Request, facts: Facts, place: str) -> Response:
    of = services(request)
    session_id, now = visitor(request).session_id, of.clock()

    def work(db: Writing) -> str:
        token = sign_in(db, of.keys, session_id, facts, now=now, random=of.random)
        drafts.claim(db, session_of(db, token, keys=of.keys, now=now))
        return token

    token = await of.database.transact(work)
    response = see_other(place)
    set_session(request, response, token)
    return response


# --- a card's provider -----------------------------------------------------------------------------------------


async def go(request: Request) -> Response:
    """A link, not a form: a browser does not follow a form's answer off our origin."""
    of, query = services(request), request.query_params
    adapter = of.identity.get(request.path_params["provider"])
    if adapter is None:
        return problem(request, 404)
    place, level = safe_next(query.get("next", ""), HOME), _level(query.get("level", ""))
    if wait := await _too_often(request):
        return _not_signed_in(request, place, level, "often", wait)
    state = base64.urlsafe_b64encode(of.random(32)).decode().rstrip("=")
    url = await adapter.start(state, _return_url(request, adapter))
    if isinstance(url, Refused):
        trace(request).failure = url.cause
        return _not_signed_in(request, place, level, url.reason, PROVIDER_BACK)
    passage = Passage(f"signin:{adapter.provider}", state, place, level=level.value)
    return leave(request, see_other(url), passage)


async def came_back(request: Request) -> Response:
    adapter = services(request).identity.get(request.path_params["provider"])
    if adapter is None:
        return problem(request, 404)
    passage = come_back(request, f"signin:{adapter.provider}")
    if passage is None:
        return _choices(request, HOME, Assurance.NONE, failed="invalid", status=400)
    place, level = safe_next(passage.next, HOME), _level(passage.level)
    if wait := await _too_often(request):
        return arrive(request, _not_signed_in(request, place, level, "often", wait))
    found = await adapter.finish(request.query_params, _return_url(request, adapter))
    if isinstance(found, Refused):
        trace(request).failure = found.cause if found.reason != "declined" else None
        return arrive(request, _not_signed_in(request, place, level, found.reason, PROVIDER_BACK))
    return arrive(request, await _welcome(request, found, place))


def _not_signed_in(request: Request, place: str, level: Assurance, reason: str, wait: int) -> Response:
    """The ways again, with what happened. `wait` in seconds is told only where waiting helps."""
    status = _STATUS[reason]
    helps = wait if status in (429, 503) else None
    return _choices(request, place, level, failed=reason, status=status, wait=helps)


def _return_url(request: Request, adapter: IdentityAdapter) -> str:
    return f"{services(request).settings.base_url}/signin/{adapter.provider}/return"


async def _too_often(request: Request) -> int:
    """Seconds to wait, 0 if it may go on. Both ways count: each makes us ask the provider."""
    of, where, now = services(request), client(request), services(request).clock()
    return await of.database.transact(lambda db: seconds_to_wait(db, of.keys, SIGN_INS_PER_CLIENT, where, now=now))


# --- an address ------------------------------------------------------------------------------------------------


async def email_page(request: Request) -> Response:
    if services(request).mailer is None:
        return problem(request, 404)
    return await _email(request, safe_next(request.query_params.get("next", ""), HOME))


async def email_posted(request: Request) -> Response:
    if services(request).mailer is None:
        return problem(request, 404)
    posted = await read_form(request)
    place = safe_next(last(posted, "next"), HOME)
    if "code" in posted:
        return await _code_typed(request, posted["code"][-1], place)
    return await _address_typed(request, last(posted, "address"), place)


async def _address_typed(request: Request, typed: str, place: str) -> Response:
    of = services(request)
    session_id, where, now = visitor(request).session_id, client(request), of.clock()
    speech = language(request).code
    outcome = await of.database.transact(
        lambda db: send_code(db, of.keys, session_id, typed, client=where, language=speech, now=now, random=of.random)
    )
    if not isinstance(outcome, CodeSent):
        return await _email(request, place, address=typed, outcome=outcome)
    if of.mailer is not None:
        await deliver_at_once(of.database, of.mailer, now)
    response = see_other("/signin/email?" + urlencode({"next": place}))
    if outcome.token:
        set_session(request, response, outcome.token)
    return response


async def _code_typed(request: Request, typed: str, place: str) -> Response:
    of = services(request)
    session_id, where, now = visitor(request).session_id, client(request), of.clock()

    def work(db: Writing) -> SignedIn | NotYet | TooOften:
        outcome = enter_code(db, of.keys, session_id, typed, client=where, now=now, random=of.random)
        if isinstance(outcome, SignedIn):
            drafts.claim(db, session_of(db, outcome.token, keys=of.keys, now=now))
        return outcome

    outcome = await of.database.transact(work)
    if not isinstance(outcome, SignedIn):
        return await _email(request, place, outcome=outcome)
    response = see_other(place)
    set_session(request, response, outcome.token)
    return response


async def _email(
    request: Request, place: str, *, address: str = "", outcome: NotYet | TooOften | None = None
) -> Response:
    of = services(request)
    session_id, now = visitor(request).session_id, of.clock()
    waiting = await of.database.read(lambda db: waiting_code(db, of.keys, session_id, now=now))
    sent_to = waiting.address if waiting else ""
    fault = outcome.fault.value if isinstance(outcome, NotYet) else "often" if outcome else ""
    context = SigninEmailPage(
        next=place,
        address=address or sent_to,
        sent_to=sent_to,
        until=waiting.until if waiting else None,
        minutes_left=-(-int((waiting.until - now).total_seconds()) // 60) if waiting else 0,
        fault=fault,
        tries_left=outcome.tries_left if isinstance(outcome, NotYet) else 0,
        wait_minutes=-(-outcome.seconds // 60) if isinstance(outcome, TooOften) else 0,
    )
    if isinstance(outcome, TooOften):
        headers = {"retry-after": str(outcome.seconds)}
        return page(request, "pages/signin_email.html", context, status=429, headers=headers)
    return page(request, "pages/signin_email.html", context, status=422 if outcome else 200)


# --- out -------------------------------------------------------------------------------------------------------


async def out(request: Request) -> Response:
    session_id = visitor(request).session_id
    if session_id is not None:
        await services(request).database.transact(lambda db: sign_out(db, session_id))
    response = see_other("/")
    clear_session(request, response)
    return response


ROUTES = [
    route("/signin", choose, access=Access.VISITOR),
    route("/signin", sandbox_resident, methods=("POST",), access=Access.SANDBOX),
    route("/signin/email", email_page, access=Access.VISITOR),
    route("/signin/email", email_posted, methods=("POST",), access=Access.VISITOR),
    route("/signin/{provider}/go", go, access=Access.VISITOR),
    route("/signin/{provider}/return", came_back, access=Access.VISITOR),
    route("/signout", out, methods=("POST",), access=Access.VISITOR),
]
