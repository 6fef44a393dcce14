"""What runs by itself goes on by itself."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from server.jobs import Job, run_due, run_forever
from server.services import Services
from tests.security.site import Site


def test_a_job_that_fails_is_told_and_stops_neither_the_others_nor_the_next_time(site: Site) -> None:
    told: list[Exception] = []
    ran: list[datetime] = []

    async def broken(_of: Services, _now: datetime) -> None:
        raise LookupError("a row nobody expected")

    async def other(_of: Services, now: datetime) -> None:
        ran.append(now)

    jobs = [Job("test.broken", timedelta(hours=1), broken), Job("test.other", timedelta(hours=1), other)]

    async def watch() -> bool:
        task = asyncio.create_task(run_forever(site.of, told.append, jobs))
        while not (told and ran):
            await asyncio.sleep(0.01)
        goes_on = not task.done()
        task.cancel()
        return goes_on

    assert site.run(watch)
    assert [type(error) for error in told] == [LookupError]


def test_each_job_is_run_once_in_its_period_whoever_asks(site: Site) -> None:
    ran: list[datetime] = []

    async def note(_of: Services, now: datetime) -> None:
        ran.append(now)

    job = Job("test.once", timedelta(hours=1), note)

    async def many() -> None:
        await asyncio.gather(*(run_due(site.of, [job]) for _ in range(8)))

    site.run(many)
    assert len(ran) == 1
    site.clock.advance(hours=1)
    site.run(many)
    assert len(ran) == 2
