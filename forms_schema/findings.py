"""What is wrong with settled answers, each fault at the question that can mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from forms_schema.base import Answers, Field, FieldError, Json, Question, Schema
from forms_schema.dates import read_date, shifted
from forms_schema.validators import judged, on, validator

_FIRST = ("required", "type", "enum", "const", "format", "minLength", "maxLength", "pattern")
_PARAMS = {"limit": "limit", "format": "format", "multiple_of": "limit"}


class Judge:
    """The whole schema's verdict, and the bounds of dates, which JSON Schema cannot say."""

    def __init__(self, schema: Schema, fields: Mapping[str, Field]) -> None:
        self._schema = judged(schema)
        self._validator = validator(schema)
        self._bounded = any("x-date" in item.schema for item in fields.values())

    def errors(self, kept: Answers, asked: Mapping[str, Question], today: date) -> list[FieldError]:
        """One error a question: what must be mended first."""
        found: dict[str, FieldError] = {}
        with on(today):
            if not self._validator.is_valid(kept):
                for error in self._validator.iter_errors(kept):
                    self._note(self._blamed(error, asked), found)
        if self._bounded:
            for bound in _out_of_bounds(kept, asked, today):
                found.setdefault(bound.pointer, bound)
        return list(found.values())

    @staticmethod
    def _note(error: FieldError, found: dict[str, FieldError]) -> None:
        present = found.get(error.pointer)
        if present is None or _urgency(error) < _urgency(present):
            found[error.pointer] = error

    def _blamed(self, error: Any, asked: Mapping[str, Question]) -> FieldError:
        path = [str(part) for part in error.instance_path]
        code = "age" if error.kind.name == "x-age" else error.kind.name
        if code == "required":
            path.append(error.kind.property)
        elif code in ("anyOf", "oneOf"):
            path += self._one_of_these(error.schema_path, path, asked)
        params = {ours: getattr(error.kind, name) for name, ours in _PARAMS.items() if hasattr(error.kind, name)}
        return FieldError(_known(path, asked), code, params)

    def _one_of_these(self, schema_path: Sequence[str | int], path: list[str], asked: Mapping[str, Question]) -> list[str]:
        """'One of these must be answered' has no question of its own: it stands at the first of them."""
        branches: Json = self._schema
        for step in schema_path:
            branches = branches[step]
        names = [name for branch in branches if isinstance(branch, Mapping) for name in branch.get("required", ())]
        here = "".join(f"/{part}" for part in path)
        return [name for name in names if f"{here}/{name}" in asked][:1]


def _urgency(error: FieldError) -> tuple[int, str]:
    return (_FIRST.index(error.code) if error.code in _FIRST else len(_FIRST), error.code)


def _known(path: list[str], asked: Mapping[str, Question]) -> str:
    """The question at `path` or, for a place inside an answer, the one that holds it."""
    for end in range(len(path), 0, -1):
        pointer = "/" + "/".join(path[:end])
        if pointer in asked:
            return pointer
    return "/" + "/".join(path) if path else ""


def _out_of_bounds(kept: Answers, asked: Mapping[str, Question], today: date) -> Iterator[FieldError]:
    for pointer, question in asked.items():
        rule = question.field.schema.get("x-date")
        value = read_date(question.value)
        if not rule or value is None:
            continue
        least = _bound(rule.get("min"), pointer, kept, today)
        most = _bound(rule.get("max"), pointer, kept, today)
        if least and value < least:
            yield FieldError(pointer, "dateMin", {"limit": least.isoformat()})
        elif most and value > most:
            yield FieldError(pointer, "dateMax", {"limit": most.isoformat()})


def _bound(rule: str | None, pointer: str, kept: Answers, today: date) -> date | None:
    if rule is None:
        return None
    if rule == "today":
        return today
    if rule.startswith("/"):
        return read_date(at(kept, placed(rule, pointer)))
    return read_date(rule) or shifted(today, rule)


def placed(pattern: str, pointer: str) -> str:
    """`pattern` with each `*` filled from the same place of `pointer`: the same row."""
    here = pointer.split("/")
    parts = [here[i] if part == "*" and i < len(here) else part for i, part in enumerate(pattern.split("/"))]
    return "/".join(parts)


def at(answers: Json, pointer: str) -> Json:
    """The answer at a pointer, or None."""
    for part in pointer[1:].split("/"):
        if isinstance(answers, dict):
            answers = answers.get(part)
        elif isinstance(answers, list) and part.isdecimal() and int(part) < len(answers):
            answers = answers[int(part)]
        else:
            return None
    return answers


def pointers(answers: Json, pattern: str, here: str = "") -> Iterator[str]:
    """Where a pattern ('/children/*/name') has an answer."""
    if not pattern:
        yield here
        return
    name, _, rest = pattern[1:].partition("/")
    rest = f"/{rest}" if rest else ""
    if name == "*" and isinstance(answers, list):
        for i, row in enumerate(answers):
            yield from pointers(row, rest, f"{here}/{i}")
    elif isinstance(answers, dict) and name in answers:
        yield from pointers(answers[name], rest, f"{here}/{name}")
