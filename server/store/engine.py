"""Connections that keep what they acknowledge.

Every new connection is prepared and asked whether it is durable; one that is not is refused, so a server on a
careless database never starts. A kill does not reveal a missing sync (the page cache survives), hence the asking.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    from psycopg import Connection as PostgresConnection

POOL: Final = 8
"""Threads of one worker that may be at the database at once."""
PATIENCE: Final = 5
"""Seconds to wait for a lock or a connection."""
BEGIN: Final = "kakanai_begin"
"""Execution option: how a transaction begins on SQLite, IMMEDIATE unless said; '' leaves the driver in autocommit."""

_SQLITE_ERROR: Final = 1  # SQLite's code for faulty SQL: our mistake, not the database's
_SQLITE_PRAGMAS: Final = (
    ("busy_timeout", str(PATIENCE * 1000), PATIENCE * 1000),
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("temp_store", "MEMORY", 2),  # sorting must not spill personal data into a temporary file
    ("journal_size_limit", str(64 * 2**20), 64 * 2**20),
)
_POSTGRES_SETTINGS: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply"),
}


class StoreRefused(Exception):
    """This database must not be served from: why, in one line."""


class StoreUnavailable(Exception):
    """The database cannot answer now (locked, full, gone, deadlocked); the same request may succeed later."""


class RefusedText(ValueError):
    """Text no database of ours takes: NUL or a lone surrogate."""


def make_engine(url: str, *, writes: bool) -> Engine:
    """An engine for one wing of the door. `url` begins with sqlite:/// or postgresql://."""
    parsed = make_url(url)
    common: dict[str, Any] = {
        "pool_size": POOL + 2,  # and one that is held, one of the bulletin
        "max_overflow": 0,
        "pool_timeout": PATIENCE,
        "hide_parameters": True,  # an error's text must not quote what somebody typed
        "execution_options": {"preserve_rowcount": True},  # an INSERT's too: who won a race is read from it
    }
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise StoreRefused("the database is in memory: name a file, sqlite:///path/kakanai.db")
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = create_engine(url, **common)
        event.listen(engine, "connect", _or_close(_prepare_sqlite_writer if writes else _prepare_sqlite_reader))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        common["isolation_level"] = "READ COMMITTED" if writes else "AUTOCOMMIT"
        driver = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(driver, connect_args={"connect_timeout": PATIENCE}, **common)
        event.listen(engine, "connect", _or_close(_prepare_postgres_writer if writes else _prepare_postgres_reader))
    event.listen(engine, "before_cursor_execute", _refuse_nul)
    return engine


def _or_close(prepare: Callable[[Any], None]) -> Callable[[Any, object], None]:
    """A connection that is refused belongs to no pool yet: nobody else would close it."""

    def prepared(connection: Any, _record: object) -> None:
        try:
            prepare(connection)
        except BaseException:
            connection.close()
            raise

    return prepared


def _prepare_sqlite_writer(connection: SqliteConnection) -> None:
    connection.isolation_level = None  # the driver begins nothing behind our back; see _begin_sqlite
    for name, value, expected in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {name}={value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected:
            raise StoreRefused(f"the database has {name}={found}, only {expected} keeps what was acknowledged")


def _prepare_sqlite_reader(connection: SqliteConnection) -> None:
    _prepare_sqlite_writer(connection)
    connection.execute("PRAGMA query_only=ON")


def _begin_sqlite(connection: Connection) -> None:
    """A deferred BEGIN that writes later is refused as locked however long it waits; IMMEDIATE queues."""
    if mode := connection.get_execution_options().get(BEGIN, "IMMEDIATE"):
        connection.exec_driver_sql(f"BEGIN {mode}")


def _prepare_postgres_writer(connection: PostgresConnection[Any]) -> None:
    connection.execute(f"SET lock_timeout = '{PATIENCE}s'")
    for name, allowed in _POSTGRES_SETTINGS.items():
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        if row is None or row[0] not in allowed:
            raise StoreRefused(f"the database has {name}={row and row[0]}, allowed: {' or '.join(allowed)}")
    connection.commit()


def _prepare_postgres_reader(connection: PostgresConnection[Any]) -> None:
    _prepare_postgres_writer(connection)
    connection.execute("SET default_transaction_read_only = on")
    connection.commit()


def _refuse_nul(
    _connection: Connection, _cursor: object, _statement: str, parameters: Any, _context: object, many: bool
) -> None:
    """PostgreSQL refuses NUL in text; SQLite keeps it and cuts there in functions. So neither is given it."""
    for row in parameters if many else (parameters,):
        for value in row.values() if isinstance(row, dict) else row:
            if type(value) is str and "\0" in value:
                raise RefusedText("text contains NUL")


def explain(error: BaseException) -> BaseException:
    """The error as the rooms above know it; unchanged when it is their own or a mistake in a statement."""
    if isinstance(error, UnicodeEncodeError):
        return RefusedText("text contains a lone surrogate")
    if isinstance(error, StopIteration):  # a future cannot hold one, its caller would wait for ever
        return RuntimeError("work raised StopIteration")
    if isinstance(error, OperationalError):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return error if code == _SQLITE_ERROR else StoreUnavailable(str(error.orig))
    gone = isinstance(error, DBAPIError) and error.connection_invalidated
    return StoreUnavailable(str(error)) if gone or isinstance(error, PoolTimeout) else error
