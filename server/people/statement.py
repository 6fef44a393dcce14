"""What a signature is over: one digest of everything the resident states by submitting."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from forms_schema.base import Json

FORMAT: Final = "kakanai-statement-1"
"""Says what the digest is of, so that it can never be taken for the digest of something else."""

SAFE_INTEGER: Final = 2**53


def canonical_json(value: Json) -> bytes:
    """`value` in the one way RFC 8785 (JCS) writes it, in UTF-8.

    Names sorted by UTF-16 units, no blanks, no needless escapes, numbers as ECMAScript writes them, text as it was
    typed (never normalised). Raises ValueError for what has no such form: NaN, whole numbers beyond ±2^53, lone
    surrogates, names that are not text.
    """
    return _write(value).encode("utf-8")


def _write(value: Json) -> str:
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(name)}:{_write(value[name])}" for name in sorted(value, key=_utf16)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, value)) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _number(value) if isinstance(value, int | float) else _text(value)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("this is no JSON value")
    return json.dumps(value, ensure_ascii=False)


def _utf16(name: Json) -> bytes:
    """RFC 8785 sorts by UTF-16 units, which above U+FFFF is not the order of code points."""
    if not isinstance(name, str):
        raise ValueError("the names in a JSON object are text")
    return name.encode("utf-16-be")


def _number(value: int | float) -> str:
    """ECMAScript's Number::toString: the same shortest digits as Python's, in another notation."""
    if isinstance(value, int) or (value.is_integer() and abs(value) <= SAFE_INTEGER):
        if abs(value) > SAFE_INTEGER:
            raise ValueError("whole numbers beyond 2^53 are read differently by different readers")
        return str(int(value))
    if not math.isfinite(value):
        raise ValueError("this is no JSON number")
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}"
    return re.sub(r"e([+-])0*", r"e\1", repr(value))


def statement_digest(
    *, slug: str, version: str, answers: Mapping[str, Json], attachments: Iterable[tuple[str, str]], fee: int
) -> bytes:
    """The SHA-256 that is signed: the procedure and its version, what was answered, which files, what it costs.

    It is of the canonical JSON of {answers, attachments, fee, format, slug, version}. `attachments` are (key,
    SHA-256 of the file in hex), in any order; `fee` is the quote's total in yen.
    """
    statement = {
        "format": FORMAT,
        "slug": slug,
        "version": version,
        "answers": answers,
        "attachments": [list(each) for each in sorted(attachments)],
        "fee": fee,
    }
    return hashlib.sha256(canonical_json(statement)).digest()
