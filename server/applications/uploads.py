"""Files on their way: limits, whose they are, and what the scanner said of them.

The content is written and synced before its row; a row without an owner's draft is swept with it. What came in, and
how it is looked at, is in intake.py.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from forms_schema import FieldError, Form, Settled
from forms_schema.text import clean
from server.applications.filetypes import JPEG, MAX_FILE, MAX_PIXELS, PDF, PNG, Unfit
from server.people.sessions import Visitor
from server.store import tables as t
from server.store.database import Reading, StoreUnavailable, Writing
from server.store.keys import DataKey, Keys
from server.store.values import Random, new_id

if TYPE_CHECKING:
    from server.store.blobs import Blobs

MAX_FILES: Final = 20
MAX_TOTAL: Final = 100 * 1024 * 1024
SEALED_NAME: Final = "upload.sealed_name"
LOOSE_FOR: Final = timedelta(hours=24)
"""How long a file that was handed in ahead of its submission waits for it."""
QUARANTINE_FOR: Final = timedelta(days=30)
"""How long what the scanner found something in is kept for those who look into it."""
CLEAN, WAITING, INFECTED = "clean", "waiting", "infected"
QUARANTINE: Final = "quarantine"
"""The owner of files that were never taken."""
PENDING: Final = "answer"
"""The owner of files that came with an answer to the office, until it is sent."""
PENDING_FOR: Final = timedelta(days=7)
"""How long such a file waits for its answer: as long as a draft does."""
ADDED: Final = "answer:"
"""Before the id of the answer that brought a file: its key. No attachment of a declaration has a colon in its key."""
EXTENSIONS: Final = {PDF: (".pdf",), JPEG: (".jpg", ".jpeg"), PNG: (".png",)}
_OURS: Final = frozenset({".pdf", ".jpg", ".jpeg", ".png", ".heic", ".heif"})
LONGEST_NAME: Final = 100

Owner = tuple[str, str]
"""Whose a file is: (kind, id)."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was handed in. `key` is the attachment's ('ininjo', 'bekkyo/0'); `scan` as in the table."""

    id: str
    key: str
    name: str
    media_type: str
    size: int
    sha256: str
    scan: str = CLEAN


_OF = (
    select(t.upload)
    .where(t.upload.c.owner_kind == bindparam("kind"), t.upload.c.owner_id == bindparam("owner"))
    .order_by(t.upload.c.created_at, t.upload.c.id)
)
_THIS = (
    t.upload.c.id == bindparam("upload_id"),
    t.upload.c.owner_kind == bindparam("kind"),
    t.upload.c.owner_id == bindparam("owner"),
)
_ONE = select(t.upload).where(*_THIS)
_REMOVE = delete(t.upload).where(*_THIS)
_SHUT_AWAY = update(t.upload).where(*_THIS, t.upload.c.scan == INFECTED).values(owner_kind=QUARANTINE)
_REKEY = update(t.upload).where(t.upload.c.id == bindparam("upload_id")).values(key=bindparam("new_key"))
_HAND_OVER = (
    update(t.upload)
    .where(t.upload.c.id == bindparam("upload_id"), t.upload.c.scan != INFECTED)
    .values(owner_kind="application", owner_id=bindparam("new_owner"))
)
_TAKE = update(t.upload).where(*_THIS, t.upload.c.scan != INFECTED).values(owner_kind="taken", key=bindparam("as_key"))
_LOOSE: Final = ("session", "resident", "upload", "taken")
_EXPIRED = delete(t.upload).where(
    or_(
        and_(t.upload.c.owner_kind.in_(_LOOSE), t.upload.c.created_at <= bindparam("loose_before")),
        and_(t.upload.c.owner_kind == PENDING, t.upload.c.created_at <= bindparam("pending_before")),
        and_(t.upload.c.scan == INFECTED, t.upload.c.created_at <= bindparam("infected_before")),
    )
)
_SUM = select(func.count().label("files"), func.coalesce(func.sum(t.upload.c.size), 0).label("bytes")).where(
    t.upload.c.owner_kind == bindparam("kind"), t.upload.c.owner_id == bindparam("owner")
)


@dataclass(frozen=True, slots=True)
class Fitting:
    """A file that may be kept."""

    key: str
    name: str
    media_type: str
    content: bytes
    scan: str = CLEAN


