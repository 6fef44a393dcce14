"""What somebody of the staff sent after they were signed out: given back with the page, to be sent again once they are
signed in. Nothing of a visit or a case is told, so whoever asks may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.web.badge import SIGN_IN
from server.web.http import page, wants_json
from server.web.lost import handed, visible

OWN: Final = "/staff/"
"""One's own account: passwords and codes are typed here, and none is ever given back."""


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """staff/signed_out.html. `hidden` is all that was posted, to be sent `again`; `typed` what of it a person
    reads; `files` how many were chosen, and are not given back."""

    again: str
    signin_url: str
    hidden: Sequence[tuple[str, str]]
    typed: Sequence[str]
    files: int


async def typed_again(request: Request) -> Response | None:
    """403 with what was posted; None where nothing was chosen or typed that could be lost."""
    if request.method != "POST" or wants_json(request) or request.url.path.startswith(OWN):
        return None
    typed, files = await handed(request)
    if not files and not any(value for name, value in typed if not name.startswith("_")):
        return None
    context = SignedOutPage(request.url.path, SIGN_IN, typed, list(visible(typed)), files)
    return page(request, "staff/signed_out.html", context, status=403, personal=False)
