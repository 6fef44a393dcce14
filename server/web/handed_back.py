"""What somebody of the staff typed at the counter after they were signed out: given back with the page, to be sent
again once they are signed in. Nothing of a visit is told, so whoever asks may see it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from server.web.badge import SIGN_IN
from server.web.http import page, read_form_with_files, wants_json
from server.web.lost import visible

ASKED: Final = re.compile(r"/counter/[0-9a-f]{32}/(?:ask|papers|procedures|identity|guide/[^/]+)")
"""Where a resident sits opposite and waits: they must not be asked everything again."""


@dataclass(frozen=True, slots=True)
class SignedOutPage:
    """staff/counter_signed_out.html. `hidden` is all that was posted, to be sent `again`; `typed` what of it a person
    reads; `files` how many were chosen, and are not given back."""

    again: str
    signin_url: str
    hidden: Sequence[tuple[str, str]]
    typed: Sequence[str]
    files: int


async def typed_again(request: Request) -> Response | None:
    """403 with what was posted; None where nothing was typed that could be lost."""
    if request.method != "POST" or wants_json(request) or not ASKED.fullmatch(request.url.path):
        return None
    posted, files = await read_form_with_files(request)
    for file in files:
        file.content.close()
    typed = [(name, value) for name, values in posted.items() for value in values]
    if not typed:
        return None
    signin = f"{SIGN_IN}?next={quote('/counter', safe='/')}"
    context = SignedOutPage(request.url.path, signin, typed, list(visible(typed)), len(files))
    return page(request, "staff/counter_signed_out.html", context, status=403, personal=False)
