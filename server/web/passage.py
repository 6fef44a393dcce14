"""The way out to a provider and back: one cookie, set when the browser leaves and taken when it returns.

It holds the `state` the provider must bring back. Another site can send a browser to our return address, but with no
state of its own making (login CSRF); and a state brought back twice finds the cookie gone. The cookie is ours by a
keyed digest: whoever picks up somebody's return address from a screen or a log cannot make the cookie to it, and so
not sign in with it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.web.http import is_sandbox, services

MAX_AGE: Final = 60 * 60
"""Seconds: to find the card, its password and a phone that reads it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """`purpose` keeps one way's state from use on another ('signin:jpki'); `transaction` is the provider's id, `level`
    what the place that is led back to asks for."""

    purpose: str
    state: str
    next: str
    transaction: str = ""
    level: str = ""


def _name(request: Request) -> str:
    return "kakanai-way" if is_sandbox(request) else "__Host-kakanai-way"


def leave(request: Request, response: Response, passage: Passage) -> Response:
    """Let the browser carry the passage."""
    left = int(services(request).clock().timestamp())
    raw = json.dumps({"left": left, "passage": asdict(passage)}).encode()
    value = ".".join(base64.urlsafe_b64encode(part).decode() for part in (raw, _digest(request, raw)))
    secure = not is_sandbox(request)
    # Lax, not Strict: the way back begins at the provider.
    response.set_cookie(_name(request), value, max_age=MAX_AGE, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def come_back(request: Request, purpose: str) -> Passage | None:
    """The passage of this way, if the browser set out on it and `state` is what it set out with."""
    found = _carried(request)
    state = request.query_params.get("state", "")
    fits = found and found.purpose == purpose and hmac.compare_digest(found.state.encode(), state.encode())
    return found if fits else None


def _carried(request: Request) -> Passage | None:
    """What we gave the browser to carry, within MAX_AGE; None for what is none of ours."""
    text, _, mark = request.cookies.get(_name(request), "").partition(".")
    try:
        raw, digest = base64.urlsafe_b64decode(text), base64.urlsafe_b64decode(mark)
    except (binascii.Error, ValueError):
        return None
    if not hmac.compare_digest(digest, _digest(request, raw)):
        return None
    kept = json.loads(raw)
    left_for = services(request).clock().timestamp() - kept["left"]
    return Passage(**kept["passage"]) if left_for < MAX_AGE else None


def _digest(request: Request, raw: bytes) -> bytes:
    return hmac.digest(services(request).keys.subkey("passage"), raw, sha256)


def arrive(request: Request, response: Response) -> Response:
    """Take the passage away: it was for one way."""
    response.delete_cookie(_name(request), path="/", secure=not is_sandbox(request), httponly=True, samesite="lax")
    return response
