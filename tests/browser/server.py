"""The real server in a process of its own: started, killed and started again over the same data."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
KAKANAI = Path(sys.executable).with_name("kakanai")
PATIENCE = 120.0
"""Seconds for a start on a machine that is busy with other tests."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """A sandbox with everything published. It believes a test's X-Forwarded-For, so that each test is a place of
    its own to the limits of rates. `host` is its name to browsers; `settings`: more of them, without the prefix."""

    def __init__(self, data_dir: Path, *, host: str = "127.0.0.1", **settings: str) -> None:
        self.data_dir, self.port = data_dir, free_port()
        self.url = f"http://{host}:{self.port}"
        named = settings if host == "127.0.0.1" else {"BASE_URL": self.url} | settings
        self._settings = {f"KAKANAI_{name}": value for name, value in named.items()}
        self._log = data_dir / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._was_busy = False

    @property
    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("KAKANAI_")}
        return own | {
            "KAKANAI_MODE": "sandbox",
            "KAKANAI_DATA_DIR": str(self.data_dir),
            "KAKANAI_PORT": str(self.port),
            "KAKANAI_TRUSTED_PROXIES": "127.0.0.1",
            **self._settings,
        }

    def command(self, *words: str) -> str:
        """`kakanai …` with this server's settings: what it printed."""
        asked = {"cwd": ROOT, "env": self._environment, "check": True, "capture_output": True}
        done = subprocess.run([str(KAKANAI), *words], encoding="utf-8", **asked)  # type: ignore[call-overload]  # noqa: S603
        return str(done.stdout)

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [str(KAKANAI), "serve"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process is not None and self._process.poll() is None, self.log()
            assert time.monotonic() < until, f"no answer in {PATIENCE} s\n{self.log()}"
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """As a power cut does, or in peace with SIGTERM."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def log(self) -> str:
        return self._log.read_text("utf-8") if self._log.exists() else ""

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Somebody else holds the store. A job that comes due meanwhile says so in the log, and is no fault."""
        other = sqlite3.connect(self.data_dir / "kakanai.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            self._was_busy = True
            yield
        finally:
            other.close()

    def failures(self) -> list[str]:
        """Lines of the log that tell of a fault of ours."""
        told = [line for line in self.log().splitlines() if '"event":"request"' not in line and _is_fault(line)]
        return [line for line in told if not (self._was_busy and '"type": "StoreUnavailable"' in line)]


def _is_fault(line: str) -> bool:
    return not line.startswith("Kakanai sandbox: ")
