"""A submission that is sent again: the same key with the same body is answered as the first time.

The row of the key is written in the transaction of the application, and the key decides the race: of two
submissions at once the second is rolled back and finds what the first has made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select

from forms_schema import Json
from server.people.sessions import Visitor
from server.people.statement import canonical_json
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys

LONGEST_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """Who sends what under which key: both as keyed digests, for a body holds somebody's answers."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used before, for another body."""


_KNOWN = select(t.idempotency.c.body_digest, t.idempotency.c.application_id).where(
    t.idempotency.c.key == bindparam("claimed")
)


def claim(keys: Keys, visitor: Visitor, key: str, body: Json) -> Claim:
    """A claim on `key`. A key is one's own: two residents may use the same one.

    `body` is compared in its canonical form, so that the order of names in it does not matter. Raises ValueError for
    what has no such form.
    """
    digest = keys.index_digest("idempotency.body", canonical_json(body).decode())
    return Claim(keys.index_digest("idempotency.key", f"{_who(visitor)}\n{key}").hex(), digest)


def _who(visitor: Visitor) -> str:
    if visitor.resident is not None:
        return f"resident:{visitor.resident.id}"
    return f"session:{visitor.session_id}" if visitor.session_id else "anybody"


def recall(db: Reading, claimed: Claim) -> str | Mismatch | None:
    """The id of the application this claim has made before, or None for a key that is new."""
    row = db.one(_KNOWN, {"claimed": claimed.key})
    if row is None:
        return None
    return str(row.application_id) if row.body_digest == claimed.body else Mismatch()


def remember(db: Writing, claimed: Claim, application_id: str, *, now: datetime) -> bool:
    """Note what the claim has made, in the same transaction. False: another was first, and this must roll back."""
    row = {"key": claimed.key, "body_digest": claimed.body, "application_id": application_id, "created_at": now}
    return db.insert_new(t.idempotency, row)
