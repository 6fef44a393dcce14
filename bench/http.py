"""A small load: some connections kept alive, requests sent one after another on each, the server's own CPU time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

CONNECTIONS = 8
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """Per request: CPU milliseconds of the server's processes; and how many a second."""

    cpu_ms: float
    per_second: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, by the kernel's count."""
    total = 0.0
    for each in [pid, *_children(pid)]:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICK
    return total


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _children(int(child))


def pss_mb(pid: int) -> float:
    """Proportional memory of a process, in megabytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def request(
    method: str, path: str, *, cookie: str = "", body: bytes = b"", kind: str = "", place: str = "", packed: bool = True
) -> bytes:
    """One HTTP/1.1 request as bytes; `place` is the address it comes from, by a proxy's word."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "accept: text/html"]
    if packed:
        lines.append("accept-encoding: gzip")
    if place:
        lines.append(f"x-forwarded-for: {place}")
    if cookie:
        lines.append(f"cookie: {cookie}")
    if body:
        lines += [f"content-type: {kind or 'application/x-www-form-urlencoded'}", f"content-length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def measure(port: int, pid: int, rounds: Sequence[Sequence[bytes]], expect: int) -> Figures:
    """Send the requests of each round; the median round counts, of each figure."""
    found = []
    for requests in rounds:
        before, started = cpu_seconds(pid), time.perf_counter()
        asyncio.run(_send(port, requests, expect))
        took = time.perf_counter() - started
        found.append(Figures((cpu_seconds(pid) - before) * 1000 / len(requests), len(requests) / took))
    return middle(found)


def middle(found: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    return Figures(median(each.cpu_ms for each in found), median(each.per_second for each in found))


async def _send(port: int, requests: Sequence[bytes], expect: int) -> None:
    queue = list(reversed(requests))
    await asyncio.gather(*(_connection(port, queue, expect) for _ in range(CONNECTIONS)))


async def _connection(port: int, queue: list[bytes], expect: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while queue:
            writer.write(queue.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status != expect:
                raise RuntimeError(f"answered {status}, not {expect}")
            await reader.readexactly(_length(head))
    finally:
        writer.close()
        await writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Answer:
    """Send one request on a connection that is kept, and read its answer."""
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Answer(int(first.split(" ")[1]), headers, await reader.readexactly(_length(head)))


async def asked(port: int, sent: bytes) -> Answer:
    """The answer on a connection of its own: the server closes those that were idle for five seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await exchange(reader, writer, sent)
    finally:
        writer.close()


def ask(port: int, *sent: bytes) -> list[Answer]:
    """The answers to some requests, one after another on one connection."""

    async def asked() -> list[Answer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return [await exchange(reader, writer, each) for each in sent]
        finally:
            writer.close()

    return asyncio.run(asked())


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
