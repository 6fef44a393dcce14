"""What a start brings along."""

from __future__ import annotations

import subprocess
import sys

DEAR = ("alembic", "stripe", "joserfc", "httpx2", "webauthn", "typst", "fontTools", "pikepdf", "PIL")
"""What some cities or some pages need, and a start can do without: half a second and tens of megabytes together."""


def test_a_start_brings_nothing_along_that_only_some_need() -> None:
    script = f"import sys, server.cli, server.app; print([each for each in {DEAR} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "[]\n"
