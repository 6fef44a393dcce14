"""A clamd of the tests' own: its own process, socket and signature, nothing of the machine's."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PATTERN = b"kakanai tests look for these very words"
NAME = "Kakanai.Tests.Pattern.UNOFFICIAL"
PATIENCE = 60.0


class Clamd:
    """Knows one signature. May be killed and started again at the same address."""

    def __init__(self, **more: str) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="kk-clamd-", dir="/tmp"))  # a socket's path is short
        self._socket = self._home / "s"
        (self._home / "db").mkdir()
        (self._home / "db" / "own.ndb").write_text(f"Kakanai.Tests.Pattern:0:*:{PATTERN.hex()}\n")
        said = {"LocalSocket": self._socket, "DatabaseDirectory": self._home / "db", "Foreground": "yes"} | more
        (self._home / "conf").write_text("".join(f"{name} {value}\n" for name, value in said.items()))
        self._process: subprocess.Popen[bytes] | None = None
        found = shutil.which("clamd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
        assert found is not None, "clamd is not installed: run sh tests/browser/install.sh"
        self._command = [found, "--config-file", str(self._home / "conf")]

    @property
    def address(self) -> str:
        return f"unix:{self._socket}"

    def start(self) -> Clamd:
        """Returns when it answers."""
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)  # noqa: S603
        until = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (self._home / "log").read_text()
            assert time.monotonic() < until, (self._home / "log").read_text()
            time.sleep(0.02)
        return self

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as asked, suppress(OSError):
            asked.connect(str(self._socket))
            asked.sendall(b"zPING\0")
            return asked.recv(10) == b"PONG\0"
        return False

    def freeze(self) -> None:
        """It takes connections and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._home)
