"""What was acknowledged is kept: through kills, through outages, and by databases that promise it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select, text, update

from server.settings import Settings
from server.store import StoreRefused, StoreUnavailable, audit
from server.store import tables as t
from server.store.database import Database, Writing, open_database
from server.store.engine import BEGIN, make_engine
from tests.conftest import cut_connections, empty

WRITER = Path(__file__).with_name("writer.py")
ROOT = WRITER.parents[2]


def start_writer(settings: Settings, name: str, jobs: int) -> subprocess.Popen[bytes]:
    arguments = [settings.database_url, str(settings.data_dir), name, str(jobs)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, str(WRITER), *arguments], stdout=subprocess.PIPE, env=environ)  # noqa: S603


def kill_after(writer: subprocess.Popen[bytes], lines: int) -> set[int]:
    """What the writer was told is kept, up to its kill."""
    with writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.read().splitlines(keepends=True)
    return {int(line) for line in told if line.endswith(b"\n")}


def test_what_was_acknowledged_survives_kills_and_nothing_is_half_done(store_settings: Settings) -> None:
    told = {}
    for number in range(3):
        told[f"kill {number}"] = kill_after(start_writer(store_settings, f"kill {number}", 100_000), 40 + 60 * number)
    database = open_database(store_settings)
    try:
        rows, shared, verdict = asyncio.run(database.read(everything, long=True))
    finally:
        database.close()
    for name, numbers in told.items():
        assert numbers <= {row.period for row in rows if row.bucket == name}
    assert all(row.tries == 1 for row in rows)
    assert shared == len(rows) == verdict.count
    assert verdict.broken is None


def everything(db: Any) -> Any:
    c = t.attempt.c
    rows = db.all(select(t.attempt).where(c.bucket != "shared"))
    return rows, db.scalar(select(c.tries).where(c.bucket == "shared")), audit.verify(db)


def test_two_processes_write_at_once_and_nobody_is_told_locked(store_settings: Settings) -> None:
    writers = [start_writer(store_settings, f"process {number}", 400) for number in range(2)]
    assert [len(writer.communicate(timeout=60)[0].split()) for writer in writers] == [400, 400]
    assert [writer.returncode for writer in writers] == [0, 0]
    database = open_database(store_settings)
    try:
        rows, shared, verdict = asyncio.run(database.read(everything, long=True))
    finally:
        database.close()
    assert (len(rows), shared, verdict.count, verdict.broken) == (800, 800, 800, None)


def every_connection(settings: Settings) -> list[Engine]:
    return [make_engine(settings.database_url, writes=writes) for writes in (True, False)]


def test_every_connection_to_sqlite_syncs_each_commit(settings: Settings) -> None:
    for engine in every_connection(settings):
        with engine.connect().execution_options(**{BEGIN: ""}) as connection:
            assert pragma(connection, "synchronous") == 2
            assert pragma(connection, "journal_mode") == "wal"
            assert pragma(connection, "foreign_keys") == 1
            assert pragma(connection, "busy_timeout") == 5000
        engine.dispose()


def pragma(connection: Connection, name: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(StoreRefused, match="name a file"):
        make_engine("sqlite:///:memory:", writes=True)


def test_a_database_that_cannot_keep_a_journal_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system without shared memory (or, here, a URL that turns it off) has no WAL."""
    monkeypatch.chdir(tmp_path)  # the address of such a URL is taken for a path from here
    engine = make_engine(f"sqlite:///file:{settings.data_dir}/other.db?vfs=unix-none&uri=true", writes=True)
    with pytest.raises(StoreRefused, match="journal_mode"):
        engine.connect()


@pytest.fixture
def careless_postgres(postgres_url: str) -> Any:
    """A database whose owner chose speed over keeping."""
    name = make_engine(postgres_url, writes=True).url.database
    engine = make_engine(postgres_url, writes=True)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    yield postgres_url
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {name} RESET synchronous_commit"))
    engine.dispose()


def test_a_careless_postgresql_is_refused(careless_postgres: str) -> None:
    with pytest.raises(StoreRefused, match="synchronous_commit=off, allowed: on or remote_apply"):
        make_engine(careless_postgres, writes=True).connect()


def test_a_database_that_is_not_there_is_unavailable(settings: Settings) -> None:
    from dataclasses import replace

    away = replace(settings, database_url="postgresql://kakanai@127.0.0.1:1/kakanai")
    with pytest.raises(StoreUnavailable):
        open_database(away)


# -- outages of PostgreSQL


@pytest.fixture
def postgres(postgres_url: str, settings: Settings) -> Any:
    from dataclasses import replace

    empty(postgres_url)
    database = open_database(replace(settings, database_url=postgres_url))
    yield database
    database.close()


def test_a_lost_connection_is_an_outage_and_the_next_request_is_served(postgres: Database, postgres_url: str) -> None:
    asyncio.run(postgres.read(lambda db: db.scalar(text("SELECT 1"))))
    cut_connections(postgres_url)
    with pytest.raises(StoreUnavailable):
        asyncio.run(postgres.read(lambda db: db.scalar(text("SELECT 1"))))
    assert asyncio.run(postgres.read(lambda db: db.scalar(text("SELECT 1")))) == 1


def test_of_two_that_lock_each_other_out_one_goes_on_and_one_is_told_to_retry(postgres: Database) -> None:
    both = threading.Barrier(2)

    def crossing(first: str, second: str) -> Any:
        def work(db: Writing) -> str:
            db.execute(touch(first))
            both.wait(5)
            db.execute(touch(second))
            return first

        return postgres.transact(work)

    async def cross() -> list[Any]:
        rows = [{"bucket": name, "period": 0, "tries": 0} for name in "ab"]
        await postgres.transact(lambda db: db.execute(insert(t.attempt), rows))
        return list(await asyncio.gather(crossing("a", "b"), crossing("b", "a"), return_exceptions=True))

    results = asyncio.run(cross())
    assert sorted(type(result).__name__ for result in results) == ["StoreUnavailable", "str"]


def touch(name: str) -> Any:
    return update(t.attempt).where(t.attempt.c.bucket == name).values(tries=1)
