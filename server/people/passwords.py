"""Passwords of the staff: which ones are taken, and their hashes (argon2id, RFC 9106's second recommendation).

A hash takes a third of a second of CPU and 64 MiB. It is made in a thread, few at a time, so that a morning's sign-ins
take nothing from the residents. Where nobody has the login, a hash of nobody's is checked: the time must not tell.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 128
AT_ONCE: Final = 2

_COMMON: Final = frozenset(
    {
        *("password", "passw0rd", "passwort", "qwerty", "qwertyuiop", "asdfghjkl", "zxcvbnm", "letmein", "welcome"),
        *("iloveyou", "administrator", "admin", "kakanai", "himitsu", "shiyakusho", "sakura", "nippon", "nihon"),
        *("changeme", "secret", "master", "dragon", "monkey", "football", "baseball", "sunshine", "princess"),
        *("trustno", "whatever", "superman", "batman", "michael", "computer", "internet", "abcdefghijkl", "abcd"),
        *("1q2w3e4r5t6y", "1q2w3e4r", "qazwsxedc", "qazwsx", "qwer", "asdf", "zxcv", "abc", "test", "user", "guest"),
    }
)
"""What people begin with, or repeat; digits and signs around it do not make it rarer."""
_ROWS: Final = (
    *("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890123456789", "1qaz2wsx3edc4rfv5tgb"),
    *("あいうえおかきくけこさしすせそたちつてと", "いろはにほへとちりぬるをわかよたれそつねならむ"),
)


def fault(password: str, login: str) -> str:
    """Why a password is not taken: 'short', 'long', 'login', 'common', or '' (NIST SP 800-63B-4, 3.1.1.2)."""
    plain = folded(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        return "short" if len(plain) < SHORTEST else "long"
    lower = plain.casefold()
    if login.casefold() in lower:
        return "login"
    return "common" if _is_common(lower) else ""


def _is_common(lower: str) -> bool:
    if len(set(lower)) < 5 or any(lower in row or lower in row[::-1] for row in _ROWS):
        return True
    if any(lower == (lower[:size] * len(lower))[: len(lower)] for size in range(1, len(lower) // 2 + 1)):
        return True
    letters = "".join(letter for letter in lower if letter.isalpha())
    return letters in _COMMON or lower in _COMMON or any(letters == word * 2 for word in _COMMON)


def folded(password: str) -> str:
    """One form for what looks alike: a keyboard may send a letter whole or in parts."""
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Makes and checks hashes, `AT_ONCE` at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        of = self._hasher
        cost = f"m={of.memory_cost},t={of.time_cost},p={of.parallelism}"
        self._nobodys = f"$argon2id$v=19${cost}${'A' * 22}${'A' * 43}"
        self._limiter = CapacityLimiter(AT_ONCE)

    async def hash(self, password: str) -> str:
        return await to_thread.run_sync(self._hasher.hash, _bytes(password), limiter=self._limiter)

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether this is the password of the hash; never where there is none, in the same time."""
        return await to_thread.run_sync(self._verify, kept, password, limiter=self._limiter)

    def _verify(self, kept: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._nobodys, _bytes(password[: LONGEST * 4])) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    return folded(password).encode("utf-8", "surrogatepass")
