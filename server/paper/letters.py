"""Which letters can be printed, and in which face.

Names are written with characters that ordinary fonts lack (𠮷, 髙, the 葛 of 葛󠄀城), and residents write in more
languages than one. Nothing may be left out in silence: a letter goes to the first face that has it, a variant to the
first that has the variant, and what no face has becomes 〓 and is told.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import BinaryIO, Final
from unicodedata import category

Piece = str | tuple[int, str] | None
"""Some letters in the first face, some in the face of that number, or None: a line may be broken here."""
Told = str | list[Piece]
"""A text as it is printed."""

GETA: Final = "〓"
"""Printers' sign for a letter that is not in the case (下駄)."""
_ONE_FACE: Final = 60
"""Letters up to which a text is set whole in one face, if one has them all: a name in two faces looks like two."""
_BREAKS: Final = (
    r"\s\u0590-\u08ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
    "あいうえおか-ぢつ-もやゆよら-ろわ-んアイウエオカ-ヂツ-モヤユヨラ-ロワ-ンヴ"
)
"""Ideographs and kana, beside which a line may be broken (JIS X 4051); and scripts that nobody may cut."""
_UNBROKEN: Final = re.compile(f"[^{_BREAKS}]{{17,}}")
"""Where no line can be broken by the rules of writing, though a column may be narrower: an address of mail, a row of
ー to fill a box."""
_STEP: Final = 8
_READ: Final = (b"cmap", b"head", b"hhea", b"hmtx")


class Face:
    """The letters of a font file, by its table of characters (OpenType `cmap`, formats 12 and 14), and how wide they
    are (`hmtx`).

    Raises ValueError for a file that has no such tables. Nothing else is read.
    """

    def __init__(self, family: str, path: Path) -> None:
        self.family, self.path = family, path
        with path.open("rb") as file:
            found = _tables(file)
        tables = dict(_subtables(found["cmap"])) if "cmap" in found else {}
        if 12 not in tables:
            raise ValueError(f"{path} does not say which characters it has")
        groups = _numbers("I", tables[12][16 : 16 + 12 * _u32(tables[12], 12)])
        self._first, self._last, self._glyph = groups[0::3], groups[1::3], groups[2::3]
        self._variants = tables.get(14, b"")
        self._em = _u16(found["head"], 18)
        self._advances = _numbers("H", found["hmtx"][: 4 * _u16(found["hhea"], 34)])[0::2]

    def has(self, letter: str) -> bool:
        """Whether it has a letter."""
        code = ord(letter)
        at = bisect_right(self._first, code) - 1
        return at >= 0 and code <= self._last[at]

    def width(self, letter: str) -> float:
        """How much of a line a letter that it has takes, in em."""
        at = bisect_right(self._first, ord(letter)) - 1
        glyph = self._glyph[at] + ord(letter) - self._first[at]
        return self._advances[min(glyph, len(self._advances) - 1)] / self._em

    def varies(self, letter: str, selector: str) -> bool:
        """Whether it has this variant of the letter (an IVS)."""
        table, wanted = self._variants, ord(selector)
        for i in range(_u32(table, 6) if table else 0):
            at = 10 + 11 * i
            if _u24(table, at) == wanted:
                usual, other = _u32(table, at + 3), _u32(table, at + 7)
                return _ranged(table, usual, ord(letter)) or _listed(table, other, ord(letter))
        return False

    def sets(self, cluster: str) -> bool:
        """Whether it has a letter with all that belongs to it."""
        selected = [each for each in cluster if _selects(each)]
        plain = all(self.has(each) for each in cluster if not _selects(each))
        return plain and all(self.varies(cluster[0], each) for each in selected)


def _tables(file: BinaryIO) -> dict[str, bytes]:
    """The tables that are read, by their names; of a collection those of its first font."""
    head = file.read(16)
    file.seek(_u32(head, 12) if head[:4] == b"ttcf" else 0)
    count = struct.unpack(">4xH6x", file.read(12))[0]
    listed = [struct.unpack(">4s4xII", file.read(16)) for _ in range(count)]
    return {tag.decode("latin-1"): _slice(file, at, length) for tag, at, length in listed if tag in _READ}


def _slice(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length)


def _numbers(kind: str, data: bytes) -> array[int]:
    """Of two bytes ("H") or four ("I")."""
    found = array(kind, data)
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _subtables(cmap: bytes) -> Iterator[tuple[int, bytes]]:
    """(format, subtable)."""
    for i in range(struct.unpack_from(">H", cmap, 2)[0]):
        at = _u32(cmap, 8 + 8 * i)
        yield struct.unpack_from(">H", cmap, at)[0], cmap[at:]


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4])


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2])


def _u24(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3])


