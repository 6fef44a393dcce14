"""Typed text made fit to keep, and text forms of numbers and kana.

Names and addresses stay as typed: no NFC and no NFKC, which would turn U+FA19 into U+795E, 10² into 102 and a
cedilla into a blank. Everything that is folded stands in a table here.
"""

from __future__ import annotations

import re
import unicodedata

import jaconv

DASHES = "‐‑‒–—―−－ーｰ"
"""The ten characters that keyboards and input methods give where a hyphen is meant."""

_BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NEWLINES = re.compile("\r\n?|[\u0085\u2028\u2029]")
_OUTER = re.compile("\\A[\\s\u200b\ufeff]+|[\\s\u200b\ufeff]+\\Z")
_VOICED = re.compile("[\u3041-\u30ff][\u3099\u309a]")

# PostgreSQL refuses NUL, terminals and sheets obey C0 and C1, bidi overrides make a name read as another one,
# and a lone surrogate cannot be written as UTF-8. Where a surrogate stood, the person sees that something was lost.
_UNFIT: dict[int, str] = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *map(ord, _BIDI)], ""),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    0x09: " ",
}
_UNFIT_IN_A_LINE = {**_UNFIT, 0x0A: " "}
_UNFIT_IN_LINES = {**_UNFIT, 0x0A: "\n"}

_TO_ASCII = {0xFF01 + i: chr(0x21 + i) for i in range(94)} | {0x3000: " "}
_TO_NUMBER: dict[int, str] = {
    **{ord("０") + i: str(i) for i in range(10)},
    **dict.fromkeys(map(ord, DASHES), "-"),
    **{ord(wide): narrow for wide, narrow in zip("，、．＋（）／：\u3000", ",,.+()/: ", strict=True)},
}
_TO_EMAIL = {**_TO_ASCII, **dict.fromkeys(map(ord, DASHES), "-"), **dict.fromkeys(map(ord, "。｡"), ".")}

_DASH_AFTER_KANA = re.compile(f"(?<=[ァ-ヶー])[-{DASHES}]")
_BLANKS = re.compile(r"\s+")


def N_(japanese: str) -> str:  # noqa: N802  # the name that gettext gives it everywhere
    """Marks a text that stands in a table and is translated where it is said, so that catalogues have it."""
    return japanese


def clean(text: str, *, lines: bool = False) -> str:
    """What of a typed text is kept: no outer blanks (U+3000 is one), no characters that do harm.

    A line has its newlines turned to blanks; with `lines` they stay, each as LF. Idempotent.
    """
    if not text.isprintable():  # all that is unfit, and U+3000 too, counts as unprintable
        text = _NEWLINES.sub("\n", text).translate(_UNFIT_IN_LINES if lines else _UNFIT_IN_A_LINE)
    return _OUTER.sub("", _voiced(text))


def _voiced(text: str) -> str:
    """Compose kana with the (han)dakuten typed after them, as some systems type が. Nothing else is composed."""
    if "\u3099" not in text and "\u309a" not in text:
        return text
    return _VOICED.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), text)


def fold_number(text: str) -> str:
    """Full-width digits, points, commas, brackets and the ten dashes as ASCII; nothing else changes."""
    return clean(text).translate(_TO_NUMBER)


def fold_ascii(text: str) -> str:
    """Full-width letters, digits and signs as ASCII, and the ten dashes as a hyphen."""
    return clean(text).translate(_TO_ASCII).translate(_TO_NUMBER)


def fold_email(text: str) -> str:
    """As `fold_ascii`, and an ideographic full stop is a point."""
    return clean(text).translate(_TO_EMAIL)


def fold_kana(text: str) -> str:
    """Half-width kana and hiragana as full-width katakana, a dash after kana as ー, blanks as one U+3000."""
    wide = jaconv.hira2kata(_voiced(jaconv.h2z(clean(text), kana=True, ascii=False, digit=False)))
    return _BLANKS.sub("\u3000", _DASH_AFTER_KANA.sub("ー", wide))


_CAPITALS = {code: code - 0x20 for code in range(ord("ａ"), ord("ｚ") + 1)}
"""Letters one by one: `upper` makes two of a ß, which then fold anew."""


def fold_holder(text: str) -> str:
    """An account holder's name in full-width katakana, capital letters, digits and signs."""
    wide = jaconv.h2z(fold_kana(text), kana=True, ascii=True, digit=True)
    return _BLANKS.sub("\u3000", wide.translate(_CAPITALS))


_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶヲー", "アイウエオツヤユヨワカケオ－")
_ZENGIN = re.compile(r"[ｱ-ﾝﾞﾟA-Z0-9().\-/ ]*")


def zengin(text: str) -> str | None:
    """`text` in the half-width set of bank transfer files (全銀), or None when it does not fit.

    Small kana become large, ヲ becomes ｵ and ー a hyphen.
    """
    narrow = jaconv.z2h(fold_holder(text).translate(_SMALL), kana=True, ascii=True, digit=True).replace("\u3000", " ")
    return narrow if _ZENGIN.fullmatch(narrow) else None
