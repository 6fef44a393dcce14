"""A compiled form: what is asked, what is left out, and what is wrong, for anybody's answers.

`compile_form` does what can be done once a declaration; `settle` and `errors` are what each request pays for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from forms_schema import dialect
from forms_schema.base import (
    Answers,
    Attachment,
    BadDeclaration,
    Fault,
    Field,
    FieldError,
    Json,
    Posted,
    Question,
    Schema,
    Step,
)
from forms_schema.fields import Fields, by_name, walk_fields
from forms_schema.findings import Judge
from forms_schema.formdata import MAX_ROWS, Decoded, decode
from forms_schema.layout import lay_out, read_attachments
from forms_schema.plan import Plan, Planner, Test, condition, opened
from forms_schema.validators import on

MAX_LEVELS = 2000
DatedTest = Callable[[Answers, date], bool]
Rows = Mapping[str, int]
"""Rows shown on the page, by the pointer of their list: blank ones are there to be filled in."""


@dataclass(frozen=True, slots=True, eq=False)
class Dropped:
    """An answer in the draft whose question is not asked."""

    pointer: str
    field: Field
    value: Json


@dataclass(frozen=True, slots=True, eq=False)
class AskedAttachment:
    """A file that is asked for. `key` is the attachment's, with '/<row>' where each row has its own."""

    key: str
    attachment: Attachment
    required: bool
    label: str


@dataclass(frozen=True, eq=False)
class Settled:
    """One person's answers, settled: `kept` counts, `dropped` does not, `questions` is the tree of what is asked."""

    kept: Answers
    questions: tuple[Question, ...]
    dropped: tuple[Dropped, ...]
    attachments: tuple[AskedAttachment, ...]
    today: date

    @cached_property
    def by_pointer(self) -> dict[str, Question]:
        """Every question that is asked, containers included, in order."""
        return {question.pointer: question for question in _each(self.questions)}


