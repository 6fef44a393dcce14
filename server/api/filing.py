"""Submitting and signing for a program: what it sends is judged as the pages judge, everything wrong at once.

Here stands only what a program can get wrong and a page cannot: names that are no questions, versions, files of
somebody else, and the same submission sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from forms_schema import Answers, FieldError, Form, Json, Settled
from forms_schema.findings import at, pointers
from forms_schema.text import clean
from procedures.declaration import Assurance, Channel, Declaration
from procedures.fees import NoFeeError
from server.api.refusals import Refusal, told, whole
from server.applications import idempotency, lookup, numbers, uploads
from server.applications.idempotency import Claim, Mismatch
from server.applications.lookup import Application
from server.applications.submission import Filing, Prepared, Raced, Rejected, prepare, submit
from server.applications.uploads import Upload
from server.catalogue import ProcedureState, Published
from server.japan import today
from server.people.sessions import Visitor
from server.people.signing import start_signature, verify_signature
from server.services import Services
from server.store.database import Reading, Writing

CHANNEL: Final = Channel.ONLINE
TRIES: Final = 3
"""How often a submission that met another is tried again; the second try finds what the other did."""

Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a program sends: `version` None for the one that is served; `files` are (attachment key, upload id)."""

    slug: str
    version: str | None
    answers: Json
    files: tuple[tuple[str, str], ...]

    def body(self, signature: str | None) -> Json:
        """What is the same when it is sent again."""
        files = [list(each) for each in self.files]
        said = {"slug": self.slug, "version": self.version, "answers": self.answers, "attachments": files}
        return said | {"signature": signature}


@dataclass(frozen=True, slots=True)
class Ready:
    """A filing that may be submitted, and who holds its files until then. `stale`: not the version that is served."""

    prepared: Prepared
    owners: Mapping[str, Owner]
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """An answer or a file that was sent and not taken, because it was not asked for."""

    pointer: str
    title: str


@dataclass(frozen=True, slots=True)
class Filed:
    """An application as it is acknowledged."""

    application: Application
    access_code: str
    left_out: tuple[LeftBehind, ...]


# --- judging ------------------------------------------------------------------------------------------------------


async def judge(of: Services, who: Visitor, sent: Sent) -> Ready | Refusal:
    """What was sent, as far as it can be judged without a transaction."""
    now = of.clock()
    served = of.catalogue.get(sent.slug)
    if served is None:
        return whole("UNKNOWN_PROCEDURE")
    declaration = await _version(of, sent, served)
    if declaration is None:
        return whole("VERSION_CHANGED")
    if not isinstance(sent.answers, dict):
        return whole("type")
    needed = max(declaration.assurance, served.declaration.assurance, key=lambda each: each.rank)
    codes = tuple(_closed(served, declaration, now)) + (() if who.level.covers(needed) else ("ASSURANCE_REQUIRED",))
    form, answers = declaration.form, tidy(declaration.form, sent.answers)
    found = await _files(of, who, sent)
    filing = Filing(declaration, answers, [file for file, _ in found.values()], CHANNEL.value, who)
    outcome = _prepared(of, filing, now, stale=declaration is not served.declaration)
    if outcome is None:
        return whole("VERSION_CHANGED")
    errors = _errors(form, answers, sent, found, outcome)
    if codes or errors:
        problems = [told(error, form, outcome.settled) for error in errors]
        return Refusal((*whole(*codes).problems, *problems))
    assert isinstance(outcome, Prepared)  # noqa: S101  # a rejected one has errors
    return Ready(outcome, {file.id: owner for file, owner in found.values()}, needed)
