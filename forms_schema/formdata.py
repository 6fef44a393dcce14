"""Form controls to answers.

The compiled form drives, never the names that were posted: an unknown control is not looked at. A control that
is there but blank clears its answer; one that is not on the page leaves it as the draft has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from forms_schema.base import KEEP, Answers, Field, Json, Keep, Posted

MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class Decoded:
    """The draft's answers with a page read over them.

    By the pointer of a list: `rows` counts the rows the page showed, `origins` says which of them each row was.
    """

    answers: Answers
    rows: dict[str, int]
    origins: dict[str, tuple[int, ...]]


def decode(fields: Sequence[Field], posted: Posted, answers: Answers, remove: str = "") -> Decoded:
    """Read `posted` over `answers`, which stay as they are. `remove` names a row to leave out: '/children/2'."""
    reader = _Reader(posted, remove)
    result = answers
    for field in fields:
        result = _placed(result, field.pointer[1:].split("/"), reader, field)
    return Decoded(result, reader.rows, reader.origins)


def _placed(answers: Answers, path: list[str], reader: _Reader, field: Field, trail: str = "") -> Answers:
    """`answers` with the field read at `path` (names of objects, as a step's item is never inside a row)."""
    name, rest = path[0], path[1:]
    here = f"{trail}.{name}" if trail else name
    present = answers.get(name)
    value: Any
    if rest:
        value = _placed(present if isinstance(present, dict) else {}, rest, reader, field, here) or None
    else:
        value = reader.read(field, here, present)
    if value is KEEP:
        return answers
    others = {key: kept for key, kept in answers.items() if key != name}
    return others if value is None else {**others, name: value}


def decode_one(field: Field, pointer: str, posted: Posted, answers: Answers) -> Answers:
    """Read one question over `answers` at its place, which may lie in a row: '/children/2/name'.

    All other answers stay, those of its row too; a row before it that has none is there as `{}`.
    """
    path = pointer[1:].split("/")
    name, reader = ".".join(path), _Reader(posted, "")
    changed: Answers = _put(answers, path, lambda present: reader.read(field, name, present))
    return changed


def _put(here: Any, path: list[str], read: Callable[[Json | None], Json | Keep | None]) -> Any:
    """`here` (an object or rows) with what `read` makes of the answer at `path`."""
    part, rest = path[0], path[1:]
    if part.isdecimal():
        rows = [*here, *({} for _ in range(int(part) + 1 - len(here)))] if isinstance(here, list) else []
        rows = rows or [{} for _ in range(int(part) + 1)]
        row = rows[int(part)]
        rows[int(part)] = _put(row if isinstance(row, dict) else {}, rest, read)
        return rows
    answers = here if isinstance(here, dict) else {}
    present = answers.get(part)
    value = (_put(present, rest, read) or None) if rest else read(present)
    if value is KEEP:
        return answers
    others = {key: kept for key, kept in answers.items() if key != part}
    return others if value is None else {**others, part: value}


class _Reader:
    def __init__(self, posted: Posted, remove: str) -> None:
        self._posted = posted
        self._remove = remove
        self.rows: dict[str, int] = {}
        self.origins: dict[str, tuple[int, ...]] = {}

    def read(self, field: Field, name: str, present: Json | None) -> Json | Keep | None:
        if field.children and field.schema.get("type") == "array":
            return self._rows(field, name)
        if field.children:
            return self._object(field, name, present if isinstance(present, dict) else {})
        return field.kind.parse(field, name, self._posted)

    def _object(self, field: Field, name: str, present: Answers) -> Json | Keep | None:
        result = dict(present)
        seen = False
        for child in field.children:
            value = self.read(child, f"{name}.{child.name}", present.get(child.name))
            if isinstance(value, Keep):
                continue
            seen = True
            if value is None:
                result.pop(child.name, None)
            else:
                result[child.name] = value
        return (result or None) if seen else KEEP

    def _rows(self, field: Field, name: str) -> Json | Keep | None:
        """All rows anew: what a draft holds at an index may be another row's since one was added or removed."""
        shown = self._posted.get(f"_rows.{name}")
        if not shown:
            return KEEP
        pointer = "/" + name.replace(".", "/")
        count = min(int(shown[-1]), MAX_ROWS) if re.fullmatch("[0-9]{1,9}", shown[-1]) else 0
        left = [i for i in range(count) if f"{pointer}/{i}" != self._remove]
        read = [(i, self._object(field, f"{name}.{i}", {})) for i in left]
        kept = [(i, row) for i, row in read if row and row is not KEEP]
        self.rows[pointer] = len(left)
        self.origins[pointer] = tuple(i for i, _ in kept)
        return [row for _, row in kept] or None
