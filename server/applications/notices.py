"""What a resident is told by mail of an application. Never the access code: a mailbox is not a safe."""

from __future__ import annotations

from datetime import datetime

from forms_schema import Answers
from forms_schema.findings import at
from procedures.declaration import Declaration
from server.notices.mail import mail_address
from server.notices.outbox import Notice, enqueue
from server.people.sessions import Visitor
from server.store.database import Writing
from server.store.keys import Keys
from server.store.values import Random


def address_of(visitor: Visitor, answers: Answers) -> str | None:
    """Where to write: the address they signed in with, or the one they gave for themselves."""
    known = visitor.resident.facts.email if visitor.resident else ""
    given = at(answers, "/applicant/email")
    return mail_address(known or (given if isinstance(given, str) else ""))


def receipt(
    db: Writing,
    keys: Keys,
    to: str,
    declaration: Declaration,
    application_id: str,
    receipt_number: str,
    *,
    booked: str = "",
    base_url: str,
    language: str,
    now: datetime,
    random: Random,
) -> None:
    """Write down the notice of a submission; it goes out when this commits. `booked` is the slot and its end,
    '' for nothing; `language` the code of the recipient's."""
    told = _of(declaration, receipt_number, base_url) | {"submitted_at": now.isoformat()}
    told |= {"booked": booked} if booked else {}
    enqueue(
        db, keys, Notice("receipt", to, f"receipt:{application_id}", told, language=language), now=now, random=random
    )


def withdrawn(
    db: Writing,
    keys: Keys,
    to: str,
    declaration: Declaration,
    application_id: str,
    receipt_number: str,
    *,
    base_url: str,
    language: str,
    now: datetime,
    random: Random,
) -> None:
    """Write down the notice of a withdrawal; it goes out when this commits."""
    told = _of(declaration, receipt_number, base_url) | {"withdrawn_at": now.isoformat()}
    enqueue(
        db,
        keys,
        Notice("withdrawn", to, f"withdrawn:{application_id}", told, language=language),
        now=now,
        random=random,
    )


def _of(declaration: Declaration, receipt_number: str, base_url: str) -> dict[str, str]:
    """What every notice says of its application."""
    return {
        "procedure": declaration.title,
        "slug": declaration.slug,
        "receipt_number": receipt_number,
        "status_url": f"{base_url}/applications",
        "department": declaration.department,
    }
