"""Tablets: a visit shown to its resident on a tablet that stands at the same window.

The clerk's page shows six digits, good once and for a few minutes; whoever types them at another window's tablet is
refused, and the clerk is told. A tablet shows one visit, a visit is shown on one tablet. It ends with the visit, by a
button on either screen, or when nothing was done for a while. What the resident says of the answers is kept sealed,
and gone with the pairing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, delete, or_, select, update

from server.counter.visits import OPEN, Visit
from server.people.devices import Device
from server.people.limits import Limit, forgive, seconds_to_wait
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

TOPIC: Final = "tablet"
"""What the bulletin tells of: the pairing of a visit, by the visit's id, has changed."""
CODE_LIFE: Final = timedelta(minutes=5)
IDLE: Final = timedelta(minutes=15)
"""Neither a save of the visit nor a touch of the tablet for so long: it shows the visit no more."""
HERE: Final = timedelta(seconds=50)
"""A tablet gives a sign of life every 20 seconds."""
NOTED: Final = timedelta(seconds=15)
TURNING: Final = timedelta(seconds=2)
"""From one page to the next a tablet has no stream: it is away only when none has come back for so long."""
GUESSES: Final = Limit("tablet.code", 10, timedelta(minutes=10))
"""Wrong codes of one tablet: a million codes, of which some fifty are good at a time."""
LONGEST_WORDS: Final = 100
MOST_REMARKS: Final = 1000
SEALED: Final = "pairing.sealed_remarks"
DIGITS: Final = 6
_FOLDED: Final = str.maketrans("０１２３４５６７８９", "0123456789", " 　-－ー")


class Verdict(StrEnum):
    """What the resident says of an answer."""

    RIGHT = "right"
    WRONG = "wrong"


class Choice(StrEnum):
    """In what way an answer is wrong, for those who write nothing."""

    NONE = ""
    LETTERS = "letters"
    CONTENT = "content"
    PERSON = "person"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Remark:
    """What was said of one answer. `stamp` is of the answer it was said of (`mirror.Line`): of another it says
    nothing."""

    verdict: str
    stamp: str
    choice: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What is sealed of a pairing. `code` waits to be typed; `language` is how the tablet speaks; `remarks` are by
    `mirror.Line.key`; `refused` is the label of a tablet of another window at which the code was typed."""

    code: str = ""
    language: str = "ja"
    remarks: Mapping[str, Remark] = field(default_factory=dict)
    refused: str = ""

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Said:
        raw = json.loads(data)
        return Said(**raw | {"remarks": {key: Remark(**each) for key, each in raw["remarks"].items()}})


@dataclass(frozen=True, slots=True)
class Pairing:
    """A visit and its tablet; without a tablet while the code waits (`waits`)."""

    id: str
    visit_id: str
    device_id: str | None
    revision: int
    visit_revision: int
    said: Said
    code_until: datetime
    seen_at: datetime | None

    @property
    def waits(self) -> bool:
        return self.device_id is None

    @property
    def mark(self) -> str:
        """Which state of visit and pairing this is. It says nothing else."""
        return _mark(self.visit_revision, self.revision)

    def is_here(self, now: datetime) -> bool:
        """Whether the tablet gave a sign of life of late."""
        return self.seen_at is not None and now - self.seen_at < HERE


Change = Callable[[Said], Said]
"""What a resident does to what they said."""


class Refusal(StrEnum):
    """Why a tablet was not paired."""

    UNKNOWN = "unknown"
    """No such code waits: mistyped, used, or too old."""
    WINDOW = "window"
    """The code is of another window's visit."""


@dataclass(frozen=True, slots=True)
class TooOften:
    """Come back after `seconds`."""

    seconds: int


