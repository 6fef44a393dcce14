"""All that a procedure asks, on one page: every step's questions with everything open, and every one of them wrong.

It is rendered by the engine and the templates themselves, without a server, for each declaration there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from forms_schema import FieldError, Settled
from procedures.declaration import Declaration
from server.applications.drafts import Content
from server.web import contexts as c
from server.web.residents import steps
from tests.journeys.filing import is_valid
from tests.web import samples

TODAY: Final = date(2026, 11, 20)


def sheet(declaration: Declaration, answers: dict[str, Any], *, wrong: bool) -> str:
    """The page for these answers. `wrong`: each question with the error of a missing answer, and the summary of them
    all."""
    settled = declaration.form.settle(answers, TODAY)
    errors = tuple(_errors(settled)) if wrong else ()
    shown = [
        steps.Shown(declaration, number, Content(answers=answers), settled, errors, base="/drafts/x")
        for number in range(len(declaration.form.steps))
    ]
    views = tuple(item for each in shown for item in steps.items(each))
    page = c.StepPage(
        title=declaration.title,
        slug=declaration.slug,
        number=1,
        total=len(shown) + 1,
        step_title=declaration.form.steps[0].title,
        steps=steps.marks(shown[0], now=0),
        views=views,
        errors=steps.summary(shown[0], views),
        action="/drafts/x/1",
        rev="1",
        multipart=True,
        back=True,
    )
    return samples.renderer().page("pages/step.html", page, person="", ending=None)


def cases_of(declaration: Declaration) -> list[dict[str, Any]]:
    """The answers of every valid case, those that are asked most first."""
    cases = [dict(case["answers"]) for case in declaration.cases if is_valid(case)]
    return sorted(cases, key=lambda answers: -len(declaration.form.settle(answers, TODAY).by_pointer))


def _errors(settled: Settled) -> Iterator[FieldError]:
    for pointer, question in settled.by_pointer.items():
        if not question.children:
            yield FieldError(pointer, "required")
    for asked in settled.attachments:
        yield FieldError(f"attachment:{asked.key}", "required")
