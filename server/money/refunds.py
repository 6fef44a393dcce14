"""Giving money back. That it is given two people decide (`proposals`); here it is done, once.

What came through a provider is given back by it: asked for between two transactions, under the refund's own id, so that
a fall and a second try give nothing twice. What came in at the till is handed over there, and whoever hands it over
writes that down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from payments.port import PaymentConflict, ProviderUnavailable
from server.japan import today
from server.money.account import held
from server.money.checkout import GIVE_UP, Cashier
from server.money.settle import settle
from server.money.states import RULES, Standing, given_back
from server.money.till import CAME_IN, PLACE, PROVIDER, REFERENCE, WAY
from server.store import tables as t
from server.store.database import Reading, Writing

DECIDED: Final = "decided"
DONE: Final = "done"
IMPOSSIBLE: Final = "impossible"
"""Where a refund stands: two people decided it, it was given, or the provider has not so much to give."""


@dataclass(frozen=True, slots=True)
class Refund:
    """So many yen of a payment that go back to whoever filed `application_id`. `way`, `place` as in `Returnable`."""

    id: str
    payment_id: str
    application_id: str
    way: str
    place: str
    amount: int
    state: str
    decided_at: datetime
    done_at: datetime | None
    at_till: bool


@dataclass(frozen=True, slots=True)
class Returnable:
    """A payment that came, of which `left` yen can still be given back. `way`: 'cash', 'terminal', or the provider's
    name; `number`: the receipt's of the till, else the provider's for its checkout; `place`: the department that took
    it at its till, else the application's."""

    payment_id: str
    debt_id: str
    application_id: str
    provider: str
    way: str
    number: str
    place: str
    amount: int
    left: int
    paid_at: datetime

    @property
    def at_till(self) -> bool:
        """It is handed over at the till."""
        return self.provider == PROVIDER


Returned = Callable[[Writing, Refund, datetime], None]
"""What is set off once money was given back, in the transaction that says so."""

_PAYMENTS: Final = select(
    *(t.payment.c[name] for name in ("id", "debt_id", "provider", "amount", "state", "settled_at", "created_at")),
    t.debt.c.application_id,
    REFERENCE.label("reference"),
    WAY.label("way"),
    PLACE.label("place"),
).select_from(CAME_IN)
_PAYMENT: Final = _PAYMENTS.where(t.payment.c.id == bindparam("payment_id"))
_OF_APPLICATION: Final = _PAYMENTS.where(t.debt.c.application_id == bindparam("application_id")).order_by(
    t.payment.c.created_at, t.payment.c.id
)
_GIVEN: Final = select(func.coalesce(func.sum(t.refund.c.amount), 0)).where(
    t.refund.c.payment_id == bindparam("payment_id"), t.refund.c.state.in_(bindparam("states", expanding=True))
)
_REFUNDS: Final = (
    select(t.refund, t.payment.c.provider, t.debt.c.application_id, WAY.label("way"), PLACE.label("place"))
    .select_from(CAME_IN.join(t.refund, t.refund.c.payment_id == t.payment.c.id))
    .order_by(t.refund.c.decided_at, t.refund.c.id)
)
_REFUND: Final = _REFUNDS.where(t.refund.c.id == bindparam("refund_id"))
_REFUNDS_OF: Final = _REFUNDS.where(t.refund.c.payment_id == bindparam("payment_id"))
_WITH_PROVIDER: Final = _REFUNDS.where(t.refund.c.state == DECIDED, t.payment.c.provider == bindparam("provider"))
_END: Final = (
    update(t.refund)
    .where(t.refund.c.id == bindparam("of"), t.refund.c.state == DECIDED)
    .values(state=bindparam("after"), done_at=bindparam("at"))
)


def returnable(db: Reading, payment_id: str) -> Returnable | None:
    """None where no money came, or there is no such payment."""
    row = db.one(_PAYMENT, {"payment_id": payment_id})
    return _returnable(db, row) if row is not None and RULES[row.state].covers else None


def returnable_of(db: Reading, application_id: str) -> list[Returnable]:
    """All that came for an application, the oldest first."""
    rows = db.all(_OF_APPLICATION, {"application_id": application_id})
    return [_returnable(db, row) for row in rows if RULES[row.state].covers]


def refunds_of(db: Reading, payment_id: str) -> Sequence[Refund]:
    """What was decided of a payment, and what became of it, the oldest first."""
    return [_refund(row) for row in db.all(_REFUNDS_OF, {"payment_id": payment_id})]


def refund(db: Reading, refund_id: str) -> Refund | None:
    """None where nothing was decided under this id."""
    row = db.one(_REFUND, {"refund_id": refund_id})
    return _refund(row) if row is not None else None


