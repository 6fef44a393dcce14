"""What is wrong with settled answers, each fault at the question that can mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from forms_schema.base import Answers, FieldError, Json, Question, Schema
from forms_schema.dates import read_date, shifted
from forms_schema.fields import bounds_of
from forms_schema.formdata import MAX_ROWS
from forms_schema.validators import judged, on, validator

_FIRST = ("required", "type", "enum", "const", "format", "minLength", "maxLength", "pattern")
# C0 and C1 but for the newline, overrides of direction, and what stands where half a surrogate pair stood: databases
# refuse some, and with the others a name reads as another one. Pages never send them, machines may.
_HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd]")
_INDEX = re.compile("[0-9]{1,9}")
_PARAMS = {"limit": "limit", "format": "format", "multiple_of": "limit"}


class Judge:
    """The whole schema's verdict, and the bounds of dates, which JSON Schema cannot say."""

    def __init__(self, schema: Schema) -> None:
        self._schema = judged(schema)
        self._validator = validator(schema)

    def errors(self, kept: Answers, asked: Mapping[str, Question], today: date) -> list[FieldError]:
        """One error a question: what must be mended first."""
        found: dict[str, FieldError] = {}
        with on(today):
            if not self._validator.is_valid(kept):
                for fault in self._validator.iter_errors(kept):
                    self._note(self._blamed(fault, asked), found)
        for error in _beyond_schema(kept, asked, today):
            found.setdefault(error.pointer, error)
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
            path += self._one_of_these(error.schema_path)
        params = {ours: getattr(error.kind, name) for name, ours in _PARAMS.items() if hasattr(error.kind, name)}
        return FieldError(_known(path, asked), code, params)

    def _one_of_these(self, schema_path: Sequence[str | int]) -> list[str]:
        """'One of these must be answered' has no question of its own: it stands at the first of them."""
        branches: Json = self._schema
        for step in schema_path:
            branches = branches[step]
        return [name for branch in branches for name in branch.get("required", ())][:1]


def _urgency(error: FieldError) -> tuple[int, str]:
    return (_FIRST.index(error.code) if error.code in _FIRST else len(_FIRST), error.code)


def _known(path: list[str], asked: Mapping[str, Question]) -> str:
    """The question at `path` or, for a place inside an answer, the one that holds it."""
    for end in range(len(path), 0, -1):
        pointer = "/" + "/".join(path[:end])
        if pointer in asked:
            return pointer
    return "/" + "/".join(path) if path else ""


def _beyond_schema(kept: Answers, asked: Mapping[str, Question], today: date) -> Iterator[FieldError]:
    """What JSON Schema cannot say: bounds of dates, characters that do harm, more rows than a page can show."""
    for pointer, question in asked.items():
        value, rule = question.value, question.field.schema.get("x-date")
        if isinstance(value, str):
            if ("\ufffd" in value or not value.isprintable()) and _HARMFUL.search(value):
                yield FieldError(pointer, "characters")
            elif rule:
                yield from _out_of_bounds(value, rule, pointer, kept, today)
        elif isinstance(value, list) and len(value) > MAX_ROWS:
            yield FieldError(pointer, "maxItems", {"limit": MAX_ROWS})


def _out_of_bounds(
    value: str, rule: Mapping[str, Json], pointer: str, kept: Answers, today: date
) -> Iterator[FieldError]:
    day = read_date(value)
    least = [_bound(bound, pointer, kept, today) for bound in bounds_of(rule.get("min"))]
    most = [_bound(bound, pointer, kept, today) for bound in bounds_of(rule.get("max"))]
    first, last = max(filter(None, least), default=None), min(filter(None, most), default=None)
    if day and first and day < first:
        yield FieldError(pointer, "dateMin", {"limit": first.isoformat()})
    elif day and last and day > last:
        yield FieldError(pointer, "dateMax", {"limit": last.isoformat()})


def _bound(rule: str, pointer: str, kept: Answers, today: date) -> date | None:
    """The day that a bound means, None when it is an answer that is not given."""
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
        elif isinstance(answers, list) and _INDEX.fullmatch(part) and int(part) < len(answers):
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
