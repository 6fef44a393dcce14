"""A draft and the version it was begun under: as a rule it is finished so; otherwise, or if the resident would rather,
its answers move to the version that is served now and are checked anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from forms_schema import Answers, Field, Form, Json
from forms_schema.findings import at
from server.applications.drafts import Content
from server.applications.summary import Line, sections


@dataclass(frozen=True, slots=True)
class Carried:
    """A draft as the newer form takes it over. `left` are the answers it has no place for, in words."""

    content: Content
    left: tuple[Line, ...]


def carried(old: Form, new: Form, content: Content, today: date) -> Carried:
    """Take over every answer whose question is of the same kind in both forms; the newer rules judge it afterwards."""
    answers = _kept(content.answers, "", old.fields, new.fields)
    sources = {pointer: source for pointer, source in content.sources.items() if at(answers, pointer) is not None}
    rows = {pointer: shown for pointer, shown in content.rows.items() if pointer in new.fields}
    has_place = {line.pointer for line in _lines(new, answers, today) if line.text}
    left = tuple(line for line in _lines(old, content.answers, today) if line.text and line.pointer not in has_place)
    return Carried(replace(content, answers=answers, sources=sources, rows=rows), left)


def _lines(form: Form, answers: Answers, today: date) -> Iterator[Line]:
    for section in sections(form, form.settle(answers, today), {}):
        yield from section.lines


def _kept(value: Answers, pattern: str, old: Mapping[str, Field], new: Mapping[str, Field]) -> Answers:
    pairs = ((name, _taken(inner, f"{pattern}/{name}", old, new)) for name, inner in value.items())
    return {name: inner for name, inner in pairs if inner not in (None, {}, [])}


def _taken(value: Json, pattern: str, old: Mapping[str, Field], new: Mapping[str, Field]) -> Json | None:
    """What of an answer has its place in the newer form; None for nothing."""
    before, after = old.get(pattern), new.get(pattern)
    if before is None or after is None or before.kind.name != after.kind.name:
        return None
    if isinstance(value, dict):
        return _kept(value, pattern, old, new)
    if isinstance(value, list) and before.kind.name == "rows":
        return [_kept(row, f"{pattern}/*", old, new) for row in value]
    return value
