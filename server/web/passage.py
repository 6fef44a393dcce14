"""The way out to a provider and back: one cookie, set when the browser leaves and taken when it returns.

It holds the `state` the provider must bring back. Another site can send a browser to our return address, but with no
state of its own making (login CSRF); and a state brought back twice finds the cookie gone.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.web.http import is_sandbox

MAX_AGE: Final = 60 * 60
"""Seconds: to find the card, its password and a phone that reads it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """`purpose` keeps one way's state from use on another ('signin:jpki'); `transaction` is the provider's id."""

    purpose: str
    state: str
    next: str
    transaction: str = ""


def _name(request: Request) -> str:
    return "kakanai-way" if is_sandbox(request) else "__Host-kakanai-way"


def leave(request: Request, response: Response, passage: Passage) -> Response:
    """Let the browser carry the passage."""
    value = base64.urlsafe_b64encode(json.dumps(asdict(passage)).encode()).decode()
    secure = not is_sandbox(request)
    # Lax, not Strict: the way back begins at the provider.
    response.set_cookie(_name(request), value, max_age=MAX_AGE, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def come_back(request: Request, purpose: str) -> Passage | None:
    """The passage of this way, if the browser set out on it and `state` is what it set out with."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(request.cookies.get(_name(request), "")))
        found = Passage(**parts)
        whole = "".join(parts.values()).encode()  # raises for what is no text, or half a character
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
        return None
    state = request.query_params.get("state", "")
    fits = whole and found.purpose == purpose and hmac.compare_digest(found.state.encode(), state.encode())
    return found if fits else None


def arrive(request: Request, response: Response) -> Response:
    """Take the passage away: it was for one way."""
    response.delete_cookie(_name(request), path="/", secure=not is_sandbox(request), httponly=True, samesite="lax")
    return response
