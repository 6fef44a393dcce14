"""Giving money back. That it is given two people decide (`proposals`); here it is done, once.

Cash goes over the counter with the decision. What came through a provider is given back by it: asked for between two
transactions, under the refund's own id, so that a fall and a second try give nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select, update

from payments.port import PaymentConflict
from server.japan import today
from server.money.account import held
from server.money.checkout import Cashier
from server.money.settle import settle
from server.money.states import RULES, given_back
from server.money.till import PROVIDER
from server.store import tables as t
from server.store.database import Reading, Writing

_PAYMENT: Final = (
    select(
        *(t.payment.c[name] for name in ("id", "debt_id", "provider", "amount", "state")),
        func.coalesce(t.payment_bundle.c.provider_reference, t.payment.c.provider_reference).label("reference"),
    )
    .select_from(t.payment.outerjoin(t.payment_part).outerjoin(t.payment_bundle))
    .where(t.payment.c.id == bindparam("payment_id"))
)
_GIVEN: Final = select(func.coalesce(func.sum(t.refund.c.amount), 0)).where(
    t.refund.c.payment_id == bindparam("payment_id"), t.refund.c.state.in_(["decided", "done"])
)
_DECIDED: Final = (
    select(t.refund.c.id, t.refund.c.payment_id, t.refund.c.amount)
    .join_from(t.refund, t.payment)
    .where(t.refund.c.state == "decided", t.payment.c.provider == bindparam("provider"))
    .order_by(t.refund.c.decided_at, t.refund.c.id)
)
_END: Final = (
    update(t.refund)
    .where(t.refund.c.id == bindparam("of"), t.refund.c.state == "decided")
    .values(state=bindparam("after"), done_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class Returnable:
    """A payment of which `left` yen can still be given back; `provider` as in `Attempt`."""

    payment_id: str
    debt_id: str
    provider: str
    amount: int
    left: int


def returnable(db: Reading, payment_id: str) -> Returnable | None:
    """None where no money came, or there is no such payment."""
    row = db.one(_PAYMENT, {"payment_id": payment_id})
    if row is None or not RULES[row.state].covers:
        return None
    given = int(db.scalar(_GIVEN, {"payment_id": payment_id}))
    return Returnable(row.id, row.debt_id, row.provider, row.amount, row.amount - given)


def decided(db: Writing, payment_id: str, amount: int, *, refund_id: str, actor: str, now: datetime) -> bool:
    """Two people decided that so much goes back. False: there is not so much of it, or it never came."""
    found = returnable(db, payment_id)
    account = held(db, found.debt_id) if found is not None else None
    found = returnable(db, payment_id)  # again, now that the account is held
    if found is None or account is None or not 0 < amount <= found.left:
        return False
    row = {"id": refund_id, "payment_id": payment_id, "amount": amount, "day": today(now).isoformat()}
    cash = found.provider == PROVIDER
    state, done_at = ("done", now) if cash else ("decided", None)
    db.insert(t.refund, row | {"state": state, "decided_at": now, "done_at": done_at})
    if cash:
        account.rise(payment_id, given_back(found.amount, found.amount - found.left + amount))
    detail: dict[str, str | int] = {"payment": payment_id, "amount": amount, "refund": refund_id}
    db.audit("payment.refund_decided", account.application_id, actor=actor, detail=detail)
    return True


async def carry_out(cashier: Cashier) -> int:
    """Have the provider give back all that was decided; how many refunds it made. Raises ProviderUnavailable, with
    those before it done; the next run does the rest."""
    provider = cashier.gateway.name
    rows = await cashier.database.read(lambda db: db.all(_DECIDED, {"provider": provider}), long=True)
    return sum([await _carry_out(cashier, row.id, row.payment_id, row.amount) for row in rows])


async def _carry_out(cashier: Cashier, refund_id: str, payment_id: str, amount: int) -> bool:
    gateway, now = cashier.gateway, cashier.clock()
    row = await cashier.database.read(lambda db: db.one(_PAYMENT, {"payment_id": payment_id}))
    event = None
    if row is not None and row.reference is not None:
        try:
            event = await gateway.refund(row.reference, amount, reason="", key=refund_id)
        except PaymentConflict:
            event = None

    def work(db: Writing) -> None:
        if event is not None:
            settle(db, gateway.name, event, paid=cashier.paid, now=now)
        after = "done" if event is not None else "impossible"
        if db.execute(_END, {"of": refund_id, "after": after, "at": now}).rowcount == 1 and event is None:
            db.audit("payment.refund_impossible", payment_id, actor="worker", detail={"refund": refund_id})

    await cashier.database.transact(work)
    return event is not None
