"""A family at a window: several applications of one visit, each with its fee, and all the ways to pay them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select

from server.counter.till import Owed, owed
from server.money import till
from server.money.account import Attempt, attempts
from server.money.checkout import Cashier, hear
from server.money.debts import Debt, payment_of, raise_debt
from server.money.together import start_together
from server.store import tables as t
from tests.conftest import Maker, Store
from tests.money.cases import fee, note_paid

FEES = (300, 450, 710)


@dataclass
class Family:
    """`debts`: ids in the order of FEES, each with its application."""

    store: Store
    desk: Cashier
    visit: str
    staff: str
    applications: list[str]

    @property
    def owed(self) -> Owed:
        return self.store.read(lambda db: owed(db, self.visit))

    @property
    def debts(self) -> list[Debt]:
        found = self.store.read(lambda db: [payment_of(db, each) for each in self.applications])
        return [each for each in found if each is not None]

    def tries(self, debt_id: str) -> tuple[Attempt, ...]:
        """The payments of a debt."""
        return self.store.read(lambda db: attempts(db, debt_id))

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.debts]

    def times_told(self, which: int) -> int:
        """How often an application was told that its fee came."""
        mine = t.application_event.c.application_id == self.applications[which]
        return int(self.store.read(lambda db: db.scalar(select(func.count()).where(mine))))

    def go(self, *which: int) -> str | None:
        """The reference of the checkout over these, or all."""
        ids = [self.ids[each] for each in which] or self.ids
        checkout = self.store.run(start_together(self.desk, ids, "/pay/x", visit_id=self.visit))
        return checkout.reference if checkout else None

    def pays(self, kind: till.Kind = till.Kind.CASH, *, taken: int = 10_000, expected: int | None = None) -> Any:
        """Money at the till, for what the page said is owed."""
        now = self.owed
        return self.store.transact(
            lambda db: till.take(
                db,
                now.debts,
                now.total if expected is None else expected,
                kind,
                taken,
                visit_id=self.visit,
                department="市民課",
                staff_id=self.staff,
                paid=note_paid,
                now=self.desk.clock(),
                random=self.desk.random,
            )
        )

    def void(self, bundle_id: str) -> Any:
        now = self.desk.clock()
        return self.store.transact(lambda db: till.void(db, bundle_id, actor="staff:x", now=now))

    def press(self, reference: str, action: Any) -> Any:
        """What the payer presses, told at once."""
        gateway: Any = self.desk.gateway
        delivery = self.store.run(gateway.press(reference, action))
        return delivery and self.hears(delivery)

    def hears(self, delivery: Any) -> Any:
        return self.store.run(hear(self.desk, delivery.body, delivery.signature))

    def lines(self, action: str) -> int:
        return int(self.store.read(lambda db: db.scalar(select(func.count()).where(t.audit.c.action == action))))

    def rows(self, table: Any) -> list[Any]:
        return list(self.store.read(lambda db: db.all(select(table))))


def family(store: Store, make: Maker, desk: Cashier, fees: tuple[int, ...] = FEES) -> Family:
    """A visit with a fee of each of these sums."""
    staff = make(t.staff)["id"]
    visit = make(t.visit, staff_id=staff, state="filed", department="市民課")["id"]
    applications = [make(t.application, state="payment_pending", department="市民課")["id"] for _ in fees]
    now, random = desk.clock(), desk.random

    def work(db: Any) -> None:
        for name, (application, sum_) in enumerate(zip(applications, fees, strict=True)):
            db.execute(
                insert(t.visit_application),
                {"visit_id": visit, "name": str(name), "application_id": application},
            )
            raise_debt(db, application, fee(sum_), "submit", random=random, now=now)

    store.transact(work)
    return Family(store, desk, visit, staff, applications)
