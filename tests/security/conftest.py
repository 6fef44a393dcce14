"""One site a module of tests, to be attacked; in the end nothing may have gone wrong in it that no test owned up to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.declarations import sample
from tests.security.site import Site, sandbox_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Site]:
    with sandbox_site(tmp_path_factory.mktemp("site"), migrated_file, sample()) as site:
        yield site
        assert site.failures() == []
