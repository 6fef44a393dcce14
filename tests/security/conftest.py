"""One site a module of tests, to be attacked; in the end nothing may have gone wrong in it that no test owned up to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.addresses import People
from tests.security.declarations import sample
from tests.security.site import Site, sandbox_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Site]:
    with sandbox_site(tmp_path_factory.mktemp("site"), migrated_file, sample()) as site:
        yield site
        assert site.failures() == []


@pytest.fixture(scope="module")
def gathered() -> list[People]:
    return []


@pytest.fixture
def people(site: Site, gathered: list[People]) -> People:
    """Who only look; whoever changes something gets a world of their own, but for signing out everywhere: after that
    those who look come anew."""
    signed_in = ("another resident", "its owner elsewhere", "its owner")
    if not gathered or any(gathered[-1].browsers[who].get("/my").status_code != 200 for who in signed_in):
        gathered.append(People(site, things=True))
    return gathered[-1]
