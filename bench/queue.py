"""Fifty clerks who call and fifty receptions that give out numbers, at once on SQLite, while their pages ask for news.

Each presses as fast as the answers come, with a tenth of a second between: a town hall's hour in a few seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import func, select

from bench.http import Answer, cpu_seconds, exchange, request
from bench.site import Site, free_port, serving
from bench.table import Row
from server.counter import windows
from server.people import staff_sessions
from server.settings import Settings
from server.store import tables as t
from server.store.database import Database, open_database
from server.store.keys import open_keys
from tests.conftest import Clock
from tests.people.officers import hire

CLERKS, ROUNDS, THINKING = 50, 6, 0.1
"""Windows, and as many receptions; people at each; seconds between two presses in the mean."""
SLOW = 200.0
"""Milliseconds that a press may take at p95 on a machine that runs the clerks as well."""
HERE = "/counter/queue"
TICKET = re.compile(rb'id="(?:serve|finish)-([0-9a-f]{32})"')


@dataclass
class Clerk:
    """Somebody signed in; each with a connection of their own a request."""

    token: str
    port: int
    random: Random
    pressed: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    async def give_out(self, rounds: int) -> None:
        for _ in range(rounds):
            await self._post("/counter/tickets/new", b"queue=juki")

    async def call(self, rounds: int) -> None:
        """Call, begin and be done with so many; where nobody waits yet, again."""
        done = 0
        while done < rounds:
            found = TICKET.search((await self._press(f"{HERE}/next")).body)
            if found is None:
                continue
            ticket = found[1].decode()
            for do in (b"serve", b"finish"):
                await self._post(f"{HERE}/{ticket}", b"do=" + do)
                await self._look()
            done += 1

    async def _press(self, path: str) -> Answer:
        """A press that may come too early: 409 says that nobody waits."""
        await self._ask(request("POST", path, cookie=self._cookie, body=b"_="), (303, 409), self.pressed)
        return await self._ask(request("GET", HERE, cookie=self._cookie, packed=False), (200,), self.asked)

    async def _post(self, path: str, body: bytes) -> None:
        await self._ask(request("POST", path, cookie=self._cookie, body=body), (303,), self.pressed)

    async def _look(self) -> None:
        await self._ask(request("GET", f"{HERE}/live?seen=x", cookie=self._cookie), (200, 204), self.asked)

    @property
    def _cookie(self) -> str:
        return f"kakanai-staff={self.token}"

    async def _ask(self, sent: bytes, expected: Sequence[int], took: list[float]) -> Answer:
        await asyncio.sleep(self.random.uniform(0, 2 * THINKING))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        started = time.perf_counter()
        try:
            answer = await exchange(reader, writer, sent)
        finally:
            writer.close()
        took.append(1000 * (time.perf_counter() - started))
        if answer.status not in expected:
            raise RuntimeError(f"{answer.status}: {sent[:60]!r}")
        return answer


class _Now(Clock):
    def __call__(self) -> datetime:
        return datetime.now(UTC)


def _run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def waited() -> Any:
        return await work()

    return asyncio.run(waited())


def _hired(settings: Settings, database: Database, count: int) -> list[str]:
    """So many clerks who are signed in, the first half each at a window: their tokens."""
    keys, tokens = open_keys(settings), []
    for number in range(2 * count):
        officer = hire(_run, database, keys, _Now(), os.urandom, f"bench{number}", "clerk:市民課")  # type: ignore[arg-type]

        def work(db: Any, number: int = number, staff_id: str = officer.id) -> str:
            given: dict[str, Any] = {"now": datetime.now(UTC), "random": os.urandom}
            if number < count:
                made = windows.open_window(db, f"{number + 1}番窓口", "市民課", ["juki"], "bench", **given)
                assert made is not None
                windows.sit(db, made.id, staff_id, now=given["now"])
            return staff_sessions.open_session(db, staff_id, **given)

        tokens.append(_run(lambda work=work: database.transact(work)))  # type: ignore[misc]
    return tokens


def _calls(database: Database) -> tuple[int, int]:
    """Tickets that were called, and how often any was."""
    called = select(func.count(func.distinct(t.ticket_event.c.ticket_id)), func.count()).where(
        t.ticket_event.c.state == "called"
    )
    row = _run(lambda: database.read(lambda db: db.one(called)))
    return row[0], row[1]


def rows(clerks: int = CLERKS, rounds: int = ROUNDS) -> Iterator[Row]:
    """The lines of `make bench`. Raises RuntimeError for the first answer that was none."""
    with TemporaryDirectory() as folder:
        site = Site(Path(folder), free_port())
        settings = Settings.from_env(site.environ)
        with serving([sys.executable, "-m", "server.cli", "serve"], site.port, **site.environ) as (pid, _):
            database = open_database(settings)
            tokens = _hired(settings, database, clerks)
            made = [Clerk(token, site.port, Random(i)) for i, token in enumerate(tokens)]
            before, started = cpu_seconds(pid), time.perf_counter()
            asyncio.run(_all(made[:clerks], made[clerks:], rounds))
            spent, seconds = cpu_seconds(pid) - before, time.perf_counter() - started
            tickets, calls = _calls(database)
            database.close()
    pressed = sorted(took for each in made for took in each.pressed)
    p95, every = pressed[int(0.95 * len(pressed))], len(pressed) + sum(len(each.asked) for each in made)
    of = f"{clerks} clerks call, {clerks} give out, SQLite, one worker"
    yield Row(f"{of}: errors", "0", f"{every} requests", "0", met=True)
    yield Row(f"{of}: called twice", str(calls - tickets), f"{tickets} numbers", "0", calls == tickets)
    yield Row(
        f"{of}: a press, p95 ms", f"{p95:.1f}", f"p50 {pressed[len(pressed) // 2]:.1f}", f"< {SLOW:.0f}", p95 < SLOW
    )
    yield Row(f"{of}: CPU ms a request", f"{1000 * spent / every:.2f}", f"{every / seconds:.0f} a second")


async def _all(calling: Sequence[Clerk], giving: Sequence[Clerk], rounds: int) -> None:
    await asyncio.gather(*(each.call(rounds) for each in calling), *(each.give_out(rounds) for each in giving))


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
