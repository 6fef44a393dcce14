"""The whole site in a test: every declaration published, every stand-in at its edge, a clock that stands still."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from procedures.library import Library
from server.app import create_app
from server.settings import Settings
from server.store.database import Writing
from tests.conftest import Clock, clear_edges, forgetting, published, sandbox
from tests.door import Door
from tests.journeys import filing

OpenSite = Callable[[date | None], TestClient]
T = TypeVar("T")


@pytest.fixture(scope="session")
def library() -> Library:
    return filing.library()


@contextmanager
def running(settings: Settings, library: Library, clock: Clock) -> Iterator[Door]:
    """The site, as long as it is used; a browser at it."""
    published(settings, library, clock)
    with serving(settings, clock) as client:
        yield client


@contextmanager
def serving(settings: Settings, clock: Clock) -> Iterator[Door]:
    """The site over what its database holds. Whatever a resident does is answered or refused: the log must hold no
    error of ours in the end."""
    lines: list[str] = []
    app = create_app(settings, clock=clock, log_to=lines.append)
    app.state.lines = lines
    with Door(app, follow_redirects=True) as client:
        yield client
    assert faults(lines) == []
    assert lines, "nothing was logged: the check above sees nothing"


def faults(lines: list[str]) -> list[dict[str, Any]]:
    """What was logged besides requests."""
    events = [json.loads(line) for line in "".join(lines).splitlines()]
    return [event for event in events if event["event"] != "request"]


@pytest.fixture
def open_site(settings: Settings, stocked_file: Path, clock: Clock) -> Iterator[OpenSite]:
    """Opens the site on a day in Japan (None: the clock's own day); a browser at it."""
    shutil.copy(stocked_file, settings.data_dir / "kakanai.db")
    with ExitStack() as stack:

        def opened(day: date | None) -> TestClient:
            if day is not None:
                clock.now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
            return stack.enter_context(serving(settings, clock))

        yield opened


class Town:
    """One site for one case after another: to open it anew for each takes longer than the case. Between two of them it
    forgets what was done in it; what was there before them stays."""

    def __init__(self, door: TestClient, clock: Clock) -> None:
        self._door, self._clock, self._begun, self._read = door, clock, clock.now, 0
        self._app: Starlette = door.app  # type: ignore[assignment]  # the application of `serving`
        self._forgetting = self._do(forgetting)

    def on(self, day: date | None) -> TestClient:
        """A new browser at the site, on a day in Japan (None: the clock's own day)."""
        self._clock.now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) if day else self._begun
        return beside(self._door)

    def forget(self) -> None:
        """Raises AssertionError where the log tells of a fault since the last time."""
        self._do(lambda db: [db.execute(each) for each in self._forgetting])
        clear_edges(self._app.state.services.settings.data_dir)
        lines: list[str] = self._app.state.lines
        told, self._read = faults(lines[self._read :]), len(lines)
        assert told == []

    def _do(self, work: Callable[[Writing], T]) -> T:
        assert self._door.portal is not None
        done: T = self._door.portal.call(self._app.state.services.database.transact, work)
        return done


@pytest.fixture(scope="module")
def one_town(tmp_path_factory: pytest.TempPathFactory, stocked_file: Path) -> Iterator[Town]:
    home, clock = tmp_path_factory.mktemp("town"), Clock()
    shutil.copy(stocked_file, home / "kakanai.db")
    with serving(sandbox(home, f"sqlite:///{home / 'kakanai.db'}"), clock) as door:
        yield Town(door, clock)


@pytest.fixture
def town(one_town: Town) -> Iterator[Town]:
    yield one_town
    one_town.forget()


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
    assert isinstance(client, Door)
    return client.beside(follow_redirects=True)
