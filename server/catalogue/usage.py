"""How often procedures are filed: counts that tell nothing about anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, func, select, text

from server.japan import midnight, today
from server.store import tables as t
from server.store.database import Reading

LEAST: Final = 5
"""A smaller count could be somebody's neighbour: it is told as "under 5" (facts.md, §g)."""


@dataclass(frozen=True, slots=True)
class Use:
    """Applications of one procedure in one month ('2026-10') by one channel; `count` is None when under `LEAST`."""

    slug: str
    month: str
    channel: str
    count: int | None


def until(now: datetime) -> date:
    """The first day of this month in Japan: what is counted ended before it, so that a figure never grows."""
    return today(now).replace(day=1)


def usage(db: Reading, *, now: datetime, slug: str = "", month: str = "") -> Sequence[Use]:
    """Every whole month before this one, by procedure, month and channel; only of a procedure or of a month where
    one is named. Drafts are no applications."""
    of = _month(db.connection.dialect.name)
    counted = (
        select(t.application.c.slug, of.label("month"), t.application.c.channel, func.count().label("filed"))
        .where(t.application.c.submitted_at < bindparam("until"))
        .group_by(t.application.c.slug, text("month"), t.application.c.channel)
        .order_by(t.application.c.slug, text("month"), t.application.c.channel)
    )
    if slug:
        counted = counted.where(t.application.c.slug == bindparam("slug"))
    if month:
        counted = counted.where(of == bindparam("month"))
    rows = db.all(counted, {"until": midnight(until(now)), "slug": slug, "month": month})
    return [Use(row.slug, row.month, row.channel, row.filed if row.filed >= LEAST else None) for row in rows]


def _month(dialect: str) -> ColumnElement[Any]:
    """The month in Japan, as 'YYYY-MM'."""
    at = t.application.c.submitted_at
    if dialect == "postgresql":
        return func.to_char(func.timezone("Asia/Tokyo", at), "YYYY-MM")
    return func.strftime("%Y-%m", at, f"+{int(timedelta(hours=9).total_seconds())} seconds")
