"""What every handler needs of HTTP: the services, who is asking, pages, refusals, redirects, the session cookie.

Reading what was posted is in `bodies`; its names are offered here too, so that a handler knows one door.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlsplit, urlunsplit

from isal import isal_zlib
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from forms_schema import last
from server.people import sessions, tokens
from server.people.sessions import NOBODY, Visitor
from server.store import RefusedText, StoreUnavailable
from server.web.bodies import BadBody, FileLimits, PostedFile, form_with_files, read_form
from server.web.contexts import Ending

if TYPE_CHECKING:
    from starlette.types import Scope

    from server.languages import Language
    from server.services import Services

__all__ = [
    "BadBody",
    "FileLimits",
    "PostedFile",
    "accepts_gzip",
    "carries_bearer",
    "clear_session",
    "client",
    "exception_handlers",
    "forget_language",
    "form_with_files",
    "has_chosen",
    "is_fragment",
    "is_sandbox",
    "language",
    "last",
    "load_program",
    "load_visitor",
    "packed",
    "page",
    "problem",
    "read_form",
    "remember_language",
    "safe_next",
    "see_other",
    "services",
    "session_token",
    "set_session",
    "speak",
    "trace",
    "visitor",
    "wants_json",
]

RETRY_SECONDS: Final = 10
"""What Retry-After says when the store is away: a restart of a database takes about five seconds."""

_GZIP: Final = 31
"""zlib's number for gzip with the widest window."""
_TRACE: Final = "kakanai.trace"
_MACHINES: Final = frozenset({"/graphql", "/uploads"})
_CODES: Final = {
    400: "BAD_REQUEST",
    401: "BAD_TOKEN",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "TOO_LARGE",
    422: "INVALID",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
}


@dataclass(slots=True)
class Trace:
    """One request as the guard follows it: what the log line, the counters and the body limit need to know."""

    request_id: str = "-"
    route: str = "-"
    """The template of the path ('/drafts/{draft}/check'), never the path: it may name somebody's papers."""
    body_limit: int = 0
    """Bytes; 0 until a route was found, so that nobody reads a body nobody asked for."""
    failure: BaseException | None = None
    """What nobody expected, where it is told in an answer of its own (GraphQL's) instead of being raised."""


def trace(request: Request) -> Trace:
    """The guard's notes on this request."""
    return cast(Trace, request.scope.setdefault(_TRACE, Trace()))


def services(request: Request) -> Services:
    """What the composition root built."""
    return cast("Services", request.app.state.services)


def is_sandbox(request: Request) -> bool:
    return services(request).settings.sandbox


def is_fragment(request: Request) -> bool:
    """Whether htmx asked, so that only the part of the page it replaces need be sent."""
    return request.headers.get("hx-request") == "true"


def wants_json(request: Request) -> bool:
    """What programs call answers in JSON, whatever they say they accept."""
    if request.url.path in _MACHINES:
        return True
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


# --- in which language -------------------------------------------------------------------------------------------

_LANGUAGE: Final = "kakanai-language"


def language(request: Request) -> Language:
    """What the answer is to be written in: as the address says (`?lang=en`), else as was chosen before, else Japanese.

    What a browser would prefer is not looked at: one address has the same words for everybody until they choose.
    """
    languages = services(request).languages
    chosen = request.scope.get(_LANGUAGE) or request.cookies.get(_LANGUAGE, "")
    return languages.get(chosen, languages.japanese)


def has_chosen(request: Request) -> bool:
    """Whether whoever asks has chosen a language, now or before."""
    return bool(request.scope.get(_LANGUAGE) or request.cookies.get(_LANGUAGE))


def speak(request: Request, code: str) -> None:
    """Answer in this language from here on, if there is such a one."""
    if code in services(request).languages:
        request.scope[_LANGUAGE] = code


def remember_language(request: Request, response: Response) -> None:
    """What was chosen in this request is kept by the browser, as long as a session's cookie: on a shared computer the
    next person reads another."""
    if code := request.scope.get(_LANGUAGE):
        response.set_cookie(value=code, **_cookie(request) | {"key": _LANGUAGE})