_P, _V, _D = t.pairing.c, t.visit.c, t.device.c
_ALIVE: Final = (_V.state == OPEN, _V.expires_at > bindparam("now"))
_COLUMNS: Final = (
    *(_P[name] for name in ("id", "visit_id", "device_id", "revision", "code_until", "seen_at")),
    *(_P[name] for name in ("wrapped_key", "sealed_remarks")),
    _V.revision.label("visit_revision"),
    _V.window_id,
)
_WITH_VISIT: Final = t.pairing.join(t.visit, _V.id == _P.visit_id)
_IN_USE: Final = (
    or_(_V.saved_at > bindparam("idle"), _P.used_at > bindparam("idle")),
    _D.disabled_at.is_(None),
    _D.window_id == _V.window_id,  # moved to another window, or the visit was: it is not this resident who sits there
)
_SHOWN: Final = select(*_COLUMNS).select_from(_WITH_VISIT.join(t.device, _D.id == _P.device_id))
_LATEST: Final = (_P.used_at.desc(), _P.id)
_OF_DEVICE: Final = _SHOWN.where(_P.device_id == bindparam("of"), *_ALIVE, *_IN_USE).order_by(*_LATEST).limit(1)
_OF_VISIT: Final = _SHOWN.where(_P.visit_id == bindparam("of"), *_ALIVE, *_IN_USE).order_by(*_LATEST).limit(1)
_WAITING: Final = (
    select(*_COLUMNS)
    .select_from(_WITH_VISIT)
    .where(_P.visit_id == bindparam("of"), _P.device_id.is_(None), _P.code_until > bindparam("now"), *_ALIVE)
    .order_by(_P.created_at.desc(), _P.id)
    .limit(1)
)
_OF_CODE: Final = (
    select(*_COLUMNS)
    .select_from(_WITH_VISIT)
    .where(_P.code_digest == bindparam("code"), _P.device_id.is_(None), _P.code_until > bindparam("now"), *_ALIVE)
    .with_for_update(of=t.pairing)
)
_LOCKED: Final = (
    select(*_COLUMNS).select_from(_WITH_VISIT).where(_P.id == bindparam("of")).with_for_update(of=t.pairing)
)
_SAY: Final = (
    update(t.pairing)
    .where(_P.id == bindparam("of"))
    .values(revision=_P.revision + 1, sealed_remarks=bindparam("sealed"), used_at=bindparam("now"))
)
_REFUSED: Final = (
    update(t.pairing)
    .where(_P.id == bindparam("of"))
    .values(revision=_P.revision + 1, sealed_remarks=bindparam("sealed"))
)
_JOIN: Final = (
    update(t.pairing)
    .where(_P.id == bindparam("of"), _P.device_id.is_(None))
    .values(
        device_id=bindparam("device"),
        code_digest=None,
        sealed_remarks=bindparam("sealed"),
        revision=_P.revision + 1,
        used_at=bindparam("now"),
        seen_at=bindparam("now"),
    )
)
_END: Final = (
    delete(t.pairing)
    .where(_P.id != bindparam("but"))
    .where(or_(_P.visit_id == bindparam("visit"), _P.device_id == bindparam("device")))
    .returning(_P.visit_id)
)
_NOTED: Final = (
    update(t.pairing)
    .where(_P.id == bindparam("of"))
    .where(or_(_P.seen_at.is_(None), _P.seen_at < bindparam("before")))
    .values(seen_at=bindparam("now"))
)
_AWAY: Final = update(t.pairing).where(_P.id == bindparam("of"), _P.seen_at <= bindparam("since")).values(seen_at=None)
_OVER: Final = (
    select(_P.id)
    .select_from(_WITH_VISIT)
    .where(
        or_(
            _V.state != OPEN,
            _V.expires_at <= bindparam("now"),
            _P.device_id.is_(None) & (_P.code_until <= bindparam("now")),
            _P.device_id.is_not(None) & (_V.saved_at <= bindparam("idle")) & (_P.used_at <= bindparam("idle")),
        )
    )
    .limit(200)
)
_FORGET: Final = delete(t.pairing).where(_P.id.in_(bindparam("ids", expanding=True)))
_VOID: Final = delete(t.pairing).where(_P.visit_id == bindparam("visit"), _P.device_id.is_(None))


# --- beginning ------------------------------------------------------------------------------------------------------


