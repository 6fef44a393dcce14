"""What is asked, what is kept and what is left out, rule by rule and corner by corner."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from forms_schema import Schema, compile_form
from forms_schema.form import fit
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
    left_out,
    nested,
    question,
    rows,
    schema,
    settled,
    when,
)

ANIMAL = form(
    when("animal", {"const": "cat"}, properties={"food": choice("meat", "grass")}, required=["food"]),
    when(
        "animal",
        {"const": "fish"},
        properties={"food": choice("insect", "worms"), "water": choice("lake", "sea")},
        required=["food", "water"],
    ),
    animal=choice("cat", "fish"),
    required=["animal"],
)
"""react-jsonschema-form's sample `ifThenElse`, with its conditions closed."""


# Conditions


def test_nothing_hangs_on_a_question_before_it_is_answered() -> None:
    assert asked(ANIMAL, {}) == ["/animal"]


def test_an_answer_opens_its_own_branch_and_closes_the_other() -> None:
    assert asked(ANIMAL, {"animal": "cat"}) == ["/animal", "/food"]
    assert asked(ANIMAL, {"animal": "fish"}) == ["/animal", "/food", "/water"]
    assert question(ANIMAL, {"animal": "cat"}, "/food").field.options[0].value == "meat"
    assert question(ANIMAL, {"animal": "fish"}, "/food").field.options[0].value == "insect"


def test_else_is_asked_until_the_condition_holds() -> None:
    made = form(
        {**when("a", {"const": "x"}, properties={"b": TEXT}), "else": {"properties": {"c": TEXT}}}, a=choice("x", "y")
    )
    assert asked(made, {}) == ["/a", "/c"]
    assert asked(made, {"a": "y"}) == ["/a", "/c"]
    assert asked(made, {"a": "x"}) == ["/a", "/b"]


def test_required_alone_neither_shows_nor_hides() -> None:
    made = form(when("a", {"const": True}, required=["b"]), a=FLAG, b=TEXT)
    assert asked(made, {"a": True}) == asked(made, {"a": False}) == ["/a", "/b"]
    assert question(made, {"a": True}, "/b").required
    assert not question(made, {"a": False}, "/b").required


CHAIN = form(*(when(f"q{i}", {"const": True}, properties={f"q{i + 1}": FLAG}) for i in range(4)), q0=FLAG)


def test_a_question_may_hang_on_one_that_hangs_on_another() -> None:
    for length in range(5):
        answers: dict[str, Any] = {f"q{i}": True for i in range(length)}
        assert asked(CHAIN, answers) == [f"/q{i}" for i in range(length + 1)]


def test_an_answer_whose_question_is_hidden_opens_nothing() -> None:
    answers = {"q0": False, "q1": True, "q2": True, "q3": True, "q4": True}
    assert asked(CHAIN, answers) == ["/q0", "/q1"][:1]
    assert settled(CHAIN, answers).kept == {"q0": False}
    assert left_out(CHAIN, answers) == {"/q1": True, "/q2": True, "/q3": True, "/q4": True}


def test_conditions_nest() -> None:
    inner = when("b", {"const": True}, properties={"c": TEXT})
    made = form(when("a", {"const": True}, properties={"b": FLAG}, allOf=[inner]), a=FLAG)
    assert asked(made, {"a": True, "b": True}) == ["/a", "/b", "/c"]
    assert asked(made, {"a": False, "b": True}) == ["/a"]


@pytest.mark.parametrize(
    ("test", "yes", "no"),
    [
        ({"const": "x"}, ["x"], ["y", "", None]),
        ({"enum": ["x", "y"]}, ["x", "y"], ["z", None]),
        ({"not": {"const": "x"}}, ["y"], ["x", "", None]),
        ({"minLength": 2}, ["ab"], ["a", None]),
        ({"pattern": "^[0-9]$"}, ["1"], ["a", None]),
    ],
)
def test_a_condition_on_text(test: Schema, yes: list[Any], no: list[Any]) -> None:
    made = form(when("a", test, properties={"b": TEXT}), a=TEXT)
    for value in yes:
        assert asked(made, {"a": value}) == ["/a", "/b"]
    for value in no:
        assert asked(made, {"a": value}) == ["/a"]


