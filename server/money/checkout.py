"""The way to the provider and back: one open payment a debt, and our own questions where an event may be lost.

The port is called between two transactions, never inside one. A fall at any point leaves either a payment that nobody
was sent to, or a checkout the provider gives us again for the same id; repeating is always safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, bindparam, or_, select

from payments.port import Checkout, Event, Gateway, Payment, Refusal
from server.money.account import Attempt, held, held_by_payment
from server.money.debts import Debt
from server.money.settle import Outcome, Paid, settle
from server.money.states import OPEN, RULES, Standing
from server.store import tables as t
from server.store.database import Database, Writing
from server.store.values import Clock, Random, new_id

UNTIL_TOLD: Final = timedelta(hours=24)
"""How long a payment counts as open until the provider says how long its checkout is."""


_WAITING: Final = (
    select(t.payment.c.provider_reference, t.payment.c.state)
    .where(t.payment.c.provider == bindparam("provider"), t.payment.c.provider_reference.is_not(None))
    .where(
        or_(
            t.payment.c.state.in_([each.value for each in OPEN]),
            and_(t.payment.c.state == Standing.CANCELLED.value, t.payment.c.expires_at > bindparam("now")),
        )
    )
    .order_by(t.payment.c.created_at)
)


@dataclass(frozen=True, slots=True)
class Cashier:
    """What it takes to deal with a provider: the database, the port, and what a paid fee sets off."""

    database: Database
    gateway: Gateway
    paid: Paid
    clock: Clock
    random: Random


def open_payment(db: Writing, debt_id: str, *, provider: str, random: Random, now: datetime) -> Attempt | None:
    """The one open payment of a debt, begun if there is none; None when there is nothing (more) to pay."""
    account = held(db, debt_id)
    if account is None or not RULES[account.standing].payable:
        return None
    if account.open is not None:
        return account.open
    return account.begin(new_id(random), provider=provider, expires_at=now + UNTIL_TOLD, now=now)


def note_checkout(db: Writing, provider: str, payment_id: str, checkout: Checkout) -> None:
    """Take down where the provider takes this payment. What an event told in the meantime stands."""
    account = held_by_payment(db, provider, payment_id)
    if account is None or account.attempt(payment_id).reference is not None:
        return
    until = {"expires_at": checkout.expires_at} if account.attempt(payment_id).standing is Standing.DUE else {}
    account.rise(payment_id, Standing.STARTED, reference=checkout.reference, **until)


async def start_checkout(cashier: Cashier, debt: Debt, return_url: str) -> Checkout | None:
    """Where the payer goes now; None when there is nothing to pay any more.

    The provider is asked about a payment that was started before: an event may have been lost, and a checkout that is
    over makes room for a new one. Raises ProviderUnavailable.
    """
    attempt = await _open_now(cashier, debt)
    if attempt is not None and attempt.reference is not None:
        await ask(cashier, attempt.reference)
        attempt = await _open_now(cashier, debt)
    if attempt is None:
        return None
    payment = Payment(attempt.id, attempt.amount, f"手数料 {debt.receipt_number}")
    checkout = await cashier.gateway.start(payment, return_url)
    provider = cashier.gateway.name
    await cashier.database.transact(lambda db: note_checkout(db, provider, payment.id, checkout))
    return checkout


async def _open_now(cashier: Cashier, debt: Debt) -> Attempt | None:
    provider, random, now = cashier.gateway.name, cashier.random, cashier.clock()
    return await cashier.database.transact(
        lambda db: open_payment(db, debt.id, provider=provider, random=random, now=now)
    )


async def hear(cashier: Cashier, body: bytes, signature: str) -> Outcome | Refusal:
    """A webhook as it came in: the raw body and its signature."""
    event = cashier.gateway.read_event(body, signature, cashier.clock())
    return event if isinstance(event, Refusal) else await _settle(cashier, event)


async def ask(cashier: Cashier, reference: str) -> None:
    """Our own authenticated question, settled as an event is. Raises ProviderUnavailable."""
    event = await cashier.gateway.read(reference)
    if event is not None:
        await _settle(cashier, event)


async def _settle(cashier: Cashier, event: Event) -> Outcome:
    provider, now = cashier.gateway.name, cashier.clock()
    return await cashier.database.transact(lambda db: settle(db, provider, event, paid=cashier.paid, now=now))


async def reconcile(cashier: Cashier) -> int:
    """Ask after every payment that is open with the provider; close those nobody shall pay. How many were asked after.

    For the worker, every quarter of an hour: with all events lost the books are right by then. Raises
    ProviderUnavailable, having done a part of it; the next run does the rest.
    """
    values = {"provider": cashier.gateway.name, "now": cashier.clock()}
    waiting = await cashier.database.read(lambda db: db.all(_WAITING, values), long=True)
    for row in waiting:
        if row.state == Standing.CANCELLED:
            await cashier.gateway.expire(row.provider_reference)
        await ask(cashier, row.provider_reference)
    return len(waiting)
