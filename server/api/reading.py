"""JSON as we accept it: every value means one thing to every reader, and no reader is brought down by it.

Refused are a name given twice (readers differ in which one counts), NaN and infinity, whole numbers beyond ±2^53,
values nested too deeply or too many of them, halves of surrogate pairs, and what is not UTF-8.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn

from forms_schema import Json

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 20_000
MAX_INTEGER: Final = 2**53
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_DIGITS: Final = len(str(MAX_INTEGER)) + 1


class Unreadable(ValueError):
    """Why a JSON text is not taken, in words for whoever wrote the client."""


def read_json(text: bytes) -> Json:
    """The value that `text` (UTF-8) writes down. Raises Unreadable."""
    if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_VALUES:  # counts those in texts too: a bound
        raise Unreadable(f"値が多すぎます(およそ{MAX_VALUES}個まで)。")
    try:
        value = _decoder.decode(text.decode("utf-8-sig"))
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise Unreadable("UTF-8で送ってください。") from error
    except UnicodeEncodeError as error:
        raise Unreadable("サロゲートペアの片方だけの文字があります。") from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"JSONとして読めません({error.lineno}行目{error.colno}文字目)。") from error
    except RecursionError as error:
        raise Unreadable(_TOO_DEEP) from error
    check(value)
    return value


def check(value: Json) -> None:
    """Raises Unreadable for a value, from wherever it comes, that JSON text could not have brought here."""
    layer = [value]
    for _ in range(MAX_DEPTH + 1):
        layer = [inner for outer in layer for inner in _inside(outer)]
        if not layer:
            return
    raise Unreadable(_TOO_DEEP)


_TOO_DEEP: Final = f"入れ子が深すぎます({MAX_DEPTH}段まで)。"


def _inside(value: Json) -> Any:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        _fits(value)
    return ()


def _fits(number: float) -> None:
    if not math.isfinite(number):
        _no_number("NaNや無限大")
    if isinstance(number, int) and abs(number) > MAX_INTEGER:
        _no_number("±2の53乗をこえる整数")


def _no_number(what: str) -> NoReturn:
    raise Unreadable(f"{what}は使えません。")


def _integer(digits: str) -> int:
    # Long digits are refused unread: int() takes quadratic time.
    if len(digits) > _DIGITS:
        _no_number("±2の53乗をこえる整数")
    return int(digits)


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise Unreadable("同じ名前が、1つのオブジェクトに2度あります。")
    return value


_decoder: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=_integer, parse_constant=_no_number)
