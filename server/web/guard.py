"""The one middleware: what every request passes and every answer wears.

One plain ASGI class, for each BaseHTTPMiddleware costs more than a whole page. In order: who really asks (behind a
proxy), the CSRF rule, the body's limit, the answer's headers, and at the end one log line and the counters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from re import Pattern
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.web.bodies import TooLarge
from server.web.http import Trace, carries_bearer, problem
from server.web.metrics import Metrics
from server.web.requestlog import RequestLog
from server.web.routing import Access, GatedRoute

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS: Final = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}
_CLIENT_LEFT: Final = 499

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_HSTS: Final = {"strict-transport-security": "max-age=31536000; includeSubDomains"}

RawHeaders = list[tuple[bytes, bytes]]


class Guard:
    """Wraps the application. `base_url` is where residents find us; `proxies` are networks whose word we take."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Iterable[BaseRoute],
        base_url: str,
        proxies: Sequence[str],
        log: RequestLog,
        metrics: Metrics,
        ids: Callable[[], str],
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.app = app
        self._signed = tuple(_signed(routes))
        self._origin = _origin(base_url)
        headers = HEADERS | (_HSTS if base_url.startswith("https:") else {})
        self._headers = tuple((name.encode(), value.encode()) for name, value in headers.items())
        self._trusts = _trusts(proxies) if proxies else None
        self._log, self._metrics, self._ids, self._timer = log, metrics, ids, timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = self._timer()
        if self._trusts is not None:
            _take_forwarded(scope, self._trusts)
        trace = scope["kakanai.trace"] = Trace(self._ids())
        answer = _Answer(send, self._headers, trace)
        try:
            await self._answer(scope, _limited(scope, receive, trace), answer, trace)
        finally:
            if trace.failure is not None:
                self._log.failure(trace.request_id, trace.route, trace.failure)
            self._record(scope["method"], trace, answer.status, self._timer() - started)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer, trace: Trace) -> None:
        try:
            if self._is_foreign(scope):
                await problem(Request(scope), 403, code="CROSS_SITE")(scope, receive, answer)
            else:
                await self.app(scope, receive, answer)
        except ClientDisconnect:
            answer.status = answer.status or _CLIENT_LEFT
        except Exception as error:
            # The last place: whatever went wrong is recorded, and told plainly.
            self._log.failure(trace.request_id, trace.route, error)
            await _tell_failure(scope, receive, answer)

    def _record(self, method: str, trace: Trace, status: int, seconds: float) -> None:
        known = method if method in _METHODS else "OTHER"
        self._log.request(trace.request_id, known, trace.route, status, seconds * 1000)
        self._metrics.count(known, trace.route, status, seconds)

    def _is_foreign(self, scope: Scope) -> bool:
        """Whether another site made the browser send this (CSRF). Reading is never refused."""
        if scope["method"] in _SAFE:
            return False
        headers = dict(scope["headers"])
        if carries_bearer(scope):
            return False  # no other site can add this header, and no cookie beside it counts (`http.session_token`)
        if any(pattern.match(scope["path"]) for pattern in self._signed):
            return False
        return _comes_from_elsewhere(headers, {self._origin, _own_origin(scope, headers)})


class _Answer:
    """Puts the headers on, once, and remembers the status. What an endpoint set itself stays."""

    __slots__ = ("_headers", "_send", "_trace", "status")

    def __init__(self, send: Send, headers: Iterable[tuple[bytes, bytes]], trace: Trace) -> None:
        self._send = send
        self._headers = headers
        self._trace = trace
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._dress(message["headers"])
        await self._send(message)

    def _dress(self, headers: RawHeaders) -> None:
        present = {name for name, _ in headers}
        headers.extend(each for each in self._headers if each[0] not in present)
        if b"cache-control" not in present:
            # Whatever is not said to be public may be somebody's: Back on a shared computer must not show it.
            headers.append((b"cache-control", b"no-store"))
            headers.append((b"x-request-id", self._trace.request_id.encode()))


async def _tell_failure(scope: Scope, receive: Receive, answer: _Answer) -> None:
    if answer.status:
        return  # half a page is out already; the server closes the connection, which the browser reports
    try:
        page = problem(Request(scope), 500)
    except Exception:
        # The page itself may be what is broken.
        page = PlainTextResponse("システムの不具合です。しばらくしてから、もう一度お試しください。", 500)
    await page(scope, receive, answer)


def _limited(scope: Scope, receive: Receive, trace: Trace) -> Receive:
    """`receive`, stopping at the limit of the route that was found. The declared length is enough to refuse."""
    if scope["method"] in _SAFE:
        return receive
    declared = _declared_length(scope)
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        if declared > trace.body_limit:
            raise TooLarge
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > trace.body_limit:
            raise TooLarge
        return message

    return limited


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _signed(routes: Iterable[BaseRoute]) -> Iterable[Pattern[str]]:
    for each in routes:
        if isinstance(each, GatedRoute) and each.access is Access.SIGNED:
            yield each.path_regex


def _comes_from_elsewhere(headers: dict[bytes, bytes], own: set[str]) -> bool:
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is not None:
        return origin.decode("latin-1") not in own
    referer = headers.get(b"referer")
    # None of the three: no browser, and so nobody's cookies.
    return referer is not None and _origin(referer.decode("latin-1")) not in own


def _own_origin(scope: Scope, headers: dict[bytes, bytes]) -> str:
    return f"{scope['scheme']}://{headers.get(b'host', b'').decode('latin-1')}"


def _origin(url: str) -> str:
    """'https://host:port' of an address, '' of what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def _trusts(proxies: Sequence[str]) -> Callable[[str], bool]:
    networks = tuple(ip_network(each) for each in proxies)

    @lru_cache(maxsize=1024)
    def trusts(address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in networks)
        except ValueError:
            return False

    return trusts


def _take_forwarded(scope: Scope, trusts: Callable[[str], bool]) -> None:
    """Believe X-Forwarded-Proto and -For from a proxy of ours. The client is the last hop no proxy of ours was:
    what stands to the left of it was written by the client itself."""
    client = scope.get("client")
    if not client or not trusts(client[0]):
        return
    headers = dict(scope["headers"])
    scheme = headers.get(b"x-forwarded-proto", b"").decode("latin-1")
    if scheme in {"http", "https"}:
        scope["scheme"] = scheme
    hops = [hop.strip() for hop in headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",") if hop.strip()]
    outside = next((hop for hop in reversed(hops) if not trusts(hop)), None)
    if outside is not None:
        scope["client"] = (outside, 0)
