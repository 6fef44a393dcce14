"""The audit chain: who did or saw what, in lines that cannot be changed without being noticed.

A line holds ids, an action and a salted digest of its detail; its hash covers the line and the hash before.
Triggers refuse UPDATE and DELETE; who goes round them breaks the chain; who writes the whole chain anew is
found out by a head that was noted elsewhere (`kakanai audit verify --head`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, insert, select, text

from server.store import tables as t

if TYPE_CHECKING:
    from server.store.database import Reading

GENESIS: Final = "0" * 64
"""What the first line has for `previous`."""

_LOCK: Final = text(f"SELECT pg_advisory_xact_lock({0x6B616B01})")  # in digits: PostgreSQL 15 reads no 0x
_HEAD: Final = select(t.audit.c.seq, t.audit.c.hash).order_by(t.audit.c.seq.desc()).limit(1)
_APPEND: Final = insert(t.audit)
_LINES: Final = select(t.audit).order_by(t.audit.c.seq).execution_options(yield_per=1000)


@dataclass(frozen=True, slots=True)
class Line:
    action: str
    target: str
    actor: str
    detail: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken` is the seq of the first line that does not hold, `problem` says why; None and '' when all hold."""

    count: int
    head: str
    broken: int | None = None
    problem: str = ""


def append(connection: Connection, lines: Sequence[Line], *, at: datetime) -> None:
    """Adds lines to the chain. SQLite has one writer; on PostgreSQL the lock is held until the commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    head = connection.execute(_HEAD).first()
    seq, previous = (head.seq, head.hash) if head else (0, GENESIS)
    rows = []
    for number, line in enumerate(lines, seq + 1):
        # the salt is never passed in: a guessable one would let the detail be guessed from the digest
        row = {"seq": number, "at": at.astimezone(UTC), "actor": line.actor, "action": line.action}
        row |= {"target": line.target, "salt": os.urandom(16), "previous": previous}
        row["detail"] = json.dumps(dict(line.detail), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        row["digest"] = _digest(row)
        row["hash"] = previous = _hash(row)
        rows.append(row)
    connection.execute(_APPEND, rows)


def verify(db: Reading, *, head: str | None = None) -> Verdict:
    """Walks the whole chain; `head` is a hash noted earlier, which must be one of its lines'."""
    count, previous, met = 0, GENESIS, head in (None, GENESIS)
    with db.execute(_LINES) as lines:
        for row in lines:
            if problem := _problem(row, count + 1, previous):
                return Verdict(count, previous, row.seq, problem)
            count, previous = count + 1, row.hash
            met = met or previous == head
    return Verdict(count, previous) if met else Verdict(count, previous, count + 1, f"no line has the hash {head}")


def _problem(row: Row[Any], seq: int, previous: str) -> str:
    if row.seq != seq:
        return f"line {seq} is missing"
    if row.previous != previous:
        return "it does not follow the line before"
    if row.digest != _digest(row._asdict()):
        return "its detail was changed"
    return "" if row.hash == _hash(row._asdict()) else "it was changed"


def _digest(row: Mapping[str, Any]) -> str:
    return sha256(row["salt"] + row["detail"].encode()).hexdigest()


def _hash(row: Mapping[str, Any]) -> str:
    """Over a JSON list, so that no text can be moved from one column into the next."""
    at = row["at"].isoformat(timespec="microseconds")
    line = [row["previous"], row["seq"], at, row["actor"], row["action"], row["target"], row["digest"]]
    return sha256(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
