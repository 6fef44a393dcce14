"""個人番号 on their way through a draft: what is kept beside the token tells one from another, and nothing more."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.applications import numbers
from tests.security.declarations import declared, numbered

STEPS = [
    {"title": "内容", "fields": ["/note", "/story", "/way", "/children", "attachment:paper"]},
    {"title": "申請する人", "fields": ["/applicant", "/married", "/partner"]},
]
FORM = declared("numbers", schema=numbered(), ui={"steps": STEPS}).form
PLACE = "/applicant/my_number"
MINE, THEIRS = "123456789018", "987654321093"


def answers(number: str) -> dict[str, Any]:
    return {"note": "用", "applicant": {"my_number": number}}


def saved(number: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A draft's answers and marks after `number` was sealed away."""
    new = numbers.marks(FORM, answers(number), os.urandom)
    token = answers(numbers.PREFIX + "0" * 32)
    return token, numbers.marked(FORM, token, {}, new)


def test_the_same_number_is_recognised_and_another_is_not() -> None:
    token, marks = saved(MINE)
    assert numbers.recognised(FORM, answers(MINE), token, marks) == token
    assert numbers.recognised(FORM, answers(THEIRS), token, marks) == answers(THEIRS)


def test_a_mark_says_nothing_of_the_number_and_differs_each_time() -> None:
    first, second = saved(MINE)[1], saved(MINE)[1]
    assert first != second
    assert MINE not in str(first)


def test_a_token_is_no_number_that_was_typed() -> None:
    token, marks = saved(MINE)
    assert not numbers.any_typed(FORM, token)
    assert numbers.marks(FORM, token, os.urandom) == {}
    assert numbers.marked(FORM, token, marks, {}) == marks, "saved again without being typed, it is still known"


def test_the_mark_goes_with_the_number() -> None:
    _, marks = saved(MINE)
    assert numbers.marked(FORM, {"note": "用"}, marks, {}) == {}


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_stands_in_a_draft_is_not_mistaken_for_a_number(value: Any) -> None:
    content = {"applicant": {"my_number": value}}
    token, marks = saved(MINE)
    if value != MINE:
        assert numbers.recognised(FORM, content, token, marks) == content
