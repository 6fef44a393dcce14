"""The two doors, on both databases."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from server.settings import Settings
from server.store import StoreUnavailable
from server.store import tables as t
from server.store.database import Database, Reading, Writing, open_database
from tests.conftest import Maker, Store

ADD = insert(t.attempt)
BUCKETS = select(t.attempt.c.bucket).order_by(t.attempt.c.bucket)
COUNT_UP = update(t.attempt).where(t.attempt.c.bucket == bindparam("name")).values(tries=t.attempt.c.tries + 1)
TRIES = select(t.attempt.c.tries).where(t.attempt.c.bucket == bindparam("name"))


class Changed(Exception):
    pass


def add(name: str, tries: int = 0) -> dict[str, Any]:
    return {"bucket": name, "period": 0, "tries": tries}


def adding(name: str) -> Any:
    return lambda db: db.execute(ADD, add(name)).rowcount


def raising(db: Writing) -> None:
    db.execute(ADD, add("never"))
    db.audit("test.never", "nobody", actor="test")
    raise Changed


def buckets(store: Store) -> list[str]:
    return [row.bucket for row in store.read(lambda db: db.all(BUCKETS))]


def test_what_was_written_is_read_by_both_kinds_of_reading(store: Store) -> None:
    assert store.transact(adding("a")) == 1
    assert buckets(store) == ["a"]
    assert store.read(lambda db: db.scalar(BUCKETS), long=True) == "a"
    assert store.read(lambda db: db.one(TRIES, {"name": "a"})) == (0,)
    assert store.read(lambda db: db.one(TRIES, {"name": "b"})) is None


def test_work_that_raises_is_undone_and_its_error_reaches_the_caller(store: Store) -> None:
    with pytest.raises(Changed):
        store.transact(raising)
    assert buckets(store) == []


def test_a_reading_cannot_write(store: Store) -> None:
    for long in (False, True):
        with pytest.raises((DBAPIError, StoreUnavailable)):
            store.read(lambda db: db.execute(ADD, add("sneaked in")), long=long)
    assert buckets(store) == []


def test_in_one_batch_only_those_that_raise_are_undone(store: Store) -> None:
    async def together() -> list[Any]:
        works = [raising if number % 4 == 0 else adding(f"{number:02}") for number in range(64)]
        return await asyncio.gather(*(store.database.transact(work) for work in works), return_exceptions=True)

    results = store.run(together())
    assert [isinstance(result, Changed) for result in results] == [number % 4 == 0 for number in range(64)]
    assert buckets(store) == [f"{number:02}" for number in range(64) if number % 4]
    assert store.read(lambda db: db.all(select(t.audit))) == []


def test_64_writers_at_once_all_get_through(store: Store) -> None:
    store.transact(adding("shared"))

    async def writer() -> None:
        for _ in range(5):
            await store.database.transact(lambda db: db.execute(COUNT_UP, {"name": "shared"}))

    async def all_of_them() -> None:
        await asyncio.gather(*(writer() for _ in range(64)))

    store.run(all_of_them())
    assert store.read(lambda db: db.scalar(TRIES, {"name": "shared"})) == 320


def test_a_caller_who_stops_waiting_neither_halves_nor_repeats_its_work(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(db: Writing) -> None:
        db.execute(ADD, add("first"))
        begun.set()
        go_on.wait(5)
        db.execute(ADD, add("second"))

    async def cancelled() -> None:
        waiting = asyncio.create_task(store.database.transact(slow))
        queued = asyncio.create_task(store.database.transact(adding("third")))
        await asyncio.to_thread(begun.wait, 5)
        waiting.cancel()
        queued.cancel()
        go_on.set()
        await asyncio.wait([waiting, queued])
        assert waiting.cancelled()
        assert queued.cancelled()
        await store.database.transact(adding("zzz"))

    store.run(cancelled())
    store.database.close()  # finishes what was handed over
    with_database = open_again(store)
    assert [row.bucket for row in with_database] == ["first", "second", "third", "zzz"]


def open_again(store: Store) -> Any:
    database = open_database(store.settings)
    try:
        return store.run(database.read(lambda db: db.all(BUCKETS)))
    finally:
        database.close()


def test_work_may_be_handed_over_from_several_event_loops(store: Store) -> None:
    def visitor(name: str) -> None:
        asyncio.run(store.database.transact(adding(name)))

    threads = [threading.Thread(target=visitor, args=(f"loop {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(buckets(store)) == 8


def test_after_closing_work_is_refused_instead_of_waited_for(store: Store) -> None:
    store.database.close()
    with pytest.raises(StoreUnavailable):
        store.transact(adding("late"))
    for long in (False, True):
        with pytest.raises(StoreUnavailable):
            store.read(lambda db: db.all(BUCKETS), long=long)


def test_the_unique_key_decides_who_was_first(store: Store) -> None:
    async def race() -> list[bool]:
        work = [lambda db: db.insert_new(t.attempt, add("one")) for _ in range(16)]
        return list(await asyncio.gather(*map(store.database.transact, work)))

    assert sorted(store.run(race())) == [False] * 15 + [True]


def test_a_row_that_points_nowhere_is_refused(store: Store, make: Maker) -> None:
    with pytest.raises(IntegrityError):
        make(t.debt, application_id="nobody's")


def test_faulty_sql_is_our_mistake_and_not_an_outage(store: Store) -> None:
    with pytest.raises(DBAPIError):
        store.read(lambda db: db.execute(text("SELECT nothing FROM nowhere")))


def test_work_that_raises_stopiteration_does_not_leave_its_caller_waiting(store: Store) -> None:
    def work(_db: Reading) -> None:
        next(iter(()))

    with pytest.raises(RuntimeError):
        store.run(asyncio.wait_for(store.database.transact(work), 5))


def test_a_long_reading_sees_one_moment(store: Store) -> None:
    store.transact(adding("a"))
    seen, written = threading.Event(), threading.Event()

    def twice(db: Reading) -> tuple[int, int]:
        first = len(db.all(BUCKETS))
        seen.set()
        written.wait(5)
        return first, len(db.all(BUCKETS))

    async def meanwhile() -> tuple[int, int]:
        reading = asyncio.create_task(store.database.read(twice, long=True))
        await asyncio.to_thread(seen.wait, 5)
        await store.database.transact(adding("b"))
        written.set()
        return await reading

    assert store.run(meanwhile()) == (1, 1)


# -- SQLite's lane


@pytest.fixture
def lane(settings: Settings) -> Any:
    database = open_database(settings)
    yield database
    database.close()


def names(database: Database) -> list[str]:
    return [row.bucket for row in asyncio.run(database.read(lambda db: db.all(BUCKETS)))]


def test_a_commit_that_fails_fails_its_whole_batch_and_the_next_one_works(lane: Database) -> None:
    def pointing_nowhere(db: Writing) -> None:
        db.execute(text("PRAGMA defer_foreign_keys=ON"))  # found out at the COMMIT only
        db.execute(insert(t.publication), publication("nowhere"))

    async def together() -> list[Any]:
        works = [adding("a"), pointing_nowhere, adding("b")]
        return await asyncio.gather(*map(lane.transact, works), return_exceptions=True)

    results = asyncio.run(together())
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    asyncio.run(lane.transact(adding("c")))
    assert names(lane) == ["c"]


def publication(digest: str) -> dict[str, Any]:
    from server.store.values import utc_now

    return {"slug": "x", "digest": digest, "header": "{}", "published_at": utc_now(), "state": "open", "reason": ""}


def test_a_full_disk_loses_the_batch_and_nothing_else(lane: Database) -> None:
    def fill(db: Writing) -> None:
        pages = db.scalar(text("PRAGMA page_count"))
        db.execute(text(f"PRAGMA max_page_count={pages + 4}"))
        db.execute(ADD, add("x" * 1_000_000))

    async def together() -> list[Any]:
        return await asyncio.gather(*map(lane.transact, [adding("a"), fill, adding("b")]), return_exceptions=True)

    asyncio.run(lane.transact(adding("before")))
    results = asyncio.run(together())
    assert isinstance(results[1], StoreUnavailable)
    kept = {name for name, result in zip("ab", results[::2], strict=True) if result == 1}
    asyncio.run(lane.transact(lambda db: db.scalar(text("PRAGMA max_page_count=1000000"))))
    asyncio.run(lane.transact(adding("later")))
    assert set(names(lane)) == {"before", "later"} | kept
