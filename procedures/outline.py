"""A declaration as an outline: what is asked on which step, of what kind, and where in the files it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from forms_schema import Attachment, Field, Form, Note
from forms_schema.plan import Planner
from forms_schema.survey import survey
from procedures.declaration import Declaration
from procedures.places import line_of, lines_of
from procedures.reading import read_text

_NAMES = {True: "必須", False: "任意", None: "条件"}


def outline(declaration: Declaration, path: Path, origins: Mapping[str, Path], today: date) -> list[str]:
    """The lines of the outline. `origins` says which file each common definition is from.

    必須 and 任意 are asked of everybody, 条件 only when earlier answers ask for it.
    """
    form = declaration.form
    places = _Places(declaration, path, origins)
    asked = _asked(form, today)
    head = f"{declaration.id} {declaration.title} ({declaration.category}/{declaration.slug})"
    lines = [head, f"  {path}"]
    for number, step in enumerate(form.steps, 1):
        lines.append(f"{number}. {step.title}")
        for item in step.items:
            lines += _item(item, asked, places)
    return lines


def _item(item: Field | Note | Attachment, asked: Mapping[str, bool], places: _Places) -> Iterator[str]:
    if isinstance(item, Note):
        yield f"   文    {item.text}"
    elif isinstance(item, Attachment):
        need = None if item.required_if else not item.optional
        yield f"   {_NAMES[need]}  {item.title}  attachment:{item.key}  書類"
    else:
        yield from _field(item, asked, places, "   ")


def _field(field: Field, asked: Mapping[str, bool], places: _Places, indent: str) -> Iterator[str]:
    need = _NAMES[asked.get(field.pointer)]
    yield f"{indent}{need}  {field.title}  {field.pointer}  {field.kind.name}  {places.of(field.pointer)}"
    for child in field.children:
        yield from _field(child, asked, places, indent + "  ")


def _asked(form: Form, today: date) -> dict[str, bool]:
    """Whether each question that is asked before anything is answered must be answered."""
    blank = {pointer: 1 for pointer, field in form.fields.items() if field.kind.name == "rows"}
    return {q.field.pointer: q.required for q in form.settle({}, today, blank).by_pointer.values()}


class _Places:
    """Where questions are written: 'N行目', with the file's name where it is a shared one."""

    def __init__(self, declaration: Declaration, path: Path, origins: Mapping[str, Path]) -> None:
        schema = declaration.schema
        self._at = survey(Planner(schema.get("$defs", {})).plan(schema)).places
        self._lines = {each: lines_of(read_text(each)) for each in {path, *origins.values()}}
        self._path, self._origins = path, origins

    def of(self, pointer: str) -> str:
        """The place of a question, by its pointer."""
        at = self._at[pointer]
        name = at.removeprefix("/$defs/").split("/")[0]
        if at.startswith("/$defs/") and name in self._origins:
            home = self._origins[name]
            return f"common/{home.name} {line_of(self._lines[home], at)}行目"
        return f"{line_of(self._lines[self._path], f'/schema{at}')}行目"
