"""Passkeys at the door and at one's own desk. Everything here needs script; whoever has none has password and code."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.people import passkeys
from server.people.passkeys import Party, Unfit, Use
from server.people.staff import Locked
from server.store.database import Reading, Writing
from server.web.badge import Desk, desk, staff, staff_token
from server.web.contexts import ErrorLink
from server.web.http import client, is_sandbox, last, page, problem, read_form, see_other, services
from server.web.routing import Access, route
from server.web.staff.proof import prove, waits, wrong_proof

BODY: Final = 64 << 10
_MAKE: Final = "/staff/passkeys/new"
_UNFIT: Final = {
    Unfit.LABEL: f"名前を、{passkeys.LONGEST_LABEL}文字までで入力してください",
    Unfit.ANSWER: "パスキーを登録できませんでした。もう一度、はじめから試してください",
    Unfit.TAKEN: "このパスキーは、もう登録されています",
    Unfit.MOST: f"パスキーは{passkeys.MOST}個までです。使わないものを消してから、登録してください",
}


@dataclass(frozen=True, slots=True)
class PasskeyProofPage:
    """staff/passkey_new.html: before a passkey is made."""

    desk: Desk
    label: str = ""
    errors: Sequence[ErrorLink] = ()
    longest: int = passkeys.LONGEST_LABEL


@dataclass(frozen=True, slots=True)
class PasskeyPage:
    """staff/passkey.html. `options`: JSON for `navigator.credentials.create`."""

    desk: Desk
    label: str
    options: str


def here(request: Request) -> Party | None:
    """Who we are to passkeys; None where there can be none."""
    return passkeys.party(services(request).settings.base_url)


# --- at the door ----------------------------------------------------------------------------------------------------


def _door(request: Request) -> str:
    return "kakanai-door" if is_sandbox(request) else "__Host-kakanai-door"


def browser(request: Request) -> str:
    """This browser, as a challenge at the door is bound to it; '' for one that asked for none."""
    return request.cookies.get(_door(request), "")[:64]


async def challenge(request: Request) -> Response:
    """What the browser is to have signed, as JSON. Nothing of it is kept here: the browser keeps a name of its own."""
    of, found = services(request), here(request)
    wanted = last(await read_form(request), "for")
    if found is None or wanted not in (Use.FACTOR, Use.WHOLE):
        return problem(request, 404)
    name = browser(request) or base64.urlsafe_b64encode(of.random(18)).decode()
    told = passkeys.to_show(of.keys, found, Use(wanted), name, now=of.clock(), random=of.random)
    response = Response(told, media_type="application/json")
    # Strict: nothing that another site begins ever answers a challenge.
    kept = {"path": "/", "secure": not is_sandbox(request), "httponly": True, "samesite": "strict"}
    response.set_cookie(_door(request), name, **kept)  # type: ignore[arg-type]  # one mapping for all of it
    return response


async def enter(request: Request, answer: str) -> str | Locked | None:
    """The token of a session for the owner of the passkey that was shown in place of everything else."""
    of, found, place = services(request), here(request), client(request)
    name, before, now = browser(request), staff_token(request), of.clock()
    if found is None:
        return None

    def work(db: Writing) -> str | Locked | None:
        return passkeys.enter(db, of.keys, found, answer, name, place=place, before=before, now=now, random=of.random)

    return await of.database.transact(work)


# --- at one's own desk ----------------------------------------------------------------------------------------------


async def new(request: Request) -> Response:
    """Who wants a passkey proves once more that it is they who sit here."""
    if here(request) is None:
        return problem(request, 404)
    return page(request, "staff/passkey_new.html", PasskeyProofPage(desk(request)))


async def begin(request: Request) -> Response:
    """It is they: the answer is the page that makes the passkey, good for five minutes."""
    of, who, found = services(request), staff(request), here(request)
    posted = await read_form(request)
    label, password, code = (last(posted, name) for name in ("label", "password", "code"))
    if found is None:
        return problem(request, 404)
    called = passkeys.label_of(label)
    if not called:
        return _again(request, label, [ErrorLink("#f-label", "名前", _UNFIT[Unfit.LABEL])])
    proof = await prove(request, password, code)
    if proof is not True:
        return _again(request, label, [wrong_proof(proof)], proof if isinstance(proof, Locked) else None)

    def work(db: Reading) -> str:
        return passkeys.to_register(db, of.keys, found, who, of.city.name, now=of.clock(), random=of.random)

    options = await of.database.read(work)
    return page(request, "staff/passkey.html", PasskeyPage(desk(request), called, options))


def _again(request: Request, label: str, errors: Sequence[ErrorLink], locked: Locked | None = None) -> Response:
    context = PasskeyProofPage(desk(request), label[: passkeys.LONGEST_LABEL], errors)
    return page(request, "staff/passkey_new.html", context, status=429 if locked else 422, headers=waits(locked))


async def register(request: Request) -> Response:
    """What the device made is kept."""
    of, who, found, now = services(request), staff(request), here(request), services(request).clock()
    posted = await read_form(request)
    label, answer = (last(posted, name) for name in ("label", "passkey"))
    if found is None:
        return problem(request, 404)

    def work(db: Writing) -> Unfit | None:
        return passkeys.register(db, of.keys, found, who, label, answer, now=now, random=of.random)

    unfit = await of.database.transact(work)
    if unfit is not None:
        return _again(request, label, [ErrorLink("#f-label", "パスキー", _UNFIT[unfit])])
    return see_other("/staff#passkeys")


async def remove(request: Request) -> Response:
    """Forget a passkey of one's own; pressed twice, it is gone."""
    who, passkey = staff(request), request.path_params["passkey"]
    await services(request).database.transact(lambda db: passkeys.remove(db, passkey, who))
    return see_other("/staff#passkeys")


ROUTES = [
    route("/staff/passkeys/challenge", challenge, methods=("POST",), access=Access.STAFF_DOOR),
    route(_MAKE, new, access=Access.STAFF),
    route(_MAKE, begin, methods=("POST",), access=Access.STAFF),
    route("/staff/passkeys", register, methods=("POST",), access=Access.STAFF, body=BODY),
    route("/staff/passkeys/{passkey}/remove", remove, methods=("POST",), access=Access.STAFF),
]
