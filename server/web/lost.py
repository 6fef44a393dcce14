"""Papers that are not there for whoever asks: because the session ended, or because they are not theirs.

Both are told the same, byte for byte, so nobody learns which papers exist. What was typed comes back with the page:
once signed in (or with the resume code) in another tab, the same post is made from here again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from server.web.contexts import LostPage
from server.web.http import form_with_files, page, problem, wants_json

_NUMBER: Final = re.compile(r"\s*(?:[0-9０-９][\s-]*){12}")
"""What may be a 個人番号 is sent again, but not shown."""


async def not_there(request: Request) -> Response:
    """404, with the ways back in, and with what was posted."""
    if wants_json(request):
        return problem(request, 404)
    typed, files = await handed(request) if request.method == "POST" else ([], 0)
    path = request.url.path.removesuffix("/submit")
    back = f"{path}/check" if path != request.url.path else path
    # An application's number is somebody's: Back on a shared computer must not show it, not even in a link.
    own = path.startswith("/drafts/")
    context = LostPage(
        again=request.url.path if any(visible(typed)) else "",
        signin_url=f"/signin?next={quote(back if own else '/my', safe='/')}",
        other_url="/resume" if own else "/applications",
        typed=list(visible(typed)),
        hidden=typed,
        files=files,
    )
    return page(request, "pages/lost.html", context, status=404)


async def handed(request: Request) -> tuple[list[tuple[str, str]], int]:
    """All controls that were posted, and how many files."""
    async with form_with_files(request) as (posted, files):
        return [(name, value) for name, values in posted.items() for value in values], len(files)


def visible(typed: list[tuple[str, str]]) -> Iterator[str]:
    """What a person typed, to be read and copied; choices and our own controls say nothing to a reader."""
    for name, value in typed:
        if value.strip() and not name.startswith("_") and not _NUMBER.fullmatch(value):
            yield value
