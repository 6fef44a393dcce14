"""Accounts of the staff: signing in, enrolling, and what an administrator does with the others'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from server.people import passkeys, passwords, staff_sessions
from server.people import staff as accounts
from server.people.factors import Qr, enrolment_qr
from server.people.passkeys import Use
from server.people.roles import EVERYWHERE, Action, Held
from server.people.staff import Account, Locked, Pending
from server.people.staff_sessions import Signed
from server.store.database import Reading, Writing
from server.web.badge import (
    HOME,
    ROOMS,
    SIGN_IN,
    Desk,
    absent,
    clear_badge,
    desk,
    forbidden,
    set_badge,
    staff,
    staff_token,
)
from server.web.contexts import ErrorLink
from server.web.http import client, last, page, read_form, safe_next, see_other, services
from server.web.routing import Access, route
from server.web.staff.passkeys import BODY, browser, enter, here
from server.web.staff.proof import locked_words, waits

ROLE_WORDS: Final = {
    "clerk": "受付",
    "reviewer": "審査",
    "approver": "決裁",
    "treasurer": "収納",
    "administrator": "職員の管理",
    "auditor": "監査",
}
_WRONG: Final = "サインインできませんでした。ログイン名、パスワード、認証コードのどれかが違います"
_WRONG_PASSKEY: Final = "パスキーでサインインできませんでした。もう一度試すか、パスワードと認証コードを使ってください"
_WRONG_CODE: Final = "6桁の認証コードが違います。認証アプリにいま出ている番号を入力してください"
_WRONG_ENROLMENT: Final = "ログイン名か登録コードが違うか、登録コードの期限が過ぎています"
UNFIT_PASSWORD: Final = {
    "short": f"パスワードは{passwords.SHORTEST}文字以上にしてください",
    "long": f"パスワードは{passwords.LONGEST}文字までにしてください",
    "login": "パスワードにログイン名を入れないでください",
    "common": "よく使われるパスワードです。ほかの人が思いつかないものにしてください",
    "again": "2回入力したパスワードが違います。もう一度、同じものを入力してください",
}


@dataclass(frozen=True, slots=True)
class StaffSigninPage:
    """staff/signin.html. `wait_minutes`: there were too many failures; 0: there were not. `passkeys`, `provider`: one
    may come in that way too."""

    next: str
    login: str = ""
    errors: Sequence[ErrorLink] = ()
    wait_minutes: int = 0
    passkeys: bool = False
    provider: bool = False


@dataclass(frozen=True, slots=True)
class EnrolPage:
    """staff/enrol.html; `shortest`: characters a password must have."""

    login: str = ""
    code: str = ""
    errors: Sequence[ErrorLink] = ()
    wait_minutes: int = 0
    shortest: int = passwords.SHORTEST


@dataclass(frozen=True, slots=True)
class FactorPage:
    """staff/factor.html: the authenticator's secret, as a picture and in groups of four letters."""

    login: str
    qr: Qr
    secret: str
    errors: Sequence[ErrorLink] = ()


@dataclass(frozen=True, slots=True)
class RecoveryPage:
    """staff/recovery.html: the codes are shown here and nowhere else. `renewed`: others were before them."""

    codes: Sequence[str]
    go_url: str
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A browser somebody is signed in at. `end_url` takes a form; '' for this very one."""

    began: datetime
    seen_at: datetime
    until: datetime
    end_url: str


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """A line of the administrators' list; `state` is enrolled, waiting or disabled."""

    login: str
    name: str
    roles: Sequence[str]
    state: str
    href: str


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """staff/people.html"""

    desk: Desk
    people: Sequence[PeopleRow]


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role as a form sends it, and as people read it."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonPage:
    """staff/person.html. `switch` is what the button does: 'enable' or 'disable'. `held` are the roles they have,
    `addable` those there are, `departments` where one may be held."""

    desk: Desk
    row: PeopleRow
    enrol_until: datetime | None
    recovery_left: int
    sessions: Sequence[StaffSession]
    switch: str
    held: Sequence[RoleChoice]
    addable: Sequence[RoleChoice]
    departments: Sequence[str]


