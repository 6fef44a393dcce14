"""Migrations by Alembic, and the mode stamped by the first. Alembic is imported only to migrate: it takes 0.3 s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, select, text

from server.store import tables as t
from server.store.engine import StoreRefused

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0008"
"""The revision this code was written for. Revisions are numbered, so that one can be told from an older one."""

_LOCK: Final = 0x6B616B00
"""Advisory lock: two servers that start together must not migrate together."""


def upgrade(engine: Engine, mode: str) -> None:
    """Brings the database to HEAD in one transaction; a new one is stamped with `mode`, another's is refused."""
    with engine.connect() as connection:
        try:
            if connection.dialect.name == "sqlite":
                # rebuilding a table drops it, which would cascade; within a transaction the pragma does nothing
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                _upgrade(connection, mode)
        finally:
            connection.invalidate()  # it must not go back to the pool without its foreign keys


def _upgrade(connection: Connection, mode: str) -> None:
    lite = connection.dialect.name == "sqlite"
    if not lite:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    if inspect(connection).has_table(t.meta.name):
        _check_mode(connection, mode)
    if _revision(connection) == HEAD:
        return
    from alembic import command  # a fifth of a second and ten megabytes, for a database that is behind

    command.upgrade(config(connection, mode), "head")
    if lite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise StoreRefused("the migration would leave rows that point nowhere; nothing was changed")


def config(connection: Connection, mode: str) -> Config:
    """Alembic's configuration in code: there is no ini file to lose."""
    from alembic.config import Config

    made = Config(attributes={"connection": connection, "mode": mode})
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def check_stamp(connection: Connection, mode: str) -> None:
    """Raises StoreRefused unless the database has our tables, as new as ours, and was made in this mode."""
    revision = _revision(connection)
    if revision is None or revision < HEAD:
        raise StoreRefused(f"the database is at revision {revision}, this needs {HEAD}: run 'kakanai db upgrade'")
    _check_mode(connection, mode)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _check_mode(connection: Connection, mode: str) -> None:
    """A sandbox makes its residents up and its keys lie beside it: neither may meet real applications."""
    stamped = connection.execute(select(t.meta.c.value).where(t.meta.c.key == "mode")).scalar()
    if stamped != mode:
        raise StoreRefused(f"the database was made in {stamped} mode, this server is in {mode} mode")
