"""Codes that people type: what is read wrongly or written otherwise is the same code still."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from server.signs import ALPHABET, in_groups, new_code, plain_code, signs_of

SIGNS = st.text(ALPHABET, min_size=1, max_size=40)
OTHERWISE = {"0": "0Oo０Ｏ", "1": "1IiLl１Ｉｌ"}


@given(SIGNS, st.randoms(use_true_random=False))
def test_a_code_is_known_however_it_is_written(signs: str, random: Random) -> None:
    def written(sign: str) -> str:
        wide = chr(ord(sign) + 0xFEE0)
        return random.choice(OTHERWISE.get(sign, sign + sign.lower() + wide)) + random.choice(
            ["", "", " ", "-", "　", "－"]
        )

    assert plain_code("".join(map(written, signs))) == signs


@given(st.text(max_size=300))
def test_whatever_is_typed_nothing_but_signs_is_left(typed: str) -> None:
    left = plain_code(typed)
    assert len(left) <= 80 and left.isascii() and left == plain_code(left)


def test_codes_are_told_apart_and_stand_in_groups() -> None:
    codes = {new_code(Random(seed).randbytes, 3, 4) for seed in range(200)}
    assert len(codes) == 200 and all([len(part) for part in code.split("-")] == [4, 4, 4] for code in codes)
    assert plain_code(in_groups("0123456789AB")) == "0123456789AB"


@given(st.integers(0, 2**60 - 1))
def test_a_number_is_written_whole(number: int) -> None:
    signs, found = signs_of(number, 12), 0
    for sign in signs:
        found = found * 32 + ALPHABET.index(sign)
    assert (len(signs), found) == (12, number)
