"""Form controls to answers: what a page posts, over the draft it was made from."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from forms_schema import Answers, Form
from forms_schema.formdata import Decoded
from tests.forms_schema.asking import DAY, FLAG, NUMBER, TEXT, TODAY, boxes, choice, form, group, rows, when

PAGES = {
    "steps": [
        {"title": "一", "fields": ["/a", "/g/b"]},
        {"title": "二", "fields": ["/g/c", "/r", "/k", "/f", "/d", "/n", "/one"]},
    ]
}
QUESTIONS: dict[str, Any] = {
    "a": TEXT,
    "g": group(b=TEXT, c=group(x=TEXT, y=TEXT)),
    "r": rows(p=TEXT, q=NUMBER, s=group(t=TEXT), k=boxes("u", "v")),
    "k": boxes("x", "y"),
    "f": FLAG,
    "d": DAY,
    "n": NUMBER,
    "one": choice("x", "y"),
}
FORM = form(**QUESTIONS)
STEPS = form(**QUESTIONS, ui=PAGES)


def read(
    posted: dict[str, str | Sequence[str]],
    draft: Answers | None = None,
    made: Form = FORM,
    step: int = 0,
    remove: str = "",
) -> Decoded:
    controls = {name: [text] if isinstance(text, str) else list(text) for name, text in posted.items()}
    return made.decode(step, controls, draft or {}, remove=remove)


def test_a_control_is_called_like_the_answer_with_dots() -> None:
    answers = read({"a": "甲", "g.b": "乙", "g.c.x": "丙", "n": "１，２３４"}).answers
    assert answers == {"a": "甲", "g": {"b": "乙", "c": {"x": "丙"}}, "n": 1234}


def test_the_last_of_a_control_that_comes_twice_counts() -> None:
    assert read({"f": ["", "true"], "k": ["", "y", "x"], "a": ["x", "y"]}).answers == {
        "f": True,
        "k": ["x", "y"],
        "a": "y",
    }


def test_a_blank_control_clears_its_answer() -> None:
    draft: Answers = {
        "a": "x",
        "g": {"b": "y", "c": {"x": "z"}},
        "f": True,
        "k": ["x"],
        "d": "2024-01-01",
        "n": 1,
        "one": "x",
    }
    blank: dict[str, str | Sequence[str]] = dict.fromkeys(
        ("a", "g.b", "g.c.x", "f", "k", "d.year", "d.month", "d.day", "n", "one"), ""
    )
    assert read(blank, draft).answers == {}


def test_a_control_that_is_not_on_the_page_leaves_the_draft_as_it_is() -> None:
    draft: Answers = {
        "a": "x",
        "g": {"b": "y", "c": {"x": "z", "y": "w"}},
        "r": [{"p": "1"}],
        "f": False,
        "k": ["x"],
        "d": "2024-01-01",
        "n": 1,
    }
    assert read({}, draft).answers == draft
    assert read({"g.c.x": "new"}, draft).answers == {**draft, "g": {"b": "y", "c": {"x": "new", "y": "w"}}}


def test_a_group_of_which_nothing_is_on_the_page_stays() -> None:
    draft: Answers = {"g": {"b": "y"}, "a": "x"}
    assert read({"a": "new"}, draft).answers == {"g": {"b": "y"}, "a": "new"}
    assert read({"a": "new"}, {"g": {}}).answers == {"g": {}, "a": "new"}
    assert read({"_rows.r": "1", "r.0.p": "x"}, {"r": [{"s": {"t": "old"}}]}).answers == {"r": [{"p": "x"}]}


def test_a_page_reads_its_own_questions_only() -> None:
    """A hidden control for another page's question must not slip by that page's rules."""
    posted: dict[str, str | Sequence[str]] = {
        "a": "1",
        "g.b": "2",
        "g.c.x": "3",
        "n": "4",
        "_rows.r": "1",
        "r.0.p": "5",
    }
    assert read(posted, made=STEPS, step=0).answers == {"a": "1", "g": {"b": "2"}}
    assert read(posted, made=STEPS, step=1).answers == {"g": {"c": {"x": "3"}}, "r": [{"p": "5"}], "n": 4}


def test_a_question_inside_a_group_has_its_own_page() -> None:
    draft: Answers = {"g": {"b": "old", "c": {"x": "kept"}}}
    assert read({"g.b": ""}, draft, STEPS, 0).answers == {"g": {"c": {"x": "kept"}}}
    assert read({"g.c.x": "", "g.c.y": ""}, draft, STEPS, 1).answers == {"g": {"b": "old"}}
    assert read({"g.b": ""}, {"g": {"b": "old"}}, STEPS, 0).answers == {}


def test_a_hidden_question_on_the_page_keeps_what_was_typed() -> None:
    """Without script the page still shows it; its answer stays in the draft and does not count."""
    made = form(when("f", {"const": True}, properties={"h": TEXT}), f=FLAG)
    decoded = read({"f": "false", "h": "typed"}, made=made)
    assert decoded.answers == {"f": False, "h": "typed"}
    assert made.settle(decoded.answers, TODAY).kept == {"f": False}


def test_nobody_posts_what_nobody_asks() -> None:
    assert (
        read(
            {"ghost": "x", "g": "x", "g.ghost": "x", "r": "x", "r.0.p": "x", "__class__": "x", "a.b": "x", "": "x"}
        ).answers
        == {}
    )


def test_what_cannot_be_read_stays_as_typed() -> None:
    posted: dict[str, str | Sequence[str]] = {
        "n": "約三つ",
        "f": "maybe",
        "one": "zzz",
        "d.year": "2024",
        "d.month": "13",
        "d.day": "",
    }
    answers = read(posted).answers
    assert answers == {"n": "約三つ", "f": "maybe", "one": "zzz", "d": "2024-13-"}
    assert len(FORM.errors(FORM.settle(answers, TODAY))) == 4


def test_the_draft_itself_is_not_changed() -> None:
    draft: Answers = {"g": {"b": "y", "c": {"x": "z"}}, "r": [{"p": "1", "s": {"t": "2"}}]}
    before = copy.deepcopy(draft)
    read({"g.c.x": "new", "g.b": "", "_rows.r": "1", "r.0.p": "new", "r.0.s.t": ""}, draft)
    assert draft == before


@pytest.mark.parametrize("present", ["text", 7, ["list"], True])
def test_a_draft_that_holds_nonsense_is_written_over(present: Any) -> None:
    assert read({"g.b": "x"}, {"g": present}).answers == {"g": {"b": "x"}}
    assert read({"_rows.r": "1", "r.0.p": "x"}, {"r": present}).answers == {"r": [{"p": "x"}]}
    assert read({"g.b": "x"}, {"g": present}, STEPS, 0).answers == {"g": {"b": "x"}}


# Rows


def test_rows_are_read_as_they_are_shown() -> None:
    decoded = read({"_rows.r": "2", "r.0.p": "x", "r.0.q": "1", "r.1.p": "y", "r.1.s.t": "z", "r.1.k": ["", "v"]})
    assert decoded.answers == {"r": [{"p": "x", "q": 1}, {"p": "y", "s": {"t": "z"}, "k": ["v"]}]}
    assert decoded.rows == {"/r": 2}


def test_rows_that_are_not_shown_are_not_read() -> None:
    assert read({"_rows.r": "1", "r.0.p": "x", "r.1.p": "y"}).answers == {"r": [{"p": "x"}]}
    assert read({"r.0.p": "x"}, {"r": [{"p": "old"}]}).answers == {"r": [{"p": "old"}]}


def test_blank_rows_go_and_the_gap_closes() -> None:
    decoded = read({"_rows.r": "4", "r.0.p": "x", "r.1.p": "", "r.1.k": "", "r.2.p": "　", "r.3.p": "y"})
    assert decoded.answers == {"r": [{"p": "x"}, {"p": "y"}]}
    assert decoded.rows == {"/r": 4}


def test_when_all_rows_are_blank_there_is_no_answer() -> None:
    assert read({"_rows.r": "2", "r.0.p": "", "r.1.p": ""}, {"r": [{"p": "x"}]}).answers == {}
    assert read({"_rows.r": "0"}, {"r": [{"p": "x"}]}).answers == {}


def test_a_removed_row_is_gone_and_the_next_takes_its_place() -> None:
    posted: dict[str, str | Sequence[str]] = {
        "_rows.r": "3",
        "r.0.p": "x",
        "r.0.q": "1",
        "r.1.p": "y",
        "r.2.p": "z",
        "r.2.q": "3",
    }
    decoded = read(posted, {"r": [{"p": "x", "q": 1}, {"p": "y"}, {"p": "z", "q": 3}]}, remove="/r/0")
    assert decoded.answers == {"r": [{"p": "y"}, {"p": "z", "q": 3}]}
    assert decoded.rows == {"/r": 2}


def test_no_row_inherits_what_another_row_left_in_the_draft() -> None:
    """Removing child 0 once gave child 1 the other's school."""
    draft: Answers = {"r": [{"p": "x", "s": {"t": "secret"}}, {"p": "y"}]}
    assert read({"_rows.r": "2", "r.0.p": "x", "r.1.p": "y"}, draft, remove="/r/0").answers == {"r": [{"p": "y"}]}
    assert read({"_rows.r": "2", "r.0.p": "", "r.1.p": "y"}, draft).answers == {"r": [{"p": "y"}]}


