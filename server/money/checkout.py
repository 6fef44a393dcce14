"""The way to the provider and back: one open payment a debt, and our own questions where an event may be lost.

The port is called between two transactions, never inside one. A fall at any point leaves either a payment that nobody
was sent to, or a checkout the provider gives us again for the same id; repeating is always safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, bindparam, or_, select

from payments.port import Checkout, Event, Gateway, Hint, Payment, ProviderUnavailable, Refusal
from server.money.account import Account, Attempt, held, held_by_payment
from server.money.bundles import bundle_of
from server.money.debts import Debt
from server.money.settle import Outcome, Paid, settle
from server.money.states import OPEN, RULES, Standing
from server.store import tables as t
from server.store.database import Database, Reading, Writing
from server.store.values import Clock, Random, new_id

CHECKOUT_LIFE: Final = timedelta(hours=23)
"""How long a checkout stays open; a little less than the day that providers allow, for clocks differ."""
LEAST_LIFE: Final = timedelta(hours=1)
STALE: Final = timedelta(minutes=35)
"""Providers open no checkout for less than half an hour, so a payment that has less left makes room for another."""
SEVERAL: Final = "手数料 まとめて"
"""What the payer and the provider read of several fees at once: it names no procedure."""
GIVE_UP: Final = 3
"""After so many failures a run of `reconcile` ends."""

_PART_WAITS: Final = or_(
    t.payment.c.state.in_([each.value for each in OPEN]),
    and_(t.payment.c.state == Standing.CANCELLED.value, t.payment.c.expires_at > bindparam("now")),
)
_BUNDLES_WAITING: Final = (
    select(t.payment_bundle.c.id, t.payment_bundle.c.provider_reference, t.payment.c.state)
    .select_from(t.payment_bundle.join(t.payment_part).join(t.payment))
    .where(t.payment_bundle.c.provider == bindparam("provider"), t.payment_bundle.c.provider_reference.is_not(None))
    .where(
        t.payment_bundle.c.id.in_(
            select(t.payment_part.c.bundle_id).join_from(t.payment_part, t.payment).where(_PART_WAITS)
        )
    )
    .order_by(t.payment_bundle.c.created_at, t.payment_bundle.c.id)
)
_WAITING: Final = (
    select(t.payment.c.provider_reference, t.payment.c.state)
    .where(t.payment.c.provider == bindparam("provider"), t.payment.c.provider_reference.is_not(None))
    .where(_PART_WAITS)
    .order_by(t.payment.c.created_at)
)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Truly the provider's word, but nothing that concerns a payment."""


@dataclass(frozen=True, slots=True)
class Cashier:
    """What it takes to deal with a provider: the database, the port, and what a paid fee sets off."""

    database: Database
    gateway: Gateway
    paid: Paid
    clock: Clock
    random: Random


def open_payment(db: Writing, debt_id: str, *, provider: str, random: Random, now: datetime) -> Attempt | None:
    """The one open payment of a debt, begun if there is none; None when there is nothing (more) to pay, or no time."""
    account = held(db, debt_id)
    if account is None or not RULES[account.standing].payable or _overdue(account, now):
        return None
    if account.open is not None:
        if _serves(account.open, provider, now):
            return account.open
        account.rise(account.open.id, Standing.EXPIRED)
    until = max(min(now + CHECKOUT_LIFE, account.due_at or now + CHECKOUT_LIFE), now + LEAST_LIFE)
    return account.begin(new_id(random), provider=provider, expires_at=until, now=now)


def _overdue(account: Account, now: datetime) -> bool:
    return account.due_at is not None and now > account.due_at and account.standing is not Standing.PROMISED


def _serves(attempt: Attempt, provider: str, now: datetime) -> bool:
    """Whether an open payment can still be taken up: not where the city changed its provider, nor where nobody was
    ever sent to its checkout and there is no time left to open one, or it is one of several at once."""
    fresh = attempt.bundle_id is None and attempt.expires_at - now > STALE
    return attempt.provider == provider and (attempt.reference is not None or fresh)


def note_checkout(db: Writing, provider: str, payment_id: str, checkout: Checkout) -> bool:
    """Take down where the provider takes this payment, and say whether it is still to be paid.

    What an event told in the meantime stands, and so does a debt that was given up.
    """
    account = held_by_payment(db, provider, payment_id)
    if account is None:
        return False
    attempt = account.attempt(payment_id)
    if attempt.reference is None:
        until = {"expires_at": checkout.expires_at} if attempt.standing is Standing.DUE else {}
        attempt = account.rise(payment_id, Standing.STARTED, reference=checkout.reference, **until)
    return RULES[attempt.standing].open


