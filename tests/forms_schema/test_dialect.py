"""What a declaration may not say, and what it is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forms_schema import Schema, compile_form
from forms_schema.dialect import KEYWORDS, META
from tests.forms_schema.asking import (
    DAY,
    FLAG,
    NUMBER,
    TEXT,
    boxes,
    choice,
    codes,
    faults,
    form,
    group,
    refused,
    rows,
    schema,
    when,
)

IS_A: Schema = {"properties": {"a": {"const": "x"}}, "required": ["a"]}


def test_a_bare_schema_is_a_form() -> None:
    made = form(a=TEXT)
    assert list(made.fields) == ["/a"]


@pytest.mark.parametrize(
    "keyword",
    [
        *("patternProperties", "additionalProperties", "propertyNames", "prefixItems", "$dynamicRef", "$dynamicAnchor"),
        *("unevaluatedProperties", "unevaluatedItems", "dependencies", "definitions", "enumNames", "$id", "$anchor"),
        *("$schema", "minProperties", "maxProperties", "contentEncoding", "readOnly", "deprecated", "x-html", "Title"),
    ],
)
@pytest.mark.parametrize("place", ["root", "question", "then", "row", "definition", "condition"])
def test_an_unknown_word_is_refused_wherever_it_stands(keyword: str, place: str) -> None:
    odd: dict[str, Any] = {keyword: {}}
    wholes: dict[str, Schema] = {
        "root": {**schema(a=TEXT), **odd},
        "question": schema(a={**TEXT, **odd}),
        "then": schema({"if": IS_A, "then": odd}, a=TEXT),
        "row": schema(a={"type": "array", "items": {**group(b=TEXT), **odd}}),
        "definition": schema(a={"$ref": "#/$defs/d"}, defs={"d": {**TEXT, **odd}}),
        "condition": schema({"if": {**IS_A, **odd}, "then": {}}, a=TEXT),
    }
    told = refused(wholes[place])
    assert keyword in told
    assert "使え" in told


@pytest.mark.parametrize(
    "whole",
    [
        [],
        "object",
        7,
        None,
        True,
        {"properties": []},
        {"properties": {"a": True}},
        {"type": "null"},
        {"type": ["string", "null"]},
    ],
)
def test_what_is_no_schema_is_refused(whole: Any) -> None:
    refused(whole)


@pytest.mark.parametrize(
    "root",
    [
        {"type": "string"},
        {"type": "array"},
        {"const": "x"},
        {"enum": ["x"]},
        {"not": {"const": "x"}},
        {"pattern": "^x$"},
        {"minItems": 1},
        {"default": "x"},
        {"oneOf": [{"const": "x", "title": "X"}]},
    ],
)
def test_the_answers_as_a_whole_and_groups_have_no_rule_of_their_own(root: Schema) -> None:
    """Nobody could mend what such a rule finds: it has no question."""
    refused({**schema(a=TEXT), **root})
    refused(schema(g={**group(a=TEXT), **root}))
    refused(schema({"if": {"required": ["a"]}, "then": root}, a=TEXT))


@pytest.mark.parametrize("name", ["era", "year", "month", "day"])
def test_names_of_the_parts_of_a_date_are_taken(name: str) -> None:
    assert name in faults(**{name: TEXT})
    assert name in faults(g=group(**{name: TEXT}))
    assert name in faults(when("a", FLAG, properties={name: TEXT}), a=FLAG)


@pytest.mark.parametrize("name", ["Name", "1st", "_x", "a-b", "a.b", "a/b", "名前", "a b", "", "a" * 42, "a\n", "а"])
def test_a_name_is_small_latin_letters_digits_and_underscores(name: str) -> None:
    refused(schema(**{name: TEXT}))
    refused(schema({"dependentSchemas": {name: {}}}, a=TEXT))


def test_the_longest_name_is_taken() -> None:
    assert form(**{"a" * 41: TEXT}).fields


@pytest.mark.parametrize("constant", ["年金", "ｘ", "é", "x　"])
@pytest.mark.parametrize("place", ["oneOf", "anyOf", "enum", "const", "boxes", "branch"])
def test_stored_constants_are_ascii(constant: str, place: str) -> None:
    option = {"const": constant, "title": "年金"}
    questions: dict[str, Schema] = {
        "oneOf": {"oneOf": [option]},
        "anyOf": {"anyOf": [option]},
        "enum": {"enum": [constant]},
        "const": {"const": constant},
        "boxes": {"type": "array", "uniqueItems": True, "items": {"oneOf": [option]}},
    }
    if place == "branch":
        branch = {"oneOf": [{"properties": {"a": {"const": constant}}, "required": ["a"]}]}
        assert "半角英数字" in refused(schema(branch))
    else:
        assert "半角英数字" in faults(a=questions[place])


@pytest.mark.parametrize("constant", [1.5, None, [], {}, 1.0])
def test_a_constant_is_text_a_whole_number_or_a_yes(constant: Any) -> None:
    refused(schema(a={"type": "integer", "enum": [constant]}))
    refused(schema(a={"const": constant}))


def test_every_choice_has_a_title_and_nothing_else() -> None:
    assert "見出し" in faults(a={"oneOf": [{"const": "x"}]})
    assert "見出し" in faults(a={"type": "array", "uniqueItems": True, "items": {"oneOf": [{"const": "x"}]}})
    assert "値と見出しだけ" in faults(a={"oneOf": [{"const": "x", "title": "X", "pattern": "^y$"}]})
    form(a={"anyOf": [{"const": "x", "title": "X", "description": "説明"}, {"const": "y", "title": "Y"}]})


def test_the_same_box_is_not_ticked_twice() -> None:
    assert "uniqueItems" in faults(a={"type": "array", "items": choice("x", "y")})


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"title": "何か"},
        {"format": "date"},
        {"type": "object"},
        {"type": "array"},
        {"type": "array", "items": TEXT},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "array", "uniqueItems": True, "items": {"type": "integer", "enum": [1, 2]}},
        {"type": "string", "oneOf": [{"const": 1, "title": "1"}]},
        {"oneOf": [{"const": "x", "title": "X"}, {"const": 1, "title": "1"}]},
        {"type": "string", "x-kind": "address"},
        {"x-kind": "person-name"},
        {"type": "string", "properties": {"b": TEXT}},
        {"type": "object", "items": {"properties": {"b": TEXT}}, "properties": {"c": TEXT}},
        {"enum": ["x"], "properties": {"b": TEXT}},
    ],
)
def test_a_question_that_is_of_no_kind_is_refused(question: Schema) -> None:
    faults(a=question)


def test_rows_hold_no_rows() -> None:
    assert "繰り返し" in faults(a=rows(b=rows(c=TEXT)))
    assert "繰り返し" in faults(a=rows(g=group(b=rows(c=TEXT))))
    assert "繰り返し" in faults(a={"type": "array", "items": {"type": "array", "items": group(b=TEXT)}})
    assert "繰り返し" in refused(schema(a=rows(b={"$ref": "#/$defs/d"}), defs={"d": rows(c=TEXT)}))
    form(a=rows(b=boxes("x", "y")))


def test_no_more_rows_than_a_page_can_show() -> None:
    assert "maxItems" in faults(a={**rows(b=TEXT), "maxItems": 101})
    form(a={**rows(b=TEXT), "maxItems": 100})


@pytest.mark.parametrize("key", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 10**400, 1e300, float("nan"), float("inf")])
def test_numbers_stay_where_readers_of_json_are_exact(key: str, value: float) -> None:
    refused(schema(a={"type": "integer", key: value}))


@pytest.mark.parametrize("key", ["minLength", "maxLength", "minItems", "maxItems"])
@pytest.mark.parametrize("value", [-1, 1.5, "1", 10**7, None])
def test_a_limit_is_a_count(key: str, value: Any) -> None:
    refused(schema(a={**TEXT, key: value}))


@pytest.mark.parametrize("format_", ["date-time", "uri", "ipv4", "regex", "Date", "", "電話"])
def test_an_unknown_format_is_refused(format_: str) -> None:
    refused(schema(a={"type": "string", "format": format_}))


# Patterns

EVIL = [
    r"(a+)+b",
    r"^(a+)+$",
    r"^(a|a)*$",
    r"^(a|aa)+$",
    r"^(.*a){20}$",
    r"^([a-zA-Z]+)*$",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"^(a*)*$",
    r"^(a?){50}a{50}$",
    r"^(\w+\s?)*$",
    r"^\s+|\s+$",
    r"^(([a-z]*)*)*$",
    r"^((a{1,100}){1,100}){1,100}$",
    r"^(x+x+)+y$",
    r"^(.|[\r\n])*x$",
    r"^([0-9]+)+$",
    r"^(([0-9a-f]{1,4}:)*)*$",
    r"^(([^@]+)+)+@x$",
    r"^(a+)+(b+)+(c+)+$",
    r"^([a-z0-9]+([\-.][a-z0-9]+)*)+$",
    r"^(([a-z0-9]+)*-?)*[a-z0-9]$",
    r"^((ab)*)+$",
    r"^((ab*)*)+$",
    r"^(([a]|[a])+)+$",
    r"^(?:.*,){11}P$",
    r"^(?:a|b|ab)*c$",
    r"^(?=(a+))a*b\1$",
    r"^(a)\1$",
    r"^(?!.*x)a+$",
    r"^(?<=a)b$",
    r"^(?<!a)b$",
    r"^(?>a+)b$",
    r"^(a++)+b$",
    r"^(?P<n>a)(?P=n)$",
    r"^\1(a)$",
    r"^(a{0,1000}){0,1000}$",
    r"^(.{1,1000}){1,1000}$",
    r"^[a-z]{1,100000}$",
    r"^((((((((((a*)*)*)*)*)*)*)*)*)*$",
    r"^(.*)*$",
    r"^(.+)+\.(.+)+$",
    r"^([^\"]*\"[^\"]*\")*$",
    r"^(\(([^()]|\([^()]*\))*\))*$",
    r"^(https?://)?([^/]+/)*x$",
    r"^(([1-9]|1[0-9])(,([1-9]|1[0-9]))*)*$",
    r"^(a|b|c|d|e|f|a)*z$",
    r"^(0|[1-9][0-9]*)(,(0|[1-9][0-9]*))*,?$",
    r"^((a|b)*c|(a|b)*d)*$",
    r"^(ア+)+イ$",
    r"^(一*)*二$",
]


@pytest.mark.parametrize("pattern", EVIL)
def test_a_pattern_known_to_be_evil_is_refused_or_takes_linear_time(pattern: str) -> None:
    """No clock: an engine that goes back would need 2^n steps for these texts and never come to an end."""
    try:
        made = compile_form(schema(a={"type": "string", "pattern": pattern}))
    except ValueError as refusal:
        assert "/schema/properties/a/pattern" in str(refusal)
        return
    for letter in ("a", "0", "ab", " ", "x", ",", "ア", "一", "a.", '"', "(", "1,"):
        text = letter * 20_000 + "!"
        assert len(codes(made, {"a": text})) <= 1


def test_there_are_fifty_of_them() -> None:
    assert len(set(EVIL)) == 50


@pytest.mark.parametrize(
    "pattern", ["[0-9]+", "^[0-9]+", "[0-9]+$", "^a|b$", "^(a)|b$", "^a$|^b$", r"^a\$", "^[0-9]{3}$\n", "", "^[$"]
)
def test_a_pattern_is_about_the_whole_text(pattern: str) -> None:
    faults(a={"type": "string", "pattern": pattern})


@pytest.mark.parametrize("pattern", [r"^\d+$", r"^\w+$", r"^\s$", r"^[\d]+$", r"^\D$", r"^\W$", r"^\S+$"])
def test_classes_that_take_full_width_letters_are_not_used(pattern: str) -> None:
    assert r"\d \w \s" in faults(a={"type": "string", "pattern": pattern})


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[0-9]{4}$",
        r"^(a|b)$",
        r"^((a|b)c|d)$",
        r"^[|()]+$",
        r"^\|$",
        r"^[\]|]$",
        r"^[^|]*$",
        r"^(A-)?[0-9]{1,8}(\.[0-9]+)?$",
        r"^[ァ-ヴー]+$",
        r"^$",
    ],
)
def test_an_honest_pattern_is_taken(pattern: str) -> None:
    form(a={"type": "string", "pattern": pattern})


@pytest.mark.parametrize("place", ["if", "not", "contains", "anyOf", "then", "items", "required_if"])
def test_patterns_are_looked_at_wherever_they_stand(place: str) -> None:
    evil = {"type": "string", "pattern": r"^(a)\1$"}
    condition = {"properties": {"a": evil}, "required": ["a"]}
    wholes: dict[str, Schema] = {
        "if": schema({"if": condition, "then": {}}, a=TEXT),
        "not": schema({"if": {"properties": {"a": {"not": evil}}, "required": ["a"]}, "then": {}}, a=TEXT),
        "contains": schema(a={**boxes("x"), "contains": evil}),
        "anyOf": schema({"if": {"anyOf": [condition]}, "then": {}}, a=TEXT),
        "then": schema({"if": {"required": ["a"]}, "then": {"properties": {"a": evil}}}, a=TEXT),
        "items": schema(a=rows(b=evil)),
        "required_if": schema(a=TEXT),
    }
    files = [{"key": "f", "title": "書類", "required_if": condition}] if place == "required_if" else []
    with pytest.raises(ValueError, match="pattern"):
        compile_form(wholes[place], attachments=files)


# Conditions


@pytest.mark.parametrize(
    "condition",
    [
        {"properties": {"a": {"const": "x"}}},
        {"properties": {"a": {"const": "x"}, "b": {"const": "y"}}, "required": ["a"]},
        {"properties": {"g": {"properties": {"c": {"const": "x"}}, "required": ["c"]}}},
        {"properties": {"g": {"properties": {"c": {"const": "x"}}}}, "required": ["g"]},
        {"allOf": [{"properties": {"a": {"const": "x"}}}], "required": ["a"]},
        {"anyOf": [{"properties": {"a": {"const": "x"}}}]},
        {"properties": {"r": {"contains": {"properties": {"d": {"const": "x"}}}}}, "required": ["r"]},
    ],
)
def test_a_condition_that_holds_before_it_is_answered_is_refused(condition: Schema) -> None:
    questions = {"a": TEXT, "b": TEXT, "g": group(c=TEXT), "r": rows(d=TEXT)}
    assert "未回答でも成り立つ" in faults({"if": condition, "then": {"properties": {"z": TEXT}}}, **questions)
    assert "未回答でも成り立つ" in faults(files=[{"key": "f", "title": "書類", "required_if": condition}], **questions)
    with pytest.raises(ValueError, match="未回答でも成り立つ"):
        form(**questions).matches(condition)


@pytest.mark.parametrize(
    "negative",
    [
        {"properties": {"a": {"const": "x"}}, "required": ["a"]},
        {"required": ["a"]},
        {"allOf": [{"required": ["a"]}]},
        {"not": {"required": ["a"]}},
        {"contains": {"required": ["a"]}},
        {"not": {"not": {"properties": {"a": {"const": "x"}}}}},
        {"$ref": "#/$defs/d"},
        {"if": {"const": "x"}},
    ],
)
def test_not_stands_only_around_a_value(negative: Schema) -> None:
    """Around an object it holds before anything is answered."""
    condition, defs = {"not": negative}, {"d": group(a=TEXT)}
    assert "使えません" in faults({"if": condition, "then": {}}, a=TEXT, defs=defs)
    assert "使えません" in faults(a=TEXT, g={**group(a=TEXT), "not": negative}, defs=defs)
    inside = {"properties": {"g": condition}, "required": ["g"]}
    assert "使えません" in faults({"if": inside, "then": {}}, g=group(a=TEXT), defs=defs)


def test_not_around_a_value_is_taken() -> None:
    form(when("a", {"not": {"const": "x"}}, properties={"b": TEXT}), a=TEXT)
    form(when("a", {"not": {"contains": {"const": "x"}}}, properties={"b": TEXT}), a=boxes("x", "y"))


@pytest.mark.parametrize(
    "word", ["if", "then", "oneOf", "$ref", "dependentRequired", "format", "items", "default", "x-date", "uniqueItems"]
)
def test_a_condition_has_fewer_words_than_a_schema(word: str) -> None:
    words: dict[str, Any] = {
        "oneOf": [{}],
        "$ref": "#/$defs/d",
        "dependentRequired": {},
        "format": "date",
        "default": "x",
        "x-date": {"min": "today"},
        "uniqueItems": True,
    }
    condition = {"properties": {"a": {word: words.get(word, {})}}, "required": ["a"]}
    assert word in faults({"if": condition, "then": {}}, a=TEXT)


@pytest.mark.parametrize(
    ("condition", "ghost"),
    [
        ({"properties": {"ghost": {"const": "x"}}, "required": ["ghost"]}, "/ghost"),
        ({"required": ["ghost"]}, "/ghost"),
        ({"properties": {"g": {"required": ["ghost"]}}, "required": ["g"]}, "/g/ghost"),
        ({"properties": {"a": {"required": ["ghost"]}}, "required": ["a"]}, "/a/ghost"),
        ({"properties": {"r": {"contains": {"required": ["ghost"]}}}, "required": ["r"]}, "/r/*/ghost"),
    ],
)
def test_a_condition_reads_only_what_is_declared(condition: Schema, ghost: str) -> None:
    questions = {"a": TEXT, "g": group(c=TEXT), "r": rows(d=TEXT)}
    assert ghost in faults({"if": condition, "then": {"properties": {"z": TEXT}}}, **questions)
    assert ghost in faults(files=[{"key": "f", "title": "書類", "required_if": condition}], **questions)


def test_presence_is_told_of_declared_questions_only() -> None:
    assert "/ghost" in faults({"dependentRequired": {"ghost": ["a"]}}, a=TEXT)
    assert "/ghost" in faults({"dependentSchemas": {"ghost": {"properties": {"b": TEXT}}}}, a=TEXT)


@pytest.mark.parametrize(
    "part",
    [
        {"if": {"required": ["g"]}, "then": {"properties": {"b": TEXT}}},
        {"dependentRequired": {"g": ["a"]}},
        {"dependentSchemas": {"g": {"properties": {"b": TEXT}}}},
        {"if": {"properties": {"g": {"type": "object"}}, "required": ["g"]}, "then": {"properties": {"b": TEXT}}},
    ],
)
def test_that_a_group_is_there_says_nothing(part: Schema) -> None:
    """A group that is asked stands there as {} before anything in it is answered."""
    assert "まとまりがあるかどうか" in faults(part, a=TEXT, g=group(c=TEXT))


def test_that_a_group_is_there_is_no_reason_for_a_file_either() -> None:
    files = [{"key": "f", "title": "書類", "required_if": {"required": ["g"]}}]
    assert "まとまりがあるかどうか" in faults(a=TEXT, g=group(c=TEXT), files=files)


def test_that_there_are_rows_is_a_reason() -> None:
    form({"if": {"required": ["r"]}, "then": {"properties": {"b": TEXT}}}, r=rows(c=TEXT))


def test_then_needs_an_if() -> None:
    assert "if がいります" in faults({"then": {"properties": {"b": TEXT}}}, a=TEXT)
    assert "if がいります" in faults({"else": {"properties": {"b": TEXT}}}, a=TEXT)


# Circles


def shows(name: str, other: str) -> Schema:
    return when(name, FLAG, properties={other: FLAG})


def test_two_questions_that_ask_each_other_are_refused() -> None:
    assert "/a → /b → /a" in faults(shows("a", "b"), shows("b", "a"))


def test_a_question_that_hides_itself_is_refused() -> None:
    circle = {"if": {"properties": {"a": {"const": True}}, "required": ["a"]}, "else": {"properties": {"a": FLAG}}}
    assert "/a → /a" in faults(circle)


def test_a_long_circle_is_named_in_full() -> None:
    told = faults(*(shows(f"q{i}", f"q{(i + 1) % 6}") for i in range(6)))
    assert "/q0 → /q1 → /q2 → /q3 → /q4 → /q5 → /q0" in told


def test_what_only_hangs_on_a_circle_is_not_blamed() -> None:
    told = faults(shows("a", "b"), shows("b", "a"), shows("b", "leaf"), shows("leaf", "last"))
    assert "leaf" not in told


def test_a_circle_through_rows_is_refused() -> None:
    row = {**group(x=FLAG), "allOf": [when("x", FLAG, properties={"y": FLAG})]}
    asks = {
        "if": {"properties": {"r": {"contains": {"required": ["y"]}}}, "required": ["r"]},
        "then": {"properties": {"more": FLAG}},
    }
    back = when("more", FLAG, properties={"r": {"items": {"properties": {"x": FLAG}}}})
    form(asks, back, r={"type": "array", "items": row})
    hidden = when("more", FLAG, properties={"r": {"type": "array", "items": row}})
    assert "輪" in faults(asks, hidden)


def test_a_circle_through_branches_is_refused() -> None:
    branches = {"oneOf": [{"properties": {"kind": {"const": "x"}, "a": FLAG}, "required": ["kind"]}]}
    assert "輪" in faults({"if": {"required": ["a"]}, "then": branches})


def test_saying_more_of_a_question_that_is_asked_anyway_is_no_circle() -> None:
    """As the samples of react-jsonschema-form do: a branch restates what it depends on."""
    form(
        when("a", {"const": "x"}, properties={"a": {"title": "もう一度"}, "b": TEXT}),
        when("b", TEXT, properties={"a": {"maxLength": 5}}),
        a=TEXT,
    )
    form(when("g", {"required": ["c"]}, properties={"g": {"properties": {"c": {"maxLength": 5}}}}), g=group(c=TEXT))
    form(
        when(
            "r", {"contains": {"required": ["c"]}}, properties={"r": {"items": {"properties": {"c": {"maxLength": 5}}}}}
        ),
        r=rows(c=TEXT),
    )


# Branches


@pytest.mark.parametrize("key", ["oneOf", "anyOf"])
@pytest.mark.parametrize(
    "branches",
    [
        [{"properties": {"b": TEXT}}, {"properties": {"c": TEXT}}],
        [{"properties": {"a": {"const": "x"}, "b": TEXT}}, {"properties": {"c": TEXT}}],
        [{"properties": {"a": {"const": "x"}}}, {"properties": {"a": {"const": "x"}, "b": TEXT}}],
        [{"properties": {"a": {"enum": ["x", "y"]}}}, {"properties": {"a": {"enum": ["y", "z"]}}}],
        [{"required": ["a"]}, {"properties": {"b": TEXT}}],
        [{"required": ["a"]}, {"if": {"required": ["a"]}, "then": {"properties": {"b": TEXT}}}],
        [{"required": ["a"]}, {"allOf": [{"properties": {"b": TEXT}}]}],
        [{"required": ["a"]}, {"dependentSchemas": {"a": {"properties": {"b": TEXT}}}}],
        [{"required": ["a"]}, {"oneOf": [{"properties": {"b": TEXT}}]}],
        [{"properties": {"a": {"minLength": 1}}}, {"properties": {"a": {"maxLength": 1}}}],
        [{"$ref": "#/$defs/d"}, {"required": ["a"]}],
    ],
)
def test_branches_that_no_answer_tells_apart_are_refused(key: str, branches: list[Schema]) -> None:
    whole = schema({key: branches}, a=TEXT, required=["a"], defs={"d": {"properties": {"e": TEXT}}})
    assert "どの枝か回答から決められません" in refused(whole)


@pytest.mark.parametrize("key", ["oneOf", "anyOf"])
def test_the_question_that_picks_a_branch_must_be_answered(key: str) -> None:
    """Unanswered, JSON Schema would let any branch hold, and the page none."""
    branches = [{"properties": {"a": {"const": "x"}, "b": TEXT}}, {"properties": {"a": {"const": "y"}}}]
    assert "必須ではありません" in faults({key: branches}, a=choice("x", "y"))
    form({key: branches}, a=choice("x", "y"), required=["a"])
    form({key: [{**branch, "required": ["a"]} for branch in branches]}, a=choice("x", "y"))
    assert "必須ではありません" in faults({key: [{**branches[0], "required": ["a"]}, branches[1]]}, a=choice("x", "y"))


# Dead ends


@pytest.mark.parametrize(
    "whole",
    [
        {"type": "object", "properties": {"a": TEXT}, "required": ["ghost"]},
        schema(g={**group(a=TEXT), "required": ["ghost"]}),
        schema(r={"type": "array", "items": {**group(a=TEXT), "required": ["ghost"]}}),
        schema({"if": {"required": ["a"]}, "then": {"required": ["ghost"]}}, a=TEXT),
        schema({"dependentRequired": {"a": ["ghost"]}}, a=TEXT),
        schema({"anyOf": [{"required": ["ghost"]}, {"required": ["a"]}]}, a=TEXT),
        schema({"oneOf": [{"required": ["ghost"]}, {"required": ["spectre"]}]}, a=TEXT),
        schema({"anyOf": [{"required": ["ghost"], "title": "x", "not": {"const": "y"}}, {"required": ["a"]}]}, a=TEXT),
        schema({"if": {"required": ["a"]}, "then": {"properties": {"ghost": TEXT}}}, a=TEXT, required=["ghost"]),
        schema(
            {"if": {"required": ["a"]}, "then": {"properties": {"ghost": TEXT}}, "else": {"required": ["ghost"]}},
            a=TEXT,
        ),
        schema({"properties": {"a": {"required": ["ghost"], **TEXT}}}),
    ],
)
def test_a_required_name_that_is_declared_nowhere_is_refused(whole: Schema) -> None:
    """Its error would stand at a question that nobody sees."""
    assert "ghost" in refused(whole)


def test_what_an_enclosing_place_declares_may_be_required() -> None:
    form(when("a", FLAG, required=["b"]), a=FLAG, b=TEXT)
    form({"allOf": [when("a", FLAG, required=["b"])]}, a=FLAG, b=TEXT)
    form(when("a", FLAG, properties={"g": {"required": ["c"]}}), a=FLAG, g=group(c=TEXT))
    form(when("a", FLAG, properties={"r": {"items": {"required": ["c"]}}}), a=FLAG, r=rows(c=TEXT))
    form({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, a=TEXT, b=TEXT)


# One kind at one place

EXCLUSIVE = ({"const": True}, {"const": False})
KINDS_APART: list[tuple[Schema, Schema]] = [
    (TEXT, {"type": "integer"}),
    (TEXT, DAY),
    (TEXT, FLAG),
    (TEXT, choice("x", "y")),
    (TEXT, group(c=TEXT)),
    (TEXT, {"type": "string", "format": "phone"}),
    ({"type": "integer"}, {"type": "integer", **choice(1, 2)}),
    ({"type": "integer", **choice(1, 2)}, choice("1", "2")),
    (choice("x", "y"), boxes("x", "y")),
    (choice("x", "y"), FLAG),
    (group(c=TEXT), rows(c=TEXT)),
    (rows(c=TEXT), boxes("x", "y")),
    ({**group(c=TEXT), "x-kind": "address"}, {**group(c=TEXT), "x-kind": "account"}),
    ({"type": "number"}, {"type": "integer"}),
]


@pytest.mark.parametrize(("one", "other"), KINDS_APART)
def test_a_name_has_one_kind_whichever_branch_is_open(one: Schema, other: Schema) -> None:
    """A page is read by what may be asked there: had a name two kinds, one of them would be misread."""
    first, second = (
        when("a", test, properties={"b": said}) for test, said in zip(EXCLUSIVE, (one, other), strict=True)
    )
    assert "種類" in faults(first, second, a=FLAG)
    assert "種類" in faults(second, first, a=FLAG)
    assert "種類" in faults(when("a", FLAG, properties={"b": other}), a=FLAG, b=one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXT, {"type": "string", "maxLength": 5, "title": "短く"}),
        ({"type": "string", "maxLength": 1000}, {"type": "string", "maxLength": 5}),
        (choice("x", "y"), choice("y", "z", title="別")),
        (choice("x", "y"), choice(*"abcdefgh")),
        (FLAG, {"type": "boolean", "const": True}),
        (boxes("x", "y"), boxes("y", "z")),
        (DAY, {**DAY, "x-date": {"min": "today"}}),
        ({**group(c=TEXT), "x-kind": "address"}, group(d=TEXT)),
        (rows(c=TEXT), rows(d=TEXT)),
    ],
)
def test_branches_may_differ_in_words_and_limits(one: Schema, other: Schema) -> None:
    first, second = (
        when("a", test, properties={"b": said}) for test, said in zip(EXCLUSIVE, (one, other), strict=True)
    )
    form(first, second, a=FLAG)
    form(when("a", FLAG, properties={"b": other}), a=FLAG, b=one)


# Dates


@pytest.mark.parametrize("bound", ["tomorrow", "P", "P1H", "2024-13-01", "2024-W01-1", "", "91", "today+1", "-"])
def test_a_bound_that_cannot_be_read_is_refused(bound: str) -> None:
    assert "x-date" in faults(a={**DAY, "x-date": {"min": bound}})


@pytest.mark.parametrize("rule", [{}, {"min": 5}, {"least": "today"}, {"min": None}, "today"])
def test_bounds_have_a_shape(rule: Any) -> None:
    refused(schema(a={**DAY, "x-date": rule}))


def test_a_bound_is_another_date() -> None:
    form(a=DAY, b={**DAY, "x-date": {"min": "/a"}})
    assert "/ghost" in faults(a={**DAY, "x-date": {"min": "/ghost"}})
    assert "/t" in faults(a={**DAY, "x-date": {"min": "/t"}}, t=TEXT)
    assert "/g" in faults(a={**DAY, "x-date": {"min": "/g"}}, g=group(c=DAY))


def test_a_bound_that_only_a_branch_states_is_looked_at_too() -> None:
    assert "/ghost" in faults(when("t", TEXT, properties={"a": {"x-date": {"max": "/ghost"}}}), a=DAY, t=TEXT)


def test_a_bound_in_rows_is_in_the_same_row_or_outside() -> None:
    form(day_=DAY, r=rows(a=DAY, b={**DAY, "x-date": {"min": "/r/*/a", "max": "/day_"}}))
    assert "どの行か" in faults(r=rows(a=DAY), b={**DAY, "x-date": {"min": "/r/*/a"}})
    assert "どの行か" in faults(r=rows(a=DAY), s=rows(b={**DAY, "x-date": {"min": "/r/*/a"}}))


@pytest.mark.parametrize("question", [TEXT, NUMBER, {"type": "string", "format": "year-month"}, choice("x", "y")])
def test_only_dates_have_bounds_of_dates_and_ages(question: Schema) -> None:
    assert "x-date" in faults(a={**question, "x-date": {"min": "today"}})
    assert "x-age" in faults(a={**question, "x-age": {"min": 18}})


def test_a_shared_birthdate_may_be_bounded_where_it_is_used() -> None:
    born = {"$ref": "#/$defs/born", "x-date": {"max": "-P18Y"}}
    compile_form(schema(a=born, defs={"born": {**DAY, "x-date": {"max": "today"}}}))


# Defaults


@pytest.mark.parametrize(
    "question",
    [
        {**NUMBER, "default": 101},
        {**NUMBER, "default": "1"},
        {**NUMBER, "default": True},
        {**TEXT, "maxLength": 2, "default": "abc"},
        {**TEXT, "pattern": "^a$", "default": "b"},
        {**DAY, "default": "today"},
        choice("x", "y", default="z"),
        {**FLAG, "default": 1},
        {**FLAG, "not": {"const": True}, "default": True},
        boxes("x", default="x"),
        {**group(b=TEXT), "default": "x"},
        {**rows(b=TEXT), "default": "x"},
        {**rows(b={"$ref": "#/$defs/d"}), "default": "x"},
    ],
)
def test_a_default_that_is_no_answer_is_refused(question: Schema) -> None:
    assert "default" in refused(schema(a=question, defs={"d": TEXT}))


@pytest.mark.parametrize(
    "question",
    [
        {**NUMBER, "default": 1},
        choice("x", "y", default="y"),
        {**FLAG, "default": False},
        {**DAY, "default": "2024-04-01"},
        {**DAY, "x-age": {"min": 18}, "default": "2000-01-01"},
    ],
)
def test_a_default_that_is_an_answer_is_taken(question: Schema) -> None:
    form(a=question)


# Attachments and layout


@pytest.mark.parametrize("each", ["/ghost", "/a", "/g", "/r/*/b", "/boxes"])
def test_a_file_for_each_row_needs_rows(each: str) -> None:
    questions = {"a": TEXT, "g": group(c=TEXT), "r": rows(b=TEXT), "boxes": boxes("x")}
    assert "/attachments/0/each" in faults(files=[{"key": "f", "title": "書類", "each": each}], **questions)


def test_a_condition_of_a_file_for_each_row_is_read_in_the_row() -> None:
    files = [{"key": "f", "title": "書類", "each": "/r", "required_if": {"required": ["b"]}}]
    form(a=TEXT, r=rows(b=TEXT), files=files)
    files[0]["required_if"] = {"required": ["a"]}
    assert "/r/*/a" in faults(a=TEXT, r=rows(b=TEXT), files=files)


@pytest.mark.parametrize(
    "condition", [{"ghostly": 1}, {"properties": {"a": True}}, {"$ref": "#/$defs/x"}, {"properties": []}]
)
def test_a_condition_of_a_file_that_is_no_condition_is_refused_at_its_place(condition: Any) -> None:
    assert "/attachments/0/required_if" in faults(
        a=TEXT, files=[{"key": "f", "title": "書類", "required_if": condition}]
    )


def test_words_for_a_question_that_is_not_there_are_refused() -> None:
    assert "/ui/fields/~1ghost" in faults(a=TEXT, ui={"fields": {"/ghost": {"hint": "?"}}})
    form(a=TEXT, r=rows(b=TEXT), ui={"fields": {"/a": {"hint": "?"}, "/r/*/b": {"hint": "?"}}})


def test_a_widget_that_the_kind_does_not_have_is_refused() -> None:
    assert "/ui/fields/~1a/widget" in faults(a=TEXT, ui={"fields": {"/a": {"widget": "date"}}})
    form(a=TEXT, ui={"fields": {"/a": {"widget": "textarea"}}})


# The dialect itself


def test_at_most_ten_keywords_are_ours() -> None:
    assert len([word for word in KEYWORDS if word.startswith("x-")]) <= 10


def test_the_dialect_can_be_served_to_editors() -> None:
    assert json.loads(json.dumps(META)) == META


def test_every_fault_says_where_it_is_and_what_is_allowed() -> None:
    told = faults(
        {"if": {"properties": {"a": {"const": "x"}}}, "then": {}},
        a={**TEXT, "pattern": "x", "x-date": {"min": "?"}},
        year=TEXT,
    )
    for place in (
        "/schema/allOf/0/if/properties/a",
        "/schema/properties/a/pattern",
        "/schema/properties/a/x-date/min",
        "/schema/properties/year",
    ):
        assert place in told