def offer(
    db: Writing, keys: Keys, visit: Visit, actor: str, *, language: str = "", now: datetime, random: Random
) -> Pairing | None:
    """A code for the visit's tablet, which voids the one before; a tablet that shows the visit goes on until another
    takes its place. None: the visit is at no window, so no tablet stands there."""
    if visit.window_id is None or not visit.open:
        return None
    db.execute(_VOID, {"visit": visit.id})
    pairing_id = new_id(random)
    key, wrapped = keys.new_data_key(pairing_id)
    while True:  # another visit's code may be the same: of a million, a few dozen wait at a time
        code = f"{int.from_bytes(random(8)) % 10**DIGITS:0{DIGITS}}"
        said = Said(code, language or visit.language)
        row = {"id": pairing_id, "visit_id": visit.id, "code_digest": _digest(keys, code), "created_at": now}
        row |= {"code_until": now + CODE_LIFE, "wrapped_key": wrapped, "used_at": now}
        if db.insert_new(t.pairing, row | {"sealed_remarks": key.seal(said.to_bytes(), SEALED)}):
            break
    db.audit("tablet.offer", visit.id, actor=actor)
    db.announce(TOPIC, visit.id)
    return waiting(db, keys, visit.id, now=now)


def join(db: Writing, keys: Keys, device: Device, typed: str, *, now: datetime) -> Pairing | Refusal | TooOften:
    """Show on `device` the visit whose code was typed there. What it showed before it shows no more."""
    wait = seconds_to_wait(db, keys, GUESSES, device.id, now=now)
    if wait:
        return TooOften(wait)
    code = typed.translate(_FOLDED)
    row = db.one(_OF_CODE, {"code": _digest(keys, code), "now": now}) if len(code) == DIGITS else None
    if row is None:
        return Refusal.UNKNOWN
    if row.window_id is None or row.window_id != device.window_id:
        return _refused(db, keys, row, device)
    key = keys.open_data_key(row.wrapped_key, row.id)
    said = replace(Said.from_bytes(key.open(row.sealed_remarks, SEALED)), code="", refused="")
    values = {"of": row.id, "device": device.id, "sealed": key.seal(said.to_bytes(), SEALED), "now": now}
    if db.execute(_JOIN, values).rowcount != 1:
        return Refusal.UNKNOWN
    forgive(db, keys, GUESSES, device.id, now=now)
    _ended(db, device.actor, {"visit": row.visit_id, "device": device.id, "but": row.id})
    db.audit("tablet.show", row.visit_id, actor=device.actor)
    db.announce(TOPIC, row.visit_id)
    return of_device(db, keys, device.id, now=now) or Refusal.UNKNOWN


def _refused(db: Writing, keys: Keys, row: Any, device: Device) -> Refusal:
    """The code stays good, for the right tablet; the clerk reads where it was typed."""
    key = keys.open_data_key(row.wrapped_key, row.id)
    said = replace(Said.from_bytes(key.open(row.sealed_remarks, SEALED)), refused=device.label)
    db.execute(_REFUSED, {"of": row.id, "sealed": key.seal(said.to_bytes(), SEALED)})
    db.audit("tablet.refuse", row.visit_id, actor=device.actor)
    db.announce(TOPIC, row.visit_id)
    return Refusal.WINDOW


def _digest(keys: Keys, code: str) -> bytes:
    return keys.index_digest("tablet.code", code)


# --- in use ---------------------------------------------------------------------------------------------------------


def of_device(db: Reading, keys: Keys, device_id: str, *, now: datetime) -> Pairing | None:
    """What a tablet shows now; None for nothing."""
    return _found(db, keys, _OF_DEVICE, device_id, now)


def of_visit(db: Reading, keys: Keys, visit_id: str, *, now: datetime) -> Pairing | None:
    """The tablet on which a visit is shown now."""
    return _found(db, keys, _OF_VISIT, visit_id, now)


def waiting(db: Reading, keys: Keys, visit_id: str, *, now: datetime) -> Pairing | None:
    """The pairing of a visit whose code has still to be typed."""
    return _found(db, keys, _WAITING, visit_id, now)


