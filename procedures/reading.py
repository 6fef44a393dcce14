"""JSON as administrators write it, read strictly.

What two readers could understand differently is refused: a key said twice (the last one would win in silence),
NaN, numbers beyond 2^53, text that no database takes. So are bombs: size and nesting have limits.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from forms_schema.base import BadDeclaration, Fault, Json
from procedures.syntax import decoded, explained

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 64
_SAFE_INTEGER: Final = 2**53
_SAID_TWICE: Final = "同じキーが2度あります"
_TOO_LARGE: Final = Fault("", "ファイルが大きすぎます", f"{MAX_BYTES // 1024} KiB までにしてください")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class _Twice(dict[str, Any]):
    """An object some of whose keys were written more than once."""

    keys_twice: tuple[str, ...] = ()


class _NoNumber:
    """Stands where NaN, an infinity or an enormous integer was written."""


def read_text(path: Path) -> str:
    """The text of a file, a byte order mark left out. Raises BadDeclaration for what is no UTF-8 or too large, and
    OSError for what is no file. Never reads more of it than a declaration may have."""
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 4)
    if len(data) > MAX_BYTES + 3:
        raise BadDeclaration([_TOO_LARGE])
    return decoded(data)


def read_json(text: str) -> Json:
    """The JSON value of `text`. Raises BadDeclaration with a fault for each place that is refused."""
    value, faults = look(text)
    if faults:
        raise BadDeclaration(faults)
    return value


def look(text: str) -> tuple[Json | None, list[Fault]]:
    """The value of `text` and what is refused of it. None where nothing further can be said; where only keys stand
    twice, the value in which the last of them counts."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return None, [_TOO_LARGE]
    try:
        value = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_real
        )
    except json.JSONDecodeError as error:
        return None, [explained(text, error)]
    except RecursionError:
        return None, [_too_deep("")]
    faults = list(_faults(value, "", 0))
    return (value if all(fault.problem == _SAID_TWICE for fault in faults) else None), faults


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    marked = _Twice(result)
    marked.keys_twice = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return marked


def _constant(_: str) -> _NoNumber:
    return _NoNumber()


def _integer(digits: str) -> int | _NoNumber:
    return int(digits) if len(digits) <= 17 and abs(int(digits)) <= _SAFE_INTEGER else _NoNumber()


def _real(digits: str) -> float | _NoNumber:
    value = float(digits)
    return value if abs(value) <= _SAFE_INTEGER else _NoNumber()


def _too_deep(at: str) -> Fault:
    return Fault(at, "入れ子が深すぎます", f"{MAX_DEPTH} 段まで")


def _faults(value: Json, at: str, depth: int) -> Iterator[Fault]:
    if depth > MAX_DEPTH:
        yield _too_deep(at)
    elif isinstance(value, dict):
        yield from (Fault(below(at, key), _SAID_TWICE, "1つだけ残してください") for key in _twice(value))
        for key, item in value.items():
            yield from _unfit(key, below(at, key))
            yield from _faults(item, below(at, key), depth + 1)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _faults(item, f"{at}/{i}", depth + 1)
    elif isinstance(value, _NoNumber):
        yield Fault(at, "数として使えません", "±2^53 の間の数を書いてください")
    elif isinstance(value, str):
        yield from _unfit(value, at)


def _twice(value: dict[str, Json]) -> tuple[str, ...]:
    return value.keys_twice if isinstance(value, _Twice) else ()


def _unfit(text: str, at: str) -> Iterator[Fault]:
    if _UNFIT.search(text):
        yield Fault(
            at, "使えない文字が入っています", "制御文字、文字の向きを変える文字、片割れのサロゲートは使えません"
        )


def below(pointer: str, name: str) -> str:
    """The JSON Pointer of `name` inside `pointer`."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def at_place(pointer: str, faults: Iterator[Fault] | tuple[Fault, ...]) -> list[Fault]:
    """The same faults, seen from a document in which their own stands at `pointer`."""
    return [Fault(pointer + fault.pointer, fault.problem, fault.allowed) for fault in faults]


def compact(value: Json) -> str:
    """`value` as JSON without blanks, keys in the order they have: the order of questions is part of a version."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
