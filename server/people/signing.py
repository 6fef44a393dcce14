"""Signing a statement with a card: the port to whoever does it, and the life of a signature here.

A signature is started over a digest (see `statement`), made elsewhere, checked and written down on the browser's
return, demanded again at submission for the very digest submitted, and spent by it. States of `signature.state`:

    started → signed → spent
    started → declined | failed → (another try) signed
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from sqlalchemy import bindparam, insert, select, update

from procedures.declaration import Assurance
from server.people.identity import Refused
from server.people.sessions import Visitor
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

OPEN_FOR: Final = timedelta(hours=1)
"""How long after its start a signature can be made: the card and its password may have to be found."""

_SIGNER: Final = "signature.sealed_signer"
_CERTIFICATE: Final = "signature.sealed_certificate"


class SignatureState(StrEnum):
    STARTED = "started"
    SIGNED = "signed"
    DECLINED = "declined"
    FAILED = "failed"
    SPENT = "spent"


UNSIGNED: Final = (SignatureState.STARTED, SignatureState.DECLINED, SignatureState.FAILED)


@dataclass(frozen=True, slots=True)
class Signing:
    """A signature under way at the provider: its id there, and where to send the browser."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Made:
    """What came back: the signature and the certificate it is to be checked with (DER)."""

    value: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """Whom a trusted certificate names: `subject` as the identity provider calls them, `serial` of the certificate."""

    subject: str
    name: str
    serial: str


class SigningAdapter(Protocol):
    """One signing service. `start` and `finish` are called by handlers, never inside a transaction."""

    async def start(self, digest: bytes, state: str, return_url: str) -> Signing:
        """Ask for a signature over a SHA-256. The browser comes back to `return_url` with `state`."""

    async def finish(self, transaction: str, params: Mapping[str, str]) -> Made | Refused:
        """Fetch the signature, from the query the browser came back with. Answers once."""

    def verify(self, digest: bytes, made: Made, *, at: datetime) -> Signer | None:
        """Who signed `digest`: None unless the signature fits and the certificate was trusted and valid at `at`."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds."""

    id: str
    signer: Signer
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a draft's newest signature stands, and over which digest."""

    id: str
    digest: bytes
    state: SignatureState


_START = insert(t.signature)
_OPEN = select(t.signature.c.digest, t.signature.c.draft_id, t.signature.c.wrapped_key).where(
    t.signature.c.id == bindparam("signature_id"),
    t.signature.c.session_id == bindparam("session_id"),
    t.signature.c.state.in_(UNSIGNED),
    t.signature.c.created_at > bindparam("started_after"),
)
_FINISH = (
    update(t.signature)
    .where(t.signature.c.id == bindparam("signature_id"), t.signature.c.state.in_(UNSIGNED))
    .values(
        state=bindparam("new_state"),
        value=bindparam("signature"),
        sealed_signer=bindparam("signer"),
        sealed_certificate=bindparam("cert"),
        signed_at=bindparam("at"),
    )
)
_SIGNED = select(t.signature).where(
    t.signature.c.id == bindparam("signature_id"),
    t.signature.c.session_id == bindparam("session_id"),
    t.signature.c.digest == bindparam("digest"),
    t.signature.c.state == SignatureState.SIGNED,
)
_SPEND = (
    update(t.signature)
    .where(t.signature.c.id == bindparam("signature_id"), t.signature.c.state == SignatureState.SIGNED)
    .values(state=SignatureState.SPENT)
)
_OF_DRAFT = (
    select(t.signature.c.id, t.signature.c.digest, t.signature.c.state)
    .where(t.signature.c.draft_id == bindparam("draft_id"), t.signature.c.session_id == bindparam("session_id"))
    .order_by(t.signature.c.created_at.desc(), t.signature.c.id)
    .limit(1)
)


def start_signature(
    db: Writing, keys: Keys, digest: bytes, *, visitor: Visitor, draft_id: str | None, now: datetime, random: Random
) -> str | Refused:
    """Write down that this visitor is to sign `digest`: the signature's id. Refused('level') without a signing card."""
    if visitor.session_id is None or visitor.resident is None or not visitor.level.covers(Assurance.JPKI_SIGNATURE):
        return Refused("level")
    signature_id = new_id(random)
    _, wrapped = keys.new_data_key(signature_id)
    row = {"id": signature_id, "session_id": visitor.session_id, "draft_id": draft_id, "digest": digest}
    db.execute(_START, row | {"wrapped_key": wrapped, "state": SignatureState.STARTED, "created_at": now})
    return signature_id


