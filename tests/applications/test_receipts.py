"""Receipt numbers: random, told apart from slips of the pen, read however they are typed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.applications.receipts import new_number, read_number

NUMBERS = st.binary(min_size=8, max_size=8).map(lambda drawn: new_number(lambda _count: drawn))


@given(NUMBERS)
def test_a_number_has_fifteen_digits_and_is_read_as_it_is(number: str) -> None:
    assert len(number) == 15
    assert number.isdecimal()
    assert read_number(number) == number


@given(NUMBERS)
def test_it_is_read_in_any_spacing_and_width(number: str) -> None:
    spaced = f" {number[:5]} {number[5:10]}-{number[10:]} "
    wide = spaced.translate({ord("0") + i: ord("０") + i for i in range(10)})
    assert read_number(spaced) == number
    assert read_number(wide) == number


@given(NUMBERS, st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number: str, place: int, by: int) -> None:
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert read_number(wrong) is None


@given(st.text(max_size=20))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    read = read_number(text)
    assert read is None or (len(read) == 15 and read.isdecimal())


def test_letters_are_no_number() -> None:
    assert read_number("34304 60905 4092X") is None
    assert read_number("") is None
