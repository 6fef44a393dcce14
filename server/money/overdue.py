"""Fees that did not come in time: first the provider closes its checkout, then the debt and its application lapse.

In that order, so that nobody pays for what has just lapsed. While the provider is away, nothing lapses.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select

from server.money.account import attempts, held
from server.money.checkout import Cashier, ask
from server.money.states import RULES, Standing
from server.store import tables as t
from server.store.database import Writing

Lapsed = Callable[[Writing, str, datetime], None]
"""What becomes of an application (its id) whose fee did not come in time, in the transaction that gives it up."""

_MAY_LAPSE: Final = [one for one in Standing if RULES[one].payable and one is not Standing.PROMISED]
"""What is promised may still come: a slip for the shop ends with its own day, which is never after the debt's."""
_OVERDUE: Final = (
    select(t.debt.c.id)
    .where(t.debt.c.due_at < bindparam("now"), t.debt.c.state.in_([one.value for one in _MAY_LAPSE]))
    .order_by(t.debt.c.due_at)
)


async def lapse_overdue(cashier: Cashier, lapsed: Lapsed) -> int:
    """Give up every debt that is overdue, with nothing promised; how many. Raises ProviderUnavailable, with those
    before it done; the next run does the rest."""
    values = {"now": cashier.clock()}
    rows = await cashier.database.read(lambda db: db.all(_OVERDUE, values), long=True)
    return sum([await _lapse(cashier, row.id, lapsed) for row in rows])


async def _lapse(cashier: Cashier, debt_id: str, lapsed: Lapsed) -> bool:
    await _close(cashier, debt_id)
    now = cashier.clock()

    def work(db: Writing) -> bool:
        account = held(db, debt_id)
        if account is None or account.standing not in _MAY_LAPSE:
            return False  # it was paid or promised while we closed
        account.cancel()
        db.audit("payment.lapsed", account.application_id, actor="worker", detail={"debt": debt_id})
        lapsed(db, account.application_id, now)
        return True

    return await cashier.database.transact(work)


async def _close(cashier: Cashier, debt_id: str) -> None:
    """What is open at the provider is closed there, and what it says of it then is settled."""
    made = await cashier.database.read(lambda db: attempts(db, debt_id))
    for each in made:
        if RULES[each.standing].open and each.provider == cashier.gateway.name and each.reference is not None:
            await cashier.gateway.expire(each.reference)
            await ask(cashier, each.reference)
