"""On which line of a file each of its values stands, so that whoever mends it need not count brackets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from procedures.reading import below

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def lines_of(text: str) -> dict[str, int]:
    """Line (from 1) by JSON Pointer, of every value in a text that has been read as JSON."""
    lines: dict[str, int] = {}
    open_: list[tuple[str, int]] = []  # pointer, and the number of the next item (-1 in an object)
    at, line, end, key = "", 1, 0, ""
    for found in _TOKEN.finditer(text):
        line, end, written = line + text.count("\n", end, found.start()), found.start(), found[0]
        if written == ",":
            pointer, count = open_[-1]
            open_[-1] = (pointer, count if count < 0 else count + 1)
            key = ""
        elif written in "}]":
            open_.pop()
        elif written != ":":
            pointer, count = open_[-1] if open_ else ("", 0)
            if open_ and count < 0 and not key:
                key = written
                lines.setdefault(below(pointer, json.loads(key)), line)
                continue
            at = "" if not open_ else below(pointer, json.loads(key)) if count < 0 else f"{pointer}/{count}"
            lines.setdefault(at, line)
            if written in "{[":
                open_.append((at, -1 if written == "{" else 0))
                key = ""
    return lines


def line_of(lines: Mapping[str, int], pointer: str) -> int:
    """The line of a value, or of the nearest that stands around where it would be."""
    while pointer not in lines:
        if not pointer:
            return 1
        pointer = pointer.rpartition("/")[0]
    return lines[pointer]