def test_a_condition_on_numbers_knows_that_yes_is_not_one() -> None:
    made = form(when("a", {"const": 1}, properties={"b": TEXT}), a=NUMBER)
    assert asked(made, {"a": 1}) == asked(made, {"a": 1.0}) == ["/a", "/b"]
    assert asked(made, {"a": True}) == asked(made, {"a": 2}) == ["/a"]
    truth = form(when("a", {"const": True}, properties={"b": TEXT}), a=FLAG)
    assert asked(truth, {"a": True}) == ["/a", "/b"]
    assert asked(truth, {"a": 1}) == ["/a"]


def test_a_branch_knows_that_yes_is_not_one() -> None:
    branches = [
        {"properties": {"a": {"const": value}, f"b{i}": TEXT}, "required": ["a"]} for i, value in enumerate((1, 2))
    ]
    made = form({"oneOf": branches}, a={"type": "integer", **choice(1, 2)})
    assert asked(made, {"a": 1}) == asked(made, {"a": 1.0}) == ["/a", "/b0"]
    assert asked(made, {"a": True}) == ["/a"]
    assert codes(made, {"a": 1.0}) == {}


def test_limits_in_a_condition() -> None:
    made = form(when("a", {"minimum": 10, "exclusiveMaximum": 20}, properties={"b": TEXT}), a=NUMBER)
    assert [len(asked(made, {"a": a})) for a in (9, 10, 19, 20)] == [1, 2, 2, 1]


def test_a_ticked_box_is_a_condition() -> None:
    made = form(
        when("a", {"contains": {"const": "x"}}, properties={"b": TEXT}),
        when("a", {"minItems": 2}, properties={"c": TEXT}),
        when("a", {"not": {"contains": {"const": "y"}}}, properties={"d": TEXT}),
        a=boxes("x", "y", "z"),
    )
    assert asked(made, {}) == asked(made, {"a": []}) == ["/a"]
    assert asked(made, {"a": ["x"]}) == ["/a", "/b", "/d"]
    assert asked(made, {"a": ["z", "y", "x"]}) == ["/a", "/b", "/c"]


def test_presence_asks() -> None:
    made = form(
        {"dependentSchemas": {"a": {"properties": {"b": TEXT}, "required": ["b"]}}},
        {"dependentRequired": {"a": ["c"]}},
        a=TEXT,
        c=TEXT,
    )
    assert asked(made, {}) == ["/a", "/c"]
    assert codes(made, {}) == {}
    assert asked(made, {"a": "x"}) == ["/a", "/b", "/c"]
    assert codes(made, {"a": "x"}) == {"/b": "required", "/c": "required"}


@pytest.mark.parametrize("nothing", [None, "", " ", "　\n", []])
def test_what_is_no_answer_is_not_present(nothing: Any) -> None:
    made = form({"dependentSchemas": {"a": {"properties": {"b": TEXT}}}}, a=TEXT)
    assert asked(made, {"a": nothing}) == ["/a"]


def test_several_conditions_may_have_to_hold() -> None:
    both = {"properties": {"a": {"const": True}, "b": {"const": True}}, "required": ["a", "b"]}
    either = {"anyOf": [when("a", {"const": True})["if"], when("b", {"const": True})["if"]]}
    made = form(
        {"if": both, "then": {"properties": {"c": TEXT}}},
        {"if": either, "then": {"properties": {"d": TEXT}}},
        a=FLAG,
        b=FLAG,
    )
    assert asked(made, {"a": True}) == ["/a", "/b", "/d"]
    assert asked(made, {"a": True, "b": True}) == ["/a", "/b", "/c", "/d"]
    assert asked(made, {}) == ["/a", "/b"]