def mark_of_device(db: Reading, device_id: str, *, now: datetime) -> tuple[str, str] | None:
    """The id and the mark of what a tablet shows now: what a stream looks at, without opening anything."""
    row = db.one(_OF_DEVICE, {"of": device_id, "now": now, "idle": now - IDLE})
    return None if row is None else (row.id, _mark(row.visit_revision, row.revision))


def _mark(visit_revision: int, revision: int) -> str:
    return f"{visit_revision}-{revision}"


def _found(db: Reading, keys: Keys, statement: Any, of: str, now: datetime) -> Pairing | None:
    values = {"of": of, "now": now} | ({} if statement is _WAITING else {"idle": now - IDLE})
    row = db.one(statement, values)
    return None if row is None else _opened(keys, row)


def _opened(keys: Keys, row: Any) -> Pairing:
    said = Said.from_bytes(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_remarks, SEALED))
    return Pairing(
        row.id, row.visit_id, row.device_id, row.revision, row.visit_revision, said, row.code_until, row.seen_at
    )


def say(db: Writing, keys: Keys, pairing: Pairing, change: Change, *, now: datetime) -> bool:
    """Write down what the resident said, as `change` makes it of what they said before. False: it is over."""
    row = db.one(_LOCKED, {"of": pairing.id})
    if row is None:
        return False
    key = keys.open_data_key(row.wrapped_key, row.id)
    said = change(Said.from_bytes(key.open(row.sealed_remarks, SEALED)))
    db.execute(_SAY, {"of": row.id, "sealed": key.seal(said.to_bytes(), SEALED), "now": now})
    db.announce(TOPIC, row.visit_id)
    return True


def speak(db: Writing, keys: Keys, pairing: Pairing, language: str, *, now: datetime) -> bool:
    """Let the tablet speak another language. False: it is over."""
    return say(db, keys, pairing, lambda said: replace(said, language=language), now=now)


def remarked(said: Said, remarks: Mapping[str, Remark]) -> Said:
    """`said` with more remarks: the last of an answer counts, and there is an end to how many."""
    every = {**said.remarks, **remarks}
    return said if len(every) > MOST_REMARKS else replace(said, remarks=every)


def noted(db: Writing, pairing: Pairing, *, now: datetime, opened: bool = False) -> None:
    """A sign of life; `opened`: a stream, which is written down each time. That the tablet is back is announced, that
    it is still there is not."""
    before = now if opened else now - NOTED
    written = db.execute(_NOTED, {"of": pairing.id, "now": now, "before": before}).rowcount
    if written and not pairing.is_here(now):
        db.announce(TOPIC, pairing.visit_id)


def note_due(pairing: Pairing, *, now: datetime) -> bool:
    """Whether `noted` would write anything."""
    return pairing.seen_at is None or now - pairing.seen_at >= NOTED


def away(db: Writing, pairing_id: str, visit_id: str, *, since: datetime) -> None:
    """The tablet has closed its stream at `since`. Where it gave a sign of life after that, to whichever worker, it is
    there."""
    if db.execute(_AWAY, {"of": pairing_id, "since": since}).rowcount:
        db.announce(TOPIC, visit_id)


# --- ending ---------------------------------------------------------------------------------------------------------


def end_of_visit(db: Writing, visit_id: str, actor: str) -> bool:
    """No tablet shows the visit any more, and no code of it is good. False: none did. Audited."""
    return _ended(db, actor, {"visit": visit_id, "device": "", "but": ""})


def end_of_device(db: Writing, device_id: str, actor: str) -> bool:
    """The tablet shows nothing any more. False: it did not before. Audited."""
    return _ended(db, actor, {"visit": "", "device": device_id, "but": ""})


def _ended(db: Writing, actor: str, values: Mapping[str, Any]) -> bool:
    rows = db.all(_END, values)
    for row in rows:
        db.audit("tablet.end", row.visit_id, actor=actor)
        db.announce(TOPIC, row.visit_id)
    return bool(rows)


def sweep(db: Writing, *, now: datetime) -> int:
    """Let go of what was said at pairings that are over; how many."""
    ids = [row.id for row in db.all(_OVER, {"now": now, "idle": now - IDLE})]
    if ids:
        db.execute(_FORGET, {"ids": ids})
    return len(ids)
