"""A town hall's hour: fifty clerks and fifty kiosks at once, one server process on SQLite.

Every window serves a family for which it files two applications, somebody who has filled a form in at a kiosk and
brings its code to whichever window calls them, and somebody with a question (`bench.walks`). Meanwhile the windows'
lists ask for news, and one clerk in five presses the button that files twice. Every answer must be the expected one.
In the end the store must have what was acknowledged, each once and of its resident, and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select

from bench.http import Answer, cpu_seconds, request
from bench.people import WRONG, Fault, Names, Press, Somebody, at, called, text
from bench.site import Site, free_port, serving
from bench.table import Row
from bench.walks import BROUGHT, FAMILY, FAMILY_PHONE, KIOSK_PHONE, QUEUE, Walk, Walks, files, in_hand, on_paper, record
from server.applications.submission import SEALED
from server.counter import queue, windows
from server.counter.line import Origin
from server.people import devices
from server.store import audit
from server.store import tables as t
from server.store.database import Reading, Writing
from tests.counter.hall import DEPARTMENT, DEVICE_COOKIE, STAFF_COOKIE, Hall, Place, now

CLERKS, KIOSKS, PEOPLE, VISITS, THINKING = 50, 50, 3, 2, 1.0
"""Windows; kiosks; people at each, one after another; seconds for a screen in the mean, where people take ten."""
SLOW: Final = 200.0
"""Milliseconds that a press may take at p95 until the next page is there, on a machine that runs them all as well."""
LONGEST: Final = 600.0
"""Seconds after which nobody waits any more: then a window waits for a number that no kiosk gave out."""
LINE, EVERY, HASTY = "juki", 2.0, 0.2
"""The queue in which all wait; seconds between two questions for news; how many press twice."""
_MARK = re.compile(r'data-mark="([^"]+)"')


class Filed(NamedTuple):
    """An application: the id of its visit, its procedure, and the telephone number of its applicant."""

    visit: str
    slug: str
    phone: str


@dataclass
class Lobby:
    """What residents have in their hands: by number the code beside it, and the telephone number that was typed."""

    papers: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Kiosk(Somebody):
    """A machine, and whoever stands before it."""

    number: int
    lobby: Lobby

    async def stand(self, walk: Walk) -> None:
        """Some people, one after another."""
        for visit in range(VISITS):
            phone = f"0173-{10 + visit}-{self.number:04}"
            try:
                await self._fill(walk, phone)
            except WRONG as wrong:
                self.faults.append(f"kiosk: {wrong!r}")

    async def _fill(self, walk: Walk, phone: str) -> None:
        names: Names = {KIOSK_PHONE: phone}
        for press in walk.presses:
            page = await self.press(press, names)
            if press[-1].path == "/kiosk/ticket":
                number, code = on_paper(text(page))
                if number in self.lobby.papers:
                    raise Fault(f"{number} was given out twice")
                self.lobby.papers[number] = code, phone


@dataclass(kw_only=True)
class Clerk(Somebody):
    """Somebody at a window. `filed` is what was acknowledged; `served` counts people, `families` some of them."""

    number: int
    lobby: Lobby
    filed: list[Filed] = field(default_factory=list)
    served: int = 0
    families: int = 0

    async def work(self, walks: Walks) -> None:
        """Call and serve; where nobody waits yet, call again."""
        while self.served < PEOPLE:
            try:
                found = await self._call()
                if found is not None:
                    await self._serve(walks, *found)
            except WRONG as wrong:
                self.faults.append(f"window: {wrong!r}")
                self.served += 1

    async def _call(self) -> tuple[str, str] | None:
        """The ticket that is next, and its number; None where nobody waits."""
        await self.think()
        started = time.perf_counter()
        press = request("POST", f"{QUEUE}/next", cookie=self.cookie, body=b"_=")
        if (await self.alone(press, 303, 409)).status == 409:
            return None
        page = await self.alone(request("GET", QUEUE, cookie=self.cookie), 200)
        self.took.append(1000 * (time.perf_counter() - started))
        return in_hand(text(page))

    async def _serve(self, walks: Walks, ticket: str, number: str) -> None:
        if number in self.lobby.papers:
            code, phone = self.lobby.papers[number]
            names = {walks.brought.code: code, KIOSK_PHONE: phone}
            await self._through(walks.brought, names, ticket, phone, BROUGHT)
        elif not self.families:
            phone = f"0901234{self.number:04}"
            await self._through(walks.family, {FAMILY_PHONE: phone}, ticket, phone, *FAMILY)
            self.families += 1
        else:
            await self._through(walks.question, {}, ticket)
        self.served += 1

    async def _through(self, walk: Walk, names: Names, ticket: str, phone: str = "", *slugs: str) -> None:
        names[walk.ticket] = ticket
        for press in walk.presses:
            if files(press):
                await (self._twice if self.random.random() < HASTY else self.press)(press, names)
                self.filed += [Filed(names[walk.visit], slug, phone) for slug in slugs]
            else:
                await self.press(press, names)

    async def _twice(self, press: Press, names: Names) -> Answer:
        """Pressed twice: both lead to what was filed."""
        await self.think()
        sent, base = self.sent(press[0], names), called(press[0].path, names).removesuffix("/check")
        answers = await asyncio.gather(self.alone(sent, 303), self.alone(sent, 303))
        led = {answer.header("location") for answer in answers}
        if not {f"{base}/filed"} <= led <= {base, f"{base}/filed"}:
            raise Fault(f"pressed twice, it led to {led}")
        return await self.follow(press[1:], names)

    async def watch(self) -> None:
        """The list asks for news by itself, as long as the window is open."""
        seen = ""
        while True:
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * EVERY)
            news = request("GET", f"{QUEUE}/live?seen={seen}", cookie=self.cookie)
            try:
                mark = _MARK.search(text(await self.alone(news, 200, 204)))
            except WRONG as wrong:
                self.faults.append(f"news: {wrong!r}")
            else:
                seen = mark[1] if mark is not None else seen


def rows(clerks: int = CLERKS, kiosks: int = KIOSKS) -> Iterator[Row]:
    """The lines of `make bench`."""
    with TemporaryDirectory() as folder:
        site = Site(Path(folder), free_port())
        environ = site.environ | {"KAKANAI_WORKER": "on", "KAKANAI_MAIL": "sandbox"}
        with serving([sys.executable, "-m", "server.cli", "serve"], site.port, **environ) as (pid, _):
            hall = Hall(site.database.parent)
            try:
                yield from _measured(site, hall, pid, clerks, kiosks)
            finally:
                hall.close()


def _measured(site: Site, hall: Hall, pid: int, clerks: int, kiosks: int) -> Iterator[Row]:
    staff, machines = _seated(hall, clerks + 1), [_kiosk(hall, number) for number in range(kiosks + 1)]
    _give_out(hall, 2)
    walks = record(site, hall, machines.pop(), staff.pop())
    _give_out(hall, 2 * clerks)
    given: dict[str, Any] = {"port": site.port, "thinking": THINKING, "lobby": Lobby()}
    at_windows = [
        Clerk(cookies={STAFF_COOKIE: token}, random=Random(f"clerk {i}"), number=i, **given)
        for i, token in enumerate(staff)
    ]
    at_kiosks = [
        Kiosk(cookies={DEVICE_COOKIE: token}, random=Random(f"kiosk {i}"), number=i, **given)
        for i, token in enumerate(machines)
    ]
    before, started = cpu_seconds(pid), time.perf_counter()
    asyncio.run(_hour(at_windows, at_kiosks, walks))
    spent, seconds = cpu_seconds(pid) - before, time.perf_counter() - started
    everybody = [*at_windows, *at_kiosks]
    requests = sum(each.requests for each in everybody)
    of = f"{clerks} clerks and {kiosks} kiosks"
    faults = [fault for each in everybody for fault in each.faults]
    yield Row(f"{of}, SQLite: errors", str(len(faults)), f"{requests} requests {faults[:1] or ''}", "0", not faults)
    yield from _kept(hall, walks, [filed for each in at_windows for filed in each.filed], of)
    yield _pressed(f"{of}: a clerk's press", at_windows)
    yield _pressed(f"{of}: a kiosk's press", at_kiosks)
    cpu = f"{1000 * spent / requests:.2f} ms {requests / seconds:6.0f}/s"
    yield Row(f"{of}: CPU a request", cpu, f"{spent / seconds:.0%} of a core for {seconds:.0f} s")


async def _hour(clerks: Sequence[Clerk], kiosks: Sequence[Kiosk], walks: Walks) -> None:
    news = [asyncio.create_task(each.watch()) for each in clerks]
    everybody = (*(each.work(walks) for each in clerks), *(each.stand(walks.kiosk) for each in kiosks))
    try:
        await asyncio.wait_for(asyncio.gather(*everybody), LONGEST)
    finally:
        for each in news:
            each.cancel()
        await asyncio.gather(*news, return_exceptions=True)


def _pressed(what: str, people: Sequence[Somebody]) -> Row:
    took = [each for one in people for each in one.took]
    p50, p95, p99 = (at(took, share) for share in (0.5, 0.95, 0.99))
    told = f"p50 {p50:.0f}, p99 {p99:.0f}, of {len(took)}"
    return Row(f"{what}, p95", f"{p95:.0f} ms", told, f"< {SLOW:.0f} ms", p95 < SLOW)


# --- before the doors open, and when they are closed ------------------------------------------------------------------


def _seated(hall: Hall, clerks: int) -> list[str]:
    """So many windows that call one queue, with a clerk at each: their tokens."""

    def sit(place: Place, db: Writing) -> None:
        windows.change_window(db, place.window_id, DEPARTMENT, (LINE,), "bench")
        windows.sit(db, place.window_id, place.staff.id, now=now())

    places = [hall.place() for _ in range(clerks)]
    for each in places:
        hall.write(partial(sit, each))
    return [each.staff_token for each in places]


def _kiosk(hall: Hall, number: int) -> str:
    """A kiosk that is registered: its token."""

    def work(db: Writing) -> str:
        given: dict[str, Any] = {"now": now(), "random": os.urandom}
        code = devices.register(db, hall.keys, "kiosk", f"キオスク{number}", None, "bench", **given)
        made = devices.enrol(db, hall.keys, code, **given)
        assert made is not None
        return made[1]

    token: str = hall.write(work)
    return token


def _give_out(hall: Hall, numbers: int) -> None:
    """The reception gives out so many numbers."""

    def work(db: Writing) -> None:
        given: dict[str, Any] = {"now": now(), "random": os.urandom}
        queue.issue(db, hall.keys, LINE, origin=Origin.RECEPTION, language="ja", **given)

    for _ in range(numbers):
        hall.write(work)


_FILED = (
    select(t.application, t.visit_application.c.visit_id)
    .outerjoin(t.visit_application, t.visit_application.c.application_id == t.application.c.id)
    .where(t.application.c.channel == "counter")
)
_CALLED = select(func.count(), func.count(func.distinct(t.ticket_event.c.ticket_id))).where(
    t.ticket_event.c.state == "called"
)


def _kept(hall: Hall, walks: Walks, filed: Sequence[Filed], of: str) -> Iterator[Row]:
    """What is in the store, beside what was acknowledged."""
    recorded = [Filed(walks.family.visit, slug, FAMILY_PHONE) for slug in FAMILY]
    recorded.append(Filed(walks.brought.visit, BROUGHT, KIOSK_PHONE))
    told = Counter(each._replace(phone=each.phone.replace("-", "")) for each in (*filed, *recorded))
    found, (calls, people), chain = hall.read(lambda db: (_found(db, hall), db.one(_CALLED), audit.verify(db)))
    lost, more, visits = (told - found).total(), (found - told).total(), len({each.visit for each in found})
    all_of = f"{found.total()} in {visits} visits"
    yield Row(f"{of}: filed and lost, filed twice", f"{lost}, {more}", all_of, "0, 0", told == found)
    yield Row(f"{of}: called twice", str(calls - people), f"{people} numbers", "0", calls == people)
    whole = chain.broken is None
    yield Row(f"{of}: breaks in the audit", chain.problem or "0", f"{chain.count} lines", "0", whole)


def _found(db: Reading, hall: Hall) -> Counter[Filed]:
    """Every application of a window, by what it says of its applicant."""
    found = Counter[Filed]()
    for row in db.all(_FILED):
        sealed = hall.keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_answers, SEALED)
        phone = json.loads(sealed)["answers"]["applicant"]["phone"]
        found[Filed(row.visit_id or "", row.slug, phone.replace("-", ""))] += 1
    return found


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
