"""From a schema to questions: what several places say of one question, the order, and forms that are bombs."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from typing import Any

import pytest

from forms_schema import Schema, compile_form
from forms_schema.plan import condition, read_by
from tests.forms_schema.asking import (
    DAY,
    FLAG,
    NUMBER,
    TEXT,
    TODAY,
    asked,
    boxes,
    choice,
    codes,
    form,
    group,
    nested,
    offered,
    question,
    refused,
    schema,
    when,
)

# The order of questions


def test_questions_come_in_the_order_of_the_file() -> None:
    assert asked(form(b=TEXT, a=TEXT, c=group(z=TEXT, y=TEXT)), {}) == ["/b", "/a", "/c", "/c/z", "/c/y"]


def test_a_conditional_question_follows_the_question_that_brings_it() -> None:
    made = form(when("a", {"const": "x"}, properties={"c": TEXT}), a=choice("x", "y"), b=TEXT)
    assert asked(made, {"a": "x"}) == ["/a", "/c", "/b"]


def test_questions_brought_by_the_same_answer_stay_together_in_the_order_of_the_file() -> None:
    made = form(
        when("a", {"const": "x"}, properties={"c": choice("x", "y"), "d": TEXT}),
        when("c", {"const": "x"}, properties={"e": TEXT}),
        when("a", {"const": "x"}, properties={"f": TEXT}),
        a=choice("x", "y"),
        b=TEXT,
    )
    assert asked(made, {"a": "x", "c": "x"}) == ["/a", "/c", "/e", "/d", "/f", "/b"]


def test_a_question_brought_by_two_answers_follows_the_later_one() -> None:
    both = {"a": {"const": "x"}, "b": {"const": "x"}}
    brought = {"if": {"properties": both, "required": ["a", "b"]}, "then": {"properties": {"d": TEXT}}}
    made = form(brought, a=choice("x", "y"), b=choice("x", "y"), c=TEXT)
    assert asked(made, {"a": "x", "b": "x"}) == ["/a", "/b", "/d", "/c"]


def test_what_a_definition_asks_stands_where_it_is_named() -> None:
    shared = group(p=TEXT, q=TEXT)
    before = {"properties": {"g": {"$ref": "#/$defs/d", "properties": {"r": TEXT}}}, "$defs": {"d": shared}}
    after = {"properties": {"g": {"properties": {"r": TEXT}, "$ref": "#/$defs/d"}}, "$defs": {"d": shared}}
    assert asked(compile_form(before), {}) == ["/g", "/g/p", "/g/q", "/g/r"]
    assert asked(compile_form(after), {}) == ["/g", "/g/r", "/g/p", "/g/q"]


def test_the_order_is_the_same_whichever_conditions_hold() -> None:
    parts = [when("a", {"const": i}, properties={f"q{i}": TEXT}) for i in (3, 1, 2)]
    made = form(*parts, a={"type": "integer", **choice(1, 2, 3)})
    assert [name for name in made.fields if name != "/a"] == ["/q3", "/q1", "/q2"]


# Several places that speak of one question


def test_the_nearest_words_win() -> None:
    whole = schema(
        {"properties": {"a": {"title": "遠い", "description": "遠い説明"}}},
        a={"$ref": "#/$defs/d", "title": "近い"},
        defs={"d": {**TEXT, "title": "定義", "description": "定義の説明"}},
    )
    field = compile_form(whole).fields["/a"]
    assert (field.title, field.hint) == ("近い", "定義の説明")


def test_words_of_the_layout_win_over_all_others() -> None:
    made = form(a={**TEXT, "title": "甲", "description": "乙"}, ui={"fields": {"/a": {"title": "丙", "hint": "丁"}}})
    assert (made.fields["/a"].title, made.fields["/a"].hint) == ("丙", "丁")


def test_a_question_without_words_is_called_by_its_name() -> None:
    assert form(copies=NUMBER).fields["/copies"].title == "copies"


def test_limits_intersect() -> None:
    said: list[Schema] = [
        {"type": "integer", "minimum": 5, "maximum": 60},
        {"type": "integer", "minimum": 1, "maximum": 25},
        {"maximum": 40, "minimum": 10},
    ]
    for first, second, third in itertools.permutations(said):
        made = form({"properties": {"a": second}}, {"properties": {"a": third}}, a=first)
        rules = question(made, {}, "/a").field.schema
        assert (rules["minimum"], rules["maximum"]) == (10, 25)
        assert codes(made, {"a": 26}) == {"/a": "maximum"}
        assert codes(made, {"a": 25}) == {}


def test_choices_intersect_and_keep_their_titles() -> None:
    made = form({"properties": {"a": {"enum": ["z", "y"]}}}, a=choice("x", "y", "z"))
    assert [(o.value, o.title) for o in question(made, {}, "/a").field.options] == [("y", "「y」"), ("z", "「z」")]


@pytest.mark.parametrize(
    ("base", "more", "left"),
    [
        (choice("x", "y", "z"), {"enum": ["z", "x", "w"]}, ["x", "z"]),
        (choice("x", "y", "z"), {"const": "y"}, ["y"]),
        (choice("x", "y", "z"), {"not": {"const": "y"}}, ["x", "z"]),
        (choice("x", "y", "z"), {"not": {"enum": ["x", "y"]}}, ["z"]),
        (choice("x", "y", "z"), choice("y", "q"), ["y"]),
        (choice("x", "yy", "zzz"), {"maxLength": 2}, ["x", "yy"]),
        (choice("x", "y", "z"), {"pattern": "^[xz]$"}, ["x", "z"]),
        ({"type": "string", "enum": ["x", "y"]}, {"enum": ["y"]}, ["y"]),
        ({"type": "integer", **choice(1, 2, 3)}, {"maximum": 2}, ["1", "2"]),
        ({"type": "integer", **choice(1, 2, 3)}, {"exclusiveMinimum": 1}, ["2", "3"]),
        (boxes("x", "y", "z"), {"items": {"enum": ["y", "x"]}}, ["x", "y"]),
        (boxes("x", "y", "z"), {"items": choice("z")}, ["z"]),
        ({"type": "integer", **choice(1, 2, 3)}, {"enum": [True, 3]}, ["3"]),
        (FLAG, {"const": True}, ["true"]),
        (FLAG, {"not": {"const": True}}, ["false"]),
        (FLAG, {"enum": [True, False]}, ["true", "false"]),
    ],
)
def test_only_what_will_be_accepted_is_offered(base: Schema, more: Schema, left: list[str]) -> None:
    always = form({"properties": {"a": more}}, a=base)
    assert offered(always, {}, "/a") == left
    sometimes = form(when("b", {"const": True}, properties={"a": more}), a=base, b=FLAG)
    assert offered(sometimes, {"b": True}, "/a") == left
    assert offered(sometimes, {"b": False}, "/a") == offered(form(a=base), {}, "/a")


def test_a_question_of_exclusive_branches_is_read_with_the_choices_of_both() -> None:
    made = form(
        when("a", {"const": True}, properties={"b": choice("s", "m")}),
        when("a", {"const": False}, properties={"b": choice("l", "xl", title="大きい服")}),
        a=FLAG,
    )
    assert [option.value for option in made.fields["/b"].options] == ["s", "m", "l", "xl"]
    assert offered(made, {"a": True}, "/b") == ["s", "m"]
    assert offered(made, {"a": False}, "/b") == ["l", "xl"]
    assert question(made, {"a": False}, "/b").field.title == "大きい服"
    assert codes(made, {"a": True, "b": "l"}) == {"/b": "enum"}


def test_a_question_keeps_its_kind_while_it_is_narrowed() -> None:
    """The page that showed it is read again when the narrowing has gone."""
    many = choice(*"abcdefgh")
    made = form(
        when(
            "f",
            {"const": True},
            properties={"pick": {"enum": ["a", "b"]}, "words": {"maxLength": 10}, "sure": {"const": True}},
        ),
        f=FLAG,
        pick=many,
        words={"type": "string", "maxLength": 1000},
        sure=FLAG,
    )
    for answers in ({}, {"f": True}):
        kinds = {name: question(made, answers, f"/{name}").field.kind.name for name in ("pick", "words", "sure")}
        assert kinds == {"pick": "select", "words": "textarea", "sure": "yes_no"}


def test_a_shared_definition_is_not_changed_by_who_narrows_it() -> None:
    whole = schema(
        one={"$ref": "#/$defs/d", "properties": {"n": {"maximum": 3}}, "required": ["n"]},
        two={"$ref": "#/$defs/d"},
        defs={"d": group(n=NUMBER)},
    )
    made = compile_form(whole)
    assert codes(made, {"one": {"n": 4}, "two": {"n": 4}}) == {"/one/n": "maximum"}
    assert codes(made, {"one": {}, "two": {}}) == {"/one/n": "required"}


def test_bounds_of_dates_add_up() -> None:
    whole = schema(
        a={"$ref": "#/$defs/born", "x-date": {"max": "-P18Y", "min": "1950-01-01"}},
        defs={"born": {**DAY, "x-date": {"max": "today", "min": "1900-01-01"}}},
    )
    made = compile_form(whole)
    assert codes(made, {"a": "2020-01-01"}) == {"/a": "dateMax"}
    assert codes(made, {"a": "1949-12-31"}) == {"/a": "dateMin"}
    assert codes(made, {"a": "1980-01-01"}) == {}
    other = schema(
        a={"$ref": "#/$defs/born", "x-date": {"max": "today"}}, defs={"born": {**DAY, "x-date": {"max": "-P18Y"}}}
    )
    assert codes(compile_form(other), {"a": "2020-01-01"}) == {"/a": "dateMax"}


def test_only_the_answers_that_are_read_make_a_page_live() -> None:
    files = [{"key": "f", "title": "書類", "required_if": {"properties": {"c": {"const": "x"}}, "required": ["c"]}}]
    made = form(
        when("a", {"const": True}, properties={"z": TEXT}),
        {"if": {"properties": {"g": {"required": ["d"]}}, "required": ["g"]}, "then": {"properties": {"y": TEXT}}},
        a=FLAG,
        b=FLAG,
        c=choice("x", "y"),
        g=group(d=TEXT, e=TEXT),
        files=files,
    )
    assert {pointer for pointer, field in made.fields.items() if field.live} == {"/a", "/c", "/g/d"}


# What a condition reads


@pytest.mark.parametrize(
    ("test", "pointers"),
    [
        ({"properties": {"a": {"const": 1}}, "required": ["a"]}, ["/a"]),
        ({"required": ["a", "b"]}, ["/a", "/b"]),
        ({"properties": {"g": {"properties": {"a": {}}, "required": ["a"]}}, "required": ["g"]}, ["/g/a"]),
        ({"properties": {"r": {"contains": {"required": ["a"]}}}, "required": ["r"]}, ["/r/*/a"]),
        ({"properties": {"r": {"contains": {"const": "x"}}}, "required": ["r"]}, ["/r"]),
        ({"allOf": [{"required": ["a"]}], "anyOf": [{"required": ["b"]}, {"required": ["c"]}]}, ["/a", "/b", "/c"]),
        ({"properties": {"a": {"not": {"const": 1}}}, "required": ["a"]}, ["/a"]),
        ({}, []),
    ],
)
def test_a_condition_says_what_it_reads(test: Schema, pointers: list[str]) -> None:
    assert list(read_by(test)) == pointers


@pytest.mark.parametrize("nonsense", ["\ud800", nested(2000, lambda inner: [inner], "x"), None, 10**300])
def test_a_condition_on_nonsense_does_not_hold(nonsense: Any) -> None:
    test = condition({"properties": {"a": {"pattern": "^x$", "type": "string"}}, "required": ["a"]})
    assert not test({"a": nonsense})
    assert test({"a": "x"})


def test_any_of_conditions_does_not_hold_before_it_is_answered() -> None:
    """Told apart by one answer, as branches are; but a condition is no choice of branches."""
    either = {"anyOf": [{"properties": {"a": {"const": value}}, "required": ["a"]} for value in ("x", "y")]}
    test = condition(either)
    assert [test(answers) for answers in ({}, {"a": "x"}, {"a": "y"}, {"a": "z"})] == [False, True, True, False]


# Bombs: counted, never timed


def definitions(count: int, make: Any, last: Schema) -> dict[str, Schema]:
    """Definitions each of which uses the next, some number of times."""
    return {**{f"d{i}": make({"$ref": f"#/$defs/d{i + 1}"}) for i in range(count)}, f"d{count}": last}


WIDE = group(**{f"x{i}": TEXT for i in range(250)})
DEFS = {
    "twice, all": definitions(14, lambda ref: {"allOf": [ref, ref]}, group(x=TEXT)),
    "twice, below": definitions(5, lambda ref: group(a=ref, b=ref, c=ref, d=ref), TEXT),
    "hundredfold": definitions(5, lambda ref: group(**{f"x{i}": ref for i in range(100)}), TEXT),
    "twice, asked": definitions(
        14,
        lambda ref: {"properties": {"q": FLAG}, "allOf": [{"if": {"required": ["q"]}, "then": ref}] * 2},
        {"properties": {"r": TEXT}},
    ),
    "thirtyfold, asked": definitions(
        3,
        lambda ref: {"properties": {"q": FLAG}, "allOf": [{"if": {"required": ["q"]}, "then": ref}] * 30},
        {"properties": {"r": TEXT}},
    ),
    "deepest": definitions(16, lambda ref: ref, TEXT),
    "longest": definitions(1000, lambda ref: ref, TEXT),
}
HUGE_PATTERN: Any = {"type": "string", "pattern": "^(([a-zァ-ヴ]{1,20}|x){1,30}){1,30}$"}
BOMBS: dict[str, Schema] = {
    "properties": schema(a=nested(13, lambda inner: group(a=inner), TEXT)),
    "allOf": schema(a=nested(13, lambda inner: {"allOf": [inner]}, TEXT)),
    "then": nested(13, lambda inner: {"properties": {"a": TEXT}, "if": {"required": ["a"]}, "then": inner}, TEXT),
    "nesting": schema(a=nested(5000, lambda inner: {"allOf": [inner]}, TEXT)),
    "condition": schema(
        {"if": {"properties": {"a": nested(5000, lambda inner: {"not": inner}, TEXT)}, "required": ["a"]}, "then": {}},
        a=TEXT,
    ),
    "2^14 parts": schema(*[{"allOf": [{"properties": {"a": TEXT}}] * 8}] * 2000),
    "many branches": schema(
        {"oneOf": [{"properties": {"k": {"const": f"v{i}"}, "a": TEXT}, "required": ["k"]} for i in range(2000)]}
    ),
    "many conditions": schema(
        *[when("f", FLAG, properties={"a": {"maxLength": i}}) for i in range(2000)], a=TEXT, f=FLAG
    ),
    "many questions": schema(*[{"properties": {f"q{part}_{i}": TEXT for i in range(50)}} for part in range(7)]),
    "one name, many copies": schema(*[{"properties": {"g": {"$ref": "#/$defs/d"}}}] * 400, defs={"d": WIDE}),
    "huge choices": schema(a={"enum": [f"v{i}" for i in range(50_000)]}),
    "huge pattern": schema(a={"type": "string", "pattern": "^(([一-龠]{1,50}){1,50}){1,3}$"}),
    "many huge patterns": schema(**dict.fromkeys([f"q{i}" for i in range(50)], HUGE_PATTERN)),
    **{f"definitions, {name}": schema(a={"$ref": "#/$defs/d0"}, defs=defs) for name, defs in DEFS.items()},
    # the last one first: each definition is known already when the one before it is read
    **{
        f"definitions backwards, {name}": schema(
            *[{"properties": {f"z{key}": {"$ref": f"#/$defs/{key}"}}} for key in reversed(list(defs))], defs=defs
        )
        for name, defs in DEFS.items()
    },
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str) -> None:
    assert refused(BOMBS[name])


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_takes_much_memory(name: str) -> None:
    tracemalloc.start()
    refused(BOMBS[name])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * 2**20


WORDY: Any = {**TEXT, "title": "あ" * 285}
MANY: Any = {"enum": [f"v{i}" for i in range(2000)]}
LARGE: dict[str, Schema] = {
    "300 questions": schema(**{f"q{i}": TEXT for i in range(300)}),
    "2000 choices, ten times": schema(**dict.fromkeys([f"q{i}" for i in range(10)], MANY)),
    "200 branches": schema(
        {"oneOf": [{"properties": {"k": {"const": f"v{i}"}, "a": TEXT}, "required": ["k"]} for i in range(200)]}
    ),
    "chain of 200": schema(*[when(f"q{i}", FLAG, properties={f"q{i + 1}": FLAG}) for i in range(200)], q0=FLAG),
    "256 KiB of words": schema(**dict.fromkeys([f"q{i}" for i in range(290)], WORDY)),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_form_is_still_a_form(name: str) -> None:
    assert len(json.dumps(LARGE[name], ensure_ascii=False).encode()) <= 256 * 1024
    made = compile_form(LARGE[name])
    assert asked(made, {})


def test_a_chain_of_questions_is_as_long_as_it_is() -> None:
    for length in (1, 4, 50):
        made = form(*[when(f"q{i}", {"const": True}, properties={f"q{i + 1}": FLAG}) for i in range(length)], q0=FLAG)
        assert made.rounds == length
        assert len(asked(made, {f"q{i}": True for i in range(length)})) == length + 1


def test_many_branches_over_one_name_do_not_fill_the_memory() -> None:
    """12 answers open 2^12 sets of parts; each was compiled and kept for ever, once."""
    names = [f"f{i}" for i in range(12)]
    parts = [when(name, {"const": True}, properties={"x": {"maxLength": 100 - i}}) for i, name in enumerate(names)]
    made = form(*parts, x=TEXT, **dict.fromkeys(names, FLAG))
    sets = list(itertools.product((True, False), repeat=len(names)))

    tracemalloc.start()
    for answers in sets:
        expected = min([100 - i for i, yes in enumerate(answers) if yes], default=None)
        rules = made.settle(dict(zip(names, answers, strict=True)), TODAY).by_pointer["/x"].field.schema
        assert rules.get("maxLength") == expected
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 4 * 2**20
