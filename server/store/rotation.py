"""`kakanai keys rotate` and `verify`: walks over everything that is sealed, by the naming rules of tables.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, Table, bindparam, select, update

from server.store import tables as t
from server.store.blobs import Blobs
from server.store.database import Database, Reading, Writing
from server.store.keys import Keys, Unsealable, master_of

BATCH: Final = 500
"""Rows in one transaction."""

Progress = Callable[[str], None]
Rows = Sequence[Row[Any]]
T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What was found, and `broken`: lines 'table id: problem'."""

    broken: list[str] = field(default_factory=list)
    rewrapped: int = 0
    opened: Counter[str] = field(default_factory=Counter)  # by 'table.column'
    masters: Counter[str] = field(default_factory=Counter)  # wrapped keys by the id of the master key


async def rotate(database: Database, keys: Keys, progress: Progress) -> Report:
    """Wraps every data key by the active master key. Stopped, it can be run again: what is done is passed over."""
    report = Report()
    for table in _wrapped_tables():
        async for rows in _pages(database, table, ("wrapped_key",)):
            fresh = [(row, wrapped) for row in rows if (wrapped := _rewrapped(report, table, keys, row))]
            report.rewrapped += await database.transact(partial(_replace, table=table, fresh=fresh))
            progress(f"{table.name}: up to {rows[-1].id}, {report.rewrapped} keys rewrapped so far")
    return report


async def verify(database: Database, keys: Keys, blobs: Blobs, progress: Progress) -> Report:
    """Opens every data key, everything sealed by one, every blob, and the 個人番号 where the private key is here."""
    report = Report()
    for table in _wrapped_tables():
        sealed = tuple(column.name for column in table.c if column.name.startswith("sealed_"))
        also = ("sha256",) if table is t.upload else ()
        async for rows in _pages(database, table, ("wrapped_key", *sealed, *also)):
            for row in rows:
                _try(report, table, row, partial(_open_row, report, table, keys, blobs, sealed))
            progress(f"{table.name}: up to {rows[-1].id}, {len(report.broken)} broken so far")
    if keys.reads_my_number:
        async for rows in _pages(database, t.mynumber, ("sealed",)):
            for row in rows:
                _try(report, t.mynumber, row, partial(_open_number, report, keys))
    return report


def _wrapped_tables() -> list[Table]:
    return [table for table in t.metadata.sorted_tables if "wrapped_key" in table.c]


async def _pages(database: Database, table: Table, columns: Sequence[str]) -> AsyncIterator[Rows]:
    page = select(table.c.id, *(table.c[name] for name in columns)).where(table.c.id > bindparam("after"))
    page = page.order_by(table.c.id).limit(BATCH)
    after = ""
    while rows := await database.read(partial(_page, page=page, after=after), long=True):
        yield rows
        after = rows[-1].id


def _page(db: Reading, *, page: Select[Any], after: str) -> Rows:
    return db.all(page, {"after": after})


def _rewrapped(report: Report, table: Table, keys: Keys, row: Row[Any]) -> bytes | None:
    return _try(report, table, row, lambda row: keys.rewrap(row.wrapped_key, row.id))


def _replace(db: Writing, *, table: Table, fresh: Sequence[tuple[Row[Any], bytes]]) -> int:
    """Only where the key is still the one that was read: the row may have been given another meanwhile."""
    change = update(table).where(table.c.id == bindparam("row_id"), table.c.wrapped_key == bindparam("old"))
    change = change.values(wrapped_key=bindparam("new"))
    values = [{"row_id": row.id, "old": row.wrapped_key, "new": wrapped} for row, wrapped in fresh]
    return sum(db.execute(change, each).rowcount for each in values)


def _open_row(report: Report, table: Table, keys: Keys, blobs: Blobs, sealed: Sequence[str], row: Row[Any]) -> None:
    key = keys.open_data_key(row.wrapped_key, row.id)
    report.masters[master_of(row.wrapped_key)] += 1
    report.opened[f"{table.name}.wrapped_key"] += 1
    for name in sealed:
        if (content := getattr(row, name)) is not None:
            key.open(content, f"{table.name}.{name}")
            report.opened[f"{table.name}.{name}"] += 1
    if table is t.upload:
        blobs.get(row.id, key, row.sha256)
        report.opened["blobs"] += 1


def _open_number(report: Report, keys: Keys, row: Row[Any]) -> None:
    keys.open_my_number(row.sealed)
    report.opened["mynumber.sealed"] += 1


def _try(report: Report, table: Table, row: Row[Any], step: Callable[[Row[Any]], T]) -> T | None:
    try:
        return step(row)
    except Unsealable as problem:
        report.broken.append(f"{table.name} {row.id}: {problem}")
        return None
