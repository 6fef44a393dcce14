"""A form one question at a time, as a kiosk asks it: its screens in order, and what pressing a button makes of it.

The form is the same compiled one, read and judged as at home. A group is asked question by question; what belongs
together (a name, an address, an account) is one screen; after the rows of a list it is asked whether there are more.
Two things are left for the window: files, of which people bring the originals, and 個人番号, which nobody should have
to type in a lobby. Pure: the day and the postal codes are handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from forms_schema import Answers, Field, FieldError, Form, Json, Note, Posted, Question, Settled
from forms_schema.findings import at
from forms_schema.formdata import MAX_ROWS, decode_one
from forms_schema.view import control_name
from server.applications.drafts import Content
from server.applications.filling import Lookup, addressed, mark, shown_rows
from server.applications.numbers import replaced
from server.people.postal import Town

AT_THE_WINDOW: Final = frozenset({"my_number"})
"""Kinds that are not asked here."""
MORE: Final = "-"
"""The end of the address of the screen that asks for another row: after the last one, as in JSON Pointer (RFC 6901)."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One question. `heading` says where it stands (a step, a group, a row), `notes` what is said before it.

    `more`: it asks whether the list `question` goes on.
    """

    question: Question
    heading: str
    notes: tuple[Note, ...] = ()
    more: bool = False

    @property
    def name(self) -> str:
        """Its part of the address: 'applicant.name', 'children.-'."""
        name = control_name(self.question.pointer)
        return f"{name}.{MORE}" if self.more else name

    @property
    def room(self) -> bool:
        """Of `more`: whether another row fits."""
        most: int = self.question.field.schema.get("maxItems", MAX_ROWS)
        return len(self.question.rows) < min(most, MAX_ROWS)

    @property
    def asked(self) -> str:
        """Stands for what is asked on it."""
        return mark([question.pointer for question in _each(self.question)])


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button has made of it: `towns` are to be picked from; `again`: the screen is to be shown once more, for
    its button was one of its own, or an answer has brought up a question on it."""

    content: Content
    towns: Mapping[str, Sequence[Town]]
    again: bool


def settled(form: Form, content: Content, today: date) -> Settled:
    """What is asked, the rows that wait to be filled in included."""
    return form.settle(content.answers, today, shown_rows(form, content))


def screens(form: Form, of: Settled) -> tuple[Screen, ...]:
    """Every screen of a form, in order."""
    return tuple(screen for step in form.steps for screen in _of_step(step.items, step.title, of))


def _of_step(items: Sequence[object], title: str, of: Settled) -> list[Screen]:
    found: list[Screen] = []
    notes: list[Note] = []
    for item in items:
        if isinstance(item, Note):
            notes.append(item)
        elif isinstance(item, Field) and item.pointer in of.by_pointer:
            for screen in _asked(of.by_pointer[item.pointer], title):
                found.append(replace(screen, notes=tuple(notes)))
                notes = []
    if notes and found:
        found[-1] = replace(found[-1], notes=(*found[-1].notes, *notes))
    return found


def _asked(question: Question, heading: str) -> Iterator[Screen]:
    title, kind = question.field.title, question.field.kind.name
    if kind == "group":
        for child in question.children:
            yield from _asked(child, title)
    elif kind == "rows":
        for i, row in enumerate(question.rows, 1):
            for child in row:
                yield from _asked(child, f"{title} {i}")
        yield Screen(question, heading, more=True)
    elif kind not in AT_THE_WINDOW:
        yield Screen(question, heading)


def _each(question: Question) -> Iterator[Question]:
    yield question
    for child in question.children:
        yield from _each(child)


def wrong_on(screen: Screen, errors: Sequence[FieldError]) -> tuple[FieldError, ...]:
    """The errors that are told on a screen."""
    pointer = screen.question.pointer
    if screen.more:
        return tuple(error for error in errors if error.pointer == pointer)
    return tuple(error for error in errors if f"{error.pointer}/".startswith(f"{pointer}/"))


# --- buttons --------------------------------------------------------------------------------------------------------


def press(form: Form, screen: Screen, posted: Posted, before: Content, do: str, lookup: Lookup, today: date) -> Pressed:
    """Read what was typed on a screen and carry out its button."""
    verb, _, where = do.partition(":")
    if screen.more:
        return Pressed(_rows(screen, before, verb, where), {}, again=verb == "remove")
    question = screen.question
    content = replace(before, answers=decode_one(question.field, question.pointer, posted, before.answers))
    if verb == "unsure":
        return Pressed(_forgotten(content, question.pointer), {}, again=False)
    if verb in ("lookup", "town"):
        content, towns = addressed(content, where, lookup)
        return Pressed(content, towns, again=True)
    now = settled(form, content, today).by_pointer.get(question.pointer)
    grown = now is not None and replace(screen, question=now).asked != screen.asked
    return Pressed(content, {}, again=grown and verb == "next")


def _forgotten(content: Content, pointer: str) -> Content:
    if at(content.answers, pointer) is None:
        return content
    return replace(content, answers=replaced(content.answers, pointer, None))


def _rows(screen: Screen, before: Content, verb: str, where: str) -> Content:
    """One row more, or one less."""
    pointer, count = screen.question.pointer, len(screen.question.rows)
    if verb == "add" and screen.room:
        return replace(before, rows={**before.rows, pointer: count + 1})
    row = where.removeprefix(f"{pointer}/")
    if verb != "remove" or not row.isdecimal() or len(row) > len(str(MAX_ROWS)) or int(row) >= count:
        return before
    rows = at(before.answers, pointer)
    left = [each for i, each in enumerate(rows) if i != int(row)] if isinstance(rows, list) else []
    answers = replaced(before.answers, pointer, left or None) if rows is not None else before.answers
    return replace(before, answers=answers, rows={**before.rows, pointer: count - 1})


# --- at the end ------------------------------------------------------------------------------------------------------


def brought(answers: Answers) -> Answers:
    """What goes to the window: without the rows in which nothing was answered."""
    return {name: _without_blanks(value) for name, value in answers.items()}


def _without_blanks(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_blanks(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [each for each in map(_without_blanks, value) if each != {}]
    return value
