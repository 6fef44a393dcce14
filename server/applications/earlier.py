"""Earlier answers: what a resident told us of themselves, kept a year with their consent and offered again.

A fact is (subject, path inside the common definition). Kept are the facts of whoever is signed in and of nobody else:
the applicant's where one acted for oneself, the agent's where one acted for another. A spouse or a child did not
consent, and an address of somebody who has left must not come up in a form. Never kept: 個人番号, accounts, files,
free texts, consents. A name or an address is one fact: parts of two would make a third.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from forms_schema import Answers, Field, Form, Json, Question, Settled
from server.applications.drafts import Content
from server.applications.prefill import for_oneself, written
from server.people.residents import Resident
from server.people.sessions import Visitor
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

SOURCE: Final = "earlier"
LIFE: Final = timedelta(days=365)
APPLICANT: Final = "applicant"
AGENT: Final = "agent"

PATHS: Final = frozenset({"name", "birthdate", "sex", "address", "phone", "email"})
"""What the common definition of a person says of somebody. What a form asks besides (how an agent stands to this
applicant, a 個人番号) is no fact about the person, and is not kept."""

_SEALED: Final = "earlier_answers.sealed_answers"
_LEAVES: Final = frozenset({"date", "radio", "select", "phone", "email"})
_WHOLES: Final = frozenset({"person_name", "address"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer: a text, or the texts of a name or an address. `label` is what its question was called."""

    value: Json
    label: str
    at: datetime


Facts = Mapping[str, Mapping[str, Fact]]
"""By subject and path ('name', 'address', 'phone')."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What blanks of a step could be filled with: texts by pointer, the newest of them told at `at`."""

    texts: Mapping[str, str]
    at: datetime


# --- what is kept -------------------------------------------------------------------------------------------------


def facts(form: Form, settled: Settled, *, now: datetime) -> Facts:
    """What of a filing may be kept; empty where it says nothing of whoever filed."""
    subject = APPLICANT if for_oneself(form, settled.kept) else AGENT
    found = {path: Fact(question.value, question.field.title, now) for path, question in _of(settled, subject)}
    told = {path: fact for path, fact in found.items() if fact.value is not None}
    return {subject: told} if told else {}


def _of(settled: Settled, subject: str) -> Iterator[tuple[str, Question]]:
    """The questions about a subject that may be kept, by their path. Not those of rows: a row is nobody for sure."""
    for about in settled.by_pointer.values():
        if about.field.subject == subject and "*" not in about.field.pointer:
            for question in about.children:
                if question.field.name in PATHS and question.field.kind.name in _LEAVES | _WHOLES:
                    yield question.field.name, question


# --- what is offered ----------------------------------------------------------------------------------------------


def offer(form: Form, step: int, settled: Settled, kept: Facts) -> Offer | None:
    """What the blanks of a step (0…) could be filled with. Nothing of one subject is offered for another."""
    subject = APPLICANT if for_oneself(form, settled.kept) else AGENT
    known, texts, times = kept.get(subject, {}), dict[str, str](), list[datetime]()
    for path, question in _of(settled, subject):
        if path in known and _stands(form, step, question.pointer):
            found = dict(_blanks(question, known[path].value))
            texts |= found
            times += [known[path].at] if found else []
    return Offer(texts, max(times)) if texts else None


def _stands(form: Form, step: int, pointer: str) -> bool:
    """Whether a question stands on a step."""
    tops = [item.pointer for item in form.steps[step].items if isinstance(item, Field)]
    return any(pointer == top or pointer.startswith(f"{top}/") for top in tops)


def _blanks(question: Question, value: Json) -> Iterator[tuple[str, str]]:
    if question.children:
        # in whole or not at all: half of another address would be added to what was typed
        if isinstance(value, dict) and all(child.value is None for child in question.children):
            for child in question.children:
                yield from _blanks(child, value.get(child.field.name))
    elif question.value is None and isinstance(value, str):
        options = [option.value for option in question.field.options]
        if not options or value in options:
            yield question.pointer, value


def used(form: Form, step: int, content: Content, kept: Facts, today: date) -> Content:
    """`content` with the blanks of a step filled, each source written down."""
    found = offer(form, step, form.settle(content.answers, today, content.rows), kept)
    if found is None:
        return content
    answers: Answers = content.answers
    for pointer, text in found.texts.items():
        answers = written(answers, pointer[1:].split("/"), text)
    return replace(content, answers=answers, sources={**content.sources, **dict.fromkeys(found.texts, SOURCE)})


