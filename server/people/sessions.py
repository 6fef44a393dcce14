"""Sessions: which browser is asking, who is signed in there, and what it may see.

The cookie holds a random token, the row its SHA-256, so that a stolen database opens nobody's session. A token is
replaced whenever the session begins to be worth more (sign-in, step-up); the row's id stays, so that the drafts a
browser began stay its own.

How long a session lives:

- Nobody signed in: 24 hours without a request, 7 days in all. Longer than the 20 hours from which WCAG 2.2.1 counts a
  limit as none; a draft itself lives 7 days from its last save, by its resume code or its owner's next sign-in.
- Signed in: 60 minutes without a request, 12 hours in all (NIST SP 800-63B-4 for two factors: at most one hour, and
  24). Elderly people read a page for half an hour; what they typed is in the draft, which their next sign-in opens.

`seen_at` is written at most every five minutes, so the shorter limits end up to five minutes early.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from procedures.declaration import Assurance
from server.people.facts import Facts
from server.people.protection import is_listed
from server.people.residents import Resident, find_resident, open_resident, upsert
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

TOPIC: Final = "session"
"""Bulletin topic; the key is the id of a session that was revoked or whose token was replaced."""

SEEN_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Life:
    """How long a session lasts: without a request, and in all."""

    idle: timedelta
    absolute: timedelta


ANONYMOUS: Final = Life(timedelta(hours=24), timedelta(days=7))
SIGNED_IN: Final = Life(timedelta(minutes=60), timedelta(hours=12))


@dataclass(frozen=True, slots=True)
class End:
    """When a sign-in is over if nothing more is done; `extends`: whether doing something puts it off."""

    at: datetime
    extends: bool


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is asking. Without a session everything is None and the level is NONE; a program has its resident's token
    instead of a session."""

    session_id: str | None
    resident: Resident | None
    level: Assurance
    touch_due: bool = False
    """Whether `touch` should note this request, outside of the page's own reading."""
    token_id: str | None = None
    end: End | None = None
    """None where nobody is signed in, or a program is."""

    def at(self, session_id: str) -> Visitor:
        """The same person at a session that was opened just now."""
        return replace(self, session_id=session_id)

    @property
    def name(self) -> str:
        """What the page's header calls them, '' for somebody not signed in."""
        return self.resident.facts.display_name if self.resident else ""


NOBODY: Final = Visitor(None, None, Assurance.NONE)


@dataclass(frozen=True, slots=True)
class Grant:
    """This browser may see an application; `submitter` when it was submitted from here."""

    application_id: str
    submitter: bool


_VISITOR = (
    select(
        t.session.c.id,
        t.session.c.level,
        t.session.c.seen_at,
        t.session.c.expires_at,
        t.session.c.resident_id,
        t.resident.c.wrapped_key,
        t.resident.c.sealed_facts,
    )
    .select_from(t.session.outerjoin(t.resident, t.resident.c.id == t.session.c.resident_id))
    .where(t.session.c.token_digest == bindparam("token_digest"))
)
_HOLDER = (
    select(t.session.c.id, t.session.c.resident_id).where(t.session.c.id == bindparam("session_id")).with_for_update()
)
_OPEN = insert(t.session)
_REPLACED: Final = ("token_digest", "resident_id", "level", "seen_at", "expires_at")
_REPLACE = (
    update(t.session)
    .where(t.session.c.id == bindparam("session_id"))
    .values({name: bindparam(f"new_{name}") for name in _REPLACED})
)
_TOUCH = update(t.session).where(t.session.c.id == bindparam("session_id")).values(seen_at=bindparam("now"))
_END = delete(t.session).where(t.session.c.id == bindparam("session_id"))
_SWEEP = delete(t.session).where(
    (t.session.c.expires_at <= bindparam("now"))
    | (t.session.c.seen_at <= bindparam("anonymous_seen"))
    | (t.session.c.resident_id.is_not(None) & (t.session.c.seen_at <= bindparam("signed_in_seen")))
)
_OF_RESIDENT = (
    select(*[t.session.c[name] for name in ("id", "created_at", "seen_at", "expires_at", "level")])
    .where(
        t.session.c.resident_id == bindparam("resident"),
        t.session.c.expires_at > bindparam("now"),
        t.session.c.seen_at > bindparam("signed_in_seen"),
    )
    .order_by(t.session.c.seen_at.desc(), t.session.c.id)
)
_END_OWN = delete(t.session).where(
    t.session.c.id == bindparam("session_id"), t.session.c.resident_id == bindparam("resident")
)
_IDS = select(t.session.c.id).where(t.session.c.resident_id == bindparam("resident")).order_by(t.session.c.id)
_SUBMITTED = (
    update(t.session_grant)
    .where(
        t.session_grant.c.session_id == bindparam("of_session"),
        t.session_grant.c.application_id == bindparam("of_application"),
    )
    .values(submitter=True)
)
_GRANTED = select(t.session_grant.c.submitter).where(
    t.session_grant.c.session_id == bindparam("session_id"),
    t.session_grant.c.application_id == bindparam("application_id"),
)


