"""The whole site in a test: every declaration published, every stand-in at its edge, a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime

import pytest
from starlette.testclient import TestClient

from procedures.library import Library, load_library
from server.app import create_app
from server.catalogue import publish
from server.settings import Settings
from server.store.database import open_database
from tests.conftest import Clock

OpenSite = Callable[[date | None], TestClient]


@pytest.fixture(scope="session")
def library() -> Library:
    """Every declaration there is."""
    return load_library()


def published(settings: Settings, library: Library, clock: Clock) -> None:
    """Serve everything."""
    database = open_database(settings, clock=clock)
    try:
        found = library.declarations.values()
        asyncio.run(database.transact(lambda db: publish(db, found, now=clock(), actor="test")))
    finally:
        database.close()


@pytest.fixture
def open_site(settings: Settings, library: Library, clock: Clock) -> Iterator[OpenSite]:
    """Opens the site on a day in Japan (None: the clock's own day); a browser at it."""
    lines: list[str] = []
    with ExitStack() as stack:

        def opened(day: date | None) -> TestClient:
            if day is not None:
                clock.now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
            published(settings, library, clock)
            app = create_app(settings, clock=clock, log_to=lines.append)
            return stack.enter_context(TestClient(app, follow_redirects=True))

        yield opened
    # whatever a resident does is answered or refused: nothing ends in an error of ours
    assert [line for line in "".join(lines).splitlines() if '"event": "error"' in line] == []


@pytest.fixture
def site(open_site: OpenSite) -> TestClient:
    """A browser at the site."""
    return open_site(None)
