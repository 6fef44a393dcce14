"""The real server in a process of its own, to be killed and starved, and clients that do not give up."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

from procedures.declaration import Declaration
from server.applications import drafts
from server.applications.drafts import Content
from server.catalogue import publish
from server.people.sessions import NOBODY, open_session
from server.settings import Settings
from server.store.database import Database, Writing, open_database
from server.store.keys import open_keys
from server.store.values import utc_now
from tests.conftest import migrate, sandbox

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
KAKANAI = Path(sys.executable).with_name("kakanai")
PATIENCE = 40.0
"""Seconds for a start on a machine that is busy with other tests."""


def environment(**settings: str) -> dict[str, str]:
    """Of a process of ours: nothing but what is said, and a path to run by."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAKANAI_")}
    return kept | {f"KAKANAI_{name}": value for name, value in settings.items()}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Served:
    """A sandbox with these procedures, served by a process."""

    def __init__(self, directory: Path, declarations: Sequence[Declaration], url: str = "") -> None:
        self.log = directory / "log"
        data = directory / "data"
        data.mkdir(mode=0o700)
        self.settings = sandbox(data, url or f"sqlite:///{data / 'kakanai.db'}")
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        if not url:
            migrate(self.settings.database_url)
        self.within(lambda db: publish(db, declarations, now=utc_now(), actor="test"))

    def within(self, work: Callable[[Writing], T]) -> T:
        """Something done to the store from outside."""
        return within(self.settings, lambda database: asyncio.run(database.transact(work)))

    def start(self, *, log: Path | None = None) -> Served:
        """Returns when it serves. What it tells goes to `log`, its own unless said."""
        own = {"MODE": "sandbox", "DATA_DIR": str(self.settings.data_dir), "PORT": str(self.port)}
        own |= {"DATABASE_URL": self.settings.database_url, "TRUSTED_PROXIES": "127.0.0.1"}
        with (log or self.log).open("ab") as file:
            command = [str(KAKANAI), "serve"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment(**own), stdout=file, stderr=file)  # noqa: S603
        until = time.monotonic() + PATIENCE
        while self.ask("GET", "/readyz").status != 200:
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < until, self.told()
            time.sleep(0.03)
        return self

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """As a power cut does, or in peace with SIGTERM."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def told(self) -> str:
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def failures(self) -> list[str]:
        """What the process complained of."""
        usual = ('"event":"request"', "Kakanai sandbox: ")
        return [line for line in self.told().splitlines() if not any(each in line for each in usual)]

    def ask(
        self,
        method: str,
        path: str,
        controls: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes = b"",
    ) -> Answer:
        """One request; status 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"content-type": "application/x-www-form-urlencoded"} if controls is not None else {}
        try:
            connection.request(method, path, body or urlencode(controls or {}), sent | dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, "")
        finally:
            connection.close()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def place(self) -> str:
        return urlsplit(self.headers.get("location", "")).path


def within(settings: Settings, work: Callable[[Database], T]) -> T:
    database = open_database(settings)
    try:
        return work(database)
    finally:
        database.close()


# --- drafts ready to be sent ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ready:
    """A draft that only waits for its button, and the cookie of the browser it was made in."""

    id: str
    token: str
    seen: str

    def submit(self, served: Served) -> Answer:
        """From a place of its browser's own: so many filings from one would be told to wait."""
        place = ".".join(str(part) for part in hashlib.sha256(self.token.encode()).digest()[:3])
        headers = {"cookie": f"kakanai={self.token}", "x-forwarded-for": f"10.{place}"}
        return served.ask("POST", f"/drafts/{self.id}/submit", {"_rev": self.seen}, headers)


A_BROWSERS: Final = 50
"""Drafts of one browser: fewer than it may file in an hour."""


def prepared(served: Served, declaration: Declaration, answers: dict[str, object], count: int) -> list[Ready]:
    """So many drafts, of as many browsers as it takes."""
    made: list[Ready] = []
    while len(made) < count:
        made += _of_one(served, declaration, answers, min(A_BROWSERS, count - len(made)))
    return made


def _of_one(served: Served, declaration: Declaration, answers: dict[str, object], count: int) -> list[Ready]:
    keys = open_keys(served.settings)

    def work(db: Writing) -> list[Ready]:
        now = utc_now()
        token, session_id = open_session(db, now=now, random=os.urandom)
        who = replace(NOBODY, session_id=session_id)
        made = []
        for _ in range(count):
            draft = drafts.create(db, keys, declaration, who, now=now, random=os.urandom)
            saved = drafts.save(db, keys, draft, Content(answers), who, now=now)
            assert isinstance(saved, drafts.Draft)
            made.append(Ready(saved.id, token, f"{saved.revision}-300"))
        return made

    return served.within(work)


@dataclass
class Clients:
    """People who press the button of their drafts until each is acknowledged, whatever becomes of the server."""

    served: Served
    queues: Sequence[Sequence[Ready]]
    acknowledged: dict[str, set[str]] = field(default_factory=dict)
    statuses: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> Clients:
        self._threads = [threading.Thread(target=self._press, args=(queue,), daemon=True) for queue in self.queues]
        for thread in self._threads:
            thread.start()
        return self

    def _press(self, queue: Sequence[Ready]) -> None:
        for draft in queue:
            while not self._once(draft):
                time.sleep(0.02)

    def _once(self, draft: Ready) -> bool:
        answer = draft.submit(self.served)
        with self._lock:
            self.statuses.add(answer.status)
            if answer.status == 303 and answer.place.endswith("/receipt"):
                self.acknowledged.setdefault(draft.id, set()).add(answer.place.split("/")[2])
                return True
        return False

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + PATIENCE
        while len(self.acknowledged) < count:
            assert time.monotonic() < until, self.served.told()
            time.sleep(0.005)

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def stop(served: Served) -> None:
    with suppress(ProcessLookupError):
        served.kill()
