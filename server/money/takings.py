"""What came in and went out, for the treasurer: a day's takings by the fee, money that is nobody's, and the cash count.

Revenue is the gross amount (総計予算主義, 地方自治法210条): what a provider keeps for itself is no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func, or_, select

from server.japan import midnight
from server.money.debts import LAPSED
from server.money.states import RULES, Standing
from server.money.till import PROVIDER, Kind
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.values import Random, new_id

WITHDRAWN: Final = "withdrawn"
"""The office's state of an application that was taken back (`OfficeState.WITHDRAWN`)."""
SHOWN: Final = 200
"""Money that nobody owes, at once."""


@dataclass(frozen=True, slots=True)
class Taking:
    """One fee of one application, or one refund of it (`amount` below 0). `way` is cash, terminal, or the provider's
    name; `number` the receipt's of the till, else the payment's id; `code` the fee's, '' of a refund."""

    at: datetime
    department: str
    way: str
    number: str
    application: str
    code: str
    title: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class Odd:
    """Money a person has to look into: 'unclear' it is of another amount, 'surplus' it is not owed. `left` yen of it
    can be given back; 0 of what is unclear, for nobody knows how much came."""

    kind: str
    payment_id: str
    provider: str
    reference: str
    application: str
    department: str
    amount: int
    left: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """The cash as it was counted."""

    day: str
    expected: int
    counted: int
    staff_id: str
    counted_at: datetime

    @property
    def difference(self) -> int:
        return self.counted - self.expected


_PAID: Final = [one.value for one in Standing if RULES[one].covers]
_WAY: Final = func.coalesce(t.till_receipt.c.kind, t.payment.c.provider)
_PLACE: Final = func.coalesce(t.till_receipt.c.department, t.application.c.department)
_JOINED: Final = (
    t.payment.join(t.debt, t.debt.c.id == t.payment.c.debt_id)
    .join(t.application, t.application.c.id == t.debt.c.application_id)
    .outerjoin(t.payment_part, t.payment_part.c.payment_id == t.payment.c.id)
    .outerjoin(t.payment_bundle, t.payment_bundle.c.id == t.payment_part.c.bundle_id)
    .outerjoin(t.till_receipt, t.till_receipt.c.bundle_id == t.payment_bundle.c.id)
)
_SAID: Final = (
    t.payment.c.id,
    t.payment.c.provider,
    t.payment.c.amount,
    t.payment.c.state,
    t.payment.c.settled_at,
    t.payment.c.created_at,
    t.debt.c.quote_json,
    t.application.c.receipt_number,
    t.application.c.department.label("whose"),
    func.coalesce(t.payment_bundle.c.provider_reference, t.payment.c.provider_reference).label("reference"),
    _WAY.label("way"),
)
_IN: Final = (
    select(*_SAID)
    .select_from(_JOINED)
    .where(
        t.payment.c.state.in_(_PAID),
        t.payment.c.settled_at >= bindparam("since"),
        t.payment.c.settled_at < bindparam("until"),
        _PLACE.in_([bindparam("department")]),
    )
    .order_by(t.payment.c.settled_at, t.payment.c.id)
)
_OUT: Final = (
    select(*_SAID, t.refund.c.id.label("refund_id"), t.refund.c.amount.label("back"), t.refund.c.done_at)
    .select_from(_JOINED.join(t.refund, t.refund.c.payment_id == t.payment.c.id))
    .where(
        t.refund.c.state == "done",
        t.refund.c.done_at >= bindparam("since"),
        t.refund.c.done_at < bindparam("until"),
        _PLACE.in_([bindparam("department")]),
    )
    .order_by(t.refund.c.done_at, t.refund.c.id)
)
_OTHER: Final = t.payment.alias("other")
_FIRST: Final = (
    select(func.count())
    .select_from(_OTHER)
    .where(
        _OTHER.c.debt_id == t.payment.c.debt_id,
        _OTHER.c.state.in_([Standing.PAID.value, Standing.PARTLY_REFUNDED.value]),
        or_(
            _OTHER.c.settled_at < t.payment.c.settled_at,
            (_OTHER.c.settled_at == t.payment.c.settled_at) & (_OTHER.c.id < t.payment.c.id),
        ),
    )
    .scalar_subquery()
)
_GIVEN: Final = (
    select(func.coalesce(func.sum(t.refund.c.amount), 0))
    .where(t.refund.c.payment_id == t.payment.c.id, t.refund.c.state.in_(["decided", "done"]))
    .scalar_subquery()
)
_ODD: Final = (
    select(*_SAID, _GIVEN.label("given"))
    .select_from(_JOINED)
    .where(
        _PLACE.in_(bindparam("departments", expanding=True)),
        or_(
            t.payment.c.state == Standing.UNCLEAR.value,
            t.payment.c.state.in_([Standing.PAID.value, Standing.PARTLY_REFUNDED.value])
            & (t.application.c.state.in_([LAPSED, WITHDRAWN]) | (_FIRST > 0)),
        ),
    )
    .order_by(t.payment.c.created_at.desc(), t.payment.c.id)
    .limit(SHOWN)
)
_COUNTS: Final = (
    select(t.till_count)
    .where(t.till_count.c.department == bindparam("department"), t.till_count.c.day == bindparam("day"))
    .order_by(t.till_count.c.counted_at, t.till_count.c.id)
)