def visitor(db: Reading, token: str, *, keys: Keys, now: datetime) -> Visitor:
    """Whose token this is: one select, no write. NOBODY for one that is unknown, replaced or too old."""
    row = db.one(_VISITOR, {"token_digest": token_digest(token)})
    if row is None or not _alive(row, now):
        return NOBODY
    resident = open_resident(keys, row.resident_id, row.wrapped_key, row.sealed_facts) if row.resident_id else None
    touch_due = now - row.seen_at >= SEEN_EVERY
    end = _end(now if touch_due else row.seen_at, row.expires_at) if resident else None
    return Visitor(row.id, resident, Assurance(row.level), touch_due, end=end)


def _alive(row: Any, now: datetime) -> bool:
    life = SIGNED_IN if row.resident_id else ANONYMOUS
    return bool(now < row.expires_at and now < row.seen_at + life.idle)


def _end(seen_at: datetime, expires_at: datetime) -> End:
    """Early by up to five minutes, as `seen_at` is: nobody is promised time they do not have."""
    idle_until = seen_at + SIGNED_IN.idle
    return End(min(idle_until, expires_at), idle_until < expires_at)


def touch(db: Writing, session_id: str, *, now: datetime) -> None:
    """Note that the session is in use. To be called when its visitor says `touch_due`."""
    db.execute(_TOUCH, {"session_id": session_id, "now": now})


def open_session(db: Writing, *, now: datetime, random: Random) -> tuple[str, str]:
    """A new session that nobody is signed in to: (token for the cookie, id)."""
    return _open(db, None, Assurance.NONE, ANONYMOUS, now, random)


def _open(
    db: Writing, resident_id: str | None, level: Assurance, life: Life, now: datetime, random: Random
) -> tuple[str, str]:
    token, session_id = new_token(random), new_id(random)
    who = {"token_digest": token_digest(token), "resident_id": resident_id, "level": level.value}
    times = {"created_at": now, "seen_at": now, "expires_at": now + life.absolute}
    db.execute(_OPEN, {"id": session_id, **who, **times})
    return token, session_id


def sign_in(db: Writing, keys: Keys, session_id: str | None, facts: Facts, *, now: datetime, random: Random) -> str:
    """Sign in whoever a provider has named, or raise them to a higher level: the new token.

    The old token is dead when this commits, so one that was planted or seen before the sign-in is worth nothing
    (fixation). A browser at which another person is still signed in gets a session of its own: they must not find
    the other's drafts.
    """
    if is_listed(db, keys, facts):
        facts = replace(facts, protected=True)
    resident = upsert(db, keys, facts, now=now, random=random)
    how = {"provider": facts.provider, "level": facts.level.value}
    db.audit("session.sign_in", resident.id, actor=f"resident:{resident.id}", detail=how)
    held = db.one(_HOLDER, {"session_id": session_id}) if session_id else None
    if held is not None and _same_person(db, keys, held, resident):
        return _raise(db, held.id, resident, now, random)
    if held is not None:
        sign_out(db, held.id)
    return _open(db, resident.id, facts.level, SIGNED_IN, now, random)[0]


