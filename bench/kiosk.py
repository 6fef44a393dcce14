"""Fifty kiosks at once on SQLite: each fills in a form of six questions, takes a number, and is wiped; again and again.

A person takes ten seconds for a screen; here each takes one, so fifty stand for five hundred.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.parse import urlencode, urlsplit

import httpx2

from bench.http import Answer, cpu_seconds, exchange, request
from bench.site import Site, free_port, serving
from bench.table import Row
from server.people import devices
from server.settings import Settings
from server.store.database import Writing, open_database
from server.store.keys import open_keys
from tests.counter.kiosk_walk import AtKiosk, is_question, question
from tests.journeys.filing import case_of
from tests.journeys.pages import answered, standing

KIOSKS, VISITS, THINKING = 50, 1, 1.0
"""Kiosks; people at each, one after another; seconds for a screen in the mean."""
SLUG, SLOW = "shicho-tegami", 200.0
"""What they fill in; milliseconds that a screen may take at p95 on a machine that runs the kiosks as well."""


@dataclass
class Kiosk:
    """One machine with its connection."""

    token: str
    port: int
    bodies: Mapping[str, bytes]
    random: Random
    took: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _cookies: dict[str, str] = field(default_factory=dict)

    async def stand(self, visits: int) -> None:
        """Some people, one after another."""
        for _ in range(visits):
            self._cookies = {"kakanai-device": self.token}
            await self._get("/kiosk")
            at = await self._post("/kiosk/begin", b"lang=ja")
            await self._get(at)
            at = await self._post("/kiosk/forms", urlencode({"slug": SLUG}).encode())
            while (body := self.bodies.get(at.rpartition("/")[2])) is not None:
                await self._get(at)
                at = await self._post(at, body)
            await self._get(at)
            await self._get("/kiosk/end")
            at = await self._post("/kiosk/end", b"_do=")
            if at != "/kiosk/ticket":
                self.faults.append(f"no number: {at}")
            await self._get(at)
        await self._get("/kiosk")

    async def _get(self, path: str) -> None:
        await self._ask(request("GET", path, cookie=self._cookie()), 200)

    async def _post(self, path: str, body: bytes) -> str:
        answer = await self._ask(request("POST", path, cookie=self._cookie(), body=body), 303)
        return urlsplit(answer.header("location")).path

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    async def _ask(self, sent: bytes, expected: int) -> Answer:
        await asyncio.sleep(self.random.uniform(0, 2 * THINKING))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        started = time.perf_counter()
        try:
            answer = await exchange(reader, writer, sent)
        finally:
            writer.close()
        self.took.append(1000 * (time.perf_counter() - started))
        if answer.status != expected:
            self.faults.append(f"{answer.status}: {sent[:60]!r}")
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        return answer


def tokens(site: Site, count: int) -> list[str]:
    """As many kiosks, registered and enrolled."""
    settings = Settings.from_env(site.environ)
    database, keys = open_database(settings), open_keys(settings)

    def work(db: Writing) -> list[str]:
        found = []
        for number in range(count):
            given = {"now": db.clock(), "random": Random(number).randbytes}
            code = devices.register(db, keys, "kiosk", f"キオスク {number}", None, "bench", **given)  # type: ignore[arg-type]
            made = devices.enrol(db, keys, code, **given)  # type: ignore[arg-type]
            assert made is not None
            found.append(made[1])
        return found

    try:
        return asyncio.run(database.transact(work))
    finally:
        database.close()


def bodies(port: int, token: str) -> dict[str, bytes]:
    """What is posted at each question, by its name: found once, as a person would."""
    answers, found = case_of(SLUG)["answers"], dict[str, bytes]()
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True, timeout=30) as client:
        client.cookies.set("kakanai-device", token)
        person = AtKiosk(client)
        page = person.begin_at(SLUG)
        while is_question(page):
            form = question(page)
            typed = dict(standing(form)) | answered(form, answers) | {"_do": ["next"]}
            found[page.path.rpartition("/")[2]] = urlencode(typed, doseq=True).encode()
            page = person.answer(page, answers)
    return found


def rows(kiosks: int = KIOSKS, visits: int = VISITS) -> Iterator[Row]:
    """The lines of `make bench`. Raises RuntimeError for the first answer that was none."""
    with TemporaryDirectory() as folder:
        site = Site(Path(folder), free_port())
        with serving([sys.executable, "-m", "server.cli", "serve"], site.port, **site.environ) as (pid, _):
            known = tokens(site, kiosks + 1)
            posted = bodies(site.port, known[-1])
            made = [Kiosk(token, site.port, posted, Random(i)) for i, token in enumerate(known[:-1])]
            before, started = cpu_seconds(pid), time.perf_counter()
            asyncio.run(_all(made, visits))
            spent, seconds = cpu_seconds(pid) - before, time.perf_counter() - started
    faults = [fault for each in made for fault in each.faults]
    if faults:
        raise RuntimeError(f"{len(faults)} faults, the first: {faults[0]}")
    took = sorted(each for kiosk in made for each in kiosk.took)
    p95 = took[int(0.95 * len(took))]
    of = f"{kiosks} kiosks at once, SQLite, one worker"
    yield Row(f"{of}: errors", "0", f"{len(took)} requests, {kiosks * visits} visits", "0", met=True)
    yield Row(f"{of}: p95 ms", f"{p95:.1f}", f"p50 {took[len(took) // 2]:.1f}", f"< {SLOW:.0f}", p95 < SLOW)
    yield Row(f"{of}: CPU ms a request", f"{1000 * spent / len(took):.2f}", f"{len(took) / seconds:.0f} a second")


async def _all(made: list[Kiosk], visits: int) -> None:
    await asyncio.gather(*(each.stand(visits) for each in made))


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
