"""Residents: one row a person and provider, their facts sealed with a key of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update

from server.people.facts import Facts
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

_FACTS: Final = "resident.sealed_facts"


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody a provider has named, with what it said last."""

    id: str
    facts: Facts

    @property
    def protected(self) -> bool:
        """Under 支援措置: nothing of theirs is filled in or shown without being asked for."""
        return self.facts.protected


_KNOWN = (
    select(t.resident.c.id, t.resident.c.wrapped_key)
    .where(
        t.resident.c.provider == bindparam("provider"),
        t.resident.c.subject_digest == bindparam("subject_digest"),
    )
    .with_for_update()
)
_BY_ID = select(t.resident.c.id, t.resident.c.wrapped_key, t.resident.c.sealed_facts).where(
    t.resident.c.id == bindparam("resident_id")
)
_WRAPPED = select(t.resident.c.wrapped_key).where(t.resident.c.id == bindparam("resident_id"))
_EVERY = select(t.resident.c.id, t.resident.c.wrapped_key, t.resident.c.sealed_facts).order_by(t.resident.c.id)
_RENEW = (
    update(t.resident)
    .where(t.resident.c.id == bindparam("resident_id"))
    .values(sealed_facts=bindparam("facts"), protected=bindparam("under_protection"))
)


def upsert(db: Writing, keys: Keys, facts: Facts, *, now: datetime, random: Random) -> Resident:
    """The resident of these facts, added or brought up to date: a card knows of a move before we do."""
    who: dict[str, object] = {
        "provider": facts.provider,
        "subject_digest": subject_digest(keys, facts.provider, facts.subject),
    }
    if db.one(_KNOWN, who) is None:
        _add(db, keys, facts, who, now, new_id(random))
    row = db.one(_KNOWN, who)
    if row is None:
        raise LookupError("the resident added in this transaction is gone")
    resident = Resident(row.id, facts)
    _renew(db, keys, resident, row.wrapped_key)
    return resident


def rewrite(db: Writing, keys: Keys, resident: Resident) -> None:
    """Store a resident's facts anew."""
    _renew(db, keys, resident, db.scalar(_WRAPPED, {"resident_id": resident.id}))


def _renew(db: Writing, keys: Keys, resident: Resident, wrapped_key: bytes) -> None:
    sealed = keys.open_data_key(wrapped_key, resident.id).seal(resident.facts.to_json(), _FACTS)
    db.execute(_RENEW, {"resident_id": resident.id, "facts": sealed, "under_protection": resident.protected})


def every_resident(db: Reading, keys: Keys) -> Iterator[Resident]:
    """Everybody who has ever signed in, opened one by one: for what the whole city is gone through."""
    for row in db.all(_EVERY, {}):
        yield open_resident(keys, row.id, row.wrapped_key, row.sealed_facts)


def _add(db: Writing, keys: Keys, facts: Facts, who: dict[str, object], now: datetime, row_id: str) -> None:
    # Two first sign-ins at once add one row: the loser's insert does nothing, and its next select finds the other's.
    key, wrapped = keys.new_data_key(row_id)
    sealed = key.seal(facts.to_json(), _FACTS)
    row = {"id": row_id, "wrapped_key": wrapped, "sealed_facts": sealed, "protected": facts.protected}
    db.insert_new(t.resident, who | row | {"created_at": now})


def find_resident(db: Reading, keys: Keys, resident_id: str) -> Resident | None:
    """The resident of this id."""
    row = db.one(_BY_ID, {"resident_id": resident_id})
    return open_resident(keys, row.id, row.wrapped_key, row.sealed_facts) if row else None


def open_resident(keys: Keys, resident_id: str, wrapped_key: bytes, sealed_facts: bytes) -> Resident:
    """A resident from the columns of their row."""
    key = keys.open_data_key(wrapped_key, resident_id)
    return Resident(resident_id, Facts.from_json(key.open(sealed_facts, _FACTS)))


def subject_digest(keys: Keys, provider: str, subject: str) -> bytes:
    """What finds a resident again; a subject may be an address, so it is not stored itself."""
    return keys.index_digest("resident", f"{provider}\n{subject}")
