"""Accounts of the staff: made by an operator, enrolled by their owner, used with a password and a second factor.

An account begins with an enrolment code. With it its owner sets a password, then an authenticator; both must be done
before the code counts as used. Signing in takes login, password and code in one go: there is no half-signed-in state,
and a wrong try says neither which of the three was wrong nor whether there is such a login.
"""

from __future__ import annotations

import hmac
import json
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from server.people import staff_rows as rows
from server.people import staff_sessions
from server.people.factors import new_secret, step_of
from server.people.limits import Limit, forgive, seconds_to_wait
from server.people.roles import Held
from server.people.staff_sessions import PROFILE, Stage, held_by, open_profile, open_session
from server.signs import new_code
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

ENROL_WITHIN: Final = timedelta(hours=72)
QUARTER: Final = timedelta(minutes=15)
FAILED_HERE: Final = Limit("staff.failed.account-and-place", 5, QUARTER)
FAILED_ANYWHERE: Final = Limit("staff.failed.account", 20, timedelta(hours=1))
FAILED_PLACE: Final = Limit("staff.failed.place", 60, QUARTER)
"""Of one network address: a city hall has one for all."""
LONGEST_NAME: Final = 60

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


def folded(login: str) -> str:
    """A login as it is compared: capitals and full width do not matter."""
    return unicodedata.normalize("NFKC", login[:200]).strip().casefold()


class Unfit(StrEnum):
    """Why an operator's command changed nothing."""

    LOGIN = "login"
    TAKEN = "taken"
    NAME = "name"
    ROLES = "roles"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as operators, administrators and auditors see it. `enrol_until`: a code waits to be used.
    `has_password`: with an authenticator; without one they sign in over the city's provider alone."""

    id: str
    login: str
    name: str
    held: Sequence[Held]
    enrolled: bool
    disabled: bool
    enrol_until: datetime | None
    recovery_left: int
    has_password: bool = True


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many failures: come back after `seconds`."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Pending:
    """An account whose second factor is being set."""

    id: str
    login: str
    secret: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """It is done. The codes are shown once; `token` is of the session that was opened."""

    token: str
    recovery_codes: Sequence[str]


# --- what operators and administrators do ---------------------------------------------------------------------------


def add(
    db: Writing, keys: Keys, login: str, name: str, held: Collection[Held], *, actor: str, now: datetime, random: Random
) -> str | Unfit:
    """A new account: its enrolment code, which is nowhere else."""
    plain, called = folded(login), " ".join(name.split())
    if not _LOGIN.fullmatch(plain):
        return Unfit.LOGIN
    if not called or len(called) > LONGEST_NAME or not called.replace("\u3000", "").isprintable():
        return Unfit.NAME
    if not held:
        return Unfit.ROLES
    staff_id, code = new_id(random), new_code(random, 4)
    key, wrapped = keys.new_data_key(staff_id)
    profile = json.dumps({"login": plain, "name": called}, ensure_ascii=False).encode()
    row = {"id": staff_id, "login_digest": rows.login_digest(keys, plain), "wrapped_key": wrapped, "totp_step": 0}
    row |= {"sealed_profile": key.seal(profile, PROFILE), "created_at": now}
    row |= {"enrol_digest": rows.enrol_digest(keys, staff_id, code), "enrol_until": now + ENROL_WITHIN}
    if not db.insert_new(t.staff, row):
        return Unfit.TAKEN
    _give(db, staff_id, held, "staff.add", actor)
    return code


def set_roles(db: Writing, keys: Keys, login: str, held: Collection[Held], *, actor: str) -> Unfit | None:
    """Give these roles and no others. They count from the next request on."""
    row = db.one(rows.FIND_LOCKED, {"login_digest": rows.login_digest(keys, folded(login))})
    if row is None or not held:
        return Unfit.UNKNOWN if row is None else Unfit.ROLES
    db.execute(rows.FORGET_ROLES, {"of": row.id})
    _give(db, row.id, held, "staff.roles", actor)
    return None


def _give(db: Writing, staff_id: str, held: Collection[Held], action: str, actor: str) -> None:
    given = sorted(set(held))
    db.insert(
        t.staff_role, [{"staff_id": staff_id, "role": each.role, "department": each.department} for each in given]
    )
    roles = " ".join(f"{each.role}:{each.department}" for each in given)
    db.audit(action, staff_id, actor=actor, detail={"roles": roles})