def test_a_condition_reads_inside_a_group() -> None:
    test = {"properties": {"g": {"properties": {"a": {"const": "x"}}, "required": ["a"]}}, "required": ["g"]}
    made = form({"if": test, "then": {"properties": {"b": TEXT}}}, g=group(a=TEXT))
    assert asked(made, {"g": {"a": "x"}}) == ["/g", "/g/a", "/b"]
    assert asked(made, {"g": {}}) == asked(made, {}) == ["/g", "/g/a"]


def test_a_group_has_conditions_of_its_own_through_a_definition() -> None:
    person = {
        **group(visa=FLAG),
        "allOf": [when("visa", {"const": True}, properties={"until": DAY}, required=["until"])],
    }
    made = compile_form(schema(one={"$ref": "#/$defs/p"}, two={"$ref": "#/$defs/p"}, defs={"p": person}))
    answers = {"one": {"visa": True}, "two": {"visa": False, "until": "2027-01-01"}}
    assert asked(made, answers) == ["/one", "/one/visa", "/one/until", "/two", "/two/visa"]
    assert settled(made, answers).kept == {"one": {"visa": True}, "two": {"visa": False}}
    assert left_out(made, answers) == {"/two/until": "2027-01-01"}


# Branches


@pytest.mark.parametrize("key", ["oneOf", "anyOf"])
@pytest.mark.parametrize("declared", [True, False])
def test_the_branch_is_asked_that_the_answer_picks(key: str, declared: bool) -> None:
    branches = [
        {"properties": {"pay": {"const": "card"}, "number": TEXT}, "required": ["pay", "number"]},
        {"properties": {"pay": {"enum": ["cash", "slip"]}, "where": TEXT}, "required": ["pay"]},
    ]
    questions = {"pay": choice("card", "cash", "slip")} if declared else {}
    made = form({key: branches}, **questions)
    assert asked(made, {}) == ["/pay"]
    assert question(made, {}, "/pay").required
    assert asked(made, {"pay": "card"}) == ["/pay", "/number"]
    assert asked(made, {"pay": "slip"}) == ["/pay", "/where"]
    assert codes(made, {"pay": "card", "where": "x"}) == {"/number": "required"}
    assert codes(made, {"pay": "gold"}) == {"/pay": "enum"}
    assert codes(made, {}) == {"/pay": "required"}
    for answers in ({}, {"pay": "card"}, {"pay": "cash"}):  # all stay on offer: one may change one's mind
        assert [o.value for o in question(made, answers, "/pay").field.options] == ["card", "cash", "slip"]


def test_titles_of_branches_are_the_titles_of_the_choices() -> None:
    branches = [
        {"title": "カード", "properties": {"pay": {"const": "card"}}, "required": ["pay"]},
        {"properties": {"pay": {"const": "cash", "title": "現金"}}, "required": ["pay"]},
    ]
    assert [o.title for o in form({"oneOf": branches}).fields["/pay"].options] == ["カード", "現金"]


def test_a_yes_no_question_may_pick_the_branch() -> None:
    branches = [
        {"properties": {"a": {"const": yes}, f"b_{str(yes).lower()}": TEXT}, "required": ["a"]} for yes in (True, False)
    ]
    made = form({"oneOf": branches})
    assert [o.title for o in question(made, {}, "/a").field.options] == ["はい", "いいえ"]
    assert asked(made, {"a": False}) == ["/a", "/b_false"]


def test_a_choice_that_no_branch_stands_for_is_not_offered() -> None:
    branches = [{"properties": {"a": {"const": c}}, "required": ["a"]} for c in ("x", "y")]
    made = form({"oneOf": branches}, a=choice("x", "y", "z"))
    assert [o.value for o in question(made, {}, "/a").field.options] == ["x", "y"]
    assert codes(made, {"a": "z"}) == {"/a": "enum"}


