"""Forms that differ in nothing but their words: one procedure declared twice, or one that nobody has thought about.

A form written for its procedure asks something that no other asks. Where two ask the same, of the same options, under
the same conditions, with the same papers and the same fee, one of them was copied and given another name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from forms_schema.base import Fault, Json
from procedures.declaration import Declaration

_SAID: Final = frozenset(
    {"title", "description", "hint", "$comment", "examples", "x-purpose", "minLength", "maxLength"}
)
_NAMED: Final = frozenset({"properties", "$defs", "dependentSchemas", "dependentRequired"})
"""What holds names of questions, which may be called 'title'."""
_MEANT: Final = frozenset({"const", "enum", "default"})


def alike(
    wanted: Mapping[Path, Declaration | None], others: Mapping[Path, Declaration | None]
) -> Iterator[tuple[Path, Fault]]:
    """A finding for each of `wanted` whose form another declaration has already; one that has its number or its
    address too is told of that alone."""
    seen: dict[str, tuple[Path, Declaration]] = {}
    for path, declaration in {**others, **wanted}.items():
        if declaration is None:
            continue
        other, first = seen.setdefault(structure(declaration), (path, declaration))
        if first.id != declaration.id and first.slug != declaration.slug:
            problem = f"質問、選択肢、条件、書類、手数料が {other.parent.name}/{other.name} とすべて同じです"
            yield path, Fault("/schema", problem, _TODO)


_TODO: Final = "この手続だけで要る質問を書くか、1つの手続にまとめてください"


def structure(declaration: Declaration) -> str:
    """A digest of what a form asks, whatever it is called and however its steps are laid out."""
    fee = declaration.fee
    parts = [
        _bare(declaration.schema),
        [_bare(paper) for paper in declaration.attachments],
        [[item.code, item.quantity, item.each, item.when] for item in fee.items] if fee else None,
        declaration.booking.calendar if declaration.booking else None,
    ]
    return sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True, default=dict).encode()).hexdigest()


def _bare(node: Json) -> Json:
    """Without the words, and without how long an answer may be."""
    if isinstance(node, list):
        return [_bare(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {key: _below(key, value) for key, value in node.items() if key not in _SAID}


def _below(key: str, value: Json) -> Json:
    if key in _NAMED and isinstance(value, Mapping):
        return {name: _bare(inner) for name, inner in value.items()}
    return value if key in _MEANT else _bare(value)
