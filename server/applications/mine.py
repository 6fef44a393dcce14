"""What a signed-in resident has begun and filed. Titles and states only: no answer is opened for a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select

from server.applications.states import ResidentState, shown
from server.store import tables as t
from server.store.database import Reading

MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Begun:
    """A draft."""

    id: str
    slug: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Filed:
    """An application."""

    receipt_number: str
    slug: str
    state: ResidentState
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Mine:
    """Both, newest first."""

    drafts: Sequence[Begun]
    applications: Sequence[Filed]


_DRAFTS = (
    select(t.draft.c.id, t.draft.c.slug, t.draft.c.saved_at)
    .where(
        t.draft.c.resident_id == bindparam("resident"),
        t.draft.c.application_id.is_(None),
        t.draft.c.expires_at > bindparam("now"),
    )
    .order_by(t.draft.c.saved_at.desc())
    .limit(MOST)
)
_APPLICATIONS = (
    select(t.application.c.receipt_number, t.application.c.slug, t.application.c.state, t.application.c.submitted_at)
    .where(t.application.c.resident_id == bindparam("resident"))
    .order_by(t.application.c.submitted_at.desc())
    .limit(MOST)
)


def of_resident(db: Reading, resident_id: str, *, now: datetime) -> Mine:
    """The newest drafts and applications of a resident."""
    drafts = db.all(_DRAFTS, {"resident": resident_id, "now": now})
    filed = db.all(_APPLICATIONS, {"resident": resident_id})
    return Mine(
        [Begun(row.id, row.slug, row.saved_at) for row in drafts],
        [Filed(row.receipt_number, row.slug, shown(row.state), row.submitted_at) for row in filed],
    )
