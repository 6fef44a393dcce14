"""Documents that are known by the SHA-256 of their text, so that a client sends 64 letters instead of all of it.

Two kinds. Those in `queries/` are shipped with the software: `?id=` of one is always answered. The others are the last
ones that clients brought themselves, in the manner of "automatic persisted queries": the hash alone, and where it is
not known, the hash with the text. A worker forgets those when it ends, and the least used one when there are too many.

The text is the file's without blanks around it. By GET only what is public is asked (`transport` looks at that).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("queries")


def identifier(text: str) -> str:
    """What a document is asked by."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_queries(folder: Path = FOLDER) -> Mapping[str, str]:
    """Every shipped query by its name, which is its file's."""
    return {path.stem: path.read_text("utf-8").strip() for path in sorted(folder.glob("*.graphql"))}


class Persisted:
    """Texts by their hash."""

    MOST: Final = 200
    LONGEST: Final = 8 << 10
    """Letters of a text that is remembered: together they stay a small part of what a worker takes."""

    def __init__(self, shipped: Mapping[str, str]) -> None:
        self.shipped: Final = {identifier(text): text for text in shipped.values()}
        self._brought: OrderedDict[str, str] = OrderedDict()

    def find(self, hashed: str) -> str | None:
        """The text of this hash, while it is known."""
        if hashed in self._brought:
            self._brought.move_to_end(hashed)
            return self._brought[hashed]
        return self.shipped.get(hashed)

    def remember(self, hashed: str, text: str) -> None:
        """Keep a text that a client brought with its hash. Only for one that stands: see `transport`."""
        if hashed in self.shipped or len(text) > self.LONGEST:
            return
        self._brought[hashed] = text
        self._brought.move_to_end(hashed)
        if len(self._brought) > self.MOST:
            self._brought.popitem(last=False)
