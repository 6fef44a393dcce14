"""The words of declarations in other languages: `translations/<language>/<slug>.json`, from Japanese text to text.

What is not translated stays Japanese. A file is read when its language is first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from forms_schema.base import Json

_SAID: Final = frozenset({"title", "description", "hint", "note"})
ROOT: Final = Path(__file__).parent / "translations"


class Translations:
    """What is below one folder. Safe to share between threads."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root: Final = root
        self._words: Final = cache(self._read)

    def words(self, language: str, slug: str) -> Mapping[str, str]:
        """Everything that is translated of a procedure; nothing where there is no file, or none that can be read: a
        page rather speaks Japanese than not at all, and `broken` says so to whoever asks what is missing."""
        return self._words(language, slug)

    def text(self, language: str, slug: str, japanese: str) -> str | None:
        """A text of a procedure in another language, or None."""
        return self._words(language, slug).get(japanese)

    def broken(self, language: str) -> Iterator[str]:
        """The files of a language that cannot be read."""
        for path in sorted((self._root / language).glob("*.json")):
            if not _texts(path):
                yield path.name

    def _read(self, language: str, slug: str) -> Mapping[str, str]:
        return _texts(self._root / language / f"{slug}.json")


def _texts(path: Path) -> Mapping[str, str]:
    """No limit of size as declarations have: what all of them share in one language is longer than any."""
    try:
        raw = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) and all(isinstance(text, str) for text in raw.values()) else {}


def reworded(value: Json, words: Mapping[str, str]) -> Json:
    """A schema, its layout or its attachments with what people read put into other words; constants, defaults and
    names stay."""
    if isinstance(value, Mapping):
        return {key: _reworded(key, item, words) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [reworded(item, words) for item in value]
    return value


def _reworded(key: str, value: Json, words: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return words.get(value, value) if key in _SAID else value
    if key == "errors" and isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
        return {code: words.get(text, text) for code, text in value.items()}
    return value if key in ("default", "const", "enum", "examples") else reworded(value, words)


def said(value: Json) -> Iterator[str]:
    """Every text of such a part that people read, in order: what there is to translate."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str) and key in _SAID:
                yield item
            elif key not in ("default", "const", "enum", "examples"):
                yield from said(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from said(item)
