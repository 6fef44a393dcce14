"""Fills a SQLite database with applications, as many as asked for, written in bulk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BATCH = 20_000
ANSWERS = 400
"""Bytes of sealed answers: what a short form leaves."""


def fill(path: Path, number: int) -> None:
    """Add applications of the measured procedure, with their events and person digests, until there are `number`."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    there = int(connection.execute("SELECT count(*) FROM application").fetchone()[0])
    digest = connection.execute("SELECT digest FROM publication WHERE slug = 'sokutei'").fetchone()[0]
    for start in range(there, number, BATCH):
        rows = list(_applications(start, min(BATCH, number - start), digest))
        connection.execute("BEGIN IMMEDIATE")
        _insert(connection, "application", rows)
        _insert(connection, "application_event", [_event(row) for row in rows])
        _insert(connection, "person_digest", [each for row in rows for each in _digests(row)])
        connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    marks = ", ".join(f":{name}" for name in names)
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608


def _applications(start: int, count: int, digest: str) -> Iterator[dict[str, Any]]:
    for i in range(start, start + count):
        yield {
            "id": os.urandom(16).hex(),
            "receipt_number": f"9{i:014d}",
            "slug": "sokutei",
            "digest": digest,
            "procedure_type": "shinsei",
            "department": "市民課",
            "channel": "online",
            "state": "submitted",
            "submitted_at": "2026-04-01 00:00:00.000000",
            "fee_total": 300,
            "timing": "submit",
            "wrapped_key": os.urandom(60),
            "sealed_answers": os.urandom(ANSWERS),
            "assurance": "none",
            "retained_until": "2031-03-31 15:00:00.000000",
        }


def _event(row: dict[str, Any]) -> dict[str, Any]:
    return {"application_id": row["id"], "at": row["submitted_at"], "state": row["state"], "actor": "anonymous"}


def _digests(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in ("name", "kana", "birthdate"):
        yield {"application_id": row["id"], "kind": kind, "digest": os.urandom(32)}