def _same_person(db: Writing, keys: Keys, held: Any, resident: Resident) -> bool:
    """Whether a session may go on as this resident's: nobody's, their own, or the same person proving more.

    Providers name one person differently, so a step-up is told by the facts: an address that is merely reachable
    says nothing of who reads it, a card must have the name and the birth date of the card before.
    """
    if held.resident_id in (None, resident.id):
        return True
    before = find_resident(db, keys, held.resident_id)
    if before is None or before.facts.level.rank >= resident.facts.level.rank:
        return False
    return before.facts.level is Assurance.EMAIL or before.facts.same_person(resident.facts)


def _raise(db: Writing, session_id: str, resident: Resident, now: datetime, random: Random) -> str:
    token = new_token(random)
    values: dict[str, Any] = {"token_digest": token_digest(token), "resident_id": resident.id}
    values |= {"level": resident.facts.level.value, "seen_at": now, "expires_at": now + SIGNED_IN.absolute}
    db.execute(_REPLACE, {"session_id": session_id} | {f"new_{name}": value for name, value in values.items()})
    db.announce(TOPIC, session_id)
    return token


def sign_out(db: Writing, session_id: str) -> None:
    """End the session with its grants. Drafts stay with their owners and their resume codes."""
    db.execute(_END, {"session_id": session_id})
    db.announce(TOPIC, session_id)


@dataclass(frozen=True, slots=True)
class Signed:
    """A browser in which a resident is signed in, until `until` at the latest."""

    id: str
    began: datetime
    seen_at: datetime
    until: datetime
    level: Assurance


def of_resident(db: Reading, resident_id: str, *, now: datetime) -> tuple[Signed, ...]:
    """Where a resident is signed in now, the one used last first."""
    found = db.all(_OF_RESIDENT, {"resident": resident_id, "now": now, "signed_in_seen": now - SIGNED_IN.idle})
    return tuple(Signed(row.id, row.created_at, row.seen_at, row.expires_at, Assurance(row.level)) for row in found)


def end(db: Writing, session_id: str, resident_id: str) -> bool:
    """End one of a resident's sessions, from another one. False: it is not theirs, or over already."""
    if db.execute(_END_OWN, {"session_id": session_id, "resident": resident_id}).rowcount != 1:
        return False
    db.announce(TOPIC, session_id)
    db.audit("session.end", session_id, actor=f"resident:{resident_id}")
    return True


def sign_out_everywhere(db: Writing, resident_id: str) -> int:
    """End every session of a resident, this one too; how many there were. Tokens of programs stay."""
    ids = [
        row.id for row in db.all(_IDS, {"resident": resident_id})
    ]  # in one order, so that two presses do not deadlock
    for session_id in ids:
        sign_out(db, session_id)
    db.audit("session.sign_out_everywhere", resident_id, actor=f"resident:{resident_id}", detail={"sessions": len(ids)})
    return len(ids)


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete the sessions whose time is over; how many there were."""
    seen = {"anonymous_seen": now - ANONYMOUS.idle, "signed_in_seen": now - SIGNED_IN.idle}
    return int(db.execute(_SWEEP, {"now": now} | seen).rowcount)


def grant(db: Writing, session_id: str, application_id: str, submitter: bool) -> None:
    """Let this browser see an application. Who submitted it stays its submitter."""
    row = {"session_id": session_id, "application_id": application_id, "submitter": submitter}
    if not db.insert_new(t.session_grant, row) and submitter:
        db.execute(_SUBMITTED, {"of_session": session_id, "of_application": application_id})


def granted(db: Reading, session_id: str | None, application_id: str) -> Grant | None:
    """The grant of this browser for an application, if it has one."""
    if session_id is None:
        return None
    row = db.one(_GRANTED, {"session_id": session_id, "application_id": application_id})
    return Grant(application_id, row.submitter) if row else None


def new_token(random: Random) -> str:
    """256 random bits for a cookie."""
    return base64.urlsafe_b64encode(random(32)).decode().rstrip("=")


def token_digest(token: str) -> bytes:
    """What is stored of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
