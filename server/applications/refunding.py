"""Asking for a fee to be given back: what came for an application, and the proposal that a second person allows.

Whoever asks needs no look into the application: its number, its fee and how that stands are all that is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from sqlalchemy import bindparam, select

from server.applications import proposals
from server.applications.messages import plain_text
from server.applications.receipts import read_number
from server.applications.states import OfficeState
from server.money import refunds
from server.money.account import held
from server.money.refunds import Refund, Returnable
from server.people.roles import Action
from server.people.staff_sessions import Staff
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random

LONGEST_REASON: Final = 300


class Unfit(Enum):
    """Why nothing was asked for."""

    UNKNOWN = "unknown"
    """No such money came, or it is not this person's to ask for: both are told alike."""
    AMOUNT = "amount"
    REASON = "reason"
    WAITING = "waiting"
    """It is asked for already."""


@dataclass(frozen=True, slots=True)
class Came:
    """Money that came for an application, what was decided to go back of it, and whether more is asked for (`waits`).
    `mine`: this person may ask, `hands`: and hand over what is given back at the till."""

    money: Returnable
    refunds: Sequence[Refund]
    waits: bool
    mine: bool
    hands: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """An application, as far as giving back its fee needs it."""

    number: str
    slug: str
    department: str
    state: OfficeState
    came: Sequence[Came]


_APPLICATION: Final = select(
    *(t.application.c[name] for name in ("id", "receipt_number", "slug", "department", "state"))
).where(t.application.c.receipt_number == bindparam("number"))


def sheet(db: Reading, staff: Staff, typed: str, *, now: datetime) -> Sheet | None:
    """What came for the application of this number. None: there is none, or neither it nor its money is of a department
    in which this person may ask."""
    row = db.one(_APPLICATION, {"number": read_number(typed) or ""})
    if row is None:
        return None
    came = [_came(db, staff, each, now) for each in refunds.returnable_of(db, row.id)]
    if not staff.may(Action.ASK_REFUND, row.department) and not any(each.mine for each in came):
        return None
    return Sheet(row.receipt_number, row.slug, row.department, OfficeState(row.state), came)


def _came(db: Reading, staff: Staff, money: Returnable, now: datetime) -> Came:
    return Came(
        money=money,
        refunds=refunds.refunds_of(db, money.payment_id),
        waits=proposals.waits(db, "refund", money.payment_id, now=now),
        mine=staff.may(Action.ASK_REFUND, money.place),
        hands=staff.may(Action.TAKE_MONEY, money.place),
    )


def ask(
    db: Writing,
    keys: Keys,
    staff: Staff,
    payment_id: str,
    amount: int,
    reason: str,
    *,
    now: datetime,
    random: Random,
) -> str | Unfit:
    """Propose that `amount` yen of a payment go back: the id of the proposal. Another person allows it."""
    found = refunds.returnable(db, payment_id)
    if found is None or not staff.may(Action.ASK_REFUND, found.place):
        return Unfit.UNKNOWN
    held(db, found.debt_id)  # of two who press at once the later sees what the earlier asked for
    words = plain_text(reason)
    if not 0 < amount <= found.left:
        return Unfit.AMOUNT
    if words is None or len(words) > LONGEST_REASON:
        return Unfit.REASON
    number = db.scalar(_NUMBER, {"application_id": found.application_id})
    detail = {"number": str(number), "way": found.way, "amount": str(amount), "reason": words, "payment": payment_id}
    made = proposals.propose(db, keys, "refund", payment_id, found.place, staff, detail, now=now, random=random)
    if isinstance(made, proposals.Unmet):
        return Unfit.WAITING if made is proposals.Unmet.WAITING else Unfit.UNKNOWN
    return made


_NUMBER: Final = select(t.application.c.receipt_number).where(t.application.c.id == bindparam("application_id"))
