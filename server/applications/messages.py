"""What is said about an application: questions of the office, answers, why it was refused or sent on.

The texts are personal: sealed by the row's own key, shown on the application's page, and never in a mail. What the
audience 'resident' reads is theirs; the rest stays inside the town hall. Files that came with an answer (追加書類) are
the application's own, as those that it was filed with; their key names the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, select

from server.applications import uploads
from server.applications.uploads import ADDED, Owner, Stored, Upload
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

LONGEST: Final = 2000
SEALED: Final = "case_message.sealed_text"


class Kind(StrEnum):
    """What is said."""

    QUESTION = "question"
    ANSWER = "answer"
    REFUSAL = "refusal"
    HANDOVER = "handover"


class Audience(StrEnum):
    """For whom a question is, or from whom an answer; OFFICE: for the departments alone."""

    RESIDENT = "resident"
    COUNTER = "counter"
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class Message:
    """`department` is whose it is, '' for a resident's own answer; `staff_id` who wrote or entered it. The text of an
    answer may be empty where files came with it. `id` is '' until it is kept."""

    kind: Kind
    audience: Audience
    department: str
    staff_id: str | None
    text: str
    at: datetime
    answer_by: datetime | None = None
    id: str = ""


_M: Final = t.case_message.c
_OF: Final = (
    select(t.case_message).where(_M.application_id == bindparam("application_id")).order_by(_M.created_at, _M.id)
)
_ANSWER_BY: Final = (
    select(_M.answer_by)
    .where(
        _M.application_id == bindparam("application_id"),
        _M.kind == Kind.QUESTION.value,
        _M.audience == Audience.RESIDENT.value,
    )
    .order_by(_M.created_at.desc(), _M.id.desc())
    .limit(1)
)


def plain_text(typed: str) -> str | None:
    """What was typed, without blanks at its ends and with plain line breaks; None where it is nothing, too long, or has
    characters nobody can see."""
    said = "\n".join(line.rstrip() for line in typed.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    seen = said.replace("\n", "").replace("\t", "").replace("\u3000", "")
    return said if said and len(said) <= LONGEST and seen.isprintable() else None


def write(db: Writing, keys: Keys, application_id: str, message: Message, *, random: Random) -> str:
    """Keep a message: its id."""
    message_id = new_id(random)
    key, wrapped = keys.new_data_key(message_id)
    row: dict[str, Any] = {"id": message_id, "application_id": application_id, "kind": message.kind.value}
    row |= {"audience": message.audience.value, "department": message.department, "staff_id": message.staff_id}
    row |= {"wrapped_key": wrapped, "sealed_text": key.seal(message.text.encode(), SEALED)}
    db.insert(t.case_message, row | {"created_at": message.at, "answer_by": message.answer_by})
    return message_id


def of(db: Reading, keys: Keys, application_id: str) -> list[Message]:
    """All that was said, the oldest first. Whoever shows it to a resident shows `theirs` alone."""
    return [_message(keys, row) for row in db.all(_OF, {"application_id": application_id})]


def theirs(messages: Sequence[Message]) -> list[Message]:
    """What a resident may read."""
    return [each for each in messages if each.audience is Audience.RESIDENT]


def unanswered(messages: Sequence[Message], audience: Audience) -> Message | None:
    """The latest question for this audience, as long as nobody answered it."""
    said = [each for each in messages if each.audience is audience and each.kind in (Kind.QUESTION, Kind.ANSWER)]
    return said[-1] if said and said[-1].kind is Kind.QUESTION else None


def over(db: Reading, application_id: str, now: datetime) -> bool:
    """Whether the time for an answer of the resident's is over."""
    end: datetime | None = db.scalar(_ANSWER_BY, {"application_id": application_id})
    return end is not None and end < now


def _message(keys: Keys, row: Any) -> Message:
    text = keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_text, SEALED).decode()
    kind, audience = Kind(row.kind), Audience(row.audience)
    return Message(kind, audience, row.department, row.staff_id, text, row.created_at, row.answer_by, row.id)


# --- files that came with an answer -----------------------------------------------------------------------------------


class FileGone(Exception):
    """A file of an answer is not there any more, or something was found in it meanwhile: nothing was written."""


_DATES: Final = (
    select(_M.id, _M.created_at)
    .where(_M.application_id == bindparam("application_id"), _M.audience == Audience.RESIDENT.value)
    .order_by(_M.created_at, _M.id)
)


def add_files(db: Writing, application_id: str, message_id: str, files: Mapping[str, Owner]) -> None:
    """Make files (id → who holds them until now) the application's, as what came with this answer. Raises FileGone."""
    for each in sorted(files):  # in one order, so that none deadlock
        if not uploads.take(db, each, files[each], f"{ADDED}{message_id}"):
            raise FileGone(each)
    if not uploads.hand_over(db, sorted(files), application_id):
        raise FileGone(application_id)


def files_of(message: Message, files: Sequence[Upload]) -> list[Upload]:
    """Of an application's files those that came with this answer."""
    return [each for each in files if each.key == f"{ADDED}{message.id}"]


def added(db: Reading, keys: Keys, application_id: str) -> list[tuple[datetime, Upload]]:
    """Every file that came with an answer, and when that was, the oldest first."""
    files = uploads.of(db, keys, "application", application_id)
    rows = db.all(_DATES, {"application_id": application_id})
    return [(row.created_at, each) for row in rows for each in files if each.key == f"{ADDED}{row.id}"]


def look_at_file(db: Writing, keys: Keys, application_id: str, upload_id: str, actor: str) -> Stored | None:
    """A file that a resident added to an application they were let see, audited; or one of an answer that they have not
    sent yet, which is not. None: there is none, or it is not theirs to read."""
    stored = uploads.one(db, keys, upload_id, "application", application_id)
    if stored is None:
        return uploads.one(db, keys, upload_id, *uploads.pending(application_id))
    if stored.upload.key not in {f"{ADDED}{row.id}" for row in db.all(_DATES, {"application_id": application_id})}:
        return None
    db.audit("application.file", application_id, actor=actor)
    return stored
