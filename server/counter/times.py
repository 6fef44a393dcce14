"""How long people wait and are served: measured from the events of tickets, kept by the hour, of nobody in particular.

A day is added up after its end, once; today is added up anew whenever somebody asks. Then tickets may go: they are
kept `TICKETS_KEPT`, for whoever says that they were passed over, the sums `HOURS_KEPT`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select

from procedures.queues import QueueTable
from server.counter.line import OPEN, Pace, State
from server.counter.queue import lapse
from server.counter.tickets import ticket
from server.japan import in_japan, today
from server.store import tables as t
from server.store.database import Reading, Writing

TICKETS_KEPT: Final = timedelta(days=30)
HOURS_KEPT: Final = timedelta(days=3 * 366)
LOOKED_BACK: Final = timedelta(days=28)
"""How far back a forecast looks: four weeks, each weekday as often as the others."""
TODAY_COUNTS: Final = 3
"""Somebody served today tells as much of the rest of today as three of earlier weeks."""
SUPPOSED: Final = 5
"""As how many measured ones the minutes of `queues.json` count."""
SEVERAL: Final = "*"
"""The procedure of tickets that came for several."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a ticket's way."""

    at: datetime
    state: State
    queue: str


@dataclass(frozen=True, slots=True, order=True)
class Hour:
    """What sums are kept by. `day` is ISO, `hour` 0 to 23, both in Japan; `slug` as in `tables.QueueHour`."""

    day: str
    hour: int
    queue: str
    slug: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts and whole seconds."""

    waits: int = 0
    waited: int = 0
    longest: int = 0
    serves: int = 0
    served: int = 0
    squares: int = 0
    gone: int = 0

    def __add__(self, other: Sums) -> Sums:
        first, second = asdict(self), asdict(other)
        added = {name: value + second[name] for name, value in first.items()}
        return Sums(**added | {"longest": max(self.longest, other.longest)})

    @property
    def wait(self) -> float | None:
        """The mean wait in minutes; None where nobody was called."""
        return self.waited / self.waits / 60 if self.waits else None

    @property
    def service(self) -> float | None:
        """The mean time of service in minutes; None where nobody was served."""
        return self.served / self.serves / 60 if self.serves else None


_T, _E, _H = t.ticket, t.ticket_event, t.queue_hour
_EVENTS: Final = (
    select(_E.c.ticket_id, _E.c.at, _E.c.state, _E.c.queue, _T.c.slugs, _T.c.due_at)
    .join_from(_E, _T)
    .where(_T.c.day == bindparam("day"))
    .order_by(_E.c.ticket_id, _E.c.id)
)
_UNCOUNTED: Final = (
    select(_T.c.day)
    .where(
        _T.c.day < bindparam("today"),
        ~select(_H.c.day).where(_H.c.day == _T.c.day).exists(),
    )
    .distinct()
    .order_by(_T.c.day)
)
_UNENDED: Final = select(_T.c.id).where(
    _T.c.day == bindparam("day"), _T.c.state.in_([state.value for state in sorted(OPEN)])
)
_FORGET: Final = delete(_T).where(_T.c.day < bindparam("before"))
_FORGET_HOURS: Final = delete(_H).where(_H.c.day < bindparam("before"))
_HOURS: Final = select(_H).where(_H.c.day >= bindparam("first"), _H.c.day <= bindparam("last"))
_SERVED: Final = (
    select(_H.c.queue, *(func.sum(_H.c[name]).label(name) for name in ("serves", "served", "squares")))
    .where(_H.c.day >= bindparam("since"))
    .group_by(_H.c.queue)
)
_DONE: Final = select(_T.c.queue, _T.c.served_at, _T.c.ended_at).where(
    _T.c.day == bindparam("day"), _T.c.state == State.DONE.value
)


# --- measuring ------------------------------------------------------------------------------------------------------


def sums_of(events: Sequence[Event], slug: str, due_at: datetime | None = None) -> Iterator[tuple[Hour, Sums]]:
    """What the way of one ticket adds, and to which hours.

    A wait is from when somebody joined the queue until they are served in it, without the time in which they were
    called or away, nor that before a booked time. Whoever is sent on joins another queue anew. Whoever goes unserved
    counts in the hour they came.
    """
    waited = timedelta()
    for before, after in pairwise(events):
        if before.state is State.WAITING:
            since = before.at if due_at is None else max(before.at, due_at)
            waited += max(timedelta(), after.at - since)
        if after.queue != before.queue:
            waited = timedelta()
        if after.state is State.SERVING:
            seconds = int(waited.total_seconds())
            yield _hour(after.at, after.queue, slug), Sums(waits=1, waited=seconds, longest=seconds)
            waited = timedelta()
        if before.state is State.SERVING and _was_served(before, after):
            seconds = int((after.at - before.at).total_seconds())
            yield _hour(before.at, before.queue, slug), Sums(serves=1, served=seconds, squares=seconds**2)
        if after.state is State.LEFT:
            yield _hour(events[0].at, after.queue, slug), Sums(gone=1)


def _was_served(before: Event, after: Event) -> bool:
    """Done, or sent on to another queue. Put back: it was begun by mistake."""
    return after.state is State.DONE or (after.state is State.WAITING and after.queue != before.queue)


def _hour(at: datetime, queue: str, slug: str) -> Hour:
    local = in_japan(at)
    return Hour(local.date().isoformat(), local.hour, queue, slug)


def measured(db: Reading, day: date) -> dict[Hour, Sums]:
    """A day as its tickets tell it."""
    rows = db.all(_EVENTS, {"day": day.isoformat()})
    parts: list[tuple[Hour, Sums]] = []
    for _, way in groupby(rows, lambda row: row.ticket_id):
        found = list(way)
        events = [Event(row.at, State(row.state), row.queue) for row in found]
        parts += sums_of(events, _slug(found[0].slugs), found[0].due_at)
    return _added(parts)


def _slug(slugs: str) -> str:
    return SEVERAL if "\n" in slugs else slugs


def _added(parts: Iterable[tuple[Hour, Sums]]) -> dict[Hour, Sums]:
    found: dict[Hour, Sums] = {}
    for hour, sums in parts:
        found[hour] = found.get(hour, Sums()) + sums
    return found


# --- asking ---------------------------------------------------------------------------------------------------------


def hours(db: Reading, first: date, last: date, *, now: datetime) -> dict[Hour, Sums]:
    """Everything from one day to another, both counted, in order; today as far as it has gone."""
    rows = db.all(_HOURS, {"first": first.isoformat(), "last": last.isoformat()})
    found = {Hour(row.day, row.hour, row.queue, row.slug): _sums(row) for row in rows}
    if first <= today(now) <= last:
        found |= measured(db, today(now))
    return dict(sorted(found.items()))


def _sums(row: Any) -> Sums:
    return Sums(**{name: getattr(row, name) for name in Sums.__dataclass_fields__})


def paces(db: Reading, queues: QueueTable, *, now: datetime) -> dict[str, Pace]:
    """How long each queue's people are served: today and in the last weeks, and before there is enough of that as the
    city's file supposes."""
    totals = {queue.id: _supposed(queue.minutes * 60) for queue in queues.queues.values()}
    for row in db.all(_SERVED, {"since": (today(now) - LOOKED_BACK).isoformat()}):
        _count(totals, row.queue, int(row.serves), int(row.served), int(row.squares))
    for row in db.all(_DONE, {"day": today(now).isoformat()}):
        if row.served_at is not None and row.ended_at is not None:
            seconds = (row.ended_at - row.served_at).total_seconds()
            _count(totals, row.queue, TODAY_COUNTS, TODAY_COUNTS * seconds, TODAY_COUNTS * seconds**2)
    return {queue: _pace(*total) for queue, total in totals.items()}


