"""A compiled form: what is asked, what is left out, and what is wrong, for anybody's answers.

`compile_form` does what can be done once a declaration; `settle` and `errors` are what each request pays for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import islice
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
)
from forms_schema.fields import Fields, by_name, walk_fields
from forms_schema.findings import Judge
from forms_schema.formdata import MAX_ROWS, Decoded, decode
from forms_schema.layout import lay_out, read_attachments
from forms_schema.plan import Plan, Planner, Test, condition, opened, read_by
from forms_schema.speech import JAPANESE, Speech
from forms_schema.survey import survey
from forms_schema.validators import LARGEST, on

MAX_LEVELS = 500
MAX_TESTS = 200
MAX_UNKNOWN = 50
_PAIRLESS = re.compile("[\ud800-\udfff]")
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

    def __init__(
        self, schema: Schema, ui: Mapping[str, Any], attachments: Sequence[Mapping[str, Any]], speech: Speech
    ) -> None:
        self.speech = speech
        slips = dialect.check(schema)
        if not dialect.SLIPS.issuperset(fault.problem for fault in slips):
            raise BadDeclaration(slips)
        try:
            self._compile(schema, ui, attachments)
        except BadDeclaration as bad:
            raise BadDeclaration([*slips, *bad.faults]) from None
        if slips:
            raise BadDeclaration(slips)

    def _compile(self, schema: Schema, ui: Mapping[str, Any], attachments: Sequence[Mapping[str, Any]]) -> None:
        self._root = Planner(schema.get("$defs", {})).plan(schema)
        self.attachments, self._asked_if = read_attachments(attachments)
        found = survey(self._root)
        self.rounds = found.rounds
        read_by_files = (p for item in self.attachments for p in read_by(item.required_if, _row_of(item)))
        self._fields = Fields(self._root, ui.get("fields", {}), {*found.read, *read_by_files}, self.speech)
        tops = self._fields.tops
        self.fields: dict[str, Field] = {}
        walk_fields(tops, lambda item: self.fields.__setitem__(item.pointer, item))
        faults = dialect.check_fields(self._root, self.fields, ui, self.attachments, found)
        self.steps, misplaced = lay_out(ui, schema, tops, self.fields, self.attachments)
        if faults or misplaced:
            raise BadDeclaration([*faults, *misplaced])
        self._levels: dict[tuple[str, tuple[int, ...]], tuple[tuple[_Slot, ...], tuple[Plan, ...]]] = {}
        self._orders = {"": tops, **{_inside(item): item.children for item in _nested(tops)}}
        # what conditions look at, as far as it is in no row: rows are compared whole
        self._watched = tuple({tuple(p[1:].partition("/*")[0].split("/")) for p in found.read})
        self._judge = Judge(schema)
        self._tests: dict[int, tuple[DatedTest, Schema]] = {}

    def start(self, today: date) -> Answers:
        """The answers a draft begins with: defaults of what is asked, until nothing more is asked by them."""
        draft: Answers = {}
        for _ in range(self.rounds + 2):
            asked = self.settle(draft, today).by_pointer.values()
            blanks = [
                q for q in asked if q.value is None and "default" in q.field.schema and "*" not in q.field.pointer
            ]
            for question in blanks:
                put(draft, question.pointer, question.field.schema["default"])
            if not blanks:
                break
        answers: Answers = {}  # without those that another default has hidden again
        for question in self.settle(draft, today).by_pointer.values():
            if question.value is not None and not question.field.children:
                put(answers, question.pointer, question.value)
        return answers

    def settle(self, answers: Answers, today: date, rows: Rows | None = None) -> Settled:
        """Find what is asked. The result does not depend on the order of the answers, and is unique.

        Any JSON object will do: what no question could have as its answer is kept so far that it is found wrong.
        """
        with on(today):
            view = answers
            for _ in range(self.rounds + 2):
                kept, questions = self._walk((self._root,), answers, view, "", "", rows or {})
                if all(_reached(kept, path) == _reached(view, path) for path in self._watched):
                    break  # every condition would say the same again
                view = kept
            asked = tuple(self._attachments(kept))
        return Settled(kept, questions, tuple(self._dropped(answers, questions, "", "")), asked, today)

    def _walk(
        self, plans: tuple[Plan, ...], draft: Answers, view: Answers, pattern: str, at: str, rows: Rows
    ) -> tuple[Answers, tuple[Question, ...]]:
        kept: Answers = {}
        questions = []
        for slot in self._level(opened(plans, view), pattern):
            pointer = f"{at}/{slot.name}"
            value = draft.get(slot.name)
            if isinstance(value, str) or value == []:
                value = fit(value)  # blank: no answer, also where an object or rows would stand
            if slot.items and (value is None or isinstance(value, list)):
                question = self._rows(slot, value or [], view.get(slot.name), pointer, rows)
            elif slot.field.children and not slot.items and (value is None or isinstance(value, dict)):
                question = self._group(slot, value or {}, view.get(slot.name), pointer, rows)
            else:
                question = Question(pointer, slot.field, slot.required, fit(value))
            if question.value is not None:
                kept[slot.name] = question.value
            questions.append(question)
        return kept, tuple(questions)

    def _group(self, slot: _Slot, value: Answers, view: Json, pointer: str, rows: Rows) -> Question:
        """A group is required as soon as something in it is: `{}` then stands where nothing is answered yet, so that
        each question inside is found missing, not the group."""
        seen = view if isinstance(view, dict) else {}
        answers, asked = self._walk(slot.subs, value, seen, slot.field.pointer, pointer, rows)
        required = slot.required or any(question.required for question in asked)
        return Question(pointer, slot.field, required, answers if answers or required else None, asked)

    def _rows(self, slot: _Slot, value: list[Json], view: Json, pointer: str, rows: Rows) -> Question:
        views = view if isinstance(view, list) else []
        value = value[: MAX_ROWS + 1]  # one too many is enough to be found wrong
        kept: list[Json] = []
        asked: list[tuple[Question, ...]] = []
        for i in range(max(len(value), min(rows.get(pointer, 0), MAX_ROWS))):
            row = value[i] if i < len(value) else {}
            seen = views[i] if i < len(views) and isinstance(views[i], dict) else {}
            inside = f"{slot.field.pointer}/*"
            given = row if isinstance(row, dict) else {}
            answers, questions = self._walk(slot.items, given, seen, inside, f"{pointer}/{i}", rows)
            asked.append(questions)
            if i < len(value):
                kept.append(answers if isinstance(row, dict) else fit(row))
        return Question(pointer, slot.field, slot.required, kept or None, rows=tuple(asked))

    def _level(self, active: tuple[Plan, ...], pattern: str) -> tuple[_Slot, ...]:
        key = (pattern, tuple(map(id, active)))
        known = self._levels.get(key)
        if known is None:
            if len(self._levels) >= MAX_LEVELS:  # 2^n sets of open guards must not fill the memory
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

    def _dropped(self, draft: Answers, asked: Sequence[Question], pattern: str, at: str) -> Iterator[Dropped]:
        questions = {question.field.name: question for question in asked}
        for name, value in draft.items():
            field, question = self.fields.get(f"{pattern}/{name}"), questions.get(name)
            if field is not None and question is None:
                answer = _fitted(field, value)
                if answer not in (None, {}, []):
                    yield Dropped(f"{at}/{name}", field, answer)
            elif question is not None and isinstance(value, dict):
                yield from self._dropped(value, question.children, question.field.pointer, question.pointer)
            elif question is not None and isinstance(value, list):
                for i, (row, inside) in enumerate(zip(value, question.rows, strict=False)):
                    if isinstance(row, dict):
                        yield from self._dropped(row, inside, f"{question.field.pointer}/*", f"{question.pointer}/{i}")

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
        """Names that no branch declares, in answers that came from a machine; the first of them, if there are many."""
        if not isinstance(answers, dict):
            return (FieldError("", "type"),)
        return tuple(islice(self._unknown(answers, "", ""), MAX_UNKNOWN))

    def _unknown(self, answers: Answers, pattern: str, at: str) -> Iterator[FieldError]:
        for name, value in answers.items():
            field, pointer = self.fields.get(f"{pattern}/{name}"), f"{at}/{name}"
            if field is None:
                yield FieldError(f"{at}/{_escaped(name)}", "UNKNOWN_FIELD")
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
            if len(self._tests) >= MAX_TESTS:
                self._tests.clear()
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


def _row_of(attachment: Attachment) -> str:
    """The pointer pattern of the place whose answers an attachment's condition reads."""
    return f"{attachment.each}/*" if attachment.each else ""


