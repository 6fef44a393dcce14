"""Small forms and short questions about them: what is asked, what is kept, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from forms_schema import Answers, BadDeclaration, Form, Question, Schema, Settled, bundle, compile_form
from forms_schema.base import Json

TODAY = date(2026, 11, 20)

TEXT: Any = {"type": "string"}
NUMBER: Any = {"type": "integer", "minimum": 0, "maximum": 100}
FLAG: Any = {"type": "boolean"}
DAY: Any = {"type": "string", "format": "date"}


def choice(*constants: Json, **more: Json) -> Any:
    return {"oneOf": [{"const": constant, "title": f"「{constant}」"} for constant in constants], **more}


def boxes(*constants: str, **more: Json) -> Any:
    return {"type": "array", "uniqueItems": True, "items": choice(*constants), **more}


def group(*, required: Sequence[str] = (), **properties: Schema) -> Any:
    return {"type": "object", "properties": properties, "required": list(required)}


def rows(*, required: Sequence[str] = (), **properties: Schema) -> Any:
    return {"type": "array", "items": group(required=required, **properties)}


def when(name: str, test: Schema | None = None, **then: Any) -> dict[str, Any]:
    """`if` an answer passes a test (is there, without one) `then` …"""
    condition = {"required": [name]} if test is None else {"properties": {name: test}, "required": [name]}
    return {"if": condition, "then": then}


def schema(
    *parts: Schema, required: Sequence[str] = (), defs: Mapping[str, Schema] | None = None, **properties: Schema
) -> dict[str, Any]:
    """A root schema: properties, and parts under `allOf`."""
    result: dict[str, Any] = group(required=required, **properties)
    if parts:
        result["allOf"] = list(parts)
    if defs:
        result["$defs"] = dict(defs)
    return result


def form(
    *parts: Schema, ui: Mapping[str, Any] | None = None, files: Sequence[Mapping[str, Any]] = (), **more: Any
) -> Form:
    return compile_form(bundle(schema(*parts, **more), {}), ui=ui, attachments=files)


def nested(levels: int, wrap: Callable[[Any], Any], core: Any) -> Any:
    """`core` wrapped, and wrapped again, without recursion."""
    for _ in range(levels):
        core = wrap(core)
    return core


def settled(made: Form, answers: Answers, today: date = TODAY) -> Settled:
    return made.settle(answers, today)


def asked(made: Form, answers: Answers, today: date = TODAY) -> list[str]:
    """The pointers that are asked, in order."""
    return list(made.settle(answers, today).by_pointer)


def question(made: Form, answers: Answers, pointer: str) -> Question:
    return made.settle(answers, TODAY).by_pointer[pointer]


def offered(made: Form, answers: Answers, pointer: str) -> list[str]:
    return [option.value for option in question(made, answers, pointer).field.options]


def codes(made: Form, answers: Answers, today: date = TODAY, **files: int) -> dict[str, str]:
    """What is wrong, by pointer."""
    return {error.pointer: error.code for error in made.errors(made.settle(answers, today), files)}


def left_out(made: Form, answers: Answers) -> dict[str, Json]:
    return {item.pointer: item.value for item in made.settle(answers, TODAY).dropped}


def faults(*parts: Schema, **more: Any) -> str:
    """The faults for which a form is refused, as one text."""
    with pytest.raises(BadDeclaration) as refused:
        form(*parts, **more)
    assert refused.value.faults
    return str(refused.value)


def refused(whole: Json) -> str:
    """The faults for which a whole bundled schema is refused."""
    with pytest.raises(BadDeclaration) as refused:
        compile_form(whole)
    return str(refused.value)
