"""Money that a person has to look into, and the note that it was dealt with.

What stands in our books leaves the list by itself once it is put right. What a provider told us of, and we have no
place for, leaves it when somebody notes what became of it. The list is read from the books and from the audit chain,
which has the provider's own figures: nothing is written down twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, func, or_, select, text

from payments.port import CURRENCY, EventKind
from server.money.debts import LAPSED
from server.money.refunds import DECIDED, DONE, IMPOSSIBLE
from server.money.states import Standing
from server.money.till import CAME_IN, PLACE, PROVIDER, REFERENCE, WAY
from server.store import tables as t
from server.store.database import Reading, Writing
from server.store.keys import Keys
from server.store.values import Random, new_id

WITHDRAWN: Final = "withdrawn"
"""The office's state of an application that was taken back (`OfficeState.WITHDRAWN`)."""
SHOWN: Final = 200
"""So many at once, the newest."""
PATIENCE: Final = timedelta(days=1)
"""A provider that has not given money back after so long is looked into."""

_SEALED: Final = "money_note.sealed_note"


class Kind(StrEnum):
    """Why somebody has to look."""

    SURPLUS = "surplus"
    """It came, and is not owed: paid twice, or for what was withdrawn or lapsed."""
    UNCLEAR = "unclear"
    """Of another amount or currency than we asked for, or from a second checkout of one payment."""
    UNKNOWN = "unknown"
    """The provider tells of a payment that we do not know."""
    UNASSIGNED = "unassigned"
    """Given back on the provider's own pages, of a sum for several fees."""
    IMPOSSIBLE = "impossible"
    """Two people decided to give it back, and the provider did not."""
    WAITING = "waiting"
    """Decided to be given back: not fetched at the till yet, or for long not made by the provider."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Money to look into. `way`: as in `refunds.Returnable`; `numbers`: receipt numbers of the applications it may be
    for; `department` '' of nobody's. `amount` in `currency`, of which `back` was given back as the provider tells;
    `left` yen of it can be given back here."""

    key: str
    kind: Kind
    way: str
    reference: str
    numbers: Sequence[str]
    department: str
    amount: int
    currency: str
    back: int
    left: int
    at: datetime

    @property
    def closable(self) -> bool:
        """A note ends it. What waits ends with its money alone: a note would not keep it from being given back."""
        return self.kind is not Kind.WAITING


@dataclass(frozen=True, slots=True)
class Dealt:
    """What somebody noted, and what was known then."""

    kind: Kind
    way: str
    reference: str
    numbers: Sequence[str]
    amount: int
    currency: str
    text: str
    staff_id: str
    at: datetime


_KNOWN: Final = (
    t.payment.c.provider,
    t.application.c.receipt_number,
    PLACE.label("place"),
    WAY.label("way"),
    func.coalesce(REFERENCE, "").label("reference"),
)
_OTHER: Final = t.payment.alias("other")
_STAYS: Final = [Standing.PAID.value, Standing.PARTLY_REFUNDED.value]
_FIRST: Final = (
    select(func.count())
    .select_from(_OTHER)
    .where(
        _OTHER.c.debt_id == t.payment.c.debt_id,
        _OTHER.c.state.in_(_STAYS),
        or_(
            _OTHER.c.settled_at < t.payment.c.settled_at,
            (_OTHER.c.settled_at == t.payment.c.settled_at) & (_OTHER.c.id < t.payment.c.id),
        ),
    )
    .scalar_subquery()
)
_GIVEN: Final = (
    select(func.coalesce(func.sum(t.refund.c.amount), 0))
    .where(t.refund.c.payment_id == t.payment.c.id, t.refund.c.state.in_([DECIDED, DONE]))
    .scalar_subquery()
)
_NOTED: Final = select(t.money_note.c.about)
_HERE: Final = PLACE.in_(bindparam("departments", expanding=True))
_SURPLUS: Final = (
    select(*_KNOWN, t.payment.c.id, t.payment.c.amount, t.payment.c.settled_at, t.payment.c.created_at)
    .add_columns(_GIVEN.label("given"))
    .select_from(CAME_IN)
    .where(
        _HERE,
        t.payment.c.state.in_(_STAYS),
        t.application.c.state.in_([LAPSED, WITHDRAWN]) | (_FIRST > 0),
        (Kind.SURPLUS.value + ":" + t.payment.c.id).not_in(_NOTED),
    )
    .order_by(t.payment.c.created_at.desc(), t.payment.c.id)
    .limit(SHOWN)
)
_REFUNDS: Final = (
    select(*_KNOWN, t.refund.c.id, t.refund.c.amount, t.refund.c.state, t.refund.c.decided_at, t.refund.c.done_at)
    .select_from(CAME_IN.join(t.refund, t.refund.c.payment_id == t.payment.c.id))
    .where(
        _HERE,
        or_(
            t.refund.c.state == IMPOSSIBLE,
            (t.refund.c.state == DECIDED)
            & ((t.payment.c.provider == PROVIDER) | (t.refund.c.decided_at < bindparam("since"))),
        ),
        (Kind.IMPOSSIBLE.value + ":" + t.refund.c.id).not_in(_NOTED),
    )
    .order_by(t.refund.c.decided_at.desc(), t.refund.c.id)
    .limit(SHOWN)
)
_A: Final = t.audit.c
_LINES: Final = (
    select(*(_A[name] for name in ("at", "actor", "action", "detail")))
    .add_columns(t.application.c.receipt_number, t.application.c.department)
    .select_from(t.audit.outerjoin(t.application, t.application.c.id == _A.target))
    .where(text(t.ODD_MONEY))
    .order_by(_A.seq)
)
_TOLD: Final = {
    "payment.unknown": Kind.UNKNOWN,
    "payment.mismatch": Kind.UNCLEAR,
    "payment.refund_unassigned": Kind.UNASSIGNED,
}
_NOTES: Final = (
    select(t.money_note)
    .where(t.money_note.c.department.in_(bindparam("departments", expanding=True)))
    .order_by(t.money_note.c.noted_at.desc(), t.money_note.c.id)
    .limit(SHOWN)
)


