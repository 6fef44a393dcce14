"""What becomes of a fee that does not come in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from payments.port import Checkout, EventKind, ProviderUnavailable
from payments.sandbox_gateway import Action, SandboxGateway
from server.applications.history import lapsed, paid
from server.applications.states import OfficeState
from server.money.checkout import LEAST_LIFE, Cashier, hear, reconcile, start_checkout
from server.money.debts import LAPSED, cancel_debt, last_moment
from server.money.overdue import lapse_overdue
from server.money.states import PaymentState, Standing
from server.store import tables as t
from server.store.database import Reading
from tests.conftest import Clock, Maker, Random, Store
from tests.money.cases import DAYS, Counter, cashier, owing, told

BACK = "http://testserver/payments/d1"


class Desk:
    """A resident who owes a fee, and the worker who looks after the deadlines."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.cashier: Cashier = replace(counter.cashier, paid=paid)

    @property
    def provider(self) -> SandboxGateway:
        assert isinstance(self.cashier.gateway, SandboxGateway)
        return self.cashier.gateway

    def go(self) -> Checkout | None:
        return self.counter.store.run(start_checkout(self.cashier, self.counter.debt, BACK))

    def sent_to(self) -> Checkout:
        checkout = self.go()
        assert checkout is not None
        return checkout

    def press(self, checkout: Checkout, action: Action, *, heard: bool = True) -> None:
        sent = self.counter.store.run(self.provider.press(checkout.reference, action))
        assert sent is not None
        if heard:
            self.counter.store.run(hear(self.cashier, sent.body, sent.signature))

    def sweep(self) -> int:
        return self.counter.store.run(lapse_overdue(self.cashier, lapsed))

    @property
    def office_state(self) -> str:
        return self.counter.store.read(self._state)

    def _state(self, db: Reading) -> str:
        return str(db.scalar(select(t.application.c.state).where(t.application.c.id == self.counter.application_id)))

    @property
    def steps(self) -> int:
        mine = t.application_event.c.application_id == self.counter.application_id
        return int(self.counter.store.read(lambda db: db.scalar(select(func.count()).where(mine))))


@pytest.fixture
def desk(store: Store, make: Maker, clock: Clock, random: Random) -> Desk:
    return Desk(owing(store, make, cashier(store, clock, random)))


def test_the_deadline_is_the_end_of_a_day_in_japan(desk: Desk) -> None:
    assert desk.counter.debt.due_at == datetime(2026, 12, 4, 14, 59, 59, tzinfo=UTC)
    assert desk.counter.debt.deadline == desk.counter.debt.due_at
    for now in (datetime(2026, 11, 19, 15, tzinfo=UTC), datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)):
        assert last_moment(now, DAYS) == desk.counter.debt.due_at
    over_the_year = last_moment(datetime(2027, 3, 25, 3, tzinfo=UTC), DAYS)
    assert over_the_year == datetime(2027, 4, 8, 14, 59, 59, tzinfo=UTC)


def test_a_fee_that_does_not_come_ends_the_application(desk: Desk, clock: Clock) -> None:
    clock.now = desk.counter.debt.due_at or clock.now
    assert desk.sweep() == 0
    clock.advance(seconds=1)
    assert desk.sweep() == 1
    assert desk.office_state == OfficeState.EXPIRED.value == LAPSED
    debt = desk.counter.debt
    assert (debt.state, debt.lapsed, debt.payable, debt.deadline) == (PaymentState.CANCELLED, True, False, None)
    assert (desk.counter.lines("payment.lapsed"), desk.steps) == (1, 1)
    assert desk.sweep() == 0
    assert (desk.counter.lines("payment.lapsed"), desk.steps) == (1, 1)


def test_a_fee_that_was_paid_lapses_never(desk: Desk, clock: Clock) -> None:
    desk.press(desk.sent_to(), Action.PAY)
    clock.advance(days=DAYS + 1)
    assert desk.sweep() == 0
    assert desk.office_state == OfficeState.SUBMITTED.value


def test_what_was_paid_in_time_but_never_told_does_not_lapse(desk: Desk, clock: Clock) -> None:
    clock.advance(days=DAYS)
    desk.press(desk.sent_to(), Action.PAY, heard=False)
    clock.advance(days=1)
    assert desk.sweep() == 0
    assert (desk.office_state, desk.counter.debt.state) == (OfficeState.SUBMITTED.value, PaymentState.PAID)


