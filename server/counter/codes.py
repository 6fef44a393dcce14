"""Codes of twelve signs as they come in at a window: typed, read by a hand scanner, or by a camera."""

from __future__ import annotations

import re
from typing import Final

from server.signs import ALPHABET, plain_code

LENGTH: Final = 12
LONGEST: Final = 500
"""Characters that are looked at: a picture that is no code of ours may hold thousands."""

_SYMBOLOGY: Final = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
"""What some scanners put first: the AIM identifier of the kind of picture ('\\]Q1')."""
_ADDRESS: Final = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_OURS: Final = re.compile(r"/handoff[/#?](?:code=)?([^/#?&]*)/?$", re.IGNORECASE)


def read_code(text: str) -> str | None:
    """The twelve signs of a code in whatever form it came: small letters, full width, blanks, hyphens, O for 0, inside
    an address of ours, with a scanner's prefix and terminator. None for anything else."""
    plain = _SYMBOLOGY.sub("", text.strip()) if len(text) <= LONGEST else ""
    if _ADDRESS.match(plain):
        found = _OURS.search(plain)
        plain = found[1] if found else ""
    signs = plain_code(plain)
    fits = len(signs) == LENGTH and len(plain) <= 2 * LENGTH and set(signs) <= set(ALPHABET)
    return signs if fits else None
