"""Settled answers as people read them: for the check page, the receipt and whatever is printed.

Every text is the kind's own; nothing here knows one kind from another but which are containers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from forms_schema import Field, Form, Question, Settled

_OPEN = frozenset({"group", "rows"})
"""Containers that are told line by line; the other composites (a name, an address) are one line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One answer in words; '' when it was left blank. `source` is '' when it was typed."""

    pointer: str
    label: str
    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The lines of one step (numbered from 1), of a group in it, or of one row.

    `rows` is the title of the rows where it belongs to one of them, `row` which one (from 1) where it is all of it.
    """

    step: int
    title: str
    lines: tuple[Line, ...]
    rows: str = ""
    row: int = 0


def sections(form: Form, settled: Settled, sources: Mapping[str, str]) -> Iterator[Section]:
    """Everything that is asked, in the order of the steps."""
    for number, step in enumerate(form.steps, 1):
        pointers = [item.pointer for item in step.items if isinstance(item, Field)]
        tops = [settled.by_pointer[pointer] for pointer in pointers if pointer in settled.by_pointer]
        plain = [question for question in tops if question.field.kind.name not in _OPEN]
        if plain:
            yield Section(number, step.title, tuple(_line(question, sources) for question in plain))
        for question in tops:
            yield from _opened(question, Section(number, question.field.title, ()), sources)


def _opened(question: Question, here: Section, sources: Mapping[str, str]) -> Iterator[Section]:
    """The sections of a group or of rows, inner groups after their own lines. `here` says where they belong."""
    if question.field.kind.name == "rows":
        if not question.rows:
            yield replace(here, lines=(Line(question.pointer, here.title, ""),))
        for i, row in enumerate(question.rows, 1):
            of = here if here.rows else replace(here, rows=here.title, row=i)  # rows in a row belong to the outer one
            yield from _of(row, replace(of, title=f"{here.title}({i})"), sources)
    elif question.field.kind.name == "group":
        yield from _of(question.children, here, sources)


def _of(questions: Sequence[Question], here: Section, sources: Mapping[str, str]) -> Iterator[Section]:
    plain = [question for question in questions if question.field.kind.name not in _OPEN]
    if plain:
        yield replace(here, lines=tuple(_line(question, sources) for question in plain))
    for question in questions:
        yield from _opened(question, replace(here, title=f"{here.title}:{question.field.title}", row=0), sources)


def _line(question: Question, sources: Mapping[str, str]) -> Line:
    text = "" if question.value is None else question.field.kind.text(question.field, question.value)
    return Line(question.pointer, question.field.title, text, _source(question, sources))


def _source(question: Question, sources: Mapping[str, str]) -> str:
    """Where a line came from: of a composite, only if all its parts came from there."""
    if not question.children:
        return sources.get(question.pointer, "")
    found = {sources.get(child.pointer, "") for child in question.children if child.value is not None}
    return found.pop() if len(found) == 1 else ""


def left_out(settled: Settled) -> Iterator[Line]:
    """Answers of the draft that are not submitted, because their questions are not asked."""
    for dropped in settled.dropped:
        yield Line(dropped.pointer, dropped.field.title, dropped.field.kind.text(dropped.field, dropped.value))
