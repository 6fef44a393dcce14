"""The outbox: a notice is a row written in the transaction of the act it tells of; a worker sends it afterwards.

A worker claims a row by moving its `next_at` ahead (the lease), so a second worker passes it by and a dead worker's
row comes due again. Every claim counts as a try; the count also fences a worker that was too slow.

No number of failures ends a notice: after a day of tries it is tried once a day. Only what nobody could read any more
(a code that is over) or nobody will take (an address that is none) is given up, and a row is kept for KEPT.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, update

from server.notices.mail import Delivery, mail_address, one_line
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import DataKey, Keys, Unsealable
from server.store.values import Random, new_id

TOPIC: Final = "outbox"
"""Bulletin topic: there is something to send."""

BATCH: Final = 20
LEASE: Final = timedelta(minutes=2)
GIVEN_UP: Final = 1 << 30
"""Stands in place of the tries of a notice that is not tried again; no count of tries comes near."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=5)
"""A mail server that comes back after hours has everything within this."""
STUBBORN: Final = timedelta(days=1)
"""After so long the next try is a day away: a person has been told by then."""
KEPT: Final = timedelta(days=30)

_SEALED: Final = "outbox.sealed_message"


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell whom. `kind` names a text of `templates/mail`, `values` fill it.

    `key` makes a notice unique: the same act told twice is sent once. After `until` it is not worth sending. Times
    among the values are ISO 8601, texts Japanese: they are written in `language` (its code) when the mail is.
    """

    kind: str
    to: str
    key: str
    values: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None
    language: str = "ja"

    def __post_init__(self) -> None:
        if mail_address(self.to) != self.to or not all(map(one_line, self.values.values())):
            raise ValueError("a notice's address and values are one line each")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice a worker holds until its lease ends. `attempts` counts this try."""

    id: str
    attempts: int
    written_at: datetime
    notice: Notice


_DUE = (
    select(t.outbox)
    .where(
        t.outbox.c.sent_at.is_(None),
        t.outbox.c.next_at <= bindparam("now"),
        t.outbox.c.attempts < GIVEN_UP,
    )
    .order_by(t.outbox.c.next_at)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(t.outbox)
    .where(t.outbox.c.id == bindparam("claimed"))
    .values(attempts=t.outbox.c.attempts + 1, next_at=bindparam("lease"))
)
_MINE = (t.outbox.c.id == bindparam("claimed"), t.outbox.c.attempts == bindparam("tries"))
_WRAPPED = select(t.outbox.c.wrapped_key).where(*_MINE)
_DONE = update(t.outbox).where(*_MINE).values(sent_at=bindparam("done_at"), sealed_message=bindparam("emptied"))
_AGAIN = update(t.outbox).where(*_MINE).values(next_at=bindparam("again_at"))
_GIVE_UP = update(t.outbox).where(*_MINE).values(attempts=GIVEN_UP, sealed_message=bindparam("emptied"))
_WAIT = (t.outbox.c.sent_at.is_(None), t.outbox.c.attempts < GIVEN_UP)
_WAITING = select(func.count().label("waiting"), func.min(t.outbox.c.created_at).label("oldest")).where(*_WAIT)
_REFUSED = (
    select(t.outbox.c.kind, func.count().label("given_up"))
    .where(t.outbox.c.sent_at.is_(None), t.outbox.c.attempts >= GIVEN_UP)
    .group_by(t.outbox.c.kind)
    .order_by(t.outbox.c.kind)
)
_AT_ONCE = update(t.outbox).where(*_WAIT, t.outbox.c.next_at > bindparam("now")).values(next_at=bindparam("now"))
_DROP = delete(t.outbox).where(
    t.outbox.c.idempotency == bindparam("key"), t.outbox.c.sent_at.is_(None), t.outbox.c.attempts == 0
)
_SWEEP = delete(t.outbox).where(t.outbox.c.created_at <= bindparam("before"))


