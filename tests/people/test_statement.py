"""What is signed: one digest, the same for the same statement and another for every other."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.statement import canonical_json, statement_digest

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9),
    st.text(st.characters(codec="utf-8")),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)

PLAIN: dict[str, Any] = {
    "slug": "juminhyo-utsushi",
    "version": "ab" * 32,
    "answers": {"applicant": {"name": {"family": "津軽", "given": "太郎"}}, "copies": 2},
    "attachments": [("ininjo", "cd" * 32), ("photo", "ef" * 32)],
    "fee": 710,
}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),  # UTF-16 order, not that of code points
        ('"\\\n\u2028\u007f\u0001', '"\\"\\\\\\n\u2028\u007f\\u0001"'),
        (
            [0, -0.0, 1.0, 0.5, 1e-06, 1e-07, 1.5e-07, 1e20, 1e21, -12345678.9],
            "[0,0,1,0.5,0.000001,1e-7,1.5e-7,100000000000000000000,1e+21,-12345678.9]",
        ),
        ("\ufa19", '"\ufa19"'),
    ],
)
def test_a_value_is_written_in_one_way_only(value: Any, text: str) -> None:
    assert canonical_json(value).decode() == text


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**53 + 1, "\ud800", {1: "a"}, {"\ud800": 1}, b"a", {"a": object()}]
)
def test_what_readers_might_read_differently_is_not_signed(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


@given(VALUES)
def test_what_is_written_reads_as_what_it_was(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


def test_the_order_of_files_and_names_does_not_matter() -> None:
    shuffled = PLAIN | {"attachments": PLAIN["attachments"][::-1], "answers": dict(reversed(PLAIN["answers"].items()))}
    assert statement_digest(**shuffled) == statement_digest(**PLAIN)


@pytest.mark.parametrize(
    "change",
    [
        {"slug": "juminhyo-jochaku"},
        {"version": "ab" * 31 + "ac"},
        {"answers": PLAIN["answers"] | {"copies": 3}},
        {"answers": PLAIN["answers"] | {"copies": "2"}},
        {"answers": PLAIN["answers"] | {"copies": True}},
        {"answers": {"applicant": {"name": {"family": "津軽太", "given": "郎"}}, "copies": 2}},
        {"answers": {"copies": 2}},
        {"attachments": PLAIN["attachments"][:1]},
        {"attachments": [("ininjo", "ef" * 32), ("photo", "cd" * 32)]},
        {"attachments": [*PLAIN["attachments"], ("photo", "ef" * 32)]},
        {"fee": 711},
    ],
)
def test_every_change_of_the_statement_changes_its_digest(change: dict[str, Any]) -> None:
    assert statement_digest(**PLAIN | change) != statement_digest(**PLAIN)


def test_the_digest_of_a_statement_stays_the_same_for_ever() -> None:
    """Signatures that were made must be verifiable by the next version of this software."""
    assert statement_digest(**PLAIN).hex() == "b09d1a972784bae2fa9dc7a895751e8ecb260fef45c691a3b8967c69a27239fd"
