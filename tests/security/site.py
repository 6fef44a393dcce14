"""The whole site in one process, with as many browsers as one likes, and what is begun and filed in them."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
from starlette.applications import Starlette

from procedures.declaration import Declaration
from server.app import create_app
from server.catalogue import publish
from server.services import Services
from server.settings import Settings
from tests.conftest import Clock, Random, sandbox
from tests.door import Door
from tests.files.papers import PDF as PDF

T = TypeVar("T")
Controls = Mapping[str, str]
Files = Sequence[tuple[str, tuple[str, bytes, str]]]

LETTER = {"note": "出します", "story": "", "way": "desk", "_rows.children": "0"}
PERSON = {
    "applicant.name.family": "見本",
    "applicant.name.given": "和子",
    "applicant.name.family_kana": "ミホン",
    "applicant.name.given_kana": "カズコ",
    "applicant.birthdate.era": "ad",
    "applicant.birthdate.year": "1958",
    "applicant.birthdate.month": "11",
    "applicant.birthdate.day": "3",
    "applicant.address.postal_code": "037-0046",
    "applicant.address.prefecture": "02",
    "applicant.address.city": "五所川原市",
    "applicant.address.street": "41-1",
    "applicant.phone": "090-0000-0456",
    "applicant.email": "kazuko@example.jp",
}


class Site:
    """`lines` is what it logs."""

    def __init__(self, app: Starlette, door: Door, clock: Clock, lines: list[str]) -> None:
        self.app, self.clock, self.lines = app, clock, lines
        self._door, self._browsers = door, 0

    @property
    def of(self) -> Services:
        services: Services = self.app.state.services
        return services

    def browser(self, **options: Any) -> Browser:
        """A new browser, at a place of its own to the limits of rates."""
        self._browsers += 1
        place = (f"192.0.{self._browsers >> 8}.{self._browsers & 255}", 50000)
        client = self._door.beside(base_url=self.of.settings.base_url, follow_redirects=False, client=place, **options)
        return Browser(client)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Something done in the site's own loop."""
        assert self._door.portal is not None
        done: T = self._door.portal.call(work)
        return done

    def publish(self, declarations: Sequence[Declaration]) -> None:
        async def work() -> None:
            now = self.of.clock()
            await self.of.database.transact(lambda db: publish(db, declarations, now=now, actor="test"))
            await self.of.catalogue.refresh()

        self.run(work)

    def failures(self) -> list[dict[str, Any]]:
        """What the site's log calls errors, and no longer holds."""
        told = [json.loads(line) for text in self.lines for line in text.splitlines()]
        self.lines.clear()
        return [line for line in told if line["event"] == "error"]

    def digests(self) -> dict[str, str]:
        """A digest of every table."""
        file = self.of.settings.database_url.removeprefix("sqlite:///")
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found = {name: _digest(db, name) for name in names}
        db.close()
        return found


def _digest(db: sqlite3.Connection, table: str) -> str:
    rows = sorted(repr(row) for row in db.execute(f"SELECT * FROM {table}"))  # noqa: S608  # a name of ours
    return sha256("\n".join(rows).encode()).hexdigest()


class Browser:
    """One person's browser. It follows no redirect by itself."""

    def __init__(self, client: Door) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, controls: Controls | None = None, files: Files = (), **headers: str) -> httpx2.Response:
        return self.client.post(path, data=dict(controls or {}), files=list(files), headers=headers)

    def sign_in(self, resident: str) -> Browser:
        assert self.post("/signin", {"resident": resident, "next": "/my"}).status_code == 303
        return self

    def revision(self, page: str) -> str:
        return revision(self.get(page).text)

    def begin(self, slug: str, controls: Controls | None = None, files: Files = (), person: Controls = PERSON) -> str:
        """A draft of one of these tests' procedures, everything answered: its id."""
        first = self.post(f"/procedures/{slug}/apply", LETTER | dict(controls or {}), files)
        second = place(first)
        done = self.post(second, {"_rev": self.revision(second), **person})
        assert place(done).endswith("/check"), done.text
        return place(done).split("/")[2]

    def submit(self, draft: str) -> str:
        """Send a draft: the receipt number."""
        return place(self.post_submit(draft)).split("/")[2]

    def post_submit(self, draft: str) -> httpx2.Response:
        return self.post(f"/drafts/{draft}/submit", {"_rev": self.revision(f"/drafts/{draft}/check")})

    def sign(self, draft: str) -> None:
        """With the card of whoever is signed in."""
        card = self.start_signature(draft)
        back = place(self.post(card, {"action": "sign"}), whole=True)
        assert place(self.get(back)).endswith("/check")

    def start_signature(self, draft: str) -> str:
        """The page of the signing service."""
        return place(self.get(place(self.get(f"/drafts/{draft}/sign/go"))))


def revision(html: str) -> str:
    """What a page says it was made from."""
    found = re.search(r'name="_rev" value="([^"]*)"', html)
    assert found is not None, html
    return found[1]


def place(response: httpx2.Response, *, whole: bool = False) -> str:
    """Where a 303 leads, on this site."""
    assert response.status_code == 303, (response.status_code, response.text)
    parts = urlsplit(response.headers["location"])
    assert not parts.netloc
    return response.headers["location"] if whole else parts.path


@dataclass(frozen=True)
class Things:
    """What somebody has here, as it stands in addresses. `signature` and `transaction` are of a signature begun."""

    draft: str
    file: str
    number: str
    id: str
    reference: str = "sbx_" + "0" * 32
    signature: str = "0" * 32
    transaction: str = "0" * 32


MISSING = Things("0" * 32, "0" * 32, "123456789012340", "0" * 32)
"""Names of nothing."""
FILE: Files = [("attachment.paper", ("証明.pdf", PDF, "application/pdf"))]


def things_of(browser: Browser, slug: str = "priced") -> Things:
    """Begin a draft with a file and file an application that costs something, in this browser."""
    draft = browser.begin("letter", files=FILE)
    file = re.search(rf"/drafts/{draft}/files/([0-9a-f]+)", browser.get(f"/drafts/{draft}/1").text)
    number = browser.submit(browser.begin(slug))
    debt = re.search(r"/payments/([0-9a-f]+)", browser.get(f"/applications/{number}").text)
    assert file is not None and debt is not None
    reference = place(browser.get(f"/payments/{debt[1]}/go")).rpartition("/")[2]
    return Things(draft, file[1], number, debt[1], reference)


def with_signature(browser: Browser, things: Things) -> Things:
    """The same with a signature begun, for somebody signed in with a card that signs."""
    draft = browser.begin("signed")
    signature = place(browser.get(f"/drafts/{draft}/sign/go")).split("/")[2]
    transaction = place(browser.get(f"/sign/{signature}/go")).rpartition("/")[2]
    return replace(things, signature=signature, transaction=transaction)


@contextmanager
def opened(settings: Settings, declarations: Sequence[Declaration], *, clock: Clock | None = None) -> Iterator[Site]:
    """The site over a migrated database."""
    lines: list[str] = []
    clock = clock or Clock()
    app = create_app(settings, clock=clock, random=Random(), log_to=lines.append)
    with Door(app, follow_redirects=False) as door:
        site = Site(app, door, clock, lines)
        site.publish(declarations)
        yield site


@contextmanager
def sandbox_site(directory: Path, migrated_file: Path, declarations: Sequence[Declaration]) -> Iterator[Site]:
    """A sandbox on SQLite in a directory."""
    file = directory / "kakanai.db"
    shutil.copy(migrated_file, file)
    with opened(sandbox(directory, f"sqlite:///{file}"), declarations) as site:
        yield site
