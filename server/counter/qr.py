"""QR codes to be drawn in a page: a path, so that no style and no picture's address is needed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from server.people.factors import Qr

_MARGIN: Final = 4
"""Modules of white around it, as ISO/IEC 18004 asks."""


@lru_cache(maxsize=64)
def drawn(text: str) -> Qr:
    """The code of a text, with a quarter of it to spare for a scratched screen (level Q)."""
    import segno  # a twentieth of a second, for those who need one

    rows = [list(row) for row in segno.make(text, error="q", micro=False).matrix_iter(border=_MARGIN)]
    dark = [(x, y) for y, row in enumerate(rows) for x, module in enumerate(row) if module]
    return Qr(len(rows), "".join(f"M{x} {y}h1v1h-1z" for x, y in dark))