def test_an_open_checkout_is_closed_before_its_debt_lapses(desk: Desk, clock: Clock) -> None:
    clock.now = (desk.counter.debt.due_at or clock.now) - timedelta(minutes=10)
    checkout = desk.sent_to()
    assert checkout.expires_at == clock() + LEAST_LIFE
    clock.advance(minutes=11)
    assert desk.sweep() == 1
    assert desk.counter.store.run(desk.provider.press(checkout.reference, Action.PAY)) is None
    assert desk.office_state == OfficeState.EXPIRED.value


def test_what_was_promised_in_time_waits_for_its_own_day_which_is_never_later(desk: Desk, clock: Clock) -> None:
    clock.now = (desk.counter.debt.due_at or clock.now) - timedelta(hours=5)
    checkout = desk.sent_to()
    desk.press(checkout, Action.LATER)
    assert desk.counter.debt.pay_until == desk.counter.debt.due_at == desk.counter.debt.deadline
    clock.advance(hours=5, seconds=1)
    assert desk.sweep() == 0  # nobody told us yet that the promise was not kept
    desk.counter.store.run(reconcile(desk.cashier))
    assert desk.sweep() == 1
    assert desk.office_state == OfficeState.EXPIRED.value


def test_while_the_provider_is_away_nothing_lapses(desk: Desk, clock: Clock) -> None:
    class Away(SandboxGateway):
        async def expire(self, reference: str) -> None:
            raise ProviderUnavailable

    desk.sent_to()
    here = desk.cashier
    file = desk.counter.store.settings.data_dir / "provider.sqlite3"
    away = Away(file, ["whsec"], clock=clock, random=here.random)
    clock.advance(days=DAYS + 1)
    desk.cashier = replace(here, gateway=away)
    with pytest.raises(ProviderUnavailable):
        desk.sweep()
    assert desk.office_state == OfficeState.PAYMENT_PENDING.value
    desk.cashier = here
    assert desk.sweep() == 1


def test_after_the_deadline_no_way_to_pay_is_opened(desk: Desk, clock: Clock) -> None:
    clock.now = (desk.counter.debt.due_at or clock.now) + timedelta(seconds=1)
    assert desk.go() is None
    assert desk.counter.payments == []


@pytest.mark.parametrize("kind", [EventKind.PAID, EventKind.REFUNDED])
def test_money_that_comes_after_all_goes_to_a_person(desk: Desk, clock: Clock, kind: EventKind) -> None:
    payment = desk.counter.open()
    clock.advance(days=DAYS + 1)
    assert desk.sweep() == 1
    desk.counter.settle(told(payment, kind, refunded=300 if kind is EventKind.REFUNDED else 0))
    assert (desk.counter.lines("payment.surplus"), desk.office_state) == (1, OfficeState.EXPIRED.value)
    debt = desk.counter.debt
    assert debt.lapsed
    assert debt.state in (PaymentState.PAID, PaymentState.PARTLY_REFUNDED)


def test_unclear_money_is_a_persons_and_not_the_clocks(desk: Desk, clock: Clock) -> None:
    desk.counter.settle(told(desk.counter.open(), amount=7100))
    clock.advance(days=DAYS + 1)
    assert desk.sweep() == 0
    assert desk.counter.debt.standing is Standing.UNCLEAR


def test_what_was_withdrawn_does_not_lapse_too(desk: Desk, clock: Clock) -> None:
    counter = desk.counter
    counter.store.transact(lambda db: cancel_debt(db, counter.application_id, actor="resident:r1"))
    clock.advance(days=DAYS + 1)
    assert desk.sweep() == 0
    assert not counter.debt.lapsed


def test_a_debt_without_a_deadline_stands(store: Store, make: Maker, clock: Clock, random: Random) -> None:
    desk = Desk(owing(store, make, cashier(store, clock, random)))
    store.transact(lambda db: db.execute(t.debt.update().values(due_at=None)))
    clock.advance(days=400)
    assert desk.sweep() == 0
    assert desk.counter.debt.deadline is None
    assert desk.sent_to().expires_at > clock()


def test_each_of_many_lapses_by_itself(store: Store, make: Maker, clock: Clock, random: Random) -> None:
    one = cashier(store, clock, random)
    desks = [Desk(owing(store, make, one)) for _ in range(3)]
    desks[1].press(desks[1].sent_to(), Action.PAY)
    clock.advance(days=DAYS + 1)
    assert desks[0].sweep() == 2
    assert [desk.office_state for desk in desks] == ["expired", "submitted", "expired"]
