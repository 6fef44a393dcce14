"""The till: money that a clerk takes at a window, in cash or by the city's own terminal, for several debts at once.

One act, one receipt, all of it or nothing. A record that was a mistake is taken back by two people; its debts are
owed as before, and its number stays, for a receipt may be in somebody's hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from server.japan import today
from server.money.account import Account
from server.money.bundles import Bundle, all_held, begin_bundle, given, held_bundle
from server.money.settle import Paid
from server.money.states import RULES, Standing
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.values import Random, new_id

PROVIDER: Final = "till"
MOST: Final = 10_000_000
"""More yen than anybody hands over at once: a slip of the fingers."""


class Kind(StrEnum):
    """How it was paid."""

    CASH = "cash"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Taken:
    """It was written down; `number` is the receipt's, `change` what goes back over the counter."""

    bundle_id: str
    number: str
    change: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Something else is owed than the clerk was told, as when the telephone was faster. Nothing was written down."""

    total: int


@dataclass(frozen=True, slots=True)
class Short:
    """What was handed over is not enough, or more than anybody hands over."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was taken, as the receipt says it. `debts` are the ids of what was paid."""

    bundle_id: str
    number: str
    day: str
    department: str
    kind: Kind
    amount: int
    taken: int
    staff_id: str
    taken_at: datetime
    voided_at: datetime | None
    visit_id: str | None
    debts: Sequence[str]

    @property
    def change(self) -> int:
        return self.taken - self.amount


WAY: Final = func.coalesce(t.till_receipt.c.kind, t.payment.c.provider)
"""How money came, in `CAME_IN`: a value of `Kind`, or the provider's name."""
PLACE: Final = func.coalesce(t.till_receipt.c.department, t.application.c.department)
"""Whose money it is to look after: the till's department, else the application's."""
REFERENCE: Final = func.coalesce(t.payment_bundle.c.provider_reference, t.payment.c.provider_reference)
"""What it has for a number with whoever took it: of the sum, where it was paid with others."""
CAME_IN: Final = (
    t.payment.join(t.debt, t.debt.c.id == t.payment.c.debt_id)
    .join(t.application, t.application.c.id == t.debt.c.application_id)
    .outerjoin(t.payment_part, t.payment_part.c.payment_id == t.payment.c.id)
    .outerjoin(t.payment_bundle, t.payment_bundle.c.id == t.payment_part.c.bundle_id)
    .outerjoin(t.till_receipt, t.till_receipt.c.bundle_id == t.payment_bundle.c.id)
)
"""Payments with what they were for, and the receipt of the till where there is one."""

_LAST: Final = select(func.max(t.till_receipt.c.number)).where(t.till_receipt.c.day == bindparam("day"))
_RECEIPTS: Final = select(t.till_receipt, t.payment_bundle.c.provider_reference, t.payment_bundle.c.visit_id).join_from(
    t.till_receipt, t.payment_bundle
)
_BY_NUMBER: Final = _RECEIPTS.where(
    t.payment_bundle.c.provider == PROVIDER, t.payment_bundle.c.provider_reference == bindparam("number")
)
_OF_DAY: Final = _RECEIPTS.where(
    t.till_receipt.c.department == bindparam("department"), t.till_receipt.c.day == bindparam("day")
).order_by(t.till_receipt.c.number)
_OF_VISIT: Final = _RECEIPTS.where(t.payment_bundle.c.visit_id == bindparam("visit_id")).order_by(
    t.till_receipt.c.taken_at, t.till_receipt.c.number
)
_DEBTS: Final = (
    select(t.payment.c.debt_id)
    .join_from(t.payment_part, t.payment)
    .where(t.payment_part.c.bundle_id == bindparam("bundle_id"))
    .order_by(t.payment.c.debt_id)
)
_VOID: Final = (
    update(t.till_receipt)
    .where(t.till_receipt.c.bundle_id == bindparam("of"), t.till_receipt.c.voided_at.is_(None))
    .values(voided_at=bindparam("at"))
)


