"""The tables come from migrations, fit the code, and carry the mode they were made in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from server.settings import Mode, Settings
from server.store import StoreRefused, migrations
from server.store import tables as t
from server.store.database import open_database
from server.store.engine import make_engine
from tests import shipped
from tests.conftest import Store, migrate


def test_migrations_lead_to_exactly_the_tables_of_the_code(store: Store) -> None:
    engine = make_engine(store.settings.database_url, writes=True)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, t.metadata) == []
    engine.dispose()


def test_every_check_of_the_code_is_in_the_database(store: Store) -> None:
    """Alembic does not compare these."""
    engine = make_engine(store.settings.database_url, writes=True)
    from sqlalchemy import CheckConstraint, inspect

    found = inspect(engine)
    for table in t.metadata.sorted_tables:
        wanted = {check.name for check in table.constraints if isinstance(check, CheckConstraint)}
        assert {check["name"] for check in found.get_check_constraints(table.name)} == wanted
    engine.dispose()


def test_the_newest_migration_is_the_one_the_code_needs(store: Store) -> None:
    engine = make_engine(store.settings.database_url, writes=True)
    with engine.connect() as connection:
        script = ScriptDirectory.from_config(migrations.config(connection, "sandbox"))
    assert script.get_current_head() == migrations.HEAD
    assert all(revision.revision.isdigit() for revision in script.walk_revisions())
    engine.dispose()


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    migrate(store.settings.database_url)
    store.read(lambda db: migrations.check_stamp(db.connection, "sandbox"))


def test_two_servers_that_start_together_migrate_once(tmp_path: Path) -> None:
    environ = {
        "KAKANAI_MODE": "sandbox",
        "KAKANAI_DATA_DIR": str(tmp_path / "100%"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "server.cli", "db", "upgrade"]
    both = [subprocess.Popen(command, env=environ) for _ in range(2)]  # noqa: S603
    assert [each.wait(30) for each in both] == [0, 0]


def test_a_server_in_the_other_mode_refuses_to_start(store_settings: Settings) -> None:
    with pytest.raises(StoreRefused, match="made in sandbox mode, this server is in production mode"):
        open_database(replace(store_settings, mode=Mode.PRODUCTION))


def test_a_database_of_the_other_mode_is_not_migrated(store_settings: Settings) -> None:
    with pytest.raises(StoreRefused, match="made in sandbox mode"):
        migrate(store_settings.database_url, mode="production")


def test_a_database_without_tables_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="run 'kakanai db upgrade'"):
        open_database(replace(settings, database_url=f"sqlite:///{tmp_path / 'new.db'}"))


def test_an_upgrade_leaves_no_connection_that_overlooks_foreign_keys(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}", writes=True)
    migrations.upgrade(engine, "sandbox")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()


def test_opening_a_database_does_not_import_alembic(settings: Settings) -> None:
    program = (
        "import os, sys; from server.settings import Settings; from server.store.database import open_database;"
        "open_database(Settings.from_env(os.environ)).close(); sys.exit('alembic' in sys.modules)"
    )
    environ = {
        "KAKANAI_MODE": "sandbox",
        "KAKANAI_DATA_DIR": str(settings.data_dir),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    assert subprocess.run([sys.executable, "-c", program], env=environ, check=False).returncode == 0  # noqa: S603


@pytest.fixture(params=["sqlite", "postgresql"])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'older.db'}"
        return
    server, name = request.getfixturevalue("postgres_server"), f"older_{os.getpid()}"
    admin = make_engine(server, writes=True).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_what_was_served_before_there_were_headers_has_them_afterwards(older: str) -> None:
    every = list(shipped.library().declarations.values())
    now = "2026-11-20 01:00:00+00:00"
    engine = make_engine(older, writes=True)
    with engine.begin() as connection:
        command.upgrade(migrations.config(connection, "sandbox"), "0004")
        for each in every:
            row = {"digest": each.digest, "slug": each.slug, "id": each.id, "bundle": each.text, "now": now}
            connection.execute(text("INSERT INTO declaration VALUES (:digest, :slug, :id, :bundle, :now)"), row)
            names = "(slug, digest, published_at, state, reason)"
            connection.execute(text(f"INSERT INTO publication {names} VALUES (:slug, :digest, :now, 'open', 'x')"), row)  # noqa: S608
    migrations.upgrade(engine, "sandbox")
    with engine.connect() as connection:
        rows = {row.slug: row for row in connection.execute(select(t.publication))}
    engine.dispose()
    assert {slug: row.header for slug, row in rows.items()} == {each.slug: each.header for each in every}
    assert {(row.state, row.reason) for row in rows.values()} == {("open", "x")}