@dataclass(frozen=True, slots=True)
class Kept:
    """A file whose content is durable on disk; its row comes in the next transaction."""

    row: dict[str, Any]
    upload: Upload


def store(blobs: Blobs, keys: Keys, file: Fitting, *, now: datetime, random: Random) -> Kept:
    """Write and sync the content, sealed. Raises StoreUnavailable when the disk does not take it."""
    upload_id = new_id(random)
    key, wrapped = keys.new_data_key(upload_id)
    digest = hashlib.sha256(file.content).hexdigest()
    try:
        blob_digest = blobs.put(upload_id, file.content, key)
    except OSError as error:
        raise StoreUnavailable("a file could not be written") from error
    name = named(file.name, file.media_type)
    sealed = json.dumps({"name": name, "sha256": digest}, ensure_ascii=False).encode()
    row = {
        "id": upload_id,
        "key": file.key,
        "sealed_name": key.seal(sealed, SEALED_NAME),
        "media_type": file.media_type,
        "size": len(file.content),
        "sha256": blob_digest,
        "wrapped_key": wrapped,
        "created_at": now,
        "scan": file.scan,
    }
    return Kept(row, Upload(upload_id, file.key, name, file.media_type, len(file.content), digest, file.scan))


def named(name: str, media_type: str) -> str:
    """A name without a path, fit to be shown, that says what the file is: whoever opens 'letter.html' or 'IMG.HEIC'
    opens it by its ending."""
    path = PurePath(clean(name.replace("\\", "/").rpartition("/")[2]).strip(". "))
    ending = path.suffix.lower()
    stem = path.stem if ending in _OURS else path.name
    ending = path.suffix if ending in EXTENSIONS[media_type] else EXTENSIONS[media_type][0]
    return f"{stem[:LONGEST_NAME] or 'file'}{ending}"


def quarantine(db: Writing, kept: Kept, found: str, actor: str) -> None:
    """Shut away what was handed in and not taken, and write down what was found in it."""
    db.insert(t.upload, {**kept.row, "owner_kind": QUARANTINE, "owner_id": kept.upload.id})
    db.audit("upload.infected", kept.upload.id, actor=actor, detail={"found": found})


def attach(db: Writing, kept: Kept, owner_kind: str, owner_id: str) -> Unfit | None:
    """Give a stored file to its owner, unless they have too many."""
    taken = db.execute(_SUM, {"kind": owner_kind, "owner": owner_id}).one()
    if taken.files >= MAX_FILES or taken.bytes + kept.upload.size > MAX_TOTAL:
        return Unfit("count")
    db.insert(t.upload, {**kept.row, "owner_kind": owner_kind, "owner_id": owner_id})
    return None


def of(db: Reading, keys: Keys, owner_kind: str, owner_id: str) -> tuple[Upload, ...]:
    """The files of an owner, in the order they came."""
    return tuple(_opened(row, keys) for row in db.all(_OF, {"kind": owner_kind, "owner": owner_id}))


