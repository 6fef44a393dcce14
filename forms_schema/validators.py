"""The one place where a JSON Schema validator is made.

Nothing is fetched (a `$ref` to an address would be a request from inside the city's network), patterns run in
a linear-time engine, formats are asserted, and values are masked in messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any

import jsonschema_rs

from forms_schema.base import Json, Schema
from forms_schema.dates import age, read_date
from forms_schema.formats import FORMATS

LARGEST = 2**53
"""Numbers go no further: readers of JSON in browsers are exact up to here."""

_TODAY: ContextVar[date] = ContextVar("today")
Validator = jsonschema_rs.Draft202012Validator


@contextmanager
def on(today: date) -> Iterator[None]:
    """Judge `x-age` as of `today` inside the block."""
    token = _TODAY.set(today)
    try:
        yield
    finally:
        _TODAY.reset(token)


class _Age:
    """`x-age: {"min": 65, "max": 74}` on a birth date. What is not (yet) a date has no age, so no condition holds."""

    def __init__(self, parent: object, value: Mapping[str, int], path: object) -> None:
        self._min, self._max = value.get("min", 0), value.get("max", 10_000)

    def validate(self, instance: Json) -> None:
        born = read_date(instance)
        if born is None or not self._min <= age(born, _TODAY.get()) <= self._max:
            raise ValueError("age")


def validator(schema: Schema) -> Validator:
    """A validator of a schema in our dialect. Raises ValueError when the schema is no JSON Schema."""
    return Validator(
        judged(schema),
        formats=FORMATS,
        validate_formats=True,
        keywords={"x-age": _Age},
        pattern_options=jsonschema_rs.RegexOptions(),
        mask="*",
        offline=True,
    )


def is_linear_pattern(pattern: str) -> bool:
    """Whether a pattern compiles in the linear-time engine, within its size limit."""
    try:
        Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000))
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True


_WORDS = frozenset({"title", "description", "examples", "default", "$comment"})


def judged(schema: Json) -> Any:
    """What of a schema decides about answers, with choices and branches in the form whose errors name a question.

    `oneOf` of {const, title} becomes `enum`; branches told apart by a discriminator become `if`/`then`, which
    says the same where the discriminator must be answered, and blames the right answer when it is not.
    """
    if isinstance(schema, bool) or not isinstance(schema, Mapping):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _WORDS or (key.startswith("x-") and key != "x-age"):
            continue
        if key in ("oneOf", "anyOf"):
            _branches(key, value, result)
        elif key in ("properties", "dependentSchemas", "$defs"):
            result[key] = {name: judged(sub) for name, sub in value.items()}
        elif key == "allOf":
            result.setdefault("allOf", []).extend(judged(sub) for sub in value)
        elif key in ("items", "not", "if", "then", "else", "contains"):
            result[key] = judged(value)
        else:
            result[key] = value
    if result.get("type") in ("integer", "number"):
        result.setdefault("minimum", -LARGEST)
        result.setdefault("maximum", LARGEST)
    return result


def _branches(key: str, branches: list[Schema], result: dict[str, Any]) -> None:
    constants = choices(branches)
    if constants is not None:
        result.setdefault("allOf", []).append({"enum": constants})
        return
    name = discriminator(branches)
    if name is None:
        result[key] = [judged(branch) for branch in branches]
        return
    values = [value for branch in branches for value in constants_of(branch["properties"][name])]
    rules = result.setdefault("allOf", [])
    needed = [name] if all(name in branch.get("required", ()) for branch in branches) else []
    rules.append({"properties": {name: {"enum": values}}, "required": needed})
    for branch in branches:
        test = {"properties": {name: {"enum": constants_of(branch["properties"][name])}}, "required": [name]}
        rules.append({"if": test, "then": judged(branch)})


def choices(branches: Json) -> list[Json] | None:
    """The constants of a `oneOf`/`anyOf` that only lists choices, else None."""
    if isinstance(branches, list) and branches and all(isinstance(b, Mapping) and "const" in b for b in branches):
        return [branch["const"] for branch in branches]
    return None


def constants_of(schema: Schema) -> list[Json]:
    """The values a discriminator's branch stands for; empty when it names none."""
    if "const" in schema:
        return [schema["const"]]
    return list(schema.get("enum", ())) or choices(schema.get("oneOf")) or []


def discriminator(branches: Json) -> str | None:
    """The property whose constants tell the branches apart, or None."""
    if not isinstance(branches, list) or not branches:
        return None
    if not all(isinstance(branch, Mapping) and isinstance(branch.get("properties"), Mapping) for branch in branches):
        return None
    for name in branches[0]["properties"]:
        subs = [branch["properties"].get(name) for branch in branches]
        groups = [constants_of(sub) if isinstance(sub, Mapping) else [] for sub in subs]
        keys = [(type(value), value) for group in groups for value in group]
        if all(groups) and len(keys) == len(set(keys)):
            return str(name)
    return None
