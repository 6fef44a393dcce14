"""The port to what looks for malware, and its adapters."""

from __future__ import annotations

import asyncio
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: the scanner's name for it, '' for nothing."""

    found: str = ""

    @property
    def clean(self) -> bool:
        return not self.found


class ScannerUnavailable(Exception):
    """Nobody could say. It is never taken for 'clean'."""


class Scanner(Protocol):
    """Called between two transactions."""

    async def scan(self, content: bytes) -> Verdict:
        """Raises ScannerUnavailable."""


class SandboxScanner:
    """Knows one thing: the EICAR test file, wherever it stands."""

    EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

    async def scan(self, content: bytes) -> Verdict:
        return Verdict("Eicar-Test-Signature" if self.EICAR in content else "")


class ClamAvScanner:
    """clamd by its INSTREAM command (clamd(8)). `address` is 'unix:/path' or 'tcp://host:port'."""

    def __init__(self, address: str, *, seconds: float = 30.0) -> None:
        self._address, self._seconds = address, seconds

    async def scan(self, content: bytes) -> Verdict:
        try:
            async with asyncio.timeout(self._seconds):
                return _verdict(await self._told(content))
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ScannerUnavailable(type(error).__name__) from error

    async def _told(self, content: bytes) -> str:
        reader, writer = await self._connection()
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(content), _CHUNK):
                piece = content[start : start + _CHUNK]
                writer.write(struct.pack(">I", len(piece)) + piece)
                await writer.drain()
            writer.write(struct.pack(">I", 0))
            return (await reader.readuntil(b"\0"))[:-1].decode("utf-8", "replace").strip()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith("unix:"):
            return await asyncio.open_unix_connection(self._address.removeprefix("unix:"))
        parts = urlsplit(self._address)
        return await asyncio.open_connection(parts.hostname, parts.port)


_CHUNK: Final = 256 * 1024
_FOUND: Final = re.compile(r"stream: (.+) FOUND")
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._/-]")


def _verdict(told: str) -> Verdict:
    """Anything but a plain OK or FOUND ('INSTREAM size limit exceeded. ERROR') is no verdict."""
    found = _FOUND.fullmatch(told)
    if found is not None:
        return Verdict(_UNUSUAL.sub("?", found[1])[:100])
    if told != "stream: OK":
        raise ScannerUnavailable("not a verdict")
    return Verdict()
