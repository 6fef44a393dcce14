"""What each `format` of the dialect accepts. Every check takes linear time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from stdnum.jp import cn, in_

SEALED: Final = "sealed:"
"""How a 個人番号 begins once the store has sealed it: the rest is the id of the sealed number."""

_DATE = re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}")
_YEAR_MONTH = re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PHONE = re.compile(r"0[0-9]+(-[0-9]+){0,3}")
_POSTAL_CODE = re.compile(r"[0-9]{3}-[0-9]{4}")
_SEALED = re.compile(r"sealed:[A-Za-z0-9_-]{1,64}")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?")
_KANA = re.compile(r"[ァ-ヶー・\u3000]+")
_HOLDER = re.compile(r"[ァ-ヶーＡ-Ｚ０-９（）．／－\u3000]+")
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def is_date(text: str) -> bool:
    """A real day in the Gregorian calendar from the year 1000: '2024-02-29'."""
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def is_slot(text: str) -> bool:
    """A day ('2026-12-01'), or a time on it ('2026-12-01T09:00') by Japan's wall clock."""
    return is_date(text[:10]) and (len(text) == 10 or (text[10] == "T" and _TIME.fullmatch(text[11:]) is not None))


def is_phone(text: str) -> bool:
    """A Japanese number of 10 or 11 digits, with or without hyphens, or the same after +81."""
    domestic = re.sub(r"\A\+81-?(?=[1-9])", "0", text)
    return _PHONE.fullmatch(domestic) is not None and 10 <= len(domestic.replace("-", "")) <= 11


def is_email(text: str) -> bool:
    """An address that mail can be sent to. Dots may stand anywhere in the mailbox: Japanese carriers gave such."""
    mailbox, at, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and len(text) <= 254
        and _MAILBOX.fullmatch(mailbox) is not None
        and len(labels) > 1
        and not labels[-1].isdecimal()
        and all(_LABEL.fullmatch(label) for label in labels)
    )


def is_my_number(text: str) -> bool:
    """Twelve digits with a right check digit (省令85号第5条), or the token of a sealed number."""
    if text.startswith(SEALED):
        return _SEALED.fullmatch(text) is not None
    return _digits(text, 12) and in_.is_valid(text)


def is_corporate_number(text: str) -> bool:
    """Thirteen digits, the first of which checks the others."""
    return _digits(text, 13) and cn.is_valid(text)


def _digits(text: str, count: int) -> bool:
    return len(text) == count and text.isascii() and text.isdecimal()


FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "date": is_date,
    "year-month": _matches(_YEAR_MONTH),
    "time": _matches(_TIME),
    "slot": is_slot,
    "phone": is_phone,
    "email": is_email,
    "postal-code": _matches(_POSTAL_CODE),
    "my-number": is_my_number,
    "corporate-number": is_corporate_number,
    "decimal": _matches(_DECIMAL),
    "kana": _matches(_KANA),
    "account-holder": _matches(_HOLDER),
}