def reset(db: Writing, keys: Keys, login: str, *, actor: str, now: datetime, random: Random) -> str | Unfit:
    """Void every way in (password, second factor, recovery codes, passkeys, the provider's) and every session; a new
    enrolment code."""
    row = db.one(rows.FIND_LOCKED, {"login_digest": rows.login_digest(keys, folded(login))})
    if row is None:
        return Unfit.UNKNOWN
    code = new_code(random, 4)
    fresh: dict[str, Any] = {"enrolled_at": None, "sealed_password": None, "sealed_totp": None}
    fresh |= {"enrol_digest": rows.enrol_digest(keys, row.id, code), "enrol_until": now + ENROL_WITHIN}
    db.execute(rows.SET_RESET, {"of": row.id} | rows.to_set(fresh))
    for forget in (rows.FORGET_CODES, rows.FORGET_PASSKEYS, rows.FORGET_IDENTITY):
        db.execute(forget, {"of": row.id})
    ended = staff_sessions.end_all(db, row.id)
    db.audit("staff.reset", row.id, actor=actor, detail={"sessions": ended})
    return code


def switch(db: Writing, staff_id: str, *, on: bool, actor: str, now: datetime) -> bool:
    """Enable or disable an account; who is disabled is out at once. False: there is no such account."""
    row = db.one(rows.BY_ID_LOCKED, {"staff_id": staff_id})
    if row is None:
        return False
    db.execute(rows.SET_DISABLED, {"of": staff_id} | rows.to_set({"disabled_at": None if on else now}))
    ended = 0 if on else staff_sessions.end_all(db, staff_id)
    action = "staff.enable" if on else "staff.disable"
    db.audit(action, staff_id, actor=actor, detail={"sessions": ended})
    return True


def every(db: Reading, keys: Keys) -> tuple[Account, ...]:
    """Every account, by login."""
    return tuple(sorted((_account(db, keys, row) for row in db.all(rows.EVERY)), key=lambda each: each.login))


def account(db: Reading, keys: Keys, staff_id: str) -> Account | None:
    row = db.one(rows.BY_ID, {"staff_id": staff_id})
    return _account(db, keys, row) if row else None


def name_of(db: Reading, keys: Keys, staff_id: str | None) -> str:
    """What a colleague is called; '' for nobody, and of an account that is not there."""
    found = account(db, keys, staff_id) if staff_id else None
    return found.name if found else ""


def named(db: Reading, keys: Keys, login: str) -> Account | None:
    """The account with this login."""
    row = db.one(rows.FIND, {"login_digest": rows.login_digest(keys, folded(login))})
    return _account(db, keys, row) if row else None


def active_roles(db: Reading, staff_id: str) -> Sequence[Held]:
    """The roles of an account that may be used now: none of one that is disabled."""
    row = db.one(rows.BY_ID, {"staff_id": staff_id})
    return held_by(db, staff_id) if row is not None and row.disabled_at is None else ()


def _account(db: Reading, keys: Keys, row: Any) -> Account:
    profile = open_profile(keys, row.id, row.wrapped_key, row.sealed_profile)
    return Account(
        id=row.id,
        login=profile["login"],
        name=profile["name"],
        held=held_by(db, row.id),
        enrolled=row.enrolled_at is not None,
        disabled=row.disabled_at is not None,
        enrol_until=row.enrol_until,
        recovery_left=len(db.all(rows.CODES, {"staff_id": row.id})),
        has_password=row.sealed_password is not None,
    )


# --- failures -------------------------------------------------------------------------------------------------------


def _tries(login: str, place: str) -> tuple[tuple[Limit, str], ...]:
    name = folded(login)[:80]
    return (FAILED_HERE, f"{name}\n{place}"), (FAILED_ANYWHERE, name), (FAILED_PLACE, place)


def counted(db: Writing, keys: Keys, login: str, place: str, *, now: datetime) -> Locked | None:
    """Count a try before it is looked at, so that many at once are not looked at all; the right one is taken back.

    By the login as it was typed, whether or not there is one: a lock-out tells nothing either.
    """
    wait = max(seconds_to_wait(db, keys, limit, who, now=now) for limit, who in _tries(login, place))
    return Locked(wait) if wait else None


def forgiven(db: Writing, keys: Keys, login: str, place: str, *, now: datetime) -> None:
    """Take a try back that was counted: it was no failure."""
    for limit, who in _tries(login, place):
        forgive(db, keys, limit, who, now=now)


# --- signing in -----------------------------------------------------------------------------------------------------


def kept_hash(db: Reading, keys: Keys, login: str) -> str | None:
    """The hash the password is to be checked against; None where there is nobody, or they are not enrolled."""
    row = db.one(rows.FIND, {"login_digest": rows.login_digest(keys, folded(login))})
    return (
        None if row is None or row.enrolled_at is None else rows.opened(keys, row, rows.PASSWORD, row.sealed_password)
    )


