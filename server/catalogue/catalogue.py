"""The versions in the store and the index of them in memory.

The table is the truth: files are only what `publish` loads. Every version ever served stays readable, because a
draft begun under it must be finished and a case filed under it must be read as it was asked. In memory are the headers
of what is served, and of all versions those that were asked for last.
"""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Row, bindparam, delete, select, update

from forms_schema.text import N_
from procedures.declaration import Channel, Declaration, Handover, Header
from server.catalogue.finding import Index
from server.catalogue.suspension import Suspension
from server.japan import midnight, today
from server.store import tables
from server.store.database import Database, Reading, Writing

if TYPE_CHECKING:
    from procedures.library import Shared

TOPIC = "catalogue"
KEPT_VERSIONS: Final = 300
"""Versions held compiled, about 120 kB each: every procedure of a city, and at twenty thousand those that are used."""


class ProcedureState(StrEnum):
    """Whether a procedure can be filed now."""

    OPEN = "open"
    CLOSED = "closed"
    PLANNED = "planned"
    SUSPENDED = "suspended"


STATES: Final = {
    ProcedureState.OPEN: N_("受付中"),
    ProcedureState.PLANNED: N_("受付前"),
    ProcedureState.CLOSED: N_("受付終了"),
    ProcedureState.SUSPENDED: N_("受付を止めています"),
}
"""What each state is called, on pages as in the open data."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a procedure at one moment; the dates are inclusive, in Japan. `reason` says why it is suspended
    now; `suspension` is there too when it is only announced, so that it can be told ahead."""

    state: ProcedureState
    reason: str
    accepts_from: date | None
    accepts_until: date | None
    suspension: Suspension | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """The version of a procedure that is served now. What it asks is had from `Catalogue.opened`."""

    declaration: Header
    digest: str
    state: str
    reason: str
    published_at: datetime
    """When this version was first served."""
    suspended_from: datetime | None = None
    suspended_until: datetime | None = None

    def status(self, now: datetime) -> Status:
        """Whether it can be filed at `now`."""
        accepts, state, suspension = self.declaration.accepts, self._state(now), self.suspension
        reason = self.reason if state is ProcedureState.SUSPENDED else ""
        to_tell = suspension if suspension and not suspension.over(now) else None
        return Status(state, reason, accepts.start, accepts.until, to_tell)

    @property
    def suspension(self) -> Suspension | None:
        """The one in force, announced, or over."""
        if self.state != ProcedureState.SUSPENDED:
            return None
        return Suspension(self.reason, self.suspended_from, self.suspended_until)

    @property
    def handed_over(self) -> Handover | None:
        """Where a filing from home really goes, when it goes elsewhere."""
        return self.declaration.handed_over

    def takes_online(self, now: datetime) -> bool:
        """Whether it can be filed here, from home, at `now`."""
        online = Channel.ONLINE in self.declaration.channels and self.handed_over is None
        return online and self.status(now).state is ProcedureState.OPEN

    def takes_drafts(self, now: datetime) -> bool:
        """Whether what somebody typed may be kept as a draft at `now`: while an operator has suspended it, too."""
        suspended = self.status(now).state is ProcedureState.SUSPENDED and self.suspended_from is not None
        online = Channel.ONLINE in self.declaration.channels and self.handed_over is None
        return self.takes_online(now) or (online and suspended)

    def _state(self, now: datetime) -> ProcedureState:
        suspension, day = self.suspension, today(now)
        if suspension is not None and suspension.in_force(now):
            return ProcedureState.SUSPENDED
        if self.state == ProcedureState.CLOSED:
            return ProcedureState.CLOSED
        if self.declaration.accepts.start and day < self.declaration.accepts.start:
            return ProcedureState.PLANNED
        return ProcedureState.OPEN if self.declaration.accepts.open_on(day) else ProcedureState.CLOSED


_SERVED = select(tables.publication).execution_options(yield_per=500)
"""Row by row: all headers at once would be tens of megabytes that a process does not give back."""
_BUNDLE = select(tables.declaration.c.bundle).where(tables.declaration.c.digest == bindparam("digest"))
_BUNDLES = select(tables.declaration.c.bundle).where(
    tables.declaration.c.digest.in_(bindparam("digests", expanding=True))
)


_MARK = "published_files"
_FILES = select(tables.meta.c.value).where(tables.meta.c.key == bindparam("key"))
_UNMARK = delete(tables.meta).where(tables.meta.c.key == bindparam("key"))


