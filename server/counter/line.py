"""The line: which states a ticket goes through, who is next, and how long it takes. Pure; times are aware.

**Who is next.** Everybody stands where their arrival puts them. Who is called out of turn, because a clerk saw a need,
stands as if they had come `CARE` earlier. Whoever booked stands, from the time they booked on, as if they had come
`BOOKED` before it, and until then as if they came at that very time. So whoever comes `BOOKED` later than somebody who
waits, or for a time that is `BOOKED` later, is never before them: nobody starves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from heapq import heapify, heappop, heapreplace
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where a ticket is on its way."""

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    DONE = "done"
    ABSENT = "absent"
    LEFT = "left"


class Step(StrEnum):
    """What is done with a ticket."""

    CALL = "call"
    RECALL = "recall"
    SERVE = "serve"
    MARK_ABSENT = "absent"
    PUT_BACK = "put-back"
    TRANSFER = "transfer"
    FINISH = "finish"
    LEAVE = "leave"
    LAPSE = "lapse"


class Care(IntEnum):
    """Why somebody is called out of turn. Kept while they wait and no longer."""

    NONE = 0
    PREGNANT = 1
    DISABLED = 2
    ELDERLY = 3
    UNWELL = 4
    OTHER = 5


class Origin(StrEnum):
    """Where a ticket was taken."""

    KIOSK = "kiosk"
    RECEPTION = "reception"


OPEN: Final = frozenset({State.WAITING, State.CALLED, State.SERVING, State.ABSENT})
IN_HAND: Final = frozenset({State.CALLED, State.SERVING})
"""What a window has before it: never more than one."""

STEPS: Final[Mapping[Step, Mapping[State, State]]] = MappingProxyType(
    {
        Step.CALL: {State.WAITING: State.CALLED, State.ABSENT: State.CALLED},
        Step.RECALL: {State.CALLED: State.CALLED},
        Step.SERVE: {State.CALLED: State.SERVING},
        Step.MARK_ABSENT: {State.CALLED: State.ABSENT},
        Step.PUT_BACK: {State.CALLED: State.WAITING, State.SERVING: State.WAITING, State.ABSENT: State.WAITING},
        Step.TRANSFER: dict.fromkeys(sorted(OPEN), State.WAITING),
        Step.FINISH: {State.SERVING: State.DONE},
        Step.LEAVE: {State.WAITING: State.LEFT, State.CALLED: State.LEFT, State.ABSENT: State.LEFT},
        Step.LAPSE: dict.fromkeys(sorted(OPEN), State.LEFT),
    }
)
"""From which states each step leads where. What is not here is refused. LAPSE: the day is over."""

CALLS: Final = 2
"""How often a number is called before it may be marked absent: not everybody walks fast, or hears it at once."""
CARE: Final = timedelta(minutes=20)
BOOKED: Final = timedelta(minutes=60)


def sources(step: Step) -> tuple[State, ...]:
    """The states in which a step may be taken."""
    return tuple(STEPS[step])


@dataclass(frozen=True, slots=True)
class Waiting:
    """What decides the order. `id` is of the ticket; `arrived` is when it was taken, whatever happened since."""

    id: str
    queue: str
    number: int
    arrived: datetime
    care: bool
    due_at: datetime | None
    window_id: str | None = None

    def served_at(self, window_id: str, queues: Iterable[str]) -> bool:
        """Whether this window calls it: one that waits for a certain window is called there and nowhere else."""
        return self.window_id == window_id if self.window_id else self.queue in queues


def place(of: Waiting, now: datetime) -> datetime:
    """The moment by which somebody stands in the line; the earliest is next."""
    if of.due_at is None:
        stands = of.arrived
    else:
        due = max(of.arrived, of.due_at)
        stands = due if now < due else due - BOOKED
    return min(stands, of.arrived - CARE) if of.care else stands


def in_order(waiting: Iterable[Waiting], now: datetime) -> list[Waiting]:
    """Everybody who waits, whoever is next first."""
    return sorted(waiting, key=lambda each: (place(each, now), each.arrived, each.queue, each.number))


# --- how long -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a queue's people are served, in seconds: the mean, and the spread (standard deviation) around it."""

    mean: float
    spread: float


@dataclass(frozen=True, slots=True)
class Desk:
    """A window at which somebody sits: whose tickets it calls, and since when it has been serving whom ('' nobody)."""

    window_id: str
    queues: tuple[str, ...]
    serving: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """How long somebody will probably wait, in whole minutes, from and to; in four of five cases it is between."""

    least: int
    most: int


CERTAINTY: Final = 1.28
"""Standard deviations on either side of a mean within which four of five lie."""
ROUND: Final = 5
"""Minutes to which a forecast is rounded, outwards: more would feign what nobody knows."""
_OVERDUE: Final = 60.0
"""Seconds that somebody who is served longer than usual is thought to take yet."""


def forecast(
    waiting: Sequence[Waiting], desks: Sequence[Desk], paces: Mapping[str, Pace], now: datetime
) -> dict[str, Expected]:
    """For each ticket whose queue is called anywhere, how long it waits yet.

    The windows are played through with the usual times: whichever is free first takes the first in the line that it
    calls. Those that are in nobody's queue, or whose window nobody sits at, have no forecast.
    """
    free = [(_until_free(desk, paces, now), i) for i, desk in enumerate(desks)]
    variance = [_variance(desk, paces) for desk in desks]
    line, found = in_order(waiting, now), dict[str, Expected]()
    heapify(free)
    while line and free:
        at, i = free[0]
        turn = next((each for each in line if each.served_at(desks[i].window_id, desks[i].queues)), None)
        if turn is None:
            heappop(free)
            continue
        line.remove(turn)
        pace = paces[turn.queue]
        found[turn.id] = _expected(at, math.sqrt(variance[i]))
        variance[i] += pace.spread**2
        heapreplace(free, (at + pace.mean, i))
    return found


def _until_free(desk: Desk, paces: Mapping[str, Pace], now: datetime) -> float:
    """Seconds until a window has done with whom it serves."""
    if desk.since is None or desk.serving not in paces:
        return 0.0
    return max(_OVERDUE, paces[desk.serving].mean - (now - desk.since).total_seconds())


def _variance(desk: Desk, paces: Mapping[str, Pace]) -> float:
    """Of the time until a window has done with whom it serves."""
    return paces[desk.serving].spread ** 2 if desk.since is not None and desk.serving in paces else 0.0


def _expected(mean: float, spread: float) -> Expected:
    least, most = (max(0.0, mean + sign * CERTAINTY * spread) / 60 for sign in (-1, 1))
    return Expected(int(least // ROUND) * ROUND, max(1, math.ceil(most / ROUND)) * ROUND)
