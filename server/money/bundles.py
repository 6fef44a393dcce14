"""Several debts paid in one sum. Each has a payment of its own in it, so the account of a debt stays the one writer;
a bundle holds all their accounts, and what is told of the sum is done to every one of them or to none.

Accounts are held in the order of the debts' ids: two who hold several never wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from server.money.account import Account, Attempt, held
from server.money.states import RULES, Standing
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.values import Random, new_id

_BY_ID: Final = select(t.payment_bundle).where(
    t.payment_bundle.c.id == bindparam("bundle_id"), t.payment_bundle.c.provider == bindparam("provider")
)
_PARTS: Final = (
    select(t.payment_part.c.payment_id, t.payment.c.debt_id)
    .join_from(t.payment_part, t.payment)
    .where(t.payment_part.c.bundle_id == bindparam("bundle_id"))
    .order_by(t.payment.c.debt_id)
)
_NOTE: Final = (
    update(t.payment_bundle)
    .where(t.payment_bundle.c.id == bindparam("of"))
    .values(provider_reference=bindparam("reference"), expires_at=bindparam("until"))
)
_GIVEN: Final = (
    select(t.refund.c.payment_id, t.refund.c.amount, t.refund.c.state)
    .join_from(t.refund, t.payment_part, t.refund.c.payment_id == t.payment_part.c.payment_id)
    .where(t.payment_part.c.bundle_id == bindparam("bundle_id"), t.refund.c.state.in_(["done", "decided"]))
    .order_by(t.refund.c.decided_at, t.refund.c.id)
)


@dataclass(frozen=True, slots=True)
class Part:
    """A debt's account, and the id of its payment in the bundle."""

    account: Account
    payment_id: str

    @property
    def attempt(self) -> Attempt:
        return self.account.attempt(self.payment_id)


class Bundle:
    """One sum with the accounts of all its debts, while this transaction holds them."""

    def __init__(self, db: Writing, row: Any, parts: Sequence[Part]) -> None:
        self._db = db
        self.id: Final[str] = row.id
        self.provider: Final[str] = row.provider
        self.visit_id: Final[str | None] = row.visit_id
        self.amount: Final[int] = row.amount
        self.reference: str | None = row.provider_reference
        self.expires_at: datetime = row.expires_at
        self.parts: Final = tuple(parts)

    @property
    def intact(self) -> bool:
        """Whether the whole sum may still be paid: nothing of it is over, or was paid another way."""
        return all(RULES[each.attempt.standing].open for each in self.parts)

    @property
    def debts(self) -> frozenset[str]:
        return frozenset(each.account.debt_id for each in self.parts)

    def note(self, reference: str, expires_at: datetime) -> None:
        """Take down where the provider takes the sum, for each part that still waits for it."""
        fresh = all(each.attempt.standing is Standing.DUE for each in self.parts)
        self.reference, self.expires_at = reference, expires_at if fresh else self.expires_at
        self._db.execute(_NOTE, {"of": self.id, "reference": reference, "until": self.expires_at})
        until = {"expires_at": expires_at} if fresh else {}
        for each in self.parts:
            each.account.rise(each.payment_id, Standing.STARTED, **until)


def bundle_of(db: Reading, provider: str, bundle_id: str) -> Any | None:
    """The row of a bundle, not held; None when there is none of this provider."""
    return db.one(_BY_ID, {"bundle_id": bundle_id, "provider": provider})


def held_bundle(db: Writing, provider: str, bundle_id: str) -> Bundle | None:
    """A bundle with its accounts, held until the transaction ends; None when this provider has none of that id."""
    if bundle_of(db, provider, bundle_id) is None:
        return None
    parts = [_part(db, row.debt_id, row.payment_id) for row in db.all(_PARTS, {"bundle_id": bundle_id})]
    return Bundle(db, bundle_of(db, provider, bundle_id), parts)  # read anew: it was not held before its accounts were


def debts_of(db: Reading, bundle_id: str) -> frozenset[str]:
    """The ids of the debts of a bundle."""
    return frozenset(row.debt_id for row in db.all(_PARTS, {"bundle_id": bundle_id}))


def _part(db: Writing, debt_id: str, payment_id: str) -> Part:
    account = held(db, debt_id)
    if account is None:
        raise LookupError(debt_id)
    return Part(account, payment_id)


def all_held(db: Writing, debt_ids: Sequence[str]) -> list[Account]:
    """The accounts of these debts, held in the one order; unknown ids are left out."""
    return [account for each in sorted(set(debt_ids)) if (account := held(db, each)) is not None]


def begin_bundle(
    db: Writing,
    accounts: Sequence[Account],
    *,
    bundle_id: str,
    provider: str,
    reference: str | None = None,
    visit_id: str | None = None,
    expires_at: datetime,
    random: Random,
    now: datetime,
) -> Bundle | None:
    """One sum for these debts, each of them payable. What was open of them is stopped. None: the till has a receipt of
    this number (`reference`) already."""
    amount = sum(each.amount for each in accounts)
    row = {"id": bundle_id, "provider": provider, "provider_reference": reference, "visit_id": visit_id}
    if not db.insert_new(t.payment_bundle, row | {"amount": amount, "created_at": now, "expires_at": expires_at}):
        return None
    parts = []
    for account in accounts:
        account.stop()
        begun = account.begin(new_id(random), provider=provider, expires_at=expires_at, now=now, bundle_id=bundle_id)
        parts.append(Part(account, begun.id))
    return Bundle(db, bundle_of(db, provider, bundle_id), parts)


def shares(db: Reading, bundle: Bundle, refunded: int) -> Mapping[str, int] | None:
    """How much of what a provider gave back of the sum is of which payment, by what two people decided here. None: it
    gave back something else, as on its own pages, and a person has to say of what."""
    if refunded == bundle.amount:
        return {each.payment_id: each.attempt.amount for each in bundle.parts}
    back = {each.payment_id: 0 for each in bundle.parts}
    for row in sorted(given(db, bundle.id), key=lambda row: row.state == "decided"):
        if sum(back.values()) >= refunded:
            break
        back[row.payment_id] += row.amount
    return back if sum(back.values()) == refunded else None


def given(db: Reading, bundle_id: str) -> Sequence[Any]:
    """The refunds of a bundle's payments that were decided, done or not, in that order: rows of `refund`."""
    return db.all(_GIVEN, {"bundle_id": bundle_id})
