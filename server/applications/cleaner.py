"""Looking into files in processes of their own.

Decoders are the code that strangers' bytes reach deepest, and they are C. So a helper process runs them: with no
environment (no keys), a bound on its memory, no files to write and no core to dump, and it is ended when it takes too
long. What it dies of is one file's trouble. There are few helpers, so that many uploads wait and pages do not.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any, Final, cast

from server.applications.filetypes import MAX_FILE, Fit, Unfit, preview

HELPERS: Final = 2
SECONDS: Final = 60.0
"""Until a helper is given up, however busy the machine is."""
CPU_SECONDS: Final = 10
"""Of a helper's own work on one file: a picture of 50 million pixels takes one or two."""
MEMORY: Final = 768 << 20
"""Bytes of address space. A HEIC of 50 million pixels takes 500 MiB; other files a fifth of it."""
FILES_EACH: Final = 200
"""After so many files a helper is replaced: what its libraries leak goes with it."""

_SIZES: Final = struct.Struct(">II")
_LONGEST_HEAD: Final = 1000
_CODE: Final = re.compile("[a-z]{1,20}")


class Cleaner:
    """A few helpers, started when they are needed. `clean` may be called as often as one likes."""

    def __init__(self, helpers: int = HELPERS, seconds: float = SECONDS) -> None:
        self._seconds: Final = seconds
        self._threads: Final = ThreadPoolExecutor(helpers, thread_name_prefix="files")
        self._own: Final = threading.local()
        self._helpers: Final[set[_Helper]] = set()

    async def clean(self, file: IO[bytes], accept: Sequence[str]) -> Fit | Unfit:
        """What of the file is kept, or why it is not taken. It is read when its turn comes."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._clean, file, tuple(accept))

    def close(self) -> None:
        """Ends the helpers, after the files they have in hand."""
        self._threads.shutdown()
        for helper in self._helpers:
            helper.end()

    def _clean(self, file: IO[bytes], accept: Sequence[str]) -> Fit | Unfit:
        file.seek(0)
        content = file.read(MAX_FILE + 1)
        refused = preview(content, len(content), accept)
        if refused is not None:
            return refused
        helper = getattr(self._own, "helper", None)
        if helper is None or helper.used_up:
            helper = self._replaced(helper)
        found = helper.ask(content, accept, self._seconds)
        if found is None:
            self._replaced(helper)
            return Unfit("heavy")
        return found

    def _replaced(self, helper: _Helper | None) -> _Helper:
        if helper is not None:
            helper.end()
            self._helpers.discard(helper)
        self._own.helper = made = _Helper()
        self._helpers.add(made)
        return made


class _Helper:
    """One process, used by one thread."""

    def __init__(self) -> None:
        # a session of its own: Ctrl-C is for the server, and the server's end is the end of the pipe
        self._process: Final = subprocess.Popen(
            [sys.executable, "-I", "-m", "server.applications.cleaner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )
        self._asked, self._overdue = 0, False

    @property
    def used_up(self) -> bool:
        return self._asked >= FILES_EACH or self._overdue or self._process.poll() is not None

    def ask(self, content: bytes, accept: Sequence[str], seconds: float) -> Fit | Unfit | None:
        """None when it died of it, or took so long that it was ended."""
        self._asked += 1
        ending = threading.Timer(seconds, self._end_overdue)
        ending.start()
        try:
            _send(cast("IO[bytes]", self._process.stdin), accept, content)
            said, kept = _receive(cast("IO[bytes]", self._process.stdout))
        except (OSError, EOFError, ValueError):
            return None
        finally:
            ending.cancel()
        return _believed(said, kept, accept)

    def _end_overdue(self) -> None:
        self._overdue = True
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        with suppress(OSError):  # what could not be written to it any more
            self._process.communicate()


def _believed(said: Any, kept: bytes, accept: Sequence[str]) -> Fit | Unfit | None:
    """A helper that a file has taken over may say anything: no more is believed than could be true."""
    match said:
        case {"kind": str(kind)} if kind in accept and preview(kept, len(kept), [kind]) is None:
            return Fit(kind, kept)
        case {"code": str(code)} if _CODE.fullmatch(code):
            return Unfit(code)
    return None


def _send(pipe: IO[bytes], said: object, content: bytes) -> None:
    head = json.dumps(said).encode()
    pipe.write(_SIZES.pack(len(head), len(content)) + head)
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> tuple[Any, bytes]:
    """Raises EOFError at the end, ValueError for what is not of this protocol."""
    head, content = _SIZES.unpack(_exactly(pipe, _SIZES.size))
    if head > _LONGEST_HEAD or content > MAX_FILE:
        raise ValueError("too much")
    return json.loads(_exactly(pipe, head)), _exactly(pipe, content)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    read = pipe.read(size)
    if len(read) < size:
        raise EOFError
    return read


# --- in the helper ------------------------------------------------------------------------------------------------


def _bound() -> None:
    """The politest process on the machine."""
    os.nice(5)
    for what, most in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))
    with suppress(ValueError):  # macOS does not bound it; elsewhere less is allowed already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _bound_next() -> None:
    """So much more work; past it the process is ended by the kernel, busy machine or not."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + CPU_SECONDS, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Until nobody asks any more."""
    from server.applications.contents import clean

    with suppress(EOFError):
        while True:
            accept, content = _receive(asked)
            _bound_next()
            try:
                found = clean(content, accept)
            except MemoryError:
                found = Unfit("heavy")
            if isinstance(found, Fit):
                _send(answers, {"kind": found.media_type}, found.content)
            else:
                _send(answers, {"code": found.code}, b"")


if __name__ == "__main__":
    _bound()
    # what a library prints must not become an answer
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, own)