def enqueue(
    db: Writing, keys: Keys, notice: Notice, *, now: datetime, random: Random, after: datetime | None = None
) -> None:
    """Write the notice down; it is sent when this transaction has committed, and never if it does not. `after`: not
    before then, as long as what it tells of may be undone (`drop`)."""
    row_id = new_id(random)
    key, wrapped = keys.new_data_key(row_id)
    row: dict[str, Any] = {
        "id": row_id,
        "kind": notice.kind,
        "wrapped_key": wrapped,
        "sealed_message": _seal(key, notice),
    }
    row |= {"attempts": 0, "next_at": after or now, "created_at": now, "idempotency": notice.key}
    if db.insert_new(t.outbox, row):
        db.announce(TOPIC)


def drop(db: Writing, key: str) -> bool:
    """Take back a notice that nobody has tried to send yet. False: it has gone, or is on its way."""
    return bool(db.execute(_DROP, {"key": key}).rowcount)


def claim_due(db: Writing, keys: Keys, *, now: datetime) -> list[Claimed]:
    """Take up to BATCH notices that are due, for LEASE."""
    claimed: list[Claimed] = []
    for row in db.all(_DUE, {"now": now}):
        db.execute(_CLAIM, {"claimed": row.id, "lease": now + LEASE})
        with suppress(Unsealable):  # `kakanai keys verify` names such a row; here it must not hold up the others
            claimed.append(Claimed(row.id, row.attempts + 1, row.created_at, _open(keys, row)))
    return claimed


def record(db: Writing, keys: Keys, claimed: Claimed, delivery: Delivery, *, now: datetime) -> None:
    """Write down what became of a try. Nothing happens when the lease was lost meanwhile."""
    mine = {"claimed": claimed.id, "tries": claimed.attempts}
    if delivery is Delivery.LATER:
        wait = wait_after(claimed.attempts, now - claimed.written_at)
        db.execute(_AGAIN, mine | {"again_at": now + wait})
        return
    wrapped = db.scalar(_WRAPPED, mine)
    if wrapped is None:
        return
    # What was sent is not kept: the mail is the resident's now, and the row is there only to be sent once.
    emptied = keys.open_data_key(wrapped, claimed.id).seal(b"{}", _SEALED)
    if delivery is Delivery.SENT:
        db.execute(_DONE, mine | {"done_at": now, "emptied": emptied})
    else:
        db.execute(_GIVE_UP, mine | {"emptied": emptied})


def wait_after(attempts: int, age: timedelta) -> timedelta:
    """How long after the n-th failed try the next one comes: doubling up to LONGEST_WAIT, from STUBBORN on a day."""
    if age >= STUBBORN:
        return timedelta(days=1)
    doublings: int = min(max(attempts, 1) - 1, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has not gone out yet: how many, and since when the oldest; `oldest` is None where there is none."""

    count: int
    oldest: datetime | None

    def age(self, now: datetime) -> timedelta:
        return now - self.oldest if self.oldest else timedelta()


def waiting(db: Reading) -> Waiting:
    """What an operator watches."""
    row = db.one(_WAITING)
    return Waiting(row.waiting, row.oldest) if row else Waiting(0, None)


def given_up(db: Reading) -> dict[str, int]:
    """How many notices of each kind were given up in the last KEPT."""
    return {row.kind: row.given_up for row in db.all(_REFUSED)}


def retry(db: Writing, *, now: datetime) -> int:
    """Let everything that waits come due now, as after a long outage; how many had not been."""
    count = int(db.execute(_AT_ONCE, {"now": now}).rowcount)
    if count:
        db.announce(TOPIC)
    return count


def sweep(db: Writing, *, now: datetime) -> int:
    """Delete rows older than KEPT, whatever became of them; how many."""
    return int(db.execute(_SWEEP, {"before": now - KEPT}).rowcount)


def _seal(key: DataKey, notice: Notice) -> bytes:
    until = notice.until.isoformat() if notice.until else None
    message = {"to": notice.to, "values": dict(notice.values), "until": until, "language": notice.language}
    return key.seal(json.dumps(message, ensure_ascii=False).encode(), _SEALED)


def _open(keys: Keys, row: Any) -> Notice:
    message = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_message, _SEALED))
    until = datetime.fromisoformat(message["until"]) if message["until"] else None
    language = message.get("language", "ja")
    return Notice(row.kind, message["to"], row.idempotency, message["values"], until, language)
