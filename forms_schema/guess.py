"""The name that was probably meant, for whoever wrote one that is not there."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable


def guess(name: str, names: Iterable[str], least: float = 0.6) -> str:
    """'… ではありませんか', '' when no name is near. Width, case and the kind of hyphen make no difference. `least` is
    how much alike the names must be, from 0 to 1."""
    folded = {_folded(each): each for each in names if each != name}
    near = difflib.get_close_matches(_folded(name), folded, 1, least)
    return f"{folded[near[0]]} ではありませんか" if near else ""


def meant(name: str, names: Iterable[str], allowed: str) -> str:
    """`allowed`, behind the guess."""
    near = guess(name, names)
    return f"{near}。{allowed}" if near else allowed


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().replace("-", "_")
