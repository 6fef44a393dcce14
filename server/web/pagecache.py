"""Public pages as bytes: made once for each version of the catalogue and each day, compressed once, answered by ETag.

Only what is the same for everybody comes here: nothing of a visitor, no token, no request id.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.web.http import accepts_gzip, language, services

KEPT: Final = 600
"""Pages: every guide and first step of 200 procedures, and the lists by category and life event."""
REVALIDATED: Final = b"public, no-cache"
IMMUTABLE: Final = b"public, max-age=31536000, immutable"

RawHeaders = list[tuple[bytes, bytes]]


class Ready(Response):
    """An answer whose head was encoded before. The list is copied, for the guard adds to it."""

    def __init__(self, status: int, headers: RawHeaders, body: bytes) -> None:  # no super(): it would encode anew
        self.status_code, self.raw_headers, self.body = status, list(headers), body
        self.background = None


@dataclass(frozen=True, slots=True)
class Stored:
    """One answer in its three forms: as it is, gzipped, and 304."""

    etag: str
    plain: tuple[RawHeaders, bytes]
    packed: tuple[RawHeaders, bytes]
    unchanged: RawHeaders

    def answer(self, request: Request) -> Response:
        known = request.headers.get("if-none-match")
        if known is not None and _names(known, self.etag):
            return Ready(304, self.unchanged, b"")
        headers, body = self.packed if accepts_gzip(request) else self.plain
        return Ready(200, headers, body)


def stored(body: bytes, media_type: str, cache_control: bytes, *, packed: bytes = b"", vary: bytes = b"") -> Stored:
    """Prepare an answer. `packed` is the body gzipped beforehand; an empty one stands for "as it is"."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    kept: RawHeaders = [(b"etag", etag.encode()), (b"cache-control", cache_control)]
    if vary:
        kept.append((b"vary", vary))
    typed = [*kept, (b"content-type", media_type.encode())]
    plain = ([*typed, (b"content-length", str(len(body)).encode())], body)
    if not packed:
        return Stored(etag, plain, plain, kept)
    gzipped = [*typed, (b"content-encoding", b"gzip"), (b"content-length", str(len(packed)).encode())]
    return Stored(etag, plain, (gzipped, packed), kept)


def _names(header: str, etag: str) -> bool:
    """If-None-Match (RFC 9110, 13.1.2): weak comparison, or any."""
    return header.strip() == "*" or etag in {each.strip().removeprefix("W/") for each in header.split(",")}


class PageCache:
    """The least used page goes when there are too many; all go when what is served changes."""

    def __init__(self) -> None:
        self._version: object = None
        self._pages: OrderedDict[str, Stored] = OrderedDict()

    def page(self, version: object, key: str, make: Callable[[], bytes]) -> Stored:
        if version != self._version:
            self._version = version
            self._pages.clear()
        found = self._pages.get(key)
        if found is None:
            found = self._pages[key] = _stored_page(make())
            if len(self._pages) > KEPT:
                self._pages.popitem(last=False)
        self._pages.move_to_end(key)
        return found


def revalidated(body: bytes, media_type: str, *, vary: bytes = b"Accept-Encoding") -> Stored:
    """An answer that is compressed once, and of which a browser asks each time whether it is still the same."""
    return stored(body, media_type, REVALIDATED, packed=gzip.compress(body, 6, mtime=0), vary=vary)


def _stored_page(body: bytes) -> Stored:
    # By cookie: with a session the same address answers with that person's header, and is not to be kept.
    return revalidated(body, "text/html; charset=utf-8", vary=b"Accept-Encoding, Cookie")


def cached_page(request: Request, make: Callable[[], Response], *, key: str | None = None) -> Response:
    """The page that `make` makes for everybody, made once an edition. `key` names it when the path alone does not."""
    version, state = services(request).edition, request.app.state
    if not hasattr(state, "pages"):
        state.pages = PageCache()
    pages: PageCache = state.pages
    path = request.scope["path"] if key is None else key
    return pages.page(version, f"{language(request).code} {path}", lambda: bytes(make().body)).answer(request)