def forget_language(request: Request, response: Response) -> None:
    """The next person chooses anew."""
    response.delete_cookie(**_cookie(request) | {"key": _LANGUAGE})


# --- who is asking ---------------------------------------------------------------------------------------------


def _cookie(request: Request) -> dict[str, Any]:
    """The cookie but for its value. It has no expiry: a shared computer forgets it when the browser is closed."""
    # `__Host-` binds it to this host, https and `/`; a browser refuses the prefix over the sandbox's http.
    kept = {"path": "/", "httponly": True, "samesite": "lax"}
    if is_sandbox(request):
        return kept | {"key": "kakanai", "secure": False}
    return kept | {"key": "__Host-kakanai", "secure": True}


def carries_bearer(scope: Scope) -> bool:
    """Whether a request brings a bearer token, of whatever worth. Such a request passes the CSRF rule, so a cookie
    that comes beside it must count for nothing: both sides ask here."""
    given = (value.lower() for name, value in scope["headers"] if name == b"authorization")
    return any(value == b"bearer" or value.startswith((b"bearer ", b"bearer\t")) for value in given)


def session_token(request: Request) -> str | None:
    if carries_bearer(request.scope):
        return None
    return request.cookies.get(_cookie(request)["key"]) or None


def set_session(request: Request, response: Response, token: str) -> None:
    response.set_cookie(value=token, **_cookie(request))


def clear_session(request: Request, response: Response) -> None:
    """End the session in the browser, with everything it kept of our pages."""
    response.delete_cookie(**_cookie(request))
    response.headers["clear-site-data"] = '"cache", "storage"'


async def load_visitor(request: Request) -> Visitor:
    """Look up the session, once a request; without a cookie nothing is read."""
    token = session_token(request)
    found = NOBODY if token is None else await _visitor_of(services(request), token)
    request.state.visitor = found
    return found


async def _visitor_of(of: Services, token: str) -> Visitor:
    now = of.clock()
    found = await of.database.read(lambda db: sessions.visitor(db, token, keys=of.keys, now=now))
    session_id = found.session_id
    if found.touch_due and session_id is not None:
        with suppress(StoreUnavailable):  # where nothing can be written, reading still goes on
            await of.database.transact(lambda db: sessions.touch(db, session_id, now=now))
    return found


async def load_program(request: Request) -> Response | None:
    """Whoever calls a program's address: the resident of a bearer token, else the visitor of a session.

    A token that is not good is refused and never taken for nobody: the program would believe that it is signed in.
    """
    if not carries_bearer(request.scope):
        await load_visitor(request)
        return None
    of, sent = services(request), request.headers.getlist("authorization")
    text, now = sent[0][len("bearer") :].strip() if len(sent) == 1 else "", of.clock()
    found = await of.database.read(lambda db: tokens.bearer(db, of.keys, text, now=now))
    if found is None or found.token_id is None:
        return await _bad_token(request)
    token_id = found.token_id
    if found.touch_due:
        with suppress(StoreUnavailable):  # as with a session: reading goes on where nothing can be written
            await of.database.transact(lambda db: tokens.touch(db, token_id, now=now))
    request.state.visitor = found
    return None


async def _bad_token(request: Request) -> Response:
    of, place, now = services(request), client(request), services(request).clock()
    wait = await of.database.transact(lambda db: tokens.failed(db, of.keys, place, now=now))
    if wait:
        return problem(request, 429, retry_after=wait)
    return problem(request, 401, headers={"www-authenticate": 'Bearer realm="kakanai", error="invalid_token"'})


def client(request: Request) -> str:
    """Where a request comes from, for the limits of rates; never logged or stored but as a keyed digest.

    Of an IPv6 address the network: whoever has one address has 2^64 of them, and would be counted anew with each.
    """
    return _place(request.client.host) if request.client else ""


@lru_cache(maxsize=1024)
def _place(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return host
    return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))


def visitor(request: Request) -> Visitor:
    """Who is asking. Nobody on routes whose rule does not look at the session."""
    return cast(Visitor, getattr(request.state, "visitor", NOBODY))


