"""One JSON line a request, and one for each unexpected error.

Only what is listed here is ever written: no path, query, body, address, cookie or error message, for any of them may
hold what a resident typed. Lines are buffered (a write a request costs as much as a small page) and flushed at least
once a second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Final

_FLUSH_AT: Final = 64 * 1024
_FLUSH_AFTER: Final = 1.0


class RequestLog:
    """Writes to `sink` (one or more whole lines a call). A sink that fails never stops the service."""

    def __init__(self, sink: Callable[[str], object], clock: Callable[[], datetime]) -> None:
        self._sink = sink
        self._clock = clock
        self._lines: list[str] = []
        self._size = 0
        self._waiting = False

    def request(self, request_id: str, method: str, route: str, status: int, ms: float) -> None:
        """`method` and `route` come from closed lists, so nothing here needs escaping."""
        at = self._clock().isoformat(timespec="milliseconds")
        self._add(
            f'{{"at":"{at}","event":"request","id":"{request_id}","method":"{method}","route":"{route}",'
            f'"status":{status},"ms":{ms:.2f}}}\n'
        )

    def failure(self, request_id: str, route: str, error: BaseException) -> None:
        """An unexpected error of a request."""
        self._error({"id": request_id, "route": route}, error)

    def trouble(self, error: BaseException) -> None:
        """An error of a job that runs by itself."""
        self._error({"id": "-", "route": "job"}, error)

    def _error(self, where: dict[str, str], error: BaseException) -> None:
        """By its type and places. Its message stays out: it may quote an answer."""
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        line = {
            "at": self._clock().isoformat(timespec="milliseconds"),
            "event": "error",
            **where,
            "type": type(error).__qualname__,
            "where": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        self._lines.append(json.dumps(line) + "\n")
        self.flush()

    def flush(self) -> None:
        lines, self._lines, self._size = self._lines, [], 0
        if not lines:
            return
        try:
            self._sink("".join(lines))
        except OSError:
            # A full disk under the log must not take the service with it; what is lost is counted by the next reader.
            return

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FLUSH_AT:
            self.flush()
        elif not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_later(_FLUSH_AFTER, self._flush_later)

    def _flush_later(self) -> None:
        self._waiting = False
        self.flush()


def to_stdout(lines: str) -> None:
    """The usual sink: the service manager or container collects standard output."""
    sys.stdout.write(lines)
    sys.stdout.flush()