def _given(db: Reading, payment_id: str, *states: str) -> int:
    return int(db.scalar(_GIVEN, {"payment_id": payment_id, "states": states}))


def _returnable(db: Reading, row: Any) -> Returnable:
    # What was given back on the provider's own pages we know only where it was all.
    given = row.amount if row.state == Standing.REFUNDED else _given(db, row.id, DECIDED, DONE)
    return Returnable(
        payment_id=row.id,
        debt_id=row.debt_id,
        application_id=row.application_id,
        provider=row.provider,
        way=row.way,
        number=row.reference or "",
        place=row.place,
        amount=row.amount,
        left=row.amount - given,
        paid_at=row.settled_at or row.created_at,
    )


def _refund(row: Any) -> Refund:
    return Refund(
        id=row.id,
        payment_id=row.payment_id,
        application_id=row.application_id,
        way=row.way,
        place=row.place,
        amount=row.amount,
        state=row.state,
        decided_at=row.decided_at,
        done_at=row.done_at,
        at_till=row.provider == PROVIDER,
    )


def decided(db: Writing, payment_id: str, amount: int, *, refund_id: str, actor: str, now: datetime) -> Refund | None:
    """Two people decided that so much goes back. None: there is not so much of it, or it never came."""
    found = returnable(db, payment_id)
    account = held(db, found.debt_id) if found is not None else None
    found = returnable(db, payment_id)  # again, now that the account is held
    if found is None or account is None or not 0 < amount <= found.left:
        return None
    row = {"id": refund_id, "payment_id": payment_id, "amount": amount, "day": today(now).isoformat()}
    db.insert(t.refund, row | {"state": DECIDED, "decided_at": now})
    detail: dict[str, str | int] = {"payment": payment_id, "amount": amount, "refund": refund_id}
    db.audit("payment.refund_decided", account.application_id, actor=actor, detail=detail)
    return refund(db, refund_id)


def handed_over(db: Writing, refund_id: str, *, actor: str, returned: Returned, now: datetime) -> bool:
    """Somebody at the till gave back what was decided. False: it was written down before, or is not the till's."""
    found = refund(db, refund_id)
    paid = returnable(db, found.payment_id) if found is not None and found.at_till else None
    account = held(db, paid.debt_id) if paid is not None else None
    if found is None or paid is None or account is None:
        return False
    if db.execute(_END, {"of": refund_id, "after": DONE, "at": now}).rowcount != 1:
        return False
    account.rise(paid.payment_id, given_back(paid.amount, _given(db, paid.payment_id, DONE)))
    detail: dict[str, str | int] = {"payment": paid.payment_id, "amount": found.amount, "refund": refund_id}
    db.audit("payment.refund_handed_over", account.application_id, actor=actor, detail=detail)
    returned(db, found, now)
    return True


async def carry_out(cashier: Cashier, returned: Returned) -> int:
    """Have the provider give back all that was decided; how many refunds it made. Raises ProviderUnavailable, having
    done what could be done: a refund that gets no answer keeps no other waiting, and of a provider that is away the
    first few in a row are enough to know. The next run does the rest."""
    provider = cashier.gateway.name
    rows = await cashier.database.read(lambda db: db.all(_WITH_PROVIDER, {"provider": provider}), long=True)
    made, failed, away = 0, None, 0
    for row in rows:
        try:
            made, away = made + await _carry_out(cashier, _refund(row), returned), 0
        except ProviderUnavailable as error:
            failed, away = error, away + 1
        if away == GIVE_UP:
            break
    if failed is not None:
        raise failed
    return made


async def _carry_out(cashier: Cashier, found: Refund, returned: Returned) -> bool:
    gateway, now = cashier.gateway, cashier.clock()
    row = await cashier.database.read(lambda db: db.one(_PAYMENT, {"payment_id": found.payment_id}))
    event = None
    if row is not None and row.reference is not None:
        try:
            event = await gateway.refund(row.reference, found.amount, reason="", key=found.id)
        except PaymentConflict:
            event = None

    def work(db: Writing) -> None:
        if event is not None:
            settle(db, gateway.name, event, paid=cashier.paid, now=now)
        after = DONE if event is not None else IMPOSSIBLE
        if db.execute(_END, {"of": found.id, "after": after, "at": now}).rowcount != 1:
            return
        if event is not None:
            returned(db, found, now)
            return
        detail: dict[str, str | int] = {"payment": found.payment_id, "amount": found.amount, "refund": found.id}
        db.audit("payment.refund_impossible", found.application_id, actor="worker", detail=detail)

    await cashier.database.transact(work)
    return event is not None
