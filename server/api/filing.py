"""Submitting and signing for a program: what it sends is judged as the pages judge, everything wrong at once.

Here stands only what a program can get wrong and a page cannot: names that are no questions, versions, files of
somebody else, and the same submission sent again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from forms_schema import Answers, FieldError, Form, Json, Settled
from forms_schema.findings import at, pointers
from forms_schema.formats import SEALED
from forms_schema.text import clean
from procedures.declaration import Channel, Declaration
from server.api.refusals import Problem, Refusal, closed, elsewhere, told, whole
from server.applications import idempotency, lookup, numbers, uploads
from server.applications.idempotency import Claim, Mismatch
from server.applications.lookup import Application
from server.applications.submission import Filing, Prepared, Raced, Rejected, Superseded, prepare, submit
from server.applications.uploads import Owner, Upload
from server.catalogue import ProcedureState, Published
from server.japan import today
from server.people.sessions import Visitor
from server.people.signing import start_signature, verify_signature
from server.services import Services
from server.store.database import Reading, Writing

CHANNEL: Final = Channel.ONLINE
TRIES: Final = 3
"""How often a submission that met another is tried; the second try finds what the other one did."""

_ID: Final = re.compile(r"[0-9a-f]{32}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ROW: Final = re.compile(r"0|[1-9][0-9]{0,3}")


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
    """A filing that may be submitted, and who holds its files until then."""

    prepared: Prepared
    owners: Mapping[str, Owner]


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
    """What was sent, as far as it can be judged before it is written."""
    served = of.catalogue.get(sent.slug)
    if served is None:
        return whole("UNKNOWN_PROCEDURE")
    declaration = await _version(of, sent, served)
    if declaration is None:
        return whole("VERSION_CHANGED")
    if not isinstance(sent.answers, dict):
        return whole("type")
    files, errors = await _files(of, who, sent, declaration.form)
    answers = tidy(declaration.form, sent.answers)
    errors += [*declaration.form.unknown(answers), *_tokens(declaration.form, answers)]
    filing = Filing(declaration, answers, [file for file, _ in files], CHANNEL.value, who, served)
    outcome = prepare(filing, of.catalogue.shared.fees, await of.opening(declaration), now=of.clock())
    if isinstance(outcome, Rejected):
        errors += outcome.errors
    if isinstance(outcome, Superseded) or (filing.stale and errors):
        return whole("VERSION_CHANGED")
    status = served.status(of.clock())
    problems = [] if status.state is ProcedureState.OPEN else [closed(status)]
    problems += whole(*_codes(served, filing)).problems
    problems += [elsewhere(served.handed_over)] if served.handed_over is not None else []
    problems += _told(errors, declaration.form, outcome.settled)
    if problems or isinstance(outcome, Rejected):
        return Refusal(tuple(problems))
    return Ready(outcome, {file.id: owner for file, owner in files})


async def _version(of: Services, sent: Sent, served: Published) -> Declaration | None:
    """The version that was filled in. An older one stays good as long as what was filled in by it does."""
    if sent.version in (None, served.digest):
        return await of.catalogue.opened(served)
    try:
        return await of.catalogue.declaration(sent.version if _DIGEST.fullmatch(sent.version) else "", sent.slug)
    except LookupError:
        return None


def _codes(served: Published, filing: Filing) -> Iterator[str]:
    """What stands against the filing as a whole."""
    if CHANNEL not in filing.declaration.channels or CHANNEL not in served.declaration.channels:
        yield "CHANNEL_CLOSED"
    if not filing.visitor.level.covers(filing.needed):
        yield "ASSURANCE_REQUIRED"


def _told(errors: Iterable[FieldError], form: Form, settled: Settled) -> Iterator[Problem]:
    """One problem a place: the first that was found there."""
    seen: set[str] = set()
    for error in errors:
        if error.pointer not in seen:
            seen.add(error.pointer)
            yield told(error, form, settled)


def tidy(form: Form, answers: Answers) -> Answers:
    """Answers as the pages would have read them: texts cleaned, and blank texts and empty lists absent."""
    tidied: Answers = _tidied(form, answers, "")
    return tidied


def _tidied(form: Form, value: Json, pattern: str) -> Json:
    if isinstance(value, dict):
        inside = {name: _tidied(form, inner, f"{pattern}/{name}") for name, inner in value.items()}
        return {name: inner for name, inner in inside.items() if inner != "" and inner != []}
    if isinstance(value, list):
        return [_tidied(form, inner, f"{pattern}/*") for inner in value]
    if not isinstance(value, str):
        return value
    field = form.fields.get(pattern)
    return clean(value, lines=field is not None and field.kind.name == "textarea")


def _tokens(form: Form, answers: Answers) -> Iterator[FieldError]:
    """A 個人番号 comes as a number: the token of a sealed one stands in drafts alone, and a program has none."""
    for field in form.fields.values():
        if field.kind.name == numbers.KIND:
            for pointer in pointers(answers, field.pointer):
                if str(at(answers, pointer)).startswith(SEALED):
                    yield FieldError(pointer, "format", {"format": "my-number"})


# --- files --------------------------------------------------------------------------------------------------------


async def _files(
    of: Services, who: Visitor, sent: Sent, form: Form
) -> tuple[list[tuple[Upload, Owner]], list[FieldError]]:
    """The files that may be taken, each under the key it is sent for; and what is wrong with the others."""
    if not sent.files:
        return [], []

    def work(db: Reading) -> list[tuple[Upload, Owner] | None]:
        ids = [upload_id for _, upload_id in sent.files[: uploads.MAX_FILES]]
        return [uploads.loose(db, of.keys, each, who) if _ID.fullmatch(each) else None for each in ids]

    found = await of.database.read(work)
    taken: dict[str, tuple[Upload, Owner]] = {}
    errors = []
    for (key, upload_id), each in zip(sent.files, found, strict=False):
        code = "uniqueItems" if upload_id in taken else _unfit(form, key, each and each[0])
        if code:
            errors.append(FieldError(f"attachment:{key}", code))
        elif each is not None:
            taken[upload_id] = (replace(each[0], key=key), each[1])
    size = sum(file.size for file, _ in taken.values())
    if len(sent.files) > uploads.MAX_FILES or size > uploads.MAX_TOTAL:
        errors.append(FieldError(f"attachment:{sent.files[-1][0]}", "file-count"))
    return list(taken.values()), errors


def _unfit(form: Form, key: str, file: Upload | None) -> str:
    """Why a file cannot be the attachment `key`; '' when it can."""
    name, slash, row = key.partition("/")
    attachment = next((each for each in form.attachments if each.key == name), None)
    if attachment is None or bool(slash) != bool(attachment.each) or (slash and not _ROW.fullmatch(row)):
        return "UNKNOWN_FIELD"
    if file is None:
        return "UNKNOWN_UPLOAD"
    return "" if file.media_type in attachment.accept else "file-type"


def _left_out(settled: Settled, form: Form, keys: Sequence[str]) -> Iterator[LeftBehind]:
    for dropped in settled.dropped:
        yield LeftBehind(dropped.pointer, dropped.field.title)
    asked = {each.key for each in settled.attachments}
    titles = {each.key: each.title for each in form.attachments}
    for key in dict.fromkeys(keys):
        if key not in asked:
            yield LeftBehind(f"attachment:{key}", titles.get(key.partition("/")[0], key))


# --- submitting ---------------------------------------------------------------------------------------------------


async def file(
    of: Services, who: Visitor, sent: Sent, *, place: str, signature: str | None, key: str | None
) -> Filed | Refusal:
    """Submit, once for each `key`. Raises ValueError for answers that have no canonical form."""
    claimed = idempotency.claim(of.keys, who, key, sent.body(signature)) if key is not None else None
    for _ in range(TRIES):
        judged = await judge(of, who, sent)
        signed = isinstance(judged, Ready) and await _signed(of, who, judged, signature)
        # Asked after judging: files and signature that another has just spent are gone, and what it made is here.
        known = await _recalled(of, claimed)
        if known is not None:
            return await _again(of, sent, known)
        if isinstance(judged, Refusal):
            return judged
        if not signed:
            return whole("SIGNATURE_REQUIRED")
        try:
            return await _filed(of, sent, judged, signature, claimed, place)
        except Raced:
            continue
    return whole("CONFLICT")


async def _signed(of: Services, who: Visitor, ready: Ready, signature: str | None) -> bool:
    """Whether there is a signature over exactly this, or none is needed."""
    adapter = of.signing
    if signature is None:
        return not ready.prepared.to_be_signed
    if adapter is None or not _ID.fullmatch(signature):
        return False
    digest, session_id = ready.prepared.digest, who.session_id
    found = await of.database.read(
        lambda db: verify_signature(db, of.keys, adapter, signature, digest, session_id=session_id)
    )
    return found is not None


async def _recalled(of: Services, claimed: Claim | None) -> str | Mismatch | None:
    if claimed is None:
        return None
    return await of.database.read(lambda db: idempotency.recall(db, claimed))


async def _again(of: Services, sent: Sent, known: str | Mismatch) -> Filed | Refusal:
    """The answer to a submission that was made before."""
    if isinstance(known, Mismatch):
        return whole("IDEMPOTENCY_MISMATCH")
    made = await of.database.read(lambda db: lookup.just_submitted(db, known))
    declaration = await of.catalogue.declaration(made.digest, made.slug)
    form = declaration.form
    return _acknowledged(of, sent, made, form, form.settle(tidy(form, sent.answers), today(made.submitted_at)))


async def _filed(
    of: Services, sent: Sent, ready: Ready, signature: str | None, claimed: Claim | None, place: str
) -> Filed:
    """Write it all, or raise Raced and write nothing."""
    prepared, now = ready.prepared, of.clock()

    def work(db: Writing) -> Application:
        for each in sorted(prepared.asked_files(), key=lambda file: file.id):  # in one order, so that none deadlock
            if not uploads.take(db, each.id, ready.owners[each.id], each.key):
                raise Raced
        done = submit(
            db,
            of.keys,
            prepared,
            draft=None,
            signature=signature,
            place=place,
            base_url=of.settings.base_url,
            payment_days=of.city.payment_days,
            language=of.languages.japanese.code,
            now=now,
            random=of.random,
        )
        if claimed is not None and not idempotency.remember(db, claimed, done.application_id, now=now):
            raise Raced
        return lookup.just_submitted(db, done.application_id)

    made = await of.database.transact(work)
    of.metrics.submitted(made.slug, CHANNEL.value)
    return _acknowledged(of, sent, made, prepared.filing.declaration.form, prepared.settled)


def _acknowledged(of: Services, sent: Sent, made: Application, form: Form, settled: Settled) -> Filed:
    keys = [key for key, _ in sent.files]
    return Filed(made, of.keys.access_code(made.id), tuple(_left_out(settled, form, keys)))


async def sign(of: Services, who: Visitor, sent: Sent) -> str | Refusal:
    """Begin a signature over what was sent: its id. It leads to the card by `/sign/{id}/go`."""
    judged = await judge(of, who, sent)
    if isinstance(judged, Refusal):
        return judged
    if who.token_id is not None:
        return whole("SIGNATURE_NEEDS_SESSION")
    if of.signing is None:
        return whole("SIGNATURE_UNAVAILABLE")
    digest, now = judged.prepared.digest, of.clock()
    started = await of.database.transact(
        lambda db: start_signature(db, of.keys, digest, visitor=who, draft_id=None, now=now, random=of.random)
    )
    return started if isinstance(started, str) else whole("ASSURANCE_REQUIRED")
