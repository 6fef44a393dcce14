"""Which version of a procedure was served when: read from the audit chain, which has a line for every publication.

The table `declaration` says what a version was, `publication` which one is served now. A version may be served twice,
when a city goes back to it; no table but the chain tells of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select

from server.store import tables as t
from server.store.database import Reading

_SERVINGS: Final = (
    select(t.audit.c.target, t.audit.c.at)
    .join(t.declaration, t.declaration.c.digest == t.audit.c.target)
    .where(t.declaration.c.slug == bindparam("slug"), t.audit.c.action == "procedure.publish")
    .order_by(t.audit.c.seq)
)
"""Both columns that are searched by have an index."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A time in which a version was served: `since` counts, `until` does not; None for the one served now."""

    digest: str
    since: datetime
    until: datetime | None


def servings(db: Reading, slug: str) -> Sequence[Serving]:
    """Every time in which some version of a procedure was served, the oldest first."""
    lines = db.all(_SERVINGS, {"slug": slug})
    ends = [line.at for line in lines[1:]]
    return [Serving(line.target, line.at, end) for line, end in zip(lines, [*ends, None], strict=False)]
