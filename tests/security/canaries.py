"""Unique words that are sent through the whole site, and the ways they could be written where they should not be."""

from __future__ import annotations

import base64
import html
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

TYPED: Final[Mapping[str, str]] = {
    "family name": "標識姓",
    "given name": "Zyxomma",
    "reading": "ヒョウシキセイ",
    "birthdate": "1947-08-19",
    "town": "字迷宮小路",
    "building": "コーポ鉱夫雀203",
    "phone": "090-7391-5526",
    "number": "739155264808",
    "partner's number": "840266375911",
    "e-mail": "quokka.canary@example.jp",
    "words": "これは内緒の用件です",
    "nickname": "ぴよまる太郎",
    "file name": "極秘の証明書",
    "file content": "BORSTENSCHWEIN-inside-the-file",
    "search": "ひみつのさがしもの",
    "wrong code": "ZZZZ-QQQQ-7J7J",
    "header": "canary-in-a-header",
    "path": "canary-in-a-path",
}
"""What a resident types, hands in or looks for."""


def forms(word: str) -> Iterator[bytes]:
    """A word in every form in which a log, a table or a file could hold it."""
    plain = word.replace("-", "")
    for text in {word, plain, word.lower(), word.upper()}:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "cp932"):
            yield from _packed(text.encode(encoding))
        yield json.dumps(text).strip('"').encode()
        yield quote(text).encode()
        yield html.escape(text).encode()
        yield ascii(text).strip("'").encode()
        yield text.encode("punycode")[:-1] if not text.isascii() else text.encode()


def _packed(raw: bytes) -> Iterator[bytes]:
    yield from (raw, raw.hex().encode(), raw.hex().upper().encode())
    for shift in range(3):  # base64 of a longer text, wherever in it the word stands
        kept = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 :]
        whole = kept[: len(kept) // 4 * 4 - 4]
        if len(whole) > 7:
            yield whole
            yield whole.replace(b"+", b"-").replace(b"/", b"_")


def found(words: Mapping[str, str], *, inside: bytes) -> set[str]:
    """The names of the words that are inside."""
    return {name for name, word in words.items() if any(form in inside for form in forms(word))}


def values(database: Path) -> dict[str, bytes]:
    """Everything a database holds, value by value, by its table."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608  # names of ours
    db.close()
    return {name: b"\n".join(_bytes(value) for row in each for value in row) for name, each in rows.items()}


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