# --- in and out -----------------------------------------------------------------------------------------------------


async def signin_page(request: Request) -> Response:
    return page(request, "staff/signin.html", _signin(request, request.query_params.get("next", "")))


def _signin(request: Request, to: str, **more: Any) -> StaffSigninPage:
    provider = services(request).staff_provider is not None
    return StaffSigninPage(staff_next(to), **more, passkeys=here(request) is not None, provider=provider)


def staff_next(text: str) -> str:
    """A page of the staff's, wherever else it was to lead."""
    found = safe_next(text, HOME)
    return found if found.startswith(tuple(f"{room}/" for room in ROOMS)) or found in ROOMS else HOME


async def signin(request: Request) -> Response:
    """Login, password and code in one go: what was wrong is not told, nor whether there is such a login. A passkey may
    be shown in place of the code."""
    of, posted, place = services(request), await read_form(request), client(request)
    names = ("login", "password", "code", "passkey", "next")
    login, password, code, passkey, to = (last(posted, name) for name in names)
    now, before, device, name = of.clock(), staff_token(request), here(request), browser(request)
    locked = await of.database.transact(lambda db: accounts.counted(db, of.keys, login, place, now=now))
    if locked is not None:
        return signin_again(request, login, to, locked)
    kept = await of.database.read(lambda db: accounts.kept_hash(db, of.keys, login))
    right = await of.passwords.verify(kept, password) if password else False

    def work(db: Writing) -> str | None:
        verified, owner = kept if right else None, ""
        if passkey and device is not None:
            owner = passkeys.shown(db, of.keys, device, Use.FACTOR, passkey, name, now=now)
        given: dict[str, Any] = {"place": place, "before": before, "now": now, "random": of.random}
        return accounts.sign_in(db, of.keys, login, verified, code, passkey_of=owner, **given)

    token = await of.database.transact(work)
    return signin_again(request, login, to, None) if token is None else welcome(request, token, to)


def welcome(request: Request, token: str, to: str) -> Response:
    """Somebody is signed in: to where they were going."""
    response = see_other(staff_next(to))
    set_badge(request, response, token)
    return response


async def signin_passkey(request: Request) -> Response:
    """A passkey in place of everything else."""
    posted = await read_form(request)
    answer, to = (last(posted, name) for name in ("passkey", "next"))
    found = await enter(request, answer)
    if isinstance(found, str):
        return welcome(request, found, to)
    return signin_again(request, "", to, found, _WRONG_PASSKEY)