def take(
    db: Writing,
    debt_ids: Sequence[str],
    expected: int,
    kind: Kind,
    taken: int,
    *,
    visit_id: str | None,
    department: str,
    staff_id: str,
    paid: Paid,
    now: datetime,
    random: Random,
) -> Taken | Changed | Short:
    """Write down that `taken` yen were handed over for all of these debts, of which the clerk was told `expected`. A
    terminal takes the exact sum. Twice the same is once: the second time nothing is owed."""
    accounts = [each for each in all_held(db, debt_ids) if _takes(each)]
    total = sum(each.amount for each in accounts)
    if total != expected or total == 0:
        return Changed(total)
    handed = total if kind is Kind.TERMINAL else taken
    if not total <= handed <= MOST:
        return Short()
    bundle, number = _numbered(db, accounts, visit_id, random, now)
    day, count = today(now).isoformat(), int(number.rpartition("-")[2])
    row = {"bundle_id": bundle.id, "day": day, "number": count, "department": department, "kind": kind.value}
    row |= {"amount": total, "taken": handed, "staff_id": staff_id, "taken_at": now}
    db.insert(t.till_receipt, row)
    for each in bundle.parts:
        each.account.rise(each.payment_id, Standing.PAID, paid_at=now)
        _audit(db, "payment.till", each.account, bundle.id, f"staff:{staff_id}", {"kind": kind.value})
        paid(db, each.account.application_id, now)
    return Taken(bundle.id, number, handed - total)


def _takes(account: Account) -> bool:
    return RULES[account.standing].payable and account.standing is not Standing.PROMISED


def _numbered(
    db: Writing, accounts: Sequence[Account], visit_id: str | None, random: Random, now: datetime
) -> tuple[Bundle, str]:
    """The next number of the day: the key decides between two windows at once."""
    day = today(now)
    count = int(db.scalar(_LAST, {"day": day.isoformat()}) or 0)
    while True:
        count += 1
        number = f"{day:%Y%m%d}-{count:04}"
        bundle = begin_bundle(
            db,
            accounts,
            bundle_id=new_id(random),
            provider=PROVIDER,
            reference=number,
            visit_id=visit_id,
            expires_at=now,
            random=random,
            now=now,
        )
        if bundle is not None:
            return bundle, number


def void(db: Writing, bundle_id: str, *, actor: str, now: datetime) -> Sequence[str] | None:
    """Take a mistaken record back: the ids of the applications whose fees are owed again. None: there is no such
    record, it was taken back before, or something of it was given back already, or is about to be."""
    bundle = held_bundle(db, PROVIDER, bundle_id)
    if bundle is None or any(each.attempt.standing is not Standing.PAID for each in bundle.parts):
        return None
    if given(db, bundle_id):
        return None
    if db.execute(_VOID, {"of": bundle_id, "at": now}).rowcount != 1:
        return None
    for each in bundle.parts:
        each.account.take_back(each.payment_id)
        _audit(db, "payment.voided", each.account, bundle.id, actor, {})
    return [each.account.application_id for each in bundle.parts]


def _audit(db: Writing, action: str, account: Account, bundle_id: str, actor: str, more: dict[str, str]) -> None:
    detail: dict[str, str | int] = {"bundle": bundle_id, "debt": account.debt_id, "amount": account.amount}
    db.audit(action, account.application_id, actor=actor, detail=detail | more)


def receipt(db: Reading, number: str) -> Receipt | None:
    """The record of this number, taken back or not."""
    row = db.one(_BY_NUMBER, {"number": number})
    return _receipt(db, row) if row is not None else None


def of_day(db: Reading, department: str, day: str) -> list[Receipt]:
    """What a department's till took on a day (ISO), in the order of the numbers, with what was taken back."""
    return [_receipt(db, row) for row in db.all(_OF_DAY, {"department": department, "day": day})]


def of_visit(db: Reading, visit_id: str) -> list[Receipt]:
    """What was taken for a visit, the oldest first."""
    return [_receipt(db, row) for row in db.all(_OF_VISIT, {"visit_id": visit_id})]


def _receipt(db: Reading, row: Any) -> Receipt:
    return Receipt(
        row.bundle_id,
        row.provider_reference,
        row.day,
        row.department,
        Kind(row.kind),
        row.amount,
        row.taken,
        row.staff_id,
        row.taken_at,
        row.voided_at,
        row.visit_id,
        [each.debt_id for each in db.all(_DEBTS, {"bundle_id": row.bundle_id})],
    )