def _ranged(table: bytes, at: int, code: int) -> bool:
    """Among the default variants: ranges of a first code and how many follow it."""
    if not at:
        return False
    i = bisect_right(range(_u32(table, at)), code, key=lambda i: _u24(table, at + 4 + 4 * i)) - 1
    return i >= 0 and code <= _u24(table, at + 4 + 4 * i) + table[at + 7 + 4 * i]


def _listed(table: bytes, at: int, code: int) -> bool:
    """Among the variants with a glyph of their own: pairs of a code and the glyph."""
    if not at:
        return False
    i = bisect_right(range(_u32(table, at)), code, key=lambda i: _u24(table, at + 4 + 5 * i)) - 1
    return i >= 0 and code == _u24(table, at + 4 + 5 * i)


def _selects(letter: str) -> bool:
    """Whether it chooses a variant of the letter before it."""
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def _joins(letter: str) -> bool:
    """Whether it belongs to the letter before it."""
    return _selects(letter) or category(letter).startswith("M")


def clusters(text: str) -> Iterator[str]:
    """Letters, each with the marks that belong to it."""
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or not _joins(text[i]):
            if i > start:
                yield text[start:i]
            start = i


@dataclass(slots=True)
class Lost:
    """What could not be printed as it was written: letters that became 〓, and variants that became the usual form."""

    letters: dict[str, None] = field(default_factory=dict)
    variants: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.letters or self.variants)

    def add(self, other: Lost) -> None:
        """And what another could not."""
        self.letters |= other.letters
        self.variants |= other.variants


class Case:
    """The faces at hand, the first being the one for everything it has."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self.faces = tuple(faces)
        self._plain: dict[str, float] = {"\n": inf}
        """Letters that the first face has and that stand alone, and how wide they are; most texts have no others."""

    def width(self, told: Told) -> float:
        """How much of one line it takes, in em; inf where that cannot be said: of several lines, in other faces."""
        if not isinstance(told, str):
            return inf
        return sum([self._plain.get(letter, inf) for letter in told])

    def set(self, text: str, lost: Lost) -> Told:
        """`text` as it is printed: itself where the first face has it all, otherwise in pieces. Adds to `lost`."""
        if not self._is_plain(text):
            found = self._one([self._faced(each, lost) for each in clusters(text) if not _unseen(each)])
        elif _UNBROKEN.search(text) is None:
            return text
        else:
            found = [(0, text)]
        pieces = [part for piece in _runs(found) for part in _breakable(*piece)]
        plain = [piece for piece in pieces if isinstance(piece, str)]
        return "".join(plain) if len(plain) == len(pieces) else pieces

    def _is_plain(self, text: str) -> bool:
        rest, first = set(text).difference(self._plain), self.faces[0]
        found = {each: first.width(each) for each in rest if first.has(each) and not _joins(each) and not _unseen(each)}
        self._plain |= found
        return len(found) == len(rest)

    def _faced(self, cluster: str, lost: Lost) -> tuple[int, str]:
        """The first face that has it, and what of it that face can print."""
        face = self._first(cluster)
        if face is not None:
            return face, cluster
        bare = "".join(each for each in cluster if not _selects(each))
        face = self._first(bare) if bare else None
        if face is not None:
            if bare != cluster and not cluster.endswith("\ufe0f"):  # that one asks for an emoji's colours
                lost.variants[cluster] = None
            return face, bare
        lost.letters[cluster] = None
        return 0, GETA

    def _first(self, cluster: str) -> int | None:
        if cluster == "\n":
            return 0
        return next((i for i, face in enumerate(self.faces) if face.sets(cluster)), None)

    def _one(self, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """A short text whole in the later face that some of it needs, if that has the rest too."""
        needed = {face for face, _ in found} - {0}
        if len(needed) != 1 or len(found) > _ONE_FACE:
            return found
        (face,) = needed
        whole = all(self.faces[face].sets(cluster) or cluster == "\n" for _, cluster in found)
        return [(face, cluster) for _, cluster in found] if whole else found


def _unseen(cluster: str) -> bool:
    """Signs that only steer (joiners, marks of direction): there is nothing to print."""
    return category(cluster[0]) in ("Cf", "Cc") and cluster != "\n"


def _runs(found: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Neighbours of one face together."""
    last, run = 0, ""
    for face, cluster in found:
        if face != last and run:
            yield last, run
            run = ""
        last, run = face, run + cluster
    if run:
        yield last, run


def _breakable(face: int, run: str) -> Iterator[Piece]:
    """A run, with places to break it where writing itself has none."""
    at = 0
    for match in _UNBROKEN.finditer(run):
        for cut in range(match.start() + _STEP, match.end() - _STEP // 2, _STEP):
            yield from (_piece(face, run[at:cut]), None)
            at = cut
    yield _piece(face, run[at:])


def _piece(face: int, text: str) -> Piece:
    return (face, text) if face else text
