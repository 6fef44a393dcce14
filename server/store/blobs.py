"""Attached files: one sealed file each under DATA_DIR/blobs, named by the upload's id.

The file is on disk, synced, before its row is committed, so a row always has its file. A file without a row
(a crash in between, a deleted upload) is an orphan and is swept later.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from anyio import to_thread
from sqlalchemy import bindparam, select

from server.store import tables as t
from server.store.database import Database, Reading
from server.store.keys import DataKey, Unsealable

LARGEST: Final = 10 * 2**20
"""Bytes. A file is sealed whole, so this bounds what one request holds in memory."""

FLOOR: Final = 1 << 30
"""Bytes, or a tenth of the disk where that is less, that files leave free: what residents have written comes first."""

_CONTEXT: Final = "blob"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_UNFINISHED: Final = ".part"
_BATCH: Final = 500
_KNOWN: Final = select(t.upload.c.id).where(t.upload.c.id.in_(bindparam("ids", expanding=True)))


class Blobs:
    """Blocking: from a handler, call it in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self._root: Final = data_dir / "blobs"

    def put(self, upload_id: str, content: bytes, key: DataKey) -> str:
        """Keeps the content until it is swept; answers the SHA-256 (hex) of the sealed file, for the row. Raises
        OSError when the disk does not take it, or would be left with less than the FLOOR; nothing is left then."""
        if len(content) > LARGEST:
            raise ValueError(f"a blob has at most {LARGEST} bytes")
        path = self._path(upload_id)
        sealed = key.seal(content, _CONTEXT)
        _make_directory(self._root)
        _require_room(self._root, len(sealed))
        _make_directory(path.parent)
        try:
            _write(path, sealed)
        except OSError:
            self.discard(upload_id)
            raise
        return sha256(sealed).hexdigest()

    def discard(self, upload_id: str) -> None:
        """Removes what was put and got no row. What cannot be removed now is swept later."""
        path = self._path(upload_id)
        for each in (path.with_suffix(_UNFINISHED), path):
            with suppress(OSError):
                each.unlink()

    def get(self, upload_id: str, key: DataKey, digest: str) -> bytes:
        """The content. Raises Unsealable when the file is missing or not the one the row speaks of."""
        try:
            sealed = self._path(upload_id).read_bytes()
        except FileNotFoundError as error:
            raise Unsealable("the file is missing") from error
        if sha256(sealed).hexdigest() != digest:
            raise Unsealable("the file was changed")
        return key.open(sealed, _CONTEXT)

    async def sweep(self, database: Database, older_than: datetime) -> int:
        """Removes files older than this that no row speaks of, and says how many. Leave young ones time: their
        row may not be committed yet."""
        swept = 0
        batches = _batches(self._older(older_than))
        none: list[Path] = []
        while batch := await to_thread.run_sync(next, batches, none):
            ids = [path.stem for path in batch]
            known = await database.read(partial(_known, ids=ids), long=True)
            orphans = [path for path in batch if path.suffix or path.stem not in known]
            for path in orphans:
                path.unlink(missing_ok=True)
            swept += len(orphans)
        return swept

    def _older(self, moment: datetime) -> Iterator[Path]:
        for path in self._root.glob("*/*"):
            with suppress(FileNotFoundError):  # discarded meanwhile
                if path.stat().st_mtime < moment.timestamp():
                    yield path

    def _path(self, upload_id: str) -> Path:
        if not _ID.fullmatch(upload_id):  # an id from a request must never become a path
            raise ValueError("not the id of an upload")
        return self._root / upload_id[:2] / upload_id


def _known(db: Reading, *, ids: list[str]) -> set[str]:
    return {row.id for row in db.all(_KNOWN, {"ids": ids})}


def _batches(paths: Iterator[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    for path in paths:
        batch.append(path)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _require_room(directory: Path, size: int) -> None:
    """Uploads are refused first, so that drafts and submissions are the last to go."""
    disk = os.statvfs(directory)
    floor = min(FLOOR, disk.f_blocks * disk.f_frsize // 10)
    if disk.f_bavail * disk.f_frsize - size < floor:
        raise OSError(errno.ENOSPC, "the rest of the disk is for what residents write")


def _write(path: Path, sealed: bytes) -> None:
    unfinished = path.with_suffix(_UNFINISHED)
    with unfinished.open("wb") as file:
        file.write(sealed)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    _sync_directory(path.parent)


def _make_directory(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    """A renamed file survives a power cut only when its directory is synced too."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
