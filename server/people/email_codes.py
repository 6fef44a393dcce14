"""The e-mail level: six digits sent to an address prove that its mailbox can be opened, and no more.

A million codes, five tries each, ten minutes: and so few codes an hour that guessing is hopeless. Only keyed digests
of code and address are stored, for six digits under a plain hash are found in a blink.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from procedures.declaration import Assurance
from server.notices.mail import mail_address
from server.notices.outbox import Notice, enqueue
from server.people.facts import Facts
from server.people.limits import Limit, seconds_to_wait
from server.people.sessions import open_session, sign_in
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5
HOUR: Final = timedelta(hours=1)
PER_ADDRESS: Final = Limit("email-code-address", 5, HOUR)
PER_CLIENT: Final = Limit("email-code-client", 30, HOUR)
"""Of one network address: a family or a city's public computers share one."""
GUESSES_PER_CLIENT: Final = Limit("email-guess-client", 60, HOUR)

_SEALED: Final = "email_code.sealed_address"
_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９", "0123456789")


class Fault(StrEnum):
    """Why it did not go on. Each has its words on the page."""

    ADDRESS = "address"
    """What was typed is no address."""
    WRONG = "wrong"
    OVER = "over"
    """No code is waiting in this browser: never asked for, already used, or too old."""
    LOCKED = "locked"
    """Guessed too often: only a new code helps."""


@dataclass(frozen=True, slots=True)
class CodeSent:
    """A code is on its way. `token` is of the session that was opened for it, None where there was one."""

    token: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A code that was sent to `address` and can be entered before `until`."""

    address: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The address is proven; `token` is the session's new one."""

    token: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nothing was proven. `tries_left` is of the waiting code."""

    fault: Fault
    tries_left: int = 0


@dataclass(frozen=True, slots=True)
class TooOften:
    """Come back after `seconds`."""

    seconds: int


_FORGET = delete(t.email_code).where(t.email_code.c.session_id == bindparam("session_id"))
_KEEP = insert(t.email_code)
_WAITING = (
    select(t.email_code)
    .where(t.email_code.c.session_id == bindparam("session_id"), t.email_code.c.used_at.is_(None))
    .order_by(t.email_code.c.created_at.desc(), t.email_code.c.id)
    .limit(1)  # two requests at once may each have sent one: the newest counts
)
_WAITING_LOCKED = _WAITING.with_for_update()
_MISSED = update(t.email_code).where(t.email_code.c.id == bindparam("code_id")).values(tries=t.email_code.c.tries + 1)
_USED = update(t.email_code).where(t.email_code.c.session_id == bindparam("of_session")).values(used_at=bindparam("at"))
_SWEEP = delete(t.email_code).where(t.email_code.c.expires_at <= bindparam("now"))


def send_code(
    db: Writing,
    keys: Keys,
    session_id: str | None,
    typed: str,
    *,
    client: str,
    language: str,
    now: datetime,
    random: Random,
) -> CodeSent | NotYet | TooOften:
    """Send a code to the address typed, for this browser only, in `language` (its code). It voids the one before."""
    address = mail_address(typed)
    if address is None:
        return NotYet(Fault.ADDRESS)
    # Both are counted, so that a refusal by one does not make the other free.
    waits = (
        seconds_to_wait(db, keys, PER_ADDRESS, _folded(address), now=now),
        seconds_to_wait(db, keys, PER_CLIENT, client, now=now),
    )
    if any(waits):
        return TooOften(max(waits))
    code_id, code = new_id(random), f"{int.from_bytes(random(8)) % 10**6:06}"
    token = None
    if session_id is None:
        token, session_id = open_session(db, now=now, random=random)
    db.execute(_FORGET, {"session_id": session_id})
    db.execute(_KEEP, _row(keys, code_id, session_id, address, code, now))
    notice = Notice("email_code", address, f"email-code:{code_id}", {"code": code}, now + LIFE, language)
    enqueue(db, keys, notice, now=now, random=random)
    return CodeSent(token)


def _row(keys: Keys, code_id: str, session_id: str, address: str, code: str, now: datetime) -> dict[str, Any]:
    key, wrapped = keys.new_data_key(code_id)
    return {
        "id": code_id,
        "session_id": session_id,
        "address_digest": keys.index_digest("email", _folded(address)),
        "wrapped_key": wrapped,
        "sealed_address": key.seal(address.encode(), _SEALED),
        "code_digest": _digest(keys, code_id, code),
        "tries": 0,
        "created_at": now,
        "expires_at": now + LIFE,
    }


def waiting_code(db: Reading, keys: Keys, session_id: str | None, *, now: datetime) -> Waiting | None:
    """Where this browser's code went, while it can still be entered."""
    row = db.one(_WAITING, {"session_id": session_id})
    return None if row is None or now >= row.expires_at else Waiting(_address(keys, row), row.expires_at)


def enter_code(
    db: Writing, keys: Keys, session_id: str | None, typed: str, *, client: str, now: datetime, random: Random
) -> SignedIn | NotYet | TooOften:
    """Try a code. The right one signs in, once; a wrong one is counted, and the fifth voids the code."""
    if wait := seconds_to_wait(db, keys, GUESSES_PER_CLIENT, client, now=now):
        return TooOften(wait)
    row = db.one(_WAITING_LOCKED, {"session_id": session_id})
    if row is None or now >= row.expires_at:
        return NotYet(Fault.OVER)
    if row.tries >= TRIES:
        return NotYet(Fault.LOCKED)
    if not hmac.compare_digest(row.code_digest, _digest(keys, row.id, _code(typed))):
        db.execute(_MISSED, {"code_id": row.id})
        left = TRIES - row.tries - 1
        return NotYet(Fault.WRONG if left else Fault.LOCKED, left)
    return SignedIn(_prove(db, keys, row, now, random))


def _prove(db: Writing, keys: Keys, row: Any, now: datetime, random: Random) -> str:
    address = _address(keys, row)
    db.execute(_USED, {"of_session": row.session_id, "at": now})
    facts = Facts(provider="email", subject=_folded(address), level=Assurance.EMAIL, email=address)
    return sign_in(db, keys, row.session_id, facts, now=now, random=random)


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete the codes that can no longer be entered; how many."""
    return int(db.execute(_SWEEP, {"now": now}).rowcount)


def _folded(address: str) -> str:
    """One mailbox, one person: mail servers do not tell capitals apart, and phones begin with one."""
    return address.lower()


def _code(typed: str) -> str:
    digits = re.sub(r"[\s-]", "", typed[:50]).translate(_FULL_WIDTH)
    return digits if re.fullmatch("[0-9]{6}", digits) else ""


def _digest(keys: Keys, code_id: str, code: str) -> bytes:
    return keys.index_digest("email-code", f"{code_id}\n{code}")


def _address(keys: Keys, row: Any) -> str:
    return keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_address, _SEALED).decode()
