"""Streams: what is new is told once, whoever may not hear it hears the end, and nobody holds the server up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from server.counter import visits
from server.counter.live import MOST_EACH, TOPICS, Event, Live, Waiter, follow
from tests.conftest import Store

SOON = 0.01
"""Seconds of a beat, where a test waits for one."""


def opened(live: Live, holder: str, *keys: str) -> Waiter:
    waiter = live.open(holder, *keys)
    assert waiter is not None
    return waiter


class Screen:
    """A stream whose state a test sets."""

    def __init__(
        self, live: Live, holder: str = "tablet", key: str = "visit", *, since: str = "", beat: float = 60
    ) -> None:
        self.mark: str | None = "1"
        self.looks = 0
        self.waiter = opened(live, holder, key)
        self.events: AsyncIterator[Event] = follow(self.waiter, self._look, since, beat=beat)

    async def _look(self) -> str | None:
        self.looks += 1
        return self.mark

    async def hears(self) -> Event:
        return await asyncio.wait_for(anext(self.events), 10)


def run(work: Callable[[Live], Awaitable[Any]], live: Live | None = None) -> None:
    asyncio.run(_awaited(work(Live() if live is None else live)))


async def _awaited(work: Awaitable[Any]) -> None:
    await work


def test_a_screen_hears_of_what_is_new_and_of_nothing_twice() -> None:
    async def work(live: Live) -> None:
        screen = Screen(live)
        assert await screen.hears() == Event("changed", "1")
        live.tell("visit")  # news of the tablet itself: the state is the same
        live.tell("another")
        await asyncio.sleep(0)
        screen.mark = "2"
        live.tell("visit")
        assert await screen.hears() == Event("changed", "2")

    run(work)


def test_whoever_comes_back_is_told_what_was_missed_at_once() -> None:
    async def work(live: Live) -> None:
        assert await Screen(live, since="0").hears() == Event("changed", "1")
        current = Screen(live, since="1", beat=SOON)
        assert await current.hears() == Event("beat"), "nothing was missed"

    run(work)


def test_news_that_come_while_it_looks_are_not_lost() -> None:
    async def work(live: Live) -> None:
        screen = Screen(live)

        async def slow() -> str:
            seen = screen.mark or ""
            await asyncio.sleep(0)
            return seen

        events = follow(screen.waiter, slow, "")
        assert await anext(events) == Event("changed", "1")
        hearing = asyncio.ensure_future(anext(events))
        screen.mark = "2"
        live.tell("visit")
        for _ in range(3):
            await asyncio.sleep(0)
        screen.mark = "3"
        live.tell("visit")
        assert (await hearing).mark == "2"
        assert (await anext(events)).mark == "3"

    run(work)


def test_a_stream_looks_again_though_it_hears_nothing() -> None:
    """A device that was ended, a session that is over: nobody may have told."""

    async def work(live: Live) -> None:
        screen = Screen(live, since="1", beat=SOON)
        assert await screen.hears() == Event("beat")
        screen.mark = None
        assert await screen.hears() == Event("over")
        with pytest.raises(StopAsyncIteration):
            await screen.hears()

    run(work)


def test_news_of_one_visit_wake_nobody_else() -> None:
    async def work(live: Live) -> None:
        one, other = Screen(live, "a", "one", since="1"), Screen(live, "b", "other", since="1")
        waits = [asyncio.ensure_future(anext(screen.events)) for screen in (one, other)]
        await asyncio.sleep(0)
        live.tell("one")
        await asyncio.sleep(0.01)
        assert (one.looks, other.looks) == (2, 1)
        live.tell("")  # some may have been missed
        await asyncio.sleep(0.01)
        assert (one.looks, other.looks) == (3, 2)
        for wait in waits:
            wait.cancel()

    run(work)


def test_a_device_has_a_few_streams_and_the_oldest_goes() -> None:
    async def work(live: Live) -> None:
        screens = [Screen(live, since="1") for _ in range(MOST_EACH + 1)]
        assert len(live) == MOST_EACH
        assert await screens[0].hears() == Event("replaced")
        assert not live.leave(screens[0].waiter), "it has left already"
        for screen in screens[1:-1]:
            assert not live.leave(screen.waiter)
        assert live.leave(screens[-1].waiter), "the last one"
        assert len(live) == 0

    run(work)


def test_a_worker_has_an_end_to_its_streams() -> None:
    async def work(live: Live) -> None:
        first = opened(live, "a", "visit")
        opened(live, "b", "visit")
        assert live.open("c", "visit") is None
        live.leave(first)
        assert live.open("c", "visit") is not None

    run(work, Live(most=2))


def test_all_streams_end_when_the_server_does() -> None:
    async def work(live: Live) -> None:
        screens = [Screen(live, str(number), since="1") for number in range(5)]
        waits = [asyncio.ensure_future(screen.hears()) for screen in screens]
        await asyncio.sleep(0)
        live.close()
        for wait in waits:
            with pytest.raises(StopAsyncIteration):
                await wait
        assert live.open("late", "visit") is None
        assert not live.leave(screens[0].waiter), "nobody is said to be gone who will be back at once"

    run(work)


def test_a_save_wakes_the_streams_of_its_visit(store: Store) -> None:
    assert visits.TOPIC in TOPICS
    live = Live()

    async def work() -> Event:
        live.listen(store.database)
        screen = Screen(live, since="1")
        hearing = asyncio.ensure_future(screen.hears())
        await asyncio.sleep(0)
        screen.mark = "2"
        await store.database.transact(lambda db: db.announce(visits.TOPIC, "visit"))
        return await hearing

    assert store.run(work()) == Event("changed", "2")