def test_branches_stand_in_branches() -> None:
    inner = {"oneOf": [{"properties": {"b": {"const": c}, f"c_{c}": TEXT}, "required": ["b"]} for c in ("p", "q")]}
    made = form(
        {
            "oneOf": [
                {"properties": {"a": {"const": "x"}}, "required": ["a"], "allOf": [inner]},
                {"properties": {"a": {"const": "y"}}, "required": ["a"]},
            ]
        }
    )
    assert asked(made, {"a": "x", "b": "q"}) == ["/a", "/b", "/c_q"]
    assert asked(made, {"a": "y", "b": "q"}) == ["/a"]


def test_one_of_these_hides_nothing() -> None:
    made = form({"anyOf": [{"required": ["phone"]}, {"required": ["mail"]}]}, phone=TEXT, mail=TEXT)
    assert asked(made, {}) == asked(made, {"phone": "0"}) == ["/phone", "/mail"]


# Groups


def test_a_group_that_is_asked_is_answered_question_by_question() -> None:
    """A missing group would put its error where there is no box to type in."""
    made = form(g=group(a=TEXT, b=TEXT, required=["a"]), required=["g"])
    assert settled(made, {}).kept == {"g": {}}
    assert codes(made, {}) == {"/g/a": "required"}


def test_a_group_is_required_whenever_something_in_it_is() -> None:
    """Whoever may leave it out is asked before: do you have one?"""
    made = form(g=group(a=TEXT, h=group(b=TEXT, required=["b"])))
    for pointer in ("/g", "/g/h", "/g/h/b"):
        assert question(made, {}, pointer).required
    assert not question(made, {}, "/g/a").required
    assert codes(made, {}) == {"/g/h/b": "required"}


def test_a_group_in_which_all_may_be_left_blank_is_left_out_blank() -> None:
    made = form(g=group(a=TEXT, h=group(b=TEXT)))
    assert settled(made, {"g": {"a": " ", "h": {}}}).kept == {}
    assert not question(made, {}, "/g").required
    assert codes(made, {"g": {}}) == {}
    assert settled(made, {"g": {"h": {"b": "x"}}}).kept == {"g": {"h": {"b": "x"}}}


@pytest.mark.parametrize("blank", [None, "", "　", [], {}])
def test_a_blank_is_no_group_and_no_rows(blank: Any) -> None:
    made = form(g=group(a=TEXT, required=["a"]), r=rows(b=TEXT), t=TEXT)
    answers = {"g": blank, "r": blank if blank != {} else None, "t": blank if blank != {} else None}
    assert asked(made, answers) == ["/g", "/g/a", "/r", "/t"]
    assert settled(made, answers).kept == {"g": {}}


def test_a_group_behind_a_yes_no_question_is_optional() -> None:
    made = form(when("has", {"const": True}, properties={"g": group(a=TEXT, required=["a"])}), has=FLAG)
    assert codes(made, {"has": False}) == codes(made, {}) == {}
    assert codes(made, {"has": True}) == {"/g/a": "required"}


# Rows

KIDS = compile_form(
    schema(
        when(
            "school",
            {"const": True},
            properties={"kids": {"items": {"properties": {"grade": NUMBER}, "required": ["grade"]}}},
        ),
        {
            "if": {
                "properties": {"kids": {"contains": {"properties": {"ill": {"const": True}}, "required": ["ill"]}}},
                "required": ["kids"],
            },
            "then": {"properties": {"doctor": TEXT}},
        },
        school=FLAG,
        kids={
            "type": "array",
            "items": {
                **group(name=TEXT, ill=FLAG, required=["name"]),
                "allOf": [when("ill", {"const": True}, properties={"illness": TEXT}, required=["illness"])],
            },
        },
    )
)


def test_each_row_has_its_own_conditions() -> None:
    answers = {"kids": [{"name": "a", "ill": True}, {"name": "b", "ill": False, "illness": "x"}]}
    pointers = asked(KIDS, answers)
    assert "/kids/0/illness" in pointers
    assert "/kids/1/illness" not in pointers
    assert left_out(KIDS, answers) == {"/kids/1/illness": "x"}
    assert codes(KIDS, answers) == {"/kids/0/illness": "required"}


