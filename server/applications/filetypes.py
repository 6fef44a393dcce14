"""What kind a file is by its first bytes, and what can be said against it at no cost. Nothing is decoded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PDF, JPEG, PNG, HEIC = "application/pdf", "image/jpeg", "image/png", "image/heic"

MAX_FILE: Final = 10 * 2**20
MAX_PIXELS: Final = 50_000_000
"""A camera's best. A small file can say it holds a picture of any size: it is asked before it is decoded."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a file is not taken; `file-<code>` in the message catalogue. `seconds` of 'wait': until it may be."""

    code: str
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """A file as it is kept."""

    media_type: str
    content: bytes


_HEADS: Final = {b"%PDF-": PDF, b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
_STILLS: Final = frozenset({b"heic", b"heix", b"heim", b"heis"})
_MOVING: Final = frozenset({b"avif", b"avis", b"hevc", b"hevx", b"msf1"})
"""Brands of other codecs and of sequences (ISO/IEC 23008-12)."""


def sniff(content: bytes) -> str | None:
    """The media type by the first bytes; None when it is none of ours. The name it came under is not asked."""
    known = next((kind for head, kind in _HEADS.items() if content.startswith(head)), None)
    return HEIC if known is None and _is_heic(content) else known


def _is_heic(content: bytes) -> bool:
    if content[4:8] != b"ftyp":
        return False
    box = content[8 : min(int.from_bytes(content[:4], "big"), 200)]
    brands = {box[:4], *(box[i : i + 4] for i in range(8, len(box), 4))}
    return bool(brands & _STILLS) and box[:4] not in _MOVING


def kept_as(kind: str) -> str:
    """What a file of this kind is kept as: few offices can open an iPhone's HEIC."""
    return JPEG if kind == HEIC else kind


def preview(content: bytes, size: int, accept: Sequence[str]) -> Unfit | None:
    """What can be said against a file by its first bytes and its size, at no cost."""
    if not size:
        return Unfit("empty")
    if size > MAX_FILE:
        return Unfit("size")
    kind = sniff(content)
    return None if kind is not None and kept_as(kind) in accept else Unfit("type")