def sign_in(
    db: Writing,
    keys: Keys,
    login: str,
    verified: str | None,
    code: str,
    *,
    place: str,
    passkey_of: str = "",
    before: str | None = None,
    now: datetime,
    random: Random,
) -> str | None:
    """The token of a new session, or None. `verified`: the hash that the password was found to be of, None for a
    wrong one; `code`: of the authenticator, or a recovery code; `passkey_of`: the account whose passkey was shown
    instead; `before`: the session this browser had."""
    row = db.one(rows.FIND_LOCKED, {"login_digest": rows.login_digest(keys, folded(login))})
    factor = rows.shown_factor(db, keys, row, code, now, passkey_of) if row is not None and verified is not None else ""
    if row is None or not factor or verified != rows.opened(keys, row, rows.PASSWORD, row.sealed_password):
        db.audit("staff.sign_in_failed", row.id if row is not None else "unknown", actor="anonymous")
        return None
    token = enter(db, row.id, factor, before=before, now=now, random=random)
    if token is not None:
        forgiven(db, keys, login, place, now=now)
    return token


def enter(
    db: Writing, staff_id: str, how: str, *, before: str | None = None, now: datetime, random: Random
) -> str | None:
    """The token of a new session for somebody who has proven who they are, both factors of it; None for an account
    that is disabled or not enrolled. `how`: with what, for the audit."""
    row = db.one(rows.BY_ID_LOCKED, {"staff_id": staff_id})
    if row is None or row.enrolled_at is None or row.disabled_at is not None:
        db.audit("staff.sign_in_failed", staff_id, actor="anonymous")
        return None
    if before is not None:
        staff_sessions.replaced(db, before)
    db.audit("staff.sign_in", staff_id, actor=f"staff:{staff_id}", detail={"factor": how})
    return open_session(db, staff_id, now=now, random=random)


# --- enrolment ------------------------------------------------------------------------------------------------------


def may_enrol(db: Reading, keys: Keys, login: str, code: str, *, now: datetime) -> bool:
    """Whether this code enrols this account now."""
    return enrollable(keys, db.one(rows.FIND, {"login_digest": rows.login_digest(keys, folded(login))}), code, now)


def enrollable(keys: Keys, row: Any, code: str, now: datetime) -> bool:
    """Whether a code enrols the account of a row (None: there is none) now."""
    digest = rows.enrol_digest(keys, row.id if row is not None else "", code)
    if row is None or row.enrol_digest is None or row.disabled_at is not None:
        return False
    return now < row.enrol_until and hmac.compare_digest(row.enrol_digest, digest)


def begin(
    db: Writing, keys: Keys, login: str, code: str, password: str, *, place: str, now: datetime, random: Random
) -> str | None:
    """Set the password (its hash), and a secret for the authenticator: the token of the session in which to go on.

    What was begun before with the same code is over, so that nobody else can end it.
    """
    row = db.one(rows.FIND_LOCKED, {"login_digest": rows.login_digest(keys, folded(login))})
    if not enrollable(keys, row, code, now) or row is None:
        return None
    forgiven(db, keys, login, place, now=now)
    key = keys.open_data_key(row.wrapped_key, row.id)
    sealed = {"sealed_password": key.seal(password.encode(), rows.PASSWORD)}
    sealed["sealed_totp"] = key.seal(new_secret(random).encode(), rows.TOTP)
    db.execute(rows.SET_PASSWORD, {"of": row.id} | rows.to_set(sealed))
    staff_sessions.end_all(db, row.id)
    return open_session(db, row.id, stage=Stage.ENROLLING, now=now, random=random)


def pending(db: Reading, keys: Keys, token: str, *, now: datetime) -> Pending | None:
    """What this browser is enrolling."""
    staff_id = staff_sessions.at_stage(db, token, Stage.ENROLLING, now=now)
    row = db.one(rows.BY_ID, {"staff_id": staff_id}) if staff_id else None
    return _pending(keys, row) if row is not None else None


def _pending(keys: Keys, row: Any) -> Pending | None:
    secret = rows.opened(keys, row, rows.TOTP, row.sealed_totp)
    login = open_profile(keys, row.id, row.wrapped_key, row.sealed_profile)["login"]
    return Pending(row.id, login, secret) if secret and row.enrolled_at is None else None


def finish(db: Writing, keys: Keys, token: str, code: str, *, now: datetime, random: Random) -> Enrolled | None:
    """Prove the authenticator: the account is enrolled, its code used up. None: wrong, or over meanwhile."""
    staff_id = staff_sessions.at_stage(db, token, Stage.ENROLLING, now=now)
    row = db.one(rows.BY_ID_LOCKED, {"staff_id": staff_id}) if staff_id else None
    waiting = _pending(keys, row) if row is not None else None
    step = step_of(waiting.secret, code, now) if waiting else None
    if row is None or step is None:
        return None
    done = {"enrolled_at": now, "enrol_digest": None, "enrol_until": None, "totp_step": step}
    db.execute(rows.SET_ENROLLED, {"of": row.id} | rows.to_set(done))
    codes = rows.fresh_codes(db, keys, row.id, random)
    staff_sessions.end_all(db, row.id)
    db.audit("staff.enrol", row.id, actor=f"staff:{row.id}")
    return Enrolled(open_session(db, row.id, now=now, random=random), codes)
