"""Postal codes and the addresses on cards."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.people.postal import ADDRESS_PARTS, PREFECTURES, Town, lg_code, lookup, split_address

SAKAE = Town("青森県", "五所川原市", "栄町", "022055")


@pytest.mark.parametrize("typed", ["0370046", "037-0046", "〒037-0046", " ０３７－００４６ ", "037ー0046", "037 0046"])
def test_a_postal_code_is_read_however_it_is_typed(typed: str) -> None:
    assert lookup(typed) == (SAKAE,)


@pytest.mark.parametrize(
    "typed", ["", "037", "03700460", "037-004a", "9999999", "٠٣٧٠٠٤٦", "037-0046\n1", "' OR 1=1 --"]
)
def test_what_is_no_postal_code_finds_nothing(typed: str) -> None:
    assert lookup(typed) == ()


def test_one_code_may_stand_for_towns_of_two_prefectures() -> None:
    assert [(town.prefecture, town.city) for town in lookup("498-0000")] == [
        ("愛知県", "弥富市"),
        ("三重県", "桑名郡木曽岬町"),
    ]


def test_a_code_for_a_whole_municipality_names_no_town() -> None:
    assert lookup("037-0000") == (Town("青森県", "五所川原市", "", "022055"),)


def test_the_notes_of_the_table_are_no_part_of_a_town() -> None:
    assert {town.town for town in lookup("029-5505")} == {"湯本"}
    assert {town.town for town in lookup("100-0013")} == {"霞が関"}


def test_a_large_office_has_a_code_of_its_own() -> None:
    assert lookup("037-8686")[0].city == "五所川原市"


@pytest.mark.parametrize(
    ("jis", "code"), [("02205", "022055"), ("12233", "122335"), ("36201", "362018"), ("01101", "011011")]
)
def test_a_municipality_code_ends_in_its_check_digit(jis: str, code: str) -> None:
    assert lg_code(jis) == code


def test_any_thread_may_look_up() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lookup, ["037-0046"] * 64)) == {(SAKAE,)}


ADDRESSES = [
    ("青森県五所川原市栄町10番地3　サンハイツ201号", "青森県|五所川原市|栄町|10番地3|サンハイツ201号|037-0046"),
    ("青森県五所川原市大字唐笠柳字藤巻507番地5", "青森県|五所川原市|大字唐笠柳|字藤巻507番地5||037-0004"),
    ("青森県五所川原市字布屋町41番地1", "青森県|五所川原市|字布屋町|41番地1||037-0053"),
    ("五所川原市金木町朝日山319-1", "青森県|五所川原市|金木町|朝日山319-1||037-0202"),
    ("青森県五所川原市", "青森県|五所川原市||||"),
    ("青森県西津軽郡鯵ヶ沢町大字舞戸町字鳴戸321", "青森県|西津軽郡鯵ヶ沢町|大字舞戸町|字鳴戸321||038-2761"),
    ("東京都千代田区千代田一丁目1番1号第二ビル３階", "東京都|千代田区|千代田|一丁目1番1号|第二ビル３階|100-0001"),
    ("徳島県徳島市幸町2丁目5番地コーポ阿波101号室", "徳島県|徳島市|幸町|2丁目5番地|コーポ阿波101号室|770-0847"),
    ("千葉県富里市七栄652番地1", "千葉県|富里市|七栄|652番地1||286-0221"),
    ("横浜市中区日本大通1", "神奈川県|横浜市中区|日本大通|1||231-0021"),
    ("札幌市中央区北十一条西十丁目1番1号", "北海道|札幌市中央区|北十一条西|十丁目1番1号||060-0011"),
    ("京都府京都市中京区寺町通御池上る上本能寺前町488番地", "京都府|京都市中京区|寺町通御池上る上本能寺前町|488番地||"),
    ("岩手県和賀郡西和賀町穴明２２地割12番地", "岩手県|和賀郡西和賀町|穴明|２２地割12番地||029-5503"),
    ("広島県府中市府川町315", "広島県|府中市|府川町|315||726-0004"),
    ("府中市宮西町2-24", "|府中市|宮西町|2-24||"),
    ("青森県つがる市木造若緑61番地1　２０１号室", "青森県|つがる市|木造若緑|61番地1|２０１号室|038-3138"),
    ("三重県四日市市諏訪町1番5号", "三重県|四日市市|諏訪町|1番5号||510-0085"),
    ("青森県どこか市ほげ1-2-3", "青森県|どこか市|ほげ|1-2-3||"),
    ("１２３", "|||１２３||"),
    ("住所不定", "||住所不定|||"),
    ("", "|||||"),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES, ids=[text or "nothing" for text, _ in ADDRESSES])
def test_an_address_on_a_card_is_cut_where_a_form_asks_for_its_parts(text: str, expected: str) -> None:
    parts = split_address(text)
    assert "|".join(parts.get(name, "") for name in (*ADDRESS_PARTS, "postal_code")) == expected


def written(text: str) -> str:
    return re.sub(r"\s", "", text)


PIECES = st.sampled_from(
    [
        *PREFECTURES,
        "五所川原市",
        "金木町",
        "大字",
        "字",
        "栄町",
        "丁目",
        "番地",
        "号",
        "一",
        "十",
        "3",
        "５",
        "-",
        "の",
        "\u3000",
        " ",
        "府中市",
    ]
)


@settings(deadline=None)  # the first address of a municipality reads its towns
@given(st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join)))
@example("青森県五所川原市栄町10番地3　サンハイツ201号")
@example("一" * 300 + "丁")
@example("1-" * 200)
def test_no_address_is_refused_and_no_character_is_lost(text: str) -> None:
    parts = split_address(text)
    rest = "".join(parts.get(name, "") for name in ADDRESS_PARTS[1:])
    assert all(parts.values())
    assert written(text) in (written(rest), written(parts.get("prefecture", "") + rest))
    assert re.fullmatch(r"([0-9]{3}-[0-9]{4})?", parts.get("postal_code", ""))
