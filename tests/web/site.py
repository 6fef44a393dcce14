"""The whole site over a migrated sandbox, the city's own procedures published if they are not yet, and a client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from server.app import create_app
from server.catalogue import publish
from server.settings import Settings
from server.store.values import Clock
from tests import shipped
from tests.conftest import Random
from tests.door import Door


@contextmanager
def running(settings: Settings, clock: Clock, *, lines: list[str] | None = None, **client: Any) -> Iterator[Door]:
    """A client of the running site. What it logs goes to `lines`."""
    app = create_app(settings, clock=clock, random=Random(), log_to=(lines if lines is not None else []).append)
    with Door(app, follow_redirects=False, raise_server_exceptions=True, **client) as browser:
        if not app.state.services.catalogue.all():
            _publish(app, clock, browser)
        yield browser


def _publish(app: Starlette, clock: Clock, browser: TestClient) -> None:
    of = app.state.services
    declarations = list(shipped.library().declarations.values())

    async def work() -> None:
        await of.database.transact(lambda db: publish(db, declarations, now=clock(), actor="test"))
        await of.catalogue.refresh()

    assert browser.portal is not None
    browser.portal.call(work)


def links(html: str) -> set[str]:
    """Every address of our own that a page leads to."""
    found = re.findall(r'(?:href|src)="(/[^"#]*)', html)
    return {each.replace("&amp;", "&") for each in found}
