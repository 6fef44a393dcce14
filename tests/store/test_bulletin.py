"""News reach every worker, after the commit, or are known to be missed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import Queue

import pytest
from sqlalchemy import select

from server.settings import Settings
from server.store import StoreUnavailable, bulletin
from server.store import tables as t
from server.store.database import Writing, open_database
from tests.conftest import Store, cut_connections, empty

ANNOUNCER = """
import asyncio, sys
from pathlib import Path
from server.settings import Settings
from server.store.database import open_database
database = open_database(Settings.from_env(
    {"KAKANAI_MODE": "sandbox", "KAKANAI_DATABASE_URL": sys.argv[1], "KAKANAI_DATA_DIR": sys.argv[2]}))
asyncio.run(database.transact(lambda db: [db.announce("published", f"slug-{n}") for n in range(3)]))
database.close()
"""


def hear(store: Store, topic: str) -> Queue[str]:
    heard: Queue[str] = Queue()
    store.database.listen(topic, heard.put)
    return heard


def announcing(topic: str, key: str) -> Callable[[Writing], None]:
    return lambda db: db.announce(topic, key)


def test_another_process_is_heard(store: Store) -> None:
    heard = hear(store, "published")
    arguments = [store.settings.database_url, str(store.settings.data_dir)]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", ANNOUNCER, *arguments], check=True, env=environ)  # noqa: S603
    assert [heard.get(timeout=5) for _ in range(3)] == ["slug-0", "slug-1", "slug-2"]


def test_every_worker_hears_also_the_one_that_speaks(store: Store) -> None:
    other = open_database(store.settings)
    heard_there: Queue[str] = Queue()
    other.listen("revoked", heard_there.put)
    heard_here, deaf = hear(store, "revoked"), hear(store, "published")
    store.transact(announcing("revoked", "セッション"))
    assert heard_here.get(timeout=5) == heard_there.get(timeout=5) == "セッション"
    assert deaf.empty()
    other.close()


def test_what_was_rolled_back_is_not_news(store: Store) -> None:
    heard = hear(store, "published")

    def failing(db: Writing) -> None:
        db.announce("published", "never")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transact(failing)
    store.transact(announcing("published", "after"))
    assert heard.get(timeout=5) == "after"


def test_who_listens_late_hears_only_what_comes(store: Store) -> None:
    store.transact(announcing("published", "before"))
    heard = hear(store, "published")
    store.transact(announcing("published", "after"))
    assert heard.get(timeout=5) == "after"


def test_one_listeners_mistake_does_not_make_the_others_deaf(store: Store) -> None:
    def mistaken(_key: str) -> None:
        raise ZeroDivisionError

    store.database.listen("published", mistaken)
    heard = hear(store, "published")
    store.transact(announcing("published", "one"))
    store.transact(announcing("published", "two"))
    assert [heard.get(timeout=5) for _ in range(2)] == ["one", "two"]


def test_a_database_closes_while_somebody_listens(store: Store) -> None:
    hear(store, "published")
    begun = time.monotonic()
    store.database.close()
    assert time.monotonic() - begun < 5


def test_the_worker_that_speaks_hears_itself_at_once(settings: Settings) -> None:
    """Not at the next look at what others have written, which is an hour away here."""
    database = open_database(settings)
    database._bulletin = bulletin.SqliteBulletin(database._readers, look=3600)  # type: ignore[misc]
    heard: Queue[str] = Queue()
    database.listen("visit", heard.put)
    for key in ("one", "two", "three"):
        asyncio.run(database.transact(announcing("visit", key)))
        assert heard.get(timeout=5) == key
    database.close()


def test_old_news_are_thrown_away_and_a_sleeper_knows_it_has_missed_some(settings: Settings) -> None:
    database = open_database(settings)
    asleep, awake = threading.Event(), threading.Event()
    heard: Queue[str] = Queue()

    def sleepy(key: str) -> None:
        asleep.set()
        awake.wait(10)
        heard.put(key)

    def flood(db: Writing) -> None:
        for number in range(bulletin.KEPT + 5):
            db.announce("published", str(number))

    database.listen("published", sleepy)
    asyncio.run(database.transact(announcing("published", "first")))
    asleep.wait(5)
    asyncio.run(database.transact(flood))
    awake.set()
    assert [heard.get(timeout=5) for _ in range(2)] == ["first", ""]
    left = asyncio.run(database.read(lambda db: len(db.all(select(t.bulletin.c.id)))))
    assert bulletin.KEPT <= left <= bulletin.KEPT + bulletin.PRUNED_EVERY
    asyncio.run(database.transact(announcing("published", "next")))
    assert heard.get(timeout=5) == "next"
    database.close()


def test_a_listener_that_lost_its_connection_is_told_and_hears_again(postgres_url: str, settings: Settings) -> None:
    empty(postgres_url)
    database = open_database(replace(settings, database_url=postgres_url))
    heard: Queue[str] = Queue()
    database.listen("published", heard.put)
    cut_connections(postgres_url)
    assert heard.get(timeout=5) == ""
    with pytest.raises(StoreUnavailable):  # the door's own connection was cut as well
        asyncio.run(database.transact(announcing("published", "lost")))
    asyncio.run(database.transact(announcing("published", "again")))
    assert heard.get(timeout=5) == "again"
    database.close()
