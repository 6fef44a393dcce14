"""Files on their way: type by content, limits, and whose they are.

The content is written and synced before its row; a row without an owner's draft is swept with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, select, update

from server.store import tables as t
from server.store.database import Reading, StoreUnavailable, Writing
from server.store.keys import DataKey, Keys
from server.store.values import Random, new_id

if TYPE_CHECKING:
    from server.store.blobs import Blobs

MAX_FILE: Final = 10 * 1024 * 1024
MAX_FILES: Final = 20
MAX_TOTAL: Final = 100 * 1024 * 1024
SEALED_NAME: Final = "upload.sealed_name"
LOOSE_FOR: Final = timedelta(hours=24)
"""How long a file that was handed in ahead of its submission waits for it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was handed in. `key` is the attachment's ('ininjo', 'bekkyo/0')."""

    id: str
    key: str
    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a file is not taken: 'empty', 'size', 'type', 'count'."""

    code: str


_OF = (
    select(t.upload)
    .where(t.upload.c.owner_kind == bindparam("kind"), t.upload.c.owner_id == bindparam("owner"))
    .order_by(t.upload.c.created_at, t.upload.c.id)
)
_ONE = select(t.upload).where(
    t.upload.c.id == bindparam("upload_id"),
    t.upload.c.owner_kind == bindparam("kind"),
    t.upload.c.owner_id == bindparam("owner"),
)
_REMOVE = delete(t.upload).where(
    t.upload.c.id == bindparam("upload_id"),
    t.upload.c.owner_kind == bindparam("kind"),
    t.upload.c.owner_id == bindparam("owner"),
)
_REKEY = update(t.upload).where(t.upload.c.id == bindparam("upload_id")).values(key=bindparam("new_key"))
_HAND_OVER = (
    update(t.upload)
    .where(t.upload.c.id == bindparam("upload_id"))
    .values(owner_kind="application", owner_id=bindparam("new_owner"))
)
_TAKE = (
    update(t.upload)
    .where(
        t.upload.c.id == bindparam("upload_id"),
        t.upload.c.owner_kind == bindparam("kind"),
        t.upload.c.owner_id == bindparam("owner"),
    )
    .values(owner_kind="taken", key=bindparam("as_key"))
)
_LOOSE_EXPIRED = delete(t.upload).where(
    t.upload.c.owner_kind.in_(("session", "upload", "taken")), t.upload.c.created_at <= bindparam("before")
)
_SUM = select(func.count().label("files"), func.coalesce(func.sum(t.upload.c.size), 0).label("bytes")).where(
    t.upload.c.owner_kind == bindparam("kind"), t.upload.c.owner_id == bindparam("owner")
)


_HEADS: Final = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def fit(content: bytes, accept: Sequence[str]) -> str | Unfit:
    """The media type of a file by its first bytes, or why it is not taken. The name it came under is not asked."""
    if not content:
        return Unfit("empty")
    if len(content) > MAX_FILE:
        return Unfit("size")
    kind = next((kind for head, kind in _HEADS.items() if content.startswith(head)), None)
    return kind if kind is not None and kind in accept else Unfit("type")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that fits, not yet kept."""

    key: str
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A file whose content is durable on disk; its row comes in the next transaction."""

    row: dict[str, Any]
    upload: Upload


def store(blobs: Blobs, keys: Keys, file: Incoming, *, now: datetime, random: Random) -> Kept:
    """Write and sync the content, sealed. Raises StoreUnavailable when the disk does not take it."""
    upload_id = new_id(random)
    key, wrapped = keys.new_data_key(upload_id)
    digest = hashlib.sha256(file.content).hexdigest()
    try:
        blob_digest = blobs.put(upload_id, file.content, key)
    except OSError as error:
        raise StoreUnavailable("a file could not be written") from error
    sealed = json.dumps({"name": file.name, "sha256": digest}, ensure_ascii=False).encode()
    row = {
        "id": upload_id,
        "key": file.key,
        "sealed_name": key.seal(sealed, SEALED_NAME),
        "media_type": file.media_type,
        "size": len(file.content),
        "sha256": blob_digest,
        "wrapped_key": wrapped,
        "created_at": now,
    }
    return Kept(row, Upload(upload_id, file.key, file.name, file.media_type, len(file.content), digest))


def attach(db: Writing, kept: Kept, owner_kind: str, owner_id: str) -> Unfit | None:
    """Give a stored file to its owner, unless they have too many."""
    taken = db.execute(_SUM, {"kind": owner_kind, "owner": owner_id}).one()
    if taken.files >= MAX_FILES or taken.bytes + kept.upload.size > MAX_TOTAL:
        return Unfit("count")
    db.execute(t.upload.insert(), {**kept.row, "owner_kind": owner_kind, "owner_id": owner_id})
    return None


def of(db: Reading, keys: Keys, owner_kind: str, owner_id: str) -> tuple[Upload, ...]:
    """The files of an owner, in the order they came."""
    return tuple(_opened(row, keys) for row in db.all(_OF, {"kind": owner_kind, "owner": owner_id}))


@dataclass(frozen=True, slots=True)
class Stored:
    """A file with what it takes to open its content."""

    upload: Upload
    key: DataKey
    blob_digest: str

    def content(self, blobs: Blobs) -> bytes:
        """Blocking. Raises Unsealable when the file is missing or was changed."""
        return blobs.get(self.upload.id, self.key, self.blob_digest)


def one(db: Reading, keys: Keys, upload_id: str, owner_kind: str, owner_id: str) -> Stored | None:
    """A file of this owner, or None."""
    row = db.one(_ONE, {"upload_id": upload_id, "kind": owner_kind, "owner": owner_id})
    if row is None:
        return None
    return Stored(_opened(row, keys), keys.open_data_key(row.wrapped_key, row.id), row.sha256)


def _opened(row: Any, keys: Keys) -> Upload:
    named = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_name, SEALED_NAME))
    return Upload(row.id, row.key, named["name"], row.media_type, row.size, named["sha256"])


def remove(db: Writing, upload_id: str, owner_kind: str, owner_id: str) -> bool:
    """Take a file away; its content goes with the next sweep of orphans."""
    return bool(db.execute(_REMOVE, {"upload_id": upload_id, "kind": owner_kind, "owner": owner_id}).rowcount)


def rekey(db: Writing, upload_id: str, key: str) -> None:
    """File it under another key: its row has moved."""
    db.execute(_REKEY, {"upload_id": upload_id, "new_key": key})


def hand_over(db: Writing, upload_ids: Sequence[str], application_id: str) -> bool:
    """These files are the application's now. False: one of them is gone."""
    moved = [db.execute(_HAND_OVER, {"upload_id": each, "new_owner": application_id}).rowcount for each in upload_ids]
    return all(moved)


def loose(db: Reading, keys: Keys, upload_id: str, session_id: str | None) -> tuple[Upload, tuple[str, str]] | None:
    """A file handed in ahead of its submission, with its owner (kind, id): this session's own, or one that came
    without any session and is known by its random id alone."""
    owners = [("session", session_id)] if session_id is not None else []
    for kind, owner in [*owners, ("upload", upload_id)]:
        found = db.one(_ONE, {"upload_id": upload_id, "kind": kind, "owner": owner})
        if found is not None:
            return _opened(found, keys), (kind, owner)
    return None


def take(db: Writing, upload_id: str, owner: tuple[str, str], key: str) -> bool:
    """Take a loose file for a submission of this transaction, as the attachment `key`. False: another took it."""
    values = {"upload_id": upload_id, "kind": owner[0], "owner": owner[1], "as_key": key}
    return bool(db.execute(_TAKE, values).rowcount)


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete the rows of loose files whose submission never came; their content goes with the orphans."""
    return int(db.execute(_LOOSE_EXPIRED, {"before": now - LOOSE_FOR}).rowcount)
