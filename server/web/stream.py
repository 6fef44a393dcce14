"""Server-sent events (HTML, 9.2): a response that stays open and says when there is something new to fetch.

A browser opens it again by itself when the connection drops, and says with `Last-Event-ID` what it has heard: the
first thing it is told then is what it has missed. A server that is asked to end waits for open responses, so these
have to hear of it themselves.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from server.counter.live import Event, Live, Waiter, follow
from server.store import StoreUnavailable

RETRY_MS: Final = 1000
"""How long a browser waits before it opens a dropped stream again."""
LONGEST_MARK: Final = 80
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class EventStream(StreamingResponse):
    """`left` is called when the response is over, however it ends."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncIterator[str], left: Callable[[], object]) -> None:
        super().__init__(lines, headers=_HEADERS)
        self._left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._left()


def heard(request: Request) -> str:
    """The state that a browser has: as it says when it opens a stream again, else as its page was written."""
    return (request.headers.get("last-event-id") or request.query_params.get("have", ""))[:LONGEST_MARK]


def stream(
    request: Request, waiter: Waiter, look: Callable[[], Awaitable[str | None]], left: Callable[[], object]
) -> Response:
    """The open response. To HEAD it is only said what there would be."""
    if request.method == "HEAD":
        left()
        return Response(media_type=EventStream.media_type, headers=_HEADERS)
    return EventStream(_lines(waiter, look, heard(request)), left)


def over() -> Response:
    """For a stream that may not be heard any more. A refusal would tell a browser's script nothing of why."""
    return Response(_written(Event("over")), media_type=EventStream.media_type, headers=_HEADERS)


async def _lines(waiter: Waiter, look: Callable[[], Awaitable[str | None]], since: str) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    try:
        async for event in follow(waiter, look, since):
            yield _written(event)
    except StoreUnavailable:
        return  # the browser comes again, and is told what it missed


def _written(event: Event) -> str:
    named = f"id: {event.mark}\n" if event.mark else ""
    return f"{named}event: {event.kind}\ndata: {event.mark}\n\n"


@contextmanager
def ending_with_the_server(live: Live) -> Iterator[None]:
    """Ends the streams when the process is told to end. The server's own handlers are there before the application
    starts, and wait for every open response; they are called after ours."""
    if threading.current_thread() is not threading.main_thread():
        yield  # under a test's client: no signal comes here
        return
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in _SIGNALS}

    def ended(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(live.close)
        theirs = before[signal.Signals(number)]
        if callable(theirs):
            theirs(number, frame)

    for each in _SIGNALS:
        signal.signal(each, ended)
    try:
        yield
    finally:
        for each, theirs in before.items():
            signal.signal(each, theirs)