# --- answers ---------------------------------------------------------------------------------------------------


def page(
    request: Request,
    template: str,
    context: object = None,
    *,
    status: int = 200,
    personal: bool = True,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page from `templates/`, told a dataclass of `contexts` or a mapping.

    `personal=False` leaves out the visitor's header, so that the bytes may be shown to everybody. The guard adds
    `no-store` to either unless `headers` says how it may be kept.
    """
    who = visitor(request) if personal else NOBODY
    renderer = services(request).renderer.speaking(language(request))
    posted = request.method not in ("GET", "HEAD")
    html = renderer.page(template, context, person=who.name, ending=_ending(request, who), posted=posted)
    response = HTMLResponse(html, status_code=status, headers=headers)
    return packed(request, response) if personal else response


def _ending(request: Request, who: Visitor) -> Ending | None:
    """What every page of somebody signed in says about the end of the sign-in (WCAG 2.2.1)."""
    if who.end is None:
        return None
    left = (who.end.at - services(request).clock()).total_seconds()
    return Ending(who.end.at, max(0, int(left)), who.end.extends)


def accepts_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def packed(request: Request, response: HTMLResponse) -> HTMLResponse:
    """Gzipped at a cheap level where the client takes that, a third of the bytes on the way. ISA-L takes a third of
    zlib's time for it."""
    if not accepts_gzip(request):
        return response
    response.body = isal_zlib.compress(response.body, 1, wbits=_GZIP)
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))
    response.headers["vary"] = "Accept-Encoding"
    return response


def see_other(url: str) -> Response:
    """303: the answer to every form that did something."""
    return RedirectResponse(url, status_code=303)


def safe_next(text: str, default: str = "/") -> str:
    """A path on this site, by parsing `text` and building it anew; `default` for everything else.

    Refuses what browsers read as another host: `//evil`, `/\\evil`, a scheme, blanks and control characters
    (which `urlsplit` would silently drop).
    """
    if text.startswith("//") or "\\" in text or any(ord(char) <= 0x20 or ord(char) == 0x7F for char in text):
        return default
    try:
        parts = urlsplit(text)
    except ValueError:
        return default
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or "//" in parts.path:
        return default
    return urlunsplit(("", "", quote(parts.path, safe="/%-._~"), quote(parts.query, safe="=&%+-._~/"), ""))


def problem(
    request: Request,
    status: int,
    *,
    code: str = "",
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A refusal: a page in plain words that says what to do next, or JSON where JSON was asked for.

    `code` is for machines (default by status); `retry_after` in seconds belongs to 429 and 503.
    """
    extra = dict(headers or {})
    if retry_after is not None:
        extra["retry-after"] = str(retry_after)
    request_id = trace(request).request_id
    if wants_json(request):
        told = {"code": code or _CODES[status], "message": _words(request, status), "request_id": request_id}
        return JSONResponse({"error": told}, status_code=status, headers=extra)
    context = {"status": status, "request_id": request_id, "retry_after": retry_after}
    return page(request, "pages/error.html", context, status=status, headers=extra)


def _words(request: Request, status: int) -> str:
    words = services(request).renderer
    macro = "components/problem.html"
    return f"{words.say(macro, 'problem_title', status)} {words.say(macro, 'problem_advice', status)}"


async def _http_exception(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) and error.status_code in _CODES else 500
    return problem(request, status, headers=getattr(error, "headers", None))


async def store_unavailable(request: Request, _: Exception) -> Response:
    return problem(request, 503, retry_after=RETRY_SECONDS)


async def _refused_text(request: Request, _: Exception) -> Response:
    """Text no database takes (NUL, half a character) where an id was expected: there is nothing of that name."""
    return problem(request, 404)


def exception_handlers() -> dict[Any, Any]:
    """For `Starlette(exception_handlers=…)`: what is raised below becomes the same page as what is returned."""
    return {HTTPException: _http_exception, StoreUnavailable: store_unavailable, RefusedText: _refused_text}