def test_an_answer_outside_asks_a_question_in_every_row() -> None:
    answers = {"school": True, "kids": [{"name": "a"}, {"name": "b", "grade": 1}]}
    assert [p for p in asked(KIDS, answers) if p.endswith("grade")] == ["/kids/0/grade", "/kids/1/grade"]
    assert codes(KIDS, answers) == {"/kids/0/grade": "required"}
    assert left_out(KIDS, {**answers, "school": False}) == {"/kids/1/grade": 1}


def test_an_answer_in_any_row_asks_a_question_outside() -> None:
    assert "/doctor" in asked(KIDS, {"kids": [{"name": "a"}, {"name": "b", "ill": True}]})
    assert "/doctor" not in asked(KIDS, {"kids": [{"name": "a", "ill": False}]})


def test_a_row_that_is_no_row_moves_no_other() -> None:
    answers = {"kids": ["not a row", {"name": "b", "ill": True, "illness": "x"}, None, {"name": "d"}]}
    result = settled(KIDS, answers)
    rows_shown = result.by_pointer["/kids"].rows
    assert len(rows_shown) == 4
    assert {q.pointer for q in rows_shown[1]} == {"/kids/1/name", "/kids/1/ill", "/kids/1/illness"}
    assert result.kept["kids"][1] == answers["kids"][1]
    assert codes(KIDS, answers) == {"/kids": "type"}


def test_no_rows_are_no_answer() -> None:
    assert settled(KIDS, {"kids": []}).kept == {}
    made = form(r={**rows(a=TEXT), "minItems": 1}, required=["r"])
    assert codes(made, {"r": []}) == {"/r": "required"}


def test_rows_that_are_shown_are_asked_though_they_are_blank() -> None:
    shown = KIDS.settle({"kids": [{"name": "a"}]}, TODAY, {"/kids": 2})
    assert len(shown.by_pointer["/kids"].rows) == 2
    assert "/kids/1/name" in shown.by_pointer
    assert shown.kept == {"kids": [{"name": "a"}]}
    assert KIDS.errors(shown) == ()


def test_no_more_rows_are_shown_than_a_page_takes() -> None:
    assert len(KIDS.settle({}, TODAY, {"/kids": 10**9}).by_pointer["/kids"].rows) == 100


def test_endless_rows_are_refused_without_being_walked() -> None:
    result = settled(KIDS, {"kids": [{"name": "a"}] * 5000})
    assert len(result.by_pointer["/kids"].rows) == 101
    assert {e.pointer: (e.code, e.params) for e in KIDS.errors(result)} == {"/kids": ("maxItems", {"limit": 100})}


# Dropped


def test_what_is_left_out_is_told_where_it_stands() -> None:
    made = form(when("a", {"const": True}, properties={"g": group(b=TEXT, c=TEXT), "d": boxes("x")}), a=FLAG)
    answers = {"a": False, "g": {"b": "x", "c": ""}, "d": ["x"], "ghost": 1}
    assert left_out(made, answers) == {"/g": {"b": "x"}, "/d": ["x"]}
    assert left_out(made, {**answers, "a": True}) == {}


@pytest.mark.parametrize("nothing", [None, "", "  ", [], {}, {"b": None}, {"b": ""}])
def test_nothing_is_not_left_out(nothing: Any) -> None:
    made = form(when("a", {"const": True}, properties={"g": group(b=TEXT)}), a=FLAG)
    assert left_out(made, {"g": nothing}) == {}


def test_of_a_group_that_is_asked_only_the_hidden_part_is_left_out() -> None:
    made = form(g={**group(a=FLAG), "allOf": [when("a", {"const": True}, properties={"b": TEXT})]})
    assert left_out(made, {"g": {"b": "x"}}) == {"/g/b": "x"}


