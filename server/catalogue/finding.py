"""Finding a procedure by plain words, category and life event.

What people type is seldom what an ordinance says, and seldom spelt as it is there. So words are compared by their
pairs of letters, hiragana and katakana, full and half width, long vowels and capitals being the same: a slip of the
finger or another okurigana loses a few pairs, not the procedure. A rare pair says more than a common one, and a place
that says what the procedure is (its title, its keywords) more than what stands around it. Words that people say for
what offices call otherwise come from `procedures/everyday.json`.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from operator import add
from typing import TYPE_CHECKING, Final

from procedures.declaration import Header

if TYPE_CHECKING:
    from procedures.library import Shared
    from server.catalogue.catalogue import Published

_HIRAGANA: Final = {katakana: katakana - 0x60 for katakana in range(0x30A1, 0x30F7)}
_LARGE: Final = str.maketrans("ぁぃぅぇぉっゃゅょゎゐゑを", "あいうえおつやゆよわいえお", "ー")
_FOLDED: Final = {letter: _LARGE.get(kana, kana) for letter, kana in _HIRAGANA.items()} | _LARGE
_WORD: Final = re.compile(r"[0-9a-z\u3005-\u3007\u3041-\u3096\u3400-\u9fff]+")
_KANJI: Final = re.compile(r"[\u3400-\u9fff]")
_NAMING: Final = re.compile(r"[\u30a1-\u30f6\u3400-\u9fff]")
_HIRAGANA_RUN: Final = re.compile(r"[\u3041-\u3096]+")
_WORTH: Final = (5.0, 4.0, 2.5, 1.5, 0.8)
"""What a pair of letters is worth by where it stands: in the title, in a keyword, in the official title, in the
summary, around (department, category, life events)."""
_SAID_OTHERWISE: Final = 0.7
"""What a word is worth that was not typed itself, but stands for what was."""
_ENDING: Final = 0.25
"""What a pair is worth that only ends or joins words."""
_NONSENSE: Final = 0.08
"""The share of what was typed that must be found in the title of the best result, or as much of it elsewhere; real
questions have twice that at the least."""
_LOOKED_AT: Final = 8_000
"""Places that are looked at for one question, the telling ones first: what two hundred procedures have in all."""
_ENOUGH: Final = 0.3
"""The share of the best result's score below which nobody would see why a result is there."""


def _folded(text: str) -> str:
    """As letters are compared: compatibility forms folded, katakana as hiragana, small kana as large ones, without long
    vowels and without regard to case."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_FOLDED)


def _words(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return _WORD.findall(_folded(text))


def _endings(text: str) -> set[str]:
    """The pairs of letters that only inflect and join words: hiragana beside kanji or katakana in one breath.
    A word that somebody writes wholly in hiragana has none."""
    spelt = unicodedata.normalize("NFKC", text)
    runs = [run for word in spelt.split() if _NAMING.search(word) for run in _HIRAGANA_RUN.findall(word)]
    return {pair for run in runs for pair in _pairs(_words(run))}


def _pairs(words: Iterable[str]) -> Iterator[str]:
    """Every two neighbouring letters, and each kanji by itself: 犬 and 税 are whole words."""
    for word in words:
        yield from (word[i : i + 2] for i in range(len(word) - 1))
        yield from _KANJI.findall(word)
        if len(word) == 1:
            yield word


def _pairs_of(folded: str) -> set[str]:
    """The pairs of a text, each once."""
    words = _WORD.findall(folded)
    found = {word for word in words if len(word) == 1}
    return found.union(_KANJI.findall(folded), *(map(add, word, word[1:]) for word in words))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; empty means anything."""

    query: str = ""
    category: str = ""
    life_event: str = ""
    online: bool = False


class Index:
    """What is served, ready to be searched. Made anew whenever the catalogue changes; the letters are only looked at
    when somebody first asks for words."""

    def __init__(self, published: Sequence[Published], shared: Shared) -> None:
        self._published = tuple(published)
        self._shared = shared
        self._letters: _Letters | None = None
        self._looking = asyncio.Lock()

    async def ready(self) -> None:
        """Look at the letters, for `find`: in a thread, for of twenty thousand procedures it takes some seconds in
        which others want their pages."""
        async with self._looking:
            if self._letters is None:
                self._letters = await asyncio.to_thread(self._looked_at)

    def find(self, wanted: Wanted) -> list[Published]:
        """Best matches first; without words, in the catalogue's order."""
        found = self._ranked(wanted.query) if wanted.query.strip() else self._published
        return [each for each in found if _fits(each.declaration, wanted)]

    def _ranked(self, query: str) -> list[Published]:
        if self._letters is None:
            self._letters = self._looked_at()
        scores = self._letters.scores(query)
        least = max(scores.values(), default=0.0) * _ENOUGH
        near = sorted((-score, number) for number, score in scores.items() if score >= least)
        return [self._published[number] for _, number in near]

    def _looked_at(self) -> _Letters:
        return _Letters([each.declaration for each in self._published], self._shared)


