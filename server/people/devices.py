"""Machines of the town hall: kiosks, tablets, boards. A browser becomes one with a code that is good once.

The cookie holds a random token, the row its SHA-256. A device that is ended is out with its next request, and whoever
keeps a stream open to it hears of it by the bulletin. Its token opens the device and nobody's papers: those are of the
session of the person who stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, or_, select, update

from server.people.limits import Limit
from server.people.sessions import new_token, token_digest
from server.signs import new_code, plain_code
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

TOPIC: Final = "device"
"""Bulletin topic; the key is the id of a device that was ended, enrolled anew, or that calls a clerk."""
CALLS: Final = "calls"
"""The key that is told besides whenever any call begins, is answered, or is over."""
GOING: Final = timedelta(minutes=5)
"""How long whoever said that they go is on their way; then the call is over, and can be made anew."""
ENROL_WITHIN: Final = timedelta(minutes=30)
SEEN_EVERY: Final = timedelta(minutes=5)
LONGEST_LABEL: Final = 40
TRIED: Final = Limit("device.code", 20, timedelta(minutes=15))
"""Codes typed from one network address: 50 random bits behind 20 tries."""


class Kind(StrEnum):
    """What a machine is for."""

    KIOSK = "kiosk"
    TABLET = "tablet"
    BOARD = "board"


class BadDevice(ValueError):
    """A kind or a label that is none. Says what is allowed."""


@dataclass(frozen=True, slots=True)
class Device:
    """A registered machine. `kind` is 'kiosk', 'tablet' or 'board'; `session_id` is of whoever stands at a kiosk.
    `called_at`: they call a clerk; `answered_at`: one is on the way."""

    id: str
    kind: str
    label: str
    window_id: str | None
    session_id: str | None = None
    called_at: datetime | None = None
    answered_at: datetime | None = None
    touch_due: bool = False
    """Whether `touch` should note this request."""

    @property
    def actor(self) -> str:
        """As the audit names it."""
        return f"device:{self.id}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A device as administrators see it. `enrol_until`: a code waits to be typed; `state` is 'waiting' (never
    enrolled), 'in use' or 'ended'."""

    id: str
    kind: str
    label: str
    window_id: str | None
    state: str
    enrol_until: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody at a device asks for a clerk, since `called_at`. `answered_by` is the actor of whoever goes there, ''
    while nobody does."""

    device_id: str
    label: str
    called_at: datetime
    answered_by: str


_OF_TOKEN: Final = select(t.device).where(
    t.device.c.token_digest == bindparam("token_digest"), t.device.c.disabled_at.is_(None)
)
_OF_CODE: Final = (
    select(t.device)
    .where(
        t.device.c.enrol_digest == bindparam("code"),
        t.device.c.enrol_until > bindparam("now"),
        t.device.c.disabled_at.is_(None),
    )
    .with_for_update()
)
_ENROL: Final = (
    update(t.device)
    .where(t.device.c.id == bindparam("of"))
    .values(token_digest=bindparam("token"), enrol_digest=None, enrol_until=None, seen_at=bindparam("now"))
)
_RENEW: Final = (
    update(t.device)
    .where(t.device.c.id == bindparam("of"), t.device.c.disabled_at.is_(None))
    .values(enrol_digest=bindparam("code"), enrol_until=bindparam("until"))
)
_END: Final = (
    update(t.device)
    .where(t.device.c.id == bindparam("of"), t.device.c.disabled_at.is_(None))
    .values(disabled_at=bindparam("now"), token_digest=None, enrol_digest=None, enrol_until=None)
    .values(called_at=None, answered_at=None, answered_by=None)
)
_ON: Final = or_(t.device.c.answered_at.is_(None), t.device.c.answered_at > bindparam("since"))
_TOUCH: Final = update(t.device).where(t.device.c.id == bindparam("of")).values(seen_at=bindparam("now"))
_CALL: Final = (
    update(t.device)
    .where(
        t.device.c.id == bindparam("of"),
        t.device.c.disabled_at.is_(None),
        or_(t.device.c.called_at.is_(None), t.device.c.answered_at <= bindparam("since")),
    )
    .values(called_at=bindparam("now"), answered_at=None, answered_by=None)
)
_ANSWER: Final = (
    update(t.device)
    .where(t.device.c.id == bindparam("of"), t.device.c.called_at.is_not(None), t.device.c.answered_at.is_(None))
    .values(answered_at=bindparam("now"), answered_by=bindparam("by"))
)
_CALL_OVER: Final = (
    update(t.device)
    .where(t.device.c.id == bindparam("of"), t.device.c.called_at.is_not(None))
    .values(called_at=None, answered_at=None, answered_by=None)
)
_EVERY: Final = select(t.device).order_by(t.device.c.kind, t.device.c.label, t.device.c.created_at)
_CALLING: Final = (
    select(*(t.device.c[name] for name in ("id", "label", "called_at", "answered_by")))
    .where(t.device.c.called_at.is_not(None), _ON)
    .order_by(t.device.c.called_at, t.device.c.id)
)


# --- registering ----------------------------------------------------------------------------------------------------


def register(
    db: Writing,
    keys: Keys,
    kind: str,
    label: str,
    window_id: str | None,
    by: str,
    *,
    now: datetime,
    random: Random,
) -> str:
    """A new device: the code to type at it, which is nowhere else. `by` is an actor as the audit names them. Raises
    BadDevice."""
    called = " ".join(label.split())
    if kind not in set(Kind):
        raise BadDevice(f"{kind} という種類はありません; 使えるもの: {'、'.join(Kind)}")
    if not called or len(called) > LONGEST_LABEL or not called.isprintable():
        raise BadDevice(f"名前は、1行で{LONGEST_LABEL}字までにしてください")
    device_id, code = new_id(random), new_code(random, 2)
    row = {"id": device_id, "kind": kind, "label": called, "window_id": window_id, "created_at": now}
    db.insert(t.device, row | {"enrol_digest": _digest(keys, code), "enrol_until": now + ENROL_WITHIN})
    db.audit("device.register", device_id, actor=by, detail={"kind": kind})
    return code


def renew(db: Writing, keys: Keys, device_id: str, by: str, *, now: datetime, random: Random) -> str | None:
    """Another code for a device whose browser has lost its cookie; the old cookie is good until it is typed. None:
    there is no such device, or it was ended."""
    code = new_code(random, 2)
    values = {"of": device_id, "code": _digest(keys, code), "until": now + ENROL_WITHIN}
    if db.execute(_RENEW, values).rowcount != 1:
        return None
    db.audit("device.renew", device_id, actor=by)
    return code


def enrol(db: Writing, keys: Keys, code: str, *, now: datetime, random: Random) -> tuple[Device, str] | None:
    """Make a browser the device of this code: the device, and the token for its cookie. None for a code that is
    unknown, used, or too old."""
    row = db.one(_OF_CODE, {"code": _digest(keys, code), "now": now})
    if row is None:
        return None
    token = new_token(random)
    db.execute(_ENROL, {"of": row.id, "token": token_digest(token), "now": now})
    db.audit("device.enrol", row.id, actor=f"device:{row.id}")
    db.announce(TOPIC, row.id)
    return _device(row, now), token


def end(db: Writing, device_id: str, by: str, *, now: datetime) -> bool:
    """End a device for good. False: there is no such device, or it was ended before."""
    if db.execute(_END, {"of": device_id, "now": now}).rowcount != 1:
        return False
    db.audit("device.end", device_id, actor=by)
    return _announced(db, device_id, 1)


def _digest(keys: Keys, code: str) -> bytes:
    return keys.index_digest("device.enrol", plain_code(code))


# --- in use ---------------------------------------------------------------------------------------------------------


def who(db: Reading, token: str, *, now: datetime) -> Device | None:
    """Which device this token is of; None for one that is unknown, replaced, or of a device that was ended."""
    row = db.one(_OF_TOKEN, {"token_digest": token_digest(token)})
    return None if row is None else _device(row, now, row.seen_at is None or now - row.seen_at >= SEEN_EVERY)


def touch(db: Writing, device_id: str, *, now: datetime) -> None:
    """Note that the device is in use. To be called when `Device.touch_due` says so."""
    db.execute(_TOUCH, {"of": device_id, "now": now})


def _device(row: Any, now: datetime, touch_due: bool = False) -> Device:
    calls = row.answered_at is None or row.answered_at > now - GOING
    asked, answered = (row.called_at, row.answered_at) if calls else (None, None)
    return Device(row.id, row.kind, row.label, row.window_id, row.session_id, asked, answered, touch_due)


def every(db: Reading) -> Sequence[Listed]:
    """Every device there ever was, those of one kind together."""
    return tuple(_listed(row) for row in db.all(_EVERY))


def _listed(row: Any) -> Listed:
    state = "ended" if row.disabled_at else "in use" if row.token_digest else "waiting"
    return Listed(row.id, row.kind, row.label, row.window_id, state, row.enrol_until, row.seen_at)


# --- calling a clerk ------------------------------------------------------------------------------------------------


def call(db: Writing, device_id: str, *, now: datetime) -> bool:
    """Somebody at this device asks for a clerk. False: they have asked already."""
    return _announced(db, device_id, db.execute(_CALL, {"of": device_id, "now": now, "since": now - GOING}).rowcount)


def answer(db: Writing, device_id: str, by: str, *, now: datetime) -> bool:
    """Somebody goes there; `by` is an actor as the audit names them. False: a colleague was faster, or nobody calls."""
    return _announced(db, device_id, db.execute(_ANSWER, {"of": device_id, "by": by, "now": now}).rowcount)


def call_over(db: Writing, device_id: str) -> bool:
    """A clerk has come, or whoever called has taken it back. False: nobody calls there."""
    return _announced(db, device_id, db.execute(_CALL_OVER, {"of": device_id}).rowcount)


def _announced(db: Writing, device_id: str, changed: int) -> bool:
    if changed:
        db.announce(TOPIC, device_id)
        db.announce(TOPIC, CALLS)
    return changed == 1


def calling(db: Reading, *, now: datetime) -> Sequence[Call]:
    """Where somebody asks for a clerk, who asked first before the others."""
    found = db.all(_CALLING, {"since": now - GOING})
    return tuple(Call(row.id, row.label, row.called_at, row.answered_by or "") for row in found)
