"""個人番号 leave the answers before anything is stored: each is sealed to the city's public key, in a row of its own.

What stays among the answers is a token naming the row. A token counts only where its row belongs to the draft it
stands in, so nobody can put in another person's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import bindparam, delete, select, update

from forms_schema import Answers, Form, Json
from forms_schema.findings import at, pointers
from forms_schema.formats import FORMATS
from server.applications.prefill import written
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

T = TypeVar("T")
PREFIX: Final = "sealed:"
KIND: Final = "my_number"

_OWNED = select(t.mynumber.c.id).where(t.mynumber.c.owner_id == bindparam("owner"))
_HAND_OVER = update(t.mynumber).where(t.mynumber.c.owner_id == bindparam("before")).values(owner_id=bindparam("after"))
_SEALED = select(t.mynumber.c.sealed).where(
    t.mynumber.c.id == bindparam("row"), t.mynumber.c.owner_id == bindparam("owner")
)
_FORGET_ALL = delete(t.mynumber).where(t.mynumber.c.owner_id == bindparam("owner"))
_FORGET = _FORGET_ALL.where(t.mynumber.c.id.not_in(bindparam("named", expanding=True)))


def sealed_away(
    db: Writing, keys: Keys, form: Form, answers: Answers, owner_id: str, *, now: datetime, random: Random
) -> Answers:
    """`answers` with each 個人番号, asked for or not, replaced by the token of its sealed row.

    One that is not valid is left out: it is not kept in the clear, and is asked again.
    """
    places = _places(form, answers)
    if not places:
        return answers
    owned = _tokens(db, owner_id)
    for pointer in places:
        value = at(answers, pointer)
        token: str | None = None
        if is_token(value):
            token = value if value in owned else None
        elif _is_number(value):
            token = _kept(db, keys, str(value), owner_id, now, random)
        answers = replaced(answers, pointer, token)
    return answers


def is_token(value: Json | None) -> bool:
    """Whether a value names a sealed row, of whomever."""
    return isinstance(value, str) and value.startswith(PREFIX)


def each_sealed_away(
    db: Writing, keys: Keys, values: Mapping[T, Json], owner_id: str, *, now: datetime, random: Random
) -> dict[T, str]:
    """The tokens of these 個人番号, each sealed in a row of the owner's; a token stays where it is the owner's. What is
    neither is left out: it is not kept in the clear."""
    owned = _tokens(db, owner_id) if values else set()
    kept = {each: str(value) for each, value in values.items() if is_token(value) and value in owned}
    typed = {each: str(value) for each, value in values.items() if _is_number(value)}
    return kept | {each: _kept(db, keys, text, owner_id, now, random) for each, text in typed.items()}


def _places(form: Form, answers: Answers) -> list[str]:
    """Where the numbers stand."""
    return [p for field in form.fields.values() if field.kind.name == KIND for p in pointers(answers, field.pointer)]


def _typed(form: Form, answers: Answers) -> dict[str, str]:
    """The numbers that stand in the clear, by their places."""
    found = {place: at(answers, place) for place in _places(form, answers)}
    return {place: value for place, value in found.items() if _is_number(value)}


def _is_number(value: Json | None) -> bool:
    return isinstance(value, str) and not value.startswith(PREFIX) and FORMATS["my-number"](value)


def unkeepable(form: Form, answers: Answers) -> frozenset[str]:
    """The places of what was typed for a number and is none: nothing can keep it."""
    found = {place: at(answers, place) for place in _places(form, answers)}
    return frozenset(
        p for p, v in found.items() if isinstance(v, str) and not v.startswith(PREFIX) and not _is_number(v)
    )


def any_typed(form: Form, answers: Answers) -> bool:
    """Whether a number stands in the clear."""
    return bool(_typed(form, answers))


def marks(form: Form, answers: Answers, random: Random) -> dict[str, str]:
    """By place, what recognises a number typed here once it is sealed: two tabs may have typed different ones.

    A slow hash under a salt of its own: whoever opens the draft would need centuries for the 10^11 there are. It is
    sealed with the draft and gone with its submission. Blocking, about 50 ms a number.
    """
    return {place: _mark(number, random(16)) for place, number in _typed(form, answers).items()}


def marked(form: Form, answers: Answers, before: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The marks by token, of the tokens that `answers` have now."""
    found = {place: str(at(answers, place)) for place in _places(form, answers)}
    told = {token: new.get(place) or before.get(token, "") for place, token in found.items()}
    return {token: mark for token, mark in told.items() if mark}


