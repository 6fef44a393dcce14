"""The words of declarations in other languages: `translations/<language>/<slug>.json`, from Japanese text to text.

What is not translated stays Japanese. A file is read when its language is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from forms_schema.base import BadDeclaration
from procedures.reading import read_json, read_text

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
