"""Scanners: what they find, and that no answer is never taken for a good one."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from server.applications.scanner import ClamAvScanner, SandboxScanner, Scanner, ScannerUnavailable, Verdict
from tests.files import clamd
from tests.files.clamd import Clamd
from tests.files.papers import PDF, carries

pytestmark = pytest.mark.xdist_group("clamd")
LARGEST = 10 * 2**20


@dataclass
class Bench:
    """A scanner, something it knows, and what it calls that."""

    scanner: Scanner
    known: bytes
    name: str


@pytest.fixture(scope="module")
def running() -> Iterator[Clamd]:
    own = Clamd()
    yield own.start()
    own.remove()


@pytest.fixture(params=["sandbox", "clamav"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "sandbox":
        return Bench(SandboxScanner(), SandboxScanner.EICAR, "Eicar-Test-Signature")
    running: Clamd = request.getfixturevalue("running")
    return Bench(ClamAvScanner(running.address), clamd.PATTERN, clamd.NAME)


def test_what_it_knows_is_found_and_named(bench: Bench) -> None:
    verdict = asyncio.run(bench.scanner.scan(carries(bench.known)))
    assert (verdict, verdict.clean) == (Verdict(bench.name), False)


@pytest.mark.parametrize(
    "content",
    [b"", PDF, os.urandom(LARGEST), b"\0" * LARGEST, b"stream: OK\0"],
    ids=["nothing", "a page", "the largest", "zeros", "an answer"],
)
def test_what_it_does_not_know_is_clean(bench: Bench, content: bytes) -> None:
    assert asyncio.run(bench.scanner.scan(content)).clean


def test_it_is_found_at_the_end_of_the_largest_file(bench: Bench) -> None:
    content = PDF.ljust(LARGEST - len(bench.known), b" ") + bench.known
    assert asyncio.run(bench.scanner.scan(content)) == Verdict(bench.name)


def test_many_are_looked_at_at_once(bench: Bench) -> None:
    async def work() -> list[Verdict]:
        contents = [carries(bench.known) if i % 3 == 0 else carries(b"%d" % i) for i in range(30)]
        return await asyncio.gather(*(bench.scanner.scan(each) for each in contents))

    assert [each.clean for each in asyncio.run(work())] == [i % 3 != 0 for i in range(30)]


# --- clamd's bad days ---------------------------------------------------------------------------------------------


def test_a_file_larger_than_clamd_takes_is_no_clean_file() -> None:
    small = Clamd(StreamMaxLength="100K").start()
    try:
        scanner = ClamAvScanner(small.address)
        assert asyncio.run(scanner.scan(bytes(50_000))).clean
        with pytest.raises(ScannerUnavailable):
            asyncio.run(scanner.scan(bytes(LARGEST)))
    finally:
        small.remove()


def test_a_clamd_that_says_nothing_is_away() -> None:
    frozen = Clamd().start()
    frozen.freeze()
    try:
        with pytest.raises(ScannerUnavailable):
            asyncio.run(ClamAvScanner(frozen.address, seconds=0.1).scan(PDF))
    finally:
        frozen.remove()


@pytest.mark.parametrize("address", ["unix:/nothing/here", "tcp://127.0.0.1:1", "tcp://nowhere.invalid:3310"])
def test_a_clamd_that_is_not_there_is_away(address: str) -> None:
    with pytest.raises(ScannerUnavailable):
        asyncio.run(ClamAvScanner(address, seconds=5).scan(PDF))


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def told(reader: asyncio.StreamReader) -> bytes:
    """What a client of INSTREAM sends."""
    assert await reader.readexactly(10) == b"zINSTREAM\0"
    content = b""
    while size := struct.unpack(">I", await reader.readexactly(4))[0]:
        content += await reader.readexactly(size)
    return content


async def scanned(words: bytes, content: bytes = PDF) -> Verdict:
    """By something at a TCP port that says this."""
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await told(reader))
        writer.write(words)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        verdict = await ClamAvScanner(f"tcp://{host}:{port}", seconds=20).scan(content)
    assert heard == [content]
    return verdict


def test_clamd_may_be_on_another_machine() -> None:
    assert asyncio.run(scanned(b"stream: OK\0", b"x" * 700_000)).clean
    assert asyncio.run(scanned(b"stream: Win.Test.EICAR_HDB-1 FOUND\0")).found == "Win.Test.EICAR_HDB-1"


@pytest.mark.parametrize("name", ["a b", "<script>", "x" * 500, "\u202e"], ids=ascii)
def test_a_name_is_letters_that_harm_no_log(name: str) -> None:
    found = asyncio.run(scanned(f"stream: {name} FOUND\0".encode())).found
    assert found and len(found) <= 100
    assert found.isascii() and not set(found) & set("<> \n")


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\0",
        b"OK\0",
        b"stream: OK",
        b"stream: OK and more\0",
        b"stream:  FOUND\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: Can't allocate memory ERROR\0",
        b"UNKNOWN COMMAND\0",
        b"stream: \xff\xfe\0",
        b"x" * 200_000,
    ],
    ids=lambda words: ascii(words[:30]),
)
def test_any_other_answer_is_none(words: bytes) -> None:
    with pytest.raises(ScannerUnavailable):
        asyncio.run(scanned(words))
