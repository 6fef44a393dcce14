"""What is said about an application: questions of the office, answers, why it was refused or sent on.

The texts are personal: sealed by the row's own key, shown on the application's page, and never in a mail. What the
audience 'resident' reads is theirs; the rest stays inside the town hall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, select

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
    """`department` is whose it is, '' for a resident's own answer; `staff_id` who wrote or entered it."""

    kind: Kind
    audience: Audience
    department: str
    staff_id: str | None
    text: str
    at: datetime
    answer_by: datetime | None = None


_M: Final = t.case_message.c
_OF: Final = (
    select(t.case_message).where(_M.application_id == bindparam("application_id")).order_by(_M.created_at, _M.id)
)


def plain_text(typed: str) -> str | None:
    """What was typed, without blanks at its ends and with plain line breaks; None where it is nothing, too long, or has
    characters nobody can see."""
    said = "\n".join(line.rstrip() for line in typed.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    seen = said.replace("\n", "").replace("\t", "").replace("\u3000", "")
    return said if said and len(said) <= LONGEST and seen.isprintable() else None


def write(db: Writing, keys: Keys, application_id: str, message: Message, *, random: Random) -> None:
    """Keep a message."""
    message_id = new_id(random)
    key, wrapped = keys.new_data_key(message_id)
    row: dict[str, Any] = {"id": message_id, "application_id": application_id, "kind": message.kind.value}
    row |= {"audience": message.audience.value, "department": message.department, "staff_id": message.staff_id}
    row |= {"wrapped_key": wrapped, "sealed_text": key.seal(message.text.encode(), SEALED)}
    db.insert(t.case_message, row | {"created_at": message.at, "answer_by": message.answer_by})


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


def _message(keys: Keys, row: Any) -> Message:
    text = keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_text, SEALED).decode()
    return Message(
        Kind(row.kind), Audience(row.audience), row.department, row.staff_id, text, row.created_at, row.answer_by
    )
