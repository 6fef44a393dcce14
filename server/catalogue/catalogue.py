"""The versions in the store and the index of them in memory.

The table is the truth: files are only what `publish` loads. Every version ever served stays readable, because a
draft begun under it must be finished and a case filed under it must be read as it was asked.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import Row, bindparam, delete, select, update

from procedures.declaration import Channel, Declaration, Handover
from server.catalogue.finding import Index
from server.japan import today
from server.store import tables
from server.store.database import Database, Reading, Writing

if TYPE_CHECKING:
    from procedures.library import Shared

TOPIC = "catalogue"
KEPT_VERSIONS = 500
"""Old versions held compiled, about 120 kB each."""


class ProcedureState(StrEnum):
    """Whether a procedure can be filed now."""

    OPEN = "open"
    CLOSED = "closed"
    PLANNED = "planned"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a procedure at one moment; the dates are inclusive, in Japan."""

    state: ProcedureState
    reason: str
    accepts_from: date | None
    accepts_until: date | None


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """The version of a procedure that is served now."""

    declaration: Declaration
    digest: str
    state: str
    reason: str
    published_at: datetime
    """When this version was first served."""

    def status(self, now: datetime) -> Status:
        """Whether it can be filed at `now`."""
        accepts = self.declaration.accepts
        return Status(self._state(today(now)), self.reason, accepts.start, accepts.until)

    @property
    def handed_over(self) -> Handover | None:
        """Where a filing from home really goes, when it goes elsewhere."""
        return self.declaration.handed_over

    def takes_online(self, now: datetime) -> bool:
        """Whether it can be filed here, from home, at `now`."""
        online = Channel.ONLINE in self.declaration.channels and self.handed_over is None
        return online and self.status(now).state is ProcedureState.OPEN

    def _state(self, day: date) -> ProcedureState:
        if self.state != ProcedureState.OPEN:
            return ProcedureState(self.state)
        if self.declaration.accepts.start and day < self.declaration.accepts.start:
            return ProcedureState.PLANNED
        return ProcedureState.OPEN if self.declaration.accepts.open_on(day) else ProcedureState.CLOSED


_SERVED = (
    select(
        tables.publication.c.slug,
        tables.publication.c.digest,
        tables.publication.c.state,
        tables.publication.c.reason,
        tables.publication.c.published_at,
        tables.declaration.c.bundle,
    )
    .join(tables.declaration, tables.declaration.c.digest == tables.publication.c.digest)
    .order_by(tables.declaration.c.procedure)
)
_BUNDLE = select(tables.declaration.c.bundle).where(tables.declaration.c.digest == bindparam("digest"))


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
        self._versions: OrderedDict[str, Declaration] = OrderedDict()
        self.version = ""
        """Changes whenever anything that is served does."""
        self.index = Index((), shared)
        """What is served, to be searched."""

    def all(self) -> Sequence[Published]:
        """Every procedure, by its id."""
        return tuple(self._served.values())

    def get(self, slug: str) -> Published | None:
        """The version of `slug` that is served now."""
        return self._served.get(slug)

    async def refresh(self) -> None:
        """Read what the store serves now. Versions that stay are not compiled again."""
        rows = await self._database.read(lambda db: db.all(_SERVED))
        served = {}
        for row in rows:
            present = self._served.get(row.slug)
            known = present.declaration if present and present.digest == row.digest else None
            declaration = known or Declaration.from_bundle(row.bundle)
            standing = self._standing(declaration, row)
            served[row.slug] = Published(declaration, row.digest, *standing, row.published_at)
        marks = "".join(f"{slug}\0{p.digest}\0{p.state}\0{p.reason}\0" for slug, p in served.items())
        version = hashlib.sha256(marks.encode()).hexdigest()[:16]
        if version != self.version:
            self.index = Index(tuple(served.values()), self.shared)
        self._served, self.version = served, version

    def _standing(self, declaration: Declaration, row: Row[tuple[str, ...]]) -> tuple[str, str]:
        """State and reason; without a public key to seal it to, nobody may be asked for a 個人番号."""
        if not self._takes_my_number and _asks_my_number(declaration):
            return ProcedureState.SUSPENDED.value, "個人番号を安全に受け取る準備ができていません。"
        return row.state, row.reason

    async def declaration(self, digest: str, slug: str) -> Declaration:
        """Any version ever served. Raises LookupError for one that never was."""
        served = self._served.get(slug)
        if served is not None and served.digest == digest:
            return served.declaration
        if digest not in self._versions:
            text = await self._database.read(lambda db: db.scalar(_BUNDLE, {"digest": digest}))
            if text is None:
                raise LookupError(digest)
            self._versions[digest] = Declaration.from_bundle(text)
            if len(self._versions) > KEPT_VERSIONS:
                self._versions.popitem(last=False)
        self._versions.move_to_end(digest)
        return self._versions[digest]


def _asks_my_number(declaration: Declaration) -> bool:
    """To be asked only where it matters: it compiles the form, which a start should not wait for."""
    return any(field.kind.name == "my_number" for field in declaration.form.fields.values())


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
    if present:
        values = {"digest": declaration.digest, "published_at": now}
        db.execute(update(tables.publication).where(tables.publication.c.slug == declaration.slug).values(**values))
    else:
        row = {"slug": declaration.slug, "digest": declaration.digest, "published_at": now}
        db.execute(tables.publication.insert().values(**row, state=ProcedureState.OPEN.value, reason=""))
