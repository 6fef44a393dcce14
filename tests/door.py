"""A browser at the site inside a test's own process: Starlette's test client, with one step into the site's thread for
each request. Its own way takes eight, which took a quarter of the time of tests that go by pages."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import nullcontext, suppress
from typing import Any
from urllib.parse import unquote

import anyio
import httpx2
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope


class Door(TestClient):
    """As `TestClient`. An answer is there when all of it is: for a stream without an end, ask a real server."""

    def __init__(self, app: ASGIApp, *args: Any, **more: Any) -> None:
        super().__init__(app, *args, **more)
        kept: Any = self._transport
        self.place: str = kept.client[0]
        """The address it is seen at."""
        self._transport = _OneStep(kept)

    def beside(self, **options: Any) -> Door:
        """Another browser at the same site, served by the same event loop."""
        other = Door(self.app, **options)
        other.portal = self.portal
        return other


class _OneStep(httpx2.BaseTransport):
    """Around the transport of `TestClient`, which knows the application and its thread."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def close(self) -> None:
        self._kept.close()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        of = self._kept
        if request.url.scheme in ("ws", "wss"):
            refused: httpx2.Response = of.handle_request(request)
            return refused
        answer = _Answer(request.read())
        told = nullcontext() if of.raise_server_exceptions else suppress(Exception)
        with of.portal_factory() as portal, told:
            portal.call(answer.of, of.app, _scope(request, of))
        assert answer.head or not of.raise_server_exceptions, "the application answered nothing"
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.head.get("headers", [])]
        body = b"" if request.method == "HEAD" else bytes(answer.body)
        status = answer.head.get("status", 500)
        return httpx2.Response(status, headers=headers, stream=httpx2.ByteStream(body), request=request)


def _scope(request: httpx2.Request, of: Any) -> Scope:
    url = request.url
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(url.path),
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "root_path": of.root_path,
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": of.client,
        "server": [url.host, url.port or {"http": 80, "https": 443}[url.scheme]],
        "state": of.app_state.copy(),
    }


class _Answer:
    """What the application says to one request."""

    def __init__(self, sent: bytes) -> None:
        self._sent: bytes | None = sent
        self.head: MutableMapping[str, Any] = {}
        self.body = bytearray()

    async def of(self, app: ASGIApp, scope: Scope) -> None:
        self._over = anyio.Event()
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._sent is None:
            await self._over.wait()
            return {"type": "http.disconnect"}
        sent, self._sent = self._sent, None
        return {"type": "http.request", "body": sent, "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.head = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self._over.set()
