"""A small load: some connections kept alive, requests sent one after another on each, the server's own CPU time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def request(method: str, path: str, *, cookie: str = "", body: bytes = b"", kind: str = "") -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "accept-encoding: gzip", "accept: text/html"]
    if cookie:
        lines.append(f"cookie: {cookie}")
    if body:
        lines += [f"content-type: {kind or 'application/x-www-form-urlencoded'}", f"content-length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def measure(port: int, pid: int, requests: Sequence[bytes], expect: int, rounds: int = 3) -> Figures:
    """Send every request once a round (those that may be sent once only: give rounds=1); the median round counts."""
    found = []
    for _ in range(rounds):
        before, started = cpu_seconds(pid), time.perf_counter()
        asyncio.run(_send(port, requests, expect))
        took = time.perf_counter() - started
        found.append(Figures((cpu_seconds(pid) - before) * 1000 / len(requests), len(requests) / took))
    return sorted(found, key=lambda each: each.cpu_ms)[len(found) // 2]


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


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
