"""Drafts: answers on their way, sealed with a key of their own, seven days from the last save, or from the end of a
suspension of their procedure.

A draft belongs to the session that began it and, once somebody is signed in there, to that person. A save names
the revision it saw; of two tabs the later one is told, and loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from forms_schema import Answers
from procedures.declaration import Declaration
from server.people.sessions import Visitor, open_session
from server.signs import new_code, plain_code
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

LIFE: Final = timedelta(days=7)
FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a draft ends whose procedure is suspended until somebody resumes it."""
SEALED: Final = "draft.sealed_answers"


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of a draft.

    `rows` counts the rows shown of each repeating group; `sources` says by pointer where an answer came from
    ('card'), or that it was 'typed' over such a one. `marks` tells by the token of a 個人番号 whether another is the
    same (see `numbers.marks`).
    """

    answers: Answers = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def elsewhere(self) -> dict[str, str]:
        """The sources of the answers that were not typed here."""
        return {pointer: source for pointer, source in self.sources.items() if source != "typed"}

    def to_bytes(self) -> bytes:
        parts: dict[str, Any] = {"answers": self.answers, "rows": self.rows, "sources": self.sources}
        if self.marks:
            parts["marks"] = self.marks
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Content:
        return Content(**json.loads(data))


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as opened. `application_id` is set once it was submitted; its content is gone then."""

    id: str
    slug: str
    digest: str
    revision: int
    content: Content
    session_id: str | None
    resident_id: str | None
    wrapped_key: bytes
    saved_at: datetime
    expires_at: datetime
    application_id: str | None

    @property
    def until(self) -> datetime | None:
        """When it ends; None while nobody knows (see `ends`)."""
        return ends(self.expires_at)


class Conflict:
    """Another tab saved meanwhile, or the draft was submitted or has gone."""


_KEPT_COLUMNS: Final = (
    *("id", "slug", "digest", "revision", "session_id", "resident_id"),
    *("wrapped_key", "saved_at", "expires_at", "application_id"),
)
_COLUMNS = [column for column in t.draft.c if column.name not in ("created_at", "resume_digest", "begun_digest")]
_LOAD = select(*_COLUMNS).where(t.draft.c.id == bindparam("draft_id"), t.draft.c.expires_at > bindparam("now"))
_AS_SEEN: Final = (
    t.draft.c.id == bindparam("draft_id"),
    t.draft.c.revision == bindparam("seen"),
    t.draft.c.application_id.is_(None),
)
_SAVE = (
    update(t.draft)
    .where(*_AS_SEEN)
    .values(
        digest=bindparam("version"),
        revision=bindparam("seen") + 1,
        sealed_answers=bindparam("sealed"),
        resident_id=bindparam("resident"),
        saved_at=bindparam("now"),
        expires_at=bindparam("until"),
    )
)
_CLOSE = (
    update(t.draft)
    .where(*_AS_SEEN)
    .values(
        application_id=bindparam("application"),
        sealed_answers=bindparam("sealed"),
        revision=bindparam("seen") + 1,
        resume_digest=None,
    )
)
_HELD = select(t.session.c.id).where(t.session.c.id == bindparam("session")).with_for_update()
_FIRST_SAVE: Final = 2
"""The revision of a draft whose first page was saved and nothing since."""
_BEGUN = (
    select(*_COLUMNS)
    .where(
        t.draft.c.session_id == bindparam("session"),
        t.draft.c.begun_digest == bindparam("page"),
        t.draft.c.revision == _FIRST_SAVE,
        t.draft.c.application_id.is_(None),
        t.draft.c.expires_at > bindparam("now"),
    )
    .limit(1)
)
_RESUMABLE = update(t.draft).where(t.draft.c.id == bindparam("draft_id")).values(resume_digest=bindparam("code"))
_BY_CODE = select(*_COLUMNS).where(
    t.draft.c.resume_digest == bindparam("code"),
    t.draft.c.expires_at > bindparam("now"),
    t.draft.c.application_id.is_(None),
)
_CLAIM = (
    update(t.draft)
    .where(t.draft.c.session_id == bindparam("session"), t.draft.c.resident_id.is_(None))
    .values(resident_id=bindparam("resident"))
)
_MOVE = update(t.draft).where(t.draft.c.id == bindparam("draft_id")).values(session_id=bindparam("session"))
_SUSPENDED = select(t.publication.c.suspended_from, t.publication.c.suspended_until).where(
    t.publication.c.slug == bindparam("slug"), t.publication.c.state == "suspended"
)
_NO_LATER = (
    update(t.draft)
    .where(t.draft.c.slug == bindparam("of"), t.draft.c.expires_at > bindparam("end"))
    .values(expires_at=bindparam("end"))
)
_NO_SOONER = (
    update(t.draft)
    .where(
        t.draft.c.slug == bindparam("of"),
        t.draft.c.expires_at > bindparam("begins"),
        t.draft.c.expires_at < bindparam("end"),
        t.draft.c.application_id.is_(None),
    )
    .values(expires_at=bindparam("end"))
)
_EXPIRED = select(t.draft.c.id).where(t.draft.c.expires_at <= bindparam("now")).limit(500)