def test_the_draft_itself_is_not_touched() -> None:
    answers = {"kids": [{"name": "a", "illness": "x"}], "school": True}
    before = copy.deepcopy(answers)
    settled(KIDS, answers)
    assert answers == before


def test_names_that_nobody_declares_are_cut_in_silence_here_and_named_for_machines() -> None:
    answers = {"ghost": 1, "kids": [{"name": "a", "ghost": 1}], "school": True}
    assert settled(KIDS, answers).kept == {"kids": [{"name": "a"}], "school": True}
    assert {e.pointer: e.code for e in KIDS.unknown(answers)} == {
        "/ghost": "UNKNOWN_FIELD",
        "/kids/0/ghost": "UNKNOWN_FIELD",
    }


def test_a_hidden_question_is_not_unknown() -> None:
    assert KIDS.unknown({"doctor": "x", "kids": [{"grade": 1, "illness": "x"}]}) == ()


def test_an_unknown_name_is_told_in_a_form_that_can_be_written() -> None:
    (error,) = form(a=TEXT).unknown({"x/y~z" + "\ud800" + "w" * 999: 1})
    assert error.pointer.startswith("/x~1y~0z\ufffd")
    assert len(error.pointer) < 70


def test_a_flood_of_unknown_names_is_cut_short() -> None:
    assert len(form(a=TEXT).unknown({f"x{i}": 1 for i in range(10_000)})) == 50


@pytest.mark.parametrize("answers", [[], "x", 7, None, [["a", 1]]])
def test_answers_that_are_no_object_are_told_so(answers: Any) -> None:
    assert [(e.pointer, e.code) for e in form(a=TEXT).unknown(answers)] == [("", "type")]


# Nulls and other visitors


def test_null_is_absent() -> None:
    made = form(a=TEXT, n=NUMBER, g=group(b=TEXT), r=rows(c=TEXT), required=["a"])
    answers = {"a": None, "n": None, "g": None, "r": None}
    assert settled(made, answers).kept == {}
    assert codes(made, answers) == {"/a": "required"}


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x", "x"),
        ("　", None),
        ("", None),
        ("\ud800", "\ufffd"),
        ("あ\udc00い", "あ\ufffdい"),
        ("𠮷", "𠮷"),
        (True, True),
        (0, 0),
        (False, False),
        (2.0, 2),
        (2.5, 2.5),
        (1e300, 1e300),
        (10**400, 2**54),
        (-(10**400), -(2**54)),
        ({}, {}),
        ({"a": 1}, {}),
        ([], None),
        (["x", [1], {"y": 2}, ""], ["x", None, None, None]),
    ],
)
def test_an_answer_is_made_fit_to_be_judged(value: Any, kept: Any) -> None:
    assert fit(value) == kept
    assert type(fit(value)) is type(kept)
    assert fit(fit(value)) == fit(value)


def test_no_number_stays_no_number() -> None:
    assert str(fit(float("nan"))) == "nan"


def test_endless_nesting_is_an_error_and_no_crash() -> None:
    deep = nested(5000, lambda inner: [inner], "x")
    wide = nested(5000, lambda inner: {"a": inner}, "x")
    made = form(
        when("t", {"const": "x"}, properties={"hidden": TEXT}),
        t=TEXT,
        g=group(b=TEXT),
        r=rows(c=TEXT),
        k=boxes("x"),
        n=NUMBER,
    )
    for nonsense in (deep, wide, [deep], {"b": deep, "c": wide}):
        answers = dict.fromkeys(("t", "g", "r", "k", "n", "hidden", "ghost"), nonsense)
        wrong = codes(made, answers)
        assert {"/t", "/k", "/n"} <= set(wrong)
        for item in settled(made, answers).dropped:
            assert len(item.field.kind.text(item.field, item.value)) < 100


def test_integers_end_where_json_does() -> None:
    made = form(n={"type": "integer"}, m={"type": "number"})
    assert codes(made, {"n": 2**53, "m": -(2**53)}) == {}
    assert codes(made, {"n": 2**53 + 1, "m": -(2**60)}) == {"/n": "maximum", "/m": "minimum"}
    assert codes(made, {"n": 1e300, "m": 1e300}) == {"/n": "maximum", "/m": "maximum"}


