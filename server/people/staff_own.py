"""What somebody on the staff changes of their own account, having proven once more that it is they who sit there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from server.people import staff_rows as rows
from server.people import staff_sessions
from server.people.staff import forgiven
from server.people.staff_sessions import open_profile, open_session
from server.store.database import Writing
from server.store.keys import Keys
from server.store.values import Random


def proved(
    db: Writing, keys: Keys, staff_id: str, verified: str | None, code: str, *, place: str, now: datetime
) -> bool:
    """Whether it is really they who sit there: password and code once more, before anything that opens the door later.
    Arguments as of `sign_in`; the try was counted (`counted`) and is taken back when it was right."""
    row = db.one(rows.BY_ID_LOCKED, {"staff_id": staff_id})
    factor = rows.shown_factor(db, keys, row, code, now) if row is not None and verified is not None else ""
    if row is None or not factor or verified != rows.opened(keys, row, rows.PASSWORD, row.sealed_password):
        db.audit("staff.proof_failed", staff_id, actor=f"staff:{staff_id}")
        return False
    login = open_profile(keys, row.id, row.wrapped_key, row.sealed_profile)["login"]
    forgiven(db, keys, login, place, now=now)
    return True


def change_password(db: Writing, keys: Keys, staff_id: str, kept: str, *, now: datetime, random: Random) -> str:
    """Take another password (its hash). Whoever is signed in anywhere is out: the token of a new session.
    LookupError where there is no such account; none is ever deleted."""
    row = db.one(rows.BY_ID_LOCKED, {"staff_id": staff_id})
    if row is None:
        raise LookupError(staff_id)
    sealed = keys.open_data_key(row.wrapped_key, row.id).seal(kept.encode(), rows.PASSWORD)
    db.execute(rows.CHANGE_PASSWORD, {"of": staff_id} | rows.to_set({"sealed_password": sealed}))
    ended = staff_sessions.end_all(db, staff_id)
    db.audit("staff.password", staff_id, actor=f"staff:{staff_id}", detail={"sessions": ended})
    return open_session(db, staff_id, now=now, random=random)


def renew_codes(db: Writing, keys: Keys, staff_id: str, *, random: Random) -> Sequence[str]:
    """New recovery codes; the old ones are void."""
    db.audit("staff.recovery", staff_id, actor=f"staff:{staff_id}")
    return rows.fresh_codes(db, keys, staff_id, random)
