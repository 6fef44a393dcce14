"""The audit chain: what is done is on it, and a change to it is found."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from server.store import audit
from server.store import tables as t
from server.store.database import Writing
from server.store.engine import make_engine
from tests.conftest import Clock, Store

LINES = select(t.audit).order_by(t.audit.c.seq)


def look(number: int) -> Any:
    def work(db: Writing) -> None:
        db.audit("application.look", f"application-{number}", actor="staff-1", detail={"reason": "窓口", "n": number})

    return work


def write(store: Store, count: int) -> None:
    async def together() -> None:
        await asyncio.gather(*(store.database.transact(look(number)) for number in range(count)))

    store.run(together())


def verify(store: Store, head: str | None = None) -> audit.Verdict:
    return store.read(lambda db: audit.verify(db, head=head), long=True)


def tamper(store: Store, statement: str) -> None:
    """As somebody would who owns the database: past the triggers."""
    engine = make_engine(store.settings.database_url, writes=True)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for name in ("update", "delete", "replace"):
                connection.execute(text(f"DROP TRIGGER audit_no_{name}"))
        connection.execute(text(statement))
    engine.dispose()


def test_every_line_follows_the_one_before(store: Store, clock: Clock) -> None:
    write(store, 20)
    clock.advance(hours=1)
    store.transact(lambda db: [look(number)(db) for number in range(20, 23)])
    lines = store.read(lambda db: db.all(LINES))
    assert [line.seq for line in lines] == list(range(1, 24))
    assert [line.previous for line in lines] == [audit.GENESIS, *(line.hash for line in lines[:-1])]
    assert (lines[22].at - lines[19].at).total_seconds() == 3600
    assert lines[22].detail == '{"n":22,"reason":"窓口"}'
    assert verify(store) == audit.Verdict(23, lines[-1].hash)


def test_an_empty_chain_holds(store: Store) -> None:
    assert verify(store) == audit.Verdict(0, audit.GENESIS)
    assert verify(store, audit.GENESIS).broken is None


def test_work_that_fails_leaves_no_line(store: Store) -> None:
    def failing(db: Writing) -> None:
        look(1)(db)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transact(failing)
    assert verify(store).count == 0


@pytest.mark.parametrize(
    ("statement", "broken", "problem"),
    [
        ("UPDATE audit SET actor = 'staff-2' WHERE seq = 3", 3, "it was changed"),
        ("UPDATE audit SET action = 'application.list' WHERE seq = 3", 3, "it was changed"),
        ("UPDATE audit SET target = 'application-x' WHERE seq = 3", 3, "it was changed"),
        ("UPDATE audit SET at = '2026-11-20 01:00:00.000001' WHERE seq = 3", 3, "it was changed"),
        ("UPDATE audit SET actor = 'staff', action = '-1application.look' WHERE seq = 3", 3, "it was changed"),
        ("UPDATE audit SET detail = '{}' WHERE seq = 3", 3, "its detail was changed"),
        ("UPDATE audit SET digest = 'x' WHERE seq = 3", 3, "its detail was changed"),
        ("UPDATE audit SET hash = 'x' WHERE seq = 3", 3, "it was changed"),
        ("UPDATE audit SET previous = 'x' WHERE seq = 3", 3, "it does not follow the line before"),
        ("DELETE FROM audit WHERE seq = 3", 4, "line 3 is missing"),
        ("UPDATE audit SET seq = 100 WHERE seq = 3", 4, "line 3 is missing"),
    ],
)
def test_a_changed_line_is_named(store: Store, statement: str, broken: int, problem: str) -> None:
    write(store, 5)
    tamper(store, statement)
    verdict = verify(store)
    assert (verdict.count, verdict.broken, verdict.problem) == (2, broken, problem)


def test_a_chain_that_lost_its_end_or_was_written_anew_is_found_by_a_noted_head(store: Store) -> None:
    write(store, 3)
    noted = verify(store).head
    write(store, 2)
    assert verify(store, noted).broken is None
    tamper(store, "DELETE FROM audit WHERE seq > 2")
    assert verify(store).broken is None
    assert verify(store, noted).problem == f"no line has the hash {noted}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody' WHERE seq = 1",
        "UPDATE audit SET actor = actor",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 2",
        "INSERT INTO audit SELECT * FROM audit WHERE seq = 1",
    ],
)
def test_lines_are_only_ever_added(store: Store, statement: str) -> None:
    write(store, 2)
    before = store.read(lambda db: db.all(LINES))
    with pytest.raises(DBAPIError):
        store.transact(lambda db: db.execute(text(statement)))
    assert store.read(lambda db: db.all(LINES)) == before


def test_lines_cannot_be_replaced_or_truncated(store: Store) -> None:
    write(store, 2)
    lite = store.settings.database_url.startswith("sqlite")
    statement = "REPLACE INTO audit SELECT * FROM audit WHERE seq = 1" if lite else "TRUNCATE audit"
    with pytest.raises(DBAPIError, match="audit is append-only"):
        store.transact(lambda db: db.execute(text(statement)))
    assert verify(store).count == 2
