"""One's own account on the staff: who one is here, where one is signed in, and the ways in that one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from server.people import passkeys, passwords, staff_identities, staff_own, staff_sessions
from server.people import staff as accounts
from server.people.staff import Account, Locked
from server.people.staff_sessions import Signed
from server.store.database import Reading
from server.web.badge import Desk, desk, set_badge, staff
from server.web.contexts import ErrorLink
from server.web.http import last, page, read_form, see_other, services
from server.web.routing import Access, route
from server.web.staff.accounts import UNFIT_PASSWORD, RecoveryPage, StaffSession, roles_as_read, session_as_read
from server.web.staff.passkeys import here
from server.web.staff.proof import prove, waits, wrong_proof


@dataclass(frozen=True, slots=True)
class PasskeyLine:
    """A passkey; `remove_url` takes a form."""

    label: str
    created_at: datetime
    used_at: datetime | None
    remove_url: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """staff/account.html: one's own account. `idle`: minutes without a request after which one is signed out.
    `has_password`: else one comes in over the city's provider alone; `linked_since`: None where that knows nobody;
    `takes_passkeys`: whether there can be any at this address."""

    desk: Desk
    login: str
    name: str
    roles: Sequence[str]
    recovery_left: int
    idle: int
    sessions: Sequence[StaffSession]
    passkeys: Sequence[PasskeyLine] = ()
    takes_passkeys: bool = True
    has_password: bool = True
    linked_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RenewPage:
    """staff/renew.html: before the recovery codes are made anew."""

    desk: Desk
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class PasswordPage:
    """staff/password.html; `shortest`: characters a password must have."""

    desk: Desk
    errors: Sequence[ErrorLink] = ()
    shortest: int = passwords.SHORTEST


async def account(request: Request) -> Response:
    """Who one is here, and where one is signed in."""
    of, who, now = services(request), staff(request), services(request).clock()

    def work(db: Reading) -> tuple[Account | None, tuple[Signed, ...], Sequence[PasskeyLine], datetime | None]:
        own = [_passkey(each) for each in passkeys.of_staff(db, of.keys, who.id)]
        since = staff_identities.linked_since(db, who.id)
        return accounts.account(db, of.keys, who.id), staff_sessions.of_staff(db, who.id, now=now), own, since

    own, signed, devices, since = await of.database.read(work)
    context = AccountPage(
        desk=desk(request),
        login=who.login,
        name=who.name,
        roles=roles_as_read(sorted(who.held)),
        recovery_left=own.recovery_left if own else 0,
        idle=int(staff_sessions.WORKING.idle.total_seconds()) // 60,
        sessions=[
            session_as_read(each, "" if each.id == who.session_id else f"/staff/sessions/{each.id}/end")
            for each in signed
        ],
        passkeys=devices,
        takes_passkeys=here(request) is not None,
        has_password=own is not None and own.has_password,
        linked_since=since,
    )
    return page(request, "staff/account.html", context)


def _passkey(each: passkeys.Passkey) -> PasskeyLine:
    return PasskeyLine(each.label, each.created_at, each.used_at, f"/staff/passkeys/{each.id}/remove")


async def end_own(request: Request) -> Response:
    """End a session of one's own; pressed twice, it is done."""
    of, who, session = services(request), staff(request), request.path_params["session"]
    await of.database.transact(lambda db: staff_sessions.end(db, session, who.id, actor=who.actor))
    return see_other("/staff#sessions")


async def renew_page(request: Request) -> Response:
    return page(request, "staff/renew.html", RenewPage(desk(request)))


async def renew(request: Request) -> Response:
    """New recovery codes: the answer is the one page that shows them."""
    of, who, posted = services(request), staff(request), await read_form(request)
    proof = await prove(request, *(last(posted, name) for name in ("password", "code")))
    if proof is not True:
        locked = proof if isinstance(proof, Locked) else None
        context = RenewPage(desk(request), [wrong_proof(proof)])
        return page(request, "staff/renew.html", context, status=429 if locked else 422, headers=waits(locked))
    codes = await of.database.transact(lambda db: staff_own.renew_codes(db, of.keys, who.id, random=of.random))
    return page(request, "staff/recovery.html", RecoveryPage(codes, "/staff", renewed=True))


async def password_page(request: Request) -> Response:
    return page(request, "staff/password.html", PasswordPage(desk(request)))


async def password(request: Request) -> Response:
    """Another password. Everywhere else one is signed out by it."""
    of, who, posted = services(request), staff(request), await read_form(request)
    names = ("password", "code", "new_password", "new_password_again")
    old, code, new, again = (last(posted, name) for name in names)
    fault = passwords.fault(new, who.login) or ("" if new == again else "again")
    if fault:
        control = "#f-again" if fault == "again" else "#f-new"
        return _password_again(request, ErrorLink(control, "新しいパスワード", UNFIT_PASSWORD[fault]))
    proof = await prove(request, old, code)
    if proof is not True:
        return _password_again(request, wrong_proof(proof), proof if isinstance(proof, Locked) else None)
    kept, now = await of.passwords.hash(new), of.clock()
    token = await of.database.transact(
        lambda db: staff_own.change_password(db, of.keys, who.id, kept, now=now, random=of.random)
    )
    response = see_other("/staff")
    set_badge(request, response, token)
    return response


def _password_again(request: Request, wrong: ErrorLink, locked: Locked | None = None) -> Response:
    context = PasswordPage(desk(request), [wrong])
    return page(request, "staff/password.html", context, status=429 if locked else 422, headers=waits(locked))


async def unlink(request: Request) -> Response:
    """Come in by password from now on, not over the city's provider; pressed twice, it is done."""
    who = staff(request)
    await services(request).database.transact(lambda db: staff_identities.unlink(db, who.id, actor=who.actor))
    return see_other("/staff")


ROUTES = [
    route("/staff", account, access=Access.STAFF),
    route("/staff/sessions/{session}/end", end_own, methods=("POST",), access=Access.STAFF),
    route("/staff/recovery", renew_page, access=Access.STAFF),
    route("/staff/recovery", renew, methods=("POST",), access=Access.STAFF),
    route("/staff/password", password_page, access=Access.STAFF),
    route("/staff/password", password, methods=("POST",), access=Access.STAFF),
    route("/staff/unlink", unlink, methods=("POST",), access=Access.STAFF),
]
