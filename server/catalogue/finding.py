"""Finding a procedure by plain words, category and life event.

Every word must occur somewhere in what is said of the procedure; hiragana and katakana, full and half width, capitals
and small letters are the same. The best place comes first: the title, then its reading and keywords, then the rest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from procedures.declaration import Declaration
from procedures.library import Shared
from server.catalogue import Published

_HIRAGANA: Final = {katakana: katakana - 0x60 for katakana in range(0x30A1, 0x30F7)}


def plain(text: str) -> str:
    """As words are compared: compatibility forms folded, katakana as hiragana, without regard to case."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_HIRAGANA)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; empty means anything."""

    query: str = ""
    category: str = ""
    life_event: str = ""
    online: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    """A procedure with its words, best place first."""

    published: Published
    places: tuple[str, ...]


class Index:
    """What is served, ready to be searched. Made anew whenever the catalogue changes."""

    def __init__(self, published: Sequence[Published], shared: Shared) -> None:
        self._entries = tuple(_Entry(each, _places(each.declaration, shared)) for each in published)

    def find(self, wanted: Wanted) -> list[Published]:
        """In the catalogue's order, better matches first."""
        words = plain(wanted.query).split()
        ranked = [(rank, entry) for entry in self._entries if (rank := _rank(entry, words)) is not None]
        ranked.sort(key=lambda pair: pair[0])
        return [entry.published for _, entry in ranked if _fits(entry.published.declaration, wanted)]


def _places(declaration: Declaration, shared: Shared) -> tuple[str, ...]:
    events = [shared.life_events[code] for code in declaration.life_events if code in shared.life_events]
    told = [word for event in events for word in (event.title, event.kana, *event.words)]
    category = shared.categories.get(declaration.category)
    shelf = (category.title, category.kana) if category else ()
    around = [declaration.summary, declaration.department, *told, *shelf]
    near = [declaration.official_title, declaration.kana, *declaration.keywords]
    return plain(declaration.title), plain("\n".join(near)), plain("\n".join(around))


def _rank(entry: _Entry, words: Sequence[str]) -> int | None:
    """The sum of the places where each word is first found; None when one is found nowhere."""
    total = 0
    for word in words:
        place = next((i for i, text in enumerate(entry.places) if word in text), None)
        if place is None:
            return None
        total += place
    return total


def _fits(declaration: Declaration, wanted: Wanted) -> bool:
    return (
        wanted.category in ("", declaration.category)
        and (not wanted.life_event or wanted.life_event in declaration.life_events)
        and (not wanted.online or is_online(declaration))
    )


def is_online(declaration: Declaration) -> bool:
    """Whether it can be filed from home at all, here or where it is handed over."""
    return "online" in declaration.channels
