"""The card fills in what it knows, where somebody acts for themselves.

The source of each such answer is recorded, and falls back to 'typed' as soon as the answer is another one. People
under 支援措置 are never pre-filled: whoever holds their card must not read an address off our page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from forms_schema import Answers, Form, Json, Question
from forms_schema.findings import at
from server.applications.drafts import Content
from server.people.sessions import Visitor

CARD: Final = "card"
TYPED: Final = "typed"
"""Written down only where something else stood before, so that what was cleared is not filled in again."""
ACTING: Final = "acting"
"""The common question of who acts; `self` is the applicant in person."""


def retyped(before: Content, after: Content) -> Content:
    """`after` with its sources: an answer that is no longer the one that came from there was typed."""
    kept = {
        pointer: source if at(before.answers, pointer) == at(after.answers, pointer) else TYPED
        for pointer, source in before.sources.items()
    }
    return replace(after, sources=kept)


def prefilled(form: Form, content: Content, visitor: Visitor, today: date) -> Content:
    """`content` with blanks about the applicant filled from the card, or emptied again when an agent acts."""
    if not for_oneself(form, content.answers):
        return _without_card(content)
    if visitor.resident is None or visitor.resident.protected:
        return content
    settled = form.settle(content.answers, today, content.rows)
    known = dict(_known(settled.questions, visitor.resident.facts.answers()))
    found = {pointer: value for pointer, value in known.items() if pointer not in content.sources}
    if not found:
        return content
    answers = content.answers
    for pointer, value in found.items():
        answers = written(answers, pointer[1:].split("/"), value)
    return replace(content, answers=answers, sources={**content.sources, **dict.fromkeys(found, CARD)})


def for_oneself(form: Form, answers: Answers) -> bool:
    """Whether whoever files is the applicant. Where a form asks, they must have said so."""
    return f"/{ACTING}" not in form.fields or answers.get(ACTING) == "self"


def _known(questions: Sequence[Question], facts: Mapping[str, Json], about: bool = False) -> Iterator[tuple[str, Json]]:
    """Blank questions about the applicant that `facts` answer."""
    for question in questions:
        ours = about or question.field.subject == "applicant"
        if question.children and ours:
            known = facts if not about else facts.get(question.field.name)
            # a name or an address is filled in whole: half of another one would be added to what was typed
            untouched = not about or all(child.value is None for child in question.children)
            if isinstance(known, Mapping) and untouched:
                yield from _known(question.children, known, about=True)
        elif about and question.value is None and isinstance(facts.get(question.field.name), str):
            yield question.pointer, facts[question.field.name]


def _without_card(content: Content) -> Content:
    answers = content.answers
    for pointer, source in content.sources.items():
        if source == CARD:
            answers = written(answers, pointer[1:].split("/"), None)
    kept = {pointer: source for pointer, source in content.sources.items() if source != CARD}
    return replace(content, answers=answers, sources=kept)


def written(answers: Answers, path: Sequence[str], value: Json | None) -> Answers:
    """`answers` with the value at `path` (through objects) set, or taken away when it is None."""
    name, rest = path[0], path[1:]
    if rest:
        inner = answers.get(name)
        value = written(inner if isinstance(inner, dict) else {}, rest, value) or None
    others = {key: kept for key, kept in answers.items() if key != name or value is not None}
    return others if value is None else {**others, name: value}
