"""Signed webhooks: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`, and JSON that means one thing only."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from payments.port import MOST, Refusal

TOLERANCE: Final = 300
"""Seconds between the signature's time and ours, both ways: a time in the future would keep a stolen event fresh."""
_HEADER_LIMIT: Final = 1024
_SIGNATURES: Final = 8
_TIME: Final = re.compile(r"[0-9]{1,12}")


def sign(body: bytes, secret: str, at: datetime) -> str:
    """The header a provider sends beside `body`."""
    moment = str(int(at.timestamp()))
    return f"t={moment},v1={_digest(body, secret, moment)}"


def refusal(body: bytes, header: str, secrets: Sequence[str], now: datetime) -> Refusal | None:
    """None when one of the live `secrets` signed these very bytes just now.

    Several secrets are live while one is rotated; a provider in rotation sends several `v1` as well.
    """
    fields = _fields(header)
    if fields is None:
        return Refusal.FORGED
    moment, given = fields
    ours = [_digest(body, secret, moment).encode() for secret in secrets]
    if not any(hmac.compare_digest(one.encode(errors="replace"), other) for one in given for other in ours):
        return Refusal.FORGED
    return Refusal.STALE if abs(now.timestamp() - int(moment)) > TOLERANCE else None


def strict_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object, or None for anything that two readers could read differently.

    That is: a repeated name (the last wins here, the first elsewhere), NaN, a number beyond 2^53, bytes that are not
    UTF-8, or nesting that overruns the reader.
    """
    try:
        read = json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_refuse, parse_int=_whole, parse_float=_finite
        )
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _digest(body: bytes, secret: str, moment: str) -> str:
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _fields(header: str) -> tuple[str, list[str]] | None:
    """The one time and the `v1` signatures; schemes we do not know are passed over, as a provider may add one."""
    if len(header) > _HEADER_LIMIT:
        return None
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not 0 < len(given) <= _SIGNATURES:
        return None
    return times[0], given


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name stands twice")
    return read


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) > MOST:
        raise ValueError("beyond 2^53")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if abs(number) > MOST:
        raise ValueError("beyond 2^53")
    return number
