"""What each format takes; and that nobody can make a check slow."""

from __future__ import annotations

import time
from datetime import date

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema.formats import FORMATS

GOOD = {
    "date": ["2024-02-29", "1900-01-01", "9999-12-31"],
    "year-month": ["2024-05", "1989-12"],
    "time": ["00:00", "09:30", "23:59"],
    "slot": ["2026-12-01", "2026-12-01T09:00", "2028-02-29T23:59"],
    "phone": [
        "0123456789",
        "012-345-6789",
        "090-1234-5678",
        "03-1234-5678",
        "+81-90-1234-5678",
        "+819012345678",
        "0120-123-456",
    ],
    "email": [
        "a@example.jp",
        "taro.tsugaru+kodomo@mail.example.co.jp",
        "a..b.@docomo.ne.jp",
        "x@xn--eckwd4c7c.xn--zckzah.jp",
    ],
    "postal-code": ["037-0046", "000-0000"],
    "my-number": ["123456789018", "sealed:ab12cd"],
    "corporate-number": ["4011001098993", "7123456789012"],
    "decimal": ["0", "12.50", "-3", "0.5", "-0.001"],
    "kana": ["ツガル", "グエン\u3000バン\u3000アン", "ヴァージニア", "ジョン・スミス", "ヵヶ"],
    "account-holder": ["カ）ツガルショウジ", "ツガル\u3000タロウ", "ＡＢＣ－１／２．３"],
}
BAD = {
    "date": [
        "2023-02-29",
        "2024-2-",
        "2024-5-1",
        "showa-60-1-1",
        "0999-01-01",
        "2024-02-30",
        "２０２４-01-01",
        "2024-01-01\n",
        "20240101",
        "2024-W01-1",
    ],
    "year-month": ["2024-13", "2024-00", "2024-5", "2024-05-01", "reiwa-6-5", "2024-05\n", "0999-05"],
    "time": ["24:00", "9:30", "12:60", "12:30:00", "12:30\n"],
    "slot": ["2026-02-30", "2026-12-01T24:00", "2026-12-01 09:00", "2026-12-01T09:00:00", "2026-12-01T09:00Z", "09:00"],
    "phone": [
        "123456789",
        "012345678",
        "012345678901",
        "090--1234-5678",
        "-0901234567",
        "090-1234-5678\n",
        "+1-212-555-0100",
        "+81090-1234-5678",
        "０９０12345678",
        "1234567890",
        "110",
    ],
    "email": [
        "",
        "a",
        "a@",
        "@example.jp",
        "a@b",
        "a@-example.jp",
        "a@example-.jp",
        "a@example..jp",
        "a@192.168.0.1",
        "a b@example.jp",
        "a@example.jp\n",
        "あ@example.jp",
        "a@b@example.jp",
        "a@" + "b" * 64 + ".jp",
        "a" * 65 + "@example.jp",
        "a@" + "b." * 126 + "jp",
        "<a@example.jp>",
    ],
    "postal-code": ["0370046", "037-004", "０３７-００４６", "037-0046\n", "037−0046"],
    "my-number": [
        "123456789012",
        "1234 5678 9018",
        "１２３４５６７８９０１８",
        "12345678901",
        "sealed:",
        "sealed:<b>",
        "sealed:" + "a" * 65,
        "123456789018\n",
    ],
    "corporate-number": ["5011001098993", "401100109899", "4011001098993\n", "T4011001098993", "４011001098993"],
    "decimal": ["", "1.", ".5", "01", "1e5", "1,000", "+1", "--1", "NaN", "1" * 31, "1.0\n", "１"],
    "kana": ["", "つがる", "ﾂｶﾞﾙ", "津軽", "ツガル タロウ", "ツガル1", "ツガル\n"],
    "account-holder": ["", "津軽", "ﾂｶﾞﾙ", "ツガル タロウ", "ａｂ", "ツガル・タロウ"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_what_is_written_rightly_is_taken(name: str, text: str) -> None:
    assert FORMATS[name](text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_what_is_written_wrongly_is_refused(name: str, text: str) -> None:
    assert not FORMATS[name](text)


def test_every_format_is_tried() -> None:
    assert set(GOOD) == set(BAD) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_validator_asks_our_own_check(name: str) -> None:
    validator = jsonschema_rs.Draft202012Validator({"format": name}, formats=FORMATS, validate_formats=True)
    assert validator.is_valid(GOOD[name][0])
    assert not validator.is_valid(BAD[name][0])


@given(st.integers(0, 99_999_999_999))
def test_one_check_digit_fits_a_personal_number(body: int) -> None:
    digits = f"{body:011}"
    weighted = sum(int(d) * (n + 1 if n <= 6 else n - 5) for n, d in enumerate(reversed(digits), 1)) % 11
    right = 0 if weighted <= 1 else 11 - weighted  # 省令85号第5条
    assert [d for d in range(10) if FORMATS["my-number"](f"{digits}{d}")] == [right]


@given(st.integers(0, 999_999_999_999))
def test_one_check_digit_fits_a_corporate_number(body: int) -> None:
    digits = f"{body:012}"
    weighted = sum(int(d) * (1 if n % 2 else 2) for n, d in enumerate(reversed(digits), 1)) % 9
    assert [d for d in range(10) if FORMATS["corporate-number"](f"{d}{digits}")] == [9 - weighted]


@given(st.dates(date(1000, 1, 1)))
def test_every_real_day_is_a_date(day: date) -> None:
    assert FORMATS["date"](day.isoformat())


@given(st.sampled_from(sorted(FORMATS)), st.text(st.characters(exclude_categories=())))
def test_any_text_is_judged(name: str, text: str) -> None:
    assert FORMATS[name](text) in (True, False)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seed", ["a", "0", "-", ".", "a.", "0-", "a@", "@a.", "ア", "\u3000", "sealed:"])
def test_a_long_text_is_judged_in_no_time(name: str, seed: str) -> None:
    began = time.process_time()
    FORMATS[name](seed * 50_000)
    FORMATS[name]("0" + seed * 50_000 + "!")
    assert time.process_time() - began < 0.5
