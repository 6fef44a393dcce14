"""The way to the provider for several debts at once: one checkout over their sum, or none.

As with one debt, the port is called between two transactions. What is open of a debt elsewhere is closed there first,
so that nobody pays it twice; what was promised in a shop is left out, for its slip stays good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from payments.port import Checkout, Payment
from server.money.account import Account, Attempt, attempts
from server.money.bundles import Bundle, all_held, begin_bundle, debts_of, held_bundle
from server.money.checkout import CHECKOUT_LIFE, LEAST_LIFE, SEVERAL, STALE, Cashier, ask, checkout_of, close
from server.money.states import RULES, Standing
from server.store.database import Reading, Writing
from server.store.values import Random, new_id


@dataclass(frozen=True, slots=True)
class _Open:
    """A payment that is open at a provider; `exactly`: over the sum of just the debts in question."""

    attempt: Attempt
    exactly: bool


async def start_together(
    cashier: Cashier, debt_ids: Sequence[str], return_url: str, *, visit_id: str | None = None
) -> Checkout | None:
    """Where the payer goes for all of these debts, or to the slip once they promised to pay; None when there is nothing
    to pay any more. Raises ProviderUnavailable and Uncollectable."""
    await make_room(cashier, debt_ids)
    provider, random, now = cashier.gateway.name, cashier.random, cashier.clock()
    payment = await cashier.database.transact(
        lambda db: open_bundle(db, debt_ids, provider=provider, visit_id=visit_id, random=random, now=now)
    )
    if payment is None:
        return await _promised(cashier, debt_ids, return_url)
    checkout = await cashier.gateway.start(payment, return_url)
    noted = await cashier.database.transact(lambda db: note_together(db, provider, payment.id, checkout))
    return checkout if noted else None


async def ask_after(cashier: Cashier, debt_ids: Sequence[str]) -> None:
    """Hear how what is open of these debts stands at the provider. Raises ProviderUnavailable."""
    for each in await cashier.database.read(lambda db: _open(db, debt_ids)):
        if each.attempt.reference is not None and each.attempt.provider == cashier.gateway.name:
            await ask(cashier, each.attempt.reference)


async def make_room(cashier: Cashier, debt_ids: Sequence[str], *, wholly: bool = False) -> None:
    """The same, and close there what is not one sum over exactly them; `wholly`: that too, for somebody pays at the
    till. Raises ProviderUnavailable."""
    for each in await cashier.database.read(lambda db: _open(db, debt_ids)):
        if each.exactly and not wholly and each.attempt.reference is not None:
            await ask(cashier, each.attempt.reference)
        else:
            await close(cashier, each.attempt)


def _open(db: Reading, debt_ids: Sequence[str]) -> list[_Open]:
    """What is open of these debts at a provider, each checkout once."""
    every = (each for debt_id in sorted(set(debt_ids)) for each in attempts(db, debt_id))
    found = {each.reference: each for each in every if RULES[each.standing].open and each.reference is not None}
    return [
        _Open(each, each.bundle_id is not None and debts_of(db, each.bundle_id) == frozenset(debt_ids))
        for each in found.values()
    ]


async def _promised(cashier: Cashier, debt_ids: Sequence[str], return_url: str) -> Checkout | None:
    found = await cashier.database.read(lambda db: _open(db, debt_ids))
    promised = [each.attempt.bundle_id for each in found if each.attempt.standing is Standing.PROMISED]
    return await checkout_of(cashier, promised[0], return_url) if promised and promised[0] else None


def open_bundle(
    db: Writing, debt_ids: Sequence[str], *, provider: str, visit_id: str | None, random: Random, now: datetime
) -> Payment | None:
    """One payment over all of these debts that can be paid now, or the one that is open over exactly them; None when
    nothing can be paid (any more)."""
    accounts = [each for each in all_held(db, debt_ids) if _can_be_paid(each, now)]
    if not accounts:
        return None
    due = min((each.due_at for each in accounts if each.due_at), default=None)
    bundle = _open_over(db, accounts, provider, now)
    if bundle is None:
        until = max(min(now + CHECKOUT_LIFE, due or now + CHECKOUT_LIFE), now + LEAST_LIFE)
        bundle = begin_bundle(
            db,
            accounts,
            bundle_id=new_id(random),
            provider=provider,
            visit_id=visit_id,
            expires_at=until,
            random=random,
            now=now,
        )
    if bundle is None:
        raise LookupError("somebody has an id of 128 random bits already")
    return Payment(bundle.id, bundle.amount, SEVERAL, bundle.expires_at, due, bundle.reference)


def _can_be_paid(account: Account, now: datetime) -> bool:
    late = account.due_at is not None and now > account.due_at
    return RULES[account.standing].payable and account.standing is not Standing.PROMISED and not late


def _open_over(db: Writing, accounts: Sequence[Account], provider: str, now: datetime) -> Bundle | None:
    """The bundle that is open over exactly these debts, with time left."""
    first = accounts[0].open
    found = held_bundle(db, provider, first.bundle_id) if first is not None and first.bundle_id is not None else None
    if found is None or not found.intact or found.debts != {each.debt_id for each in accounts}:
        return None
    return found if found.reference is not None or found.expires_at - now > STALE else None


def note_together(db: Writing, provider: str, bundle_id: str, checkout: Checkout) -> bool:
    """Take down where the provider takes the sum, and say whether it is still to be paid."""
    bundle = held_bundle(db, provider, bundle_id)
    if bundle is None:
        return False
    if bundle.reference is None:
        bundle.note(checkout.reference, checkout.expires_at)
    return bundle.intact