def create(
    db: Writing,
    keys: Keys,
    declaration: Declaration,
    visitor: Visitor,
    *,
    begun: bytes | None = None,
    now: datetime,
    random: Random,
) -> Draft:
    """A new, empty draft of this visitor's session. `begun` (`first_page`) finds it when its page is sent twice."""
    draft_id = new_id(random)
    key, wrapped = keys.new_data_key(draft_id)
    draft = Draft(
        id=draft_id,
        slug=declaration.slug,
        digest=declaration.digest,
        revision=1,
        content=Content(),
        session_id=visitor.session_id,
        resident_id=visitor.resident.id if visitor.resident else None,
        wrapped_key=wrapped,
        saved_at=now,
        expires_at=_end(db, declaration.slug, now),
        application_id=None,
    )
    row = {column: getattr(draft, column) for column in _KEPT_COLUMNS}
    sealed = key.seal(draft.content.to_bytes(), SEALED)
    db.insert(t.draft, {**row, "sealed_answers": sealed, "begun_digest": begun, "created_at": now})
    return draft


def first_page(keys: Keys, session_id: str, slug: str, posted: Mapping[str, Sequence[str]]) -> bytes:
    """What tells that a session sent the first page of a form twice: a keyed digest, for it is made of answers."""
    said = json.dumps([session_id, slug, sorted(posted.items())], ensure_ascii=False)
    return keys.index_digest("draft.first-page", said)


def begun_already(db: Writing, keys: Keys, session_id: str, begun: bytes, *, now: datetime) -> Draft | None:
    """The draft that this very page has made, if nobody has gone on with it. Two presses at once take turns."""
    db.one(_HELD, {"session": session_id})
    row = db.one(_BEGUN, {"session": session_id, "page": begun, "now": now})
    return _opened(row, keys) if row is not None else None


def load(db: Reading, keys: Keys, draft_id: str, visitor: Visitor, *, now: datetime) -> Draft | None:
    """The draft, when it is this visitor's. One that is somebody else's is not there."""
    row = db.one(_LOAD, {"draft_id": draft_id, "now": now})
    return _opened(row, keys) if row is not None and _owns(row, visitor) else None


def _owns(row: Any, visitor: Visitor) -> bool:
    if visitor.session_id is not None and row.session_id == visitor.session_id:
        return True
    return visitor.resident is not None and bool(row.resident_id == visitor.resident.id)


def _opened(row: Any, keys: Keys) -> Draft:
    content = Content()
    if row.application_id is None:
        content = Content.from_bytes(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, SEALED))
    return Draft(
        id=row.id,
        slug=row.slug,
        digest=row.digest,
        revision=row.revision,
        content=content,
        session_id=row.session_id,
        resident_id=row.resident_id,
        wrapped_key=row.wrapped_key,
        saved_at=row.saved_at,
        expires_at=row.expires_at,
        application_id=row.application_id,
    )


def claim(db: Writing, visitor: Visitor) -> None:
    """What was begun here before signing in is this resident's from now on: their next sign-in finds it."""
    if visitor.resident is not None:
        db.execute(_CLAIM, {"session": visitor.session_id, "resident": visitor.resident.id})


def save(
    db: Writing, keys: Keys, draft: Draft, content: Content, visitor: Visitor, *, now: datetime
) -> Draft | Conflict:
    """Write `content` over the revision that `draft` is, under the version (`digest`) it names."""
    sealed = keys.open_data_key(draft.wrapped_key, draft.id).seal(content.to_bytes(), SEALED)
    # whoever is signed in where it was begun, now perhaps by a better proof than before; otherwise it stays as it is
    here = visitor.resident is not None and draft.session_id == visitor.session_id
    resident = visitor.resident.id if here and visitor.resident else draft.resident_id
    values = {"draft_id": draft.id, "version": draft.digest, "seen": draft.revision, "sealed": sealed}
    values |= {"resident": resident}
    until = _end(db, draft.slug, now)
    done = db.execute(_SAVE, {**values, "now": now, "until": until})
    if done.rowcount != 1:
        return Conflict()
    saved = replace(draft, revision=draft.revision + 1, content=content, resident_id=resident)
    return replace(saved, saved_at=now, expires_at=until)


