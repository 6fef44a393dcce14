"""Readings over kanji: やさしい日本語 writes them in brackets behind, and a page shows them as ruby."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r"(<[^>]*>)")
_READ: Final = re.compile("([\u3400-\u9fff々ヶ]+)\\(([\u3041-\u309f]+)\\)")
_NAME: Final = re.compile(r"</?([a-z0-9]+)")
_PLAIN: Final = frozenset({"title", "option", "textarea", "script", "style"})
"""Elements that take text alone."""


def with_readings(html: str) -> str:
    """`html` with 漢字(かんじ) as ruby, in its texts alone: not in attributes, where no mark-up fits, nor in what
    somebody typed, which stands in an element with `translate="no"`."""
    kept = ""
    depth = 0
    parts = _TAG.split(html)
    for i, part in enumerate(parts):
        if not part.startswith("<"):
            if not kept and "(" in part:
                parts[i] = _READ.sub(r"<ruby>\1<rp>(</rp><rt>\2</rt><rp>)</rp></ruby>", part)
            continue
        found = _NAME.match(part)
        name = found[1] if found else ""
        if kept:
            depth += (part[1] != "/") - (part[1] == "/") if name == kept else 0
            kept = kept if depth else ""
        elif part[1] != "/" and (name in _PLAIN or 'translate="no"' in part):
            kept, depth = name, 1
    return "".join(parts)
