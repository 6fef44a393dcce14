"""Queries that may be asked by GET: those in `queries/`, each known by the SHA-256 of its text.

The text is the file's without blanks around it, and so are the contract's own operations. None changes anything and
none is personal, which is looked at when they are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("queries")


def identifier(text: str) -> str:
    """What a query is asked by."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_queries(folder: Path = FOLDER) -> Mapping[str, str]:
    """Every registered query by its name, which is its file's."""
    return {path.stem: path.read_text("utf-8").strip() for path in sorted(folder.glob("*.graphql"))}
