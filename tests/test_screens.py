"""docs/screens.md shows every picture that is kept, and no other; the script that takes them takes these."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
SCRIPT = Path(__file__).parent / "browser" / "hall_pictures.py"


def test_every_picture_of_the_hall_is_shown_and_can_be_taken_again() -> None:
    kept = {path.stem for path in (DOCS / "images" / "hall").glob("*.png")}
    shown = set(re.findall(r"images/hall/([\w-]+)\.png", (DOCS / "screens.md").read_text("utf-8")))
    taken = set(re.findall(r'shot\([^"]*"([\w-]+)"', SCRIPT.read_text("utf-8"))) | {"sheet"}
    assert kept == shown == taken


def test_every_picture_of_the_hall_says_what_is_in_it() -> None:
    for alt in re.findall(r"!\[([^\]]*)\]\(images/hall/", (DOCS / "screens.md").read_text("utf-8")):
        assert len(alt) > 5