def takings(db: Reading, department: str, day: date) -> list[Taking]:
    """All that came in and went out on a day of Japan, in the order in which it did: by the till of this department,
    and online for its own applications. A record of the till that was taken back is not among them."""
    asked = {"department": department, "since": midnight(day), "until": midnight(day + timedelta(days=1))}
    came = [each for row in db.all(_IN, asked) for each in _fees(row)]
    return came + [_back(row) for row in db.all(_OUT, asked)]


def _fees(row: Any) -> Iterator[Taking]:
    for item in json.loads(row.quote_json)["items"]:
        amount = item["amount"] - item["waived"]
        number = row.reference if row.provider == PROVIDER else row.id
        yield Taking(
            row.settled_at,
            row.whose,
            row.way,
            number,
            row.receipt_number,
            item["code"],
            item["title"],
            item["quantity"],
            amount,
        )


def _back(row: Any) -> Taking:
    number = row.reference if row.provider == PROVIDER else row.id
    return Taking(row.done_at, row.whose, row.way, number, row.receipt_number, "", "返金", 1, -row.back)


def cash(found: Sequence[Taking]) -> int:
    """What the day's records say should be in the till, in yen, beside the change it began with."""
    return sum(each.amount for each in found if each.way == Kind.CASH)


def odd(db: Reading, departments: Collection[str]) -> list[Odd]:
    """Money of these departments' applications that a person has to look into, the newest first."""
    return [_odd(row) for row in db.all(_ODD, {"departments": list(departments)})]


def _odd(row: Any) -> Odd:
    unclear = row.state == Standing.UNCLEAR
    return Odd(
        kind="unclear" if unclear else "surplus",
        payment_id=row.id,
        provider=row.way,
        reference=row.reference or "",
        application=row.receipt_number,
        department=row.whose,
        amount=row.amount,
        left=0 if unclear else row.amount - int(row.given),
        at=row.settled_at or row.created_at,
    )


def count(
    db: Writing, department: str, day: date, counted: int, staff_id: str, *, now: datetime, random: Random
) -> Count:
    """Write down what was counted beside what should be there. A second count stands beside the first."""
    expected = cash(takings(db, department, day))
    made = Count(day.isoformat(), expected, counted, staff_id, now)
    row = {"id": new_id(random), "department": department, "day": made.day, "expected": expected}
    db.insert(t.till_count, row | {"counted": counted, "staff_id": staff_id, "counted_at": now})
    detail: dict[str, str | int] = {"department": department, "day": made.day, "expected": expected, "counted": counted}
    db.audit("till.count", str(row["id"]), actor=f"staff:{staff_id}", detail=detail)
    return made


def counts(db: Reading, department: str, day: date) -> list[Count]:
    """The counts of a day, the oldest first."""
    found = db.all(_COUNTS, {"department": department, "day": day.isoformat()})
    return [Count(row.day, row.expected, row.counted, row.staff_id, row.counted_at) for row in found]
