"""The words of declarations in other languages: `translations/<language>/<slug>.json`, from Japanese text to text.

What is not translated stays Japanese. A file is read when its language is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from forms_schema.base import BadDeclaration, Json
from procedures.reading import read_json, read_text

_SAID: Final = frozenset({"title", "description", "hint", "note"})
ROOT: Final = Path(__file__).parent / "translations"


class Translations:
    """What is below one folder. Safe to share between threads."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root: Final = root
        self._words: Final = cache(self._read)

    def words(self, language: str, slug: str) -> Mapping[str, str]:
        """Everything that is translated of a procedure; nothing where there is no file, or none that can be read."""
        return self._words(language, slug)

    def text(self, language: str, slug: str, japanese: str) -> str | None:
        """A text of a procedure in another language, or None."""
        return self._words(language, slug).get(japanese)

    def _read(self, language: str, slug: str) -> Mapping[str, str]:
        try:
            raw = read_json(read_text(self._root / language / f"{slug}.json"))
        except (OSError, BadDeclaration):
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
