"""A visit: one interview at a window, several applications on their way. What stands in it is sealed with a key of its
own; 個人番号 lie elsewhere, each sealed to the city's public key, and only their tokens stand here.

A visit is somebody's of the staff: who leads it. A colleague of the department takes it over, which is audited; a save
names the revision it saw, so of two who write at once one is told. It ends by itself `LIFE` after the last save.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, or_, select, update

from forms_schema import Json
from procedures.joint import State
from server.applications import uploads
from server.applications.filetypes import Unfit
from server.counter import windows
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

LIFE: Final = timedelta(hours=12)
"""After the last save: a visit that was left in the afternoon is gone before the next morning."""
TOPIC: Final = "visit"
"""What the bulletin tells of: a visit, by its id, has changed."""
OPEN, FILED, LEFT = "open", "filed", "left"
SEALED: Final = "visit.sealed_content"


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of a visit.

    `event` is the life event ('' for none) and `guide` the answers of its interview; `forms` leads from the name of
    each form of the interview, in the order of asking, to the digest of its version: the name is the slug. `state` is
    what `procedures.joint.State.dump` gives, with tokens for 個人番号. `papers` tells by form and attachment what was
    seen or taken at the window instead of a file ('seen', 'taken').
    """

    event: str = ""
    guide: Mapping[str, Json] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    state: Json = field(default_factory=lambda: State().dump())
    papers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        parts = {name: getattr(self, name) for name in ("event", "guide", "forms", "state", "papers")}
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Content:
        return Content(**json.loads(data))


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as opened; `state` is 'open', 'filed' or 'left', and nothing stands in one that is not open."""

    id: str
    staff_id: str
    window_id: str | None
    department: str
    state: str
    revision: int
    language: str
    content: Content
    created_at: datetime
    saved_at: datetime
    expires_at: datetime
    wrapped_key: bytes

    @property
    def open(self) -> bool:
        return self.state == OPEN


class Conflict:
    """Somebody saved, took over or ended the visit meanwhile."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A visit of a list: nothing of what stands in it."""

    id: str
    staff_id: str
    state: str
    created_at: datetime
    saved_at: datetime


_V: Final = t.visit.c
_SHOWN: Final = (
    *("id", "staff_id", "window_id", "department", "state", "revision", "language"),
    *("created_at", "saved_at", "expires_at", "wrapped_key"),
)
_LOAD: Final = select(t.visit).where(
    _V.id == bindparam("visit_id"), or_(_V.state != OPEN, _V.expires_at > bindparam("now"))
)
_AS_SEEN: Final = (
    _V.id == bindparam("visit_id"),
    _V.revision == bindparam("seen"),
    _V.state == OPEN,
    _V.expires_at > bindparam("now"),
)
_HELD: Final = select(_V.id).where(*_AS_SEEN).with_for_update()
_LOCKED: Final = (
    select(_V.id)
    .where(_V.id == bindparam("visit_id"), _V.state == OPEN, _V.expires_at > bindparam("now"))
    .with_for_update()
)
_SAVE: Final = (
    update(t.visit)
    .where(*_AS_SEEN)
    .values(
        revision=bindparam("seen") + 1,
        sealed_content=bindparam("sealed"),
        saved_at=bindparam("now"),
        expires_at=bindparam("until"),
    )
)
_TAKE_OVER: Final = (
    update(t.visit)
    .where(*_AS_SEEN)
    .values(revision=bindparam("seen") + 1, staff_id=bindparam("by"), window_id=bindparam("window"))
)
_END: Final = (
    update(t.visit)
    .where(*_AS_SEEN)
    .values(
        revision=bindparam("seen") + 1,
        state=bindparam("after"),
        sealed_content=bindparam("sealed"),
        ended_at=bindparam("now"),
    )
)
_OF_DEPARTMENTS: Final = (
    select(*(_V[name] for name in ("id", "staff_id", "state", "created_at", "saved_at")))
    .where(
        _V.department.in_(bindparam("departments", expanding=True)),
        or_(
            (_V.state == OPEN) & (_V.expires_at > bindparam("now")),
            (_V.state == FILED) & (_V.ended_at > bindparam("since")),
        ),
    )
    .order_by(_V.saved_at.desc(), _V.id)
    .limit(100)
)
_BUNDLE: Final = (
    select(t.visit_application.c.name, t.visit_application.c.application_id)
    .select_from(t.visit_application.join(t.application, t.application.c.id == t.visit_application.c.application_id))
    .where(t.visit_application.c.visit_id == bindparam("visit_id"))
    .order_by(t.application.c.submitted_at, t.visit_application.c.name)
)
_EXPIRED: Final = select(_V.id).where(_V.state == OPEN, _V.expires_at <= bindparam("now")).limit(200)
_DELETE: Final = delete(t.visit).where(
    _V.id == bindparam("visit_id"), _V.state == OPEN, _V.expires_at <= bindparam("now")
)


def open_visit(
    db: Writing,
    keys: Keys,
    staff: Staff,
    *,
    window_id: str | None,
    department: str,
    language: str,
    now: datetime,
    random: Random,
    content: Content | None = None,
) -> Visit:
    """A new visit, led by `staff`; in `language` its resident is told of what was filed. Audited."""
    visit_id = new_id(random)
    key, wrapped = keys.new_data_key(visit_id)
    visit = Visit(
        visit_id,
        staff.id,
        window_id,
        department,
        OPEN,
        1,
        language,
        content or Content(),
        now,
        now,
        now + LIFE,
        wrapped,
    )
    row = {name: getattr(visit, name) for name in _SHOWN}
    db.insert(t.visit, row | {"sealed_content": key.seal(visit.content.to_bytes(), SEALED)})
    db.audit("visit.open", visit_id, actor=staff.actor, detail={"department": department})
    db.announce(TOPIC, visit_id)
    return visit


