"""The site that is measured: a sandbox in a folder of its own, with a procedure of fifteen questions on one page."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bench.http import Answer, exchange, request
from procedures.declaration import Declaration, load
from procedures.library import load_library
from server.catalogue import publish
from server.settings import Settings
from server.store.database import open_database
from server.store.values import utc_now
from tests.journeys.filing import library

SLUG: Final = "sokutei"
FILE: Final = Path(__file__).parent / "resident-record" / f"{SLUG}.json"
COPIES: Final = 50
"""Procedures that a catalogue query finds, all in one city's category."""
DAY: Final = date(2026, 11, 21)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, **environ: str) -> Iterator[tuple[int, float]]:
    """A server process: its pid, and the seconds to its first answer."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        while process.poll() is None:
            with suppress(urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).read()
                break
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(20)


@dataclass(frozen=True)
class Site:
    """A sandbox's folder and port."""

    directory: Path
    port: int

    @property
    def environ(self) -> dict[str, str]:
        return {
            "KAKANAI_MODE": "sandbox",
            "KAKANAI_DATA_DIR": str(self.directory / "var"),
            "KAKANAI_PORT": str(self.port),
            "KAKANAI_BASE_URL": f"http://127.0.0.1:{self.port}",
            "KAKANAI_TRUSTED_PROXIES": "127.0.0.1",
            "KAKANAI_WORKER": "off",
            "KAKANAI_MAIL": "off",
        }

    @property
    def database(self) -> Path:
        return self.directory / "var" / "kakanai.db"

    def run(self) -> Any:
        """The server, one worker; gives its pid and the seconds to its first answer."""
        return serving([sys.executable, "-m", "server.cli", "serve"], self.port, **self.environ)

    def prepare(self) -> None:
        """Make the database, and serve the procedure that is measured beside the city's own."""
        with self.run():
            pass
        whole = load(FILE, library().shared.common)
        copies = [_copy(whole, number) for number in range(COPIES)]
        database = open_database(Settings.from_env(self.environ))
        try:
            work = lambda db: publish(db, [whole, *copies], now=utc_now(), actor="bench")  # noqa: E731
            asyncio.run(database.transact(work))
        finally:
            database.close()


def _copy(whole: Declaration, number: int) -> Declaration:
    text = whole.text.replace('"P990"', f'"P{10000 + number}"').replace(f'"{SLUG}"', f'"{SLUG}-{number}"')
    return Declaration.from_bundle(text.replace('"group":"juyo"', '"group":"yusen"'))


class Clients:
    """Residents who fill the form in, each in a browser of their own at an address of their own."""

    def __init__(self, port: int) -> None:
        self.port, self._count = port, 0
        self.answers: dict[str, Any] = dict(load(FILE, load_library().shared.common).cases[0]["answers"])

    def place(self) -> str:
        self._count += 1
        return f"100.{self._count >> 16 & 255}.{self._count >> 8 & 255}.{self._count & 255}"

    def drafts(self, number: int) -> list[Draft]:
        """New drafts, each at its second step."""
        return asyncio.run(self._many(number))

    async def _many(self, number: int) -> list[Draft]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return [await self._begun(reader, writer) for _ in range(number)]
        finally:
            writer.close()

    async def _begun(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Draft:
        place = self.place()
        body = urlencode({"acting": "self", "_rev": "", "_do": "next"}).encode()
        sent = request("POST", f"/procedures/{SLUG}/apply", body=body, place=place)
        answer = await exchange(reader, writer, sent)
        cookie = answer.header("set-cookie").partition(";")[0]
        return Draft(answer.header("location").rpartition("/")[0], cookie, place, self.answers)


@dataclass(frozen=True)
class Draft:
    """One draft of a resident: its address, and how its pages are asked for."""

    base: str
    cookie: str
    place: str
    answers: Mapping[str, Any]

    def get(self, page: str = "2") -> bytes:
        return request("GET", f"{self.base}/{page}", cookie=self.cookie, place=self.place)

    def post(self, step: int, controls: Mapping[str, str], revision: int) -> bytes:
        body = urlencode({"_rev": str(revision), **controls, "_do": "next"}).encode()
        return request("POST", f"{self.base}/{step}", cookie=self.cookie, place=self.place, body=body)

    def good(self, revision: int = 2) -> bytes:
        """The second step as it is to be."""
        return self.post(2, controls({name: self.answers[name] for name in ("applicant", "married", "work")}), revision)

    def wrong(self) -> bytes:
        """The second step with nothing filled in."""
        filled = controls({name: self.answers[name] for name in ("applicant", "married", "work")})
        return self.post(2, dict.fromkeys(filled, ""), 2)

    def last(self) -> bytes:
        rest = {
            name: value
            for name, value in self.answers.items()
            if name not in ("acting", "applicant", "married", "work")
        }
        return self.post(3, controls(rest), 3)

    def submit(self, seen: str) -> bytes:
        """The check page sent; `seen` is what it says it shows."""
        body = urlencode({"_rev": seen, "_do": "submit"}).encode()
        return request("POST", f"{self.base}/submit", cookie=self.cookie, place=self.place, body=body)


def controls(answers: Mapping[str, Any], at: str = "") -> dict[str, str]:
    """Answers as a form posts them: a date in its four boxes, the rest by its name."""
    found: dict[str, str] = {}
    for name, value in answers.items():
        control = f"{at}{name}"
        if isinstance(value, Mapping):
            found |= controls(value, f"{control}.")
        elif isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            year, month, day = value.split("-")
            found |= {f"{control}.era": "ad", f"{control}.year": year}
            found |= {f"{control}.month": str(int(month)), f"{control}.day": str(int(day))}
        else:
            found[control] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def checked(answers: list[Answer], status: int) -> None:
    assert {answer.status for answer in answers} == {status}, answers[0]
