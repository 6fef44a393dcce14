"""Which letters can be printed: the names of people first, and nothing left out in silence."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from server.paper.letters import Case, Face, Lost, clusters
from server.paper.press import NoFonts, Press
from tests.paper.printing import press


def set_(text: str) -> tuple[object, Lost]:
    lost = Lost()
    return press().case.set(text, lost), lost


@pytest.mark.parametrize("text", ["津軽 太郎", "ｶﾅ①㈱", "a@example.jp", "一行目\n二行目", "", "髙﨑"])
def test_what_the_first_face_has_stays_as_it_is(text: str) -> None:
    assert set_(text) == (text, Lost())


@pytest.mark.parametrize("letter", ["𠮷", "𠀃", "业"])
def test_a_name_with_a_rare_character_is_set_whole_in_the_face_that_has_it(letter: str) -> None:
    first, second = press().case.faces[:2]
    assert not first.has(letter) and second.has(letter)
    assert set_(f"{letter}田　太郎") == ([(1, f"{letter}田　太郎")], Lost())


def test_in_a_long_text_only_the_rare_character_changes_its_face() -> None:
    text = "あ" * 70 + "𠮷" + "い" * 5
    assert set_(text)[0] == ["あ" * 70, (1, "𠮷"), "い" * 5]


def test_a_variant_goes_to_the_face_that_has_the_variant() -> None:
    """Both faces have 葛; the first has this shape of it (Adobe-Japan1), the second also those of Moji_Joho."""
    first, second = press().case.faces[:2]
    known = [chr(0xE0100 + i) for i in range(30) if second.varies("邉", chr(0xE0100 + i))]
    alone = [each for each in known if not first.varies("邉", each)]
    assert first.varies("葛", "\U000e0100") and alone
    assert set_("葛\U000e0100城") == ("葛\U000e0100城", Lost())
    assert set_(f"渡邉{alone[0]}") == ([(1, f"渡邉{alone[0]}")], Lost())


def test_a_variant_that_no_face_has_is_printed_in_its_usual_form_and_told() -> None:
    odd = "津\U000e01ef"
    told, lost = set_(f"{odd}軽")
    assert (told, list(lost.variants), list(lost.letters)) == ("津軽", [odd], [])


def test_a_letter_that_no_face_has_becomes_a_visible_mark_and_is_told() -> None:
    told, lost = set_("ᠮ太郎\U0010fffd")
    assert told == "〓太郎〓"
    assert list(lost.letters) == ["ᠮ", "\U0010fffd"] and lost


def test_signs_that_only_steer_the_writing_are_not_printed_and_not_missed() -> None:
    assert set_("1\u200b2\u200e3\u00ad4") == ("1234", Lost())


def test_marks_stay_with_their_letter() -> None:
    assert list(clusters("e\u0301か\u3099葛\U000e0100城")) == ["e\u0301", "か\u3099", "葛\U000e0100", "城"]


@pytest.mark.parametrize("text", ["Nguyễn Thị Hương", "김민수", "张伟", "שלום", "Ωμέγα"])
def test_what_residents_write_in_other_languages_is_printed_where_such_a_face_is_there(text: str) -> None:
    assert not set_(text)[1]
    bare = Case(press().case.faces[:2])
    lost = Lost()
    bare.set("김", lost)
    assert list(lost.letters) == ["김"]


def test_a_line_that_has_no_place_to_be_broken_gets_some() -> None:
    told, _ = set_("https://example.jp/" + "x" * 40)
    assert isinstance(told, list) and "".join(each for each in told if isinstance(each, str)).endswith("x" * 40)
    assert all(len(each) <= 12 for each in told if isinstance(each, str)) and None in told


def test_how_wide_a_text_is_can_be_told_only_of_one_line_in_the_first_face() -> None:
    case, lost = press().case, Lost()
    width = {text: case.width(case.set(text, lost)) for text in ("", "津軽", "ii", "𠮷田", "一\n二", "x" * 40)}
    assert width[""] == 0 and width["津軽"] == 2 and 0 < width["ii"] < 1
    assert width["𠮷田"] == width["一\n二"] == width["x" * 40] == inf


def test_a_machine_without_the_fonts_says_which_and_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NoFonts, match=r"BIZUDPGothic-Regular\.ttf.*ipamjm\.ttf.*apt install .*fonts-ipamj-mincho"):
        Press(tmp_path).case  # noqa: B018  # looked for when first used


def test_a_file_that_tells_no_characters_is_no_font(tmp_path: Path) -> None:
    broken = tmp_path / "ipamjm.ttf"
    broken.write_bytes(b"\0\1\0\0" + b"\0" * 60)
    with pytest.raises(ValueError, match="which characters"):
        Face("IPAmjMincho", broken)
