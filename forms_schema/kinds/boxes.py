"""Kinds that are typed into one box: text, and the codes that have a form of their own."""

from __future__ import annotations

import re
from functools import lru_cache

from forms_schema.base import KEEP, Field, Json, Keep, Kind, Option, Posted
from forms_schema.formats import FORMATS, SEALED
from forms_schema.text import N_, clean, fold_ascii, fold_email, fold_holder, fold_kana, fold_number


def last(posted: Posted, name: str) -> str | None:
    """What was posted under `name`; the last where it is repeated, as behind a hidden blank. None: not on the page."""
    values = posted.get(name)
    return values[-1] if values else None


def width_for(length: int) -> str:
    """The class of a box for `length` characters."""
    return next((name for most, name in ((2, "w2"), (4, "w4"), (8, "w8"), (16, "w16")) if length <= most), "full")


class Box(Kind):
    """One control, whose text `read` turns into an answer."""

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        typed = last(posted, name)
        if typed is None:
            return KEEP
        text = clean(typed)
        return self.read(field, text) if text else None

    def read(self, field: Field, text: str) -> Json:
        """The answer that `text` (cleaned, not blank) gives; `text` itself when it cannot be read."""
        return text


@lru_cache(maxsize=1024)
def takes_only_ascii(pattern: str) -> bool:
    """Whether no text with a character outside ASCII can match. Patterns that are hard to tell count as no."""
    bare = re.sub(r"\\[^A-Za-z0-9]", "", pattern).replace("(?:", "(")
    return bool(pattern) and pattern.isascii() and re.search(r"\\|\.|\[\^|\(\?", bare) is None


@lru_cache(maxsize=1024)
def takes_only_digits(pattern: str) -> bool:
    """Whether a pattern is made of digits alone: '^[0-9]{7}$'."""
    return bool(pattern) and re.fullmatch(r"[\^$0-9{},()?|]*", re.sub(r"\[[0-9-]+\]", "", pattern)) is not None


_FOLDS = {"kana": fold_kana, "account-holder": fold_holder}


class Text(Box):
    """A line of text, kept as typed. Kana are made full-width katakana; codes that can only be ASCII are folded."""

    name = "text"

    def read(self, field: Field, text: str) -> Json:
        fold = _FOLDS.get(field.schema.get("format", ""))
        if fold is None and takes_only_ascii(field.schema.get("pattern", "")):
            fold = fold_ascii
        return fold(text) if fold else text

    def width(self, field: Field) -> str:
        if takes_only_digits(field.schema.get("pattern", "")):
            return "w8"
        return width_for(field.schema.get("maxLength", 100))

    def inputmode(self, field: Field) -> str:
        return "numeric" if takes_only_digits(field.schema.get("pattern", "")) else ""


class Textarea(Kind):
    """Text of several lines, each ending in LF."""

    name = "textarea"

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        typed = last(posted, name)
        return KEEP if typed is None else clean(typed, lines=True) or None


class Phone(Box):
    """A Japanese telephone number, kept with the hyphens it was typed with."""

    name = "phone"

    def read(self, field: Field, text: str) -> Json:
        folded = re.sub(r"[().\s-]+", "-", fold_number(text)).strip("-")
        folded = re.sub(r"\A\+81-?(0-?)?", "0", folded)
        return folded if FORMATS["phone"](folded) else text

    def text(self, field: Field, value: Json) -> str:
        mobile = re.fullmatch(r"(0[5789]0)([0-9]{4})([0-9]{4})", str(value))
        return "-".join(mobile.groups()) if mobile else str(value)

    def width(self, field: Field) -> str:
        return "w16"

    def inputmode(self, field: Field) -> str:
        return "tel"


class Email(Box):
    """An e-mail address."""

    name = "email"

    def read(self, field: Field, text: str) -> Json:
        folded = fold_email(text)
        return folded if FORMATS["email"](folded) else text

    def inputmode(self, field: Field) -> str:
        return "email"


class PostalCode(Box):
    """A postal code: '012-3456'."""

    name = "postal_code"

    def read(self, field: Field, text: str) -> Json:
        digits = re.sub(r"[〒\s-]", "", fold_number(text))
        return f"{digits[:3]}-{digits[3:]}" if re.fullmatch("[0-9]{7}", digits) else text

    def text(self, field: Field, value: Json) -> str:
        return f"〒{value}"

    def width(self, field: Field) -> str:
        return "w8"

    def inputmode(self, field: Field) -> str:
        return "numeric"


class CorporateNumber(Box):
    """A 法人番号; the T of an invoice number before it is dropped."""

    name = "corporate_number"

    def read(self, field: Field, text: str) -> Json:
        digits = re.sub(r"\AT|[\s-]", "", fold_ascii(text).upper())
        return digits if re.fullmatch("[0-9]{13}", digits) else text

    def width(self, field: Field) -> str:
        return "w16"

    def inputmode(self, field: Field) -> str:
        return "numeric"


class MyNumber(Kind):
    """A 個人番号. Once the store has sealed it the answer is a token, and no page shows a digit of it again.

    The token rides in the control `.keep`, and stays while nothing is typed. Whoever seals and opens numbers
    checks that a token belongs to the same draft: a visitor can post any token.
    """

    name = "my_number"

    def parse(self, field: Field, name: str, posted: Posted) -> Json | Keep | None:
        typed, token = last(posted, name), last(posted, f"{name}.keep")
        if typed is None and token is None:
            return KEEP
        text = clean(typed or "").replace(SEALED, "")  # a token is never typed
        if not text:
            return token if _is_token(token) else None
        digits = re.sub(r"[\s-]", "", fold_number(text))
        return digits if re.fullmatch("[0-9]{12}", digits) else text

    def parts(self, field: Field, name: str, value: Json | None) -> dict[str, str]:
        return {"": "" if value is None or _is_token(value) else str(value)}

    def choices(self, field: Field, value: Json | None) -> tuple[Option, ...]:
        return (Option(str(value), field.speech.say(N_("入力済みの番号を使う"))),) if _is_token(value) else ()

    def chosen(self, value: Json | None, parts: object) -> tuple[str, ...]:
        return (str(value),) if _is_token(value) else ()

    def text(self, field: Field, value: Json) -> str:
        return field.speech.say(N_("入力済み"))

    def width(self, field: Field) -> str:
        return "w16"

    def inputmode(self, field: Field) -> str:
        return "numeric"


def _is_token(value: Json | None) -> bool:
    return isinstance(value, str) and value.startswith(SEALED) and FORMATS["my-number"](value)