def matters(db: Reading, departments: Collection[str], *, now: datetime) -> list[Matter]:
    """What has to be looked into of these departments' money, and what is of no department, the newest first."""
    asked = {"departments": list(departments), "since": now - PATIENCE}
    found = [_surplus(row) for row in db.all(_SURPLUS, asked)]
    found += [_refund(row) for row in db.all(_REFUNDS, asked)]
    found += _told(db, departments)
    return sorted(found, key=lambda each: (each.at, each.key), reverse=True)[:SHOWN]


def _surplus(row: Any) -> Matter:
    at, left = row.settled_at or row.created_at, row.amount - int(row.given)
    return _ours(row, Kind.SURPLUS, at, left)


def _refund(row: Any) -> Matter:
    if row.state == DECIDED:
        return _ours(row, Kind.WAITING, row.decided_at, 0)
    return _ours(row, Kind.IMPOSSIBLE, row.done_at or row.decided_at, row.amount)


def _ours(row: Any, kind: Kind, at: datetime, left: int) -> Matter:
    key, numbers = f"{kind}:{row.id}", [row.receipt_number]
    return Matter(key, kind, row.way, row.reference, numbers, row.place, row.amount, CURRENCY, 0, left, at)


def _told(db: Reading, departments: Collection[str]) -> list[Matter]:
    """What a provider told of and we have no place for: one a checkout, as it stood when we were told last."""
    found: dict[str, Matter] = {}
    for row in db.all(_LINES):
        detail = json.loads(row.detail)
        matter = _line(row, detail)
        money = detail.get("kind") in (None, EventKind.PAID, EventKind.REFUNDED)  # None: an earlier version's line
        if money and (row.department is None or row.department in departments):
            before = found.get(matter.reference)
            together = before.numbers if before is not None and before.key == matter.key else ()  # of one sum
            found[matter.reference] = replace(matter, numbers=[*together, *matter.numbers])
    noted = {row.about for row in db.all(_NOTED)}
    return [each for each in found.values() if each.key not in noted]


def _line(row: Any, detail: dict[str, Any]) -> Matter:
    kind = _TOLD[row.action]
    return Matter(
        key=f"{kind}:{detail['event']}",
        kind=kind,
        way=row.actor,
        reference=detail["reference"],
        numbers=[row.receipt_number] if row.receipt_number else [],
        department=row.department or "",
        amount=detail["amount"],
        currency=detail["currency"],
        back=detail["refunded"],
        left=0,
        at=row.at,
    )


def note(
    db: Writing,
    keys: Keys,
    departments: Collection[str],
    key: str,
    words: str,
    staff_id: str,
    *,
    now: datetime,
    random: Random,
) -> bool:
    """Write down how a matter was dealt with; it is listed no more. False: it is not (any more) there to be noted."""
    found = next((each for each in matters(db, departments, now=now) if each.key == key and each.closable), None)
    if found is None:
        return False
    note_id = new_id(random)
    data_key, wrapped = keys.new_data_key(note_id)
    known = {"kind": found.kind.value, "way": found.way, "reference": found.reference, "numbers": list(found.numbers)}
    content = known | {"amount": found.amount, "currency": found.currency, "text": words}
    sealed = data_key.seal(json.dumps(content, ensure_ascii=False).encode(), _SEALED)
    row = {"id": note_id, "about": key, "department": found.department, "staff_id": staff_id}
    if not db.insert_new(t.money_note, row | {"wrapped_key": wrapped, "sealed_note": sealed, "noted_at": now}):
        return False
    db.audit("money.dealt", key, actor=f"staff:{staff_id}", detail={"note": note_id, "amount": found.amount})
    return True


def dealt(db: Reading, keys: Keys, departments: Collection[str]) -> list[Dealt]:
    """What was noted of these departments' money and of nobody's, the newest first."""
    rows = db.all(_NOTES, {"departments": ["", *departments]})
    return [_dealt(keys, row) for row in rows]


def _dealt(keys: Keys, row: Any) -> Dealt:
    known = json.loads(keys.open_data_key(row.wrapped_key, row.id).open(row.sealed_note, _SEALED))
    return Dealt(**known | {"kind": Kind(known["kind"]), "staff_id": row.staff_id, "at": row.noted_at})
