"""Fills a SQLite database with procedures, as many as asked for, made of the city's own: another id, slug and title."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from procedures.declaration import Declaration, Header
from procedures.library import load_library

WARDS = {
    "青葉": "アオバ",
    "旭": "アサヒ",
    "泉": "イズミ",
    "港南": "コウナン",
    "栄": "サカエ",
    "鶴見": "ツルミ",
    "緑": "ミドリ",
}
"""Names of parts of a city, and how they are read."""


def publish_many(path: Path, number: int) -> None:
    """Serve so many procedures more, written in bulk: past `publish`, which audits each."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN IMMEDIATE")
    for row in islice(_made(), number):
        connection.execute("INSERT INTO declaration VALUES (:digest, :slug, :id, :bundle, :at)", row)
        connection.execute(
            "INSERT INTO publication (slug, digest, header, published_at, state, reason) "
            "VALUES (:slug, :digest, :header, :at, 'open', '')",
            row,
        )
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _made() -> Iterator[dict[str, Any]]:
    library = [(each, each.header) for each in load_library().declarations.values()]
    for copy in count():
        for number, (each, header) in enumerate(library):
            yield _copy(each, header, 20_000 + copy * len(library) + number, copy)


def _copy(of: Declaration, header: str, number: int, copy: int) -> dict[str, Any]:
    """The same procedure of another part of a large city."""
    ward, read = list(WARDS.items())[copy % len(WARDS)]
    title, kana = f"{ward}{copy // len(WARDS) + 1}区の{of.title}", f"{read}クノ{of.kana}"
    named = {"id": f"P{number}", "slug": f"{of.slug}-{copy}", "title": title, "kana": kana}
    text = of.text
    for name, value in named.items():
        old, new = _written(name, getattr(of, name)), _written(name, value)
        text, header = text.replace(old, new, 1), header.replace(old, new, 1)
    assert Header.read(header).slug == named["slug"], header
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {**named, "digest": digest, "bundle": text, "header": header, "at": "2026-11-20 00:00:00.000000"}


def _written(name: str, value: str) -> str:
    """A name and its value as they stand in a bundle."""
    return json.dumps({name: value}, ensure_ascii=False, separators=(",", ":"))[1:-1]
