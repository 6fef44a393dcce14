"""Limits of rates: how often something may be tried from one place in one period.

Counted in the store, so every worker counts the same. Periods are fixed (each hour anew), which lets through up to
twice the limit around their border: the limits are set with that in mind. A bucket is a keyed digest, for it may be
made of an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, update

from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys

LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries of `what` in each `period` (up to LONGEST)."""

    what: str
    most: int
    period: timedelta


_SWEEP = delete(t.attempt).where(t.attempt.c.period < bindparam("before"))


def seconds_to_wait(db: Writing, keys: Keys, limit: Limit, who: str, *, now: datetime) -> int:
    """Count a try by `who` (an address, a session, a network address): 0 if it may go on, else when to come back."""
    length = int(limit.period.total_seconds())
    moment = int(now.timestamp())
    period = moment - moment % length
    bucket = keys.index_digest("attempt", f"{limit.what}\n{who}").hex()
    count = db.counted(t.attempt, {"bucket": bucket, "period": period}, "tries")
    return 0 if count <= limit.most else period + length - moment


_FORGIVE = (
    update(t.attempt)
    .where(t.attempt.c.bucket == bindparam("of"), t.attempt.c.period == bindparam("since"), t.attempt.c.tries > 0)
    .values(tries=t.attempt.c.tries - 1)
)


def forgive(db: Writing, keys: Keys, limit: Limit, who: str, *, now: datetime) -> None:
    """Take a try by `who` back that was counted in this period: where only failures are to count."""
    moment, length = int(now.timestamp()), int(limit.period.total_seconds())
    bucket = keys.index_digest("attempt", f"{limit.what}\n{who}").hex()
    db.execute(_FORGIVE, {"of": bucket, "since": moment - moment % length})


class LimitReached(Exception):
    """Too many tries: what was asked for is not done, and nothing was written. Come back after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds: Final = seconds


def demand(db: Writing, keys: Keys, *tries: tuple[Limit, str], now: datetime) -> None:
    """Count a try of each (limit, who) within what it allows; raises LimitReached, which undoes the counting too."""
    wait = max(seconds_to_wait(db, keys, limit, who, now=now) for limit, who in tries)
    if wait:
        raise LimitReached(wait)


def first_time(db: Writing, keys: Keys, what: str, who: str, *, at: datetime) -> bool:
    """Whether `who`, a thing made at `at` that is good for less than LONGEST, is brought for the first time. The key
    of the row decides between two who bring it at once."""
    bucket = keys.index_digest("attempt", f"{what}\n{who}").hex()
    return db.insert_new(t.attempt, {"bucket": bucket, "period": int(at.timestamp()), "tries": 1})


def sweep(db: Writing, *, now: datetime) -> int:
    """Forget the periods that are over; how many."""
    return int(db.execute(_SWEEP, {"before": int((now - LONGEST).timestamp())}).rowcount)
