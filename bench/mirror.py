"""The mirror: how long a clerk's save takes until it stands on the resident's tablet, with fifty pairs at once.

From the moment the clerk's browser sends the answer to the moment the tablet has the whole new part of its page: the
save and its commit, the bulletin, the stream, and the tablet's own request are all in it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from bench.http import Answer, asked, cpu_seconds, request
from bench.people import at
from bench.site import Site, free_port, serving
from bench.table import Row
from tests.counter.hall import DEVICE_COOKIE, STAFF_COOKIE, Hall, Place

PAIRS, SAVES, EVERY, IDLE = 50, 12, 4.0, 10.0
"""Pairs; saves of each; seconds between two saves of one; seconds for which they are watched idle."""
KEY = "applicant/phone"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_CONTROL = re.compile(r'name="([^"]*applicant[^"]*phone[^"]*)"')


@dataclass
class Pair:
    """A clerk and a tablet, each with their own connections."""

    place: Place
    visit_id: str
    pairing_id: str
    port: int
    sent: dict[str, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def mirror(self, ready: asyncio.Event) -> None:
        """The tablet: hears of news, and fetches what is shown."""
        cookie = f"{DEVICE_COOKIE}={self.place.device_token}"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        stream = f"/tablet/stream?of={self.pairing_id}"
        writer.write(request("GET", stream, cookie=cookie, packed=False))
        await reader.readuntil(b"\r\n\r\n")
        ready.set()
        shown = request("GET", f"/tablet/shown?of={self.pairing_id}", cookie=cookie, packed=False)
        try:
            while line := await reader.readline():
                if line.startswith(b"event: changed"):
                    self._seen(await asked(self.port, shown))
        finally:
            writer.close()

    def _seen(self, answer: Answer) -> None:
        now = time.perf_counter()
        if answer.status != 200:
            self.faults.append(f"the tablet was answered {answer.status}")
        text = answer.body.decode()
        for number in [number for number in self.sent if number in text]:
            self.took.append(now - self.sent.pop(number))

    async def clerk(self, pace: Random, saves: int) -> None:
        """The clerk: asks for the telephone number again and again."""
        cookie, base = f"{STAFF_COOKIE}={self.place.staff_token}", f"/counter/{self.visit_id}/ask"
        await asyncio.sleep(pace.random() * EVERY)
        for count in range(saves + 1):
            page = await asked(self.port, request("GET", f"{base}?key={KEY}", cookie=cookie, packed=False))
            text = page.body.decode()
            (control,) = set(_CONTROL.findall(text))
            number = f"090-{pace.randrange(10**4):04}-{pace.randrange(10**4):04}"
            controls = [*_HIDDEN.findall(text), (control, number), ("_do", "next")]
            body = urlencode(controls).encode()
            await asyncio.sleep(EVERY * (0.5 + pace.random()))
            began = time.perf_counter()
            if count:  # the first compiles templates and forms, and is not counted
                self.sent[number] = began
            saved = await asked(self.port, request("POST", base, cookie=cookie, body=body, packed=False))
            if count:
                self.answered.append(time.perf_counter() - began)
            if saved.status != 303:
                self.faults.append(f"the clerk was answered {saved.status}")
        await asyncio.sleep(1)


def rows(pairs: int = PAIRS, saves: int = SAVES, each: Sequence[int] = (1, 2)) -> Iterator[Row]:
    """The lines for the table; of one worker, and of two, where half of the news go from one to the other."""
    for workers in each:
        with TemporaryDirectory() as folder, _running(Path(folder), workers) as (site, pid):
            yield from _measured(site, pid, pairs, saves, workers)


@contextmanager
def _running(folder: Path, workers: int) -> Iterator[tuple[Site, int]]:
    site = Site(folder, free_port())
    command = [sys.executable, "-m", "server.cli", "serve", "--workers", str(workers)]
    with serving(command, site.port, **site.environ) as (pid, _):
        yield site, pid


def _measured(site: Site, pid: int, count: int, saves: int, workers: int) -> Iterator[Row]:
    pairs, idle = asyncio.run(_run(_made(site, count), pid, saves))
    faults = [fault for pair in pairs for fault in (*pair.faults, *(f"never seen: {n}" for n in pair.sent))]
    if faults:
        raise RuntimeError(f"{len(faults)} faults, the first: {faults[0]}")
    took = [1000 * each for pair in pairs for each in pair.took]
    answered = [1000 * each for pair in pairs for each in pair.answered]
    of = f"{count} pairs, {workers} worker{'s' * (workers > 1)}"
    p99 = at(took, 0.99)
    yield Row(f"mirror delay, {of}: p50 ms", f"{at(took, 0.5):.1f}", f"save alone {at(answered, 0.5):.1f}")
    yield Row(f"mirror delay, {of}: p99 ms", f"{p99:.1f}", f"save alone {at(answered, 0.99):.1f}", "100", p99 < 100)
    yield Row(f"idle, {of}: CPU of all processes", f"{100 * idle / IDLE:.2f} %", f"{len(took)} saves measured")


def _made(site: Site, count: int) -> list[Pair]:
    hall = Hall(site.database.parent)
    made = []
    for _ in range(count):
        place = hall.place()
        visit = hall.visit(place)
        visit = hall.say(visit, {"name/family": "見本", "name/given": "太郎", "phone": "09000000000"})
        made.append(Pair(place, visit.id, hall.pair(place, visit), site.port))
    hall.close()
    return made


async def _run(pairs: list[Pair], pid: int, saves: int) -> tuple[list[Pair], float]:
    ready = [asyncio.Event() for _ in pairs]
    mirrors = [asyncio.create_task(pair.mirror(each)) for pair, each in zip(pairs, ready, strict=True)]
    await asyncio.gather(*(each.wait() for each in ready))
    await asyncio.sleep(2)
    before = cpu_seconds(pid)
    await asyncio.sleep(IDLE)
    idle = cpu_seconds(pid) - before
    await asyncio.gather(*(pair.clerk(Random(number), saves) for number, pair in enumerate(pairs)))
    for mirror in mirrors:
        mirror.cancel()
    await asyncio.gather(*mirrors, return_exceptions=True)
    return pairs, idle


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
