"""The provider of the sandbox: small, but a provider in its own right, behind the same port as a real one.

It keeps its checkouts in a file of its own, so a restart on our side or on its loses nothing and no transaction spans
both. What the payer presses on its page is told to the city by a signed event, as any provider would.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from payments.port import CURRENCY, Checkout, Event, EventKind, Payment, PaymentConflict, Refusal
from payments.signed import refusal, sign, strict_object

PROMISE_LIFE: Final = timedelta(days=3)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_YEAR_10000: Final = 253_402_300_800

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS checkout (
    reference TEXT PRIMARY KEY, payment_id TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL, description TEXT NOT NULL,
    return_url TEXT NOT NULL, state TEXT NOT NULL, refunded INTEGER NOT NULL, changed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, pay_by INTEGER);
CREATE TABLE IF NOT EXISTS refund (key TEXT PRIMARY KEY, reference TEXT NOT NULL, amount INTEGER NOT NULL);
"""


class Action(StrEnum):
    """What can be pressed on the provider's page."""

    PAY = "pay"
    DECLINE = "decline"
    LATER = "later"
    EXPIRE = "expire"


_OPEN: Final = "open"
_TO: Final = {
    Action.PAY: EventKind.PAID,
    Action.DECLINE: EventKind.DECLINED,
    Action.LATER: EventKind.PROMISED,
    Action.EXPIRE: EventKind.EXPIRED,
}
_OFFERED: Final[dict[str, tuple[Action, ...]]] = {
    _OPEN: (Action.PAY, Action.DECLINE, Action.LATER),
    EventKind.DECLINED: (Action.PAY, Action.DECLINE, Action.LATER),
    EventKind.PROMISED: (Action.PAY, Action.EXPIRE),
}
"""What each state of a checkout offers the payer; a state that is not here is closed."""