# Defaults


def test_a_draft_begins_with_the_defaults_of_what_is_asked() -> None:
    made = form(a={**NUMBER, "default": 1}, b=TEXT, g=group(c=choice("x", "y", default="y")))
    assert made.start(TODAY) == {"a": 1, "g": {"c": "y"}}


def test_a_default_may_ask_a_question_that_has_a_default() -> None:
    made = form(
        *(when(f"q{i}", {"const": True}, properties={f"q{i + 1}": {**FLAG, "default": True}}) for i in range(5)),
        q0={**FLAG, "default": True},
    )
    assert made.start(TODAY) == {f"q{i}": True for i in range(6)}


def test_a_default_of_a_question_that_is_not_asked_is_not_written() -> None:
    made = form(when("a", {"const": True}, properties={"b": {**NUMBER, "default": 1}}), a=FLAG)
    assert made.start(TODAY) == {}


def test_a_default_that_another_default_hides_is_not_left_over() -> None:
    """It would be listed as left out, though nobody typed it."""
    hides = {
        **when("a", {"const": True}, properties={"b": TEXT}),
        "else": {"properties": {"c": {**NUMBER, "default": 3}}},
    }
    made = form(hides, a={**FLAG, "default": True})
    assert made.start(TODAY) == {"a": True}


def test_a_default_is_no_answer_and_no_condition() -> None:
    made = form(when("a", {"const": 1}, properties={"b": TEXT}), a={**NUMBER, "default": 1}, required=["a"])
    assert asked(made, {}) == ["/a"]
    assert codes(made, {}) == {"/a": "required"}


def test_rows_begin_without_defaults() -> None:
    made = form(r={**rows(a={**NUMBER, "default": 1}), "minItems": 1})
    assert made.start(TODAY) == {}


def test_every_draft_begins_anew() -> None:
    made = form(g=group(c={**NUMBER, "default": 1}))
    made.start(TODAY)["g"]["c"] = 2
    assert made.start(TODAY) == {"g": {"c": 1}}


# Ages


@pytest.mark.parametrize(
    ("born", "today", "old"),
    [
        ("1961-11-21", "2026-11-19", False),
        ("1961-11-21", "2026-11-20", True),
        ("1961-11-20", "2026-11-20", True),
        ("1960-02-29", "2025-02-27", False),
        ("1960-02-29", "2025-02-28", True),
        ("1961-11", "2026-11-20", False),
        ("1961-11-", "2026-11-20", False),
        ("x", "2026-11-20", False),
    ],
)
def test_a_condition_on_age_counts_as_the_law_does(born: str, today: str, old: bool) -> None:
    made = form(when("born", {"x-age": {"min": 65}}, properties={"care": FLAG}), born=DAY)
    assert ("/care" in asked(made, {"born": born}, date.fromisoformat(today))) == old


def test_an_age_has_two_ends() -> None:
    made = form(when("born", {"x-age": {"min": 65, "max": 74}}, properties={"early": FLAG}), born=DAY)
    years = [1950, 1951, 1952, 1961, 1962]
    assert [f"{y}: {len(asked(made, {'born': f'{y}-06-01'}))}" for y in years] == [
        "1950: 1",
        "1951: 1",
        "1952: 2",
        "1961: 2",
        "1962: 1",
    ]


def test_a_form_tells_the_same_answers_by_the_day_it_is_given() -> None:
    made = form(when("born", {"x-age": {"min": 18}}, properties={"adult": FLAG}), born=DAY)
    days = [date(2024, 1, 1), date(2026, 1, 1)] * 50
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda day: len(asked(made, {"born": "2007-01-01"}, day)), days))
    assert found == [1, 2] * 50