async def start_checkout(cashier: Cashier, debt: Debt, return_url: str) -> Checkout | None:
    """Where the payer goes now; None when there is nothing to pay any more.

    The provider is asked about a payment that was started before: an event may have been lost, and a checkout that is
    over makes room for a new one. One for several debts at once is closed for it, unless its money is on its way: then
    that is where the payer goes. Raises ProviderUnavailable and Uncollectable.
    """
    attempt = await _open_now(cashier, debt)
    if attempt is not None and attempt.reference is not None:
        await close(cashier, attempt) if attempt.bundle_id else await ask(cashier, attempt.reference)
        attempt = await _open_now(cashier, debt)
    if attempt is None:
        return None
    if attempt.bundle_id is not None:
        return await checkout_of(cashier, attempt.bundle_id, return_url)
    words, until = f"手数料 {debt.receipt_number}", attempt.expires_at
    payment = Payment(attempt.id, attempt.amount, words, until, debt.due_at, attempt.reference)
    checkout = await cashier.gateway.start(payment, return_url)
    provider = cashier.gateway.name
    open_ = await cashier.database.transact(lambda db: note_checkout(db, provider, payment.id, checkout))
    return checkout if open_ else None


async def close(cashier: Cashier, attempt: Attempt) -> None:
    """Close an open payment at the provider and settle what it says then. What was promised stays: a slip for the shop
    cannot be taken back everywhere. Raises ProviderUnavailable."""
    if attempt.reference is None or attempt.provider != cashier.gateway.name:
        return
    if attempt.standing is not Standing.PROMISED:
        await cashier.gateway.expire(attempt.reference)
    await ask(cashier, attempt.reference)


async def checkout_of(cashier: Cashier, bundle_id: str, return_url: str) -> Checkout | None:
    """The checkout of a bundle that was opened before, or the slip once that was promised."""
    row = await cashier.database.read(lambda db: bundle_of(db, cashier.gateway.name, bundle_id))
    if row is None:
        return None
    payment = Payment(row.id, row.amount, SEVERAL, row.expires_at, None, row.provider_reference)
    return await cashier.gateway.start(payment, return_url)


async def _open_now(cashier: Cashier, debt: Debt) -> Attempt | None:
    provider, random, now = cashier.gateway.name, cashier.random, cashier.clock()
    return await cashier.database.transact(
        lambda db: open_payment(db, debt.id, provider=provider, random=random, now=now)
    )


async def hear(cashier: Cashier, body: bytes, signature: str) -> Outcome | Ignored | Refusal:
    """A webhook as it came in: the raw body and its signature.

    A hint is followed up with our own question; ProviderUnavailable then asks the provider to tell us again.
    """
    told = cashier.gateway.read_event(body, signature, cashier.clock())
    if isinstance(told, Refusal):
        return told
    event = await cashier.gateway.read(told.reference) if isinstance(told, Hint) else told
    return Ignored() if event is None else await _settle(cashier, event)


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
    ProviderUnavailable, having done what could be done: one payment nobody can read keeps no other waiting, and of a
    provider that is away the first few are enough to know. The next run does the rest.
    """
    waiting = await cashier.database.read(lambda db: _waiting(db, cashier.gateway.name, cashier.clock()), long=True)
    failed: list[ProviderUnavailable] = []
    for reference, over in waiting:
        try:
            if over:
                await cashier.gateway.expire(reference)
            await ask(cashier, reference)
        except ProviderUnavailable as error:
            failed.append(error)
        if len(failed) == GIVE_UP:
            break
    if failed:
        raise failed[0]
    return len(waiting)


def _waiting(db: Reading, provider: str, now: datetime) -> list[tuple[str, bool]]:
    """(reference, whether nobody shall pay it) of what is open with a provider. Of a bundle all is open, or nothing
    shall be paid: its sum is not what is owed any more."""
    values = {"provider": provider, "now": now}
    singles = [(row.provider_reference, row.state == Standing.CANCELLED) for row in db.all(_WAITING, values)]
    bundles: dict[str, bool] = {}
    for row in db.all(_BUNDLES_WAITING, values):
        torn = not RULES[Standing(row.state)].open
        bundles[row.provider_reference] = bundles.get(row.provider_reference, False) or torn
    return singles + list(bundles.items())