class Catalogue:
    """What is served, in memory. `refresh` replaces it whole, so a reader never sees half of a change."""

    def __init__(self, shared: Shared, database: Database, *, takes_my_number: bool) -> None:
        self.shared = shared
        self._takes_my_number = takes_my_number
        self._database = database
        self._served: dict[str, Published] = {}
        self._refreshing = asyncio.Lock()
        self._versions: OrderedDict[str, Declaration] = OrderedDict()
        self.version = ""
        """Changes whenever anything that is served does."""
        self.index = Index((), shared)
        """What is served, to be searched."""
        self._turns: Sequence[datetime] = ()
        """When suspensions begin and end, in order."""

    def all(self) -> Sequence[Published]:
        """Every procedure, by its id."""
        return tuple(self._served.values())

    def get(self, slug: str) -> Published | None:
        """The version of `slug` that is served now."""
        return self._served.get(slug)

    async def refresh(self) -> None:
        """Read what the store serves now. The headers of versions that stay are not parsed again."""
        async with self._refreshing:  # what was read first must not be put in place last
            self._put(await self._database.read(self._read, long=True))
            if len(self._served) <= KEPT_VERSIONS:
                self._keep_all(await self._database.read(self._missing, long=True))

    def _read(self, db: Reading) -> list[Published]:
        """Everything served, by its id."""
        found = [self._published(row) for row in db.execute(_SERVED)]
        return sorted(found, key=lambda each: each.declaration.id)

    def _missing(self, db: Reading) -> list[Declaration]:
        """The whole of what is served and not held yet: a form that somebody is filling in must not wait for a store
        that is away. Beyond some hundreds only what is opened is held."""
        wanted = [each.digest for each in self._served.values() if each.digest not in self._versions]
        return [Declaration.from_bundle(row.bundle) for row in db.execute(_BUNDLES, {"digests": wanted})]

    def _keep_all(self, found: Iterable[Declaration]) -> None:
        for declaration in found:
            self._kept(declaration.digest, declaration)

    def _published(self, row: Row[Any]) -> Published:
        present = self._served.get(row.slug)
        header = present.declaration if present and present.digest == row.digest else Header.read(row.header)
        state, reason, *window = self._standing(header, row)
        return Published(header, row.digest, state, reason, row.published_at, *window)

    def _put(self, found: Sequence[Published]) -> None:
        served = {each.declaration.slug: each for each in found}
        marks = "".join(
            f"{slug}\0{p.digest}\0{p.state}\0{p.suspension}\0{p.published_at}\0" for slug, p in served.items()
        )
        version = hashlib.sha256(marks.encode()).hexdigest()[:16]
        if version != self.version:
            self.index = Index(found, self.shared)
        turns = {moment for each in served.values() if each.suspension for moment in each.suspension.moments}
        self._served, self.version, self._turns = served, version, sorted(turns)

    def since(self, now: datetime) -> datetime:
        """The last moment up to `now` at which the clock alone changed a state: midnight in Japan, when procedures
        open and close, or the beginning or end of a suspension."""
        passed = bisect_right(self._turns, now)
        day = midnight(today(now))
        return max(day, self._turns[passed - 1]) if passed else day

    def _standing(self, header: Header, row: Row[Any]) -> tuple[str, str, datetime | None, datetime | None]:
        """State, reason, from and until; without a public key to seal it to, nobody may be asked for a 個人番号."""
        if header.asks_my_number and not self._takes_my_number:
            return ProcedureState.SUSPENDED.value, "個人番号を安全に受け取る準備ができていません。", None, None
        return row.state, row.reason, row.suspended_from, row.suspended_until

    async def opened(self, published: Published) -> Declaration:
        """The whole of what is served."""
        return await self.declaration(published.digest, published.declaration.slug)

    async def declaration(self, digest: str, slug: str) -> Declaration:
        """Any version of `slug` ever served. Raises LookupError for one that never was."""
        found = self._versions.get(digest) or await self._read_version(digest)
        if found.slug != slug:
            raise LookupError(digest)
        self._versions.move_to_end(digest)
        return found

    async def _read_version(self, digest: str) -> Declaration:
        text = await self._database.read(lambda db: db.scalar(_BUNDLE, {"digest": digest}))
        if text is None:
            raise LookupError(digest)
        return self._kept(digest, Declaration.from_bundle(text))

    def _kept(self, digest: str, made: Declaration) -> Declaration:
        # Who asked for the same meanwhile has it already, and it is compiled but once.
        found = self._versions.setdefault(digest, made)
        if len(self._versions) > KEPT_VERSIONS:
            self._versions.popitem(last=False)
        return found


def files_served(db: Reading) -> str | None:
    """The fingerprint of the files that everything served was last published from."""
    found: str | None = db.scalar(_FILES, {"key": _MARK})
    return found


def publish(
    db: Writing, declarations: Iterable[Declaration], *, now: datetime, actor: str, files: str = ""
) -> list[str]:
    """Serve these versions from now on. Returns the slugs whose version changed; the others stay as they are.

    `files` is the library's fingerprint when all of it is published: for `files_served`.
    """
    db.execute(_UNMARK, {"key": _MARK})
    if files:
        db.insert_new(tables.meta, {"key": _MARK, "value": files})
    current = {row.slug: row.digest for row in _digests(db)}
    changed = []
    for declaration in declarations:
        if current.get(declaration.slug) == declaration.digest:
            continue
        _keep(db, declaration, now)
        _serve(db, declaration, now, declaration.slug in current)
        db.audit("procedure.publish", declaration.digest, actor=actor, detail={"slug": declaration.slug})
        changed.append(declaration.slug)
    if changed:
        db.announce(TOPIC)
    return changed


def _digests(db: Reading) -> Sequence[Row[tuple[str, str]]]:
    return db.all(select(tables.publication.c.slug, tables.publication.c.digest))


def _keep(db: Writing, declaration: Declaration, now: datetime) -> None:
    known = select(tables.declaration.c.digest).where(tables.declaration.c.digest == declaration.digest)
    if db.scalar(known) is None:
        values = {"digest": declaration.digest, "slug": declaration.slug, "procedure": declaration.id}
        db.execute(tables.declaration.insert().values(**values, bundle=declaration.text, created_at=now))


def _serve(db: Writing, declaration: Declaration, now: datetime, present: bool) -> None:
    values = {"digest": declaration.digest, "header": declaration.header, "published_at": now}
    if present:
        db.execute(update(tables.publication).where(tables.publication.c.slug == declaration.slug).values(**values))
    else:
        row = {"slug": declaration.slug, **values}
        db.execute(tables.publication.insert().values(**row, state=ProcedureState.OPEN.value, reason=""))
