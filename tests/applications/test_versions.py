"""Answers on their way from one version of a form to another."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from forms_schema import Form
from forms_schema.findings import at
from procedures.declaration import Declaration
from server.applications.drafts import Content
from server.applications.versions import carried
from tests import shipped
from tests.security.declarations import declared

TODAY = date(2026, 11, 21)
EVERY = list(shipped.library().declarations.values())
NEXT = 3
"""How many others each procedure's answers are carried to: those after it, and from the last on to the first."""


@pytest.mark.parametrize("declaration", EVERY, ids=lambda each: each.id)
def test_to_the_same_questions_everything_goes(declaration: Declaration) -> None:
    form = declaration.form
    for case in declaration.cases:
        moved = carried(form, form, Content(case["answers"], sources={"/applicant/phone": "typed"}), TODAY)
        assert form.settle(moved.content.answers, TODAY).kept == form.settle(case["answers"], TODAY).kept
        assert moved.left == ()


@pytest.mark.parametrize("place", range(len(EVERY)), ids=lambda place: EVERY[place].id)
def test_to_other_questions_goes_what_is_asked_in_the_same_manner(place: int) -> None:
    old = EVERY[place]
    for new in [*EVERY, *EVERY][place + 1 : place + 1 + NEXT]:
        for case in old.cases:
            moved = carried(old.form, new.form, Content(case["answers"]), TODAY)
            assert new.form.unknown(moved.content.answers) == ()
            new.form.errors(new.form.settle(moved.content.answers, TODAY))


def form(**properties: Any) -> Form:
    schema = {"type": "object", "properties": properties, "required": []}
    steps = [{"title": "質問", "fields": [f"/{name}" for name in properties]}]
    return declared("form", schema=schema, ui={"steps": steps}, attachments=[]).form


TEXT = {"type": "string", "title": "用件", "maxLength": 20}
OLD = form(
    note=TEXT,
    people={
        "type": "array",
        "title": "人",
        "maxItems": 3,
        "items": {"type": "object", "title": "人", "properties": {"nick": TEXT, "since": TEXT}},
    },
)
ANSWERS = {"note": "転入", "people": [{"nick": "太郎", "since": "春"}, {"nick": "花子"}]}


def test_an_answer_of_another_kind_stays_behind_and_is_told() -> None:
    moved = carried(OLD, form(note={"type": "integer", "title": "数"}), Content(ANSWERS), TODAY)
    assert moved.content.answers == {}
    assert [line.text for line in moved.left] == ["転入", "太郎", "春", "花子"]


def test_a_row_keeps_what_is_still_asked_of_it() -> None:
    people = {
        "type": "array",
        "title": "人",
        "maxItems": 3,
        "items": {"type": "object", "title": "人", "properties": {"nick": TEXT}},
    }
    content = Content(ANSWERS, rows={"/people": 2, "/gone": 1}, sources={"/note": "card", "/people": "earlier"})
    moved = carried(OLD, form(people=people), content, TODAY)
    assert at(moved.content.answers, "/people") == [{"nick": "太郎"}, {"nick": "花子"}]
    assert dict(moved.content.rows) == {"/people": 2}
    assert dict(moved.content.sources) == {"/people": "earlier"}
    assert [line.text for line in moved.left] == ["転入", "春"]
