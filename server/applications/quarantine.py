"""Files that wait for the scanner: looked at as soon as it answers, and shut away when something is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from anyio import to_thread
from sqlalchemy import bindparam, select, update

from server.applications.history import record
from server.applications.scanner import Scanner, ScannerUnavailable, Verdict
from server.applications.teller import Teller
from server.applications.uploads import CLEAN, INFECTED, WAITING
from server.store import tables as t
from server.store.blobs import Blobs
from server.store.database import Database, Writing
from server.store.keys import Keys, Unsealable

BATCH: Final = 200
"""Files in one go, so that the other jobs have their turn."""
ACTOR: Final = "scanner"

_WAITING = (
    select(t.upload.c.id, t.upload.c.wrapped_key, t.upload.c.sha256)
    .where(t.upload.c.scan == WAITING)
    .order_by(t.upload.c.created_at, t.upload.c.id)
    .limit(BATCH)
)
_NOTE = (
    update(t.upload)
    .where(t.upload.c.id == bindparam("upload_id"), t.upload.c.scan == WAITING)
    .values(scan=bindparam("said"))
    .returning(t.upload.c.owner_kind, t.upload.c.owner_id)
)
_STATE = select(t.application.c.state).where(t.application.c.id == bindparam("application_id"))


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What looking into waiting files takes."""

    database: Database
    keys: Keys
    blobs: Blobs
    scanner: Scanner
    teller: Teller


class Unreadable(Exception):
    """Waiting files whose content is not to be had, by id. `kakanai keys verify` says more."""


async def scan_waiting(of: Quarantine, *, now: datetime) -> bool:
    """Ask the scanner about files that wait, oldest first. False: it is away, and they go on waiting."""
    here, broken = True, []
    for row in await of.database.read(lambda db: db.all(_WAITING), long=True):
        try:
            verdict = await of.scanner.scan(await to_thread.run_sync(_content, of, row))
        except ScannerUnavailable:
            here = False
            break
        except Unsealable:
            broken.append(row.id)
        else:
            await of.database.transact(partial(_note, of=of, upload_id=row.id, verdict=verdict, now=now))
    if broken:
        raise Unreadable(" ".join(broken))
    return here


def _content(of: Quarantine, row: Any) -> bytes:
    return of.blobs.get(row.id, of.keys.open_data_key(row.wrapped_key, row.id), row.sha256)


def _note(db: Writing, *, of: Quarantine, upload_id: str, verdict: Verdict, now: datetime) -> None:
    """Write down what the scanner said, once; whoever waits for the file is told of what it found."""
    said = CLEAN if verdict.clean else INFECTED
    owner = db.one(_NOTE, {"upload_id": upload_id, "said": said})
    if owner is None or verdict.clean:
        return
    db.audit("upload.infected", upload_id, actor=ACTOR, detail={"found": verdict.found})
    if owner.owner_kind == "application":
        state = db.scalar(_STATE, {"application_id": owner.owner_id})
        record(
            db, owner.owner_id, state, ACTOR, now=now
        )  # where it stood: those who handle it see that somebody was here
        of.teller.file_refused(db, owner.owner_id, upload_id, now)
