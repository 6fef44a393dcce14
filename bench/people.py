"""People at a site, many at once: what one of them pressed is recorded, and pressed again by all the others.

A walk is recorded from a client that reads pages as people do (`tests/journeys/pages.py`). Whoever presses it again has
names of their own: what is told beforehand (a telephone number, a code), and the ids that the server makes, which are
learnt from where its answers lead. Each answer must be what the recorded one was: its status, and where it leads.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from random import Random
from typing import Final

import httpx2

from bench.http import Answer, asked, exchange, request

_ID = re.compile(r"[0-9a-f]{32}")
_FORM = "application/x-www-form-urlencoded"


class Fault(Exception):
    """An answer that is not the expected one."""


WRONG: Final = (Fault, OSError, EOFError)
"""Whatever may become of a press but what was expected: no connection, or one that ends too early, too."""


@dataclass(frozen=True, slots=True)
class Step:
    """A request and its answer, as recorded; `leads` is where the answer redirects to, '' for none."""

    method: str
    path: str
    kind: str
    body: bytes
    status: int
    leads: str


Press = Sequence[Step]
"""What somebody does at once: a request, and what their browser fetches where it leads."""
Names = MutableMapping[str, str]
"""The names of things in a recording, and what they are called for somebody else."""


@contextmanager
def recorded(client: httpx2.Client) -> Iterator[list[Press]]:
    """What is pressed in this client meanwhile."""
    presses: list[list[Step]] = []

    def heard(answer: httpx2.Response) -> None:
        sent = answer.request
        leads = answer.headers.get("location", "")
        kind = sent.headers.get("content-type", _FORM)
        step = Step(sent.method, sent.url.raw_path.decode(), kind, sent.read(), answer.status_code, leads)
        if presses and presses[-1][-1].leads == step.path:
            presses[-1].append(step)
        else:
            presses.append([step])

    client.event_hooks["response"].append(heard)
    try:
        yield presses  # type: ignore[misc]  # grows while it is looked at
    finally:
        client.event_hooks["response"].remove(heard)


@dataclass(kw_only=True)
class Somebody:
    """One browser. `took` are the milliseconds of each press until the page that follows it is there."""

    port: int
    cookies: dict[str, str]
    random: Random
    thinking: float
    took: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    requests: int = 0

    async def press(self, press: Press, names: Names) -> Answer:
        """Press something, once it was thought of: the page that follows. Raises Fault."""
        await self.think()
        started = time.perf_counter()
        page = await self.follow(press, names)
        self.took.append(1000 * (time.perf_counter() - started))
        return page

    async def follow(self, press: Press, names: Names) -> Answer:
        """What a browser does at a press, on one connection. Raises Fault."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for step in press:
                answer = self._noted(await exchange(reader, writer, self.sent(step, names)))
                _judge(step, answer, names)
        finally:
            writer.close()
        return answer

    async def think(self) -> None:
        await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.thinking)

    def sent(self, step: Step, names: Names) -> bytes:
        """A recorded request as this browser sends it."""
        body = reduce(lambda text, name: text.replace(name.encode(), names[name].encode()), names, step.body)
        return request(step.method, called(step.path, names), cookie=self.cookie, body=body, kind=step.kind)

    async def alone(self, sent: bytes, *expected: int) -> Answer:
        """A request on a connection of its own, answered by one of these. Raises Fault."""
        answer = self._noted(await asked(self.port, sent))
        if answer.status not in expected:
            raise Fault(f"{sent.partition(b' HTTP')[0].decode()}: {answer.status}")
        return answer

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _noted(self, answer: Answer) -> Answer:
        self.requests += 1
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer


def _judge(step: Step, answer: Answer, names: Names) -> None:
    """Compare an answer with the recorded one, and learn the ids in it. Raises Fault."""
    leads = answer.header("location")
    for theirs, own in zip(step.leads.split("/"), leads.split("/"), strict=False):
        if _ID.fullmatch(theirs) and _ID.fullmatch(own):
            names.setdefault(theirs, own)
    if answer.status != step.status or leads != called(step.leads, names):
        raise Fault(f"{step.method} {step.path}: {answer.status} {leads}, not {step.status} {step.leads}")


def called(text: str, names: Names) -> str:
    """A recorded text with one's own names."""
    return reduce(lambda found, name: found.replace(name, names[name]), names, text)


def text(answer: Answer) -> str:
    """The page of an answer."""
    packed = answer.header("content-encoding") == "gzip"
    return (gzip.decompress(answer.body) if packed else answer.body).decode()


def at(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
