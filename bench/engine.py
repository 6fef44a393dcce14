"""`python -m bench.engine`: what a request pays the form engine, beside jsonschema-rs validating the same answers.

Figures are CPU microseconds and mean little by themselves; the ratio to `validate` of the same run is what to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from forms_schema import Answers, Form, Question, compile_form
from forms_schema.validators import validator

TODAY = date(2026, 11, 20)
CONDITIONS = 5
ROUNDS = 5


def schema(questions: int) -> dict[str, Any]:
    """A form of `questions` questions, most of them text, with five conditions, the last one on a group."""
    text = {"type": "string", "maxLength": 100}
    switch = {"oneOf": [{"const": "x", "title": "X"}, {"const": "y", "title": "Y"}]}
    names = [f"q{i}" for i in range(questions - CONDITIONS)]
    properties = {name: switch if i < CONDITIONS else text for i, name in enumerate(names)}
    group = {"type": "object", "properties": {"a": text, "b": text}, "required": ["a", "b"]}
    opens = [*[text] * (CONDITIONS - 1), group]
    parts = [
        {
            "if": {"properties": {name: {"const": "x"}}, "required": [name]},
            "then": {"properties": {f"then_{name}": sub}, "required": [f"then_{name}"]},
        }
        for name, sub in zip(names, opens, strict=False)
    ]
    return {"type": "object", "properties": properties, "required": names, "allOf": parts}


def answers(form: Form) -> Answers:
    """Every question answered, every condition open."""
    draft: Answers = {}
    for _ in range(form.rounds + 1):
        draft = {question.field.name: _answer(question) for question in form.settle(draft, TODAY).questions}
    return draft


def _answer(question: Question) -> Any:
    if question.children:
        return {child.field.name: _answer(child) for child in question.children}
    return "x" if question.field.options else "山田太郎"


def posted(form: Form, draft: Answers) -> dict[str, list[str]]:
    """The page that shows `draft`, as a browser posts it."""
    shown = form.settle(draft, TODAY).by_pointer.values()
    return {q.pointer[1:].replace("/", "."): [str(q.value)] for q in shown if not q.children}


def micros(work: Callable[[], object]) -> float:
    """CPU microseconds of one call, the least of some rounds: the others were disturbed."""
    work()
    found = []
    for _ in range(ROUNDS):
        started, calls = time.process_time(), 0
        while time.process_time() - started < 0.1:
            for _ in range(50):
                work()
            calls += 50
        found.append((time.process_time() - started) / calls)
    return min(found) * 1e6


def measured(questions: int) -> Iterator[tuple[str, float]]:
    """(what, CPU microseconds) of one form."""
    source = schema(questions)
    form = compile_form(source)
    draft = answers(form)
    settled = form.settle(draft, TODAY)
    assert not form.errors(settled)
    wrong = {name: "" if i < len(draft) - CONDITIONS else value for i, (name, value) in enumerate(draft.items())}
    page, judge = posted(form, draft), validator(source)
    yield "validate (jsonschema-rs alone)", micros(lambda: judge.is_valid(settled.kept))
    yield "settle", micros(lambda: form.settle(draft, TODAY))
    yield "errors, none", micros(lambda: form.errors(settled))
    yield "settle and errors, none", micros(lambda: form.errors(form.settle(draft, TODAY)))
    yield "settle and errors, many", micros(lambda: form.errors(form.settle(wrong, TODAY)))
    yield "decode a post", micros(lambda: form.decode(0, page, {}))
    yield "compile", micros(lambda: compile_form(source))


def main() -> None:
    for questions in (15, 60):
        found: Mapping[str, float] = dict(measured(questions))
        alone = next(iter(found.values()))
        print(f"{questions} questions, {CONDITIONS} conditions")
        for name, cost in found.items():
            print(f"  {name:<32}{cost:>10.1f} us{cost / alone:>9.1f} x")


if __name__ == "__main__":
    main()
