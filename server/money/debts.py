"""What is owed for an application: raised once, frozen, and shown with all its payments as one thing.

Its address is the debt's id, which outlives every attempt to pay it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from procedures.declaration import Timing
from procedures.fees import Quote
from server.japan import midnight, today
from server.money.account import Attempt, attempts, held
from server.money.states import RULES, PaymentState, Standing
from server.people.sessions import Visitor, granted
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.values import Random, new_id


@dataclass(frozen=True, slots=True)
class Item:
    """One line of what is owed; `amount` is in yen, less what was waived."""

    title: str
    quantity: int
    unit: str
    amount: int


@dataclass(frozen=True, slots=True)
class Debt:
    """What somebody owes the city, in yen, and where that stands.

    `due_at`: the last second in which it can be paid; None for what was raised before there was a deadline. `pay_until`
    is there while a payment is promised, `paid_at` (the provider's time) once the money came. `lapsed`: the deadline
    passed unpaid, and the application with it. `returned`: what was given back of all that came, as far as we know of
    which fee it was.
    """

    id: str
    application_id: str
    receipt_number: str
    slug: str
    version: str
    amount: int
    items: tuple[Item, ...]
    standing: Standing
    due_at: datetime | None
    pay_until: datetime | None
    paid_at: datetime | None
    lapsed: bool
    returned: int = 0

    @property
    def state(self) -> PaymentState:
        return RULES[self.standing].shown

    @property
    def payable(self) -> bool:
        """Whether the resident can (still, again) go and pay."""
        return RULES[self.standing].payable

    @property
    def covered(self) -> bool:
        """Whether its money came, whatever was given back since."""
        return RULES[self.standing].covers

    @property
    def deadline(self) -> datetime | None:
        """Until when to pay, as long as that matters: the promise's day, or else the debt's."""
        return self.pay_until or (self.due_at if self.payable else None)


LAPSED: Final = "expired"
"""The office's state of an application whose fee did not come in time (`OfficeState.EXPIRED`)."""

_OF_APPLICATION: Final = [t.application.c[name] for name in ("receipt_number", "slug", "digest", "resident_id")]
_STATE: Final = t.application.c.state.label("application_state")
_DEBT: Final = select(t.debt, *_OF_APPLICATION, _STATE).join_from(t.debt, t.application)
_BY_ID: Final = _DEBT.where(t.debt.c.id == bindparam("debt_id"))
_BY_APPLICATION: Final = _DEBT.where(t.debt.c.application_id == bindparam("application_id"))
_RETURNED: Final = select(func.coalesce(func.sum(t.refund.c.amount), 0)).where(
    t.refund.c.payment_id == bindparam("payment_id"), t.refund.c.state == "done"
)
_ID: Final = select(t.debt.c.id).where(t.debt.c.application_id == bindparam("application_id"))


def last_moment(now: datetime, days: int) -> datetime:
    """The last second of the day that is `days` after today in Japan: until then a fee can be paid."""
    return midnight(today(now) + timedelta(days=days + 1)) - timedelta(seconds=1)


def raise_debt(
    db: Writing,
    application_id: str,
    quote: Quote,
    timing: str,
    *,
    due_at: datetime | None = None,
    at_counter: bool = False,
    random: Random,
    now: datetime,
) -> str | None:
    """Freeze what `quote` says as owed: the id of the debt, None when nothing is to be paid with the submission.

    After `due_at` it lapses; without, it stands until it is paid or cancelled.

    A fee due at the pick-up or after the review is no debt yet: its amount may still change. One that is due at the
    counter is a debt where it is filed there (`at_counter`), and waits for its payer: the application does not. Asking
    again for the same application answers the debt that is there.
    """
    if (timing != Timing.SUBMIT and not (at_counter and timing == Timing.COUNTER)) or quote.total <= 0:
        return None
    due_at = due_at if timing == Timing.SUBMIT else None
    there: str | None = db.scalar(_ID, {"application_id": application_id})
    if there is not None:
        return there
    frozen = json.dumps(quote.as_json(), ensure_ascii=False, separators=(",", ":"))
    row = {"id": new_id(random), "application_id": application_id, "amount": quote.total, "quote_json": frozen}
    db.insert(t.debt, row | {"state": Standing.DUE.value, "due_at": due_at, "created_at": now})
    return str(row["id"])


def payment_of(db: Reading, application_id: str) -> Debt | None:
    """What is or was owed for an application; None when nothing ever was."""
    row = db.one(_BY_APPLICATION, {"application_id": application_id})
    return _debt(db, row) if row else None


def debts_by_id(db: Reading, debt_ids: Sequence[str]) -> list[Debt]:
    """These debts, in the order in which they are named; whoever shows them has looked whether they may."""
    rows = (db.one(_BY_ID, {"debt_id": each}) for each in debt_ids)
    return [_debt(db, row) for row in rows if row is not None]


def debt_for(db: Reading, debt_id: str, visitor: Visitor) -> Debt | None:
    """A debt as its own people may see it; None to everybody else, as if there were none."""
    row = db.one(_BY_ID, {"debt_id": debt_id})
    if row is None:
        return None
    owner = visitor.resident is not None and visitor.resident.id == row.resident_id
    return _debt(db, row) if owner or granted(db, visitor.session_id, row.application_id) else None


def cancel_debt(db: Writing, application_id: str, *, actor: str) -> None:
    """Nothing is owed any more, as when an application is withdrawn. Money that came, or may have come, stays.

    `reconcile` then closes what is still open at the provider.
    """
    row = db.one(_BY_APPLICATION, {"application_id": application_id})
    account = held(db, row.id) if row else None
    if account is None or not RULES[account.standing].payable:
        return
    account.cancel()
    db.audit("payment.cancelled", application_id, actor=actor, detail={"debt": account.debt_id})


def _debt(db: Reading, row: Any) -> Debt:
    made = attempts(db, row.id)
    standing = Standing(row.state)
    promised = [each.expires_at for each in made if each.standing is Standing.PROMISED]
    paid = [each.paid_at for each in made if each.paid_at is not None and RULES[each.standing].covers]
    return Debt(
        id=row.id,
        application_id=row.application_id,
        receipt_number=row.receipt_number,
        slug=row.slug,
        version=row.digest,
        amount=row.amount,
        items=tuple(_item(each) for each in json.loads(row.quote_json)["items"]),
        standing=standing,
        due_at=row.due_at,
        pay_until=max(promised) if standing is Standing.PROMISED else None,
        paid_at=min(paid, default=None),
        lapsed=row.application_state == LAPSED,
        returned=sum(_returned(db, each) for each in made),
    )


def _returned(db: Reading, attempt: Attempt) -> int:
    if attempt.standing is Standing.REFUNDED:
        return attempt.amount
    if attempt.standing is not Standing.PARTLY_REFUNDED:
        return 0
    return int(db.scalar(_RETURNED, {"payment_id": attempt.id}))


def _item(line: dict[str, Any]) -> Item:
    return Item(line["title"], line["quantity"], line["unit"], line["amount"] - line["waived"])
