"""What is wrong with answers, and at which question it is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from forms_schema import FieldError, Form, Schema, compile_form
from forms_schema.findings import at, placed, pointers
from tests.forms_schema.asking import (
    DAY,
    FLAG,
    NUMBER,
    TEXT,
    TODAY,
    boxes,
    choice,
    codes,
    form,
    group,
    rows,
    schema,
    settled,
    when,
)


def found(made: Form, answers: dict[str, Any], today: date = TODAY) -> tuple[FieldError, ...]:
    return made.errors(made.settle(answers, today))


def test_every_missing_answer_is_named_at_its_own_question() -> None:
    made = form(
        a=TEXT,
        g=group(b=TEXT, h=group(c=TEXT, required=["c"]), required=["b", "h"]),
        r={**rows(d=TEXT, required=["d"])},
        required=["a", "g", "r"],
    )
    assert codes(made, {"r": [{}, {"d": "x"}, {}]}) == {
        "/a": "required",
        "/g/b": "required",
        "/g/h/c": "required",
        "/r/0/d": "required",
        "/r/2/d": "required",
    }
    assert codes(made, {})["/r"] == "required"


def test_errors_come_in_the_order_of_the_questions() -> None:
    made = form(c=NUMBER, a=TEXT, g=group(z=NUMBER, b=TEXT, required=["b"]), required=["a"])
    assert [e.pointer for e in found(made, {"c": -1, "g": {"z": "x"}})] == ["/c", "/a", "/g/z", "/g/b"]


@pytest.mark.parametrize(
    ("question", "answer", "code", "params"),
    [
        ({**TEXT, "maxLength": 2}, "あいう", "maxLength", {"limit": 2}),
        ({**TEXT, "minLength": 2}, "あ", "minLength", {"limit": 2}),
        ({**TEXT, "pattern": "^[a-z]$"}, "A", "pattern", {}),
        (TEXT, 7, "type", {}),
        (TEXT, True, "type", {}),
        ({"type": "integer", "minimum": 5}, 4, "minimum", {"limit": 5}),
        ({"type": "integer", "maximum": 5}, 6, "maximum", {"limit": 5}),
        ({"type": "integer", "exclusiveMinimum": 5}, 5, "exclusiveMinimum", {"limit": 5}),
        ({"type": "integer", "exclusiveMaximum": 5}, 5, "exclusiveMaximum", {"limit": 5}),
        ({"type": "integer", "multipleOf": 5}, 6, "multipleOf", {"limit": 5}),
        (NUMBER, "1", "type", {}),
        (NUMBER, 1.5, "type", {}),
        (NUMBER, True, "type", {}),
        (FLAG, 1, "type", {}),
        (FLAG, "true", "type", {}),
        ({"type": "boolean", "const": True}, False, "const", {}),
        (choice("x", "y"), "z", "enum", {}),
        (choice("x", "y"), ["x"], "enum", {}),
        ({"type": "integer", **choice(1, 2)}, 3, "enum", {}),
        ({"type": "integer", **choice(1, 2)}, True, "type", {}),
        (boxes("x", "y"), ["x", "z"], "enum", {}),
        (boxes("x", "y"), "x", "type", {}),
        (boxes("x", "y"), ["x", "x"], "uniqueItems", {}),
        (boxes("x", "y", minItems=2), ["x"], "minItems", {"limit": 2}),
        (boxes("x", "y", maxItems=1), ["x", "y"], "maxItems", {"limit": 1}),
        (boxes("x", "y", contains={"const": "x"}), ["y"], "contains", {}),
        (DAY, "2023-02-29", "format", {"format": "date"}),
        (DAY, "2024-2-", "format", {"format": "date"}),
        ({"type": "string", "format": "phone"}, "12", "format", {"format": "phone"}),
        ({"type": "string", "format": "decimal"}, "1.", "format", {"format": "decimal"}),
        ({**TEXT, "not": {"const": "x"}}, "x", "not", {}),
        ({**rows(b=TEXT), "minItems": 2}, [{"b": "x"}], "minItems", {"limit": 2}),
        ({**rows(b=TEXT), "maxItems": 1}, [{"b": "x"}] * 2, "maxItems", {"limit": 1}),
        (rows(b=TEXT), {"b": "x"}, "type", {}),
        (group(b=TEXT), ["x"], "type", {}),
        (group(b=TEXT), "x", "type", {}),
    ],
)
def test_a_wrong_answer_is_named_by_the_rule_it_breaks(
    question: Schema, answer: Any, code: str, params: Mapping[str, Any]
) -> None:
    (error,) = found(form(a=question), {"a": answer})
    assert (error.pointer, error.code, dict(error.params)) == ("/a", code, dict(params))


SECRET = "ひみつ秘密secret"


@pytest.mark.parametrize(
    "question",
    [
        {**TEXT, "maxLength": 2},
        NUMBER,
        choice("x"),
        DAY,
        boxes("x"),
        group(b=TEXT),
        rows(b=TEXT),
        {**TEXT, "pattern": "^x$"},
    ],
)
def test_an_error_never_holds_what_was_typed(question: Schema) -> None:
    for answer in (SECRET, [SECRET], {"b": [SECRET], SECRET: SECRET}, [{"b": [SECRET]}]):
        assert SECRET not in repr(found(form(a=question), {"a": answer}))


def test_one_question_has_one_error_the_one_to_mend_first() -> None:
    made = form(
        a={**TEXT, "maxLength": 2, "pattern": "^[a-z]*$"}, b={**DAY, "x-date": {"max": "today"}, "x-age": {"min": 18}}
    )
    assert codes(made, {"a": "ABC", "b": "2023-02-30"}) == {"/a": "maxLength", "/b": "format"}
    assert codes(made, {"b": "2030-01-01"}) == {"/b": "age"}


@pytest.mark.parametrize("first", [{"pattern": "^[a-z]*$"}, {"maxLength": 2}])
def test_what_to_mend_first_does_not_hang_on_the_order_of_the_file(first: Schema) -> None:
    second: Schema = {"maxLength": 2} if "pattern" in first else {"pattern": "^[a-z]*$"}
    made = form({"properties": {"a": second}}, a={**TEXT, **first})
    assert codes(made, {"a": "ABC"}) == {"/a": "maxLength"}


def test_a_row_s_error_is_told_in_its_row() -> None:
    made = form(r=rows(a=NUMBER, k=boxes("x")))
    assert codes(made, {"r": [{"a": 1}, {"a": -1, "k": ["y"]}]}) == {"/r/1/a": "minimum", "/r/1/k": "enum"}


def test_nothing_is_wrong_with_a_hidden_answer() -> None:
    made = form(
        when("a", {"const": True}, properties={"b": NUMBER, "g": group(c=NUMBER, required=["c"])}, required=["b", "g"]),
        a=FLAG,
    )
    assert codes(made, {"a": False, "b": "nonsense", "g": {"c": "nonsense"}}) == {}
    assert codes(made, {"a": True, "b": "nonsense"}) == {"/b": "type", "/g/c": "required"}


def test_a_hidden_answer_inside_a_group_is_not_judged() -> None:
    """Closing the root only, JSON Schema would let it through unseen."""
    made = form(
        g={
            **group(kind=choice("jp", "other")),
            "allOf": [when("kind", {"const": "other"}, properties={"visa": NUMBER})],
        }
    )
    answers = {"g": {"kind": "jp", "visa": "a"}}
    assert codes(made, answers) == {}
    assert settled(made, answers).kept == {"g": {"kind": "jp"}}


# One of these


ONE_OF = {"anyOf": [{"required": ["phone"]}, {"required": ["mail"]}]}


def test_one_of_these_is_asked_for_at_the_first_of_them() -> None:
    made = form(ONE_OF, name=TEXT, mail=TEXT, phone=TEXT)
    assert codes(made, {"name": "x"}) == {"/phone": "anyOf"}
    assert codes(made, {"mail": "x"}) == codes(made, {"phone": "x"}) == {}


def test_one_of_these_in_a_group_a_row_and_a_definition() -> None:
    inside = {**group(phone=TEXT, mail=TEXT, name=TEXT, required=["name"]), "allOf": [ONE_OF]}
    made = compile_form(
        schema(g=inside, r={"type": "array", "items": inside}, d={"$ref": "#/$defs/d"}, defs={"d": inside})
    )
    said = {"name": "x"}
    assert codes(made, {"g": said, "r": [{**said, "mail": "x"}, said], "d": said}) == {
        "/g/phone": "anyOf",
        "/r/1/phone": "anyOf",
        "/d/phone": "anyOf",
    }


def test_only_one_of_these() -> None:
    made = form({"oneOf": ONE_OF["anyOf"]}, phone=TEXT, mail=TEXT)
    assert codes(made, {"phone": "x", "mail": "x"}) == {"/phone": "oneOf"}
    assert codes(made, {"mail": "x"}) == {}


def test_one_of_these_behind_a_condition() -> None:
    made = form(when("a", {"const": True}, properties={"phone": TEXT, "mail": TEXT}, allOf=[ONE_OF]), a=FLAG)
    assert codes(made, {"a": True}) == {"/phone": "anyOf"}
    assert codes(made, {"a": False}) == {}


def test_a_missing_answer_that_is_also_one_of_these_is_told_once() -> None:
    made = form(ONE_OF, phone=TEXT, mail=TEXT, required=["phone"])
    assert codes(made, {}) == {"/phone": "required"}


# Dates

FILED = form(
    moved={**DAY, "x-date": {"min": "-P14D", "max": "today"}},
    start={**DAY, "x-date": {"min": "today", "max": "P1Y"}},
    end={**DAY, "x-date": {"min": "/start"}},
    fixed={**DAY, "x-date": {"min": "2024-04-01", "max": "2025-03-31"}},
    r=rows(came={**DAY, "x-date": {"max": "/moved"}}, went={**DAY, "x-date": {"min": "/r/*/came"}}),
    g=group(day_one=DAY, day_two={**DAY, "x-date": {"min": "/g/day_one"}}),
)


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({"moved": "2026-11-20"}, {}),
        ({"moved": "2026-11-21"}, {"/moved": ("dateMax", "2026-11-20")}),
        ({"moved": "2026-11-06"}, {}),
        ({"moved": "2026-11-05"}, {"/moved": ("dateMin", "2026-11-06")}),
        ({"start": "2026-11-19"}, {"/start": ("dateMin", "2026-11-20")}),
        ({"start": "2027-11-20"}, {}),
        ({"start": "2027-11-21"}, {"/start": ("dateMax", "2027-11-20")}),
        ({"start": "2027-01-01", "end": "2026-12-31"}, {"/end": ("dateMin", "2027-01-01")}),
        ({"start": "2027-01-01", "end": "2027-01-01"}, {}),
        ({"end": "1999-01-01"}, {}),
        ({"fixed": "2024-03-31"}, {"/fixed": ("dateMin", "2024-04-01")}),
        ({"fixed": "2025-04-01"}, {"/fixed": ("dateMax", "2025-03-31")}),
        (
            {"r": [{"came": "2020-01-02", "went": "2020-01-01"}, {"came": "2019-01-01", "went": "2020-01-01"}]},
            {"/r/0/went": ("dateMin", "2020-01-02")},
        ),
        ({"r": [{"went": "1990-01-01"}, {"came": "2019-01-01"}]}, {}),
        ({"moved": "2026-11-10", "r": [{"came": "2026-11-11"}]}, {"/r/0/came": ("dateMax", "2026-11-10")}),
        ({"g": {"day_one": "2020-02-02", "day_two": "2020-02-01"}}, {"/g/day_two": ("dateMin", "2020-02-02")}),
        ({"start": "2027-13-45", "end": "2027-01-01"}, {"/start": ("format", None)}),
    ],
)
def test_dates_are_held_against_today_and_other_answers(
    answers: dict[str, Any], wrong: dict[str, tuple[str, str | None]]
) -> None:
    assert {e.pointer: (e.code, e.params.get("limit")) for e in found(FILED, answers)} == wrong


def test_today_is_the_day_that_is_given() -> None:
    assert codes(FILED, {"moved": "2026-11-21"}, date(2026, 11, 21)) == {}


def test_a_bound_that_is_hidden_bounds_nothing() -> None:
    made = form(when("a", {"const": True}, properties={"from_": DAY}), a=FLAG, to={**DAY, "x-date": {"min": "/from_"}})
    answers = {"from_": "2027-01-01", "to": "2026-01-01"}
    assert codes(made, {**answers, "a": True}) == {"/to": "dateMin"}
    assert codes(made, {**answers, "a": False}) == {}


def test_a_bound_holds_only_where_its_branch_is_open() -> None:
    made = form(when("a", {"const": True}, properties={"b": {"x-date": {"min": "today"}}}), a=FLAG, b=DAY)
    assert codes(made, {"a": True, "b": "2020-01-01"}) == {"/b": "dateMin"}
    assert codes(made, {"a": False, "b": "2020-01-01"}) == {}


# Characters


@pytest.mark.parametrize(
    "text", ["a\x00b", "\x1b[31m", "a\tb", "a\rb", "x\x85y", "\u202eabc", "a\u2066b", "\ud800", "\ufffd", "\x7f"]
)
def test_characters_that_do_harm_are_refused(text: str) -> None:
    """Pages clean what is typed; a machine could send anything."""
    made = form(a=TEXT, r=rows(b={"type": "string", "maxLength": 1000}))
    assert codes(made, {"a": text, "r": [{"b": text}]}) == {"/a": "characters", "/r/0/b": "characters"}


@pytest.mark.parametrize(
    "text", ["山田　太郎", "髙﨑", "一行\n二行", "葛\U000e0100", "𠮷野家", "e\u0301", "ｶﾅ", "😀", "\u200dx"]
)
def test_names_and_lines_are_taken_as_they_are(text: str) -> None:
    assert codes(form(a=TEXT), {"a": text}) == {}


# Files


FILES = form(
    a=TEXT,
    r=rows(b=TEXT),
    files=[
        {"key": "one", "title": "一"},
        {"key": "free", "title": "任意", "optional": True, "max": 2},
        {"key": "each", "title": "行ごと", "each": "/r", "required_if": {"required": ["b"]}},
    ],
    required=["a"],
)


def test_a_missing_file_is_named_after_the_answers() -> None:
    assert list(codes(FILES, {"r": [{"b": "x"}, {}]})) == ["/a", "attachment:one", "attachment:each/0"]
    assert codes(FILES, {"a": "x"}, one=1) == {}


def test_a_file_that_may_be_left_out_may_be_left_out() -> None:
    assert codes(FILES, {"a": "x"}, one=1, free=0) == {}


def test_too_many_files_are_too_many() -> None:
    result = settled(FILES, {"a": "x", "r": [{"b": "x"}]})
    errors = FILES.errors(result, {"one": 2, "free": 3, "each/0": 1, "each/1": 9, "ghost": 9})
    assert [(e.pointer, e.code, e.params) for e in errors] == [
        ("attachment:one", "maxItems", {"limit": 1}),
        ("attachment:free", "maxItems", {"limit": 2}),
    ]


# Places


def test_a_place_in_answers() -> None:
    answers = {"g": {"a": 1}, "r": [{"b": 2}, {}]}
    assert at(answers, "/g/a") == 1
    assert at(answers, "/r/0/b") == 2
    for nowhere in ("/g/b", "/r/1/b", "/r/2/b", "/r/x/b", "/g/a/c", "/r/-1/b", "/r/０/b"):
        assert at(answers, nowhere) is None


def test_every_place_of_a_pattern() -> None:
    answers = {"g": {"a": 1}, "r": [{"b": 2}, {}, "no row", {"b": 3}]}
    assert list(pointers(answers, "/r/*/b")) == ["/r/0/b", "/r/3/b"]
    assert list(pointers(answers, "/g/a")) == ["/g/a"]
    assert list(pointers(answers, "/ghost/*/b")) == []


def test_the_same_row() -> None:
    assert placed("/r/*/a", "/r/3/b") == "/r/3/a"
    assert placed("/day", "/r/3/b") == "/day"
