"""The one signal between workers: a new version, a revoked session, whatever they keep in memory and must drop.

`post` is part of a transaction, so news is heard only of what was committed. On SQLite it is a row, and each
worker's thread looks at `PRAGMA data_version`, which changes when another connection has committed: at once when
this worker has spoken (`stir`), else many times a second. On PostgreSQL it is NOTIFY. A listener that may have
missed something is called with ''.
"""

from __future__ import annotations

import json
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select
from sqlalchemy.exc import DBAPIError

from server.store import tables as t
from server.store.engine import BEGIN, PATIENCE

KEPT: Final = 10_000
"""Rows of news: a worker asleep for longer is told that it has missed some."""

PRUNED_EVERY: Final = 100
"""Pieces of news after which old ones are let go, not with each."""
_log: Final = logging.getLogger(__name__)
LOOK: Final = 0.03
"""Seconds between two looks at what other workers of SQLite have committed: half a percent of a processor."""
_PAUSE: Final = 0.1
_RETRY: Final = 1.0
_MISSED: Final = ("", "")
_CHANNEL: Final = "kakanai"
_POST: Final = insert(t.bulletin).returning(t.bulletin.c.id)
_PRUNE: Final = delete(t.bulletin).where(t.bulletin.c.id <= bindparam("old"))
_NEWEST: Final = select(func.coalesce(func.max(t.bulletin.c.id), 0))
_NEWS: Final = select(t.bulletin).where(t.bulletin.c.id > bindparam("seen")).order_by(t.bulletin.c.id)
_NOTIFY: Final = select(func.pg_notify(_CHANNEL, bindparam("news")))


def post(connection: Connection, news: Sequence[tuple[str, str]]) -> None:
    if connection.dialect.name == "postgresql":
        for topic, key in news:
            connection.execute(_NOTIFY, {"news": json.dumps([topic, key])})
        return
    for topic, key in news:
        newest = connection.execute(_POST, {"topic": topic, "key": key}).scalar_one()
    if newest % PRUNED_EVERY < len(news):
        connection.execute(_PRUNE, {"old": newest - KEPT})


class Bulletin(ABC):
    """A thread that waits for news, from the first `listen` on."""

    def __init__(self, engine: Engine, look: float = LOOK) -> None:
        self._engine: Final = engine
        self._look: Final = look
        self._listeners: Final[dict[str, list[Callable[[str], object]]]] = {}
        self._closing: Final = threading.Event()
        self._stirred: Final = threading.Event()
        self._listening: Final = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, topic: str, callback: Callable[[str], object]) -> None:
        """From when this returns, `callback` hears every key of `topic`."""
        self._listeners.setdefault(topic, []).append(callback)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="store-bulletin", daemon=True)
            self._thread.start()
        self._listening.wait(PATIENCE)

    def stir(self) -> None:
        """This worker has committed news: look now."""
        self._stirred.set()

    def close(self) -> None:
        self._closing.set()
        self._stirred.set()
        if self._thread is not None:
            self._thread.join()

    @abstractmethod
    def _news(self, connection: Connection) -> Iterator[Sequence[tuple[str, str]]]:
        """Yields once when it listens, then what has come, several times a second."""

    def _run(self) -> None:
        lost = False
        while not self._closing.is_set():
            try:
                with self._engine.connect().execution_options(**{BEGIN: ""}) as connection:
                    try:
                        self._hear(connection, lost)
                    finally:
                        connection.invalidate()  # it listens or is broken: nothing for the pool
            except (DBAPIError, self._engine.dialect.loaded_dbapi.Error):  # the database is away: try again
                lost = True
                self._closing.wait(_RETRY)

    def _hear(self, connection: Connection, lost: bool) -> None:
        batches = self._news(connection)
        next(batches)
        self._listening.set()
        if lost:
            self._tell(*_MISSED)
        for news in batches:
            for topic, key in news:
                self._tell(topic, key)
            if self._closing.is_set():
                return

    def _tell(self, topic: str, key: str) -> None:
        topics = [topic] if topic else list(self._listeners)
        for callback in [callback for name in topics for callback in self._listeners.get(name, ())]:
            try:
                callback(key)
            except Exception:  # one listener's mistake must not make the others deaf
                _log.exception("a listener of %s failed", topic)


class SqliteBulletin(Bulletin):
    def _news(self, connection: Connection) -> Iterator[Sequence[tuple[str, str]]]:
        version, seen = None, connection.execute(_NEWEST).scalar_one()
        driver: Any = connection.connection.driver_connection
        yield ()
        while True:
            (found,) = driver.execute("PRAGMA data_version").fetchone()
            rows = connection.execute(_NEWS, {"seen": seen}).all() if found != version else ()
            if rows:
                yield [_MISSED] if rows[0].id > seen + 1 else [(row.topic, row.key) for row in rows]
                seen = rows[-1].id
            version = found
            self._stirred.wait(self._look)
            self._stirred.clear()  # before the next look: whoever stirs from here on is seen by it
            yield ()


class PostgresBulletin(Bulletin):
    def _news(self, connection: Connection) -> Iterator[Sequence[tuple[str, str]]]:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"LISTEN {_CHANNEL}")
        yield ()
        while True:
            # as soon as one is there: without `stop_after` it would be handed over when the pause is at its end
            yield [tuple(json.loads(each.payload)) for each in driver.notifies(timeout=_PAUSE, stop_after=1)]


def open_bulletin(engine: Engine) -> Bulletin:
    return PostgresBulletin(engine) if engine.dialect.name == "postgresql" else SqliteBulletin(engine)
