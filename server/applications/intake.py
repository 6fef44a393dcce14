"""Taking files in: limits, a look at what they are, the scanner, and then the disk.

Both doors, pages and programs, take files through here. What is refused is named by a code; what is taken lies sealed
on disk and waits for its row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Final

from anyio import to_thread

from server.applications import uploads
from server.applications.cleaner import Cleaner
from server.applications.filetypes import Fit, Unfit
from server.applications.history import actor
from server.applications.scanner import Scanner, ScannerUnavailable, Verdict
from server.applications.uploads import CLEAN, WAITING, Fitting, Kept
from server.people.limits import Limit, seconds_to_wait
from server.people.sessions import Visitor
from server.store.blobs import Blobs
from server.store.database import Database, Writing
from server.store.keys import Keys
from server.store.values import Clock, Random

BY_SENDER: Final = Limit("upload.sender", 60, timedelta(hours=1))
"""Files of one session, or of one resident's programs: three times what a filing may have."""
BY_PLACE: Final = Limit("upload.place", 300, timedelta(hours=1))
"""Files of one network address. Many a phone stands behind one."""
AT_ONCE: Final = 4
"""Files of all requests that are held in memory at the same time."""
PATIENCE: Final = 5.0
"""Seconds somebody waits for the scanner; after that their file does."""
REST: Final = timedelta(seconds=30)
"""How long a scanner that did not answer is not asked by those who wait."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file as it came. `accept` are the media types its question takes."""

    key: str
    name: str
    content: IO[bytes]
    accept: Sequence[str]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who hands something in: `id` counts for the limits ('' of somebody without a session), so does `place` (a
    network address); `actor` is for the audit."""

    id: str
    place: str
    actor: str


def sender(visitor: Visitor, place: str) -> Sender:
    """Whoever asks, from this network address."""
    by_token = visitor.resident.id if visitor.token_id is not None and visitor.resident is not None else ""
    return Sender(by_token or visitor.session_id or "", place, actor(visitor))


class Intake:
    """One for each worker. A `scanner` of None is off: every file counts as clean then."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        blobs: Blobs,
        cleaner: Cleaner,
        scanner: Scanner | None,
        *,
        clock: Clock,
        random: Random,
        patience: float = PATIENCE,
    ) -> None:
        self._database, self._keys, self._blobs = database, keys, blobs
        self._cleaner, self._scanner = cleaner, scanner
        self._clock, self._random, self._patience = clock, random, patience
        self._turns: Final = asyncio.Semaphore(AT_ONCE)
        self._resting_until: datetime | None = None

    async def take(self, files: Sequence[Incoming], sender: Sender) -> list[Kept | Unfit]:
        """What became of each file. What was kept has no row yet: give it one, or `discard` it.

        Raises StoreUnavailable when the disk is too full for files; then nothing is kept.
        """
        wait = await self._database.transact(lambda db: self._wait(db, len(files), sender)) if files else 0
        if wait:
            return [Unfit("wait", wait) for _ in files]
        taken: list[Kept | Unfit] = []
        try:
            for file in files:
                async with self._turns:
                    taken.append(await self._one(file, sender))
        except BaseException:
            await self.discard(each for each in taken if isinstance(each, Kept))
            raise
        return taken

    async def discard(self, kept: Iterable[Kept]) -> None:
        """Let go of files that get no row after all. Not for a row that failed to be written: it may be there."""
        for each in kept:
            await to_thread.run_sync(self._blobs.discard, each.upload.id)

    def close(self) -> None:
        """When no more files come."""
        self._cleaner.close()

    def _wait(self, db: Writing, files: int, sender: Sender) -> int:
        now = self._clock()
        counted = [(BY_PLACE, sender.place), *([(BY_SENDER, sender.id)] if sender.id else [])]
        waits = [seconds_to_wait(db, self._keys, limit, who, now=now) for limit, who in counted for _ in range(files)]
        return max(waits)

    async def _one(self, file: Incoming, sender: Sender) -> Kept | Unfit:
        found = await self._cleaner.clean(file.content, file.accept)
        if isinstance(found, Unfit):
            return found
        verdict = await self._scanned(found)
        scan = WAITING if verdict is None else CLEAN if verdict.clean else uploads.INFECTED
        fitting = Fitting(file.key, file.name, found.media_type, found.content, scan)
        store = partial(uploads.store, self._blobs, self._keys, fitting, now=self._clock(), random=self._random)
        kept = await to_thread.run_sync(store)
        if verdict is None or verdict.clean:
            return kept
        await self._database.transact(lambda db: uploads.quarantine(db, kept, verdict.found, sender.actor))
        return Unfit("infected")

    async def _scanned(self, found: Fit) -> Verdict | None:
        """None: the scanner did not answer in time, and the file waits for it."""
        if self._scanner is None:
            return Verdict()
        if self._resting_until is not None and self._clock() < self._resting_until:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._scanner.scan(found.content)
        except (ScannerUnavailable, TimeoutError):
            self._resting_until = self._clock() + REST
            return None
