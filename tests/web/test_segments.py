"""Segments and macros write the same bytes: for every specimen, in any order, with anybody's answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forms_schema import FieldView
from forms_schema.base import FileView
from server.web import gallery
from server.web.assets import Assets
from server.web.render import Renderer
from server.web.segments import Segments

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 20)
SPECIMENS = sorted((ROOT / "tests" / "specimens").glob("*.json"))


Macros = Callable[[Sequence[FieldView]], str]


@pytest.fixture(scope="module")
def macros() -> Macros:
    """The questions as the macros write them."""
    renderer = Renderer(ROOT / "templates", assets=Assets(ROOT / "static"), city=None, sandbox=True)
    return lambda shown: renderer.render("components/questions.html", {"views": shown})


def views(path: Path) -> list[FieldView]:
    """Every case of a kind as a page shows it, those of one schema under one name."""
    specimens: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if "schema" not in specimens:
        kind = gallery._kind(specimens, DAY)
        return [view for each in kind.specimens for view in (each.plain, each.wrong) if view is not None]
    return [view for each in gallery._asked(specimens, DAY) for view in (each.plain, each.wrong)]


@pytest.mark.parametrize("path", SPECIMENS, ids=lambda path: path.stem)
def test_segments_say_what_the_macros_say(path: Path, macros: Macros) -> None:
    segments = Segments(macros)
    found = views(path)
    assert found
    for view in found * 2:  # the second time from the segments that the first time left
        assert segments.questions([view]) == macros([view])
    assert segments.questions(found) == macros(found)


def test_an_answer_is_escaped_and_never_taken_for_a_mark(macros: Macros) -> None:
    segments = Segments(macros)
    first = views(ROOT / "tests" / "specimens" / "text.json")[0]
    for text in ("<script>alert(1)</script>", "\ue0000\ue001", '" onfocus="x', "太郎"):
        view = replace(first, value=text, parts={"": text})
        assert segments.questions([view]) == macros([view])


def test_a_file_is_shown_by_its_own_name(macros: Macros) -> None:
    segments = Segments(macros)
    shown = views(ROOT / "tests" / "specimens" / "attachment.json")[0]
    for name in ("a.pdf", "<b>.pdf"):
        view = replace(shown, files=(FileView(name, "1KB", "/drafts/1/files/2", "detach:2"),))
        assert segments.questions([view]) == macros([view])


def test_shapes_that_anybody_can_make_do_not_fill_the_memory(macros: Macros, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.web.segments.KEPT", 20_000)
    segments = Segments(macros)
    shown = views(ROOT / "tests" / "specimens" / "attachment.json")[0]
    for i in range(200):
        view = replace(shown, files=(FileView("a.pdf", "1KB", "/drafts/1/files/2", f"detach:{i}"),))
        assert segments.questions([view]) == macros([view])
    assert segments._size <= 20_000
    assert sum(cut.size for cut in segments._known.values()) == segments._size
