"""What came in and went out, for the treasurer: a day's takings by the fee, and the cash count.

Revenue is the gross amount (総計予算主義, 地方自治法210条): what a provider keeps for itself is no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select

from server.japan import midnight
from server.money.states import RULES, Standing
from server.money.till import CAME_IN, PLACE, PROVIDER, REFERENCE, WAY, Kind
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.values import Random, new_id


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
    REFERENCE.label("reference"),
    WAY.label("way"),
)
_IN: Final = (
    select(*_SAID)
    .select_from(CAME_IN)
    .where(
        t.payment.c.state.in_(_PAID),
        t.payment.c.settled_at >= bindparam("since"),
        t.payment.c.settled_at < bindparam("until"),
        PLACE.in_([bindparam("department")]),
    )
    .order_by(t.payment.c.settled_at, t.payment.c.id)
)
_OUT: Final = (
    select(*_SAID, t.refund.c.id.label("refund_id"), t.refund.c.amount.label("back"), t.refund.c.done_at)
    .select_from(CAME_IN.join(t.refund, t.refund.c.payment_id == t.payment.c.id))
    .where(
        t.refund.c.state == "done",
        t.refund.c.done_at >= bindparam("since"),
        t.refund.c.done_at < bindparam("until"),
        PLACE.in_([bindparam("department")]),
    )
    .order_by(t.refund.c.done_at, t.refund.c.id)
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
