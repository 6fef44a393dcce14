"""支援措置: whom the city has said to be protected, so that nothing of theirs is filled in or offered by itself.

No identity provider says so; the city's own list does (住民基本台帳事務処理要領 第5-10). Of it only keyed digests of
name and birth date are stored: they recognise a person who signs in, and name nobody.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from server.people.facts import Facts, comparable
from server.people.residents import Resident, every_resident, rewrite
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys

ACTOR: Final = "cli"


@dataclass(frozen=True, slots=True)
class Person:
    """A line of the list: the name as the card has it (blanks do not matter), and the birth date."""

    name: str
    birthdate: date


class BadLine(ValueError):
    """A line of the list that names nobody. Says which, never what stood there."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}: must be a name, a comma and a birth date, '津軽 太郎,1989-04-02'")


_LISTED = select(t.protection.c.digest).where(t.protection.c.digest == bindparam("of_person"))
_COUNT = select(func.count()).select_from(t.protection)


def people(lines: Iterable[str]) -> Iterator[Person]:
    """The people of a CSV text without a heading. Raises BadLine."""
    for number, row in enumerate(csv.reader(lines), 1):
        if not any(cell.strip() for cell in row):
            continue
        try:
            name, born = (cell.strip() for cell in row)
            person = Person(name, date.fromisoformat(born))
        except ValueError:
            raise BadLine(number) from None
        if not comparable(name):
            raise BadLine(number)
        yield person


def is_listed(db: Reading, keys: Keys, facts: Facts) -> bool:
    """Whether the city's list has whoever these facts name."""
    if not (facts.name and facts.birthdate):
        return False
    return db.scalar(_LISTED, {"of_person": _digest(keys, facts.name, facts.birthdate)}) is not None


def protect(db: Writing, keys: Keys, listed: Iterable[Person], *, now: datetime) -> int:
    """Add people to the list, and shield those who have signed in before; how many are new on it."""
    digests = {_digest(keys, person.name, person.birthdate) for person in listed}
    new = [each for each in sorted(digests) if db.insert_new(t.protection, {"digest": each, "created_at": now})]
    _mark(db, keys, digests, protected=True)
    db.audit("protection.add", "list", actor=ACTOR, detail={"people": len(new)})
    return len(new)


def release(db: Writing, keys: Keys, listed: Iterable[Person]) -> int:
    """Take people off the list; how many were on it."""
    digests = {_digest(keys, person.name, person.birthdate) for person in listed}
    gone = db.execute(delete(t.protection).where(t.protection.c.digest.in_(digests))).rowcount
    _mark(db, keys, digests, protected=False)
    db.audit("protection.remove", "list", actor=ACTOR, detail={"people": gone})
    return int(gone)


def count(db: Reading) -> int:
    """How many are on the list."""
    return int(db.scalar(_COUNT) or 0)


def _mark(db: Writing, keys: Keys, digests: set[bytes], *, protected: bool) -> None:
    """What residents who are known already are from now on: their sessions go by it with the next request."""
    for resident in every_resident(db, keys):
        facts = resident.facts
        ours = facts.birthdate is not None and _digest(keys, facts.name, facts.birthdate) in digests
        if ours and facts.protected is not protected:
            rewrite(db, keys, Resident(resident.id, replace(facts, protected=protected)))


def _digest(keys: Keys, name: str, birthdate: date) -> bytes:
    return keys.index_digest("protection", f"{comparable(name)}\n{birthdate.isoformat()}")