def signin_again(request: Request, login: str, to: str, locked: Locked | None, wrong: str = _WRONG) -> Response:
    """The page again, with what was wrong as far as it is told, or for how long one has to wait."""
    minutes = -(-locked.seconds // 60) if locked else 0
    errors = [ErrorLink("#f-login", "サインイン", locked_words(locked) if locked else wrong)]
    context = _signin(request, to, login=login[:80], errors=errors, wait_minutes=minutes)
    return page(request, "staff/signin.html", context, status=429 if locked else 422, headers=waits(locked))


async def signout(request: Request) -> Response:
    of, who = services(request), staff(request)
    await of.database.transact(lambda db: staff_sessions.end(db, who.session_id, who.id, actor=who.actor))
    response = see_other(SIGN_IN)
    clear_badge(request, response)
    return response


# --- enrolment ------------------------------------------------------------------------------------------------------


async def enrol_page(request: Request) -> Response:
    return page(request, "staff/enrol.html", EnrolPage())


async def enrol(request: Request) -> Response:
    """The enrolment code sets a password; the second factor comes next."""
    of, posted, place = services(request), await read_form(request), client(request)
    login, code, password, again = (last(posted, name) for name in ("login", "code", "password", "password_again"))
    now = of.clock()
    locked = await of.database.transact(lambda db: accounts.counted(db, of.keys, login, place, now=now))
    if locked is not None:
        return _enrol_again(request, login, code, "locked", locked)
    if not await of.database.read(lambda db: accounts.may_enrol(db, of.keys, login, code, now=now)):
        return _enrol_again(request, login, code, "code", None)
    fault = passwords.fault(password, accounts.folded(login)) or ("" if password == again else "again")
    if fault:
        await of.database.transact(lambda db: accounts.forgiven(db, of.keys, login, place, now=now))
        return _enrol_again(request, login, code, fault, None)
    kept = await of.passwords.hash(password)

    def work(db: Writing) -> str | None:
        return accounts.begin(db, of.keys, login, code, kept, place=place, now=now, random=of.random)

    token = await of.database.transact(work)
    if token is None:
        return _enrol_again(request, login, code, "code", None)
    response = see_other("/staff/enrol/factor")
    set_badge(request, response, token)
    return response


def _enrol_again(request: Request, login: str, code: str, fault: str, locked: Locked | None) -> Response:
    minutes = -(-locked.seconds // 60) if locked else 0
    if locked:
        wrong = ErrorLink("#f-login", "登録", f"失敗が続いたため、止めています。{minutes}分ほど待ってください")
    elif fault == "code":
        wrong = ErrorLink("#f-code", "登録コード", _WRONG_ENROLMENT)
    else:
        control = "#f-password-again" if fault == "again" else "#f-password"
        wrong = ErrorLink(control, "パスワード", UNFIT_PASSWORD[fault])
    headers = {"retry-after": str(locked.seconds)} if locked else None
    context = EnrolPage(login[:80], code[:80], [wrong], minutes)
    return page(request, "staff/enrol.html", context, status=429 if locked else 422, headers=headers)


async def factor_page(request: Request) -> Response:
    pending = await _pending(request)
    return see_other("/staff/enrol") if pending is None else _factor(request, pending)


async def _pending(request: Request) -> Pending | None:
    of, token, now = services(request), staff_token(request), services(request).clock()
    if token is None:
        return None
    return await of.database.read(lambda db: accounts.pending(db, of.keys, token, now=now))


def _factor(request: Request, pending: Pending, *, wrong: bool = False) -> Response:
    errors = [ErrorLink("#f-code", "認証コード", _WRONG_CODE)] if wrong else []
    qr = enrolment_qr(pending.secret, pending.login, services(request).city.name)
    groups = " ".join(pending.secret[start : start + 4] for start in range(0, len(pending.secret), 4))
    context = FactorPage(pending.login, qr, groups, errors)
    return page(request, "staff/factor.html", context, status=422 if wrong else 200)


async def factor(request: Request) -> Response:
    """The authenticator is proven: the account is enrolled. The answer is the one page with the recovery codes."""
    of, token, now = services(request), staff_token(request), services(request).clock()
    code = last(await read_form(request), "code")
    pending = await _pending(request)
    if pending is None or token is None:
        return see_other("/staff/enrol")
    done = await of.database.transact(lambda db: accounts.finish(db, of.keys, token, code, now=now, random=of.random))
    if done is None:
        return _factor(request, pending, wrong=True)
    response = page(request, "staff/recovery.html", RecoveryPage(done.recovery_codes, HOME))
    set_badge(request, response, done.token)
    return response


# --- administrators -------------------------------------------------------------------------------------------------


def session_as_read(each: Signed, end_url: str) -> StaffSession:
    return StaffSession(each.began, each.seen_at, each.until, end_url)


def roles_as_read(held: Sequence[Held]) -> list[str]:
    """As people read them: '市民課の受付'."""
    return [
        ROLE_WORDS[each.role] if each.department == EVERYWHERE else f"{each.department}の{ROLE_WORDS[each.role]}"
        for each in held
    ]


async def people(request: Request) -> Response:
    """Everybody who has an account."""
    of = services(request)
    if not staff(request).may(Action.MANAGE_STAFF):
        return forbidden(request)
    found = await of.database.read(lambda db: accounts.every(db, of.keys), long=True)
    return page(request, "staff/people.html", PeoplePage(desk(request), [_row(each) for each in found]))


def _row(each: Account) -> PeopleRow:
    state = "disabled" if each.disabled else "enrolled" if each.enrolled else "waiting"
    return PeopleRow(each.login, each.name, roles_as_read(each.held), state, f"/admin/staff/{each.id}")


async def person(request: Request) -> Response:
    """One account and where it is signed in."""
    of, staff_id, now = services(request), request.path_params["staff"], services(request).clock()
    if not staff(request).may(Action.MANAGE_STAFF):
        return forbidden(request)

    def work(db: Reading) -> tuple[Account | None, tuple[Signed, ...]]:
        return accounts.account(db, of.keys, staff_id), staff_sessions.of_staff(db, staff_id, now=now)

    found, signed = await of.database.read(work)
    if found is None:
        return absent(request)
    sessions = [session_as_read(each, f"/admin/staff/{staff_id}/sessions/{each.id}/end") for each in signed]
    switch = "enable" if found.disabled else "disable"
    context = PersonPage(
        desk=desk(request),
        row=_row(found),
        enrol_until=found.enrol_until,
        recovery_left=found.recovery_left,
        sessions=sessions,
        switch=switch,
        held=[RoleChoice(f"{each.role}:{each.department}", *roles_as_read([each])) for each in found.held],
        addable=[RoleChoice(value, text) for value, text in ROLE_WORDS.items()],
        departments=list(of.city.departments),
    )
    return page(request, "staff/person.html", context)


async def switch(request: Request) -> Response:
    """Enable or disable an account, as the form says."""
    of, who, staff_id = services(request), staff(request), request.path_params["staff"]
    if not who.may(Action.MANAGE_STAFF):
        return forbidden(request)
    wanted, now = last(await read_form(request), "do"), of.clock()
    on = wanted == "enable"
    if wanted not in ("enable", "disable") or not await of.database.transact(
        lambda db: accounts.switch(db, staff_id, on=on, actor=who.actor, now=now)
    ):
        return absent(request)
    return see_other(f"/admin/staff/{staff_id}")


async def end_others(request: Request) -> Response:
    """End a session of somebody else's; pressed twice, it is done."""
    of, who, session = services(request), staff(request), request.path_params["session"]
    staff_id = request.path_params["staff"]
    if not who.may(Action.END_SESSION):
        return forbidden(request)
    if await of.database.read(lambda db: accounts.account(db, of.keys, staff_id)) is None:
        return absent(request)
    await of.database.transact(lambda db: staff_sessions.end(db, session, staff_id, actor=who.actor))
    return see_other(f"/admin/staff/{staff_id}#sessions")


ROUTES = [
    route(SIGN_IN, signin_page, access=Access.STAFF_DOOR),
    route(SIGN_IN, signin, methods=("POST",), access=Access.STAFF_DOOR),
    route(f"{SIGN_IN}/passkey", signin_passkey, methods=("POST",), access=Access.STAFF_DOOR, body=BODY),
    route("/staff/enrol", enrol_page, access=Access.STAFF_DOOR),
    route("/staff/enrol", enrol, methods=("POST",), access=Access.STAFF_DOOR),
    route("/staff/enrol/factor", factor_page, access=Access.STAFF_DOOR),
    route("/staff/enrol/factor", factor, methods=("POST",), access=Access.STAFF_DOOR),
    route("/staff/signout", signout, methods=("POST",), access=Access.STAFF),
    route("/admin/staff", people, access=Access.STAFF),
    route("/admin/staff/{staff}", person, access=Access.STAFF),
    route("/admin/staff/{staff}/switch", switch, methods=("POST",), access=Access.STAFF),
    route("/admin/staff/{staff}/sessions/{session}/end", end_others, methods=("POST",), access=Access.STAFF),
]