def recognised(form: Form, answers: Answers, saved: Answers, marks: Mapping[str, str]) -> Answers:
    """`answers` with the token of `saved` for each number that is the one saved in its place. Blocking."""
    for place, number in _typed(form, answers).items():
        token = at(saved, place)
        mark = marks.get(token, "") if isinstance(token, str) else ""
        if mark and hmac.compare_digest(_mark(number, bytes.fromhex(mark[:32])), mark):
            answers = replaced(answers, place, token)
    return answers


def _mark(number: str, salt: bytes) -> str:
    return salt.hex() + hashlib.scrypt(number.encode(), salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


def unnamed(form: Form, answers: Answers) -> Answers:
    """`answers` with each 個人番号 told only to be there: for a statement that must still be checked when the number
    lies sealed elsewhere."""
    for pointer in _places(form, answers):
        answers = replaced(answers, pointer, "sealed")
    return answers


def replaced(answers: Answers, pointer: str, value: Json | None) -> Answers:
    """`answers` with the answer at `pointer` (which may lead through rows) set, or taken away."""
    *path, last = pointer[1:].split("/")
    for i, part in enumerate(path):
        if part.isdecimal():
            return _in_row(answers, path[:i], int(part), "/" + "/".join([*path[i + 1 :], last]), value)
    return written(answers, [*path, last], value)


def _in_row(answers: Answers, path: list[str], index: int, rest: str, value: Json | None) -> Answers:
    rows = at(answers, "/" + "/".join(path))
    changed = [replaced(row, rest, value) if i == index else row for i, row in enumerate(rows)]
    return written(answers, path, changed)


def _tokens(db: Reading, owner_id: str) -> set[str]:
    return {PREFIX + row.id for row in db.all(_OWNED, {"owner": owner_id})}


def _kept(db: Writing, keys: Keys, number: str, owner_id: str, now: datetime, random: Random) -> str:
    row_id = new_id(random)
    row = {"id": row_id, "owner_id": owner_id, "sealed": keys.seal_my_number(number), "created_at": now}
    db.insert(t.mynumber, row)
    return PREFIX + row_id


def copied(
    db: Writing, form: Form, answers: Answers, before: str, after: str, *, now: datetime, random: Random
) -> Answers:
    """`answers` with a token of the application's own for each 個人番号 that they name of `before`: one number may go
    into several applications, and each keeps its own for as long as it is kept itself."""
    for pointer in _places(form, answers):
        named = {"row": str(at(answers, pointer)).removeprefix(PREFIX), "owner": before}
        sealed, token = db.scalar(_SEALED, named), None
        if sealed is not None:
            row = {"id": new_id(random), "owner_id": after, "sealed": sealed, "created_at": now}
            db.insert(t.mynumber, row)
            token = PREFIX + row["id"]
        answers = replaced(answers, pointer, token)
    return answers


def hand_over(db: Writing, form: Form, answers: Answers, before: str, after: str) -> None:
    """The draft's numbers are the application's now: those that `answers` name. What was typed before them, or is
    asked for no more, may not be kept (番号法第20条)."""
    named = [str(at(answers, place)).removeprefix(PREFIX) for place in _places(form, answers)]
    if not named:
        db.execute(_FORGET_ALL, {"owner": before})
    else:
        db.execute(_FORGET, {"owner": before, "named": named})
        db.execute(_HAND_OVER, {"before": before, "after": after})
