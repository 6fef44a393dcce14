"""Receipt numbers: 15 digits, random, the last a check digit, so that a slip of the pen is told from a wrong number."""

from __future__ import annotations

import re

from stdnum import luhn

from server.store.values import Random


def check_digit(first: str) -> str:
    """The 15th digit for 14 digits (Luhn, ISO/IEC 7812-1): finds every wrong digit and most that changed places."""
    return str(luhn.calc_check_digit(first))


def new_number(random: Random) -> str:
    """A number nobody can guess from another; its secrecy is the access code's all the same."""
    first = f"{int.from_bytes(random(8)) % 10**14:014d}"
    return first + check_digit(first)


def read_number(text: str) -> str | None:
    """A receipt number as typed (full-width, blanks, hyphens), or None when it cannot be one."""
    digits = "".join(str(int(c)) for c in text if c.isdecimal())
    plain = re.fullmatch(r"[\s0-9０-９\-‐－ー]*", text) is not None
    return digits if plain and len(digits) == 15 and check_digit(digits[:14]) == digits[14] else None