class _Letters:
    """Where each pair of letters stands: for each pair, numbers of procedures with the best place there."""

    def __init__(self, declarations: Sequence[Header], shared: Shared) -> None:
        self._count = len(declarations)
        self._everyday = [(_words(said), _words(" ".join(meant))) for said, meant in shared.everyday.items()]
        self._names: list[str] = []
        """Title and kana, and on a line each the keywords: of twenty thousand, one text takes the least room."""
        self._places: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))

        @lru_cache(1000)
        def around(department: str, life_events: Sequence[str], category: str) -> set[str]:
            return _pairs_of(_folded("\n".join(_around(department, life_events, category, shared))))

        for number, each in enumerate(declarations):
            self._take(number, each, around(each.department, each.life_events, each.category))

    def _take(self, number: int, declaration: Header, around: set[str]) -> None:
        texts = [_folded("\n".join(texts)) for texts in _texts(declaration)]
        seen: set[str] = set()
        for place, pairs in enumerate([*map(_pairs_of, texts), around]):
            entry = number * len(_WORTH) + place
            for pair in pairs - seen:
                self._places[pair].append(entry)
            seen |= pairs
        title, kana, *keywords = ("".join(_WORD.findall(line)) for text in texts[:2] for line in text.split("\n"))
        self._names.append("\n".join((f"{title} {kana}", *keywords, "")))

    def scores(self, query: str) -> dict[int, float]:
        """How well each procedure fits; those that fit in nothing are left out."""
        scores: defaultdict[int, float] = defaultdict(float)
        words, left = _words(query), _LOOKED_AT
        typed = self._typed(words, _endings(query))
        asked = {pair: self._rarity(pair) * _SAID_OTHERWISE for meant in self._meant(words) for pair in _pairs([meant])}
        for weight, pair in sorted(((weight, pair) for pair, weight in (asked | typed).items()), reverse=True):
            places = self._places.get(pair, ())
            for place in places:
                scores[place // len(_WORTH)] += weight * _WORTH[place % len(_WORTH)]
            left -= len(places)
            if left < 0:  # what is left says little: it stands in a large part of a very large catalogue
                break
        best = max(scores.values(), default=0.0)
        if best < sum(typed.values()) * _WORTH[0] * _NONSENSE:
            return {}
        least = best * _ENOUGH / 2
        return {number: score * self._named(number, words) for number, score in scores.items() if score >= least}

    def _typed(self, words: Sequence[str], endings: set[str]) -> dict[str, float]:
        """What each pair that was typed weighs: a rare one more than a common one, one that only inflects little."""
        return {pair: self._rarity(pair) * (_ENDING if pair in endings else 1.0) for pair in _pairs(words)}

    def _rarity(self, pair: str) -> float:
        return log(1 + self._count / (1 + len(self._places.get(pair, ()))))

    def _meant(self, words: Sequence[str]) -> Iterator[str]:
        typed = "".join(words)
        for said, meant in self._everyday:
            if all(word in typed for word in said):
                yield from meant

    def _named(self, number: int, words: Sequence[str]) -> float:
        """Whole words that name a procedure count more than the same letters here and there."""
        names = self._names[number]
        titles = names.index("\n")
        more = 1.0
        for word in words:
            if f"\n{word}\n" in names:
                more += 0.5
            if len(word) > 1 and names.find(word, 0, titles) >= 0:
                more += 0.5
        return more * (1.3 if f"\n{''.join(words)}\n" in names else 1.0)


def _texts(declaration: Header) -> Iterator[Sequence[str]]:
    """What is said of a procedure itself, as `_WORTH` counts it."""
    yield declaration.title, declaration.kana
    yield (declaration.keywords,)
    yield (declaration.official_title,)
    yield declaration.summary, declaration.who


def _around(department: str, life_events: Sequence[str], category: str, shared: Shared) -> Iterator[str]:
    """What is said of many procedures together."""
    yield department
    for event in (shared.life_events[code] for code in life_events if code in shared.life_events):
        yield from (event.title, event.kana, *event.words)
    if (shelf := shared.categories.get(category)) is not None:
        yield from (shelf.title, shelf.kana)


def _fits(declaration: Header, wanted: Wanted) -> bool:
    return (
        wanted.category in ("", declaration.category)
        and (not wanted.life_event or wanted.life_event in declaration.life_events)
        and (not wanted.online or is_online(declaration))
    )


def is_online(declaration: Header) -> bool:
    """Whether it can be filed from home at all, here or where it is handed over."""
    return "online" in declaration.channels
