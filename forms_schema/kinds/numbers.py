"""Kinds that are numbers. Read by pattern, not by `int()`, which takes '1_0', '٣' and 5,000 digits."""

from __future__ import annotations

import re
from decimal import Decimal as Exact
from decimal import InvalidOperation
from math import isfinite
from typing import Final

from forms_schema.base import Field, Json
from forms_schema.kinds.boxes import Box, width_for
from forms_schema.text import fold_number

LARGEST: Final = 2**53
"""JSON readers in browsers are exact up to here."""

_WHOLE = re.compile(r"-?[0-9]{1,400}")
_PARTED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3}){1,100}(\.[0-9]*)?")
_DECIMAL = re.compile(r"(-?)0*([0-9]{0,400})(?:\.([0-9]{0,400}))?")
_PARTED_FROM = 10_000  # a year has no comma


def _unparted(text: str) -> str:
    folded = re.sub(r"\s", "", fold_number(text))
    return folded.replace(",", "") if _PARTED.fullmatch(folded) else folded


class Integer(Box):
    """A whole number. Commas, full-width digits and any dash as a minus are understood."""

    name = "integer"

    def read(self, field: Field, text: str) -> Json:
        plain = _unparted(text)
        number = int(plain) if _WHOLE.fullmatch(plain) else None
        return text if number is None or abs(number) > LARGEST else number

    def text(self, field: Field, value: Json) -> str:
        return f"{value:,}" if isinstance(value, int) and abs(value) >= _PARTED_FROM else str(value)

    def width(self, field: Field) -> str:
        most = field.schema.get("maximum", 999_999_999)
        return width_for(len(str(most)))

    def inputmode(self, field: Field) -> str:
        return "numeric" if field.schema.get("minimum", -1) >= 0 else ""


class Decimal(Box):
    """A number with a fraction: text with `format: decimal`, exact as typed, or a JSON number."""

    name = "decimal"

    def read(self, field: Field, text: str) -> Json:
        plain = _plain(text)
        if plain is None:
            return text
        return plain if field.schema.get("type") == "string" else _number(plain, text)

    def parts(self, field: Field, name: str, value: Json | None) -> dict[str, str]:
        return {"": "" if value is None else _shown(value)}

    def text(self, field: Field, value: Json) -> str:
        sign, whole, point, rest = re.sub(r"\A(-?)([^.]*)(\.?)(.*)\Z", "\\1\n\\2\n\\3\n\\4", _shown(value)).split("\n")
        return f"{sign}{int(whole):,}{point}{rest}" if whole.isdecimal() and len(whole) > 4 else _shown(value)

    def width(self, field: Field) -> str:
        return "w16"

    def inputmode(self, field: Field) -> str:
        return "decimal" if field.schema.get("minimum", -1) >= 0 else ""


def _plain(text: str) -> str | None:
    """'１，２３４．５０' as '1234.50', '.5' as '0.5'; None when it is no number."""
    match = _DECIMAL.fullmatch(_unparted(text))
    if match is None or not (match[2] or match[3] or "0" in match[0]):
        return None
    return f"{match[1]}{match[2] or '0'}" + (f".{match[3]}" if match[3] else "")


def _number(plain: str, text: str) -> Json:
    """A JSON number that says exactly what was typed, else the text."""
    if "." not in plain and abs(int(plain)) <= LARGEST:
        return int(plain)
    number = float(plain)
    return number if isfinite(number) and Exact(repr(number)) == Exact(plain) else text


def _shown(value: Json) -> str:
    if not isinstance(value, float):
        return str(value)
    try:
        return format(Exact(repr(value)), "f")
    except InvalidOperation:
        return str(value)
