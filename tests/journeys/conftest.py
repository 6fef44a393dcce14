"""The whole site in a test: every declaration published, every stand-in at its edge, a clock that stands still."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from procedures.library import Library
from server.app import create_app
from server.catalogue import publish
from server.settings import Settings
from server.store.database import open_database
from tests.conftest import Clock, sandbox
from tests.journeys import filing

OpenSite = Callable[[date | None], TestClient]


@pytest.fixture(scope="session")
def library() -> Library:
    return filing.library()


def published(settings: Settings, library: Library, clock: Clock) -> None:
    """Serve everything."""
    database = open_database(settings, clock=clock)
    try:
        found = library.declarations.values()
        asyncio.run(database.transact(lambda db: publish(db, found, now=clock(), actor="test")))
    finally:
        database.close()


@contextmanager
def running(settings: Settings, library: Library, clock: Clock) -> Iterator[TestClient]:
    """The site, as long as it is used; a browser at it. Whatever a resident does is answered or refused: the log
    must hold no error of ours in the end."""
    lines: list[str] = []
    published(settings, library, clock)
    app = create_app(settings, clock=clock, log_to=lines.append)
    with TestClient(app, follow_redirects=True) as client:
        yield client
    events = [json.loads(line) for line in "".join(lines).splitlines()]
    assert [event for event in events if event["event"] != "request"] == []
    assert events, "nothing was logged: the check above sees nothing"


@pytest.fixture(scope="session")
def stocked_file(library: Library, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which everything is served, to be copied: to publish two hundred procedures takes a while."""
    folder = tmp_path_factory.mktemp("stocked")
    shutil.copy(migrated_file, folder / "kakanai.db")
    published(sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}"), library, Clock())
    return folder / "kakanai.db"


@pytest.fixture
def open_site(settings: Settings, stocked_file: Path, library: Library, clock: Clock) -> Iterator[OpenSite]:
    """Opens the site on a day in Japan (None: the clock's own day); a browser at it."""
    shutil.copy(stocked_file, settings.data_dir / "kakanai.db")
    with ExitStack() as stack:

        def opened(day: date | None) -> TestClient:
            if day is not None:
                clock.now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
            return stack.enter_context(running(settings, library, clock))

        yield opened


@pytest.fixture
def site(open_site: OpenSite) -> TestClient:
    """A browser at the site."""
    return open_site(None)


@pytest.fixture
def another(site: TestClient) -> Callable[[], TestClient]:
    """Opens another browser (no cookies) at the same site."""
    return lambda: beside(site)


def beside(client: TestClient) -> TestClient:
    """Another browser at the site of `client`, served by the same event loop."""
    other = TestClient(client.app, follow_redirects=True)
    other.portal = client.portal
    return other
