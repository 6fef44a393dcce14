"""Finding a procedure by plain words, category and life event.

What people type is seldom what an ordinance says, and seldom spelt as it is there. So words are compared by their
pairs of letters, hiragana and katakana, full and half width, long vowels and capitals being the same: a slip of the
finger or another okurigana loses a few pairs, not the procedure. A rare pair says more than a common one, and a place
that says what the procedure is (its title, its keywords) more than what stands around it. Words that people say for
what offices call otherwise come from `procedures/everyday.json`.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from typing import TYPE_CHECKING, Final

from procedures.declaration import Declaration

if TYPE_CHECKING:
    from procedures.library import Shared
    from server.catalogue.catalogue import Published

_HIRAGANA: Final = {katakana: katakana - 0x60 for katakana in range(0x30A1, 0x30F7)}
_FOLDED: Final = str.maketrans("ぁぃぅぇぉっゃゅょゎゐゑをヶヵ", "あいうえおつやゆよわいえおけか", "ー・〜~'’")
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


def plain(text: str) -> str:
    """As words are compared: compatibility forms folded, katakana as hiragana, without regard to case."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_HIRAGANA)


def _words(text: str) -> list[str]:
    """The words of a text as they are compared: small kana as large ones, without long vowels and punctuation."""
    return [folded for word in _WORD.findall(plain(text).replace("ー", "")) if (folded := word.translate(_FOLDED))]


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


@lru_cache(maxsize=2000)
def _pairs_of(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_pairs(_words(text))))


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

    def find(self, wanted: Wanted) -> list[Published]:
        """Best matches first; without words, in the catalogue's order."""
        found = self._ranked(wanted.query) if wanted.query.strip() else self._published
        return [each for each in found if _fits(each.declaration, wanted)]

    def _ranked(self, query: str) -> list[Published]:
        scores = self._letters.scores(query)
        least = max(scores.values(), default=0.0) * _ENOUGH
        near = sorted((-score, number) for number, score in scores.items() if score >= least)
        return [self._published[number] for _, number in near]

    @cached_property
    def _letters(self) -> _Letters:
        return _Letters([each.declaration for each in self._published], self._shared)


class _Letters:
    """Where each pair of letters stands: for each pair, numbers of procedures with the best place there."""

    def __init__(self, declarations: Sequence[Declaration], shared: Shared) -> None:
        self._count = len(declarations)
        self._everyday = [(_words(said), _words(" ".join(meant))) for said, meant in shared.everyday.items()]
        self._names: list[tuple[str, frozenset[str]]] = []
        self._places: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        for number, declaration in enumerate(declarations):
            self._take(number, declaration, shared)

    def _take(self, number: int, declaration: Declaration, shared: Shared) -> None:
        best: dict[str, int] = {}
        for place, texts in reversed(list(enumerate(_texts(declaration, shared)))):
            best |= dict.fromkeys((pair for text in texts for pair in _pairs_of(text)), place)
        for pair, place in best.items():
            self._places[pair].append(number * len(_WORTH) + place)
        titles = ["".join(_words(text)) for text in (declaration.title, declaration.kana)]
        self._names.append((" ".join(titles), frozenset("".join(_words(text)) for text in declaration.keywords)))

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
        titles, keywords = self._names[number]
        more = 1.0
        for word in words:
            if word in keywords:
                more += 0.5
            if len(word) > 1 and word in titles:
                more += 0.5
        return more * (1.3 if "".join(words) in keywords else 1.0)


def _texts(declaration: Declaration, shared: Shared) -> Iterator[Sequence[str]]:
    """What is said of a procedure, as `_WORTH` counts it."""
    events = [shared.life_events[code] for code in declaration.life_events if code in shared.life_events]
    category = shared.categories.get(declaration.category)
    told = [word for event in events for word in (event.title, event.kana, *event.words)]
    yield declaration.title, declaration.kana
    yield declaration.keywords
    yield (declaration.official_title,)
    yield declaration.summary, declaration.guide.who
    yield declaration.department, *told, *((category.title, category.kana) if category else ())


def _fits(declaration: Declaration, wanted: Wanted) -> bool:
    return (
        wanted.category in ("", declaration.category)
        and (not wanted.life_event or wanted.life_event in declaration.life_events)
        and (not wanted.online or is_online(declaration))
    )


def is_online(declaration: Declaration) -> bool:
    """Whether it can be filed from home at all, here or where it is handed over."""
    return "online" in declaration.channels
