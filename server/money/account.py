"""One debt with its payments, held: the only place that writes either.

The debt's row is the lock: whoever changes one of its payments holds it until the transaction ends, so two tabs, two
workers and a webhook take turns, on PostgreSQL by the row and on SQLite by the one writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from server.money.states import RULES, Standing, of_debt, raised
from server.store import tables as t
from server.store.database import Reading, Writing


@dataclass(frozen=True, slots=True)
class Attempt:
    """One payment of a debt. `reference` is the provider's name for its checkout, None until we were told one; of a
    payment that is part of a bundle it is the bundle's."""

    id: str
    provider: str
    amount: int
    standing: Standing
    reference: str | None
    expires_at: datetime
    paid_at: datetime | None
    bundle_id: str | None = None


_LOCK: Final = select(t.debt).where(t.debt.c.id == bindparam("debt_id")).with_for_update()
_DEBT_OF: Final = select(t.payment.c.debt_id).where(
    t.payment.c.id == bindparam("payment_id"), t.payment.c.provider == bindparam("provider")
)
_ATTEMPTS: Final = (
    select(t.payment, t.payment_part.c.bundle_id, t.payment_bundle.c.provider_reference.label("together"))
    .select_from(t.payment.outerjoin(t.payment_part).outerjoin(t.payment_bundle))
    .where(t.payment.c.debt_id == bindparam("debt_id"))
    .order_by(t.payment.c.created_at, t.payment.c.id)
)
_OPEN: Final = insert(t.payment)
_PART: Final = insert(t.payment_part)
_WRITE: Final = (
    update(t.payment)
    .where(t.payment.c.id == bindparam("payment_id"))
    .values(
        state=bindparam("standing"),
        provider_reference=bindparam("reference"),
        expires_at=bindparam("until"),
        settled_at=bindparam("paid_at"),
    )
)
_STAND: Final = update(t.debt).where(t.debt.c.id == bindparam("of")).values(state=bindparam("standing"))
_NO_DEADLINE: Final = update(t.debt).where(t.debt.c.id == bindparam("of")).values(due_at=None)


def attempts(db: Reading, debt_id: str) -> tuple[Attempt, ...]:
    """The payments of a debt, oldest first."""
    return tuple(_attempt(row) for row in db.all(_ATTEMPTS, {"debt_id": debt_id}))


class Account:
    """A debt and its payments, as they are while this transaction holds them."""

    def __init__(self, db: Writing, debt: Any) -> None:
        self._db = db
        self.debt_id: Final[str] = debt.id
        self.application_id: Final[str] = debt.application_id
        self.amount: Final[int] = debt.amount
        self.due_at: Final[datetime | None] = debt.due_at
        self.standing = Standing(debt.state)
        self._attempts = {each.id: each for each in attempts(db, debt.id)}

    @property
    def attempts(self) -> Sequence[Attempt]:
        return tuple(self._attempts.values())

    @property
    def open(self) -> Attempt | None:
        """The one payment that may still be paid."""
        return next((each for each in self.attempts if RULES[each.standing].open), None)

    def attempt(self, payment_id: str) -> Attempt:
        return self._attempts[payment_id]

    def begin(
        self, payment_id: str, *, provider: str, expires_at: datetime, now: datetime, bundle_id: str | None = None
    ) -> Attempt:
        """One more payment, over what is owed. Only where none is open."""
        begun = Attempt(payment_id, provider, self.amount, Standing.DUE, None, expires_at, None, bundle_id)
        row = {"id": begun.id, "debt_id": self.debt_id, "provider": provider, "amount": begun.amount}
        row |= {"state": begun.standing.value, "created_at": now, "expires_at": expires_at}
        self._db.execute(_OPEN, row)
        if bundle_id is not None:
            self._db.execute(_PART, {"payment_id": payment_id, "bundle_id": bundle_id})
        self._attempts[begun.id] = begun
        self._follow()
        return begun

    def stop(self) -> None:
        """Make room for another payment, which is begun next: what is open counts no more, and `reconcile` closes it at
        the provider."""
        if self.open is not None:
            self._write(replace(self.open, standing=Standing.CANCELLED))

    def rise(self, payment_id: str, to: Standing, **told: Any) -> Attempt:
        """Raise a payment to `to`, unless it stands higher, and the debt with it; `told` are fields of Attempt."""
        before = self.attempt(payment_id)
        after = replace(before, standing=raised(before.standing, to), **told)
        if after != before:
            self._write(after)
            self._follow()
        return after

    def cancel(self) -> None:
        """Nothing is owed any more."""
        for each in self.attempts:
            if RULES[each.standing].open:
                self._write(replace(each, standing=Standing.CANCELLED))
        self.standing = Standing.CANCELLED
        self._follow()

    def take_back(self, payment_id: str) -> None:
        """It was written down by mistake and never came: owed as before, and without a deadline, for the mistake was
        ours."""
        self._write(replace(self.attempt(payment_id), standing=Standing.VOIDED))
        self._db.execute(_NO_DEADLINE, {"of": self.debt_id})
        self._follow()

    def _write(self, attempt: Attempt) -> None:
        reference = attempt.reference if attempt.bundle_id is None else None  # the bundle's own row has it
        values = {"payment_id": attempt.id, "standing": attempt.standing.value, "reference": reference}
        self._db.execute(_WRITE, values | {"until": attempt.expires_at, "paid_at": attempt.paid_at})
        self._attempts[attempt.id] = attempt

    def _follow(self) -> None:
        self.standing = of_debt(self.standing, [each.standing for each in self.attempts])
        self._db.execute(_STAND, {"of": self.debt_id, "standing": self.standing.value})


def held(db: Writing, debt_id: str) -> Account | None:
    """The account of a debt, held until the transaction ends; None when there is no such debt."""
    row = db.one(_LOCK, {"debt_id": debt_id})
    return Account(db, row) if row else None


def held_by_payment(db: Writing, provider: str, payment_id: str) -> Account | None:
    """The account a provider's payment belongs to. One provider knows nothing of another's payments."""
    debt_id = db.scalar(_DEBT_OF, {"payment_id": payment_id, "provider": provider})
    return held(db, debt_id) if debt_id else None


def _attempt(row: Any) -> Attempt:
    return Attempt(
        row.id,
        row.provider,
        row.amount,
        Standing(row.state),
        row.provider_reference if row.bundle_id is None else row.together,
        row.expires_at,
        row.settled_at,
        row.bundle_id,
    )
