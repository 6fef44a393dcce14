"""The one door to the database, with two wings: `read(work)` and `transact(work)`.

`work` is a synchronous use-case over `Reading` or `Writing`. Returning commits, raising rolls back and is
raised again at the caller; nobody else commits. What was handed over is carried out whole or not at all,
whether or not its caller still waits: a cancelled caller neither halves nor repeats it.

SQLite: short reads run in place on one held connection; writes go to the one lane (lane.py) that commits
together what has queued up. PostgreSQL: both run in the pool, at READ COMMITTED, so a use-case never checks
and then writes in two steps: let a conditional UPDATE, `insert_new` or `with_for_update()` decide. Nor does it
go on after a database error: PostgreSQL's transaction is over then.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, Executable, Insert, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from server.settings import Settings
from server.store import audit, bulletin
from server.store.engine import BEGIN, POOL, StoreRefused, StoreUnavailable, explain, make_engine
from server.store.lane import Lane
from server.store.migrations import check_stamp
from server.store.values import Clock, utc_now

__all__ = ["Database", "Reading", "StoreRefused", "StoreUnavailable", "Writing", "open_database"]

T = TypeVar("T")
Parameters = Mapping[str, Any]


@cache
def _insert(table: Table) -> Insert:
    return table.insert()  # made once: a statement made anew is a third of what it costs to execute it


def _dialect_insert(table: Table, dialect: str) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _insert_new(table: Table, dialect: str) -> Insert:
    return _dialect_insert(table, dialect).on_conflict_do_nothing()


@cache
def _count_up(table: Table, column: str, dialect: str) -> Executable:
    counted = table.c[column]
    statement = _dialect_insert(table, dialect).on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_={column: counted + 1}
    )
    return statement.returning(counted)


class Reading:
    """Core statements over one connection that refuses to write. Make statements once, at module level."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection: Final = connection

    def execute(
        self, statement: Executable, parameters: Parameters | Sequence[Parameters] | None = None
    ) -> CursorResult[Any]:
        return self.connection.execute(statement, parameters)

    def one(self, statement: Executable, parameters: Parameters | None = None) -> Row[Any] | None:
        """The only row, or None. Several are an error (sqlalchemy.exc.MultipleResultsFound)."""
        return self.execute(statement, parameters).one_or_none()

    def all(self, statement: Executable, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        return self.execute(statement, parameters).all()

    def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, or None."""
        return self.execute(statement, parameters).scalar()


class Writing(Reading):
    """One transaction."""

    __slots__ = ("_lines", "_news", "clock")

    def __init__(self, connection: Connection, clock: Clock) -> None:
        super().__init__(connection)
        self.clock: Final = clock
        self._lines: list[audit.Line] = []
        self._news: list[tuple[str, str]] = []

    def insert(self, table: Table, values: Parameters | Sequence[Parameters]) -> None:
        """Inserts one row, or several."""
        self.execute(_insert(table), values)

    def insert_new(self, table: Table, values: Parameters) -> bool:
        """Inserts unless a unique key already has it; says whether it did. The key decides the race."""
        return self.execute(_insert_new(table, self.connection.dialect.name), values).rowcount == 1

    def counted(self, table: Table, key: Parameters, column: str) -> int:
        """Counts `column` of the row with this primary key up by one, from 1 where there is none; the new count."""
        statement = _count_up(table, column, self.connection.dialect.name)
        return int(self.execute(statement, {**key, column: 1}).scalar_one())

    def audit(self, action: str, target: str, *, actor: str, detail: Mapping[str, str | int] | None = None) -> None:
        """A line for the audit chain. Ids and states only: nothing personal, in `detail` neither."""
        self._lines.append(audit.Line(action, target, actor, detail or {}))

    def announce(self, topic: str, key: str = "") -> None:
        """Tells every worker's `listen(topic, …)`, after the commit."""
        self._news.append((topic, key))

    @property
    def spoke(self) -> bool:
        """Whether there is news in it."""
        return bool(self._news)

    def finish(self) -> None:
        """Called by the door when work has returned: the audit's lock is taken last and held shortest."""
        if self._news:
            bulletin.post(self.connection, self._news)
        if self._lines:
            audit.append(self.connection, self._lines, at=self.clock())


class Database(ABC):
    def __init__(self, url: str, clock: Clock) -> None:
        self.clock: Final = clock
        self._readers: Final = make_engine(url, writes=False)
        self._writers: Final = make_engine(url, writes=True)
        self._threads: Final = ThreadPoolExecutor(POOL, thread_name_prefix="store")
        self._bulletin: Final = bulletin.open_bulletin(self._readers)
        self._closed = False

    @abstractmethod
    async def read(self, work: Callable[[Reading], T], *, long: bool = False) -> T:
        """Runs `work` without a lock. `long` (lists, search, exports): in a thread, over one snapshot."""

    @abstractmethod
    async def transact(self, work: Callable[[Writing], T]) -> T:
        """Runs `work` in a transaction; returns after the commit. Raises StoreUnavailable when there is none."""

    def check(self, mode: str) -> None:
        """Raises StoreRefused, or StoreUnavailable when there is nobody to ask."""
        _explained(lambda: self._writers.connect().close())  # a connection that is not durable is refused
        _explained(lambda: _snapshot(self._readers, {BEGIN: "DEFERRED"}, lambda db: check_stamp(db.connection, mode)))

    def listen(self, topic: str, callback: Callable[[str], object]) -> None:
        """Calls back with each key announced under `topic` by any worker, this one too; '' also when some may
        have been missed. Called on the bulletin's own thread: drop a cache or wake a loop, nothing longer."""
        self._bulletin.listen(topic, callback)

    def close(self) -> None:
        """Finishes what was handed over, then lets go of everything; later work is StoreUnavailable."""
        self._closed = True
        self._bulletin.close()
        self._threads.shutdown()
        self._readers.dispose()
        self._writers.dispose()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the database is closed")

    async def _in_thread(self, step: Callable[[], T]) -> T:
        self._refuse_if_closed()
        # shielded: a cancelled caller must not take a step back that may have begun
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, _explained, step))