_Total = tuple[float, float, float]


def _supposed(seconds: float) -> _Total:
    """Half of it up or down is usual."""
    return SUPPOSED, SUPPOSED * seconds, SUPPOSED * (seconds**2 + (seconds / 2) ** 2)


def _count(totals: dict[str, _Total], queue: str, count: float, seconds: float, squares: float) -> None:
    if queue in totals:
        had = totals[queue]
        totals[queue] = (had[0] + count, had[1] + seconds, had[2] + squares)


def _pace(count: float, seconds: float, squares: float) -> Pace:
    mean = seconds / count
    return Pace(mean, math.sqrt(max(0.0, squares / count - mean**2)))


# --- keeping --------------------------------------------------------------------------------------------------------


def sweep(db: Writing, *, now: datetime) -> int:
    """Add up the days that are over and forget what is old; how many days were added up."""
    here = today(now)
    days = [row.day for row in db.all(_UNCOUNTED, {"today": here.isoformat()})]
    for day in days:
        _end(db, day, now)
        for hour, sums in measured(db, date.fromisoformat(day)).items():
            db.insert_new(_H, asdict(hour) | asdict(sums))
    db.execute(_FORGET, {"before": (here - TICKETS_KEPT).isoformat()})
    db.execute(_FORGET_HOURS, {"before": (here - HOURS_KEPT).isoformat()})
    return len(days)


def _end(db: Writing, day: str, now: datetime) -> None:
    """Whoever's ticket is still open has gone home long ago."""
    for row in db.all(_UNENDED, {"day": day}):
        left = ticket(db, row.id)
        if left is not None:
            lapse(db, left, now=now)


def as_table(found: Mapping[Hour, Sums]) -> list[tuple[str | int, ...]]:
    """Rows for a file: what it is of, and then the sums."""
    return [(*astuple(hour), *astuple(sums)) for hour, sums in found.items()]
