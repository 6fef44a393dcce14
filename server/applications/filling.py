"""Filling in: one turn of a page, from what was posted to what the draft becomes and what is wrong with it.

Pure: what is read from the store or looked up is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from zlib import crc32

from forms_schema import Answers, Attachment, Field, FieldError, Form, Posted, Question, Settled, last
from forms_schema.findings import at
from forms_schema.formdata import MAX_ROWS
from forms_schema.text import N_
from server.applications import earlier
from server.applications.drafts import Content
from server.applications.numbers import KIND, replaced
from server.applications.prefill import prefilled, retyped
from server.applications.summary import sections
from server.people.postal import Town
from server.people.sessions import Visitor

NEXT: Final = "next"
ASKED: Final = "_asked"
"""The control that says what was asked on a page, by `mark`."""
PICK: Final = "_pick."
"""Of a question two tabs answered, 'mine' or 'theirs': the control is this and the question's pointer."""
Lookup = Callable[[str], Sequence[Town]]
"""Towns by postal code; several where one code stands for several."""
_PLACE: Final = re.compile(r"(?:/(?:[0-9]{1,3}|[^/\d][^/]*))+")
"""A pointer whose row numbers `int` takes: of 5,000 digits it raises."""
_PICKED: Final = re.compile("[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Turn:
    """What a posted page makes of a draft.

    `towns` are to be picked from, by the pointer of an address; `origins` says which row each row was, by list.
    """

    content: Content
    settled: Settled
    towns: Mapping[str, Sequence[Town]]
    origins: Mapping[str, Sequence[int]] = field(default_factory=dict)


def turn(
    form: Form,
    step: int,
    posted: Posted,
    before: Content,
    do: str,
    *,
    visitor: Visitor,
    lookup: Lookup,
    today: date,
    known: earlier.Facts | None = None,
) -> Turn:
    """Read a posted page (step 0…) over the draft and carry out its button (`do`). `known` is offered to the visitor
    and used when they press for it."""
    verb, _, where = do.partition(":")
    decoded = form.decode(step, posted, before.answers, remove=where if verb == "remove" else "")
    content = replace(before, answers=decoded.answers, rows={**before.rows, **decoded.rows})
    content = _picked_from(form, posted, content, before, today)
    if verb == "add" and where in form.fields:
        shown = content.rows.get(where, 0)
        content = replace(content, rows={**content.rows, where: min(shown + 1, MAX_ROWS)})
    towns: dict[str, Sequence[Town]] = {}
    if verb in ("lookup", "town"):
        content, towns = addressed(content, where, lookup)
    content = earlier.apart(form, prefilled(form, retyped(before, content), visitor, today))
    if verb == earlier.SOURCE:
        content = earlier.used(form, step, content, known or {}, today)
    settled = form.settle(content.answers, today, shown_rows(form, content))
    return Turn(content, settled, towns, decoded.origins)


def shown_rows(form: Form, content: Content) -> dict[str, int]:
    """How many rows to show of each repeating group: as many as there were, and one to begin with if one is due."""
    shown = dict(content.rows)
    for pointer, each in form.fields.items():
        if each.kind.name == "rows" and "*" not in pointer:
            shown[pointer] = max(shown.get(pointer, 0), each.schema.get("minItems", 0))
    return shown


def addressed(content: Content, where: str, lookup: Lookup) -> tuple[Content, dict[str, Sequence[Town]]]:
    """Fill prefecture, city and town of the address at `where` from its postal code; 'where:2' picks the third."""
    pointer, _, picked = where.partition(":")
    address = at(content.answers, pointer) if _PLACE.fullmatch(pointer) else None
    code = address.get("postal_code") if isinstance(address, dict) else None
    towns = lookup(code) if isinstance(code, str) else ()
    if _PICKED.fullmatch(picked) and int(picked) < len(towns):
        towns = [towns[int(picked)]]
    if len(towns) != 1:
        return content, {pointer: towns} if towns else {}
    found = {"prefecture": towns[0].lg_code[:2], "city": towns[0].city, "town": towns[0].town}
    answers = content.answers
    for name, text in found.items():
        answers = replaced(answers, f"{pointer}/{name}", text or None)
    return replace(content, answers=answers), {}


def followed(form: Form, origins: Mapping[str, Sequence[int]], key: str) -> str | None:
    """The key of a file whose row moved ('shomei/2' → 'shomei/1'); None when its row is gone."""
    name, _, row = key.partition("/")
    each = next((item.each for item in form.attachments if item.key == name), "")
    if not row or each not in origins:
        return key
    at_ = origins[each]
    return f"{name}/{at_.index(int(row))}" if row.isdecimal() and int(row) in at_ else None


def has_files_by_row(form: Form, pointer: str) -> bool:
    """Whether each row of this list has files of its own."""
    return any(item.each == pointer for item in form.attachments)


def of_step(form: Form, step: int, errors: Sequence[FieldError]) -> tuple[FieldError, ...]:
    """The errors that stand on a step."""
    return tuple(error for error in errors if step_of(form, error.pointer) == step)


def step_of(form: Form, pointer: str) -> int:
    """The step (0…) on which a question or an attachment stands."""
    for i, step in enumerate(form.steps):
        if any(_holds(item, pointer) for item in step.items):
            return i
    return 0


def _holds(item: object, pointer: str) -> bool:
    if isinstance(item, Attachment):
        return pointer.removeprefix("attachment:").partition("/")[0] == item.key and pointer.startswith("attachment:")
    return isinstance(item, Field) and (pointer == item.pointer or pointer.startswith(f"{item.pointer}/"))


def asked_steps(form: Form, settled: Settled) -> tuple[int, ...]:
    """The steps (0…) on which something is asked."""
    files = {asked.attachment.key for asked in settled.attachments}
    return tuple(i for i, step in enumerate(form.steps) if any(_asked(item, settled, files) for item in step.items))


def _asked(item: object, settled: Settled, files: set[str]) -> bool:
    if isinstance(item, Attachment):
        return item.key in files
    return isinstance(item, Field) and item.pointer in settled.by_pointer


def on_step(form: Form, step: int, settled: Settled) -> list[str]:
    """Every question (its pointer) and file ('attachment:…') that is asked on a step, in order."""
    pointers: list[str] = []
    for item in form.steps[step].items:
        if isinstance(item, Attachment):
            pointers += [f"attachment:{asked.key}" for asked in settled.attachments if asked.attachment is item]
        elif isinstance(item, Field) and (question := settled.by_pointer.get(item.pointer)) is not None:
            _note(question, pointers)
    return pointers


def _note(question: Question, pointers: list[str]) -> None:
    pointers.append(question.pointer)
    for inside in (question.children, *question.rows):
        for each in inside:
            _note(each, pointers)


def mark(pointers: Sequence[str]) -> str:
    """Stands for what is asked on a page: sent along with it, it tells whether something has come since."""
    return f"{crc32(chr(10).join(pointers).encode()):08x}"


def unseen(form: Form, step: int, posted: Posted, shown: Callable[[], Settled], now: Settled) -> str:
    """The first question or file of a step that is asked only since the page was shown, may be left blank, and was
    not on it: without script nobody has seen it. '' when there is none; `shown` are the answers of the page."""
    asked = on_step(form, step, now)
    if last(posted, ASKED) in ("", mark(asked)):
        return ""
    before = set(on_step(form, step, shown()))
    new = (pointer for pointer in asked if pointer not in before)
    return next((pointer for pointer in new if _is_blank(now.by_pointer.get(pointer))), "")


def _is_blank(question: Question | None) -> bool:
    """Of a file nothing is known here: it is shown."""
    return question is None or (question.value is None and not question.children and not question.rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """A question answered twice, or a list of which there are two; both in words."""

    pointer: str
    label: str
    mine: str
    theirs: str


MINE: Final = N_("この画面で入力した番号")
THEIRS: Final = N_("先に保存された番号")


def differences(form: Form, mine: Content, theirs: Content, today: date) -> tuple[Difference, ...]:
    """Where two versions of a draft say different things. A list with more rows in one of them is one difference."""
    ours, others = _told(form, mine, today), _told(form, theirs, today)
    units: dict[str, list[str]] = {}
    for pointer in dict.fromkeys([*others, *ours]):
        if ours.get(pointer, _NOTHING)[1:] != others.get(pointer, _NOTHING)[1:]:
            units.setdefault(_unit(pointer, mine.answers, theirs.answers), []).append(pointer)
    return tuple(_difference(form, unit, pointers, ours, others) for unit, pointers in units.items())


Told = dict[str, tuple[str, str, object]]
"""By pointer: label, text, and what tells two apart that read alike."""
_NOTHING: Final = ("", "", None)


def _told(form: Form, content: Content, today: date) -> Told:
    return {
        line.pointer: (f"{section.title} {line.label}", line.text, _hidden(form, content, line.pointer))
        for section in sections(form, form.settle(content.answers, today), {})
        for line in section.lines
    }


def _hidden(form: Form, content: Content, pointer: str) -> object:
    """Every 個人番号 reads alike, as one that is there."""
    each = form.fields.get(_general(pointer))
    return at(content.answers, pointer) if each is not None and each.kind.name == KIND else None


def _general(pointer: str) -> str:
    """The pointer of a question in whatever row: '/children/2/name' → '/children/*/name'."""
    return "/".join("*" if part.isdecimal() else part for part in pointer.split("/"))


def _unit(pointer: str, mine: Answers, theirs: Answers) -> str:
    """The list that holds `pointer` and has more rows in one of them, else `pointer`."""
    parts = pointer.split("/")
    for i, part in enumerate(parts):
        rows = "/".join(parts[:i])
        if part.isdecimal() and _length(mine, rows) != _length(theirs, rows):
            return rows
    return pointer


def _length(answers: Answers, pointer: str) -> int:
    rows = at(answers, pointer)
    return len(rows) if isinstance(rows, list) else 0


def _difference(form: Form, unit: str, pointers: Sequence[str], ours: Told, others: Told) -> Difference:
    if pointers == [unit]:
        label = (ours.get(unit) or others[unit])[0]
        mine, theirs = ours.get(unit, _NOTHING), others.get(unit, _NOTHING)
        if mine[1] and mine[1] == theirs[1]:
            return Difference(unit, label, form.speech.say(MINE), form.speech.say(THEIRS))
        return Difference(unit, label, mine[1], theirs[1])
    mine_, theirs_ = (
        "\n".join(f"{each[p][0]}: {each[p][1]}" for p in pointers if p in each and each[p][1])
        for each in (ours, others)
    )
    return Difference(unit, form.fields[_general(unit)].title, mine_, theirs_)


def _picked_from(form: Form, posted: Posted, content: Content, theirs: Content, today: date) -> Content:
    """`content` with what was to stay as the other tab had saved it."""
    wanted = {
        name.removeprefix(PICK) for name, values in posted.items() if name.startswith(PICK) and "theirs" in values
    }
    for each in differences(form, content, theirs, today) if wanted else ():
        if each.pointer in wanted:
            kept = {**content.rows, each.pointer: theirs.rows.get(each.pointer, 0)}
            answers = replaced(content.answers, each.pointer, at(theirs.answers, each.pointer))
            content = replace(content, answers=answers, rows=kept)
    return content