def load(db: Reading, keys: Keys, visit_id: str, *, now: datetime) -> Visit | None:
    """The visit, whoever asks: the caller looks at their roles. None: there is none, or its time is over."""
    row = db.one(_LOAD, {"visit_id": visit_id, "now": now})
    return _opened(row, keys) if row is not None else None


def _opened(row: Any, keys: Keys) -> Visit:
    shown = {name: getattr(row, name) for name in _SHOWN}
    content = Content()
    if row.state == OPEN:
        content = Content.from_bytes(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_content, SEALED))
    return Visit(**shown, content=content)


def held(db: Writing, visit: Visit, *, now: datetime) -> bool:
    """Whether the visit still is as it was seen; nobody else changes or ends it until this transaction is over. For
    whoever writes first what must not outlive it."""
    return db.one(_HELD, {"visit_id": visit.id, "seen": visit.revision, "now": now}) is not None


def save(db: Writing, keys: Keys, visit: Visit, content: Content, *, now: datetime) -> Visit | Conflict:
    """Write `content` over the revision that `visit` is. There must be no 個人番号 in it (`sealing`)."""
    sealed = keys.open_data_key(visit.wrapped_key, visit.id).seal(content.to_bytes(), SEALED)
    until = now + LIFE
    done = db.execute(
        _SAVE, {"visit_id": visit.id, "seen": visit.revision, "sealed": sealed, "now": now, "until": until}
    )
    if done.rowcount != 1:
        return Conflict()
    db.announce(TOPIC, visit.id)
    return replace(visit, revision=visit.revision + 1, content=content, saved_at=now, expires_at=until)


def take_over(db: Writing, visit: Visit, staff: Staff, *, window_id: str | None, now: datetime) -> bool:
    """`staff` leads the visit from now on; whoever led it is told with their next save. False: it has changed."""
    values = {"visit_id": visit.id, "seen": visit.revision, "by": staff.id, "window": window_id, "now": now}
    if db.execute(_TAKE_OVER, values).rowcount != 1:
        return False
    db.audit("visit.take", visit.id, actor=staff.actor, detail={"before": visit.staff_id})
    db.announce(TOPIC, visit.id)
    return True


def end(db: Writing, keys: Keys, visit: Visit, state: str, actor: str, *, now: datetime) -> bool:
    """End a visit as 'filed' or 'left': what was sealed in it goes, with the 個人番号 and the files that are still its
    own. False: it has changed meanwhile. Audited."""
    sealed = keys.open_data_key(visit.wrapped_key, visit.id).seal(Content().to_bytes(), SEALED)
    values = {"visit_id": visit.id, "seen": visit.revision, "after": state, "sealed": sealed, "now": now}
    if db.execute(_END, values).rowcount != 1:
        return False
    _forget(db, visit.id)
    db.audit(f"visit.{state}", visit.id, actor=actor)
    db.announce(TOPIC, visit.id)
    return True


def _forget(db: Writing, visit_id: str) -> None:
    db.execute(delete(t.mynumber).where(t.mynumber.c.owner_id == visit_id))
    db.execute(delete(t.upload).where(t.upload.c.owner_kind == "visit", t.upload.c.owner_id.startswith(f"{visit_id}:")))


def window_of(db: Reading, staff: Staff, *, now: datetime) -> str | None:
    """The window at which somebody sits, None where they have not said."""
    found = windows.window_of(db, staff.id, now=now)
    return found.id if found else None


def in_hand(db: Reading, departments: Sequence[str], *, now: datetime) -> list[Listed]:
    """The visits of these departments that are open, and those that were filed in the last `LIFE`; the latest first."""
    found = db.all(_OF_DEPARTMENTS, {"departments": list(departments), "now": now, "since": now - LIFE})
    return [Listed(row.id, row.staff_id, row.state, row.created_at, row.saved_at) for row in found]


def bundle(db: Reading, visit_id: str) -> Sequence[tuple[str, str]]:
    """What was filed in a visit: the name of each form, and the id of its application."""
    return [(row.name, row.application_id) for row in db.all(_BUNDLE, {"visit_id": visit_id})]


def files_of(visit_id: str, form: str) -> tuple[str, str]:
    """The owner (kind, id) of the files that were handed in for a form of a visit."""
    return "visit", f"{visit_id}:{form}"


def attach(db: Writing, visit: Visit, form: str, kept: uploads.Kept, *, now: datetime) -> Unfit | Conflict | None:
    """Let a form of the visit have a file, whatever else was saved meanwhile. Conflict: the visit is over, and nothing
    would ever delete the file."""
    if db.one(_LOCKED, {"visit_id": visit.id, "now": now}) is None:
        return Conflict()
    return uploads.attach(db, kept, *files_of(visit.id, form))


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete the visits whose time is over, with the 個人番号 and the files that were theirs; how many. One that is
    filed at this moment stays: its row says which applications are its own. Audited: the chain names when each was
    opened."""
    ids = [row.id for row in db.all(_EXPIRED, {"now": now})]
    over = [each for each in ids if db.execute(_DELETE, {"visit_id": each, "now": now}).rowcount == 1]
    for visit_id in over:
        _forget(db, visit_id)
        db.audit("visit.expired", visit_id, actor="worker")
    return len(over)
