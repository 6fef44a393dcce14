"""The second factor: codes of an authenticator (TOTP, RFC 6238), and the codes on paper for when it is lost."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp

from server.signs import new_code
from server.store.values import Random

STEP: Final = 30
"""Seconds of one code."""
RECOVERY_CODES: Final = 10
ISSUER: Final = "Kakanai"

_AROUND: Final = (-1, 0, 1)
"""A telephone's clock may be half a minute off."""
_WIDE: Final = str.maketrans("０１２３４５６７８９", "0123456789")
_MARGIN: Final = 4
"""Light modules around a QR code (ISO/IEC 18004)."""


def new_secret(random: Random) -> str:
    """160 bits in base32, as authenticators take them."""
    return base64.b32encode(random(20)).decode()


def code_at(secret: str, now: datetime) -> str:
    """What an authenticator shows at `now`."""
    return pyotp.TOTP(secret, interval=STEP).at(int(now.timestamp()))


def step_of(secret: str, typed: str, now: datetime) -> int | None:
    """The period of 30 seconds whose code was typed, or None. Whether it may count (once), the store says."""
    code, totp, current = digits(typed), pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    found = None
    for step in (current + each for each in _AROUND):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def digits(typed: str) -> str:
    """Six digits as typed, with blanks or full-width; '' for anything else."""
    found = re.sub(r"[\s-]", "", typed[:50]).translate(_WIDE)
    return found if re.fullmatch("[0-9]{6}", found) else ""


def new_recovery_codes(random: Random) -> Sequence[str]:
    return [new_code(random, 2) for _ in range(RECOVERY_CODES)]


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code to be drawn: `path` of an SVG that is `size` wide and high, a unit a module."""

    size: int
    path: str


def enrolment_qr(secret: str, login: str, city: str) -> Qr:
    """What an authenticator scans: the secret, and by which name it is to be kept."""
    import segno  # a twentieth of a second, for those who enrol

    uri = pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=login, issuer_name=f"{ISSUER} {city}".strip())
    rows = [list(row) for row in segno.make(uri, error="m", micro=False).matrix_iter(border=_MARGIN)]
    dark = [(x, y) for y, row in enumerate(rows) for x, module in enumerate(row) if module]
    return Qr(len(rows), "".join(f"M{x} {y}h1v1h-1z" for x, y in dark))