@dataclass(frozen=True, slots=True)
class Pending:
    """A signature that can still be made."""

    digest: bytes
    draft_id: str | None


def pending_signature(db: Reading, signature_id: str, *, session_id: str | None, now: datetime) -> Pending | None:
    """What this browser is to sign; None for another's, one that is made already, or one too old."""
    row = _pending(db, signature_id, session_id, now)
    return Pending(row.digest, row.draft_id) if row else None


def complete_signature(
    db: Writing,
    keys: Keys,
    adapter: SigningAdapter,
    signature_id: str,
    made: Made | Refused,
    *,
    visitor: Visitor,
    now: datetime,
) -> Signed | Refused:
    """Check what came back and write it down, once.

    Refused: 'declined' by the person, 'invalid' when it does not fit the digest or comes from no trusted card,
    'other-person' when the card is not that of whoever is signed in, 'over' when nothing waits for a signature.
    """
    row = _pending(db, signature_id, visitor.session_id, now)
    if row is None or visitor.resident is None:
        return Refused("over")
    if isinstance(made, Refused):
        return _refuse(db, signature_id, made)
    signer = adapter.verify(row.digest, made, at=now)
    if signer is None:
        return _refuse(db, signature_id, Refused("invalid"))
    if signer.subject != visitor.resident.facts.subject:
        return _refuse(db, signature_id, Refused("other-person"))
    key = keys.open_data_key(row.wrapped_key, signature_id)
    sealed = {
        "signature": made.value,
        "signer": key.seal(json.dumps(asdict(signer), ensure_ascii=False).encode(), _SIGNER),
        "cert": key.seal(made.certificate, _CERTIFICATE),
        "at": now,
    }
    won = _finish(db, signature_id, SignatureState.SIGNED, sealed)
    return Signed(signature_id, signer, now) if won else Refused("over")


def _pending(db: Reading, signature_id: str, session_id: str | None, now: datetime) -> Any:
    return db.one(_OPEN, {"signature_id": signature_id, "session_id": session_id, "started_after": now - OPEN_FOR})


def _refuse(db: Writing, signature_id: str, refused: Refused) -> Refused:
    declined = refused.reason == "declined"
    _finish(db, signature_id, SignatureState.DECLINED if declined else SignatureState.FAILED, {})
    return refused


def _finish(db: Writing, signature_id: str, state: SignatureState, columns: Mapping[str, Any]) -> bool:
    empty = {"signature": None, "signer": None, "cert": None, "at": None}
    values = {"signature_id": signature_id, "new_state": state, **empty, **columns}
    return db.execute(_FINISH, values).rowcount == 1


def verify_signature(
    db: Reading,
    keys: Keys,
    adapter: SigningAdapter,
    signature_id: str,
    digest: bytes,
    *,
    session_id: str | None,
) -> Signed | None:
    """The signature this browser made over exactly `digest` and has not spent, checked anew; None if there is none."""
    row = db.one(_SIGNED, {"signature_id": signature_id, "session_id": session_id, "digest": digest})
    if row is None:
        return None
    key = keys.open_data_key(row.wrapped_key, row.id)
    made = Made(row.value, key.open(row.sealed_certificate, _CERTIFICATE))
    signer = adapter.verify(digest, made, at=row.signed_at)
    named = Signer(**json.loads(key.open(row.sealed_signer, _SIGNER)))
    return Signed(row.id, signer, row.signed_at) if signer == named else None


def spend_signature(db: Writing, signature_id: str) -> bool:
    """Use the signature for a submission, in its transaction. False when it is spent: one signature, one filing."""
    return db.execute(_SPEND, {"signature_id": signature_id}).rowcount == 1


def draft_signature(db: Reading, draft_id: str, *, session_id: str | None) -> Standing | None:
    """The newest signature this browser started for a draft."""
    row = db.one(_OF_DRAFT, {"draft_id": draft_id, "session_id": session_id})
    return Standing(row.id, row.digest, SignatureState(row.state)) if row else None
