"""Windows (窓口): where they are, whose tickets they call, and who sits at which today.

Somebody sits down at one window for the day. A window is staffed while they are signed in: whoever went home without
a word does not count among the open windows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, or_, select, update

from server.japan import midnight, today
from server.people.staff_sessions import WORKING
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.values import Random, new_id

LONGEST_LABEL: Final = 40


@dataclass(frozen=True, slots=True)
class Window:
    """`queues` are the ids of those whose tickets are called here."""

    id: str
    label: str
    department: str
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seated:
    """A window with whoever sits there."""

    window: Window
    staff_id: str


_TABLE: Final = t.service_window
_COLUMNS: Final = tuple(_TABLE.c[name] for name in ("id", "label", "department", "queues"))
_ALL: Final = select(*_COLUMNS).where(_TABLE.c.closed_at.is_(None))
_OF_DEPARTMENT: Final = _ALL.where(_TABLE.c.department == bindparam("department"))
_ONE: Final = _ALL.where(_TABLE.c.id == bindparam("id"))
_LABELLED: Final = select(_TABLE.c.id, _TABLE.c.closed_at).where(_TABLE.c.label == bindparam("label"))
_STAFFED: Final = (
    select(*_COLUMNS, _TABLE.c.staff_id)
    .where(
        _TABLE.c.closed_at.is_(None),
        _TABLE.c.seated_at >= bindparam("since"),
        select(t.staff_session.c.id)
        .where(
            t.staff_session.c.staff_id == _TABLE.c.staff_id,
            t.staff_session.c.stage == "in",
            t.staff_session.c.expires_at > bindparam("now"),
            t.staff_session.c.seen_at > bindparam("seen"),
        )
        .exists(),
    )
    .order_by(_TABLE.c.id)
)
_MINE: Final = _ALL.where(_TABLE.c.staff_id == bindparam("staff_id"), _TABLE.c.seated_at >= bindparam("since"))
_REOPEN: Final = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("b_id"), _TABLE.c.closed_at.is_not(None))
    .values(department=bindparam("b_department"), queues=bindparam("b_queues"), closed_at=None)
)
_CHANGE: Final = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("b_id"), _TABLE.c.closed_at.is_(None))
    .values(department=bindparam("b_department"), queues=bindparam("b_queues"))
)
_CLOSE: Final = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("b_id"), _TABLE.c.closed_at.is_(None))
    .values(closed_at=bindparam("now"), staff_id=None, seated_at=None)
)
_RELEASE: Final = (
    update(t.ticket)
    .where(t.ticket.c.window_id == bindparam("b_id"), t.ticket.c.state == "waiting")
    .values(window_id=None)
)
_STAND_UP: Final = update(_TABLE).where(_TABLE.c.staff_id == bindparam("b_staff")).values(staff_id=None, seated_at=None)
_SIT: Final = (
    update(_TABLE)
    .where(
        _TABLE.c.id == bindparam("b_id"),
        _TABLE.c.closed_at.is_(None),
        or_(_TABLE.c.staff_id.is_(None), _TABLE.c.staff_id == bindparam("b_free")),
    )
    .values(staff_id=bindparam("b_staff"), seated_at=bindparam("now"))
)
_HOLDER: Final = (
    select(_TABLE.c.staff_id)
    .where(_TABLE.c.id == bindparam("id"), _TABLE.c.closed_at.is_(None))
    .with_for_update(of=_TABLE)
)


def windows(db: Reading, department: str | None = None) -> list[Window]:
    """The windows that are there, of one department or of all; 3番 before 10番."""
    rows = db.all(_ALL) if department is None else db.all(_OF_DEPARTMENT, {"department": department})
    return sorted(map(_window, rows), key=lambda each: _as_counted(each.label))


def window(db: Reading, window_id: str) -> Window | None:
    """One window; None for one that was taken away."""
    row = db.one(_ONE, {"id": window_id})
    return None if row is None else _window(row)


def open_window(
    db: Writing, label: str, department: str, queues: Sequence[str], by: str, *, now: datetime, random: Random
) -> Window | None:
    """Set a window up; `by` as the audit names people. One of this label that was closed comes back as the same one.
    None: there is one of this label."""
    found, given = db.one(_LABELLED, {"label": label}), {"department": department, "queues": "\n".join(queues)}
    if found is None:
        made = new_id(random)
        new = db.insert_new(_TABLE, {"id": made, "label": label} | given)
    else:
        made = found.id
        bound = {f"b_{name}": value for name, value in given.items()}
        new = db.execute(_REOPEN, bound | {"b_id": made}).rowcount == 1
    if not new:
        return None
    db.audit("window.open", made, actor=by, detail={"department": department})
    return Window(made, label, department, tuple(queues))


def change_window(db: Writing, window_id: str, department: str, queues: Sequence[str], by: str) -> bool:
    """Which queues are called to a window, and whose it is. False: there is no such window."""
    bound = {"b_id": window_id, "b_department": department, "b_queues": "\n".join(queues)}
    if db.execute(_CHANGE, bound).rowcount != 1:
        return False
    db.audit("window.change", window_id, actor=by, detail={"department": department})
    return True


def close_window(db: Writing, window_id: str, by: str, *, now: datetime) -> bool:
    """Take a window away; tickets that waited for it alone may be called to any other. False: there is none."""
    if db.execute(_CLOSE, {"b_id": window_id, "now": now}).rowcount != 1:
        return False
    db.execute(_RELEASE, {"b_id": window_id})
    db.audit("window.close", window_id, actor=by)
    return True


# --- who sits there --------------------------------------------------------------------------------------------------


def staffed(db: Reading, *, now: datetime) -> list[Seated]:
    """The windows at which somebody sits who is signed in."""
    asked = {"since": midnight(today(now)), "now": now, "seen": now - WORKING.idle}
    return [Seated(_window(row), row.staff_id) for row in db.all(_STAFFED, asked)]


def window_of(db: Reading, staff_id: str, *, now: datetime) -> Window | None:
    """Where somebody sits today."""
    row = db.one(_MINE, {"staff_id": staff_id, "since": midnight(today(now))})
    return None if row is None else _window(row)


def sit(db: Writing, window_id: str, staff_id: str, *, instead_of: str = "", now: datetime) -> str | None:
    """Sit down at a window, and get up from any other. '' when that is done.

    Otherwise the id of whoever sits there: told again as `instead_of`, they are sent away, but nobody who came since.
    None: there is no such window.
    """
    holder = db.one(_HOLDER, {"id": window_id})
    if holder is None:
        return None
    at_work = {each.window.id for each in staffed(db, now=now)}  # with the row held: who has just sat down counts
    free = holder.staff_id if window_id not in at_work or holder.staff_id in (staff_id, instead_of) else ""
    if free == "":
        return str(holder.staff_id)
    db.execute(_STAND_UP, {"b_staff": staff_id})
    bound = {"b_id": window_id, "b_free": free, "b_staff": staff_id, "now": now}
    if db.execute(_SIT, bound).rowcount == 1:
        return ""
    return str(db.scalar(_HOLDER, {"id": window_id}) or "") or None


def stand_up(db: Writing, staff_id: str) -> bool:
    """Get up: nothing is called to this window until somebody sits down. False: they sat nowhere."""
    return db.execute(_STAND_UP, {"b_staff": staff_id}).rowcount == 1


def _window(row: Any) -> Window:
    return Window(row.id, row.label, row.department, tuple(row.queues.split("\n")) if row.queues else ())


def _as_counted(label: str) -> list[tuple[int, str]]:
    """'3番窓口' before '10番窓口', as people count them."""
    parts = re.split(r"(\d+)", label)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
