"""SQLite's one writer: a thread that commits together what has queued up.

One sync to the disk then serves many callers. Each job has a savepoint: one that raises undoes only itself.
Nobody is answered before the COMMIT; a failed COMMIT fails the whole batch. So a job must be short: no file,
no mail, no lock inside.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from sqlite3 import Connection as DriverConnection
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine

from server.store.engine import BEGIN, StoreUnavailable, explain

T = TypeVar("T")
MOST: Final = 64
"""Jobs in one commit: bounds how long the first of them waits."""


@dataclass(slots=True)
class _Job:
    work: Callable[[Any], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.future.cancelled():  # the caller is gone; what it asked for is done
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class Lane:
    """`attempt(connection, work)` runs one job inside its savepoint; `ended` is called after each commit, short and
    without errors."""

    def __init__(
        self,
        engine: Engine,
        attempt: Callable[[Connection, Callable[[Any], Any]], Any],
        ended: Callable[[], object],
    ) -> None:
        self._connection: Final = engine.connect().execution_options(**{BEGIN: ""})  # begun and ended here
        self._driver: Final = cast(DriverConnection, self._connection.connection.driver_connection)
        self._attempt: Final = attempt
        self._ended: Final = ended
        self._queue: Final[SimpleQueue[_Job | None]] = SimpleQueue()
        self._thread: Final = threading.Thread(target=self._run, name="store-lane", daemon=True)
        self._thread.start()

    async def put(self, work: Callable[[Any], T]) -> T:
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._queue.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._commit_together(batch)
            _settle(batch)
            self._ended()

    def _next_batch(self) -> list[_Job]:
        """What has queued up, at least one; nothing when the lane closes."""
        batch: list[_Job] = []
        job = self._queue.get()
        with suppress(Empty):
            while job is not None:
                batch.append(job)
                if len(batch) == MOST:
                    return batch
                job = self._queue.get_nowait()
            self._queue.put(None)  # closing: found again by the next call, after this batch
        return batch

    def _commit_together(self, batch: list[_Job]) -> None:
        try:
            self._driver.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._carry_out(job)
            self._driver.execute("COMMIT")
        except BaseException as error:  # BEGIN or COMMIT failed, or SQLite ended the transaction itself
            self._driver.rollback()  # a COMMIT that failed leaves it open, and the next BEGIN would be refused
            for job in batch:
                job.error = StoreUnavailable(f"nothing was kept: {error}")
                job.error.__cause__ = error

    def _carry_out(self, job: _Job) -> None:
        try:
            self._driver.execute("SAVEPOINT job")
            job.result = self._attempt(self._connection, job.work)
            self._driver.execute("RELEASE job")
        except BaseException as error:  # handed to the caller, whose work it was
            if not self._driver.in_transaction:
                raise  # disk full, I/O error: the savepoints are gone, and what came next would commit by itself
            self._driver.execute("ROLLBACK TO job")
            self._driver.execute("RELEASE job")
            job.error = explain(error)
            job.error.__cause__ = error if job.error is not error else error.__cause__


def _settle(batch: list[_Job]) -> None:
    """Answers all of a loop's callers with one wake-up."""
    for loop in {job.loop for job in batch}:
        jobs = [job for job in batch if job.loop is loop]
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle_each, jobs)


def _settle_each(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()