def fit(value: Json) -> Json | None:
    """An answer to one question, made so that it can be judged and stored; None when there is none.

    Text that is blank is no answer. What only a machine could send is kept as something of its kind that no rule
    accepts: half a surrogate pair as U+FFFD (it cannot be written as UTF-8), lists and objects without what they
    hold in turn, an enormous integer as one that is too large.
    """
    if isinstance(value, str):
        if not value or value.isspace():
            return None
        return value if value.isprintable() else _PAIRLESS.sub("\ufffd", value)
    if isinstance(value, list):
        return [None if isinstance(item, list | dict) else fit(item) for item in value] or None
    if isinstance(value, dict):
        return {}
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST:
        return int(value)  # JSON knows one number where Python knows two
    if isinstance(value, int) and abs(value) > LARGEST:
        return 2 * LARGEST if value > 0 else -2 * LARGEST
    return value


def _fitted(field: Field, value: Json) -> Json | None:
    """`value` with each answer in it fit; what no question asks is left out."""
    if isinstance(value, list) and field.kind.name == "rows":
        return [_fitted_object(field, row) for row in value[:MAX_ROWS] if isinstance(row, dict)]
    if isinstance(value, dict) and field.children:
        return _fitted_object(field, value)
    return fit(value)


def _fitted_object(field: Field, value: Answers) -> Answers:
    pairs = ((child.name, _fitted(child, value[child.name])) for child in field.children if child.name in value)
    return {name: answer for name, answer in pairs if answer not in (None, {}, [])}