class SqliteDatabase(Database):
    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, clock)
        self._held: Final = self._readers.connect().execution_options(**{BEGIN: ""})
        self._reading: Final = Reading(self._held)
        self._one_at_a_time: Final = threading.Lock()  # never waited for while one event loop is served
        self._spoke = False  # the lane's thread alone looks at it
        self._lane: Final = Lane(self._writers, self._attempt, self._ended)

    async def read(self, work: Callable[[Reading], T], *, long: bool = False) -> T:
        if long:
            return await self._in_thread(lambda: _snapshot(self._readers, {BEGIN: "DEFERRED"}, work))
        self._refuse_if_closed()
        with self._one_at_a_time:
            return _explained(lambda: work(self._reading))

    async def transact(self, work: Callable[[Writing], T]) -> T:
        self._refuse_if_closed()
        return await self._lane.put(work)

    def close(self) -> None:
        self._closed = True
        self._lane.close()
        self._held.close()
        super().close()

    def _attempt(self, connection: Connection, work: Callable[[Writing], T]) -> T:
        writing = Writing(connection, self.clock)
        result = _carry_out(writing, work)
        self._spoke = self._spoke or writing.spoke
        return result

    def _ended(self) -> None:
        """Listeners here hear of it now, not at the next look."""
        if self._spoke:
            self._spoke = False
            self._bulletin.stir()


class PostgresDatabase(Database):
    async def read(self, work: Callable[[Reading], T], *, long: bool = False) -> T:
        options = {"isolation_level": "REPEATABLE READ"} if long else {}
        return await self._in_thread(lambda: _snapshot(self._readers, options, work))

    async def transact(self, work: Callable[[Writing], T]) -> T:
        return await self._in_thread(lambda: self._transact(work))

    def _transact(self, work: Callable[[Writing], T]) -> T:
        with self._writers.begin() as connection:
            return _carry_out(Writing(connection, self.clock), work)


def open_database(settings: Settings, *, clock: Clock = utc_now) -> Database:
    """Opens the database of `settings`; StoreRefused if it is not durable, not migrated, or of the other mode."""
    kind = SqliteDatabase if settings.database_url.startswith("sqlite") else PostgresDatabase
    database = _explained(lambda: kind(settings.database_url, clock))
    try:
        database.check(settings.mode)
    except BaseException:
        database.close()
        raise
    return database


def _carry_out(writing: Writing, work: Callable[[Writing], T]) -> T:
    result = work(writing)
    writing.finish()
    return result


def _snapshot(engine: Engine, options: Mapping[str, Any], work: Callable[[Reading], T]) -> T:
    with engine.connect().execution_options(**options) as connection:
        return work(Reading(connection))


def _explained(step: Callable[[], T]) -> T:
    try:
        return step()
    except Exception as error:
        if (known := explain(error)) is error:
            raise
        raise known from error
