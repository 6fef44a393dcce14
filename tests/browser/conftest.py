"""The real server and a real Chromium, one of each a test process.

Everything here lives as long as this folder's tests and no longer: Playwright keeps an event loop in the thread, in
which the other tests could not start theirs.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from threading import Timer
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, Response, expect, sync_playwright

from tests.browser.server import Server
from tests.browser.visit import Visit
from tests.journeys.pages import Resident

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)
TOLD = frozenset({404, 409, 422, 429, 503})
"""Refusals that are pages: Chromium notes them in its console."""
EXPECTED = ("Failed to load resource", "htmx:afterRequest", "htmx:sendAbort")
"""What Chromium says of a refusal, and htmx of a request that it gave up for a newer one."""
REPORT_CSP = """
document.addEventListener('securitypolicyviolation', (e) =>
  console.error('CSP', e.effectiveDirective, e.blockedURI, e.sourceFile));
"""
OpenBrowser = Callable[..., Visit]
Quick = Callable[[Visit], Resident]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("site"))
    made.start()
    yield made
    made.kill()
    assert made.failures() == []


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        yield browser
        browser.close()


class Watch:
    """What a browser complains of while a test uses it: scripts that fail, the content policy, other hosts."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.faults: list[str] = []
        self._base = base
        context.add_init_script(REPORT_CSP)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._base, "data:")):
            self.faults.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        page_or_part = response.request.resource_type in ("document", "fetch", "xhr")
        if response.status >= 400 and not (page_or_part and response.status in TOLD):
            self.faults.append(f"{response.status}: {response.url}")


LONGEST = 240.0
"""Seconds that a test of this folder may take, ten times what the longest does alone."""


@pytest.fixture(autouse=True)
def not_for_ever() -> Iterator[None]:
    """Some calls of Playwright know no limit of time, and wait for ever for a browser that has stopped to answer.
    Without its browser such a call fails, and the report says where it stood."""
    ended = Timer(LONGEST, _end_browsers)
    ended.daemon = True
    ended.start()
    yield
    ended.cancel()


def _end_browsers() -> None:
    for pid in _started_by(os.getpid()):
        with suppress(OSError):
            if b"/chromium" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


def _started_by(pid: int) -> Iterator[int]:
    with suppress(OSError):  # it has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from _started_by(child)


PLACES = count(1)
PATIENCE = 30_000
"""Milliseconds for anything to happen on a machine that is busy with other tests."""
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def browse(chromium: Browser, server: Server) -> Iterator[OpenBrowser]:
    """Opens a browser of its own (cookies, cache) at the site: `browse()`, `browse(script=False)`, `browse(at=other)`,
    with whatever else `new_context` takes. In the end none of them may have complained."""
    watches: list[Watch] = []
    with ExitStack() as stack:

        def opened(*, script: bool = True, at: Server = server, **options: Any) -> Visit:
            place = next(PLACES)
            headers = {"X-Forwarded-For": f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}"}
            asked = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options
            context = chromium.new_context(java_script_enabled=script, extra_http_headers=headers, **asked)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            watches.append(Watch(context, at.url))
            return Visit(context.new_page(), at.url, script=script, faults=watches[-1].faults)

        yield opened
    assert [fault for watch in watches for fault in watch.faults] == []


@pytest.fixture
def visit(browse: OpenBrowser) -> Visit:
    """Somebody with script."""
    return browse()


@pytest.fixture
def quick() -> Iterator[Quick]:
    """Somebody who fills in forms without a browser, so that a test begins where it matters: see `goes_on_for`."""
    with ExitStack() as stack:

        def made(visit: Visit) -> Resident:
            client = httpx2.Client(base_url=visit.base, follow_redirects=True)
            return Resident(stack.enter_context(client))

        yield made
