"""JSON that two readers could understand differently is refused, with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forms_schema import BadDeclaration
from procedures.reading import MAX_BYTES, compact, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8", categories=["L", "N"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=20,
)


def refused(text: str) -> dict[str, str]:
    with pytest.raises(BadDeclaration) as caught:
        read_json(text)
    return {fault.pointer: fault.problem for fault in caught.value.faults}


def test_a_key_said_twice_is_named() -> None:
    assert refused('{"fee": {"amount": 300, "amount": 0}, "a/b": [{"x": 1, "x": 2}]}') == {
        "/fee/amount": "同じキーが2度あります",
        "/a~1b/0/x": "同じキーが2度あります",
    }


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9007199254740993", "-" + "9" * 5000])
def test_a_number_that_readers_would_not_agree_on_is_refused(number: str) -> None:
    assert refused(f'{{"copies": {number}}}') == {"/copies": "数として使えません"}


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\u202e", "\\u001b"])
def test_text_that_no_store_or_screen_takes_is_refused(text: str) -> None:
    assert refused(f'{{"title": "a{text}b"}}') == {"/title": "使えない文字が入っています"}


def test_a_file_that_is_no_json_says_where() -> None:
    assert refused('{\n  "id": "P101",\n}') == {
        "": "JSON として読めません(2行目の15文字目): 最後のもののあとに , があります(} の前)"
    }


def test_a_file_cannot_be_too_big_or_too_deep() -> None:
    assert refused(json.dumps("あ" * (MAX_BYTES // 3 + 1), ensure_ascii=False)) == {"": "ファイルが大きすぎます"}
    assert set(refused("[" * 70 + "]" * 70).values()) == {"入れ子が深すぎます"}
    assert set(refused("[" * 100_000).values()) == {"入れ子が深すぎます"}
    assert set(refused('{"a":' * 50_000).values()) == {"入れ子が深すぎます"}


def test_thousands_of_keys_said_twice_are_each_named() -> None:
    assert len(refused("{" + ",".join(f'"{i % 15_000}":1' for i in range(25_000)) + "}")) == 10_000


@given(VALUES)
def test_what_is_written_is_read_and_written_again_in_the_same_order(value: object) -> None:
    assert compact(read_json(compact(value))) == compact(value)


@given(st.text(max_size=200) | st.text('{}[]":,0123456789eE.-\\u abnrtfls', max_size=200))
@example("\x0c")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_json(text)
    except BadDeclaration as bad:
        assert bad.faults
