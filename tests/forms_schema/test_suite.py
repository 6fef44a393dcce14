"""Each keyword of the dialect as JSON Schema 2020-12 defines it, in the manner of the official test suite.

Both validators are asked: the one the engine uses, and python-jsonschema, which shares no code with it.
"""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import referencing

from forms_schema import Schema
from forms_schema.formats import FORMATS
from forms_schema.validators import validator

CASES: list[tuple[str, Schema, list[Any], list[Any]]] = [
    # keyword and what it is about, schema, what is valid, what is not
    ("type string", {"type": "string"}, ["", "x", "あ"], [1, 1.0, True, None, [], {}]),
    ("type integer", {"type": "integer"}, [0, 1, -1, 1.0, 2**53], [1.5, "1", True, False, None, [], {}]),
    ("type number", {"type": "number"}, [0, 1.5, -2.25, 1e10], ["1", True, False, None, [], {}]),
    ("type boolean", {"type": "boolean"}, [True, False], [0, 1, "true", "", None, [], {}]),
    ("type array", {"type": "array"}, [[], [1]], [{}, "x", 1, True, None]),
    ("type object", {"type": "object"}, [{}, {"a": 1}], [[], "x", 1, True, None]),
    ("const text", {"const": "x"}, ["x"], ["X", "", 1, None, ["x"]]),
    ("const true", {"const": True}, [True], [1, 1.0, "true", False]),
    ("const false", {"const": False}, [False], [0, 0.0, "", None]),
    ("const one", {"const": 1}, [1, 1.0], [True, 0, "1"]),
    ("const zero", {"const": 0}, [0, 0.0], [False, "", None]),
    ("enum", {"enum": ["a", 6, True]}, ["a", 6, 6.0, True], [1, "6", False, None, ["a"]]),
    ("enum of 0 and 1", {"enum": [0, 1]}, [0, 1, 1.0], [True, False]),
    ("enum of yes and no", {"enum": [True, False]}, [True, False], [0, 1]),
    ("minimum", {"minimum": 1.1}, [1.1, 2, "x", True, None], [1, 0.6]),
    ("minimum below zero", {"minimum": -2}, [-1, 0, -2, -2.0], [-2.0001, -3]),
    ("maximum", {"maximum": 3}, [2, 3, 3.0, "x", True], [3.5, 4]),
    ("exclusiveMinimum", {"exclusiveMinimum": 1}, [1.2, 2, "x"], [1, 1.0, 0.6]),
    ("exclusiveMaximum", {"exclusiveMaximum": 3}, [2.2, "x"], [3, 3.0, 3.5]),
    ("multipleOf", {"multipleOf": 2}, [10, 0, -4, "x", 4.0], [7, 1]),
    ("minLength", {"minLength": 2}, ["ab", "あい", 1, None], ["a", "", "😀"]),
    ("maxLength", {"maxLength": 2}, ["ab", "", "😀😀", "𠮷野", 100], ["abc"]),
    ("pattern", {"pattern": "^a*$"}, ["", "aaa", 1, True, None, {}, []], ["b", "ab"]),
    ("pattern of kana", {"pattern": "^[ァ-ヴー]+$"}, ["ヤマダ", "ー"], ["やまだ", "ﾔﾏﾀﾞ", ""]),
    ("pattern of digits", {"pattern": "^[0-9]+$"}, ["0", "123"], ["１", "٣", "1a", ""]),
    ("minItems", {"minItems": 1}, [[1], [1, 2], "", {}], [[]]),
    ("maxItems", {"maxItems": 2}, [[], [1, 2], "xxx", {}], [[1, 2, 3]]),
    (
        "uniqueItems",
        {"uniqueItems": True},
        [[], [1, 2], [1, True], [0, False], [[1], [True]], [{"a": 1}, {"a": True}]],
        [[1, 1], [1, 1.0], ["a", "a"], [True, True], [{"a": 1}, {"a": 1}]],
    ),
    ("uniqueItems off", {"uniqueItems": False}, [[1, 1]], []),
    ("items", {"items": {"type": "integer"}}, [[], [1, 2.0], "x", {"length": 1}], [[1, "x"], [True]]),
    ("contains", {"contains": {"const": "x"}}, [["x"], ["y", "x"], "no list"], [[], ["y"]]),
    ("contains true", {"contains": {"const": True}}, [[True]], [[1], [False]]),
    ("minContains", {"contains": {"const": 1}, "minContains": 2}, [[1, 1], [1, 1, 2]], [[], [1], [1, True]]),
    ("minContains zero", {"contains": {"const": 1}, "minContains": 0}, [[], [2], [1]], []),
    ("maxContains", {"contains": {"const": 1}, "maxContains": 1}, [[1], [1, 2]], [[], [1, 1]]),
    ("required", {"required": ["a"]}, [{"a": 1}, {"a": None}, [], "x", 1], [{}, {"b": 1}]),
    (
        "properties",
        {"properties": {"a": {"type": "integer"}}},
        [{}, {"a": 1}, {"b": "x"}, []],
        [{"a": "x"}, {"a": True}],
    ),
    (
        "dependentRequired",
        {"dependentRequired": {"a": ["b", "c"]}},
        [{}, {"b": 1}, {"a": 1, "b": 1, "c": 1}, []],
        [{"a": 1}, {"a": 1, "b": 1}],
    ),
    ("dependentRequired of nothing", {"dependentRequired": {"a": []}}, [{}, {"a": 1}], []),
    (
        "dependentSchemas",
        {"dependentSchemas": {"a": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}}},
        [{}, {"b": "x"}, {"a": 1, "b": 1}],
        [{"a": 1}, {"a": 1, "b": "x"}],
    ),
    ("allOf", {"allOf": [{"minimum": 2}, {"maximum": 4}]}, [2, 4, "x"], [1, 5]),
    ("allOf beside others", {"maximum": 3, "allOf": [{"minimum": 2}]}, [2, 3], [1, 4]),
    ("anyOf", {"anyOf": [{"minimum": 5}, {"maximum": 2}]}, [1, 6, "x"], [3]),
    ("oneOf", {"oneOf": [{"minimum": 2}, {"maximum": 3}]}, [1, 4], [2, 3, "x"]),
    ("not", {"not": {"const": 1}}, [2, True, "1"], [1, 1.0]),
    ("not not", {"not": {"not": {"const": 1}}}, [1], [2, True]),
    ("if then", {"if": {"const": 1}, "then": {"type": "string"}}, [2, True, "x"], [1]),
    ("if then else", {"if": {"minimum": 10}, "then": {"multipleOf": 2}, "else": {"const": 1}}, [10, 1, "x"], [11, 2]),
    ("then without if is unseen", {"then": {"const": 1}}, [2], []),
    (
        "if over an absent name holds",
        {"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}},
        [{"a": 2}, {"b": 1}],
        [{}, {"a": 1}],
    ),
    (
        "if over a required name",
        {"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"required": ["b"]}},
        [{}, {"a": 2}, {"a": True}, {"a": 1, "b": 0}],
        [{"a": 1}],
    ),
    ("$ref", {"$ref": "#/$defs/d", "$defs": {"d": {"type": "integer"}}}, [1], ["x", True]),
    ("$ref beside others", {"$ref": "#/$defs/d", "maximum": 3, "$defs": {"d": {"type": "integer"}}}, [3], [4, "x"]),
    (
        "choices",
        {"oneOf": [{"const": "x", "title": "X"}, {"const": 1, "title": "1"}]},
        ["x", 1, 1.0],
        ["y", True, None],
    ),
    ("choices by anyOf", {"anyOf": [{"const": "x", "title": "X"}, {"const": "y", "title": "Y"}]}, ["x", "y"], ["z", 1]),
    (
        "several choices",
        {
            "type": "array",
            "uniqueItems": True,
            "items": {"oneOf": [{"const": "x", "title": "X"}, {"const": "y", "title": "Y"}]},
        },
        [[], ["x", "y"]],
        [["x", "x"], ["z"], "x"],
    ),
    (
        "format date",
        {"format": "date"},
        ["2024-02-29", 1, None],
        ["2023-02-29", "2024-2-9", "20240229", "2024-W09-4", "２０２４-02-29", ""],
    ),
    ("format time", {"format": "time"}, ["09:30", "23:59"], ["24:00", "9:30", "09:30:00"]),
    ("format year-month", {"format": "year-month"}, ["2024-02"], ["2024-13", "2024-2", "2024"]),
    (
        "format decimal",
        {"format": "decimal"},
        ["0", "-1.50", "12345678901234567890.5"],
        ["01", "1.", ".5", "1e5", "１"],
    ),
    (
        "words say nothing",
        {"title": "x", "description": "y", "examples": [1], "default": 1, "$comment": "z"},
        [1, "x", None, {}],
        [],
    ),
    (
        "our words say nothing",
        {
            "x-kind": "address",
            "x-subject": "applicant",
            "x-sensitive": True,
            "x-purpose": "z",
            "x-date": {"min": "today"},
        },
        [1, "x", "2000-01-01"],
        [],
    ),
]
TOLD_APART: list[tuple[str, Schema, list[Any], list[Any]]] = [
    (
        f"{key} told apart by an answer",
        {
            key: [
                {"properties": {"k": {"const": "a"}, "x": {"type": "integer"}}, "required": ["k", "x"]},
                {"properties": {"k": {"enum": ["b", 1]}}, "required": ["k"]},
            ]
        },
        [{"k": "a", "x": 1}, {"k": "b"}, {"k": "b", "x": "y"}, {"k": 1}, {"k": 1.0}],
        [{}, {"x": 1}, {"k": "a"}, {"k": "a", "x": "y"}, {"k": "c"}, {"k": True}, {"k": None}],
    )
    for key in ("oneOf", "anyOf")
]
ALL = [*CASES, *TOLD_APART]

FORMAT_CHECKER = jsonschema.FormatChecker(formats=())
for _name, _accepts in FORMATS.items():
    FORMAT_CHECKER.checks(_name)(lambda text, accepts=_accepts: not isinstance(text, str) or accepts(text))


@pytest.mark.parametrize(("schema", "good", "bad"), [case[1:] for case in ALL], ids=[case[0] for case in ALL])
def test_a_keyword_means_what_the_standard_says(schema: Schema, good: list[Any], bad: list[Any]) -> None:
    ours = validator(schema)
    theirs = jsonschema.Draft202012Validator(schema, registry=referencing.Registry(), format_checker=FORMAT_CHECKER)
    for value in good:
        assert ours.is_valid(value), value
        assert theirs.is_valid(value), value
    for value in bad:
        assert not ours.is_valid(value), value
        assert not theirs.is_valid(value), value


def test_the_other_validator_obeys_a_word_of_old_drafts_so_the_dialect_refuses_it() -> None:
    """jsonschema-rs obeys `dependencies` under 2020-12, python-jsonschema does not."""
    old = {"dependencies": {"a": ["b"]}}
    assert validator(old).is_valid({"a": 1}) != jsonschema.Draft202012Validator(old).is_valid({"a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_of_json_is_of_no_type(value: float) -> None:
    for name in ("integer", "number", "string", "boolean", "object", "array"):
        assert not validator({"type": name}).is_valid(value)


def test_values_are_masked_in_messages() -> None:
    (error,) = validator({"type": "string"}).iter_errors(1234567)
    assert "1234567" not in str(error)
