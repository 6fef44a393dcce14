"""The port to card readers at windows, and the stand-in that plays one in the sandbox.

A reader gives the four facts that are printed on a マイナンバーカード and lie in its 券面事項入力補助AP: name, address,
birth date, sex. The 個人番号 lies there too, and is never asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from procedures.declaration import Assurance
from server.people.facts import Facts
from server.people.identity import SandboxResident


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The four facts of a card, as the card has them: the name with a blank in it, the address in one."""

    name: str
    address: str
    birthdate: date
    sex: str

    @property
    def facts(self) -> Facts:
        """As everything else takes facts. A card that was read at a window says nothing of how its owner signs in."""
        level = Assurance.NONE
        return Facts("reader", "", level, self.name, birthdate=self.birthdate, sex=self.sex, address=self.address)


@dataclass(frozen=True, slots=True)
class Unread:
    """No facts: there is no card ('empty'), it cannot be read ('unreadable'), or the reader is away ('unavailable').
    `cause` is for the log."""

    reason: str
    cause: Exception | None = field(default=None, compare=False, repr=False)


class CardReader(Protocol):
    """The readers of the town hall. Called by handlers, never inside a transaction."""

    async def read(self, place: str) -> CardFacts | Unread:
        """The card that lies on the reader of `place`: a window's id, or of somebody on the staff who has none."""


class SandboxReader:
    """Plays the readers: each has a slip with the name of the card that lies on it, under DATA_DIR, so that every
    worker sees the same card."""

    def __init__(self, directory: Path, residents: Iterable[SandboxResident]) -> None:
        self._slips = directory
        self.residents = {each.facts.subject: each for each in residents if _has_four_facts(each.facts)}
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def read(self, place: str) -> CardFacts | Unread:
        found = self.residents.get(self.lies_on(place))
        if found is None or found.facts.birthdate is None:
            return Unread("empty")
        of = found.facts
        return CardFacts(of.name, of.address, found.facts.birthdate, of.sex)

    def lies_on(self, place: str) -> str:
        """The card on a reader; '' for none."""
        slip = self._slip(place)
        return slip.read_text() if slip.exists() else ""

    def lay(self, place: str, subject: str) -> bool:
        """Lay a resident's card on a reader, or ('') take away what lies there. False: nobody has such a card."""
        if subject and subject not in self.residents:
            return False
        self._slip(place).write_text(subject)
        return True

    def _slip(self, place: str) -> Path:
        return self._slips / hashlib.sha256(place.encode()).hexdigest()[:32]  # a place comes out of an address


def _has_four_facts(facts: Facts) -> bool:
    return bool(facts.name and facts.address and facts.birthdate and facts.sex)
