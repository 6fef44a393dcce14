"""What the applications of a visit cost, and how that stands: for the visit's pages, the till and the telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, select

from server.money.debts import Debt, payment_of
from server.money.states import PaymentState, Standing
from server.store import tables as t
from server.store.database import Reading


class Together(StrEnum):
    """How the fees of a visit stand as one. UNCLEAR: money came that a person looks into; PENDING: some of it is on its
    way, and nothing else is owed."""

    NOTHING = "nothing"
    DUE = "due"
    PENDING = "pending"
    UNCLEAR = "unclear"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Line:
    """A fee of a visit. `payable`: it is part of the total."""

    debt: Debt
    payable: bool

    @property
    def state(self) -> PaymentState:
        return self.debt.state


@dataclass(frozen=True, slots=True)
class Owed:
    """`total`: what can be paid now, in yen. Fees that were cancelled with their application are not among `lines`."""

    total: int
    lines: Sequence[Line]
    standing: Together

    @property
    def debts(self) -> tuple[str, ...]:
        """The ids of what is in the total."""
        return tuple(each.debt.id for each in self.lines if each.payable)


_APPLICATIONS: Final = (
    select(t.visit_application.c.application_id)
    .join_from(t.visit_application, t.application)
    .where(t.visit_application.c.visit_id == bindparam("visit_id"))
    .order_by(t.application.c.submitted_at, t.visit_application.c.name)
)


def owed(db: Reading, visit_id: str, *, at: datetime | None = None) -> Owed:
    """All that is or was owed for the applications of a visit. `at`: as providers take it at that moment, without what
    is overdue and about to lapse; at a window it is still taken until it has."""
    found = [payment_of(db, row.application_id) for row in db.all(_APPLICATIONS, {"visit_id": visit_id})]
    debts = [each for each in found if each is not None and each.standing is not Standing.CANCELLED]
    debts = [each for each in debts if at is None or not _overdue(each, at)]
    lines = [Line(each, _payable(each)) for each in debts]
    return Owed(sum(each.debt.amount for each in lines if each.payable), lines, _together(lines))


def _overdue(debt: Debt, at: datetime) -> bool:
    return _payable(debt) and debt.due_at is not None and at > debt.due_at


def _payable(debt: Debt) -> bool:
    """What was promised in a shop is not taken a second time: the slip stays good until its day."""
    return debt.payable and debt.standing is not Standing.PROMISED


def _together(lines: Sequence[Line]) -> Together:
    standings = {each.debt.standing for each in lines}
    if not lines:
        return Together.NOTHING
    if any(each.payable for each in lines):
        return Together.DUE
    if Standing.UNCLEAR in standings:
        return Together.UNCLEAR
    return Together.PENDING if Standing.PROMISED in standings else Together.PAID
