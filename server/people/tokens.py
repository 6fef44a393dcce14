"""Tokens for programs: a resident lets a program of theirs do at /graphql and /uploads what they may do themselves.

A token is 256 random bits and is shown once; the row holds its SHA-256, so a stolen database opens nothing. It is
worth no more than the session it was made in, ends by itself, and can be revoked. It signs nothing: an electronic
signature takes a card and a browser.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, update

from forms_schema.text import clean
from procedures.declaration import Assurance
from server.people.limits import Limit, seconds_to_wait
from server.people.residents import open_resident
from server.people.sessions import SEEN_EVERY, Visitor, token_digest
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random

PREFIX: Final = "kk_"
"""So that a token in the wrong place (a public repository, a log) is recognised for what it is."""
TERMS: Final = (30, 90, 365)
"""Days a token may live."""
MOST: Final = 10
LONGEST_LABEL: Final = 60
FAILED: Final = Limit("token.failed", 30, timedelta(hours=1))
"""Wrong tokens from one place. Nobody guesses 256 bits: this keeps a broken program from asking all day."""

_SHAPE: Final = re.compile(r"kk_[A-Za-z0-9_-]{43}")
_ID: Final = re.compile(r"[0-9a-f]{32}")
_LABEL: Final = "api_token.sealed_label"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its resident sees it in the list."""

    id: str
    label: str
    level: Assurance
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """A new token: the only time its text is there to be read."""

    text: str
    token: Token


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why none is made: 'label' (none, or too long), 'term', 'count' (there are MOST), 'again' (the page was sent
    twice: the token it made was shown then)."""

    code: str


_LIVE: Final = (t.api_token.c.resident_id == bindparam("resident"), t.api_token.c.expires_at > bindparam("now"))
_HELD: Final = select(t.resident.c.id).where(t.resident.c.id == bindparam("resident")).with_for_update()
_COUNT: Final = select(func.count()).select_from(t.api_token).where(*_LIVE)
_LIST: Final = select(t.api_token).where(*_LIVE).order_by(t.api_token.c.created_at.desc(), t.api_token.c.id)
_REVOKE: Final = delete(t.api_token).where(
    t.api_token.c.id == bindparam("token_id"), t.api_token.c.resident_id == bindparam("resident")
)
_BEARER: Final = (
    select(
        *[t.api_token.c[name] for name in ("id", "level", "used_at", "resident_id")],
        t.resident.c.wrapped_key,
        t.resident.c.sealed_facts,
    )
    .join_from(t.api_token, t.resident, t.resident.c.id == t.api_token.c.resident_id)
    .where(t.api_token.c.token_digest == bindparam("digest"), t.api_token.c.expires_at > bindparam("now"))
)
_TOUCH: Final = update(t.api_token).where(t.api_token.c.id == bindparam("token_id")).values(used_at=bindparam("now"))
_SWEEP: Final = delete(t.api_token).where(t.api_token.c.expires_at <= bindparam("now"))


def make(
    db: Writing, keys: Keys, visitor: Visitor, once: str, label: str, days: str, *, now: datetime, random: Random
) -> Made | Unfit:
    """A token at the level of the visitor's own session. `once` is the row's id, made for the page that asks: sent
    twice, the page makes one token."""
    label = clean(label)
    if visitor.resident is None or visitor.session_id is None or not _ID.fullmatch(once):
        return Unfit("again")
    if not 0 < len(label) <= LONGEST_LABEL:
        return Unfit("label")
    if days not in map(str, TERMS):
        return Unfit("term")
    resident_id = visitor.resident.id
    db.execute(_HELD, {"resident": resident_id})  # two tabs must not make the eleventh together
    if db.scalar(_COUNT, {"resident": resident_id, "now": now}) >= MOST:
        return Unfit("count")
    text = PREFIX + base64.urlsafe_b64encode(random(32)).decode().rstrip("=")
    token = Token(once, label, visitor.level, now, now + timedelta(days=int(days)), None)
    key, wrapped = keys.new_data_key(token.id)
    row = {"id": token.id, "token_digest": token_digest(text), "resident_id": resident_id, "level": token.level.value}
    row |= {"wrapped_key": wrapped, "sealed_label": key.seal(label.encode(), _LABEL)}
    if not db.insert_new(t.api_token, row | {"created_at": now, "expires_at": token.expires_at}):
        return Unfit("again")
    detail = {"level": token.level.value, "days": int(days)}
    db.audit("token.make", token.id, actor=f"resident:{resident_id}", detail=detail)
    return Made(text, token)


def of_resident(db: Reading, keys: Keys, resident_id: str, *, now: datetime) -> tuple[Token, ...]:
    """The tokens that count, newest first."""
    return tuple(_opened(row, keys) for row in db.all(_LIST, {"resident": resident_id, "now": now}))


def _opened(row: Any, keys: Keys) -> Token:
    label = keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_label, _LABEL).decode()
    return Token(row.id, label, Assurance(row.level), row.created_at, row.expires_at, row.used_at)


def revoke(db: Writing, token_id: str, resident_id: str) -> bool:
    """Take a token back: it counts no more from the next request. False: it is not theirs, or gone already."""
    if db.execute(_REVOKE, {"token_id": token_id, "resident": resident_id}).rowcount != 1:
        return False
    db.audit("token.revoke", token_id, actor=f"resident:{resident_id}")
    return True


def bearer(db: Reading, keys: Keys, text: str, *, now: datetime) -> Visitor | None:
    """Whose token this is, at its level and without a session. None: unknown, expired or revoked."""
    if not _SHAPE.fullmatch(text):
        return None
    row = db.one(_BEARER, {"digest": token_digest(text), "now": now})
    if row is None:
        return None
    resident = open_resident(keys, row.resident_id, row.wrapped_key, row.sealed_facts)
    due = row.used_at is None or now - row.used_at >= SEEN_EVERY
    return Visitor(None, resident, Assurance(row.level), due, token_id=row.id)


def touch(db: Writing, token_id: str, *, now: datetime) -> None:
    """Note that a token is in use. To be called when its visitor says `touch_due`."""
    db.execute(_TOUCH, {"token_id": token_id, "now": now})


def failed(db: Writing, keys: Keys, place: str, *, now: datetime) -> int:
    """Count a wrong token from `place`: 0, or in how many seconds to come back."""
    return seconds_to_wait(db, keys, FAILED, place, now=now)


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete the tokens whose time is over; how many there were."""
    return int(db.execute(_SWEEP, {"now": now}).rowcount)
