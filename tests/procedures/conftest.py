"""A library on disk that a test may spoil."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procedures.library import ROOT, Library
from tests import shipped

KEPT = ("juminhyo-utsushi", "tenkyo-yoyaku", "tennyu-yoyaku", "inu-toroku", "jido-teate-nintei-seikyu")
"""A shelf of some: to check all two hundred each time would say no more."""
JUMINHYO = Path("declarations/resident-record/juminhyo-utsushi.json")
Spoil = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="session")
def library() -> Library:
    """The library as it is shipped."""
    return shipped.library()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A copy of the shipped data, a few declarations of it, with the city beside it."""
    root = tmp_path / "procedures"
    shutil.copytree(ROOT, root, ignore=_left)
    for name in KEPT:
        (path,) = ROOT.glob(f"declarations/*/{name}.json")
        kept = root / path.relative_to(ROOT)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, kept)
    for path in root.glob("life-events/*.json"):  # an interview names procedures that are not kept
        raw = json.loads(path.read_text("utf-8"))
        raw.pop("interview", None)
        path.write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
    shutil.copy(ROOT.parent / "city.json", tmp_path / "city.json")
    return root


def _left(folder: str, names: list[str]) -> set[str]:
    """What the shelf does without, of what stands in a folder: the translations too of what is not kept."""
    left = shutil.ignore_patterns("*.py", "__pycache__", "declarations")(folder, names)
    if Path(folder).parent.name == "translations":
        left |= set(names) - {"common.json", *(f"{slug}.json" for slug in KEPT)}
    return left


@pytest.fixture
def spoil(shelf: Path) -> Callable[[Spoil], Path]:
    """Change the 住民票 declaration in the copy; answers its path."""

    def change(how: Spoil, name: Path = JUMINHYO) -> Path:
        path = shelf / name
        raw = json.loads(path.read_text("utf-8"))
        how(raw)
        path.write_text(json.dumps(raw, ensure_ascii=False), "utf-8")
        return path

    return change
