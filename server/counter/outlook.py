"""How the queue looks at a moment: who waits, which windows are staffed, and how long it will probably take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from procedures.queues import QueueTable
from server.counter import tickets, times, windows
from server.counter.line import IN_HAND, Desk, Expected, Pace, State, Waiting, forecast
from server.counter.tickets import Ticket
from server.counter.windows import Window
from server.store.database import Reading

NEWCOMER: Final = "?"


@dataclass(frozen=True)
class Outlook:
    """`open` are today's tickets that are not over, whoever is next first; `staffed` the windows with somebody."""

    now: datetime
    open: Sequence[Ticket]
    staffed: Sequence[Window]
    labels: Mapping[str, str]
    paces: Mapping[str, Pace]

    @cached_property
    def waiting(self) -> Sequence[Ticket]:
        return [each for each in self.open if each.state is State.WAITING]

    @cached_property
    def desks(self) -> Sequence[Desk]:
        """The staffed windows with whom they have before them."""
        busy = {each.window_id: each for each in self.open if each.state in IN_HAND}
        return [self._desk(window, busy.get(window.id)) for window in self.staffed]

    def _desk(self, window: Window, before: Ticket | None) -> Desk:
        since = before and (before.served_at if before.state is State.SERVING else before.called_at)
        return Desk(window.id, window.queues, before.queue if before else "", since or None)

    @cached_property
    def _expected(self) -> Mapping[str, Expected]:
        known = [each.waiting for each in self.waiting if each.queue in self.paces]
        return forecast(known, self.desks, self.paces, self.now)

    def expected(self, ticket_id: str) -> Expected | None:
        """How long somebody who waits still waits; None where nobody sits at a window for them."""
        return self._expected.get(ticket_id)

    def newcomer(self, queue: str) -> Expected | None:
        """How long somebody would wait who took a number now."""
        if queue not in self.paces:
            return None
        last = Waiting(NEWCOMER, queue, 10**6, self.now, False, None)
        known = [each.waiting for each in self.waiting if each.queue in self.paces]
        return forecast([*known, last], self.desks, self.paces, self.now).get(NEWCOMER)

    def ahead(self, of: Ticket) -> int:
        """How many of the same queue are before somebody who waits."""
        same = [each.id for each in self.waiting if each.queue == of.queue]
        return same.index(of.id) if of.id in same else 0

    def count(self, queue: str) -> int:
        """How many wait in a queue."""
        return sum(each.queue == queue for each in self.waiting)

    def label(self, window_id: str | None) -> str:
        """What a window is called; '' for none."""
        return self.labels.get(window_id or "", "")


def outlook(db: Reading, queues: QueueTable, *, now: datetime) -> Outlook:
    """The queue as it is now."""
    every = windows.windows(db)
    at_work = {each.window.id for each in windows.staffed(db, now=now)}
    return Outlook(
        now=now,
        open=tickets.tickets(db, now=now),
        staffed=[each for each in every if each.id in at_work],
        labels={each.id: each.label for each in every},
        paces=times.paces(db, queues, now=now),
    )
