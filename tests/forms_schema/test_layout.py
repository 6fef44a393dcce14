"""Which question stands on which page."""

from __future__ import annotations

from typing import Any

import pytest

from forms_schema import Field, Note, Step
from forms_schema.base import Attachment
from tests.forms_schema.asking import FLAG, TEXT, faults, form, group, rows, when

QUESTIONS: dict[str, Any] = {"a": TEXT, "g": group(b=TEXT, c=TEXT), "r": rows(d=TEXT)}
FILES = [{"key": "paper", "title": "書類"}]


def pages(*steps: list[Any]) -> dict[str, Any]:
    return {"steps": [{"title": f"ステップ{i}", "fields": fields} for i, fields in enumerate(steps, 1)]}


def told(step: Step) -> list[str]:
    return [_told(item) for item in step.items]


def _told(item: Field | Note | Attachment) -> str:
    if isinstance(item, Field):
        return item.pointer
    return item.text if isinstance(item, Note) else f"attachment:{item.key}"


def test_a_bare_schema_is_one_page() -> None:
    (step,) = form(**QUESTIONS, files=FILES).steps
    assert told(step) == ["/a", "/g", "/r", "attachment:paper"]


def test_pages_hold_what_they_say_in_their_own_order() -> None:
    made = form(**QUESTIONS, files=FILES, ui=pages(["/r", {"note": "ここから"}, "/a"], ["attachment:paper", "/g"]))
    assert [told(step) for step in made.steps] == [["/r", "ここから", "/a"], ["attachment:paper", "/g"]]
    assert [step.title for step in made.steps] == ["ステップ1", "ステップ2"]


def test_a_group_may_be_divided_among_pages() -> None:
    made = form(**QUESTIONS, ui=pages(["/a", "/g/b"], ["/g/c", "/r"]))
    assert [told(step) for step in made.steps] == [["/a", "/g/b"], ["/g/c", "/r"]]


def test_a_conditional_question_has_its_page_too() -> None:
    condition = when("f", {"const": True}, properties={"later": TEXT})
    assert "/later" in faults(condition, f=FLAG, ui=pages(["/f"]))
    assert told(form(condition, f=FLAG, ui=pages(["/f", "/later"])).steps[0]) == ["/f", "/later"]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([["/a", "/g"]], "/r/*/d がどのステップにもありません"),
        ([["/a", "/r", "/g/b"]], "/g/c がどのステップにもありません"),
        ([["/a", "/g", "/r"], ["/a"]], "/a が二つ以上のステップにあります"),
        ([["/a", "/a", "/g", "/r"]], "/a が二つ以上のステップにあります"),
        ([["/a", "/g", "/r"], ["/g/b"]], "/g/b が二つ以上のステップにあります"),
        ([["/a", "/g", "/r", "/ghost"]], "/ghost という項目はありません"),
        ([["/a", "/g", "/r", "attachment:ghost"]], "attachment:ghost という項目はありません"),
        ([["/a", "/g", "/r/*/d"]], "/r/*/d という項目はありません"),
        ([["/a", "/g", "/r", ""]], "という項目はありません"),
        ([], "/a がどのステップにもありません"),
    ],
)
def test_every_question_stands_on_exactly_one_page(steps: list[list[str]], problem: str) -> None:
    message = faults(**QUESTIONS, ui=pages(*steps))
    assert problem in message
    assert "/ui/steps" in message


@pytest.mark.parametrize(
    "steps",
    [[["/a"]], [["/a", "attachment:paper"], ["attachment:paper"]], [["/a", "attachment:paper", "attachment:paper"]]],
)
def test_every_file_has_its_place(steps: list[list[str]]) -> None:
    assert "attachment:paper" in faults(a=TEXT, files=FILES, ui=pages(*steps))


def test_a_name_that_begins_like_another_is_another() -> None:
    made = form(a=TEXT, ab=TEXT, ui=pages(["/a"], ["/ab"]))
    assert [told(step) for step in made.steps] == [["/a"], ["/ab"]]


def test_a_question_is_the_same_value_on_its_page_and_in_the_form() -> None:
    made = form(**QUESTIONS, ui=pages(["/a", "/g/b"], ["/g/c", "/r"]))
    for step in made.steps:
        for item in step.items:
            assert isinstance(item, Field)
            assert made.fields[item.pointer] is item


def test_files_say_what_they_take() -> None:
    files: list[dict[str, Any]] = [
        {"key": "k", "title": "t", "hint": "h", "max": 3, "accept": ["image/png"], "optional": True},
        {"key": "l", "title": "u"},
    ]
    one, other = form(a=TEXT, files=files).attachments
    assert (one.key, one.title, one.hint, one.max, one.accept, one.optional) == ("k", "t", "h", 3, ("image/png",), True)
    assert (other.max, other.optional, other.each) == (1, False, "")
    assert "application/pdf" in other.accept