def error(key: str, unfit: Unfit) -> FieldError:
    """Why a file is not taken, at its question."""
    limits = {
        "size": MAX_FILE >> 20,
        "count": MAX_FILES,
        "pixels": MAX_PIXELS // 10_000,
        "wait": -(-unfit.seconds // 60),
    }
    return FieldError(f"attachment:{key}", f"file-{unfit.code}", {"limit": limits.get(unfit.code, "")})


def errors(form: Form, settled: Settled, files: Sequence[Upload], seen: Collection[str] = ()) -> tuple[FieldError, ...]:
    """All that is wrong with answers and files. One in which something was found since it was taken must go first.
    `seen` are the keys of which a clerk had the original at a window instead of a file."""
    counted = Counter(file.key for file in files)
    found = form.errors(settled, dict.fromkeys(seen, 1) | counted)
    asked, bad = {each.key for each in settled.attachments}, {file.key for file in files if file.scan == INFECTED}
    shut = [FieldError(f"attachment:{key}", "file-infected") for key in sorted(asked & bad)]
    return (*(each for each in found if each.pointer not in {error.pointer for error in shut}), *shut)


class Withheld(Exception):
    """Nobody is given a file that waits for the scanner, or in which it found something: `scan` says which."""

    def __init__(self, scan: str) -> None:
        super().__init__(scan)
        self.scan: Final = scan


@dataclass(frozen=True, slots=True)
class Stored:
    """A file with what it takes to open its content."""

    upload: Upload
    key: DataKey
    blob_digest: str

    def content(self, blobs: Blobs) -> bytes:
        """Blocking. Raises Withheld, and Unsealable when the file is missing or was changed."""
        if self.upload.scan != CLEAN:
            raise Withheld(self.upload.scan)
        return blobs.get(self.upload.id, self.key, self.blob_digest)


def one(db: Reading, keys: Keys, upload_id: str, owner_kind: str, owner_id: str) -> Stored | None:
    """A file of this owner, or None."""
    row = db.one(_ONE, {"upload_id": upload_id, "kind": owner_kind, "owner": owner_id})
    if row is None:
        return None
    return Stored(_opened(row, keys), keys.open_data_key(row.wrapped_key, row.id), row.sha256)


def _opened(row: Any, keys: Keys) -> Upload:
    said = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_name, SEALED_NAME))
    return Upload(row.id, row.key, said["name"], row.media_type, row.size, said["sha256"], row.scan)


def remove(db: Writing, upload_id: str, owner_kind: str, owner_id: str) -> bool:
    """Take a file away; its content goes with the next sweep of orphans. What is infected stays, shut away."""
    this = {"upload_id": upload_id, "kind": owner_kind, "owner": owner_id}
    return bool(db.execute(_SHUT_AWAY, this).rowcount or db.execute(_REMOVE, this).rowcount)


def rekey(db: Writing, upload_id: str, key: str) -> None:
    """File it under another key: its row has moved."""
    db.execute(_REKEY, {"upload_id": upload_id, "new_key": key})


def hand_over(db: Writing, upload_ids: Sequence[str], application_id: str) -> bool:
    """These files are the application's now. False: one of them is gone, or something was found in it meanwhile."""
    moved = [db.execute(_HAND_OVER, {"upload_id": each, "new_owner": application_id}).rowcount for each in upload_ids]
    return all(moved)


def pending(application_id: str, staff_id: str = "") -> Owner:
    """Who holds the files of an answer that was not sent yet: the application for its own people, and beside it each
    of the staff who enters one."""
    return PENDING, f"{application_id}:{staff_id}" if staff_id else application_id


def held(db: Reading, keys: Keys, owner: Owner) -> dict[str, Owner]:
    """What goes with an answer that is sent now."""
    return {file.id: owner for file in of(db, keys, *owner)}


def holder(visitor: Visitor, upload_id: str) -> Owner:
    """Whose a file is until its submission (kind, id): the session's, the resident's whose program brings it, or
    whoever's who knows its random id."""
    if visitor.token_id is not None and visitor.resident is not None:
        return "resident", visitor.resident.id
    return ("session", visitor.session_id) if visitor.session_id is not None else ("upload", upload_id)


def loose(db: Reading, keys: Keys, upload_id: str, visitor: Visitor) -> tuple[Upload, Owner] | None:
    """A file handed in ahead of its submission, with its owner (kind, id): this visitor's own, or one that came
    from nobody and is known by its random id alone."""
    for kind, owner in dict.fromkeys([holder(visitor, upload_id), ("upload", upload_id)]):
        found = db.one(_ONE, {"upload_id": upload_id, "kind": kind, "owner": owner})
        if found is not None:
            return _opened(found, keys), (kind, owner)
    return None


def take(db: Writing, upload_id: str, owner: Owner, key: str) -> bool:
    """Take a loose file for a submission of this transaction, as the attachment `key`. False: another took it."""
    values = {"upload_id": upload_id, "kind": owner[0], "owner": owner[1], "as_key": key}
    return bool(db.execute(_TAKE, values).rowcount)


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete the rows of files whose submission or answer never came, and of what was in quarantine for long enough;
    their content goes with the orphans."""
    before = {"loose_before": LOOSE_FOR, "pending_before": PENDING_FOR, "infected_before": QUARANTINE_FOR}
    return int(db.execute(_EXPIRED, {name: now - age for name, age in before.items()}).rowcount)
