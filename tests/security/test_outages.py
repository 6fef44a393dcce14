"""A database that goes away and comes back: everybody is told to wait, and nobody meets an error of ours."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
import pytest
from sqlalchemy import func, select

from server.app import create_app
from server.store import StoreUnavailable
from server.store import tables as t
from server.web.http import RETRY_SECONDS
from tests.conftest import cut_connections, empty, sandbox
from tests.security.declarations import sample
from tests.security.site import LETTER, Browser, Site, opened, place


class Wire:
    """Leads from a port to the database, until it is cut."""

    def __init__(self, postgres_url: str) -> None:
        parts = urlsplit(postgres_url)
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.{parts.port or 5432}"
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()
        user = unquote(parts.username or "postgres")
        self.url = f"postgresql://{user}@127.0.0.1:{self.port}{parts.path}"

    def mend(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port, self._listener = listener.getsockname()[1], listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Nobody answers any more, and who was speaking is cut off."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for end in self._open:
            _end(end)
        self._listener, self._open = None, []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._socket)
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=ends, daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    empty(postgres_url)
    wire = Wire(postgres_url)
    yield wire
    wire.cut()


@pytest.fixture
def site(wire: Wire, tmp_path: Path) -> Iterator[Site]:
    with opened(sandbox(tmp_path, wire.url), sample()) as site:
        yield site
        assert site.failures() == []


def told_to_wait(answer: httpx2.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == str(RETRY_SECONDS)
    assert "少し待ってから" in answer.text
    assert not re.search(r"psycopg|server closed|refused|127\.0\.0\.1", answer.text)


def test_while_the_database_is_away_everybody_is_told_to_wait_and_afterwards_all_is_well(
    site: Site, wire: Wire
) -> None:
    browser = site.browser()
    draft = browser.begin("priced")
    number = browser.submit(browser.begin("priced"))
    seen = browser.revision(f"/drafts/{draft}/check")
    wire.cut()
    for path in (f"/drafts/{draft}/1", f"/drafts/{draft}/check", f"/applications/{number}", "/my"):
        told_to_wait(browser.get(path))
    told_to_wait(browser.post(f"/drafts/{draft}/1", {**LETTER, "_rev": "3"}))
    told_to_wait(browser.post(f"/drafts/{draft}/submit", {"_rev": seen}))
    first = site.browser().post("/procedures/letter/apply", {**LETTER, "note": "きえない言葉"})
    told_to_wait(first)
    assert "きえない言葉" in first.text
    told_to_wait(site.browser().post("/signin", {"resident": "taro-jpki"}))
    assert browser.get("/readyz").status_code == 503
    as_json = browser.get(f"/drafts/{draft}/1", accept="application/json")
    assert (as_json.status_code, as_json.json()["error"]["code"]) == (503, "UNAVAILABLE")
    public_pages_stay(site.browser())
    wire.mend()
    healthy(site, browser, draft, seen)


def public_pages_stay(stranger: Browser) -> None:
    for path in ("/", "/procedures", "/procedures/letter", "/procedures/letter/apply", "/healthz", "/resume"):
        assert stranger.get(path).status_code == 200


def healthy(site: Site, browser: Browser, draft: str, seen: str) -> None:
    """At once: no restart, no second try needed."""
    assert browser.get("/readyz").status_code == 200
    assert browser.get(f"/drafts/{draft}/1").status_code == 200
    assert place(browser.post(f"/drafts/{draft}/submit", {"_rev": seen})).endswith("/receipt")
    assert count(site) == 2


def count(site: Site) -> int:
    async def work() -> int:
        found: int = await site.of.database.read(lambda db: db.scalar(select(func.count()).select_from(t.application)))
        return found

    return site.run(work)


def test_a_restart_of_the_database_is_at_most_one_page_that_says_to_wait(site: Site, postgres_url: str) -> None:
    browser = site.browser()
    draft = browser.begin("priced")
    browser.submit(browser.begin("priced"))
    seen = browser.revision(f"/drafts/{draft}/check")
    cut_connections(postgres_url)
    first = browser.get(f"/drafts/{draft}/1")
    assert first.status_code in (200, 503)
    told_or_done = browser.post(f"/drafts/{draft}/submit", {"_rev": seen})
    if told_or_done.status_code == 503:
        told_to_wait(told_or_done)
    healthy(site, browser, draft, seen)


def test_a_server_that_finds_no_database_does_not_start(wire: Wire, tmp_path: Path) -> None:
    settings = sandbox(tmp_path, wire.url)
    wire.cut()
    with pytest.raises(StoreUnavailable):
        create_app(settings, log_to=lambda _: None)
