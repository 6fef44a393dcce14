"""An application with a fee, and what a provider may say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, insert, select

from payments.port import Event, EventKind
from payments.sandbox_gateway import SandboxGateway
from procedures.fees import Quote, QuoteItem
from server.applications.submission import SEALED
from server.money.checkout import Cashier, open_payment
from server.money.debts import Debt, last_moment, payment_of, raise_debt
from server.money.refunds import Refund
from server.money.settle import Outcome, settle
from server.store import tables as t
from server.store.database import Writing
from server.store.keys import Keys
from tests.conftest import Clock, Maker, Random, Store

NOON = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
FEE = 710
DAYS = 14


def fee(total: int = FEE, timing: str = "submit") -> Quote:
    """A quote of one line."""
    line = QuoteItem("juminhyo", "住民票の写し", total, 1, total, "通")
    return Quote((line,), (), (), total, timing, date(2026, 11, 20))


def note_paid(db: Writing, application_id: str, now: datetime) -> None:
    """Stands for what a paid fee sets off: one row each time it is called, so that twice would show."""
    db.execute(
        insert(t.application_event), {"application_id": application_id, "at": now, "state": "paid", "actor": "test"}
    )


def note_returned(db: Writing, refund: Refund, now: datetime) -> None:
    """The same for what a refund that was made sets off."""
    row = {"application_id": refund.application_id, "at": now, "state": f"returned {refund.amount}", "actor": "test"}
    db.execute(insert(t.application_event), row)


def told(payment_id: str, kind: EventKind = EventKind.PAID, **more: Any) -> Event:
    """An event on a payment of 710 yen; its id is made of what it says, as a provider's is."""
    fields: dict[str, Any] = {"reference": "r1", "amount": FEE, "currency": "JPY", "at": NOON, "refunded": 0} | more
    name = f"{kind}-{fields['reference']}-{fields['amount']}-{fields['currency']}-{fields['refunded']}"
    return Event(**({"id": name, "kind": kind, "payment_id": payment_id} | fields))


@dataclass
class Counter:
    """One resident who owes a fee, and the cashier it is paid to."""

    store: Store
    cashier: Cashier
    application_id: str

    @property
    def debt(self) -> Debt:
        debt = self.store.read(lambda db: payment_of(db, self.application_id))
        assert debt is not None
        return debt

    @property
    def payments(self) -> list[Any]:
        return list(self.store.read(lambda db: db.all(select(t.payment).order_by(t.payment.c.created_at))))

    @property
    def times_paid(self) -> int:
        """How often the application was told that its fee came."""
        mine = t.application_event.c.application_id == self.application_id
        return int(self.store.read(lambda db: db.scalar(select(func.count()).where(mine))))

    def lines(self, action: str) -> int:
        """How many audit lines of an action there are."""
        return int(self.store.read(lambda db: db.scalar(select(func.count()).where(t.audit.c.action == action))))

    def open(self) -> str:
        """The id of the payment that is open."""
        debt, cashier = self.debt, self.cashier
        attempt = self.store.transact(
            lambda db: open_payment(db, debt.id, provider="sandbox", random=cashier.random, now=cashier.clock())
        )
        assert attempt is not None
        return attempt.id

    def settle(self, *events: Event) -> list[Outcome]:
        """Each event in a transaction of its own."""
        return [self._settle(event) for event in events]

    def _settle(self, event: Event) -> Outcome:
        now = self.cashier.clock()
        return self.store.transact(lambda db: settle(db, "sandbox", event, paid=note_paid, now=now))


def cashier(store: Store, clock: Clock, random: Random) -> Cashier:
    """A cashier whose provider keeps its books beside the database."""
    file = store.settings.data_dir / "provider.sqlite3"
    gateway = SandboxGateway(file, ["whsec"], clock=clock, random=random)
    return Cashier(store.database, gateway, note_paid, clock, random)


def owing(store: Store, make: Maker, desk: Cashier, **row: Any) -> Counter:
    """A new application whose fee is due."""
    application = make(t.application, state="payment_pending", **row)["id"]
    now, random = desk.clock(), desk.random
    due = last_moment(now, DAYS)
    store.transact(lambda db: raise_debt(db, application, fee(), "submit", due_at=due, random=random, now=now))
    return Counter(store, desk, application)


def answered(store: Store, keys: Keys, application_id: str) -> None:
    """Give a row that a test made an application's content, so that its resident can be looked for in it."""
    mine = t.application.c.id == application_id

    def work(db: Writing) -> None:
        wrapped = db.scalar(select(t.application.c.wrapped_key).where(mine))
        sealed = keys.open_data_key(wrapped, application_id).seal(b'{"answers": {}}', SEALED)
        db.execute(t.application.update().where(mine).values(sealed_answers=sealed))

    store.transact(work)
