"""Segments and macros write the same bytes: for every specimen, in any order, with anybody's answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from forms_schema import FieldView
from forms_schema.base import FileView, Option
from forms_schema.view import OnPage, Words
from procedures.cases import cases_of
from procedures.declaration import Declaration
from server.applications.drafts import Content
from server.web.assets import Assets
from server.web.contexts import Ending, StepPage
from server.web.render import Renderer, values_of
from server.web.residents import steps
from server.web.sandbox import gallery
from server.web.segments import Segments
from tests.journeys.filing import declared, library
from tests.web import samples
from tests.web.samples import NOW

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 20)
SPECIMENS = sorted((ROOT / "tests" / "specimens").glob("*.json"))


Macros = Callable[[Sequence[FieldView]], str]


@pytest.fixture(scope="module")
def macros() -> Macros:
    """The questions as the macros write them."""
    renderer = Renderer(
        ROOT / "templates", assets=Assets(ROOT / "static"), city=None, sandbox=True, languages=samples.LANGUAGES
    )
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
    cuts = segments._cuts
    assert cuts._size <= 20_000
    assert sum(cut.size for cut in cuts._known.values()) == cuts._size


@pytest.mark.parametrize("declaration", library().declarations.values(), ids=lambda each: each.slug)
def test_a_step_is_written_from_its_answers_as_the_macros_write_it_from_its_views(
    declaration: Declaration, macros: Macros
) -> None:
    segments = Segments(macros)
    for case in cases_of(declaration):
        settled = declaration.form.settle(case.answers, case.today or DAY)
        wrong = declaration.form.errors(settled, attached=case.attachments)
        for number in range(len(declaration.form.steps)):
            for errors in ((), wrong) if wrong else ((),):
                shown = steps.Shown(declaration, number, Content(case.answers), settled, errors)
                items = steps.items(shown)
                expected = macros([item.view() if isinstance(item, OnPage) else item for item in items])
                for _ in range(2):  # the second time from the segments that the first time left
                    assert segments.questions(items) == expected, (case.title, number + 1)


def test_an_offered_town_and_a_number_that_is_kept_are_written_as_the_macros_write_them(macros: Macros) -> None:
    segments = Segments(macros)
    declaration = declared("jido-teate-nintei-seikyu")
    for number, town in (("123456789018", "町"), ("sealed:0123456789abcdef0123456789abcdef", "別の町"), ("", "")):
        answers = {"acting": "self", "applicant": {"my_number": number}}
        settled = declaration.form.settle(answers, DAY)
        lookups = {"/applicant/address": (Option("0", f"五所川原市{town}"),)} if town else {}
        words = Words({}, {"/applicant/name": "card"}, lookups, {})
        items = [OnPage(settled.by_pointer["/applicant"], words)]
        assert segments.questions(items) == macros([item.view() for item in items])


def test_a_page_is_compiled_once_and_filled_in_for_everybody() -> None:
    renderer = Renderer(
        ROOT / "templates",
        assets=Assets(ROOT / "static"),
        city=samples.city(),
        sandbox=True,
        languages=samples.LANGUAGES,
    )
    found = [context for _, context in samples.pages().values() if isinstance(context, StepPage)]
    others = [replace(context, saved_at=None, action="/x?<b>", rev="7") for context in found]
    assert found
    ends = [None, Ending(NOW, 900, True), Ending(NOW + timedelta(minutes=7), 0, True), Ending(NOW, 60, False)]
    around = [{"person": person, "ending": end} for person in ("", "津軽 太郎", "<b>") for end in ends]
    for context in (*found, *others) * 2:
        for told in around:
            values = {**values_of(context), **told}
            assert renderer.page("pages/step.html", context, **told) == renderer.render("pages/step.html", values)