def _each(questions: Sequence[Question]) -> Iterator[Question]:
    for question in questions:
        yield question
        yield from _each(question.children)
        for row in question.rows:
            yield from _each(row)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A name at one object level, for one set of active plans."""

    name: str
    field: Field
    subs: tuple[Plan, ...]
    items: tuple[Plan, ...]
    required: bool


class Form:
    """See the module. Made by `compile_form`; safe to share between threads."""

    def __init__(self, schema: Schema, ui: Mapping[str, Any], attachments: Sequence[Mapping[str, Any]]) -> None:
        faults = dialect.check(schema)
        if faults:
            raise BadDeclaration(faults)
        self._root = Planner(schema.get("$defs", {})).plan(schema)
        self.attachments, self._asked_if = read_attachments(attachments)
        reads, self.rounds = dialect.check_conditions(self._root, self.attachments)
        self._fields = Fields(ui.get("fields", {}), reads)
        tops = self._fields.children("", (self._root,))
        self.fields: dict[str, Field] = {}
        walk_fields(tops, lambda item: self.fields.__setitem__(item.pointer, item))
        dialect.check_fields(self._root, self.fields, ui, self.attachments, reads)
        self.steps: tuple[Step, ...] = lay_out(ui, schema, tops, self.fields, self.attachments)
        self._levels: dict[tuple[str, tuple[int, ...]], tuple[tuple[_Slot, ...], tuple[Plan, ...]]] = {}
        self._orders = {"": tops, **{_inside(item): item.children for item in _nested(tops)}}
        self._judge = Judge(schema, self.fields)
        self._tests: dict[int, tuple[DatedTest, Schema]] = {}

    def start(self, today: date) -> Answers:
        """The answers a draft begins with: defaults of what is asked, until nothing more is asked by them."""
        draft: Answers = {}
        for _ in range(self.rounds + 1):
            blanks = [q for q in self.settle(draft, today).by_pointer.values() if q.value is None]
            blanks = [q for q in blanks if "default" in q.field.schema and "*" not in q.field.pointer]
            for question in blanks:
                put(draft, question.pointer, question.field.schema["default"])
            if not blanks:
                break
        return draft

    def settle(self, answers: Answers, today: date, rows: Rows | None = None) -> Settled:
        """Find what is asked. The result does not depend on the order of the answers, and is unique."""
        with on(today):
            view = answers
            for _ in range(self.rounds + 2):
                kept, questions = self._walk((self._root,), answers, view, "", "", rows or {})
                if kept == view:
                    break
                view = kept
            asked = tuple(self._attachments(kept))
        return Settled(kept, questions, tuple(self._dropped(answers, kept, "", "")), asked, today)

    def _walk(
        self, plans: tuple[Plan, ...], draft: Answers, view: Answers, pattern: str, at: str, rows: Rows
    ) -> tuple[Answers, tuple[Question, ...]]:
        kept: Answers = {}
        questions = []
        for slot in self._level(opened(plans, view), pattern):
            pointer = f"{at}/{slot.name}"
            value = draft.get(slot.name)
            if slot.items and (value is None or isinstance(value, list)):
                question = self._rows(slot, value or [], view.get(slot.name), pointer, rows)
            elif slot.field.children and not slot.items and (value is None or isinstance(value, dict)):
                inner = view.get(slot.name)
                inner = inner if isinstance(inner, dict) else {}
                answers, asked = self._walk(slot.subs, value or {}, inner, slot.field.pointer, pointer, rows)
                stays = answers if answers or slot.required else None
                question = Question(pointer, slot.field, slot.required, stays, asked)
            else:
                question = Question(pointer, slot.field, slot.required, value)
            if question.value is not None:
                kept[slot.name] = question.value
            questions.append(question)
        return kept, tuple(questions)

    def _rows(self, slot: _Slot, value: list[Json], view: Json, pointer: str, rows: Rows) -> Question:
        views = view if isinstance(view, list) else []
        kept, asked = [], []
        for i in range(max(len(value), min(rows.get(pointer, 0), MAX_ROWS))):
            row = value[i] if i < len(value) else {}
            if not isinstance(row, dict):
                kept.append(row)
                continue
            seen = views[i] if i < len(views) and isinstance(views[i], dict) else {}
            inside = f"{slot.field.pointer}/*"
            answers, questions = self._walk(slot.items, row, seen, inside, f"{pointer}/{i}", rows)
            asked.append(questions)
            if i < len(value):
                kept.append(answers)
        return Question(pointer, slot.field, slot.required, kept or None, rows=tuple(asked))

    def _level(self, active: tuple[Plan, ...], pattern: str) -> tuple[_Slot, ...]:
        key = (pattern, tuple(map(id, active)))
        known = self._levels.get(key)
        if known is None:
            if len(self._levels) > MAX_LEVELS:  # 2^n sets of open guards must not fill the memory
                self._levels.clear()
            known = self._levels[key] = (tuple(self._slots(active, pattern)), active)
        return known[0]

    def _slots(self, active: tuple[Plan, ...], pattern: str) -> Iterator[_Slot]:
        named = dict(by_name(active))
        for child in self._orders[pattern]:
            subs = named.get(child.name)
            if subs is None:
                continue
            items = tuple(sub.items for sub in subs if sub.items)
            required = any(child.name in plan.required for plan in active)
            yield _Slot(child.name, self._fields.field(child.pointer, subs), subs, items, required)

    def _attachments(self, kept: Answers) -> Iterator[AskedAttachment]:
        for attachment, asked_if in zip(self.attachments, self._asked_if, strict=True):
            for key, row, label in _places(attachment, kept):
                if asked_if(row):
                    yield AskedAttachment(key, attachment, not attachment.optional, label)

    def _dropped(self, draft: Json, kept: Json, pattern: str, at: str) -> Iterator[Dropped]:
        for name, value in draft.items():
            field, pointer = self.fields.get(f"{pattern}/{name}"), f"{at}/{name}"
            if field is None:
                continue
            if name not in kept:
                if value not in ({}, []):
                    yield Dropped(pointer, field, value)
            elif isinstance(value, dict) and isinstance(kept[name], dict):
                yield from self._dropped(value, kept[name], field.pointer, pointer)
            elif isinstance(value, list) and field.children and isinstance(kept[name], list):
                for i, (row, left) in enumerate(zip(value, kept[name], strict=False)):
                    if isinstance(row, dict) and isinstance(left, dict):
                        yield from self._dropped(row, left, f"{field.pointer}/*", f"{pointer}/{i}")

    def errors(self, settled: Settled, attached: Mapping[str, int] | None = None) -> tuple[FieldError, ...]:
        """Everything wrong at once, one error a question, in the order of the questions.

        `attached` counts the files handed in by attachment key.
        """
        found = self._judge.errors(settled.kept, settled.by_pointer, settled.today)
        order = {pointer: i for i, pointer in enumerate(settled.by_pointer)}
        answers = sorted(found, key=lambda error: order.get(error.pointer, len(order)))
        return (*answers, *_missing_files(settled, attached or {}))

    def decode(self, step: int, posted: Posted, answers: Answers, *, remove: str = "") -> Decoded:
        """Read a posted page (step 0…) over the draft. `remove` is the pointer of a row to leave out."""
        tops = [item for item in self.steps[step].items if isinstance(item, Field)]
        return decode(tops, posted, answers, remove)

    def unknown(self, answers: Json) -> tuple[FieldError, ...]:
        """Names that no branch declares, in answers that came from a machine."""
        return tuple(self._unknown(answers, "", ""))

    def _unknown(self, answers: Json, pattern: str, at: str) -> Iterator[FieldError]:
        for name, value in answers.items():
            field, pointer = self.fields.get(f"{pattern}/{name}"), f"{at}/{name}"
            if field is None:
                yield FieldError(pointer, "UNKNOWN_FIELD")
            elif isinstance(value, dict) and field.children:
                yield from self._unknown(value, field.pointer, pointer)
            elif isinstance(value, list) and field.children:
                for i, row in enumerate(value):
                    if isinstance(row, dict):
                        yield from self._unknown(row, f"{field.pointer}/*", f"{pointer}/{i}")

    def matches(self, schema: Schema) -> DatedTest:
        """A condition of this declaration (a fee's, a waiver's) over answers, as a test. Raises BadDeclaration."""
        known = self._tests.get(id(schema))
        if known is None:
            faults = dialect.check_condition(schema)
            if faults:
                raise BadDeclaration(faults)
            known = self._tests[id(schema)] = (dated(condition(schema)), schema)  # schema: keeps its id its own
        return known[0]


def dated(test: Test) -> DatedTest:
    """A condition that is told the day it is judged on."""

    def judge(answers: Answers, today: date) -> bool:
        with on(today):
            return test(answers)

    return judge


def _nested(fields: Sequence[Field]) -> Iterator[Field]:
    for item in fields:
        if item.children:
            yield item
            yield from _nested(item.children)


def _inside(item: Field) -> str:
    return f"{item.pointer}/*" if item.schema.get("type") == "array" else item.pointer


def put(answers: Answers, pointer: str, value: Json) -> None:
    """Write an answer at a pointer that leads through objects only."""
    *path, last = pointer[1:].split("/")
    for name in path:
        answers = answers.setdefault(name, {})
    answers[last] = value


def _places(attachment: Attachment, kept: Answers) -> Iterator[tuple[str, Answers, str]]:
    """Where an attachment may be asked: (key, the answers its condition reads, its title there)."""
    if not attachment.each:
        yield attachment.key, kept, attachment.title
        return
    rows: Json = kept
    for name in attachment.each[1:].split("/"):
        rows = rows.get(name, {}) if isinstance(rows, dict) else {}
    for i, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict):
            yield f"{attachment.key}/{i}", row, f"{attachment.title}({i + 1}人目)"


def _missing_files(settled: Settled, attached: Mapping[str, int]) -> Iterator[FieldError]:
    for asked in settled.attachments:
        count = attached.get(asked.key, 0)
        if asked.required and not count:
            yield FieldError(f"attachment:{asked.key}", "required")
        elif count > asked.attachment.max:
            yield FieldError(f"attachment:{asked.key}", "maxItems", {"limit": asked.attachment.max})


def compile_form(
    schema: Schema, *, ui: Mapping[str, Any] | None = None, attachments: Sequence[Mapping[str, Any]] = ()
) -> Form:
    """Compile a bundled schema. Raises BadDeclaration with every fault that was found.

    Faults point into {"schema": …, "ui": …, "attachments": …}, as a declaration has them.
    """
    try:
        return Form(schema, ui or {}, attachments)
    except BadDeclaration as bad:
        raise BadDeclaration([_located(fault) for fault in bad.faults]) from None


def _located(fault: Fault) -> Fault:
    if fault.pointer.startswith(("/ui/", "/attachments/")):
        return fault
    return replace(fault, pointer=f"/schema{fault.pointer}")