@dataclass(frozen=True, slots=True)
class Till:
    """What the provider's page shows of a checkout."""

    reference: str
    amount: int
    description: str
    state: str
    offered: tuple[Action, ...]
    return_url: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it leaves the provider."""

    body: bytes
    signature: str


class SandboxGateway:
    """`secrets`: the first signs, each of them is believed. `page` is where the provider's page is served."""

    name: Final = "sandbox"
    signature_header: Final = "Sandbox-Signature"

    def __init__(
        self,
        file: Path,
        secrets: Sequence[str],
        *,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        page: str = "/sandbox/pay/",
    ) -> None:
        if not secrets or not all(secrets):
            raise ValueError("a provider without a secret would believe everybody")
        self._file, self._secrets, self._page = file, tuple(secrets), page
        self._clock, self._random = clock, random
        with self._kept() as db:
            for statement in _TABLES.split(";"):
                db.execute(statement)
            if "pay_by" not in [column["name"] for column in db.execute("PRAGMA table_info(checkout)")]:
                db.execute("ALTER TABLE checkout ADD COLUMN pay_by INTEGER")  # the file of an earlier version

    async def start(self, payment: Payment, return_url: str) -> Checkout:
        return await asyncio.to_thread(self._start, payment, return_url)

    def read_event(self, body: bytes, signature: str, now: datetime) -> Event | Refusal:
        refused = refusal(body, signature, self._secrets, now)
        if refused:
            return refused
        told = strict_object(body)
        return (_event(told) if told is not None else None) or Refusal.MALFORMED

    async def read(self, reference: str) -> Event | None:
        return await asyncio.to_thread(self._read, reference)

    async def refund(self, reference: str, amount: int, *, reason: str, key: str) -> Event | None:
        return await asyncio.to_thread(self._refund, reference, amount, key)

    async def expire(self, reference: str) -> None:
        await asyncio.to_thread(self._expire, reference)

    async def till(self, reference: str) -> Till | None:
        """The provider's page of one checkout; None when there is none."""
        return await asyncio.to_thread(self._till, reference)

    async def press(self, reference: str, action: Action) -> Delivery | None:
        """The payer presses a button: the event to deliver, or None when the checkout does not offer it."""
        return await asyncio.to_thread(self._press, reference, action)

    async def tell(self, reference: str) -> Delivery | None:
        """Tell how the checkout stands once more, signed anew: what a provider does until it is heard."""
        event = await self.read(reference)
        return self._signed(event) if event else None

    def _start(self, payment: Payment, return_url: str) -> Checkout:
        reference = "sbx_" + self._random(16).hex()
        opened = (reference, payment.id, payment.amount, payment.description, return_url)
        times = (_seconds(self._clock()), _seconds(payment.until), payment.pay_by and _seconds(payment.pay_by))
        with self._kept() as db:
            db.execute(
                "INSERT INTO checkout VALUES (?, ?, ?, ?, ?, 'open', 0, ?, ?, ?) ON CONFLICT (payment_id) DO NOTHING",
                (*opened, *times),
            )
            row = db.execute("SELECT * FROM checkout WHERE payment_id = ?", (payment.id,)).fetchone()
        if row["amount"] != payment.amount:
            raise PaymentConflict(f"payment {payment.id} was started for another amount")
        return Checkout(self._page + row["reference"], row["reference"], _moment(row["expires_at"]))

    def _till(self, reference: str) -> Till | None:
        with self._kept() as db:
            row = self._row(db, reference)
        if row is None:
            return None
        offered = _OFFERED.get(row["state"], ())
        return Till(reference, row["amount"], row["description"], row["state"], offered, row["return_url"])

    def _press(self, reference: str, action: Action) -> Delivery | None:
        with self._kept() as db:
            row = self._row(db, reference)
            if row is None or action not in _OFFERED.get(row["state"], ()):
                return None
            return self._signed(_standing(self._change(db, row, _TO[action])))

    def _expire(self, reference: str) -> None:
        with self._kept() as db:
            row = self._row(db, reference)
            if row is not None and row["state"] in _OFFERED:
                self._change(db, row, EventKind.EXPIRED)

    def _read(self, reference: str) -> Event | None:
        with self._kept() as db:
            row = self._row(db, reference)
        return None if row is None or row["state"] == _OPEN else _standing(row)

    def _refund(self, reference: str, amount: int, key: str) -> Event | None:
        with self._kept() as db:
            row = self._row(db, reference)
            done = db.execute("SELECT reference, amount FROM refund WHERE key = ?", (key,)).fetchone()
            if done is not None and (done["reference"], done["amount"]) != (reference, amount):
                raise PaymentConflict(f"refund {key} was made for another amount")
            if row is None or row["state"] not in (EventKind.PAID, EventKind.REFUNDED):
                return None
            if done is None:
                if not 0 < amount <= row["amount"] - row["refunded"]:
                    return None
                db.execute("INSERT INTO refund VALUES (?, ?, ?)", (key, reference, amount))
                row = self._change(db, row, EventKind.REFUNDED, row["refunded"] + amount)
            return _standing(row)

    def _row(self, db: sqlite3.Connection, reference: str) -> sqlite3.Row | None:
        """The checkout as it stands now: one whose time has passed has expired, whether or not anybody looked."""
        row: sqlite3.Row | None = db.execute("SELECT * FROM checkout WHERE reference = ?", (reference,)).fetchone()
        if row is not None and row["state"] in _OFFERED and row["expires_at"] <= self._clock().timestamp():
            return self._change(db, row, EventKind.EXPIRED)
        return row

    def _change(self, db: sqlite3.Connection, row: sqlite3.Row, to: EventKind, refunded: int = 0) -> sqlite3.Row:
        now = self._clock()
        until: int = row["expires_at"]
        if to is EventKind.PROMISED:
            until = min(_seconds(now + PROMISE_LIFE), row["pay_by"] or _YEAR_10000)
        changed: sqlite3.Row = db.execute(
            "UPDATE checkout SET state = ?, refunded = ?, changed_at = ?, expires_at = ?"
            " WHERE reference = ? RETURNING *",
            (to, refunded, _seconds(now), until, row["reference"]),
        ).fetchone()
        return changed

    def _signed(self, event: Event) -> Delivery:
        told = {
            "id": event.id,
            "kind": event.kind,
            "payment": event.payment_id,
            "reference": event.reference,
            "amount": event.amount,
            "refunded": event.refunded,
            "currency": event.currency,
            "at": _seconds(event.at),
            "pay_until": _seconds(event.pay_until) if event.pay_until else None,
        }
        body = json.dumps(told, separators=(",", ":")).encode()
        return Delivery(body, sign(body, self._secrets[0], self._clock()))

    @contextmanager
    def _kept(self) -> Iterator[sqlite3.Connection]:
        """One transaction in the provider's own file. IMMEDIATE: two tabs that press at once are taken in turn."""
        db = sqlite3.connect(self._file, timeout=5, isolation_level=None)
        db.row_factory = sqlite3.Row
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        finally:
            db.close()


def _standing(row: sqlite3.Row) -> Event:
    """How a checkout stands, as an event. The id is made of the standing, so telling it twice is one event."""
    kind = EventKind(row["state"])
    return Event(
        id=f"{row['reference']}-{kind}-{row['refunded']}",
        kind=kind,
        payment_id=row["payment_id"],
        reference=row["reference"],
        amount=row["amount"],
        currency=CURRENCY,
        at=_moment(row["changed_at"]),
        refunded=row["refunded"],
        pay_until=_moment(row["expires_at"]) if kind is EventKind.PROMISED else None,
    )


def _event(told: dict[str, Any]) -> Event | None:
    """An event out of a body that was truly signed; None when a field is missing or is not what it should be."""
    names = [told.get(name) for name in ("kind", "id", "payment", "reference", "currency")]
    amounts = [told.get(name) for name in ("amount", "refunded")]
    if not all(isinstance(one, str) and _NAME.fullmatch(one) for one in names) or told["kind"] not in set(EventKind):
        return None
    if not all(type(one) is int and one >= 0 for one in amounts):
        return None
    if not _is_time(told.get("at")) or not (told.get("pay_until") is None or _is_time(told["pay_until"])):
        return None
    return Event(
        id=told["id"],
        kind=EventKind(told["kind"]),
        payment_id=told["payment"],
        reference=told["reference"],
        amount=told["amount"],
        currency=told["currency"].upper(),
        at=_moment(told["at"]),
        refunded=told["refunded"],
        pay_until=None if told.get("pay_until") is None else _moment(told["pay_until"]),
    )


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value < _YEAR_10000


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