def apart(form: Form, content: Content) -> Content:
    """`content` without what was filled in about oneself, once one acts for somebody else: it is not their address."""
    if for_oneself(form, content.answers):
        return content
    gone = [p for p, source in content.sources.items() if source == SOURCE and _subject(form, p) == APPLICANT]
    answers: Answers = content.answers
    for pointer in gone:
        answers = written(answers, pointer[1:].split("/"), None)
    kept = {pointer: source for pointer, source in content.sources.items() if pointer not in gone}
    return replace(content, answers=answers, sources=kept)


def _subject(form: Form, pointer: str) -> str:
    """Whose fact a question outside of rows is."""
    parts = pointer.split("/")
    around = ("/".join(parts[:end]) for end in range(len(parts), 1, -1))
    return next((form.fields[each].subject for each in around if each in form.fields and form.fields[each].subject), "")


# --- the store ----------------------------------------------------------------------------------------------------

_ROW: Final = select(t.earlier_answers).where(t.earlier_answers.c.resident_id == bindparam("resident"))
_LIVE: Final = _ROW.where(t.earlier_answers.c.expires_at > bindparam("now"))
_HELD: Final = _ROW.with_for_update()
_WRITE: Final = (
    update(t.earlier_answers)
    .where(t.earlier_answers.c.id == bindparam("row_id"))
    .values(sealed_answers=bindparam("sealed"), saved_at=bindparam("now"), expires_at=bindparam("until"))
)
_FORGET: Final = delete(t.earlier_answers).where(t.earlier_answers.c.resident_id == bindparam("resident"))
_SWEEP: Final = delete(t.earlier_answers).where(t.earlier_answers.c.expires_at <= bindparam("now"))


def load(db: Reading, keys: Keys, visitor: Visitor, *, now: datetime) -> Facts:
    """What may be offered to a visitor. Nothing to people under 支援措置, whose address no form may show."""
    if visitor.resident is None or visitor.resident.protected:
        return {}
    return of_resident(db, keys, visitor.resident.id, now=now)


def of_resident(db: Reading, keys: Keys, resident_id: str, *, now: datetime) -> Facts:
    """What is kept of a resident and not too old."""
    row = db.one(_LIVE, {"resident": resident_id, "now": now})
    return _opened(row, keys, now) if row is not None else {}


def _opened(row: Any, keys: Keys, now: datetime) -> Facts:
    told = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, _SEALED))
    known = {
        subject: {
            path: Fact(each["value"], each["label"], datetime.fromisoformat(each["at"]))
            for path, each in inside.items()
        }
        for subject, inside in told.items()
    }
    return _young(known, now)


def _young(known: Facts, now: datetime) -> Facts:
    """Without what was told more than a year ago: keeping a newer answer does not lengthen an older one's time."""
    young = {
        subject: {path: fact for path, fact in inside.items() if now < fact.at + LIFE}
        for subject, inside in known.items()
    }
    return {subject: inside for subject, inside in young.items() if inside}


def keep(db: Writing, keys: Keys, resident: Resident, found: Facts, *, now: datetime, random: Random) -> None:
    """Keep what was found in a filing; the newest answer counts of each fact. In the transaction of the filing."""
    if resident.protected or not found:
        return
    row_id = new_id(random)
    key, wrapped = keys.new_data_key(row_id)
    empty = {"id": row_id, "resident_id": resident.id, "wrapped_key": wrapped, "sealed_answers": _seal(key, {})}
    db.insert_new(t.earlier_answers, empty | {"saved_at": now, "expires_at": now + LIFE})
    row = db.one(_HELD, {"resident": resident.id})  # this one, or the one that was there
    if row is None:
        raise LookupError("the row made in this transaction is gone")
    known = _opened(row, keys, now)
    merged = {**known, **{subject: {**known.get(subject, {}), **inside} for subject, inside in found.items()}}
    sealed = _seal(keys.open_data_key(row.wrapped_key, row.id), merged)
    db.execute(_WRITE, {"row_id": row.id, "sealed": sealed, "now": now, "until": now + LIFE})
    db.audit("earlier.keep", resident.id, actor=f"resident:{resident.id}")


def _seal(key: Any, known: Facts) -> bytes:
    told = {
        subject: {
            path: {"value": fact.value, "label": fact.label, "at": fact.at.isoformat()} for path, fact in inside.items()
        }
        for subject, inside in known.items()
    }
    sealed: bytes = key.seal(json.dumps(told, ensure_ascii=False).encode(), _SEALED)
    return sealed


def forget(db: Writing, resident_id: str) -> bool:
    """Delete what is kept of a resident, with its key. False: there was nothing."""
    if db.execute(_FORGET, {"resident": resident_id}).rowcount != 1:
        return False
    db.audit("earlier.forget", resident_id, actor=f"resident:{resident_id}")
    return True


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete what is too old; how many residents' answers."""
    return int(db.execute(_SWEEP, {"now": now}).rowcount)