def _escaped(name: str) -> str:
    """A name that anybody may have sent, as a part of a pointer."""
    return _PAIRLESS.sub("\ufffd", name[:60]).replace("~", "~0").replace("/", "~1")


def _reached(answers: Json, path: tuple[str, ...]) -> Json:
    """What stands at a path of names; `Ellipsis` where there is nothing."""
    for name in path:
        if not isinstance(answers, dict):
            return answers  # of another kind: a condition may find that it fits
        answers = answers.get(name, ...)
    return answers


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
            yield f"{attachment.key}/{i}", row, f"{attachment.title}({i + 1})"


def _missing_files(settled: Settled, attached: Mapping[str, int]) -> Iterator[FieldError]:
    for asked in settled.attachments:
        count = attached.get(asked.key, 0)
        if asked.required and not count:
            yield FieldError(f"attachment:{asked.key}", "required")
        elif count > asked.attachment.max:
            yield FieldError(f"attachment:{asked.key}", "maxItems", {"limit": asked.attachment.max})


def compile_form(
    schema: Schema,
    *,
    ui: Mapping[str, Any] | None = None,
    attachments: Sequence[Mapping[str, Any]] = (),
    speech: Speech = JAPANESE,
) -> Form:
    """Compile a bundled schema. Raises BadDeclaration with every fault that was found. `speech` is the language of its
    words.

    Faults point into {"schema": …, "ui": …, "attachments": …}, as a declaration has them.
    """
    try:
        return Form(schema, ui or {}, attachments, speech)
    except BadDeclaration as bad:
        raise BadDeclaration([_located(fault) for fault in bad.faults]) from None


def _located(fault: Fault) -> Fault:
    if fault.pointer.startswith(("/ui/", "/attachments/")):
        return fault
    return replace(fault, pointer=f"/schema{fault.pointer}")
