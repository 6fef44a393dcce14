"""What runs by itself: notices, sweeps, and asking the payment provider after what we were not told.

Every worker tries; the first to note the period of a job in the store runs it, so several workers do not do the
same work, and one that dies leaves it to the next period.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.applications import drafts, earlier, uploads
from server.applications.quarantine import scan_waiting
from server.applications.teller import BATCH, Reminder, reminders
from server.counter import handoffs, kiosk, pairing, times, visits
from server.money.checkout import reconcile
from server.money.overdue import lapse_overdue
from server.money.refunds import carry_out
from server.notices import outbox
from server.notices.mail import Delivery
from server.notices.worker import deliver_due
from server.people import email_codes, limits, sessions, staff_sessions, tokens
from server.people.limits import Limit, seconds_to_wait
from server.services import Services
from server.store.database import Writing

PAUSE: Final = 5.0
"""Seconds between two looks at what is due."""
ORPHANS_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Job:
    """Something done once in each `every`, by whichever worker comes first."""

    name: str
    every: timedelta
    run: Callable[[Services, datetime], Awaitable[object]]


class NoticeTrouble(Exception):
    """Mail does not go out. Says how much waits and why, nothing of whom or what."""


TOLD: Final = Limit("notices.told", 1, timedelta(days=1))
"""An operator hears of one trouble once a day; in between the metrics say how it stands."""


async def _notices(of: Services, now: datetime) -> None:
    troubles: set[str] = set()
    while of.mailer is not None and (outcomes := await deliver_due(of.database, of.mailer, now)):
        troubles |= {f"{each.kind}: {each.error}" for each in outcomes if each.error}
        if not any(each.delivery is Delivery.SENT for each in outcomes):
            break  # nobody there, it seems: the rest need not find that out one by one

    def untold(db: Writing) -> list[str]:
        fresh = [each for each in sorted(troubles) if seconds_to_wait(db, of.keys, TOLD, each, now=now) == 0]
        waits = outbox.waiting(db)
        return fresh and [f"{waits.count} notices wait, the oldest for {waits.age(now)}", *fresh]

    if troubles and (told := await of.database.transact(untold)):
        raise NoticeTrouble("; ".join(told))


async def _sweeps(of: Services, now: datetime) -> None:
    def work(db: Writing) -> None:
        for room in (
            drafts,
            uploads,
            earlier,
            email_codes,
            sessions,
            staff_sessions,
            tokens,
            limits,
            outbox,
            times,
            visits,
            handoffs,
            pairing,
        ):
            room.sweep(db, now=now)

    await of.database.transact(work)


async def _kiosks(of: Services, now: datetime) -> None:
    await of.database.transact(lambda db: kiosk.sweep(db, now=now))


async def _orphans(of: Services, now: datetime) -> None:
    await of.blobs.sweep(of.database, now - ORPHANS_AFTER)


class ScannerAway(Exception):
    """Files wait for the scanner, and it does not answer."""


AWAY: Final = Limit("scanner.told", 1, timedelta(hours=1))


async def _scans(of: Services, now: datetime) -> None:
    if of.quarantine is None or await scan_waiting(of.quarantine, now=now):
        return
    if await of.database.transact(lambda db: seconds_to_wait(db, of.keys, AWAY, "operator", now=now)) == 0:
        raise ScannerAway


async def _payments(of: Services, now: datetime) -> None:
    """Overdue fees too: with payments off nobody could pay in time, so nothing lapses."""
    cashier = of.cashier
    if cashier is not None:
        await reconcile(cashier)
        await lapse_overdue(cashier, of.teller.lapsed)


async def _refunds(of: Services, now: datetime) -> None:
    if of.cashier is not None:
        await carry_out(of.cashier, of.teller.refunded)


async def _reminders(of: Services, now: datetime) -> None:
    if of.mailer is None:
        return
    found = await of.database.read(lambda db: reminders(db, now), long=True)
    for start in range(0, len(found), BATCH):

        def remind(db: Writing, some: Sequence[Reminder] = found[start : start + BATCH]) -> None:
            for each in some:
                of.teller.remind(db, each, now)

        await of.database.transact(remind)


JOBS: Final[Sequence[Job]] = (
    Job("notices", timedelta(seconds=10), _notices),
    Job("kiosks", timedelta(minutes=1), _kiosks),
    Job("scans", timedelta(minutes=1), _scans),
    Job("payments", timedelta(minutes=15), _payments),
    Job("refunds", timedelta(minutes=1), _refunds),
    Job("reminders", timedelta(hours=1), _reminders),
    Job("sweeps", timedelta(hours=1), _sweeps),
    Job("orphans", timedelta(hours=1), _orphans),
)


async def run_due(of: Services, jobs: Sequence[Job] = JOBS) -> list[str]:
    """Run each job whose period nobody has taken yet; the names of those that were run."""
    ran = []
    for job in jobs:
        now = of.clock()
        limit = Limit(f"job.{job.name}", 1, job.every)

        def take(db: Writing, limit: Limit = limit, now: datetime = now) -> bool:
            return seconds_to_wait(db, of.keys, limit, "worker", now=now) == 0

        if await of.database.transact(take):
            await job.run(of, now)
            ran.append(job.name)
    return ran


async def run_forever(of: Services, failed: Callable[[Exception], None], jobs: Sequence[Job] = JOBS) -> None:
    """Until cancelled. A store or a provider that is away is met again in the next period."""
    while True:
        for job in jobs:
            try:
                await run_due(of, [job])
            except Exception as error:  # whatever it was: it is recorded, and neither the others nor the next time wait
                failed(error)
        await asyncio.sleep(PAUSE)
