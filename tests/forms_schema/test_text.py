"""What is typed is kept as typed, but for what does harm or is only a slip of the keyboard."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_schema.formats import FORMATS
from forms_schema.text import DASHES, clean, fold_ascii, fold_email, fold_holder, fold_kana, fold_number, zengin

ANY = st.text(st.characters(exclude_categories=()))  # lone surrogates too
HARMFUL = "\u0000\u0007\u001b\u007f\u0085\u009b\u202a\u202e\u2066\u2069"


@pytest.mark.parametrize(
    "name",
    [
        "𠮷田",
        "髙﨑",
        "\ufa19谷",  # NFC would make it U+795E, another name
        "辻\U000e0101",
        "Ａｎｎ①㍿ﾊﾅｺ",
        "e\u0301va",
        "NGUYEN\u00a0VAN",
        "か゛",
    ],
)
def test_a_name_stays_as_typed(name: str) -> None:
    assert clean(name) == name


def test_outer_blanks_go_the_full_width_one_too() -> None:
    assert clean("\u3000 \t津軽\u3000太郎\ufeff\u200b\n") == "津軽\u3000太郎"
    assert clean(" \u3000\n ") == ""


@pytest.mark.parametrize("character", HARMFUL)
def test_what_does_harm_to_stores_terminals_and_readers_goes(character: str) -> None:
    assert clean(f"津{character}軽").replace(" ", "") == "津軽"


def test_a_broken_character_leaves_a_mark() -> None:
    assert clean("津\ud800軽") == "津\ufffd軽"


def test_line_breaks_become_one_kind_or_a_blank() -> None:
    assert clean("一\r\n二\r三\u2028四\u0085五", lines=True) == "一\n二\n三\n四\n五"
    assert clean("一\r\n二\r三\t四") == "一 二 三 四"


def test_only_kana_are_joined_with_a_voicing_mark_typed_after_them() -> None:
    assert clean("か\u3099は\u309aウ\u3099") == "がぱヴ"
    assert clean("a\u3099") == "a\u3099"


@given(ANY)
def test_what_is_kept_can_be_stored_and_is_not_changed_again(text: str) -> None:
    for lines in (False, True):
        kept = clean(text, lines=lines)
        kept.encode()
        assert clean(kept, lines=lines) == kept
        assert not set(HARMFUL) & set(kept)
        assert ("\n" in kept) <= lines


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_letters_and_signs_are_never_changed(text: str) -> None:
    if text == text.strip():
        assert clean(text) == text


@pytest.mark.parametrize("dash", DASHES + "-")
def test_every_dash_between_digits_is_a_hyphen(dash: str) -> None:
    assert fold_number(f"０３{dash}１２３４") == "03-1234"


def test_there_are_ten_of_them() -> None:
    assert len(set(DASHES)) == 10
    assert "ー" in DASHES


def test_digits_are_folded_by_a_table_and_nothing_else_is() -> None:
    assert fold_number("１０²") == "10²"
    assert fold_number("٣①¸Ａ") == "٣①¸Ａ"
    assert fold_number("（１，２３４．５）") == "(1,234.5)"


@given(ANY)
def test_folding_never_makes_a_digit_of_what_is_none(text: str) -> None:
    digits = [c for c in fold_ascii(text) if c.isascii() and c.isdigit()]
    assert len(digits) == sum(c in "0123456789０１２３４５６７８９" for c in clean(text))


def test_letters_and_an_address_in_full_width_are_folded() -> None:
    assert fold_ascii("ＡＢｃ\u3000１－２") == "ABc 1-2"
    assert fold_email("ｔａｒｏ＿１＠ｅｘａｍｐｌｅ。ｊｐ") == "taro_1@example.jp"


@pytest.mark.parametrize(
    ("typed", "kana"),
    [
        ("やまだ", "ヤマダ"),
        ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ\u3000ハナコ"),
        ("ｳﾞｧﾝ", "ヴァン"),
        ("ゔぁん", "ヴァン"),
        ("ウ\u3099", "ヴ"),
        ("スズキ  ジョ-ジ", "スズキ\u3000ジョージ"),
        ("ジョｰジ・スミス", "ジョージ・スミス"),
        ("チョ−", "チョー"),
        ("ヵヶ", "ヵヶ"),
        ("漢字", "漢字"),
        ("ア〜", "ア〜"),
    ],
)
def test_kana_become_full_width_katakana(typed: str, kana: str) -> None:
    assert fold_kana(typed) == kana


@given(st.text(st.characters(min_codepoint=0x3041, max_codepoint=0x3096), min_size=1))
def test_every_hiragana_becomes_kana_that_a_name_may_have(text: str) -> None:
    assert FORMATS["kana"](fold_kana(text))


@given(st.text("ｱｲｳｴｵｶｷｸｹｺﾊﾋﾌﾍﾎﾞﾟｯｬｰ ", min_size=1))
def test_kana_that_were_folded_once_stay(text: str) -> None:
    assert fold_kana(fold_kana(text)) == fold_kana(text)


def test_a_holders_name_is_kept_in_full_width() -> None:
    assert fold_holder("ｶ)つがる a1-/.") == "カ）ツガル\u3000Ａ１－／．"
    assert FORMATS["account-holder"](fold_holder("カ）ツガルショウジ"))


@pytest.mark.parametrize(
    ("name", "narrow"),
    [
        ("ツガル\u3000タロウ", "ﾂｶﾞﾙ ﾀﾛｳ"),
        ("カ）ツガルショウジ", "ｶ)ﾂｶﾞﾙｼﾖｳｼﾞ"),
        ("パーティー", "ﾊﾟ-ﾃｲ-"),
        ("ヲヴッー", "ｵｳﾞﾂ-"),
        ("ａｂ１－／．", "AB1-/."),
        ("つがる", "ﾂｶﾞﾙ"),
        ("津軽", None),
        ("ア・イ", None),
        ("ア'", None),
    ],
)
def test_a_transfer_file_gets_the_half_width_set_of_the_banks(name: str, narrow: str | None) -> None:
    assert zengin(name) == narrow


@given(ANY)
def test_a_transfer_file_never_gets_anything_else(text: str) -> None:
    narrow = zengin(text)
    assert narrow is None or all(
        unicodedata.name(c).startswith(("HALFWIDTH KATAKANA", "DIGIT", "LATIN CAPITAL")) or c in "()-./ "
        for c in narrow
    )


def test_a_letter_of_an_account_holder_stays_one_letter() -> None:
    assert fold_holder("abcｘｙｚ") == "ＡＢＣＸＹＺ"
    assert fold_holder("ß") == "ß"
    assert fold_holder(fold_holder("ßaﬁ")) == fold_holder("ßaﬁ")
