"""One running site for tests that only read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.conftest import Clock, sandbox
from tests.web.site import running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, stocked_file: Path) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("site")
    shutil.copy(stocked_file, home / "kakanai.db")
    with running(sandbox(home, f"sqlite:///{home / 'kakanai.db'}"), Clock()) as browser:
        yield browser
