"""Sessions of the staff: a table and a cookie of their own. A resident's session is never one of these.

As with residents' (`sessions.py`), the row holds the SHA-256 of a random token, and a sign-in makes a new one. Whoever
is disabled is out with their next request, whatever the row says. How long: 30 minutes without a request, 10 hours
in all, a working day. `seen_at` is written at most every five minutes, so the shorter limit ends up to that early.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from server.people.roles import Action, Held, Role, may
from server.people.sessions import SEEN_EVERY, Life, token_digest
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

WORKING: Final = Life(timedelta(minutes=30), timedelta(hours=10))
SHORT: Final = Life(timedelta(minutes=15), timedelta(minutes=15))
PROFILE: Final = "staff.sealed_profile"


class Stage(StrEnum):
    """How far somebody has come. Whoever is not IN is nobody but to the page that goes on from there."""

    IN = "in"
    ENROLLING = "enrolling"
    """Their second factor is being set."""
    HALF = "half"
    """The city's provider knows them; our second factor is asked."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Who of the staff is asking."""

    id: str
    login: str
    name: str
    held: Collection[Held]
    session_id: str
    touch_due: bool
    """Whether `touch` should note this request."""
    until: datetime
    """When they are signed out if they do nothing more."""
    extends: bool = True
    """Whether doing something puts that off."""

    @property
    def actor(self) -> str:
        """As the audit names them: an opaque id, never a name."""
        return f"staff:{self.id}"

    def may(self, action: Action, department: str = "", state: str = "") -> bool:
        return may(self.held, action, department, state)


@dataclass(frozen=True, slots=True)
class Signed:
    """A browser in which somebody is signed in, until `until` at the latest."""

    id: str
    began: datetime
    seen_at: datetime
    until: datetime


_OF_TOKEN: Final = (
    select(
        *(t.staff_session.c[name] for name in ("id", "stage", "seen_at", "expires_at", "staff_id")),
        *(t.staff.c[name] for name in ("wrapped_key", "sealed_profile", "enrolled_at")),
    )
    .join_from(t.staff_session, t.staff)
    .where(t.staff_session.c.token_digest == bindparam("token_digest"), t.staff.c.disabled_at.is_(None))
)
_ROLES: Final = select(t.staff_role.c.role, t.staff_role.c.department).where(
    t.staff_role.c.staff_id == bindparam("staff_id")
)
_TOUCH: Final = (
    update(t.staff_session).where(t.staff_session.c.id == bindparam("session_id")).values(seen_at=bindparam("now"))
)
_LISTED: Final = (
    select(*(t.staff_session.c[name] for name in ("id", "created_at", "seen_at", "expires_at")))
    .where(
        t.staff_session.c.staff_id == bindparam("staff_id"),
        t.staff_session.c.stage == Stage.IN.value,
        t.staff_session.c.expires_at > bindparam("now"),
        t.staff_session.c.seen_at > bindparam("seen"),
    )
    .order_by(t.staff_session.c.seen_at.desc(), t.staff_session.c.id)
)
_END: Final = delete(t.staff_session).where(
    t.staff_session.c.id == bindparam("session_id"), t.staff_session.c.staff_id == bindparam("staff_id")
)
_END_ALL: Final = delete(t.staff_session).where(t.staff_session.c.staff_id == bindparam("staff_id"))
_REPLACED: Final = delete(t.staff_session).where(t.staff_session.c.token_digest == bindparam("token_digest"))
_SWEEP: Final = delete(t.staff_session).where(
    (t.staff_session.c.expires_at <= bindparam("now")) | (t.staff_session.c.seen_at <= bindparam("seen"))
)


def open_session(db: Writing, staff_id: str, *, stage: Stage = Stage.IN, now: datetime, random: Random) -> str:
    """A new session: the token for the cookie."""
    token = base64.urlsafe_b64encode(random(32)).decode().rstrip("=")
    life = WORKING if stage is Stage.IN else SHORT
    row = {"id": new_id(random), "token_digest": token_digest(token), "staff_id": staff_id, "stage": stage.value}
    db.insert(t.staff_session, row | {"created_at": now, "seen_at": now, "expires_at": now + life.absolute})
    return token


def who(db: Reading, token: str, *, keys: Keys, now: datetime) -> Staff | None:
    """Whose token this is; None for one that is unknown, over, of somebody disabled, or not signed in yet."""
    row = _alive(db, token, now)
    if row is None or row.stage != Stage.IN or row.enrolled_at is None:
        return None
    profile = open_profile(keys, row.staff_id, row.wrapped_key, row.sealed_profile)
    held, touch_due = frozenset(held_by(db, row.staff_id)), now - row.seen_at >= SEEN_EVERY
    until = min((now if touch_due else row.seen_at) + WORKING.idle, row.expires_at)
    extends = until < row.expires_at
    return Staff(row.staff_id, profile["login"], profile["name"], held, row.id, touch_due, until, extends)


def at_stage(db: Reading, token: str, stage: Stage, *, now: datetime) -> str | None:
    """The account of this browser, where it has come just so far."""
    row = _alive(db, token, now)
    return row.staff_id if row is not None and row.stage == stage else None


def _alive(db: Reading, token: str, now: datetime) -> Any:
    row = db.one(_OF_TOKEN, {"token_digest": token_digest(token)})
    return row if row is not None and now < row.expires_at and now < row.seen_at + WORKING.idle else None


def held_by(db: Reading, staff_id: str) -> list[Held]:
    """The roles of an account, in a fixed order."""
    return sorted(Held(Role(row.role), row.department) for row in db.all(_ROLES, {"staff_id": staff_id}))


def open_profile(keys: Keys, staff_id: str, wrapped_key: bytes, sealed: bytes) -> dict[str, str]:
    """`login` and `name` of an account, from the columns of its row."""
    found: dict[str, str] = json.loads(keys.open_data_key(wrapped_key, staff_id).open(sealed, PROFILE))
    return found


def touch(db: Writing, session_id: str, *, now: datetime) -> None:
    """Note that the session is in use. To be called when `Staff.touch_due` says so."""
    db.execute(_TOUCH, {"session_id": session_id, "now": now})


def of_staff(db: Reading, staff_id: str, *, now: datetime) -> tuple[Signed, ...]:
    """Where somebody is signed in now, the one used last first."""
    found = db.all(_LISTED, {"staff_id": staff_id, "now": now, "seen": now - WORKING.idle})
    return tuple(Signed(row.id, row.created_at, row.seen_at, row.expires_at) for row in found)


def end(db: Writing, session_id: str, staff_id: str, *, actor: str) -> bool:
    """End one session of this account. False: it is not theirs, or over already."""
    if db.execute(_END, {"session_id": session_id, "staff_id": staff_id}).rowcount != 1:
        return False
    db.audit("staff.session_end", staff_id, actor=actor, detail={"session": session_id})
    return True


def replaced(db: Writing, token: str) -> None:
    """A browser signs in anew: what it had before is over, whosever it was."""
    db.execute(_REPLACED, {"token_digest": token_digest(token)})


def end_all(db: Writing, staff_id: str) -> int:
    """End every session of an account; how many there were. The caller's own line says why."""
    return int(db.execute(_END_ALL, {"staff_id": staff_id}).rowcount)


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete the sessions whose time is over; how many there were."""
    return int(db.execute(_SWEEP, {"now": now, "seen": now - WORKING.idle}).rowcount)
