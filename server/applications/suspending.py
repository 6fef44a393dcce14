"""An operator stops a procedure for a while, or lets it go on. What was filed goes its way; drafts outlast it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, select, update

from server.applications import drafts
from server.catalogue import ProcedureState, Status, Suspension
from server.catalogue.catalogue import TOPIC
from server.japan import in_japan
from server.store import tables as t
from server.store.database import Writing


class Refusal(StrEnum):
    """Why nothing was changed."""

    UNKNOWN = "unknown"
    BAD_REASON = "bad-reason"
    EMPTY = "empty"
    PAST = "past"
    NOT_SUSPENDED = "not-suspended"


LONGEST_REASON: Final = 300
"""Characters of a reason: it is read on a telephone."""
TOLD: Final = {
    Refusal.UNKNOWN: "この手続は公開されていません",
    Refusal.BAD_REASON: f"止めるわけは、1行で {LONGEST_REASON} 字までの文にしてください",
    Refusal.EMPTY: "--until は --from よりあとの日時にしてください",
    Refusal.PAST: "--until がもう過ぎています; これからの日時にしてください",
    Refusal.NOT_SUSPENDED: "この手続は止まっていません。止まる予定もありません",
}
_STATE: Final = select(t.publication.c.state, t.publication.c.suspended_until).where(
    t.publication.c.slug == bindparam("slug")
)
_SET: Final = (
    update(t.publication)
    .where(t.publication.c.slug == bindparam("of"))
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        suspended_from=bindparam("start"),
        suspended_until=bindparam("end"),
    )
)


def unfit(wanted: Suspension, *, now: datetime) -> Refusal | None:
    """Why a suspension cannot be as it is wanted, whatever the procedure."""
    if not 0 < len(wanted.reason.strip()) <= LONGEST_REASON or not wanted.reason.isprintable():
        return Refusal.BAD_REASON
    if wanted.over(now):
        return Refusal.PAST
    if wanted.until is not None and wanted.until <= (wanted.start or now):
        return Refusal.EMPTY
    return None


def suspend(db: Writing, slug: str, wanted: Suspension, *, now: datetime, actor: str) -> Refusal | None:
    """Stop a procedure; an earlier suspension of it, announced or in force, is replaced. None: done."""
    if (refusal := unfit(wanted, now=now)) is not None:
        return refusal
    if db.one(_STATE, {"slug": slug}) is None:
        return Refusal.UNKNOWN
    start = wanted.start or now
    _set(db, slug, ProcedureState.SUSPENDED, Suspension(wanted.reason.strip(), start, wanted.until), now)
    window = {"from": start.isoformat(), "until": wanted.until.isoformat() if wanted.until else ""}
    db.audit("procedure.suspend", slug, actor=actor, detail=window)
    return None


def resume(db: Writing, slug: str, *, now: datetime, actor: str) -> Refusal | None:
    """Let a procedure go on at once, or take back what was announced. None: done."""
    row = db.one(_STATE, {"slug": slug})
    if row is None:
        return Refusal.UNKNOWN
    if row.state != ProcedureState.SUSPENDED or (row.suspended_until is not None and row.suspended_until <= now):
        return Refusal.NOT_SUSPENDED
    _set(db, slug, ProcedureState.OPEN, Suspension("", None, None), now)
    db.audit("procedure.resume", slug, actor=actor)
    return None


def standing(status: Status) -> str:
    """One line for an operator: the state, the dates on which it is open, and its suspension."""
    parts = [status.state.value]
    if status.accepts_from or status.accepts_until:
        parts.append(f"受付期間 {status.accepts_from or ''} 〜 {status.accepts_until or ''}")
    if (stop := status.suspension) is not None:
        what = "停止" if status.state is ProcedureState.SUSPENDED else "停止の予定"
        parts += [f"{what} {_moment(stop.start)} 〜 {_moment(stop.until)}", stop.reason]
    return "  ".join(parts)


def _moment(moment: datetime | None) -> str:
    return f"{in_japan(moment):%Y-%m-%d %H:%M}" if moment else ""


def _set(db: Writing, slug: str, state: ProcedureState, to: Suspension, now: datetime) -> None:
    values = {"to": state.value, "why": to.reason, "start": to.start, "end": to.until}
    db.execute(_SET, {"of": slug, **values})
    drafts.outlast(db, slug, now=now)
    db.announce(TOPIC)