def _end(db: Reading, slug: str, now: datetime) -> datetime:
    """When a draft saved now ends. What nobody can send must not grow old: one that lives when its procedure is
    suspended ends no sooner than LIFE after that."""
    end, suspended = now + LIFE, db.one(_SUSPENDED, {"slug": slug})
    if suspended is None or (suspended.suspended_from is not None and suspended.suspended_from >= end):
        return end
    return max(end, suspended.suspended_until + LIFE) if suspended.suspended_until else FOREVER


def ends(expires_at: datetime) -> datetime | None:
    """The end of a draft as it is told; None: LIFE after its procedure is resumed, and nobody knows when that is."""
    return None if expires_at == FOREVER else expires_at


def outlast(db: Writing, slug: str, *, now: datetime) -> None:
    """Reckon anew when the drafts of a procedure end, after its suspension was set, changed or lifted. What lives
    keeps LIFE from now, or what it had."""
    db.execute(_NO_LATER, {"of": slug, "end": now + LIFE})
    suspended = db.one(_SUSPENDED, {"slug": slug})
    if suspended is not None:
        begins = max(suspended.suspended_from or now, now)
        end = suspended.suspended_until + LIFE if suspended.suspended_until else FOREVER
        db.execute(_NO_SOONER, {"of": slug, "begins": begins, "end": end})


def close(db: Writing, keys: Keys, draft: Draft, application_id: str) -> bool:
    """Turn a draft into what it was submitted as: its answers go, the way to the receipt stays. False: too late."""
    sealed = keys.open_data_key(draft.wrapped_key, draft.id).seal(Content().to_bytes(), SEALED)
    values = {"draft_id": draft.id, "seen": draft.revision, "application": application_id, "sealed": sealed}
    return db.execute(_CLOSE, values).rowcount == 1


def new_resume_code(db: Writing, keys: Keys, draft: Draft, *, random: Random) -> str:
    """A code that opens this draft on another device; it voids the one before. Twelve signs of five bits each."""
    code = new_code(random, 3, 4)
    db.execute(_RESUMABLE, {"draft_id": draft.id, "code": keys.index_digest("resume", plain_code(code))})
    return code


def resume(
    db: Writing, keys: Keys, code: str, visitor: Visitor, *, now: datetime, random: Random
) -> tuple[Draft, str | None] | None:
    """Open the draft of a resume code in this browser; it leaves the one it was begun in. With it comes the token of
    a session, where there was none: a wrong code opens none."""
    row = db.one(_BY_CODE, {"code": keys.index_digest("resume", plain_code(code)), "now": now})
    if row is None:
        return None
    token, session_id = None, visitor.session_id
    if session_id is None:
        token, session_id = open_session(db, now=now, random=random)
    db.execute(_MOVE, {"draft_id": row.id, "session": session_id})
    db.audit("draft.resume", row.id, actor=f"session:{session_id}")
    return replace(_opened(row, keys), session_id=session_id), token


_OF_SESSION = select(*_COLUMNS).where(t.draft.c.session_id == bindparam("session")).order_by(t.draft.c.created_at)


def of_session(db: Reading, keys: Keys, session_id: str) -> tuple[Draft, ...]:
    """What was begun in a browser, in that order."""
    return tuple(_opened(row, keys) for row in db.all(_OF_SESSION, {"session": session_id}))


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete drafts whose time is over."""
    return forget(db, [row.id for row in db.all(_EXPIRED, {"now": now})])


def forget(db: Writing, ids: Sequence[str]) -> int:
    """Delete drafts with the 個人番号 and the rows of files that were theirs; how many."""
    if ids:
        db.execute(delete(t.mynumber).where(t.mynumber.c.owner_id.in_(ids)))
        db.execute(delete(t.upload).where(t.upload.c.owner_kind == "draft", t.upload.c.owner_id.in_(ids)))
        db.execute(delete(t.draft).where(t.draft.c.id.in_(ids)))
    return len(ids)
