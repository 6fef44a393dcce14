"""Accounts of the staff and who their owners are at the city's provider of OpenID Connect (`staff_oidc`).

An account is tied with a code that an operator gave its owner. The provider proves one factor or two; where it did not
ask for two, the second is ours, and until it is shown nobody is signed in.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from enum import StrEnum
from typing import Any

from server.people import staff_rows as rows
from server.people import staff_sessions
from server.people.staff import ENROL_WITHIN, Account, Unfit, account, enrollable, enter, folded, forgiven
from server.people.staff_sessions import Stage, open_profile, open_session
from server.signs import new_code
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random


class Unlinked(StrEnum):
    """Why an account was not tied to somebody at the provider."""

    CODE = "code"
    NOT_SURE = "not-sure"
    """The provider did not ask for two factors, and the account has no second one here."""
    TAKEN = "taken"
    """They have another account."""


def link_code(db: Writing, keys: Keys, login: str, *, actor: str, now: datetime, random: Random) -> str | Unfit:
    """A code with which the owner of an enrolled account ties it to who they are at the provider. It enrols nobody."""
    row = db.one(rows.FIND_LOCKED, {"login_digest": rows.login_digest(keys, folded(login))})
    if row is None or row.enrolled_at is None:
        return Unfit.UNKNOWN
    code = new_code(random, 4)
    given = {"enrol_digest": rows.link_digest(keys, row.id, code), "enrol_until": now + ENROL_WITHIN}
    db.execute(rows.SET_CODE, {"of": row.id} | rows.to_set(given))
    db.audit("staff.link_code", row.id, actor=actor)
    return code


def link(
    db: Writing, keys: Keys, login: str, code: str, subject: str, *, sure: bool, place: str, now: datetime
) -> str | Unlinked:
    """Tie an account to `subject` (issuer and sub) with a link code, or with the enrolment code of one that nobody has
    enrolled: its id. Only a provider that asked for two factors (`sure`) enrols."""
    row = db.one(rows.FIND_LOCKED, {"login_digest": rows.login_digest(keys, folded(login))})
    enrols = row is not None and row.enrolled_at is None and enrollable(keys, row, code, now)
    if row is None or not (enrols or _linkable(keys, row, code, now)):
        db.audit("staff.link_failed", row.id if row is not None else "unknown", actor="anonymous")
        return Unlinked.CODE
    if enrols and not sure:
        return Unlinked.NOT_SURE
    if linked(db, keys, subject) not in (None, row.id):
        return Unlinked.TAKEN
    db.execute(rows.FORGET_IDENTITY, {"of": row.id})
    tied = {"subject_digest": rows.subject_digest(keys, subject), "staff_id": row.id, "created_at": now}
    if not db.insert_new(t.staff_identity, tied):
        return Unlinked.TAKEN
    _use_up(db, row.id, now if enrols else None)
    forgiven(db, keys, login, place, now=now)
    db.audit("staff.link", row.id, actor=f"staff:{row.id}", detail={"enrolled": int(enrols)})
    return str(row.id)


def _use_up(db: Writing, staff_id: str, enrolled_at: datetime | None) -> None:
    """The code counts no more. An account that is enrolled by this has no password: one that was begun is void."""
    used: dict[str, Any] = {"enrol_digest": None, "enrol_until": None}
    if enrolled_at is None:
        db.execute(rows.SET_CODE, {"of": staff_id} | rows.to_set(used))
        return
    fresh = {"enrolled_at": enrolled_at, "sealed_password": None, "sealed_totp": None}
    db.execute(rows.SET_RESET, {"of": staff_id} | rows.to_set(used | fresh))
    staff_sessions.end_all(db, staff_id)


def _linkable(keys: Keys, row: Any, code: str, now: datetime) -> bool:
    if row.enrol_digest is None or row.disabled_at is not None or row.enrolled_at is None:
        return False
    return now < row.enrol_until and hmac.compare_digest(row.enrol_digest, rows.link_digest(keys, row.id, code))


def linked(db: Reading, keys: Keys, subject: str) -> str | None:
    """Whose account is tied to `subject`."""
    found = db.scalar(rows.LINKED, {"subject_digest": rows.subject_digest(keys, subject)})
    return str(found) if found is not None else None


def linked_since(db: Reading, staff_id: str) -> datetime | None:
    """Since when an account is tied to the provider; None: it is not."""
    found: datetime | None = db.scalar(rows.IS_LINKED, {"staff_id": staff_id})
    return found


def unlink(db: Writing, staff_id: str, *, actor: str) -> bool:
    """Untie an account from the provider. False: it was not, or has no other way in."""
    row = db.one(rows.BY_ID_LOCKED, {"staff_id": staff_id})
    if row is None or row.sealed_password is None or db.execute(rows.FORGET_IDENTITY, {"of": staff_id}).rowcount != 1:
        return False
    db.audit("staff.unlink", staff_id, actor=actor)
    return True


def half_in(db: Writing, staff_id: str, *, now: datetime, random: Random) -> str | None:
    """The provider was not asked for two factors: the token of a session in which ours is asked, and nothing else can
    be done. None for an account that has no second factor here, or may not come in."""
    row = db.one(rows.BY_ID, {"staff_id": staff_id})
    if row is None or row.enrolled_at is None or row.disabled_at is not None or row.sealed_totp is None:
        return None
    return open_session(db, staff_id, stage=Stage.HALF, now=now, random=random)


def halfway(db: Reading, keys: Keys, token: str, *, now: datetime) -> Account | None:
    """Whose second factor is still asked in this browser."""
    staff_id = staff_sessions.at_stage(db, token, Stage.HALF, now=now)
    return account(db, keys, staff_id) if staff_id else None


def come_in(
    db: Writing,
    keys: Keys,
    token: str,
    code: str,
    *,
    place: str,
    passkey_of: str = "",
    now: datetime,
    random: Random,
) -> str | None:
    """The rest of a sign-in that is halfway: the token of the session, or None for a wrong code. A try is counted."""
    staff_id = staff_sessions.at_stage(db, token, Stage.HALF, now=now)
    row = db.one(rows.BY_ID_LOCKED, {"staff_id": staff_id}) if staff_id else None
    factor = rows.shown_factor(db, keys, row, code, now, passkey_of) if row is not None else ""
    if row is None or not factor:
        db.audit("staff.sign_in_failed", row.id if row is not None else "unknown", actor="anonymous")
        return None
    login = open_profile(keys, row.id, row.wrapped_key, row.sealed_profile)["login"]
    forgiven(db, keys, login, place, now=now)
    return enter(db, row.id, f"oidc {factor}", before=token, now=now, random=random)
