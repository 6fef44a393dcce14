"""What was said in one form of a visit to a kiosk, for the next one: nobody types their name twice.

The forms are read as an interview reads what was brought along (`procedures.joint`): facts about the same people, by
subject. Whoever stands there is asked once whether the next form is about the same people, and sees what is taken
over. It lives in the drafts of the visit and goes with them. 個人番号, files and consents are never taken over, and
nothing is where anybody is under 支援措置: the answers of the others would tell their address as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from forms_schema import Answers, Form, Json, Settled
from forms_schema.findings import at
from procedures.joint import Fact, Filled, Joint, Key, State, brought
from server.applications.drafts import Content
from server.counter import screens
from server.counter.identity import protected_members
from server.counter.screens import AT_THE_WINDOW, Screen
from server.store.database import Reading
from server.store.keys import Keys

SAID: Final = "said"
"""The source of an answer that was taken over."""
SAME_ROWS: Final = ("household", "children")
"""Whose rows in two forms are the same people, as far as they are not taken away on the screen that lists them."""


def said(db: Reading, keys: Keys, begun: Mapping[str, tuple[Form, Content]], form: Form, today: date) -> Answers:
    """The answers of `form` that the forms `begun`, by slug, tell. {} for none."""
    filled = {slug: Filled(each, screens.settled(each, content, today).kept) for slug, (each, content) in begun.items()}
    facts = brought(filled)
    if not facts or protected_members(db, keys, facts):
        return {}
    joint = Joint({"": form})
    told = {key: fact for key, fact in facts.items() if key.path not in joint.numbers}
    rows = _same_rows(facts, Joint({slug: each for slug, (each, _) in begun.items()}), joint)
    draft = joint.turn(State({**told, **rows}), today).seen[""].draft
    return _asked_here(form, draft)


def _same_rows(facts: Mapping[Key, Fact], before: Joint, joint: Joint) -> dict[Key, Fact]:
    """Who stands in the rows of the new form: those of the first form that asked for the same."""
    found: dict[Key, Fact] = {}
    for role in SAME_ROWS:
        listed = [each.lists[role] for each in before.forms.values() if role in each.lists]
        told = next((facts[Key("", node.own)] for node in listed if Key("", node.own) in facts), None)
        if told is not None and role in joint.forms[""].lists:
            found[Key("", joint.forms[""].lists[role].own)] = told
    return found


def _asked_here(form: Form, draft: Answers) -> Answers:
    """Without what a kiosk does not ask."""
    left = {field.pointer for field in form.fields.values() if field.kind.name in AT_THE_WINDOW}
    return {name: value for name, value in _without(draft, "", left).items() if value not in ({}, [])}


def _without(answers: Mapping[str, Json], where: str, left: set[str]) -> dict[str, Json]:
    told = {name: value for name, value in answers.items() if f"{where}/{name}" not in left}
    return {name: _within(value, f"{where}/{name}", left) for name, value in told.items()}


def _within(value: Json, where: str, left: set[str]) -> Json:
    if isinstance(value, dict):
        return _without(value, where, left)
    return [_within(each, f"{where}/*", left) for each in value] if isinstance(value, list) else value


def taken_over(content: Content, answers: Answers) -> Content:
    """A form with what was said before; what stood there by itself (a day, a usual choice) gives way."""
    sources = dict.fromkeys(_pointers(answers, ""), SAID)
    return replace(content, answers=_merged(content.answers, answers), sources={**content.sources, **sources})


def _merged(under: Json, over: Json) -> Json:
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    return {**under, **{name: _merged(under.get(name), value) for name, value in over.items()}}


def _pointers(value: Json, where: str) -> Iterator[str]:
    if where:
        yield where
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from _pointers(each, f"{where}/{name}")


def answered_anew(content: Content, pointer: str) -> Content:
    """After `pointer` was answered on its screen: it is nothing that was only said before."""
    kept = {each: source for each, source in content.sources.items() if not f"{each}/".startswith(f"{pointer}/")}
    return replace(content, sources=kept)


def is_said(shown: Screen, content: Content) -> bool:
    """Whether all that is answered on a screen was said before. A list is shown again, for who stands in it may differ
    from form to form."""
    pointer = shown.question.pointer
    return not shown.more and content.sources.get(pointer) == SAID and at(content.answers, pointer) is not None


def asked(form: Form, content: Content, of: Settled) -> tuple[Screen, ...]:
    """The screens of a form that are put: all but those of what was said before and does for this form too."""
    errors = form.errors(of)
    every = screens.screens(form, of)
    return tuple(each for each in every if not is_said(each, content) or screens.wrong_on(each, errors))