@pytest.mark.parametrize("where", ["/r/9", "/r/-1", "/r", "/r/x", "/g", "/ghost/0", "r.0", "", "/r/00"])
def test_removing_what_is_not_there_removes_nothing(where: str) -> None:
    decoded = read({"_rows.r": "1", "r.0.p": "x"}, remove=where)
    assert decoded.answers == {"r": [{"p": "x"}]}
    assert decoded.rows == {"/r": 1}


@pytest.mark.parametrize("count", ["", "-1", "x", "1.0", "٣", "1_0", " 1", "9" * 5000, "１"])
def test_a_count_of_rows_that_is_none_means_none(count: str) -> None:
    """int() of 5,000 digits raises, and takes many an odd digit."""
    decoded = read({"_rows.r": count, "r.0.p": "x"})
    assert decoded.answers == {}
    assert decoded.rows == {"/r": 0}


def test_no_more_rows_are_read_than_a_page_shows() -> None:
    decoded = read({"_rows.r": "999999999", "r.0.p": "x", "r.99.p": "y", "r.100.p": "z"})
    assert decoded.answers == {"r": [{"p": "x"}, {"p": "y"}]}
    assert decoded.rows == {"/r": 100}


def test_rows_inside_a_group() -> None:
    made = form(g=group(r=rows(p=TEXT)))
    decoded = read({"_rows.g.r": "2", "g.r.0.p": "x", "g.r.1.p": "y"}, made=made, remove="/g/r/0")
    assert decoded.answers == {"g": {"r": [{"p": "y"}]}}
    assert decoded.rows == {"/g/r": 1}


def test_a_question_of_several_branches_is_read_whichever_is_open() -> None:
    """What a page showed is read though the answer beside it has closed that branch meanwhile."""
    many = choice(*"abcdefgh")
    made = form(
        when(
            "f",
            {"const": True},
            properties={"b": boxes("x", "y"), "c": many, "w": {"type": "string", "maxLength": 10}},
        ),
        when(
            "f",
            {"const": False},
            properties={"b": boxes("z"), "c": choice("q"), "w": {"type": "string", "maxLength": 999}},
        ),
        f=FLAG,
    )
    posted: dict[str, str | Sequence[str]] = {"f": "false", "b": ["", "z", "y"], "c": "h", "w": "一行\r\n二行"}
    assert read(posted, made=made).answers == {"f": False, "b": ["y", "z"], "c": "h", "w": "一行\n二行"}
