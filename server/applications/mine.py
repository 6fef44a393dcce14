"""What a signed-in resident has begun and filed. Titles and states only: no answer is opened for a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from server.applications.drafts import ends
from server.applications.states import ResidentState, shown
from server.money.states import RULES, Standing
from server.store import tables as t
from server.store.database import Reading, Writing

PAGE: Final = 50
"""How many of each are shown at once."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A draft, kept until `expires_at`; None: as long as its procedure is suspended, and then some days."""

    id: str
    slug: str
    saved_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Filed:
    """An application. `debt_id` is of what can be paid now, '' when there is nothing to pay."""

    receipt_number: str
    slug: str
    state: ResidentState
    submitted_at: datetime
    debt_id: str


@dataclass(frozen=True, slots=True)
class Mine:
    """One page of both, newest first; `pages` is how many there are, at least one."""

    drafts: Sequence[Begun]
    applications: Sequence[Filed]
    pages: int


_MY_DRAFTS: Final = (
    t.draft.c.resident_id == bindparam("resident"),
    t.draft.c.application_id.is_(None),
    t.draft.c.expires_at > bindparam("now"),
)
_DRAFTS: Final = (
    select(t.draft.c.id, t.draft.c.slug, t.draft.c.saved_at, t.draft.c.expires_at)
    .where(*_MY_DRAFTS)
    .order_by(t.draft.c.saved_at.desc(), t.draft.c.id)
    .limit(PAGE)
    .offset(bindparam("skip"))
)
_FILED: Final = [t.application.c[name] for name in ("receipt_number", "slug", "state", "submitted_at")]
_APPLICATIONS: Final = (
    select(*_FILED, t.debt.c.id.label("debt_id"), t.debt.c.state.label("standing"))
    .select_from(t.application.outerjoin(t.debt, t.debt.c.application_id == t.application.c.id))
    .where(t.application.c.resident_id == bindparam("resident"))
    .order_by(t.application.c.submitted_at.desc(), t.application.c.id)
    .limit(PAGE)
    .offset(bindparam("skip"))
)
_HOW_MANY_DRAFTS: Final = select(func.count()).select_from(t.draft).where(*_MY_DRAFTS)
_HOW_MANY_APPLICATIONS: Final = (
    select(func.count()).select_from(t.application).where(t.application.c.resident_id == bindparam("resident"))
)


def of_resident(db: Reading, resident_id: str, *, page: int = 1, now: datetime) -> Mine:
    """A page (1…) of a resident's drafts and applications."""
    who = {"resident": resident_id}
    most = max(db.scalar(_HOW_MANY_DRAFTS, who | {"now": now}), db.scalar(_HOW_MANY_APPLICATIONS, who))
    skip = {"skip": (page - 1) * PAGE}
    drafts = db.all(_DRAFTS, who | skip | {"now": now})
    filed = db.all(_APPLICATIONS, who | skip)
    return Mine(
        [Begun(row.id, row.slug, row.saved_at, ends(row.expires_at)) for row in drafts],
        [
            Filed(row.receipt_number, row.slug, shown(row.state), row.submitted_at, _payable(row.debt_id, row.standing))
            for row in filed
        ],
        max(1, -(-most // PAGE)),
    )


def _payable(debt_id: str | None, standing: str | None) -> str:
    return debt_id if debt_id and standing and RULES[Standing(standing)].payable else ""


_DISCARD: Final = delete(t.draft).where(
    t.draft.c.id == bindparam("draft_id"),
    t.draft.c.resident_id == bindparam("resident"),
    t.draft.c.application_id.is_(None),
)
_NUMBERS: Final = delete(t.mynumber).where(t.mynumber.c.owner_id == bindparam("draft_id"))
_FILES: Final = delete(t.upload).where(t.upload.c.owner_kind == "draft", t.upload.c.owner_id == bindparam("draft_id"))


def discard(db: Writing, draft_id: str, resident_id: str) -> bool:
    """Delete a resident's draft with its 個人番号 and files. False: it is not theirs, or was submitted, or has gone.

    The draft goes first: a submission at the same time holds its row, and then owns what was the draft's.
    """
    if db.execute(_DISCARD, {"draft_id": draft_id, "resident": resident_id}).rowcount != 1:
        return False
    db.execute(_NUMBERS, {"draft_id": draft_id})
    db.execute(_FILES, {"draft_id": draft_id})
    return True