def test_an_age_may_be_a_rule() -> None:
    made = form(born={**DAY, "x-age": {"min": 18}})
    assert codes(made, {"born": "2020-01-01"}) == {"/born": "age"}
    assert codes(made, {"born": "2000-01-01"}) == {}
    assert codes(made, {"born": "2000-01"}) == {"/born": "format"}


# Files

FILES = form(
    a=FLAG,
    r=rows(b=FLAG),
    g=group(s=rows(c=FLAG)),
    files=[
        {"key": "always", "title": "いつも"},
        {
            "key": "maybe",
            "title": "ときどき",
            "required_if": {"properties": {"a": {"const": True}}, "required": ["a"]},
            "max": 2,
        },
        {"key": "free", "title": "任意", "optional": True},
        {
            "key": "each",
            "title": "行ごと",
            "each": "/r",
            "required_if": {"properties": {"b": {"const": True}}, "required": ["b"]},
        },
        {"key": "deep", "title": "奥", "each": "/g/s"},
    ],
)


def file_keys(answers: dict[str, Any]) -> list[str]:
    return [asked_file.key for asked_file in settled(FILES, answers).attachments]


def test_a_file_is_asked_for_when_its_condition_holds() -> None:
    assert file_keys({}) == ["always", "free"]
    assert file_keys({"a": True}) == ["always", "maybe", "free"]


def test_a_file_is_asked_for_each_row_that_needs_one() -> None:
    assert file_keys({"r": [{"b": True}, {"b": False}, "no row", {"b": True}]}) == [
        "always",
        "free",
        "each/0",
        "each/3",
    ]
    assert file_keys({"g": {"s": ["no row", {}]}}) == ["always", "free", "deep/1"]
    assert file_keys({"g": {"s": [{"c": True}, {}]}}) == ["always", "free", "deep/0", "deep/1"]
    assert file_keys({"g": {"s": "no rows"}, "r": {"b": True}}) == ["always", "free"]


def test_an_answer_that_is_left_out_asks_for_no_file() -> None:
    made = form(
        when("a", {"const": True}, properties={"b": FLAG}),
        a=FLAG,
        files=[{"key": "f", "title": "f", "required_if": {"required": ["b"]}}],
    )
    assert [f.key for f in settled(made, {"a": True, "b": True}).attachments] == ["f"]
    assert settled(made, {"a": False, "b": True}).attachments == ()


# Conditions of others


def test_a_fee_s_condition_is_read_on_a_day() -> None:
    made = form(born=DAY)
    matches = made.matches({"properties": {"born": {"x-age": {"min": 65}}}, "required": ["born"]})
    assert matches({"born": "1961-11-20"}, date(2026, 11, 19))
    assert not matches({"born": "1961-11-20"}, date(2026, 11, 18))
    assert not matches({}, date(2026, 11, 19))


def test_a_condition_is_compiled_once() -> None:
    made, test = form(a=TEXT), {"required": ["a"]}
    assert made.matches(test) is made.matches(test)


def test_conditions_made_anew_each_time_do_not_pile_up() -> None:
    made = form(a=NUMBER)
    for i in range(1000):
        assert made.matches({"properties": {"a": {"const": i}}, "required": ["a"]})({"a": i}, TODAY)
    assert len(made._tests) <= 200


# Many at once


def test_a_form_is_shared_between_threads() -> None:
    names = [f"f{i}" for i in range(10)]
    parts = [
        when(name, {"const": True}, properties={"x": {"maxLength": 50 - i}, f"y{i}": TEXT})
        for i, name in enumerate(names)
    ]
    made = form(*parts, x=TEXT, **dict.fromkeys(names, FLAG))

    def run(number: int) -> bool:
        answers = {name: bool(number >> i & 1) for i, name in enumerate(names)}
        expected = min([50 - i for i in range(10) if number >> i & 1], default=None)
        result = made.settle(answers, TODAY).by_pointer
        return result["/x"].field.schema.get("maxLength") == expected and len(result) == 11 + number.bit_count()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(1024)))
