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

from server.applications import drafts, uploads
from server.applications.history import paid
from server.money.checkout import Cashier, reconcile
from server.notices import outbox
from server.notices.worker import deliver_due
from server.people import email_codes, limits, sessions
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
    """A mail adapter failed; the notice comes due again. Says which notice, nothing of whom or what."""


async def _notices(of: Services, now: datetime) -> None:
    failed = []
    while of.mailer is not None and (outcomes := await deliver_due(of.database, of.mailer, now)):
        failed += [f"{each.kind} {each.id} try {each.attempts}: {each.error}" for each in outcomes if each.error]
    if failed:
        raise NoticeTrouble("; ".join(failed))


async def _sweeps(of: Services, now: datetime) -> None:
    def work(db: Writing) -> None:
        for sweep in (drafts.sweep, uploads.sweep, email_codes.sweep, sessions.sweep, limits.sweep, outbox.sweep):
            sweep(db, now=now)

    await of.database.transact(work)


async def _orphans(of: Services, now: datetime) -> None:
    await of.blobs.sweep(of.database, now - ORPHANS_AFTER)


async def _payments(of: Services, now: datetime) -> None:
    if of.gateway is not None:
        await reconcile(Cashier(of.database, of.gateway, paid, of.clock, of.random))


JOBS: Final[Sequence[Job]] = (
    Job("notices", timedelta(seconds=10), _notices),
    Job("payments", timedelta(minutes=15), _payments),
    Job("sweeps", timedelta(hours=1), _sweeps),
    Job("orphans", timedelta(hours=6), _orphans),
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
