"""Streams that wait for news of a visit: one for each screen that shows it, bounded, woken by the bulletin.

A stream tells that there is something new, never what: the screen fetches that with its own right. So nothing personal
is in a stream, and one that is open too long shows nobody anything. Whoever waits looks again at each news and every
`BEAT`, and says so: a screen that hears nothing knows that it is cut off.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from server.counter import pairing, visits
from server.people import devices
from server.store.database import Database

TOPICS: Final = (visits.TOPIC, pairing.TOPIC, devices.TOPIC)
"""News that streams wait for: by the id of a visit, or of a device."""
_log: Final = logging.getLogger(__name__)
BEAT: Final = 20.0
"""Seconds without news after which a stream looks and says so."""
MOST: Final = 1000
"""Streams of one worker."""
MOST_EACH: Final = 3
"""Streams of one device or one session. A page that is loaded again has two for a moment; the oldest goes."""


@dataclass(frozen=True, slots=True)
class Event:
    """`kind` is 'changed' (`mark` says which state it is now), 'beat', 'over' or 'replaced'."""

    kind: str
    mark: str = ""


class Waiter:
    """A stream that waits. `over`: it is to end; `replaced`: because its holder has opened too many others."""

    def __init__(self, holder: str, keys: frozenset[str]) -> None:
        self.holder, self.keys = holder, keys
        self.over = self.replaced = False
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    def end(self, *, replaced: bool = False) -> None:
        self.over, self.replaced = True, replaced
        self._news.set()

    async def wait(self, seconds: float) -> bool:
        """Whether there was news."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


class Live:
    """The waiting streams of one worker. Everything but `listen`'s callbacks runs in its event loop."""

    def __init__(self, most: int = MOST) -> None:
        self._most: Final = most
        self._by_key: Final[dict[str, set[Waiter]]] = {}
        self._by_holder: Final[dict[str, OrderedDict[Waiter, None]]] = {}
        self._tasks: Final[set[asyncio.Future[object]]] = set()
        self._count = 0
        self._closed = False

    def listen(self, database: Database) -> None:
        """Wake streams by what the bulletin tells of `TOPICS`. Called in the loop that serves."""
        loop = asyncio.get_running_loop()
        self._closed = False
        for topic in TOPICS:
            database.listen(topic, lambda key: loop.call_soon_threadsafe(self.tell, key))

    def tell(self, key: str) -> None:
        """News of `key`; '' is news of everything."""
        for waiter in tuple(self._by_key.get(key, ())) if key else tuple(self._all()):
            waiter.wake()

    def open(self, holder: str, *keys: str) -> Waiter | None:
        """A new stream of `holder`, woken by news of `keys`. None: there are too many, or the worker ends."""
        if self._closed or self._count >= self._most:
            return None
        waiter = Waiter(holder, frozenset(keys))
        mine = self._by_holder.setdefault(holder, OrderedDict())
        mine[waiter] = None
        while len(mine) > MOST_EACH:
            self.leave(first := next(iter(mine)))
            first.end(replaced=True)
        for key in waiter.keys:
            self._by_key.setdefault(key, set()).add(waiter)
        self._count += 1
        return waiter

    def leave(self, waiter: Waiter) -> bool:
        """The stream is over. Whether its holder has gone with it: it was their last one here, and not the worker that
        ends."""
        mine = self._by_holder.get(waiter.holder)
        if mine is None or waiter not in mine:
            return False
        del mine[waiter]
        self._count -= 1
        for key in waiter.keys:
            self._by_key[key].discard(waiter)
            if not self._by_key[key]:
                del self._by_key[key]
        if mine:
            return False
        del self._by_holder[waiter.holder]
        return not self._closed

    def holds(self, holder: str) -> bool:
        """Whether a stream of `holder` is open here."""
        return holder in self._by_holder

    def afterwards(self, work: Coroutine[Any, Any, object]) -> None:
        """Do what is to be done when a stream is over: the request is gone by then."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            _log.warning("a stream ended and could not say so: %s", type(error).__name__)

    def close(self) -> None:
        """End every stream: the worker is asked to end, and would wait for them."""
        self._closed = True
        for waiter in tuple(self._all()):
            waiter.end()

    def _all(self) -> set[Waiter]:
        return {waiter for mine in self._by_holder.values() for waiter in mine}

    def __len__(self) -> int:
        return self._count


async def follow(
    waiter: Waiter, look: Callable[[], Awaitable[str | None]], since: str, *, beat: float = BEAT
) -> AsyncIterator[Event]:
    """What a stream tells. `look` says which state it is now, None for one that may not be seen any more; `since` is
    the state that the screen has. News that come while it looks are looked at again."""
    while not waiter.over:
        mark = await look()
        if mark is None:
            yield Event("over")
            return
        if mark != since:
            since = mark
            yield Event("changed", mark)
        if not await waiter.wait(beat):
            yield Event("beat")
    if waiter.replaced:
        yield Event("replaced")
