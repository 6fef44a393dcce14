"""Codes that people read aloud, write down and type, in Crockford's base 32: no sign of it is mistaken for another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LONGEST: Final = 80
"""Characters of what was typed that are looked at."""
_MEANT: Final = str.maketrans("OIL", "011")
_NARROW: Final = {ord(sign) + 0xFEE0: sign for sign in map(chr, range(ord("!"), ord("~") + 1))}


def new_signs(random: Callable[[int], bytes], count: int) -> str:
    """So many signs of five random bits each."""
    return "".join(ALPHABET[byte & 31] for byte in random(count))


def new_code(random: Callable[[int], bytes], groups: int, size: int = 5) -> str:
    """So many groups of random signs: 'XXXXX-XXXXX'."""
    return in_groups(new_signs(random, groups * size), size)


def signs_of(number: int, count: int) -> str:
    """The last 5 x `count` bits of a number."""
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (count - 1), -5, -5))


def in_groups(signs: str, size: int = 4) -> str:
    """As a person reads them: 'XXXX-XXXX-XXXX'."""
    return "-".join(signs[start : start + size] for start in range(0, len(signs), size))


def plain_code(typed: str) -> str:
    """A code as it is compared: width, case, blanks and hyphens do not matter, and O, I and L are what was meant."""
    kept = (sign for sign in typed[:LONGEST].translate(_NARROW).upper() if sign.isascii() and sign.isalnum())
    return "".join(kept).translate(_MEANT)
